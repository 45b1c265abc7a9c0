//! Which tables there are, and what their columns are.
//!
//! The names depend on `kinds.txt` alone, never on what a store holds: a saved
//! query means the same everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use tidegate_model::Kind;

use crate::value::Type;

/// A table that can be read.
#[derive(Debug)]
pub(crate) struct Table {
    /// As it is listed.
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) columns: Vec<Column>,
}

/// What the rows of a table are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The resources of a kind at the snapshot.
    Kind(Kind),
    /// The resources of all kinds at the snapshot.
    Resources,
    /// Every version of every resource up to the snapshot.
    History,
    /// The snapshots up to it.
    Snapshots,
    /// What each of them covered.
    Coverage,
    /// What rules said of each, as recorded then.
    Verdicts,
    /// What was not a pass.
    Findings,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) field: Field,
}

/// Where the value of a column comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Field {
    Subject,
    Snapshot,
    Key,
    Kind,
    Id,
    Name,
    Project,
    Region,
    Source,
    ReadAt,
    UnseenSince,
    Body,
    /// What stands in the body at a JSON Pointer.
    Pointer(String),
    /// Of a version: what began it, what ended it, from when to when.
    Change,
    Ended,
    Seq,
    UntilSeq,
    ValidFrom,
    ValidTo,
    /// Of other rows: the value at this position.
    At(usize),
}

/// What the rows of the tables below begin with, in order.
const HEAD: [(&str, Type); 5] = [
    ("subject", Type::Text),
    ("snapshot", Type::Text),
    ("seq", Type::Integer),
    ("taken_at", Type::Text),
    ("current", Type::Integer),
];

/// The columns of `snapshots` after [`HEAD`], in order; so also below.
pub(crate) const SNAPSHOTS: &[(&str, Type)] = &[
    ("resources", Type::Integer),
    ("kinds", Type::Integer),
    ("gaps", Type::Integer),
    ("tool_version", Type::Text),
    ("manifest_sha256", Type::Text),
];

pub(crate) const COVERAGE: &[(&str, Type)] = &[
    ("kind", Type::Text),
    ("region", Type::Text),
    ("source", Type::Text),
    ("status", Type::Text),
    ("detail", Type::Text),
    ("visibility", Type::Text),
    ("read_from", Type::Text),
    ("read_until", Type::Text),
];

pub(crate) const VERDICTS: &[(&str, Type)] = &[
    ("record", Type::Integer),
    ("judged_at", Type::Text),
    ("reference_time", Type::Text),
    ("rule_set", Type::Text),
    ("rule", Type::Text),
    ("verdict", Type::Text),
    ("pass", Type::Integer),
    ("fail", Type::Integer),
    ("abort", Type::Integer),
    ("missing", Type::Integer),
];

pub(crate) const FINDINGS: &[(&str, Type)] = &[
    ("record", Type::Integer),
    ("judged_at", Type::Text),
    ("rule", Type::Text),
    ("verdict", Type::Text),
    ("key", Type::Text),
    ("kind", Type::Text),
    ("id", Type::Text),
    ("name", Type::Text),
    ("project", Type::Text),
    ("region", Type::Text),
    ("message", Type::Text),
    ("cause", Type::Text),
    ("violations", Type::Text),
];

/// A line of `kinds.txt`.
struct Known {
    kind: Kind,
    led: bool,
    columns: Vec<Column>,
}

static KNOWN: LazyLock<Vec<Known>> =
    LazyLock::new(|| include_str!("kinds.txt").lines().filter_map(known).collect());

fn known(line: &str) -> Option<Known> {
    let mut words = line.split_whitespace();
    let first = words.next().filter(|word| !word.starts_with('#'))?;
    let kind = Kind::new(first.trim_start_matches('*')).ok()?;
    let column = |word: &str| {
        let (name, pointer) = word.split_once('=').unwrap_or((word, ""));
        let (name, ty) = match name.strip_suffix(":int") {
            Some(name) => (name, Type::Integer),
            None => (name, Type::Text),
        };
        let pointer = if pointer.is_empty() { format!("/{name}") } else { pointer.to_owned() };
        Column { name: name.to_owned(), ty, field: Field::Pointer(pointer) }
    };
    Some(Known { kind, led: first.starts_with('*'), columns: words.map(column).collect() })
}

/// All tables, those of all known kinds and of `others`, by name in lower case.
pub(crate) fn tables(others: &BTreeSet<Kind>) -> BTreeMap<String, Table> {
    let mut tables = BTreeMap::new();
    let mut add = |name: String, source, columns| {
        let place = tables.entry(name.to_ascii_lowercase());
        place.or_insert_with(|| Table { name, source, columns });
    };
    for (name, source, columns) in [
        ("snapshots", Source::Snapshots, SNAPSHOTS),
        ("coverage", Source::Coverage, COVERAGE),
        ("verdicts", Source::Verdicts, VERDICTS),
        ("findings", Source::Findings, FINDINGS),
    ] {
        let at = |(i, &(name, ty)): (usize, &(&str, Type))| Column {
            name: name.to_owned(),
            ty,
            field: Field::At(i),
        };
        add(name.to_owned(), source, HEAD.iter().chain(columns).enumerate().map(at).collect());
    }
    add("resources".to_owned(), Source::Resources, around(&[]));
    add("history".to_owned(), Source::History, history());
    let mut taken: BTreeSet<String> =
        ["snapshots", "coverage", "verdicts", "findings", "resources", "history"]
            .map(str::to_owned)
            .into();
    for known in KNOWN.iter() {
        let mut name = things(&known.kind);
        if known.led || taken.contains(&name) {
            name = led(&known.kind);
        }
        taken.insert(name.clone());
        add(name, Source::Kind(known.kind.clone()), around(&known.columns));
    }
    for kind in others.iter().filter(|k| KNOWN.iter().all(|known| known.kind != **k)) {
        add(led(kind), Source::Kind(kind.clone()), around(&[]));
    }
    tables
}

/// The columns of resources, with those of a kind.
fn around(own: &[Column]) -> Vec<Column> {
    let before = [
        ("id", Field::Id),
        ("name", Field::Name),
        ("project", Field::Project),
        ("region", Field::Region),
    ];
    let after = [
        ("subject", Field::Subject),
        ("snapshot", Field::Snapshot),
        ("key", Field::Key),
        ("kind", Field::Kind),
        ("source", Field::Source),
        ("read_at", Field::ReadAt),
        ("unseen_since", Field::UnseenSince),
        ("body", Field::Body),
    ];
    let text = |(name, field): (&str, Field)| Column { name: name.into(), ty: Type::Text, field };
    let own = own.iter().map(|c| Column { name: c.name.clone(), ty: c.ty, field: c.field.clone() });
    before.into_iter().map(text).chain(own).chain(after.into_iter().map(text)).collect()
}

fn history() -> Vec<Column> {
    let all = [
        ("valid_from", Type::Text, Field::ValidFrom),
        ("valid_to", Type::Text, Field::ValidTo),
        ("change", Type::Text, Field::Change),
        ("ended", Type::Text, Field::Ended),
        ("kind", Type::Text, Field::Kind),
        ("id", Type::Text, Field::Id),
        ("name", Type::Text, Field::Name),
        ("project", Type::Text, Field::Project),
        ("region", Type::Text, Field::Region),
        ("subject", Type::Text, Field::Subject),
        ("seq", Type::Integer, Field::Seq),
        ("until_seq", Type::Integer, Field::UntilSeq),
        ("key", Type::Text, Field::Key),
        ("source", Type::Text, Field::Source),
        ("read_at", Type::Text, Field::ReadAt),
        ("unseen_since", Type::Text, Field::UnseenSince),
        ("body", Type::Text, Field::Body),
    ];
    all.into_iter().map(|(name, ty, field)| Column { name: name.to_owned(), ty, field }).collect()
}

/// `compute.server_group` → `server_groups`, `core.NetworkPolicy` →
/// `network_policies`.
fn things(kind: &Kind) -> String {
    let thing = kind.as_str().rsplit('.').next().unwrap_or_default();
    plural(&snake(thing))
}

/// `network.flavor` → `network_flavors`.
fn led(kind: &Kind) -> String {
    let (service, thing) = kind.as_str().rsplit_once('.').unwrap_or_default();
    let service: String = service
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect();
    format!("{service}_{}", plural(&snake(thing)))
}

/// `PodDisruptionBudget` → `pod_disruption_budget`.
fn snake(thing: &str) -> String {
    let mut text = String::new();
    let mut before = 'A';
    for c in thing.chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            text.push('_');
        }
        text.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
        before = c;
    }
    text
}

fn plural(thing: &str) -> String {
    let vowel = |c: char| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u');
    match thing.strip_suffix('y') {
        Some(stem) if !stem.ends_with(vowel) => return format!("{stem}ies"),
        _ => {}
    }
    if ["s", "x", "ch", "sh"].iter().any(|end| thing.ends_with(end)) {
        return format!("{thing}es");
    }
    format!("{thing}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(others: &[&str]) -> BTreeMap<String, String> {
        let others = others.iter().map(|k| Kind::new(k).unwrap()).collect();
        let tables = tables(&others).into_values();
        let kind = |t: Table| match t.source {
            Source::Kind(kind) => Some((kind.to_string(), t.name)),
            _ => None,
        };
        tables.filter_map(kind).collect()
    }

    #[track_caller]
    fn check(kind: &str, name: &str) {
        assert_eq!(names(&[kind]).get(kind).map(String::as_str), Some(name));
    }

    #[test]
    fn tables_are_named_by_things() {
        check("compute.server", "servers");
        check("compute.flavor", "flavors");
        check("network.flavor", "network_flavors");
        check("core.Node", "nodes");
        check("baremetal.node", "baremetal_nodes");
        check("core.Pod", "pods");
        check("compute.service", "compute_services");
        check("identity.service", "identity_services");
        check("block-storage.snapshot", "block_storage_snapshots");
        check("network.rbac_policy", "rbac_policies");
        check("networking.k8s.io.NetworkPolicy", "network_policies");
        check("networking.k8s.io.Ingress", "ingresses");
        check("identity.registered_limit", "registered_limits");
        check("example.org.FooBar", "example_org_foo_bars");
        check("other.server", "other_servers");
    }

    #[test]
    fn what_else_a_store_holds_renames_no_table() {
        let few = names(&[]);
        let many = names(&["a.server", "compute.servers", "aaa.port", "zzz.Pod"]);
        for (kind, name) in few {
            assert_eq!(many.get(&kind), Some(&name));
        }
    }

    #[test]
    fn every_line_is_a_kind_of_its_own_and_no_column_comes_twice() {
        let lines = include_str!("kinds.txt").lines();
        let lines = lines.filter(|l| !l.is_empty() && !l.starts_with('#')).count();
        let kinds: BTreeSet<_> = KNOWN.iter().map(|k| k.kind.clone()).collect();
        assert_eq!((lines, kinds.len()), (KNOWN.len(), KNOWN.len()));
        for table in tables(&BTreeSet::new()).into_values() {
            let columns: BTreeSet<_> = table.columns.iter().map(|c| c.name.as_str()).collect();
            assert_eq!(columns.len(), table.columns.len(), "{}", table.name);
        }
        let led = tables(&BTreeSet::new());
        let of_kinds = led.values().filter(|t| matches!(t.source, Source::Kind(_))).count();
        assert_eq!(of_kinds, KNOWN.len(), "two kinds want one table");
    }
}
