//! What rules make of controls: the states, that nothing unknown satisfies, and
//! that all formats tell the same.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test may")]

#[allow(dead_code, reason = "other tests use the rest")]
mod sample;

use serde_json::Value;
use tidegate_report::{ControlState, Report, TableOptions, framework_table, json, oscal};

fn states(report: &Report) -> Vec<(&str, ControlState)> {
    let controls = &report.frameworks[0].subjects[0].controls;
    controls.iter().map(|c| (c.id.as_str(), c.state)).collect()
}

fn value(write: impl Fn(&Report, &mut dyn std::io::Write) -> std::io::Result<()>) -> Value {
    let mut out = Vec::new();
    write(&sample::framed(), &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn each_control_is_what_its_rules_make_of_it() {
    use ControlState::{NotCovered, NotJudged, NotSatisfied, Satisfied, Waived};
    let report = sample::framed();
    let expected = [
        ("H-1", Satisfied),
        ("H-2", NotSatisfied), // fails, and something could not be judged
        ("H-3", NotJudged),    // one holds, one could not be judged
        ("H-4", NotJudged),    // nobody gave evidence
        ("H-5", Waived),
        ("H-6", NotJudged),  // one is waived, one could not be judged
        ("H-7", NotJudged),  // no bundle at hand has the rule
        ("H-8", NotCovered), // the rule is for other clouds
        ("5.1", NotCovered),
    ];
    assert_eq!(states(&report), expected);
    let counts = report.frameworks[0].subjects[0].counts;
    let all: Vec<usize> = ControlState::ALL.iter().map(|s| counts.of(*s)).collect();
    assert_eq!(all, [1, 4, 1, 1, 2]);
}

#[test]
fn a_cloud_that_no_rule_judged_satisfies_nothing() {
    let report = sample::framed();
    let silent = &report.frameworks[0].subjects[1];
    assert_eq!((silent.counts.satisfied, silent.counts.not_judged), (0, 7));
}

#[test]
fn an_unverified_list_says_so_in_every_format() {
    let report = sample::framed();
    for (name, format) in sample::FRAMEWORK {
        assert!(sample::written(format, &report).contains("unverified"), "{name}");
    }
    assert_eq!(value(json)["frameworks"][0]["verified"], false);
}

#[test]
fn the_json_fits_its_schema_and_leads_to_the_findings() {
    let schema: Value =
        serde_json::from_str(include_str!("../schemas/report.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let value = value(json);
    let errors: Vec<String> =
        validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let ids: Vec<&str> = value["subjects"][0]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|r| r["findings"].as_array().unwrap())
        .map(|f| f["id"].as_str().unwrap())
        .collect();
    let evidence = value["frameworks"][0]["subjects"][0]["rules"].as_object().unwrap();
    let told = evidence.values().filter_map(|e| e["findings"].as_array()).flatten();
    let told: Vec<&str> = told.map(|f| f["id"].as_str().unwrap()).collect();
    assert_eq!(told.len(), 10);
    assert!(told.iter().all(|id| ids.contains(id)));
}

#[test]
fn oscal_has_a_finding_for_each_covered_control_and_excludes_the_rest() {
    let value = value(oscal);
    let result = &value["assessment-results"]["results"][0];
    let status = |id: &str| {
        let findings = result["findings"].as_array().unwrap();
        let found = findings.iter().find(|f| f["target"]["target-id"] == id).unwrap();
        let status = &found["target"]["status"];
        (
            status["state"].as_str().unwrap().to_owned(),
            status["reason"].as_str().unwrap().to_owned(),
        )
    };
    let of = |state: &str, reason: &str| (state.to_owned(), reason.to_owned());
    assert_eq!(status("H-1"), of("satisfied", "pass"));
    assert_eq!(status("H-2"), of("not-satisfied", "fail"));
    assert_eq!(status("H-5"), of("not-satisfied", "fail"));
    assert_eq!(status("H-6"), of("not-satisfied", "other"));
    assert_eq!(status("H-7"), of("not-satisfied", "other"));
    let selection = &result["reviewed-controls"]["control-selections"][0];
    assert_eq!(selection["include-controls"].as_array().unwrap().len(), 7);
    let excluded = selection["exclude-controls"].as_array().unwrap();
    // An id of OSCAL does not begin with a digit.
    assert_eq!(excluded[1]["control-id"], "_5.1");
    let ids: std::collections::BTreeSet<&str> = result["observations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["uuid"].as_str().unwrap())
        .collect();
    for finding in result["findings"].as_array().unwrap() {
        for related in finding["related-observations"].as_array().unwrap() {
            assert!(ids.contains(related["observation-uuid"].as_str().unwrap()));
        }
    }
}

#[test]
fn quiet_leaves_what_is_broken_and_verbose_tells_all() {
    let report = sample::framed();
    let drawn = |options: TableOptions| framework_table(&report, &options);
    let quiet = drawn(TableOptions { quiet: true, ..TableOptions::default() });
    assert!(quiet.contains("not satisfied  H-2") && !quiet.contains("H-3"), "{quiet}");
    let verbose = drawn(TableOptions { verbose: true, ..TableOptions::default() });
    for id in ["satisfied      H-1", "not covered    H-8", "not covered    5.1"] {
        assert!(verbose.contains(id), "{id}: {verbose}");
    }
}
