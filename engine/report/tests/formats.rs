//! What must hold of the formats whatever the report: schemas, identity, and
//! that nothing undecided looks like a pass.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test may")]

mod sample;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tidegate_model::RuleMeta;
use tidegate_report::{Report, SarifOptions, Waivers};

fn rule_meta(id: &str) -> RuleMeta {
    serde_json::from_value(json!({
        "id": id, "title": id, "severity": "high", "kinds": ["compute.server"],
        "bundle": "b", "file": "r.rego",
    }))
    .unwrap()
}

/// `n` findings of each of two rules, over `projects` projects.
fn many(n: usize, projects: usize) -> Report {
    let rules = ["r1", "r2"].map(|id| {
        let findings: Vec<Value> = (0..n)
            .map(|i| {
                json!({
                    "resource": format!("openstack/compute.server/R/{i:06}"),
                    "region": "R",
                    "project": format!("p{}", i % projects),
                    "name": "same name",
                    "verdict": "fail",
                    "violations": [{"message": "is wrong"}],
                })
            })
            .collect();
        let counts = json!({"pass": 0, "fail": n, "abort": 0});
        (rule_meta(id), json!({"verdict": "fail", "counts": counts, "findings": findings}))
    });
    Report::new("0.1.0", vec![sample::subject("prod1@1", rules.into(), vec![])])
}

fn sarif(report: &Report, options: SarifOptions) -> Value {
    let mut out = Vec::new();
    tidegate_report::sarif(report, &options, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

fn results(sarif: &Value, run: usize) -> &Vec<Value> {
    sarif["runs"][run]["results"].as_array().unwrap()
}

fn validator(schema: &str) -> jsonschema::Validator {
    // Two patterns that OASIS published have a bracket too many for the readers
    // of regular expressions in Rust.
    let schema = schema.replace("{2}]?$", "{2}?$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

#[track_caller]
fn valid(validator: &jsonschema::Validator, value: &Value) {
    let errors: Vec<String> =
        validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

const SARIF: &str = include_str!("schemas/sarif-schema-2.1.0.json");
const LINE: &str = include_str!("../schemas/finding.schema.json");

#[test]
fn sarif_fits_the_schema_of_oasis() {
    let mut log = sarif(&sample::report(), SarifOptions::default());
    let schema = validator(SARIF);
    valid(&schema, &log);
    valid(&schema, &sarif(&many(3_000, 3), SarifOptions::default()));
    log["runs"][0]["results"][0]["kind"] = "maybe".into();
    assert!(!schema.is_valid(&log), "it must be able to fail");
}

#[test]
fn sarif_has_what_code_scanning_asks_for() {
    let log = sarif(&sample::report(), SarifOptions::default());
    let mut hashes = BTreeSet::new();
    for result in results(&log, 0) {
        let physical = &result["locations"][0]["physicalLocation"];
        let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.starts_with("policies/scs-compatible-iaas/"), "{uri}");
        assert_eq!(physical["region"]["startLine"], 1);
        let prints = &result["partialFingerprints"];
        assert!(hashes.insert((uri, prints["primaryLocationLineHash"].as_str().unwrap())));
        assert_eq!(prints["tidegate/v1"].as_str().unwrap().len(), 32);
        assert!(result["baselineState"].is_string() && result["suppressions"].is_array());
        let rule = &log["runs"][0]["tool"]["driver"]["rules"]
            [usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["properties"]["security-severity"].is_string());
        assert_eq!(rule["properties"]["tags"][0], "security");
    }
    assert_eq!(hashes.len(), 10);
    assert_eq!(log["runs"][0]["automationDetails"]["id"], "tidegate/prod1/");
    for run in [0, 1] {
        let invocation = &log["runs"][run]["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        assert!(!invocation["toolExecutionNotifications"].as_array().unwrap().is_empty());
    }
    let suppressed = |log: &Value| {
        let all = results(log, 0).iter();
        all.filter(|r| !r["suppressions"].as_array().unwrap().is_empty()).count()
    };
    assert_eq!(suppressed(&log), 1);
    let open = sarif(&sample::report(), SarifOptions { leave_out_waived: true });
    assert_eq!((suppressed(&open), results(&open, 0).len()), (0, 9));
}

#[test]
fn sarif_stays_within_what_code_scanning_keeps() {
    let counts = |report: &Report| {
        let log = sarif(report, SarifOptions::default());
        let results = results(&log, 0);
        let locations = results.iter().map(|r| r["locations"][0]["logicalLocations"].as_array());
        assert!(locations.map(Option::unwrap).all(|l| (1..=100).contains(&l.len())));
        let findings: u64 =
            results.iter().map(|r| r["properties"]["findings"].as_u64().unwrap()).sum();
        let text = results[0]["message"]["text"].as_str().unwrap().to_owned();
        (results.len(), findings, text)
    };
    let (n, findings, text) = counts(&many(2_500, 7));
    assert_eq!((n, findings), (5_000, 5_000));
    assert_eq!(text, "is wrong (prod1: openstack/compute.server/R/000000)");
    let (n, findings, text) = counts(&many(2_501, 7));
    assert_eq!((n, findings), (14, 5_002));
    assert!(text.ends_with("and 357 more of project p0; grouped by rule and project, as the run has more than 5000 findings"), "{text}");
    let (n, findings, text) = counts(&many(3_000, 3_000));
    assert_eq!((n, findings), (2, 6_000));
    assert!(text.contains("and 2999 more; grouped by rule,"), "{text}");
}

#[test]
fn a_group_keeps_its_fingerprint_while_it_grows() {
    let prints = |report: &Report| -> BTreeSet<String> {
        let log = sarif(report, SarifOptions::default());
        let prints = results(&log, 0).iter();
        prints.map(|r| r["partialFingerprints"]["tidegate/v1"].to_string()).collect()
    };
    let before = prints(&many(2_600, 7));
    assert_eq!(before.len(), 14);
    assert_eq!(before, prints(&many(2_700, 7)));
}

#[test]
fn every_line_of_ndjson_fits_its_schema_and_the_summary_ends_it() {
    let text = sample::written(tidegate_report::ndjson, &sample::report());
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let schema = validator(LINE);
    lines.iter().for_each(|line| valid(&schema, line));
    let types: Vec<&str> = lines.iter().map(|l| l["type"].as_str().unwrap()).collect();
    assert_eq!(types.last(), Some(&"summary"));
    assert_eq!(types.iter().filter(|t| **t == "finding").count(), 10);
    assert_eq!(types.iter().filter(|t| **t == "summary").count(), 1);
    let mut wrong = lines[types.iter().position(|t| *t == "finding").unwrap()].clone();
    wrong["verdict"] = "pass".into();
    assert!(!schema.is_valid(&wrong));
}

#[test]
fn what_could_not_be_judged_is_no_pass_anywhere() {
    let report = sample::report();
    let undecided: BTreeSet<&str> = report.subjects[0]
        .rules
        .iter()
        .flat_map(|r| &r.findings)
        .filter(|f| f.finding.cause.is_some())
        .map(|f| f.id.as_str())
        .collect();
    assert_eq!(undecided.len(), 4);
    let ocsf: Value =
        serde_json::from_str(&sample::written(tidegate_report::ocsf, &report)).unwrap();
    let events = ocsf.as_array().unwrap();
    let status: BTreeMap<&str, u64> = events
        .iter()
        .map(|e| {
            let uid = e["finding_info"]["uid"].as_str().unwrap();
            (uid, e["compliance"]["status_id"].as_u64().unwrap())
        })
        .collect();
    assert!(undecided.iter().all(|id| status[id] == 2));
    assert_eq!(events.last().unwrap()["compliance"]["status_id"], 2, "no rule is no pass");
    let log = sarif(&report, SarifOptions::default());
    for result in results(&log, 0) {
        let id = result["partialFingerprints"]["tidegate/v1"].as_str().unwrap();
        let judged = result["kind"] == "fail";
        assert_eq!(judged, !undecided.contains(id), "{result}");
        assert!(judged || result["level"] == "none");
    }
    let yaml = sample::written(tidegate_report::openreports, &report);
    for id in &undecided {
        let before = yaml.split(id).next().unwrap();
        assert!(before.rfind("result: error") > before.rfind("result: fail"), "{id}");
        assert!(before.rfind("result: error") > before.rfind("result: pass"), "{id}");
    }
    let quality = sample::written(tidegate_report::code_quality, &report);
    assert!(undecided.iter().all(|id| quality.contains(id)));
    let waived = report.subjects[0].rules.iter().flat_map(|r| &r.findings);
    let waived = waived.filter(|f| f.waiver.is_some()).map(|f| f.id.as_str());
    assert!(waived.clone().count() == 1 && waived.clone().all(|id| !quality.contains(id)));
}

#[test]
fn large_openreports_go_on_in_another_object() {
    let yaml = sample::written(tidegate_report::openreports, &many(6_000, 1));
    let sizes: Vec<usize> = yaml.split("---\n").skip(1).map(str::len).collect();
    assert!(sizes.len() > 5 && sizes.iter().all(|s| *s < 1_100_000), "{sizes:?}");
    let names: Vec<&str> = yaml.lines().filter(|l| l.starts_with("  name: ")).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), sizes.len(), "{names:?}");
    assert_eq!(yaml.matches("  result: fail\n").count(), 12_000);
}

/// The sample's first cloud under waivers that cover all that fails, and under
/// two that are of no use.
fn under_waivers() -> Report {
    let waiver = |id: &str, rule: &str| {
        format!(
            "- id: {id}\n  rules: [{rule}]\n  resources: ['*']\n  reason: r\n  owner: o\n  expires: 2027-01-31\n"
        )
    };
    let yaml = format!(
        "waivers:\n{}{}{}{}",
        waiver("W-1", "scs-0103-flavor-1v-4"),
        waiver("W-2", "os.net.ssh-open"),
        waiver("W-3", "unknown"),
        waiver("W-4", "unknown"),
    );
    let mut waivers = Waivers::default();
    waivers.add("./ci/waivers of \u{e4}.yaml", &yaml).unwrap();
    let mut report = sample::report();
    waivers.apply(&mut report.subjects[0]);
    report.sum();
    report
}

#[test]
fn junit_counts_what_is_wrong_once_and_not_again_for_the_scope() {
    let before = sample::written(tidegate_report::junit, &sample::report());
    let skipped = "name=\"v5.1/main/scs-0103-flavor-1v-4\" time=\"0\"><skipped message=\"";
    assert!(before.contains(&format!("{skipped}fails: ")), "{before}");
    assert!(before.contains("<testcase classname=\"prod1.scs-0103-flavor-1v-4\""), "{before}");
    let after = sample::written(tidegate_report::junit, &under_waivers());
    assert!(after.contains(&format!("{skipped}all that fails is waived")), "{after}");
    // What no rule says is said by the scope.
    assert!(before.contains("name=\"v5.1/main/scs-0123-services\" time=\"0\"><error "));
}

#[test]
fn what_is_left_out_as_known_is_not_taken_for_silence() {
    let text = "no rule judged this cloud";
    let mut report = sample::report();
    for (name, format) in sample::FORMATS {
        let silent = sample::written(format, &report).contains(text);
        assert_eq!(
            silent,
            !["csv", "ndjson", "code-quality.json", "prom"].contains(&name),
            "{name}"
        );
    }
    report.subjects.truncate(1);
    report.subjects[0].rules.clear();
    for (name, format) in sample::FORMATS {
        assert!(!sample::written(format, &report).contains(text), "{name}");
    }
}

#[test]
fn findings_about_waivers_are_told_apart_and_point_to_their_file() {
    let report = under_waivers();
    let xml = sample::written(tidegate_report::junit, &report);
    let names: Vec<&str> =
        xml.lines().filter(|l| l.contains("<testcase classname=\"prod1.waiver-unused\"")).collect();
    let names: BTreeSet<&str> = names.iter().map(|l| l.split("name=").nth(2).unwrap()).collect();
    assert_eq!(names.len(), 2, "{xml}");
    let log = sarif(&report, SarifOptions::default());
    let unused = results(&log, 0).iter().filter(|r| r["ruleId"] == "waiver-unused");
    let paths: Vec<&Value> =
        unused.map(|r| &r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]).collect();
    assert_eq!(paths, ["ci/waivers%20of%20%C3%A4.yaml"; 2]);
    valid(&validator(SARIF), &log);
}

#[test]
fn a_report_without_clouds_is_still_a_document() {
    let empty = Report::new("0.1.0", vec![]);
    valid(&validator(SARIF), &sarif(&empty, SarifOptions::default()));
    for (name, format) in sample::FORMATS {
        let text = sample::written(format, &empty);
        if name.ends_with(".json") {
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!([]), "{name}");
        }
    }
}
