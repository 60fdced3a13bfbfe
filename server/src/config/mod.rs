//! The configuration as the rest of the server uses it: read once, validated, built.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use marketd_core::{Budget, Capability};

mod duration;
mod load;
mod raw;

pub use load::{ConfigError, Inputs, Loaded};

/// Everything that can be configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the server listens.
    pub server: Server,
    /// How exchanges are reached, unless [`Exchanges::upstream`] says otherwise for one.
    pub upstream: Upstream,
    /// How long answers are served again.
    pub cache: Cache,
    /// Which exchanges are served.
    pub exchanges: Exchanges,
    /// Exchanges from outside the binary.
    pub plugins: Plugins,
}

/// Where the server listens.
#[derive(Clone, Debug)]
pub struct Server {
    /// The address.
    pub host: IpAddr,
    /// The port; 0 lets the system choose.
    pub port: u16,
    /// How much one client (an IP address) may ask; `None` is as much as it likes.
    pub client_rate_limit: Option<Budget>,
}

/// How an exchange is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Upstream {
    /// A prefix put before every URL, with `{exchange}` replaced by the exchange's id.
    pub proxy_url: Option<String>,
    /// For one request, from the first byte sent to the last received.
    pub timeout: Duration,
    /// How often a failed request is made again.
    pub retries: u32,
    /// Whether the exchange's published request budget is kept.
    pub rate_limit: bool,
}

/// How long an answer is served again; zero switches that cache off.
#[derive(Clone, Debug)]
pub struct Cache {
    /// Of a ticker.
    pub ticker: Duration,
    /// Of many tickers.
    pub tickers: Duration,
    /// Of candles.
    pub candles: Duration,
    /// Of an order book.
    pub orderbook: Duration,
    /// Of trades.
    pub trades: Duration,
    /// Of the market list.
    pub markets: Duration,
    /// How much older than that an answer may be when the exchange fails.
    pub stale_if_error: Duration,
}

impl Cache {
    /// How long an answer to this question is fresh.
    pub fn ttl(&self, question: Capability) -> Duration {
        match question {
            Capability::Markets => self.markets,
            Capability::Ticker => self.ticker,
            Capability::Tickers => self.tickers,
            Capability::Candles => self.candles,
            Capability::OrderBook => self.orderbook,
            Capability::Trades => self.trades,
        }
    }
}

/// Which exchanges are served.
#[derive(Clone, Debug)]
pub struct Exchanges {
    /// Their ids; `None` is all.
    pub enabled: Option<Vec<String>>,
    /// How single exchanges are reached, already merged with the general settings.
    pub upstream: BTreeMap<String, Upstream>,
}

/// Exchanges from outside the binary.
#[derive(Clone, Debug)]
pub struct Plugins {
    /// The folder of definitions and libraries.
    pub dir: PathBuf,
    /// Whether changed files are read anew without being told to.
    pub watch: bool,
    /// The digest that each named file must have, in lower case hex. When there is any, libraries that are not named are
    /// refused.
    pub sha256: BTreeMap<String, String>,
}

impl Config {
    /// How this exchange is reached.
    pub fn upstream(&self, exchange: &str) -> &Upstream {
        self.exchanges.upstream.get(exchange).unwrap_or(&self.upstream)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server: Server { host: IpAddr::from([127, 0, 0, 1]), port: 8000, client_rate_limit: None },
            upstream: Upstream { proxy_url: None, timeout: Duration::from_secs(10), retries: 2, rate_limit: true },
            cache: Cache {
                ticker: Duration::from_secs(10),
                tickers: Duration::from_secs(10),
                candles: Duration::from_secs(30),
                orderbook: Duration::from_secs(2),
                trades: Duration::from_secs(5),
                markets: Duration::from_secs(3_600),
                stale_if_error: Duration::from_secs(60),
            },
            exchanges: Exchanges { enabled: None, upstream: BTreeMap::new() },
            plugins: Plugins { dir: PathBuf::from("plugins.d"), watch: false, sha256: BTreeMap::new() },
        }
    }
}
