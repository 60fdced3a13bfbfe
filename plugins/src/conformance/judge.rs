//! What an answer differs in from what its case expects: the rules of `conform.py`.

use marketd_core::{Capability, Code, Error};
use serde_json::{Map, Value};

use super::case::Case;

/// An answer as JSON (a list where the question has many answers), or the error.
pub(super) type Answer = Result<Value, Error>;

/// Fields that are computed: their last digits may differ.
const DERIVED: [&str; 7] = ["vwap", "change", "percentage", "average", "open", "previousClose", "cost"];

/// How far a number may be off, in parts of its size.
const TOLERANCE: f64 = 1e-8;
const DERIVED_TOLERANCE: f64 = 1e-6;

/// How much of a value stands in a difference, in characters.
const SHOWN: usize = 120;

/// The columns of a candle.
const CANDLE: [&str; 6] = ["timestamp", "open", "high", "low", "close", "volume"];

/// The HTTP statuses that are right for an error class of ccxt.
fn statuses(class: &str) -> &'static [u16] {
    match class {
        "BadSymbol" => &[404],
        "BadRequest" => &[400, 404],
        "ArgumentsRequired" | "NotSupported" => &[400, 501],
        "RateLimitExceeded" | "DDoSProtection" | "ExchangeNotAvailable" | "OnMaintenance" => &[503],
        "NetworkError" => &[502, 503, 504],
        "RequestTimeout" => &[503, 504],
        "ExchangeError" => &[400, 404, 502, 503],
        "BadResponse" => &[502],
        "NullResponse" => &[404, 502],
        "OperationRejected" => &[400, 502, 503],
        "MarketClosed" => &[404, 502, 503],
        "InvalidOrder" => &[400, 502],
        _ => &[502, 503],
    }
}

/// The differences between an answer and what the case expects, one line each.
pub(super) fn judge(case: &Case, answer: &Answer) -> Vec<String> {
    if case.needs_key && answer.as_ref().is_err_and(|error| error.code() == Code::NotSupported) {
        return Vec::new();
    }
    if let Some(class) = &case.error {
        return judge_error(case, class, answer);
    }
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return vec![format!("want an answer, got {}", told(error))],
    };
    let mut found = Vec::new();
    match case.op {
        Capability::Ticker | Capability::OrderBook | Capability::Trades => {
            differ(case.op.name(), &case.expect, answer, "", &mut found);
        }
        Capability::Tickers => differ("tickers", &case.expect, &Value::Object(by_symbol(answer)), "", &mut found),
        Capability::Candles => differ("candles", &candles(&case.expect), answer, "", &mut found),
        Capability::Markets => markets(&case.expect, &by_symbol(answer), &mut found),
    }
    found
}

fn judge_error(case: &Case, class: &str, answer: &Answer) -> Vec<String> {
    let mut allowed = statuses(class).to_vec();
    if case.fault.as_ref().is_some_and(|fault| matches!(fault.status, 400 | 404 | 422)) {
        allowed.extend([400, 404, 502]);
        allowed.sort_unstable();
        allowed.dedup();
    }
    let (status, got) = match answer {
        Ok(answer) => (200, shown(answer)),
        Err(error) => (error.code().http_status(), told(error)),
    };
    let mut found = Vec::new();
    if !allowed.contains(&status) {
        found.push(format!("status: want one of {allowed:?} for {class}, got {status} {got}"));
    }
    if answer.as_ref().is_err_and(|error| error.message().is_empty()) {
        found.push("error: want a sentence that says what happened".to_owned());
    }
    found
}

/// Every expected market is there with its fields; the type is named once, and limits are not judged.
fn markets(want: &Value, got: &Map<String, Value>, found: &mut Vec<String>) {
    for market in want.as_array().into_iter().flatten().filter_map(Value::as_object) {
        let symbol = market.get("symbol").and_then(Value::as_str).unwrap_or_default();
        let Some(have) = got.get(symbol) else {
            found.push(format!("markets: no {symbol}"));
            continue;
        };
        let place = format!("markets[{symbol}]");
        for (key, value) in market {
            if !matches!(key.as_str(), "limits" | "spot" | "swap" | "future" | "option") {
                differ(&format!("{place}.{key}"), value, field(have, key), key, found);
            }
        }
    }
}

/// Rows by their symbol, as ccxt gives them.
fn by_symbol(rows: &Value) -> Map<String, Value> {
    let rows = rows.as_array().into_iter().flatten();
    rows.filter_map(|row| Some((row.get("symbol")?.as_str()?.to_owned(), row.clone()))).collect()
}

/// ccxt's candles are columns without names, in which a null says nothing.
fn candles(want: &Value) -> Value {
    let named = |row: &Value| -> Map<String, Value> {
        let columns = row.as_array().into_iter().flatten();
        let named = CANDLE.iter().zip(columns).filter(|(_, value)| !value.is_null());
        named.map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    Value::Array(want.as_array().into_iter().flatten().map(|row| Value::Object(named(row))).collect())
}

/// Collects the differences between two values. What is there beyond the expected fields is no fault.
fn differ(place: &str, want: &Value, got: &Value, key: &str, found: &mut Vec<String>) {
    match (want, got) {
        (Value::Object(fields), Value::Object(_)) => {
            for (key, value) in fields {
                differ(&format!("{place}.{key}"), value, field(got, key), key, found);
            }
        }
        (Value::Array(want), Value::Array(got)) if want.len() == got.len() => {
            for (at, (want, got)) in want.iter().zip(got).enumerate() {
                differ(&format!("{place}[{at}]"), want, got, key, found);
            }
        }
        (Value::Array(want), Value::Array(got)) => {
            found.push(format!("{place}: want {} rows, got {}", want.len(), got.len()));
        }
        (Value::Number(_), Value::Number(_)) => {
            let tolerance = if DERIVED.contains(&key) { DERIVED_TOLERANCE } else { TOLERANCE };
            if !is_near(want, got, tolerance) {
                found.push(format!("{place}: want {want}, got {got}"));
            }
        }
        _ if want == got => {}
        _ => found.push(format!("{place}: want {}, got {}", shown(want), shown(got))),
    }
}

fn is_near(want: &Value, got: &Value, tolerance: f64) -> bool {
    let (Some(want), Some(got)) = (want.as_f64(), got.as_f64()) else { return false };
    (want - got).abs() <= tolerance * want.abs().max(got.abs()) + 1e-15
}

/// A field, null when it is not there.
fn field<'a>(of: &'a Value, key: &str) -> &'a Value {
    of.get(key).unwrap_or(&Value::Null)
}

fn shown(value: &Value) -> String {
    format!("{:.SHOWN$}", value.to_string())
}

fn told(error: &Error) -> String {
    format!("{}: {:.SHOWN$}", error.code(), error.message())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn differences(case: &Value, answer: &Answer) -> Vec<String> {
        let case: Case = serde_json::from_value(case.clone()).expect("a case");
        judge(&case, answer)
    }

    #[rstest]
    #[case(json!({"last": 100.0}), json!({"last": 100, "more": 1}))]
    #[case(json!({"last": 1.0}), json!({"last": 1.000000009}))]
    #[case(json!({"vwap": 1.0}), json!({"vwap": 1.0000009}))]
    #[case(json!({"last": 0}), json!({"last": 0.0}))]
    #[case(json!({"last": null}), json!({}))]
    #[case(json!({"id": "a", "ok": true}), json!({"id": "a", "ok": true}))]
    #[case(json!({"bids": [[1.0, 2.0]]}), json!({"bids": [[1, 2]]}))]
    fn these_are_equal(#[case] want: Value, #[case] got: Value) {
        assert_eq!(differences(&json!({"op": "ticker", "expect": want}), &Ok(got)), Vec::<String>::new());
    }

    #[rstest]
    #[case(json!({"last": 1.0}), json!({"last": 1.00000002}))]
    #[case(json!({"vwap": 1.0}), json!({"vwap": 1.000002}))]
    #[case(json!({"last": 1.0}), json!({"last": "1.0"}))]
    #[case(json!({"last": 1.0}), json!({"last": true}))]
    #[case(json!({"last": 1.0}), json!({}))]
    #[case(json!({"last": null}), json!({"last": 0}))]
    #[case(json!({"id": "1"}), json!({"id": 1}))]
    #[case(json!({"id": "a"}), json!({"id": "A"}))]
    #[case(json!({"bids": [[1, 2]]}), json!({"bids": []}))]
    #[case(json!({"bids": [[1, 2]]}), json!({"bids": {}}))]
    #[case(json!({"limits": {"min": 1}}), json!({"limits": 1}))]
    fn these_differ_once(#[case] want: Value, #[case] got: Value) {
        assert_eq!(differences(&json!({"op": "ticker", "expect": want}), &Ok(got)).len(), 1);
    }

    #[rstest]
    #[case("BadSymbol", None, Code::BadSymbol, true)]
    #[case("BadSymbol", None, Code::BadRequest, false)]
    #[case("BadSymbol", Some(200), Code::BadResponse, false)]
    #[case("BadSymbol", Some(400), Code::BadResponse, true)]
    #[case("DDoSProtection", Some(429), Code::RateLimitExceeded, true)]
    #[case("DDoSProtection", Some(429), Code::RateLimited, false)]
    #[case("NotSupported", None, Code::NotSupported, true)]
    #[case("NoSuchClass", Some(500), Code::ExchangeNotAvailable, true)]
    #[case("NoSuchClass", Some(500), Code::BadSymbol, false)]
    fn an_error_has_one_of_the_statuses_of_its_class(
        #[case] class: &str,
        #[case] fault: Option<u16>,
        #[case] code: Code,
        #[case] right: bool,
    ) {
        let mut case = json!({"op": "ticker", "error": class});
        if let Some(status) = fault {
            case["fault"] = json!({"status": status, "response": ""});
        }
        // A Fault holds a raw value, which only text can give.
        let case: Case = serde_json::from_str(&case.to_string()).expect("a case");
        assert_eq!(judge(&case, &Err(Error::new(code, "no"))).is_empty(), right);
    }

    #[test]
    fn an_answer_where_an_error_is_right_differs() {
        assert_eq!(differences(&json!({"op": "ticker", "error": "BadSymbol"}), &Ok(json!({}))).len(), 1);
    }

    #[rstest]
    #[case(true, Code::NotSupported, true)]
    #[case(true, Code::BadResponse, false)]
    #[case(false, Code::NotSupported, false)]
    fn where_a_key_is_wanted_not_supported_is_right(#[case] needs_key: bool, #[case] code: Code, #[case] right: bool) {
        let case = json!({"op": "ticker", "needs_key": needs_key, "expect": {}});
        assert_eq!(differences(&case, &Err(Error::new(code, "no"))).is_empty(), right);
    }

    #[test]
    fn tickers_are_told_apart_by_symbol_whatever_their_order() {
        let case = json!({"op": "tickers", "expect": {"A/B": {"last": 1}, "C/D": {"last": 2}}});
        let rows = json!([{"symbol": "C/D", "last": 2}, {"symbol": "E/F", "last": 3}, {"symbol": "A/B", "last": 1}]);
        assert!(differences(&case, &Ok(rows)).is_empty());
        assert_eq!(differences(&case, &Ok(json!([]))).len(), 2);
    }

    #[test]
    fn a_null_in_a_candle_expects_nothing() {
        let case = json!({"op": "candles", "expect": [[60, 1, 2, 1, 2, null]]});
        let row = json!({"timestamp": 60, "open": 1, "high": 2, "low": 1, "close": 2, "volume": 7});
        assert!(differences(&case, &Ok(json!([row]))).is_empty());
        assert_eq!(differences(&case, &Ok(json!([row, row]))), ["candles: want 1 rows, got 2"]);
    }

    #[test]
    fn markets_are_judged_by_fields_and_precision_but_not_by_limits() {
        let want = json!([{"symbol": "A/B", "id": "AB", "spot": true, "precision": {"price": 0.1}, "limits": {"cost": {"min": 5}}}]);
        let case = json!({"op": "markets", "expect": want});
        let right = json!([{"symbol": "A/B", "id": "AB", "precision": {"price": 0.1, "amount": 1}, "limits": {}}]);
        let wrong = json!([{"symbol": "A/B", "id": "ab", "precision": {"price": 0.2}}]);
        assert!(differences(&case, &Ok(right)).is_empty());
        assert_eq!(differences(&case, &Ok(wrong)).len(), 2);
        assert_eq!(differences(&case, &Ok(json!([]))), ["markets: no A/B"]);
    }
}
