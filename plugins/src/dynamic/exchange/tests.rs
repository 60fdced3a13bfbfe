//! An exchange behind the border without a shared library: its table is of this program.

use std::sync::OnceLock;
use std::sync::mpsc::channel;

use marketd_core::plugin::{Exported, Library};
use marketd_core::{Code, Decimal, Links, Millis, Request, Side};
use rstest::rstest;

use super::*;

/// Answers with what upstream says; `panic`, `hang` and `huge` do so.
struct Toy(About);

fn about(id: &str) -> About {
    About {
        id: id.to_owned(),
        name: "Toy".to_owned(),
        kind: Kind::Native,
        capabilities: Capability::ALL.into_iter().filter(|other| *other != Capability::Trades).collect(),
        timeframes: vec!["1m".parse().expect("a timeframe")],
        links: Links::default(),
        budget: None,
        synthetic: true,
    }
}

impl Exchange for Toy {
    fn about(&self) -> &About {
        &self.0
    }

    fn markets(&self, _now: Millis) -> Fetch<Vec<Market>> {
        Fetch::Done(Ok(vec![market()]))
    }

    fn ticker(&self, market: &Arc<Market>, _now: Millis) -> Fetch<Ticker> {
        let symbol = market.symbol.clone();
        Fetch::one(Request::get("https://toy.test"), move |response| match &*response.body {
            b"panic" => panic!("on purpose"),
            b"hang" => Ok(channel::<Ticker>().1.recv().unwrap_or_else(|_| loop_for_ever())),
            b"huge" => Ok(Ticker::new("x".repeat(LARGEST_ANSWER), symbol)),
            _ => Ok(Ticker { last: response.json().ok(), ..Ticker::new("another", symbol) }),
        })
    }

    fn tickers(&self, query: &TickersQuery) -> Fetch<Vec<Ticker>> {
        let wanted = query.wanted.clone().unwrap_or_else(|| query.markets.iter().cloned().collect());
        let read = |response: Response| response.json::<Decimal>();
        Fetch::one(Request::get("https://toy.test"), read).map(move |last| {
            wanted.iter().map(|of| Ticker { last: Some(last.clone()), ..Ticker::new("", &of.symbol) }).collect()
        })
    }

    fn candles(&self, _: &Arc<Market>, query: &CandleQuery) -> Fetch<Vec<Candle>> {
        let (timestamp, open) = (query.now, Decimal::parse("1.50"));
        Fetch::Done(Ok(vec![Candle { timestamp, open, high: None, low: None, close: None, volume: None }]))
    }

    fn order_book(&self, market: &Arc<Market>, _: &OrderBookQuery) -> Fetch<OrderBook> {
        let levels = vec![(Decimal::from(1), Decimal::from(2))];
        let (exchange, symbol, asks) = (String::new(), market.symbol.clone(), levels.clone());
        Fetch::Done(Ok(OrderBook { exchange, symbol, timestamp: None, nonce: None, bids: levels, asks }))
    }

    fn trades(&self, market: &Arc<Market>, _: &TradesQuery) -> Fetch<Vec<Trade>> {
        let (symbol, one) = (market.symbol.clone(), Decimal::from(1));
        let side = Some(Side::Buy);
        Fetch::Done(Ok(vec![Trade {
            id: None,
            timestamp: None,
            symbol,
            side,
            price: one.clone(),
            amount: one,
            cost: None,
        }]))
    }
}

fn loop_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

fn market() -> Market {
    Market::spot("ab", "A", "B")
}

struct Toys;

impl Library for Toys {
    fn exchanges() -> &'static [Exported] {
        static ALL: OnceLock<Vec<Exported>> = OnceLock::new();
        ALL.get_or_init(|| vec![Exported::new(Toy(about("toy"))), Exported::new(Toy(about("toy2")))])
    }
}

static TABLE: Table = Table::of::<Toys>();

fn toy(limit: Duration) -> Arc<dyn Exchange> {
    let exchanges = from_table(&TABLE, "libtoy.so", limit).unwrap_or_else(|error| panic!("{error}"));
    Arc::clone(&exchanges[0])
}

fn ticker(exchange: &dyn Exchange, body: &'static str) -> Result<Ticker> {
    exchange.ticker(&Arc::new(market()), 0).run_with(|_| Response::ok(body))
}

#[test]
fn exchanges_are_plugins_with_their_own_ids() {
    let exchanges = from_table(&TABLE, "libtoy.so", super::super::TIME_LIMIT).expect("exchanges");
    let abouts: Vec<_> = exchanges.iter().map(|exchange| exchange.about().clone()).collect();
    assert_eq!(abouts, ["toy", "toy2"].map(|id| About { kind: Kind::Plugin, ..about(id) }));
    assert!(exchanges.iter().all(|exchange| exchange.may_block() && exchange.disabled().is_none()));
}

#[test]
fn answers_keep_their_digits_and_name_the_exchange_that_was_asked() {
    let toy = toy(super::super::TIME_LIMIT);
    let last = Decimal::parse("1.50");
    assert_eq!(ticker(&*toy, "1.50").expect("a ticker"), Ticker { last: last.clone(), ..Ticker::new("toy", "A/B") });
    let market = Arc::new(market());
    let query = CandleQuery { timeframe: "1m".parse().expect("a timeframe"), since: None, limit: 1, now: 7 };
    let candles = toy.candles(&market, &query).run_with(|_| panic!("asks nothing")).expect("candles");
    assert_eq!((candles[0].timestamp, &candles[0].open), (7, &last));
    let book = toy.order_book(&market, &OrderBookQuery { limit: None, now: 0 }).run_with(|_| panic!("asks nothing"));
    assert_eq!(book.expect("a book").exchange, "toy");
    assert_eq!(toy.markets(0).run_with(|_| panic!("asks nothing")).expect("markets"), [(*market).clone()]);
}

#[test]
fn all_tickers_are_asked_for_with_the_markets_that_the_library_lacks() {
    let toy = toy(super::super::TIME_LIMIT);
    let ask = |markets: &Arc<Markets>, wanted| {
        let query = TickersQuery { markets: Arc::clone(markets), wanted, now: 0 };
        let tickers = toy.tickers(&query).run_with(|_| Response::ok("2")).expect("tickers");
        assert!(tickers.iter().all(|ticker| ticker.exchange == "toy"));
        tickers.into_iter().map(|ticker| ticker.symbol).collect::<Vec<_>>()
    };
    let one = Arc::new(Markets::new(vec![market()]));
    let two = Arc::new(Markets::new(vec![market(), Market::spot("cd", "C", "D")]));
    for _ in 0..2 {
        assert_eq!(ask(&one, None), ["A/B"]);
        assert_eq!(ask(&two, None), ["A/B", "C/D"]);
        assert_eq!(ask(&two, Some(vec![Arc::new(market())])), ["A/B"]);
    }
}

#[test]
fn what_it_does_not_name_as_its_capability_is_not_asked() {
    let trades =
        toy(super::super::TIME_LIMIT).trades(&Arc::new(market()), &TradesQuery { since: None, limit: 1, now: 0 });
    assert_eq!(trades.run_with(|_| panic!("asks")).expect_err("refused").code(), Code::NotSupported);
}

#[rstest]
#[case("panic", Code::BadResponse, "libtoy.so panicked in ticker: on purpose")]
#[case("huge", Code::BadResponse, "libtoy.so answered more than 64 MiB")]
#[case("hang", Code::RequestTimeout, "libtoy.so did not return from ticker within")]
fn a_fault_of_the_library_is_an_error_that_names_it(
    #[case] body: &'static str,
    #[case] code: Code,
    #[case] message: &str,
) {
    // Only what hangs is to run into it, also on a machine that is busy.
    let limit = Duration::from_millis(if body == "hang" { 200 } else { 120_000 });
    let error = ticker(&*toy(limit), body).expect_err("a fault");
    assert_eq!(error.code(), code);
    assert!(error.message().starts_with(message), "{error}");
}

#[test]
fn responses_that_are_too_large_together_are_refused() {
    let body = bytes::Bytes::from(vec![b' '; LARGEST_COURSE / 2 + 1]);
    let course = Course {
        line: Arc::new(Line { table: &TABLE, number: 0, caller: Caller::new("libtoy.so", super::super::TIME_LIMIT) }),
        operation: Capability::Ticker,
        question: Arc::default(),
        all: None,
        rounds: Arc::new(vec![vec![Response::ok(body.clone())], vec![Response::ok(body)]]),
    };
    assert_eq!(course.reply::<Ticker>().expect_err("refused").code(), Code::BadResponse);
}

fn broken() -> About {
    panic!("on purpose")
}

macro_rules! refused {
    ($name:ident, $error:pat, [$($exchange:expr),*]) => {
        #[test]
        fn $name() {
            struct Bad;
            impl Library for Bad {
                fn exchanges() -> &'static [Exported] {
                    static ALL: OnceLock<Vec<Exported>> = OnceLock::new();
                    ALL.get_or_init(|| vec![$(Exported::new(Toy($exchange))),*])
                }
            }
            static BAD: Table = Table::of::<Bad>();
            let error = from_table(&BAD, "libbad.so", super::super::TIME_LIMIT).err().expect("refused");
            assert!(matches!(error, $error), "{error:?}");
        }
    };
}

refused!(a_library_without_exchanges_is_refused, LoadError::Empty, []);
refused!(an_id_with_other_letters_is_refused, LoadError::Id(_), [about("ok"), about("../etc")]);
refused!(an_id_twice_is_refused, LoadError::SameId(_), [about("same"), about("same")]);
refused!(
    an_exchange_without_markets_is_refused,
    LoadError::NoMarkets(_),
    [About { capabilities: vec![], ..about("x") }]
);
refused!(a_panic_in_a_constructor_is_refused, LoadError::Panicked(_), [broken()]);
