//! Who holds which role, by each chain.

use serde_json::{Value, json};

use super::memory::{Cluster, key};
use crate::source_key;

const KIND: &str = "openstack.access";

/// Users u, v, w, a group g with u in it; roles admin → manager → member →
/// reader; domain d with project p and, below it, q.
fn cloud() -> Cluster {
    let mut cloud = Cluster::new();
    for user in ["u", "v", "w"] {
        cloud.put(
            "identity.user",
            "",
            user,
            &json!({"name": user, "domain_id": "d", "enabled": true}),
        );
    }
    cloud.put("identity.group", "", "g", &json!({"name": "ops", "domain_id": "d"}));
    cloud.put(
        "identity.group_member",
        "g",
        "u",
        &json!({"id": "u", "tidegate": {"group_id": "g"}}),
    );
    for role in ["admin", "manager", "member", "reader"] {
        cloud.put(
            "identity.role",
            "",
            &format!("r-{role}"),
            &json!({"name": role, "domain_id": null}),
        );
    }
    for (prior, implied) in [("admin", "manager"), ("manager", "member"), ("member", "reader")] {
        infer(&mut cloud, &format!("r-{prior}"), &[&format!("r-{implied}")]);
    }
    cloud.put("identity.domain", "", "d", &json!({"name": "Default"}));
    cloud.put(
        "identity.project",
        "",
        "p",
        &json!({"name": "shop", "domain_id": "d", "parent_id": "d"}),
    );
    cloud.put(
        "identity.project",
        "",
        "q",
        &json!({"name": "web", "domain_id": "d", "parent_id": "p"}),
    );
    cloud
}

fn infer(cloud: &mut Cluster, prior: &str, implied: &[&str]) {
    let implied: Vec<Value> = implied.iter().map(|id| json!({"id": id})).collect();
    cloud.put(
        "identity.role_inference",
        "",
        prior,
        &json!({"prior_role": {"id": prior}, "implies": implied}),
    );
}

/// Grants a role: `project p`, `domain d projects` (inherited) or `system`.
fn grant(cloud: &mut Cluster, actor: (&str, &str), scope: &str, role: &str) {
    let words: Vec<&str> = scope.split(' ').collect();
    let mut to = match words.as_slice() {
        ["system"] => json!({"system": {"all": true}}),
        [sort, id, ..] => json!({*sort: {"id": id}}),
        _ => panic!("{scope}"),
    };
    if let [_, _, inherited] = words.as_slice() {
        to["OS-INHERIT:inherited_to"] = json!(inherited);
    }
    let body = json!({actor.0: {"id": actor.1}, "role": {"id": role}, "scope": to});
    cloud.put("identity.role_assignment", "", &format!("{actor:?} {scope} {role}"), &body);
}

fn of(cloud: &Cluster, who: &str) -> Value {
    cloud.bodies(KIND).remove(who).unwrap()
}

/// `admin project/p direct=admin`, for all that somebody holds.
fn held(cloud: &Cluster, who: &str) -> Vec<String> {
    let body = of(cloud, who);
    let mut out = Vec::new();
    for (role, scopes) in body["roles"].as_object().unwrap() {
        for (scope, chains) in scopes.as_object().unwrap() {
            for (chain, granted) in chains.as_object().unwrap() {
                out.push(format!("{role} {scope} {chain}={}", granted.as_str().unwrap()));
            }
        }
    }
    out
}

const USER: (&str, &str) = ("user", "u");

#[test]
fn a_role_is_held_where_it_is_granted() {
    for (scope, expected) in [
        ("project p", "reader project/p direct=reader"),
        ("domain d", "reader domain/d direct=reader"),
        ("system", "reader system direct=reader"),
        ("domain d projects", "reader inherited:domain/d direct=reader"),
        ("project p projects", "reader inherited:project/p direct=reader"),
    ] {
        let mut cloud = cloud();
        grant(&mut cloud, USER, scope, "r-reader");
        assert_eq!(held(&cloud, "user/u"), [expected]);
        assert_eq!(held(&cloud, "user/v"), Vec::<String>::new());
    }
}

#[test]
fn scopes_say_what_they_are() {
    let mut cloud = cloud();
    for scope in ["project p", "domain d", "system", "project q projects", "project gone"] {
        grant(&mut cloud, USER, scope, "r-reader");
    }
    assert_eq!(
        of(&cloud, "user/u")["scopes"],
        json!({
            "domain/d": {"domain_id": "d", "id": "d", "inherited": false, "name": "Default", "type": "domain"},
            "inherited:project/q": {"domain_id": "d", "id": "q", "inherited": true, "name": "web", "type": "project"},
            "project/gone": {"domain_id": null, "id": "gone", "inherited": false, "name": null, "type": "project"},
            "project/p": {"domain_id": "d", "id": "p", "inherited": false, "name": "shop", "type": "project"},
            "system": {"domain_id": null, "id": null, "inherited": false, "name": null, "type": "system"},
        })
    );
}

#[test]
fn members_hold_what_their_group_holds() {
    let mut cloud = cloud();
    grant(&mut cloud, ("group", "g"), "project p", "r-reader");
    assert_eq!(held(&cloud, "user/u"), ["reader project/p group/g=reader"]);
    assert_eq!(held(&cloud, "group/g"), ["reader project/p direct=reader"]);
    assert_eq!(held(&cloud, "user/v"), Vec::<String>::new());
    assert_eq!(of(&cloud, "user/u")["groups"], json!({"g": "ops"}));
    grant(&mut cloud, USER, "project p", "r-reader");
    assert_eq!(
        held(&cloud, "user/u"),
        ["reader project/p direct=reader", "reader project/p group/g=reader"]
    );
}

#[test]
fn roles_imply_roles() {
    let mut cloud = cloud();
    grant(&mut cloud, USER, "project p", "r-manager");
    assert_eq!(
        held(&cloud, "user/u"),
        [
            "manager project/p direct=manager",
            "member project/p direct=manager",
            "reader project/p direct=manager"
        ]
    );
    assert_eq!(
        of(&cloud, "user/u")["implied"]["reader"],
        json!({"manager": ["manager", "member", "reader"]})
    );
    // The shortest way from what was granted.
    grant(&mut cloud, USER, "project p", "r-member");
    assert_eq!(
        held(&cloud, "user/u"),
        [
            "manager project/p direct=manager",
            "member project/p direct=member",
            "reader project/p direct=member"
        ]
    );
    // An implication that nobody wanted, and a circle.
    infer(&mut cloud, "r-reader", &["r-admin"]);
    assert!(held(&cloud, "user/u").contains(&"admin project/p direct=member".to_owned()));
    assert_eq!(
        of(&cloud, "user/u")["implied"]["admin"]["member"],
        json!(["member", "reader", "admin"])
    );
}

#[test]
fn a_domains_own_role_counts_by_what_it_implies() {
    let mut cloud = cloud();
    cloud.put("identity.role", "", "own", &json!({"name": "boss", "domain_id": "d"}));
    grant(&mut cloud, USER, "project p", "own");
    assert_eq!(held(&cloud, "user/u"), Vec::<String>::new());
    infer(&mut cloud, "own", &["r-reader"]);
    assert_eq!(held(&cloud, "user/u"), ["reader project/p direct=boss"]);
    assert_eq!(of(&cloud, "user/u")["implied"]["reader"], json!({"boss": ["boss", "reader"]}));
}

#[test]
fn a_role_that_is_not_listed_has_its_id() {
    let mut cloud = cloud();
    grant(&mut cloud, USER, "project p", "lost");
    assert_eq!(held(&cloud, "user/u"), ["lost project/p direct=lost"]);
}

fn trust(cloud: &mut Cluster, with: &Value, role: &str) {
    let mut trust = json!({"trustor_user_id": "u", "trustee_user_id": "v", "project_id": "q", "impersonation": true, "expires_at": null, "deleted_at": null, "remaining_uses": null});
    trust.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    cloud.put("identity.trust", "", "t", &trust);
    cloud.put(
        "identity.trust_role",
        "t",
        role,
        &json!({"id": role, "name": "x", "tidegate": {"trust_id": "t"}}),
    );
}

#[test]
fn a_trustee_holds_what_the_trustor_does() {
    let mut cloud = cloud();
    trust(&mut cloud, &json!({}), "r-member");
    assert_eq!(held(&cloud, "user/v"), Vec::<String>::new(), "the trustor holds nothing");
    for scope in ["project q", "project p projects", "domain d projects"] {
        let mut cloud = cloud.clone();
        grant(&mut cloud, USER, scope, "r-manager");
        let expected = ["member project/q trust/t=member", "reader project/q trust/t=member"];
        assert_eq!(held(&cloud, "user/v"), expected, "{scope}");
        let known =
            json!({"expires_at": null, "impersonation": true, "project_id": "q", "trustor": "u"});
        assert_eq!(of(&cloud, "user/v")["trusts"], json!({"t": known}));
    }
    for scope in ["project p", "domain d", "system", "project q projects"] {
        let mut cloud = cloud.clone();
        grant(&mut cloud, USER, scope, "r-manager");
        assert_eq!(held(&cloud, "user/v"), Vec::<String>::new(), "{scope}");
    }
    grant(&mut cloud, ("group", "g"), "project q", "r-member");
    assert_eq!(held(&cloud, "user/v").len(), 2, "by a group");
    for used_up in [json!({"deleted_at": "2026-01-01T00:00:00Z"}), json!({"remaining_uses": 0})] {
        trust(&mut cloud, &used_up, "r-member");
        assert_eq!(held(&cloud, "user/v"), Vec::<String>::new());
    }
    trust(&mut cloud, &json!({}), "r-member");
    cloud.put("identity.user", "", "u", &json!({"name": "u", "enabled": false}));
    assert_eq!(held(&cloud, "user/v"), Vec::<String>::new(), "the trustor is disabled");
}

/// Keystone refuses a token by a trust unless all of its roles are still held.
#[test]
fn a_trust_of_a_role_that_is_lost_gives_none() {
    let mut cloud = cloud();
    grant(&mut cloud, USER, "project q", "r-member");
    trust(&mut cloud, &json!({}), "r-member");
    assert_eq!(held(&cloud, "user/v").len(), 2);
    trust(&mut cloud, &json!({}), "r-manager");
    assert_eq!(held(&cloud, "user/v"), Vec::<String>::new());
    grant(&mut cloud, USER, "project q", "r-manager");
    assert_eq!(held(&cloud, "user/v").len(), 3);
    // Whether a domain's own role is held no list of roles tells.
    cloud.put("identity.role", "", "own", &json!({"name": "own", "domain_id": "d"}));
    trust(&mut cloud, &json!({}), "own");
    assert_eq!(held(&cloud, "user/v").len(), 3);
}

#[test]
fn a_trust_made_of_another_gives_what_the_first_trustor_holds() {
    let mut cloud = cloud();
    grant(&mut cloud, USER, "project q", "r-member");
    trust(&mut cloud, &json!({}), "r-member");
    let second = json!({"trustor_user_id": "v", "trustee_user_id": "w", "project_id": "q", "impersonation": false, "expires_at": null, "deleted_at": null, "remaining_uses": null, "redelegated_trust_id": "t"});
    cloud.put("identity.trust", "", "t2", &second);
    let role = json!({"id": "r-member", "name": "member", "tidegate": {"trust_id": "t2"}});
    cloud.put("identity.trust_role", "t2", "r-member", &role);
    let expected = ["member project/q trust/t2=member", "reader project/q trust/t2=member"];
    assert_eq!(held(&cloud, "user/w"), expected);
    let mut less = cloud.clone();
    less.put("identity.role_assignment", "", &format!("{USER:?} project q r-member"), &json!(1));
    assert_eq!(held(&less, "user/w"), Vec::<String>::new(), "the first trustor lost the role");
    let mut unseen = cloud.clone();
    unseen.see(&key("identity.trust", "", "t"), false);
    assert!(rests_on_unseen(&unseen, "user", "w"));
    // Where the first is not listed, or they are in a circle, they may be good.
    let mut alone = cloud.clone();
    alone.remove(&key("identity.trust", "", "t"));
    assert_eq!(held(&alone, "user/w"), expected);
    trust(&mut cloud, &json!({"redelegated_trust_id": "t2"}), "r-member");
    assert_eq!(held(&cloud, "user/w"), expected);
}

#[test]
fn a_credential_uses_what_its_user_holds() {
    let mut cloud = cloud();
    let credential = json!({"name": "ci", "project_id": "q", "unrestricted": true, "expires_at": "2027-01-01T00:00:00", "access_rules": [{}], "roles": [{"id": "r-member", "name": "member"}], "tidegate": {"user_id": "v"}});
    cloud.put("identity.application_credential", "", "c", &credential);
    assert_eq!(held(&cloud, "user/v"), Vec::<String>::new());
    grant(&mut cloud, ("user", "v"), "domain d projects", "r-member");
    assert_eq!(
        held(&cloud, "user/v"),
        [
            "member inherited:domain/d direct=member",
            "member project/q credential/c=member",
            "reader inherited:domain/d direct=member",
            "reader project/q credential/c=member",
        ]
    );
    assert_eq!(
        of(&cloud, "user/v")["credentials"],
        json!({"c": {"access_rules": 1, "expires_at": "2027-01-01T00:00:00", "name": "ci", "project_id": "q", "roles": {"member": true}, "unrestricted": true}})
    );
    // As Keystone keeps it where nobody said so.
    cloud.put(
        "identity.application_credential",
        "",
        "c",
        &json!({"unrestricted": null, "tidegate": {"user_id": "v"}}),
    );
    assert_eq!(of(&cloud, "user/v")["credentials"]["c"]["unrestricted"], json!(false));
}

#[test]
fn who_is_not_listed_is_there_all_the_same() {
    let mut cloud = cloud();
    grant(&mut cloud, ("user", "ghost"), "project p", "r-admin");
    let subject = |who: &str| of(&cloud, who)["subject"].clone();
    assert_eq!(
        subject("user/ghost"),
        json!({"domain_id": null, "enabled": null, "id": "ghost", "listed": false, "name": null, "type": "user"})
    );
    assert_eq!(
        subject("user/u"),
        json!({"domain_id": "d", "enabled": true, "id": "u", "listed": true, "name": "u", "type": "user"})
    );
    assert_eq!(subject("group/g")["name"], "ops");
    let all = cloud.derived(KIND);
    let keys: Vec<String> =
        all.iter().map(|f| source_key(&f.resource.key).as_str().to_owned()).collect();
    assert_eq!(keys[0], "openstack/identity.group/-/g");
    assert_eq!(keys[1], "openstack/identity.user/-/ghost");
    assert_eq!(of(&cloud, "user/u")["key"], "openstack/identity.user/-/u");
}

/// Whether the fact of somebody is that it cannot be read.
fn unreadable(cloud: &Cluster, who: &str) -> bool {
    of(cloud, who)["tidegate"]["unreadable"].is_string()
}

#[test]
fn what_cannot_be_read_does_not_disappear() {
    let mut base = cloud();
    grant(&mut base, USER, "project p", "r-manager");
    trust(&mut base, &json!({}), "r-member");
    let with = |kind: &str, namespace: &str, id: &str| {
        let mut cloud = base.clone();
        cloud.put(kind, namespace, id, &json!(1));
        cloud
    };
    for (kind, id, who) in [
        ("identity.user", "u", "user/u"),
        ("identity.group", "g", "group/g"),
        ("identity.role", "r-member", "user/u"),
        ("identity.role_inference", "r-member", "user/u"),
        ("identity.project", "p", "user/u"),
    ] {
        assert!(unreadable(&with(kind, "", id), who), "{kind}");
    }
    for (kind, namespace, id) in [
        ("identity.role", "", "r-member"),
        ("identity.role_inference", "", "x"),
        ("identity.project", "", "p"),
        ("identity.domain", "", "d"),
        ("identity.role_assignment", "", "x"),
        ("identity.group_member", "g", "x"),
        ("identity.trust", "", "t"),
        ("identity.trust_role", "t", "x"),
        ("identity.application_credential", "", "x"),
    ] {
        let cloud = with(kind, namespace, id);
        let source = key(kind, namespace, id);
        let found = cloud.derived(KIND).into_iter().find(|f| source_key(&f.resource.key) == source);
        assert!(found.is_some_and(|f| f.resource.body.contains("unreadable")), "{kind}");
    }
}

#[test]
fn what_was_not_seen_is_not_known() {
    let mut base = cloud();
    grant(&mut base, ("group", "g"), "project p", "r-member");
    let unseen = |cloud: &Cluster, who: &str| {
        let key = key(KIND, who.split('/').next().unwrap(), who.split('/').nth(1).unwrap());
        cloud
            .derived(KIND)
            .into_iter()
            .find(|f| f.resource.key == key)
            .unwrap()
            .unseen_since
            .is_some()
    };
    assert!(!unseen(&base, "user/u"));
    for (kind, namespace, id) in [
        ("identity.user", "", "u"),
        ("identity.group", "", "g"),
        ("identity.group_member", "g", "u"),
        ("identity.role", "", "r-reader"),
        ("identity.role_inference", "", "r-member"),
        ("identity.project", "", "p"),
        ("identity.role_assignment", "", r#"("group", "g") project p r-member"#),
    ] {
        let mut cloud = base.clone();
        cloud.see(&key(kind, namespace, id), false);
        assert!(unseen(&cloud, "user/u"), "{kind}");
        assert!(!unseen(&cloud, "user/w"), "{kind}");
    }
}

/// Whether the fact of somebody rests on what was not seen.
fn rests_on_unseen(cloud: &Cluster, sort: &str, id: &str) -> bool {
    let all = cloud.derived(KIND);
    let found = all.iter().find(|f| f.resource.key == key(KIND, sort, id)).unwrap();
    found.unseen_since.is_some()
}

#[test]
fn what_is_not_known_of_a_trustor_is_not_known_of_the_trustee() {
    let mut base = cloud();
    grant(&mut base, ("group", "g"), "project p projects", "r-manager");
    trust(&mut base, &json!({}), "r-member");
    assert_eq!(held(&base, "user/v").len(), 2);
    for (kind, id) in [
        ("identity.user", "u"),
        ("identity.role", "r-manager"),
        ("identity.role_inference", "r-manager"),
        ("identity.project", "q"),
        ("identity.project", "p"),
    ] {
        let mut cloud = base.clone();
        cloud.put(kind, "", id, &json!(1));
        assert!(unreadable(&cloud, "user/v"), "{kind} {id}");
        assert!(!unreadable(&cloud, "user/w"), "{kind} {id}");
    }
    let mut cloud = base.clone();
    cloud.remove(&key("identity.project", "", "p"));
    assert!(unreadable(&cloud, "user/v"), "a project above is not listed");
    assert!(!rests_on_unseen(&base, "user", "v"));
    for (kind, namespace, id) in [
        ("identity.user", "", "u"),
        ("identity.group_member", "g", "u"),
        ("identity.trust", "", "t"),
        ("identity.trust_role", "t", "r-member"),
        ("identity.project", "", "p"),
    ] {
        let mut cloud = base.clone();
        cloud.see(&key(kind, namespace, id), false);
        assert!(rests_on_unseen(&cloud, "user", "v"), "{kind} {id}");
        assert!(!rests_on_unseen(&cloud, "user", "w"), "{kind} {id}");
    }
    let mut cloud = base;
    cloud.put("identity.user", "", "u", &json!({"name": "u", "enabled": false}));
    assert!(!rests_on_unseen(&cloud, "user", "v"));
    cloud.see(&key("identity.user", "", "u"), false);
    assert!(rests_on_unseen(&cloud, "user", "v"), "it may be enabled by now");
}

#[test]
fn a_credential_in_a_project_that_is_not_known_is_not_unusable() {
    let mut base = cloud();
    let credential = json!({"name": "ci", "project_id": "q", "roles": [{"id": "r-member"}], "tidegate": {"user_id": "v"}});
    base.put("identity.application_credential", "", "c", &credential);
    assert!(!rests_on_unseen(&base, "user", "v"));
    let mut cloud = base.clone();
    cloud.see(&key("identity.project", "", "p"), false);
    assert!(rests_on_unseen(&cloud, "user", "v"));
    for remove in [true, false] {
        let mut cloud = base.clone();
        match remove {
            true => cloud.remove(&key("identity.project", "", "p")),
            false => cloud.put("identity.project", "", "p", &json!(1)),
        }
        assert!(unreadable(&cloud, "user/v"), "{remove}");
    }
}

/// However many projects there are below, an inherited grant is one.
#[test]
fn inherited_grants_do_not_multiply() {
    let mut cloud = cloud();
    grant(&mut cloud, ("group", "g"), "domain d projects", "r-admin");
    let before = of(&cloud, "user/u").to_string().len();
    for n in 0..500 {
        let project = json!({"name": format!("n{n}"), "domain_id": "d", "parent_id": "p"});
        cloud.put("identity.project", "", &format!("n{n}"), &project);
    }
    assert_eq!(of(&cloud, "user/u").to_string().len(), before);
}

#[test]
fn projects_in_a_circle_end() {
    let mut cloud = cloud();
    cloud.put(
        "identity.project",
        "",
        "p",
        &json!({"name": "shop", "domain_id": "d", "parent_id": "q"}),
    );
    grant(&mut cloud, USER, "project p projects", "r-member");
    trust(&mut cloud, &json!({}), "r-member");
    assert_eq!(held(&cloud, "user/v").len(), 2);
}
