//! The C types, and the server's side of a call.

use std::fmt;
use std::ptr;

use super::export::{self, Library};
use crate::Response;

/// The name of the symbol.
pub const SYMBOL: &str = "marketd_plugin";

/// What a table begins with.
pub const MAGIC: [u8; 8] = *b"marketd\x1a";

/// The number of the ABI; libraries of another number are refused.
pub const ABI: u32 = 1;

/// How `retry_after_ms` says that there is none.
const NEVER: u64 = u64::MAX;

/// The beginning of every table, whatever its ABI number.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) magic: [u8; 8],
    pub(super) abi: u32,
    /// Of the whole table, in bytes.
    pub(super) size: u32,
}

/// Bytes that are lent for the time of a call.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct RawBytes {
    data: *const u8,
    len: usize,
}

impl RawBytes {
    fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), len: bytes.len() }
    }

    /// The bytes.
    ///
    /// # Safety
    /// `data` points to `len` bytes that stay as they are for `'a`; for 0 bytes it may be anything.
    pub(super) unsafe fn get<'a>(self) -> &'a [u8] {
        // SAFETY: what the caller promises is what `lent` asks for.
        unsafe { lent(self.data, self.len) }
    }
}

/// A response, as it is lent for the time of a call.
#[repr(C)]
pub(super) struct RawResponse {
    pub(super) body: RawBytes,
    /// In milliseconds, or [`NEVER`].
    pub(super) retry_after_ms: u64,
    /// Grows with each round of requests.
    pub(super) round: u32,
    pub(super) status: u16,
}

impl RawResponse {
    fn of(round: usize, response: &Response) -> Self {
        let wait = response.retry_after.and_then(|wait| u64::try_from(wait.as_millis()).ok());
        Self {
            body: RawBytes::of(&response.body),
            retry_after_ms: wait.unwrap_or(NEVER),
            round: u32::try_from(round).unwrap_or(u32::MAX),
            status: response.status,
        }
    }

    /// The wait that it asks for, in milliseconds.
    pub(super) fn retry_after_ms(&self) -> Option<u64> {
        (self.retry_after_ms != NEVER).then_some(self.retry_after_ms)
    }
}

/// Bytes that a library gave away and that its `free` takes back.
#[repr(C)]
pub(super) struct RawAnswer {
    pub(super) data: *mut u8,
    pub(super) len: usize,
}

/// What a library exports. Either made by [`export_exchange!`](crate::export_exchange), or vouched for by whoever called
/// [`Table::at`]: that its functions do as the fields say is what lets its methods be safe.
#[repr(C)]
pub struct Table {
    header: Header,
    /// Answers a [`Reply`](super::Reply) of a [`Description`](super::Description). Callable from any thread.
    describe: unsafe extern "C" fn() -> RawAnswer,
    /// Answers the question (JSON of a [`Question`](super::Question)) to the exchange of that number in the description, given
    /// so many responses, in the order of their requests. Keeps none of the pointers. Callable from any thread, at once too.
    call: unsafe extern "C" fn(u32, RawBytes, *const RawResponse, usize) -> RawAnswer,
    /// Takes back what one of the others gave. Callable from any thread.
    free: unsafe extern "C" fn(RawAnswer),
}

/// Why a table is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It does not begin as one.
    Magic,
    /// It is of this ABI.
    Abi(u32),
    /// It ends after so many bytes.
    Size(u32),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => write!(f, "its `{SYMBOL}` is not the table of a marketd plugin"),
            Self::Abi(theirs) => {
                write!(f, "it speaks version {theirs} of the plugin ABI and this server version {ABI}: build it anew")
            }
            Self::Size(size) => {
                write!(f, "its table has {size} bytes, fewer than the {} that it needs", size_of::<Table>())
            }
        }
    }
}

impl std::error::Error for Mismatch {}

impl Table {
    /// The table of a library.
    pub const fn of<L: Library>() -> Self {
        Self {
            header: Header { magic: MAGIC, abi: ABI, size: size_of::<Self>() as u32 },
            describe: export::describe::<L>,
            call: export::call::<L>,
            free: export::free,
        }
    }

    /// The table at an address, if it is one that this version understands.
    ///
    /// # Errors
    /// It is none, or another version's.
    ///
    /// # Safety
    /// If `symbol` is not null, 16 bytes can be read there; if these are the header of a table of this [`ABI`], as many bytes as it
    /// says can be read for ever, do not change, and hold functions that do what the fields of [`Table`] say.
    pub unsafe fn at(symbol: *const Self) -> Result<&'static Self, Mismatch> {
        if symbol.is_null() || !symbol.is_aligned() {
            return Err(Mismatch::Magic);
        }
        // SAFETY: not null, so that a header's worth of bytes can be read, and any bytes make one.
        let header = unsafe { ptr::read(symbol.cast::<Header>()) };
        if header.magic != MAGIC {
            Err(Mismatch::Magic)
        } else if header.abi != ABI {
            Err(Mismatch::Abi(header.abi))
        } else if (header.size as usize) < size_of::<Self>() {
            Err(Mismatch::Size(header.size))
        } else {
            // SAFETY: a whole table of this ABI is there, aligned and for ever.
            Ok(unsafe { &*symbol })
        }
    }

    /// What the library says of itself.
    pub fn describe(&self) -> Answer {
        // SAFETY: it asks for nothing; the table is one that can be trusted to that.
        self.answer(unsafe { (self.describe)() })
    }

    /// Asks the exchange of that number, given the responses to each round of requests.
    pub fn call(&self, exchange: u32, question: &[u8], rounds: &[Vec<Response>]) -> Answer {
        let numbered = rounds.iter().enumerate();
        let responses: Vec<_> =
            numbered.flat_map(|(round, of)| of.iter().map(move |response| RawResponse::of(round, response))).collect();
        // SAFETY: the pointers are those of slices that are borrowed until the call is over.
        self.answer(unsafe { (self.call)(exchange, RawBytes::of(question), responses.as_ptr(), responses.len()) })
    }

    fn answer(&self, raw: RawAnswer) -> Answer {
        Answer { raw, free: self.free }
    }
}

/// Bytes that belong to a library, given back when dropped.
pub struct Answer {
    raw: RawAnswer,
    free: unsafe extern "C" fn(RawAnswer),
}

impl Answer {
    /// The bytes; none for what cannot be bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: a library leaves its bytes as they are until they are given back.
        unsafe { lent(self.raw.data, self.raw.len) }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let raw = RawAnswer { data: self.raw.data, len: self.raw.len };
        // SAFETY: it comes from the library whose function this is, and is given back this once.
        unsafe { (self.free)(raw) }
    }
}

/// A slice that came as a pointer and a length; empty for a pointer to nothing or a length that no slice has.
///
/// # Safety
/// A pointer that is not null points to `len` values of `T`, aligned, that stay as they are for `'a`.
pub(super) unsafe fn lent<'a, T>(data: *const T, len: usize) -> &'a [T] {
    let possible = len.checked_mul(size_of::<T>()).is_some_and(|bytes| isize::try_from(bytes).is_ok());
    if data.is_null() || len == 0 || !possible {
        return &[];
    }
    // SAFETY: not null, and the rest is what the caller promises.
    unsafe { std::slice::from_raw_parts(data, len) }
}
