//! Does not say what it brings.

use bad_plugins::{Answer, GOOD, Table};

#[unsafe(export_name = "marketd_plugin")]
static TABLE: Table = Table { describe, ..GOOD };

extern "C" fn describe() -> Answer {
    loop {
        std::thread::park();
    }
}
