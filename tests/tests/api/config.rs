use std::path::PathBuf;
use std::time::Duration;

use marketd::config::{Config, Inputs, Loaded};
use marketd_tests::TestServer;
use rstest::rstest;

/// A configuration from the text of a file, variables, and settings.
struct Case {
    file: tempfile::TempPath,
}

fn file(text: &str) -> Case {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().expect("a file").into_temp_path();
    std::fs::write(&file, text).expect("written");
    Case { file }
}

impl Case {
    fn read(&self, env: &[(&str, &str)], set: &[&str]) -> Result<Loaded, String> {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let inputs = Inputs {
            file: Some(PathBuf::from(&*self.file)),
            env: env.iter().map(pair).collect(),
            set: set.iter().map(|text| (*text).to_owned()).collect(),
        };
        Loaded::read(&inputs).map_err(|error| error.to_string())
    }
}

fn refused(text: &str, env: &[(&str, &str)], set: &[&str]) -> String {
    let error = file(text).read(env, set).expect_err("refused");
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

#[test]
fn the_file_in_the_root_shows_every_key_with_its_default() {
    let shown = Inputs {
        file: Some(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../config.toml"))),
        ..Inputs::default()
    };
    let shown = Loaded::read(&shown).expect("reads").config;
    assert_eq!(format!("{shown:?}"), format!("{:?}", Config::default()));
}

#[test]
fn the_command_line_goes_over_the_environment_over_the_file_over_the_defaults() {
    let case = file("[server]\nport = 1\nhost = \"::1\"\n[cache]\nticker = \"1m\"");
    let env = [("MARKETD_SERVER__PORT", "2"), ("MARKETD_UPSTREAM__TIMEOUT", "500ms")];
    let config = case.read(&env, &["server.port=3"]).expect("reads").config;
    assert_eq!(config.server.port, 3);
    assert_eq!(config.server.host.to_string(), "::1");
    assert_eq!(config.upstream.timeout, Duration::from_millis(500));
    assert_eq!(config.cache.ticker, Duration::from_secs(60));
    assert_eq!(config.cache.candles, Duration::from_secs(30));
    assert_eq!(case.read(&env, &[]).expect("reads").config.server.port, 2);
    assert_eq!(case.read(&[], &[]).expect("reads").config.server.port, 1);
}

#[test]
fn an_exchange_has_the_general_settings_but_for_its_own() {
    let case = file("[upstream]\nretries = 5\n[exchanges.kraken]\ntimeout = \"3s\"");
    let env = [("MARKETD_EXCHANGES__OKX__PROXY_URL", "https://proxy.example/{exchange}/")];
    let config = case.read(&env, &["exchanges.okx.rate_limit=false"]).expect("reads").config;
    let kraken = config.upstream("kraken");
    assert_eq!((kraken.timeout, kraken.retries), (Duration::from_secs(3), 5));
    let okx = config.upstream("okx");
    assert_eq!(okx.proxy_url.as_deref(), Some("https://proxy.example/{exchange}/"));
    assert!(!okx.rate_limit && kraken.rate_limit);
    assert_eq!(config.upstream("binance"), &config.upstream);
}

#[rstest]
#[case(&["exchanges.enabled=[\"*\"]"], None)]
#[case(&["exchanges.enabled=*"], None)]
#[case(&["exchanges.enabled=[kraken, OKX]"], Some(&["kraken", "okx"][..]))]
#[case(&["exchanges.enabled=kraken,okx"], Some(&["kraken", "okx"][..]))]
fn exchanges_are_enabled_by_id(#[case] set: &[&str], #[case] ids: Option<&[&str]>) {
    let config = file("").read(&[], set).expect("reads").config;
    assert_eq!(config.exchanges.enabled, ids.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect()));
}

#[rstest]
#[case("[server]\nprot = 1", "line 2: `server.prot` is unknown; did you mean `port`?; known here: host, port")]
#[case("[servr]\nport = 1", "line 1: `servr` is unknown; did you mean `server`?")]
#[case("port = 8001", "line 1: `port` is unknown; known here: server, upstream")]
#[case("[server]\nport = \"abc\"", "line 2: `server.port` is `abc`, but must be a number from 0")]
#[case("[server]\nport = 70000", "`server.port` is `70000`")]
#[case("[server]\nhost = \"nowhere\"", "`server.host` is `nowhere`, but must be an IP address")]
#[case("[server]\nclient_rate_limit = \"many\"", "`server.client_rate_limit` is `many`")]
#[case("[upstream]\ntimeout = 10", "`upstream.timeout` is `10`, but must be a time from 10ms to 10m")]
#[case("[upstream]\ntimeout = \"0s\"", "`upstream.timeout` is `0s`")]
#[case("[upstream]\nretries = 11", "`upstream.retries` is `11`, but must be a number from 0 to 10")]
#[case("[upstream]\nrate_limit = \"yes\"", "`upstream.rate_limit` is `yes`, but must be true or false")]
#[case("[upstream]\nproxy_url = \"ftp://x\"", "`upstream.proxy_url` is `ftp://x`, but must be an http")]
#[case("[cache]\n\nticker = \"-1s\"", "line 3: `cache.ticker` is `-1s`")]
#[case("[exchanges]\nenabled = []", "`exchanges.enabled` is `[]`")]
#[case(
    "[exchanges.okx]\n# a comment\ntimout = \"1s\"",
    "line 3: `exchanges.okx.timout` is unknown; did you mean `timeout`?"
)]
#[case("[exchanges.okx]\nretries = \"two\"", "line 2: `exchanges.okx.retries` is `two`")]
#[case("exchanges = 5", "`exchanges` is")]
#[case("[plugins]\nwatch = \"yes\"", "line 2: `plugins.watch` is `yes`, but must be true or false")]
#[case(
    "[plugins]\n[plugins.sha256]\n\"a.so\" = \"12\"",
    "line 2: `plugins.sha256` is `{\"a.so\":\"12\"}`, but must be a table of"
)]
#[case("[server\nport = 1", "line 1: this is not TOML")]
fn what_is_wrong_in_a_file_names_line_key_and_what_is_allowed(#[case] text: &str, #[case] says: &str) {
    let error = refused(text, &[], &[]);
    assert!(error.contains(".toml line ") && error.contains(says), "{error}");
}

#[rstest]
#[case("MARKETD_SERVER__PORT", "x", "environment variable MARKETD_SERVER__PORT: `server.port` is `x`")]
#[case("MARKETD_SERVER__PROT", "1", "environment variable MARKETD_SERVER__PROT: `server.prot` is unknown")]
#[case("MARKETD_SERVER__", "1", "environment variable MARKETD_SERVER__: names no key")]
fn what_is_wrong_in_the_environment_names_the_variable(#[case] name: &str, #[case] value: &str, #[case] says: &str) {
    let error = refused("", &[(name, value)], &[]);
    assert!(error.contains(says), "{error}");
}

#[rstest]
#[case("server.port=x", "--set server.port=x: `server.port` is `x`")]
#[case("server.prot=1", "--set server.prot=1: `server.prot` is unknown")]
#[case("server=1", "--set server=1: `server` is")]
#[case("server.port", "write it as key=value")]
#[case("server..port=1", "write it as key=value")]
fn what_is_wrong_on_the_command_line_names_the_setting(#[case] set: &str, #[case] says: &str) {
    let error = refused("", &[], &[set]);
    assert!(error.contains(says), "{error}");
}

#[test]
fn variables_that_kubernetes_sets_for_a_service_of_this_name_are_none_of_ours() {
    let env = [("MARKETD_PORT", "tcp://10.0.0.1:8000"), ("MARKETD_SERVICE_HOST", "10.0.0.1"), ("PATH", "/bin")];
    assert_eq!(file("").read(&env, &[]).expect("reads").config.server.port, 8_000);
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let inputs = Inputs { file: Some(PathBuf::from("no/such/file.toml")), ..Inputs::default() };
    let error = Loaded::read(&inputs).expect_err("refused").to_string();
    assert!(error.starts_with("--config no/such/file.toml: the file cannot be read"), "{error}");
}

#[rstest]
#[case("[exchanges]\nenabled = [\"krakn\"]", "line 2: `exchanges.enabled` names `krakn`")]
#[case("[exchanges.krakn]\ntimeout = \"1s\"", "line 1: `exchanges.krakn` names `krakn`")]
fn an_unknown_exchange_comes_with_the_nearest_ids(#[case] text: &str, #[case] says: &str) {
    let loaded = file(text).read(&[], &[]).expect("reads");
    let error = loaded.check_exchanges(["kraken", "okx"]).expect_err("refused").to_string();
    assert!(error.contains(says) && error.contains("did you mean `kraken`?"), "{error}");
    assert!(loaded.check_exchanges(["krakn"]).is_ok());
}

#[tokio::test]
async fn a_port_that_is_taken_says_what_to_do() {
    let (server, _) = TestServer::with_fake().await;
    let mut config = Config::default();
    config.server.port = server.address().port();
    let service = std::sync::Arc::new(marketd::service::Service::new(Vec::new().into(), &config).expect("a service"));
    let Err(error) = marketd::Server::bind(config, service).await else { panic!("bound twice") };
    assert!(error.to_string().contains("another program listens there"), "{error}");
}

#[test]
fn digests_of_plugins_are_named_by_their_files() {
    let digest = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08";
    let text = format!("[plugins]\nwatch = true\n[plugins.sha256]\n\"lib.mine.so\" = \"{digest}\"");
    let plugins = file(&text).read(&[], &[]).expect("reads").config.plugins;
    assert!(plugins.watch);
    assert_eq!(plugins.sha256.into_iter().collect::<Vec<_>>(), [("lib.mine.so".to_owned(), digest.to_lowercase())]);
}
