//! Whether an intent can be followed, and if not, which member of it is wrong and what
//! could stand there instead.

use std::collections::BTreeSet;

use tidegate_model::fleet::{Fleet, Host, Node};
use tidegate_model::intent::{Intent, Matching, Selector, Target, Window};
use tidegate_model::versions::{On, VersionRules};

use crate::select::{self, Selection, Torn, role};

/// What of an intent cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct IntentProblem {
    /// The member, as a JSON pointer (RFC 6901) into the intent; `/targets/0/selector/ids` for
    /// one of the ids.
    pub at: String,
    /// One clause.
    pub text: String,
    /// The name that is wrong, where it is one that could have been misspelt.
    pub name: Option<String>,
    /// What could stand there: names in order or, if `name` is absent, selectors.
    pub instead: Vec<String>,
}

impl IntentProblem {
    fn new(at: impl Into<String>, text: impl Into<String>) -> Self {
        Self { at: at.into(), text: text.into(), name: None, instead: Vec::new() }
    }
}

/// That an intent can be followed.
pub(crate) fn check(
    fleet: &Fleet,
    intent: &Intent,
    rules: &VersionRules,
) -> Result<(), IntentProblem> {
    let wrong = |at: &str, text: String| Err(IntentProblem::new(at, text));
    if intent.schema != Intent::SCHEMA {
        let text = format!("its schema is `{}`, not `{}`", intent.schema, Intent::SCHEMA);
        return wrong("/schema", text);
    }
    if !(0.0..1.0).contains(&intent.headroom) {
        let text = format!("headroom is {}, and must be at least 0 and below 1", intent.headroom);
        return wrong("/headroom", text);
    }
    if !(1.0..=1e6).contains(&intent.growth) {
        let text = format!("growth is {}, and must be at least 1", intent.growth);
        return wrong("/growth", text);
    }
    if intent.targets.is_empty() {
        return wrong("/targets", "it has no targets".to_owned());
    }
    for (n, target) in intent.targets.iter().enumerate() {
        let chosen = select::chosen(fleet, target, rules);
        if let Selector::Some(of) = &target.selector {
            known(fleet, n, of)?;
        }
        if chosen.is_empty() {
            return Err(nothing(fleet, n, target, rules));
        }
        let unknown = chosen.iter().find(|c| c.now.is_none() && target.from.is_some());
        if let Some(select::Chosen { id, component, .. }) = unknown {
            let text = format!(
                "target {} has a `from`, and which version of `{component}` is on `{id}` is not \
                 known",
                n + 1
            );
            return wrong(&format!("/targets/{n}/from"), text);
        }
    }
    for (selection, target) in select::selections(fleet, intent, rules).iter().zip(&intent.targets)
    {
        nothing_from(selection, target)?;
    }
    Ok(())
}

/// Limits and windows of an intent that are for what is not in the fleet, one clause each:
/// misspelt, they would be none.
#[must_use]
pub fn unmatched(fleet: &Fleet, intent: &Intent) -> Vec<String> {
    let nodes = || fleet.kubernetes.iter().flat_map(|k| &k.nodes);
    let pool = |p: &&String| {
        !fleet.hosts.iter().any(|h| h.pool == **p) && !nodes().any(|n| n.cluster == **p)
    };
    let pools = intent.max_unavailable.keys().filter(pool);
    let pools = pools.map(|p| format!("`max_unavailable` names the pool `{p}`"));
    let windows = (1..).zip(&intent.windows).filter_map(|(n, window)| {
        let zone = match window {
            Window::Once(once) => once.zone.as_ref()?,
            Window::Weekly(weekly) => weekly.zone.as_ref()?,
        };
        let there = fleet.zones.contains(zone) || nodes().any(|n| n.zone.as_ref() == Some(zone));
        (!there).then(|| format!("window {n} is for the zone `{zone}`"))
    });
    pools.chain(windows).map(|what| format!("{what}, which is not in the fleet")).collect()
}

/// That two of its targets want one component in two versions.
pub(crate) fn torn(torn: &Torn<'_>) -> IntentProblem {
    let Torn { n, id, component, versions: [one, other] } = torn;
    let text = format!("it wants `{component}` on `{id}` to be `{one}` and `{other}`");
    IntentProblem::new(format!("/targets/{n}/to"), text)
}

/// That `from` is a version that something selected has, or had: where nothing has it, and
/// nothing has the wanted one either, it is misspelt.
fn nothing_from(selection: &Selection, target: &Target) -> Result<(), IntentProblem> {
    let Selection { n, due, done, others } = selection;
    let Some(from) = target.from.as_ref().filter(|_| due + done == 0) else { return Ok(()) };
    let component = &target.component;
    let found: Vec<String> = others.iter().map(|(v, n)| format!("`{v}` on {n}")).collect();
    let text = format!(
        "target {n} is from `{from}`, and nothing that it selects has `{component}` at that \
         version: it is {}",
        found.join(", ")
    );
    Err(IntentProblem::new(format!("/targets/{}/from", n - 1), text))
}

/// That what a selector names is there.
fn known(fleet: &Fleet, n: usize, of: &Matching) -> Result<(), IntentProblem> {
    let Matching { pool, zone, role: plays, ids } = of;
    let hosts = || fleet.hosts.iter();
    let nodes = || fleet.kubernetes.iter().flat_map(|k| &k.nodes);
    let check = |member: &str, name: &str, there: BTreeSet<&str>, problem: &str| {
        if there.contains(name) {
            return Ok(());
        }
        Err(IntentProblem {
            at: format!("/targets/{n}/selector/{member}"),
            text: format!("target {} {problem}", n + 1),
            name: Some(name.to_owned()),
            instead: there.into_iter().map(str::to_owned).collect(),
        })
    };
    if let Some(ids) = ids {
        let there: BTreeSet<&str> =
            hosts().map(|h| h.id.as_str()).chain(nodes().map(|n| n.id.as_str())).collect();
        if let Some(id) = ids.iter().find(|id| !there.contains(id.as_str())) {
            check("ids", id, there, &format!("names `{id}`, which is neither host nor node"))?;
        }
    }
    if let Some(zone) = zone {
        let there = fleet.zones.iter().chain(nodes().filter_map(|n| n.zone.as_ref()));
        let problem = format!("names the zone `{zone}`, which is not in the fleet");
        check("zone", zone, there.map(String::as_str).collect(), &problem)?;
    }
    if let Some(pool) = pool {
        let there = hosts().map(|h| h.pool.as_str()).chain(nodes().map(|n| n.cluster.as_str()));
        let problem = format!("names the pool `{pool}`, which is not in the fleet");
        check("pool", pool, there.collect(), &problem)?;
    }
    if let Some(plays) = plays {
        let mut there: BTreeSet<&str> =
            hosts().flat_map(|h| &h.roles).map(String::as_str).collect();
        for node in nodes() {
            there.insert(role(node));
        }
        let problem = format!("names the role `{plays}`, which no host and no node has");
        check("role", plays, there, &problem)?;
    }
    Ok(())
}

/// Where a target selects nothing although all that it names is there: what its component is
/// on, as selectors.
fn nothing(fleet: &Fleet, n: usize, target: &Target, rules: &VersionRules) -> IntentProblem {
    let of_host = |h: &Host| {
        let roles =
            if h.roles.is_empty() { vec![None] } else { h.roles.iter().map(Some).collect() };
        let of = move |role: Option<&String>| {
            let role = role.map_or_else(String::new, |r| format!(", role: {r}"));
            format!("{{pool: {}, zone: {}{role}}}", h.pool, h.zone)
        };
        roles.into_iter().map(of).collect::<Vec<_>>()
    };
    let of_node = |n: &Node| {
        let zone = n.zone.as_ref().map_or_else(String::new, |z| format!(", zone: {z}"));
        format!("{{pool: {}{zone}, role: {}}}", n.cluster, role(n))
    };
    let mut there: BTreeSet<String> = BTreeSet::new();
    for component in rules.meant(&target.component) {
        match rules.components.get(component).map(|c| c.on).unwrap_or_default() {
            On::Hosts => there.extend(fleet.hosts.iter().flat_map(of_host)),
            On::Nodes => {
                let nodes = fleet.kubernetes.iter().flat_map(|k| &k.nodes);
                there.extend(nodes.filter(|n| n.runs(component)).map(of_node));
            }
        }
    }
    let (component, place) = (&target.component, n + 1);
    let selectors: Vec<String> = there.into_iter().collect();
    if !selectors.is_empty() {
        let text = format!("target {place} selects nothing that `{component}` is on");
        let at = format!("/targets/{n}/selector");
        return IntentProblem { at, text, name: None, instead: selectors };
    }
    let nodes = || fleet.kubernetes.iter().flat_map(|k| &k.nodes);
    let runs = |c: &&String| nodes().any(|n| n.runs(c));
    IntentProblem {
        at: format!("/targets/{n}/component"),
        text: format!("target {place}: `{component}` is on none of the {} nodes", nodes().count()),
        name: Some(component.clone()),
        instead: rules.components.keys().filter(runs).cloned().collect(),
    }
}
