//! Request templates: text with `{expressions}` in it.

use super::expr::{Context, Expr, Scope, Value};

/// Text with expressions in braces, as in `/ohlc/{id}` or `{base | ascii_downcase}_{quote}`.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) pieces: Vec<Piece>,
}

/// A part of a template.
#[derive(Debug)]
pub(crate) enum Piece {
    Text(String),
    Hole(Expr),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].to_owned()));
            }
            let length = hole_length(&rest[open..]).ok_or_else(|| format!("the `{{` in `{rest}` is not closed"))?;
            pieces.push(Piece::Hole(Expr::template(&rest[open + 1..open + length - 1])?));
            rest = &rest[open + length..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { pieces })
    }

    /// The value: of a lone hole its own (a list stays a list), else a text; null when a hole stands for nothing.
    pub(crate) fn fill<'a>(&'a self, context: &'a dyn Context) -> Value<'a> {
        let scope = Scope::of_context(context);
        match self.pieces.as_slice() {
            [Piece::Hole(expr)] => expr.eval(&scope),
            [Piece::Text(text)] => Value::Text(text.into()),
            pieces => {
                let mut all = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => all.push_str(text),
                        Piece::Hole(expr) => match expr.eval(&scope).string() {
                            Some(text) => all.push_str(&text),
                            None => return Value::Null,
                        },
                    }
                }
                Value::text(all)
            }
        }
    }

    /// The expressions in it.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Hole(expr) => Some(expr),
            Piece::Text(_) => None,
        })
    }
}

/// How long the hole at the start of a text is with its braces, which may hold braces and strings of their own.
fn hole_length(text: &str) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' if !in_string => depth += 1,
            b'}' if !in_string => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use marketd_core::Market;
    use rstest::rstest;

    use super::super::context::Asked;
    use super::*;

    #[rstest]
    #[case("{id}", "\"BTC-USD\"")]
    #[case("/x/{base | ascii_downcase}_{quote}", "\"/x/btc_USD\"")]
    #[case("{since | to_s}", "1759968298")]
    #[case("{until}", "null")]
    #[case("a{until}", "null")]
    #[case("{quote | words({\"USD\": \"dollar}\"})}", "\"dollar}\"")]
    #[case("{.base + \"x\"}", "\"BTCx\"")]
    #[case("{if .since then 1 else 2 end}", "1")]
    fn holes_are_filled_from_the_market_and_the_question(#[case] template: &str, #[case] expected: &str) {
        let asked = Asked::about(&Arc::new(Market::spot("BTC-USD", "BTC", "USD"))).with("since", 1_759_968_298_209);
        let template = Template::parse(template).expect("a template");
        assert_eq!(template.fill(&asked).to_json(), expected);
    }

    #[rstest]
    fn a_wrong_template_says_what_is_wrong(
        #[values("{id", "{id | }", "{.id | nope(}", "{def f: f; f}")] template: &str,
    ) {
        assert!(!Template::parse(template).expect_err("refused").is_empty());
    }
}
