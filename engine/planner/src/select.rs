//! Which hosts and nodes an intent selects, and by when they are due.

use std::collections::BTreeMap;

use jiff::{SignedDuration, ToSpan as _};
use tidegate_model::fleet::{Fleet, Host, Node};
use tidegate_model::intent::{Intent, Matching, Selector, Target};
use tidegate_model::versions::{On, VersionRules};
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

/// A component that two targets of the intent want in two versions on one host or
/// node.
pub(crate) struct Torn<'i> {
    /// The place of the second of them, from 0.
    pub(crate) n: usize,
    pub(crate) id: &'i str,
    pub(crate) component: &'i str,
    pub(crate) versions: [&'i str; 2],
}

/// The jobs by host or node id.
pub(crate) fn jobs<'i>(
    fleet: &'i Fleet,
    intent: &'i Intent,
    rules: &'i VersionRules,
    since: Timestamp,
) -> Result<BTreeMap<&'i str, Job<'i>>, Torn<'i>> {
    let mut jobs: BTreeMap<&str, Job<'_>> = BTreeMap::new();
    for (n, target) in intent.targets.iter().enumerate() {
        let due = due(target, since);
        for Chosen { id, component, now } in chosen(fleet, target, rules) {
            let other = now != Some(target.to.as_str());
            if !other || target.from.as_deref().is_some_and(|from| now != Some(from)) {
                continue;
            }
            let job = jobs.entry(id).or_insert(Job { updates: Vec::new(), reboot: false, due });
            match job.updates.iter().find(|u| u.0 == component) {
                Some((_, _, to)) if *to != target.to => {
                    return Err(Torn { n, id, component, versions: [to, &target.to] });
                }
                Some(_) => {}
                None => job.updates.push((component, now, &target.to)),
            }
            job.reboot |= target.reboot;
            job.due = [job.due, due].into_iter().flatten().min();
        }
    }
    let place = |c: &str| rules.order.iter().position(|o| o == c).unwrap_or(usize::MAX);
    for job in jobs.values_mut() {
        job.updates.sort_by(|a, b| (place(a.0), a.0).cmp(&(place(b.0), b.0)));
    }
    Ok(jobs)
}

/// A component of a host or node that a target selects.
pub(crate) struct Chosen<'f> {
    pub(crate) id: &'f str,
    pub(crate) component: &'f str,
    /// Its version, if that is known.
    pub(crate) now: Option<&'f str>,
}

/// What a target selects: its component, or each of the bundle that it names, on
/// hosts, or on the nodes that run it.
pub(crate) fn chosen<'f>(
    fleet: &'f Fleet,
    target: &'f Target,
    rules: &'f VersionRules,
) -> Vec<Chosen<'f>> {
    let mut all = Vec::new();
    for component in rules.meant(&target.component) {
        match rules.components.get(component).map(|c| c.on).unwrap_or_default() {
            On::Nodes => {
                let nodes = fleet.kubernetes.iter().flat_map(|k| &k.nodes);
                let of = |n: &&Node| node_matches(&target.selector, n) && n.runs(component);
                all.extend(nodes.filter(of).map(|n| Chosen {
                    id: n.id.as_str(),
                    component,
                    now: n.version_of(component),
                }));
            }
            On::Hosts => {
                let hosts = fleet.hosts.iter().filter(|h| host_matches(&target.selector, h));
                let version = |h: &'f Host| h.version.get(component).map(String::as_str);
                all.extend(hosts.map(|h| Chosen { id: h.id.as_str(), component, now: version(h) }));
            }
        }
    }
    all
}

/// What a target of an intent selects, by the version that its component has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Its place in the intent, from 1.
    pub n: usize,
    /// How many components of hosts and nodes it updates, unless those are blocked.
    pub due: usize,
    /// How many have the version already that is wanted.
    pub done: usize,
    /// Of all others, which have neither that version nor `from`: how many have which.
    pub others: BTreeMap<String, usize>,
}

/// What each target of an intent selects, in their order.
#[must_use]
pub fn selections(fleet: &Fleet, intent: &Intent, rules: &VersionRules) -> Vec<Selection> {
    let of = |(n, target): (usize, &Target)| {
        let mut selection = Selection { n, ..Selection::default() };
        for Chosen { now, .. } in chosen(fleet, target, rules) {
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
    let Selector::Some(Matching { pool, zone, role: plays, ids }) = selector else { return true };
    pool.as_ref().is_none_or(|p| *p == node.cluster)
        && zone.as_ref().is_none_or(|z| node.zone.as_ref() == Some(z))
        && plays.as_ref().is_none_or(|r| r == role(node))
        && ids.as_ref().is_none_or(|i| i.contains(&node.id))
}

/// What a node is called in the roles of a selector.
pub(crate) fn role(node: &Node) -> &'static str {
    if node.control_plane { "control-plane" } else { "worker" }
}
