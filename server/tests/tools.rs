//! The tools for authors of exchanges, as whoever types them sees them.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const KRAKEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/exchanges/kraken.toml");
const OKX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/exchanges/okx.toml");
const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases");
const KRAKEN_CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases/kraken.json");

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Runs in this folder; what was printed, and whether it went well.
fn marketd(folder: &Path, args: &[&str]) -> (String, bool) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_marketd"));
    let output = command.args(args).current_dir(folder).env_remove("RUST_LOG").output().expect("it runs");
    let printed = [output.stdout, output.stderr].concat();
    (String::from_utf8(printed).expect("UTF-8"), output.status.success())
}

#[test]
fn a_new_definition_passes_the_check_as_it_is_written() {
    let folder = folder();
    let (printed, well) = marketd(folder.path(), &["new-exchange", "mine"]);
    assert!(well && printed.contains("    marketd check mine.toml\n"), "{printed}");
    let (printed, well) = marketd(folder.path(), &["check", "mine.toml"]);
    assert!(well, "{printed}");
    assert!(
        printed.contains("mine.toml  mine      10/s    markets ticker tickers candles orderbook trades  1m 1h 1d"),
        "{printed}"
    );
    let (printed, well) = marketd(folder.path(), &["new-exchange", "mine"]);
    assert!(!well && printed == "marketd: mine.toml is there already\n", "{printed}");
}

#[test]
fn a_check_names_file_line_and_key_and_fails() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("plugins.d")).expect("made");
    std::fs::write(folder.path().join("plugins.d/mine.toml"), "id = \"mine\"\nnaem = \"Mine\"\n").expect("written");
    for args in [&["check"][..], &["check", "plugins.d"], &["check", "plugins.d/mine.toml"]] {
        let (printed, well) = marketd(folder.path(), args);
        assert!(!well && printed == "plugins.d/mine.toml:1: name: is missing\n", "{printed}");
    }
    let (printed, well) = marketd(folder.path(), &["check", "none", KRAKEN]);
    assert!(!well && printed.ends_with("none: there is no such file or folder\n"), "{printed}");
    let (printed, well) = marketd(folder.path(), &["check", "--set", "plugins.dir=none"]);
    assert!(well && printed == "none (plugins.dir): there is no such folder yet\n", "{printed}");
}

#[test]
fn two_exchanges_with_one_id_fail_the_check() {
    let folder = folder();
    let text = std::fs::read_to_string(KRAKEN).expect("there");
    for name in ["a.toml", "b.toml"] {
        std::fs::write(folder.path().join(name), &text).expect("written");
    }
    let (printed, well) = marketd(folder.path(), &["check", "."]);
    assert!(!well && printed.ends_with("./b.toml: id: ./a.toml has an exchange `kraken` as well\n"), "{printed}");
}

#[test]
fn cases_are_held_against_the_exchange_that_they_are_of() {
    let folder = folder();
    let (printed, well) = marketd(folder.path(), &["check", KRAKEN, "--cases", KRAKEN_CASES]);
    assert!(well && printed.contains("kraken  ") && printed.contains(" all requests as ccxt asks"), "{printed}");
    let (printed, well) = marketd(folder.path(), &["check", KRAKEN, OKX, "--cases", CASES]);
    assert!(well && printed.matches(" all requests as ccxt asks").count() == 2, "{printed}");
    let wrong =
        std::fs::read_to_string(KRAKEN).expect("there").replace("bid = \".value.b[0]\"", "bid = \".value.b[1]\"");
    std::fs::write(folder.path().join("kraken.toml"), wrong).expect("written");
    let (printed, well) = marketd(folder.path(), &["check", "kraken.toml", "--cases", KRAKEN_CASES]);
    assert!(!well && printed.contains("ticker BTC/USD: ticker.bid: want 119600.49931, got 4"), "{printed}");
    assert!(printed.trim_end().ends_with(" cases passed"), "{printed}");
    let (printed, well) = marketd(folder.path(), &["check", OKX, "kraken.toml", "--cases", KRAKEN_CASES]);
    assert!(!well && !printed.contains("okx.toml: "), "{printed}");
    let (printed, well) =
        marketd(folder.path(), &["check", OKX, &OKX.replace("okx.", "upbit."), "--cases", KRAKEN_CASES]);
    assert!(!well && printed.ends_with("kraken.json: these are the cases of no exchange here\n"), "{printed}");
    let (printed, well) = marketd(folder.path(), &["check", KRAKEN, "--cases", "none.json"]);
    assert!(!well && printed.contains("none.json: the cases cannot be read: "), "{printed}");
}

#[test]
fn a_try_shows_the_request_the_answer_and_what_was_made_of_it() {
    let folder = folder();
    let (printed, well) = marketd(folder.path(), &["try", KRAKEN, "ticker", "btc/usd", "--replay", KRAKEN_CASES]);
    assert!(well, "{printed}");
    for part in [
        "> GET https://api.kraken.com/0/public/AssetPairs\n< 200, ",
        "… (cut; --raw shows all ",
        "> GET https://api.kraken.com/0/public/Ticker?pair=XXBTZUSD\n< 200, ",
        r#""c": ["156619.85728", "0.02262719"]"#,
        "  \"last\": 156619.85728,\n",
    ] {
        assert!(printed.contains(part), "{part} in {printed}");
    }
    let whole = marketd(folder.path(), &["try", "kraken", "markets", "--raw", "--replay", KRAKEN_CASES]);
    assert!(whole.1 && !whole.0.contains("(cut;") && whole.0.len() > printed.len(), "{}", whole.0);
}

#[test]
fn what_goes_wrong_in_a_try_is_a_problem() {
    let folder = folder();
    let cases: [(&[&str], &str); 4] = [
        (&["try", "kraken", "ticker", "NOT/THERE", "--replay", KRAKEN_CASES], "\"code\": \"BadSymbol\""),
        (&["try", "kraken", "candles", "BTC/USD", "--timeframe", "7m", "--replay", KRAKEN_CASES], "timeframe is `7m`"),
        (&["try", "karken", "markets"], "\"suggestions\": [\"kraken\""),
        (&["try", "demo", "ticker"], "SYMBOL is missing"),
    ];
    for (args, says) in cases {
        let (printed, well) = marketd(folder.path(), args);
        assert!(!well && printed.contains(says), "{printed}");
    }
}

#[test]
fn a_try_without_a_file_of_answers_goes_the_way_that_is_configured() {
    let folder = folder();
    // Nothing listens there.
    let proxy = "upstream.proxy_url=http://127.0.0.1:9/{exchange}/";
    let (printed, well) =
        marketd(folder.path(), &["try", KRAKEN, "markets", "--set", proxy, "--set", "upstream.retries=0"]);
    assert!(!well && printed.contains("no connection to 127.0.0.1"), "{printed}");
    assert_eq!(printed.matches("> GET https://api.kraken.com").count(), 1, "{printed}");
}

#[test]
fn the_demo_can_be_tried_without_a_network() {
    let (printed, well) =
        marketd(folder().path(), &["try", "demo", "candles", "BTC/USDT", "--limit", "2", "--timeframe", "1h"]);
    assert!(well && printed.matches("{\"timestamp\": ").count() == 2, "{printed}");
}

#[test]
fn the_example_of_the_readme_passes_its_cases() {
    let readme = include_str!("../../plugins/README.md");
    let block = |language: &str| {
        let (_, rest) = readme.split_once(&format!("```{language}\n")).expect("a block");
        rest.split_once("```").expect("its end").0
    };
    let folder = folder();
    std::fs::write(folder.path().join("bitstamp.toml"), block("toml")).expect("written");
    std::fs::write(folder.path().join("bitstamp.json"), block("json")).expect("written");
    let (printed, well) = marketd(folder.path(), &["check", "bitstamp.toml", "--cases", "bitstamp.json"]);
    assert!(well && printed.contains("4/4"), "{printed}");
}
