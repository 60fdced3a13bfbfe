//! The parameters of a request, wherever they stand: in the query, in a form, or anywhere in a JSON body.

use std::collections::HashMap;

use marketd_core::Request;
use serde_json::Value;

/// The URL without its query.
pub(super) fn place(request: &Request) -> &str {
    let url = request.url.split('#').next().unwrap_or_default();
    url.split_once('?').map_or(url, |(place, _)| place)
}

/// The parameters of the query; of several with one name the last one.
pub(super) fn query(request: &Request) -> HashMap<String, String> {
    let url = request.url.split('#').next().unwrap_or_default();
    let query = url.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// The parameters of the query and the body; where both have one, that of the query.
pub(super) fn all(request: &Request) -> HashMap<String, String> {
    let mut found = query(request);
    let Some(body) = request.body.as_deref().filter(|body| !body.is_empty()) else { return found };
    match serde_json::from_str(body) {
        Ok(json) => collect(&json, &mut found),
        Err(_) => {
            for (name, value) in form_urlencoded::parse(body.as_bytes()).filter(|(_, value)| !value.is_empty()) {
                found.entry(name.into_owned()).or_insert_with(|| value.into_owned());
            }
        }
    }
    found
}

/// Takes every scalar that has a name, outer ones first.
fn collect(json: &Value, found: &mut HashMap<String, String>) {
    let mut stack = vec![json];
    while let Some(item) = stack.pop() {
        match item {
            Value::Array(items) => stack.extend(items),
            Value::Object(fields) => {
                for (name, value) in fields {
                    let text = match value {
                        Value::Array(_) | Value::Object(_) => {
                            stack.push(value);
                            continue;
                        }
                        // As replay.py writes it.
                        Value::Null => "None".to_owned(),
                        Value::String(text) => text.clone(),
                        Value::Bool(_) | Value::Number(_) => value.to_string(),
                    };
                    found.entry(name.clone()).or_insert(text);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn request(url: &str, body: Option<&str>) -> Request {
        Request { body: body.map(str::to_owned), ..Request::get(url) }
    }

    #[rstest]
    #[case("https://x/a?pair=BTC%2FUSD&n=5#top", "https://x/a")]
    #[case("https://x/a", "https://x/a")]
    fn the_place_is_the_url_without_its_query(#[case] url: &str, #[case] expected: &str) {
        assert_eq!(place(&request(url, None)), expected);
    }

    #[rstest]
    #[case("https://x/?pair=BTC%2FUSD", None, "pair", Some("BTC/USD"))]
    #[case("https://x/?t=a+b", None, "t", Some("a b"))]
    #[case("https://x/?t=1&t=2", None, "t", Some("2"))]
    #[case("https://x/?t=", None, "t", Some(""))]
    #[case("https://x/", Some(r#"{"coin":"BTC","n":5,"deep":{"list":[{"on":true}]}}"#), "coin", Some("BTC"))]
    #[case("https://x/", Some(r#"{"coin":"BTC","n":5,"deep":{"list":[{"on":true}]}}"#), "n", Some("5"))]
    #[case("https://x/", Some(r#"{"coin":"BTC","n":5,"deep":{"list":[{"on":true}]}}"#), "on", Some("true"))]
    #[case("https://x/", Some(r#"{"price":1.50}"#), "price", Some("1.5"))]
    #[case("https://x/?coin=ETH", Some(r#"{"coin":"BTC"}"#), "coin", Some("ETH"))]
    #[case("https://x/", Some(r#"{"in":{"coin":"ETH"},"coin":"BTC"}"#), "coin", Some("BTC"))]
    #[case("https://x/", Some("coin=BTC&empty="), "coin", Some("BTC"))]
    #[case("https://x/", Some("coin=BTC&empty="), "empty", None)]
    fn a_parameter_is_found_wherever_it_stands(
        #[case] url: &str,
        #[case] body: Option<&str>,
        #[case] name: &str,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(all(&request(url, body)).get(name).map(String::as_str), expected);
    }
}
