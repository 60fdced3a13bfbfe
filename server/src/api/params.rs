//! The parameters of every route: how each is read, and what the document says of it.
//!
//! poem-openapi's own parsing names Rust types in its messages; ours say which parameter, what it was, and what is allowed.

use std::time::Duration;

use marketd_core::{Error, MarketType, Millis, Result};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchema, MetaSchemaRef};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde_json::Value;

use super::problem::Problem;
use super::query::Pairs;

/// A symbol or a currency in a parameter is no longer.
const LONGEST_NAME: usize = 64;

/// The end of the year 9999: later moments have no ISO form.
const LATEST: Millis = 253_402_300_799_999;

/// What a parameter is and how it is read.
pub(super) trait Parameter: Sized + Send {
    /// Whether it must be there.
    const REQUIRED: bool = false;

    /// What the document says.
    fn schema() -> MetaSchema;

    /// Reads it; `None` when it was left out.
    fn read(name: &'static str, text: Option<&str>) -> Result<Self>;
}

/// A parameter in the path.
pub(super) struct Path<T>(pub(super) T);

/// A parameter in the query.
pub(super) struct Query<T>(pub(super) T);

/// A parameter in a path. poem-openapi numbers those for its router, so that each must know its own name.
pub(super) trait InPath: Parameter {
    /// The name.
    const NAME: &'static str;
}

macro_rules! extractor {
    ($wrapper:ident, $bound:ident, |$request:ident, $name:ident| $read:expr) => {
        impl<'a, T: $bound> ApiExtractor<'a> for $wrapper<T> {
            const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
            const PARAM_IS_REQUIRED: bool = T::REQUIRED;
            type ParamType = ();
            type ParamRawType = ();

            fn param_in() -> Option<MetaParamIn> {
                Some(MetaParamIn::$wrapper)
            }

            fn param_schema_ref() -> Option<MetaSchemaRef> {
                Some(MetaSchemaRef::Inline(Box::new(T::schema())))
            }

            async fn from_request(
                $request: &'a Request,
                _body: &mut RequestBody,
                options: ExtractParamOptions<()>,
            ) -> poem::Result<Self> {
                let $name = options.name;
                let read: Result<T> = $read;
                read.map(Self).map_err(|error| Problem::from(error).into())
            }
        }
    };
}

extractor!(Path, InPath, |request, name| T::read(T::NAME, request.raw_path_param(name)));
extractor!(Query, Parameter, |request, name| {
    T::read(name, request.data::<Pairs>().and_then(|pairs| pairs.get(name)))
});

/// The id of an exchange, in lower case as all ids are.
pub(super) struct ExchangeId(pub(super) String);

impl Parameter for ExchangeId {
    const REQUIRED: bool = true;

    fn schema() -> MetaSchema {
        text_schema("demo")
    }

    fn read(name: &'static str, text: Option<&str>) -> Result<Self> {
        bounded(name, text).map(|text| Self(text.to_ascii_lowercase()))
    }
}

impl InPath for ExchangeId {
    const NAME: &'static str = "exchange";
}

/// Parameters in a path that are a text of bounded length, each with its name and an example.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $in_path:literal, $example:literal;)*) => {
        $(
            $(#[$doc])*
            pub(super) struct $name(pub(super) String);

            impl Parameter for $name {
                const REQUIRED: bool = true;

                fn schema() -> MetaSchema {
                    text_schema($example)
                }

                fn read(name: &'static str, text: Option<&str>) -> Result<Self> {
                    bounded(name, text).map(|text| Self(text.to_owned()))
                }
            }

            impl InPath for $name {
                const NAME: &'static str = $in_path;
            }
        )*
    };
}

texts! {
    /// A whole symbol, its slash written as `%2F`, or the exchange's own id of a market.
    Symbol: "symbol", "BTC/USDT";
    /// What stands before the slash of a symbol.
    Base: "base", "BTC";
    /// What stands after the slash of a symbol.
    Quote: "quote", "USDT";
    /// The code of an error.
    ProblemCode: "code", "BadSymbol";
}

impl Symbol {
    /// The symbol whose two parts stood in the path with the slash between them.
    pub(super) fn join(base: &Base, quote: &Quote) -> Result<Self> {
        Self::read("symbol", Some(&format!("{}/{}", base.0, quote.0)))
    }
}

/// Many symbols.
pub(super) struct Symbols(pub(super) Option<Vec<String>>);

impl Parameter for Symbols {
    fn schema() -> MetaSchema {
        MetaSchema { example: Some("BTC/USDT,ETH/USDT".into()), ..MetaSchema::new("string") }
    }

    fn read(name: &'static str, text: Option<&str>) -> Result<Self> {
        const MOST: usize = 500;
        let Some(text) = text else { return Ok(Self(None)) };
        let symbols: Vec<&str> = text.split(',').map(str::trim).filter(|symbol| !symbol.is_empty()).collect();
        if symbols.is_empty() || symbols.len() > MOST || symbols.iter().any(|symbol| !is_name(symbol)) {
            let allowed = format!("1 to {MOST} symbols of up to {LONGEST_NAME} characters with commas between them");
            return Err(Error::bad_parameter(name, text, allowed));
        }
        Ok(Self(Some(symbols.into_iter().map(str::to_owned).collect())))
    }
}

/// How many rows are wanted.
pub(super) struct Limit(pub(super) usize);

impl Limit {
    const DEFAULT: usize = 100;
}

impl Parameter for Limit {
    fn schema() -> MetaSchema {
        MetaSchema { default: Some(Self::DEFAULT.into()), ..Depth::schema() }
    }

    fn read(name: &'static str, text: Option<&str>) -> Result<Self> {
        Depth::read(name, text).map(|depth| Self(depth.0.unwrap_or(Self::DEFAULT)))
    }
}

/// How many levels of each side are wanted; as many as the exchange sends when left out.
pub(super) struct Depth(pub(super) Option<usize>);

impl Parameter for Depth {
    fn schema() -> MetaSchema {
        MetaSchema { minimum: Some(1.0), maximum: Some(5_000.0), ..MetaSchema::new("integer") }
    }

    fn read(name: &'static str, text: Option<&str>) -> Result<Self> {
        within(name, text, 1, 5_000, "a whole number from 1 to 5000")
            .map(|count| Self(count.map(|count| count as usize)))
    }
}

/// The moment that nothing is wanted before.
pub(super) struct Since(pub(super) Option<Millis>);

impl Parameter for Since {
    fn schema() -> MetaSchema {
        let schema = MetaSchema::new_with_format("integer", "int64");
        MetaSchema {
            minimum: Some(0.0),
            maximum: Some(LATEST as f64),
            example: Some(1_749_772_800_000_i64.into()),
            ..schema
        }
    }

    fn read(name: &'static str, text: Option<&str>) -> Result<Self> {
        within(name, text, 0, LATEST, "a moment in whole milliseconds since 1970, up to the year 9999").map(Self)
    }
}

/// How long a candle is; which there are depends on the exchange.
pub(super) struct TimeframeName(pub(super) String);

impl Parameter for TimeframeName {
    fn schema() -> MetaSchema {
        MetaSchema { default: Some("1d".into()), ..MetaSchema::new("string") }
    }

    fn read(name: &'static str, text: Option<&str>) -> Result<Self> {
        match text {
            None => Ok(Self("1d".to_owned())),
            Some(text) if text.parse::<marketd_core::Timeframe>().is_ok() => Ok(Self(text.to_owned())),
            Some(text) => Err(Error::bad_parameter(name, text, "a count and one of s, m, h, d, w, M, y, as in 15m")),
        }
    }
}

/// The kind of market that is wanted.
pub(super) struct MarketKind(pub(super) Option<MarketType>);

impl Parameter for MarketKind {
    fn schema() -> MetaSchema {
        let enum_items = MarketType::ALL.map(|kind| Value::from(kind.name())).to_vec();
        MetaSchema { enum_items, ..MetaSchema::new("string") }
    }

    fn read(name: &'static str, text: Option<&str>) -> Result<Self> {
        let Some(text) = text else { return Ok(Self(None)) };
        match MarketType::from_name(&text.to_ascii_lowercase()) {
            Some(kind) => Ok(Self(Some(kind))),
            None => Err(Error::bad_parameter(name, text, "spot, swap, future, option or index")),
        }
    }
}

/// Yes or no.
pub(super) struct Flag(pub(super) Option<bool>);

impl Parameter for Flag {
    fn schema() -> MetaSchema {
        MetaSchema::new("boolean")
    }

    fn read(name: &'static str, text: Option<&str>) -> Result<Self> {
        match text {
            None => Ok(Self(None)),
            Some("true") => Ok(Self(Some(true))),
            Some("false") => Ok(Self(Some(false))),
            Some(text) => Err(Error::bad_parameter(name, text, "true or false")),
        }
    }
}

/// A currency.
pub(super) struct Currency(pub(super) Option<String>);

impl Parameter for Currency {
    fn schema() -> MetaSchema {
        MetaSchema { max_length: Some(LONGEST_NAME), ..MetaSchema::new("string") }
    }

    fn read(name: &'static str, text: Option<&str>) -> Result<Self> {
        text.map(|text| bounded(name, Some(text)).map(str::to_owned)).transpose().map(Self)
    }
}

/// How long after each message of a stream the next one comes.
pub(super) struct PollInterval(pub(super) Duration);

impl Parameter for PollInterval {
    fn schema() -> MetaSchema {
        let schema = MetaSchema::new_with_format("number", "double");
        MetaSchema { minimum: Some(0.1), maximum: Some(3_600.0), default: Some(5.into()), ..schema }
    }

    fn read(name: &'static str, text: Option<&str>) -> Result<Self> {
        let Some(text) = text else { return Ok(Self(Duration::from_secs(5))) };
        // `f64` reads `inf` and `NaN` too; neither is within.
        match text.parse::<f64>() {
            Ok(seconds) if (0.1..=3_600.0).contains(&seconds) => Ok(Self(Duration::from_secs_f64(seconds))),
            _ => Err(Error::bad_parameter(name, text, "a number of seconds from 0.1 to 3600, such as 5 or 0.5")),
        }
    }
}

fn text_schema(example: &str) -> MetaSchema {
    MetaSchema { example: Some(example.into()), max_length: Some(LONGEST_NAME), ..MetaSchema::new("string") }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control)
}

/// A part of a path is missing when it is not UTF-8.
fn bounded<'a>(name: &str, text: Option<&'a str>) -> Result<&'a str> {
    let text = text.unwrap_or_default();
    if is_name(text) {
        Ok(text)
    } else {
        Err(Error::bad_parameter(name, text, format!("1 to {LONGEST_NAME} printable characters in UTF-8")))
    }
}

fn within(name: &str, text: Option<&str>, least: i64, most: i64, allowed: &str) -> Result<Option<i64>> {
    let Some(text) = text else { return Ok(None) };
    // `i64` reads `+5` too, which in a query is what a space becomes.
    match text.parse::<i64>() {
        Ok(number) if (least..=most).contains(&number) && !text.starts_with('+') => Ok(Some(number)),
        _ => Err(Error::bad_parameter(name, text, allowed)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(None, 100)]
    #[case(Some("1"), 1)]
    #[case(Some("5000"), 5_000)]
    fn a_limit_has_a_default_and_bounds(#[case] text: Option<&str>, #[case] limit: usize) {
        assert_eq!(Limit::read("limit", text).map(|limit| limit.0).ok(), Some(limit));
    }

    #[rstest]
    fn what_is_no_limit_says_which_parameter_what_it_was_and_what_is_allowed(
        #[values("", "0", "-1", "+5", "1.5", "ten", "5001", "99999999999999999999")] text: &str,
    ) {
        let error = Limit::read("limit", Some(text)).err().expect("refused");
        assert_eq!(error.message(), format!("limit is `{text}`, but must be a whole number from 1 to 5000"));
    }

    #[rstest]
    fn an_interval_out_of_bounds_is_refused(
        #[values("0", "0.05", "3601", "-5", "NaN", "inf", "1e999", "5s")] text: &str,
    ) {
        assert!(PollInterval::read("poll_interval", Some(text)).is_err());
    }

    #[test]
    fn symbols_are_split_trimmed_and_bounded() {
        let read = |text: &str| Symbols::read("symbols", Some(text)).map(|symbols| symbols.0);
        assert_eq!(read("BTC/USDT, ETH/USDT,").ok(), Some(Some(vec!["BTC/USDT".to_owned(), "ETH/USDT".to_owned()])));
        assert!(read(",").is_err());
        assert!(read(&vec!["A/B"; 501].join(",")).is_err());
        assert!(read(&"A".repeat(65)).is_err());
    }
}
