//! Embeds every definition of `exchanges/`, so that adding one touches no Rust.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=exchanges");
    println!("cargo::rerun-if-env-changed=CARGO_MANIFEST_DIR");
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("exchanges");
    let mut files: Vec<_> = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let mut code = String::from(
        "/// The id and the text of every built-in definition, in the order of their ids.\npub static TEXTS: &[(&str, &str)] = &[\n",
    );
    for file in files {
        let id = file.file_stem().unwrap_or_default().to_string_lossy();
        writeln!(code, "    ({id:?}, include_str!({file:?})),").map_err(io::Error::other)?;
    }
    code.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR").map_err(io::Error::other)?).join("definitions.rs"), code)
}
