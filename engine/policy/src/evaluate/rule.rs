//! Where one rule stands in an evaluation.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::{AbortCode, Cause, Counts, Finding, Resource, ResourceKey};

use crate::carry::Kept;
use crate::outcome::{Answer, Holds};
use crate::said::Table;

/// How a resource rule goes about the resources of its kinds.
#[derive(Debug)]
pub(super) enum Again {
    /// All of them.
    All,
    /// Those that changed, and these.
    Some(BTreeSet<ResourceKey>),
}

/// Where a rule stands.
pub(super) struct RuleState<'c> {
    /// Its place in the rule set.
    pub(super) at: usize,
    pub(super) again: Again,
    pub(super) holds: Holds,
    /// On resources, in order of key once settled; of a rule on collections in any.
    pub(super) findings: Vec<Kept<'c>>,
    /// Where only some resources are judged again, what was said of these.
    pub(super) news: BTreeMap<String, Option<Kept<'c>>>,
    pub(super) said: Table<'c>,
    /// Of a rule on collections.
    pub(super) counts: Counts,
    pub(super) fingerprint: u64,
}

impl RuleState<'_> {
    /// Takes that a resource passes.
    pub(super) fn pass(&mut self, key: &ResourceKey) {
        // Where all are judged, nothing has been said yet.
        if matches!(self.again, Again::Some(_)) {
            self.news.insert(key.as_str().to_owned(), None);
        }
    }

    /// Takes what else is said of a resource.
    pub(super) fn add(&mut self, resource: &Resource, answer: &Answer) {
        let Resource { key, region, project, name, .. } = resource;
        let about = (region.as_deref(), project.as_deref(), name.as_deref());
        let said = self.said.answer(answer);
        let kept = Kept::new(key.as_str(), about, is_limit(answer.cause.as_ref()), said);
        match self.again {
            Again::All => self.findings.push(kept),
            Again::Some(_) => drop(self.news.insert(key.as_str().to_owned(), Some(kept))),
        }
    }

    /// Brings the findings into order, the news among them.
    pub(super) fn settle(&mut self) {
        let news = std::mem::take(&mut self.news);
        if !news.is_empty() {
            self.findings.retain(|kept| !news.contains_key(kept.key.as_ref()));
            self.findings.extend(news.into_values().flatten());
        }
        // Mostly in order already: kinds come in order, and their resources.
        self.findings.sort_by(|a, b| a.key.cmp(&b.key));
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.findings.clear();
        self.said = Table::default();
        self.counts = Counts::default();
        self.holds = Holds::Forever;
    }

    /// Takes a finding of a rule on collections.
    pub(super) fn add_loose(&mut self, finding: &Finding) {
        let Finding { resource, region, project, name, cause, .. } = finding;
        let key = resource.as_ref().map_or("", ResourceKey::as_str);
        let about = (region.as_deref(), project.as_deref(), name.as_deref());
        let said = self.said.finding(finding);
        self.findings.push(Kept::new(key, about, is_limit(cause.as_ref()), said));
    }
}

fn is_limit(cause: Option<&Cause>) -> bool {
    cause.is_some_and(|c| c.code == AbortCode::Limit)
}
