//! One case of a corpus: a question, and the answer or the error that is right.

use std::collections::BTreeMap;
use std::fmt;

use marketd_core::{Capability, Method, Millis};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::world::Fault;

/// One question with what is expected of the answer.
#[derive(Debug, Deserialize)]
pub(super) struct Case {
    pub(super) op: Capability,
    #[serde(default)]
    pub(super) symbol: Option<String>,
    #[serde(default)]
    pub(super) timeframe: Option<String>,
    #[serde(default)]
    pub(super) since: Option<Millis>,
    #[serde(default)]
    pub(super) limit: Option<usize>,
    /// Of `tickers`: the wanted markets; none named is all.
    #[serde(default)]
    pub(super) symbols: Vec<String>,
    #[serde(default)]
    pub(super) expect: Value,
    /// The ccxt error class that is expected instead of an answer.
    #[serde(default)]
    pub(super) error: Option<String>,
    /// What every request is answered with instead of the routes.
    #[serde(default)]
    pub(super) fault: Option<Fault>,
    /// The exchange wants a key even for this: `NotSupported` is right too.
    #[serde(default)]
    pub(super) needs_key: bool,
    /// Where ccxt itself crashed nothing can be expected.
    #[serde(default)]
    crash: Option<IgnoredAny>,
    /// What ccxt asked.
    #[serde(default)]
    pub(super) requests: Vec<Asked>,
}

/// A request as ccxt made it.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) url: String,
    #[serde(default)]
    pub(super) query: BTreeMap<String, String>,
}

impl Case {
    pub(super) fn is_crash(&self) -> bool {
        self.crash.is_some()
    }

    /// `error` for cases that expect one, else the name of the question.
    pub(super) fn kind(&self) -> &'static str {
        if self.error.is_some() { "error" } else { self.op.name() }
    }
}

/// Names the case in a report: `candles BTC/USDT 1h`.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.op.name())?;
        for part in [&self.symbol, &self.timeframe, &self.error].into_iter().flatten() {
            write!(f, " {part}")?;
        }
        Ok(())
    }
}
