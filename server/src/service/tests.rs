use futures_util::future::join_all;
use marketd_core::{Code, MarketType, Response};
use rstest::rstest;
use tokio::time::advance;

use super::*;
use crate::testing::{Fake, Wire, broken, well};

const SECOND: Duration = Duration::from_secs(1);

fn config() -> Config {
    let mut config = Config::default();
    config.upstream.retries = 0;
    config
}

fn service_of(exchanges: Vec<Arc<dyn Exchange>>, config: &Config, wire: &Arc<Wire>) -> Service {
    let wire = Arc::clone(wire);
    Service::with_wires(exchanges.into(), config, move |_, _| Arc::clone(&wire) as _)
}

fn service(wire: &Arc<Wire>) -> Service {
    service_of(vec![Fake::full("fake")], &config(), wire)
}

fn text(answer: Result<Answer>) -> String {
    String::from_utf8(answer.expect("an answer").body.to_vec()).expect("UTF-8")
}

#[tokio::test(start_paused = true)]
async fn every_answer_has_the_shape_of_the_contract_and_the_digits_of_the_exchange() {
    let service = service(&Wire::new(well));
    let ticker = text(service.ticker("fake", "BTC/USDT", None).await);
    assert!(ticker.starts_with(r#"{"exchange":"fake","symbol":"BTC/USDT","timestamp":null,"#), "{ticker}");
    assert!(ticker.contains(r#""close":1.50,"last":1.50"#), "{ticker}");
    let candles = text(service.candles("fake", "BTC/USDT", "1h", None, 5).await);
    assert!(candles.starts_with(
        r#"{"exchange":"fake","symbol":"BTC/USDT","timeframe":"1h","candles":[{"timestamp":1,"open":1.50,"#
    ));
    let book = text(service.order_book("fake", "BTC/USDT", None).await);
    assert!(book.ends_with(r#""bids":[[1.50,1.50],[1,1.50]],"asks":[]}"#), "{book}");
    let trades = text(service.trades("fake", "BTC/USDT", None, 5).await);
    assert!(trades.starts_with(r#"{"exchange":"fake","symbol":"BTC/USDT","trades":[{"id":null,"timestamp":1000,"#));
    assert!(trades.contains(r#""cost":3"#), "{trades}");
    let markets = text(service.markets("fake", &MarketFilter::default()).await);
    assert!(markets.starts_with(r#"{"exchange":"fake","markets":[{"id":"BTCUSDT","symbol":"BTC/USDT","#));
}

#[tokio::test(start_paused = true)]
async fn tickers_are_those_that_are_wanted_in_the_order_of_their_symbols() {
    let service = service(&Wire::new(well));
    let symbols = |answer: &str| answer.matches("\"symbol\":\"").count();
    let all = text(service.tickers("fake", None).await);
    assert!(all.starts_with(r#"{"exchange":"fake","tickers":[{"exchange":"fake","symbol":"BTC/USDT""#), "{all}");
    assert_eq!(symbols(&all), 2);
    assert_eq!(text(service.tickers("fake", Some(&[])).await), all);
    let wanted = ["ethusdt".to_owned(), "ETH/USDT".to_owned()];
    let one = text(service.tickers("fake", Some(&wanted)).await);
    assert!(one.contains(r#""symbol":"ETH/USDT""#) && symbols(&one) == 1, "{one}");
    let unknown = service.tickers("fake", Some(&["NOT/THERE".to_owned()])).await.expect_err("unknown");
    assert_eq!((unknown.code(), unknown.symbol()), (Code::BadSymbol, Some("NOT/THERE")));
}

#[rstest]
#[case::well(well)]
#[case::failing(broken)]
#[case::panicking(|path: &str| if path == "/markets" { well(path) } else { Ok(Response::ok("panic")) })]
#[tokio::test(start_paused = true)]
async fn a_thousand_clients_of_one_ticker_cost_one_request(#[case] answer: fn(&str) -> Result<Response>) {
    let wire = Wire::new(answer);
    let service = service(&wire);
    let spellings = ["BTC/USDT", "btc/usdt", "XBT/USDT", "BTCUSDT"];
    join_all((0..1_000).map(|at| service.ticker("FAKE", spellings[at % 4], None))).await;
    assert_eq!((wire.asked("/markets"), wire.asked("/ticker")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn different_limits_are_different_answers_and_zero_means_one() {
    let wire = Wire::new(well);
    let service = service(&wire);
    for (limit, count) in [(10, 2), (1, 1), (0, 1)] {
        let candles = text(service.candles("fake", "BTC/USDT", "1m", None, limit).await);
        assert_eq!(candles.matches("timestamp").count(), count);
    }
    assert_eq!((wire.asked("/candles"), wire.asked("/candles/0")), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn every_error_names_its_exchange_and_its_symbol() {
    let wire = Wire::new(broken);
    let service = service(&wire);
    let exchange = service.ticker("fake", "btcusdt", None).await.expect_err("down");
    assert_eq!((exchange.exchange(), exchange.symbol()), (Some("fake"), Some("BTC/USDT")));
    let symbol = service.check_market("fake", "BTC/USTD").await.expect_err("unknown");
    assert_eq!((symbol.exchange(), symbol.symbol()), (Some("fake"), Some("BTC/USTD")));
    assert_eq!(symbol.suggestions().first().map(String::as_str), Some("BTC/USDT"));
    let timeframe = service.candles("fake", "BTC/USDT", "7m", None, 1).await.expect_err("none");
    assert_eq!((timeframe.code(), timeframe.exchange()), (Code::BadRequest, Some("fake")));
    assert_eq!(timeframe.message(), "timeframe is `7m`, but must be one of 1m, 1h");
}

#[tokio::test(start_paused = true)]
async fn what_an_exchange_cannot_be_asked_is_not_supported_without_asking_it() {
    let wire = Wire::new(well);
    let bare = Fake::with("bare", &[Capability::Markets]);
    let service = service_of(vec![bare], &config(), &wire);
    let errors = [
        service.ticker("bare", "BTC/USDT", None).await.err(),
        service.tickers("bare", None).await.err(),
        service.candles("bare", "BTC/USDT", "1m", None, 1).await.err(),
        service.order_book("bare", "BTC/USDT", None).await.err(),
        service.trades("bare", "BTC/USDT", None, 1).await.err(),
        service.check_market("bare", "BTC/USDT").await.err(),
    ];
    assert!(errors.into_iter().all(|error| error.is_some_and(|error| error.code() == Code::NotSupported)));
    assert_eq!(wire.asked("/"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stale_ticker_stands_in_while_the_exchange_fails() {
    let wire = Wire::new(well);
    let service = service(&wire);
    let ticker = async || service.ticker("fake", "BTC/USDT", None).await.map(|answer| answer.source);
    assert_eq!(ticker().await.expect("an answer"), Source::Miss);
    assert_eq!(ticker().await.expect("an answer"), Source::Hit);
    wire.now(broken);
    advance(11 * SECOND).await;
    assert_eq!(ticker().await.expect("an answer"), Source::Stale);
    advance(60 * SECOND).await;
    assert_eq!(ticker().await.expect_err("too old").code(), Code::ExchangeNotAvailable);
}

#[rstest]
#[case("fale", &["fake"])]
#[case("fa", &["fake"])]
#[case("nothing", &[])]
#[case("", &[])]
fn an_unknown_exchange_names_the_nearest_ones(#[case] id: &str, #[case] near: &[&str]) {
    let service = service_of(vec![Fake::full("fake"), Fake::full("other")], &config(), &Wire::new(well));
    let error = service.exchange(id).expect_err("unknown");
    assert_eq!(error.code(), Code::ExchangeNotFound);
    assert_eq!(error.suggestions(), near);
}

#[test]
fn only_enabled_exchanges_are_served_in_the_order_of_their_ids() {
    let exchanges = || vec![Fake::full("c"), Fake::full("a"), Fake::full("b")];
    let ids = |config: &Config| {
        let service = service_of(exchanges(), config, &Wire::new(well));
        service.exchanges().into_iter().map(|status| status.about.id).collect::<Vec<_>>()
    };
    let mut config = config();
    assert_eq!(ids(&config), ["a", "b", "c"]);
    config.exchanges.enabled = Some(vec!["c".into(), "a".into(), "none".into()]);
    assert_eq!(ids(&config), ["a", "c"]);
}

#[rstest]
#[case(MarketFilter::default(), 2)]
#[case(MarketFilter { base: Some("xbt".into()), ..MarketFilter::default() }, 1)]
#[case(MarketFilter { quote: Some("usdt".into()), kind: Some(MarketType::Spot), ..MarketFilter::default() }, 2)]
#[case(MarketFilter { kind: Some(MarketType::Swap), ..MarketFilter::default() }, 0)]
#[case(MarketFilter { active: Some(true), ..MarketFilter::default() }, 0)]
#[tokio::test(start_paused = true)]
async fn markets_are_those_that_pass_the_filter(#[case] filter: MarketFilter, #[case] count: usize) {
    let service = service(&Wire::new(well));
    for _ in 0..2 {
        let markets = text(service.markets("fake", &filter).await);
        assert_eq!(markets.matches("\"symbol\"").count(), count);
    }
}

#[rstest]
#[case::kept(3_600, 1)]
#[case::with_the_cache_off(0, 3)]
#[tokio::test(start_paused = true)]
async fn the_market_list_is_asked_anew_each_time_only_when_its_cache_is_off(#[case] ttl: u64, #[case] asked: usize) {
    let wire = Wire::new(well);
    let mut config = config();
    config.cache.markets = Duration::from_secs(ttl);
    let service = service_of(vec![Fake::full("fake")], &config, &wire);
    for _ in 0..3 {
        let answer = service.markets("fake", &MarketFilter::default()).await.expect("a list");
        assert_eq!(answer.ttl, Duration::from_secs(ttl));
        service.check_market("fake", "BTC/USDT").await.expect("found in the list");
    }
    assert_eq!(wire.asked("/markets"), asked);
}

#[tokio::test(start_paused = true)]
async fn every_question_can_be_asked_from_a_task_of_its_own() {
    let service = service(&Wire::new(well));
    let task = tokio::spawn(async move {
        service.ticker("fake", "BTC/USDT", Some(SECOND)).await?;
        service.tickers("fake", None).await?;
        service.candles("fake", "BTC/USDT", "1m", Some(0), 1).await?;
        service.order_book("fake", "BTC/USDT", Some(0)).await?;
        service.trades("fake", "BTC/USDT", None, 0).await?;
        service.markets("fake", &MarketFilter::default()).await?;
        service.check_market("fake", "BTC/USDT").await
    });
    task.await.expect("no panic").expect("answers");
}
