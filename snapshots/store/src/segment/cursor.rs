//! Reading rows of a segment, in order, some columns of them.

use std::collections::VecDeque;
use std::ops::{Deref, Range};

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use tidegate_model::{Digest, Salt};

use super::{Op, Segment, Source, column, decode};
use crate::StoreError;

/// So many rows are decoded at once, and from at most so many neighbours: reading
/// each run of wanted rows alone takes twice as long where every sixth is wanted.
/// More would hold more pages in memory.
const BATCH: u64 = 64;
const REACH: u64 = 128;

/// Which columns are read; the others stay empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns(&'static [usize]);

impl Columns {
    /// Only the kind.
    pub(crate) const KINDS: Self = Self(&[column::KIND]);
    /// Key, kind, operation and snapshot.
    pub(crate) const CHANGES: Self = Self(&[column::KEY, column::KIND, column::OP, column::SEQ]);
    /// What happened when, without to what.
    pub(crate) const COUNTS: Self = Self(&[column::OP, column::LEAF]);
    /// What happened when, and what makes a leaf.
    pub(crate) const LEAVES: Self = Self(&[
        column::KEY,
        column::KIND,
        column::OP,
        column::BODY,
        column::SALT,
        column::LEAF,
        column::SEQ,
    ]);
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
        column::LEAF,
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
        column::LEAF,
        column::SEQ,
    ]);
}

impl Columns {
    pub(super) fn has(self, column: usize) -> bool {
        self.0.contains(&column)
    }
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
    /// The snapshot that it is a change of.
    pub(crate) seq: u64,
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
    at: usize,
    rows: Range<u64>,
    parts: Vec<Part>,
    /// Whether leaves are among them. Only erased versions have one, so the column
    /// is opened when there may be some.
    leaves: bool,
}

/// A column of it.
struct Part {
    column: usize,
    reader: ColumnReader,
    /// The row that the reader stands before.
    next: u64,
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
        if self.ready.is_empty() {
            // After an error no row is whole.
            self.fill().inspect_err(|_| self.ready.clear())?;
        }
        Ok(self.ready.pop_front())
    }

    /// Decodes some of the rows to come, if there are any.
    fn fill(&mut self) -> Result<(), StoreError> {
        let empty = self.wanted.iter().take_while(|run| run.is_empty()).count();
        self.wanted.drain(..empty);
        let Some(start) = self.wanted.front().map(|run| run.start) else { return Ok(()) };
        if !self.group.as_ref().is_some_and(|g| g.rows.contains(&start)) {
            // First the old one goes: it holds pages.
            self.group = None;
            self.group = Some(self.open(start)?);
        }
        let Some(group) = &mut self.group else { return Ok(()) };
        let (mut runs, mut room) = (Vec::new(), BATCH);
        let end = group.rows.end.min(start + REACH);
        while let Some(run) = self.wanted.front_mut()
            && run.start < end
            && room > 0
        {
            let part = run.start..run.end.min(end).min(run.start + room);
            run.start = part.end;
            room -= part.end - part.start;
            runs.push(part);
            if run.is_empty() {
                self.wanted.pop_front();
            }
        }
        let blank = Row { seq: self.segment.first, ..Row::default() };
        let count = usize::try_from(BATCH - room).unwrap_or(0);
        self.ready.resize(count, blank);
        let rows = self.ready.make_contiguous();
        for part in &mut group.parts {
            part.read(&runs, rows).map_err(|e| self.segment.damaged(e))?;
        }
        let erased = || rows.iter().any(|row| row.salt.is_none());
        if !group.leaves && self.columns.has(column::LEAF) && erased() {
            let start = group.rows.start;
            let mut leaves =
                parts(&self.segment, &self.source, group.at, start, vec![column::LEAF])?;
            for part in &mut leaves {
                part.read(&runs, rows).map_err(|e| self.segment.damaged(e))?;
            }
            group.parts.append(&mut leaves);
            group.leaves = true;
        }
        Ok(())
    }

    /// The row group that holds a row.
    fn open(&self, row: u64) -> Result<Group, StoreError> {
        let missing = || self.segment.damaged(format!("it has no row {row}"));
        let (at, rows) = self.segment.group_of(row).ok_or_else(missing)?;
        let columns = self.columns.0.iter().copied();
        let columns = columns.filter(|&column| column != column::LEAF && self.segment.has(column));
        let parts = parts(&self.segment, &self.source, at, rows.start, columns.collect())?;
        Ok(Group { at, rows, parts, leaves: false })
    }
}

/// Columns of a row group that begins with row `next`.
fn parts(
    segment: &Segment,
    source: &Source,
    group: usize,
    next: u64,
    columns: Vec<usize>,
) -> Result<Vec<Part>, StoreError> {
    let readers = segment.columns(source, group, &columns)?;
    let part = |(column, reader)| Part { column, reader, next };
    Ok(columns.into_iter().zip(readers).map(part).collect())
}

impl Part {
    /// Decodes its values of `runs` into `rows`.
    fn read(&mut self, runs: &[Range<u64>], rows: &mut [Row]) -> Result<(), ParquetError> {
        let Self { column, reader, next } = self;
        decode(|| match reader {
            ColumnReader::ByteArrayColumnReader(r) => {
                values(r, next, runs, rows, |row, value| row.set_text(*column, value))
            }
            ColumnReader::Int64ColumnReader(r) => values(r, next, runs, rows, |row, value| {
                if *column == column::SEQ {
                    row.seq = value.cast_unsigned();
                } else {
                    row.read_at = Some(value);
                }
            }),
            ColumnReader::FixedLenByteArrayColumnReader(r) => {
                values(r, next, runs, rows, |row, value| {
                    if *column == column::LEAF {
                        row.leaf = value.data().try_into().ok().map(Digest);
                    } else {
                        row.salt = value.data().try_into().ok();
                    }
                })
            }
            _ => Err(ParquetError::General(format!("column {column} has another type"))),
        })
    }
}

impl Row {
    fn set_text(&mut self, column: usize, value: ByteArray) {
        match column {
            column::KEY => self.key = Some(value),
            column::KIND => self.kind = Some(value),
            column::OP => self.op = Op::parse(value.data()),
            column::BODY => self.body = Some(value),
            column::SOURCE => self.source = Some(value),
            column::REGION => self.region = Some(value),
            column::PROJECT => self.project = Some(value),
            column::NAME => self.name = Some(value),
            _ => {}
        }
    }
}

/// Hands over the values of `runs`, each with its row of `rows`; rows without a
/// value stay as they are. The reader stands before row `next` and ends after the
/// last run.
fn values<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    next: &mut u64,
    runs: &[Range<u64>],
    rows: &mut [Row],
    set: impl Fn(&mut Row, T::T),
) -> Result<(), ParquetError> {
    let short = || ParquetError::EOF("a column is shorter than others".into());
    let (mut levels, mut some) = (Vec::new(), Vec::new());
    let mut rows = rows.iter_mut();
    for run in runs {
        let skip = usize::try_from(run.start.saturating_sub(*next))?;
        if skip > 0 && reader.skip_records(skip)? != skip {
            return Err(short());
        }
        let mut left = usize::try_from(run.end - run.start)?;
        while left > 0 {
            levels.clear();
            some.clear();
            let (read, _, _) = reader.read_records(left, Some(&mut levels), None, &mut some)?;
            if read == 0 {
                return Err(short());
            }
            left -= read;
            let there = rows.by_ref().take(read).enumerate();
            // Where there are no levels each row has a value.
            let there = there.filter(|(i, _)| levels.get(*i).is_none_or(|level| *level > 0));
            there.zip(some.drain(..)).for_each(|((_, row), value)| set(row, value));
        }
        *next = run.end;
    }
    Ok(())
}
