//! Leaders of quorums go last, across zones too (Q2).

use std::collections::BTreeSet;

use tidegate_model::fleet::Member;

use super::Planning;
use crate::arena::{Id, Seat, at};

impl<'f> Planning<'_, 'f> {
    /// Zones with a host that leads a quorum which has other targets elsewhere.
    pub(super) fn leading_zones(&self, hosts: &BTreeSet<Id>) -> BTreeSet<Option<&'f str>> {
        let host = |m: &Member| match self.arena.seat(m) {
            Some(Seat::Host(h)) if hosts.contains(&h) => Some(h),
            Some(Seat::Host(_) | Seat::Vm(_)) | None => None,
        };
        let leading = self.fleet.quorums.iter().filter_map(|quorum| {
            let leader = quorum.leader.as_ref().and_then(host)?;
            let mut others = quorum.members.iter().filter_map(host);
            others.any(|h| self.zone_of(h) != self.zone_of(leader)).then(|| self.zone_of(leader))
        });
        leading.collect()
    }

    /// The quorum and leader's host after which a host would come: it could not be
    /// drained before, and its leader did not wait. Leaders go last (Q2).
    pub(super) fn behind_leader(&self, host: Id) -> Option<(&'f str, &'f str)> {
        let quorums = at(&self.arena.hosts, host).quorums.iter();
        quorums.filter_map(|n| self.fleet.quorums.get(*n)).find_map(|quorum| {
            let leader = quorum.leader.as_ref().and_then(|l| self.arena.seat(l));
            let Some(Seat::Host(leader)) = leader.filter(|l| *l != Seat::Host(host)) else {
                return None;
            };
            let id = self.arena.host_id(leader);
            self.updated(leader).then_some((quorum.id.as_str(), id))
        })
    }

    /// The quorum that a host leads, and a member of it that is still to come elsewhere.
    pub(super) fn waits_for(&self, host: Id, elsewhere: &BTreeSet<Id>) -> Option<(&'f str, Id)> {
        let quorums = at(&self.arena.hosts, host).quorums.iter();
        quorums.filter_map(|n| self.fleet.quorums.get(*n)).find_map(|quorum| {
            let leader = quorum.leader.as_ref().and_then(|l| self.arena.seat(l));
            let to_come = |m: &Member| match self.arena.seat(m) {
                Some(Seat::Host(h)) => Some(h).filter(|h| elsewhere.contains(h)),
                Some(Seat::Vm(_)) | None => None,
            };
            let other = quorum.members.iter().find_map(to_come);
            let leads = leader == Some(Seat::Host(host));
            other.filter(|_| leads).map(|other| (quorum.id.as_str(), other))
        })
    }

    /// The targets for which leaders waited, and which no wave updates in the end.
    pub(crate) fn waited_in_vain(&self) -> BTreeSet<Id> {
        let others = self.waiting.values().map(|(_, other)| *other);
        others.filter(|other| !self.updated(*other)).collect()
    }

    fn updated(&self, host: Id) -> bool {
        let id = self.arena.host_id(host);
        self.waves.iter().any(|w| w.targets.iter().any(|t| t == id))
    }
}
