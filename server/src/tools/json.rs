//! JSON for people, with every digit as it is.

/// A list or an object without others in it stays on one line up to this length.
const LONGEST_LINE: usize = 160;

/// Lays valid JSON out in lines. Not by reading and writing it: numbers would lose digits.
pub(super) fn pretty(json: &str) -> String {
    let mut layout = Layout { json, at: 0, depth: 0, out: String::with_capacity(json.len() * 2) };
    while layout.at < json.len() {
        layout.token();
    }
    layout.out
}

struct Layout<'j> {
    json: &'j str,
    at: usize,
    depth: usize,
    out: String,
}

impl Layout<'_> {
    fn token(&mut self) {
        let rest = &self.json[self.at..];
        let Some(first) = rest.chars().next() else { return };
        let length = match first {
            '"' => text_length(rest),
            '{' | '[' => {
                if let Some(flat) = flat(rest) {
                    self.flat(flat);
                    self.at += flat.len();
                    return;
                }
                1
            }
            other => other.len_utf8(),
        };
        let token = &rest[..length];
        if matches!(first, '}' | ']') {
            self.depth = self.depth.saturating_sub(1);
            self.new_line();
        }
        if !first.is_whitespace() {
            self.out.push_str(token);
        }
        self.at += length;
        match first {
            '{' | '[' => {
                self.depth += 1;
                self.new_line();
            }
            ',' => self.new_line(),
            ':' => self.out.push(' '),
            _ => {}
        }
    }

    /// One line: a space behind every comma and colon that stands between values.
    fn flat(&mut self, json: &str) {
        let mut at = 0;
        while let Some(first) = json[at..].chars().next() {
            let length = if first == '"' { text_length(&json[at..]) } else { first.len_utf8() };
            if !first.is_whitespace() {
                self.out.push_str(&json[at..at + length]);
            }
            if matches!(first, ',' | ':') {
                self.out.push(' ');
            }
            at += length;
        }
    }

    fn new_line(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n("  ", self.depth));
    }
}

/// The length of the text that begins here, with its quotes.
fn text_length(json: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

/// The list or object that begins here, if there is no other in it and it is short.
fn flat(json: &str) -> Option<&str> {
    let (mut at, mut shown) = (1, 0);
    while shown <= LONGEST_LINE {
        let length = match json.as_bytes().get(at)? {
            b'}' | b']' => return Some(&json[..=at]),
            b'{' | b'[' => return None,
            b'"' => text_length(&json[at..]),
            white if white.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            _ => 1,
        };
        at += length;
        shown += length;
    }
    None
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"a":1.50,"b":[]}"#, "{\n  \"a\": 1.50,\n  \"b\": []\n}")]
    #[case(r#"[[1,2],[3,"a,]\"é"]]"#, "[\n  [1, 2],\n  [3, \"a,]\\\"é\"]\n]")]
    #[case(r#"{"x":null}"#, r#"{"x": null}"#)]
    #[case("1e-9", "1e-9")]
    #[case("{\n    \"a\" : [\n 1 ,\n 2 ]\n}", "{\n  \"a\": [1, 2]\n}")]
    fn short_rows_stay_on_a_line_and_digits_as_they_are(#[case] json: &str, #[case] expected: &str) {
        assert_eq!(pretty(json), expected);
    }

    #[test]
    fn long_rows_are_broken() {
        let long = format!("[{}1]", "1,".repeat(100));
        assert_eq!(pretty(&long).lines().count(), 103);
    }
}
