//! Says of itself what nobody understands.

use bad_plugins::{Answer, GOOD, Table, answer};

#[unsafe(export_name = "marketd_plugin")]
static TABLE: Table = Table { describe, ..GOOD };

extern "C" fn describe() -> Answer {
    answer("exchanges: all of them")
}
