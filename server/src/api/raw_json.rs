//! JSON that is sent as it is kept, documented as a type of [`schema`](super::schema).
//!
//! poem-openapi's own `Json` goes through `serde_json::Value`, which loses the digits of numbers and most of the speed.

use std::marker::PhantomData;

use bytes::Bytes;
use poem::http::header::{AGE, CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use poem::http::{HeaderMap, HeaderValue};
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use serde::Serialize;

use super::schema::{self, Document};
use crate::answer::{Answer, Source};

const JSON: &str = "application/json";
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// A 200 with this JSON body, which is what the document says of `T`.
pub(super) struct RawJson<T> {
    body: Bytes,
    /// How fresh it is; `None` for what this server says of itself.
    freshness: Option<Freshness>,
    documented_as: PhantomData<fn() -> T>,
}

struct Freshness {
    source: Source,
    age: u64,
    ttl: u64,
}

impl<T> From<Answer> for RawJson<T> {
    fn from(answer: Answer) -> Self {
        let freshness = Freshness { source: answer.source, age: answer.age.as_secs(), ttl: answer.ttl.as_secs() };
        Self { body: answer.body, freshness: Some(freshness), documented_as: PhantomData }
    }
}

impl<T> RawJson<T> {
    /// What this server says of itself.
    pub(super) fn of(value: &impl Serialize) -> Self {
        // The types that are written here have text keys and no floats: writing them cannot fail.
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self { body: body.into(), freshness: None, documented_as: PhantomData }
    }
}

impl Freshness {
    fn write(&self, headers: &mut HeaderMap) {
        // `max-age` counts from when the answer was made, which is `Age` seconds ago (RFC 9111, 4.2.3).
        let control = match self.source {
            Source::Stale => HeaderValue::from_static("max-age=0"),
            Source::Hit | Source::Miss if self.ttl == 0 => HeaderValue::from_static("no-store"),
            Source::Hit | Source::Miss => {
                HeaderValue::try_from(format!("max-age={}", self.ttl)).unwrap_or(HeaderValue::from_static("no-store"))
            }
        };
        let status = match self.source {
            Source::Hit => "marketd; hit",
            Source::Miss => "marketd; fwd=miss",
            Source::Stale => "marketd; hit; fwd=stale",
        };
        headers.insert(CACHE_CONTROL, control);
        headers.insert(AGE, HeaderValue::from(self.age));
        headers.insert(CACHE_STATUS, HeaderValue::from_static(status));
    }
}

impl<T: Send> IntoResponse for RawJson<T> {
    fn into_response(self) -> Response {
        let mut response = Response::from(Body::from(self.body));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        match self.freshness {
            Some(freshness) => freshness.write(headers),
            None => drop(headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"))),
        }
        response
    }
}

impl<T: Document> ApiResponse for RawJson<T> {
    fn meta() -> MetaResponses {
        let header = |name: &str, description: &str, schema: MetaSchema| MetaHeader {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            required: false,
            deprecated: false,
            schema: MetaSchemaRef::Inline(Box::new(schema)),
        };
        let mut headers = vec![header(
            "Cache-Control",
            "How many seconds the answer is fresh, counted from when it was made; `no-store` where nothing is kept.",
            MetaSchema::new("string"),
        )];
        if T::FROM_AN_EXCHANGE {
            headers.push(header("Age", "How many seconds ago the answer was made.", MetaSchema::new("integer")));
            headers.push(header(
                "Cache-Status",
                "Where the answer comes from (RFC 9211): `marketd; hit` kept from before, `marketd; fwd=miss` asked now, \
                 `marketd; hit; fwd=stale` kept longer than it is fresh, because the exchange fails.",
                MetaSchema::new("string"),
            ));
        }
        MetaResponses {
            responses: vec![MetaResponse {
                description: T::DESCRIPTION,
                status: Some(200),
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: JSON,
                    schema: MetaSchemaRef::Reference(T::NAME.to_owned()),
                }],
                headers,
            }],
        }
    }

    fn register(registry: &mut Registry) {
        schema::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Source::Hit, 10, "max-age=10", "marketd; hit")]
    #[case(Source::Miss, 10, "max-age=10", "marketd; fwd=miss")]
    #[case(Source::Miss, 0, "no-store", "marketd; fwd=miss")]
    #[case(Source::Stale, 10, "max-age=0", "marketd; hit; fwd=stale")]
    fn headers_tell_how_fresh_an_answer_is(
        #[case] source: Source,
        #[case] ttl: u64,
        #[case] control: &str,
        #[case] status: &str,
    ) {
        let (age, ttl) = (Duration::from_millis(3_900), Duration::from_secs(ttl));
        let answer = Answer { body: Bytes::from_static(b"{}"), source, age, ttl };
        let response = RawJson::<schema::Ticker>::from(answer).into_response();
        assert_eq!(response.headers()[CACHE_CONTROL], control);
        assert_eq!(response.headers()[CACHE_STATUS], status);
        assert_eq!(response.headers()[AGE], "3");
    }
}
