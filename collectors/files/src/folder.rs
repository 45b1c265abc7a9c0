//! Reading below one folder and nowhere else.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{FilesError, clause};

/// A folder that was named by the user. Links in it are followed as long as
/// they stay in it: mounted ConfigMaps consist of such links.
pub(crate) struct Folder {
    /// INVARIANT: canonical, so that a comparison of prefixes tells what is
    /// inside.
    root: PathBuf,
}

/// What a name stands for, links followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Folder,
    File,
    /// Sockets and devices.
    Other,
}

impl Folder {
    /// # Errors
    /// [`FilesError::Unreadable`] if it is not there, or not a folder.
    pub(crate) fn open(path: &Path) -> Result<Self, FilesError> {
        let wrong = |why| FilesError::Unreadable { path: path.to_owned(), why };
        let root = fs::canonicalize(path).map_err(|e| wrong(clause(&e)))?;
        if !root.is_dir() {
            return Err(wrong("it is not a folder".to_owned()));
        }
        Ok(Self { root })
    }

    /// The names in a folder below, sorted; the error is one clause. Names
    /// that begin with a dot are left out.
    pub(crate) fn names(&self, below: &str) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.resolve(below)?).map_err(|e| clause(&e))? {
            // A name that is not UTF-8 is read as one that does not exist,
            // and so is told as unreadable if it matters.
            let name = entry.map_err(|e| clause(&e))?.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// What a path below stands for.
    pub(crate) fn entry(&self, below: &str) -> Result<Entry, String> {
        let kind = fs::metadata(self.resolve(below)?).map_err(|e| clause(&e))?;
        Ok(match (kind.is_dir(), kind.is_file()) {
            (true, _) => Entry::Folder,
            (_, true) => Entry::File,
            _ => Entry::Other,
        })
    }

    /// The bytes of a regular file below, at most `most`; `None` if nothing is
    /// there.
    pub(crate) fn read(&self, below: &str, most: u64) -> Result<Option<Vec<u8>>, String> {
        if !fs::symlink_metadata(self.root.join(below)).is_ok_and(|m| !m.is_dir()) {
            return Ok(None);
        }
        if self.entry(below)? != Entry::File {
            return Err("it is not a regular file".to_owned());
        }
        let file = fs::File::open(self.resolve(below)?).map_err(|e| clause(&e))?;
        let mut bytes = Vec::new();
        file.take(most + 1).read_to_end(&mut bytes).map_err(|e| clause(&e))?;
        if bytes.len() as u64 > most {
            return Err(format!("it is larger than {} KiB", most / 1024));
        }
        Ok(Some(bytes))
    }

    /// The canonical path of something below, which must not lie elsewhere.
    pub(crate) fn resolve(&self, below: &str) -> Result<PathBuf, String> {
        let path = fs::canonicalize(self.root.join(below)).map_err(|e| clause(&e))?;
        if path.starts_with(&self.root) {
            Ok(path)
        } else {
            Err("it is a link that leads out of the folder".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_inside_and_not_out() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("f"), "x").unwrap();
        let around = tempfile::tempdir().unwrap();
        let dir = around.path().join("folder");
        fs::create_dir_all(dir.join("..data")).unwrap();
        fs::write(dir.join("..data/in"), "in").unwrap();
        std::os::unix::fs::symlink("..data/in", dir.join("in")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("f"), dir.join("out")).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.join("broken")).unwrap();
        let folder = Folder::open(&dir).unwrap();
        assert_eq!(folder.names("").unwrap(), ["broken", "in", "out"]);
        assert_eq!(folder.read("in", 9).unwrap().unwrap(), b"in");
        assert_eq!(folder.read("none", 9), Ok(None));
        assert_eq!(folder.read("in", 1).unwrap_err(), "it is larger than 0 KiB");
        assert_eq!(folder.read("out", 9).unwrap_err(), "it is a link that leads out of the folder");
        assert_eq!(
            folder.entry("../x").unwrap_err(),
            "no such file or directory",
            "nothing beside the folder"
        );
        assert!(folder.read("broken", 9).is_err());
    }
}
