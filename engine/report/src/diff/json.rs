//! The difference as one JSON document, written as it is found;
//! `schemas/diff.schema.json` is its schema.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::{CoverageDiff, DiffOperation, DiffPoint, FindingsDiff, ResourceDiff};

/// Writes a difference: [`DiffJson::begin`], then resources, then
/// [`DiffJson::end`].
pub struct DiffJson<'w> {
    out: &'w mut dyn Write,
    counts: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Item<'d> {
    #[serde(flatten)]
    resource: &'d ResourceDiff,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    operations: Vec<DiffOperation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'d Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'d Value>,
}

impl<'w> DiffJson<'w> {
    /// The name and version of the shape.
    pub const SCHEMA: &'static str = "tidegate.diff/v1";

    /// Starts the document.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn begin(
        out: &'w mut dyn Write,
        from: &DiffPoint,
        to: &DiffPoint,
        coverage: &[CoverageDiff],
    ) -> io::Result<Self> {
        let [from, to] = [from, to].map(serde_json::to_string);
        let (from, to, coverage) = (from?, to?, serde_json::to_string(coverage)?);
        let schema = Self::SCHEMA;
        write!(out, "{{\"schema_version\":\"{schema}\",\"from\":{from},\"to\":{to},")?;
        write!(out, "\n\"coverage\":{coverage},\n\"resources\":[")?;
        Ok(Self { out, counts: BTreeMap::new() })
    }

    /// Writes one resource: the operations of a changed one, the whole body of
    /// one that was created or removed.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn resource(&mut self, resource: &ResourceDiff) -> io::Result<()> {
        self.out.write_all(if self.counts.is_empty() { b"\n" } else { b",\n" })?;
        *self.counts.entry(resource.change.name()).or_default() += 1;
        let both = resource.before.is_some() && resource.after.is_some();
        let item = Item {
            resource,
            operations: resource.operations(),
            before: resource.before.as_ref().filter(|_| !both),
            after: resource.after.as_ref().filter(|_| !both),
        };
        serde_json::to_writer(&mut *self.out, &item)?;
        Ok(())
    }

    /// Ends the document with the numbers and, where rules were asked, with what
    /// became of findings.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn end(self, findings: Option<&FindingsDiff>) -> io::Result<()> {
        write!(self.out, "\n],\n\"summary\":{}", serde_json::to_string(&self.counts)?)?;
        if let Some(findings) = findings {
            write!(self.out, ",\n\"findings\":{}", serde_json::to_string(findings)?)?;
        }
        self.out.write_all(b"}\n")?;
        self.out.flush()
    }
}
