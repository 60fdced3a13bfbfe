//! Adapters from shared libraries that speak the plugin ABI of [`marketd_core::plugin`].
//!
//! ```text
//! library.rs    from a file to its table: what is checked before any of its code runs
//! elf.rs        whether a Linux library is whole
//! error.rs      why a library is refused, in one sentence each
//! exchange.rs   an exchange of a library, as the server asks it
//! caller.rs     calls into a library, on a thread of their own and with a time limit
//! ```
//!
//! A library runs with all rights of the process. What is bounded here are its mistakes: a panic, a wrong, endless or huge answer
//! cost its own exchange only. An abort, an overflown stack or a wild pointer end the process; nothing can be done about them.

mod caller;
mod elf;
mod error;
mod exchange;
mod library;

pub use error::LoadError;
pub use exchange::from_table;
pub use library::{load, load_within};

use std::time::Duration;

/// How long a call may take, and a library to say what it brings.
pub const TIME_LIMIT: Duration = Duration::from_secs(5);
