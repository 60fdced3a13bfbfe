//! The wire: one HTTP client for all exchanges.

use std::error::Error as _;
use std::io;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use marketd_core::{Code, Error, Method, Request, Response, Result};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Client, Url};

use crate::config::Upstream;

/// The largest body that is read, decompressed; the largest that an exchange is known to send is half of it.
const LARGEST_BODY: usize = 16 << 20;

/// Room that a body gets at once when the exchange announces its size; more comes as bytes arrive.
const FIRST_ROOM: usize = 1 << 20;

/// Redirects that are followed.
const MOST_REDIRECTS: usize = 3;

/// How one request becomes one response.
pub(crate) trait Transport: Send + Sync {
    /// Makes the request, once. Any HTTP status is a response.
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>>;
}

/// The client that all exchanges share, with its connections.
///
/// # Errors
/// When the system has no certificates to trust.
pub(crate) fn client() -> Result<Client> {
    // An `Err` says that a provider is installed already, by us or by a test.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("marketd/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::custom(redirect))
        .referer(false)
        .tcp_nodelay(true)
        .build()
        .map_err(|error| {
            let message = format!("no HTTPS client can be made: {}", root(&error));
            Error::new(Code::ExchangeNotAvailable, message).with_source(error)
        })
}

/// Follows a few redirects, and only those that stay encrypted; any other is handed over as the response that it is.
fn redirect(attempt: Attempt<'_>) -> Action {
    let encrypted = attempt.previous().iter().chain([attempt.url()]).all(|url| url.scheme() == "https");
    if encrypted && attempt.previous().len() <= MOST_REDIRECTS { attempt.follow() } else { attempt.stop() }
}

/// The way to one exchange over HTTP.
pub(crate) struct Http {
    client: Client,
    prefix: String,
    timeout: Duration,
}

impl Http {
    pub(crate) fn new(client: Client, exchange: &str, upstream: &Upstream) -> Self {
        let prefix = upstream.proxy_url.as_deref().unwrap_or_default().replace("{exchange}", exchange);
        Self { client, prefix, timeout: upstream.timeout }
    }

    async fn exchange(&self, request: &Request) -> Result<Response> {
        let url = Url::parse(&format!("{}{}", self.prefix, request.url))
            .map_err(|error| Error::bad_response(format!("the adapter made a URL that is none: {error}")))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut builder = self.client.request(method, url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let answer = async {
            let response = builder.send().await.map_err(|error| explain(error, &host))?;
            let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
            Ok(Response { status, body: read(response, &host).await?, retry_after })
        };
        tokio::time::timeout(self.timeout, answer).await.unwrap_or_else(|_| {
            let message = format!("{host} did not answer within {:?}", self.timeout);
            Err(Error::new(Code::RequestTimeout, message))
        })
    }
}

impl Transport for Http {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        self.exchange(request).boxed()
    }
}

/// Reads the body as it comes, so that one without end is refused rather than kept.
async fn read(mut response: reqwest::Response, host: &str) -> Result<Bytes> {
    let announced = usize::try_from(response.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
    if announced > LARGEST_BODY {
        return Err(oversize(host));
    }
    let mut body = BytesMut::with_capacity(announced.min(FIRST_ROOM));
    while let Some(chunk) = response.chunk().await.map_err(|error| explain(error, host))? {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(oversize(host));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn oversize(host: &str) -> Error {
    Error::bad_response(format!("{host} answered more than {} MiB", LARGEST_BODY >> 20))
}

/// The wait that a `Retry-After` header names, in seconds or as a date (RFC 9110 §10.2.3); some exchanges send fractions.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => {
            let moment = httpdate::parse_http_date(text).ok()?;
            Some(moment.duration_since(SystemTime::now()).unwrap_or_default())
        }
    }
}

/// Names what went wrong on the wire, without the URL: its query may hold a secret.
fn explain(error: reqwest::Error, host: &str) -> Error {
    let error = error.without_url();
    let root = root(&error);
    let (code, message) = if error.is_timeout() {
        (Code::RequestTimeout, format!("{host} did not answer in time"))
    } else if error.is_builder() {
        (Code::BadResponse, format!("the adapter made a request that is none: {root}"))
    } else if error.is_connect() {
        (Code::ExchangeNotAvailable, format!("no connection to {host}: {root}"))
    } else if is_garbled(&error) {
        (Code::BadResponse, format!("the answer of {host} cannot be decompressed: {root}"))
    } else {
        (Code::ExchangeNotAvailable, format!("the connection to {host} broke: {root}"))
    };
    Error::new(code, message).with_source(error)
}

/// Whether the bytes came but are not what they claim to be: decompression fails with these kinds, a broken connection never.
fn is_garbled(error: &reqwest::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput))
}

/// The innermost cause; the layers around it say no more than "error sending request".
fn root(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| error.to_string(), |cause| cause.to_string())
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

#[cfg(test)]
mod tests;
