//! Exchange adapters.

pub mod conformance;

use std::sync::Arc;

use marketd_core::Exchange;

/// Every adapter that is built into the binary.
pub fn built_in() -> Vec<Arc<dyn Exchange>> {
    Vec::new()
}
