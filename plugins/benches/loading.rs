//! What starting costs: reading every built-in definition, from its text to an adapter that can be asked.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use marketd_plugins::built_in;

fn loading(criterion: &mut Criterion) {
    let name = format!("all {} definitions", built_in::TEXTS.len());
    criterion.bench_function(&name, |b| {
        b.iter(|| black_box(built_in::all().unwrap_or_else(|error| panic!("{error}"))));
    });
}

criterion_group!(benches, loading);
criterion_main!(benches);
