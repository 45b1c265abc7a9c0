//! Who may do something, as people ask; the unhappy cases first.
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
use tidegate_replay::kubernetes::{Account, Cluster, KubeReplay};

fn named(name: &str, namespace: Option<&str>) -> Value {
    match namespace {
        Some(namespace) => json!({"name": name, "namespace": namespace, "uid": name}),
        None => json!({"name": name, "uid": name}),
    }
}

fn role(name: &str, namespace: Option<&str>, rules: &Value) -> Value {
    json!({"metadata": named(name, namespace), "rules": rules})
}

fn binding(name: &str, namespace: Option<&str>, role: (&str, &str), subject: &Value) -> Value {
    let group = "rbac.authorization.k8s.io";
    json!({
        "metadata": named(name, namespace),
        "roleRef": {"apiGroup": group, "kind": role.0, "name": role.1},
        "subjects": [subject],
    })
}

/// A cluster in the store: an operator who may do all, a team that may do much in
/// `shop`, a job that may read one secret; and as `limited` sees it.
struct Asked {
    shell: Shell,
    _replay: KubeReplay,
}

impl Asked {
    async fn new() -> Self {
        let mut cluster = Cluster::example().unwrap();
        let list = vec![(String::new(), "nodes".to_owned(), String::new())];
        let (user, token) = ("limited".to_owned(), "limited".to_owned());
        cluster.accounts.push(Account { user, token, list });
        let rbac = |plural: &str| format!("rbac.authorization.k8s.io/v1/{plural}");
        cluster.set(
            "core/v1/namespaces",
            [json!({"metadata": named("shop", None)}), json!({"metadata": named("other", None)})],
        );
        cluster.set(&rbac("clusterroles"), [
            role("all", None, &json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}])),
            role("edit", None, &json!([
                {"verbs": ["get", "delete"], "apiGroups": ["", "apps"], "resources": ["pods", "secrets", "deployments"]},
            ])),
        ]);
        cluster.set(&rbac("roles"), [role("one", Some("shop"), &json!([
            {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["db"]},
        ]))]);
        cluster.set(
            &rbac("clusterrolebindings"),
            [binding(
                "operators",
                None,
                ("ClusterRole", "all"),
                &json!({"kind": "User", "name": "olga"}),
            )],
        );
        cluster.set(
            &rbac("rolebindings"),
            [
                binding(
                    "team",
                    Some("shop"),
                    ("ClusterRole", "edit"),
                    &json!({"kind": "Group", "name": "shop-team"}),
                ),
                binding(
                    "job",
                    Some("shop"),
                    ("Role", "one"),
                    &json!({"kind": "ServiceAccount", "name": "job", "namespace": "shop"}),
                ),
            ],
        );
        let replay = KubeReplay::start(cluster, 0).await.unwrap();
        let shell = Shell::new();
        shell.write(".kube/config", &replay.kubeconfig());
        let asked = Self { shell, _replay: replay };
        for context in ["admin", "limited"] {
            let ran = asked.run(&format!("collect --context {context}"));
            assert!(ran.code == 0 || context == "limited", "{ran:?}");
        }
        asked
    }

    fn run(&self, args: &str) -> Ran {
        tokio::task::block_in_place(|| self.shell.run(args))
    }

    fn ask(&self, args: &str) -> Ran {
        self.run(&format!("policy who-can {args} --cloud admin"))
    }

    /// Kind, id, chain and limits of each grant.
    #[track_caller]
    fn holds(&self, args: &str, expected: &[(&str, &str, &str)]) {
        let ran = self.ask(&format!("{args} -f json"));
        assert_eq!(ran.code, 0, "{ran:?}");
        let report = ran.json();
        let mut found = Vec::new();
        for holder in report["holders"].as_array().unwrap() {
            for grant in holder["grants"].as_array().unwrap() {
                let texts = |v: &Value| -> Vec<String> {
                    let all = v.as_array().into_iter().flatten();
                    all.map(|t| t.as_str().unwrap().to_owned()).collect()
                };
                let only = texts(&grant["only"]);
                let only =
                    if only.is_empty() { String::new() } else { format!("; {}", only.join(",")) };
                let text = |v: &Value| v.as_str().unwrap().to_owned();
                found.push((
                    text(&holder["kind"]),
                    text(&holder["id"]),
                    texts(&grant["chain"]).join(" > ") + &only,
                ));
            }
        }
        let found: Vec<(&str, &str, &str)> =
            found.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
        assert_eq!(found, expected, "{args}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_says_why_and_what_to_type() {
    let a = Asked::new().await;
    a.run("policy who-can get").refused(64, &["<RESOURCE>"]);
    a.run("policy who-can get core.Secret/shop")
        .refused(64, &["several clouds", "--cloud: admin, limited"]);
    a.ask("devour core.Secret")
        .refused(64, &["there is no action `devour`", "get, list, watch", "read-secrets"]);
    a.ask("get Secret").refused(64, &["`Secret`", "KIND/NAMESPACE"]);
    a.ask("get core.Secrets/shop").refused(64, &["the cluster has no kind `core.Secrets`"]);
    a.ask("get v1.Secret/shop").refused(64, &["no kind `v1.Secret`", "did you mean: core.Secret"]);
    a.ask("get core.Secret/nowhere").refused(64, &["no namespace `nowhere`", "other, shop"]);
    a.ask("get kubernetes/core.Secret/shop/none")
        .refused(64, &["there is no `kubernetes/core.Secret/shop/none`"]);
    a.ask("read-secrets nowhere").refused(64, &["no namespace `nowhere`"]);
    a.ask("get core.Secret --at 2001-01-01").refused(64, &["2001-01-01"]);
    a.ask("get core.Secret --at wat").refused(64, &["`wat`"]);
    a.run("policy who-can get core.Secret --cloud nope").refused(64, &["`nope`", "admin, limited"]);
    // Nobody but an administrator sees who is bound to what.
    a.run("policy who-can read-secrets * --cloud limited")
        .refused(3, &["cannot tell who can: `kubernetes.access`", "forbidden"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_are_told_with_their_chain() {
    let a = Asked::new().await;
    let olga = ("User", "olga", "ClusterRoleBinding `operators` > ClusterRole `all`");
    let team = ("Group", "shop-team", "RoleBinding `shop/team` > ClusterRole `edit`");
    let job = ("ServiceAccount", "shop/job", "RoleBinding `shop/job` > Role `shop/one`; db");
    a.holds("get core.Secret/shop", &[team, job, olga]);
    a.holds("get core.Secret/other", &[olga]);
    a.holds("get core.Secret", &[olga]);
    a.holds("delete apps.Deployment/shop", &[team, olga]);
    a.holds("list core.Node", &[olga]);
    a.holds("read-secrets shop", &[team, job, olga]);
    a.holds("read-secrets *", &[olga]);
    a.holds("escalate *", &[olga]);
    let ran = a.ask("get core.Secret/shop");
    assert_eq!(
        ran.stdout,
        "WHO             NAME       ID         WHERE  BY\n\
         Group           shop-team  shop-team  shop   RoleBinding `shop/team` \u{2192} ClusterRole `edit`\n\
         ServiceAccount  job        shop/job   shop   RoleBinding `shop/job` \u{2192} Role `shop/one`; only db\n\
         User            olga       olga       *      ClusterRoleBinding `operators` \u{2192} ClusterRole `all`\n"
    );
    assert_eq!(ran.stderr, "admin@1: 3 may: `get` any `core.Secret` in namespace `shop`\n");
    let ran = a.run("policy who-can get core.Secret/shop --at admin@1 -f json");
    assert_eq!((ran.code, &ran.json()["schema"]), (0, &json!("tidegate.who-can/v1")));
}
