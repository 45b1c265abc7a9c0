//! Which hosts and nodes an intent selects, and by when they are due.

use std::collections::BTreeMap;

use jiff::{SignedDuration, ToSpan as _};
use tidegate_model::fleet::{Fleet, Host, Node};
use tidegate_model::intent::{Intent, Matching, Selector, Target};
use tidegate_model::versions::VersionRules;
use tidegate_model::{Severity, Timestamp};

/// What is done to one target.
#[derive(Debug, Clone)]
pub(crate) struct Job<'i> {
    /// Component, version now, version then; in the order of the table.
    pub(crate) updates: Vec<(&'i str, Option<&'i str>, &'i str)>,
    pub(crate) reboot: bool,
    /// The earliest due date.
    pub(crate) due: Option<Timestamp>,
}

/// Whether a component is updated on nodes rather than hosts.
fn of_nodes(component: &str) -> bool {
    matches!(component, "kubelet" | "kubernetes")
}

/// The jobs by host or node id.
pub(crate) fn jobs<'i>(
    fleet: &'i Fleet,
    intent: &'i Intent,
    rules: &VersionRules,
    since: Timestamp,
) -> BTreeMap<&'i str, Job<'i>> {
    let mut jobs: BTreeMap<&str, Job<'_>> = BTreeMap::new();
    for target in &intent.targets {
        let due = due(target, since);
        let mut add = |id: &'i str, now: Option<&'i str>| {
            let other = now != Some(target.to.as_str());
            if !other || target.from.as_deref().is_some_and(|from| now != Some(from)) {
                return;
            }
            let job = jobs.entry(id).or_insert(Job { updates: Vec::new(), reboot: false, due });
            job.updates.push((&target.component, now, &target.to));
            job.reboot |= target.reboot;
            job.due = [job.due, due].into_iter().flatten().min();
        };
        for (id, now) in chosen(fleet, target) {
            add(id, now);
        }
    }
    let place = |c: &str| rules.order.iter().position(|o| o == c).unwrap_or(usize::MAX);
    for job in jobs.values_mut() {
        job.updates.sort_by(|a, b| (place(a.0), a.0).cmp(&(place(b.0), b.0)));
    }
    jobs
}

/// The hosts or nodes that a target selects, each with the version of its component.
pub(crate) fn chosen<'f>(fleet: &'f Fleet, target: &Target) -> Vec<(&'f str, Option<&'f str>)> {
    if of_nodes(&target.component) {
        let nodes = fleet.kubernetes.iter().flat_map(|k| &k.nodes);
        let nodes = nodes.filter(|n| node_matches(&target.selector, n));
        return nodes.map(|n| (n.id.as_str(), n.version.as_deref())).collect();
    }
    let hosts = fleet.hosts.iter().filter(|h| host_matches(&target.selector, h));
    let version = |h: &'f Host| h.version.get(&target.component).map(String::as_str);
    hosts.map(|h| (h.id.as_str(), version(h))).collect()
}

/// What a target of an intent selects, by the version that its component has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Its place in the intent, from 1.
    pub n: usize,
    /// How many hosts or nodes it updates, unless they are blocked.
    pub due: usize,
    /// How many have the version already that is wanted.
    pub done: usize,
    /// Of all others, which have neither that version nor `from`: how many have which.
    pub others: BTreeMap<String, usize>,
}

/// What each target of an intent selects, in their order.
#[must_use]
pub fn selections(fleet: &Fleet, intent: &Intent) -> Vec<Selection> {
    let of = |(n, target): (usize, &Target)| {
        let mut selection = Selection { n, ..Selection::default() };
        for (_, now) in chosen(fleet, target) {
            if now == Some(target.to.as_str()) {
                selection.done += 1;
            } else if target.from.is_none() || now == target.from.as_deref() {
                selection.due += 1;
            } else {
                *selection.others.entry(now.unwrap_or("-").to_owned()).or_default() += 1;
            }
        }
        selection
    };
    (1..).zip(&intent.targets).map(of).collect()
}

/// The date given, or the one that follows from the severity.
///
/// Source: scs-0124 (draft), after BSI C5: 3 hours, 3 days, 1 month, 3 months.
fn due(target: &Target, since: Timestamp) -> Option<Timestamp> {
    if target.due.is_some() {
        return target.due;
    }
    let after = |hours: i64| since.checked_add(SignedDuration::from_hours(hours)).ok();
    let months = |n: i64| {
        let zoned = since.to_zoned(jiff::tz::TimeZone::UTC);
        zoned.checked_add(n.months()).ok().map(|z| z.timestamp())
    };
    match target.severity? {
        Severity::Critical => after(3),
        Severity::High => after(72),
        Severity::Medium => months(1),
        Severity::Low => months(3),
        Severity::Info => None,
    }
}

fn host_matches(selector: &Selector, host: &Host) -> bool {
    let Selector::Some(Matching { pool, zone, role, ids }) = selector else { return true };
    pool.as_ref().is_none_or(|p| *p == host.pool)
        && zone.as_ref().is_none_or(|z| *z == host.zone)
        && role.as_ref().is_none_or(|r| host.roles.contains(r))
        && ids.as_ref().is_none_or(|i| i.contains(&host.id))
}

fn node_matches(selector: &Selector, node: &Node) -> bool {
    let Selector::Some(Matching { pool, zone, role, ids }) = selector else { return true };
    let plays = if node.control_plane { "control-plane" } else { "worker" };
    pool.as_ref().is_none_or(|p| *p == node.cluster)
        && zone.as_ref().is_none_or(|z| node.zone.as_ref() == Some(z))
        && role.as_ref().is_none_or(|r| r == plays)
        && ids.as_ref().is_none_or(|i| i.contains(&node.id))
}
