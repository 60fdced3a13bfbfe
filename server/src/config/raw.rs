//! The configuration as it is written, and how the built one comes from it: every key may be left out.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use marketd_core::Budget;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Cache, Config, Exchanges, Plugins, Server, Upstream, duration};

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawConfig {
    server: RawServer,
    upstream: RawUpstream,
    cache: RawCache,
    exchanges: RawExchanges,
    plugins: RawPlugins,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawServer {
    #[serde(deserialize_with = "host")]
    host: Option<IpAddr>,
    #[serde(deserialize_with = "port")]
    port: Option<u16>,
    #[serde(deserialize_with = "client_rate_limit")]
    client_rate_limit: Option<Option<Budget>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawUpstream {
    #[serde(deserialize_with = "proxy_url")]
    proxy_url: Option<Option<String>>,
    #[serde(deserialize_with = "timeout")]
    timeout: Option<Duration>,
    #[serde(deserialize_with = "retries")]
    retries: Option<u32>,
    #[serde(deserialize_with = "boolean")]
    rate_limit: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawCache {
    #[serde(deserialize_with = "lifetime")]
    ticker: Option<Duration>,
    #[serde(deserialize_with = "lifetime")]
    tickers: Option<Duration>,
    #[serde(deserialize_with = "lifetime")]
    candles: Option<Duration>,
    #[serde(deserialize_with = "lifetime")]
    orderbook: Option<Duration>,
    #[serde(deserialize_with = "lifetime")]
    trades: Option<Duration>,
    #[serde(deserialize_with = "lifetime")]
    markets: Option<Duration>,
    #[serde(deserialize_with = "lifetime")]
    stale_if_error: Option<Duration>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawPlugins {
    #[serde(deserialize_with = "dir")]
    dir: Option<PathBuf>,
    #[serde(deserialize_with = "boolean")]
    watch: Option<bool>,
    #[serde(deserialize_with = "digests")]
    sha256: Option<BTreeMap<String, String>>,
}

/// `enabled`, and beside it a table for each exchange that wants its own settings.
#[derive(Default)]
struct RawExchanges {
    enabled: Option<Vec<String>>,
    single: BTreeMap<String, RawUpstream>,
}

// By hand, as serde's `flatten` would lose the path of a key that is wrong.
impl<'de> Deserialize<'de> for RawExchanges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = RawExchanges;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawExchanges, A::Error> {
                let mut raw = RawExchanges::default();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "enabled" {
                        raw.enabled = Some(map.next_value::<Enabled>()?.0);
                    } else {
                        raw.single.insert(key, map.next_value()?);
                    }
                }
                Ok(raw)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

impl RawConfig {
    /// Lays what is written over the defaults.
    pub(super) fn build(self) -> Config {
        let default = Config::default();
        let upstream = self.upstream.over(&default.upstream);
        let all = |ids: &Vec<String>| ids.iter().any(|id| id == "*");
        Config {
            server: Server {
                host: self.server.host.unwrap_or(default.server.host),
                port: self.server.port.unwrap_or(default.server.port),
                client_rate_limit: self.server.client_rate_limit.unwrap_or(default.server.client_rate_limit),
            },
            cache: Cache {
                ticker: self.cache.ticker.unwrap_or(default.cache.ticker),
                tickers: self.cache.tickers.unwrap_or(default.cache.tickers),
                candles: self.cache.candles.unwrap_or(default.cache.candles),
                orderbook: self.cache.orderbook.unwrap_or(default.cache.orderbook),
                trades: self.cache.trades.unwrap_or(default.cache.trades),
                markets: self.cache.markets.unwrap_or(default.cache.markets),
                stale_if_error: self.cache.stale_if_error.unwrap_or(default.cache.stale_if_error),
            },
            exchanges: Exchanges {
                enabled: self.exchanges.enabled.filter(|ids| !all(ids)),
                upstream: self.exchanges.single.into_iter().map(|(id, raw)| (id, raw.over(&upstream))).collect(),
            },
            plugins: Plugins {
                dir: self.plugins.dir.unwrap_or(default.plugins.dir),
                watch: self.plugins.watch.unwrap_or(default.plugins.watch),
                sha256: self.plugins.sha256.unwrap_or(default.plugins.sha256),
            },
            upstream,
        }
    }
}

impl RawUpstream {
    fn over(self, general: &Upstream) -> Upstream {
        Upstream {
            proxy_url: self.proxy_url.unwrap_or_else(|| general.proxy_url.clone()),
            timeout: self.timeout.unwrap_or(general.timeout),
            retries: self.retries.unwrap_or(general.retries),
            rate_limit: self.rate_limit.unwrap_or(general.rate_limit),
        }
    }
}

/// Reads one value; what is wrong says what it is and what is allowed. The loader adds the key and the source.
fn read<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    allowed: &str,
    parse: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    parse(&value).ok_or_else(|| {
        let shown = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        D::Error::custom(format!("is `{shown:.60}`, but must be {allowed}"))
    })
}

fn host<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IpAddr>, D::Error> {
    read(deserializer, "an IP address to listen on, such as 127.0.0.1, 0.0.0.0 or ::1", |value| {
        match value.as_str()? {
            "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            text => text.parse().ok(),
        }
    })
    .map(Some)
}

fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    read(deserializer, "a number from 0 (any free port) to 65535", |value| u16::try_from(value.as_u64()?).ok())
        .map(Some)
}

fn client_rate_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Budget>>, D::Error> {
    let allowed = "a number of requests in a time, such as 100/s or 1200/m, or empty for no limit";
    read(deserializer, allowed, |value| match value.as_str()? {
        "" => Some(None),
        text => text.parse().ok().map(Some),
    })
    .map(Some)
}

fn proxy_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    read(deserializer, "an http:// or https:// URL, or empty", |value| {
        let text = value.as_str()?;
        if text.is_empty() {
            return Some(None);
        }
        let url = reqwest::Url::parse(&text.replace("{exchange}", "x")).ok()?;
        let usable = matches!(url.scheme(), "http" | "https") && url.has_host() && !text.contains(char::is_whitespace);
        usable.then(|| Some(text.to_owned()))
    })
    .map(Some)
}

fn timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let bounds = Duration::from_millis(10)..=Duration::from_secs(600);
    read(deserializer, "a time from 10ms to 10m, such as 500ms or 10s", |value| {
        duration::parse(value.as_str()?).filter(|time| bounds.contains(time))
    })
    .map(Some)
}

fn lifetime<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    read(deserializer, "a time up to 30d, such as 500ms, 10s, 5m or 1h, or 0s to switch it off", |value| {
        duration::parse(value.as_str()?)
    })
    .map(Some)
}

fn retries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    read(deserializer, "a number from 0 to 10", |value| value.as_u64().filter(|count| *count <= 10)?.try_into().ok())
        .map(Some)
}

fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    read(deserializer, "true or false", Value::as_bool).map(Some)
}

fn dir<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    read(deserializer, "the path of a folder", |value| {
        value.as_str().filter(|text| !text.is_empty()).map(PathBuf::from)
    })
    .map(Some)
}

fn digests<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    let allowed = "a table of file names, each with a SHA-256 digest of 64 hex digits, as in \"mine.so\" = \"9f86d0…\"";
    read(deserializer, allowed, |value| {
        let digest = |(file, digest): (&String, &Value)| {
            let digest =
                digest.as_str().filter(|text| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()))?;
            Some((file.clone(), digest.to_lowercase()))
        };
        value.as_object()?.iter().map(digest).collect()
    })
    .map(Some)
}

/// Ids of exchanges: a list, or, as it is easier to write in an environment variable, text with commas.
struct Enabled(Vec<String>);

impl<'de> Deserialize<'de> for Enabled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let allowed = "a list of exchange ids, such as [\"binance\", \"kraken\"], or [\"*\"] for all";
        read(deserializer, allowed, |value| {
            let ids: Vec<String> = match value {
                Value::String(text) => text.split(',').map(|id| id.trim().to_lowercase()).collect(),
                Value::Array(items) => {
                    items.iter().map(|item| Some(item.as_str()?.trim().to_lowercase())).collect::<Option<_>>()?
                }
                _ => return None,
            };
            (!ids.is_empty() && ids.iter().all(|id| !id.is_empty())).then_some(Self(ids))
        })
    }
}
