//! From an answer to rows of values: which rows there are, and where each field stands in them.

use marketd_core::{Decimal, Error};

use super::context::Asked;
use super::expr::{Expr, Jaq, Picks, Scope, Slots, Step, Value, row_steps};
use super::rows::{Column, Rows, unreadable};
use super::source::{Content, Node, Reader, Result};

/// How rows are found in an answer, and fields in a row.
#[derive(Debug)]
pub(crate) struct Mapping {
    rows: Rows,
    picks: Picks,
    fields: Vec<Option<Expr>>,
    /// `keep`: what else is kept of a row, under names of the definition's own.
    keep: Vec<(String, Expr)>,
    /// `where`: rows of which it is not true are none.
    only: Option<Expr>,
    /// The row itself, where there are no fields.
    whole: Option<Expr>,
}

/// What is to be read from an answer.
pub(crate) struct Fields<'f> {
    /// The keys of the fields.
    pub(crate) names: &'f [&'static str],
    /// Those that must be defined.
    pub(crate) required: &'f [&'static str],
    /// The key of the rows, and where they are when it is left out.
    pub(crate) rows: &'static str,
    pub(crate) default_rows: Option<&'static str>,
    /// Whether `where` and `keep` are said of these rows.
    pub(crate) filtered: bool,
}

/// How many rows an answer had, and how many of them were malformed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) kept: usize,
    pub(crate) dropped: usize,
}

impl Tally {
    /// Together with that of another answer to the same question.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { kept: self.kept + other.kept, dropped: self.dropped + other.dropped }
    }

    /// The same, unless there was nothing but malformed rows.
    ///
    /// # Errors
    /// `BadResponse` then: a few malformed rows are dropped, but an answer of nothing else is none.
    pub(crate) fn readable(self) -> marketd_core::Result<Self> {
        if self.kept == 0 && self.dropped > 0 {
            let problem = format!("none of the {} rows of the answer can be read", self.dropped);
            return Err(Error::bad_response(problem));
        }
        Ok(self)
    }
}

/// One row: its fields by their place in [`Fields::names`].
pub(crate) struct Row<'a, 'r> {
    mapping: &'a Mapping,
    scope: Scope<'a, 'r>,
}

impl<'a, 'r> Row<'a, 'r> {
    /// The value of a field.
    pub(crate) fn value(&self, field: usize) -> Value<'a> {
        self.mapping.fields[field].as_ref().map_or(Value::Null, |expr| expr.eval(&self.scope))
    }

    /// The whole row, where no field is read of it.
    pub(crate) fn whole(&self) -> Value<'a> {
        self.mapping.whole.as_ref().map_or(Value::Null, |expr| expr.eval(&self.scope))
    }

    /// The number in a field.
    pub(crate) fn decimal(&self, field: usize) -> Option<Decimal> {
        self.mapping.fields[field].as_ref().and_then(|expr| expr.decimal(&self.scope))
    }

    /// The values of `keep`, by name.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        self.mapping.keep.iter().map(|(name, expr)| (name.as_str(), expr.eval(&self.scope)))
    }

    /// Whether anything that the fields read is there at all, be it null.
    pub(crate) fn is_present(&self) -> bool {
        self.scope.has_row()
    }

    /// The same row, now that it is known which market it is about.
    pub(crate) fn about<'b>(&self, asked: &'b Asked) -> Row<'b, 'r>
    where
        'a: 'b,
    {
        Row { mapping: self.mapping, scope: self.scope.with_context(asked) }
    }
}

impl Mapping {
    /// Reads the rows and fields of a table; `others` names the answers beside the main one.
    pub(crate) fn read(table: &mut Reader, fields: &Fields<'_>, others: &[String]) -> Result<Self> {
        let mut picks = Picks::new(others.iter().map(String::as_str));
        let rows_node = table.optional(fields.rows);
        let mut columns = Vec::new();
        let mut compiled = Vec::with_capacity(fields.names.len());
        for name in fields.names {
            let node = if fields.required.contains(name) { Some(table.required(name)?) } else { table.optional(name) };
            let column = (rows_node.is_none() && fields.default_rows.is_none()).then_some(&mut columns);
            compiled.push(node.map(|node| read_field(&node, &mut picks, column)).transpose()?);
        }
        let only = if fields.filtered { table.optional("where") } else { None };
        let only = only.map(|node| read_field(&node, &mut picks, None)).transpose()?;
        let keep = match table.optional("keep").filter(|_| fields.filtered) {
            Some(node) => node.reader()?.rest(),
            None => Vec::new(),
        };
        let keep = keep.into_iter().map(|(name, node)| Ok((name, read_field(&node, &mut picks, None)?)));
        let keep = keep.collect::<Result<Vec<_>>>()?;
        let whole = fields.names.is_empty().then(|| Expr::compile(".", &mut picks));
        let whole = whole.transpose().map_err(|problem| table.place().error(problem))?;
        let rows = match rows_node {
            Some(node) => Rows::read(&node, &mut picks)?,
            None if !columns.is_empty() => Rows::Columns(columns),
            None => match fields.default_rows {
                Some(code) => Rows::Plain(row_steps(code).unwrap_or_default()),
                None => return Err(table.place().inner(fields.rows).error("is missing")),
            },
        };
        let mut expressions = compiled.iter().flatten().chain(&only).chain(keep.iter().map(|(_, expr)| expr));
        let rows = if expressions.all(Expr::is_plain) { rows } else { rows.for_programs(&mut picks) };
        Ok(Self { rows, picks, fields: compiled, keep, only, whole })
    }

    /// Rows that stand in the definition, as JSON.
    pub(crate) fn with_fixed_rows(mut self, rows: Vec<String>) -> Self {
        self.rows = Rows::Fixed(rows);
        self
    }

    /// Hands each row of an answer to `sink`, which tells whether it could make something of it.
    ///
    /// `answers` are the main answer and those beside it, in the order of their names.
    ///
    /// # Errors
    /// `BadResponse` when the answer is no JSON, or has nothing where rows should be.
    pub(crate) fn each(
        &self,
        answers: &[&str],
        asked: &Asked,
        mut sink: impl FnMut(&Row<'_, '_>) -> bool,
    ) -> marketd_core::Result<Tally> {
        #[cfg(test)]
        super::equality::verify(self, answers, asked);
        let rows = self.rows.of(answers, asked)?;
        let documents = self.pick_documents(answers)?;
        let (shape, count) = self.picks.shape(0);
        let mut tally = Tally::default();
        let take = |slots: &Slots<'_>| {
            let scope = Scope::new(slots, &documents, asked);
            if self.only.as_ref().is_some_and(|only| !only.eval(&scope).is_truthy()) {
                return;
            }
            let kept = sink(&Row { mapping: self, scope });
            tally.kept += usize::from(kept);
            tally.dropped += usize::from(!kept);
        };
        rows.each(shape, count, take)?;
        Ok(tally)
    }

    fn pick_documents<'a>(&self, answers: &[&'a str]) -> marketd_core::Result<Vec<Slots<'a>>> {
        // Most mappings read nothing but rows.
        if (1..=answers.len()).all(|document| self.picks.shape(document).1 == 0) {
            return Ok(Vec::new());
        }
        let pick = |(at, answer): (usize, &&'a str)| {
            let (shape, count) = self.picks.shape(at + 1);
            let mut slots = vec![None; count];
            if count > 0 {
                shape.pick(answer, &mut slots).map_err(unreadable)?;
            }
            Ok(slots)
        };
        answers.iter().enumerate().map(pick).collect()
    }

    /// The way to the rows, where it is plain, and the fields that are.
    #[cfg(test)]
    pub(crate) fn plain_parts(&self) -> Option<(String, Vec<&Expr>)> {
        let (expressions, _) = self.parts();
        Some((self.rows.plain_code()?, expressions.filter(|expr| expr.is_plain()).collect()))
    }

    /// The variables that expressions may use, the documents first.
    #[cfg(test)]
    pub(crate) fn variables(&self) -> Vec<String> {
        self.picks.variables()
    }

    /// What the compiled way reads of an answer: for each row the values of the plain fields.
    #[cfg(test)]
    pub(crate) fn plain_values(&self, answers: &[&str], asked: &Asked) -> marketd_core::Result<Vec<Vec<String>>> {
        let (documents, (shape, count)) = (self.pick_documents(answers)?, self.picks.shape(0));
        let mut all = Vec::new();
        self.rows.of(answers, asked)?.each(shape, count, |slots: &Slots<'_>| {
            let scope = Scope::new(slots, &documents, asked);
            let (expressions, _) = self.parts();
            let plain = expressions.filter(|expr| expr.is_plain());
            all.push(plain.map(|expr| expr.eval(&scope).to_json().into_owned()).collect());
        })?;
        Ok(all)
    }

    /// Every expression in it, and the program of its rows.
    pub(crate) fn parts(&self) -> (impl Iterator<Item = &Expr>, Option<&Jaq>) {
        let expressions = self.fields.iter().flatten().chain(&self.only).chain(self.keep.iter().map(|(_, expr)| expr));
        (expressions, self.rows.made_by())
    }
}

/// Compiles a field. Where there are no rows to stand in, `columns` takes the lists that fields read: `.result.open[] | times(2)`.
fn read_field(node: &Node, picks: &mut Picks, columns: Option<&mut Vec<Column>>) -> Result<Expr> {
    let at = |problem: String| node.place.error(problem);
    let Content::Text(code) = &node.content else {
        // A number or a truth value is itself.
        return Expr::compile(&node.scalar()?, picks).map_err(at);
    };
    if is_word(code) {
        return Expr::compile(&format!("\"{code}\""), picks).map_err(at);
    }
    let Some((columns, end)) = columns.zip(code.find("[]")) else { return Expr::compile(code, picks).map_err(at) };
    let steps =
        row_steps(&code[..end + 2]).ok_or_else(|| at("a column must be a plain path that ends in []".to_owned()))?;
    let index = columns.len();
    // The row is a list of what stands at the same place in every column.
    columns.push(Column { slot: picks.add_to_row(&[Step::Index(index)]), steps });
    Expr::compile(&format!(".[{index}]{}", &code[end + 2..]), picks).map_err(at)
}

/// Whether a text is a word that stands for itself, as in `type = "spot"`, rather than an expression.
fn is_word(code: &str) -> bool {
    code.starts_with(|c: char| c.is_ascii_alphanumeric())
        && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}
