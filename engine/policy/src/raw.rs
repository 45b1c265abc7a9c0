//! Bytes that are carried as they are.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes, read in place and written in one go: serde by itself writes a slice of
/// bytes one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Raw<'c>(pub(crate) Cow<'c, [u8]>);

impl Raw<'_> {
    /// Numbers of 4 bytes.
    pub(crate) fn of_numbers(numbers: impl ExactSizeIterator<Item = u32>) -> Raw<'static> {
        let mut bytes = Vec::with_capacity(numbers.len() * 4);
        numbers.for_each(|n| bytes.extend_from_slice(&n.to_le_bytes()));
        Raw(Cow::Owned(bytes))
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        let (chunks, _) = self.0.as_chunks();
        chunks.iter().copied().map(u32::from_le_bytes)
    }

    #[cfg(test)]
    pub(crate) fn into_owned(self) -> Raw<'static> {
        Raw(Cow::Owned(self.0.into_owned()))
    }
}

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de: 'c, 'c> Deserialize<'de> for Raw<'c> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = &'de [u8];

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(bytes)
            }
        }
        deserializer.deserialize_bytes(Bytes).map(|b| Self(Cow::Borrowed(b)))
    }
}
