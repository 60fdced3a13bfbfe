//! The border without a shared library: the table's functions, called as a server would. Run under a sanitizer, these are what
//! its pointers are held against.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rstest::rstest;
use serde::de::DeserializeOwned;

use super::abi::Header;
use super::*;
use crate::{
    About, CandleQuery, Capability, Code, Decimal, Error, Exchange, Fetch, Kind, Links, Market, Millis, OrderBook,
    OrderBookQuery, Request, Response, Side, Ticker, TickersQuery, Trade,
};

/// Its ticker takes two rounds; its order book panics.
struct Toy(About);

impl Default for Toy {
    fn default() -> Self {
        Self(About {
            id: "toy".into(),
            name: "Toy".into(),
            kind: Kind::Native,
            capabilities: Capability::ALL.to_vec(),
            timeframes: vec!["1m".parse().expect("a timeframe")],
            links: Links::default(),
            budget: "10/s".parse().ok(),
            synthetic: true,
        })
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
        let ticker = Ticker::new("toy", &market.symbol);
        Fetch::one(Request::get("https://toy.test/1"), |first| {
            let wait = first.retry_after.unwrap_or_default().as_millis();
            Ok(format!("https://toy.test/2?{}&{wait}", String::from_utf8_lossy(&first.body)))
        })
        .then(move |url| match url {
            Ok(url) => Fetch::ask(vec![Request::get(&*url), Request::get(url)], move |both| {
                let last = both.last().and_then(|response| response.json().ok());
                // A round without requests.
                Fetch::ask(Vec::new(), move |_| Fetch::Done(Ok(Ticker { last, ..ticker })))
            }),
            Err(error) => Fetch::fail(error),
        })
    }

    fn tickers(&self, query: &TickersQuery) -> Fetch<Vec<Ticker>> {
        let all = query.markets.iter().map(|market| Ticker::new("toy", &market.symbol));
        Fetch::Done(Ok(all.collect()))
    }

    fn candles(&self, _: &Arc<Market>, _: &CandleQuery) -> Fetch<Vec<crate::Candle>> {
        let wait = Duration::from_millis(1_500);
        Fetch::fail(Error::new(Code::RateLimitExceeded, "x".repeat(10_000)).with_retry_after(wait))
    }

    fn order_book(&self, _: &Arc<Market>, query: &OrderBookQuery) -> Fetch<OrderBook> {
        match query.limit {
            Some(limit) => panic!("no book of {limit}"),
            None => std::panic::panic_any(Bomb),
        }
    }
}

/// What panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::panic_any(())
    }
}

struct Toys;

impl Library for Toys {
    fn exchanges() -> &'static [Exported] {
        static ALL: OnceLock<Vec<Exported>> = OnceLock::new();
        ALL.get_or_init(|| vec![Exported::new(Toy::default()), Exported::new(Toy::default())])
    }
}

static TABLE: Table = Table::of::<Toys>();

fn market() -> Market {
    Market::spot("ab", "A", "B")
}

fn call<T: DeserializeOwned>(exchange: u32, question: &Question<'_>, rounds: &[Vec<Response>]) -> Reply<T> {
    let question = serde_json::to_vec(question).expect("JSON");
    serde_json::from_slice(TABLE.call(exchange, &question, rounds).bytes()).expect("a reply")
}

#[test]
fn a_library_says_which_exchanges_it_brings() {
    let answer = TABLE.describe();
    let reply: Reply<Description> = serde_json::from_slice(answer.bytes()).expect("a reply");
    let Reply::Done(description) = reply else { panic!("{reply:?}") };
    assert_eq!(description.exchanges, [Toy::default().0, Toy::default().0]);
}

#[test]
fn a_question_is_run_from_its_beginning_with_the_responses_so_far() {
    let question = Question::Ticker { market: Cow::Owned(market()), now: 0 };
    let mut rounds = Vec::new();
    assert_eq!(call(0, &question, &rounds), Reply::<Ticker>::Ask(vec![Request::get("https://toy.test/1")]));
    rounds.push(vec![Response { status: 200, body: "é".into(), retry_after: Some(Duration::from_millis(7)) }]);
    let second = Request::get("https://toy.test/2?é&7");
    assert_eq!(call(0, &question, &rounds), Reply::<Ticker>::Ask(vec![second.clone(), second]));
    rounds.push(vec![Response::default(), Response::ok("1.50")]);
    let last = Decimal::parse("1.50");
    assert_eq!(call(0, &question, &rounds), Reply::Done(Ticker { last, ..Ticker::new("toy", "A/B") }));
}

#[test]
fn a_wrong_number_of_responses_is_an_error() {
    let question = Question::Ticker { market: Cow::Owned(market()), now: 0 };
    let reply = call::<Ticker>(0, &question, &[vec![Response::default(), Response::default()]]);
    assert!(matches!(&reply, Reply::Failed(failure) if failure.code == Code::BadResponse), "{reply:?}");
}

#[rstest]
#[case(Some(3), "no book of 3")]
#[case(None, "no message")]
fn a_panic_crosses_as_its_message(#[case] limit: Option<usize>, #[case] message: &str) {
    let question = Question::OrderBook { market: Cow::Owned(market()), query: OrderBookQuery { limit, now: 0 } };
    assert_eq!(call(1, &question, &[]), Reply::<OrderBook>::Panicked(message.to_owned()));
}

#[test]
fn an_error_crosses_with_its_code_and_wait_and_no_more_text_than_anybody_reads() {
    let query = CandleQuery { timeframe: "1m".parse().expect("a timeframe"), since: None, limit: 1, now: 0 };
    let reply = call::<CandleTable>(0, &Question::Candles { market: Cow::Owned(market()), query }, &[]);
    let Reply::Failed(failure) = reply else { panic!("{reply:?}") };
    let error = Error::from(failure);
    assert_eq!((error.code(), error.retry_after()), (Code::RateLimitExceeded, Some(Duration::from_millis(1_500))));
    assert_eq!(error.message().len(), 500);
}

#[test]
fn the_list_of_all_markets_is_sent_once() {
    let ask = |number, list| {
        let markets = AllMarkets { number, list };
        call::<Vec<Ticker>>(1, &Question::Tickers { markets, wanted: None, now: 0 }, &[])
    };
    assert_eq!(ask(7, None), Reply::SendMarkets);
    let tickers = Reply::Done(vec![Ticker::new("toy", "A/B")]);
    assert_eq!(ask(7, Some(vec![Cow::Owned(market())])), tickers);
    assert_eq!(ask(7, None), tickers);
    assert_eq!(ask(8, None), Reply::SendMarkets);
}

#[test]
fn what_is_no_question_or_goes_to_no_exchange_is_an_error() {
    for (exchange, question) in [(2, &br#""markets""#[..]), (0, b"{}"), (0, b"")] {
        let answer = TABLE.call(exchange, question, &[]);
        let reply: Reply<()> = serde_json::from_slice(answer.bytes()).expect("a reply");
        assert!(matches!(reply, Reply::Failed(_)), "{reply:?}");
    }
}

/// Something that begins like a table; as long as one, so that none is read beyond its end.
#[repr(C)]
struct Forged {
    header: Header,
    rest: [usize; 4],
}

#[rstest]
#[case(*b"MARKETD!", ABI, 40, Mismatch::Magic)]
#[case(MAGIC, ABI + 1, 40, Mismatch::Abi(ABI + 1))]
#[case(MAGIC, ABI, 16, Mismatch::Size(16))]
fn a_table_of_another_kind_is_refused(
    #[case] magic: [u8; 8],
    #[case] abi: u32,
    #[case] size: u32,
    #[case] mismatch: Mismatch,
) {
    let forged = Forged { header: Header { magic, abi, size }, rest: [0; 4] };
    // SAFETY: there is a header, and it is not that of a table.
    let table = unsafe { Table::at((&raw const forged).cast()) };
    assert_eq!(table.err(), Some(mismatch));
}

#[test]
fn a_table_is_found_where_it_is_and_nowhere_else() {
    // SAFETY: the first is a table, for ever; of the others none is read.
    unsafe {
        assert!(Table::at(&raw const TABLE).is_ok_and(|table| std::ptr::eq(table, &raw const TABLE)));
        assert_eq!(Table::at(std::ptr::null()).err(), Some(Mismatch::Magic));
        assert_eq!(Table::at((&raw const TABLE).wrapping_byte_add(1)).err(), Some(Mismatch::Magic));
    }
}

fn crossed<T: serde::Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_slice(&serde_json::to_vec(value).expect("JSON")).expect("the same")
}

#[rstest]
#[case("")]
#[case("1795471200000 63900.00 _ 6.38e4 64000.0 _;0 1 2 3 4 5;-5 _ _ _ _ _;")]
fn candles_are_one_text(#[case] text: &str) {
    let table: CandleTable = serde_json::from_str(&format!("\"{text}\"")).expect("candles");
    assert_eq!(table.0.len(), text.matches(';').count());
    assert_eq!(serde_json::to_string(&table).expect("JSON"), format!("\"{text}\""));
}

#[rstest]
fn what_is_no_table_of_candles_is_refused(
    #[values(
        "x",
        ";",
        "1",
        "1 2 3 4 5;",
        "1 1 2 3 4 5",
        "1 1 2 3 4 5 6;",
        "1 1 2 3 4 +5;",
        "1 1  2 3 4 5;",
        "é 1 2 3 4 5;"
    )]
    text: &str,
) {
    assert!(serde_json::from_str::<CandleTable>(&format!("\"{text}\"")).is_err());
}

#[test]
fn what_crosses_comes_out_as_it_went_in() {
    let number = || Decimal::parse("0.10");
    let mut market = Market::spot("ab", "A", "B");
    (market.contract_size, market.expiry, market.limits.cost.min) = (number(), Some(5), number());
    market.attributes.insert("scale".into(), "8".into());
    assert_eq!(crossed(&market), market);
    let ticker = Ticker { timestamp: Some(5), last: number(), mark_price: number(), ..Ticker::new("x", "A/B") };
    assert_eq!(crossed(&ticker), ticker);
    let level = (Decimal::from(1), Decimal::from(2));
    let (exchange, symbol) = ("x".to_owned(), "A/B".to_owned());
    let book = OrderBook { exchange, symbol, timestamp: Some(5), nonce: number(), bids: vec![level], asks: vec![] };
    assert_eq!(crossed(&book), book);
    let (id, price) = (Some("7".to_owned()), Decimal::from(3));
    let trade = Trade {
        id,
        timestamp: None,
        symbol: "A/B".into(),
        side: Some(Side::Sell),
        amount: price.clone(),
        price,
        cost: None,
    };
    assert_eq!(crossed(&trade), trade);
}
