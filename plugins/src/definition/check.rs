//! The whole of a definition at once: every jq program in it, which reading leaves until one is needed.

use super::expr::Expr;
use super::mapping::Mapping;
use super::question::Question;
use super::source::{Node, Result};
use super::{Definition, whole};

/// What is done with each expression and whether it compiles.
type Report<'r> = &'r mut dyn FnMut(&str, std::result::Result<(), String>);

/// Goes through every expression and program of a definition.
pub(crate) struct Check<'r> {
    report: Report<'r>,
}

impl Definition {
    /// Reads a definition as [`Definition::parse`] does, and compiles every program in it.
    ///
    /// # Errors
    /// The first thing that is wrong, with file, line and key.
    pub fn parse_whole(file: &str, text: &str, text_of: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let node = whole(Node::parse(file, text)?, text_of, 0)?;
        let definition = Self::read(node.clone().reader()?)?;
        match definition.first_wrong() {
            None => Ok(definition),
            Some((code, problem)) => {
                let place = node.find(&|text| text.contains(&code)).unwrap_or(&node).place.clone();
                Err(place.error(format_args!("`{code}`: {problem}")))
            }
        }
    }

    /// The first program that does not compile, and why.
    fn first_wrong(&self) -> Option<(String, String)> {
        let mut wrong = None;
        self.visit(&mut |code, outcome| {
            if let (None, Err(problem)) = (&wrong, outcome) {
                wrong = Some((code.to_owned(), problem));
            }
        });
        wrong
    }

    fn visit(&self, report: Report<'_>) {
        let mut check = Check { report };
        self.errors.expressions().for_each(|expr| check.expr(expr));
        self.markets.iter().for_each(|list| list.check(&mut check));
        self.ticker.iter().chain(self.tickers.iter()).for_each(|question| question.check(&mut check));
        self.candles.iter().for_each(|question| question.check(&mut check));
        self.order_book.iter().for_each(|question| question.check(&mut check));
        self.trades.iter().for_each(|question| question.check(&mut check));
    }
}

impl Check<'_> {
    fn expr(&mut self, expr: &Expr) {
        (self.report)(expr.code(), expr.check());
    }

    pub(super) fn question(&mut self, question: &Question) {
        question.expressions().into_iter().for_each(|expr| self.expr(expr));
    }

    pub(super) fn mapping(&mut self, mapping: &Mapping) {
        let (expressions, program) = mapping.parts();
        expressions.for_each(|expr| self.expr(expr));
        if let Some(program) = program {
            (self.report)(program.code(), program.check());
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A definition whose ticker is this.
    fn with_ticker(ticker: &str) -> Result<Definition> {
        let text = format!(
            r#"
id = "x"
name = "X"
doc = "https://x.test"
base-url = "https://x.test"
markets = {{ get = "/m", rows = ".[]", id = ".i", base = ".b", quote = ".q", type = "spot" }}
[ticker]
{ticker}
"#
        );
        Definition::parse_whole("x.toml", &text, &|_| None)
    }

    #[test]
    fn a_question_without_a_request_is_a_mistake_unless_it_says_so() {
        let error = with_ticker("gte = \"/t\"\nlast = \".last\"").expect_err("refused");
        assert_eq!(error.to_string(), "x.toml:7: ticker.get: is missing");
        with_ticker("get = false\nlast = \".last\"").expect("asks nothing");
        with_ticker("last = \".last\"\n[ticker.swap]\nget = \"/t\"").expect("asks for some");
    }

    #[rstest]
    #[case(r#"last = ".a | nonsense(1)""#, "x.toml:9: ticker.last: `.a | nonsense(1)`: ")]
    #[case(r#"rows = "[.a[] | nonsense]""#, "x.toml:9: ticker.rows: `[.a[] | nonsense]`: ")]
    #[case("post = \"/t\"\nbody = { a = [\"{id | nonsense}\"] }", "x.toml:10: ticker.body.a: `id | nonsense`: ")]
    fn a_program_that_does_not_compile_is_named_with_its_place(#[case] line: &str, #[case] says: &str) {
        let get = if line.contains("post") { "" } else { r#"get = "/t""# };
        let error = with_ticker(&format!("{get}\n{line}")).expect_err("refused").to_string();
        assert!(error.starts_with(says), "{error}");
    }

    #[rstest]
    fn an_expression_of_any_shape_is_read_or_refused_on_the_stack_of_a_thread(
        #[values("(", "[", "{a:", ".[", "-", "if 1 then ", "\\\"\\\\(", ".a", "|not", "//.a", "def a:")] piece: &str,
        #[values(990, 1_000_000)] length: usize,
    ) {
        let code = piece.repeat(length / piece.len());
        // What matters is that it comes back.
        let _ = with_ticker(&format!("get = \"/t\"\nlast = \".a{code}\""));
        let _ = with_ticker(&format!("get = \"/t\"\nlast = \"{code}\""));
    }
}
