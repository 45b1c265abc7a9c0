//! What changed between two snapshots, as people ask for it; the unhappy cases
//! first.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod shell;

use serde_json::json;
use shell::Shell;

#[test]
fn two_snapshots_are_asked_for_in_the_right_order() {
    let shell = Shell::new();
    shell.run("snapshot diff").refused(64, &["the store is empty"]);
    assert_eq!(shell.run("collect --example").code, 0);
    shell.run("snapshot diff").refused(64, &["latest~1"]);
    assert_eq!(shell.run("collect --example").code, 0);
    shell.run("snapshot diff latest latest~1").refused(
        64,
        &["`example@2` is not before `example@1`", "tidegate snapshot diff example@1 example@2"],
    );
    shell.run("snapshot diff prod@1 latest").refused(64, &["`prod`"]);
    shell.run("snapshot diff --kind compute.servers").refused(64, &["`compute.servers`"]);
    shell.run("snapshot diff --kind server").refused(64, &["service.thing"]);
    shell.run("snapshot diff yesterday").refused(64, &["latest~3"]);
}

#[test]
fn what_changed_is_shown_and_what_did_not_is_not() {
    let shell = Shell::new();
    // The port of the example differs from one start to the next, and with it
    // the addresses in its catalog.
    assert_eq!(shell.run("collect --example").code, 0);
    assert_eq!(shell.run("collect --example").code, 0);
    let text = shell.run("snapshot diff");
    assert_eq!(text.code, 0, "{text:?}");
    assert!(text.stdout.starts_with("example@1 → example@2  taken "), "{text:?}");
    assert!(text.stdout.contains("\nchanged   openstack/"), "{text:?}");
    assert!(text.stdout.contains("\n    -   "), "{text:?}");
    assert!(text.stdout.ends_with("0 removed, 0 no longer seen, 0 seen again\n"), "{text:?}");

    let document = shell.run("snapshot diff example@1 example@2 -f json").json();
    assert_eq!(document["schema_version"], "tidegate.diff/v1");
    assert_eq!(document["coverage"], json!([]));
    let first = &document["resources"][0];
    assert_eq!(first["change"], "changed");
    assert_eq!(first["operations"][0]["op"], "replace");
    assert!(first["operations"][0]["was"].as_str().unwrap().starts_with("http://127.0.0.1:"));

    let none = shell.run("snapshot diff --kind compute.server -f json").json();
    assert_eq!(none["resources"], json!([]));
    let same = shell.run("snapshot diff latest latest -f json").json();
    assert_eq!(same["resources"], json!([]));
}

#[test]
fn findings_are_compared_and_the_rules_are_told_from_the_cloud() {
    let shell = Shell::new();
    assert_eq!(shell.run("scan --example --bundle scs-iaas-strict").code, 2);
    assert_eq!(shell.run("collect --example").code, 0);
    let args = "snapshot diff --findings -f json --bundle";
    let same = shell.run(&format!("{args} scs-iaas-strict")).json();
    assert_eq!(same["findings"]["new"], json!([]));
    assert_eq!(same["findings"]["resolved"], json!([]));
    assert!(same["findings"]["still_failing"].as_u64().unwrap() > 0);
    // Rules that were not asked then: the policy is what changed.
    let other = shell.run(&format!("{args} scs-compatible-iaas")).json();
    let new = other["findings"]["new"].as_array().unwrap();
    assert!(!new.is_empty() && new.iter().all(|f| f["cause"] == "policy"), "{other}");
}

#[test]
fn a_resource_tells_its_history_and_an_ambiguous_name_its_candidates() {
    let shell = Shell::new();
    shell.run("snapshot history web").refused(64, &["the store is empty"]);
    assert_eq!(shell.run("scan --example --bundle scs-iaas-strict").code, 2);
    shell.run("snapshot history nonesuch").refused(64, &["`nonesuch`", "snapshot show KIND"]);
    shell.run("snapshot history web --field status").refused(64, &["--field /status"]);
    shell.run("snapshot history web --kind server").refused(64, &["service.thing"]);
    shell
        .run("snapshot history default")
        .refused(64, &["names", "name one by its key: openstack/"]);

    let failing = shell.run("check --bundle scs-iaas-strict -f json").json();
    let rules = failing["subjects"][0]["rules"].as_array().unwrap().clone();
    let finding = |r: &serde_json::Value| {
        let found = r["findings"].as_array()?.iter().find(|f| f["verdict"] == "fail")?;
        Some((r["id"].clone(), found["resource"].as_str()?.to_owned()))
    };
    let (rule, key) = rules.iter().find_map(finding).unwrap();
    let history = shell.run(&format!("snapshot history {key} -f json")).json();
    assert_eq!(history["schema_version"], "tidegate.history/v1");
    let version = &history["versions"][0];
    assert_eq!(
        (&version["change"], &version["from"]["snapshot"]),
        (&json!("created"), &json!("example@1"))
    );
    let fails = version["verdicts"][0]["fail"].as_array().unwrap();
    assert!(fails.contains(&rule), "{history}");

    assert_eq!(shell.run("collect --example").code, 0);
    let changed = shell.run("snapshot diff -f json").json();
    let key = changed["resources"][0]["key"].as_str().unwrap();
    let history = shell.run(&format!("snapshot history {key}"));
    assert!(history.stdout.contains("example@2  changed\n"), "{history:?}");
    let then = shell.run(&format!("snapshot history {key} --at example@1"));
    assert!(!then.stdout.contains("example@2"), "{then:?}");
}

#[test]
fn a_report_of_then_says_what_was_said_then() {
    let shell = Shell::new();
    shell.run("report show").refused(64, &["the store is empty"]);
    assert_eq!(shell.run("collect --example").code, 0);
    shell.run("report show").refused(64, &["`example@1`", "tidegate check --at example@1"]);
    let then = shell.run("scan --example --bundle scs-iaas-strict -f json").json();
    assert_eq!(shell.run("collect --example").code, 0);
    // Other rules are asked for, and those of then are reported all the same.
    let shown = shell.run("report show --at example@2 -f json");
    assert_eq!(shown.code, 2, "{shown:?}");
    let shown = shown.json();
    let rules = |d: &serde_json::Value| d["subjects"][0]["rules"].clone();
    assert_eq!(rules(&shown), rules(&then));

    // A rule that is no more keeps its finding, and counts.
    let rule = "# METADATA\n# title: t\n# custom:\n#   id: gone-rule\n#   severity: low\n\
        #   input: collection\n#   kinds: [compute.flavor]\npackage gone.rule\nimport rego.v1\n\
        verdict := \"fail\"\nviolations := {{\"message\": \"m\", \"path\": \"\", \"found\": 1, \"wanted\": 2}}\n";
    shell.write("gone/rule.rego", rule);
    assert_eq!(shell.run("scan --example --bundle ./gone").code, 2);
    std::fs::remove_dir_all(shell.path("gone")).unwrap();
    let shown = shell.run("report show -f json --fail-on critical");
    assert_eq!(shown.code, 2, "{shown:?}");
    let shown = shown.json();
    assert_eq!(shown["subjects"][0]["rules"][0]["id"], "gone-rule");
}
