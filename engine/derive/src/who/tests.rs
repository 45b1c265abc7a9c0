//! Answers about OpenStack, the unhappy ones first. Those about clusters are asked
//! through the command.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_model::{
    Change, Fact, Facts, FactsError, Kind, KindCoverage, Resource, ResourceKey, SnapshotId,
    SnapshotMeta, Status, Subject, Timestamp, Visibility,
};

use super::{Holders, WhoError, who_can};

struct Cloud {
    meta: SnapshotMeta,
    facts: BTreeMap<ResourceKey, Fact>,
}

const PROJECT: &str = "openstack/identity.project/-/p";

impl Cloud {
    fn new() -> Self {
        let entry = |kind: &str| KindCoverage {
            source: Arc::from("openstack/identity"),
            region: None,
            kind: Kind::new(kind).unwrap(),
            status: Status::Complete { count: 0 },
            visibility: Visibility::All,
            read_from: Timestamp::UNIX_EPOCH,
            read_until: Timestamp::UNIX_EPOCH,
        };
        let id = SnapshotId { subject: Subject::new("c").unwrap(), seq: 1 };
        let taken_at = "2026-01-01T00:00:00Z".parse().unwrap();
        let meta = SnapshotMeta { id, taken_at, coverage: vec![entry("openstack.access")] };
        let mut cloud = Self { meta, facts: BTreeMap::new() };
        for role in ["admin", "manager", "member", "reader", "auditor"] {
            cloud.put("identity.role", role, role, None, &json!({"name": role}));
        }
        cloud.put("identity.domain", "d", "acme", None, &json!({"name": "acme"}));
        for (id, name, domain, parent) in
            [("top", "top", "d", "d"), ("p", "web", "d", "top"), ("q", "other", "d2", "d2")]
        {
            let body = json!({"name": name, "domain_id": domain, "parent_id": parent});
            cloud.put("identity.project", id, name, Some(id), &body);
        }
        cloud.put("compute.server", "s", "vm", Some("p"), &json!({}));
        cloud.put("network.thing", "t", "thing", None, &json!({}));
        cloud
    }

    fn put(&mut self, kind: &str, id: &str, name: &str, project: Option<&str>, body: &Value) {
        let kind = Kind::new(kind).unwrap();
        let key = ResourceKey::build("openstack", &kind, &["", id]);
        let resource = Resource {
            key: key.clone(),
            kind,
            region: None,
            project: project.map(Arc::from),
            name: Some(Arc::from(name)),
            body: Arc::from(body.to_string()),
            source: Arc::from("test"),
            read_at: Timestamp::UNIX_EPOCH,
        };
        self.facts.insert(key, Fact { resource, unseen_since: None });
    }

    fn user(&mut self, id: &str, roles: &Value, more: &Value) {
        let mut body = json!({
            "subject": {"type": "user", "id": id, "name": format!("name-{id}"), "enabled": id != "off"},
            "groups": {"g": "ops"},
            "roles": roles,
            "scopes": {
                "project/p": {"name": "web"}, "project/q": {"name": "other"},
                "inherited:project/top": {"name": "top"}, "inherited:domain/d": {"name": "acme"},
            },
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        self.put("openstack.access", id, id, None, &body);
    }

    /// Who, and how: `id: chain`.
    #[track_caller]
    fn holds(&self, action: &str, resource: &str, expected: &[&str]) {
        let found: Holders = who_can(self, action, resource).unwrap();
        let lines = found.holders.iter().flat_map(|h| {
            h.grants.iter().map(move |g| format!("{}: {}", h.id, g.chain.join(" > ")))
        });
        assert_eq!(lines.collect::<Vec<_>>(), expected, "{action} {resource}");
    }

    #[track_caller]
    fn refused(&self, action: &str, resource: &str, expected: &str) {
        let error = who_can(self, action, resource).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

impl Facts for Cloud {
    fn meta(&self) -> &SnapshotMeta {
        &self.meta
    }

    fn each(&self, kind: &Kind, visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError> {
        self.facts.values().filter(|f| f.resource.kind == *kind).cloned().for_each(visit);
        Ok(())
    }

    fn fetch(&self, keys: &[ResourceKey], visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError> {
        keys.iter().filter_map(|k| self.facts.get(k)).cloned().for_each(visit);
        Ok(())
    }

    fn changes_since(&self, _: u64) -> Result<Option<Vec<Change>>, FactsError> {
        Ok(None)
    }

    fn at(&self, _: u64) -> Result<Option<Box<dyn Facts + '_>>, FactsError> {
        Ok(None)
    }
}

#[test]
fn what_is_unknown_is_told_with_what_there_is() {
    let cloud = Cloud::new();
    cloud.refused("emperor", PROJECT, "there is no action `emperor`");
    let error = who_can(&cloud, "compute:explode", PROJECT).unwrap_err();
    let WhoError::Action { known, .. } = error else { panic!("{error}") };
    assert!(known.contains("compute:delete") && !known.contains("volume:"), "{known}");
    assert!(known.starts_with("roles: admin, auditor, manager, member, reader;"), "{known}");
    cloud.refused("member", "web", "`web` is not the key of a resource");
    cloud.refused("member", "openstack/identity.project/-/none", "there is no `openstack/");
    cloud.refused("member", "openstack/network.thing/-/t", "belongs to no project");
    cloud.refused("member", "kubernetes/core.Secret/a/b", "is not the key of a resource");
}

#[test]
fn where_too_little_was_seen_there_is_no_answer() {
    let mut cloud = Cloud::new();
    cloud.user("u", &json!({}), &json!({}));
    let seen = |change: &dyn Fn(&mut Cloud), expected: &str| {
        let mut less = Cloud { meta: cloud.meta.clone(), facts: cloud.facts.clone() };
        change(&mut less);
        less.refused("member", PROJECT, &format!("cannot tell who can: {expected}"));
    };
    seen(&|c| c.meta.coverage.clear(), "`openstack.access` was not collected");
    seen(&|c| c.meta.coverage[0].status = Status::Forbidden, "`openstack.access`: forbidden");
    let domain = |c: &mut Cloud| c.meta.coverage[0].visibility = Visibility::Domain("d".into());
    seen(&domain, "`openstack.access`: visibility is domain d, needed is all");
    let unseen = |id: &'static str| {
        move |c: &mut Cloud| {
            let key = c.facts.keys().find(|k| k.as_str().ends_with(id)).unwrap().clone();
            c.facts.get_mut(&key).unwrap().unseen_since = Some(Timestamp::UNIX_EPOCH);
        }
    };
    seen(&unseen("access/-/u"), "openstack/");
    seen(&unseen("project/-/p"), "`openstack/identity.project/-/p` was last seen");
    seen(&unseen("project/-/top"), "project `p`, or one above it, was last seen");
    let broken = json!({"tidegate": {"unreadable": "so it is"}});
    seen(&|c| c.put("openstack.access", "u", "u", None, &broken), "openstack/");
    seen(&|c| c.facts.retain(|k, _| !k.as_str().ends_with("/top")), "project `top` is not in");
    let strange = |c: &mut Cloud| c.put("identity.project", "top", "top", None, &json!(1));
    seen(&strange, "project `top`: it is not a project");
}

#[test]
fn nobody_is_an_answer() {
    let mut cloud = Cloud::new();
    cloud.user("u", &json!({"member": {"project/q": {"direct": "member"}}}), &json!({}));
    cloud.holds("member", PROJECT, &[]);
    cloud.holds("admin", "system", &[]);
}

#[test]
fn every_kind_of_grant_counts_with_its_chain() {
    let mut cloud = Cloud::new();
    let member = |scope: &str, chain: &str| json!({"member": {scope: {chain: "member"}}});
    cloud.user("a", &member("project/p", "direct"), &json!({}));
    cloud.user("b", &member("project/p", "group/g"), &json!({}));
    cloud.user("c", &member("inherited:project/top", "direct"), &json!({}));
    cloud.user("d", &member("inherited:domain/d", "direct"), &json!({}));
    cloud.user(
        "e",
        &json!({"member": {"project/p": {"direct": "admin"}}}),
        &json!({"implied": {"member": {"admin": ["admin", "manager", "member"]}}}),
    );
    let trust = |end: &str| json!({"trusts": {"t": {"trustor": "a", "expires_at": end}}});
    cloud.user("f", &member("project/p", "trust/t"), &trust("2026-06-01T00:00:00.000000Z"));
    cloud.user("late", &member("project/p", "trust/t"), &trust("2025-06-01T00:00:00.000000Z"));
    let key = json!({"credentials": {"k": {"name": "ci", "expires_at": null}}});
    cloud.user("h", &member("project/p", "credential/k"), &key);
    cloud.user("off", &member("project/p", "direct"), &json!({}));
    let web = [
        "a: role `member` on project `web`",
        "b: member of group `ops` > role `member` on project `web`",
        "c: role `member` on all projects below project `top` (inherited)",
        "d: role `member` on all projects below domain `acme` (inherited)",
        "e: role `admin` on project `web` > `admin` implies `manager` > `manager` implies `member`",
        "f: trust `t` of user `a` > role `member` on project `web`",
        "h: application credential `ci` > role `member` on project `web`",
        "off: role `member` on project `web`",
    ];
    cloud.holds("member", PROJECT, &web);
    cloud.holds("member", "openstack/compute.server/-/s", &web);
    let top = "openstack/identity.project/-/top";
    cloud.holds("member", top, &[web[3]]);
    let found = who_can(&cloud, "member", PROJECT).unwrap();
    assert_eq!(found.holders.last().unwrap().enabled, Some(false));
    assert_eq!(found.asks, "role `member` on project `web`");
}

#[test]
fn actions_of_services_follow_their_default_policies() {
    let mut cloud = Cloud::new();
    cloud.user("m", &json!({"member": {"project/p": {"direct": "member"}}}), &json!({}));
    cloud.user("n", &json!({"member": {"project/q": {"direct": "member"}}}), &json!({}));
    // Of another project, and yet.
    cloud.user("root", &json!({"admin": {"project/q": {"direct": "admin"}}}), &json!({}));
    cloud.user("sys", &json!({"admin": {"system": {"direct": "admin"}}}), &json!({}));
    cloud.user("dm", &json!({"manager": {"domain/d": {"direct": "manager"}}}), &json!({}));
    let (m, root, sys) = (
        "m: role `member` on project `web`",
        "root: role `admin` on project `other`",
        "sys: role `admin` on the system",
    );
    cloud.holds("compute:delete", "openstack/compute.server/-/s", &[m, root]);
    cloud.holds("image:publicize", PROJECT, &[root]);
    let dm = "dm: role `manager` on domain `d`";
    cloud.holds("identity:create_user", "openstack/identity.domain/-/d", &[dm, root, sys]);
    cloud.holds("identity:create_role", "system", &[root, sys]);
    let found = who_can(&cloud, "compute:delete", PROJECT).unwrap();
    assert_eq!(
        found.asks,
        "`compute:delete` on project `web`: role `member` on project `web`, or role `admin` on any project"
    );
    assert!(found.policy.unwrap().source.starts_with("https://docs.openstack.org/nova/"));
}
