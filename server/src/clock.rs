//! The wall clock, read in one place: everything that measures how long something takes uses `tokio::time::Instant`.

use std::time::{Duration, SystemTime};

use marketd_core::Millis;

/// Now, as adapters and answers tell time.
pub fn now() -> Millis {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, millis)
}

/// A duration in milliseconds; the longest that can be told when it is longer than that.
pub(crate) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}
