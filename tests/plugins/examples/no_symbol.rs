//! A library, but no plugin.

#[unsafe(no_mangle)]
extern "C" fn something_else() {}
