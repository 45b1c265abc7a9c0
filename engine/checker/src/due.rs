//! Due dates, and what a plan says of them: what is met is met, and what is said to be
//! impossible cannot be done in time by any plan.

use std::collections::BTreeMap;

use jiff::{SignedDuration, ToSpan as _};
use tidegate_model::intent::Target;
use tidegate_model::plan::{BoundName, DeadlineStatus, Plan};
use tidegate_model::{Severity, Timestamp};

use crate::ground::{Ground, Want};
use crate::table::Table;
use crate::waves::windows;
use crate::{Invariant, Violation};

/// From when to when.
type Span = (Timestamp, Timestamp);

/// What is said of due dates. A plan may say less than what follows, never more.
pub(crate) fn check(ground: &Ground<'_>, plan: &Plan, ends: &[Timestamp]) -> Result<(), Violation> {
    if plan.deadlines.is_empty() {
        return Ok(());
    }
    let done: BTreeMap<&str, Timestamp> = plan
        .waves
        .iter()
        .zip(ends)
        .flat_map(|(w, end)| w.targets.iter().map(|t| (t.as_str(), *end)))
        .collect();
    let since = plan.since.unwrap_or(ground.fleet.taken_at);
    let mut soonest = Soonest::new(ground);
    for deadline in &plan.deadlines {
        let (target, due) = (deadline.target.as_str(), deadline.due);
        let wrong = |problem: String| {
            let (invariant, wave, step) = (Invariant::Deadlines, None, None);
            Err(Violation { invariant, wave, step, problem })
        };
        let Some(wants) = ground.wanted.get(target) else {
            return wrong(format!("`{target}` is due {due}, and the intent does not want it"));
        };
        let asked = wants.iter().filter_map(|want| asked(want.asked, since)).min();
        if asked.is_none_or(|asked| due > asked) {
            let asked = asked.map_or("at no time".to_owned(), |a| a.to_string());
            return wrong(format!("`{target}` is due {asked} by the intent, not {due}"));
        }
        let end = done.get(target);
        let in_time = end.is_some_and(|end| *end <= due);
        match deadline.status {
            DeadlineStatus::Met if !in_time => {
                let end = end.map_or("never".to_owned(), ToString::to_string);
                return wrong(format!("`{target}` is due {due} and is done {end}"));
            }
            DeadlineStatus::Met => continue,
            DeadlineStatus::Impossible | DeadlineStatus::Undecided if in_time => {
                let status = format!("{:?}", deadline.status).to_lowercase();
                return wrong(format!("`{target}` is {status} in time, and is"));
            }
            DeadlineStatus::Impossible | DeadlineStatus::Undecided => {}
        }
        if deadline.bound.is_some_and(|bound| bound != BoundName::Time) {
            return wrong(format!("no date of `{target}` follows from anything but time"));
        }
        let soonest = soonest.of(target, wants);
        let shown = soonest.map_or("never".to_owned(), |s| s.to_string());
        if let Some(earliest) = deadline.earliest
            && soonest.is_some_and(|s| earliest > s)
        {
            return wrong(format!(
                "the earliest date of `{target}` is said to be {earliest}, and {shown} follows"
            ));
        }
        let impossible = deadline.status == DeadlineStatus::Impossible;
        if impossible && deadline.earliest.or(soonest).is_some_and(|s| s <= due) {
            return wrong(format!("`{target}` could be in time by its own date, {shown}"));
        }
    }
    Ok(())
}

/// By when a target of the intent has to be done: by its date, or by its severity.
///
/// Source: scs-0124 (draft): 3 hours, 3 days, 1 month, 3 months.
fn asked(target: &Target, since: Timestamp) -> Option<Timestamp> {
    let utc = since.to_zoned(jiff::tz::TimeZone::UTC);
    let after = |span: jiff::Span| utc.checked_add(span).ok().map(|z| z.timestamp());
    let by_severity = || match target.severity? {
        Severity::Critical => after(3.hours()),
        Severity::High => after(72.hours()),
        Severity::Medium => after(1.month()),
        Severity::Low => after(3.months()),
        Severity::Info => None,
    };
    target.due.or_else(by_severity)
}

/// When targets could be done at the earliest.
struct Soonest<'g> {
    ground: &'g Ground<'g>,
    /// By host: what is on it.
    aboard: Table<u64>,
    /// The windows of all zones.
    all: Vec<Span>,
    /// The windows of each zone.
    zones: BTreeMap<Option<&'g str>, Vec<Span>>,
}

impl<'g> Soonest<'g> {
    fn new(ground: &'g Ground<'g>) -> Self {
        let mut aboard = Table::filled(0, ground.fleet.hosts.len());
        for vm in 0..ground.fleet.vms.len() {
            aboard[ground.home[vm]] += 1;
        }
        let all = windows(ground.intent, ground.fleet.taken_at, |_| true);
        Self { ground, aboard, all, zones: BTreeMap::new() }
    }

    /// What is on a host leaves it in phases of a wave, whose windows are those of whatever
    /// zone; then a window of its own zone has time for its update. Absent if none has.
    fn of(&mut self, target: &str, wants: &[Want<'_>]) -> Option<Timestamp> {
        let Self { ground, aboard, all, zones } = self;
        let (intent, times) = (ground.intent, &ground.intent.durations);
        let phases = ground.hosts.get(target).map_or(0, |&host| {
            let rate = ground.host(host).max_migrations.outgoing.max(1);
            aboard[host].div_ceil(u64::from(rate))
        });
        let restarts = wants.iter().any(|w| w.reboot);
        let work = times.update_s.saturating_add(if restarts { times.reboot_s } else { 0 });
        let mut moves = seconds(phases.saturating_mul(times.migrate_s));
        let mut empty = ground.fleet.taken_at;
        for (start, end) in all.iter().copied() {
            if moves.is_zero() {
                break;
            }
            let start = start.max(empty);
            let open = end.duration_since(start).max(SignedDuration::ZERO).min(moves);
            if !open.is_zero() {
                moves -= open;
                empty = start.checked_add(open).ok()?;
            }
        }
        if !moves.is_zero() {
            return None;
        }
        let zone = ground.zone_of_target(target);
        let spans = zones.entry(zone).or_insert_with(|| {
            let of_zone = |wanted: Option<&str>| wanted.is_none() || wanted == zone;
            windows(intent, ground.fleet.taken_at, of_zone)
        });
        spans.iter().find_map(|(start, end)| {
            let done = (*start).max(empty).checked_add(seconds(work)).ok()?;
            (done <= *end).then_some(done)
        })
    }
}

fn seconds(n: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(n).unwrap_or(i64::MAX))
}
