//! Definitions that are dropped into a folder, and read anew while the server runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use marketd::registry::Registry;
use marketd::reload::Reloader;
use marketd::service::{Changes, Service};
use marketd_plugins::built_in;
use marketd_plugins::demo::Demo;
use marketd_tests::{TestServer, Upstream, config};

/// A server with the demo exchange and a folder of definitions, whose upstream answers as kraken does.
struct Case {
    folder: tempfile::TempDir,
    server: TestServer,
    reloader: Reloader,
    _upstream: Upstream,
}

/// Kraken's definition under another id, with the last price from somewhere else in the answer.
fn kraken_as(id: &str, last: &str) -> String {
    let text = built_in::text_of("kraken").expect("built in");
    text.replacen("id = \"kraken\"", &format!("id = \"{id}\""), 1).replacen(
        "last = \".value.c[0]\"",
        &format!("last = \"{last}\""),
        1,
    )
}

const LAST: &str = ".value.c[0]";
const ASK: &str = ".value.a[0]";

impl Case {
    async fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        let upstream = Upstream::of("kraken").await;
        let mut config = config();
        upstream.configure(&mut config);
        config.plugins.dir = folder.path().to_owned();
        let mut registry = Registry::new(vec![Arc::new(Demo::default())], config.plugins.clone());
        let exchanges = registry.gather().expect("gathered");
        let service = Arc::new(Service::new(exchanges, &config).expect("a service"));
        let reloader = Reloader::new(registry, Arc::clone(&service), None);
        Self { folder, server: TestServer::of(config, service).await, reloader, _upstream: upstream }
    }

    async fn write(&self, name: &str, text: &str) -> Changes {
        std::fs::write(self.folder.path().join(name), text).expect("written");
        self.reload().await
    }

    async fn reload(&self) -> Changes {
        self.reloader.reload().await.expect("reloaded")
    }

    async fn last(&self, exchange: &str) -> String {
        let reply = self.server.get(&format!("/price/{exchange}/BTC/USD")).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["last"].to_string()
    }
}

#[tokio::test]
async fn a_definition_in_the_folder_is_an_exchange_and_a_broken_one_is_listed_as_failed() {
    let broken = kraken_as("broken", LAST).replace("[ticker]\nget", "[ticker]\ngte");
    let case = Case::new(&[("mine.toml", &kraken_as("mine", LAST)), ("broken.toml", &broken)]).await;
    assert_eq!(case.last("mine").await, "156619.85728");
    let all = case.server.get("/exchanges").await.json();
    let states: Vec<_> =
        all["exchanges"].as_array().expect("rows").iter().map(|row| (&row["id"], &row["status"])).collect();
    assert_eq!(
        format!("{states:?}"),
        r#"[(String("broken"), String("failed")), (String("demo"), String("unknown")), (String("mine"), String("up"))]"#
    );
    let one = case.server.get("/exchanges/broken").await.json();
    assert_eq!((&one["kind"], &one["capabilities"]), (&"definition".into(), &serde_json::json!([])));
    let reason = one["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("broken.toml:") && reason.contains(": ticker.get: is missing"), "{reason}");
    let problem = case.server.get("/price/broken/BTC/USD").await.problem(503, "ExchangeNotAvailable");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(reason)), "{problem}");
    assert_eq!(case.server.get("/exchanges/mine").await.json()["reason"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_changed_definition_answers_anew_a_broken_one_as_before_and_a_removed_one_is_gone() {
    let case = Case::new(&[("mine.toml", &kraken_as("mine", LAST))]).await;
    let (last, changes) = (case.last("mine").await, case.write("mine.toml", &kraken_as("mine", ASK)).await);
    assert_eq!(changes.replaced, ["mine"]);
    let ask = case.last("mine").await;
    assert_ne!(last, ask);
    assert_eq!(case.write("mine.toml", "id = \"mine\"").await, Changes::default());
    assert_eq!(case.last("mine").await, ask);
    let one = case.server.get("/exchanges/mine").await.json();
    assert_eq!((&one["status"], &one["reason"]), (&"up".into(), &"mine.toml:1: name: is missing".into()));
    assert_eq!(case.write("other.toml", &kraken_as("other", LAST)).await.added, ["other"]);
    assert_eq!(case.last("other").await, last);
    std::fs::remove_file(case.folder.path().join("mine.toml")).expect("removed");
    assert_eq!(case.reload().await.removed, ["mine"]);
    case.server.get("/price/mine/BTC/USD").await.problem(404, "ExchangeNotFound");
}

#[tokio::test]
async fn a_stream_goes_on_over_a_reload() {
    let case = Case::new(&[("mine.toml", &kraken_as("mine", LAST))]).await;
    let mut socket = case.server.socket("/ws/mine/BTC/USD?poll_interval=0.1").await.expect("upgraded");
    let first = socket.json().await["last"].clone();
    case.write("mine.toml", &kraken_as("mine", ASK)).await;
    for _ in 0..50 {
        let next = socket.json().await;
        assert_eq!(next["symbol"], "BTC/USD", "{next}");
        if next["last"] != first {
            return;
        }
    }
    panic!("never the new price");
}

const REQUESTS: usize = 10_000;
const RELOADS: usize = 50;
const CLIENTS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn none_of_ten_thousand_requests_fails_while_the_definitions_are_read_anew_fifty_times() {
    let mine = kraken_as("mine", LAST);
    let child = "id = \"child\"\nextends = \"mine\"\n";
    let case = Case::new(&[("mine.toml", &mine), ("child.toml", child), ("same.toml", &kraken_as("same", LAST))]).await;
    let paths =
        ["/price/mine/BTC/USD", "/price/child/BTC/USD", "/price/same/BTC/USD", "/price/demo/BTC/USDT", "/exchanges"];
    let answered = AtomicUsize::new(0);
    let client = async |number: usize| {
        for at in 0..REQUESTS / CLIENTS {
            let path = paths[(number + at) % paths.len()];
            let reply = case.server.get(path).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text);
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    let reloads = async {
        for at in 0..RELOADS {
            // Evenly over the requests.
            while answered.load(Ordering::Relaxed) < at * REQUESTS / RELOADS {
                tokio::task::yield_now().await;
            }
            let changes = match at % 3 {
                0 => case.write("mine.toml", &kraken_as("mine", ASK)).await,
                1 => case.write("mine.toml", "broken").await,
                _ => case.write("mine.toml", &mine).await,
            };
            let replaced: &[&str] = if at % 3 == 1 { &[] } else { &["child", "mine"] };
            assert_eq!(changes.replaced, replaced, "{at}: {changes}");
        }
    };
    tokio::join!(join_all((0..CLIENTS).map(client)), reloads);
    assert_eq!(answered.into_inner(), REQUESTS);
}
