//! Exchange adapters.

pub mod conformance;
pub mod definition;
pub mod demo;

use std::sync::Arc;

use marketd_core::{Exchange, Millis};

/// Every adapter that is built into the binary. The demo exchange alone has to be told the time.
pub fn built_in(clock: fn() -> Millis) -> Vec<Arc<dyn Exchange>> {
    vec![Arc::new(demo::Demo::new(clock))]
}
