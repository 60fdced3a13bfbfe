//! Adapters from shared libraries: a stand-in until the loader is here.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use marketd_core::Exchange;

/// Why a library was not loaded, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError(String);

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LoadError {}

/// Loads every exchange of a library, whose digest must be `sha256` (lower case hex) if one is named.
///
/// # Errors
/// Always.
pub fn load(_path: &Path, _sha256: Option<&str>) -> Result<Vec<Arc<dyn Exchange>>, LoadError> {
    Err(LoadError("plugins are not built in yet".to_owned()))
}
