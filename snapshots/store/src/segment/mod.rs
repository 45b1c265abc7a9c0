//! Segments: what changed in one snapshot or in several that follow each other,
//! as a Parquet file.
//!
//! Rows stand in order of (kind, key, seq): each key once for each snapshot that
//! changed it. A row group ends after about 4 MB, or after 1 MB where a kind
//! ends, so that one kind can be read without most of the others. Columns are
//! written without Arrow. The first format, v1, is the same without `seq`: it
//! holds one snapshot.

mod cursor;
mod pages;
mod read;
mod write;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use parquet::errors::ParquetError;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{Type, TypePtr};
use tidegate_model::ChangeOp;

pub(crate) use cursor::{Columns, Cursor, Row};
pub(crate) use read::{Segment, Source};
pub(crate) use write::{Content, NewRow, Packing, PutRow, SegmentWriter};

/// What a row says about its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// New, or its body or place changed.
    Put,
    /// Gone.
    Remove,
    /// Not seen, though it may still be there.
    Unseen,
    /// Seen again, unchanged.
    Seen,
}

impl Op {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Remove => "remove",
            Self::Unseen => "unseen",
            Self::Seen => "seen",
        }
    }

    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        [Self::Put, Self::Remove, Self::Unseen, Self::Seen]
            .into_iter()
            .find(|op| op.as_str().as_bytes() == text)
    }
}

impl From<Op> for ChangeOp {
    fn from(op: Op) -> Self {
        match op {
            Op::Put => Self::Put,
            Op::Remove => Self::Remove,
            Op::Unseen => Self::Unseen,
            Op::Seen => Self::Seen,
        }
    }
}

/// The columns in file order. Times are in microseconds: engines that read
/// Parquet elsewhere agree on those, and not on nanoseconds.
const MESSAGE: &str = "message tidegate_segment_v2 {
  REQUIRED BYTE_ARRAY key (STRING);
  REQUIRED BYTE_ARRAY kind (STRING);
  REQUIRED BYTE_ARRAY op (STRING);
  OPTIONAL BYTE_ARRAY body (STRING);
  OPTIONAL FIXED_LEN_BYTE_ARRAY(16) salt;
  OPTIONAL BYTE_ARRAY source (STRING);
  OPTIONAL INT64 read_at (TIMESTAMP(MICROS,true));
  OPTIONAL BYTE_ARRAY region (STRING);
  OPTIONAL BYTE_ARRAY project (STRING);
  OPTIONAL BYTE_ARRAY name (STRING);
  OPTIONAL FIXED_LEN_BYTE_ARRAY(32) leaf;
  REQUIRED INT64 seq;
}";

/// Positions in [`MESSAGE`].
mod column {
    pub(super) const KEY: usize = 0;
    pub(super) const KIND: usize = 1;
    pub(super) const OP: usize = 2;
    pub(super) const BODY: usize = 3;
    pub(super) const SALT: usize = 4;
    pub(super) const SOURCE: usize = 5;
    pub(super) const READ_AT: usize = 6;
    pub(super) const REGION: usize = 7;
    pub(super) const PROJECT: usize = 8;
    pub(super) const NAME: usize = 9;
    pub(super) const LEAF: usize = 10;
    pub(super) const SEQ: usize = 11;
}

static SCHEMA: LazyLock<TypePtr> = LazyLock::new(|| {
    // The text is a constant and a test reads it, so the fallback is not met.
    let empty = || Type::group_type_builder("tidegate_segment_v2").build();
    Arc::new(
        parse_message_type(MESSAGE)
            .or_else(|_| empty())
            .unwrap_or_else(|_| unreachable!("a group without fields is a valid schema")),
    )
});

/// Calls the decoder of Parquet. It is meant for files that somebody made in
/// good faith, and panics on some that have their right hash and make no sense;
/// that becomes an error like any other.
fn decode<T>(call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(ParquetError::General("it cannot be decoded".to_owned())))
}

#[cfg(test)]
mod tests {
    use std::iter::once;

    use bytes::Bytes;
    use object_store::path::Path;
    use tidegate_model::{Digest, Kind};

    use super::*;
    use crate::fail::Fail;
    use crate::layout::LiveSegment;

    #[test]
    fn the_schema_has_twelve_columns() {
        assert_eq!(SCHEMA.get_fields().len(), 12);
    }

    fn body(n: u64) -> Bytes {
        format!("{{\"n\":{n},\"text\":\"{}\"}}", n.to_string().repeat(20_000)).into()
    }

    /// Of every 50 rows one was erased and one is a removal.
    fn row(n: u64) -> NewRow {
        let content = match n % 50 {
            7 => Content::Erased { leaf: Digest::of(&n.to_be_bytes()) },
            _ => Content::Whole { body: body(n), salt: [n as u8; 16] },
        };
        let put = PutRow {
            content,
            source: "test".into(),
            read_at: n.cast_signed(),
            region: n.is_multiple_of(3).then(|| "r".into()),
            project: None,
            name: Some(format!("name-{n}").into()),
        };
        NewRow {
            key: format!("s/k/{n:06}").into(),
            kind: if n < 130 { "a.first".into() } else { "b.second".into() },
            op: if n % 50 == 20 { Op::Remove } else { Op::Put },
            seq: 1 + n,
            put: (n % 50 != 20).then_some(put),
        }
    }

    #[test]
    fn any_rows_are_read_as_they_were_written() {
        const ROWS: u64 = 330;
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut out =
            SegmentWriter::new(file.reopen().unwrap(), Packing::Fast, Fail::default()).unwrap();
        (0..ROWS).for_each(|n| assert_eq!(out.push(row(n)).unwrap(), n));
        let sha256 = out.finish().unwrap().sha256;
        let bytes = Bytes::from(std::fs::read(file.path()).unwrap());
        let named = LiveSegment { name: "b".into(), sha256, from: 1, to: ROWS };
        let segment = Segment::open(Path::from("a/b"), &bytes, &named).unwrap();
        // Whole groups of one kind, and one group with the end of a kind in it.
        assert_eq!(segment.rows_of(&Kind::new("a.first").unwrap()), 0..130);
        assert_eq!(segment.rows_of(&Kind::new("b.second").unwrap()), 130..ROWS);
        assert!(segment.group_of(ROWS - 1).unwrap().0 >= 3, "of several groups");

        let every = |step: usize| (0..ROWS).step_by(step).map(|n| n..n + 1).collect::<Vec<_>>();
        let runs = [
            vec![0..100, 100..ROWS],
            every(1),
            every(2),
            every(7),
            every(129),
            vec![5..5, 20..21, 57..58, 57..57, 120..140, ROWS - 1..ROWS],
        ];
        for runs in runs {
            for columns in [Columns::ALL, Columns::FACTS, Columns::COUNTS] {
                let source = Source::Whole(bytes.clone());
                let mut cursor = Cursor::new(&segment, &source, columns, runs.clone());
                for n in runs.iter().flat_map(Clone::clone) {
                    let (read, new) = (cursor.next().unwrap().unwrap(), row(n));
                    let erased =
                        matches!(&new.put, Some(PutRow { content: Content::Erased { .. }, .. }));
                    assert_eq!(read.leaf.is_some(), erased, "{n}");
                    if columns.has(column::SEQ) {
                        assert_eq!((read.seq, read.op), (new.seq, Some(new.op)));
                    }
                    if columns.has(column::BODY) {
                        assert_eq!(read.key(), new.key);
                        let put = new.put.as_ref();
                        assert_eq!(read.body(), put.and_then(PutRow::body).as_deref(), "{n}");
                        assert_eq!(read.salt.is_some(), put.is_some() && !erased, "{n}");
                        assert_eq!(read.region(), put.and_then(|p| p.region.as_deref()));
                        assert_eq!(read.name(), put.and_then(|p| p.name.as_deref()));
                        assert_eq!(read.read_at, put.map(|p| p.read_at));
                    }
                }
                assert!(cursor.next().unwrap().is_none());
            }
        }
        let mut cursor =
            Cursor::new(&segment, &Source::Whole(bytes), Columns::ALL, once(ROWS - 1..ROWS + 1));
        assert!(cursor.next().unwrap().is_some());
        let e = cursor.next().unwrap_err().to_string();
        assert!(e.contains("a/b") && e.contains("no row 330"), "{e}");
    }
}
