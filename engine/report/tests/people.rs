//! What must hold of the formats for people and auditors whatever the report:
//! size, escaping, and that nothing undecided looks like a pass.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test may")]

#[allow(dead_code, reason = "other tests use the rest")]
mod sample;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use sample::FOR_PEOPLE;
use serde_json::{Value, json};
use tidegate_model::{RuleMeta, Severity};
use tidegate_report::{Change, HtmlOptions, Report, TrendPoint, html, oscal};

fn meta(n: usize) -> RuleMeta {
    let severity = ["critical", "high", "medium", "low", "info"][n % 5];
    serde_json::from_value(json!({
        "id": format!("os.compute.rule-{n}"),
        "title": format!("Servers keep to `rule {n}` of the house"),
        "description": "A few sentences that say why it matters, and to whom. ".repeat(3),
        "severity": severity,
        "kinds": ["compute.server"],
        "standard": format!("https://docs.scs.community/standards/scs-01{n:02}-v1-things#clause"),
        "remediation": "openstack server set --property this=that SERVER",
        "bundle": "b",
        "file": "r.rego",
    }))
    .unwrap()
}

/// 44,000 findings of 22 rules on 2,000 servers.
fn large() -> Report {
    let rules = (0..22).map(|n| {
        let findings: Vec<Value> = (0..2_000)
            .map(|i| {
                let id = format!("{i:08x}-7c1d-4b7e-9d0c-{:012x}", i * 7_919);
                json!({
                    "resource": format!("openstack/compute.server/RegionOne/{id}"),
                    "region": "RegionOne",
                    "project": format!("8f3c2a{:026x}", i % 150),
                    "name": format!("web-{i:04}.customer-{}.example.org", i % 150),
                    "verdict": "fail",
                    "violations": [{
                        "message": format!("server `web-{i:04}` has no key pair and can be reached"),
                        "path": "/key_name",
                        "found": null,
                        "wanted": "a key pair of the project",
                    }],
                })
            })
            .collect();
        let counts = json!({"pass": 10, "fail": findings.len(), "abort": 0});
        (meta(n), json!({"verdict": "fail", "counts": counts, "findings": findings}))
    });
    let mut report =
        Report::new("0.1.0", vec![sample::subject("prod1@417", rules.collect(), vec![])]);
    for rule in &mut report.subjects[0].rules {
        for (n, finding) in rule.findings.iter_mut().enumerate() {
            finding.change = Some(if n % 40 == 0 { Change::New } else { Change::Unchanged });
        }
    }
    report
}

#[test]
fn the_page_of_44_000_findings_is_small_enough_to_send() {
    let report = large();
    let mut out = Vec::new();
    html(&report, &HtmlOptions::default(), &mut out).unwrap();
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("large.html");
    std::fs::write(&file, &out).unwrap();
    assert!(out.len() <= 25_000_000, "{} bytes in {}", out.len(), file.display());
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.matches("<tr id=\"s0-").count(), 44_000);
    // At first no more rows than a browser lays out at once stand in one fold.
    let tables = text.split("<table class=\"cells\">").skip(1);
    assert!(tables.map(|t| t.matches("<tr ").count()).max().unwrap() <= 500);
}

#[test]
fn a_hostile_name_reaches_no_tag_and_no_attribute() {
    let nasty = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'`{{x}}";
    let mut report = sample::report();
    report.tool_version = nasty.into();
    report.mode = Some(nasty.into());
    let subject = &mut report.subjects[0];
    subject.scopes[0].title = nasty.into();
    subject.scopes[0].testcases[0].id = nasty.into();
    subject.gaps[0].kind = nasty.into();
    for rule in &mut subject.rules {
        rule.meta.title = nasty.into();
        rule.meta.description = nasty.into();
        rule.meta.remediation = nasty.into();
        rule.meta.standard = Some(format!("https://example.org/{nasty}"));
        rule.meta.bundle = nasty.into();
        for finding in &mut rule.findings {
            finding.finding.name = Some(nasty.into());
            finding.finding.project = Some(nasty.into());
            finding.finding.region = Some(nasty.into());
            for violation in Arc::make_mut(&mut finding.finding.violations) {
                violation.message = nasty.into();
                violation.path = nasty.into();
                violation.found = json!(nasty);
            }
            if let Some(waived) = &mut finding.waiver {
                waived.id = nasty.into();
                waived.owner = nasty.into();
                waived.reason = nasty.into();
                waived.ticket = Some(nasty.into());
            }
        }
    }
    let mut out = Vec::new();
    html(&report, &HtmlOptions { title: Some(nasty), history: &[] }, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.matches("<script").count(), 1);
    assert!(!text.contains("<img"), "an image came through");
    // What can start a tag is ours: every `<` of a name is escaped, and so is
    // every quote that could end an attribute.
    let ours = text.replace("&quot;", "").replace("&lt;", "");
    assert!(!ours.contains("\"><script") && ours.contains("onerror=alert"), "{ours}");

    let text = sample::written(FOR_PEOPLE[1].1, &report);
    assert!(outside_code(&text).find("<script").is_none(), "{text}");
}

/// Markdown without what stands in code spans, where nothing is markup.
fn outside_code(text: &str) -> String {
    text.lines().flat_map(|l| l.split('`').step_by(2)).collect()
}

/// The names of the tags that a text has outside of code spans.
fn tags(text: &str) -> BTreeSet<&str> {
    let name = |t: &'_ str| t.find([' ', '>', '\n']).unwrap_or(t.len());
    text.split('<').skip(1).map(|t| t.trim_start_matches('/')).map(|t| &t[..name(t)]).collect()
}

proptest! {
    #[test]
    fn whatever_things_are_called_the_markup_is_ours(
        texts in proptest::collection::vec(text(), 3),
    ) {
        let tags_of = |n: usize, report: &Report| -> BTreeSet<String> {
            let text = sample::written(FOR_PEOPLE[n].1, report);
            let text = if n == 1 { outside_code(&text) } else { text };
            tags(&text).into_iter().map(str::to_owned).collect()
        };
        let plain = named(&["a".into(), "b".into(), "c".into()]);
        let odd = named(&texts);
        prop_assert_eq!(tags_of(0, &odd), tags_of(0, &plain));
        let mut known = tags_of(1, &plain);
        // Names that a code span cannot hold.
        known.insert("code".into());
        prop_assert!(tags_of(1, &odd).is_subset(&known), "{:?}", tags_of(1, &odd));
        let value = oscal_value(&odd);
        let mut found = Vec::new();
        each(&value, "value", &mut found);
        each(&value, "title", &mut found);
        each(&value, "description", &mut found);
        for text in found {
            prop_assert!(!text.is_empty() && text.trim() == text && !text.contains('\n'), "{text:?}");
        }
    }
}

/// Texts of what readers stumble over, and of anything.
fn text() -> impl Strategy<Value = String> {
    let pieces =
        ["<b>", "</td>", "`", "``", "|", "\\", "@all", "](", "\n", "\0", "\u{202e}", " ", "&lt;"];
    let piece = prop_oneof![
        proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned),
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|p| p.concat())
}

/// The sample with other names, messages and reasons.
fn named(texts: &[String]) -> Report {
    let mut report = sample::report();
    for rule in &mut report.subjects[0].rules {
        rule.meta.title.clone_from(&texts[2]);
        for finding in &mut rule.findings {
            finding.finding.name = Some(texts[0].clone());
            finding.finding.project = Some(texts[1].clone());
            for violation in Arc::make_mut(&mut finding.finding.violations) {
                violation.message.clone_from(&texts[1]);
                violation.found = json!(texts[2]);
            }
            if let Some(waived) = &mut finding.waiver {
                waived.reason.clone_from(&texts[2]);
                waived.owner.clone_from(&texts[0]);
            }
        }
    }
    report
}

fn oscal_value(report: &Report) -> Value {
    let mut out = Vec::new();
    oscal(report, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

/// All values of the member `key`, wherever it stands.
fn each<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            for (k, v) in members {
                if k == key {
                    found.extend(v.as_str());
                }
                each(v, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|v| each(v, key, found)),
        _ => {}
    }
}

#[test]
fn every_reference_of_oscal_leads_to_one_thing() {
    let mut twice = sample::report();
    let mut later = twice.subjects[0].clone();
    later.snapshot = "prod1@4".parse().unwrap();
    twice.subjects.push(later);
    for report in [sample::report(), twice] {
        let value = oscal_value(&report);
        let mut ids = Vec::new();
        each(&value, "uuid", &mut ids);
        let known: BTreeSet<&str> = ids.iter().copied().collect();
        // Tidegate itself is a component of each result.
        let tools = report.subjects.len() - 1;
        assert_eq!(known.len(), ids.len() - tools, "an id stands for two things");
        for key in ["subject-uuid", "observation-uuid", "risk-uuid", "component-uuid", "actor-uuid"]
        {
            let mut used = Vec::new();
            each(&value, key, &mut used);
            assert!(!used.is_empty(), "{key}");
            assert!(used.iter().all(|id| known.contains(id)), "{key}");
        }
        let mut links = Vec::new();
        each(&value, "href", &mut links);
        let inside = links.iter().filter_map(|l| l.strip_prefix('#'));
        assert!(inside.clone().count() > 0);
        assert!(inside.clone().all(|id| known.contains(id)));
    }
}

#[test]
fn oscal_takes_nothing_undecided_for_satisfied() {
    let value = oscal_value(&sample::report());
    let result = &value["assessment-results"]["results"][0];
    let status = |control: &str| {
        let findings = result["findings"].as_array().unwrap();
        let finding = findings.iter().find(|f| f["target"]["target-id"] == control).unwrap();
        let status = &finding["target"]["status"];
        format!("{} {}", status["state"].as_str().unwrap(), status["reason"].as_str().unwrap())
    };
    assert_eq!(status("os.block.encrypted"), "satisfied pass");
    assert_eq!(status("os.net.ssh-open"), "not-satisfied fail");
    assert_eq!(status("scs-0103-v1"), "not-satisfied fail");
    assert_eq!(status("os.image.described"), "not-satisfied other");
    assert_eq!(status("scs-0302-roles"), "not-satisfied other");
    assert_eq!(status("scs-0104-images"), "not-satisfied other");
    let risks = result["risks"].as_array().unwrap();
    let waived = risks.iter().find(|r| r["status"] == "deviation-approved").unwrap();
    assert_eq!(waived["deadline"], "2026-12-31T23:59:59Z");
    assert_eq!(waived["related-observations"].as_array().unwrap().len(), 1);
    assert_eq!(risks.iter().filter(|r| r["status"] == "open").count(), 2);
}

#[test]
fn oscal_keeps_its_ids_from_snapshot_to_snapshot() {
    let mut later = sample::report();
    later.subjects[0].snapshot = "prod1@4".parse().unwrap();
    let ids = |report: &Report| {
        let value = oscal_value(report);
        let result = &value["assessment-results"]["results"][0];
        ["observations", "risks", "findings"].map(|key| {
            let mut found = Vec::new();
            let items = result[key].as_array().unwrap().iter();
            items.for_each(|i| found.push(i["uuid"].as_str().unwrap().to_owned()));
            found
        })
    };
    assert_eq!(ids(&sample::report()), ids(&later));
    let document = |r: &Report| oscal_value(r)["assessment-results"]["uuid"].clone();
    assert_ne!(document(&sample::report()), document(&later));
}

#[test]
fn oscal_needs_a_cloud() {
    let error = oscal(&Report::new("0.1.0", vec![]), &mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[test]
fn a_year_of_nights_fits_a_chart() {
    let report = sample::report();
    let history: Vec<TrendPoint> = (1..=120_u64)
        .map(|n| TrendPoint {
            snapshot: format!("Edge_2.b@{}", n + 1).parse().unwrap(),
            taken_at: "2026-07-01T01:00:00Z"
                .parse::<tidegate_model::Timestamp>()
                .unwrap()
                .checked_add(std::time::Duration::from_hours(24 * n))
                .unwrap(),
            findings: [
                (Severity::Critical, (n % 7) as usize),
                (Severity::High, 30 - (n / 5) as usize),
                (Severity::Medium, 20 + (n * 7 % 11) as usize),
            ]
            .into(),
            waived: 3,
            not_judged: usize::from(n % 9 == 0),
        })
        .collect();
    let mut out = Vec::new();
    html(&report, &HtmlOptions { title: None, history: &history }, &mut out).unwrap();
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("trend.html");
    std::fs::write(&file, &out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let chart = text.split("<div class=\"trend\"").nth(1).unwrap().split("</svg>").next().unwrap();
    assert_eq!(chart.matches("<g>").count(), 90, "the newest ones");
    assert!(chart.contains("Edge_2.b@121, 2026-10-29T01:00:00Z: 1 critical, 6 high"), "{chart}");
    // Every snapshot stands in the table beneath.
    assert!(text.contains("<th scope=\"row\">Edge_2.b@1<td>"), "{text}");
    assert_eq!(text.matches("<div class=\"trend\"").count(), 1, "one cloud has a history");
}

#[test]
fn a_cloud_without_rules_says_why() {
    let mut report = sample::report();
    report.subjects.remove(0);
    let said = |report: &Report| FOR_PEOPLE.map(|(_, format)| sample::written(format, report));
    let judged = "No rule judged this cloud.";
    assert!(said(&report).iter().all(|text| text.contains(judged)));
    // What a comparison leaves when it hides all that is known.
    report.subjects[0].verdict = serde_json::from_value("fail".into()).unwrap();
    for text in said(&report) {
        assert!(!text.contains(judged), "{text}");
        assert!(text.contains("known to the baseline and left out here"), "{text}");
    }
    let finding = &oscal_value(&report)["assessment-results"]["results"][0]["findings"][0];
    assert_eq!(finding["target"]["status"]["state"], "not-satisfied");
}

#[test]
fn what_a_comparison_hides_is_told() {
    let mut report = sample::report();
    let counted = BTreeMap::from([(Change::Unchanged, 3), (Change::New, 7)]);
    report.summary.baseline.as_mut().unwrap().changes = counted;
    let whole = sample::written(FOR_PEOPLE[0].1, &report);
    assert!(!whole.contains("Not the whole state"), "{whole}");
    report.subjects[0].rules.retain(|r| r.meta.id.as_str() != "os.net.ssh-open");
    for (_, format) in &FOR_PEOPLE[..2] {
        let text = sample::written(*format, &report);
        assert!(text.contains("2 findings are left out as known to the baseline"), "{text}");
    }
    let error = oscal(&report, &mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
