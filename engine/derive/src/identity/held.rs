//! What one user or group holds, by which chains.

use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_model::Timestamp;

use super::places::{Above, Places};
use super::read::{Named, Scope};
use super::roles::Roles;
use crate::earlier;

/// By role, scope and chain: the role that was granted.
type ByRole = BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>;

/// What is known of a user or group.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// As it describes itself, if it is listed.
    pub(super) named: Option<Result<Named, String>>,
    pub(super) groups: BTreeMap<String, Option<String>>,
    pub(super) roles: ByRole,
    scopes: BTreeMap<String, ScopeOf>,
    implied: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    pub(super) trusts: BTreeMap<String, TrustOf>,
    pub(super) credentials: BTreeMap<String, CredentialOf>,
    wrong: Option<String>,
    pub(super) unseen: Option<Timestamp>,
    pub(super) read_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct ScopeOf {
    domain_id: Option<String>,
    id: Option<String>,
    inherited: bool,
    name: Option<String>,
    r#type: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct TrustOf {
    pub(super) expires_at: Option<String>,
    pub(super) impersonation: Option<bool>,
    pub(super) project_id: Option<String>,
    pub(super) trustor: String,
}

#[derive(Debug, Serialize)]
pub(super) struct CredentialOf {
    pub(super) access_rules: usize,
    pub(super) expires_at: Option<String>,
    pub(super) name: Option<String>,
    pub(super) project_id: Option<String>,
    pub(super) roles: BTreeMap<String, bool>,
    pub(super) unrestricted: bool,
}

#[derive(Serialize)]
struct Body<'h> {
    credentials: &'h BTreeMap<String, CredentialOf>,
    groups: &'h BTreeMap<String, Option<String>>,
    implied: &'h BTreeMap<String, BTreeMap<String, Vec<String>>>,
    key: &'h str,
    roles: &'h ByRole,
    scopes: &'h BTreeMap<String, ScopeOf>,
    subject: Subject<'h>,
    trusts: &'h BTreeMap<String, TrustOf>,
}

#[derive(Serialize)]
struct Subject<'h> {
    domain_id: Option<&'h str>,
    enabled: Option<bool>,
    id: &'h str,
    listed: bool,
    name: Option<&'h str>,
    r#type: &'static str,
}

impl Held {
    /// Notes that something cannot be read; of several the first by text.
    pub(super) fn refuse(&mut self, why: &str) {
        if self.wrong.as_deref().is_none_or(|known| why < known) {
            self.wrong = Some(why.to_owned());
        }
    }

    pub(super) fn note(&mut self, unseen: Option<Timestamp>, read_at: Timestamp) {
        self.unseen = earlier(self.unseen, unseen);
        self.read_at = self.read_at.max(Some(read_at));
    }

    /// Takes in a role that was granted in a scope, with all that it implies.
    pub(super) fn grant(
        &mut self,
        granted: &str,
        scope: &Scope,
        chain: &str,
        (roles, places): (&Roles, &Places),
    ) {
        let Some(reach) = roles.reach(granted) else { return };
        self.unseen = earlier(self.unseen, reach.unseen);
        match &reach.roles {
            Ok(given) => {
                for (role, path) in given {
                    self.hold(role, path, scope, chain);
                }
                if !given.is_empty() {
                    self.describe(scope, places);
                }
            }
            Err(why) => self.refuse(why),
        }
    }

    fn hold(&mut self, role: &str, path: &[String], scope: &Scope, chain: &str) {
        let Some(granted) = path.first() else { return };
        let paths = self.implied.entry(role.to_owned()).or_default();
        if path.len() > 1 {
            paths.entry(granted.clone()).or_insert_with(|| path.to_vec());
        }
        let steps = |granted: &str| paths.get(granted).map_or(1, Vec::len);
        let chains = self.roles.entry(role.to_owned()).or_default().entry(scope.key()).or_default();
        let better = chains.get(chain).is_none_or(|known| {
            (steps(granted), granted.as_str()) < (steps(known), known.as_str())
        });
        if better {
            chains.insert(chain.to_owned(), granted.clone());
        }
    }

    fn describe(&mut self, scope: &Scope, places: &Places) {
        let key = scope.key();
        if self.scopes.contains_key(&key) {
            return;
        }
        let (r#type, id, inherited, found) = match scope {
            Scope::System => ("system", None, false, None),
            Scope::Domain(id) => ("domain", Some(id), false, places.domains.get(id)),
            Scope::InDomain(id) => ("domain", Some(id), true, places.domains.get(id)),
            Scope::Project(id) => ("project", Some(id), false, places.projects.get(id)),
            Scope::BelowProject(id) => ("project", Some(id), true, places.projects.get(id)),
        };
        let unseen = id.and_then(|id| places.unseen.get(id)).copied();
        self.unseen = earlier(self.unseen, unseen);
        let place = match found {
            Some(Err(why)) => return self.refuse(why),
            Some(Ok(place)) => Some(place),
            None => None,
        };
        let domain_id = match scope {
            Scope::Domain(id) | Scope::InDomain(id) => Some(id.clone()),
            Scope::System | Scope::Project(_) | Scope::BelowProject(_) => {
                place.and_then(|p| p.domain_id.clone())
            }
        };
        let (id, name) = (id.cloned(), place.map(|p| p.name.clone()));
        self.scopes.insert(key, ScopeOf { domain_id, id, inherited, name, r#type });
    }

    /// Whether it holds a role, by name, where it counts in a project.
    pub(super) fn holds(&self, role: &str, above: &Above) -> bool {
        let scopes = self.roles.get(role);
        scopes.is_some_and(|scopes| above.scopes.iter().any(|scope| scopes.contains_key(scope)))
    }

    /// Why it cannot be told what it holds.
    pub(super) fn wrong(&self) -> Option<&str> {
        let named = || self.named.as_ref()?.as_ref().err().map(String::as_str);
        self.wrong.as_deref().or_else(named)
    }

    /// Whether Keystone lets it in, as far as is known.
    pub(super) fn is_enabled(&self) -> bool {
        !matches!(&self.named, Some(Ok(Named { enabled: Some(false), .. })))
    }

    /// The body, or why it cannot be told.
    pub(super) fn body(&self, key: &str, r#type: &'static str, id: &str) -> Result<String, String> {
        if let Some(why) = self.wrong() {
            return Err(why.to_owned());
        }
        let named = self.named.as_ref().and_then(|n| n.as_ref().ok());
        let subject = Subject {
            domain_id: named.and_then(|n| n.domain_id.as_deref()),
            enabled: named.and_then(|n| n.enabled).or(named.map(|_| true)),
            id,
            listed: named.is_some(),
            name: named.and_then(|n| n.name.as_deref()),
            r#type,
        };
        let body = Body {
            credentials: &self.credentials,
            groups: &self.groups,
            implied: &self.implied,
            key,
            roles: &self.roles,
            scopes: &self.scopes,
            subject,
            trusts: &self.trusts,
        };
        serde_json::to_string(&body).map_err(|e| e.to_string())
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.named.as_ref()?.as_ref().ok()?.name.as_deref()
    }
}
