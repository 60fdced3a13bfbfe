//! The way to rows, as in `.result.list[]` or `.result | to_entries[]`, where it is plain enough to be read directly.

use super::path::{RowStep, Step};

/// Reads a way to rows; `None` where it is more than paths, `[]` and `to_entries[]`.
pub(crate) fn row_steps(code: &str) -> Option<Vec<RowStep>> {
    let mut steps = Vec::new();
    let mut rest = code.trim();
    loop {
        if let Some(behind) = rest.strip_prefix("[]") {
            let lenient = behind.starts_with('?');
            steps.push(RowStep::Each { lenient });
            rest = &behind[usize::from(lenient)..];
        } else if let Some(behind) = rest.strip_prefix('[') {
            let (inner, behind) = behind.split_once(']')?;
            steps.push(RowStep::Step(match inner.trim().strip_prefix('"') {
                Some(name) => Step::Key(name.strip_suffix('"').filter(|name| !name.contains(['"', '\\']))?.into()),
                None => Step::Index(inner.trim().parse().ok()?),
            }));
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix('.') {
            let end = behind.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(behind.len());
            let (name, after) = behind.split_at(end);
            if name.is_empty() {
                if !(after.starts_with('[')
                    || (steps.is_empty() && after.trim_start().starts_with(['|']))
                    || after.is_empty())
                {
                    return None;
                }
                rest = after;
            } else {
                if name.starts_with(|c: char| c.is_ascii_digit()) {
                    return None;
                }
                steps.push(RowStep::Step(Step::Key(name.into())));
                rest = after;
            }
        } else if let Some(behind) = rest.trim_start().strip_prefix('|') {
            let behind = behind.trim_start();
            if behind.trim_end() == "to_entries[]" {
                steps.push(RowStep::Entries);
                return Some(steps);
            }
            rest = behind.starts_with('.').then_some(behind)?;
        } else {
            return rest.trim().is_empty().then_some(steps);
        }
    }
}

/// A way to rows as it is written.
pub(crate) fn code_of(steps: &[RowStep]) -> String {
    let mut code = String::from(".");
    for step in steps {
        match step {
            RowStep::Step(Step::Key(name)) => code.push_str(&format!("[\"{name}\"]")),
            RowStep::Step(Step::Index(index)) => code.push_str(&format!("[{index}]")),
            RowStep::Each { lenient } => code.push_str(if *lenient { "[]?" } else { "[]" }),
            RowStep::Entries => code.push_str(" | to_entries[]"),
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(".", ".")]
    #[case(".[]", ".[]")]
    #[case(".result.list[]", ".[\"result\"][\"list\"][]")]
    #[case(".data[0].ohlc[]?", ".[\"data\"][0][\"ohlc\"][]?")]
    #[case(".[\"a b\"][][]", ".[\"a b\"][][]")]
    #[case(".result | to_entries[]", ".[\"result\"] | to_entries[]")]
    #[case(". | .a[]", ".[\"a\"][]")]
    fn plain_ways_are_read_directly(#[case] code: &str, #[case] steps: &str) {
        assert_eq!(code_of(&row_steps(code).expect("plain")), steps);
    }

    #[rstest]
    fn other_ways_are_left_to_jaq(
        #[values("[.a, .b] | transpose[]", ".a[-1]", ".a[] | select(.b)", "to_entries[]", ".a.[1:]", ".a..b", "")] code: &str,
    ) {
        assert!(row_steps(code).is_none_or(|steps| code.is_empty() && steps.is_empty()), "{code}");
    }
}
