use std::time::Duration;

use marketd_core::{Code, Response};
use tokio::time::sleep;

use super::*;
use crate::answer::Source;
use crate::service::Service;
use crate::testing::{Fake, LATENCY, Wire, broken, well};

fn set(exchanges: &[&Arc<dyn Exchange>]) -> ExchangeSet {
    exchanges.iter().map(|exchange| Arc::clone(exchange)).collect::<Vec<_>>().into()
}

fn service(exchanges: ExchangeSet, wire: &Arc<Wire>) -> Service {
    let mut config = Config::default();
    config.upstream.retries = 0;
    let wire = Arc::clone(wire);
    Service::with_wires(exchanges, &config, move |_, _| Arc::clone(&wire) as _)
}

async fn ticker(service: &Service, exchange: &str) -> (Source, String) {
    let answer = service.ticker(exchange, "BTC/USDT", None).await.expect("an answer");
    (answer.source, String::from_utf8(answer.body.to_vec()).expect("UTF-8"))
}

fn priced(price: &'static str) -> impl Fn(&str) -> Result<Response> + Send {
    move |path| if path == "/markets" { well(path) } else { Ok(Response::ok(price)) }
}

#[tokio::test(start_paused = true)]
async fn what_did_not_change_keeps_its_markets_its_health_and_its_answers() {
    let (kept, wire) = (Fake::full("kept"), Wire::new(well));
    let service = service(set(&[&kept]), &wire);
    let first = ticker(&service, "kept").await;
    let health = service.exchange("kept").expect("there").health;
    assert_eq!(service.swap(set(&[&Fake::full("a"), &kept])).added, ["a"]);
    assert_eq!(ticker(&service, "kept").await, (Source::Hit, first.1));
    assert_eq!(service.exchange("kept").expect("there").health, health);
    assert_eq!((wire.asked("/markets"), wire.asked("/ticker")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_replaced_exchange_answers_anew() {
    let wire = Wire::new(priced("1"));
    let service = service(set(&[&Fake::full("one")]), &wire);
    assert!(ticker(&service, "one").await.1.contains("\"last\":1,"));
    wire.now(priced("2"));
    assert_eq!(service.swap(set(&[&Fake::full("one")])).replaced, ["one"]);
    let (source, body) = ticker(&service, "one").await;
    assert!(source == Source::Miss && body.contains("\"last\":2,"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn the_answers_of_one_exchange_are_never_those_of_another_that_took_its_place() {
    let (wire, a) = (Wire::new(well), Fake::full("a"));
    let service = service(set(&[&a, &Fake::full("b")]), &wire);
    ticker(&service, "b").await;
    // Now `c` stands where `b` stood.
    service.swap(set(&[&a, &Fake::full("c")]));
    let (source, body) = ticker(&service, "c").await;
    assert!(source == Source::Miss && body.starts_with(r#"{"exchange":"c""#), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_under_way_ends_on_the_exchange_that_it_began_with() {
    let wire = Wire::new(priced("1"));
    let service = service(set(&[&Fake::full("gone")]), &wire);
    service.check_market("gone", "BTC/USDT").await.expect("a market");
    let (under_way, ()) = tokio::join!(ticker(&service, "gone"), async {
        sleep(LATENCY / 2).await;
        assert_eq!(service.swap(set(&[])).removed, ["gone"]);
    });
    assert!(under_way.1.contains("\"last\":1,"));
    let error = service.ticker("gone", "BTC/USDT", None).await.expect_err("gone");
    assert_eq!(error.code(), Code::ExchangeNotFound);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_told_us_to_wait_is_not_asked_sooner_because_it_is_replaced() {
    let limited =
        |_: &str| Ok(Response { status: 429, retry_after: Some(Duration::from_secs(60)), ..Response::ok("") });
    let wire = Wire::new(limited);
    let service = service(set(&[&Fake::full("busy")]), &wire);
    service.ticker("busy", "BTC/USDT", None).await.expect_err("limited");
    service.swap(set(&[&Fake::full("busy")]));
    wire.now(well);
    let error = service.ticker("busy", "BTC/USDT", None).await.expect_err("still");
    assert_eq!((error.code(), wire.asked("/")), (Code::RateLimitExceeded, 1));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_broke_is_told_beside_what_is_still_served() {
    let (mine, wire) = (Fake::full("mine"), Wire::new(broken));
    let service = service(set(&[&mine]), &wire);
    service.ticker("mine", "BTC/USDT", None).await.expect_err("down");
    let mut next = set(&[&mine]);
    next.fail("mine", Kind::Definition, "mine.toml:1: wrong");
    assert_eq!(service.swap(next), Changes::default());
    let status = service.exchange("mine").expect("there");
    assert_eq!(status.reason.as_deref(), Some("mine.toml:1: wrong"));
    assert_eq!((status.health.consecutive_failures, status.about.kind), (1, Kind::Native));
}

#[test]
fn changes_read_as_a_sentence() {
    let changes = Changes { added: vec!["a".into(), "b".into()], replaced: Vec::new(), removed: vec!["c".into()] };
    assert_eq!(changes.to_string(), "added a, b; removed c");
    assert_eq!(Changes::default().to_string(), "nothing changed");
}
