use super::*;

const PRODUCTS: &str = r#"[{"id":"btc-usd","base":"BTC","quote":"USD","tick":"0.01","open":true}]"#;
const DAY: &str = r#"{"time":1795478400000,"bid":"64000.10","ask":"64000.20","last":"64000.20","open":null}"#;

fn market() -> Arc<Market> {
    Arc::new(Market::spot("btc-usd", "BTC", "USD"))
}

/// Checks what is asked, and answers that.
fn recorded(url: &str, body: &'static str) -> impl FnMut(&Request) -> Response {
    move |request| {
        assert_eq!(request.url, format!("https://api.acme.example/v1/products{url}"));
        Response::ok(body)
    }
}

#[test]
fn markets() {
    let markets = Acme::default().markets(0).run_with(recorded("", PRODUCTS)).unwrap();
    assert_eq!((markets[0].symbol.as_str(), markets[0].active), ("BTC/USD", Some(true)));
    assert_eq!(markets[0].precision.price, Decimal::parse("0.01"));
}

#[test]
fn ticker() {
    let ticker = Acme::default().ticker(&market(), 0).run_with(recorded("/btc-usd/day", DAY)).unwrap();
    assert_eq!((ticker.bid, ticker.open), (Decimal::parse("64000.10"), None));
}

#[test]
fn candles() {
    let query = CandleQuery { timeframe: "1h".parse().unwrap(), since: None, limit: 2, now: 1_795_478_400_000 };
    let url = "/btc-usd/bars?length=3600&from=1795471200000&count=2";
    let bars = r#"[[1795471200000,"1.0","2","0.5","1.50","10"],[1795474800000,"1.50","2","1","1.6","7"]]"#;
    let candles = Acme::default().candles(&market(), &query).run_with(recorded(url, bars)).unwrap();
    assert_eq!((candles.len(), &candles[0].close), (2, &Decimal::parse("1.50")));
}

#[test]
fn order_book() {
    let query = OrderBookQuery { limit: Some(1), now: 0 };
    let book = r#"{"time":1795478400000,"buy":[["64000.10","0.5"]],"sell":[["64000.20","1"]]}"#;
    let book = Acme::default().order_book(&market(), &query).run_with(recorded("/btc-usd/book?depth=1", book));
    assert_eq!(book.unwrap().bids[0].1, Decimal::parse("0.5").unwrap());
}

#[test]
fn errors() {
    let gone = |_: &Request| Response { status: 404, ..Response::default() };
    assert_eq!(Acme::default().ticker(&market(), 0).run_with(gone).unwrap_err().code(), Code::BadSymbol);
    let html = Acme::default().markets(0).run_with(|_| Response::ok("<html>")).unwrap_err();
    assert_eq!(html.code(), Code::BadResponse);
}
