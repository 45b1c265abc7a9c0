//! When waves end, and what becomes of due dates.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::SignedDuration;
use tidegate_model::Timestamp;
use tidegate_model::fleet::Fleet;
use tidegate_model::intent::Intent;
use tidegate_model::plan::{BoundName, Deadline, DeadlineStatus, Op, Span, Wave};

use crate::arena::{Arena, Id, at};
use crate::nodes::Pods;
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
    pods: Option<&Pods<'_>>,
    jobs: &BTreeMap<&str, Job<'_>>,
    waves: &[Wave],
    ends: &[Timestamp],
) -> Result<Vec<Deadline>, WindowError> {
    let done: BTreeMap<&str, Timestamp> = waves
        .iter()
        .zip(ends)
        .flat_map(|(wave, end)| wave.targets.iter().map(|t| (t.as_str(), *end)))
        .collect();
    let mut soonest = Soonest::new(arena, intent)?;
    let mut out = Vec::new();
    for (id, job) in jobs {
        let Some(due) = job.due else { continue };
        let target = (*id).to_owned();
        if done.get(id).is_some_and(|end| *end <= due) {
            let status = DeadlineStatus::Met;
            out.push(Deadline { target, due, status, earliest: None, bound: None });
            continue;
        }
        let host = arena.host_ids.get(id).copied();
        let zone = match host {
            Some(host) => arena.fleet.hosts.get(host).map(|h| h.zone.as_str()),
            None => pods.and_then(|p| p.zone(id)),
        };
        let earliest = soonest.of(host, zone, job.reboot)?;
        let impossible = earliest.is_none_or(|e| e > due);
        let status =
            if impossible { DeadlineStatus::Impossible } else { DeadlineStatus::Undecided };
        out.push(Deadline { target, due, status, earliest, bound: Some(BoundName::Time) });
    }
    out.sort_by(|a, b| (a.due, &a.target).cmp(&(b.due, &b.target)));
    Ok(out)
}

/// When targets could be done at the earliest.
struct Soonest<'p> {
    arena: &'p Arena<'p>,
    intent: &'p Intent,
    /// When waves of any zone may run; at all times if absent.
    anywhere: Option<Vec<Span>>,
    /// Likewise by zone.
    zones: BTreeMap<Option<&'p str>, Option<Vec<Span>>>,
    /// By host: what has to leave it.
    vms: Vec<u64>,
}

impl<'p> Soonest<'p> {
    fn new(arena: &'p Arena<'p>, intent: &'p Intent) -> Result<Self, WindowError> {
        let mut vms = vec![0_u64; arena.hosts.len()];
        for vm in &arena.vms {
            if let Some(count) = vms.get_mut(vm.host) {
                *count += 1;
            }
        }
        let anywhere = windows::anywhere(intent, arena.fleet.taken_at)?;
        Ok(Self { arena, intent, anywhere, zones: BTreeMap::new(), vms })
    }

    /// No plan has a target done before: all that is on it leaves, a few in each phase, in
    /// waves of whatever zone; then it is updated within one window of its own zone. Absent
    /// if no window is long enough.
    fn of(
        &mut self,
        host: Option<Id>,
        zone: Option<&'p str>,
        reboot: bool,
    ) -> Result<Option<Timestamp>, WindowError> {
        let Self { arena, intent, anywhere, zones, vms } = self;
        let times = &intent.durations;
        let rate = |h: Id| u64::from(at(&arena.hosts, h).max_out.max(1));
        let moves = host.map_or(0, |h| at(vms, h).div_ceil(rate(h))) * times.migrate_s;
        let work = times.update_s + if reboot { times.reboot_s } else { 0 };
        let from = arena.fleet.taken_at;
        let spans = match zones.entry(zone) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(windows::spans(intent, zone, from)?),
        };
        let (Some(spans), Some(anywhere)) = (spans.as_deref(), anywhere.as_deref()) else {
            let take = i64::try_from(moves + work).unwrap_or(i64::MAX);
            return Ok(from.checked_add(SignedDuration::from_secs(take)).ok());
        };
        let empty = windows::by(anywhere, from, moves);
        Ok(empty.and_then(|empty| windows::place(spans, empty, work)).map(|(_, end)| end))
    }
}
