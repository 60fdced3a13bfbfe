//! How many rows an exchange lets itself be asked for.

use super::source::{Node, Reader, Result};

/// `max`, `limits` and `default-limit` of a question.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    /// At most so many.
    max: Option<u32>,
    /// Only these counts, smallest first.
    list: Vec<u32>,
    /// So many when the question names none.
    default: Option<u32>,
}

impl Limits {
    /// Reads them out of a table.
    pub(crate) fn read(table: &mut Reader) -> Result<Self> {
        let count = |node: Option<Node>| node.map(|node| node.count()).transpose();
        let (max, default) = (count(table.optional("max"))?, count(table.optional("default-limit"))?);
        let mut list = match table.optional("limits") {
            Some(node) => node.list()?.iter().map(Node::count).collect::<Result<_>>()?,
            None => Vec::new(),
        };
        list.sort_unstable();
        Ok(Self { max, list, default })
    }

    /// The count to ask for: within `max`, and the nearest of `limits` that is enough.
    pub(crate) fn fit(&self, wanted: Option<usize>) -> Option<i64> {
        let wanted = wanted.map(|wanted| u32::try_from(wanted).unwrap_or(u32::MAX)).or(self.default)?;
        let wanted = self.max.map_or(wanted, |max| wanted.min(max));
        let fitting = self.list.iter().find(|count| **count >= wanted).or(self.list.last());
        Some(i64::from(*fitting.unwrap_or(&wanted)))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("max = 1000", Some(5000), Some(1000))]
    #[case("max = 1000", Some(10), Some(10))]
    #[case("limits = [20, 100]", Some(5), Some(20))]
    #[case("limits = [100, 20]", Some(50), Some(100))]
    #[case("limits = [20, 100]", Some(500), Some(100))]
    #[case("limits = [20, 100]", None, None)]
    #[case("limits = [20, 100]\ndefault-limit = 100", None, Some(100))]
    #[case("", Some(7), Some(7))]
    fn a_count_is_made_one_that_the_exchange_takes(
        #[case] toml: &str,
        #[case] wanted: Option<usize>,
        #[case] asked: Option<i64>,
    ) {
        let mut table = Node::parse("x.toml", toml).expect("TOML").reader().expect("a table");
        assert_eq!(Limits::read(&mut table).expect("limits").fit(wanted), asked);
    }
}
