//! Whether an ELF library is whole.
//!
//! The loader of Linux maps what the headers name without a look at the size of the file, and whoever then touches a page beyond
//! the end of it is killed (SIGBUS). So this is looked at before. All else that may be wrong with a library the loader finds itself,
//! and those of macOS and Windows find this too.

/// Whether the file, if it is an ELF library for this machine, ends before what its headers name.
pub(super) fn is_cut_short(file: &[u8]) -> bool {
    is_for_here(file) && !is_whole(file).unwrap_or(false)
}

fn is_for_here(file: &[u8]) -> bool {
    let class = if cfg!(target_pointer_width = "64") { 2 } else { 1 };
    let order = if cfg!(target_endian = "little") { 1 } else { 2 };
    // Not even the part of the header that says so is whole.
    let magic = b"\x7fELF";
    file.starts_with(magic) && file.get(4..6).is_none_or(|here| here == [class, order])
}

/// `None` where a header is not whole.
fn is_whole(file: &[u8]) -> Option<bool> {
    // Offsets of e_phoff, e_phentsize; of p_offset and p_filesz in a program header (elf(5)).
    let wide = cfg!(target_pointer_width = "64");
    let (table, counts, (offset, size)) = if wide { (32, 54, (8, 32)) } else { (28, 42, (4, 16)) };
    let address = if wide { 8 } else { 4 };
    let half = |at| number(file, at, 2);
    let end = |start: u64, entry: u64, count: u64| start.checked_add(entry.checked_mul(count)?);
    let (programs, sections) = (number(file, table, address)?, number(file, table + address, address)?);
    let (program, program_count) = (half(counts)?, half(counts + 2)?);
    let (section, section_count) = (half(counts + 4)?, half(counts + 6)?);
    let len = file.len() as u64;
    if end(sections, section, section_count)? > len || end(programs, program, program_count)? > len {
        return Some(false);
    }
    for at in 0..program_count {
        let header = usize::try_from(end(programs, program, at)?).ok()?;
        let (offset, size) = (number(file, header + offset, address)?, number(file, header + size, address)?);
        if offset.checked_add(size)? > len {
            return Some(false);
        }
    }
    Some(true)
}

/// The number of so many bytes at a place, in the byte order of this machine.
fn number(file: &[u8], at: usize, bytes: usize) -> Option<u64> {
    let bytes = file.get(at..at.checked_add(bytes)?)?;
    let push = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
    Some(if cfg!(target_endian = "little") { bytes.iter().rev().fold(0, push) } else { bytes.iter().fold(0, push) })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_library_is_whole() {
        let file = std::fs::read(std::env::current_exe().expect("a path")).expect("this program");
        assert!(!is_cut_short(&file));
        for len in [4, 20, 63, 64, 200, 4_096, file.len() / 2, file.len() - 1] {
            assert!(is_cut_short(&file[..len]), "{len}");
        }
    }

    #[test]
    fn what_is_no_library_for_this_machine_is_left_to_the_system() {
        for file in [&b""[..], b"no library", b"\x7fELF\x09\x09 and so on", b"MZ"] {
            assert!(!is_cut_short(file));
        }
    }

    #[test]
    fn headers_that_name_the_impossible_are_no_panic() {
        let mut file = std::fs::read(std::env::current_exe().expect("a path")).expect("this program");
        file[32..64].fill(0xff);
        assert!(is_cut_short(&file));
    }
}
