//! Several exchanges, each with a fault of its own when it is asked for anything but markets.

use bad_plugins::{Answer, Bytes, GOOD, Response, Table, answer};

#[unsafe(export_name = "marketd_plugin")]
static TABLE: Table = Table { describe, call, free, ..GOOD };

const HUGE: usize = 100 << 20;

extern "C" fn describe() -> Answer {
    answer(concat!(
        r#"{"done":{"unknown":[],"exchanges":["#,
        r#"{"id":"garbage","name":"Garbage","kind":"native","capabilities":["markets","ticker"],"timeframes":[],"links":{}},"#,
        r#"{"id":"huge","name":"Huge","kind":"native","capabilities":["markets","ticker"],"timeframes":[],"links":{}},"#,
        r#"{"id":"hangs","name":"Hangs","kind":"native","capabilities":["markets","candles"],"timeframes":["1m"],"links":{}},"#,
        r#"{"id":"nothing","name":"Nothing","kind":"native","capabilities":["markets","ticker"],"timeframes":[],"links":{}}"#,
        "]}}"
    ))
}

const MARKETS: &str = concat!(
    r#"{"done":[{"id":"ab","symbol":"A/B","base":"A","quote":"B","type":"spot","contract":false,"precision":{},"#,
    r#""limits":{"amount":{},"price":{},"cost":{}}}]}"#
);

extern "C" fn call(exchange: u32, question: Bytes, _: *const Response, _: usize) -> Answer {
    // SAFETY: the server lends it.
    let question = unsafe { std::slice::from_raw_parts(question.data, question.len) };
    match exchange {
        _ if question.starts_with(br#"{"markets":"#) => answer(MARKETS),
        0 => answer("\0\u{fffd}{{{{[[[[ garbage"),
        1 => Answer { data: Box::into_raw(vec![b'['; HUGE].into_boxed_slice()).cast(), len: HUGE },
        2 => loop {
            std::thread::park();
        },
        _ => Answer { data: std::ptr::null(), len: usize::MAX },
    }
}

extern "C" fn free(answer: Answer) {
    if answer.len == HUGE {
        // SAFETY: of this length there is the box above alone.
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(answer.data.cast_mut(), HUGE)) });
    }
}
