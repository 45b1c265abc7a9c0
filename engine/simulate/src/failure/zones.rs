//! What zones have in all, and what a failure leaves of it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::fleet::{Amount, Host};

use super::{Headroom, Short};

/// What the hosts of a zone that take work have of a class, in thousandths.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    usable: i64,
    free: i64,
}

/// All zones.
pub(super) struct Zones<'c> {
    /// By zone, then class.
    sums: BTreeMap<&'c str, Vec<Sum>>,
    /// Likewise: the largest hosts, as many as are to spare.
    largest: BTreeMap<&'c str, Vec<Vec<(i64, &'c str)>>>,
    /// Hosts that take work.
    take: BTreeSet<&'c str>,
    spare: u32,
}

impl<'c> Zones<'c> {
    pub(super) fn new(
        classes: &[&str],
        roomy: &BTreeMap<&'c str, Vec<&'c Host>>,
        free: &BTreeMap<&str, Vec<i64>>,
        spare: u32,
    ) -> Self {
        let mut sums: BTreeMap<&str, Vec<Sum>> = BTreeMap::new();
        let mut largest = BTreeMap::new();
        for (zone, hosts) in roomy {
            let sums = sums.entry(zone).or_insert_with(|| vec![Sum::default(); classes.len()]);
            let mut first = Vec::with_capacity(classes.len());
            for ((n, class), sum) in classes.iter().enumerate().zip(sums) {
                let mut sizes = Vec::with_capacity(hosts.len());
                for host in hosts {
                    let usable = host.usable(class).0;
                    sum.usable += usable;
                    sum.free += free.get(host.id.as_str()).and_then(|f| f.get(n)).unwrap_or(&0);
                    sizes.push((usable, host.id.as_str()));
                }
                sizes.sort_unstable_by_key(|(usable, _)| Reverse(*usable));
                sizes.truncate(spare as usize);
                first.push(sizes);
            }
            largest.insert(*zone, first);
        }
        let take = roomy.values().flatten().map(|h| h.id.as_str()).collect();
        Self { sums, largest, take, spare }
    }

    /// What is there without a host, on which so much was free.
    pub(super) fn without(&self, classes: &[&str], dead: &Host, free: &[i64]) -> After<'_> {
        let mut sums = self.sums.clone();
        let takes = self.take.contains(dead.id.as_str());
        let of_zone = sums.get_mut(dead.zone.as_str()).filter(|_| takes);
        for ((class, free), sum) in classes.iter().zip(free).zip(of_zone.into_iter().flatten()) {
            sum.usable -= dead.usable(class).0;
            sum.free -= free;
        }
        After { zones: self, sums }
    }
}

/// What zones have after a failure.
pub(super) struct After<'z> {
    zones: &'z Zones<'z>,
    sums: BTreeMap<&'z str, Vec<Sum>>,
}

impl After<'_> {
    /// Something is restarted in a zone.
    pub(super) fn take(&mut self, zone: &str, demand: &[i64]) {
        let sums = self.sums.get_mut(zone).map(Vec::as_mut_slice).unwrap_or_default();
        sums.iter_mut().zip(demand).for_each(|(sum, d)| sum.free -= d);
    }

    /// The scarcest class of the fullest zone.
    pub(super) fn least(&self, classes: &[&str]) -> Option<Headroom> {
        let mut least: Option<Headroom> = None;
        for (zone, sums) in &self.sums {
            for (class, sum) in classes.iter().zip(sums).filter(|(_, sum)| sum.usable != 0) {
                let (zone, class) = ((*zone).to_owned(), (*class).to_owned());
                let (free, usable) = (Amount(sum.free), Amount(sum.usable));
                let here = Headroom { zone, class, free, usable };
                if least.as_ref().is_none_or(|l| here.share() < l.share()) {
                    least = Some(here);
                }
            }
        }
        least
    }

    /// The first class of which the zone of a host that failed has too little to bear the
    /// other failures that were to spare.
    pub(super) fn short(&self, classes: &[&str], dead: &Host) -> Option<Short> {
        let more = self.zones.spare.checked_sub(1)?;
        let zone = dead.zone.as_str();
        let largest = self.zones.largest.get(zone)?;
        let all = classes.iter().zip(self.sums.get(zone)?).zip(largest);
        all.into_iter().find_map(|((class, sum), largest)| {
            let others = largest.iter().filter(|(_, id)| *id != dead.id);
            let gone: i64 = others.take(more as usize).map(|(usable, _)| usable).sum();
            let (load, room_then) = (sum.usable - sum.free, sum.usable - gone);
            (load > room_then).then(|| Short {
                zone: zone.to_owned(),
                class: (*class).to_owned(),
                more,
                load: Amount(load),
                room_then: Amount(room_then),
            })
        })
    }
}
