//! What the document says of every answer.
//!
//! These types are never made: answers are bytes. The tests below hold their keys to what the core writes.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use serde_json::{Value, json};

use self::build::{Field, boolean, inline, integer, levels, list, named, null, number, object, one_of, text};

mod build;

/// An answer in the document.
pub(super) trait Document: Send {
    /// The name of its schema.
    const NAME: &'static str;
    /// What a 200 says of it.
    const DESCRIPTION: &'static str;
    /// Whether it is kept and served again.
    const FROM_AN_EXCHANGE: bool = true;
}

macro_rules! documents {
    ($($name:ident: $description:literal $(, from_an_exchange: $from:literal)?;)*) => {
        $(
            #[doc = $description]
            pub(super) enum $name {}
            impl Document for $name {
                const NAME: &'static str = stringify!($name);
                const DESCRIPTION: &'static str = $description;
                $(const FROM_AN_EXCHANGE: bool = $from;)?
            }
        )*
    };
}

documents! {
    Ticker: "The ticker.";
    Historical: "The candles, oldest first.";
    Tickers: "The tickers.";
    OrderBook: "The order book.";
    Trades: "The trades, oldest first.";
    Markets: "The markets.";
    Exchanges: "Every exchange that is served, by id.", from_an_exchange: false;
    Exchange: "The exchange.", from_an_exchange: false;
    Health: "The server is well.", from_an_exchange: false;
    Problems: "Every code of an error.", from_an_exchange: false;
    ProblemKind: "The code of an error.", from_an_exchange: false;
}

/// Puts every schema into the document; those that no route uses are left out of it.
pub(super) fn register(registry: &mut Registry) {
    for (name, schema) in all() {
        registry.schemas.insert(name.to_owned(), schema);
    }
}

fn all() -> Vec<(&'static str, MetaSchema)> {
    let exchange = || ("exchange", text("The exchange's id."));
    let symbol = || ("symbol", text("The unified symbol: `BTC/USDT`, `BTC/USDT:USDT`, `BTC/USD:BTC-260327`."));
    let timestamp = || ("timestamp", null(integer("When the exchange made it, in milliseconds UTC.")));
    let datetime = || ("datetime", null(text("The same moment in ISO 8601, with milliseconds and `Z`.")));
    vec![
        (
            "Ticker",
            object(
                "The last 24 hours of one market. What the exchange does not say is null.",
                ticker(),
                Some(ticker_example()),
            ),
        ),
        (
            "Historical",
            object(
                "Candles of one market.",
                vec![
                    exchange(),
                    symbol(),
                    ("timeframe", text("How long a candle is, as in `1m`, `4h`, `1d`.")),
                    ("candles", list(named("Candle"))),
                ],
                Some(
                    json!({"exchange": "demo", "symbol": "BTC/USDT", "timeframe": "1d", "candles": [candle_example()]}),
                ),
            ),
        ),
        ("Candle", object("What was traded in one timeframe.", candle(), Some(candle_example()))),
        (
            "Tickers",
            object(
                "Tickers of many markets.",
                vec![exchange(), ("tickers", list(named("Ticker")))],
                Some(json!({"exchange": "demo", "tickers": [ticker_example()]})),
            ),
        ),
        (
            "OrderBook",
            object(
                "What rests in the book of one market.",
                vec![
                    exchange(),
                    symbol(),
                    timestamp(),
                    datetime(),
                    ("nonce", null(number("The exchange's sequence number."))),
                    ("bids", levels("Who buys, highest price first: `[price, amount]`.")),
                    ("asks", levels("Who sells, lowest price first: `[price, amount]`.")),
                ],
                Some(json!({
                    "exchange": "demo", "symbol": "BTC/USDT", "timestamp": null, "datetime": null, "nonce": null,
                    "bids": [[64000.1, 0.5], [64000.0, 1.25]], "asks": [[64000.2, 0.75]],
                })),
            ),
        ),
        (
            "Trades",
            object(
                "Public trades of one market.",
                vec![exchange(), symbol(), ("trades", list(named("Trade")))],
                Some(json!({"exchange": "demo", "symbol": "BTC/USDT", "trades": [trade_example()]})),
            ),
        ),
        ("Trade", object("One trade.", trade(), Some(trade_example()))),
        ("Markets", object("Markets of one exchange.", vec![exchange(), ("markets", list(named("Market")))], None)),
        ("Market", object("One market.", market(), None)),
        (
            "Precision",
            object(
                "The smallest steps (tick sizes).",
                vec![
                    ("amount", null(number("The step of an amount."))),
                    ("price", null(number("The step of a price."))),
                ],
                None,
            ),
        ),
        (
            "Limits",
            object(
                "What the exchange accepts.",
                ["amount", "price", "cost"].map(|of| (of, named("Range"))).to_vec(),
                None,
            ),
        ),
        (
            "Range",
            object(
                "A lower and an upper bound.",
                vec![("min", null(number("At least."))), ("max", null(number("At most.")))],
                None,
            ),
        ),
        ("Exchanges", object("Every exchange that is served.", vec![("exchanges", list(named("Exchange")))], None)),
        ("Exchange", object("An exchange, what it can do, and how it is.", exchange_fields(), None)),
        (
            "Links",
            object(
                "Where to read more.",
                vec![("www", null(text("Its site."))), ("doc", null(text("The documentation of its API.")))],
                None,
            ),
        ),
        ("ExchangeHealth", object("How the requests to an exchange fare.", exchange_health(), None)),
        (
            "ExchangeError",
            object(
                "An error of an exchange.",
                vec![("code", text("One of the codes of GET /problems.")), ("detail", text("What happened."))],
                None,
            ),
        ),
        (
            "Health",
            object(
                "How the server is.",
                vec![
                    ("status", text("`ok`")),
                    ("version", text("The version of marketd.")),
                    ("uptime_seconds", integer("How long it has been running.")),
                ],
                Some(json!({"status": "ok", "version": "0.1.0", "uptime_seconds": 3600})),
            ),
        ),
        ("Problems", object("Every code of an error.", vec![("problems", list(named("ProblemKind")))], None)),
        (
            "ProblemKind",
            object(
                "What the code of an error means.",
                vec![
                    ("code", text("The code.")),
                    ("status", integer("The HTTP status.")),
                    ("title", text("A short name.")),
                    ("meaning", text("When it happens and what to do.")),
                ],
                None,
            ),
        ),
        ("Problem", problem()),
    ]
}

fn ticker() -> Vec<Field> {
    let amount = |name, description| (name, null(number(description)));
    vec![
        ("exchange", text("The exchange's id.")),
        ("symbol", text("The unified symbol.")),
        ("timestamp", null(integer("When the exchange made it, in milliseconds UTC."))),
        ("datetime", null(text("The same moment in ISO 8601, with milliseconds and `Z`."))),
        amount("high", "The highest price."),
        amount("low", "The lowest price."),
        amount("bid", "The best price that someone buys for."),
        amount("bidVolume", "How much rests at the best bid."),
        amount("ask", "The best price that someone sells for."),
        amount("askVolume", "How much rests at the best ask."),
        amount("vwap", "The average price, weighted by volume."),
        amount("open", "The price 24 hours ago."),
        amount("close", "The last price."),
        amount("last", "The last price."),
        amount("previousClose", "The closing price of the day before."),
        amount("change", "last − open."),
        amount("percentage", "change / open × 100."),
        amount("average", "(open + last) / 2."),
        amount("baseVolume", "How much was traded, in units of the base currency (or contracts)."),
        amount("quoteVolume", "How much was traded, in units of the quote currency."),
        amount("markPrice", "The price that contracts are marked to."),
        amount("indexPrice", "The price of the index beneath a contract."),
    ]
}

fn candle() -> Vec<Field> {
    vec![
        ("timestamp", integer("When the timeframe begins, in milliseconds UTC.")),
        ("open", null(number("The first price."))),
        ("high", null(number("The highest price."))),
        ("low", null(number("The lowest price."))),
        ("close", null(number("The last price."))),
        ("volume", null(number("How much was traded, in units of the base currency (or contracts)."))),
    ]
}

fn trade() -> Vec<Field> {
    vec![
        ("id", null(text("The exchange's id of the trade."))),
        ("timestamp", null(integer("When it happened, in milliseconds UTC."))),
        ("datetime", null(text("The same moment in ISO 8601, with milliseconds and `Z`."))),
        ("symbol", text("The unified symbol.")),
        ("side", null(one_of("What the taker did.", &["buy", "sell"]))),
        ("price", number("In units of the quote currency.")),
        ("amount", number("In units of the base currency (or contracts).")),
        (
            "cost",
            null(number(
                "What was paid, in units of the quote currency (of the settle currency for inverse contracts).",
            )),
        ),
    ]
}

fn market() -> Vec<Field> {
    vec![
        ("id", text("The exchange's own id.")),
        (
            "symbol",
            text(
                "The unified symbol: `BTC/USDT`, `BTC/USDT:USDT`, `BTC/USD:BTC-260327`, `BTC/USD:BTC-260327-100000-C`.",
            ),
        ),
        ("base", text("What is traded.")),
        ("quote", text("What prices are in.")),
        ("settle", null(text("What a contract is settled in."))),
        ("type", one_of("The kind.", &["spot", "swap", "future", "option", "index"])),
        ("active", null(boolean("Whether it can be traded now."))),
        ("contract", boolean("Whether it is a contract rather than spot.")),
        ("linear", null(boolean("Whether it is a contract that is settled in the quote currency."))),
        ("inverse", null(boolean("Whether it is a contract that is settled in the base currency."))),
        (
            "contractSize",
            null(number("How much one contract is of the base currency (of the quote currency for inverse ones).")),
        ),
        ("expiry", null(integer("When a future or an option ends, in milliseconds UTC."))),
        ("strike", null(number("The strike price of an option."))),
        ("optionType", null(one_of("The right that an option gives.", &["call", "put"]))),
        ("precision", named("Precision")),
        ("limits", named("Limits")),
    ]
}

fn exchange_fields() -> Vec<Field> {
    vec![
        ("id", text("The id in paths.")),
        ("name", text("The name that people use.")),
        ("kind", one_of("How its adapter came to be.", &["definition", "native", "plugin"])),
        ("synthetic", boolean("Whether the data is made up.")),
        (
            "capabilities",
            list(one_of("What can be asked.", &["markets", "ticker", "tickers", "candles", "orderbook", "trades"])),
        ),
        ("timeframes", list(text("A timeframe that there are candles of."))),
        ("links", named("Links")),
        ("budget", null(text("The pace of requests that the exchange publishes, as in `1200/m`."))),
        (
            "status",
            one_of(
                "How it is: unknown until it is asked something, failed when its file is broken or it is switched off.",
                &["unknown", "up", "degraded", "down", "failed"],
            ),
        ),
        (
            "reason",
            null(text(
                "Why it has failed. If it has not, what is wrong with its file; what was read before is served.",
            )),
        ),
        ("health", named("ExchangeHealth")),
    ]
}

fn exchange_health() -> Vec<Field> {
    vec![
        ("last_success", null(integer("When it last answered, in milliseconds UTC."))),
        ("last_failure", null(integer("When it last failed, in milliseconds UTC."))),
        (
            "last_error",
            MetaSchemaRef::Inline(Box::new(MetaSchema {
                nullable: true,
                all_of: vec![named("ExchangeError")],
                ..MetaSchema::ANY
            })),
        ),
        ("consecutive_failures", integer("How often it has failed since it last answered.")),
        ("paused_until", null(integer("Until when it is left alone because it limits us, in milliseconds UTC."))),
        ("dropped_rows", integer("How many malformed rows its answers had.")),
    ]
}

/// Problem details: the last three keys are there when there is something to say.
fn problem() -> MetaSchema {
    let suggestions = MetaSchema { description: Some("The nearest names."), ..inline(list(text("A name."))) };
    let fields = vec![
        ("type", text("Where the code is explained, relative to this server.")),
        ("title", text("What the code means, in short.")),
        ("status", integer("The HTTP status.")),
        ("detail", text("What happened.")),
        ("code", text("The code, as ccxt names its error classes; GET /problems lists all.")),
        ("exchange", text("The exchange that it happened with.")),
        ("symbol", text("The market that it happened with.")),
        ("suggestions", MetaSchemaRef::Inline(Box::new(suggestions))),
    ];
    let example = json!({
        "type": "/problems/BadSymbol", "title": "No such market", "status": 404, "code": "BadSymbol",
        "detail": "there is no market `BTC/USTD`", "exchange": "demo", "symbol": "BTC/USTD", "suggestions": ["BTC/USDT"],
    });
    let schema = object("Problem details (RFC 9457).", fields, Some(example));
    MetaSchema { required: vec!["type", "title", "status", "detail", "code"], ..schema }
}

fn ticker_example() -> Value {
    json!({
        "exchange": "demo", "symbol": "BTC/USDT", "timestamp": 1_749_774_034_567_i64,
        "datetime": "2025-06-13T00:20:34.567Z", "high": 65000.5, "low": 62000.0, "bid": 64000.1, "bidVolume": 0.5,
        "ask": 64000.2, "askVolume": 0.75, "vwap": 63500.0, "open": 63000.0, "close": 64000.1, "last": 64000.1,
        "previousClose": null, "change": 1000.1, "percentage": 1.587, "average": 63500.05, "baseVolume": 1234.5,
        "quoteVolume": 78_390_750.0, "markPrice": null, "indexPrice": null,
    })
}

fn candle_example() -> Value {
    json!({"timestamp": 1_749_772_800_000_i64, "open": 63000.0, "high": 65000.5, "low": 62000.0, "close": 64000.1, "volume": 1234.5})
}

fn trade_example() -> Value {
    json!({
        "id": "1000001", "timestamp": 1_749_774_034_567_i64, "datetime": "2025-06-13T00:20:34.567Z",
        "symbol": "BTC/USDT", "side": "buy", "price": 64000.1, "amount": 0.5, "cost": 32000.05,
    })
}

#[cfg(test)]
mod tests {
    use marketd_core::{Candle, Decimal, Limits, Links, Market, OrderBook, Precision, Range, Ticker, Trade};
    use serde::Serialize;

    use super::*;

    fn keys(value: &impl Serialize) -> Vec<String> {
        let value = serde_json::to_value(value).expect("serializes");
        value.as_object().expect("an object").keys().cloned().collect()
    }

    fn documented(name: &str) -> Vec<String> {
        let (_, schema) = all().into_iter().find(|(known, _)| *known == name).expect("a schema");
        let mut keys: Vec<String> = schema.properties.iter().map(|(key, _)| (*key).to_owned()).collect();
        keys.sort();
        keys
    }

    #[test]
    fn the_document_has_the_very_keys_that_the_core_writes() {
        let one = Decimal::from(1);
        let candle = Candle { timestamp: 0, open: None, high: None, low: None, close: None, volume: None };
        let symbol = "A/B".to_owned();
        let trade =
            Trade { id: None, timestamp: None, symbol, side: None, price: one.clone(), amount: one, cost: None };
        let book: OrderBook =
            serde_json::from_value(json!({"exchange": "x", "symbol": "A/B", "bids": [], "asks": []})).expect("a book");
        assert_eq!(documented("Ticker"), keys(&Ticker::new("x", "A/B")));
        assert_eq!(documented("Candle"), keys(&candle));
        assert_eq!(documented("Trade"), keys(&trade));
        assert_eq!(documented("OrderBook"), keys(&book));
        assert_eq!(documented("Market"), keys(&Market::spot("AB", "A", "B")));
        assert_eq!(documented("Precision"), keys(&Precision::default()));
        assert_eq!(documented("Limits"), keys(&Limits::default()));
        assert_eq!(documented("Range"), keys(&Range::default()));
        assert_eq!(documented("Links"), keys(&Links::default()));
    }

    #[test]
    fn every_example_has_the_keys_of_its_schema() {
        for (name, schema) in all() {
            if let Some(example) = &schema.example {
                assert_eq!(keys(example), documented(name), "{name}");
            }
        }
    }
}
