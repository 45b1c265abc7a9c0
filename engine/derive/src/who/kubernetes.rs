//! Kubernetes: verbs on objects, and capabilities.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use tidegate_model::{Facts, Kind, ResourceKey};

use super::{Grant, Holder, Holders, WhoError, access, capabilities, members, one, seen, text};
use crate::access::read::{Role, Rule};
use crate::access::{CLUSTER_ROLE, KIND as ACCESS, ROLE};
use crate::earlier;

/// The verbs that RBAC knows, those of one kind only among them.
const VERBS: [&str; 14] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "approve",
    "attest",
    "bind",
    "escalate",
    "impersonate",
    "sign",
];

const EVERYWHERE: &str = "*";

/// What the collector says of the types that the API server has.
const API: &str = "kubernetes.api";

pub(super) fn who_can(
    facts: &dyn Facts,
    action: &str,
    resource: &str,
) -> Result<Holders, WhoError> {
    if capabilities().any(|c| c == action) {
        return by_capability(facts, action, resource);
    }
    if VERBS.contains(&action) {
        return by_verb(facts, action, resource);
    }
    let list = |all: &mut dyn Iterator<Item = &'static str>| all.collect::<Vec<_>>().join(", ");
    let known = format!(
        "verbs: {}; capabilities: {}",
        list(&mut VERBS.into_iter()),
        list(&mut capabilities())
    );
    Err(WhoError::Action { action: action.to_owned(), known })
}

fn by_capability(facts: &dyn Facts, action: &str, resource: &str) -> Result<Holders, WhoError> {
    let prefix = "kubernetes/core.Namespace/-/";
    let place = resource.strip_prefix(prefix).unwrap_or(resource);
    namespace(facts, place)?;
    let counts = |at: &str| at == EVERYWHERE || at == place;
    let mut holders = Vec::new();
    access(facts, ACCESS, &mut |_, body| {
        let mut grants = Vec::new();
        let of = |list: &str| body.get(list).and_then(|l| l.get(action));
        for (at, bindings) in members(of("can")).filter(|(at, _)| counts(at)) {
            for (binding, role) in members(Some(bindings)) {
                grants.push(grant(at, binding, role.as_str().unwrap_or_default(), Vec::new()));
            }
        }
        for (at, bindings) in members(of("named")).filter(|(at, _)| counts(at)) {
            for (binding, names) in members(Some(bindings)) {
                let names = names.as_array().into_iter().flatten().filter_map(Json::as_str);
                let role = body.get("bindings").and_then(|b| b.get(binding)?.get("role")?.as_str());
                let names = names.map(str::to_owned).collect();
                grants.push(grant(at, binding, role.unwrap_or_default(), names));
            }
        }
        holders.push(holder(body, grants));
    })?;
    Ok(Holders { asks: format!("`{action}` in {}", named(place)), policy: None, holders })
}

/// What a verb is asked of.
struct Asked<'a> {
    verb: &'a str,
    group: &'a str,
    plural: String,
    /// Everywhere if absent.
    namespace: Option<&'a str>,
    name: Option<String>,
}

fn by_verb(facts: &dyn Facts, verb: &str, resource: &str) -> Result<Holders, WhoError> {
    const HINT: &str = "write KIND, KIND/NAMESPACE or the key of an object: core.Secret/shop, \
                        kubernetes/core.Secret/shop/db";
    let wrong = |problem: String| WhoError::Resource { problem, hint: HINT.to_owned() };
    let key = ResourceKey::new(resource).ok().filter(|k| k.system() == "kubernetes");
    let parts: Vec<&str> = match &key {
        Some(key) => key.as_str().split('/').skip(1).collect(),
        None => resource.split('/').collect(),
    };
    let (kind, namespace_given) = match parts.as_slice() {
        [kind] => (*kind, None),
        [kind, place] => (*kind, Some(*place)),
        [kind, place, _] if key.is_some() => (*kind, Some(*place)),
        _ => return Err(wrong(format!("`{resource}` is not a kind of object"))),
    };
    let named_kind =
        Kind::new(kind).map_err(|_| wrong(format!("`{kind}` is not a kind of object")))?;
    let collected: BTreeSet<&str> = facts
        .meta()
        .coverage
        .iter()
        .filter(|c| c.source.starts_with("kubernetes/"))
        .map(|c| c.kind.as_str())
        .collect();
    if !collected.contains(kind) {
        let last = |k: &str| k.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let near: Vec<&str> =
            collected.iter().copied().filter(|k| last(k).starts_with(&last(kind))).collect();
        let known = match near.as_slice() {
            [] => HINT.to_owned(),
            near => format!("did you mean: {}", near.join(", ")),
        };
        let problem = format!("the cluster has no kind `{kind}`");
        return Err(WhoError::Resource { problem, hint: known });
    }
    if let Some(key) = &key
        && parts.len() == 3
        && one(facts, key)?.is_none()
    {
        return Err(wrong(format!("there is no `{key}` in the snapshot")));
    }
    let place = namespace_given.filter(|n| *n != "-" && *n != EVERYWHERE);
    if let Some(place) = place {
        namespace(facts, place)?;
    }
    let (group, _) = kind.rsplit_once('.').unwrap_or(("", kind));
    let asked = Asked {
        verb,
        group: if group == "core" { "" } else { group },
        plural: plural(facts, &named_kind)?,
        namespace: place,
        name: key.as_ref().filter(|_| parts.len() == 3).map(|k| k.id().into_owned()),
    };
    let roles = roles(facts)?;
    let mut holders = Vec::new();
    access(facts, ACCESS, &mut |_, body| {
        let mut grants = Vec::new();
        for (binding, bound) in members(body.get("bindings")) {
            let at = text(bound, "/namespace").unwrap_or(EVERYWHERE);
            let role = text(bound, "/role").unwrap_or_default();
            if at != EVERYWHERE && asked.namespace != Some(at) {
                continue;
            }
            if let Some(only) = roles.get(role).and_then(|rules| asked.granted(rules)) {
                grants.push(grant(at, binding, role, only));
            }
        }
        holders.push(holder(body, grants));
    })?;
    let what = match &asked.name {
        Some(name) => format!("`{verb}` `{kind}` `{name}`"),
        None => format!("`{verb}` any `{kind}`"),
    };
    let asks = format!("{what} in {}", named(asked.namespace.unwrap_or(EVERYWHERE)));
    Ok(Holders { asks, policy: None, holders })
}

impl Asked<'_> {
    /// The names that some rules limit it to; empty for any object. `None` if
    /// they do not grant it.
    fn granted(&self, rules: &[Rule]) -> Option<Vec<String>> {
        let mut only: Option<BTreeSet<String>> = None;
        for rule in rules.iter().filter(|r| self.matches(r)) {
            let fits = |name: &&String| self.name.as_ref().is_none_or(|n| n == *name);
            let names: BTreeSet<String> =
                rule.resource_names.iter().filter(fits).cloned().collect();
            match (rule.resource_names.is_empty(), names.is_empty()) {
                (true, _) => return Some(Vec::new()),
                (false, true) => {}
                (false, false) => only.get_or_insert_default().extend(names),
            }
        }
        // An object by name is no limit where that object was asked about.
        only.map(|names| if self.name.is_some() { Vec::new() } else { names.into_iter().collect() })
    }

    fn matches(&self, rule: &Rule) -> bool {
        let has = |list: &[String], wanted: &str| list.iter().any(|i| i == "*" || i == wanted);
        has(&rule.verbs, self.verb)
            && has(&rule.api_groups, self.group)
            && has(&rule.resources, &self.plural)
    }
}

/// The rules of all roles, by key. Of an aggregated role, those that the
/// controller has written into it.
fn roles(facts: &dyn Facts) -> Result<BTreeMap<String, Vec<Rule>>, WhoError> {
    let mut out = BTreeMap::new();
    let mut problem = None;
    for name in [CLUSTER_ROLE, ROLE] {
        let Ok(kind) = Kind::new(name) else { continue };
        facts.each(&kind, &mut |fact| match Role::read(&fact) {
            Ok(role) => drop(out.insert(fact.resource.key.as_str().to_owned(), role.rules)),
            Err(why) => drop(problem.get_or_insert(format!("{}: {why}", fact.resource.key))),
        })?;
    }
    problem.map_or(Ok(out), |problem| Err(WhoError::NotSeen(problem)))
}

/// The name of a kind in RBAC, as the API server says it.
fn plural(facts: &dyn Facts, kind: &Kind) -> Result<String, WhoError> {
    let (group, name) = kind.as_str().rsplit_once('.').unwrap_or(("", kind.as_str()));
    let group = if group == "core" { "" } else { group };
    let api = Kind::new(API).map_err(|e| WhoError::NotSeen(e.to_string()))?;
    let mut plurals = BTreeSet::new();
    let mut unseen = None;
    facts.each(&api, &mut |fact| {
        let body: Json = serde_json::from_str(&fact.resource.body).unwrap_or_default();
        let verbs = body.get("verbs").and_then(Json::as_array);
        let collected = body.get("preferred").and_then(Json::as_bool) == Some(true)
            && verbs.into_iter().flatten().any(|v| v == "list");
        let same = text(&body, "/group") == Some(group) && text(&body, "/kind") == Some(name);
        if collected && same {
            unseen = earlier(unseen, fact.unseen_since);
            plurals.extend(text(&body, "/plural").map(str::to_owned));
        }
    })?;
    if let Some(since) = unseen {
        let text = format!("what RBAC calls `{kind}` was last seen at {since}");
        return Err(WhoError::NotSeen(text));
    }
    let mut plurals = plurals.into_iter();
    match (plurals.next(), plurals.next()) {
        (Some(one), None) => Ok(one),
        (Some(one), Some(other)) => {
            let text = format!("the cluster serves `{kind}` as `{one}` and as `{other}`");
            Err(WhoError::NotSeen(text))
        }
        (None, _) => {
            seen(facts, &api)?;
            let text = format!("`{API}` does not say what RBAC calls `{kind}`");
            Err(WhoError::NotSeen(text))
        }
    }
}

/// Refuses a namespace that the cluster does not have.
fn namespace(facts: &dyn Facts, name: &str) -> Result<(), WhoError> {
    let Ok(kind) = Kind::new("core.Namespace") else { return Ok(()) };
    // Roles can be asked about without a list of namespaces.
    if name == EVERYWHERE || seen(facts, &kind).is_err() {
        return Ok(());
    }
    if one(facts, &ResourceKey::build("kubernetes", &kind, &["", name]))?.is_some() {
        return Ok(());
    }
    let mut all = Vec::new();
    facts.each(&kind, &mut |fact| all.push(fact.resource.key.id().into_owned()))?;
    Err(WhoError::Resource {
        problem: format!("the cluster has no namespace `{name}`"),
        hint: format!("write `*` for all, or one of: {}", all.join(", ")),
    })
}

fn named(place: &str) -> String {
    match place {
        EVERYWHERE => "all namespaces".to_owned(),
        place => format!("namespace `{place}`"),
    }
}

fn grant(at: &str, binding: &str, role: &str, only: Vec<String>) -> Grant {
    let short = |key: &str| {
        let (_, rest) = key.split_once('/').unwrap_or(("", key));
        let (kind, name) = rest.split_once('/').unwrap_or(("", rest));
        let kind = kind.rsplit('.').next().unwrap_or_default();
        format!("{kind} `{}`", name.strip_prefix("-/").unwrap_or(name))
    };
    Grant {
        role: role.to_owned(),
        scope: at.to_owned(),
        chain: vec![short(binding), short(role)],
        only,
        expires_at: None,
    }
}

fn holder(body: &Json, grants: Vec<Grant>) -> Holder {
    let subject = |name: &str| text(body, &format!("/subject/{name}"));
    let name = subject("name").unwrap_or_default().to_owned();
    let id = match subject("namespace") {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.clone(),
    };
    let kind = subject("kind").unwrap_or_default().to_owned();
    Holder { kind, name, id, enabled: None, grants }
}
