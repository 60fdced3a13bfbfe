//! A question to an exchange as a value: what to ask next, and how to go on with the answers.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// An HTTP method that market data needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
}

/// A request that whoever runs a [`Fetch`] is to make.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// GET or POST.
    pub method: Method,
    /// The whole URL, encoded.
    pub url: String,
    /// Headers beyond those of any client.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body; text, as every market data API takes JSON or a form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What the request costs of the exchange's budget.
    pub weight: u32,
}

impl Request {
    /// A GET of weight 1.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: Method::Get, url: url.into(), headers: Vec::new(), body: None, weight: 1 }
    }

    /// A POST of a JSON body, of weight 1.
    pub fn post_json(url: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            method: Method::Post,
            url: url.into(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: Some(body.into()),
            weight: 1,
        }
    }

    /// The same request at another cost.
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }
}

/// What an exchange answered, whatever its status: adapters read errors out of bodies too.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body, decompressed.
    pub body: Bytes,
    /// The wait that a `Retry-After` header named.
    pub retry_after: Option<Duration>,
}

impl Response {
    /// A 200 of these bytes, as tests and plugins make it.
    pub fn ok(body: impl Into<Bytes>) -> Self {
        Self { status: 200, body: body.into(), retry_after: None }
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// `BadResponse` where it is none, or of another shape.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // serde quotes what it met, however long it is.
            let problem = format!("{:.200}", error.to_string());
            Error::bad_response(format!("the answer is not as expected: {problem}"))
        })
    }

    /// Whether the status is in the 200s.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The sans-IO form of a question: finished, or requests to make (together) and the step that reads their responses.
///
/// Whoever runs it makes the requests, hands all responses to [`Ask::then`] in the same order, and goes on until
/// [`Fetch::Done`]. A request that got no response at all ends the question with that error instead.
#[must_use = "a fetch does nothing until it is run"]
pub enum Fetch<T> {
    /// The answer.
    Done(Result<T>),
    /// More is to be asked first.
    Ask(Ask<T>),
}

type Step<T> = Box<dyn FnOnce(Vec<Response>) -> Fetch<T> + Send>;

/// Requests to make, and the step that reads their responses.
pub struct Ask<T> {
    /// The requests; they do not depend on each other.
    pub requests: Vec<Request>,
    then: Step<T>,
}

impl<T> Ask<T> {
    /// Goes on with the responses, which must be as many as the requests and in their order.
    pub fn then(self, responses: Vec<Response>) -> Fetch<T> {
        if responses.len() != self.requests.len() {
            return Fetch::fail(Error::bad_response(format!(
                "{} responses to {} requests",
                responses.len(),
                self.requests.len()
            )));
        }
        (self.then)(responses)
    }
}

impl<T: Send + 'static> Fetch<T> {
    /// Asks these requests together and goes on with their responses.
    pub fn ask(requests: Vec<Request>, then: impl FnOnce(Vec<Response>) -> Fetch<T> + Send + 'static) -> Self {
        Self::Ask(Ask { requests, then: Box::new(then) })
    }

    /// Asks one request and reads its response.
    pub fn one(request: Request, read: impl FnOnce(Response) -> Result<T> + Send + 'static) -> Self {
        Self::ask(vec![request], |responses| {
            Self::Done(responses.into_iter().next().ok_or_else(missing).and_then(read))
        })
    }

    /// Does more with the answer, or with the error.
    pub fn then<U: Send + 'static>(self, more: impl FnOnce(Result<T>) -> Fetch<U> + Send + 'static) -> Fetch<U> {
        match self {
            Self::Done(result) => more(result),
            Self::Ask(ask) => Fetch::ask(ask.requests, move |responses| (ask.then)(responses).then(more)),
        }
    }

    /// Changes the answer.
    pub fn map<U: Send + 'static>(self, change: impl FnOnce(T) -> U + Send + 'static) -> Fetch<U> {
        self.then(|result| Fetch::Done(result.map(change)))
    }

    /// Runs the question to its end with answers that need no waiting: recorded ones.
    ///
    /// # Errors
    /// Those of the question.
    pub fn run_with(mut self, mut answer: impl FnMut(&Request) -> Response) -> Result<T> {
        loop {
            match self {
                Self::Done(result) => return result,
                Self::Ask(ask) => {
                    let responses = ask.requests.iter().map(&mut answer).collect();
                    self = ask.then(responses);
                }
            }
        }
    }

    /// Asks several questions side by side; the answers come in the order of the questions.
    pub fn all(fetches: Vec<Self>) -> Fetch<Vec<Result<T>>> {
        if fetches.iter().all(|fetch| matches!(fetch, Self::Done(_))) {
            let done = fetches.into_iter().filter_map(|fetch| match fetch {
                Self::Done(result) => Some(result),
                Self::Ask(_) => None,
            });
            return Fetch::Done(Ok(done.collect()));
        }
        let mut requests = Vec::new();
        let mut steps = Vec::with_capacity(fetches.len());
        for fetch in fetches {
            steps.push(match fetch {
                Self::Done(result) => Waiting::Done(result),
                Self::Ask(ask) => {
                    let count = ask.requests.len();
                    requests.extend(ask.requests);
                    Waiting::Asked(count, ask.then)
                }
            });
        }
        Fetch::ask(requests, move |responses| {
            let mut responses = responses.into_iter();
            Self::all(
                steps
                    .into_iter()
                    .map(|step| match step {
                        Waiting::Done(result) => Self::Done(result),
                        Waiting::Asked(count, then) => then(responses.by_ref().take(count).collect()),
                    })
                    .collect(),
            )
        })
    }
}

enum Waiting<T> {
    Done(Result<T>),
    Asked(usize, Step<T>),
}

impl<T> Fetch<T> {
    /// A failure without asking anything.
    pub fn fail(error: Error) -> Self {
        Self::Done(Err(error))
    }
}

impl<T: fmt::Debug> fmt::Debug for Fetch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(result) => f.debug_tuple("Done").field(result).finish(),
            Self::Ask(ask) => f.debug_tuple("Ask").field(&ask.requests).finish(),
        }
    }
}

fn missing() -> Error {
    Error::bad_response("a response is missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers every request with its own URL until the fetch is done, and tells how many rounds that took.
    fn run<T: Send + 'static>(mut fetch: Fetch<T>) -> (Result<T>, usize) {
        let mut rounds = 0;
        loop {
            match fetch {
                Fetch::Done(result) => return (result, rounds),
                Fetch::Ask(ask) => {
                    rounds += 1;
                    let responses = ask.requests.iter().map(|request| Response::ok(request.url.clone())).collect();
                    fetch = ask.then(responses);
                }
            }
        }
    }

    fn url(url: &str) -> Fetch<String> {
        Fetch::one(Request::get(url), |response| Ok(String::from_utf8_lossy(&response.body).into_owned()))
    }

    #[test]
    fn questions_side_by_side_share_their_rounds_and_keep_their_order() {
        let long = url("a").then(|_| url("b"));
        let (result, rounds) = run(Fetch::all(vec![long, url("c"), Fetch::Done(Ok("d".to_owned()))]));
        let texts: Vec<String> = result.expect("done").into_iter().map(|text| text.expect("answered")).collect();
        assert_eq!(texts, ["b", "c", "d"]);
        assert_eq!(rounds, 2);
    }

    #[test]
    fn a_wrong_number_of_responses_is_an_error_not_a_panic() {
        let Fetch::Ask(ask) = url("a") else { panic!("asks") };
        assert!(matches!(ask.then(Vec::new()), Fetch::Done(Err(_))));
    }
}
