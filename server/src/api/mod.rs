//! The REST interface. Every route is listed in [`routes`]; each resource has a file of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use poem::endpoint::BoxEndpoint;
use poem::{Endpoint, EndpointExt, Route};
use poem_openapi::registry::MetaParamIn;
use poem_openapi::{OpenApi, Tags};

use self::client_limit::ClientLimit;
use self::docs::Docs;
use self::edge::Edge;
use self::query::Checked;
use crate::config;
use crate::service::Service;
use crate::ws::Streams;

mod client_limit;
mod docs;
mod edge;
mod exchanges;
mod health;
mod historical;
mod markets;
mod orderbook;
mod params;
mod price;
pub(crate) mod problem;
mod problems;
mod query;
mod raw_json;
mod schema;
mod stream;
mod tickers;
mod trades;

/// How the document groups the routes.
#[derive(Tags)]
enum Tag {
    /// Market data.
    Markets,
    /// The exchanges themselves.
    Exchanges,
    /// WebSockets.
    Streams,
    /// This server.
    Server,
}

/// Every route that the document shows.
fn routes(service: &Arc<Service>, streams: &Streams) -> impl OpenApi + use<> {
    let service = || Arc::clone(service);
    (
        price::PriceApi(service()),
        historical::HistoricalApi(service()),
        tickers::TickersApi(service()),
        orderbook::OrderBookApi(service()),
        trades::TradesApi(service()),
        markets::MarketsApi(service()),
        exchanges::ExchangesApi(service()),
        stream::StreamApi { service: service(), streams: streams.clone() },
        health::HealthApi { started: Instant::now() },
        problems::ProblemsApi,
    )
}

/// The whole interface.
pub(crate) fn endpoint(service: &Arc<Service>, streams: &Streams, config: &config::Server) -> impl Endpoint + use<> {
    let docs = Docs::of(routes(service, streams));
    let pages = Route::new()
        .at("/", Checked::page(docs::index()))
        .at("/favicon.svg", Checked::page(docs::favicon()))
        .at("/docs", Checked::page(docs.swagger()))
        .at("/redoc", Checked::page(docs.redoc()))
        .at("/openapi.json", Checked::page(docs.document()));
    let all = with_api(pages, routes(service, streams));
    Edge::new(all.map_to_response(), config.client_rate_limit.map(ClientLimit::new))
}

/// Adds documented routes, each with a check of its parameters. poem-openapi's own service lets unknown ones pass.
fn with_api<T: OpenApi>(mut route: Route, api: T) -> Route {
    let mut known: HashMap<String, Vec<String>> = HashMap::new();
    for path in T::meta().into_iter().flat_map(|api| api.paths) {
        let in_query = path
            .operations
            .into_iter()
            .flat_map(|operation| operation.params)
            .filter(|parameter| parameter.in_type == MetaParamIn::Query)
            .map(|parameter| parameter.name);
        known.insert(shape(&path.path), in_query.collect());
    }
    let mut table: HashMap<String, HashMap<poem::http::Method, BoxEndpoint<'static>>> = HashMap::new();
    api.add_routes(&mut table);
    for (path, methods) in table {
        let known = known.remove(&shape(&path)).unwrap_or_default();
        // Every route is a GET.
        for get in methods.into_values() {
            route = route.at(&path, Checked::new(get, known.clone()));
        }
    }
    route
}

/// A path without the names of its parameters: the document has `{symbol}` where the router has `:param1`.
fn shape(path: &str) -> String {
    let part = |part: &str| if part.starts_with(['{', ':']) { ":".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}
