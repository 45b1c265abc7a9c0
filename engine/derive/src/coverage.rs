//! The coverage of a derived kind: the worst of its inputs, per region.

use std::collections::BTreeSet;
use std::sync::Arc;

use tidegate_model::{Kind, KindCoverage, SnapshotMeta, Status, Visibility};

use crate::{Need, Row};

/// The entries of a derived kind, one for each region that its inputs were
/// listed for. None if none of them was: it was not collected.
pub(crate) fn of(row: &Row, kind: &Kind, meta: &SnapshotMeta) -> Vec<KindCoverage> {
    let inputs: Vec<(&str, Need, Vec<&KindCoverage>)> = row
        .inputs
        .iter()
        .filter(|i| i.need != Need::Detail)
        .map(|i| {
            let entries = meta.coverage.iter().filter(|c| c.kind.as_str() == i.kind).collect();
            (i.kind, i.need, entries)
        })
        .collect();
    let all = || inputs.iter().flat_map(|(_, _, entries)| entries.iter().copied());
    let mut regions: BTreeSet<Option<&Arc<str>>> = all().map(|c| c.region.as_ref()).collect();
    if regions.iter().any(Option::is_some) {
        // What has no region belongs to each.
        regions.remove(&None);
    }
    let (Some(read_from), Some(read_until)) =
        (all().map(|c| c.read_from).min(), all().map(|c| c.read_until).max())
    else {
        return Vec::new();
    };
    let entry = |region: Option<&Arc<str>>| {
        let mut status = Status::Complete { count: 0 };
        let mut visibility = Visibility::All;
        for (input, need, entries) in &inputs {
            let here = |c: &&&KindCoverage| c.region.is_none() || c.region.as_ref() == region;
            let mut listed = entries.iter().filter(here).peekable();
            if listed.peek().is_none() {
                let reason = format!("`{input}` was not collected");
                status = worse(status, Status::Failed { reason });
            }
            for coverage in listed {
                status = worse(status, named(input, *need, &coverage.status));
                visibility = narrower(visibility, coverage.visibility.clone());
            }
        }
        KindCoverage {
            source: Arc::from("tidegate/derived"),
            region: region.map(Arc::clone),
            kind: kind.clone(),
            status,
            visibility,
            read_from,
            read_until,
        }
    };
    regions.into_iter().map(entry).collect()
}

/// How an input went, as part of what it is an input of.
fn named(input: &str, need: Need, status: &Status) -> Status {
    match status {
        Status::Complete { .. } => status.clone(),
        Status::Absent if need == Need::ListedOrAbsent => Status::Complete { count: 0 },
        Status::Absent => Status::Absent,
        Status::Subset { .. }
        | Status::Forbidden
        | Status::Failed { .. }
        | Status::Inconsistent => Status::Failed { reason: format!("`{input}`: {status}") },
    }
}

/// The worse of two; the numbers of two that are complete are added.
fn worse(a: Status, b: Status) -> Status {
    match (a, b) {
        (Status::Complete { count: a }, Status::Complete { count: b }) => {
            Status::Complete { count: a.saturating_add(b) }
        }
        (a, b) if b.rank() > a.rank() => b,
        (a, _) => a,
    }
}

/// What is seen under both.
fn narrower(a: Visibility, b: Visibility) -> Visibility {
    if a.contains(&b) {
        return b;
    }
    if b.contains(&a) {
        return a;
    }
    match (a, b) {
        (Visibility::Projects(a), Visibility::Projects(b)) => {
            Visibility::Projects(a.intersection(&b).cloned().collect())
        }
        (Visibility::Namespaces(a), Visibility::Namespaces(b)) => {
            Visibility::Namespaces(a.intersection(&b).cloned().collect())
        }
        // Whose projects a domain has is not known, and so on.
        (
            Visibility::All
            | Visibility::Domain(_)
            | Visibility::Projects(_)
            | Visibility::Namespaces(_)
            | Visibility::Public,
            _,
        ) => Visibility::Public,
    }
}
