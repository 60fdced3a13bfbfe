//! Exact decimal numbers: the very digits that an exchange sent.

use std::cmp::Ordering;
use std::fmt;

use compact_str::CompactString;
use rust_decimal::Decimal as Arithmetic;
use rust_decimal::prelude::*;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A JSON number kept as text, so that no digit is lost between the wire of an exchange and the wire to the client.
///
/// Always a valid JSON number literal (`1.50`, `-2e-7`) of at most [`Decimal::MAX_LEN`] bytes with an exponent of at most
/// three digits; serializes as that literal. Arithmetic, needed only for values that no exchange sent, is done in decimal.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Decimal(CompactString);

impl Decimal {
    /// The longest literal that is accepted, in bytes; no exchange comes near it.
    pub const MAX_LEN: usize = 80;

    /// Significant digits kept of a quotient: more than any exchange publishes, few enough to read.
    const QUOTIENT_DIGITS: u32 = 20;

    /// Reads a JSON number literal; `None` for anything else (`""`, `NaN`, `+5`, `.5`, `1_000`).
    pub fn parse(text: &str) -> Option<Self> {
        Self::read_from(text).filter(|(_, rest)| rest.is_empty()).map(|(number, _)| number)
    }

    /// Reads the number that a text begins with; the rest is what comes behind it.
    pub(crate) fn read_from(text: &str) -> Option<(Self, &str)> {
        let (number, rest) = text.split_at(number_len(text.as_bytes())?);
        Some((Self(CompactString::new(number)), rest))
    }

    /// The literal.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest `f64`, for comparisons and charts only.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// Whether the value is zero, however it is written (`0`, `0.00`, `-0e5`).
    pub fn is_zero(&self) -> bool {
        let mantissa = self.0.split(['e', 'E']).next().unwrap_or_default();
        mantissa.bytes().all(|b| !b.is_ascii_digit() || b == b'0')
    }

    /// Whether a minus sign stands before a value that is not zero.
    pub fn is_negative(&self) -> bool {
        self.0.starts_with('-') && !self.is_zero()
    }

    /// The value without its sign.
    pub fn abs(&self) -> Self {
        Self(CompactString::new(self.0.trim_start_matches('-')))
    }

    /// The sum; `None` when it does not fit 28 digits.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        self.arithmetic()?.checked_add(other.arithmetic()?).map(Self::from_exact)
    }

    /// The difference; `None` when it does not fit 28 digits.
    pub fn minus(&self, other: &Self) -> Option<Self> {
        self.arithmetic()?.checked_sub(other.arithmetic()?).map(Self::from_exact)
    }

    /// The product; `None` when it does not fit 28 digits.
    pub fn times(&self, other: &Self) -> Option<Self> {
        self.arithmetic()?.checked_mul(other.arithmetic()?).map(Self::from_exact)
    }

    /// The quotient to 20 significant digits; `None` for a division by zero or when it does not fit 28 digits.
    pub fn over(&self, other: &Self) -> Option<Self> {
        let quotient = self.arithmetic()?.checked_div(other.arithmetic()?)?;
        Some(Self::from_exact(quotient.round_sf(Self::QUOTIENT_DIGITS).unwrap_or(quotient)))
    }

    /// The value times ten to the power of `exponent`, exactly; `None` when the digits would not fit [`Decimal::MAX_LEN`].
    pub fn shifted(&self, exponent: i32) -> Option<Self> {
        let (mantissa, written) = match self.0.split_once(['e', 'E']) {
            Some((mantissa, e)) => (mantissa, e.parse::<i32>().ok()?),
            None => (self.0.as_str(), 0),
        };
        let (sign, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{whole}{fraction}");
        let point = i32::try_from(whole.len()).ok()?.checked_add(written)?.checked_add(exponent)?;
        let (size, limit) = (i32::try_from(all.len()).ok()?, i32::try_from(Self::MAX_LEN).ok()?);
        if point.abs() > limit {
            return None;
        }
        let text = if point <= 0 {
            format!("0.{}{all}", "0".repeat(point.unsigned_abs() as usize))
        } else if point >= size {
            format!("{all}{}", "0".repeat((point - size) as usize))
        } else {
            format!("{}.{}", &all[..point as usize], &all[point as usize..])
        };
        let whole = text.trim_start_matches('0');
        let lead = if whole.is_empty() || whole.starts_with('.') { "0" } else { "" };
        let text = format!("{sign}{lead}{whole}");
        Self::parse(if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text })
    }

    /// Orders by value, so `1.0` and `1.00` are alike in order though not equal in digits.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self.arithmetic(), other.arithmetic()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => self.to_f64().total_cmp(&other.to_f64()),
        }
    }

    fn arithmetic(&self) -> Option<Arithmetic> {
        if self.0.contains(['e', 'E']) {
            Arithmetic::from_scientific(&self.0).ok()
        } else {
            // Digits beyond the 28th are rounded: a derived value has no more of them than that.
            Arithmetic::from_str(&self.0).ok()
        }
    }

    fn from_exact(value: Arithmetic) -> Self {
        Self(CompactString::new(value.normalize().to_string()))
    }
}

/// How long the number is that a text begins with, by JSON's grammar (RFC 8259 §6) with bounds on the length and the exponent;
/// `None` if it begins with none.
fn number_len(text: &[u8]) -> Option<usize> {
    fn digits(text: &[u8], from: usize) -> usize {
        text[from..].iter().take_while(|b| b.is_ascii_digit()).count()
    }
    let begin = usize::from(text.first() == Some(&b'-'));
    let whole = digits(text, begin);
    if whole == 0 || (whole > 1 && text[begin] == b'0') {
        return None;
    }
    let mut end = begin + whole;
    if text.get(end) == Some(&b'.') {
        let count = digits(text, end + 1);
        if count == 0 {
            return None;
        }
        end += 1 + count;
    }
    if let Some(b'e' | b'E') = text.get(end) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let count = digits(text, end + 1 + sign);
        if !(1..=3).contains(&count) {
            return None;
        }
        end += 1 + sign + count;
    }
    (end <= Decimal::MAX_LEN).then_some(end)
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self(CompactString::new(value.to_string()))
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        // A raw value is the one way to make serde_json write a number digit by digit without `arbitrary_precision`.
        serde_json::from_str::<&RawValue>(&self.0).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        // Most exchanges send numbers as texts.
        let text = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or(raw);
        Self::parse(text).ok_or_else(|| serde::de::Error::custom(format_args!("`{raw:.40}` is not a number")))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).expect("a number")
    }

    #[rstest]
    fn json_numbers_are_kept_digit_by_digit(
        #[values("0", "-0", "1.50", "0.00000001", "1e-7", "-2.5E+10", "12345678901234567890.123456789")] text: &str,
    ) {
        assert_eq!(serde_json::to_string(&decimal(text)).expect("serializes"), text);
        assert_eq!(serde_json::from_str::<Decimal>(text).expect("parses"), decimal(text));
    }

    #[rstest]
    #[case(r#""1.50""#, Some("1.50"))]
    #[case(r#""""#, None)]
    #[case(r#""1"5"#, None)]
    #[case("null", None)]
    fn a_number_is_read_from_a_text_too(#[case] json: &str, #[case] number: Option<&str>) {
        let read = serde_json::from_str::<Decimal>(json).ok();
        assert_eq!(read.as_ref().map(Decimal::as_str), number);
    }

    #[rstest]
    fn what_json_would_not_call_a_number_is_refused(
        #[values("", "NaN", "+5", ".5", "5.", "01", "1_000", "1,5", "1e", "1e9999", "0x10", " 1", "null")] text: &str,
    ) {
        assert_eq!(Decimal::parse(text), None);
    }

    #[test]
    fn a_literal_longer_than_the_bound_is_refused() {
        assert_eq!(Decimal::parse(&"9".repeat(Decimal::MAX_LEN + 1)), None);
    }

    #[rstest]
    #[case("123.45", 2, "12345")]
    #[case("123.45", -3, "0.12345")]
    #[case("1", -8, "0.00000001")]
    #[case("-1.5e3", 1, "-15000")]
    #[case("1000", -2, "10")]
    #[case("0", 5, "0")]
    fn shifting_moves_the_point_exactly(#[case] value: &str, #[case] exponent: i32, #[case] expected: &str) {
        assert_eq!(decimal(value).shifted(exponent).expect("fits").as_str(), expected);
    }

    #[test]
    fn a_shift_out_of_bounds_is_none_rather_than_a_long_string() {
        assert_eq!(decimal("1e300").shifted(900), None);
    }

    #[test]
    fn arithmetic_is_decimal_and_division_by_zero_is_none() {
        assert_eq!(decimal("0.1").plus(&decimal("0.2")), Some(decimal("0.3")));
        assert_eq!(decimal("1e-7").times(&decimal("3")), Some(decimal("0.0000003")));
        assert_eq!(decimal("1").over(&decimal("8")), Some(decimal("0.125")));
        assert_eq!(decimal("1").over(&decimal("0.00")), None);
    }

    #[rstest]
    #[case("0.00", true)]
    #[case("-0e5", true)]
    #[case("0.001", false)]
    fn zero_is_recognised_however_it_is_written(#[case] text: &str, #[case] zero: bool) {
        assert_eq!(decimal(text).is_zero(), zero);
    }
}
