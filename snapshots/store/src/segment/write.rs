//! Writing a segment: rows in, a Parquet file with its SHA-256 out.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use sha2::{Digest as _, Sha256};
use tidegate_model::{Digest, Salt};

use super::{Op, SCHEMA, column};
use crate::fail::Fail;

/// A row group ends when its bodies, uncompressed, reach this. It is what a
/// writer holds in memory.
const GROUP_BYTES: usize = 4 << 20;
/// It ends earlier where a kind ends, if it has at least this much. Smaller
/// groups would make the footer the better part of an ordinary night.
const GROUP_BYTES_AT_KIND: usize = 1 << 20;
/// A data page of bodies. A reader holds one per segment that a kind is spread
/// over; larger pages compress a little better: half of it takes 6 % more room.
const BODY_PAGE_BYTES: usize = 128 << 10;
/// A data page of other columns, which compress as well in small ones. Whoever wants
/// one row unpacks a page of each.
const PAGE_BYTES: usize = 16 << 10;

/// How hard it is packed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Packing {
    /// A night's changes, of which compaction makes something better.
    Fast,
    /// What stays: a month takes an eighth less, and three CPU seconds to pack.
    Tight,
}

// Of these pages level 1 makes a tenth less than level 3, and a first night takes a fifth
// less work.
static FAST: LazyLock<WriterPropertiesPtr> = LazyLock::new(|| properties(1));
static TIGHT: LazyLock<WriterPropertiesPtr> = LazyLock::new(|| properties(12));

fn properties(zstd: i32) -> WriterPropertiesPtr {
    let zstd = ZstdLevel::try_new(zstd).unwrap_or_default();
    let sorting = |column_idx| SortingColumn { column_idx, descending: false, nulls_first: false };
    let mut properties = WriterProperties::builder()
        .set_created_by("tidegate".to_owned())
        .set_compression(Compression::ZSTD(zstd))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_max_row_group_row_count(None)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_write_batch_size(64)
        .set_column_data_page_size_limit(ColumnPath::from("body"), BODY_PAGE_BYTES)
        .set_sorting_columns(Some(vec![sorting(1), sorting(0), sorting(11)]));
    for name in ["key", "kind", "seq"] {
        let path = ColumnPath::from(name);
        properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Chunk);
    }
    for name in ["key", "body", "salt", "read_at", "leaf", "name"] {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), false);
    }
    Arc::new(properties.build())
}

/// A row to write.
#[derive(Debug, Clone)]
pub(crate) struct NewRow {
    pub(crate) key: Bytes,
    pub(crate) kind: Bytes,
    pub(crate) op: Op,
    /// The snapshot that it is a change of.
    pub(crate) seq: u64,
    /// With a put, and only then.
    pub(crate) put: Option<PutRow>,
}

/// What a put says of a resource.
#[derive(Debug, Clone)]
pub(crate) struct PutRow {
    pub(crate) content: Content,
    pub(crate) source: Bytes,
    /// Microseconds since 1970.
    pub(crate) read_at: i64,
    pub(crate) region: Option<Bytes>,
    pub(crate) project: Option<Bytes>,
    pub(crate) name: Option<Bytes>,
}

/// What a version said, or the one hash of it that an erasure leaves.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Whole { body: Bytes, salt: Salt },
    Erased { leaf: Digest },
}

impl PutRow {
    pub(crate) fn body(&self) -> Option<Bytes> {
        match &self.content {
            Content::Whole { body, .. } => Some(body.clone()),
            Content::Erased { .. } => None,
        }
    }

    /// The salt or the leaf, as the column asks.
    fn hash(&self, at: usize) -> Option<FixedLenByteArray> {
        match &self.content {
            Content::Whole { salt, .. } if at == column::SALT => Some(salt.to_vec()),
            Content::Erased { leaf } if at == column::LEAF => Some(leaf.0.to_vec()),
            Content::Whole { .. } | Content::Erased { .. } => None,
        }
        .map(FixedLenByteArray::from)
    }
}

/// A finished segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    /// SHA-256 of the file.
    pub(crate) sha256: Digest,
}

/// Writes rows that come in order of (kind, key, seq).
pub(crate) struct SegmentWriter {
    file: SerializedFileWriter<Hashing>,
    rows: Vec<NewRow>,
    bytes: usize,
    total: u64,
}

impl SegmentWriter {
    pub(crate) fn new(file: File, packing: Packing, fail: Fail) -> Result<Self> {
        let out = Hashing { out: BufWriter::new(file), sha: Sha256::new(), fail };
        let properties = match packing {
            Packing::Fast => Arc::clone(&FAST),
            Packing::Tight => Arc::clone(&TIGHT),
        };
        let file = SerializedFileWriter::new(out, Arc::clone(&SCHEMA), properties)?;
        Ok(Self { file, rows: Vec::new(), bytes: 0, total: 0 })
    }

    /// Appends a row; gives its position in the segment.
    pub(crate) fn push(&mut self, row: NewRow) -> Result<u64> {
        let kind_ends = self.rows.last().is_some_and(|last| last.kind != row.kind);
        if self.bytes >= GROUP_BYTES || (kind_ends && self.bytes >= GROUP_BYTES_AT_KIND) {
            self.group()?;
        }
        self.bytes +=
            row.key.len() + row.put.as_ref().map_or(0, |p| p.body().map_or(0, |b| b.len()) + 64);
        self.rows.push(row);
        self.total += 1;
        Ok(self.total - 1)
    }

    /// Writes what is left and the footer; the file is on disk afterwards, if
    /// not yet durable.
    pub(crate) fn finish(mut self) -> Result<Written> {
        if !self.rows.is_empty() {
            self.group()?;
        }
        let out = self.file.into_inner()?;
        out.out.into_inner().map_err(|e| ParquetError::from(e.into_error()))?;
        Ok(Written { sha256: Digest(out.sha.finalize().into()) })
    }

    fn group(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let mut group = self.file.next_row_group()?;
        let mut at = 0;
        while let Some(mut column) = group.next_column()? {
            match column.untyped() {
                ColumnWriter::ByteArrayColumnWriter(w) => {
                    let (values, levels) = texts(&rows, at);
                    w.write_batch(&values, levels.as_deref(), None)?;
                }
                ColumnWriter::Int64ColumnWriter(w) if at == column::SEQ => {
                    let values: Vec<i64> = rows.iter().map(|r| r.seq.cast_signed()).collect();
                    w.write_batch(&values, None, None)?;
                }
                ColumnWriter::Int64ColumnWriter(w) => {
                    let (values, levels) = optional(&rows, |p| Some(p.read_at));
                    w.write_batch(&values, Some(&levels), None)?;
                }
                ColumnWriter::FixedLenByteArrayColumnWriter(w) => {
                    let (values, levels) = optional(&rows, |p| p.hash(at));
                    w.write_batch(&values, Some(&levels), None)?;
                }
                ColumnWriter::BoolColumnWriter(_)
                | ColumnWriter::Int32ColumnWriter(_)
                | ColumnWriter::Int96ColumnWriter(_)
                | ColumnWriter::FloatColumnWriter(_)
                | ColumnWriter::DoubleColumnWriter(_) => {
                    return Err(ParquetError::General(format!("column {at} has another type")));
                }
            }
            column.close()?;
            at += 1;
        }
        group.close()?;
        Ok(())
    }
}

/// The values of a text column, with definition levels where it is optional.
fn texts(rows: &[NewRow], at: usize) -> (Vec<ByteArray>, Option<Vec<i16>>) {
    let required = |pick: fn(&NewRow) -> Bytes| {
        (rows.iter().map(|r| ByteArray::from(pick(r))).collect(), None)
    };
    let some = |pick: fn(&PutRow) -> Option<Bytes>| {
        let (values, levels) = optional(rows, |p| pick(p).map(ByteArray::from));
        (values, Some(levels))
    };
    match at {
        column::KEY => required(|r| r.key.clone()),
        column::KIND => required(|r| r.kind.clone()),
        column::OP => required(|r| Bytes::from_static(r.op.as_str().as_bytes())),
        column::BODY => some(PutRow::body),
        column::SOURCE => some(|p| Some(p.source.clone())),
        column::REGION => some(|p| p.region.clone()),
        column::PROJECT => some(|p| p.project.clone()),
        column::NAME => some(|p| p.name.clone()),
        _ => some(|_| None),
    }
}

fn optional<T>(rows: &[NewRow], pick: impl Fn(&PutRow) -> Option<T>) -> (Vec<T>, Vec<i16>) {
    let mut values = Vec::new();
    let mut levels = Vec::with_capacity(rows.len());
    for row in rows {
        let value = row.put.as_ref().and_then(&pick);
        levels.push(i16::from(value.is_some()));
        values.extend(value);
    }
    (values, levels)
}

/// Hashes what it writes.
struct Hashing {
    out: BufWriter<File>,
    sha: Sha256,
    fail: Fail,
}

impl Write for Hashing {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.fail.hit("segment bytes")?;
        let n = self.out.write(buf)?;
        self.sha.update(buf.get(..n).unwrap_or_default());
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
