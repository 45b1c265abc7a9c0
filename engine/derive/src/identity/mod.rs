//! `openstack.access`: who effectively has which role where.
//!
//! ```text
//! assignments ─▶ grants of users and groups ─┬▶ own, and those of groups by membership
//!                                            ├▶ trusts: what the trustor holds
//!                                            └▶ application credentials: what the user holds
//!                       × what each role implies ─▶ one fact for each user and group
//! ```
//!
//! Grants that are inherited stay at the domain or project that they are of:
//! how many projects there are below does not matter.

mod held;
mod places;
mod read;
mod roles;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tidegate_model::{Fact, Facts, FactsError, Kind, Resource, ResourceKey, Timestamp};

use crate::{earlier, stand_in, unreadable};
use held::{CredentialOf, Held, TrustOf};
pub(crate) use places::Places;
use read::{
    Actor, Assignment, Credential, Inference, Member, Named, Role, Scope, Trust, TrustRole, parse,
};
use roles::Roles;

pub(crate) const KIND: &str = "openstack.access";

/// Everything that was read.
#[derive(Default)]
struct Directory {
    held: BTreeMap<Actor, Held>,
    grants: BTreeMap<Actor, Vec<(Scope, String)>>,
    /// By group: its members, with when that was last seen if it was not.
    members: BTreeMap<String, Vec<(String, Option<Timestamp>)>>,
    roles: Roles,
    places: Places,
    /// By id.
    trusts: BTreeMap<String, (Trust, Option<Timestamp>)>,
    /// By trust.
    delegated: BTreeMap<String, Delegated>,
    credentials: Vec<(String, Credential)>,
}

/// The roles of a trust.
#[derive(Default)]
struct Delegated {
    ids: BTreeSet<String>,
    /// The earliest time that one was last seen, of those that were not.
    unseen: Option<Timestamp>,
}

/// All facts, in order of key.
pub(crate) fn all(facts: &dyn Facts) -> Result<Vec<Fact>, FactsError> {
    let Ok(kind) = Kind::new(KIND) else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    let mut directory = Directory::read(facts, &mut |fact, why| {
        out.extend(stand_in(fact, &kind, why));
    })?;
    directory.settle();
    for (actor, held) in &directory.held {
        out.push(fact(actor, held, &kind));
    }
    out.sort_by(|a, b| a.resource.key.cmp(&b.resource.key));
    Ok(out)
}

/// Takes a resource as read, with its id.
type Take<'t, T> = dyn FnMut(&str, Result<T, String>, &Fact) + 't;

/// Reads a kind: what is read of each resource goes to `take`, and what cannot be
/// read to `wrong` as well.
fn each<T: DeserializeOwned>(
    facts: &dyn Facts,
    (kind, what): (&str, &str),
    wrong: &mut dyn FnMut(&Fact, &str),
    take: &mut Take<'_, T>,
) -> Result<(), FactsError> {
    let Ok(kind) = Kind::new(kind) else { return Ok(()) };
    facts.each(&kind, &mut |fact| {
        let read = parse::<T>(&fact.resource.body, what);
        if let Err(why) = &read {
            wrong(&fact, why);
        }
        take(&fact.resource.key.id(), read, &fact);
    })
}

impl Directory {
    fn read(facts: &dyn Facts, wrong: &mut dyn FnMut(&Fact, &str)) -> Result<Self, FactsError> {
        let mut d = Self::default();
        d.read_actors(facts)?;
        d.read_roles(facts, wrong)?;
        d.read_trusts(facts, wrong)?;
        d.places = Places::read(facts, wrong)?;
        let (grants, held) = (&mut d.grants, &mut d.held);
        if let Ok(kind) = Kind::new("identity.role_assignment") {
            facts.each(&kind, &mut |fact| match Assignment::read(&fact.resource.body) {
                Ok(Assignment { actor, scope, role }) => {
                    let of = held.entry(actor.clone()).or_default();
                    of.note(fact.unseen_since, fact.resource.read_at);
                    grants.entry(actor).or_default().push((scope, role));
                }
                Err(why) => wrong(&fact, &why),
            })?;
        }
        let (members, held) = (&mut d.members, &mut d.held);
        each(
            facts,
            ("identity.group_member", "a member"),
            wrong,
            &mut |_, read: Result<Member, _>, fact| {
                if let Ok(member) = read {
                    for actor in
                        [Actor::User(member.user.clone()), Actor::Group(member.group().to_owned())]
                    {
                        held.entry(actor).or_default().note(None, fact.resource.read_at);
                    }
                    let group = members.entry(member.group().to_owned()).or_default();
                    group.push((member.user, fact.unseen_since));
                }
            },
        )?;
        Ok(d)
    }

    /// What cannot be read of these stands for itself: it has a fact anyway.
    fn read_actors(&mut self, facts: &dyn Facts) -> Result<(), FactsError> {
        let held = &mut self.held;
        let mut take = |kind, what, actor: fn(String) -> Actor| {
            each(facts, (kind, what), &mut |_, _| {}, &mut |id, read: Result<Named, _>, fact| {
                let of = held.entry(actor(id.to_owned())).or_default();
                of.named = Some(read);
                of.note(fact.unseen_since, fact.resource.read_at);
            })
        };
        take("identity.user", "a user", Actor::User)?;
        take("identity.group", "a group", Actor::Group)
    }

    fn read_roles(
        &mut self,
        facts: &dyn Facts,
        wrong: &mut dyn FnMut(&Fact, &str),
    ) -> Result<(), FactsError> {
        let roles = &mut self.roles;
        each(facts, ("identity.role", "a role"), wrong, &mut |id, read: Result<Role, _>, fact| {
            let known = roles.unseen.get(id).copied();
            roles.unseen.extend(earlier(known, fact.unseen_since).map(|t| (id.to_owned(), t)));
            roles.roles.insert(id.to_owned(), read);
        })?;
        let what = ("identity.role_inference", "a role inference");
        each(facts, what, wrong, &mut |id, read: Result<Inference, _>, fact| {
            let prior = read.as_ref().map_or(id, |i| i.prior_role.id.as_str()).to_owned();
            let known = roles.unseen.get(&prior).copied();
            roles.unseen.extend(earlier(known, fact.unseen_since).map(|t| (prior.clone(), t)));
            roles.infer(&prior, read);
        })
    }

    fn read_trusts(
        &mut self,
        facts: &dyn Facts,
        wrong: &mut dyn FnMut(&Fact, &str),
    ) -> Result<(), FactsError> {
        let (trusts, held) = (&mut self.trusts, &mut self.held);
        each(
            facts,
            ("identity.trust", "a trust"),
            wrong,
            &mut |id, read: Result<Trust, _>, fact| {
                if let Ok(trust) = read
                    && trust.is_valid()
                {
                    for user in [&trust.trustor_user_id, &trust.trustee_user_id] {
                        let of = held.entry(Actor::User(user.clone())).or_default();
                        of.note(None, fact.resource.read_at);
                    }
                    trusts.insert(id.to_owned(), (trust, fact.unseen_since));
                }
            },
        )?;
        let delegated = &mut self.delegated;
        let what = ("identity.trust_role", "a role of a trust");
        each(facts, what, wrong, &mut |_, read: Result<TrustRole, _>, fact| {
            if let Ok(role) = read {
                let of = delegated.entry(role.trust().to_owned()).or_default();
                of.unseen = earlier(of.unseen, fact.unseen_since);
                of.ids.insert(role.id);
            }
        })?;
        let credentials = &mut self.credentials;
        let what = ("identity.application_credential", "an application credential");
        each(facts, what, wrong, &mut |id, read: Result<Credential, _>, fact| {
            if let Ok(credential) = read {
                let user = Actor::User(credential.user().to_owned());
                held.entry(user).or_default().note(fact.unseen_since, fact.resource.read_at);
                credentials.push((id.to_owned(), credential));
            }
        })
    }

    /// Brings together what was read.
    fn settle(&mut self) {
        let granted = self.grants.values().flatten().map(|(_, role)| role);
        let delegated = self.delegated.values().flat_map(|d| &d.ids);
        let used = self.credentials.iter().flat_map(|(_, c)| c.roles.iter().map(|r| &r.id));
        self.roles.settle(granted.chain(delegated).chain(used).cloned().collect());
        for (actor, grants) in &self.grants {
            if let Some(held) = self.held.get_mut(actor) {
                for (scope, role) in grants {
                    held.grant(role, scope, "direct", (&self.roles, &self.places));
                }
            }
        }
        self.settle_groups();
        self.settle_trusts();
        self.settle_credentials();
    }

    fn settle_groups(&mut self) {
        for (id, members) in &self.members {
            let group = Actor::Group(id.clone());
            let of = self.held.get(&group);
            let unseen = of.and_then(|g| g.unseen);
            let name = of.and_then(|g| g.name()).map(str::to_owned);
            let chain = format!("group/{id}");
            for (user, since) in members {
                let Some(held) = self.held.get_mut(&Actor::User(user.clone())) else { continue };
                held.groups.insert(id.clone(), name.clone());
                held.unseen = earlier(held.unseen, earlier(unseen, *since));
                for (scope, role) in self.grants.get(&group).into_iter().flatten() {
                    held.grant(role, scope, &chain, (&self.roles, &self.places));
                }
            }
        }
    }

    /// A trust gives what its trustor holds without one.
    fn settle_trusts(&mut self) {
        let mut all = Vec::new();
        for (id, (trust, since)) in &self.trusts {
            let Some(trustor) = self.held.get(&Actor::User(trust.trustor_user_id.clone())) else {
                continue;
            };
            let mut since = earlier(*since, trustor.unseen);
            let given = self.given(id, trust, trustor, &mut since);
            all.push((id, trust, since, given));
        }
        for (id, trust, since, given) in all {
            let trustee = Actor::User(trust.trustee_user_id.clone());
            let Some(held) = self.held.get_mut(&trustee) else { continue };
            held.unseen = earlier(held.unseen, since);
            let roles = match given {
                Ok(Some(roles)) => roles,
                Ok(None) => continue,
                Err(why) => {
                    held.refuse(&format!("trust `{id}`: {why}"));
                    continue;
                }
            };
            let known = TrustOf {
                expires_at: trust.expires_at.clone(),
                impersonation: trust.impersonation,
                project_id: trust.project_id.clone(),
                trustor: trust.trustor_user_id.clone(),
            };
            held.trusts.insert(id.to_owned(), known);
            let Some(project) = &trust.project_id else { continue };
            let (scope, chain) = (Scope::Project(project.clone()), format!("trust/{id}"));
            for role in roles {
                held.grant(&role, &scope, &chain, (&self.roles, &self.places));
            }
        }
    }

    /// The ids of the roles that a trust gives; none if its trustor is disabled, or
    /// does not hold one of them any more: Keystone then gives no token at all. An
    /// error says why that cannot be told. What was not seen of what this rests on
    /// is noted in `unseen`.
    fn given(
        &self,
        id: &str,
        trust: &Trust,
        trustor: &Held,
        unseen: &mut Option<Timestamp>,
    ) -> Result<Option<Vec<String>>, String> {
        if !trustor.is_enabled() {
            return Ok(None);
        }
        let told = |held: &Held, user: &str| match held.wrong() {
            Some(why) => Err(format!("what its trustor `{user}` holds: {why}")),
            None => Ok(()),
        };
        told(trustor, &trust.trustor_user_id)?;
        let (Some(delegated), Some(project)) = (self.delegated.get(id), &trust.project_id) else {
            return Ok(Some(Vec::new()));
        };
        *unseen = earlier(*unseen, delegated.unseen);
        let all = || Ok(Some(delegated.ids.iter().cloned().collect()));
        // Without the first trust it is not known whose roles count.
        let Some(first) = self.first(trust, unseen) else { return all() };
        let Some(holder) = self.held.get(&Actor::User(first.trustor_user_id.clone())) else {
            return all();
        };
        *unseen = earlier(*unseen, holder.unseen);
        told(holder, &first.trustor_user_id)?;
        let above = self.places.above(project)?;
        *unseen = earlier(*unseen, above.unseen);
        let lost = |role: &String| {
            !self.roles.is_of_domain(role) && !holder.holds(self.roles.name(role), &above)
        };
        if delegated.ids.iter().any(lost) { Ok(Some(Vec::new())) } else { all() }
    }

    /// The trust that a trust was made of, however many steps back, or itself; none
    /// where one of the steps is not listed. What was not seen is noted in `unseen`.
    fn first<'t>(&'t self, trust: &'t Trust, unseen: &mut Option<Timestamp>) -> Option<&'t Trust> {
        let mut at = trust;
        // Each step is another trust, unless they are in a circle.
        for _ in 0..=self.trusts.len() {
            let Some(parent) = &at.redelegated_trust_id else { return Some(at) };
            let (trust, since) = self.trusts.get(parent)?;
            *unseen = earlier(*unseen, *since);
            at = trust;
        }
        None
    }

    fn settle_credentials(&mut self) {
        for (id, credential) in &self.credentials {
            let user = Actor::User(credential.user().to_owned());
            let Some(held) = self.held.get_mut(&user) else { continue };
            let roles = credential.roles.iter().map(|r| r.id.as_str());
            let known = CredentialOf {
                access_rules: credential.access_rules(),
                expires_at: credential.expires_at.clone(),
                name: credential.name.clone(),
                project_id: credential.project_id.clone(),
                roles: roles.clone().map(|r| (self.roles.name(r).to_owned(), true)).collect(),
                unrestricted: credential.unrestricted.unwrap_or_default(),
            };
            held.credentials.insert(id.clone(), known);
            let Some(project) = &credential.project_id else { continue };
            let (scope, chain) = (Scope::Project(project.clone()), format!("credential/{id}"));
            let above = match self.places.above(project) {
                Ok(above) => above,
                Err(why) => {
                    held.refuse(&format!("application credential `{id}`: {why}"));
                    continue;
                }
            };
            held.unseen = earlier(held.unseen, above.unseen);
            let usable: Vec<&str> =
                roles.filter(|role| held.holds(self.roles.name(role), &above)).collect();
            for role in usable {
                held.grant(role, &scope, &chain, (&self.roles, &self.places));
            }
        }
    }
}

fn fact(actor: &Actor, held: &Held, kind: &Kind) -> Fact {
    let (sort, id) = (actor.sort(), actor.id());
    let source = Kind::new(format!("identity.{sort}"));
    let source = source.map(|of| ResourceKey::build("openstack", &of, &["", id]));
    let body = match &source {
        Ok(source) => held.body(source.as_str(), sort, id),
        Err(e) => Err(e.to_string()),
    };
    let resource = Resource {
        key: ResourceKey::build("openstack", kind, &[sort, id]),
        kind: kind.clone(),
        region: None,
        project: None,
        name: held.name().map(Arc::from),
        body: Arc::from(body.unwrap_or_else(|why| unreadable(&why))),
        source: Arc::from("tidegate/derived"),
        read_at: held.read_at.unwrap_or(Timestamp::UNIX_EPOCH),
    };
    Fact { resource, unseen_since: held.unseen }
}

/// The resource that findings on a fact name.
pub(crate) fn source_key(key: &ResourceKey) -> Option<ResourceKey> {
    let (system, rest) = key.as_str().split_once('/')?;
    let rest = rest.strip_prefix(KIND)?.strip_prefix('/')?;
    let source = match rest.split_once('/')? {
        (sort @ ("user" | "group"), id) => format!("{system}/identity.{sort}/-/{id}"),
        _ => format!("{system}/{rest}"),
    };
    ResourceKey::new(source).ok()
}
