//! What one exchange answers, as a file of a corpus says.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use marketd_core::{Method, Request, Response};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::case::Case;
use super::parameters;

/// One exchange of a corpus: its answers, and the cases that were taken from them.
#[derive(Debug, Deserialize)]
pub struct World {
    exchange: String,
    routes: Vec<Route>,
    pub(super) cases: Vec<Case>,
}

/// An answer to the requests that have its method, its URL, and at least its parameters.
#[derive(Debug, Deserialize)]
struct Route {
    method: Method,
    url: String,
    #[serde(default, rename = "match")]
    parameters: BTreeMap<String, String>,
    #[serde(default = "success")]
    status: u16,
    #[serde(default)]
    headers: Headers,
    #[serde(default, deserialize_with = "body")]
    response: Bytes,
}

/// A response to whatever is asked.
#[derive(Debug, Deserialize)]
pub(super) struct Fault {
    #[serde(default = "success")]
    pub(super) status: u16,
    #[serde(default)]
    headers: Headers,
    #[serde(default, deserialize_with = "body")]
    response: Bytes,
}

type Headers = BTreeMap<String, String>;

impl World {
    /// Reads a file of a corpus.
    ///
    /// # Errors
    /// When it is no JSON, or not of the shape that `replay.py` takes.
    pub fn parse(json: &str) -> serde_json::Result<Self> {
        serde_json::from_str(json)
    }

    /// The id of the exchange.
    pub fn exchange(&self) -> &str {
        &self.exchange
    }

    /// Answers a request as `replay.py` does: of the routes with its method and URL whose parameters it has, the one with
    /// the most parameters; a 404 when there is none.
    pub fn answer(&self, request: &Request) -> Response {
        self.route(request).unwrap_or_else(|| respond(404, &Headers::new(), &Bytes::from(r#"{"error": "no route"}"#)))
    }

    /// The answer to a request that has a route.
    pub(super) fn route(&self, request: &Request) -> Option<Response> {
        let place = parameters::place(request);
        let given = parameters::all(request);
        let fits = |route: &&Route| {
            route.method == request.method
                && route.url == place
                && route.parameters.iter().all(|(name, value)| given.get(name) == Some(value))
        };
        // Of equally many parameters the first route counts, and max_by_key takes the last.
        let best = self.routes.iter().rev().filter(fits).max_by_key(|route| route.parameters.len())?;
        Some(respond(best.status, &best.headers, &best.response))
    }
}

impl Fault {
    pub(super) fn answer(&self) -> Response {
        respond(self.status, &self.headers, &self.response)
    }
}

fn respond(status: u16, headers: &Headers, body: &Bytes) -> Response {
    let wait = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
    let seconds = wait.and_then(|(_, seconds)| seconds.parse().ok());
    Response { status, body: body.clone(), retry_after: seconds.map(Duration::from_secs) }
}

fn success() -> u16 {
    200
}

/// Takes a text as it is, and any other JSON byte by byte, so that numbers keep their digits and keys their order.
fn body<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let text = match serde_json::from_str::<String>(raw.get()) {
        Ok(text) => text,
        Err(_) => raw.get().to_owned(),
    };
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn world() -> World {
        let json = r#"{
            "exchange": "x",
            "routes": [
                {"method": "GET", "url": "https://x/t", "match": {}, "response": "any"},
                {"method": "GET", "url": "https://x/t", "match": {"pair": "A"}, "response": "A"},
                {"method": "GET", "url": "https://x/t", "match": {"n": "5"}, "response": "later"},
                {"method": "GET", "url": "https://x/t", "match": {"pair": "A", "n": "9"}, "response": "A9"},
                {"method": "POST", "url": "https://x/t", "match": {"on": "true"}, "response": "posted"},
                {"method": "GET", "url": "https://x/raw", "response": {"z": 1.50, "a": 1e-9}},
                {"method": "GET", "url": "https://x/busy", "status": 429, "headers": {"retry-After": "30"}, "response": null}
            ],
            "cases": []
        }"#;
        World::parse(json).expect("a world")
    }

    fn body_of(request: &Request) -> String {
        String::from_utf8_lossy(&world().answer(request).body).into_owned()
    }

    #[rstest]
    #[case("https://x/t", "any")]
    #[case("https://x/t?other=1", "any")]
    #[case("https://x/t?pair=A&other=1", "A")]
    #[case("https://x/t?pair=A&n=9", "A9")]
    #[case("https://x/t?pair=A&n=5", "A")]
    #[case("https://x/t?pair=B&n=5", "later")]
    #[case("https://x/u", r#"{"error": "no route"}"#)]
    #[case("https://x/raw", r#"{"z": 1.50, "a": 1e-9}"#)]
    #[case("https://x/busy", "null")]
    fn the_route_with_the_most_matching_parameters_answers(#[case] url: &str, #[case] expected: &str) {
        assert_eq!(body_of(&Request::get(url)), expected);
    }

    #[rstest]
    #[case(r#"{"a": {"on": true}}"#, "posted")]
    #[case(r#"{"a": {"on": false}}"#, r#"{"error": "no route"}"#)]
    fn a_post_is_told_apart_by_its_body(#[case] body: &str, #[case] expected: &str) {
        assert_eq!(body_of(&Request::post_json("https://x/t", body)), expected);
    }

    #[test]
    fn status_and_retry_after_are_those_of_the_route() {
        let response = world().answer(&Request::get("https://x/busy"));
        assert_eq!((response.status, response.retry_after), (429, Some(Duration::from_secs(30))));
        assert_eq!(world().answer(&Request::get("https://x/nothing")).status, 404);
    }
}
