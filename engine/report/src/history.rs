//! What became of one resource: its versions, and what rules said of each.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::Value;
use tidegate_model::{ResourceKey, RuleId, SnapshotId, Timestamp};

use crate::diff::{DiffKind, DiffOperation, DiffPoint, DiffTextOptions, draw, operations};
use crate::text::printable;

/// All versions of a resource; `schemas/history.schema.json`.
#[derive(Debug, Clone, Serialize)]
pub struct History {
    /// The shape of this document: `tidegate.history/v1`.
    pub schema_version: &'static str,
    /// The resource.
    pub key: ResourceKey,
    /// Its newest name, for display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The part of its body that was asked for: a JSON Pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Oldest first.
    pub versions: Vec<HistoryVersion>,
}

/// One version, or one value of the field that was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct HistoryVersion {
    /// What began it.
    pub change: DiffKind,
    /// The first snapshot for which it holds.
    pub from: DiffPoint,
    /// The first one for which it does not; absent if it holds to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DiffPoint>,
    /// Set where collections did not see it: the time it was last seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unseen_since: Option<Timestamp>,
    /// From the version before; empty for the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<DiffOperation>,
    /// The body, or the value of the field; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// What was said of it, each time that was not what was said before.
    pub verdicts: Vec<HistoryVerdict>,
}

/// What the rules said of a resource when a snapshot was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryVerdict {
    /// The snapshot judged.
    pub snapshot: SnapshotId,
    /// The rules that it broke.
    pub fail: Vec<RuleId>,
    /// The rules that could not judge it, or found no evidence.
    pub not_judged: Vec<RuleId>,
}

impl History {
    /// The name and version of the shape.
    pub const SCHEMA: &'static str = "tidegate.history/v1";

    /// From versions, oldest first, whose `value` is the whole body: fills in
    /// the operations, and keeps of the body the field that was asked for and of
    /// the versions those in which it has another value or the resource came,
    /// went or was not seen.
    #[must_use]
    pub fn new(
        key: ResourceKey,
        name: Option<String>,
        field: Option<String>,
        versions: Vec<HistoryVersion>,
    ) -> Self {
        let mut kept: Vec<HistoryVersion> = Vec::new();
        for mut version in versions {
            if let Some(field) = &field {
                version.value = version.value.and_then(|body| body.pointer(field).cloned());
            }
            let before = kept.last().and_then(|v| v.value.as_ref());
            if let (Some(before), Some(after)) = (before, &version.value) {
                version.operations = operations(before, after);
            }
            let same = version.change == DiffKind::Changed && before == version.value.as_ref();
            match kept.last_mut() {
                Some(last) if field.is_some() && same => {
                    last.until = version.until;
                    last.verdicts.append(&mut version.verdicts);
                }
                _ => kept.push(version),
            }
        }
        Self { schema_version: Self::SCHEMA, key, name, field, versions: kept }
    }
}

/// Draws a history, oldest version first.
///
/// # Errors
/// Those of `out`.
pub fn history_text(
    history: &History,
    options: DiffTextOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let History { schema_version: _, key, name, field, versions } = history;
    let paint = |style: Style, text: &str| draw::paint(options.color, style, text);
    let title = paint(Style::new().bold(), key.as_str());
    let name = name.as_deref().map(|n| format!("  {}", printable(n))).unwrap_or_default();
    let field = field.as_deref().map(|f| format!("  {}", printable(f))).unwrap_or_default();
    writeln!(out, "{title}{name}{field}\n")?;
    let mut before: Option<&Value> = None;
    for version in versions {
        let DiffPoint { snapshot, taken_at } = &version.from;
        let (what, color) = match version.change {
            DiffKind::Created => ("created", AnsiColor::Green),
            DiffKind::Changed => ("changed", AnsiColor::Cyan),
            DiffKind::Removed => ("removed", AnsiColor::Red),
            DiffKind::Unseen => ("not seen", AnsiColor::Yellow),
            DiffKind::Seen => ("seen again", AnsiColor::Yellow),
        };
        let what = paint(color.on_default().bold(), what);
        write!(out, "{taken_at:.0}  {snapshot}  {what}")?;
        match (&version.value, field.is_empty()) {
            (Some(value), false) => writeln!(out, "  {}", printable(&value.to_string()))?,
            (None, false) => writeln!(out, "  -")?,
            (Some(value), true) => {
                writeln!(out)?;
                if let Some(before) = before.filter(|b| *b != value) {
                    draw::bodies(out, options, before, value)?;
                }
            }
            (None, true) => writeln!(out)?,
        }
        for HistoryVerdict { snapshot, fail, not_judged } in &version.verdicts {
            let list = |rules: &[RuleId]| {
                let names: Vec<&str> = rules.iter().map(RuleId::as_str).collect();
                names.join(", ")
            };
            if fail.is_empty() && not_judged.is_empty() {
                writeln!(out, "    {snapshot}: no finding")?;
            }
            if !fail.is_empty() {
                let label = paint(AnsiColor::Red.on_default(), "fails");
                writeln!(out, "    {snapshot}: {label} {}", list(fail))?;
            }
            if !not_judged.is_empty() {
                let label = paint(AnsiColor::Yellow.on_default(), "not judged");
                writeln!(out, "    {snapshot}: {label} {}", list(not_judged))?;
            }
        }
        before = version.value.as_ref();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn version(seq: u64, change: DiffKind, value: Option<Value>) -> HistoryVersion {
        let point = |seq: u64| DiffPoint {
            snapshot: format!("prod1@{seq}").parse().unwrap(),
            taken_at: Timestamp::from_second(1_767_225_600 + 86_400 * seq as i64).unwrap(),
        };
        let fail: &[&str] = if seq == 2 { &["r-1"] } else { &[] };
        HistoryVersion {
            change,
            from: point(seq),
            until: Some(point(seq + 1)),
            unseen_since: None,
            operations: Vec::new(),
            value,
            verdicts: vec![HistoryVerdict {
                snapshot: point(seq).snapshot,
                fail: fail.iter().map(|r| RuleId::new(r).unwrap()).collect(),
                not_judged: Vec::new(),
            }],
        }
    }

    fn history(field: Option<&str>) -> History {
        let body = |status: &str, size: u64| Some(json!({"size": size, "status": status}));
        let versions = vec![
            version(1, DiffKind::Created, body("ACTIVE", 1)),
            version(2, DiffKind::Changed, body("ACTIVE", 2)),
            version(3, DiffKind::Changed, body("SHUTOFF", 2)),
            version(4, DiffKind::Removed, None),
        ];
        let key = ResourceKey::new("openstack/compute.server/r/1").unwrap();
        History::new(key, Some("web".to_owned()), field.map(str::to_owned), versions)
    }

    fn drawn(history: &History) -> String {
        let mut out = Vec::new();
        history_text(history, DiffTextOptions::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn versions_are_told_with_what_changed_and_what_rules_said() {
        assert_eq!(
            drawn(&history(None)),
            "\
openstack/compute.server/r/1  web

2026-01-02T00:00:00Z  prod1@1  created
    prod1@1: no finding
2026-01-03T00:00:00Z  prod1@2  changed
      {
    -   \"size\": 1,
    +   \"size\": 2,
        \"status\": \"ACTIVE\"
      }

    prod1@2: fails r-1
2026-01-04T00:00:00Z  prod1@3  changed
      {
        \"size\": 2,
    -   \"status\": \"ACTIVE\"
    +   \"status\": \"SHUTOFF\"
      }

    prod1@3: no finding
2026-01-05T00:00:00Z  prod1@4  removed
    prod1@4: no finding
"
        );
    }

    #[test]
    fn a_field_has_a_history_of_its_own() {
        let history = history(Some("/status"));
        let values: Vec<_> = history.versions.iter().map(|v| v.value.clone()).collect();
        assert_eq!(values, [Some(json!("ACTIVE")), Some(json!("SHUTOFF")), None]);
        let first = history.versions.first().unwrap();
        assert_eq!(first.until.as_ref().unwrap().snapshot.seq, 3);
        assert_eq!(first.verdicts.len(), 2, "what was said while it had that value");
        assert!(drawn(&history).contains("prod1@3  changed  \"SHUTOFF\"\n"));
        let absent = self::history(Some("/nonesuch"));
        assert_eq!(absent.versions.len(), 2, "only that it came and went");
    }

    #[test]
    fn the_json_fits_its_schema() {
        let schema: Value =
            serde_json::from_str(include_str!("../schemas/history.schema.json")).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut value = serde_json::to_value(history(None)).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        value["versions"][0]["change"] = "maybe".into();
        assert!(!validator.is_valid(&value), "the schema must be able to fail");
    }
}
