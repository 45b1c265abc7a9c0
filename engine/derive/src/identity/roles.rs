//! Roles and what they imply.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tidegate_model::Timestamp;

use super::read::{ById, Inference, Role};
use crate::earlier;

/// All roles. What is not listed has its id as its name.
#[derive(Debug, Default)]
pub(super) struct Roles {
    pub(super) roles: ById<Role>,
    /// By the role that implies others.
    pub(super) implied: ById<BTreeSet<String>>,
    /// When roles, and what they imply, were last seen, of those that were not.
    pub(super) unseen: BTreeMap<String, Timestamp>,
    reach: BTreeMap<String, Reach>,
}

/// What a granted role gives.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    /// Global roles by name: the names from the granted role on, both ends
    /// included.
    pub(super) roles: Result<BTreeMap<String, Vec<String>>, String>,
    /// The earliest time that something of this was last seen.
    pub(super) unseen: Option<Timestamp>,
}

impl Roles {
    pub(super) fn infer(&mut self, prior: &str, inference: Result<Inference, String>) {
        let implied = inference.map(|i| i.implies.into_iter().map(|role| role.id).collect());
        self.implied.insert(prior.to_owned(), implied);
    }

    pub(super) fn name<'r>(&'r self, id: &'r str) -> &'r str {
        match self.roles.get(id) {
            Some(Ok(role)) => &role.name,
            Some(Err(_)) | None => id,
        }
    }

    /// Whether a role is a domain's own, which nobody holds by its name.
    pub(super) fn is_of_domain(&self, id: &str) -> bool {
        matches!(self.roles.get(id), Some(Ok(role)) if role.domain_id.is_some())
    }

    /// Finds out what some roles give.
    pub(super) fn settle(&mut self, granted: BTreeSet<String>) {
        self.reach = granted
            .into_iter()
            .map(|id| {
                let reach = self.search(&id);
                (id, reach)
            })
            .collect();
    }

    /// What a role gives; only after [`Roles::settle`] with it.
    pub(super) fn reach(&self, granted: &str) -> Option<&Reach> {
        self.reach.get(granted)
    }

    /// Breadth first, so that each role is found by the fewest inferences, and
    /// circles end.
    fn search(&self, granted: &str) -> Reach {
        let mut found = BTreeMap::new();
        let mut wrong: Vec<&String> = Vec::new();
        let mut unseen = None;
        let mut known = BTreeSet::from([granted.to_owned()]);
        let mut next = VecDeque::from([(granted.to_owned(), vec![self.name(granted).to_owned()])]);
        while let Some((id, path)) = next.pop_front() {
            unseen = earlier(unseen, self.unseen.get(&id).copied());
            match self.roles.get(&id) {
                // A domain's own role is in no token.
                Some(Ok(role)) if role.domain_id.is_some() => {}
                Some(Err(why)) => wrong.push(why),
                Some(Ok(_)) | None => {
                    found.entry(self.name(&id).to_owned()).or_insert_with(|| path.clone());
                }
            }
            let implied = match self.implied.get(&id) {
                Some(Ok(implied)) => implied,
                Some(Err(why)) => {
                    wrong.push(why);
                    continue;
                }
                None => continue,
            };
            let mut implied: Vec<(&str, &String)> =
                implied.iter().map(|id| (self.name(id), id)).collect();
            implied.sort_unstable();
            for (name, id) in implied {
                if known.insert(id.clone()) {
                    let path = path.iter().cloned().chain([name.to_owned()]).collect();
                    next.push_back((id.clone(), path));
                }
            }
        }
        let roles = match wrong.into_iter().min() {
            Some(why) => Err(why.clone()),
            None => Ok(found),
        };
        Reach { roles, unseen }
    }
}
