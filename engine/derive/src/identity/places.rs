//! Projects and domains, and which are above which.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::{Fact, Facts, FactsError, Timestamp};

use super::each;
use super::read::{ById, Place, Scope};
use crate::earlier;

/// Projects and domains.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(super) projects: ById<Place>,
    pub(super) domains: ById<Place>,
    /// When those were last seen that were not.
    pub(super) unseen: BTreeMap<String, Timestamp>,
}

/// Where a role has to be held to count in a project.
#[derive(Debug)]
pub(crate) struct Above {
    /// As facts have them.
    pub(crate) scopes: BTreeSet<String>,
    /// The domain of the project.
    pub(crate) domain: Option<String>,
    /// The earliest time that the project or one above it was last seen, of those
    /// that were not.
    pub(crate) unseen: Option<Timestamp>,
}

impl Places {
    /// Reads all. What cannot be read goes to `wrong` as well.
    pub(crate) fn read(
        facts: &dyn Facts,
        wrong: &mut dyn FnMut(&Fact, &str),
    ) -> Result<Self, FactsError> {
        let Self { mut projects, mut domains, mut unseen } = Self::default();
        each(facts, ("identity.project", "a project"), wrong, &mut |id, read, fact| {
            unseen.extend(fact.unseen_since.map(|t| (id.to_owned(), t)));
            projects.insert(id.to_owned(), read);
        })?;
        each(facts, ("identity.domain", "a domain"), wrong, &mut |id, read, fact| {
            unseen.extend(fact.unseen_since.map(|t| (id.to_owned(), t)));
            domains.insert(id.to_owned(), read);
        })?;
        Ok(Self { projects, domains, unseen })
    }

    /// The name of a project, if it can be read.
    pub(crate) fn project(&self, id: &str) -> Option<&str> {
        Some(self.projects.get(id)?.as_ref().ok()?.name.as_str())
    }

    /// What is above a project. An error says of which project that cannot be
    /// told, and why.
    pub(crate) fn above(&self, project: &str) -> Result<Above, String> {
        let here = Scope::Project(project.to_owned()).key();
        let mut above = Above { scopes: BTreeSet::from([here]), domain: None, unseen: None };
        let mut at = project;
        loop {
            let place = match self.projects.get(at) {
                Some(Ok(place)) => place,
                Some(Err(why)) => return Err(format!("project `{at}`: {why}")),
                None => return Err(format!("project `{at}` is not in the snapshot")),
            };
            above.unseen = earlier(above.unseen, self.unseen.get(at).copied());
            if at == project {
                above.domain.clone_from(&place.domain_id);
                above.scopes.extend(place.domain_id.clone().map(|d| Scope::InDomain(d).key()));
            }
            // What is above itself is above nothing else.
            let Some(parent) = place.parent_id.as_ref().filter(|p| *p != project) else {
                return Ok(above);
            };
            let new = above.scopes.insert(Scope::BelowProject(parent.clone()).key());
            // The domain acts as the project above the first ones.
            if !new || Some(parent) == place.domain_id.as_ref() {
                return Ok(above);
            }
            at = parent;
        }
    }
}
