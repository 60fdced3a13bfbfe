//! The plugin ABI written anew, as another language would see it.

#[repr(C)]
pub struct Table {
    pub magic: [u8; 8],
    pub abi: u32,
    pub size: u32,
    pub describe: extern "C" fn() -> Answer,
    pub call: extern "C" fn(exchange: u32, question: Bytes, responses: *const Response, count: usize) -> Answer,
    pub free: extern "C" fn(Answer),
}

#[repr(C)]
pub struct Bytes {
    pub data: *const u8,
    pub len: usize,
}

#[repr(C)]
pub struct Response {
    pub body: Bytes,
    pub retry_after_ms: u64,
    pub round: u32,
    pub status: u16,
}

#[repr(C)]
pub struct Answer {
    pub data: *const u8,
    pub len: usize,
}

/// A table that passes every check.
pub const GOOD: Table = Table { magic: *b"marketd\x1a", abi: 1, size: size_of::<Table>() as u32, describe, call, free };

extern "C" fn describe() -> Answer {
    answer(r#"{"failed":{"code":"BadResponse","message":"says nothing"}}"#)
}

extern "C" fn call(_: u32, _: Bytes, _: *const Response, _: usize) -> Answer {
    describe()
}

/// Everything given away here is for ever.
extern "C" fn free(_: Answer) {}

pub fn answer(text: &'static str) -> Answer {
    Answer { data: text.as_ptr(), len: text.len() }
}
