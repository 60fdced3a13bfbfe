//! An answer as it will be sent.

use std::time::Duration;

use bytes::Bytes;

/// An answer as it will be sent: JSON bytes that are kept and served again, and how fresh they are.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The JSON body.
    pub body: Bytes,
    /// Where it came from.
    pub source: Source,
    /// How long ago it was made.
    pub age: Duration,
    /// How long it is fresh in all; zero when that cache is off.
    pub ttl: Duration,
}

/// Where an answer came from, as `Cache-Status` (RFC 9211) tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Kept from before.
    Hit,
    /// Asked upstream now (or shared with somebody who was asking already).
    Miss,
    /// Kept from before and no longer fresh, because the exchange fails now.
    Stale,
}
