//! Shared libraries, built by cargo once per run and placed in folders of their own.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use marketd_core::Exchange;
use marketd_plugins::dynamic;
use tempfile::TempDir;

static EXAMPLE: LazyLock<PathBuf> = LazyLock::new(|| cargo("build", "../plugins/example", &[]));
static EXAMPLE_IN_RELEASE: LazyLock<PathBuf> = LazyLock::new(|| cargo("build", "../plugins/example", &["--release"]));
static BAD: LazyLock<PathBuf> = LazyLock::new(|| cargo("build", "plugins", &["--examples"]));

/// Builds or tests a project, and names the folder in which cargo puts what it builds.
pub(crate) fn cargo(command: &str, project: &str, arguments: &[&str]) -> PathBuf {
    // One folder for all, so that what they share is built once, and none when nothing has changed.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins");
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(project).join("Cargo.toml");
    let run = Command::new(env!("CARGO"))
        .args([command, "--offline", "--locked", "--quiet"])
        .args(arguments)
        .arg("--manifest-path")
        .arg(manifest)
        .env("CARGO_TARGET_DIR", &target)
        .output()
        .expect("cargo runs");
    let said = [run.stdout, run.stderr].concat();
    assert!(run.status.success(), "{project}: {}", String::from_utf8_lossy(&said));
    target
}

/// The example, built in debug or in release.
pub(crate) fn example(release: bool) -> PathBuf {
    let (target, profile) = if release { (&*EXAMPLE_IN_RELEASE, "release") } else { (&*EXAMPLE, "debug") };
    library(&target.join(profile), "marketd_acme")
}

/// One of the plugins in `tests/plugins`.
pub(crate) fn bad(name: &str) -> PathBuf {
    library(&BAD.join("debug/examples"), name)
}

fn library(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"))
}

/// A folder with one file in it, which only its owner can change.
pub(crate) struct Placed {
    pub(crate) path: PathBuf,
    _folder: TempDir,
}

impl Placed {
    /// Puts a file there.
    pub(crate) fn content(content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let placed = Self { path: folder.path().join(format!("plugin{DLL_SUFFIX}")), _folder: folder };
        placed.replace(content);
        placed
    }

    /// Puts a library there.
    pub(crate) fn library(path: &Path) -> Self {
        Self::content(std::fs::read(path).expect("built"))
    }

    /// Puts another file in its place.
    pub(crate) fn replace(&self, content: impl AsRef<[u8]>) {
        std::fs::write(&self.path, content).expect("written");
        self.allow(0o644);
    }

    /// Sets who may do what with the file.
    pub(crate) fn allow(&self, mode: u32) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&self.path, std::fs::Permissions::from_mode(mode)).expect("set");
        }
    }

    /// Loads it, with all the time that a busy machine may want.
    pub(crate) fn load(&self) -> Vec<Arc<dyn Exchange>> {
        dynamic::load_within(&self.path, None, Duration::from_secs(120)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The sentence with which it is refused.
    pub(crate) fn refusal(&self) -> String {
        refusal(&self.path)
    }
}

/// The sentence with which a file is refused.
pub(crate) fn refusal(path: &Path) -> String {
    let error = dynamic::load(path, None).err().expect("refused").to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}
