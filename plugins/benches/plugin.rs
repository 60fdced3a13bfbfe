//! What the border of a plugin costs: the same adapter, built in and behind the ABI (on a thread of its own, with a time limit),
//! asked for a ticker and for 1,000 candles. A *step* reads the responses; the *question* is asked as a whole, which is two calls.

use std::hint::black_box;
use std::sync::{Arc, OnceLock};

mod answers;

use answers::{DEFINITION, TICKER, answered, klines};
use bytes::Bytes;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use marketd_core::plugin::{Exported, Library, Table};
use marketd_core::{About, Candle, CandleQuery, Exchange, Fetch, Market, Millis, Ticker};
use marketd_plugins::definition::Definition;
use marketd_plugins::dynamic::{TIME_LIMIT, from_table};

/// A definition as a library would bring it.
struct Bench(Definition);

impl Default for Bench {
    fn default() -> Self {
        Self(Definition::parse("bench.toml", DEFINITION, &|_| None).unwrap_or_else(|error| panic!("{error}")))
    }
}

impl Exchange for Bench {
    fn about(&self) -> &About {
        self.0.about()
    }

    fn markets(&self, now: Millis) -> Fetch<Vec<Market>> {
        self.0.markets(now)
    }

    fn ticker(&self, market: &Arc<Market>, now: Millis) -> Fetch<Ticker> {
        self.0.ticker(market, now)
    }

    fn candles(&self, market: &Arc<Market>, query: &CandleQuery) -> Fetch<Vec<Candle>> {
        self.0.candles(market, query)
    }
}

struct Linked;

impl Library for Linked {
    fn exchanges() -> &'static [Exported] {
        static ALL: OnceLock<Vec<Exported>> = OnceLock::new();
        ALL.get_or_init(|| vec![Exported::new(Bench::default())])
    }
}

static TABLE: Table = Table::of::<Linked>();

fn compare<T: PartialEq + std::fmt::Debug>(
    criterion: &mut Criterion,
    name: &str,
    body: &Bytes,
    ask: impl Fn(&dyn Exchange) -> Fetch<T>,
) {
    let built_in: Arc<dyn Exchange> = Arc::new(Bench::default());
    let plugin = from_table(&TABLE, "bench", TIME_LIMIT).unwrap_or_else(|error| panic!("{error}")).remove(0);
    assert_eq!(answered(ask(&*built_in), body), answered(ask(&*plugin), body));
    let mut group = criterion.benchmark_group(name);
    for (kind, exchange) in [("built in", &built_in), ("plugin", &plugin)] {
        group.bench_function(format!("step, {kind}"), |b| {
            b.iter_batched(|| ask(&**exchange), |fetch| answered(fetch, black_box(body)), BatchSize::SmallInput);
        });
        group.bench_function(format!("question, {kind}"), |b| {
            b.iter(|| answered(ask(&**exchange), black_box(body)));
        });
    }
    group.finish();
}

fn border(criterion: &mut Criterion) {
    let market = Arc::new(Market::spot("BTCUSDT", "BTC", "USDT"));
    let query = CandleQuery { timeframe: "1m".parse().expect("a timeframe"), since: None, limit: 1_000, now: 0 };
    compare(criterion, "ticker", &TICKER.into(), |exchange| exchange.ticker(&market, 0));
    compare(criterion, "1,000 candles", &klines().into(), |exchange| exchange.candles(&market, &query));
}

criterion_group!(benches, border);
criterion_main!(benches);
