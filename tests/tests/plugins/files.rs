//! Which files are loaded, and the sentences with which others are refused.

use std::sync::Arc;
use std::time::Duration;

use marketd_plugins::dynamic;
use rstest::rstest;

use crate::build::{Placed, bad, example, refusal};

#[rstest]
#[case("other_abi", "it speaks version 2 of the plugin ABI and this server version 1: build it anew")]
#[case("other_magic", "its `marketd_plugin` is not the table of a marketd plugin")]
#[case("short_table", "its table has 24 bytes, fewer than the 40 that it needs")]
#[case("no_symbol", "it is a library but no marketd plugin: it has no symbol `marketd_plugin`")]
#[case("nonsense", "what it says of itself is nonsense: expected value at line 1 column 1")]
fn a_library_that_is_no_plugin_is_refused(#[case] name: &str, #[case] sentence: &str) {
    assert_eq!(Placed::library(&bad(name)).refusal(), sentence);
}

#[test]
fn a_library_that_does_not_say_what_it_brings_is_refused_in_time() {
    let placed = Placed::library(&bad("silent"));
    for _ in 0..2 {
        let error = dynamic::load_within(&placed.path, None, Duration::from_millis(300)).err().expect("refused");
        assert_eq!(error.to_string(), "it did not say within 300ms what it brings");
    }
}

#[rstest]
#[case::text(b"not a library")]
#[case::empty(b"")]
#[case::another_system(b"MZ\x90\0\x03\0\0\0")]
fn a_file_that_is_no_library_is_refused_with_what_the_system_says(#[case] content: &[u8]) {
    let sentence = Placed::content(content).refusal();
    assert!(sentence.starts_with("the system does not load it: ") && !sentence.contains("dlopen failed"), "{sentence}");
    // Where its private copy was is of no use to anybody.
    assert!(!sentence.contains("marketd-plugin"), "{sentence}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_for_another_machine_is_refused_with_what_the_system_says() {
    let mut content = std::fs::read(bad("no_symbol")).expect("built");
    // e_machine: one that nobody has (EM_M32, of 1983).
    content[18..20].copy_from_slice(&1_u16.to_ne_bytes());
    let sentence = Placed::content(content).refusal();
    assert!(sentence.starts_with("the system does not load it: "), "{sentence}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_that_is_cut_short_is_refused() {
    let content = std::fs::read(example(false)).expect("built");
    for len in [10, 64, 4_096, content.len() / 2, content.len() - 1] {
        let sentence = Placed::content(&content[..len]).refusal();
        assert_eq!(sentence, "it is cut short: the file ends before the library does", "{len}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_everyone_may_change_or_replace_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let placed = Placed::library(&bad("panics"));
    placed.allow(0o666);
    assert_eq!(placed.refusal(), "everyone may write to it; take that right away: chmod o-w");
    placed.allow(0o644);
    let folder = placed.path.parent().expect("a folder");
    let allow = |mode| std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).expect("set");
    allow(0o777);
    assert_eq!(placed.refusal(), "everyone may write to its folder; take that right away: chmod o-w");
    allow(0o755);
    assert_eq!(placed.load().len(), 1);
}

#[test]
fn what_is_no_file_is_refused() {
    let placed = Placed::content("");
    assert_eq!(refusal(placed.path.parent().expect("a folder")), "it is no regular file");
    assert!(refusal(&placed.path.with_extension("gone")).starts_with("it cannot be read: "));
}

#[test]
fn a_library_with_another_digest_than_expected_is_refused_before_its_code_runs() {
    // It would not come back.
    let placed = Placed::library(&bad("silent"));
    let expected = "A".repeat(64);
    let sentence = dynamic::load(&placed.path, Some(&expected)).err().expect("refused").to_string();
    let actual = sentence.strip_prefix("its SHA-256 is ").and_then(|rest| rest.get(..64)).expect("a digest");
    assert_eq!(sentence, format!("its SHA-256 is {actual}, but {expected} is expected"));

    let placed = Placed::library(&bad("panics"));
    let sentence = dynamic::load(&placed.path, Some("")).err().expect("refused").to_string();
    let actual = sentence.strip_prefix("its SHA-256 is ").and_then(|rest| rest.get(..64)).expect("a digest");
    assert!(dynamic::load(&placed.path, Some(actual)).is_ok());
    assert!(dynamic::load(&placed.path, Some(&actual.to_uppercase())).is_ok());
}

#[test]
fn a_file_that_was_replaced_gives_the_new_library_and_one_that_was_not_the_same_exchanges() {
    let placed = Placed::library(&bad("panics"));
    let old = placed.load();
    assert!(Arc::ptr_eq(&old[0], &placed.load()[0]));
    placed.replace(std::fs::read(example(false)).expect("built"));
    let new = placed.load();
    assert_eq!((old[0].about().id.as_str(), new[0].about().id.as_str()), ("panics", "acme"));
}
