//! `tidegate.yaml` through the binary: what is wrong with it is told with its
//! line; what it says holds unless a variable or a flag says otherwise.
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
use tidegate_replay::{Recording, Replay};

/// A shell with a `tidegate.yaml` of these lines below its first.
fn with(lines: &str) -> Shell {
    let shell = Shell::new();
    shell.write("tidegate.yaml", &format!("schema: tidegate.config/v1\n{lines}"));
    shell
}

#[track_caller]
fn refused(lines: &str, texts: &[&str]) {
    with(lines).run("config show").refused(1, texts);
}

fn setting(ran: &Ran, name: &str) -> (Value, Value) {
    let setting = &ran.json()["settings"][name];
    (setting["value"].clone(), setting["origin"].clone())
}

fn line(n: u32) -> Value {
    json!({ "from": "file", "file": "tidegate.yaml", "line": n })
}

#[test]
fn an_unknown_key_is_told_with_file_line_and_the_nearest_known_one() {
    refused(
        "\nboundles: [a]\n",
        &["error: tidegate.yaml:3: unknown key `boundles`\n", "hint: did you mean `bundles`?\n"],
    );
    refused(
        "targets:\n  prod1:\n    config-dir: x\n",
        &["tidegate.yaml:4: unknown key `config-dir`", "did you mean `config_dir`?"],
    );
    refused(
        "wibble: 1\n",
        &["unknown key `wibble`", "known keys: schema, store, retention, targets"],
    );
    refused("cloud: a\n", &["unknown key `cloud`", "targets: {NAME: {cloud: ...}}"]);
}

#[test]
fn every_problem_is_told_at_once_in_order_of_lines() {
    let ran = with("only_new: 'yes'\nfail_on: severe\nmode: lax\nbundles: a\n").run("config show");
    ran.refused(1, &[]);
    let lines: Vec<&str> = ran.stderr.lines().collect();
    let want = [
        "error: tidegate.yaml:2: `only_new` must be true or false, not a text",
        "  tidegate.yaml:3: `severe` is no value of `fail_on`: it must be critical, high, medium, low or info",
        "  tidegate.yaml:4: `lax` is no value of `mode`: it must be reference or strict",
        "  tidegate.yaml:5: `bundles` must be a list, not a text",
        "hint: write: bundles: [...]",
    ];
    assert_eq!(lines, want);
}

#[test]
fn wrong_types_and_values_are_told_with_their_line() {
    refused("store: 3\n", &["tidegate.yaml:2: `store` must be a text, not a number"]);
    refused("store: ''\n", &["tidegate.yaml:2: `store` is empty"]);
    refused("bundles:\n- a\n- [b]\n", &["tidegate.yaml:4: `bundles` must be a text, not a list"]);
    refused("formats:\n- table\n- xml\n", &["tidegate.yaml:4: `xml` is no value of `formats`"]);
    refused("formats: ['json=']\n", &["the file name after `=` is empty"]);
    refused("targets: [a]\n", &["tidegate.yaml:2: `targets` must be a mapping, not a list"]);
    refused("targets:\n  a/b: {}\n", &["tidegate.yaml:3", "a/b"]);
    refused("targets:\n  a: {attestation: [x]}\n", &["tidegate.yaml:3", "`allowed_signers`"]);
    refused("targets:\n  a: {cloud: c}\n  b: {cloud: c}\n", &["tidegate.yaml:4", "same cloud `c`"]);
    refused("parameters: {mode: strict}\n", &["`mode` is not a parameter", "mode: reference"]);
    refused("store: a\nstore: b\n", &["tidegate.yaml:3: `store` stands in line 2 already"]);
    refused("store: [\n", &["tidegate.yaml:3: this is no YAML: "]);
    refused("store: *x\n", &["tidegate.yaml:2: "]);

    let shell = Shell::new();
    shell.write("tidegate.yaml", "store: x\n");
    shell.run("config show").refused(1, &["tidegate.yaml:1: `schema` is missing"]);
    shell.write("tidegate.yaml", "schema: tidegate.config/v2\n");
    shell.run("scan --example").refused(1, &["`tidegate.config/v2`", "cannot read"]);
    shell.write("tidegate.yaml", "- a\n");
    shell.run("config show").refused(1, &["the file must be a mapping, not a list"]);
    assert!(!shell.path(".local/share/tidegate").exists(), "nothing was collected");
}

#[test]
fn secrets_are_refused_without_being_repeated() {
    for (lines, at) in [
        ("password: hunter2\n", 2),
        ("targets:\n  a:\n    cloud: a\n    application_credential_secret: hunter2\n", 5),
        ("parameters:\n  r:\n    api_token: hunter2\n", 4),
        ("baseline: |\n  -----BEGIN OPENSSH PRIVATE KEY-----\n  hunter2\n", 2),
    ] {
        let ran = with(lines).run("config show");
        ran.refused(1, &[&format!("tidegate.yaml:{at}: "), "looks like a secret", "clouds.yaml"]);
        assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let shell = with("fail_on: high\n");
    let wrong = ["cannot read the configuration `no.yaml` (flag --config)", "config init"];
    shell.run("config show --config no.yaml").refused(64, &wrong);
    let ran = shell.run_with("config show", &[("TIDEGATE_CONFIG", "no.yaml")]);
    ran.refused(64, &["`no.yaml` (variable TIDEGATE_CONFIG)"]);
    shell.run("config show --config no.yaml --no-config").refused(64, &["--no-config"]);
    std::fs::remove_file(shell.path("tidegate.yaml")).unwrap();
    std::os::unix::fs::symlink("nowhere", shell.path("tidegate.yaml")).unwrap();
    shell.run("config show").refused(64, &["cannot read the configuration `tidegate.yaml`"]);
}

#[test]
fn the_first_file_found_is_the_only_one_that_counts() {
    let shell = Shell::new();
    let fail_on = |text: &str| format!("schema: tidegate.config/v1\nfail_on: {text}\n");
    let now = |args: &str, env: &[(&str, &str)]| {
        setting(&shell.run_with(&format!("config show -f json {args}"), env), "fail_on").0
    };
    assert_eq!(now("", &[]), "low");
    shell.write(".config/tidegate/tidegate.yaml", &fail_on("info"));
    assert_eq!(now("", &[]), "info");
    shell.write("xdg/tidegate/tidegate.yaml", &fail_on("medium"));
    let xdg = shell.path("xdg").display().to_string();
    assert_eq!(now("", &[("XDG_CONFIG_HOME", &xdg)]), "medium");
    shell.write("tidegate.yaml", &fail_on("high"));
    assert_eq!(now("", &[]), "high");
    shell.write("env.yaml", &fail_on("critical"));
    assert_eq!(now("", &[("TIDEGATE_CONFIG", "env.yaml")]), "critical");
    let both = [("TIDEGATE_CONFIG", "env.yaml")];
    assert_eq!(now("--config xdg/tidegate/tidegate.yaml", &both), "medium");
    assert_eq!(now("--no-config", &both), "low");
}

#[test]
fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
    let shell = with("store: kept\nfail_on: high\nformats: [csv, json=out/r.json]\n");
    let show = |args: &str, env: &[(&str, &str)]| {
        shell.run_with(&format!("config show -f json {args}"), env)
    };
    let env = [
        ("TIDEGATE_STORE", "elsewhere"),
        ("TIDEGATE_FAIL_ON", "medium"),
        ("TIDEGATE_FORMAT", "junit=j.xml, markdown"),
        ("TIDEGATE_BASELINE", "then.json"),
    ];
    let variable = |name: &str| json!({ "from": "variable", "name": name });
    let flag = |name: &str| json!({ "from": "flag", "name": name });
    let default = json!({ "from": "default" });

    let ran = show("", &[]);
    assert_eq!(setting(&ran, "store"), (json!("kept"), line(2)));
    assert_eq!(setting(&ran, "fail_on"), (json!("high"), line(3)));
    assert_eq!(setting(&ran, "formats"), (json!(["csv", "json=out/r.json"]), line(4)));
    assert_eq!(setting(&ran, "baseline"), (Value::Null, default.clone()));
    assert_eq!(setting(&ran, "fail_on_incomplete"), (json!(true), default));

    let ran = show("", &env);
    assert_eq!(setting(&ran, "store"), (json!("elsewhere"), variable("TIDEGATE_STORE")));
    assert_eq!(setting(&ran, "fail_on"), (json!("medium"), variable("TIDEGATE_FAIL_ON")));
    let formats = json!(["junit=j.xml", "markdown"]);
    assert_eq!(setting(&ran, "formats"), (formats, variable("TIDEGATE_FORMAT")));
    assert_eq!(setting(&ran, "baseline"), (json!("then.json"), variable("TIDEGATE_BASELINE")));

    let ran = show("--store s --fail-on critical --baseline latest~1 --only-new", &env);
    assert_eq!(setting(&ran, "store"), (json!("s"), flag("--store")));
    assert_eq!(setting(&ran, "fail_on"), (json!("critical"), flag("--fail-on")));
    assert_eq!(setting(&ran, "baseline"), (json!("latest~1"), flag("--baseline")));
    assert_eq!(setting(&ran, "only_new"), (json!(true), flag("--only-new")));

    let wrong = shell.run_with("config show", &[("TIDEGATE_FAIL_ON", "severe")]);
    wrong.refused(64, &["variable `TIDEGATE_FAIL_ON`: `severe`", "critical, high"]);
    let wrong = shell.run_with("config show", &[("TIDEGATE_FORMAT", "table,xml")]);
    wrong.refused(64, &["variable `TIDEGATE_FORMAT`"]);
}

#[test]
fn what_a_file_switches_on_or_off_a_flag_switches_back() {
    let shell = with("fail_on_incomplete: false\nonly_new: true\nbaseline: b.json\nwaivers: [w]\n");
    let now = |args: &str, name: &str| {
        setting(&shell.run(&format!("config show -f json {args}")), name).0
    };
    assert_eq!(now("", "fail_on_incomplete"), false);
    assert_eq!(now("--fail-on-incomplete", "fail_on_incomplete"), true);
    assert_eq!(now("--no-fail-on-incomplete --fail-on-incomplete", "fail_on_incomplete"), true);
    assert_eq!(now("", "only_new"), true);
    assert_eq!(now("--no-only-new", "only_new"), false);
    assert_eq!(now("", "waivers"), json!(["w"]));
    assert_eq!(now("--waivers v", "waivers"), json!(["v"]));
    assert_eq!(now("--no-waivers", "waivers"), json!([]));
    assert_eq!(now("", "baseline"), "b.json");
    assert_eq!(now("--no-baseline", "baseline"), Value::Null);
}

#[test]
fn paths_are_relative_to_the_file_and_names_stay() {
    let shell = Shell::new();
    shell.write("conf/base.json", "{}");
    shell.write(
        "conf/t.yaml",
        "schema: tidegate.config/v1\nstore: s\nbundles: [scs-compatible-iaas, mine, /abs]\n\
         scopes: [scs-compatible-iaas@v5, my/scope.yaml@v1, x.yaml]\nwaivers: [w, /w]\n\
         baseline: base.json\nformats: [table, json=r.json]\n\
         targets:\n  a: {attestation: [att], allowed_signers: ../signers, config_dir: /etc/kolla, \
         test_results: [e2e.tar.gz], with: [tls, body-limit], dashboard: 'https://d'}\n",
    );
    let ran = shell.run("config show -f json --config conf/t.yaml");
    let value = |name: &str| setting(&ran, name).0;
    assert_eq!(value("store"), "conf/s");
    assert_eq!(value("bundles"), json!(["scs-compatible-iaas", "conf/mine", "/abs"]));
    let scopes = json!(["scs-compatible-iaas@v5", "conf/my/scope.yaml@v1", "conf/x.yaml"]);
    assert_eq!(value("scopes"), scopes);
    assert_eq!(value("waivers"), json!(["conf/w", "/w"]));
    assert_eq!(value("baseline"), "conf/base.json");
    assert_eq!(value("formats"), json!(["table", "json=conf/r.json"]));
    assert_eq!(value("targets.a.attestation"), json!(["conf/att"]));
    assert_eq!(value("targets.a.allowed_signers"), "conf/../signers");
    assert_eq!(value("targets.a.config_dir"), "/etc/kolla");
    assert_eq!(value("targets.a.test_results"), json!(["conf/e2e.tar.gz"]));
    assert_eq!(value("targets.a.with"), json!(["tls", "body-limit"]));
    assert_eq!(value("targets.a.dashboard"), "https://d");
}

#[test]
fn parameters_are_replaced_one_by_one_and_lists_whole() {
    let shell = with(
        "bundles: [scs-compatible-iaas]\nscopes: [scs-compatible-iaas]\nmode: strict\n\
         parameters:\n  lifetime: week\n  scs-0103-flavor-8v-32:\n    mode: strict\n    x: 1\n",
    );
    let of = |args: &str| {
        let all = shell.run(&format!("config show -f json {args}")).json()["settings"].clone();
        let all = all.as_object().unwrap().iter();
        let values = all.filter(|(name, _)| name.contains("parameters.") || *name == "mode");
        values.map(|(n, s)| (n.clone(), s["value"].clone())).collect::<Value>()
    };
    let file = json!({
        "mode": "strict", "parameters.lifetime": "week",
        "parameters.scs-0103-flavor-8v-32.mode": "strict", "parameters.scs-0103-flavor-8v-32.x": 1,
    });
    assert_eq!(of(""), file);
    let mut want = file.clone();
    want["parameters.lifetime"] = "month".into();
    assert_eq!(of("--parameter lifetime=month"), want);
    // What a flag says of all rules holds for one that the file names, too.
    let mut want = file.clone();
    want.as_object_mut().unwrap().remove("parameters.scs-0103-flavor-8v-32.x");
    want["parameters.x"] = 2.into();
    assert_eq!(of("--parameter x=2"), want);
    let mut want = file;
    want.as_object_mut().unwrap().remove("parameters.scs-0103-flavor-8v-32.mode");
    want["mode"] = "reference".into();
    assert_eq!(of("--mode reference"), want);

    // Bundles and scopes are one choice.
    let ran = shell.run("config show -f json --bundle other");
    assert_eq!(setting(&ran, "bundles").0, json!(["other"]));
    assert_eq!(setting(&ran, "scopes").0, json!([]));
}

#[test]
fn show_prints_a_table_with_origins() {
    let shell = with("store: s\nfail_on: high\n");
    let ran = shell.run_with("config show --origin --cloud prod1", &[("TIDEGATE_BASELINE", "b")]);
    let want = "\
file                tidegate.yaml
store               s              tidegate.yaml:2
retention           -              default
targets             prod1          flag --cloud
bundles             -              default
scopes              -              default
frameworks          -              default
mode                -              default
waivers             -              default
baseline            b              variable TIDEGATE_BASELINE
only_new            false          default
fail_on             high           tidegate.yaml:3
fail_on_incomplete  true           default
formats             table          default
";
    assert_eq!((ran.code, ran.stdout.as_str()), (0, want), "{ran:?}");
    assert!(!shell.run("config show").stdout.contains("default"));
}

#[test]
fn init_writes_what_changes_nothing_and_never_overwrites_unasked() {
    let shell = Shell::new();
    let without = shell.run("config show -f json").json();
    let ran = shell.run("config init");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    let with = shell.run("config show -f json").json();
    assert_eq!(with["file"], "tidegate.yaml");
    assert_eq!(with["settings"], without["settings"]);

    // A file that is wrong does not keep one from writing another.
    shell.write("tidegate.yaml", "mine: [\n");
    shell.run("config init").refused(1, &["`tidegate.yaml` is there already", "--force"]);
    assert_eq!(std::fs::read_to_string(shell.path("tidegate.yaml")).unwrap(), "mine: [\n");
    assert_eq!(shell.run("config init other.yaml").code, 0);
    assert_eq!(shell.run("config init --force").code, 0);
    assert_eq!(shell.run("config show").code, 0);
    shell.run("config init no/where.yaml").refused(1, &["cannot write `no/where.yaml`"]);
}

/// Lines below the first, and whether they are right. What no schema can say is
/// not among them: two targets of one cloud, a secret, a key that stands twice.
const SAMPLES: &[(&str, bool)] = &[
    ("", true),
    ("store: s\nbaseline: latest~1\n", true),
    ("targets:\n", true),
    ("targets: {a: , b: {cloud: c, config_dir: d}}\n", true),
    ("targets: {a: {attestation: [x], allowed_signers: y}}\n", true),
    ("targets: {a: {test_results: [x.xml]}}\n", true),
    ("targets: {a: {with: [tls, auth-errors], dashboard: 'https://d'}}\n", true),
    ("bundles: []\nscopes: [a@v1]\nwaivers: [w]\n", true),
    ("mode: strict\nfail_on: info\nonly_new: true\nfail_on_incomplete: false\n", true),
    ("parameters: {a: 1, b: [x], r-1: {c: null, mode: strict}, 'odd name': 2}\n", true),
    ("formats: [table, 'sarif=a=b.sarif', html=x.html]\n", true),
    ("formats: []\n", true),
    ("nonsense: 1\n", false),
    ("store: 1\n", false),
    ("store: ''\n", false),
    ("store:\n", false),
    ("targets: [a]\n", false),
    ("targets: {.a: {}}\n", false),
    ("targets: {'a b': {}}\n", false),
    ("targets: {a: b}\n", false),
    ("targets: {a: {clouds: b}}\n", false),
    ("targets: {a: {attestation: [x]}}\n", false),
    ("targets: {a: {test_results: x.xml}}\n", false),
    ("targets: {a: {with: tls}}\n", false),
    ("targets: {a: {with: [ssl]}}\n", false),
    ("targets: {a: {attestation: x, allowed_signers: y}}\n", false),
    ("bundles: a\n", false),
    ("bundles:\n", false),
    ("scopes: [1]\n", false),
    ("waivers: ['']\n", false),
    ("mode: lax\n", false),
    ("parameters: 1\n", false),
    ("parameters: {mode: strict}\n", false),
    ("parameters: {'a rule': {b: 1}}\n", false),
    ("fail_on: Low\n", false),
    ("only_new: 1\n", false),
    ("fail_on_incomplete: 'true'\n", false),
    ("formats: table\n", false),
    ("formats: [xml]\n", false),
    ("formats: ['json=']\n", false),
];

#[test]
fn the_schema_and_the_reader_agree() {
    let text = std::fs::read_to_string("schemas/config.schema.json").unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    for (lines, right) in SAMPLES {
        let text = format!("schema: tidegate.config/v1\n{lines}");
        let value: Value = yaml_serde::from_str(&text).unwrap();
        assert_eq!(schema.is_valid(&value), *right, "schema: {text}");
        let ran = with(lines).run("config show");
        assert_eq!(ran.code == 0, *right, "reader: {text}{ran:?}");
    }
}

const CLOUDS: &str = "\
clouds:
  one: {auth: {auth_url: 'http://127.0.0.1:9/v3', username: u, password: p, project_name: p,
        user_domain_name: Default, project_domain_name: Default}}
  two: {auth: {auth_url: 'http://127.0.0.1:9/v3', username: u, password: p, project_name: p,
        user_domain_name: Default, project_domain_name: Default}}
";

#[test]
fn without_cloud_all_targets_of_the_file_are_scanned() {
    let shell = with("targets:\n  one:\n  second: {cloud: two}\n");
    shell.write("clouds.yaml", CLOUDS);
    let errors = |args: &str, env: &[(&str, &str)]| {
        let ran = shell.run_with(args, env);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
        ran.stderr.matches("error: cannot reach `http://127.0.0.1:9").count()
    };
    assert_eq!(errors("scan", &[]), 2);
    assert_eq!(errors("collect", &[]), 2);
    assert_eq!(errors("scan --cloud second", &[]), 1);
    assert_eq!(errors("scan", &[("OS_CLOUD", "one")]), 1);
    assert_eq!(errors("scan --no-config --all", &[]), 2);
    shell.run("scan --no-config").refused(64, &["one", "two"]);
    shell.run("probe").refused(64, &["a probe changes a cloud", "one, second"]);
    let dir = shell.run("scan --config-dir .");
    dir.refused(64, &["`--config-dir` is the configuration of one cloud", "`config_dir`"]);
    let results = shell.run("scan --test-results e2e.tar.gz");
    results.refused(64, &["`--test-results` are those of one cluster", "`test_results`"]);
    let several = shell.run("scan --with tls --dashboard https://d");
    several.refused(64, &["`--dashboard` is that of one cloud", "`dashboard`"]);
    let nowhere = shell.run("scan --cloud one --with tls,dashboard");
    nowhere.refused(64, &["needs to know where the dashboard is", "--dashboard URL"]);
    let alone = shell.run("scan --cloud one --dashboard https://d");
    alone.refused(64, &["`--dashboard` is of no use by itself", "--with dashboard,tls"]);
    for address in ["ops:hunter2@dash.example", "https://ops:hunter2@dash.example", "dash.example"]
    {
        let ran = shell.run(&format!("scan --cloud one --with dashboard --dashboard {address}"));
        assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");
        ran.refused(64, &["the dashboard's address", "https://HOST/PATH"]);
        let file = format!("targets:\n  one: {{with: [dashboard], dashboard: '{address}'}}\n");
        let shell = with(&file);
        shell.write("clouds.yaml", CLOUDS);
        let ran = shell.run("scan");
        assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");
        ran.refused(1, &["the dashboard's address", "tidegate.yaml:3"]);
        shell.run("config show --origin").refused(1, &["the dashboard's address"]);
        let ran = shell.run(&format!("--no-config config show --dashboard {address}"));
        assert!(ran.code != 0 && !format!("{ran:?}").contains("hunter2"), "{ran:?}");
    }

    let shell = with("targets:\n  one:\n    cloud: three\n");
    shell.write("clouds.yaml", CLOUDS);
    shell.run("scan").refused(64, &["unknown cloud `three`", "tidegate.yaml:4", "one"]);
}

/// Whatever address has a password in it, it is refused, and never told again.
#[test]
fn no_address_of_the_configuration_tells_a_password() {
    let shell = with("store: s3://key:hun/ter2@bucket/prefix\n");
    let silent = |ran: &Ran| {
        let text = format!("{ran:?}");
        assert!(!text.contains("ter2") && !text.contains("key:"), "{text}");
    };
    for args in ["config show", "config show --origin -f json"] {
        let ran = shell.run(args);
        silent(&ran);
        assert!(ran.code == 0 && ran.stdout.contains("s3://[redacted]@bucket/prefix"), "{ran:?}");
    }
    let env = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    for args in ["snapshot list", "store stats", "snapshot list --store s3://key:hunter2@bucket"] {
        let ran = shell.run_with(args, &env);
        silent(&ran);
        ran.refused(
            64,
            &["cannot use store `s3://[redacted]@bucket", "write `s3://bucket/prefix`"],
        );
    }

    let shell = Shell::new();
    let auth = "auth_url: 'https://key:hunter2@127.0.0.1:9/v3', username: u, password: p, \
                user_domain_name: D, project_name: p, project_domain_name: D";
    shell.write("clouds.yaml", &format!("clouds:\n  one:\n    auth: {{{auth}}}\n"));
    for args in ["collect", "scan", "config show", "probe --cloud one --clean"] {
        silent(&shell.run_with(args, &[("TIDEGATE_LOG", "debug")]));
    }
    shell.run("collect").refused(1, &["`auth_url` has a user or a password in it"]);

    let shell = Shell::new();
    let kubeconfig = "{clusters: [{name: c, cluster: {server: 'https://key:hunter2@127.0.0.1:9'}}], \
                      users: [{name: u, user: {token: t}}], current-context: x, \
                      contexts: [{name: x, context: {cluster: c, user: u}}]}";
    shell.write(".kube/config", kubeconfig);
    let ran = shell.run_with("collect --context x", &[("TIDEGATE_LOG", "debug")]);
    silent(&ran);
    assert!(ran.stderr.contains("`server` of its cluster has a user or a password"), "{ran:?}");
}

/// The example cloud, served for two entries of a clouds.yaml.
async fn two_clouds(shell: &Shell) -> Replay {
    let recording = Recording::example().unwrap();
    let account = recording.accounts.first().cloned().unwrap();
    let replay = Replay::start(recording).await.unwrap();
    let auth = json!({
        "auth_url": replay.auth_url(), "username": account.user, "password": account.password,
        "project_name": account.project, "user_domain_name": "Default",
        "project_domain_name": "Default",
    });
    let clouds = json!({ "clouds": { "one": { "auth": auth.clone() }, "two": { "auth": auth } } });
    shell.write("clouds.yaml", &clouds.to_string());
    replay
}

#[tokio::test(flavor = "multi_thread")]
async fn each_target_is_kept_under_its_name_with_what_is_handed_in_for_it() {
    let shell = Shell::new();
    let _served = two_clouds(&shell).await;
    shell.write("conf/kolla/nova-api/nova.conf", "[DEFAULT]\ndebug = true\n");
    shell.write(
        "conf/t.yaml",
        "schema: tidegate.config/v1\nstore: s\nformats: [json=r.json]\ntargets:\n  one:\n  \
         second: {cloud: two, config_dir: kolla}\n",
    );
    let config = [("TIDEGATE_CONFIG", "conf/t.yaml")];
    let ran = shell.run_with("scan -q", &config);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (2, "", ""), "{ran:?}");
    let text = std::fs::read_to_string(shell.path("conf/r.json")).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    let snapshots: Vec<&Value> =
        report["subjects"].as_array().unwrap().iter().map(|s| &s["snapshot"]).collect();
    assert_eq!(snapshots, ["one@1", "second@1"]);
    let configured = |cloud: &str| {
        let ran = shell.run_with(&format!("snapshot show --cloud {cloud} -f json"), &config);
        let coverage = ran.json()["coverage"].as_array().unwrap().clone();
        coverage.iter().any(|c| c["kind"] == "config.oslo" && c["status"] == "complete")
    };
    assert_eq!((configured("one"), configured("second"), configured("two")), (false, true, true));

    // The cloud's own name means its target, and a flag replaces what is handed in.
    let ran = shell.run_with("collect -q --cloud two --config-dir nowhere", &config);
    ran.refused(1, &["nowhere"]);
    assert_eq!(shell.run_with("collect -q --cloud two", &config).stdout, "second@2\n");
}

#[test]
fn check_is_about_the_targets_of_the_file() {
    let shell = with("targets:\n  example:\nstore: s\n");
    assert_eq!(shell.run("collect --example -q").code, 0);
    let report = shell.run("check -f json").json();
    assert_eq!(report["subjects"].as_array().unwrap().len(), 1);

    // A cloud is known by the name of its target, also when named by its own.
    let renamed = "schema: tidegate.config/v1\nstore: s\ntargets: {example: {cloud: real}}\n";
    shell.write("renamed.yaml", renamed);
    for args in ["snapshot show --cloud real", "snapshot list --cloud real"] {
        let ran = shell.run(&format!("{args} --config renamed.yaml"));
        assert!(ran.code == 0 && ran.stdout.contains("example@1"), "{ran:?}");
    }

    shell.write("other.yaml", "schema: tidegate.config/v1\nstore: s\ntargets: {prod9: }\n");
    let ran = shell.run("check --config other.yaml");
    ran.refused(64, &["there is no cloud `prod9` in the store", "example"]);
    // An id names its cloud itself.
    let ran = shell.run("check --config other.yaml --at example@1 -f json");
    assert_eq!(ran.json()["subjects"][0]["snapshot"], "example@1");
}

#[test]
fn a_scan_with_a_file_is_the_scan_with_its_flags() {
    let flags = "scan --example --store s --bundle scs-compatible-iaas --mode strict \
                 --fail-on critical --no-fail-on-incomplete -f json=out.json";
    let by_flags = Shell::new();
    let code = by_flags.run(flags).code;
    assert_eq!(code, 0);
    let by_file = with(
        "store: s\nbundles: [scs-compatible-iaas]\nmode: strict\nfail_on: critical\n\
         fail_on_incomplete: false\nformats: [json=out.json]\n",
    );
    let ran = by_file.run("scan --example");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    let summary = |shell: &Shell| {
        let text = std::fs::read_to_string(shell.path("out.json")).unwrap();
        let report: Value = serde_json::from_str(&text).unwrap();
        (report["summary"].clone(), report["mode"].clone())
    };
    assert_eq!(summary(&by_file), summary(&by_flags));
    assert!(by_file.path("s/manifests/example").exists());
    // And a flag takes back what the file says.
    let ran = by_file.run("check -f table --fail-on-incomplete");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(by_file.run("check -f table --fail-on low").code, 2);
}

#[test]
fn a_parameter_that_no_rule_has_is_told_with_its_line_unless_other_rules_are_asked_for() {
    let shell = with("store: s\nparameters:\n  lifetiem: week\n");
    let wrong = ["no rule declares the parameter `lifetiem`", "it is set by tidegate.yaml:4"];
    shell.run("scan --example").refused(1, &wrong);
    let ran = shell.run("scan --example --bundle scs-compatible-iaas -q -f csv=r.csv");
    assert_eq!(ran.code, 2, "{ran:?}");
    let wrong = ["`lifetiem`", "it is set by flag --parameter"];
    shell.run("scan --example --parameter lifetiem=1").refused(1, &wrong);
}

#[test]
fn waivers_and_bundles_of_the_file_are_those_of_their_commands() {
    let shell = with("bundles: [mine]\nwaivers: [w.yaml]\n");
    shell.write("w.yaml", "waivers: [");
    shell.run("waiver check").refused(1, &["w.yaml"]);
    shell.run("waiver list").refused(1, &["w.yaml"]);
    shell.run("waiver check --no-config").refused(64, &["no waivers are named"]);
    shell.run("policy list").refused(64, &["there is no bundle `mine`"]);
    shell.run("policy test").refused(64, &["there is no bundle `mine`"]);
    assert_eq!(shell.run("policy list --bundle scs-compatible-iaas").code, 0);

    let shell = with("bundles: [scs-iaas-preview]\n");
    let (listed, all) = (shell.run("policy list"), shell.run("policy list --no-config"));
    assert!(listed.stdout.lines().count() < all.stdout.lines().count());
    assert!(!listed.stdout.contains("scs-0103-flavor-8v-32"));
    // A built-in rule is explained whatever is judged with.
    assert_eq!(shell.run("policy explain scs-0103-flavor-8v-32").code, 0);
}
