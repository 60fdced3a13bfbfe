//! The part of jq's syntax that is compiled: plain paths, `//`, comparisons, literals, and pipes into functions.
//!
//! Whatever else stands in a definition is valid jq too, and left to jaq.

use super::functions::{Function, function};
use super::path::Step;
use super::value::Value;

/// A compiled expression's form before it is known what is to be picked out of which answer.
#[derive(Debug)]
pub(crate) enum Ast {
    /// A path into the row (`base` is `None`), or into a variable.
    Path {
        base: Option<String>,
        steps: Vec<Step>,
    },
    Literal(Value<'static>),
    /// `a // b`
    Alternative(Box<Ast>, Box<Ast>),
    /// `a == b`, `a < b` and so on.
    Compare {
        left: Box<Ast>,
        right: Box<Ast>,
        relation: Relation,
    },
    /// A path into a value that is none of the answer's: `find("type"; "PRICE") | .tickSize`.
    Inside {
        input: Box<Ast>,
        steps: Vec<Step>,
    },
    And(Box<Ast>, Box<Ast>),
    Or(Box<Ast>, Box<Ast>),
    Call {
        function: &'static Function,
        input: Box<Ast>,
        args: Vec<Ast>,
    },
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    /// As they are written; a longer one stands before its beginning.
    const SPELLINGS: [(&str, Self); 6] = [
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<=", Self::LessOrEqual),
        ("<", Self::Less),
        (">=", Self::GreaterOrEqual),
        (">", Self::Greater),
    ];
}

/// Reads an expression; `None` where it goes beyond the compiled part of jq.
///
/// With `names`, as in request templates, a bare word is a variable: `{base | ascii_downcase}`.
pub(crate) fn parse(code: &str, names: bool) -> Option<Ast> {
    let mut parser = Parser { rest: code.trim(), names };
    let ast = parser.pipe()?;
    parser.rest.is_empty().then_some(ast)
}

struct Parser<'c> {
    rest: &'c str,
    names: bool,
}

impl<'c> Parser<'c> {
    fn pipe(&mut self) -> Option<Ast> {
        let mut input = self.alternative()?;
        while self.take_operator("|") {
            input = self.stage(input)?;
        }
        Some(input)
    }

    /// What stands behind a `|`: a path into a path, a function, or a comparison of what came in.
    fn stage(&mut self, input: Ast) -> Option<Ast> {
        if self.rest.starts_with('.') {
            let further = self.steps()?;
            return Some(match input {
                Ast::Path { base, mut steps } if !(self.names && base.is_some()) => {
                    steps.extend(further);
                    Ast::Path { base, steps }
                }
                input => Ast::Inside { input: Box::new(input), steps: further },
            });
        }
        let name = self.word()?;
        self.call(name, input)
    }

    fn call(&mut self, name: &str, input: Ast) -> Option<Ast> {
        let mut args = Vec::new();
        if self.take("(") {
            loop {
                // jq evaluates arguments on the function's input, which is not the row any more: only what does not
                // depend on it is compiled.
                let arg = self.alternative()?;
                if !matches!(arg, Ast::Literal(_) | Ast::Path { base: Some(_), .. }) {
                    return None;
                }
                args.push(arg);
                if self.take(")") {
                    break;
                }
                if !self.take(";") {
                    return None;
                }
            }
        }
        Some(Ast::Call { function: function(name, args.len())?, input: Box::new(input), args })
    }

    fn alternative(&mut self) -> Option<Ast> {
        let left = self.or()?;
        if self.take_operator("//") {
            return Some(Ast::Alternative(Box::new(left), Box::new(self.alternative()?)));
        }
        Some(left)
    }

    fn or(&mut self) -> Option<Ast> {
        let mut left = self.and()?;
        while self.take_word("or") {
            left = Ast::Or(Box::new(left), Box::new(self.and()?));
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Ast> {
        let mut left = self.comparison()?;
        while self.take_word("and") {
            left = Ast::And(Box::new(left), Box::new(self.comparison()?));
        }
        Some(left)
    }

    fn comparison(&mut self) -> Option<Ast> {
        let left = self.primary()?;
        let Some((_, relation)) = Relation::SPELLINGS.into_iter().find(|(spelling, _)| self.take(spelling)) else {
            return Some(left);
        };
        Some(Ast::Compare { left: Box::new(left), right: Box::new(self.primary()?), relation })
    }

    fn primary(&mut self) -> Option<Ast> {
        let first = self.rest.bytes().next()?;
        match first {
            b'.' => Some(Ast::Path { base: None, steps: self.steps()? }),
            b'$' => {
                self.rest = &self.rest[1..];
                let name = self.word()?.to_owned();
                let steps = if self.rest.starts_with(['.', '[']) { self.steps()? } else { Vec::new() };
                Some(Ast::Path { base: Some(name), steps })
            }
            b'"' | b'-' | b'0'..=b'9' | b'{' => Some(Ast::Literal(self.literal()?)),
            b'(' => {
                self.take("(");
                let inner = self.pipe()?;
                self.take(")").then_some(inner)
            }
            _ => {
                let word = self.word()?;
                match word {
                    "null" => Some(Ast::Literal(Value::Null)),
                    "true" => Some(Ast::Literal(Value::Bool(true))),
                    "false" => Some(Ast::Literal(Value::Bool(false))),
                    name if self.names => {
                        let variable = Ast::Path { base: Some(name.to_owned()), steps: Vec::new() };
                        if !self.rest.starts_with(['.', '[']) {
                            return Some(variable);
                        }
                        Some(Ast::Inside { input: Box::new(variable), steps: self.steps()? })
                    }
                    _ => None,
                }
            }
        }
    }

    /// `.a.b[0]`, `.["a b"]`, or `.` alone.
    fn steps(&mut self) -> Option<Vec<Step>> {
        let mut steps = Vec::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix('.') {
                self.rest = rest;
                if rest.starts_with('"') {
                    let Value::Text(name) = self.literal()? else { return None };
                    steps.push(Step::Key(name.into()));
                } else if rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                    steps.push(Step::Key(self.name().into()));
                } else if !rest.starts_with('[') {
                    // `.` alone is the input itself; behind another step it is no jq.
                    return steps.is_empty().then(|| {
                        self.skip_space();
                        steps
                    });
                }
            } else if let Some(rest) = self.rest.strip_prefix('[') {
                self.rest = rest;
                self.skip_space();
                match self.literal()? {
                    Value::Text(name) => steps.push(Step::Key(name.into())),
                    Value::Number(index) => steps.push(Step::Index(index.parse().ok()?)),
                    _ => return None,
                }
                if !self.rest.starts_with(']') {
                    return None;
                }
                self.rest = &self.rest[1..];
            } else if self.rest.starts_with('?') {
                // A compiled path never fails, so there is nothing to suppress.
                self.rest = &self.rest[1..];
            } else {
                self.skip_space();
                return Some(steps);
            }
        }
    }

    /// A string without interpolation, a number, or an object of those.
    fn literal(&mut self) -> Option<Value<'static>> {
        if !self.rest.starts_with(['"', '{']) {
            let end = self
                .rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-')))
                .unwrap_or(self.rest.len());
            let (number, rest) = self.rest.split_at(end);
            self.rest = rest.trim_start();
            return marketd_core::Decimal::parse(number).map(|number| Value::from(Some(number)));
        }
        let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<&serde_json::value::RawValue>();
        let raw = stream.next()?.ok()?;
        let end = stream.byte_offset();
        // `"\(.a)"` is no JSON, so interpolation does not come this far.
        let value = Value::from_json(raw.get()).into_owned();
        self.rest = self.rest[end..].trim_start();
        Some(value)
    }

    /// A name with no space skipped behind it.
    fn name(&mut self) -> &'c str {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name
    }

    fn word(&mut self) -> Option<&'c str> {
        let starts = self.rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        starts.then(|| {
            let name = self.name();
            if !self.rest.starts_with(['.', '[']) {
                self.skip_space();
            }
            name
        })
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest.strip_prefix(text);
        if let Some(rest) = found {
            self.rest = rest.trim_start();
        }
        found.is_some()
    }

    /// Takes `|` but not `||` or `|=`, and `//` but not `//=`.
    fn take_operator(&mut self, operator: &str) -> bool {
        let behind = self.rest.strip_prefix(operator);
        behind.is_some_and(|rest| !rest.starts_with(['=', '|'])) && self.take(operator)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let behind = self.rest.strip_prefix(word);
        behind.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')) && self.take(word)
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    fn plain_expressions_are_compiled(
        #[values(
            ".",
            ".a",
            ".a.b[0].c",
            ".[3]",
            ".[\"a b\"]",
            ".\"a b\".c",
            ".a // .b",
            ".a | from_s",
            ".a | .b | times(100)",
            "$market.base",
            "(.a // .b) | over($row.c)",
            ".s == \"x\" and .t != 1",
            ".a | words({\"1\": \"buy\"})",
            ".a?",
            "\"USDT\"",
            ".a == true or .b",
            ".a < 1",
            ".a | find(\"k\"; \"x\") | .v",
            ".a | part(\"-\"; -1)",
            ".a.b|not"
        )]
        code: &str,
    ) {
        assert!(parse(code, false).is_some(), "{code}");
    }

    #[rstest]
    fn what_goes_beyond_is_left_to_jaq(
        #[values(
            ".a[]",
            ".a + 1",
            "if .a then 1 else 2 end",
            ".a | map(.b)",
            ".a[-1]",
            ".a | times(.b)",
            "[.a]",
            "\"\\(.a)\"",
            ".a, .b",
            "base",
            ".a |= 1",
            ".a | select(.b)",
            ".a as $x | $x",
            "",
            ".a b",
            "..",
            ".a."
        )]
        code: &str,
    ) {
        assert!(parse(code, false).is_none(), "{code}");
    }

    #[test]
    fn bare_words_are_variables_in_templates() {
        let Some(Ast::Call { input, .. }) = parse("base | ascii_downcase", true) else { panic!("parses") };
        assert!(matches!(*input, Ast::Path { base: Some(ref name), .. } if name == "base"));
    }
}
