//! Opening a segment: its bytes are checked against the manifest once, and
//! every part that is read again later against what was checked then.

use std::iter::once;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;
use tidegate_model::{Digest, Kind};
use tokio::runtime::Handle;

use super::{Columns, Cursor, SCHEMA, column, decode, pages};
use crate::StoreError;
use crate::block::block;
use crate::layout::LiveSegment;
use crate::objects::Objects;

/// An opened segment: what is where in it.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: Path,
    /// The first snapshot that it may hold changes of; the only one where rows
    /// do not tell.
    pub(crate) first: u64,
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
    pub(crate) fn open(path: Path, bytes: &Bytes, named: &LiveSegment) -> Result<Self, StoreError> {
        let found = Digest::of(bytes);
        let sha256 = named.sha256;
        if found != sha256 {
            let why = format!("its SHA-256 is {found}, what names it says {sha256}");
            return Err(StoreError::damaged(path.to_string(), why));
        }
        let odd = |e: ParquetError| StoreError::damaged(path.to_string(), e);
        let meta = decode(|| ParquetMetaDataReader::new().parse_and_finish(bytes)).map_err(odd)?;
        let fields = meta.file_metadata().schema().get_fields();
        let v1 = SCHEMA.get_fields().get(..column::SEQ);
        if fields != SCHEMA.get_fields() && (Some(fields) != v1 || named.from != named.to) {
            return Err(StoreError::Newer {
                object: path.to_string(),
                found: meta.file_metadata().schema().name().to_owned(),
                known: "tidegate_segment_v2",
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
        let mut segment = Self { path, first: named.from, meta, kinds: Vec::new(), sums };
        segment.kinds = segment.find_kinds(bytes)?;
        Ok(segment)
    }

    /// Whether it has a column.
    pub(super) fn has(&self, column: usize) -> bool {
        column < self.meta.file_metadata().schema().get_fields().len()
    }

    /// The bytes of its bodies before they were compressed.
    pub(crate) fn body_bytes(&self) -> u64 {
        let bodies = self.meta.row_groups().iter().filter_map(|g| g.columns().get(column::BODY));
        bodies.map(|c| u64::try_from(c.uncompressed_size()).unwrap_or(0)).sum()
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
        let mut kinds: Vec<(Kind, Range<u64>)> = Vec::new();
        let mut add = |name: &[u8], rows: Range<u64>| {
            match kinds.last_mut() {
                Some((kind, range)) if kind.as_str().as_bytes() == name => range.end = rows.end,
                _ => {
                    let kind = Kind::new(self.text(name)?).map_err(|e| self.damaged(e))?;
                    kinds.push((kind, rows));
                }
            }
            Ok(())
        };
        let source = Source::Whole(bytes.clone());
        let mut at = 0;
        for group in self.meta.row_groups() {
            let rows = at..at + u64::try_from(group.num_rows()).unwrap_or(0);
            at = rows.end;
            if let Some(kind) = only_kind(group) {
                add(kind, rows)?;
                continue;
            }
            let mut row = rows.start;
            let mut cursor = Cursor::new(self, &source, Columns::KINDS, once(rows));
            while let Some(read) = cursor.next()? {
                add(read.kind(), row..row + 1)?;
                row += 1;
            }
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

    /// Readers of columns of a row group, as they are asked for.
    pub(super) fn columns(
        &self,
        source: &Source,
        group: usize,
        columns: &[usize],
    ) -> Result<Vec<ColumnReader>, StoreError> {
        let missing = || self.damaged("a row group is missing");
        let meta = self.meta.row_groups().get(group).ok_or_else(missing)?;
        let rows = usize::try_from(meta.num_rows()).unwrap_or(0);
        let chunks = columns.iter().map(|&column| meta.columns().get(column).ok_or_else(missing));
        let chunks: Vec<_> = chunks.collect::<Result<_, _>>()?;
        let range = |chunk: &&ColumnChunkMetaData| {
            let (start, length) = chunk.byte_range();
            start..start + length
        };
        let ranges: Vec<Range<u64>> = chunks.iter().map(range).collect();
        let parts = match source {
            Source::Whole(bytes) => {
                let part = |r: &Range<u64>| slice(bytes, r.start, r.end - r.start);
                let parts: ParquetResult<_> = ranges.iter().map(part).collect();
                parts.map_err(|e| self.damaged(e))?
            }
            Source::Ranges { objects, handle } => {
                let parts = block(handle.as_ref(), objects.ranges(&self.path, &ranges))?;
                let sums = self.sums.get(group).ok_or_else(missing)?;
                let right = |(bytes, column): (&Bytes, &usize)| {
                    sums.get(*column) == Some(&crc32fast::hash(bytes))
                };
                if parts.len() != columns.len() || !parts.iter().zip(columns).all(right) {
                    return Err(self.damaged("it changed since it was opened"));
                }
                parts
            }
        };
        let readers = chunks.iter().zip(ranges).zip(parts).map(|((chunk, range), bytes)| {
            let reader = Arc::new(Chunk { start: range.start, bytes });
            decode(|| {
                let pages = pages::pages(reader, chunk, rows)?;
                Ok(get_column_reader(chunk.column_descr_ptr(), pages))
            })
        });
        readers.collect::<ParquetResult<_>>().map_err(|e| self.damaged(e))
    }

    pub(crate) fn text<'b>(&self, bytes: &'b [u8]) -> Result<&'b str, StoreError> {
        std::str::from_utf8(bytes).map_err(|e| self.damaged(e))
    }

    pub(crate) fn damaged(&self, why: impl std::fmt::Display) -> StoreError {
        StoreError::damaged(self.path.to_string(), why)
    }
}

/// The kind of all rows of a group, if its statistics say that it is one.
fn only_kind(group: &RowGroupMetaData) -> Option<&[u8]> {
    let Statistics::ByteArray(kinds) = group.columns().get(column::KIND)?.statistics()? else {
        return None;
    };
    let (least, most) = (kinds.min_opt()?, kinds.max_opt()?);
    let exact = kinds.min_is_exact() && kinds.max_is_exact();
    (exact && least == most).then(|| least.data())
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
