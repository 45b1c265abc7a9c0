//! Which kinds of a snapshot constraints and templates are about, and how well
//! they were seen.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::{AbortCode, Cause, Facts, FactsError, Kind, KindCoverage, Needed, Status};
use tidegate_policy::rego::Inventory;

use crate::matching::Match;

/// The kinds of Kubernetes in a snapshot.
pub(crate) struct Kinds<'f> {
    coverage: BTreeMap<&'f Kind, Vec<&'f KindCoverage>>,
    /// What the API server serves, as kinds; absent if that is not known.
    served: Option<BTreeSet<String>>,
}

/// Some kinds, and what cannot be told of them.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) kinds: BTreeSet<Kind>,
    pub(crate) gaps: BTreeSet<Cause>,
}

/// What the collector says of the API server.
const API: &str = "kubernetes.api";

impl<'f> Kinds<'f> {
    pub(crate) fn new(facts: &'f dyn Facts) -> Result<Self, FactsError> {
        let mut coverage: BTreeMap<&Kind, Vec<&KindCoverage>> = BTreeMap::new();
        for entry in facts.meta().coverage.iter().filter(|c| split(&c.kind).is_some()) {
            coverage.entry(&entry.kind).or_default().push(entry);
        }
        let mut served = None;
        let entries = facts.meta().coverage.iter().filter(|c| c.kind.as_str() == API);
        if let Some(api) = entries.into_iter().next()
            && matches!(api.status, Status::Complete { .. })
        {
            let mut kinds = BTreeSet::new();
            facts.each(&api.kind, &mut |fact| {
                let body = serde_json::from_str::<serde_json::Value>(&fact.resource.body);
                let body = body.unwrap_or_default();
                let text = |name: &str| body.get(name).and_then(serde_json::Value::as_str);
                if let (Some(group), Some(kind)) = (text("group"), text("kind")) {
                    kinds.insert(name(group, kind));
                }
            })?;
            served = Some(kinds);
        }
        Ok(Self { coverage, served })
    }

    /// Namespaces, whose labels selectors ask for.
    pub(crate) fn namespace(&self) -> Option<Kind> {
        Kind::new("core.Namespace").ok()
    }

    /// The kinds that a constraint may be about. One that is named and that the
    /// snapshot does not know is a gap, unless the server does not serve it.
    pub(crate) fn about(&self, criteria: &Match) -> Found {
        let mut found = Found::default();
        for kind in self.coverage.keys() {
            if let Some((group, name)) = split(kind)
                && criteria.takes(group, name)
            {
                found.kinds.insert((*kind).clone());
            }
        }
        let gaps: Vec<Cause> = found.kinds.iter().filter_map(|kind| self.gap(kind)).collect();
        found.gaps.extend(gaps);
        for entry in &criteria.kinds {
            for kind in entry.kinds.iter().filter(|k| *k != "*") {
                let groups = entry.api_groups.iter().filter(|g| *g != "*");
                found.gaps.extend(self.unknown(groups.map(String::as_str), kind));
            }
        }
        found
    }

    /// The kinds that a template reads of the inventory.
    pub(crate) fn read(&self, inventory: &Inventory) -> Found {
        let mut found = Found::default();
        match inventory {
            Inventory::Nothing => {}
            Inventory::Everything => {
                found.kinds.extend(self.coverage.keys().map(|kind| (*kind).clone()));
            }
            Inventory::Kinds(reads) => {
                for read in reads {
                    let group = read
                        .api_version
                        .as_ref()
                        .map(|version| version.rsplit_once('/').map_or("", |(group, _)| group));
                    let fits = |kind: &&&Kind| {
                        split(kind).is_some_and(|(g, name)| {
                            name == read.kind && group.is_none_or(|group| group == g)
                        })
                    };
                    found.kinds.extend(self.coverage.keys().filter(fits).map(|k| (*k).clone()));
                    found.gaps.extend(self.unknown(group, &read.kind));
                }
            }
        }
        found
    }

    /// A kind that is named and was not collected in any of its groups, of all
    /// groups if none is named.
    fn unknown<'g>(&self, groups: impl IntoIterator<Item = &'g str>, kind: &str) -> Option<Cause> {
        let groups: Vec<&str> = groups.into_iter().collect();
        let there = |group: &str| {
            let fits = |k: &&&Kind| split(k).is_some_and(|(g, n)| n == kind && g == group);
            self.coverage.keys().any(|k| fits(&k))
        };
        let anywhere = self.coverage.keys().any(|k| split(k).is_some_and(|(_, n)| n == kind));
        let seen = if groups.is_empty() { anywhere } else { groups.iter().any(|g| there(g)) };
        let not_served = self.served.as_ref().is_some_and(|served| match groups.as_slice() {
            [] => !served.iter().any(|k| k.rsplit('.').next() == Some(kind)),
            groups => !groups.iter().any(|g| served.contains(&name(g, kind))),
        });
        if seen || not_served {
            return None;
        }
        let full = groups.first().map_or_else(|| kind.to_owned(), |group| name(group, kind));
        let message = format!("`{full}`: it was not collected");
        Some(Cause { code: AbortCode::Coverage, message })
    }

    /// Why a kind was not seen well enough.
    pub(crate) fn gap(&self, kind: &Kind) -> Option<Cause> {
        let entries = self.coverage.get(kind).map(Vec::as_slice).unwrap_or_default();
        let cause = |code, text: String| Some(Cause { code, message: format!("`{kind}`: {text}") });
        let Some(worst) = entries.iter().max_by_key(|c| c.status.rank()) else {
            return cause(AbortCode::Coverage, "it was not collected".to_owned());
        };
        match &worst.status {
            Status::Subset { .. }
            | Status::Forbidden
            | Status::Failed { .. }
            | Status::Inconsistent => cause(AbortCode::Coverage, worst.status.to_string()),
            Status::Complete { .. } | Status::Absent => {
                let weak = entries.iter().find(|c| !c.visibility.suffices(Needed::All))?;
                let text = format!("visibility is {}, needed is all", weak.visibility);
                cause(AbortCode::Visibility, text)
            }
        }
    }

    /// Kinds in a group, in order.
    pub(crate) fn of_group(&self, group: &str) -> Vec<Kind> {
        let fits = |kind: &&&Kind| split(kind).is_some_and(|(g, _)| g == group);
        self.coverage.keys().filter(fits).map(|k| (*k).clone()).collect()
    }
}

/// API group and kind of a kind of Kubernetes: `apps.Deployment`. Derived kinds
/// and those of other systems begin with a small letter.
fn split(kind: &Kind) -> Option<(&str, &str)> {
    let (group, name) = kind.as_str().rsplit_once('.')?;
    let is = name.starts_with(|c: char| c.is_ascii_uppercase());
    is.then_some((if group == "core" { "" } else { group }, name))
}

fn name(group: &str, kind: &str) -> String {
    format!("{}.{kind}", if group.is_empty() { "core" } else { group })
}
