//! Has the symbol and nothing behind it.

use bad_plugins::{GOOD, Table};

#[unsafe(export_name = "marketd_plugin")]
static TABLE: Table = Table { magic: *b"whatever", ..GOOD };
