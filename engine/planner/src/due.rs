//! When waves end, and what becomes of due dates.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::SignedDuration;
use tidegate_model::Timestamp;
use tidegate_model::fleet::Fleet;
use tidegate_model::intent::Intent;
use tidegate_model::plan::{BoundName, Deadline, DeadlineStatus, Op, Span, Wave};

use crate::arena::{Arena, at};
use crate::select::Job;
use crate::windows::{self, WindowError};

/// How many phases of a wave move anything.
pub(crate) fn phases(wave: &Wave) -> u64 {
    let mut moving: Vec<u32> =
        wave.steps.iter().filter(|s| s.op == Op::Migrate).map(|s| s.phase).collect();
    moving.sort_unstable();
    moving.dedup();
    moving.len() as u64
}

/// How long a wave takes.
pub(crate) fn seconds(intent: &Intent, wave: &Wave) -> u64 {
    let any = |op: Op| wave.steps.iter().any(|s| s.op == op);
    let times = &intent.durations;
    phases(wave) * times.migrate_s
        + if any(Op::Update) { times.update_s } else { 0 }
        + if any(Op::Reboot) { times.reboot_s } else { 0 }
}

/// The time as waves follow each other.
pub(crate) struct Clock {
    pub(crate) now: Timestamp,
    soak: SignedDuration,
    /// When each wave ends.
    pub(crate) ends: Vec<Timestamp>,
}

impl Clock {
    pub(crate) fn new(fleet: &Fleet, intent: &Intent) -> Self {
        let soak = SignedDuration::from_secs(i64::try_from(intent.soak_s).unwrap_or(i64::MAX));
        Self { now: fleet.taken_at, soak, ends: Vec::new() }
    }

    /// Gives a wave the first window in which it fits; false if there is none.
    pub(crate) fn place(
        &mut self,
        intent: &Intent,
        spans: Option<&[Span]>,
        wave: &mut Wave,
    ) -> bool {
        let seconds = seconds(intent, wave);
        let take = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        let end = match spans {
            None => self.now.checked_add(take).ok(),
            Some(spans) => windows::place(spans, self.now, seconds).map(|(span, end)| {
                wave.window = Some(span);
                end
            }),
        };
        let Some(end) = end else { return false };
        self.ends.push(end);
        self.now = end.checked_add(self.soak).unwrap_or(Timestamp::MAX);
        true
    }
}

/// What becomes of each due date. A date is impossible if the target alone, as
/// the first, could not keep it.
pub(crate) fn deadlines(
    arena: &Arena<'_>,
    intent: &Intent,
    jobs: &BTreeMap<&str, Job<'_>>,
    waves: &[Wave],
    ends: &[Timestamp],
) -> Result<Vec<Deadline>, WindowError> {
    let done: BTreeMap<&str, Timestamp> = waves
        .iter()
        .zip(ends)
        .flat_map(|(wave, end)| wave.targets.iter().map(|t| (t.as_str(), *end)))
        .collect();
    let mut open: BTreeMap<Option<&str>, Option<Vec<Span>>> = BTreeMap::new();
    let mut vms = vec![0_u64; arena.hosts.len()];
    for vm in &arena.vms {
        if let Some(count) = vms.get_mut(vm.host) {
            *count += 1;
        }
    }
    let mut out = Vec::new();
    for (target, job) in jobs {
        let Some(due) = job.due else { continue };
        if done.get(target).is_some_and(|end| *end <= due) {
            let status = DeadlineStatus::Met;
            out.push(Deadline {
                target: (*target).to_owned(),
                due,
                status,
                earliest: None,
                bound: None,
            });
            continue;
        }
        let host = arena.host_ids.get(target).copied();
        let zone = host.and_then(|h| arena.fleet.hosts.get(h)).map(|h| h.zone.as_str());
        let spans = match open.entry(zone) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                place.insert(windows::spans(intent, zone, arena.fleet.taken_at)?)
            }
        };
        let times = &intent.durations;
        let moves =
            host.map_or(0, |h| at(&vms, h).div_ceil(u64::from(at(&arena.hosts, h).max_out.max(1))));
        let least =
            moves * times.migrate_s + times.update_s + if job.reboot { times.reboot_s } else { 0 };
        let take = SignedDuration::from_secs(i64::try_from(least).unwrap_or(i64::MAX));
        let earliest = match spans.as_deref() {
            None => arena.fleet.taken_at.checked_add(take).ok(),
            Some(spans) => windows::place(spans, arena.fleet.taken_at, least).map(|(_, end)| end),
        };
        let impossible = earliest.is_none_or(|e| e > due);
        out.push(Deadline {
            target: (*target).to_owned(),
            due,
            status: if impossible { DeadlineStatus::Impossible } else { DeadlineStatus::Undecided },
            earliest,
            bound: Some(BoundName::Time),
        });
    }
    out.sort_by(|a, b| (a.due, &a.target).cmp(&(b.due, &b.target)));
    Ok(out)
}
