//! A tar archive that is the same for the same files: gathered in a folder,
//! packed in order of path, with one time and no owner.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tidegate_model::{Digest, Timestamp};
use tidegate_report::AuditFile;

use crate::cmd::Context;
use crate::failure::{Failure, Result};

/// Files that wait to be packed.
pub(super) struct Archive {
    folder: TempDir,
    files: BTreeMap<String, (u64, Digest)>,
}

impl Archive {
    /// Waits beside the archive, where there must be room for it anyway.
    pub(super) fn new(out: &Path) -> Result<Self> {
        let beside = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = tempfile::Builder::new().prefix(".tidegate-export-").tempdir_in(beside);
        let folder = folder.map_err(|e| {
            Failure::new(format!("cannot write into `{}`: {e}", beside.display()))
                .hint("name a file in a folder that exists and can be written")
        })?;
        Ok(Self { folder, files: BTreeMap::new() })
    }

    pub(super) fn add(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        self.add_with(path, &mut |out| out.write_all(bytes))
    }

    /// Adds a file as it is made.
    pub(super) fn add_with(
        &mut self,
        path: &str,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        let mut made = || -> io::Result<(u64, Digest)> {
            let file = File::create(self.place(path))?;
            let mut out = Hashing { out: BufWriter::new(file), sha: Sha256::new(), bytes: 0 };
            write(&mut out)?;
            out.flush()?;
            Ok((out.bytes, Digest(out.sha.finalize().into())))
        };
        if self.files.contains_key(path) {
            return Err(Failure::new(format!("two files of the archive are called `{path}`"))
                .hint("rename one of them"));
        }
        let made = made()
            .map_err(|e| Failure::new(format!("cannot write `{path}` of the archive: {e}")))?;
        self.files.insert(path.to_owned(), made);
        Ok(())
    }

    /// Where a file waits, by a name that leads nowhere else.
    fn place(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join(Digest::of(path.as_bytes()).to_string())
    }

    /// What is there so far, in order of path.
    pub(super) fn files(&self) -> Vec<AuditFile<'_>> {
        self.files
            .iter()
            .map(|(path, &(bytes, sha256))| AuditFile { path, bytes, sha256 })
            .collect()
    }

    /// As `sha256sum` writes and reads it.
    pub(super) fn sums(&self) -> String {
        self.files.iter().map(|(path, (_, digest))| format!("{digest}  {path}\n")).collect()
    }

    pub(super) fn pack(self, ctx: &mut Context<'_>, out: &Path, time: Timestamp) -> Result<()> {
        let mtime = u64::try_from(time.as_second()).unwrap_or(0);
        ctx.ui.write_with(Some(out), &mut |out| {
            let mut tar = tar::Builder::new(out);
            for (path, (bytes, _)) in &self.files {
                let mut header = tar::Header::new_gnu();
                header.set_size(*bytes);
                header.set_mode(0o644);
                header.set_mtime(mtime);
                header.set_uid(0);
                header.set_gid(0);
                let file = File::open(self.place(path))?;
                tar.append_data(&mut header, path, file)?;
            }
            tar.finish()
        })
    }
}

/// Hashes and counts what it writes.
struct Hashing {
    out: BufWriter<File>,
    sha: Sha256,
    bytes: u64,
}

impl Write for Hashing {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.out.write(buf)?;
        self.sha.update(buf.get(..n).unwrap_or_default());
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
