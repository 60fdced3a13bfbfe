//! `GET /health`

use std::time::Instant;

use poem_openapi::OpenApi;
use serde::Serialize;

use super::Tag;
use super::problem::LocalProblem;
use super::raw_json::RawJson;
use super::schema;

pub(super) struct HealthApi {
    pub(super) started: Instant,
}

#[OpenApi(tag = "Tag::Server")]
impl HealthApi {
    /// Whether the server is well
    ///
    /// Asks no exchange: those are under `/exchanges`.
    #[oai(path = "/health", method = "get", operation_id = "health")]
    async fn health(&self) -> Result<RawJson<schema::Health>, LocalProblem> {
        let uptime_seconds = self.started.elapsed().as_secs();
        Ok(RawJson::of(&Health { status: "ok", version: env!("CARGO_PKG_VERSION"), uptime_seconds }))
    }
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    uptime_seconds: u64,
}
