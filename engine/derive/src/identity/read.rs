//! What the API of Keystone says, as far as access depends on it. An error is
//! one clause.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Somebody that can have roles.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Actor {
    Group(String),
    User(String),
}

impl Actor {
    /// As facts have it.
    pub(super) fn sort(&self) -> &'static str {
        match self {
            Self::Group(_) => "group",
            Self::User(_) => "user",
        }
    }

    pub(super) fn id(&self) -> &str {
        match self {
            Self::Group(id) | Self::User(id) => id,
        }
    }
}

/// Where a role counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    Domain(String),
    /// In all projects of a domain.
    InDomain(String),
    /// In all projects below one.
    BelowProject(String),
    Project(String),
    System,
}

impl Scope {
    /// As facts have it.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Domain(id) => format!("domain/{id}"),
            Self::InDomain(id) => format!("inherited:domain/{id}"),
            Self::BelowProject(id) => format!("inherited:project/{id}"),
            Self::Project(id) => format!("project/{id}"),
            Self::System => "system".to_owned(),
        }
    }
}

pub(super) fn parse<T: DeserializeOwned>(body: &str, what: &str) -> Result<T, String> {
    serde_json::from_str(body).map_err(|e| format!("it is not {what}: {e}"))
}

/// A reference by id.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Ref {
    pub(super) id: String,
}

/// A user or a group, as it describes itself.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Named {
    pub(super) name: Option<String>,
    pub(super) domain_id: Option<String>,
    pub(super) enabled: Option<bool>,
}

/// Who has which role where.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) actor: Actor,
    pub(super) scope: Scope,
    pub(super) role: String,
}

#[derive(Deserialize)]
struct RawAssignment {
    user: Option<Ref>,
    group: Option<Ref>,
    role: Ref,
    scope: RawScope,
}

#[derive(Deserialize)]
struct RawScope {
    project: Option<Ref>,
    domain: Option<Ref>,
    system: Option<Value>,
    #[serde(rename = "OS-INHERIT:inherited_to")]
    inherited: Option<String>,
}

impl Assignment {
    pub(super) fn read(body: &str) -> Result<Self, String> {
        let raw: RawAssignment = parse(body, "a role assignment")?;
        let actor = match (raw.user, raw.group) {
            (Some(user), None) => Actor::User(user.id),
            (None, Some(group)) => Actor::Group(group.id),
            (_, _) => return Err("it is of no single user or group".to_owned()),
        };
        let RawScope { project, domain, system, inherited } = raw.scope;
        let scope = match (project, domain, system, inherited.as_deref()) {
            (Some(project), None, None, None) => Scope::Project(project.id),
            (Some(project), None, None, Some("projects")) => Scope::BelowProject(project.id),
            (None, Some(domain), None, None) => Scope::Domain(domain.id),
            (None, Some(domain), None, Some("projects")) => Scope::InDomain(domain.id),
            (None, None, Some(_), None) => Scope::System,
            (_, _, _, _) => return Err("`/scope` is none".to_owned()),
        };
        Ok(Self { actor, scope, role: raw.role.id })
    }
}

/// A role.
#[derive(Debug, Deserialize)]
pub(super) struct Role {
    pub(super) name: String,
    /// Of a domain's own role.
    pub(super) domain_id: Option<String>,
}

/// What a role implies.
#[derive(Debug, Deserialize)]
pub(super) struct Inference {
    pub(super) prior_role: Ref,
    pub(super) implies: Vec<Ref>,
}

/// A project or a domain.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Place {
    pub(super) name: String,
    pub(super) domain_id: Option<String>,
    pub(super) parent_id: Option<String>,
}

/// That a user is in a group.
#[derive(Debug, Deserialize)]
pub(super) struct Member {
    #[serde(rename = "id")]
    pub(super) user: String,
    tidegate: OfGroup,
}

#[derive(Debug, Deserialize)]
struct OfGroup {
    group_id: String,
}

impl Member {
    pub(super) fn group(&self) -> &str {
        &self.tidegate.group_id
    }
}

/// A trust.
#[derive(Debug, Deserialize)]
pub(super) struct Trust {
    pub(super) trustor_user_id: String,
    pub(super) trustee_user_id: String,
    pub(super) project_id: Option<String>,
    pub(super) impersonation: Option<bool>,
    pub(super) expires_at: Option<String>,
    deleted_at: Option<String>,
    remaining_uses: Option<u64>,
    pub(super) redelegated_trust_id: Option<String>,
}

impl Trust {
    /// Whether it can be used, but for its time.
    pub(super) fn is_valid(&self) -> bool {
        self.deleted_at.is_none() && self.remaining_uses != Some(0)
    }
}

/// That a trust delegates a role.
#[derive(Debug, Deserialize)]
pub(super) struct TrustRole {
    pub(super) id: String,
    tidegate: OfTrust,
}

#[derive(Debug, Deserialize)]
struct OfTrust {
    trust_id: String,
}

impl TrustRole {
    pub(super) fn trust(&self) -> &str {
        &self.tidegate.trust_id
    }
}

/// An application credential.
#[derive(Debug, Deserialize)]
pub(super) struct Credential {
    pub(super) name: Option<String>,
    pub(super) project_id: Option<String>,
    /// Null where nobody said when it was made: restricted.
    pub(super) unrestricted: Option<bool>,
    pub(super) expires_at: Option<String>,
    access_rules: Option<Vec<Value>>,
    #[serde(default)]
    pub(super) roles: Vec<Ref>,
    tidegate: OfUser,
}

#[derive(Debug, Deserialize)]
struct OfUser {
    user_id: String,
}

impl Credential {
    pub(super) fn user(&self) -> &str {
        &self.tidegate.user_id
    }

    /// How many requests it is limited to; 0 if it is not.
    pub(super) fn access_rules(&self) -> usize {
        self.access_rules.as_ref().map_or(0, Vec::len)
    }
}

/// Resources by id, each with why it cannot be read if it cannot.
pub(super) type ById<T> = BTreeMap<String, Result<T, String>>;
