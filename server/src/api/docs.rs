//! The pages for people and the OpenAPI document. None of them loads anything from another host.

use bytes::Bytes;
use poem::endpoint::make_sync;
use poem::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION};
use poem::http::{HeaderValue, StatusCode};
use poem::{Endpoint, EndpointExt, Response};
use poem_openapi::{OpenApi, OpenApiService};

const ABOUT: &str = "\
The market data of every crypto exchange behind one interface.

**Symbols** are ccxt's unified ones: `BTC/USDT` (spot), `BTC/USDT:USDT` (perpetual swap), `BTC/USD:BTC-260327` (future), \
`BTC/USD:BTC-260327-100000-C` (option). In a path the slash may stand as it is or as `%2F`, and the exchange's own id \
(`BTCUSDT`) will do. Upper and lower case are the same, and so are `XBT` and `BTC`.

**Numbers** have the very digits that the exchange sent. What the exchange does not say is `null`, never 0. Times are integer \
milliseconds UTC.

**Errors** are problem details (RFC 9457) with a `code` named as ccxt names its error classes; `GET /problems` lists them. \
An unknown route is `NotFound` (404), a method other than GET `MethodNotAllowed` (405).

**Streams**: `/ws/{exchange}/{symbol}` is a WebSocket that sends the ticker at once and then after every `poll_interval`.

**Freshness**: answers are kept for a short time and served again; `Cache-Control`, `Age` and `Cache-Status` say so.";

/// What a page may load: what it brings along. A browser holds the pages to it.
const NOTHING_FROM_ELSEWHERE: &str = "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:";

/// What stands in the head of every page.
const HEAD: &str = "<title>marketd</title><link rel=\"icon\" href=\"/favicon.svg\">";

/// The OpenAPI document of these routes, and the pages that show it.
pub(super) struct Docs {
    document: Bytes,
    swagger: Bytes,
    redoc: Bytes,
}

impl Docs {
    pub(super) fn of(api: impl OpenApi) -> Self {
        let service = OpenApiService::new(api, "marketd", env!("CARGO_PKG_VERSION")).description(ABOUT);
        // Without its doctype the page would be laid out as in the nineties.
        let swagger = format!("<!DOCTYPE html>{}", service.swagger_ui_html())
            .replace("<title>Swagger UI</title>", HEAD)
            // The default of a feature that sends the document to a service; "none" is how it is switched off.
            .replace("https://validator.swagger.io/validator", "none");
        let redoc = without_web_fonts(&service.redoc_html()).replace("<title>Redoc</title>", HEAD);
        Self { document: service.spec().into(), swagger: swagger.into(), redoc: redoc.into() }
    }

    pub(super) fn document(&self) -> impl Endpoint<Output = Response> + use<> {
        constant(&self.document, "application/json")
    }

    pub(super) fn swagger(&self) -> impl Endpoint<Output = Response> + use<> {
        constant(&self.swagger, "text/html; charset=utf-8")
    }

    pub(super) fn redoc(&self) -> impl Endpoint<Output = Response> + use<> {
        constant(&self.redoc, "text/html; charset=utf-8")
    }
}

/// The sign of the pages in a browser's tabs.
pub(super) fn favicon() -> impl Endpoint<Output = Response> {
    constant(&Bytes::from_static(include_bytes!("favicon.svg")), "image/svg+xml")
}

/// Leads from the root, which people open in a browser, to the pages.
pub(super) fn index() -> impl Endpoint<Output = Response> {
    make_sync(|_| Response::builder().status(StatusCode::FOUND).header(LOCATION, "/docs").finish()).map_to_response()
}

fn constant(body: &Bytes, content_type: &'static str) -> impl Endpoint<Output = Response> + use<> {
    let body = body.clone();
    make_sync(move |_| {
        let mut response = Response::builder().content_type(content_type).body(body.clone());
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(NOTHING_FROM_ELSEWHERE));
        response
    })
    .map_to_response()
}

/// ReDoc's page links Google Fonts.
fn without_web_fonts(page: &str) -> String {
    match page.split_once("<link href=\"https://fonts.googleapis.com/") {
        Some((before, rest)) => {
            let after = rest.split_once('>').map_or("", |(_, after)| after);
            format!("{before}{after}")
        }
        None => page.to_owned(),
    }
}
