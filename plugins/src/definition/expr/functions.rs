//! The functions that definitions have beyond jq's own: units of time, exact decimal arithmetic, words.
//!
//! Each is a pure function of its input and arguments, named the same in compiled expressions and in jaq programs. They
//! answer `null` to what they cannot read, as a path does that leads nowhere. The set is closed on purpose: a definition that
//! needs more says it in jq.

use marketd_core::{Decimal, time};

use super::path::{Shape, Step};
use super::value::{Value, whole_part};

/// A function of an input and arguments.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// How many arguments it takes, beside its input.
    pub(crate) arity: usize,
    pub(crate) apply: for<'a> fn(Value<'a>, &[Value<'a>]) -> Value<'a>,
}

/// Every function, by name; those that jq has too ([`is_jq`]) mean the same here.
pub(crate) static FUNCTIONS: &[Function] = &[
    Function { name: "ascii_downcase", arity: 0, apply: |input, _| map_text(input, |text| text.to_ascii_lowercase()) },
    Function { name: "ascii_upcase", arity: 0, apply: |input, _| map_text(input, |text| text.to_ascii_uppercase()) },
    Function { name: "choose", arity: 2, apply: choose },
    Function { name: "chunks", arity: 1, apply: |input, args| chunks(&input, &args[0]) },
    Function { name: "digits", arity: 0, apply: |input, _| digits(&input) },
    Function { name: "find", arity: 2, apply: |input, args| find(&input, &args[0], &args[1]) },
    Function { name: "from_date", arity: 1, apply: |input, args| from_date(&input, &args[0]) },
    Function {
        name: "from_iso",
        arity: 0,
        apply: |input, _| string(&input).and_then(|text| time::from_iso(&text)).into(),
    },
    Function { name: "from_ns", arity: 0, apply: |input, _| input.integer().map(|ns| ns / 1_000_000).into() },
    Function { name: "from_s", arity: 0, apply: |input, _| from_seconds(&input) },
    Function { name: "from_us", arity: 0, apply: |input, _| input.integer().map(|us| us / 1_000).into() },
    Function { name: "join", arity: 1, apply: |input, args| join(&input, &args[0]) },
    Function {
        name: "ltrimstr",
        arity: 1,
        apply: |input, args| trim(input, &args[0], |text, end| text.strip_prefix(end)),
    },
    Function { name: "magnitude", arity: 0, apply: |input, _| input.decimal().map(|number| number.abs()).into() },
    Function { name: "minus", arity: 1, apply: |input, args| arithmetic(&input, &args[0], Decimal::minus) },
    Function { name: "nonzero", arity: 0, apply: |input, _| if is_zero(&input) { Value::Null } else { input } },
    Function { name: "not", arity: 0, apply: |input, _| (!input.is_truthy()).into() },
    Function { name: "over", arity: 1, apply: |input, args| arithmetic(&input, &args[0], Decimal::over) },
    Function { name: "part", arity: 2, apply: |input, args| part(&input, &args[0], &args[1]) },
    Function { name: "plus", arity: 1, apply: |input, args| arithmetic(&input, &args[0], Decimal::plus) },
    Function {
        name: "rtrimstr",
        arity: 1,
        apply: |input, args| trim(input, &args[0], |text, end| text.strip_suffix(end)),
    },
    Function { name: "shift", arity: 1, apply: |input, args| shift(&input, &args[0]) },
    Function { name: "side_of_sign", arity: 0, apply: |input, _| side_of_sign(&input) },
    Function { name: "tick", arity: 0, apply: |input, _| tick(&input) },
    Function { name: "times", arity: 1, apply: |input, args| arithmetic(&input, &args[0], Decimal::times) },
    Function { name: "to_date", arity: 1, apply: |input, args| to_date(&input, &args[0]) },
    Function { name: "to_iso", arity: 0, apply: |input, _| optional(input.integer().and_then(time::to_iso)) },
    Function {
        name: "to_ns",
        arity: 0,
        apply: |input, _| input.integer().and_then(|ms| ms.checked_mul(1_000_000)).into(),
    },
    Function { name: "to_s", arity: 0, apply: |input, _| input.integer().map(|ms| ms.div_euclid(1_000)).into() },
    Function { name: "to_us", arity: 0, apply: |input, _| input.integer().and_then(|ms| ms.checked_mul(1_000)).into() },
    // Unlike jq's, null stays null, so that a parameter of which nothing is known is left out.
    Function { name: "tojson", arity: 0, apply: to_json },
    Function { name: "tostring", arity: 0, apply: to_string },
    Function { name: "words", arity: 1, apply: |input, args| words(&input, &args[0]) },
];

/// Whether jq has a function of that name too, which a jaq program is left with.
pub(crate) fn is_jq(name: &str) -> bool {
    matches!(name, "ascii_downcase" | "ascii_upcase" | "join" | "ltrimstr" | "not" | "rtrimstr" | "tojson" | "tostring")
}

/// The function of that name and number of arguments.
pub(crate) fn function(name: &str, arity: usize) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name && function.arity == arity)
}

fn string(value: &Value<'_>) -> Option<String> {
    value.string()
}

fn optional<'a>(text: Option<String>) -> Value<'a> {
    text.map_or(Value::Null, Value::text)
}

fn map_text<'a>(value: Value<'a>, change: impl Fn(&str) -> String) -> Value<'a> {
    match value {
        Value::Text(text) => Value::text(change(&text)),
        _ => Value::Null,
    }
}

fn is_zero(value: &Value<'_>) -> bool {
    value.decimal().is_some_and(|number| number.is_zero())
}

/// `flag | choose("sell"; "buy")`: the first where the input is true, the second where it is false, null where it is null.
fn choose<'a>(input: Value<'a>, args: &[Value<'a>]) -> Value<'a> {
    match input {
        Value::Null => Value::Null,
        truth => args[usize::from(truth.truth() == Some(false))].clone(),
    }
}

fn arithmetic<'a>(a: &Value<'_>, b: &Value<'_>, with: fn(&Decimal, &Decimal) -> Option<Decimal>) -> Value<'a> {
    match (a.decimal(), b.decimal()) {
        (Some(a), Some(b)) => with(&a, &b).into(),
        _ => Value::Null,
    }
}

/// `.scaled | shift(-8)`: times ten to that power, exactly.
fn shift<'a>(input: &Value<'_>, exponent: &Value<'_>) -> Value<'a> {
    let exponent = exponent.integer().and_then(|exponent| i32::try_from(exponent).ok());
    input.decimal().zip(exponent).and_then(|(number, exponent)| number.shifted(exponent)).into()
}

/// A count of decimals as a tick size: 3 → 0.001, −2 → 100.
fn tick<'a>(decimals: &Value<'_>) -> Value<'a> {
    let decimals = decimals.integer().and_then(|decimals| i32::try_from(decimals).ok());
    decimals.and_then(|decimals| Decimal::from(1).shifted(decimals.checked_neg()?)).into()
}

/// The number in a text with something around it: `5,000,000 USDT` → 5000000, `12.5%` → 12.5.
fn digits<'a>(input: &Value<'_>) -> Value<'a> {
    let Some(text) = string(input) else { return Value::Null };
    let start = text.find(|c: char| c.is_ascii_digit() || c == '-').unwrap_or(text.len());
    let number: String = text[start..]
        .chars()
        .filter(|c| *c != ',')
        .take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '-'))
        .collect();
    Decimal::parse(number.trim_end_matches('.')).into()
}

fn from_seconds<'a>(input: &Value<'_>) -> Value<'a> {
    match input {
        Value::Integer(seconds) => seconds.checked_mul(1_000).into(),
        Value::Number(text) | Value::Text(text) => match text.parse::<i64>() {
            Ok(seconds) => seconds.checked_mul(1_000).into(),
            Err(_) => Decimal::parse(text.trim()).and_then(|s| s.shifted(3)).and_then(|ms| whole_part(&ms)).into(),
        },
        _ => Value::Null,
    }
}

/// `"27MAR26" | from_date("%d%b%y")`: a moment by a strptime format; without a time of day it is midnight UTC.
fn from_date<'a>(input: &Value<'_>, format: &Value<'_>) -> Value<'a> {
    string(input).zip(string(format)).and_then(|(text, format)| time::parse(&text, &format)).into()
}

/// A moment as a date by a strftime format.
fn to_date<'a>(input: &Value<'_>, format: &Value<'_>) -> Value<'a> {
    optional(input.integer().zip(string(format)).and_then(|(millis, format)| time::format(millis, &format)))
}

/// `"BTC-USDT" | part("-"; 0)`: a piece of a text; negative places count from the end.
fn part<'a>(input: &Value<'_>, separator: &Value<'_>, place: &Value<'_>) -> Value<'a> {
    let (Some(text), Value::Text(separator), Some(place)) = (string(input), separator, place.integer()) else {
        return Value::Null;
    };
    let mut pieces = text.split(separator.as_ref());
    let piece = match usize::try_from(place) {
        Ok(place) => pieces.nth(place),
        Err(_) => {
            usize::try_from(place.unsigned_abs()).ok().and_then(|back| text.rsplit(separator.as_ref()).nth(back - 1))
        }
    };
    optional(piece.map(str::to_owned))
}

fn trim<'a>(value: Value<'a>, end: &Value<'_>, strip: for<'t> fn(&'t str, &str) -> Option<&'t str>) -> Value<'a> {
    match (&value, end) {
        (Value::Text(text), Value::Text(end)) => match strip(text, end).map(str::to_owned) {
            Some(rest) => Value::text(rest),
            None => value,
        },
        _ => value,
    }
}

fn to_string<'a>(value: Value<'a>, _: &[Value<'a>]) -> Value<'a> {
    match value {
        Value::Text(text) => Value::Text(text),
        other => Value::text(other.to_json().into_owned()),
    }
}

fn to_json<'a>(value: Value<'a>, _: &[Value<'a>]) -> Value<'a> {
    match value {
        Value::Null => Value::Null,
        other => Value::text(other.to_json().into_owned()),
    }
}

/// A number's sign as the taker's side, as some exchanges write sales with a minus.
fn side_of_sign<'a>(input: &Value<'_>) -> Value<'a> {
    match input.decimal() {
        Some(number) => Value::text(if number.is_negative() { "sell" } else { "buy" }),
        None => Value::Null,
    }
}

/// `.role | words({"maker": "buy", "taker": "sell"})`: the value at that key, or null. Numbers and truth values are looked up as
/// they are written.
fn words<'a>(input: &Value<'_>, table: &Value<'_>) -> Value<'a> {
    let (Some(word), Value::Json(table)) = (string(input), table) else { return Value::Null };
    let Ok(table) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(table) else {
        return Value::Null;
    };
    table.get(&word).map_or(Value::Null, |found| {
        let json = found.to_string();
        Value::from_json(&json).into_owned()
    })
}

fn elements(value: &Value<'_>) -> Option<Vec<Box<serde_json::value::RawValue>>> {
    match value {
        Value::Json(json) => serde_json::from_str(json).ok(),
        _ => None,
    }
}

/// `.filters | find("filterType"; "LOT_SIZE")`: the first object of a list with that text at that key.
fn find<'a>(input: &Value<'_>, key: &Value<'_>, wanted: &Value<'_>) -> Value<'a> {
    let (Some(elements), Value::Text(key)) = (elements(input), key) else { return Value::Null };
    let mut shape = Shape::default();
    shape.add(&[Step::Key(key.as_ref().into())], &mut 0);
    let found = elements.iter().find(|element| {
        let mut slots = vec![None];
        shape.pick(element.get(), &mut slots).is_ok() && slots[0].is_some_and(|json| Value::from_json(json) == *wanted)
    });
    found.map_or(Value::Null, |element| Value::from_json(element.get()).into_owned())
}

fn join<'a>(input: &Value<'_>, separator: &Value<'_>) -> Value<'a> {
    let (Some(elements), Value::Text(separator)) = (elements(input), separator) else { return Value::Null };
    let texts: Vec<String> = elements.iter().filter_map(|raw| Value::from_json(raw.get()).string()).collect();
    Value::text(texts.join(separator))
}

/// A flat list as a list of lists of that length: `["p","q","p","q"] | chunks(2)`.
fn chunks<'a>(input: &Value<'_>, size: &Value<'_>) -> Value<'a> {
    let size = size.integer().and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
    let (Some(elements), Some(size)) = (elements(input), size) else { return Value::Null };
    let lists: Vec<_> = elements.chunks(size).collect();
    serde_json::to_string(&lists).map_or(Value::Null, |json| Value::Json(json.into()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn call(input: &str, name: &str, args: &[&str]) -> String {
        let args: Vec<Value<'_>> = args.iter().map(|arg| Value::from_json(arg)).collect();
        let function = function(name, args.len()).expect("a function");
        (function.apply)(Value::from_json(input), &args).to_json().into_owned()
    }

    #[test]
    fn the_table_is_sorted_and_unique() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| (a.name, a.arity) < (b.name, b.arity)));
    }

    #[rstest]
    #[case("1759968290.1182542", "from_s", &[], "1759968290118")]
    #[case("\"1759968290\"", "from_s", &[], "1759968290000")]
    #[case("1759968298209786785", "from_ns", &[], "1759968298209")]
    #[case("1759968298209786", "from_us", &[], "1759968298209")]
    #[case("\"2025-10-09T00:04:58.492746Z\"", "from_iso", &[], "1759968298492")]
    #[case("\"27MAR26\"", "from_date", &["\"%d%b%y\""], "1774569600000")]
    #[case("1759968298209", "to_s", &[], "1759968298")]
    #[case("1759968298209", "to_iso", &[], "\"2025-10-09T00:04:58.209Z\"")]
    #[case("1759968298209", "to_date", &["\"%Y%m%d\""], "\"20251009\"")]
    #[case("\"0.0662\"", "times", &["100"], "6.62")]
    #[case("\"1\"", "over", &["0"], "null")]
    #[case("\"\"", "times", &["100"], "null")]
    #[case("12345", "shift", &["-4"], "1.2345")]
    #[case("8", "tick", &[], "0.00000001")]
    #[case("-2", "tick", &[], "100")]
    #[case("\"5,000,000 USDT\"", "digits", &[], "5000000")]
    #[case("\"-1.5%\"", "digits", &[], "-1.5")]
    #[case("\"0.000\"", "nonzero", &[], "null")]
    #[case("\"0.1\"", "nonzero", &[], "\"0.1\"")]
    #[case("\"BTC-USDT-SWAP\"", "part", &["\"-\"", "1"], "\"USDT\"")]
    #[case("\"BTC-USDT-SWAP\"", "part", &["\"-\"", "-1"], "\"SWAP\"")]
    #[case("\"BTC\"", "part", &["\"-\"", "7"], "null")]
    #[case("true", "choose", &["\"sell\"", "\"buy\""], "\"sell\"")]
    #[case("false", "choose", &["\"sell\"", "\"buy\""], "\"buy\"")]
    #[case("null", "choose", &["\"sell\"", "\"buy\""], "null")]
    #[case("-3", "side_of_sign", &[], "\"sell\"")]
    #[case("1", "words", &["{\"1\":\"buy\"}"], "\"buy\"")]
    #[case("7", "words", &["{\"1\":\"buy\"}"], "null")]
    #[case(r#"[{"k":"a","v":1},{"k":"b","v":"2.50"}]"#, "find", &["\"k\"", "\"b\""], r#"{"k":"b","v":"2.50"}"#)]
    #[case("[\"a\",1]", "join", &["\",\""], "\"a,1\"")]
    #[case("[\"1.50\",2,\"3\",4]", "chunks", &["2"], "[[\"1.50\",2],[\"3\",4]]")]
    fn functions_do_what_their_name_says(
        #[case] input: &str,
        #[case] name: &str,
        #[case] args: &[&str],
        #[case] expected: &str,
    ) {
        assert_eq!(call(input, name, args), expected);
    }

    #[test]
    fn no_function_panics_on_anything() {
        let inputs = [
            "null",
            "true",
            "0",
            "-1",
            "1e300",
            "9223372036854775807",
            "\"\"",
            "\"é\"",
            "[]",
            "[[]]",
            "{}",
            "{\"a\":1}",
        ];
        for function in FUNCTIONS {
            for input in inputs {
                for arg in inputs {
                    let args = vec![Value::from_json(arg); function.arity];
                    let _ = (function.apply)(Value::from_json(input), &args);
                }
            }
        }
    }
}
