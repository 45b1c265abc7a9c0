//! What is said of maintenance windows that are too short.

use serde_json::{Value, json};
use tidegate_model::plan::Blocked;

use super::numbers::compare;
use super::{Court, Moment};
use crate::{pods, waves};

impl<'c> Court<'c> {
    /// That a target takes longer than any window that is left in the end.
    ///
    /// How many phases its migrations need depends on where they go, so that number is
    /// taken as it is said, between the fewest that its own limit allows and what else
    /// refutes the reason: one after the other they would fit into a window.
    pub(super) fn window(&mut self, blocked: &Blocked, end: &Moment<'c>) -> Result<(), String> {
        let (ground, target) = (self.ground, blocked.target.as_str());
        let intent = ground.intent;
        if intent.windows.is_empty() && intent.freezes.is_empty() {
            return Err("waves may run at any time".to_owned());
        }
        let zone = ground.zone_of_target(target);
        let (from, now) =
            (ground.fleet.taken_at, waves::next(ground, self.plan, self.ends, end.waves));
        let longest = self.windows.entry((end.waves, zone));
        let longest = *longest.or_insert_with(|| waves::longest(intent, zone, from, now));
        let times = &intent.durations;
        let mut wanted = ground.wanted.get(target).into_iter().flatten();
        let reboot = if wanted.any(|want| want.reboot) { times.reboot_s } else { 0 };
        let rest = times.update_s + reboot;
        let mut counted = vec![("longest_window_s", json!(longest))];
        let (seconds, serial) = if let Some(&host) = ground.hosts.get(target) {
            let vms = end.on(host).len() as u64;
            let least = vms.div_ceil(u64::from(ground.host(host).max_migrations.outgoing.max(1)));
            let said = blocked.numbers.get("phases").and_then(Value::as_u64);
            let phases = said.filter(|said| *said >= least).unwrap_or(least);
            counted.extend([("vms", json!(vms)), ("phases", json!(phases))]);
            (
                phases.saturating_mul(times.migrate_s) + rest,
                vms.saturating_mul(times.migrate_s) + rest,
            )
        } else {
            (rest, rest)
        };
        counted.push(("seconds", json!(seconds)));
        compare(blocked, &counted)?;
        if seconds <= longest {
            return Err(format!("a window of {longest}s is left for {seconds}s"));
        }
        let drains = match ground.hosts.get(target) {
            Some(&host) => self.drains(end, host),
            None => pods::drains(ground, &end.state, target),
        };
        match drains && serial <= longest {
            true => Err(format!("a window of {longest}s is left for {serial}s")),
            false => Ok(()),
        }
    }
}
