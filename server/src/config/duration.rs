//! Durations as people write them: `500ms`, `10s`, `5m`, `1h`, `2d`.

use std::time::Duration;

/// Nothing that is configured lasts longer.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// Reads a whole number and a unit, up to 30 days.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let unit_at = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (count, unit) = text.split_at(unit_at);
    let count: u64 = count.parse().ok()?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(count.checked_mul(millis)?)).filter(|duration| *duration <= LONGEST)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0s", 0)]
    #[case("500ms", 500)]
    #[case("10s", 10_000)]
    #[case("5m", 300_000)]
    #[case("1h", 3_600_000)]
    #[case("30d", 2_592_000_000)]
    fn a_duration_is_a_count_and_a_unit(#[case] text: &str, #[case] millis: u64) {
        assert_eq!(parse(text), Some(Duration::from_millis(millis)));
    }

    #[rstest]
    fn anything_else_is_refused(
        #[values("", "10", "s", "-1s", "1.5s", "1 s", "1S", "31d", "99999999999999999999s", "18446744073709551615d")]
        text: &str,
    ) {
        assert_eq!(parse(text), None);
    }
}
