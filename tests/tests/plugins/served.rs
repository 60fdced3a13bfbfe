//! The example, from its file to the client.

use std::sync::Arc;

use marketd::registry::Registry;
use marketd::reload::Reloader;
use marketd::service::{Changes, Service};
use marketd_core::Kind;
use marketd_plugins::conformance::{World, run};
use marketd_tests::{TestServer, Upstream, config};
use rstest::rstest;

use crate::build::{Placed, cargo, example};

fn world() -> World {
    World::parse(include_str!("../../../plugins/example/acme.json")).expect("a world")
}

#[rstest]
#[case::built_in_debug(false)]
#[case::built_in_release(true)]
#[tokio::test]
async fn the_example_is_served_like_any_other_exchange(#[case] release: bool) {
    let upstream = Upstream::answering(world()).await;
    let mut config = config();
    upstream.configure(&mut config);
    let exchanges = Placed::library(&example(release)).load();
    assert_eq!(exchanges[0].about().kind, Kind::Plugin);
    let server = TestServer::start(config, exchanges).await;

    let about = server.get("/exchanges/acme").await.json();
    assert_eq!((&about["kind"], &about["budget"]), (&"plugin".into(), &"600/m".into()));
    let ticker = server.get("/price/acme/btc/usd").await;
    assert_eq!(ticker.status, 200, "{}", ticker.text);
    assert!(
        ticker.text.contains(r#""exchange":"acme","symbol":"BTC/USD","timestamp":1795478400000,"#),
        "{}",
        ticker.text
    );
    assert!(ticker.text.contains(r#""bid":64000.10,"#), "{}", ticker.text);
    let candles = server.get("/historical/acme/BTC/USD?timeframe=1h&limit=1").await;
    let newest = r#""candles":[{"timestamp":1795474800000,"open":64000.0,"high":64000.30,"low":63999.90,"close":64000.20,"volume":0.70}]"#;
    assert!(candles.text.contains(newest), "{}", candles.text);
    let book = server.get("/orderbook/acme/btc-usd").await;
    assert!(book.text.contains(r#""bids":[[64000.10,0.5],[64000.00,2]],"asks":[[64000.20,1.00]]"#), "{}", book.text);
    let markets = server.get("/markets/acme?active=true").await.json();
    assert_eq!(markets["markets"].as_array().map(Vec::len), Some(1));
    server.get("/trades/acme/BTC/USD").await.problem(501, "NotSupported");
    // What is not known upstream is the adapter's to say.
    server.get("/price/acme/OLD/USD").await.problem(404, "BadSymbol");
}

#[tokio::test]
async fn a_library_is_picked_up_while_the_server_runs() {
    let upstream = Upstream::answering(world()).await;
    let mut config = config();
    upstream.configure(&mut config);
    let placed = Placed::content("no library");
    config.plugins.dir = placed.path.parent().expect("a folder").to_owned();
    let mut registry = Registry::new(Vec::new(), config.plugins.clone());
    let service = Arc::new(Service::new(registry.gather().expect("gathered"), &config).expect("a service"));
    let reloader = Reloader::new(registry, Arc::clone(&service), None);
    let server = TestServer::of(config, service).await;
    let failed = server.get("/exchanges/plugin").await.json();
    assert_eq!((&failed["kind"], &failed["status"]), (&"plugin".into(), &"failed".into()));

    placed.replace(std::fs::read(example(false)).expect("built"));
    assert_eq!(reloader.reload().await.expect("reloaded").added, ["acme"]);
    assert_eq!(server.get("/price/acme/btc/usd").await.status, 200);
    assert_eq!(reloader.reload().await.expect("reloaded"), Changes::default());
    // What was read before goes on.
    placed.replace("no library");
    assert_eq!(reloader.reload().await.expect("reloaded"), Changes::default());
    assert_eq!(server.get("/price/acme/btc/usd").await.status, 200);
    assert!(server.get("/exchanges/acme").await.json()["reason"].is_string());
}

#[test]
fn the_example_passes_its_cases() {
    let exchanges = Placed::library(&example(false)).load();
    let report = run(&*exchanges[0], &world());
    assert!(report.is_whole(), "{report:.20}");
}

#[test]
fn the_example_passes_its_own_tests() {
    cargo("test", "../plugins/example", &[]);
}
