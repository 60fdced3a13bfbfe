//! Tools for whoever brings an exchange: each command of the binary has a file of its own.

mod check;
mod json;
mod new_exchange;
mod transcript;
mod try_out;

use std::error::Error;

pub use check::Check;
pub use new_exchange::NewExchange;
pub use try_out::Try;

/// Whether all is well, which the exit code tells; an error is what kept the tool from its work.
pub type Verdict = Result<bool, Box<dyn Error>>;
