//! Asks an adapter every case of a world.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use marketd_core::{
    Candle, CandleQuery, Capability, Error, Exchange, Fetch, Market, Markets, Millis, OrderBookQuery, Request, Result,
    TickersQuery, Timeframe, Trade, TradesQuery,
};
use serde::Serialize;
use serde_json::Value;

use super::case::{Asked, Case};
use super::judge::judge;
use super::parameters;
use super::report::{Outcome, Report};
use super::world::{Fault, World};

/// The moment of every question, 2026-11-24T00:00:00Z: after all that is recorded.
const NOW: Millis = 1_795_478_400_000;

/// What the server asks with where a client names nothing.
const LIMIT: usize = 100;
const TIMEFRAME: &str = "1d";

/// An adapter that asks on and on does not end; none needs more than a handful of rounds.
const MAX_ROUNDS: usize = 32;

/// How far a moment in a request may be from [`NOW`] and still be "now" (as in `conform.py`): about a year.
const ABOUT_NOW: Millis = 30_000_000_000;

/// Asks an adapter every case of its exchange, and judges the answers.
pub fn run(exchange: &dyn Exchange, world: &World) -> Report {
    let mut wire = Wire::new(world, None);
    let loaded = guarded(|| wire.drive(exchange.markets(NOW)));
    let markets = Loaded { markets: loaded.map(|result| result.map(Markets::new).map(Arc::new)), wire };
    let cases = world.cases.iter().filter(|case| !case.is_crash());
    Report {
        exchange: world.exchange().to_owned(),
        outcomes: cases.map(|case| outcome(exchange, world, &markets, case)).collect(),
    }
}

/// The markets of the exchange, which are asked for once, and what was asked for them.
struct Loaded<'a> {
    markets: std::result::Result<Result<Arc<Markets>>, Panicked>,
    wire: Wire<'a>,
}

fn outcome(exchange: &dyn Exchange, world: &World, loaded: &Loaded<'_>, case: &Case) -> Outcome {
    let mut wire = Wire::new(world, case.fault.as_ref());
    let answer = match &loaded.markets {
        Ok(Ok(markets)) => guarded(|| Question { exchange, markets, case }.ask(&mut wire)),
        Ok(Err(error)) => Ok(Err(error.clone())),
        Err(panicked) => Err(panicked.clone()),
    };
    let differences = match answer {
        Ok(answer) => judge(case, &answer),
        Err(Panicked(message)) => vec![format!("the adapter panicked: {message}")],
    };
    let mut unmatched = wire.unmatched;
    if case.op == Capability::Markets || !matches!(loaded.markets, Ok(Ok(_))) {
        unmatched.extend_from_slice(&loaded.wire.unmatched);
    }
    let same_request = asks_as_ccxt(case, &wire.seen);
    Outcome { label: case.to_string(), kind: case.kind(), differences, unmatched, same_request }
}

/// The requests of one question, answered by the world or by a fault.
struct Wire<'a> {
    world: &'a World,
    fault: Option<&'a Fault>,
    seen: Vec<Request>,
    unmatched: Vec<String>,
}

impl<'a> Wire<'a> {
    fn new(world: &'a World, fault: Option<&'a Fault>) -> Self {
        Self { world, fault, seen: Vec::new(), unmatched: Vec::new() }
    }

    /// Answers what a question asks until it is done.
    fn drive<T: Send + 'static>(&mut self, mut fetch: Fetch<T>) -> Result<T> {
        for _ in 0..MAX_ROUNDS {
            match fetch {
                Fetch::Done(result) => return result,
                Fetch::Ask(ask) => {
                    let responses = ask.requests.iter().map(|request| self.answer(request)).collect();
                    fetch = ask.then(responses);
                }
            }
        }
        Err(Error::bad_response(format!("the question was not done after {MAX_ROUNDS} rounds of requests")))
    }

    fn answer(&mut self, request: &Request) -> marketd_core::Response {
        self.seen.push(request.clone());
        if let Some(fault) = self.fault {
            return fault.answer();
        }
        if self.world.route(request).is_none() {
            self.unmatched.push(written(request));
        }
        self.world.answer(request)
    }
}

fn written(request: &Request) -> String {
    let method = serde_json::to_value(request.method).unwrap_or_default();
    let method = method.as_str().unwrap_or_default();
    match &request.body {
        Some(body) => format!("{method} {} {body}", request.url),
        None => format!("{method} {}", request.url),
    }
}

/// One case as the server would ask it.
struct Question<'a> {
    exchange: &'a dyn Exchange,
    markets: &'a Arc<Markets>,
    case: &'a Case,
}

impl Question<'_> {
    fn ask(&self, wire: &mut Wire<'_>) -> Result<Value> {
        let (exchange, case) = (self.exchange, self.case);
        let about = exchange.about();
        if !about.can(case.op) {
            return Err(Error::not_supported(&about.id, case.op));
        }
        match case.op {
            Capability::Markets => json(&self.markets.iter().map(Arc::as_ref).collect::<Vec<&Market>>()),
            Capability::Ticker => {
                let mut ticker = wire.drive(exchange.ticker(self.market()?, NOW))?;
                ticker.derive();
                json(&ticker)
            }
            Capability::Tickers => {
                let wanted = case.symbols.iter().map(|symbol| self.markets.find(symbol).cloned());
                let wanted = wanted.collect::<Result<Vec<_>>>()?;
                let wanted = Some(wanted).filter(|wanted| !wanted.is_empty());
                let query = TickersQuery { markets: Arc::clone(self.markets), wanted, now: NOW };
                let mut tickers = wire.drive(exchange.tickers(&query))?;
                tickers.iter_mut().for_each(marketd_core::Ticker::derive);
                json(&tickers)
            }
            Capability::Candles => {
                let query = CandleQuery {
                    timeframe: self.timeframe()?,
                    since: case.since,
                    limit: case.limit.unwrap_or(LIMIT),
                    now: NOW,
                };
                let mut candles = wire.drive(exchange.candles(self.market()?, &query))?;
                Candle::arrange(&mut candles, &query);
                json(&candles)
            }
            Capability::OrderBook => {
                let query = OrderBookQuery { limit: case.limit, now: NOW };
                let mut book = wire.drive(exchange.order_book(self.market()?, &query))?;
                book.arrange(&query);
                json(&book)
            }
            Capability::Trades => {
                let market = self.market()?;
                let query = TradesQuery { since: case.since, limit: case.limit.unwrap_or(LIMIT), now: NOW };
                let mut trades = wire.drive(exchange.trades(market, &query))?;
                Trade::arrange(&mut trades, market, &query);
                json(&trades)
            }
        }
    }

    fn market(&self) -> Result<&Arc<Market>> {
        self.markets.find(self.case.symbol.as_deref().unwrap_or_default())
    }

    fn timeframe(&self) -> Result<Timeframe> {
        let text = self.case.timeframe.as_deref().unwrap_or(TIMEFRAME);
        let timeframe: Timeframe = text.parse()?;
        let allowed = &self.exchange.about().timeframes;
        if allowed.contains(&timeframe) {
            return Ok(timeframe);
        }
        let allowed: Vec<String> = allowed.iter().map(Timeframe::to_string).collect();
        Err(Error::bad_parameter("timeframe", text, format!("one of {}", allowed.join(", "))))
    }
}

/// An answer as a client reads it. Only text carries the digits of a decimal, so a detour through it is needed.
fn json<T: Serialize>(answer: &T) -> Result<Value> {
    let unreadable = |error| Error::bad_response("the answer is no JSON").with_source(error);
    serde_json::to_string(answer).and_then(|text| serde_json::from_str(&text)).map_err(unreadable)
}

/// Whether each request of ccxt was made: the same URL, and equal where both name a parameter. Moments near now differ.
fn asks_as_ccxt(case: &Case, seen: &[Request]) -> Option<bool> {
    if case.op == Capability::Markets || case.error.is_some() || case.requests.is_empty() {
        return None;
    }
    let is_now = |value: &str| value.parse::<Millis>().is_ok_and(|moment| (moment - NOW).abs() < ABOUT_NOW);
    let fits = |want: &Asked, request: &Request| {
        let given = parameters::query(request);
        let same = |(name, value): (&String, &String)| given.get(name).is_none_or(|got| got == value || is_now(value));
        request.method == want.method && parameters::place(request) == want.url && want.query.iter().all(same)
    };
    Some(case.requests.iter().all(|want| seen.iter().any(|request| fits(want, request))))
}

/// An adapter panicked; with this message.
#[derive(Clone, Debug)]
struct Panicked(String);

/// Runs what may panic. Nothing is looked at afterwards that a panic could have left half done: a wire only records.
fn guarded<T>(work: impl FnOnce() -> T) -> std::result::Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Panicked(message(panic.as_ref())))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use marketd_core::{About, Decimal, Kind, Links, OrderBook, Ticker, time};
    use rstest::rstest;

    use super::*;

    /// An adapter that misbehaves by market.
    struct Toy(About);

    impl Toy {
        fn new(capabilities: &[Capability]) -> Self {
            Self(About {
                id: "toy".into(),
                name: "Toy".into(),
                kind: Kind::Native,
                capabilities: capabilities.to_vec(),
                timeframes: vec!["1h".parse().expect("a timeframe")],
                links: Links::default(),
                budget: None,
                synthetic: true,
            })
        }
    }

    fn forever() -> Fetch<Ticker> {
        Fetch::ask(vec![Request::get("https://toy/ticker?pair=AB")], |_| forever())
    }

    impl Exchange for Toy {
        fn about(&self) -> &About {
            &self.0
        }

        fn markets(&self, _now: Millis) -> Fetch<Vec<Market>> {
            Fetch::one(Request::get("https://toy/markets"), |response| {
                let ids: Vec<String> = serde_json::from_slice(&response.body)
                    .map_err(|error| Error::bad_response("the markets cannot be read").with_source(error))?;
                Ok(ids.iter().map(|id| Market::spot(id.as_str(), &id[..1], &id[1..])).collect())
            })
        }

        fn ticker(&self, market: &Arc<Market>, _now: Millis) -> Fetch<Ticker> {
            if market.id == "PP" {
                panic!("no idea");
            }
            if market.id == "EE" {
                return forever();
            }
            let symbol = market.symbol.clone();
            Fetch::one(Request::get(format!("https://toy/ticker?pair={}", market.id)), move |response| {
                if !response.is_success() {
                    return Err(Error::new(marketd_core::Code::ExchangeNotAvailable, "down"));
                }
                let last = serde_json::from_slice(&response.body).ok();
                Ok(Ticker { open: Some(Decimal::from(1)), last, ..Ticker::new("toy", symbol) })
            })
        }

        fn candles(&self, market: &Arc<Market>, query: &CandleQuery) -> Fetch<Vec<Candle>> {
            let symbol_length = market.symbol.len() as i64;
            let candle = move |at| Candle {
                timestamp: at,
                open: Some(Decimal::from(symbol_length)),
                high: None,
                low: None,
                close: None,
                volume: None,
            };
            let hour = query.timeframe.millis();
            Fetch::Done(Ok((0..5).rev().map(|at| candle(at * hour)).collect()))
        }

        fn order_book(&self, market: &Arc<Market>, _query: &OrderBookQuery) -> Fetch<OrderBook> {
            Fetch::Done(Ok(OrderBook {
                exchange: "toy".into(),
                symbol: market.symbol.clone(),
                timestamp: None,
                nonce: None,
                bids: vec![(Decimal::from(1), Decimal::from(1)), (Decimal::from(2), Decimal::from(1))],
                asks: Vec::new(),
            }))
        }
    }

    /// The report on one case.
    fn outcome_of(case: &str) -> Outcome {
        let routes = r#"[{"method": "GET", "url": "https://toy/markets", "response": ["AB", "PP", "EE", "ZZ"]},
            {"method": "GET", "url": "https://toy/ticker", "match": {"pair": "AB"}, "response": 1.10}]"#;
        let world = World::parse(&format!(r#"{{"exchange": "toy", "routes": {routes}, "cases": [{case}]}}"#));
        let toy = Toy::new(&[Capability::Markets, Capability::Ticker, Capability::Candles, Capability::OrderBook]);
        run(&toy, &world.expect("a world")).outcomes.pop().expect("a case")
    }

    #[rstest]
    #[case(r#"{"op": "markets", "expect": [{"symbol": "A/B", "id": "AB"}]}"#)]
    #[case(r#"{"op": "ticker", "symbol": "a/b", "expect": {"last": 1.1, "percentage": 10.0}}"#)]
    #[case(
        r#"{"op": "candles", "symbol": "A/B", "timeframe": "1h", "since": 3600000, "limit": 2,
              "expect": [[3600000, 3, null, null, null, null], [7200000, 3, null, null, null, null]]}"#
    )]
    #[case(r#"{"op": "orderbook", "symbol": "A/B", "limit": 1, "expect": {"bids": [[2, 1]], "asks": []}}"#)]
    #[case(r#"{"op": "ticker", "symbol": "NOPE/NOPE", "error": "BadSymbol"}"#)]
    #[case(r#"{"op": "candles", "symbol": "A/B", "timeframe": "2h", "error": "BadRequest"}"#)]
    #[case(r#"{"op": "trades", "symbol": "A/B", "error": "NotSupported"}"#)]
    #[case(r#"{"op": "trades", "symbol": "A/B", "needs_key": true, "expect": []}"#)]
    #[case(r#"{"op": "ticker", "symbol": "A/B", "error": "OnMaintenance", "fault": {"status": 500, "response": ""}}"#)]
    fn these_pass(#[case] case: &str) {
        let outcome = outcome_of(case);
        assert!(outcome.is_pass(), "{outcome:?}");
        assert!(outcome.unmatched.is_empty(), "{outcome:?}");
    }

    #[test]
    fn a_missing_route_is_named() {
        let outcome = outcome_of(r#"{"op": "ticker", "symbol": "Z/Z", "expect": {"last": 1}}"#);
        assert!(!outcome.is_pass());
        assert_eq!(outcome.unmatched, ["GET https://toy/ticker?pair=ZZ"]);
    }

    #[rstest]
    #[case("P/P", "the adapter panicked: no idea")]
    #[case("E/E", "was not done after 32 rounds")]
    fn an_adapter_that_panics_or_never_ends_fails_only_that_case(#[case] symbol: &str, #[case] difference: &str) {
        let outcome = outcome_of(&format!(r#"{{"op": "ticker", "symbol": "{symbol}", "expect": {{}}}}"#));
        assert_eq!(outcome.differences.len(), 1);
        assert!(outcome.differences[0].contains(difference), "{outcome:?}");
    }

    #[test]
    fn a_case_in_which_ccxt_crashed_is_left_out() {
        let world =
            r#"{"exchange": "toy", "routes": [], "cases": [{"op": "ticker", "symbol": "A/B", "crash": "TypeError"}]}"#;
        assert!(run(&Toy::new(&[]), &World::parse(world).expect("a world")).outcomes.is_empty());
    }

    #[test]
    fn markets_that_cannot_be_loaded_fail_every_case_and_name_their_route() {
        let world = r#"{"exchange": "toy", "routes": [], "cases": [{"op": "ticker", "symbol": "A/B", "expect": {}}]}"#;
        let report = run(&Toy::new(&Capability::ALL), &World::parse(world).expect("a world"));
        assert_eq!(report.passed(), 0);
        let text = report.to_string();
        assert!(text.starts_with("toy                        0/1 "), "{text}");
        assert!(text.contains("no route for GET https://toy/markets"), "{text}");
    }

    #[rstest]
    #[case(r#"{"pair": "AB", "extra": "1"}"#, Some(true))]
    #[case(r#"{"pair": "BA"}"#, Some(false))]
    #[case(r#"{"pair": "1795478400001"}"#, Some(true))]
    fn a_request_is_as_ccxt_asks_when_shared_parameters_are_equal(#[case] query: &str, #[case] expected: Option<bool>) {
        let request = format!(r#"{{"method": "GET", "url": "https://toy/ticker", "query": {query}}}"#);
        let case = format!(r#"{{"op": "ticker", "symbol": "A/B", "expect": {{}}, "requests": [{request}]}}"#);
        assert_eq!(outcome_of(&case).same_request, expected);
    }

    #[test]
    fn now_is_after_all_that_is_recorded() {
        assert_eq!(Some(NOW), time::from_iso("2026-11-24T00:00:00Z"));
    }
}
