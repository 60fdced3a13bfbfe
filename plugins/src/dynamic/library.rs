//! From a file to the table of a library.
#![expect(unsafe_code, reason = "loading a library runs its code, and its symbol is a pointer")]

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use libloading::Library;
use marketd_core::Exchange;
use marketd_core::plugin::{SYMBOL, Table};
// In the tree anyway, for TLS, and audited.
use ring::digest::{SHA256, digest};

use super::caller::within;
use super::exchange::from_table;
use super::{LoadError, TIME_LIMIT, elf};

/// Bytes of a library; those of plugins have some hundred thousand.
const LARGEST: u64 = 256 << 20;

type Exchanges = Result<Vec<Arc<dyn Exchange>>, LoadError>;

type Loaded = HashMap<(Vec<u8>, Duration), Exchanges>;

/// What came of every content that was loaded, by its digest and time limit.
///
/// A library is never unloaded: threads, and code that it registered to be run, may outlive every call. So the same content is
/// loaded once, however often it is asked for, and an exchange that was switched off stays so.
static LOADED: LazyLock<Mutex<Loaded>> = LazyLock::new(Mutex::default);

/// Loads the exchanges of a library; if a SHA-256 is expected (hex), only when it has that one.
///
/// Blocks for as long as the library takes, at most [`TIME_LIMIT`]. The content counts, not the file: after the file was replaced
/// this gives the new library's exchanges, and for the same content the very same exchanges as before.
///
/// # Errors
/// Why the file is no library to be trusted, or not one that works.
pub fn load(path: &Path, expected: Option<&str>) -> Exchanges {
    load_within(path, expected, TIME_LIMIT)
}

/// The same with another time limit, for loading and for each call.
///
/// # Errors
/// As for [`load`].
pub fn load_within(path: &Path, expected: Option<&str>, limit: Duration) -> Exchanges {
    let content = read(path)?;
    let actual = digest(&SHA256, &content);
    if let Some(expected) = expected {
        check_digest(expected, actual.as_ref())?;
    }
    if cfg!(all(unix, not(target_vendor = "apple"))) && elf::is_cut_short(&content) {
        return Err(LoadError::CutShort);
    }
    let key = (actual.as_ref().to_vec(), limit);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = loaded.get(&key) {
        return known.clone();
    }
    let name = path.file_name().unwrap_or_else(|| OsStr::new("plugin")).to_owned();
    let plugin = name.to_string_lossy().into_owned();
    let opened = within(limit, "plugin loader", move || from_table(open(&content, &name)?, &plugin, limit));
    let exchanges = opened.unwrap_or(Err(LoadError::Silent(limit)));
    if !exchanges.as_ref().is_err_and(LoadError::may_pass) {
        loaded.insert(key, exchanges.clone());
    }
    exchanges
}

/// Reads a file that nobody but its owner and group can change.
fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let unreadable = |error: io::Error| LoadError::Unreadable(Arc::new(error));
    // Before it is opened: opening a pipe waits for somebody to write to it.
    let check = |metadata: Metadata| match metadata.len() {
        _ if !metadata.is_file() => Err(LoadError::NotAFile),
        size if size > LARGEST => Err(LoadError::TooLarge(size)),
        _ if is_writable_by_everyone(&metadata) => Err(LoadError::Writable { folder: false }),
        _ => Ok(()),
    };
    check(path.metadata().map_err(unreadable)?)?;
    let folder = path.canonicalize().and_then(|path| path.parent().unwrap_or(&path).metadata()).map_err(unreadable)?;
    if is_writable_by_everyone(&folder) {
        return Err(LoadError::Writable { folder: true });
    }
    let file = File::open(path).map_err(unreadable)?;
    check(file.metadata().map_err(unreadable)?)?;
    let mut content = Vec::new();
    file.take(LARGEST).read_to_end(&mut content).map_err(unreadable)?;
    Ok(content)
}

#[cfg(unix)]
fn is_writable_by_everyone(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o002 != 0
}

/// Elsewhere the rights of a file are more than a few bits; its folder's are the operator's to keep.
#[cfg(not(unix))]
fn is_writable_by_everyone(_: &Metadata) -> bool {
    false
}

fn check_digest(expected: &str, actual: &[u8]) -> Result<(), LoadError> {
    let actual: String = actual.iter().map(|byte| format!("{byte:02x}")).collect();
    if expected.trim().eq_ignore_ascii_case(&actual) {
        return Ok(());
    }
    Err(LoadError::Digest { expected: expected.to_owned(), actual })
}

/// Loads what was read and checked, from a copy that nobody else can change and at a path that no library had before: the system
/// would take a path that it knows for the library that it knows.
fn open(content: &[u8], name: &OsStr) -> Result<&'static Table, LoadError> {
    let copy = |error: io::Error| LoadError::Copy(Arc::new(error));
    // Only this user may enter it. It goes when this returns; where files in use cannot go (Windows), it stays.
    let folder = tempfile::Builder::new().prefix("marketd-plugin-").tempdir().map_err(copy)?;
    let path = folder.path().join(name);
    File::create_new(&path).and_then(|mut file| file.write_all(content)).map_err(copy)?;
    let refused = |error| LoadError::Refused { error: Arc::new(error), copy: path.clone() };
    // SAFETY: this runs what code of the library runs when it is loaded. The operator put it there to be run.
    let library: &'static Library = Box::leak(Box::new(unsafe { dlopen(&path) }.map_err(refused)?));
    // SAFETY: the pointer is not used as what it is said to be before that is checked.
    let symbol = unsafe { library.get::<*const Table>(SYMBOL) }.map_err(|_| LoadError::NoSymbol)?;
    // SAFETY: by its name and its first bytes it is the table of a plugin, which never goes, as the library does not; that it is
    // a true one is what every plugin vouches for.
    unsafe { Table::at(*symbol) }.map_err(LoadError::Mismatch)
}

/// Finds every symbol that the library needs at once: one that is missing refuses it, rather than end the process when it is used.
#[cfg(unix)]
unsafe fn dlopen(path: &Path) -> Result<Library, libloading::Error> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    // SAFETY: the caller's.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map(Into::into)
}

#[cfg(not(unix))]
unsafe fn dlopen(path: &Path) -> Result<Library, libloading::Error> {
    // SAFETY: the caller's.
    unsafe { Library::new(path) }
}
