//! OpenStack: roles on scopes.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use tidegate_model::{Facts, Kind, ResourceKey, Timestamp};

use super::actions::{Lets, Place, action as known, actions};
use super::{Grant, Holder, Holders, WhoError, access, members, one, text};
use crate::identity::Places;

const ACCESS: &str = "openstack.access";
const PROJECT: &str = "identity.project";

/// What is asked about, as scopes of `openstack.access`.
struct Target {
    /// For people.
    name: String,
    /// Where a role counts for it.
    here: BTreeSet<String>,
    /// The scope of its domain.
    domain: Option<String>,
}

pub(super) fn who_can(
    facts: &dyn Facts,
    action: &str,
    resource: &str,
) -> Result<Holders, WhoError> {
    let policy = known(action);
    let lets: Vec<(String, Place)> = match policy {
        Some(policy) => {
            policy.lets.iter().map(|Lets { role, place }| ((*role).to_owned(), *place)).collect()
        }
        None => vec![(role(facts, action)?, Place::Here)],
    };
    let target = target(facts, resource)?;
    let mut holders = Vec::new();
    access(facts, ACCESS, &mut |_, body| {
        let subject = |name: &str| text(body, &format!("/subject/{name}"));
        let id = subject("id").unwrap_or_default().to_owned();
        let mut grants = Vec::new();
        for (role, place) in &lets {
            for (scope, chains) in members(body.pointer("/roles").and_then(|r| r.get(role))) {
                if target.is_at(*place, scope) {
                    let of = Held { body, role, scope, at: facts.meta().taken_at };
                    grants.extend(members(Some(chains)).filter_map(|(c, g)| of.grant(c, g)));
                }
            }
        }
        holders.push(Holder {
            kind: subject("type").unwrap_or("user").to_owned(),
            name: subject("name").map_or_else(|| id.clone(), str::to_owned),
            id,
            enabled: body.pointer("/subject/enabled").and_then(Json::as_bool),
            grants,
        });
    })?;
    let asks = match policy {
        None => format!("role `{action}` on {}", target.name),
        Some(_) => {
            let ways: Vec<String> = lets
                .iter()
                .map(|(role, place)| format!("role `{role}` {}", place.name(&target.name)))
                .collect();
            format!("`{action}` on {}: {}", target.name, ways.join(", or "))
        }
    };
    Ok(Holders { asks, policy: policy.copied(), holders })
}

/// A role that there is.
fn role(facts: &dyn Facts, name: &str) -> Result<String, WhoError> {
    let mut roles = BTreeSet::new();
    if let Ok(kind) = Kind::new("identity.role") {
        facts.each(&kind, &mut |fact| {
            roles.extend(fact.resource.name.as_deref().map(str::to_owned));
        })?;
    }
    if roles.contains(name) {
        return Ok(name.to_owned());
    }
    // Roles that are held and not listed have their ids for names.
    let mut held = false;
    access(facts, ACCESS, &mut |_, body| {
        held |= body.pointer("/roles").is_some_and(|r| r.get(name).is_some());
    })?;
    if held {
        return Ok(name.to_owned());
    }
    let list = |all: Vec<String>| all.join(", ");
    let service = name.split_once(':').map(|(service, _)| service);
    let of = actions().filter(|a| service.is_none_or(|s| a.action.split(':').next() == Some(s)));
    let of: Vec<String> = of.map(|a| a.action.to_owned()).collect();
    let of = if of.is_empty() { actions().map(|a| a.action.to_owned()).collect() } else { of };
    let known = format!("roles: {}; actions: {}", list(roles.into_iter().collect()), list(of));
    Err(WhoError::Action { action: name.to_owned(), known })
}

fn target(facts: &dyn Facts, resource: &str) -> Result<Target, WhoError> {
    const HINT: &str = "write `system`, or the key of a domain, a project or what a project has, \
                        as `tidegate snapshot show KIND` prints it: openstack/identity.project/-/ID";
    let wrong = |problem: String| WhoError::Resource { problem, hint: HINT.to_owned() };
    if resource == "system" {
        let here = BTreeSet::from(["system".to_owned()]);
        return Ok(Target { name: "the system".to_owned(), here, domain: None });
    }
    let key = ResourceKey::new(resource)
        .ok()
        .filter(|k| k.system() == "openstack")
        .ok_or_else(|| wrong(format!("`{resource}` is not the key of a resource")))?;
    let absent = || wrong(format!("there is no `{resource}` in the snapshot"));
    let (fact, _) = one(facts, &key)?.ok_or_else(absent)?;
    if let Some(since) = fact.unseen_since {
        return Err(WhoError::NotSeen(format!("`{resource}` was last seen at {since}")));
    }
    if key.kind() == "identity.domain" {
        let scope = format!("domain/{}", key.id());
        let here = BTreeSet::from([scope.clone()]);
        let name = fact.resource.name.as_deref().unwrap_or_default().to_owned();
        return Ok(Target { name: format!("domain `{name}`"), here, domain: Some(scope) });
    }
    let project = match (key.kind(), fact.resource.project.as_deref()) {
        (PROJECT, _) => key.id().into_owned(),
        (_, Some(project)) => project.to_owned(),
        (_, None) => return Err(wrong(format!("`{resource}` belongs to no project"))),
    };
    project_target(facts, &project, (key.kind() != PROJECT).then_some(resource))
}

/// A project with those above it.
fn project_target(facts: &dyn Facts, id: &str, of: Option<&str>) -> Result<Target, WhoError> {
    let places = Places::read(facts, &mut |_, _| {})?;
    let above = places.above(id).map_err(WhoError::NotSeen)?;
    if let Some(since) = above.unseen {
        let text = format!("project `{id}`, or one above it, was last seen at {since}");
        return Err(WhoError::NotSeen(text));
    }
    let name = places.project(id).unwrap_or(id);
    let name = match of {
        Some(of) => format!("`{of}` of project `{name}`"),
        None => format!("project `{name}`"),
    };
    let domain = above.domain.map(|d| format!("domain/{d}"));
    Ok(Target { name, here: above.scopes, domain })
}

impl Target {
    /// Whether a role that is held in a scope is held where it must be.
    fn is_at(&self, place: Place, scope: &str) -> bool {
        match place {
            Place::Here => self.here.contains(scope),
            Place::Domain => self.domain.as_deref() == Some(scope),
            Place::System => scope == "system",
            Place::AnyProject => scope.starts_with("project/") || scope.starts_with("inherited:"),
            Place::Anywhere => true,
        }
    }
}

impl Place {
    fn name(self, target: &str) -> String {
        match self {
            Self::Here => format!("on {target}"),
            Self::Domain => "on its domain".to_owned(),
            Self::System => "on the system".to_owned(),
            Self::AnyProject => "on any project".to_owned(),
            Self::Anywhere => "anywhere".to_owned(),
        }
    }
}

/// A role that somebody holds in a scope.
struct Held<'f> {
    body: &'f Json,
    role: &'f str,
    scope: &'f str,
    at: Timestamp,
}

impl Held<'_> {
    /// One chain; none if it has expired.
    fn grant(&self, chain: &str, granted: &Json) -> Option<Grant> {
        let granted = granted.as_str().unwrap_or(self.role);
        let (how, id) = chain.split_once('/').unwrap_or((chain, ""));
        let of = |list: &str, member: &str| -> Option<&Json> {
            self.body.pointer(list)?.get(id)?.get(member)
        };
        let expires = match how {
            "trust" => of("/trusts", "expires_at"),
            "credential" => of("/credentials", "expires_at"),
            _ => None,
        };
        let expires = expires.and_then(Json::as_str);
        if expires.and_then(time).is_some_and(|end| end <= self.at) {
            return None;
        }
        let named =
            |list: &str, member: &str| of(list, member).and_then(Json::as_str).unwrap_or(id);
        let mut steps = Vec::new();
        match how {
            "group" => {
                let name = self.body.pointer("/groups").and_then(|g| g.get(id));
                let name = name.and_then(Json::as_str).unwrap_or(id);
                steps.push(format!("member of group `{name}`"));
            }
            "trust" => {
                steps.push(format!("trust `{id}` of user `{}`", named("/trusts", "trustor")))
            }
            "credential" => {
                steps.push(format!("application credential `{}`", named("/credentials", "name")));
            }
            _ => {}
        }
        steps.push(format!("role `{granted}` on {}", self.place()));
        if granted != self.role {
            let path = self.body.pointer("/implied").and_then(|i| i.get(self.role));
            let path = path.and_then(|p| p.get(granted)).and_then(Json::as_array);
            let path: Vec<&str> = path.into_iter().flatten().filter_map(Json::as_str).collect();
            for pair in path.windows(2) {
                if let [prior, implied] = pair {
                    steps.push(format!("`{prior}` implies `{implied}`"));
                }
            }
        }
        Some(Grant {
            role: self.role.to_owned(),
            scope: self.scope.to_owned(),
            chain: steps,
            only: Vec::new(),
            expires_at: expires.map(str::to_owned),
        })
    }

    /// The scope for people.
    fn place(&self) -> String {
        let name = self.body.pointer("/scopes").and_then(|s| s.get(self.scope));
        let name = name.and_then(|s| text(s, "/name"));
        let bare = self.scope.strip_prefix("inherited:");
        let (kind, id) = bare.unwrap_or(self.scope).split_once('/').unwrap_or(("the system", ""));
        let shown = match (kind, name) {
            ("the system", _) => return "the system".to_owned(),
            (kind, Some(name)) => format!("{kind} `{name}`"),
            (kind, None) => format!("{kind} `{id}`"),
        };
        match bare {
            Some(_) => format!("all projects below {shown} (inherited)"),
            None => shown,
        }
    }
}

/// A time of Keystone, which is UTC where it does not say so.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}
