//! Where new versions wait for the commit: a temporary file, so that memory
//! holds only where each one is.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tidegate_model::{Resource, Salt, Subject};

use crate::StoreError;
use crate::fail::Fail;
use crate::segment::{Content, PutRow};

/// A file that is deleted when dropped.
#[derive(Debug)]
pub(crate) struct TempFile {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
}

impl TempFile {
    /// Creates `<folder>/<subject>-<n>.<kind>` with the first free `n`.
    pub(crate) fn create(folder: &Path, subject: &Subject, kind: &str) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(StoreError::io("create folder", folder))?;
        let mut n = 0_u64;
        loop {
            let path = folder.join(format!("{subject}-{n}.{kind}"));
            let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
            match file {
                Ok(file) => return Ok(Self { path, file }),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => n += 1,
                Err(e) => return Err(StoreError::io("create file", path)(e)),
            }
        }
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // What cannot be deleted now is deleted by the next process to write.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Where a version is in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    offset: u64,
    length: u32,
}

/// New versions, in the order in which they came.
pub(crate) struct Spool {
    temp: TempFile,
    out: BufWriter<File>,
    end: u64,
    record: Vec<u8>,
    fail: Fail,
}

impl Spool {
    pub(crate) fn create(folder: &Path, subject: &Subject, fail: Fail) -> Result<Self, StoreError> {
        let temp = TempFile::create(folder, subject, "spool")?;
        let out = temp.file.try_clone().map_err(StoreError::io("open", &temp.path))?;
        let out = BufWriter::with_capacity(256 << 10, out);
        Ok(Self { temp, out, end: 0, record: Vec::new(), fail })
    }

    /// Appends a version.
    pub(crate) fn push(&mut self, resource: &Resource, salt: &Salt) -> Result<Place, StoreError> {
        let record = &mut self.record;
        record.clear();
        record.extend_from_slice(salt);
        record.extend_from_slice(&micros(resource).to_le_bytes());
        push_text(record, Some(&resource.body));
        push_text(record, Some(&resource.source));
        push_text(record, resource.region.as_deref());
        push_text(record, resource.project.as_deref());
        push_text(record, resource.name.as_deref());
        let place = Place {
            offset: self.end,
            length: u32::try_from(record.len()).map_err(|_| StoreError::BadResource {
                key: resource.key.to_string(),
                why: "it is larger than 4 GB",
            })?,
        };
        let written = self.fail.hit("spool").and_then(|()| self.out.write_all(record));
        written.map_err(StoreError::io("write", &self.temp.path))?;
        self.end += u64::from(place.length);
        Ok(place)
    }

    /// Reads a version back.
    pub(crate) fn read(&mut self, place: Place) -> Result<PutRow, StoreError> {
        let mut record = vec![0; usize::try_from(place.length).unwrap_or(usize::MAX)];
        let mut read = || {
            self.out.flush()?;
            self.temp.file.read_exact_at(&mut record, place.offset)
        };
        read().map_err(StoreError::io("read", &self.temp.path))?;
        let mut record = Bytes::from(record);
        let mut decode = || {
            let salt = take(&mut record, 16)?.as_ref().try_into().ok()?;
            let read_at = i64::from_le_bytes(take(&mut record, 8)?.as_ref().try_into().ok()?);
            Some(PutRow {
                read_at,
                content: Content::Whole { body: take_text(&mut record)??, salt },
                source: take_text(&mut record)??,
                region: take_text(&mut record)?,
                project: take_text(&mut record)?,
                name: take_text(&mut record)?,
            })
        };
        let path = self.temp.path.display().to_string();
        decode().ok_or_else(|| StoreError::damaged(path, "a spooled version cannot be read back"))
    }
}

/// When a resource was read, in the precision that is stored.
pub(crate) fn micros(resource: &Resource) -> i64 {
    resource.read_at.as_microsecond()
}

fn push_text(record: &mut Vec<u8>, text: Option<&str>) {
    // `u32::MAX` stands for none; a longer text cannot be, see `push`.
    let length = text.map_or(u32::MAX, |t| u32::try_from(t.len()).unwrap_or(u32::MAX - 1));
    record.extend_from_slice(&length.to_le_bytes());
    record.extend_from_slice(text.unwrap_or_default().as_bytes());
}

fn take(record: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= record.len()).then(|| record.split_to(length))
}

fn take_text(record: &mut Bytes) -> Option<Option<Bytes>> {
    let length = u32::from_le_bytes(take(record, 4)?.as_ref().try_into().ok()?);
    if length == u32::MAX {
        return Some(None);
    }
    take(record, usize::try_from(length).ok()?).map(Some)
}
