//! Reading rows of a segment, in order, some columns of them.

use std::collections::VecDeque;
use std::ops::{Deref, Range};

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray};
use tidegate_model::{Digest, Salt};

use super::{Op, Segment, Source, column, decode};
use crate::StoreError;

/// So many rows are decoded at once. More would hold more pages in memory.
const BATCH: u64 = 64;

/// Which columns are read; the others stay empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns(&'static [usize]);

impl Columns {
    /// Only the kind.
    pub(crate) const KINDS: Self = Self(&[column::KIND]);
    /// Key, kind and operation.
    pub(crate) const CHANGES: Self = Self(&[column::KEY, column::KIND, column::OP]);
    /// What happened, and what makes a leaf.
    pub(crate) const LEAVES: Self =
        Self(&[column::KEY, column::KIND, column::OP, column::BODY, column::SALT, column::LEAF]);
    /// What makes a fact.
    pub(crate) const FACTS: Self = Self(&[
        column::KEY,
        column::BODY,
        column::SALT,
        column::SOURCE,
        column::READ_AT,
        column::REGION,
        column::PROJECT,
        column::NAME,
    ]);
    /// What makes a fact, without its body.
    pub(crate) const PLACES: Self = Self(&[
        column::KEY,
        column::SOURCE,
        column::READ_AT,
        column::REGION,
        column::PROJECT,
        column::NAME,
    ]);
    /// Everything.
    pub(crate) const ALL: Self = Self(&[
        column::KEY,
        column::KIND,
        column::OP,
        column::BODY,
        column::SALT,
        column::SOURCE,
        column::READ_AT,
        column::REGION,
        column::PROJECT,
        column::NAME,
    ]);
}

/// A row as read. Texts are slices of the page they came from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    key: Option<ByteArray>,
    kind: Option<ByteArray>,
    pub(crate) op: Option<Op>,
    body: Option<ByteArray>,
    pub(crate) salt: Option<Salt>,
    source: Option<ByteArray>,
    pub(crate) read_at: Option<i64>,
    region: Option<ByteArray>,
    project: Option<ByteArray>,
    name: Option<ByteArray>,
    /// Of a version whose body was erased.
    pub(crate) leaf: Option<Digest>,
}

impl Row {
    pub(crate) fn key(&self) -> &[u8] {
        self.key.as_ref().map_or(&[], ByteArray::data)
    }

    pub(crate) fn kind(&self) -> &[u8] {
        self.kind.as_ref().map_or(&[], ByteArray::data)
    }

    pub(crate) fn body(&self) -> Option<&[u8]> {
        self.body.as_ref().map(ByteArray::data)
    }

    pub(crate) fn source(&self) -> Option<&[u8]> {
        self.source.as_ref().map(ByteArray::data)
    }

    pub(crate) fn region(&self) -> Option<&[u8]> {
        self.region.as_ref().map(ByteArray::data)
    }

    pub(crate) fn project(&self) -> Option<&[u8]> {
        self.project.as_ref().map(ByteArray::data)
    }

    pub(crate) fn name(&self) -> Option<&[u8]> {
        self.name.as_ref().map(ByteArray::data)
    }
}

/// Walks through wanted rows, which must be in order.
pub(crate) struct Cursor<S> {
    segment: S,
    source: Source,
    columns: Columns,
    /// Runs of wanted rows, those to come.
    wanted: VecDeque<Range<u64>>,
    ready: VecDeque<Row>,
    group: Option<Group>,
}

/// The row group being read.
struct Group {
    rows: Range<u64>,
    /// The row that the readers stand before.
    next: u64,
    readers: Vec<(usize, ColumnReader)>,
}

impl<S: Deref<Target = Segment>> Cursor<S> {
    /// `wanted` holds ascending runs that do not overlap.
    pub(crate) fn new(
        segment: S,
        source: &Source,
        columns: Columns,
        wanted: impl IntoIterator<Item = Range<u64>>,
    ) -> Self {
        Self {
            segment,
            source: source.clone(),
            columns,
            wanted: wanted.into_iter().collect(),
            ready: VecDeque::new(),
            group: None,
        }
    }

    /// The segment that it walks through.
    pub(crate) fn segment(&self) -> &Segment {
        &self.segment
    }

    /// The next wanted row.
    pub(crate) fn next(&mut self) -> Result<Option<Row>, StoreError> {
        while self.ready.is_empty() {
            let Some(run) = self.wanted.front_mut() else { return Ok(None) };
            if run.is_empty() {
                self.wanted.pop_front();
                continue;
            }
            let start = run.start;
            let missing = || self.segment.damaged(format!("it has no row {start}"));
            if !self.group.as_ref().is_some_and(|g| g.rows.contains(&start)) {
                let (at, rows) = self.segment.group_of(start).ok_or_else(missing)?;
                let mut readers = Vec::new();
                for &column in self.columns.0 {
                    readers.push((column, self.segment.column(&self.source, at, column)?));
                }
                self.group = Some(Group { next: rows.start, rows, readers });
            }
            let group = self.group.as_mut().ok_or_else(missing)?;
            let count = run.end.min(group.rows.end).min(start + BATCH) - start;
            run.start += count;
            let rows = decode(|| group.read(start, count)).map_err(|e| self.segment.damaged(e))?;
            self.ready = rows.into();
        }
        Ok(self.ready.pop_front())
    }
}

impl Group {
    /// Decodes `count` rows from `start` on.
    fn read(&mut self, start: u64, count: u64) -> Result<Vec<Row>, parquet::errors::ParquetError> {
        let skip = usize::try_from(start.saturating_sub(self.next)).unwrap_or(usize::MAX);
        let n = usize::try_from(count).unwrap_or(0);
        let mut rows = vec![Row::default(); n];
        for (column, reader) in &mut self.readers {
            match reader {
                ColumnReader::ByteArrayColumnReader(r) => {
                    let values = values::<parquet::data_type::ByteArrayType>(r, skip, n)?;
                    for (row, value) in rows.iter_mut().zip(values) {
                        row.set_text(*column, value);
                    }
                }
                ColumnReader::Int64ColumnReader(r) => {
                    let values = values::<parquet::data_type::Int64Type>(r, skip, n)?;
                    for (row, value) in rows.iter_mut().zip(values) {
                        row.read_at = value;
                    }
                }
                ColumnReader::FixedLenByteArrayColumnReader(r) => {
                    let values = values::<parquet::data_type::FixedLenByteArrayType>(r, skip, n)?;
                    for (row, value) in rows.iter_mut().zip(values) {
                        let Some(value): Option<FixedLenByteArray> = value else { continue };
                        if *column == column::LEAF {
                            row.leaf = value.data().try_into().ok().map(Digest);
                        } else {
                            row.salt = value.data().try_into().ok();
                        }
                    }
                }
                _ => {
                    return Err(parquet::errors::ParquetError::General(format!(
                        "column {column} has another type"
                    )));
                }
            }
        }
        self.next = start + count;
        Ok(rows)
    }
}

impl Row {
    fn set_text(&mut self, column: usize, value: Option<ByteArray>) {
        match column {
            column::KEY => self.key = value,
            column::KIND => self.kind = value,
            column::OP => self.op = value.and_then(|v| Op::parse(v.data())),
            column::BODY => self.body = value,
            column::SOURCE => self.source = value,
            column::REGION => self.region = value,
            column::PROJECT => self.project = value,
            column::NAME => self.name = value,
            _ => {}
        }
    }
}

/// Skips, then reads exactly `n` values, nulls included.
fn values<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    skip: usize,
    n: usize,
) -> Result<Vec<Option<T::T>>, parquet::errors::ParquetError> {
    let short = || parquet::errors::ParquetError::EOF("a column is shorter than others".into());
    if skip > 0 && reader.skip_records(skip)? != skip {
        return Err(short());
    }
    let mut out = Vec::with_capacity(n);
    let mut levels = Vec::new();
    let mut some = Vec::new();
    while out.len() < n {
        levels.clear();
        some.clear();
        let (read, _, _) =
            reader.read_records(n - out.len(), Some(&mut levels), None, &mut some)?;
        if read == 0 {
            return Err(short());
        }
        if levels.is_empty() {
            out.extend(some.drain(..).map(Some));
        } else {
            let mut some = some.drain(..);
            out.extend(levels.iter().map(|&level| if level > 0 { some.next() } else { None }));
        }
    }
    Ok(out)
}
