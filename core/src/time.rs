//! Moments as integer milliseconds since 1970-01-01 UTC, and their ISO 8601 form.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Milliseconds since the Unix epoch, UTC.
pub type Millis = i64;

/// ISO 8601 with milliseconds and `Z`, as in `2025-06-13T00:20:34.567Z`; `None` outside the years −9999 to 9999.
pub fn to_iso(millis: Millis) -> Option<String> {
    Some(format!("{:.3}", Timestamp::from_millisecond(millis).ok()?))
}

/// Reads what exchanges call ISO 8601: `T` or a space, 0 to 9 fractional digits, `Z`, `+00:00`, `+0000`, or no zone, which
/// means UTC; a date alone is its midnight.
pub fn from_iso(text: &str) -> Option<Millis> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment.as_millisecond());
    }
    let civil = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(|date| date.at(0, 0, 0, 0))).ok()?;
    Some(TimeZone::UTC.to_timestamp(civil).ok()?.as_millisecond())
}

/// Year, month and day of a moment in UTC, as symbols write an expiry (`yymmdd`): `260327`.
pub fn to_yymmdd(millis: Millis) -> Option<String> {
    Some(Timestamp::from_millisecond(millis).ok()?.strftime("%y%m%d").to_string())
}

/// A moment by a `strftime` format in UTC, for requests that want a date (`%Y%m%d`); `None` for an impossible format.
pub fn format(millis: Millis, format: &str) -> Option<String> {
    let moment = Timestamp::from_millisecond(millis).ok()?;
    jiff::fmt::strtime::format(format, moment).ok()
}

/// Reads a moment by a `strptime` format (`%d%b%y`); without a time of day it is midnight, without a zone UTC.
pub fn parse(text: &str, format: &str) -> Option<Millis> {
    let parts = jiff::fmt::strtime::parse(format, text).ok()?;
    if let Ok(moment) = parts.to_timestamp() {
        return Some(moment.as_millisecond());
    }
    let civil = parts.to_datetime().or_else(|_| parts.to_date().map(|date| date.at(0, 0, 0, 0))).ok()?;
    Some(TimeZone::UTC.to_timestamp(civil).ok()?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2025-10-09T00:04:58.492746Z", 1_759_968_298_492)]
    #[case("2025-10-09T00:04:58.492+00:00", 1_759_968_298_492)]
    #[case("2025-10-09T00:04:58+0000", 1_759_968_298_000)]
    #[case("2025-10-09T09:04:58+09:00", 1_759_968_298_000)]
    #[case("2025-10-09T00:04:58", 1_759_968_298_000)]
    #[case("2025-10-09 00:04:58.1234567", 1_759_968_298_123)]
    #[case("2025-10-09", 1_759_968_000_000)]
    fn every_spelling_of_iso_that_exchanges_use_is_read(#[case] text: &str, #[case] millis: Millis) {
        assert_eq!(from_iso(text), Some(millis));
    }

    #[rstest]
    fn what_is_no_moment_is_none(#[values("", "soon", "2025-13-01T00:00:00Z", "1759968298")] text: &str) {
        assert_eq!(from_iso(text), None);
    }

    #[test]
    fn moments_are_written_with_milliseconds_and_z() {
        assert_eq!(to_iso(1_749_774_034_567).as_deref(), Some("2025-06-13T00:20:34.567Z"));
        assert_eq!(to_iso(0).as_deref(), Some("1970-01-01T00:00:00.000Z"));
        assert_eq!(to_iso(i64::MAX), None);
    }

    #[test]
    fn dates_in_ids_are_read_by_format() {
        assert_eq!(parse("27MAR26", "%d%b%y"), from_iso("2026-03-27"));
        assert_eq!(parse("260327 08:00", "%y%m%d %H:%M"), from_iso("2026-03-27T08:00:00Z"));
        assert_eq!(parse("nothing", "%d%b%y"), None);
    }
}
