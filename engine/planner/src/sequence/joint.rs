//! Waves of hosts of which some are nodes, too.

use std::collections::BTreeSet;

use tidegate_model::plan::{Blocked, Wave};

use super::{Left, Planning};
use crate::arena::Id;
use crate::nodes::Evictions;
use crate::schedule;
use crate::zone::Draft;

/// Targets whose pods cannot leave with the wave for which there was room.
#[derive(Debug, Default)]
pub(super) struct Aside {
    pub(super) hosts: BTreeSet<Id>,
    /// Whether leaders of quorums do not wait for them any more.
    pub(super) given_up: bool,
}

impl Aside {
    /// What is planned now, and what comes later besides what is to come in other zones.
    pub(super) fn split<'f>(
        &self,
        left: &Left<'f>,
        elsewhere: &BTreeSet<Id>,
    ) -> (Left<'f>, BTreeSet<Id>) {
        let hosts = left.hosts.difference(&self.hosts).copied().collect();
        let now = Left { hosts, nodes: BTreeSet::new(), before: left.before };
        let aside = self.hosts.iter().filter(|_| !self.given_up);
        (now, elsewhere.iter().chain(aside).copied().collect())
    }

    /// After a wave they may be able to leave: gives whether there are any.
    pub(super) fn back(&mut self) -> bool {
        self.given_up = false;
        !std::mem::take(&mut self.hosts).is_empty()
    }
}

impl<'f> Planning<'_, 'f> {
    fn is_node(&self, host: Id) -> bool {
        self.pods.as_ref().is_some_and(|p| p.is_node(self.arena.host_id(host)))
    }

    /// Whether a host is a node of a control plane, and zones have turns.
    pub(super) fn is_plane(&self, host: Id) -> bool {
        let id = self.arena.host_id(host);
        self.intent.one_zone_at_a_time && self.pods.as_ref().is_some_and(|p| p.is_plane(id))
    }

    pub(super) fn any_node(&self, hosts: &BTreeSet<Id>) -> bool {
        hosts.iter().any(|h| self.is_node(*h))
    }

    /// Writes a wave down, with the evictions from hosts that are nodes. Gives those whose
    /// pods cannot leave with the others instead, if there are any.
    pub(super) fn write(
        &mut self,
        n: u32,
        draft: &Draft,
        left: &Left<'f>,
    ) -> Result<(Wave, Evictions), BTreeSet<Id>> {
        let (arena, jobs) = (self.arena, self.jobs);
        let mut wave = schedule::wave(arena, jobs, n, draft, self.intent.soak_s);
        let Some(pods) = &mut self.pods else { return Ok((wave, Evictions::new())) };
        let ids: Vec<&str> = draft.hosts.iter().map(|h| arena.host_id(*h)).collect();
        if !ids.iter().any(|id| pods.is_node(id)) {
            return Ok((wave, Evictions::new()));
        }
        let waiting = left.hosts.iter().map(|h| arena.host_id(*h)).collect();
        match pods.join(self.intent, jobs, &ids, &waiting) {
            Ok(evictions) => {
                pods.write(self.rules, &mut wave, &evictions);
                Ok((wave, evictions))
            }
            Err(refused) => {
                let host = |id: &&str| arena.host_ids.get(id).copied();
                Err(refused.iter().filter_map(host).collect())
            }
        }
    }

    /// Takes the evictions of a wave back that has no window.
    pub(super) fn unwrite(&mut self, draft: &Draft, evictions: Evictions) {
        let Some(pods) = &mut self.pods else { return };
        let ids = draft.hosts.iter().map(|h| self.arena.host_id(*h)).filter(|id| pods.is_node(id));
        let nodes = ids.collect();
        pods.undo(self.jobs, &(nodes, evictions));
    }

    /// Why the pods of a host that is left over cannot leave it.
    pub(super) fn pods_stay(&mut self, host: Id) -> Option<Blocked> {
        let id = self.arena.host_id(host);
        self.pods.as_mut()?.fails(self.intent, id, self.jobs)
    }
}
