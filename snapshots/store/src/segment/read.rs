//! Opening a segment: its bytes are checked against the manifest once, and
//! every part that is read again later against what was checked then.

use std::iter::once;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;
use tidegate_model::{Digest, Kind};
use tokio::runtime::Handle;

use super::{Columns, Cursor, SCHEMA, decode};
use crate::StoreError;
use crate::block::block;
use crate::objects::Objects;

/// An opened segment: what is where in it.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: Path,
    meta: ParquetMetaData,
    /// The rows of each kind, in order of kind.
    kinds: Vec<(Kind, Range<u64>)>,
    /// By row group and column: the CRC of its bytes, taken while the hash of
    /// the whole was known to be right.
    sums: Vec<Vec<u32>>,
}

/// Where the bytes of a segment come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// They are here.
    Whole(Bytes),
    /// They are read as needed.
    Ranges {
        /// The store.
        objects: Objects,
        /// What drives it outside a runtime.
        handle: Option<Handle>,
    },
}

impl Segment {
    /// Checks the bytes of a whole segment and reads its footer.
    pub(crate) fn open(path: Path, bytes: &Bytes, sha256: &Digest) -> Result<Self, StoreError> {
        let found = Digest::of(bytes);
        if found != *sha256 {
            let why = format!("its SHA-256 is {found}, the manifest says {sha256}");
            return Err(StoreError::damaged(path.to_string(), why));
        }
        let odd = |e: ParquetError| StoreError::damaged(path.to_string(), e);
        let meta = decode(|| ParquetMetaDataReader::new().parse_and_finish(bytes)).map_err(odd)?;
        if meta.file_metadata().schema().get_fields() != SCHEMA.get_fields() {
            return Err(StoreError::Newer {
                object: path.to_string(),
                found: meta.file_metadata().schema().name().to_owned(),
                known: "tidegate_segment_v1",
            });
        }
        let mut sums = Vec::new();
        for group in meta.row_groups() {
            let sum = |column: &ColumnChunkMetaData| {
                let range = decode(|| Ok(column.byte_range()))?;
                let part = slice(bytes, range.0, range.1)?;
                Ok(crc32fast::hash(&part))
            };
            let row: ParquetResult<_> = group.columns().iter().map(sum).collect();
            sums.push(row.map_err(odd)?);
        }
        let mut segment = Self { path, meta, kinds: Vec::new(), sums };
        segment.kinds = segment.find_kinds(bytes)?;
        Ok(segment)
    }

    /// How many rows it has.
    pub(crate) fn rows(&self) -> u64 {
        self.kinds.last().map_or(0, |(_, range)| range.end)
    }

    /// Where the rows of a kind are.
    pub(crate) fn rows_of(&self, kind: &Kind) -> Range<u64> {
        let at = self.kinds.binary_search_by(|(k, _)| k.cmp(kind));
        at.ok().and_then(|i| self.kinds.get(i)).map_or(0..0, |(_, range)| range.clone())
    }

    fn find_kinds(&self, bytes: &Bytes) -> Result<Vec<(Kind, Range<u64>)>, StoreError> {
        let rows: u64 =
            self.meta.row_groups().iter().map(|g| u64::try_from(g.num_rows()).unwrap_or(0)).sum();
        let mut kinds: Vec<(Kind, Range<u64>)> = Vec::new();
        let source = Source::Whole(bytes.clone());
        let mut cursor = Cursor::new(self, &source, Columns::KINDS, once(0..rows));
        let mut at = 0;
        while let Some(row) = cursor.next()? {
            match kinds.last_mut() {
                Some((kind, range)) if kind.as_str().as_bytes() == row.kind() => {
                    range.end = at + 1;
                }
                _ => {
                    let kind = self.text(row.kind())?;
                    let kind = Kind::new(kind).map_err(|e| self.damaged(e))?;
                    kinds.push((kind, at..at + 1));
                }
            }
            at += 1;
        }
        if kinds.windows(2).any(|w| matches!(w, [a, b] if a.0 >= b.0)) {
            return Err(self.damaged("its rows are not in order"));
        }
        Ok(kinds)
    }

    /// The row group that holds a row, with the number of its first row and of
    /// the first after it.
    pub(super) fn group_of(&self, row: u64) -> Option<(usize, Range<u64>)> {
        let mut start = 0;
        for (i, group) in self.meta.row_groups().iter().enumerate() {
            let end = start + u64::try_from(group.num_rows()).unwrap_or(0);
            if row < end {
                return Some((i, start..end));
            }
            start = end;
        }
        None
    }

    /// A reader of one column of a row group.
    pub(super) fn column(
        &self,
        source: &Source,
        group: usize,
        column: usize,
    ) -> Result<ColumnReader, StoreError> {
        let missing = || self.damaged("a row group is missing");
        let meta = self.meta.row_groups().get(group).ok_or_else(missing)?;
        let rows = usize::try_from(meta.num_rows()).unwrap_or(0);
        let chunk = meta.columns().get(column).ok_or_else(missing)?;
        let (start, length) = chunk.byte_range();
        let bytes = match source {
            Source::Whole(bytes) => slice(bytes, start, length).map_err(|e| self.damaged(e))?,
            Source::Ranges { objects, handle } => {
                let read = objects.range(&self.path, start..start + length);
                let bytes = block(handle.as_ref(), read)?;
                let sum = self.sums.get(group).and_then(|g| g.get(column));
                if sum != Some(&crc32fast::hash(&bytes)) {
                    return Err(self.damaged("it changed since it was opened"));
                }
                bytes
            }
        };
        let reader = Arc::new(Chunk { start, bytes });
        let pages = decode(|| {
            let pages = SerializedPageReader::new(reader, chunk, rows, None)?;
            Ok(get_column_reader(chunk.column_descr_ptr(), Box::new(pages)))
        });
        pages.map_err(|e| self.damaged(e))
    }

    pub(crate) fn text<'b>(&self, bytes: &'b [u8]) -> Result<&'b str, StoreError> {
        std::str::from_utf8(bytes).map_err(|e| self.damaged(e))
    }

    pub(crate) fn damaged(&self, why: impl std::fmt::Display) -> StoreError {
        StoreError::damaged(self.path.to_string(), why)
    }
}

/// The bytes of one column chunk, at their place in the file.
struct Chunk {
    start: u64,
    bytes: Bytes,
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Chunk {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        let end = self.len();
        let rest = slice(&self.bytes, start.wrapping_sub(self.start), end.wrapping_sub(start))?;
        Ok(bytes::Buf::reader(rest))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        slice(&self.bytes, start.wrapping_sub(self.start), length as u64)
    }
}

fn slice(bytes: &Bytes, start: u64, length: u64) -> ParquetResult<Bytes> {
    let range = || {
        let start = usize::try_from(start).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        (end <= bytes.len()).then_some(start..end)
    };
    let range = range().ok_or_else(|| ParquetError::EOF("a part is outside the file".into()))?;
    Ok(bytes.slice(range))
}
