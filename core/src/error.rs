//! The one error of the whole server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The result of anything that can fail on the way to an exchange and back.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, named as ccxt names its error classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Code {
    /// A parameter is wrong.
    BadRequest,
    /// There is no such exchange here.
    ExchangeNotFound,
    /// The exchange has no such market.
    BadSymbol,
    /// This client asks this server too often.
    RateLimited,
    /// The exchange has no such data, or wants a key for it that is not configured.
    NotSupported,
    /// The exchange answered what cannot be read, or an error that fits nothing else.
    BadResponse,
    /// The exchange limits us.
    RateLimitExceeded,
    /// The exchange is down or cannot be reached.
    ExchangeNotAvailable,
    /// The exchange is in maintenance.
    OnMaintenance,
    /// The exchange did not answer in time.
    RequestTimeout,
}

impl Code {
    /// Every code, in the order of the contract.
    pub const ALL: [Self; 10] = [
        Self::BadRequest,
        Self::ExchangeNotFound,
        Self::BadSymbol,
        Self::RateLimited,
        Self::NotSupported,
        Self::BadResponse,
        Self::RateLimitExceeded,
        Self::ExchangeNotAvailable,
        Self::OnMaintenance,
        Self::RequestTimeout,
    ];

    /// The name, as it stands in answers and definitions.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "BadRequest",
            Self::ExchangeNotFound => "ExchangeNotFound",
            Self::BadSymbol => "BadSymbol",
            Self::RateLimited => "RateLimited",
            Self::NotSupported => "NotSupported",
            Self::BadResponse => "BadResponse",
            Self::RateLimitExceeded => "RateLimitExceeded",
            Self::ExchangeNotAvailable => "ExchangeNotAvailable",
            Self::OnMaintenance => "OnMaintenance",
            Self::RequestTimeout => "RequestTimeout",
        }
    }

    /// The code of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }

    /// The HTTP status that tells it.
    pub fn http_status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::ExchangeNotFound | Self::BadSymbol => 404,
            Self::RateLimited => 429,
            Self::NotSupported => 501,
            Self::BadResponse => 502,
            Self::RateLimitExceeded | Self::ExchangeNotAvailable | Self::OnMaintenance => 503,
            Self::RequestTimeout => 504,
        }
    }

    /// Whether the exchange failed rather than the question: an older answer may be served instead.
    pub fn is_exchange_failure(self) -> bool {
        matches!(
            self,
            Self::BadResponse
                | Self::RateLimitExceeded
                | Self::ExchangeNotAvailable
                | Self::OnMaintenance
                | Self::RequestTimeout
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error with its code, what happened in a sentence, and what is known of where.
///
/// Cheap to clone: everyone who waits for the same answer gets the same error.
#[derive(Clone, Debug)]
pub struct Error(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    message: String,
    exchange: Option<String>,
    symbol: Option<String>,
    retry_after: Option<Duration>,
    suggestions: Vec<String>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of that code, with a sentence for whoever reads it.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            code,
            message: message.into(),
            exchange: None,
            symbol: None,
            retry_after: None,
            suggestions: Vec::new(),
            source: None,
        }))
    }

    /// A wrong parameter: which one, what it was (cut to 60 characters), and what is allowed.
    pub fn bad_parameter(name: &str, value: &str, allowed: impl fmt::Display) -> Self {
        Self::new(Code::BadRequest, format!("{name} is `{value:.60}`, but must be {allowed}"))
    }

    /// The exchange has no such data.
    pub fn not_supported(exchange: &str, what: impl fmt::Display) -> Self {
        Self::new(Code::NotSupported, format!("{exchange} has no {what}")).with_exchange(exchange)
    }

    /// An answer that cannot be read.
    pub fn bad_response(message: impl Into<String>) -> Self {
        Self::new(Code::BadResponse, message)
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Names the exchange, unless one is named already.
    pub fn with_exchange(self, exchange: &str) -> Self {
        self.with(|inner| {
            inner.exchange.get_or_insert_with(|| exchange.to_owned());
        })
    }

    /// Names the symbol, unless one is named already.
    pub fn with_symbol(self, symbol: &str) -> Self {
        self.with(|inner| {
            inner.symbol.get_or_insert_with(|| symbol.to_owned());
        })
    }

    /// Says when asking again makes sense.
    pub fn with_retry_after(self, wait: Duration) -> Self {
        self.with(|inner| inner.retry_after = Some(wait))
    }

    /// Names what was probably meant.
    pub fn with_suggestions(self, suggestions: Vec<String>) -> Self {
        self.with(|inner| inner.suggestions = suggestions)
    }

    /// Keeps the cause.
    pub fn with_source(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.with(|inner| inner.source = Some(Arc::new(source)))
    }

    /// What went wrong.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What happened, in a sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The exchange that it happened with.
    pub fn exchange(&self) -> Option<&str> {
        self.0.exchange.as_deref()
    }

    /// The market that it happened with.
    pub fn symbol(&self) -> Option<&str> {
        self.0.symbol.as_deref()
    }

    /// When asking again makes sense.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What was probably meant, nearest first.
    pub fn suggestions(&self) -> &[String] {
        &self.0.suggestions
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_named_exchange_stays() {
        let error = Error::new(Code::BadSymbol, "no").with_exchange("kraken").with_exchange("okx");
        assert_eq!(error.exchange(), Some("kraken"));
    }

    #[test]
    fn a_long_parameter_is_cut_in_the_message() {
        let error = Error::bad_parameter("limit", &"9".repeat(10_000), "1 to 1000");
        assert!(error.message().len() < 120);
    }

    #[test]
    fn every_code_is_found_by_its_name() {
        for code in Code::ALL {
            assert_eq!(Code::from_name(code.name()), Some(code));
        }
    }
    #[test]
    fn every_code_has_the_status_of_the_contract() {
        let statuses = Code::ALL.map(Code::http_status);
        assert_eq!(statuses, [400, 404, 404, 429, 501, 502, 503, 503, 503, 504]);
    }
}
