use std::fs;
use std::path::Path;

use marketd_core::Code;
use marketd_plugins::built_in;
use rstest::rstest;

use super::*;
use crate::testing::Fake;

/// A plugin folder, and what is gathered from it.
struct Case {
    folder: tempfile::TempDir,
    registry: Registry,
}

/// A definition that can be read.
fn definition(id: &str) -> String {
    let markets = r#"{ get = "/m", rows = ".[]", id = ".i", base = ".b", quote = ".q", type = "spot" }"#;
    format!(
        "id = \"{id}\"\nname = \"X\"\ndoc = \"https://x.test\"\nbase-url = \"https://x.test\"\nmarkets = {markets}\n\n\
         [ticker]\nget = \"/t/{{id}}\"\nlast = \".last\"\n"
    )
}

impl Case {
    fn new(files: &[(&str, &str)]) -> Self {
        Self::with_pins(files, &[])
    }

    fn with_pins(files: &[(&str, &str)], pins: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let pins = pins.iter().map(|(file, digest)| ((*file).to_owned(), (*digest).to_owned()));
        let plugins = config::Plugins { dir: folder.path().to_owned(), watch: false, sha256: pins.collect() };
        let case = Self { folder, registry: Registry::new(vec![Fake::full("kraken"), Fake::full("zaif")], plugins) };
        files.iter().for_each(|(name, text)| case.write(name, text));
        case
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).expect("written");
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.folder.path().join(name)).expect("removed");
    }

    fn gather(&mut self) -> ExchangeSet {
        self.registry.gather().expect("a folder")
    }
}

/// `mine!` is one whose file is newer and broken, `mine?` one that failed.
fn ids(set: &ExchangeSet) -> Vec<String> {
    let mark = |id: &str| match set.get(id).expect("listed") {
        Entry::Ready { outdated: None, .. } => "",
        Entry::Ready { outdated: Some(_), .. } => "!",
        Entry::Failed { .. } => "?",
    };
    set.ids().map(|id| format!("{id}{}", mark(id))).collect()
}

fn reason(set: &ExchangeSet, id: &str) -> String {
    match set.get(id).expect("listed") {
        Entry::Ready { outdated, .. } => outdated.clone().unwrap_or_default(),
        Entry::Failed { reason, .. } => reason.clone(),
    }
}

fn exchange(set: &ExchangeSet, id: &str) -> Arc<dyn Exchange> {
    match set.get(id).expect("listed") {
        Entry::Ready { exchange, .. } => Arc::clone(exchange),
        Entry::Failed { reason, .. } => panic!("{reason}"),
    }
}

#[test]
fn no_folder_is_as_good_as_an_empty_one() {
    let mut case = Case::new(&[]);
    assert_eq!(ids(&case.gather()), ["kraken", "zaif"]);
    case.registry.plugins.dir = case.folder.path().join("none");
    assert_eq!(ids(&case.gather()), ["kraken", "zaif"]);
}

#[test]
fn a_folder_that_cannot_be_listed_is_named() {
    let mut case = Case::new(&[("file", "")]);
    case.registry.plugins.dir = case.folder.path().join("file");
    let error = case.registry.gather().err().expect("refused").to_string();
    assert!(error.contains("file (plugins.dir) cannot be read: "), "{error}");
}

#[test]
fn a_file_is_an_exchange_of_its_own_or_replaces_a_built_in_one() {
    let set = Case::new(&[("mine.toml", &definition("mine")), ("other.toml", &definition("kraken"))]).gather();
    assert_eq!(ids(&set), ["kraken", "mine", "zaif"]);
    assert_eq!(exchange(&set, "kraken").about().name, "X");
    assert!(!set.has_failures());
}

#[rstest]
#[case::an_unknown_key("mine.toml", &definition("mine").replace("last =", "lsat ="), "mine.toml:9: ticker.lsat: unknown key")]
#[case::no_toml("mine.toml", "id = = 1", "mine.toml:1: ")]
#[case::a_wrong_program("mine.toml", &definition("mine").replace(".last", ".a | what(1)"), "mine.toml:9: ticker.last: `.a | what(1)`: ")]
#[case::too_large("Mine.toml", &" ".repeat((1 << 20) + 1), "Mine.toml: it has more than 1 MiB")]
#[case::a_library("mine.so", "no library", "mine.so: ")]
fn a_broken_file_is_told_and_all_others_serve(#[case] name: &str, #[case] text: &str, #[case] says: &str) {
    let set = Case::new(&[(name, text), ("good.toml", &definition("good"))]).gather();
    assert_eq!(ids(&set), ["good", "kraken", "mine?", "zaif"]);
    let reason = reason(&set, "mine");
    assert!(reason.starts_with(says), "{reason}");
}

#[test]
fn a_broken_file_of_a_built_in_id_leaves_the_built_in_one_and_is_told() {
    let set = Case::new(&[("kraken.toml", "id = 5")]).gather();
    assert_eq!(ids(&set), ["kraken!", "zaif"]);
    assert_eq!(exchange(&set, "kraken").about().name, "KRAKEN");
    assert!(reason(&set, "kraken").starts_with("kraken.toml:1: id: "), "{}", reason(&set, "kraken"));
}

#[test]
fn of_two_files_with_one_id_the_first_counts() {
    let set = Case::new(&[("a.toml", &definition("mine")), ("b.toml", &definition("mine"))]).gather();
    assert_eq!(ids(&set), ["b?", "kraken", "mine", "zaif"]);
    assert_eq!(reason(&set, "b"), "b.toml: another file has an exchange `mine`");
}

#[test]
fn a_definition_may_extend_one_beside_it_a_built_in_one_and_what_it_replaces() {
    let (built_in, _) = built_in::TEXTS[0];
    let child = |id: &str, of: &str| format!("id = \"{id}\"\nextends = \"{of}\"\nname = \"{id} of {of}\"\n");
    let replacing = child(built_in, built_in);
    let set = Case::new(&[
        ("a.toml", &child("a", "mine")),
        ("b.toml", &child("b", built_in)),
        ("c.toml", &child("c", "../mine")),
        ("mine.toml", &definition("mine")),
        (&format!("{built_in}.toml"), &replacing),
    ])
    .gather();
    assert_eq!(exchange(&set, "a").about().name, "a of mine");
    assert_eq!(exchange(&set, built_in).about().name, format!("{built_in} of {built_in}"));
    // By way of the replacing one.
    assert_eq!(exchange(&set, "b").about().name, format!("b of {built_in}"));
    assert!(reason(&set, "c").starts_with("c.toml:2: extends: there is no definition"), "{}", reason(&set, "c"));
}

#[test]
fn what_did_not_change_is_the_same_exchange() {
    let mut case = Case::new(&[
        ("mine.toml", &definition("mine")),
        ("child.toml", "id = \"child\"\nextends = \"mine\""),
        ("other.toml", &definition("other")),
    ]);
    let before = case.gather();
    case.write("mine.toml", &definition("mine").replace(".last", ".price"));
    case.write("other.toml", &definition("other"));
    let after = case.gather();
    let same = |id: &str| Arc::ptr_eq(&exchange(&before, id), &exchange(&after, id));
    assert_eq!(["mine", "child", "other", "kraken"].map(same), [false, false, true, true]);
}

#[test]
fn a_file_that_broke_keeps_its_last_good_version_until_it_is_right_or_gone() {
    let mut case = Case::new(&[("file.toml", &definition("mine"))]);
    let good = case.gather();
    case.write("file.toml", "id = \"mine\"");
    for _ in 0..2 {
        let broken = case.gather();
        assert_eq!(ids(&broken), ["kraken", "mine!", "zaif"]);
        assert!(reason(&broken, "mine").starts_with("file.toml:1: name: is missing"), "{}", reason(&broken, "mine"));
        assert!(Arc::ptr_eq(&exchange(&good, "mine"), &exchange(&broken, "mine")));
    }
    case.write("file.toml", &definition("mine").replace(".last", ".price"));
    let right = case.gather();
    assert_eq!(ids(&right), ["kraken", "mine", "zaif"]);
    assert!(!Arc::ptr_eq(&exchange(&good, "mine"), &exchange(&right, "mine")));
    case.remove("file.toml");
    assert_eq!(ids(&case.gather()), ["kraken", "zaif"]);
}

#[test]
fn a_replaced_exchange_is_the_built_in_one_again_when_its_file_is_gone() {
    let mut case = Case::new(&[("kraken.toml", &definition("kraken"))]);
    case.gather();
    case.remove("kraken.toml");
    assert_eq!(exchange(&case.gather(), "kraken").about().name, "KRAKEN");
}

#[test]
fn a_pinned_file_must_have_its_digest_and_libraries_must_be_pinned_once_anything_is() {
    let text = definition("mine");
    let digest = file::digest([&text]);
    let files = [("mine.toml", text.as_str()), ("free.toml", &definition("free")), ("lib.so", "no library")];
    let set = Case::with_pins(&files, &[("mine.toml", &digest)]).gather();
    assert_eq!(ids(&set), ["free", "kraken", "lib?", "mine", "zaif"]);
    assert_eq!(reason(&set, "lib"), "lib.so: plugins.sha256 names other files but not this one");
    let other = "0".repeat(64);
    let set = Case::with_pins(&files, &[("mine.toml", &other), ("lib.so", &other)]).gather();
    assert_eq!(ids(&set), ["free", "kraken", "lib?", "mine?", "zaif"]);
    assert_eq!(reason(&set, "mine"), format!("mine.toml: its SHA-256 is {digest}, but {other} is expected"));
    let says = format!("lib.so: its SHA-256 is {}, but {other} is expected", file::digest(["no library"]));
    assert_eq!(reason(&set, "lib"), says);
}

#[cfg(unix)]
#[rstest]
#[case::the_file("lib.so", 0o646)]
#[case::the_folder("", 0o757)]
fn a_library_that_anybody_could_have_put_there_is_refused(#[case] what: &str, #[case] mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let mut case = Case::new(&[("lib.so", "no library"), ("mine.toml", &definition("mine"))]);
    let path: &Path = &case.folder.path().join(what);
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    let set = case.gather();
    assert_eq!(ids(&set), ["kraken", "lib?", "mine", "zaif"]);
    assert!(reason(&set, "lib").contains("chmod o-w"), "{}", reason(&set, "lib"));
}

#[test]
fn what_failed_is_not_available_with_its_reason_and_its_status_says_so() {
    let set = Case::new(&[("mine.toml", "id = 5")]).gather();
    let service = crate::service::Service::new(set, &config::Config::default()).expect("a service");
    let status = service.exchange("MINE").expect("listed");
    assert_eq!((status.about.id.as_str(), status.health.state), ("mine", crate::health::State::Failed));
    assert!(status.reason.is_some_and(|reason| reason.starts_with("mine.toml:1: id: ")));
    let asked = futures_util::FutureExt::now_or_never(service.ticker("mine", "BTC/USD", None)).expect("at once");
    let error = asked.expect_err("nothing to ask");
    assert_eq!((error.code(), error.exchange()), (Code::ExchangeNotAvailable, Some("mine")));
    assert!(error.message().contains("mine.toml:1: id: "), "{}", error.message());
}
