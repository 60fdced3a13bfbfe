//! What the demo answers agrees with itself.

use marketd_core::{Decimal, Markets, time};
use rstest::rstest;

use super::*;

/// 2026-11-18T11:59:17.345Z.
const NOW: Millis = 1_795_003_157_345;
const MINUTE: Millis = 60_000;
const DAY: Millis = 1_440 * MINUTE;

const SYMBOLS: [&str; 6] =
    ["BTC/USDT", "DOGE/USDT", "ETH/BTC", "BTC/USDT:USDT", "BTC/USD:BTC", "BTC/USDT:USDT-270326-100000-P"];

fn demo() -> Demo {
    Demo::default()
}

fn done<T>(fetch: Fetch<T>) -> T {
    match fetch {
        Fetch::Done(result) => result.expect("an answer"),
        Fetch::Ask(_) => panic!("the demo asks nothing"),
    }
}

fn markets() -> Arc<Markets> {
    Arc::new(Markets::new(done(demo().markets(NOW))))
}

fn market(symbol: &str) -> Arc<Market> {
    Arc::clone(markets().find(symbol).expect("a market"))
}

fn candles(symbol: &str, timeframe: &str, since: Option<Millis>, limit: usize) -> Vec<Candle> {
    let timeframe = timeframe.parse().expect("a timeframe");
    done(demo().candles(&market(symbol), &CandleQuery { timeframe, since, limit, now: NOW }))
}

fn trades(symbol: &str, since: Option<Millis>, limit: usize) -> Vec<Trade> {
    done(demo().trades(&market(symbol), &TradesQuery { since, limit, now: NOW }))
}

fn number(decimal: &Option<Decimal>) -> f64 {
    decimal.as_ref().expect("a number").to_f64()
}

fn highest(candles: &[Candle]) -> f64 {
    candles.iter().map(|candle| number(&candle.high)).fold(f64::MIN, f64::max)
}

fn lowest(candles: &[Candle]) -> f64 {
    candles.iter().map(|candle| number(&candle.low)).fold(f64::MAX, f64::min)
}

/// Adds exactly.
fn sum<'a>(numbers: impl Iterator<Item = &'a Decimal>) -> Decimal {
    numbers.fold(Decimal::from(0), |sum, number| sum.plus(number).expect("fits"))
}

fn volume(candles: &[Candle]) -> Decimal {
    sum(candles.iter().filter_map(|candle| candle.volume.as_ref()))
}

/// Whether a number is a whole count of steps.
fn is_multiple(value: &Decimal, step: &Decimal) -> bool {
    let steps = value.over(step).expect("a quotient");
    !steps.as_str().contains('.')
}

#[test]
fn it_says_that_its_data_is_synthetic() {
    let about = demo().about;
    assert!(about.synthetic && about.name.contains("synthetic"));
    assert_eq!(about.capabilities, Capability::ALL);
}

#[rstest]
fn asking_twice_gives_the_same_bytes(#[values("BTC/USDT", "BTC/USDT:USDT-270326-100000-C")] symbol: &str) {
    let bytes = || {
        let (demo, market) = (demo(), market(symbol));
        let ticker = serde_json::to_string(&done(demo.ticker(&market, NOW)));
        let book = serde_json::to_string(&done(demo.order_book(&market, &OrderBookQuery { limit: None, now: NOW })));
        let candles = serde_json::to_string(&candles(symbol, "5m", None, 100));
        let trades = serde_json::to_string(&trades(symbol, None, 100));
        [ticker, book, candles, trades].map(|json| json.expect("serializes"))
    };
    assert_eq!(bytes(), bytes());
}

#[rstest]
fn candles_are_aligned_bounded_connected_and_never_in_the_future(
    #[values("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "1w", "1M")] timeframe: &str,
    #[values("BTC/USDT", "BTC/USDT:USDT-270326-100000-P")] symbol: &str,
) {
    let found = candles(symbol, timeframe, None, 50);
    assert_eq!(found.len(), 50);
    let period = period::Period::of(timeframe.parse().expect("a timeframe"));
    for candle in &found {
        assert_eq!(candle.timestamp, period.start(candle.timestamp));
        let [open, high, low, close] = [&candle.open, &candle.high, &candle.low, &candle.close].map(number);
        assert!(low <= open.min(close) && open.max(close) <= high && low > 0.0, "{candle:?}");
    }
    for pair in found.windows(2) {
        assert_eq!(pair[1].timestamp, period.next(pair[0].timestamp));
        assert_eq!(pair[0].close, pair[1].open);
    }
    let newest = found.last().expect("a candle").timestamp;
    assert!(newest < NOW && period.next(newest) >= NOW);
}

#[rstest]
fn a_long_candle_is_the_short_ones_joined(
    #[values("BTC/USDT", "DOGE/USDT", "ETH/BTC", "BTC/USDT:USDT-270326-100000-P")] symbol: &str,
    #[values(("1m", "5m", 5), ("1m", "1h", 60), ("5m", "1d", 288), ("1h", "1d", 24), ("6h", "1w", 28), ("1d", "1M", 31))]
    lengths: (&str, &str, usize),
) {
    let (short, long, count) = lengths;
    // October has 31 days; the week and the hours lie within it.
    let since = time::from_iso(if long == "1w" { "2026-10-05" } else { "2026-10-01" });
    let long = candles(symbol, long, since, 1).remove(0);
    let short = candles(symbol, short, since, count);
    assert_eq!(short.len(), count);
    assert_eq!((&long.open, &long.close), (&short[0].open, &short[count - 1].close));
    assert_eq!((number(&long.high), number(&long.low)), (highest(&short), lowest(&short)));
    assert_eq!(long.volume, Some(volume(&short)));
}

#[test]
fn since_and_limit_are_honoured() {
    let since = NOW - 10 * MINUTE;
    let found = candles("BTC/USDT", "1m", Some(since), 3);
    let moments: Vec<Millis> = found.iter().map(|candle| candle.timestamp - since).collect();
    assert!(moments.len() == 3 && (0..MINUTE).contains(&moments[0]), "{moments:?}");
    assert_eq!(candles("BTC/USDT", "1m", Some(since), 100).len(), 10);
    let found = trades("BTC/USDT", Some(since), 5);
    assert!(found.len() == 5 && found.iter().all(|trade| trade.timestamp >= Some(since)));
    assert!(found[0].timestamp < Some(since + 15_000));
}

#[rstest]
#[case(Some(NOW), 5, 0)]
#[case(Some(Millis::MAX), 5, 0)]
#[case(Some(Millis::MIN), 5, 5)]
#[case(Some(0), 5, 5)]
#[case(None, 0, 0)]
#[case(None, usize::MAX, view::MAX_ROWS)]
fn no_since_or_limit_is_too_much(#[case] since: Option<Millis>, #[case] limit: usize, #[case] count: usize) {
    assert_eq!(candles("BTC/USDT", "1m", since, limit).len(), count);
    assert_eq!(trades("BTC/USDT", since, limit).len(), count);
    let years = candles("BTC/USDT", "1M", since, limit).len();
    assert!(years <= count && (count == 0 || years > 0));
}

#[rstest]
fn the_ticker_is_the_last_day_of_candles(#[values(0, 1, 2, 3, 4, 5)] at: usize) {
    let symbol = SYMBOLS[at];
    let ticker = done(demo().ticker(&market(symbol), NOW));
    let found = candles(symbol, "1m", None, 1_440);
    assert!(found[0].timestamp > NOW - DAY);
    assert_eq!((&ticker.open, &ticker.last), (&found[0].open, &found[1_439].close));
    assert_eq!((number(&ticker.high), number(&ticker.low)), (highest(&found), lowest(&found)));
    let vwap = number(&ticker.vwap);
    assert!(number(&ticker.low) <= vwap && vwap <= number(&ticker.high), "{ticker:?}");
    let size = market(symbol).contract_size.clone().unwrap_or(Decimal::from(1));
    let traded = volume(&found).times(&size);
    let told = if market(symbol).inverse == Some(true) { &ticker.quote_volume } else { &ticker.base_volume };
    assert_eq!(told, &traded);
}

#[test]
fn a_ticker_says_all_that_it_can() {
    let mut ticker = done(demo().ticker(&market("BTC/USDT:USDT"), NOW));
    ticker.derive();
    let json = serde_json::to_string(&ticker).expect("serializes");
    assert!(!json.contains("null"), "{json}");
    assert!((55_000.0..125_000.0).contains(&number(&ticker.last)));
}

#[test]
fn tickers_are_those_of_active_markets_or_the_wanted_ones() {
    let query = TickersQuery { markets: markets(), wanted: None, now: NOW };
    let all = done(demo().tickers(&query));
    assert_eq!(all.len(), 11);
    assert!(all.contains(&done(demo().ticker(&market("ETH/BTC"), NOW))));
    let wanted = Some(vec![market("XMR/USDT")]);
    let wanted = done(demo().tickers(&TickersQuery { wanted, ..query }));
    assert_eq!(wanted.len(), 1);
    assert_eq!(wanted[0].timestamp, time::from_iso("2026-01-01"));
}

#[rstest]
fn a_book_is_sorted_deep_on_ticks_and_around_the_last_price(#[values(0, 1, 2, 3, 4, 5)] at: usize) {
    let market = market(SYMBOLS[at]);
    let book = done(demo().order_book(&market, &OrderBookQuery { limit: None, now: NOW }));
    let ticker = done(demo().ticker(&market, NOW));
    assert!(book.bids.len() >= 20 && book.asks.len() >= 20);
    assert!(book.bids.windows(2).all(|pair| pair[0].0.to_f64() > pair[1].0.to_f64()));
    assert!(book.asks.windows(2).all(|pair| pair[0].0.to_f64() < pair[1].0.to_f64()));
    let last = number(&ticker.last);
    assert!(book.bids[0].0.to_f64() < last && last < book.asks[0].0.to_f64());
    assert_eq!((ticker.bid, ticker.ask), (Some(book.bids[0].0.clone()), Some(book.asks[0].0.clone())));
    let (tick, lot) = (market.precision.price.clone(), market.precision.amount.clone());
    for (price, amount) in book.bids.iter().chain(&book.asks) {
        assert!(is_multiple(price, tick.as_ref().expect("a tick")), "{price}");
        assert!(is_multiple(amount, lot.as_ref().expect("a lot")) && !amount.is_zero(), "{amount}");
    }
    let cut = done(demo().order_book(&market, &OrderBookQuery { limit: Some(3), now: NOW }));
    assert_eq!((cut.bids.as_slice(), cut.asks.len()), (&book.bids[..3], 3));
}

#[rstest]
fn trades_are_before_now_in_order_and_add_up_to_the_candles(#[values(0, 1, 2, 3, 4, 5)] at: usize) {
    let symbol = SYMBOLS[at];
    let candles = candles(symbol, "1m", None, 3);
    let found = trades(symbol, Some(candles[0].timestamp), 100);
    assert!(!found.is_empty() && found.iter().all(|trade| trade.timestamp < Some(NOW)));
    let id = |trade: &Trade| trade.id.as_deref().expect("an id").parse::<i64>().expect("a number");
    assert!(found.windows(2).all(|pair| pair[0].timestamp < pair[1].timestamp && id(&pair[0]) < id(&pair[1])));
    assert_eq!(sum(found.iter().map(|trade| &trade.amount)), volume(&candles));
    let (low, high) = (lowest(&candles), highest(&candles));
    assert!(found.iter().all(|trade| (low..=high).contains(&trade.price.to_f64())));
    let newest = trades(symbol, None, found.len());
    assert_eq!(newest, found);
}

#[test]
fn a_market_of_another_exchange_is_a_bad_symbol() {
    let stranger = Arc::new(Market::spot("nope", "NO", "PE"));
    let Fetch::Done(Err(error)) = demo().ticker(&stranger, NOW) else { panic!("an error") };
    assert_eq!(error.code(), Code::BadSymbol);
}
