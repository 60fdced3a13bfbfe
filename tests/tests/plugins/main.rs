//! Plugins as real shared libraries, loaded from files and asked over HTTP: the example, and those that do what none should.

mod build;
mod faults;
mod files;
mod served;
