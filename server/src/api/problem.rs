//! Every error as HTTP tells it: problem details (RFC 9457).
//!
//! The one place where a [`Code`] becomes a status. [`KINDS`] lists every code there is, with what it means.

use std::time::Duration;

use marketd_core::{Code, Error};
use poem::error::{MethodNotAllowedError, NotFoundError};
use poem::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use poem::http::{HeaderValue, StatusCode};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use serde::Serialize;

/// The media type of every error.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// How long to wait before asking again, where nobody knows better.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(5);

/// A kind of error: its code, its status, and what it means.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct ProblemKind {
    pub(super) code: &'static str,
    pub(super) status: u16,
    pub(super) title: &'static str,
    pub(super) meaning: &'static str,
}

impl ProblemKind {
    const fn new(code: &'static str, status: u16, title: &'static str, meaning: &'static str) -> Self {
        Self { code, status, title, meaning }
    }

    /// The kind of that code.
    pub(super) fn of(code: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.code.eq_ignore_ascii_case(code))
    }
}

const NOT_FOUND: ProblemKind =
    ProblemKind::new("NotFound", 404, "No such route", "Nothing is served at this path. GET /docs shows every route.");
const METHOD_NOT_ALLOWED: ProblemKind = ProblemKind::new(
    "MethodNotAllowed",
    405,
    "Method not allowed",
    "Every route answers GET (and HEAD) alone; the Allow header says so.",
);
const CONTENT_TOO_LARGE: ProblemKind = ProblemKind::new(
    "ContentTooLarge",
    413,
    "Body too large",
    "No route takes a body; a request with a large one is refused before it is read.",
);
const URI_TOO_LONG: ProblemKind =
    ProblemKind::new("UriTooLong", 414, "Path too long", "The path is longer than any exchange and symbol could be.");
const INTERNAL_ERROR: ProblemKind = ProblemKind::new(
    "InternalError",
    500,
    "Error in this server",
    "This server has a bug; its log has more. Other requests are not affected.",
);

/// Every kind of error there is: those of HTTP itself, then those named as ccxt names its error classes.
pub(super) const KINDS: &[ProblemKind] = &[
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    CONTENT_TOO_LARGE,
    URI_TOO_LONG,
    INTERNAL_ERROR,
    ProblemKind::new(
        "BadRequest",
        400,
        "Wrong parameter",
        "A parameter is wrong. The detail says which one, what it was, and what is allowed.",
    ),
    ProblemKind::new(
        "ExchangeNotFound",
        404,
        "No such exchange",
        "There is no exchange of that id here; the suggestions are the nearest ids. GET /exchanges lists all.",
    ),
    ProblemKind::new(
        "BadSymbol",
        404,
        "No such market",
        "The exchange has no such market; the suggestions are the nearest symbols. GET /markets/{exchange} lists all.",
    ),
    ProblemKind::new(
        "RateLimited",
        429,
        "Too many requests",
        "This client asks this server too often; Retry-After says how many seconds to wait.",
    ),
    ProblemKind::new(
        "NotSupported",
        501,
        "Not supported by the exchange",
        "The exchange has no such data. GET /exchanges/{exchange} says what it has.",
    ),
    ProblemKind::new(
        "BadResponse",
        502,
        "Unreadable answer of the exchange",
        "The exchange answered what cannot be read, or an error that fits no other code.",
    ),
    ProblemKind::new(
        "RateLimitExceeded",
        503,
        "Limited by the exchange",
        "The exchange limits this server; Retry-After says how many seconds to wait.",
    ),
    ProblemKind::new(
        "ExchangeNotAvailable",
        503,
        "Exchange not available",
        "The exchange is down or cannot be reached, or its file is broken; Retry-After says when to ask again.",
    ),
    ProblemKind::new(
        "OnMaintenance",
        503,
        "Exchange in maintenance",
        "The exchange is in maintenance; Retry-After says when to ask again.",
    ),
    ProblemKind::new("RequestTimeout", 504, "Exchange too slow", "The exchange did not answer in time."),
];

/// An error on its way to a client.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: &'static ProblemKind,
    error: Error,
}

/// The JSON of a [`Problem`].
#[derive(Serialize)]
struct Details<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    symbol: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    suggestions: &'a [String],
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let kind = ProblemKind::of(error.code().name()).unwrap_or(&INTERNAL_ERROR);
        Self { kind, error }
    }
}

impl Problem {
    fn http(kind: &'static ProblemKind, detail: impl Into<String>) -> Self {
        // The code of the error inside is not shown: the kind's is.
        Self { kind, error: Error::new(Code::BadRequest, detail) }
    }

    /// A path that is too long to be one of ours.
    pub(super) fn uri_too_long(length: usize, allowed: usize) -> Self {
        Self::http(&URI_TOO_LONG, format!("the path has {length} bytes, but must have at most {allowed}"))
    }

    /// A body, where none is read.
    pub(super) fn content_too_large(length: &str, allowed: u64) -> Self {
        Self::http(&CONTENT_TOO_LARGE, format!("the body has {length:.20} bytes, but must have at most {allowed}"))
    }

    /// A panic.
    pub(super) fn internal_error() -> Self {
        Self::http(&INTERNAL_ERROR, "this server failed on this request")
    }

    /// A plain request where a WebSocket is served.
    pub(super) fn no_upgrade() -> Self {
        Error::new(Code::BadRequest, "this is a WebSocket: the request must ask for an upgrade to one").into()
    }

    /// Nothing is served at that path.
    pub(super) fn not_found(path: &str) -> Self {
        Self::http(&NOT_FOUND, format!("there is nothing at `{path:.100}`; GET /docs shows every route"))
    }

    /// The JSON that is sent, over HTTP or as a message of a stream.
    pub(crate) fn to_json(&self) -> String {
        let details = Details {
            r#type: format!("/problems/{}", self.kind.code),
            title: self.kind.title,
            status: self.kind.status,
            detail: self.error.message(),
            code: self.kind.code,
            exchange: self.error.exchange(),
            symbol: self.error.symbol(),
            suggestions: self.error.suggestions(),
        };
        serde_json::to_string(&details).unwrap_or_default()
    }

    /// Whole seconds until asking again makes sense, at least one; only for the statuses that promise the header.
    fn retry_after(&self) -> Option<u64> {
        if !matches!(self.kind.status, 429 | 503) {
            return None;
        }
        let wait = self.error.retry_after().unwrap_or(RETRY_AFTER_DEFAULT);
        Some((wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::builder().status(status).body(self.to_json());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.kind == &METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static(super::edge::METHODS));
        }
        response
    }
}

impl From<Problem> for poem::Error {
    fn from(problem: Problem) -> Self {
        Self::from_response(problem.into_response())
    }
}

impl ApiResponse for Problem {
    fn meta() -> MetaResponses {
        MetaResponses { responses: [400, 404, 429, 500, 501, 502, 503, 504].map(documented).into() }
    }

    fn register(registry: &mut Registry) {
        super::schema::register(registry);
    }
}

/// The error of a route that asks no exchange.
pub(super) struct LocalProblem(Problem);

impl<E: Into<Problem>> From<E> for LocalProblem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl From<LocalProblem> for poem::Error {
    fn from(problem: LocalProblem) -> Self {
        problem.0.into()
    }
}

impl ApiResponse for LocalProblem {
    fn meta() -> MetaResponses {
        MetaResponses { responses: [400, 404, 429, 500].map(documented).into() }
    }

    fn register(registry: &mut Registry) {
        super::schema::register(registry);
    }
}

/// What the document says of one status.
fn documented(status: u16) -> MetaResponse {
    let description = match status {
        400 => "`BadRequest`: a parameter is wrong; the detail says which, what it was, and what is allowed.",
        404 => {
            "`ExchangeNotFound` or `BadSymbol`: there is no such exchange or market, with the nearest as suggestions."
        }
        429 => "`RateLimited`: this client asks too often.",
        501 => "`NotSupported`: the exchange has no such data.",
        502 => "`BadResponse`: the exchange answered what cannot be read.",
        503 => {
            "`RateLimitExceeded`, `ExchangeNotAvailable` or `OnMaintenance`: the exchange limits, is down, or is in maintenance."
        }
        504 => "`RequestTimeout`: the exchange did not answer in time.",
        _ => "`InternalError`: this server has a bug.",
    };
    let retry_after = MetaHeader {
        name: "Retry-After".to_owned(),
        description: Some("How many seconds to wait.".to_owned()),
        required: false,
        deprecated: false,
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("integer"))),
    };
    MetaResponse {
        description,
        status: Some(status),
        status_range: None,
        content: vec![MetaMediaType {
            content_type: PROBLEM_JSON,
            schema: MetaSchemaRef::Reference("Problem".to_owned()),
        }],
        headers: if matches!(status, 429 | 503) { vec![retry_after] } else { Vec::new() },
    }
}

/// Whatever error reaches the edge, as problem details.
pub(super) fn render(error: poem::Error) -> Response {
    if error.is_from_response() {
        return error.into_response();
    }
    let problem = if error.is::<NotFoundError>() {
        Problem::http(&NOT_FOUND, "there is nothing at this path; GET /docs shows every route")
    } else if error.is::<MethodNotAllowedError>() {
        Problem::http(&METHOD_NOT_ALLOWED, format!("this route answers {} alone", super::edge::METHODS))
    } else if error.status().is_client_error() {
        Error::new(Code::BadRequest, error.to_string()).into()
    } else {
        tracing::error!(%error, "a request failed in an unexpected way");
        Problem::internal_error()
    };
    problem.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_core_has_its_kind() {
        for code in Code::ALL {
            assert!(ProblemKind::of(code.name()).is_some_and(|kind| kind.code == code.name()), "{code}");
        }
        assert_eq!(KINDS.len(), Code::ALL.len() + 5);
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds_and_never_0() {
        let wait = |wait| Problem::from(Error::new(Code::RateLimited, "").with_retry_after(wait)).retry_after();
        assert_eq!(wait(Duration::ZERO), Some(1));
        assert_eq!(wait(Duration::from_millis(1_001)), Some(2));
        assert_eq!(Problem::from(Error::new(Code::RequestTimeout, "")).retry_after(), None);
    }
}
