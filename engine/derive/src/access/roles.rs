//! What roles grant, those that are aggregated from others included.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::{Fact, Timestamp};

use super::CLUSTER_ROLE;
use super::capability::Grants;
use super::read::{Role, Selector};

/// All roles, by key.
#[derive(Default)]
pub(super) struct Roles {
    by_key: BTreeMap<String, Entry>,
}

/// A role as bindings see it.
pub(super) struct Entry {
    /// What it grants, or why that cannot be told.
    pub(super) grants: Result<Grants, String>,
    /// Since when it, or what it is made of, was not seen.
    pub(super) unseen_since: Option<Timestamp>,
    labels: BTreeMap<String, String>,
    selectors: Vec<Selector>,
    cluster: bool,
}

impl Roles {
    /// Takes in a role. An error is one clause; the role is there nevertheless.
    pub(super) fn add(&mut self, fact: &Fact) -> Result<(), String> {
        let key = fact.resource.key.as_str();
        let read = Role::read(fact);
        let (role, problem) = match read {
            Ok(role) => (role, None),
            Err(why) => (Role::default(), Some(why)),
        };
        let grants = match &problem {
            None => {
                let mut grants = Grants::default();
                role.rules.iter().for_each(|rule| grants.add(rule));
                Ok(grants)
            }
            Some(why) => Err(format!("{key}: {why}")),
        };
        let entry = Entry {
            grants,
            unseen_since: fact.unseen_since,
            labels: role.labels,
            selectors: role.selectors,
            cluster: fact.resource.kind.as_str() == CLUSTER_ROLE,
        };
        self.by_key.insert(key.to_owned(), entry);
        problem.map_or(Ok(()), Err)
    }

    /// Gives aggregated roles what the roles that they choose have, and those
    /// that these choose in turn. What a selector with labels chooses is looked
    /// up by label, so that many aggregated roles do not cost their square.
    pub(super) fn aggregate(&mut self) {
        let keys: Vec<&String> = self.by_key.keys().collect();
        let cluster: Vec<(usize, &Entry)> =
            self.by_key.values().enumerate().filter(|(_, e)| e.cluster).collect();
        let mut by_label: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        for (n, entry) in &cluster {
            for (key, value) in &entry.labels {
                by_label.entry((key, value)).or_default().push(*n);
            }
        }
        let entries: Vec<&Entry> = self.by_key.values().collect();
        let everyone: Vec<usize> = cluster.iter().map(|(n, _)| *n).collect();
        let mut chosen: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (n, entry) in &cluster {
            for selector in &entry.selectors {
                let candidates = match selector.first_label() {
                    Some(pair) => by_label.get(&pair).map(Vec::as_slice).unwrap_or_default(),
                    None => &everyone,
                };
                let fits =
                    |c: &&usize| entries.get(**c).is_some_and(|e| selector.matches(&e.labels));
                chosen.entry(*n).or_default().extend(candidates.iter().filter(fits));
            }
        }
        let mut made = Vec::new();
        for n in chosen.keys() {
            let mut reached: BTreeSet<usize> = [*n].into();
            let mut open = vec![*n];
            while let Some(next) = open.pop() {
                let more = chosen.get(&next).into_iter().flatten();
                open.extend(more.filter(|c| reached.insert(**c)));
            }
            let parts = || reached.iter().filter_map(|r| entries.get(*r));
            let mut grants = Ok(Grants::default());
            for part in parts() {
                match (&mut grants, &part.grants) {
                    (Ok(all), Ok(more)) => all.merge(more),
                    (Ok(_), Err(why)) => grants = Err(why.clone()),
                    (Err(_), _) => {}
                }
            }
            let unseen = parts().filter_map(|p| p.unseen_since).min();
            made.extend(keys.get(*n).map(|key| ((*key).clone(), grants, unseen)));
        }
        for (key, grants, unseen_since) in made {
            if let Some(entry) = self.by_key.get_mut(&key) {
                entry.grants = grants;
                entry.unseen_since = unseen_since;
            }
        }
    }

    /// A role by key.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.by_key.get(key)
    }
}
