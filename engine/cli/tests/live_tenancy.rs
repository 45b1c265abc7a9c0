//! Who may do what in the real OpenStack of `ci/testbed/openstack`: grants that nobody
//! should have are found by the tenancy bundle, by id and nothing else, and `who-can`
//! says what Keystone says. The testbed must be up and seeded. Off by default: `ci/test`
//! asks for it with `--ignored`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod testbed;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use testbed::{Planted, Session, script};

const CLOUD: &str = "testbed";
const BUNDLE: &str = "openstack-tenancy";
const PLANT: &str = "plant-tenancy";

/// Rule, and what is found of what was planted: kind, and name.
const FOUND: [(&str, &[(&str, &str)]); 11] = [
    (
        "os.tenancy.admin-outside",
        &[
            ("user", "admin"),
            ("group", "admins"),
            ("user", "escalated"),
            ("user", "group-admin"),
            ("user", "inherits"),
            ("user", "left"),
            ("user", "manager-admin"),
            ("user", "second-trustee"),
            ("user", "trustee"),
        ],
    ),
    ("os.tenancy.admin-by-inference", &[("user", "escalated")]),
    ("os.tenancy.admin-by-trust", &[("user", "trustee"), ("user", "second-trustee")]),
    ("os.tenancy.role-implies-admin", &[("role_inference", "support-role")]),
    ("os.tenancy.trust-of-admin", &[("trust", "trust"), ("trust", "second-trust")]),
    ("os.tenancy.admin-credential-unrestricted", &[("application_credential", "unrestricted")]),
    ("os.tenancy.manager-holds-admin", &[("user", "manager-admin")]),
    (
        "os.tenancy.manager-outside-domain",
        &[("user", "foreign-manager"), ("user", "system-manager"), ("user", "inherits")],
    ),
    (
        "os.tenancy.cross-domain",
        &[("user", "crosser"), ("user", "foreign-manager"), ("user", "inherits")],
    ),
    ("os.tenancy.service-account-elsewhere", &[("user", "service")]),
    ("os.tenancy.system-role-of-customer", &[("user", "auditor"), ("user", "system-manager")]),
];

#[test]
#[ignore = "needs the testbed"]
fn live_planted_grants_are_found_by_id_and_nothing_else() {
    let session = Session::new();
    script(PLANT, &["--remove"]);
    let before = session.scan(CLOUD, BUNDLE, &[]);
    let planted = Planted::plant(PLANT);
    let after = session.scan(CLOUD, BUNDLE, &[]);
    let rules: BTreeSet<&str> = after.keys().map(String::as_str).collect();
    assert_eq!(rules, FOUND.iter().map(|(rule, _)| *rule).collect(), "a rule without a fault");
    for (rule, expected) in FOUND {
        let aborted = [&before[rule].aborted, &after[rule].aborted];
        assert!(aborted.iter().all(|a| a.is_empty()), "{rule}: {aborted:?}");
        let keys = |said: &testbed::Said| said.failed.keys().cloned().collect::<BTreeSet<_>>();
        let mut wanted = keys(&before[rule]);
        for (kind, name) in expected {
            let key = format!("openstack/identity.{kind}/-/{}", planted.id(name));
            assert!(wanted.insert(key), "{rule}: {name} was found before it was planted");
        }
        assert_eq!(keys(&after[rule]), wanted, "{rule}");
    }
}

/// Who may do something, by the answer of `who-can`.
struct Holders(Value);

impl Holders {
    #[track_caller]
    fn ask(session: &Session, action: &str, resource: &str, at: &str) -> Self {
        let cloud = ["--cloud", CLOUD, "--at", at, "-f", "json"];
        Self(session.json(&[&["policy", "who-can", action, resource], &cloud[..]].concat()))
    }

    /// Ids of the users of whom a grant's chain begins so.
    fn users(&self, begins: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let all = self.0["holders"].as_array().unwrap().iter().filter(|h| h["kind"] == "user");
        let begins = |g: &Value| begins(g["chain"][0].as_str().unwrap());
        let all = all.filter(|h| h["grants"].as_array().unwrap().iter().any(begins));
        all.map(|h| h["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Without those whom Keystone does not let in.
    fn enabled(&self) -> BTreeSet<String> {
        let all = self.0["holders"].as_array().unwrap().iter();
        let all = all.filter(|h| h["kind"] == "user" && h["enabled"] == true);
        all.map(|h| h["id"].as_str().unwrap().to_owned()).collect()
    }
}

fn texts(list: &Value) -> BTreeSet<String> {
    let all = list.as_array().into_iter().flatten();
    all.map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// What Keystone says itself.
fn keystone() -> Value {
    serde_json::from_str(&script("holders", &[])).unwrap()
}

/// Every answer to who has a role anywhere is Keystone's; how many were compared that
/// name somebody.
#[track_caller]
fn compare(session: &Session, keystone: &Value, at: &str) -> usize {
    let mut answers = BTreeMap::new();
    let mut named = 0;
    for (resource, roles) in keystone["effective"].as_object().unwrap() {
        for role in texts(&keystone["roles"]) {
            let found = Holders::ask(session, &role, resource, at);
            let own = |chain: &str| {
                !chain.starts_with("trust `") && !chain.starts_with("application credential `")
            };
            let wanted = texts(&roles[&role]);
            named += usize::from(!wanted.is_empty());
            assert_eq!(found.users(own), wanted, "{role} on {resource}");
            answers.insert((resource.as_str(), role), found);
        }
    }
    for (kind, list) in [("trust", "trusts"), ("application credential", "credentials")] {
        for (name, of) in keystone[list].as_object().unwrap() {
            let chain = format!("{kind} `{name}`");
            let project = of["project"].as_str().unwrap();
            let with = |role: &String| {
                let found = &answers[&(project, role.clone())];
                let users = found.users(|c| c.starts_with(&chain));
                assert!(users.is_empty() || users == [of["user"].as_str().unwrap().into()].into());
                !users.is_empty()
            };
            let found: BTreeSet<String> =
                texts(&keystone["roles"]).into_iter().filter(with).collect();
            named += usize::from(!found.is_empty());
            assert_eq!(found, texts(&of["roles"]), "{chain} on {project}");
        }
    }
    named
}

#[test]
#[ignore = "needs the testbed"]
fn live_who_can_says_what_keystone_says_then_and_now() {
    let session = Session::new();
    let planted = Planted::plant(PLANT);
    assert!(session.run(&["collect", "--cloud", CLOUD]).status.success());
    let shown = session.json(&["snapshot", "show", "--cloud", CLOUD, "-f", "json"]);
    let then = shown["taken_at"].as_str().unwrap().to_owned();
    let before = keystone();
    let named = compare(&session, &before, &then);
    assert!(named >= 40, "only {named} answers name somebody");
    // Who is a manager manages one domain; Keystone was asked by trying.
    for (domain, makers) in before["create_user"].as_object().unwrap() {
        let found = Holders::ask(&session, "identity:create_user", domain, &then).enabled();
        let of_planted = texts(&before["planted"]);
        let found: BTreeSet<String> = found.intersection(&of_planted).cloned().collect();
        assert_eq!(planted.names(&found), planted.names(&texts(makers)), "{domain}");
    }

    // With the grant of `admin` goes what was made of it.
    let alpha = before["credentials"]["planted-admin"]["project"].as_str().unwrap();
    let admins = |at: &str| Holders::ask(&session, "admin", alpha, at).users(|_| true);
    let lost = ["admin", "trustee", "second-trustee"].map(|name| planted.id(name).to_owned());
    assert!(lost.iter().all(|id| admins("latest").contains(id)), "{:?}", admins("latest"));
    script(PLANT, &["--revoke", "admin-admin"]);
    script(PLANT, &["--revoke", "crosser-member"]);
    assert!(session.run(&["collect", "--cloud", CLOUD]).status.success());
    let now = keystone();
    assert!(compare(&session, &now, "latest") < named);
    let (left, had) = (admins("latest"), admins(&then));
    assert!(lost.iter().all(|id| !left.contains(id) && had.contains(id)), "{had:?} > {left:?}");
    let rivals = format!("openstack/identity.project/-/{}", planted.id("web"));
    let members = |at: &str| Holders::ask(&session, "member", &rivals, at).users(|_| true);
    let crosser = planted.id("crosser");
    assert!(members(&then).contains(crosser) && !members("latest").contains(crosser));
    // What was true then is still what the older snapshot says.
    assert_eq!(compare(&session, &before, &then), named);
}
