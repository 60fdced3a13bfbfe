//! Has a table that ends too early.

use bad_plugins::{GOOD, Table};

#[unsafe(export_name = "marketd_plugin")]
static TABLE: Table = Table { size: 24, ..GOOD };
