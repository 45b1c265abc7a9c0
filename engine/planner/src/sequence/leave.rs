//! Why no wave updates what is left over of a zone when its turn is over.

use std::collections::BTreeMap;

use serde_json::json;
use tidegate_model::Timestamp;
use tidegate_model::plan::{Blocked, BlockedCode};

use super::{Left, Planning};
use crate::arena::{Id, at};
use crate::stuck::Rooms;
use crate::{PlanError, block, windows};

impl<'f> Planning<'_, 'f> {
    /// Blocks what is left over of a zone when its turn is over, each with the reason that
    /// holds then.
    pub(super) fn leave(
        &mut self,
        zone: Option<&'f str>,
        left: &Left<'f>,
        now: Timestamp,
    ) -> Result<(), PlanError> {
        let here = |target: &str| match self.arena.host_ids.get(target) {
            Some(host) => self.zone_of(*host) == zone,
            None => self.pods.as_ref().and_then(|p| p.zone(target)) == zone,
        };
        let too_long: Vec<(&str, u64)> =
            self.too_long.iter().map(|(t, n)| (*t, *n)).filter(|(t, _)| here(t)).collect();
        if too_long.is_empty() && left.hosts.is_empty() && left.nodes.is_empty() {
            return Ok(());
        }
        let spans = windows::spans(self.intent, zone, self.fleet.taken_at)?;
        let longest = spans.map(|spans| windows::longest(&windows::after(&spans, now)));
        let mut blocked = Vec::new();
        for (target, phases) in too_long {
            let host = self.arena.host_ids.get(target).copied();
            blocked.push(self.too_long(target, host, phases, longest.unwrap_or(0)));
        }
        let stay: BTreeMap<Id, Blocked> =
            left.hosts.iter().filter_map(|h| Some((*h, self.pods_stay(*h)?))).collect();
        let mut rooms = Rooms::new(self.arena, self.intent, &self.load);
        for &host in &left.hosts {
            let id = self.arena.host_id(host);
            let least = self.least_phases(host);
            let window = longest.filter(|longest| self.seconds(id, least) > *longest);
            blocked.push(match window {
                Some(longest) => self.too_long(id, Some(host), least, longest),
                None => self
                    .out_of_order(host)
                    .or_else(|| stay.get(&host).cloned())
                    .unwrap_or_else(|| rooms.capacity(host)),
            });
        }
        if let Some(pods) = &mut self.pods {
            let jobs = left.nodes.iter().filter_map(|node| Some((node, self.jobs.get(node)?)));
            blocked.extend(jobs.map(|(node, job)| pods.stuck(node, job)));
        }
        self.blocked.extend(blocked);
        Ok(())
    }

    /// The fewest phases in which all leaves a host that is left over.
    fn least_phases(&self, host: Id) -> u64 {
        let most = at(&self.arena.hosts, host).max_out.max(1);
        (at(&self.load.on, host).len() as u64).div_ceil(u64::from(most))
    }

    /// How long a target takes with so many phases of migrations.
    fn seconds(&self, target: &str, phases: u64) -> u64 {
        let times = &self.intent.durations;
        let restart = if self.restarts(target) { times.reboot_s } else { 0 };
        phases.saturating_mul(times.migrate_s) + times.update_s + restart
    }

    /// A target for which no window is left that is long enough.
    fn too_long(&self, target: &str, host: Option<Id>, phases: u64, longest: u64) -> Blocked {
        // More may have come to it since it was found to take so long.
        let phases = host.map_or(0, |h| phases.max(self.least_phases(h)));
        let seconds = self.seconds(target, phases);
        let mut numbers = vec![("seconds", json!(seconds)), ("longest_window_s", json!(longest))];
        if let Some(host) = host {
            numbers.push(("vms", json!(at(&self.load.on, host).len())));
            numbers.push(("phases", json!(phases)));
        }
        let fix = format!("add a window of at least {seconds} seconds");
        block::blocked(target, BlockedCode::Window, &numbers, fix)
    }

    /// A host that would come before or after another one of its quorum.
    fn out_of_order(&self, host: Id) -> Option<Blocked> {
        let id = self.arena.host_id(host);
        if let Some((quorum, leader)) = self.behind_leader(host) {
            let numbers = [("quorum", json!(quorum)), ("comes_after", json!(leader))];
            let fix = "plan again when this plan is done".to_owned();
            return Some(block::blocked(id, BlockedCode::Order, &numbers, fix));
        }
        let (quorum, other) = self.waiting.get(&host)?;
        let other = self.arena.host_id(*other);
        let numbers = [("quorum", json!(quorum)), ("waits_for", json!(other))];
        let fix = "plan again when this plan is done, or let another member lead".to_owned();
        Some(block::blocked(id, BlockedCode::Order, &numbers, fix))
    }
}
