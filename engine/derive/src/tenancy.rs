//! `openstack.tenancy`: what `openstack.access` says of a user or group, as flat
//! sets, for policies that cannot loop.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use tidegate_model::{Fact, Facts, FactsError, Kind, Resource, ResourceKey, Timestamp};

use crate::{earlier, identity, unreadable};

pub(crate) const KIND: &str = "openstack.tenancy";

/// A set that rules see as an object, for lookups by key.
#[derive(Default, Serialize)]
#[serde(transparent)]
struct Set(BTreeMap<String, bool>);

impl Set {
    fn add(&mut self, text: impl Into<String>) {
        self.0.insert(text.into(), true);
    }
}

/// How a role is held.
#[derive(Default, Serialize)]
struct Held {
    at: Set,
    by: Set,
    domains: Set,
    granted: Set,
    on: Set,
}

#[derive(Serialize)]
struct Body<'b> {
    at: Set,
    domains: Set,
    roles: BTreeMap<&'b str, Held>,
    subject: &'b Value,
}

/// All facts, in order of key.
pub(crate) fn all(facts: &dyn Facts) -> Result<Vec<Fact>, FactsError> {
    let Ok(kind) = Kind::new(KIND) else { return Ok(Vec::new()) };
    let mut domains = BTreeMap::new();
    if let Ok(of) = Kind::new("identity.domain") {
        facts.each(&of, &mut |fact| {
            let name = fact.resource.name.as_deref().unwrap_or_default().to_owned();
            let unseen = fact.unseen_since;
            domains.insert(fact.resource.key.id().into_owned(), Domain { name, unseen });
        })?;
    }
    let flat = |fact: Fact| {
        let key = fact.resource.key.as_str().replacen(identity::KIND, KIND, 1);
        let mut unseen = fact.unseen_since;
        let body = flat(&fact.resource.body, &domains, &mut unseen);
        let readable = body.is_ok();
        let resource = Resource {
            key: ResourceKey::new(key).ok()?,
            kind: kind.clone(),
            body: Arc::from(body.unwrap_or_else(|why| unreadable(&why))),
            // No more than can be seen in the body, by which changes are told.
            read_at: Timestamp::UNIX_EPOCH,
            name: fact.resource.name.filter(|_| readable),
            ..fact.resource
        };
        Some(Fact { resource, unseen_since: unseen })
    };
    Ok(identity::all(facts)?.into_iter().filter_map(flat).collect())
}

/// The resource that findings on a fact name.
pub(crate) fn source_key(key: &ResourceKey) -> Option<ResourceKey> {
    let access = key.as_str().replacen(KIND, identity::KIND, 1);
    identity::source_key(&ResourceKey::new(access).ok()?)
}

/// A domain as the listing has it.
struct Domain {
    name: String,
    unseen: Option<Timestamp>,
}

/// The flat form of a body; an error is one clause. When domains that it names
/// were last seen, if they were not, is noted in `unseen`.
fn flat(
    body: &str,
    domains: &BTreeMap<String, Domain>,
    unseen: &mut Option<Timestamp>,
) -> Result<String, String> {
    let access: Value = serde_json::from_str(body).map_err(|e| e.to_string())?;
    if let Some(why) = access.pointer("/tidegate/unreadable").and_then(Value::as_str) {
        return Err(why.to_owned());
    }
    let object = |name: &str| access.get(name).and_then(Value::as_object).into_iter().flatten();
    let mut scopes = BTreeMap::new();
    for (scope, of) in object("scopes") {
        let read = Scope::read(of, domains)?;
        let domain = read.domain.as_ref().and_then(|id| domains.get(id));
        *unseen = earlier(*unseen, domain.and_then(|d| d.unseen));
        scopes.insert(scope.as_str(), read);
    }
    let (mut at, mut of_all) = (Set::default(), Set::default());
    let mut roles: BTreeMap<&str, Held> = BTreeMap::new();
    for (role, places) in object("roles") {
        let held = roles.entry(role).or_default();
        for (place, chains) in places.as_object().into_iter().flatten() {
            let scope = scopes.get(place.as_str()).ok_or(format!("scope `{place}` is unknown"))?;
            for set in [&mut held.at, &mut at] {
                set.add(&scope.label);
            }
            for set in [&mut held.domains, &mut of_all] {
                scope.domain.iter().for_each(|domain| set.add(domain));
            }
            held.on.add(scope.sort);
            for (chain, granted) in chains.as_object().into_iter().flatten() {
                held.by.add(chain.split('/').next().unwrap_or_default());
                held.granted.add(granted.as_str().unwrap_or_default());
            }
        }
    }
    let subject = access.get("subject").unwrap_or(&Value::Null);
    let body = Body { at, domains: of_all, roles, subject };
    serde_json::to_string(&body).map_err(|e| e.to_string())
}

/// A scope as policies compare it.
struct Scope {
    /// `system`, `domain:DOMAIN`, `project:DOMAIN/PROJECT`; where it is inherited
    /// `projects-of:DOMAIN` or `below:DOMAIN/PROJECT`.
    label: String,
    sort: &'static str,
    domain: Option<String>,
}

impl Scope {
    fn read(of: &Value, domains: &BTreeMap<String, Domain>) -> Result<Self, String> {
        let text = |name: &str| of.get(name).and_then(Value::as_str);
        let id = text("id").unwrap_or_default();
        let inherited = of.get("inherited").and_then(Value::as_bool) == Some(true);
        // Its name in the listing, or a name that nothing has.
        let named = |id: &str| domains.get(id).map_or_else(|| format!("?{id}"), |d| d.name.clone());
        match text("type") {
            Some("system") => Ok(Self { label: "system".to_owned(), sort: "system", domain: None }),
            Some("domain") => {
                let prefix = if inherited { "projects-of" } else { "domain" };
                let sort = if inherited { "project" } else { "domain" };
                let label = format!("{prefix}:{}", named(id));
                Ok(Self { label, sort, domain: Some(id.to_owned()) })
            }
            Some("project") => {
                let domain = text("domain_id")
                    .ok_or_else(|| format!("project `{id}` is not in the listing"))?;
                let prefix = if inherited { "below" } else { "project" };
                let name = text("name").unwrap_or(id);
                let label = format!("{prefix}:{}/{name}", named(domain));
                Ok(Self { label, sort: "project", domain: Some(domain.to_owned()) })
            }
            other => Err(format!("a scope is of the unknown type `{}`", other.unwrap_or("none"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn set(value: &Value) -> BTreeSet<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn scopes_have_names_and_chains_have_sorts() {
        let access = serde_json::json!({
            "subject": {"type": "user", "id": "u"},
            "roles": {
                "admin": {"project/p": {"direct": "admin", "group/g": "support"}, "system": {"trust/t": "admin"}},
                "member": {"inherited:domain/d": {"direct": "member"}, "domain/d": {"direct": "member"}},
            },
            "scopes": {
                "project/p": {"type": "project", "id": "p", "name": "web", "domain_id": "d", "inherited": false},
                "system": {"type": "system", "id": "", "name": null, "domain_id": null, "inherited": false},
                "inherited:domain/d": {"type": "domain", "id": "d", "name": "acme", "domain_id": null, "inherited": true},
                "domain/d": {"type": "domain", "id": "d", "name": "acme", "domain_id": null, "inherited": false},
            },
        });
        let acme =
            |unseen| BTreeMap::from([("d".to_owned(), Domain { name: "acme".to_owned(), unseen })]);
        let domains = acme(None);
        let mut unseen = None;
        let text = flat(&access.to_string(), &domains, &mut unseen).unwrap();
        assert_eq!(unseen, None);
        let got: Value = serde_json::from_str(&text).unwrap();
        let admin = &got["roles"]["admin"];
        assert_eq!(set(&admin["at"]), ["project:acme/web", "system"].into());
        assert_eq!(set(&admin["by"]), ["direct", "group", "trust"].into());
        assert_eq!(set(&admin["granted"]), ["admin", "support"].into());
        assert_eq!(set(&admin["domains"]), ["d"].into());
        assert_eq!(set(&admin["on"]), ["project", "system"].into());
        assert_eq!(set(&got["roles"]["member"]["at"]), ["domain:acme", "projects-of:acme"].into());
        assert_eq!(set(&got["domains"]), ["d"].into());
        // What a domain is called is not known where it was not seen.
        let since = Some(Timestamp::UNIX_EPOCH);
        flat(&access.to_string(), &acme(since), &mut unseen).unwrap();
        assert_eq!(unseen, since);
        // A project that is in no listing has a domain that is not known.
        let mut gone = access;
        gone["scopes"]["project/p"]["domain_id"] = Value::Null;
        assert!(flat(&gone.to_string(), &domains, &mut unseen).unwrap_err().contains("`p`"));
        let why = r#"{"tidegate":{"unreadable":"so"}}"#;
        assert_eq!(flat(why, &domains, &mut unseen).unwrap_err(), "so");
    }

    #[test]
    fn findings_name_the_user() {
        let key = ResourceKey::new("openstack/openstack.tenancy/user/u1").unwrap();
        assert_eq!(source_key(&key).unwrap().as_str(), "openstack/identity.user/-/u1");
    }
}
