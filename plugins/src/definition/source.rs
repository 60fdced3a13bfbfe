//! Definitions as trees of TOML in which every value knows its file and line, and strict reading of them.

use std::fmt;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The longest text in a definition: expressions are read by recursion, and a stack that overflows ends the process. The longest
/// that is known has 300 bytes.
const LONGEST_TEXT: usize = 1_000;

/// How deep brackets may stand within one another in a text, and signs before one another, for the same reason.
const DEEPEST_TEXT: usize = 32;

/// What is wrong with a definition, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionError {
    /// The file, as it was named when the definition was read.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The key with the tables around it: `candles.rows`.
    pub key: String,
    /// What is wrong and what is allowed.
    pub problem: String,
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, key, problem } = self;
        match key.as_str() {
            "" => write!(f, "{file}:{line}: {problem}"),
            key => write!(f, "{file}:{line}: {key}: {problem}"),
        }
    }
}

impl std::error::Error for DefinitionError {}

pub(crate) type Result<T> = std::result::Result<T, DefinitionError>;

/// Where a value stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    file: Arc<str>,
    line: usize,
    key: Arc<str>,
}

impl Place {
    /// The place of what no file says.
    pub(crate) fn nowhere() -> Self {
        Self { file: "".into(), line: 0, key: "".into() }
    }

    /// An error about the value here.
    pub(crate) fn error(&self, problem: impl fmt::Display) -> DefinitionError {
        DefinitionError {
            file: self.file.to_string(),
            line: self.line,
            key: self.key.to_string(),
            problem: problem.to_string(),
        }
    }

    /// Where a key of the table here stands, when it is missing.
    pub(crate) fn inner(&self, key: &str) -> Self {
        let dotted = if self.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.key) };
        Self { key: dotted.into(), ..self.clone() }
    }
}

/// A TOML value and where it stands. Cheap to clone: a definition is laid over others many times before it is compiled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) content: Content,
    pub(crate) place: Place,
}

/// A TOML value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Text(Arc<str>),
    /// An integer or a float, as it is written.
    Number(Arc<str>),
    Bool(bool),
    List(Vec<Node>),
    Table(Table),
}

/// The entries of a table, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table(Vec<(Arc<str>, Node)>);

impl Node {
    /// Reads a whole file.
    ///
    /// # Errors
    /// Where the TOML is wrong.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self> {
        let file: Arc<str> = file.into();
        let line_at = |offset: usize| 1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count();
        let place = Place { file, line: 1, key: "".into() };
        let table = DeTable::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_at(span.start));
            Place { line, ..place.clone() }.error(error.message())
        })?;
        let mut lines = Lines { text, offset: 0, line: 1 };
        let node = Self { content: Content::Table(read_table(table.into_inner(), &place, &mut lines)), place };
        match node.find(&|text| text.len() > LONGEST_TEXT || nesting(text) > DEEPEST_TEXT) {
            Some(node) => Err(node.place.error(format_args!(
                "must have at most {LONGEST_TEXT} bytes, with at most {DEEPEST_TEXT} brackets or signs within one another"
            ))),
            None => Ok(node),
        }
    }

    fn wants(&self, what: &str) -> DefinitionError {
        self.place.error(format_args!("must be {what}, but is {}", self.content.kind()))
    }

    /// The text here.
    pub(crate) fn text(&self) -> Result<&str> {
        match &self.content {
            Content::Text(text) => Ok(text),
            _ => Err(self.wants("a text")),
        }
    }

    /// The table here, to be read strictly.
    pub(crate) fn reader(self) -> Result<Reader> {
        match self.content {
            Content::Table(table) => Ok(Reader { table, place: self.place, known: Vec::new() }),
            _ => Err(self.wants("a table")),
        }
    }

    /// The list here.
    pub(crate) fn list(self) -> Result<Vec<Self>> {
        match self.content {
            Content::List(list) => Ok(list),
            _ => Err(self.wants("a list")),
        }
    }

    /// The truth value here.
    pub(crate) fn truth(&self) -> Result<bool> {
        match self.content {
            Content::Bool(truth) => Ok(truth),
            _ => Err(self.wants("true or false")),
        }
    }

    /// The whole number here, at least 1.
    pub(crate) fn count(&self) -> Result<u32> {
        match &self.content {
            Content::Number(text) => text.parse().ok().filter(|count| *count > 0),
            _ => None,
        }
        .ok_or_else(|| self.wants("a whole number from 1"))
    }

    /// The text, number or truth value here, as it is written.
    pub(crate) fn scalar(&self) -> Result<String> {
        match &self.content {
            Content::Text(text) | Content::Number(text) => Ok(text.to_string()),
            Content::Bool(truth) => Ok(truth.to_string()),
            _ => Err(self.wants("a text or a number")),
        }
    }

    /// Whether the value says that there is nothing: `false` or an empty text, with which a child takes away what it inherits.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(&self.content, Content::Bool(false)) || matches!(&self.content, Content::Text(text) if text.is_empty())
    }

    /// The first text that is wanted.
    pub(crate) fn find(&self, wanted: &dyn Fn(&str) -> bool) -> Option<&Self> {
        match &self.content {
            Content::Text(text) => wanted(text).then_some(self),
            Content::List(list) => list.iter().find_map(|node| node.find(wanted)),
            Content::Table(table) => table.0.iter().find_map(|(_, node)| node.find(wanted)),
            Content::Number(_) | Content::Bool(_) => None,
        }
    }

    /// The value as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.content {
            Content::Text(text) => text.as_ref().into(),
            Content::Number(text) => serde_json::from_str(text).unwrap_or_default(),
            Content::Bool(truth) => (*truth).into(),
            Content::List(list) => list.iter().map(Self::to_json).collect(),
            Content::Table(table) => table.0.iter().map(|(key, node)| (key.to_string(), node.to_json())).collect(),
        }
    }
}

impl Content {
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Bool(_) => "a truth value",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl Table {
    /// Lays another table over this one: its values replace those here, its tables are laid over the tables here, and its
    /// `false` takes a table away.
    pub(crate) fn overlay(&mut self, over: Self) {
        for (key, node) in over.0 {
            let Some(at) = self.0.iter().position(|(known, _)| *known == key) else {
                self.0.push((key, node));
                continue;
            };
            match (&mut self.0[at].1.content, node.content) {
                (Content::Table(_), Content::Bool(false)) => drop(self.0.remove(at)),
                // A weight by counts is one value.
                (Content::Table(inner), Content::Table(table)) if &*key != "weight" => inner.overlay(table),
                (_, content) => self.0[at].1 = Node { content, place: node.place },
            }
        }
    }

    /// Takes out an entry.
    pub(crate) fn take(&mut self, key: &str) -> Option<Node> {
        let at = self.0.iter().position(|(known, _)| **known == *key)?;
        Some(self.0.remove(at).1)
    }

    /// An entry.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.0.iter().find(|(known, _)| **known == *key).map(|(_, node)| node)
    }

    /// Takes out every entry that `wanted` picks.
    pub(crate) fn split(&mut self, wanted: impl Fn(&str, &Node) -> bool) -> Self {
        let (taken, kept) = std::mem::take(&mut self.0).into_iter().partition(|(key, node)| wanted(key, node));
        self.0 = kept;
        Self(taken)
    }

    /// The entries, in the order of the file.
    pub(crate) fn into_entries(self) -> Vec<(String, Node)> {
        self.0.into_iter().map(|(key, node)| (key.to_string(), node)).collect()
    }
}

/// How deep the brackets and signs of an expression stand within one another, at most.
fn nesting(text: &str) -> usize {
    let (mut open, mut signs, mut deepest) = (0_usize, 0, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        match byte {
            b'-' => signs += 1,
            white if white.is_ascii_whitespace() => {}
            _ => signs = 0,
        }
        deepest = deepest.max(open + signs);
    }
    deepest
}

/// Reads a table key by key and refuses what nobody asked for.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    table: Table,
    place: Place,
    known: Vec<&'static str>,
}

impl Reader {
    /// Reads a table that stands at `place`.
    pub(crate) fn new(table: Table, place: Place) -> Self {
        Self { table, place, known: Vec::new() }
    }

    /// Where the table stands.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Whether a key has a value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|node| !node.is_nothing())
    }

    /// The value of a key that may be left out; nothing (`false`, `""`) counts as left out.
    pub(crate) fn optional(&mut self, key: &'static str) -> Option<Node> {
        self.any(key).filter(|node| !node.is_nothing())
    }

    /// The value of a key that may be left out, also when it is `false` or `""`.
    pub(crate) fn any(&mut self, key: &'static str) -> Option<Node> {
        self.known.push(key);
        self.table.take(key)
    }

    /// The value of a key that must be there.
    pub(crate) fn required(&mut self, key: &'static str) -> Result<Node> {
        self.optional(key).ok_or_else(|| self.place.inner(key).error("is missing"))
    }

    /// Everything that is left, for tables whose keys are the author's own.
    pub(crate) fn rest(self) -> Vec<(String, Node)> {
        self.table.into_entries()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// The first key that nobody asked for, with the known ones.
    pub(crate) fn finish(mut self) -> Result<()> {
        match self.table.0.first() {
            None => Ok(()),
            Some((_, node)) => {
                self.known.sort_unstable();
                self.known.dedup();
                Err(node.place.error(format_args!("unknown key; known here are {}", self.known.join(", "))))
            }
        }
    }
}

/// Turns offsets into lines; offsets mostly grow, so it goes on from the last one.
struct Lines<'t> {
    text: &'t str,
    offset: usize,
    line: usize,
}

impl Lines<'_> {
    fn at(&mut self, offset: usize) -> usize {
        if offset < self.offset {
            (self.offset, self.line) = (0, 1);
        }
        let between = self.text.as_bytes().get(self.offset..offset).unwrap_or_default();
        self.line += between.iter().filter(|byte| **byte == b'\n').count();
        self.offset = offset;
        self.line
    }
}

fn read_table(table: DeTable<'_>, place: &Place, lines: &mut Lines<'_>) -> Table {
    let entries = table.into_iter().map(|(key, value)| {
        let at = Place { line: lines.at(key.span().start), ..place.inner(key.get_ref()) };
        let node = read_value(value, at, lines);
        (key.get_ref().as_ref().into(), node)
    });
    Table(entries.collect())
}

fn read_value(value: Spanned<DeValue<'_>>, place: Place, lines: &mut Lines<'_>) -> Node {
    let content = match value.into_inner() {
        DeValue::String(text) => Content::Text(text.as_ref().into()),
        DeValue::Integer(number) => Content::Number(number.as_str().replace('_', "").into()),
        DeValue::Float(number) => Content::Number(number.as_str().replace('_', "").into()),
        DeValue::Boolean(truth) => Content::Bool(truth),
        DeValue::Datetime(moment) => Content::Text(moment.to_string().into()),
        DeValue::Array(list) => {
            let nodes = list.into_iter().map(|item| {
                let at = Place { line: lines.at(item.span().start), ..place.clone() };
                read_value(item, at, lines)
            });
            Content::List(nodes.collect())
        }
        DeValue::Table(table) => Content::Table(read_table(table, &place, lines)),
    };
    Node { content, place }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        match Node::parse("x.toml", text).expect("TOML").content {
            Content::Table(table) => table,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_key_that_nobody_asked_for_is_named_with_its_line_and_the_known_ones() {
        let node = Node::parse("x.toml", "id = \"x\"\n\n[ticker]\nget = \"/t\"\nlsat = \".l\"\n").expect("TOML");
        let mut reader = node.reader().expect("a table");
        let _ = reader.required("id");
        let mut ticker = reader.required("ticker").expect("there").reader().expect("a table");
        let _ = ticker.required("get");
        let error = ticker.finish().expect_err("unknown");
        assert_eq!(error.to_string(), "x.toml:5: ticker.lsat: unknown key; known here are get");
    }

    #[test]
    fn wrong_toml_names_its_line() {
        let error = Node::parse("x.toml", "a = 1\nb = = 2\n").expect_err("wrong");
        assert_eq!((error.line, error.file.as_str()), (2, "x.toml"));
    }

    #[test]
    fn a_missing_key_is_named_with_its_table() {
        let mut reader = Node::parse("x.toml", "").expect("TOML").reader().expect("a table");
        assert_eq!(reader.required("id").expect_err("missing").to_string(), "x.toml:1: id: is missing");
    }

    #[test]
    fn a_child_replaces_adds_and_takes_away() {
        let mut parent = table("a = 1\n[t]\nx = 1\ny = 2\n[gone]\nz = 1\n");
        parent.overlay(table("b = 2\ngone = false\n[t]\ny = 3\n"));
        assert!(parent.get("gone").is_none());
        let json = Node { content: Content::Table(parent), place: table_place() }.to_json();
        assert_eq!(json, serde_json::json!({"a": 1, "b": 2, "t": {"x": 1, "y": 3}}));
    }

    fn table_place() -> Place {
        Place { file: "x".into(), line: 1, key: "".into() }
    }
}
