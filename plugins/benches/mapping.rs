//! What a definition costs: a ticker and an answer of 1,000 candles, from the bytes to the model, read by a definition, by a
//! hand-written serde struct, and by jaq alone.

use std::borrow::Cow;
use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
mod answers;

use answers::{DEFINITION, TICKER, answered, klines};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, data::JustLut};
use jaq_json::{Val, read};
use marketd_core::{Candle, CandleQuery, Decimal, Exchange, Market, Ticker};
use marketd_plugins::definition::Definition;
use serde::{Deserialize, Deserializer};

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    Ok(Decimal::parse(&Cow::<str>::deserialize(deserializer)?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HandTicker {
    close_time: i64,
    #[serde(deserialize_with = "text")]
    high_price: Option<Decimal>,
    #[serde(deserialize_with = "text")]
    low_price: Option<Decimal>,
    #[serde(deserialize_with = "text")]
    bid_price: Option<Decimal>,
    #[serde(deserialize_with = "text")]
    bid_qty: Option<Decimal>,
    #[serde(deserialize_with = "text")]
    ask_price: Option<Decimal>,
    #[serde(deserialize_with = "text")]
    ask_qty: Option<Decimal>,
    #[serde(deserialize_with = "text")]
    weighted_avg_price: Option<Decimal>,
    #[serde(deserialize_with = "text")]
    open_price: Option<Decimal>,
    #[serde(deserialize_with = "text")]
    last_price: Option<Decimal>,
    #[serde(deserialize_with = "text")]
    prev_close_price: Option<Decimal>,
    #[serde(deserialize_with = "text")]
    price_change: Option<Decimal>,
    #[serde(deserialize_with = "text")]
    price_change_percent: Option<Decimal>,
    #[serde(deserialize_with = "text")]
    volume: Option<Decimal>,
    #[serde(deserialize_with = "text")]
    quote_volume: Option<Decimal>,
}

#[derive(Deserialize)]
struct HandCandle(
    i64,
    #[serde(deserialize_with = "text")] Option<Decimal>,
    #[serde(deserialize_with = "text")] Option<Decimal>,
    #[serde(deserialize_with = "text")] Option<Decimal>,
    #[serde(deserialize_with = "text")] Option<Decimal>,
    #[serde(deserialize_with = "text")] Option<Decimal>,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
);

fn hand_ticker(body: &[u8]) -> Ticker {
    let hand: HandTicker = serde_json::from_slice(body).expect("a ticker");
    Ticker {
        timestamp: Some(hand.close_time),
        high: hand.high_price,
        low: hand.low_price,
        bid: hand.bid_price,
        bid_volume: hand.bid_qty,
        ask: hand.ask_price,
        ask_volume: hand.ask_qty,
        vwap: hand.weighted_avg_price,
        open: hand.open_price,
        last: hand.last_price,
        previous_close: hand.prev_close_price,
        change: hand.price_change,
        percentage: hand.price_change_percent,
        base_volume: hand.volume,
        quote_volume: hand.quote_volume,
        ..Ticker::new("bench", "BTC/USDT")
    }
}

fn hand_candles(body: &[u8]) -> Vec<Candle> {
    let hand: Vec<HandCandle> = serde_json::from_slice(body).expect("candles");
    let candle = |HandCandle(timestamp, open, high, low, close, volume, ..): HandCandle| Candle {
        timestamp,
        open,
        high,
        low,
        close,
        volume,
    };
    hand.into_iter().map(candle).collect()
}

type Program = jaq_core::Filter<JustLut<Val>>;

fn program(code: &str) -> Program {
    let arena = Arena::default();
    let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let modules = Loader::new(defs).load(&arena, File { code, path: () }).unwrap_or_else(|_| panic!("loads"));
    let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    Compiler::default().with_funs(funs).compile(modules).unwrap_or_else(|_| panic!("compiles"))
}

/// The rows that a program makes: lists of the wanted values.
fn jaq_rows(program: &Program, body: &[u8]) -> Vec<Vec<Option<Decimal>>> {
    let input = read::parse_single(body).expect("JSON");
    let ctx = Ctx::<JustLut<Val>>::new(&program.lut, Vars::new([]));
    let rows = program.id.run((ctx, input)).map(|row| match row {
        Ok(Val::Arr(row)) => row.iter().map(|value| Decimal::parse(value.to_string().trim_matches('"'))).collect(),
        _ => panic!("a row"),
    });
    rows.collect()
}

fn mapping(criterion: &mut Criterion) {
    let definition = Definition::parse("bench.toml", DEFINITION, &|_| None).unwrap_or_else(|error| panic!("{error}"));
    let market = Arc::new(Market::spot("BTCUSDT", "BTC", "USDT"));
    let query = CandleQuery { timeframe: "1m".parse().expect("a timeframe"), since: None, limit: 1_000, now: 0 };
    let (ticker, klines) = (Bytes::from_static(TICKER.as_bytes()), Bytes::from(klines()));
    assert_eq!(answered(definition.ticker(&market, 0), &ticker), hand_ticker(&ticker));
    assert_eq!(answered(definition.candles(&market, &query), &klines), hand_candles(&klines));

    let mut group = criterion.benchmark_group("ticker");
    group.bench_function("hand-written", |b| {
        b.iter_batched(|| (), |()| hand_ticker(black_box(&ticker)), BatchSize::SmallInput);
    });
    // What is asked is made beforehand, as the others ask nothing; all are measured in batches alike.
    group.bench_function("definition", |b| {
        b.iter_batched(
            || definition.ticker(&market, 0),
            |fetch| answered(fetch, black_box(&ticker)),
            BatchSize::SmallInput,
        );
    });
    let code = "[.closeTime, .highPrice, .lowPrice, .bidPrice, .bidQty, .askPrice, .askQty, .weightedAvgPrice, .openPrice, .lastPrice, .prevClosePrice, .priceChange, .priceChangePercent, .volume, .quoteVolume]";
    let by_jaq = program(code);
    group.bench_function("jaq", |b| b.iter(|| jaq_rows(&by_jaq, black_box(&ticker))));
    group.finish();

    let mut group = criterion.benchmark_group("1,000 candles");
    group.bench_function("hand-written", |b| {
        b.iter_batched(|| (), |()| hand_candles(black_box(&klines)), BatchSize::SmallInput);
    });
    group.bench_function("definition", |b| {
        let ask = || definition.candles(&market, &query);
        b.iter_batched(ask, |fetch| answered(fetch, black_box(&klines)), BatchSize::SmallInput);
    });
    let by_jaq = program(".[] | [.[0], .[1], .[2], .[3], .[4], .[5]]");
    group.bench_function("jaq", |b| b.iter(|| jaq_rows(&by_jaq, black_box(&klines))));
    group.finish();
}

criterion_group!(benches, mapping);
criterion_main!(benches);
