//! `GET /exchanges` and `GET /exchanges/{exchange}`

use std::sync::Arc;

use marketd_core::{Budget, Capability, Kind, Links, Millis, Timeframe};
use poem_openapi::OpenApi;
use serde::Serialize;

use super::Tag;
use super::params::{ExchangeId, Path};
use super::problem::LocalProblem;
use super::raw_json::RawJson;
use super::schema;
use crate::health::{LastError, State};
use crate::service::{ExchangeStatus, Service};

pub(super) struct ExchangesApi(pub(super) Arc<Service>);

#[OpenApi(tag = "Tag::Exchanges")]
impl ExchangesApi {
    /// Every exchange
    ///
    /// What each can do, and how it is.
    #[oai(path = "/exchanges", method = "get", operation_id = "exchanges")]
    async fn all(&self) -> Result<RawJson<schema::Exchanges>, LocalProblem> {
        let exchanges = self.0.exchanges();
        Ok(RawJson::of(&Exchanges { exchanges: exchanges.iter().map(Exchange::from).collect() }))
    }

    /// One exchange
    ///
    /// What it can do, and how it is.
    #[oai(path = "/exchanges/:exchange", method = "get", operation_id = "exchange")]
    async fn one(
        &self,
        /// The exchange's id.
        exchange: Path<ExchangeId>,
    ) -> Result<RawJson<schema::Exchange>, LocalProblem> {
        Ok(RawJson::of(&Exchange::from(&self.0.exchange(&exchange.0.0)?)))
    }
}

#[derive(Serialize)]
struct Exchanges<'a> {
    exchanges: Vec<Exchange<'a>>,
}

#[derive(Serialize)]
struct Exchange<'a> {
    id: &'a str,
    name: &'a str,
    kind: Kind,
    synthetic: bool,
    capabilities: &'a [Capability],
    timeframes: &'a [Timeframe],
    links: &'a Links,
    budget: Option<Budget>,
    status: State,
    reason: Option<&'a str>,
    health: Health<'a>,
}

#[derive(Serialize)]
struct Health<'a> {
    last_success: Option<Millis>,
    last_failure: Option<Millis>,
    last_error: Option<Failure<'a>>,
    consecutive_failures: u32,
    paused_until: Option<Millis>,
    dropped_rows: u64,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'static str,
    detail: &'a str,
}

impl<'a> From<&'a ExchangeStatus> for Exchange<'a> {
    fn from(status: &'a ExchangeStatus) -> Self {
        let ExchangeStatus { about, health, dropped_rows, reason } = status;
        let failure = |error: &'a LastError| Failure { code: error.code.name(), detail: &error.message };
        Self {
            id: &about.id,
            name: &about.name,
            kind: about.kind,
            synthetic: about.synthetic,
            capabilities: &about.capabilities,
            timeframes: &about.timeframes,
            links: &about.links,
            budget: about.budget,
            status: health.state,
            reason: reason.as_deref(),
            health: Health {
                last_success: health.last_success,
                last_failure: health.last_failure,
                last_error: health.last_error.as_ref().map(failure),
                consecutive_failures: health.consecutive_failures,
                paused_until: health.paused_until,
                dropped_rows: *dropped_rows,
            },
        }
    }
}
