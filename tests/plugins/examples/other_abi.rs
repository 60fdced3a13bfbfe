//! Of another ABI version.

use bad_plugins::{GOOD, Table};

#[unsafe(export_name = "marketd_plugin")]
static TABLE: Table = Table { abi: 2, ..GOOD };
