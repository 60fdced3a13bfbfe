//! What the benchmarks read: recorded answers, and a definition that reads them.

use bytes::Bytes;
use marketd_core::{Fetch, Response};

/// The shapes of Binance's answers, which most exchanges' are like.
pub(crate) const DEFINITION: &str = r#"
id = "bench"
name = "Bench"
doc = "https://example.com"
base-url = "https://example.com"
[markets]
list = [{ id = "BTCUSDT", base = "BTC", quote = "USDT" }]
id = ".id"
base = ".base"
quote = ".quote"
type = "spot"
[ticker]
get = "/ticker?symbol={id}"
timestamp = ".closeTime"
high = ".highPrice"
low = ".lowPrice"
bid = ".bidPrice"
bid-volume = ".bidQty"
ask = ".askPrice"
ask-volume = ".askQty"
vwap = ".weightedAvgPrice"
open = ".openPrice"
last = ".lastPrice"
previous-close = ".prevClosePrice"
change = ".priceChange"
percentage = ".priceChangePercent"
base-volume = ".volume"
quote-volume = ".quoteVolume"
[candles]
get = "/klines?symbol={id}&interval={timeframe}&limit={limit}"
timeframes = { 1m = "1m" }
rows = ".[]"
timestamp = ".[0]"
open = ".[1]"
high = ".[2]"
low = ".[3]"
close = ".[4]"
volume = ".[5]"
"#;

/// A ticker.
pub(crate) const TICKER: &str = r#"{"symbol":"BTCUSDT","priceChange":"-1225.90000000","priceChangePercent":"-1.000","weightedAvgPrice":
"121965.97659394","prevClosePrice":"122571.50000000","lastPrice":"121345.60000000","lastQty":"0.00020000","bidPrice":
"121345.60000000","bidQty":"0.38579986","askPrice":"121345.70000000","askQty":"1.00783810","openPrice":"122571.50000000",
"highPrice":"123555.50000000","lowPrice":"120402.30000000","volume":"2282.70993217","quoteVolume":"278412946.15779040",
"openTime":1749687634567,"closeTime":1749774034567,"firstId":3550112233,"lastId":3550912234,"count":800001}"#;

/// 1,000 candles.
pub(crate) fn klines() -> String {
    let row = |i: i64| {
        format!(
            r#"[{},"{}.10000000","{}.30000000","{}.05000000","{}.20000000","{}.48263145",{},"53861919.16809100",{},"24.13157250","2693095.95840455","0"]"#,
            1_749_513_600_000 + i * 60_000,
            110_000 + i,
            110_050 + i,
            109_950 + i,
            110_001 + i,
            100 + i,
            1_749_513_659_999 + i * 60_000,
            1_000 + i
        )
    };
    format!("[{}]", (0..1_000).map(row).collect::<Vec<_>>().join(","))
}

/// Answers the fetch's one round with this body.
pub(crate) fn answered<T>(fetch: Fetch<T>, body: &Bytes) -> T {
    let Fetch::Ask(ask) = fetch else { panic!("asks") };
    match ask.then(vec![Response::ok(body.clone())]) {
        Fetch::Done(result) => result.unwrap_or_else(|error| panic!("{error}")),
        Fetch::Ask(_) => panic!("one round"),
    }
}
