//! What every request passes first and every response last: bounds, the limit of a client, panics, errors, CORS.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use poem::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CONTENT_LENGTH,
};
use poem::http::{HeaderValue, Method, StatusCode};
use poem::{Endpoint, IntoResponse, Request, Response, Result};

use super::client_limit::ClientLimit;
use super::problem::{self, Problem};

/// What every route answers.
pub(super) const METHODS: &str = "GET, HEAD, OPTIONS";

/// No path of ours is longer.
const LONGEST_PATH: usize = 1_024;

/// No route takes a body.
const LARGEST_BODY: u64 = 64 * 1_024;

/// The outermost endpoint.
pub(super) struct Edge<E> {
    inner: E,
    limit: Option<ClientLimit>,
}

impl<E> Edge<E> {
    pub(super) fn new(inner: E, limit: Option<ClientLimit>) -> Self {
        Self { inner, limit }
    }

    fn admit(&self, request: &Request) -> Result<(), Problem> {
        let path = request.uri().path();
        if path.len() > LONGEST_PATH {
            return Err(Problem::uri_too_long(path.len(), LONGEST_PATH));
        }
        if let Some(length) = request.headers().get(CONTENT_LENGTH) {
            let length = length.to_str().unwrap_or_default();
            if length.parse::<u64>().is_ok_and(|length| length > LARGEST_BODY) {
                return Err(Problem::content_too_large(length, LARGEST_BODY));
            }
        }
        match &self.limit {
            // A load balancer that asks for the health must not be told to wait.
            Some(limit) if path != "/health" => limit.check(request.remote_addr()).map_err(Problem::from),
            _ => Ok(()),
        }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Edge<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let mut response = match self.admit(&request) {
            Err(problem) => problem.into_response(),
            Ok(()) if request.method() == Method::OPTIONS => preflight(),
            Ok(()) => match AssertUnwindSafe(self.inner.call(request)).catch_unwind().await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => problem::render(error),
                // The panic hook has written its message and place already.
                Err(_) => Problem::internal_error().into_response(),
            },
        };
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Age, Cache-Status, Retry-After"));
        Ok(response)
    }
}

/// What a browser asks before a request that is not a simple one.
fn preflight() -> Response {
    Response::builder()
        .status(StatusCode::NO_CONTENT)
        .header(ALLOW, METHODS)
        .header(ACCESS_CONTROL_ALLOW_METHODS, METHODS)
        .header(ACCESS_CONTROL_ALLOW_HEADERS, "*")
        .header(ACCESS_CONTROL_MAX_AGE, "86400")
        .finish()
}

#[cfg(test)]
mod tests {
    use poem::endpoint::make_sync;
    use poem::{EndpointExt, Route};

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_problem_and_the_next_request_is_answered() {
        let panics = make_sync(|_| -> Response { panic!("on purpose") });
        let fine = make_sync(|_| "fine");
        let edge = Edge::new(Route::new().at("/panics", panics).at("/fine", fine).map_to_response(), None);
        let answer = edge.call(Request::builder().uri_str("/panics").finish()).await.expect("answered");
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(answer.into_body().into_string().await.expect("text").contains(r#""code":"InternalError""#));
        let answer = edge.call(Request::builder().uri_str("/fine").finish()).await.expect("answered");
        assert_eq!(answer.status(), StatusCode::OK);
    }
}
