//! The waves of one zone.
//!
//! ```text
//! candidates, most urgent first ─▶ drain each onto hosts that are done or no
//!                                  targets (the relay), else, in the first
//!                                  wave, onto targets still to come
//!                                ─▶ as many as headroom, budgets, canary and
//!                                  growth allow ─▶ wave; again until none is left
//! ```
//! Once a wave is done its hosts are empty and updated: whole hosts move onto
//! them, each virtual machine once. Only the first wave is a packing problem.
//! Where no host can be drained as things stand, others make room
//! ([`crate::rearrange`]).

use std::collections::BTreeSet;

use tidegate_model::intent::Intent;

use crate::arena::{Arena, Id};
use crate::load::Load;
use crate::wave::{Means, Wave};

/// A wave, before it is written down.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) zone: Id,
    pub(crate) hosts: Vec<Id>,
    /// Virtual machine, from, to; in an order in which they can be done one after
    /// the other.
    pub(crate) moves: Vec<(Id, Id, Id)>,
    /// So many of these come before the hosts are cordoned: they make room, and
    /// may go to and fro.
    pub(crate) early: usize,
    /// How many entries of the journal of [`Load`] it is.
    pub(crate) moved: usize,
}

/// The limits that hold for every wave.
pub(crate) struct Limits<'i> {
    pub(crate) intent: &'i Intent,
    /// The seconds of the longest window; absent without windows.
    pub(crate) longest: Option<u64>,
    /// The hosts that are restarted.
    pub(crate) restarts: &'i BTreeSet<Id>,
    /// Whether each host gets a wave of its own.
    pub(crate) alone: bool,
}

impl Limits<'_> {
    /// The most phases of migrations that fit a window in a wave with or without a
    /// restart; absent if all do.
    pub(crate) fn phases(&self, restarts: bool) -> Option<u32> {
        let times = &self.intent.durations;
        let rest = times.update_s + if restarts { times.reboot_s } else { 0 };
        let left = self.longest.filter(|_| times.migrate_s > 0)?.saturating_sub(rest);
        Some(u32::try_from(left / times.migrate_s).unwrap_or(u32::MAX))
    }
}

/// What a zone is planned with.
pub(crate) struct ZonePlan<'z, 'f> {
    pub(crate) arena: &'z Arena<'f>,
    pub(crate) limits: &'z Limits<'z>,
    /// By host: when its job is due; the end of time if it is not.
    pub(crate) due: &'z [jiff::Timestamp],
    pub(crate) zone: Id,
    /// Targets of other zones that are still to come: they take what must leave
    /// this zone last of all.
    pub(crate) open_elsewhere: &'z BTreeSet<Id>,
    /// How large the wave before was, if the zone has had one.
    pub(crate) before: Option<usize>,
}

/// One way to go about a zone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Way {
    /// Its number. The first takes what is due and smallest first, others what is
    /// due in another order each.
    pub(crate) n: u64,
    /// The targets that are tried before all others.
    pub(crate) first: BTreeSet<Id>,
}

impl Way {
    /// Where a host comes among those that are due at the same time.
    pub(crate) fn noise(&self, host: Id) -> u64 {
        if self.n == 0 {
            return 0;
        }
        // SplitMix64, Steele et al. 2014.
        let mut z = (self.n << 32 ^ host as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^ (z >> 31)
    }
}

/// Plans a zone; `targets` are its hosts that can be updated. Gives the waves
/// and what is left over.
pub(crate) fn plan(
    zone: &ZonePlan<'_, '_>,
    load: &mut Load,
    targets: &BTreeSet<Id>,
    way: &Way,
) -> (Vec<Draft>, BTreeSet<Id>) {
    let mut open = targets.clone();
    let mut left = BTreeSet::new();
    let mut drafts: Vec<Draft> = Vec::new();
    while !open.is_empty() {
        let before = drafts.last().map(|d| d.hosts.len()).or(zone.before);
        let cap = if zone.limits.alone { 1 } else { size_cap(zone.limits.intent, before) };
        let mut wave = Wave::new(zone, load, &open, cap);
        // Every second way takes double moves for fewer waves.
        let relay = !drafts.is_empty() && way.n.is_multiple_of(2);
        let first = Some(Means::Relay).filter(|_| relay);
        let together = Some(Means::Together).filter(|_| zone.arena.any_one_by_one());
        let means = [first, Some(Means::Any), together, Some(Means::Rearrange)];
        for means in means.into_iter().flatten() {
            wave.fill(load, &open, way, means);
            if !wave.hosts.is_empty() {
                break;
            }
        }
        if wave.hosts.is_empty() {
            // Leaders do not wait for what cannot be done.
            let (waiting, stuck) = open.iter().partition(|h| wave.waits(**h, &open));
            let stuck: BTreeSet<Id> = stuck;
            open = waiting;
            if stuck.is_empty() {
                break;
            }
            left.extend(stuck);
            continue;
        }
        let draft = wave.done(load);
        open.retain(|h| !draft.hosts.contains(h));
        drafts.push(draft);
    }
    left.extend(open);
    (drafts, left)
}

/// A wave of the first of some targets that can be drained without moving others out of
/// the way. Those that cannot are added to `tried`, and not tried again.
pub(crate) fn first(
    zone: &ZonePlan<'_, '_>,
    load: &mut Load,
    targets: &BTreeSet<Id>,
    tried: &mut BTreeSet<Id>,
) -> Option<Draft> {
    let mut wave = Wave::new(zone, load, targets, 1);
    wave.take_first(load, targets, tried).then(|| wave.done(load))
}

/// How many targets a wave may have.
pub(crate) fn size_cap(intent: &Intent, before: Option<usize>) -> usize {
    let Some(canary) = intent.canary else { return usize::MAX };
    match before {
        None => usize::try_from(canary).unwrap_or(usize::MAX),
        Some(n) => {
            #[expect(clippy::cast_precision_loss, reason = "waves have fewer than 2^53 targets")]
            let grown = (n as f64 * intent.growth - 1e-9).ceil();
            grown as usize
        }
    }
}
