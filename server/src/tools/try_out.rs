//! `marketd try PATH_OR_ID QUESTION [SYMBOL]`: one question, with every request and what was made of its answer.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use marketd_core::{Capability, Code, Error, Result};
use marketd_plugins::built_in;
use marketd_plugins::conformance::World;

use super::Verdict;
use super::json::pretty;
use super::transcript::{Out, Replay, Transcript};
use crate::answer::Answer;
use crate::api::problem::Problem;
use crate::clock;
use crate::config::Config;
use crate::registry::{ExchangeSet, PluginFile, Registry, Version};
use crate::service::{MarketFilter, Service};
use crate::upstream::{Http, Transport, client};

/// How many lines of an answer are shown.
const SHOWN: usize = 120;

/// Asks one exchange one thing; shows each request, its answer, and what was made of it
#[derive(Debug, Args)]
pub struct Try {
    /// A definition or a library, or the id of an exchange
    #[arg(value_name = "PATH_OR_ID")]
    exchange: String,

    /// markets, ticker, tickers, candles, orderbook or trades
    #[arg(value_parser = question)]
    question: Capability,

    /// The market, as in BTC/USDT; of tickers some, with commas between, or none for all
    symbol: Option<String>,

    /// Of candles
    #[arg(long, default_value = "1d")]
    timeframe: String,

    /// Of candles and trades: none before this moment, in milliseconds UTC
    #[arg(long, value_name = "MS")]
    since: Option<i64>,

    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,

    /// Takes the answers from a file of cases instead of the network
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,

    /// Of a library with several exchanges: the id of the one to ask
    #[arg(long, value_name = "ID")]
    only: Option<String>,

    /// Shows everything to its end
    #[arg(long)]
    raw: bool,
}

/// What the server asks for when a client names no limit.
const LIMIT: usize = 100;

fn question(text: &str) -> std::result::Result<Capability, String> {
    let all = Capability::ALL;
    all.into_iter()
        .find(|question| question.name() == text)
        .ok_or_else(|| format!("must be one of {}", all.map(Capability::name).join(", ")))
}

impl Try {
    /// Asks, as the server would.
    ///
    /// # Errors
    /// There is no such file or exchange, or it cannot be asked at all. What the exchange answers is shown in any case.
    pub async fn run(&self, mut config: Config, out: impl Write + Send + 'static) -> Verdict {
        let (exchanges, id) = self.exchanges(&config)?;
        config.exchanges.enabled = None;
        let replay = self.replay.as_deref().map(replay).transpose()?;
        if replay.is_some() {
            (config.upstream.rate_limit, config.upstream.retries) = (false, 0);
            config.exchanges.upstream.clear();
        }
        let (out, raw): (Out, bool) = (Arc::new(Mutex::new(out)), self.raw);
        let (told, client) = (Arc::clone(&out), client()?);
        let service = Service::with_wires(exchanges, &config, move |id, upstream| {
            let wire: Arc<dyn Transport> = match &replay {
                Some(replay) => Arc::clone(replay) as _,
                None => Arc::new(Http::new(client.clone(), id, upstream)),
            };
            Arc::new(Transcript { wire, out: Arc::clone(&told), raw })
        });
        let answer = self.ask(&service, &id).await;
        let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
        let dropped = service.exchange(&id).map_or(0, |status| status.dropped_rows);
        if dropped > 0 {
            writeln!(out, "! {dropped} rows could not be read and were left out\n")?;
        }
        match answer {
            Ok(answer) => {
                let body = pretty(&String::from_utf8_lossy(&answer.body));
                let lines = body.lines().count();
                let shown = if raw { lines } else { SHOWN };
                for line in body.lines().take(shown) {
                    writeln!(out, "{line}")?;
                }
                if lines > shown {
                    writeln!(out, "… (cut; --raw shows all {lines} lines)")?;
                }
                Ok(true)
            }
            Err(error) => {
                writeln!(out, "{}", pretty(&Problem::from(error).to_json()))?;
                Ok(false)
            }
        }
    }

    /// The exchanges there are to ask, and the id of the one that is meant.
    fn exchanges(&self, config: &Config) -> std::result::Result<(ExchangeSet, String), Box<dyn std::error::Error>> {
        let Some(file) = PluginFile::of(Path::new(&self.exchange)) else {
            let mut registry = Registry::new(built_in::all(clock::now)?, config.plugins.clone());
            return Ok((registry.gather()?, self.exchange.clone()));
        };
        let version = Version::read(&file, &Default::default(), None).map_err(|refusal| refusal.about(&file))?;
        let ids: Vec<_> = version.exchanges.iter().map(|exchange| exchange.about().id.as_str()).collect();
        let id = match (ids.as_slice(), &self.only) {
            (_, Some(only)) => only.clone(),
            ([id], None) => (*id).to_owned(),
            _ => {
                return Err(
                    format!("{}: name one of its exchanges with --only: {}", file.name(), ids.join(", ")).into()
                );
            }
        };
        Ok((version.exchanges.into(), id))
    }

    async fn ask(&self, service: &Service, id: &str) -> Result<Answer> {
        let limit = self.limit.unwrap_or(LIMIT);
        match self.question {
            Capability::Markets => service.markets(id, &MarketFilter::default()).await,
            Capability::Ticker => service.ticker(id, self.symbol()?, None).await,
            Capability::Tickers => {
                let symbols = self.symbol.as_deref().unwrap_or_default().split(',').map(str::trim);
                let symbols: Vec<_> = symbols.filter(|symbol| !symbol.is_empty()).map(str::to_owned).collect();
                service.tickers(id, Some(&symbols)).await
            }
            Capability::Candles => service.candles(id, self.symbol()?, &self.timeframe, self.since, limit).await,
            Capability::OrderBook => service.order_book(id, self.symbol()?, self.limit).await,
            Capability::Trades => service.trades(id, self.symbol()?, self.since, limit).await,
        }
    }

    fn symbol(&self) -> Result<&str> {
        let missing = || Error::new(Code::BadRequest, "SYMBOL is missing: a market, as in BTC/USDT");
        self.symbol.as_deref().ok_or_else(missing)
    }
}

fn replay(file: &Path) -> std::result::Result<Arc<Replay>, String> {
    super::check::cases(file).map(|world: World| Arc::new(Replay(world)))
}
