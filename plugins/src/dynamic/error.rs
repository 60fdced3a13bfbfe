//! Why a library is refused.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use marketd_core::plugin::{Mismatch, SYMBOL};

/// Why a library is not loaded. Written, it is one sentence without the file, which whoever loads it knows.
#[derive(Clone, Debug)]
pub enum LoadError {
    /// It cannot be read.
    Unreadable(Arc<io::Error>),
    /// It is a folder, a pipe, a device.
    NotAFile,
    /// Its size in bytes is more than any library's.
    TooLarge(u64),
    /// Everyone may change it, or replace it in its folder.
    Writable {
        /// Whether it is the folder.
        folder: bool,
    },
    /// Its SHA-256 is another than the one that was expected.
    Digest {
        /// What was expected, as it was written.
        expected: String,
        /// What it is, in lower case hex.
        actual: String,
    },
    /// It ends before what it says it contains.
    CutShort,
    /// The private copy that is loaded could not be made.
    Copy(Arc<io::Error>),
    /// The system does not load it.
    Refused {
        /// What the system says.
        error: Arc<libloading::Error>,
        /// The private copy, which it names.
        copy: PathBuf,
    },
    /// It has no table.
    NoSymbol,
    /// Its table is none that this version understands.
    Mismatch(Mismatch),
    /// It did not load or describe itself within this time.
    Silent(Duration),
    /// It panicked with this message when it was to describe itself.
    Panicked(String),
    /// Its description is nonsense, and why.
    Description(String),
    /// It brings no exchange.
    Empty,
    /// An id of its exchanges is none.
    Id(String),
    /// Two of its exchanges have this id.
    SameId(String),
    /// This exchange of it does not list its markets.
    NoMarkets(String),
}

impl LoadError {
    /// Whether another try could end differently although the file is the same.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Copy(_) | Self::Refused { .. })
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "it cannot be read: {error}"),
            Self::NotAFile => write!(f, "it is no regular file"),
            Self::TooLarge(size) => write!(f, "it is too large for a plugin: {size} bytes"),
            Self::Writable { folder: false } => write!(f, "everyone may write to it; take that right away: chmod o-w"),
            Self::Writable { folder: true } => {
                write!(f, "everyone may write to its folder; take that right away: chmod o-w")
            }
            Self::Digest { expected, actual } => {
                write!(f, "its SHA-256 is {actual}, but {expected:.80} is expected")
            }
            Self::CutShort => write!(f, "it is cut short: the file ends before the library does"),
            Self::Copy(error) => {
                write!(f, "its private copy cannot be made in the folder for temporary files: {error}")
            }
            Self::Refused { error, copy } => {
                // It itself says only that it failed. Where the copy was, which is gone, is of no use to anybody.
                let said = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                let copy = format!("{}: ", copy.display());
                write!(f, "the system does not load it: {}", said.strip_prefix(&copy).unwrap_or(&said))
            }
            Self::NoSymbol => write!(f, "it is a library but no marketd plugin: it has no symbol `{SYMBOL}`"),
            Self::Mismatch(mismatch) => mismatch.fmt(f),
            Self::Silent(limit) => write!(f, "it did not say within {limit:?} what it brings"),
            Self::Panicked(message) => write!(f, "it panicked when it was to say what it brings: {message:.300}"),
            Self::Description(problem) => write!(f, "what it says of itself is nonsense: {problem:.300}"),
            Self::Empty => write!(f, "it brings no exchange"),
            Self::Id(id) => {
                write!(f, "it names an exchange `{id:.60}`, but ids are lower case letters and digits, at most 40")
            }
            Self::SameId(id) => write!(f, "two of its exchanges have the id `{id}`"),
            Self::NoMarkets(id) => {
                write!(f, "its exchange `{id}` cannot be asked for markets, which every exchange must")
            }
        }
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable(error) | Self::Copy(error) => Some(&**error),
            Self::Refused { error, .. } => Some(&**error),
            Self::Mismatch(mismatch) => Some(mismatch),
            _ => None,
        }
    }
}
