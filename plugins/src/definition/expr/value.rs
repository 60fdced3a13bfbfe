//! What an expression works on: one JSON value, borrowed from the answer where possible.

use std::borrow::Cow;

use marketd_core::{Decimal, Millis, Side};

/// A JSON value. Numbers are kept as the text that was sent, containers as their JSON text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Nothing: `null`, or a path that leads nowhere.
    Null,
    Bool(bool),
    /// A whole number that was computed here, mostly a moment.
    Integer(i64),
    /// A number as it was written.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    /// An array or an object, as JSON.
    Json(Cow<'a, str>),
}

impl<'a> Value<'a> {
    /// Reads one JSON value from its text, which must be valid JSON without white space around it.
    pub(crate) fn from_json(json: &'a str) -> Self {
        match json.as_bytes() {
            [] | [b'n', ..] => Self::Null,
            [b't', ..] => Self::Bool(true),
            [b'f', ..] => Self::Bool(false),
            [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => Self::Text(Cow::Borrowed(&json[1..json.len() - 1])),
            [b'"', ..] => serde_json::from_str::<String>(json).map_or(Self::Null, |text| Self::Text(text.into())),
            [b'[' | b'{', ..] => Self::Json(Cow::Borrowed(json)),
            _ => Self::Number(Cow::Borrowed(json)),
        }
    }

    /// The value as JSON text.
    pub(crate) fn to_json(&self) -> Cow<'_, str> {
        match self {
            Self::Null => "null".into(),
            Self::Bool(true) => "true".into(),
            Self::Bool(false) => "false".into(),
            Self::Integer(number) => number.to_string().into(),
            Self::Number(json) | Self::Json(json) => json.as_ref().into(),
            Self::Text(text) => serde_json::to_string(text).unwrap_or_default().into(),
        }
    }

    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(truth),
            Self::Integer(number) => Value::Integer(number),
            Self::Number(text) => Value::Number(text.into_owned().into()),
            Self::Text(text) => Value::Text(text.into_owned().into()),
            Self::Json(text) => Value::Json(text.into_owned().into()),
        }
    }

    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// What jq takes for true: everything but `null` and `false`.
    pub(crate) fn is_truthy(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    /// The number that stands here, as a number or in a string; `None` for anything else (`""`, `"nan"`, `null`).
    pub(crate) fn decimal(&self) -> Option<Decimal> {
        match self {
            Self::Integer(number) => Some(Decimal::from(*number)),
            Self::Number(text) | Self::Text(text) => Decimal::parse(text).or_else(|| Decimal::parse(text.trim())),
            _ => None,
        }
    }

    /// The whole part of the number that stands here.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Number(text) | Self::Text(text) => match text.parse() {
                Ok(number) => Some(number),
                Err(_) => whole_part(&Decimal::parse(text.trim())?),
            },
            _ => None,
        }
    }

    /// A moment in milliseconds; 0, with which some exchanges say "never", is none.
    pub(crate) fn millis(&self) -> Option<Millis> {
        self.integer().filter(|moment| *moment != 0)
    }

    /// The text that stands here: a string that is not empty, or a number or truth value as it is written.
    pub(crate) fn string(&self) -> Option<String> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text.clone().into_owned()),
            Self::Number(text) => Some(text.clone().into_owned()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    /// A truth value, also as 0, 1, or a word.
    pub(crate) fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            Self::Integer(number) => Some(*number != 0),
            Self::Number(text) | Self::Text(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// A side by the words that exchanges use for it.
    pub(crate) fn side(&self) -> Option<Side> {
        let Self::Text(word) = self else { return None };
        let is = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
        if is(&["buy", "b", "bid", "bids"]) {
            Some(Side::Buy)
        } else if is(&["sell", "s", "ask", "asks"]) {
            Some(Side::Sell)
        } else {
            None
        }
    }
}

/// The whole part of a number, towards zero; `None` when it does not fit 64 bits.
pub(crate) fn whole_part(number: &Decimal) -> Option<i64> {
    let plain = number.shifted(0)?;
    plain.as_str().split('.').next()?.parse().ok()
}

impl From<Option<Decimal>> for Value<'_> {
    fn from(number: Option<Decimal>) -> Self {
        number.map_or(Self::Null, |number| Self::Number(number.as_str().to_owned().into()))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Integer)
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("null", Value::Null)]
    #[case("true", Value::Bool(true))]
    #[case("1.50", Value::Number("1.50".into()))]
    #[case(r#""a""#, Value::Text("a".into()))]
    #[case(r#""a\"b""#, Value::Text("a\"b".into()))]
    #[case("[1]", Value::Json("[1]".into()))]
    fn json_is_read_and_written_back(#[case] json: &str, #[case] value: Value<'static>) {
        assert_eq!(Value::from_json(json), value);
        assert_eq!(value.to_json(), json);
    }

    #[rstest]
    #[case("1759968290.1182542", Some(1_759_968_290))]
    #[case("\"1759968290118\"", Some(1_759_968_290_118))]
    #[case("1.759968290118e12", Some(1_759_968_290_118))]
    #[case("\"\"", None)]
    #[case("1e30", None)]
    fn moments_are_whole_numbers_however_they_are_written(#[case] json: &str, #[case] expected: Option<i64>) {
        assert_eq!(Value::from_json(json).integer(), expected);
    }

    #[rstest]
    fn placeholders_are_no_numbers(#[values("\"\"", "\"nan\"", "\"-\"", "null", "[]")] json: &str) {
        assert_eq!(Value::from_json(json).decimal(), None);
    }
}
