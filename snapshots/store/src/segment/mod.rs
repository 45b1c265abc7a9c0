//! Segments: what changed in one snapshot or in several that follow each other,
//! as a Parquet file.
//!
//! Rows stand in order of (kind, key, seq): each key once for each snapshot that
//! changed it. A row group ends after about 4 MB, or after 1 MB where a kind
//! ends, so that one kind can be read without most of the others. Columns are
//! written without Arrow. The first format, v1, is the same without `seq`: it
//! holds one snapshot.

mod cursor;
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
    use super::*;

    #[test]
    fn the_schema_has_twelve_columns() {
        assert_eq!(SCHEMA.get_fields().len(), 12);
    }
}
