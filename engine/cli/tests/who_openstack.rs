//! Who may do something in an OpenStack cloud, as people ask; the unhappy cases first.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod shell;

use serde_json::{Value, json};
use shell::{Ran, Shell};
use tidegate_replay::{Account, Action, Fault, Recording, Replay};

const WEB: &str = "openstack/identity.project/-/p-web";
const ACME: &str = "openstack/identity.domain/-/d-acme";

/// One way to hold a role: who, where, which.
fn assignment(actor: (&str, &str), scope: Value, role: &str) -> Value {
    json!({"scope": scope, actor.0: {"id": actor.1}, "role": {"id": format!("r-{role}")}})
}

fn on_project(id: &str) -> Value {
    json!({"project": {"id": id}})
}

fn below(kind: &str, id: &str) -> Value {
    json!({kind: {"id": id}, "OS-INHERIT:inherited_to": "projects"})
}

/// Every kind of grant of `member` on the project `web`, each to somebody else.
fn assignments() -> Vec<Value> {
    vec![
        assignment(("user", "u-ann"), on_project("p-web"), "member"),
        assignment(("group", "g-team"), on_project("p-web"), "member"),
        assignment(("user", "u-carl"), on_project("p-web"), "support"),
        assignment(("user", "u-dora"), below("domain", "d-acme"), "member"),
        assignment(("user", "u-fay"), on_project("p-web"), "member"),
        assignment(("user", "u-gus"), on_project("p-web"), "member"),
        assignment(("user", "u-hal"), below("project", "p-web"), "member"),
        assignment(("user", "u-root"), on_project("ops"), "admin"),
        assignment(("user", "u-mia"), json!({"domain": {"id": "d-acme"}}), "manager"),
        assignment(("user", "u-sys"), json!({"system": {"all": true}}), "admin"),
    ]
}

/// A cloud with an operators' domain and a customer's.
fn cloud(assignments: &[Value]) -> Recording {
    let auditor = Account {
        user: "auditor".to_owned(),
        password: "example".to_owned(),
        project: Some("ops".to_owned()),
        roles: vec!["admin".to_owned()],
        application_credential: None,
    };
    let mut cloud = Recording::new(&["RegionOne"], vec![auditor]);
    cloud.microversions.insert("compute".to_owned(), "2.96".to_owned());
    let mut list = |service: &str, path: &str, key: &str, items: &[Value]| {
        cloud.list(service, path, key, items.iter().map(|i| i.to_string().into()).collect());
    };
    let domain = |id: &str, name: &str| json!({"id": id, "name": name, "enabled": true});
    list(
        "identity",
        "domains",
        "domains",
        &[domain("default", "Default"), domain("d-acme", "acme")],
    );
    let project = |id: &str, name: &str, domain: &str, parent: &str| {
        json!({"id": id, "name": name, "domain_id": domain, "parent_id": parent, "enabled": true,
            "is_domain": false})
    };
    let projects = [
        project("ops", "ops", "default", "default"),
        project("p-web", "web", "d-acme", "d-acme"),
        project("p-shop", "shop", "d-acme", "p-web"),
    ];
    list("identity", "projects", "projects", &projects);
    let role = |name: &&str| json!({"id": format!("r-{name}"), "name": name, "domain_id": null});
    let roles = ["admin", "manager", "member", "reader", "support"];
    list("identity", "roles", "roles", &roles.iter().map(role).collect::<Vec<_>>());
    let implies = |[prior, implied]: &[&str; 2]| {
        let of = |name: &str| json!({"id": format!("r-{name}"), "name": name});
        json!({"prior_role": of(prior), "implies": [of(implied)]})
    };
    let inferences = [["admin", "manager"], ["manager", "member"], ["support", "member"]];
    let inferences: Vec<Value> = inferences.iter().map(implies).collect();
    list("identity", "role_inferences", "role_inferences", &inferences);
    let users = ["ann", "bob", "carl", "dora", "eve", "fay", "gus", "hal", "mia", "root", "sys"];
    let user = |name: &&str| {
        let domain = if matches!(*name, "root" | "sys") { "default" } else { "d-acme" };
        json!({"id": format!("u-{name}"), "name": name, "domain_id": domain, "enabled": *name != "gus"})
    };
    list("identity", "users", "users", &users.iter().map(user).collect::<Vec<_>>());
    list(
        "identity",
        "groups",
        "groups",
        &[json!({"id": "g-team", "name": "team", "domain_id": "d-acme", "description": ""})],
    );
    let bob = json!({"id": "u-bob", "name": "bob", "domain_id": "d-acme"});
    list("identity", "groups/g-team/users", "users", &[bob]);
    list("identity", "role_assignments", "role_assignments", assignments);
    let trust = |id: &str, end: Value| {
        json!({"id": id, "trustor_user_id": "u-ann", "trustee_user_id": "u-eve", "project_id": "p-web",
            "impersonation": true, "expires_at": end, "deleted_at": null, "remaining_uses": null})
    };
    let trusts = [trust("t-1", Value::Null), trust("t-old", json!("2020-01-01T00:00:00.000000Z"))];
    list("identity", "OS-TRUST/trusts", "trusts", &trusts);
    for id in ["t-1", "t-old"] {
        let path = format!("OS-TRUST/trusts/{id}/roles");
        list("identity", &path, "roles", &[json!({"id": "r-member", "name": "member"})]);
    }
    for name in users {
        let credential = json!({"id": "c-ci", "name": "ci", "project_id": "p-web",
            "unrestricted": false, "roles": [{"id": "r-member", "name": "member"}],
            "expires_at": "2999-01-01T00:00:00.000000"});
        let of = if name == "fay" { vec![credential] } else { Vec::new() };
        let path = format!("users/u-{name}/application_credentials");
        list("identity", &path, "application_credentials", &of);
    }
    list(
        "compute",
        "servers/detail",
        "servers",
        &[json!({"id": "s-1", "name": "vm", "tenant_id": "p-web", "status": "ACTIVE"})],
    );
    cloud
}

/// The cloud `prod` in the store of a shell.
struct Asked {
    shell: Shell,
}

impl Asked {
    fn new() -> Self {
        Self { shell: Shell::new() }
    }

    /// Takes a snapshot of what is served.
    async fn collect(&self, assignments: &[Value], faults: &[&str]) {
        let replay = Replay::start(cloud(assignments)).await.unwrap();
        self.shell.write("clouds.yaml", &replay.clouds_yaml().replace("  example:", "  prod:"));
        for path in faults {
            replay.fault(Fault::always(path, Action::Status(403)));
        }
        let ran = self.run("collect --cloud prod");
        assert_eq!(ran.code, 0, "{ran:?}");
    }

    fn run(&self, args: &str) -> Ran {
        tokio::task::block_in_place(|| self.shell.run(args))
    }

    fn ask(&self, args: &str) -> Ran {
        self.run(&format!("policy who-can {args}"))
    }

    /// The answer as people read it, but for the name of the snapshot.
    #[track_caller]
    fn says(&self, args: &str, stdout: &str, stderr: &str) {
        let ran = self.ask(args);
        assert_eq!(
            (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
            (0, stdout, stderr),
            "{args}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_is_told_with_what_there_is() {
    let a = Asked::new();
    a.ask(&format!("member {WEB}")).refused(64, &["the store is empty", "tidegate collect"]);
    a.collect(&assignments(), &[]).await;
    a.ask("member").refused(64, &["<RESOURCE>"]);
    a.ask(&format!("emperor {WEB}")).refused(
        64,
        &["there is no action `emperor`", "roles: admin, manager, member, reader, support;"],
    );
    // Of the service that was named, if there is one.
    let explode = a.ask(&format!("compute:explode {WEB}"));
    explode.refused(64, &["there is no action `compute:explode`", "compute:delete"]);
    assert!(!explode.stderr.contains("identity:"), "{explode:?}");
    // A name may be that of several: only keys say which is meant.
    let how = "openstack/identity.project/-/ID";
    a.ask("member web").refused(64, &["`web` is not the key of a resource", how]);
    a.ask("member kubernetes/core.Secret/a/b").refused(64, &["is not the key of a resource"]);
    let none = "openstack/identity.project/-/none";
    a.ask(&format!("member {none}")).refused(64, &[&format!("there is no `{none}`"), how]);
    a.ask("member openstack/identity.role/-/r-member").refused(64, &["belongs to no project", how]);
    a.ask(&format!("member {WEB} --at 2001-01-01")).refused(64, &["2001-01-01"]);
    a.ask(&format!("member {WEB} --at wat")).refused(64, &["`wat`"]);
    a.ask(&format!("member {WEB} --at prod@7")).refused(64, &["prod@7"]);
    a.ask(&format!("member {WEB} --cloud nope")).refused(64, &["`nope`", "prod"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_listing_is_missing_nobody_is_listed() {
    let forbidden = |kind: &str| format!("failed: `identity.{kind}`: forbidden");
    for (path, why) in [
        ("/v3/role_assignments", forbidden("role_assignment")),
        ("/v3/users", forbidden("application_credential")),
        ("/v3/groups/g-team/users", forbidden("group_member")),
        ("/v3/role_inferences", forbidden("role_inference")),
        ("/v3/OS-TRUST/trusts/t-1/roles", forbidden("trust_role")),
        // The collector still reads its own.
        (
            "/v3/users/u-fay/application_credentials",
            "visibility is project ops, needed is all".to_owned(),
        ),
    ] {
        let a = Asked::new();
        a.collect(&assignments(), &[]).await;
        a.collect(&assignments(), &[path]).await;
        let why = format!("cannot tell who can: `openstack.access`: {why}");
        let texts = [why.as_str(), "snapshot show KIND --at prod@2"];
        a.ask(&format!("member {WEB}")).refused(3, &texts);
        a.ask(&format!("member {WEB} -f json")).refused(3, &texts);
        // Nobody at all is an answer only where all was seen.
        a.ask(&format!("reader {ACME}")).refused(3, &texts);
        let before = a.ask(&format!("member {WEB} --at prod@1"));
        assert_eq!(before.code, 0, "{path}: {before:?}");
    }
    // What is asked about was not seen either.
    let a = Asked::new();
    a.collect(&assignments(), &[]).await;
    a.collect(&assignments(), &["/v3/projects"]).await;
    a.ask(&format!("member {WEB}"))
        .refused(3, &[&format!("cannot tell who can: `{WEB}` was last seen at 20")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_snapshot_answers_as_it_was_then() {
    let a = Asked::new();
    a.collect(&assignments(), &[]).await;
    let shown = a.run("snapshot show --cloud prod -f json").json();
    let first = shown["taken_at"].as_str().unwrap().to_owned();
    let left = ["u-ann", "u-root"];
    let kept = |a: &Value| left.contains(&a["user"]["id"].as_str().unwrap_or_default());
    let fewer: Vec<Value> = assignments().into_iter().filter(kept).collect();
    a.collect(&fewer, &[]).await;
    let who = |at: &str| -> Vec<String> {
        let report = a.ask(&format!("member {WEB} {at} -f json")).json();
        let holders = report["holders"].as_array().unwrap().clone();
        holders.iter().map(|h| h["name"].as_str().unwrap().to_owned()).collect()
    };
    // Whom `ann` trusts is there as long as she is.
    let now = ["ann", "eve"];
    let then = ["team", "ann", "bob", "carl", "dora", "eve", "fay", "gus"];
    assert_eq!(who(""), now);
    assert_eq!(who("--at latest"), now);
    assert_eq!(who("--at latest~1"), then);
    assert_eq!(who("--at prod@1"), then);
    assert_eq!(who(&format!("--at {first}")), then);
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_of_every_kind_are_told_with_their_chain() {
    let a = Asked::new();
    a.collect(&assignments(), &[]).await;
    // `hal` has a role below the project and none on it.
    a.says(
        &format!("member {WEB}"),
        include_str!("who/member.txt"),
        "prod@1: 8 may: role `member` on project `web`\n",
    );
    a.says(
        "member openstack/compute.server/RegionOne/s-1",
        include_str!("who/member.txt"),
        "prod@1: 8 may: role `member` on `openstack/compute.server/RegionOne/s-1` of project `web`\n",
    );
    a.says(
        "member openstack/identity.project/-/p-shop",
        include_str!("who/below.txt"),
        "prod@1: 2 may: role `member` on project `shop`\n",
    );
    a.says(
        &format!("compute:delete {WEB}"),
        concat!(include_str!("who/member.txt"), "user             root  u-root  project/ops              role `admin` on project `ops`\n"),
        "prod@1: 9 may: `compute:delete` on project `web`: role `member` on project `web`, or role \
         `admin` on any project\nby the default policy, https://docs.openstack.org/nova/latest/configuration/policy.html\n",
    );
    a.says(
        &format!("identity:create_user {ACME}"),
        include_str!("who/create_user.txt"),
        "prod@1: 3 may: `identity:create_user` on domain `acme`: role `admin` anywhere, or role \
         `manager` on its domain\nby the default policy, https://docs.openstack.org/keystone/latest/configuration/policy.html\n",
    );
    a.says(
        "admin system",
        "WHO   NAME  ID     WHERE   BY\nuser  sys   u-sys  system  role `admin` on the system\n",
        "prod@1: 1 may: role `admin` on the system\n",
    );
    a.says(
        &format!("reader {ACME}"),
        "WHO  NAME  ID  WHERE  BY\n",
        "prod@1: 0 may: role `reader` on domain `acme`\n",
    );
    let report = a.ask(&format!("member {WEB} -f json")).json();
    assert_eq!(report["schema"], "tidegate.who-can/v1");
    assert_eq!(report["snapshot"], "prod@1");
    let eve = report["holders"].as_array().unwrap().iter().find(|h| h["name"] == "eve").unwrap();
    assert_eq!(
        *eve,
        json!({"kind": "user", "name": "eve", "id": "u-eve", "enabled": true, "grants": [
            {"role": "member", "scope": "project/p-web",
                "chain": ["trust `t-1` of user `u-ann`", "role `member` on project `web`"]},
        ]})
    );
    let fay = report["holders"].as_array().unwrap().iter().find(|h| h["name"] == "fay").unwrap();
    assert_eq!(fay["grants"][0]["expires_at"], "2999-01-01T00:00:00.000000", "{fay}");
}
