//! Whether a host may join a wave, as far as anything but a place for its virtual
//! machines goes.

use std::collections::BTreeSet;

use super::Wave;
use crate::arena::{Id, Seat, at};
use crate::load::Load;

impl Wave<'_, '_> {
    /// Whether a host may join as far as anything but its virtual machines goes.
    pub(super) fn may_go(&self, load: &Load, host: Id, open: &BTreeSet<Id>) -> bool {
        let arena = self.zone.arena;
        let row = at(&arena.hosts, host);
        if row.serves {
            let limit = self.zone.limits.intent.max_unavailable.get(row.pool);
            let out = self.out.get(row.pool).copied().unwrap_or(0);
            if limit.is_some_and(|limit| out >= *limit) || !self.may_keep_headroom(load, host) {
                return false;
            }
        }
        let domain = row.domains.first().copied();
        if domain.is_some() && self.domain.is_some() && domain != self.domain {
            return false;
        }
        if domain.is_some() && !self.batch.is_empty() && !self.serves_data(host) {
            return false;
        }
        !self.waits(host, open) && row.quorums.iter().all(|n| !self.quorums.contains(n))
    }

    /// Whether a host leads a quorum of which others are still to come.
    pub(crate) fn waits(&self, host: Id, open: &BTreeSet<Id>) -> bool {
        let arena = self.zone.arena;
        let quorums = at(&arena.hosts, host).quorums.iter();
        quorums.filter_map(|n| arena.fleet.quorums.get(*n)).any(|quorum| {
            let leader = quorum.leader.as_ref().and_then(|l| arena.seat(l));
            let to_come = |m: &tidegate_model::fleet::Member| match arena.seat(m) {
                Some(Seat::Host(h)) => {
                    h != host && (open.contains(&h) || self.zone.open_elsewhere.contains(&h))
                }
                Some(Seat::Vm(_)) | None => false,
            };
            leader == Some(Seat::Host(host)) && quorum.members.iter().any(to_come)
        })
    }

    /// Whether every placement group still serves with one more host stopped.
    /// One alone may be: that was seen before planning.
    fn serves_data(&self, more: Id) -> bool {
        let arena = self.zone.arena;
        let Some(ceph) = &arena.fleet.ceph else { return true };
        let up = |osd: &&String| {
            let host = arena.osds.get(osd.as_str());
            host.is_some_and(|h| {
                *h != more && !self.batch.contains(h) && !at(&arena.hosts, *h).down
            })
        };
        ceph.pgs.iter().all(|pg| {
            let least =
                ceph.pools.iter().find(|p| p.id == pg.pool).map_or(u32::MAX, |p| p.min_size);
            pg.acting.iter().filter(up).count() as u64 >= u64::from(least)
        })
    }

    /// Whether what must stay free could stay free without a host, if all leaves
    /// the zone that may.
    fn may_keep_headroom(&self, load: &Load, host: Id) -> bool {
        let arena = self.zone.arena;
        let leaves = |vm: &&Id| arena.fleet.vms.get(**vm).is_some_and(|v| !v.zone_pinned);
        if self.keeps_headroom(&self.load, Some(host)) {
            return true;
        }
        let mut less = self.load.clone();
        let mut any = false;
        for vm in at(&load.on, host).iter().filter(leaves) {
            any = true;
            for (load, demand) in less.iter_mut().zip(&at(&arena.vms, *vm).demand) {
                *load -= demand;
            }
        }
        any && self.keeps_headroom(&less, Some(host))
    }

    /// Whether what must stay free stays free, with one more host out of service.
    pub(super) fn keeps_headroom(&self, load: &[i64], more: Option<Id>) -> bool {
        let arena = self.zone.arena;
        (0..arena.classes.len()).all(|class| {
            let going = more.map_or(0, |h| *at(&at(&arena.hosts, h).usable, class));
            let (usable, load) = (*at(&self.usable, class) - going, *at(load, class));
            usable >= load + *at(&self.kept, class) && usable - self.largest(class, more) >= load
        })
    }

    /// Usable of the largest hosts that could fail besides the batch and `more`.
    fn largest(&self, class: usize, more: Option<Id>) -> i64 {
        let spare = usize::try_from(self.zone.limits.intent.spare_hosts).unwrap_or(usize::MAX);
        let sizes = at(&self.sizes, class).iter();
        let stays = sizes.filter(|(_, h)| Some(*h) != more && !self.batch.contains(h));
        stays.take(spare).map(|(usable, _)| usable).sum()
    }
}
