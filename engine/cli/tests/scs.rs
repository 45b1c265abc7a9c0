//! Certificate scopes, modes, evidence and what is told about rules, through
//! the binary; the unhappy cases first.
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
use tidegate_signature::SigningKey;

/// A key for these tests alone.
const KEY: &str = "\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACDBmrntwQS1KjGJpMf6GLh+n9j2o3ft08/dHAqPaGAltwAAAIgNUyN8DVMj
fAAAAAtzc2gtZWQyNTUxOQAAACDBmrntwQS1KjGJpMf6GLh+n9j2o3ft08/dHAqPaGAltw
AAAEArTQ1JwzklvCb5khg/PBTj64MzJ2YHtGnx+my8d1fhXMGaue3BBLUqMYmkx/oYuH6f
2Pajd+3Tz90cCo9oYCW3AAAABGphbmUB
-----END OPENSSH PRIVATE KEY-----
";

/// Two testcases, one of which no rule judges; lifetimes of a week and a year.
const SCOPE: &str = "\
uuid: 50393e6f-2ae1-4c5c-a62c-3b75f2abef3f
name: SCS-compatible IaaS
url: https://example.org/scope.yaml
prerequisite: {name: none}
variables: [os_cloud, {region: RegionOne}]
scripts:
- executable: ./iaas/openstack_test.py
  env: {OS_CLIENT_CONFIG_FILE: x}
  args: -c {os_cloud} {testcases}
  testcases:
  - {id: scs-0123-service-compute, lifetime: week, section: light}
  - {id: scs-0123-service-identity, lifetime: year}
  - {id: scs-0999-other, description: nobody knows}
modules:
- id: m
  name: services
  parameters: {image_spec: https://example.org/spec.yaml}
  targets: {main: [scs-0123-service-compute, scs-0123-service-identity]}
- {id: more, targets: {main: [scs-0999-other]}}
versions:
- {version: v2, include: [{ref: m, parameters: {k: v}}, more]}
- {version: v1, stabilized_at: 2020-01-01, include: [m]}
timeline:
- {date: 2020-01-01, versions: {v2: draft, v1: effective}}
";

/// Within the time that the statements below are for.
const CURRENT: &str = "2026-11-24";

fn rule<'r>(report: &'r Value, id: &str) -> &'r Value {
    let rules = report["subjects"][0]["rules"].as_array().unwrap();
    rules.iter().find(|r| r["id"] == id).unwrap_or_else(|| panic!("no rule {id}"))
}

fn verdicts(report: &Value) -> Vec<(String, String)> {
    let testcases = report["subjects"][0]["scopes"][0]["testcases"].as_array().unwrap();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    testcases.iter().map(|t| (text(&t["id"]), text(&t["verdict"]))).collect()
}

fn scanned() -> Shell {
    let shell = Shell::new();
    let ran = shell.run("scan --example -q");
    assert_eq!(ran.code, 2, "{ran:?}");
    shell
}

#[test]
fn what_is_no_scope_is_told() {
    let shell = scanned();
    shell.write("bad.yaml", &SCOPE.replace("scripts:", "skripts:"));
    shell.write("scope.yaml", SCOPE);
    let refused = |args: &str, code, texts: &[&str]| shell.run(args).refused(code, texts);
    refused("check --scope nowhere.yaml", 64, &["cannot read scope file `nowhere.yaml`"]);
    refused("check --scope bad.yaml", 1, &["bad.yaml", "unknown field `skripts`", "line 6"]);
    refused("check --scope scope.yaml@v9", 64, &["no version `v9`", "v2, v1"]);
    refused("check --scope scs-compatible-iaas@v9", 64, &["no version `v9`", "v5.1"]);
    let other = SCOPE.replace("SCS-compatible IaaS", "My scope");
    shell.write("other.yaml", &other);
    refused("check --scope other.yaml", 64, &["there is no bundle `my-scope`"]);
    refused("check --mode lenient", 64, &["reference", "strict"]);
    refused("check --reference-date 2019-12-31 --scope scope.yaml", 64, &["is effective on"]);
}

#[test]
fn an_official_file_is_read_as_it_is_and_what_no_rule_judges_is_missing() {
    let shell = scanned();
    shell.write("scope.yaml", SCOPE);
    let ran = shell.run("check --scope ./scope.yaml -f json");
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json();
    let scope = &report["subjects"][0]["scopes"][0];
    assert_eq!((&scope["version"], &scope["state"]), (&json!("v1"), &json!("effective")));
    assert_eq!(scope["title"], "SCS-compatible IaaS");
    assert_eq!(report["subjects"][0]["rules"].as_array().unwrap().len(), 2);

    let ran = shell.run("check --scope scope.yaml@v2 -f json");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(ran.json()["subjects"][0]["scopes"][0]["verdict"], "missing");
    assert_eq!(ran.json()["summary"]["missing"], 1);
    let table = shell.run("check --scope scope.yaml@v2").stdout;
    assert!(table.contains("no rule judges scs-0999-other"), "{table}");
}

#[test]
fn results_expire_with_the_lifetime_of_their_testcase() {
    let shell = scanned();
    shell.write("scope.yaml", SCOPE);
    let at = |date: &str| {
        let args = format!("check --scope scope.yaml -f json --reference-date {date}");
        let report = shell.run(&args).json();
        verdicts(&report).into_iter().map(|(_, v)| v).collect::<Vec<_>>()
    };
    let taken = shell.run("check -f json").json()["subjects"][0]["taken_at"].clone();
    let year: i32 = taken.as_str().unwrap()[..4].parse().unwrap();
    assert_eq!(at(&format!("{}-06-01", year + 1)), ["missing", "pass"]);
    assert_eq!(at(&format!("{}-06-01", year + 3)), ["missing", "missing"]);
    let table = shell.run(&format!("check --scope scope.yaml --reference-date {}-06-01", year + 1));
    assert_eq!(table.code, 3, "{table:?}");
    assert!(table.stdout.contains("expired on 2"), "{}", table.stdout);
    assert!(table.stdout.contains("scs-0123-service-compute"), "{}", table.stdout);
}

#[test]
fn strict_mode_judges_as_the_text_says_and_is_told() {
    let shell = scanned();
    let of = |args: &str| shell.run(&format!("check -f json {args}")).json();
    let (reference, strict) = (of(""), of("--mode strict"));
    assert_eq!(reference.get("mode"), None);
    assert_eq!(strict["mode"], "strict");
    assert_ne!(reference["subjects"][0]["rule_set"], strict["subjects"][0]["rule_set"]);
    let id = "scs-0102-prop-provided_until";
    let fails = |report: &Value| rule(report, id)["counts"]["fail"].as_u64().unwrap();
    assert!(fails(&strict) >= fails(&reference));
    let changed = |report: &Value| verdicts(report).into_iter().collect::<Vec<_>>();
    assert_ne!(changed(&reference), changed(&strict));
    let explained = shell.run(&format!("policy explain {id}"));
    assert_eq!(explained.code, 0);
    for text in ["--mode strict: fail", "official test: pass", "The text wants a date"] {
        assert!(explained.stdout.contains(text), "no `{text}` in {}", explained.stdout);
    }
}

#[test]
fn rules_are_listed_and_explained() {
    let shell = Shell::new();
    shell.run("policy explain scs-0102-min_ram").refused(64, &["scs-0102-prop-min_ram"]);
    shell.run("policy list --bundle nowhere").refused(64, &["built-in bundles"]);
    let list = shell.run("policy list -f json --bundle scs-compatible-iaas").json();
    let rules = list["rules"].as_array().unwrap();
    assert!(rules.len() >= 88, "{}", rules.len());
    for rule in rules {
        assert!(rule["id"].is_string() && rule["title"].is_string() && rule["file"].is_string());
        assert!(rule["standard"].as_str().unwrap().starts_with("https://docs.scs.community/"));
        assert!(!rule["remediation"].as_str().unwrap().is_empty(), "{rule}");
    }
}

#[test]
fn the_report_of_the_monitor_needs_a_scope() {
    let shell = scanned();
    shell
        .run("check --bundle scs-compatible-iaas -f scs")
        .refused(1, &["no certificate scope", "--scope scs-compatible-iaas"]);
    let ran = shell.run("check --scope scs-compatible-iaas@v5.1 -f scs");
    assert!(ran.stdout.starts_with("---\nspec:\n"), "{ran:?}");
    assert!(ran.stdout.contains("\n  forced_version: v5.1\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("scs-0123-service-compute: 1\n"));
    // The same again: what was taken then is reported, not what is now.
    assert_eq!(shell.run("check --scope scs-compatible-iaas@v5.1 -f scs").stdout, ran.stdout);
}

fn statement(shell: &Shell, testcase: &str, expires: &str, sign: bool) {
    let text = format!(
        "schema: tidegate.attestation/v1\ntestcase: {testcase}\nsubject: example\nverdict: pass\n\
         statement: It is so.\nby: Jane\nissued: 2026-01-01\nexpires: {expires}\n\
         documents: [{{title: Plan}}]\n"
    );
    let name = format!("att/{testcase}.yaml");
    shell.write(&name, &text);
    if sign {
        let key = SigningKey::parse(KEY, None).unwrap();
        shell.write(&format!("{name}.sig"), &key.sign("attestation", text.as_bytes()).unwrap());
    }
}

#[test]
fn statements_count_while_signed_and_current_and_are_missing_otherwise() {
    let shell = Shell::new();
    shell.run("scan --example --attestation att").refused(64, &["--allowed-signers"]);
    let key = SigningKey::parse(KEY, None).unwrap();
    shell.write("signers", &format!("jane@example.org {}\n", key.public()));
    statement(&shell, "availability-zones-check", "2026-12-31", true);
    statement(&shell, "key-manager-docs-check", "2026-12-31", false);
    let judged = |ran: Ran| {
        let report = ran.json();
        let of = |id: &str| rule(&report, id)["verdict"].as_str().unwrap().to_owned();
        ["availability-zones-check", "key-manager-docs-check", "domain-manager-check"].map(of)
    };
    let all = "--bundle scs-compatible-iaas -f json";
    let scan = "scan --example --attestation att --allowed-signers signers";
    let at = |date: &str| judged(shell.run(&format!("check {all} --reference-date {date}")));
    shell.run(&format!("{scan} -q"));
    assert_eq!(at(CURRENT), ["pass", "missing", "missing"]);
    assert_eq!(at("2027-01-01"), ["missing", "missing", "missing"]);
    // Without the files, what was stated once still stands.
    shell.run("scan --example -q");
    assert_eq!(at(CURRENT), ["pass", "missing", "missing"]);
    // Changed after it was signed.
    let path = "att/availability-zones-check.yaml";
    let text = std::fs::read_to_string(shell.path(path)).unwrap();
    shell.write(path, &text.replace("It is so.", "It is otherwise."));
    shell.run(&format!("{scan} -q"));
    assert_eq!(at(CURRENT), ["missing", "missing", "missing"]);
}
