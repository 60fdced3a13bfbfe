//! `[errors]`: where an error stands in an answer, and which of ours each one is.

use std::collections::HashMap;

use marketd_core::{Code, Error, Response};

use super::context::Asked;
use super::expr::{Expr, Picks, Scope};
use super::source::{Content, Node, Place, Result};

/// How much of an answer is searched for a message, and how much of a message is handed on.
const BODY_SEARCHED: usize = 4_096;
const MESSAGE_SHOWN: usize = 160;

/// What a code of an exchange means.
#[derive(Debug)]
enum Meaning {
    Always(Code),
    /// By a part of the message in lower case, the first that fits; an empty part fits every message.
    ByMessage(Vec<(String, Code)>),
}

/// How the errors of an exchange are recognised.
#[derive(Debug, Default)]
pub(crate) struct ErrorRules {
    picks: Option<Picks>,
    code: Option<Expr>,
    message: Option<Expr>,
    /// Codes that stand where errors do but say that all is well.
    ok: Vec<String>,
    codes: HashMap<String, Meaning>,
    /// Parts of messages, in lower case, in the order of the file.
    messages: Vec<(String, Code)>,
    statuses: HashMap<u16, Code>,
}

impl ErrorRules {
    /// Reads the table.
    pub(crate) fn read(node: Option<Node>) -> Result<Self> {
        let Some(node) = node else { return Ok(Self::default()) };
        let mut table = node.reader()?;
        let mut picks = Picks::new([]);
        let mut expr = |node: Option<Node>| {
            node.map(|node| Expr::compile(node.text()?, &mut picks).map_err(|problem| node.place.error(problem)))
                .transpose()
        };
        let (code, message) = (expr(table.optional("code"))?, expr(table.optional("message"))?);
        let ok = match table.any("ok") {
            Some(node) => node.list()?.iter().map(Node::scalar).collect::<Result<_>>()?,
            None => Vec::new(),
        };
        let codes = read_meanings(table.optional("codes"))?;
        let messages = read_codes(table.optional("messages"), |key, _| Ok(key.to_lowercase()))?;
        let statuses = read_codes(table.optional("statuses"), |key, place| {
            key.parse::<u16>()
                .ok()
                .filter(|status| (200..600).contains(status))
                .ok_or_else(|| place.error("is no HTTP status"))
        })?;
        table.finish()?;
        let statuses = statuses.into_iter().collect();
        Ok(Self { picks: Some(picks), code, message, ok, codes, messages, statuses })
    }

    /// Every expression in it.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.code.iter().chain(&self.message)
    }

    /// Whether a response can only be an answer: it is a success, and the exchange puts no errors into those.
    pub(crate) fn trusts(&self, response: &Response) -> bool {
        response.is_success() && self.code.is_none()
    }

    /// Whether an answer is one rather than an error.
    ///
    /// # Errors
    /// The error that the answer says, or that its status means.
    pub(crate) fn check(&self, response: &Response, body: &str) -> marketd_core::Result<()> {
        if self.trusts(response) {
            return Ok(());
        }
        let (code, message) = self.said(response, body)?;
        if response.is_success() && code.is_none() {
            return Ok(());
        }
        let error = Error::new(self.classify(response, body, code.as_deref(), message.as_deref()), {
            let said = message.or(code).unwrap_or_default();
            match said.trim() {
                "" => format!("the exchange answered with status {}", response.status),
                said => format!("the exchange answered with status {}: {said:.MESSAGE_SHOWN$}", response.status),
            }
        });
        Err(match response.retry_after {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        })
    }

    /// The code and the message that an answer says; a code that says all is well is none.
    fn said(&self, response: &Response, body: &str) -> marketd_core::Result<(Option<String>, Option<String>)> {
        let Some(picks) = &self.picks else { return Ok((None, None)) };
        let (shape, count) = picks.shape(0);
        let mut slots = vec![None; count];
        if let Err(error) = shape.pick(body, &mut slots) {
            // Behind a failing status there may be anything: HTML, plain text, nothing.
            return match response.is_success() {
                true => {
                    Err(Error::bad_response("the exchange answered with something that is no JSON").with_source(error))
                }
                false => Ok((None, None)),
            };
        }
        let asked = Asked::nothing();
        let scope = Scope::new(&slots, &[], &asked);
        let text = |expr: &Option<Expr>| expr.as_ref().and_then(|expr| expr.eval(&scope).string());
        let code = text(&self.code).filter(|code| !self.ok.contains(code));
        let message = if code.is_some() || !response.is_success() { text(&self.message) } else { None };
        Ok((code, message))
    }

    fn classify(&self, response: &Response, body: &str, code: Option<&str>, message: Option<&str>) -> Code {
        let end = (0..=BODY_SEARCHED.min(body.len())).rev().find(|at| body.is_char_boundary(*at)).unwrap_or(0);
        let said = || {
            let (code, message) = (code.unwrap_or_default(), message.unwrap_or_default());
            format!("{code} {message} {}", &body[..end]).to_lowercase()
        };
        let first = |parts: &[(String, Code)]| {
            let said = said();
            parts.iter().find(|(part, _)| said.contains(part.as_str())).map(|(_, known)| *known)
        };
        let by_code = match code.and_then(|code| self.codes.get(code)) {
            Some(Meaning::Always(known)) => Some(*known),
            Some(Meaning::ByMessage(parts)) => first(parts),
            None => None,
        };
        if let Some(known) = by_code.or_else(|| first(&self.messages)) {
            return known;
        }
        match response.status {
            status if self.statuses.contains_key(&status) => self.statuses[&status],
            418 | 429 => Code::RateLimitExceeded,
            408 | 504 => Code::RequestTimeout,
            // Blocked, moved or in the way of a proxy: nothing that the question could have avoided.
            403 | 407 | 409 | 410 | 451 | 500.. => Code::ExchangeNotAvailable,
            _ => Code::BadResponse,
        }
    }
}

/// Reads `[errors.codes]`: a code of ours, or a table of them by message.
fn read_meanings(node: Option<Node>) -> Result<HashMap<String, Meaning>> {
    let Some(node) = node else { return Ok(HashMap::new()) };
    let meaning = |(name, node): (String, Node)| {
        let meaning = match node.content {
            Content::Table(_) => Meaning::ByMessage(read_codes(Some(node), |key, _| Ok(key.to_lowercase()))?),
            _ => Meaning::Always(read_code(&node)?),
        };
        Ok((name, meaning))
    };
    node.reader()?.rest().into_iter().map(meaning).collect()
}

fn read_code(node: &Node) -> Result<Code> {
    Code::from_name(node.text()?).ok_or_else(|| {
        let known: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
        node.place.error(format_args!("must be one of {}", known.join(", ")))
    })
}

/// Reads a table of codes of ours by something of theirs.
fn read_codes<K>(node: Option<Node>, key: impl Fn(&str, &Place) -> Result<K>) -> Result<Vec<(K, Code)>> {
    let Some(node) = node else { return Ok(Vec::new()) };
    node.reader()?
        .rest()
        .into_iter()
        .map(|(name, node)| {
            let code = read_code(&node)?;
            Ok((key(&name, &node.place)?, code))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const RULES: &str = r#"
        code = ".code"
        message = ".msg"
        ok = [0, "200000"]
        codes = { -1121 = "BadSymbol", 400100 = "BadRequest", 10001 = { "not supported symbols" = "BadSymbol", "" = "BadRequest" } }
        messages = { "maintenance" = "OnMaintenance" }
        statuses = { 404 = "BadSymbol" }
    "#;

    fn check(status: u16, body: &str) -> Option<Code> {
        let rules = ErrorRules::read(Some(Node::parse("x.toml", RULES).expect("TOML"))).expect("rules");
        let response = Response { status, ..Response::default() };
        rules.check(&response, body).err().map(|error| error.code())
    }

    #[rstest]
    #[case(200, r#"{"code": 0}"#, None)]
    #[case(200, r#"{"code": "200000", "data": 1}"#, None)]
    #[case(200, r#"{"data": 1}"#, None)]
    #[case(200, r#"{"code": -1121}"#, Some(Code::BadSymbol))]
    #[case(200, r#"{"code": 10001, "msg": "Not supported symbols"}"#, Some(Code::BadSymbol))]
    #[case(200, r#"{"code": 10001, "msg": "params error"}"#, Some(Code::BadRequest))]
    #[case(400, r#"{"code": 400100}"#, Some(Code::BadRequest))]
    #[case(200, r#"{"code": 7, "msg": "In Maintenance now"}"#, Some(Code::OnMaintenance))]
    #[case(200, r#"{"code": 7, "msg": "what"}"#, Some(Code::BadResponse))]
    #[case(503, "<html>system maintenance</html>", Some(Code::OnMaintenance))]
    #[case(502, "<html>", Some(Code::ExchangeNotAvailable))]
    #[case(404, "", Some(Code::BadSymbol))]
    #[case(429, "slow down", Some(Code::RateLimitExceeded))]
    #[case(504, "", Some(Code::RequestTimeout))]
    #[case(400, "what", Some(Code::BadResponse))]
    #[case(200, "<html>", Some(Code::BadResponse))]
    fn an_error_is_known_by_code_then_message_then_status(
        #[case] status: u16,
        #[case] body: &str,
        #[case] code: Option<Code>,
    ) {
        assert_eq!(check(status, body), code);
    }

    #[test]
    fn an_unknown_code_of_ours_names_the_known_ones() {
        let node = Node::parse("x.toml", "codes = { 1 = \"Nope\" }").expect("TOML");
        let error = ErrorRules::read(Some(node)).expect_err("refused");
        assert!(error.to_string().starts_with("x.toml:1: codes.1: must be one of BadRequest,"), "{error}");
    }
}
