//! T1, T2 and T3: the sequence of waves as a whole.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time, Weekday};
use jiff::{SignedDuration, ToSpan as _};
use tidegate_model::Timestamp;
use tidegate_model::fleet::HostState;
use tidegate_model::intent::{Day, Intent, Weekly, Window};
use tidegate_model::plan::{Done, Plan, Wave};

use crate::ground::Ground;
use crate::{Invariant, Violation};

fn broken(invariant: Invariant, wave: &Wave, problem: String) -> Violation {
    Violation { invariant, wave: Some(wave.n), step: None, problem }
}

/// Numbers, zones, sizes and budgets; gives the targets that waves have.
pub(crate) fn sequence<'p>(
    ground: &Ground<'_>,
    plan: &'p Plan,
) -> Result<BTreeSet<&'p str>, Violation> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut done_zones: BTreeSet<&str> = BTreeSet::new();
    // A zone that the plans before this one came to last is finished first. Those that
    // they left before may have targets again: hosts that came back, or were freed.
    let zone_of = |d: &'p Done| d.zone.as_deref().unwrap_or("-");
    let mut current: Option<&str> = plan.done.last().map(zone_of);
    let size = |d: &'p Done| (zone_of(d), d.targets.len());
    let mut sizes: BTreeMap<&str, usize> = plan.done.iter().map(size).collect();
    for (n, wave) in (1..).zip(&plan.waves) {
        if wave.n != n {
            let text = format!("it stands where wave {n} should");
            return Err(broken(Invariant::Form, wave, text));
        }
        if wave.targets.is_empty() {
            return Err(broken(Invariant::Form, wave, "it has no targets".to_owned()));
        }
        let (soak, wanted) = (wave.soak_s, ground.intent.soak_s);
        if soak < wanted {
            let text = format!("it has {soak}s to prove itself, the intent wants {wanted}s");
            return Err(broken(Invariant::T2, wave, text));
        }
        for target in &wave.targets {
            if !seen.insert(target) {
                let text = format!("`{target}` is a target for the second time");
                return Err(broken(Invariant::Targets, wave, text));
            }
        }
        let mut zones: BTreeSet<&str> =
            wave.targets.iter().filter_map(|t| ground.zone_of_target(t)).collect();
        if zones.len() > 1 {
            let all: Vec<&str> = zones.into_iter().collect();
            let text = format!("its targets are in several zones: {}", all.join(", "));
            return Err(broken(Invariant::T3, wave, text));
        }
        let zone = zones.pop_first();
        if wave.zone.as_deref() != zone {
            let said = wave.zone.as_deref().unwrap_or("-");
            let zone = zone.unwrap_or("-");
            let text =
                format!("it says that its zone is `{said}`, and its targets are in `{zone}`");
            return Err(broken(Invariant::Form, wave, text));
        }
        let zone = zone.unwrap_or("-");
        if ground.intent.one_zone_at_a_time && current != Some(zone) {
            if let Some(before) = current.replace(zone) {
                done_zones.insert(before);
            }
            if done_zones.contains(zone) {
                let text = format!("zone `{zone}` was left before it was finished");
                return Err(broken(Invariant::T3, wave, text));
            }
        }
        ramp(ground, wave, sizes.insert(zone, wave.targets.len()))?;
        budgets(ground, wave)?;
    }
    Ok(seen)
}

/// T2: canaries and growth.
fn ramp(ground: &Ground<'_>, wave: &Wave, before: Option<usize>) -> Result<(), Violation> {
    let Some(canary) = ground.intent.canary else { return Ok(()) };
    #[expect(clippy::cast_precision_loss, reason = "waves have fewer than 2^53 targets")]
    let grown = |n: usize| (n as f64 * ground.intent.growth - 1e-9).ceil() as u64;
    let limit = before.map_or(u64::from(canary), grown);
    let size = wave.targets.len() as u64;
    if size > limit {
        let text = format!("it has {size} targets, {limit} may be");
        return Err(broken(Invariant::T2, wave, text));
    }
    Ok(())
}

/// T2: hosts of a pool that are out of service, from the start or by the wave.
fn budgets(ground: &Ground<'_>, wave: &Wave) -> Result<(), Violation> {
    for (pool, &limit) in &ground.intent.max_unavailable {
        let targets: BTreeSet<&str> = wave.targets.iter().map(String::as_str).collect();
        let mut any = false;
        let mut out = 0_u32;
        for host in ground.fleet.hosts.iter().filter(|h| h.pool == *pool) {
            let target = targets.contains(host.id.as_str());
            any |= target;
            out += u32::from(target || host.state != HostState::Up);
        }
        let nodes = ground.fleet.kubernetes.iter().flat_map(|k| &k.nodes);
        for node in nodes.filter(|n| n.cluster == *pool && targets.contains(n.id.as_str())) {
            any |= !node.id.is_empty();
            out += 1;
        }
        if any && out > limit {
            let text = format!("{out} of pool `{pool}` are out of service, {limit} may be");
            return Err(broken(Invariant::T2, wave, text));
        }
    }
    Ok(())
}

/// T1: when each wave ends, if it begins as early as it may.
pub(crate) fn times(
    ground: &Ground<'_>,
    plan: &Plan,
    seconds: &[u64],
) -> Result<Vec<Timestamp>, Violation> {
    let intent = ground.intent;
    let bounded = !intent.windows.is_empty() || !intent.freezes.is_empty();
    let mut now = ground.fleet.taken_at;
    let mut ends = Vec::new();
    for (wave, seconds) in plan.waves.iter().zip(seconds) {
        let late = |_| broken(Invariant::T1, wave, "it ends after the end of time".to_owned());
        let start = wave.window.map_or(now, |w| w.start.max(now));
        let take = SignedDuration::from_secs(i64::try_from(*seconds).unwrap_or(i64::MAX));
        let end = start.checked_add(take).map_err(late)?;
        match wave.window {
            None if bounded => {
                let text = "it has no window, and the intent has windows or freezes".to_owned();
                return Err(broken(Invariant::T1, wave, text));
            }
            None => {}
            Some(window) => {
                if end > window.end {
                    let text = format!("it would last until {end}, its window ends {}", window.end);
                    return Err(broken(Invariant::T1, wave, text));
                }
                let zone = wave.targets.first().and_then(|t| ground.zone_of_target(t));
                let open = intent.windows.is_empty()
                    || intent.windows.iter().any(|w| covers(w, window.start, window.end, zone));
                if !open {
                    let text = format!(
                        "{} to {} is within no window of its zone",
                        window.start, window.end
                    );
                    return Err(broken(Invariant::T1, wave, text));
                }
                let frozen = |f: &&tidegate_model::intent::Freeze| f.start < end && start < f.end;
                if let Some(freeze) = intent.freezes.iter().find(frozen) {
                    let text = format!("it runs into the freeze from {}", freeze.start);
                    return Err(broken(Invariant::T1, wave, text));
                }
            }
        }
        ends.push(end);
        let soak = SignedDuration::from_secs(i64::try_from(wave.soak_s).unwrap_or(i64::MAX));
        now = end.checked_add(soak).map_err(late)?;
    }
    Ok(ends)
}

/// When a wave could begin after so many of a plan.
pub(crate) fn next(
    ground: &Ground<'_>,
    plan: &Plan,
    ends: &[Timestamp],
    waves: usize,
) -> Timestamp {
    let last = waves.checked_sub(1).and_then(|n| plan.waves.get(n).zip(ends.get(n)));
    let Some((wave, end)) = last else { return ground.fleet.taken_at };
    let soak = SignedDuration::from_secs(i64::try_from(wave.soak_s).unwrap_or(i64::MAX));
    end.checked_add(soak).unwrap_or(Timestamp::MAX)
}

/// So many days after its facts a plan may still run: longer than any rollout, and all
/// that windows which come back every week differ by daylight saving time.
const DAYS: i64 = 731;

/// The windows for which `of` says so, by their zones, from a time on, in the order of their
/// begins, freezes taken out.
pub(crate) fn windows(
    intent: &Intent,
    from: Timestamp,
    of: impl Fn(Option<&str>) -> bool,
) -> Vec<(Timestamp, Timestamp)> {
    let horizon = from.checked_add(SignedDuration::from_hours(24 * DAYS)).unwrap_or(Timestamp::MAX);
    let mut spans: Vec<(Timestamp, Timestamp)> = Vec::new();
    for window in &intent.windows {
        match window {
            Window::Once(once) if of(once.zone.as_deref()) => spans.push((once.start, once.end)),
            // What cannot be read as a time is no window.
            Window::Weekly(weekly) if of(weekly.zone.as_deref()) => {
                spans.extend(weekly_spans(weekly, from).unwrap_or_default());
            }
            Window::Once(_) | Window::Weekly(_) => {}
        }
    }
    if intent.windows.is_empty() {
        spans.push((from, horizon));
    }
    let mut freezes: Vec<_> = intent.freezes.iter().map(|f| (f.start, f.end)).collect();
    freezes.sort_unstable();
    let mut open = Vec::new();
    for (start, end) in spans {
        let mut begin = start.max(from);
        for (begins, thaws) in freezes.iter().filter(|f| f.0 < end && f.1 > start) {
            open.push((begin, *begins));
            begin = begin.max(*thaws);
        }
        open.push((begin, end));
    }
    open.retain(|(begin, end)| begin < end);
    open.sort_unstable();
    open
}

/// The seconds of the longest window of a zone that is left at a time, freezes taken out.
pub(crate) fn longest(intent: &Intent, zone: Option<&str>, from: Timestamp, now: Timestamp) -> u64 {
    let of_zone = |wanted: Option<&str>| wanted.is_none() || wanted == zone;
    let left = |(start, end): &(Timestamp, Timestamp)| end.duration_since((*start).max(now));
    let seconds = windows(intent, from, of_zone).iter().map(|w| left(w).as_secs()).max();
    seconds.and_then(|s| u64::try_from(s).ok()).unwrap_or(0)
}

/// When a weekly window is open, from the day before some time on.
fn weekly_spans(weekly: &Weekly, from: Timestamp) -> Option<Vec<(Timestamp, Timestamp)>> {
    let today = from.in_tz(&weekly.time_zone).ok()?.date();
    let days = (-1..DAYS).filter_map(|ahead| today.checked_add(ahead.days()).ok());
    Some(days.filter_map(|day| opens_on(weekly, day)).collect())
}

/// When a weekly window opens and closes if it opens on a day.
fn opens_on(weekly: &Weekly, day: Date) -> Option<(Timestamp, Timestamp)> {
    let on = |d: &Day| weekday(*d) == day.weekday();
    if !weekly.days.is_empty() && !weekly.days.iter().any(on) {
        return None;
    }
    let [from, to] = [&weekly.from, &weekly.to].map(|t| Time::strptime("%H:%M", t));
    let (from, to) = (from.ok()?, to.ok()?);
    let last = if to > from { day } else { day.tomorrow().ok()? };
    let opens = day.to_datetime(from).in_tz(&weekly.time_zone).ok()?.timestamp();
    let closes = last.to_datetime(to).in_tz(&weekly.time_zone).ok()?.timestamp();
    Some((opens, closes))
}

/// Whether a window is open all the time from `start` to `end`.
fn covers(window: &Window, start: Timestamp, end: Timestamp, zone: Option<&str>) -> bool {
    let of = |wanted: &Option<String>| wanted.is_none() || wanted.as_deref() == zone;
    match window {
        Window::Once(once) => of(&once.zone) && once.start <= start && end <= once.end,
        Window::Weekly(weekly) => of(&weekly.zone) && open(weekly, start, end).unwrap_or(false),
    }
}

/// What cannot be read as a time is no open window.
fn open(weekly: &Weekly, start: Timestamp, end: Timestamp) -> Option<bool> {
    let day = start.in_tz(&weekly.time_zone).ok()?.date();
    let days = [Some(day), day.yesterday().ok()];
    let mut spans = days.into_iter().flatten().filter_map(|day| opens_on(weekly, day));
    Some(spans.any(|(opens, closes)| opens <= start && end <= closes))
}

fn weekday(day: Day) -> Weekday {
    match day {
        Day::Mon => Weekday::Monday,
        Day::Tue => Weekday::Tuesday,
        Day::Wed => Weekday::Wednesday,
        Day::Thu => Weekday::Thursday,
        Day::Fri => Weekday::Friday,
        Day::Sat => Weekday::Saturday,
        Day::Sun => Weekday::Sunday,
    }
}
