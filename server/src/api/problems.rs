//! `GET /problems` and `GET /problems/{code}`: where the `type` of an error leads.

use poem_openapi::OpenApi;
use serde::Serialize;

use super::Tag;
use super::params::{Path, ProblemCode};
use super::problem::{KINDS, LocalProblem, Problem, ProblemKind};
use super::raw_json::RawJson;
use super::schema;

pub(super) struct ProblemsApi;

#[OpenApi(tag = "Tag::Server")]
impl ProblemsApi {
    /// Every code of an error
    #[oai(path = "/problems", method = "get", operation_id = "problems")]
    async fn all(&self) -> Result<RawJson<schema::Problems>, LocalProblem> {
        Ok(RawJson::of(&Problems { problems: KINDS }))
    }

    /// What the code of an error means
    #[oai(path = "/problems/:code", method = "get", operation_id = "problem")]
    async fn one(
        &self,
        /// The code.
        code: Path<ProblemCode>,
    ) -> Result<RawJson<schema::ProblemKind>, LocalProblem> {
        let code = code.0.0;
        let kind = ProblemKind::of(&code).ok_or_else(|| Problem::not_found(&format!("/problems/{code}")))?;
        Ok(RawJson::of(kind))
    }
}

#[derive(Serialize)]
struct Problems {
    problems: &'static [ProblemKind],
}
