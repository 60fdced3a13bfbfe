//! Where the rows of an answer are, and the walk over them.

use marketd_core::Error;

use super::context::Asked;
use super::expr::{
    Context, ContextScope, Jaq, Picks, RowStep, Shape, Slots, code_of, each_row, from_val, parse_json, row_steps,
};
use super::source::{Node, Result};

/// Where the rows of an answer are.
#[derive(Debug)]
pub(crate) enum Rows {
    /// `.result[]`, read directly.
    Plain(Vec<RowStep>),
    /// Anything more, evaluated by jaq once per answer.
    Program { program: Jaq, documents: Vec<Option<usize>> },
    /// One list a field; the row is what stands at the same place in all of them.
    Columns(Vec<Column>),
    /// Rows that stand in the definition itself, as JSON.
    Fixed(Vec<String>),
}

/// The list of one field.
#[derive(Debug)]
pub(crate) struct Column {
    /// Where what stands in it goes in a row.
    pub(crate) slot: usize,
    pub(crate) steps: Vec<RowStep>,
}

/// The rows of one answer, still in its bytes where they can be read there.
pub(crate) enum RowsOf<'r, 'a> {
    Plain(&'r [RowStep], &'a str),
    Columns(&'r [Column], &'a str),
    Texts(&'r [String]),
    Made(Vec<String>),
}

impl Rows {
    /// Reads the way to the rows.
    pub(crate) fn read(node: &Node, picks: &mut Picks) -> Result<Self> {
        let code = node.text()?;
        match row_steps(code) {
            Some(steps) => Ok(Self::Plain(steps)),
            None => Self::program(code, picks).map_err(|problem| node.place.error(problem)),
        }
    }

    fn program(code: &str, picks: &mut Picks) -> std::result::Result<Self, String> {
        // `.` is the whole answer here, which is what `$row` and `$doc` mean too.
        let program = Jaq::parse(code, &picks.variables())?;
        let documents = program.variables().iter().map(|name| picks.document(name)).collect();
        Ok(Self::Program { program, documents })
    }

    /// The same for fields that are programs: a row of `to_entries[]` is no text of the answer, so that jaq has to make it.
    pub(crate) fn for_programs(self, picks: &mut Picks) -> Self {
        match &self {
            Self::Plain(steps) if steps.contains(&RowStep::Entries) => {
                Self::program(&code_of(steps), picks).unwrap_or(self)
            }
            _ => self,
        }
    }

    /// The program that they are made by, if they are.
    pub(crate) fn made_by(&self) -> Option<&Jaq> {
        match self {
            Self::Program { program, .. } => Some(program),
            Self::Plain(_) | Self::Columns(_) | Self::Fixed(_) => None,
        }
    }

    /// The way to the rows, where it is plain.
    #[cfg(test)]
    pub(crate) fn plain_code(&self) -> Option<String> {
        match self {
            Self::Plain(steps) => Some(code_of(steps)),
            _ => None,
        }
    }

    /// The rows of an answer: the main one and those beside it.
    ///
    /// # Errors
    /// `BadResponse` when a program fails on the answer.
    pub(crate) fn of<'r, 'a>(&'r self, answers: &[&'a str], asked: &Asked) -> marketd_core::Result<RowsOf<'r, 'a>> {
        let main = answers.first().copied().unwrap_or("null");
        Ok(match self {
            Self::Plain(steps) => RowsOf::Plain(steps, main),
            Self::Columns(columns) => RowsOf::Columns(columns, main),
            Self::Fixed(rows) => RowsOf::Texts(rows),
            Self::Program { program, documents } => RowsOf::Made(make(program, documents, answers, asked)?),
        })
    }
}

/// The rows that a program makes of an answer, as JSON.
fn make(
    program: &Jaq,
    documents: &[Option<usize>],
    answers: &[&str],
    asked: &Asked,
) -> marketd_core::Result<Vec<String>> {
    let parse = |json: &str| parse_json(json).map_err(Error::bad_response);
    let answer = |at: usize| parse(answers.get(at).copied().unwrap_or("null"));
    let input = answer(0)?;
    let variables = program.variables().iter().zip(documents).map(|(name, document)| match document {
        Some(0 | 1) => Ok(input.clone()),
        Some(at) => answer(at - 1),
        None => parse(&asked.json(ContextScope::of(name).unwrap_or(ContextScope::Either))),
    });
    let variables = variables.collect::<marketd_core::Result<_>>()?;
    let form = |problem| Error::bad_response(format!("the answer is not of the expected form: {problem}"));
    let results = program.run(input, variables).map_err(form)?;
    Ok(results.iter().map(|row| from_val(row).to_json().into_owned()).collect())
}

impl RowsOf<'_, '_> {
    /// Hands what `shape` picks out of each row to `take`.
    ///
    /// # Errors
    /// `BadResponse` when the answer is no JSON, or has nothing where rows should be.
    pub(crate) fn each(
        &self,
        shape: &Shape,
        slot_count: usize,
        mut take: impl FnMut(&Slots<'_>),
    ) -> marketd_core::Result<()> {
        match self {
            Self::Plain(steps, json) => match each_row(json, steps, shape, slot_count, take).map_err(unreadable)? {
                true => Ok(()),
                false => Err(nothing_at(steps)),
            },
            Self::Columns(columns, json) => each_of_columns(json, columns, slot_count, take),
            Self::Texts(rows) => rows.iter().try_for_each(|row| each_text(row, shape, slot_count, &mut take)),
            Self::Made(rows) => rows.iter().try_for_each(|row| each_text(row, shape, slot_count, &mut take)),
        }
    }
}

fn each_text<'a>(
    row: &'a str,
    shape: &Shape,
    slot_count: usize,
    take: &mut impl FnMut(&Slots<'a>),
) -> marketd_core::Result<()> {
    let mut slots = vec![None; slot_count];
    shape.pick(row, &mut slots).map_err(unreadable)?;
    take(&slots);
    Ok(())
}

/// Rows of what stands at the same place in every column. A column that is null or not there leaves its field out of every row.
fn each_of_columns<'a>(
    json: &'a str,
    columns: &[Column],
    slot_count: usize,
    mut take: impl FnMut(&Slots<'a>),
) -> marketd_core::Result<()> {
    let mut whole = Shape::default();
    whole.add(&[], &mut 0);
    let mut lists = Vec::with_capacity(columns.len());
    let mut found = false;
    for Column { slot, steps } in columns {
        let mut list = Vec::new();
        found |= each_row(json, steps, &whole, 1, |slots: &Slots<'a>| list.push(slots[0])).map_err(unreadable)?;
        lists.push((*slot, list));
    }
    if !found {
        return Err(columns.first().map_or_else(|| nothing_at(&[]), |column| nothing_at(&column.steps)));
    }
    let length = lists.iter().map(|(_, list)| list.len()).max().unwrap_or(0);
    let mut slots = vec![None; slot_count];
    for at in 0..length {
        for (slot, list) in &lists {
            slots[*slot] = list.get(at).copied().flatten();
        }
        take(&slots);
    }
    Ok(())
}

fn nothing_at(steps: &[RowStep]) -> Error {
    Error::bad_response(format!("the answer has nothing at `{}`", code_of(steps)))
}

/// An answer that is no JSON, or not of the form that a way through it needs.
pub(crate) fn unreadable(error: serde_json::Error) -> Error {
    Error::bad_response(format!("the answer cannot be read: {error}")).with_source(error)
}
