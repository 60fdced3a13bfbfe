//! The binary itself: what it prints, how it ends.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

fn marketd(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_marketd"));
    // A folder without a config.toml.
    command.args(args).current_dir(env!("CARGO_TARGET_TMPDIR")).env_remove("RUST_LOG");
    command
}

fn run(command: &mut Command) -> Output {
    command.output().expect("it runs")
}

#[test]
fn the_version_is_printed() {
    let output = run(&mut marketd(&["--version"]));
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("marketd {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_wrong_key_stops_the_start_with_one_line_and_a_failure() {
    let output = run(marketd(&["serve", "--set", "server.prot=1"]).env("MARKETD_PORT", "tcp://10.0.0.1:8000"));
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.starts_with("marketd: --set server.prot=1: `server.prot` is unknown"), "{error}");
}

#[test]
fn the_environment_is_read() {
    let output = run(marketd(&[]).env("MARKETD_SERVER__PORT", "none"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.starts_with("marketd: environment variable MARKETD_SERVER__PORT: `server.port` is `none`"),
        "{error}"
    );
}

#[test]
fn it_says_where_it_listens_and_ends_well_when_it_is_told_to_stop() {
    for signal in ["-TERM", "-INT"] {
        let mut child = marketd(&["--set", "server.port=0"]).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut log = BufReader::new(child.stderr.take().expect("a log"));
        let mut line = String::new();
        log.read_line(&mut line).expect("a line");
        assert!(line.contains("listening on http://127.0.0.1:") && line.contains("/docs"), "{line}");
        assert!(!line.contains('\u{1b}'), "colours in a log that is no terminal: {line}");
        let told = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
        assert!(told.success());
        assert_eq!(child.wait().expect("it ends").code(), Some(0), "{signal}");
        let mut rest = String::new();
        log.read_to_string(&mut rest).expect("the log ends");
        assert!(rest.contains("stopped"), "{rest}");
    }
}

#[test]
fn the_plugin_folder_is_read_anew_when_it_is_told_to_or_when_it_watches_for_changes() {
    for watch in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = [
            "server.port=0".to_owned(),
            format!("plugins.dir={}", folder.path().display()),
            format!("plugins.watch={watch}"),
        ];
        let args: Vec<_> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        let mut child = marketd(&args).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut log = BufReader::new(child.stderr.take().expect("a log")).lines().map(|line| line.expect("a line"));
        assert!(log.any(|line| line.contains("listening on")));
        let definition = include_str!("../src/tools/new_exchange.toml").replace("ID", "mine");
        std::fs::write(folder.path().join("mine.toml"), definition).expect("written");
        let signal = |name: &str| {
            let told = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs");
            assert!(told.success());
        };
        if !watch {
            signal("-HUP");
        }
        assert!(log.any(|line| line.contains("the exchanges are read anew: added mine")));
        signal("-TERM");
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
    }
}
