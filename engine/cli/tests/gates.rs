//! Waivers, baselines and formats through the binary; the unhappy cases first.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod shell;

use serde_json::Value;
use shell::Shell;

/// One flavor of the example breaks this rule.
const RULE: &str = "scs-0103-flavor-8v-32";

fn waiver(expires: &str) -> String {
    format!(
        "waivers:\n- id: W-1\n  rules: [{RULE}]\n  resources: ['*']\n  reason: ordered\n  \
         owner: jane@example.org\n  expires: {expires}\n"
    )
}

fn rule<'r>(report: &'r Value, id: &str) -> Option<&'r Value> {
    report["subjects"][0]["rules"].as_array().unwrap().iter().find(|r| r["id"] == id)
}

#[test]
fn wrong_waivers_and_baselines_are_told_before_anything_is_collected() {
    let shell = Shell::new();
    shell.write("bad.yaml", &waiver("2027-01-01").replace("reason", "raeson"));
    shell.write("none.json", "{}");
    shell.run("scan --example --waivers nowhere").refused(64, &["cannot read waivers `nowhere`"]);
    shell.write("none.yaml", "waiver: []");
    shell.run("scan --example --waivers none.yaml").refused(1, &["none.yaml", "waivers"]);
    shell.run("scan --example --only-new").refused(64, &["--baseline"]);
    assert!(!shell.path(".local/share/tidegate").exists(), "nothing was collected");
    let ran = shell.run("scan --example --baseline none.json -q");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("cannot use baseline `none.json`"), "{ran:?}");
    let ran = shell.run("check --baseline nothing");
    ran.refused(64, &["baseline `nothing` is no file and no snapshot", "latest~3"]);
    for itself in ["latest", "2999-01-01", "example@1"] {
        let ran = shell.run(&format!("check --baseline {itself} --only-new"));
        ran.refused(64, &["is `example@1`, which is not before `example@1`", "latest~1"]);
    }
    shell.run("waiver check bad.yaml").refused(1, &["raeson"]);
    shell.run("waiver draft abc").refused(64, &["there is no finding `abc`"]);
}

#[test]
fn a_waived_finding_is_shown_and_does_not_count_until_it_expires() {
    let shell = Shell::new();
    shell.run("scan --example -q");
    let today = shell.run("check -f json").json()["subjects"][0]["taken_at"].clone();
    let year: i32 = today.as_str().unwrap()[..4].parse().unwrap();
    let expires = format!("{}{}", year, &today.as_str().unwrap()[4..10]);
    shell.write("waivers/w.yaml", &waiver(&expires));
    let report = shell.run("check --waivers waivers -f json").json();
    let waived = &rule(&report, RULE).unwrap()["findings"][0];
    assert_eq!(waived["verdict"], "fail");
    assert_eq!(waived["waiver"]["owner"], "jane@example.org");
    assert_eq!(report["summary"]["waived"], 1);
    assert!(rule(&report, "waiver-expired").is_none());
    let table = shell.run("check --waivers waivers").stdout;
    assert!(table.contains("waived until") && table.contains("ordered"), "{table}");
    assert_eq!(shell.run("waiver check waivers").code, 0);

    let later = format!("check --waivers waivers -f json --reference-date {}-12-31", year + 1);
    let report = shell.run(&format!("{later} --bundle scs-compatible-iaas")).json();
    assert!(rule(&report, RULE).unwrap()["findings"][0].get("waiver").is_none());
    let expired = rule(&report, "waiver-expired").unwrap();
    let message = expired["findings"][0]["violations"][0]["message"].as_str().unwrap();
    assert!(message.contains("W-1") && message.contains("ordered"), "{message}");

    shell.write("bad.yaml", &waiver(&expires).replace("reason", "raeson"));
    let report = shell.run("check --waivers bad.yaml -f json").json();
    let invalid = rule(&report, "waiver-invalid").unwrap();
    let message = invalid["findings"][0]["violations"][0]["message"].as_str().unwrap();
    assert!(message.contains("bad.yaml") && message.contains("raeson"), "{message}");
    assert_eq!(report["summary"]["waived"], 0);

    shell.write("waivers/old.yaml", &waiver("2020-01-01").replace("W-1", "W-2"));
    let ran = shell.run("waiver check waivers");
    assert_eq!(
        (ran.code, ran.stdout.contains("W-2"), ran.stdout.contains("W-1")),
        (2, true, false)
    );
}

#[test]
fn a_draft_is_a_waiver_once_it_is_filled_in() {
    let shell = Shell::new();
    shell.run("scan --example -q");
    let report = shell.run("check -f json").json();
    let finding = &rule(&report, RULE).unwrap()["findings"][0];
    let draft = shell.run(&format!("waiver draft {}", finding["id"].as_str().unwrap())).stdout;
    shell.write("w.yaml", &draft);
    shell.run("waiver check w.yaml").refused(1, &["`reason` is empty"]);
    let filled =
        draft.replace("reason: \"\"", "reason: known").replace("owner: \"\"", "owner: jane");
    shell.write("w.yaml", &filled);
    assert_eq!(shell.run("check --waivers w.yaml -f json").json()["summary"]["waived"], 1);
    let undecided = report["subjects"][0]["rules"].as_array().unwrap().iter();
    let undecided = undecided.flat_map(|r| r["findings"].as_array().unwrap());
    let id = undecided.clone().find(|f| f["verdict"] != "fail").unwrap()["id"].clone();
    shell
        .run(&format!("waiver draft {}", id.as_str().unwrap()))
        .refused(64, &["what could not be judged cannot be waived"]);
}

#[test]
fn an_unchanged_cloud_has_nothing_new_in_any_format() {
    let shell = Shell::new();
    shell.run("scan --example -q -f json=then.json");
    let formats = "-f json=new.json -f sarif=new.sarif -f junit=new.xml -f code-quality=new.cq -f csv=new.csv";
    for baseline in ["then.json", "latest~1", "example@1"] {
        let ran = shell.run(&format!("scan --example --baseline {baseline} --only-new {formats}"));
        // What could not be judged is still undecided.
        assert_eq!(ran.code, 3, "{ran:?}");
        let read = |name: &str| std::fs::read_to_string(shell.path(name)).unwrap();
        let report: Value = serde_json::from_str(&read("new.json")).unwrap();
        assert!(report["summary"]["baseline"]["changes"].get("new").is_none(), "{baseline}");
        assert_eq!(report["summary"]["failed"], 0);
        assert!(!read("new.xml").contains("<failure"), "{baseline}");
        assert!(!read("new.csv").contains(",fail,"), "{baseline}");
        let sarif: Value = serde_json::from_str(&read("new.sarif")).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        assert!(results.iter().all(|r| r["kind"] != "fail"), "{baseline}");
    }
}

#[test]
fn what_changed_since_the_baseline_is_new_and_what_a_rule_changed_is_told_apart() {
    let shell = Shell::new();
    let policies = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let bundle = policies.join("scs-compatible-iaas");
    let all = format!("--bundle {}", bundle.display());
    shell.run(&format!("scan --example -q {all} -f json=then.json"));
    // One finding less then: it is new now.
    let text = std::fs::read_to_string(shell.path("then.json")).unwrap();
    let mut then: Value = serde_json::from_str(&text).unwrap();
    let rules = then["subjects"][0]["rules"].as_array_mut().unwrap();
    let known = rules.iter_mut().find(|r| r["id"] == RULE).unwrap();
    known["findings"] = Value::Array(vec![]);
    shell.write("less.json", &then.to_string());
    let now = |baseline: &str| {
        let args = format!("check {all} --baseline {baseline} --only-new -f json");
        let ran = shell.run(&args);
        let report = ran.json();
        let change = rule(&report, RULE).map(|r| r["findings"][0]["change"].clone());
        (ran.code, change)
    };
    assert_eq!(now("less.json"), (2, Some("new".into())));
    // A rule less then: it is the policy that changed.
    let rules = then["subjects"][0]["rules"].as_array_mut().unwrap();
    rules.retain(|r| r["id"] != RULE);
    shell.write("fewer.json", &then.to_string());
    assert_eq!(now("fewer.json"), (2, Some("policy".into())));
    assert_eq!(now("then.json").1, None);
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let shell = Shell::new();
    shell.run("scan --example -q");
    let ran = shell.run("check -f prometheus=missing/tidegate.prom");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("cannot write `missing/tidegate.prom`"), "{ran:?}");
    shell.write("tidegate.prom", "old");
    shell.run("check -f prometheus=tidegate.prom");
    let text = std::fs::read_to_string(shell.path("tidegate.prom")).unwrap();
    assert!(text.starts_with("# HELP tidegate_"), "{text}");
    let left: Vec<_> = std::fs::read_dir(shell.path(".")).unwrap().flatten().collect();
    assert!(left.iter().all(|f| !f.file_name().to_string_lossy().ends_with(".tmp")), "{left:?}");
}
