//! The files of the plugin folder: which there are, and reading them within bounds.

use std::fmt::Write;
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use marketd_core::Kind;
use ring::digest::{Context, SHA256};

use super::Refusal;

/// The largest definition that is read, 1 MiB; the largest that is known has 20 kB.
const LARGEST_DEFINITION: u64 = 1 << 20;

/// A definition or a library.
#[derive(Clone, Debug)]
pub(crate) struct PluginFile {
    path: PathBuf,
    name: String,
    kind: Kind,
}

impl PluginFile {
    /// The file at this path, if its name is that of a definition or a library. Hidden files are none: editors and Kubernetes
    /// keep their own beside the real ones.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let kind = match path.extension()?.to_str()? {
            "toml" => Kind::Definition,
            "so" | "dylib" | "dll" => Kind::Plugin,
            _ => return None,
        };
        let name = path.file_name()?.to_string_lossy().into_owned();
        (!name.starts_with('.')).then(|| Self { path: path.to_owned(), name, kind })
    }

    /// Every definition and then every library of a folder, each in the order of their names. No folder is an empty one.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub(crate) fn all(folder: &Path) -> io::Result<Vec<Self>> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let paths: Vec<_> = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
        let mut files: Vec<_> = paths.iter().filter_map(|path| Self::of(path)).collect();
        files.sort_by(|a, b| (a.kind == Kind::Plugin, &a.name).cmp(&(b.kind == Kind::Plugin, &b.name)));
        Ok(files)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name with its extension.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The name without its extension.
    pub(crate) fn stem(&self) -> &str {
        self.name.rsplit_once('.').map_or(&self.name, |(stem, _)| stem)
    }

    /// What the file is to be.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The file beside this one that defines the exchange of that name.
    pub(super) fn sibling(&self, stem: &str) -> Option<Self> {
        let plain = stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let path = plain.then(|| self.path.with_file_name(format!("{stem}.toml")))?;
        path.exists().then(|| Self::of(&path))?
    }

    /// The text of a definition.
    pub(super) fn text(&self) -> Result<String, Refusal> {
        String::from_utf8(self.bytes()?).map_err(|_| Refusal::NoText)
    }

    fn bytes(&self) -> Result<Vec<u8>, Refusal> {
        // Before it is opened: to open a pipe waits for whoever writes to it.
        if !fs::metadata(&self.path)?.is_file() {
            return Err(Refusal::NoFile);
        }
        let mut bytes = Vec::new();
        File::open(&self.path)?.take(LARGEST_DEFINITION + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST_DEFINITION {
            return Err(Refusal::TooLarge);
        }
        Ok(bytes)
    }
}

/// The SHA-256 digest of these parts, in lower case hex. The boundaries of several parts count.
pub(super) fn digest(parts: impl IntoIterator<Item: AsRef<[u8]>>) -> String {
    let mut context = Context::new(&SHA256);
    for (at, part) in parts.into_iter().enumerate() {
        let part = part.as_ref();
        if at > 0 {
            context.update(&part.len().to_le_bytes());
        }
        context.update(part);
    }
    context.finish().as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// What tells that a folder changed, without reading its files.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Stamp(Vec<(String, u64, Option<SystemTime>, Permissions)>);

impl Stamp {
    /// As the folder is now; one that cannot be listed is as good as empty.
    pub(crate) fn of(folder: &Path) -> Self {
        let files = PluginFile::all(folder).unwrap_or_default();
        let stamp = |file: PluginFile| {
            let metadata = fs::metadata(&file.path).ok()?;
            Some((file.name, metadata.len(), metadata.modified().ok(), metadata.permissions()))
        };
        Self(files.into_iter().filter_map(stamp).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_sha256sum() {
        assert_eq!(digest(["test"]), "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
        assert_ne!(digest(["ab", "c"]), digest(["a", "bc"]));
    }

    #[test]
    fn definitions_come_before_libraries_and_what_is_neither_is_passed_over() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.toml", "a.so", "a.toml", ".c.toml", "notes.txt", "toml", "d.dll"] {
            fs::write(folder.path().join(name), "").expect("written");
        }
        let files = PluginFile::all(folder.path()).expect("listed");
        assert_eq!(files.iter().map(PluginFile::name).collect::<Vec<_>>(), ["a.toml", "b.toml", "a.so", "d.dll"]);
        assert!(PluginFile::all(&folder.path().join("none")).expect("an empty one").is_empty());
    }

    #[test]
    fn only_files_of_text_within_the_bound_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let read = |name: &str, content: Option<&[u8]>| {
            let path = folder.path().join(name);
            match content {
                Some(content) => fs::write(&path, content).expect("written"),
                None => fs::create_dir(&path).expect("made"),
            }
            PluginFile::of(&path).expect("a name").text()
        };
        assert!(read("a.toml", Some(&[b' '; 1 << 20])).is_ok());
        assert!(matches!(read("b.toml", Some(&[b' '; (1 << 20) + 1])), Err(Refusal::TooLarge)));
        assert!(matches!(read("c.toml", None), Err(Refusal::NoFile)));
        assert!(matches!(read("d.toml", Some(&[0xff])), Err(Refusal::NoText)));
    }

    #[test]
    fn a_changed_file_and_changed_rights_change_the_stamp() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, stamp) = (folder.path().join("a.toml"), || Stamp::of(folder.path()));
        let empty = stamp();
        fs::write(&path, "1").expect("written");
        let written = stamp();
        assert_ne!(empty, written);
        assert_eq!(written, stamp());
        fs::write(&path, "12").expect("written");
        assert_ne!(written, stamp());
        let longer = stamp();
        let mut rights = fs::metadata(&path).expect("there").permissions();
        rights.set_readonly(true);
        fs::set_permissions(&path, rights).expect("set");
        assert_ne!(longer, stamp());
    }
}
