//! Whatever a cloud calls its things, every format stays what it is.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test may")]

mod sample;

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_report::{Report, Waived};

/// Texts of what readers stumble over, and of anything.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            "\"",
            "'",
            "\\",
            "\n",
            "\r\n",
            "\t",
            "\0",
            "\u{1b}[31m",
            "\u{7f}",
            "\u{85}",
            "\u{2028}",
            "\u{202e}",
            "\u{feff}",
            "\u{fffe}",
            "\u{ffff}",
            "]]>",
            "<",
            ">",
            "&",
            "&amp;",
            "=",
            "+",
            "-",
            "@",
            ",",
            ";",
            "](",
            "{0}",
            "---\n",
            ": ",
            " #",
            "%",
            "# HELP",
            "} 1",
            "😀",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    proptest::collection::vec(piece, 1..5).prop_map(|p| p.concat())
}

/// The sample's first cloud with a rule whose findings have these texts.
fn report(texts: &[String; 6]) -> Report {
    let [name, message, region, project, reason, title] = texts;
    let rule = serde_json::from_value(json!({
        "id": "r", "title": title, "description": message, "severity": "high", "kinds": ["a.b"],
        "standard": title, "remediation": message, "bundle": "b", "file": "r.rego",
    }));
    let fail = json!({
        "resource": "openstack/a.b/R/1", "region": region, "project": project, "name": name,
        "verdict": "fail", "violations": [{"message": message}],
    });
    let abort = json!({
        "region": region, "project": project, "name": name, "verdict": "abort",
        "cause": {"code": "error", "message": message},
    });
    let counts = json!({"pass": 1, "fail": 1, "abort": 1});
    let outcome = json!({"verdict": "fail", "counts": counts, "findings": [fail, abort]});
    let mut subject = sample::subject("c@1", vec![(rule.unwrap(), outcome)], vec![]);
    subject.gaps[0].reason.clone_from(reason);
    subject.gaps[0].region = Some(region.clone());
    subject.rules[0].findings[0].waiver = Some(Waived {
        id: title.clone(),
        reason: reason.clone(),
        owner: name.clone(),
        ticket: Some(message.clone()),
        expires: "2026-12-31".parse().unwrap(),
    });
    Report::new("0.1.0", vec![subject])
}

/// The cells of the records of a CSV file.
fn records(text: &str) -> Vec<usize> {
    let (mut quoted, mut cells, mut all) = (false, 1, Vec::new());
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => cells += 1,
            '\n' => all.push(std::mem::replace(&mut cells, 1)),
            _ => {}
        }
    }
    assert!(!quoted);
    all
}

/// Whether an element that is opened is closed, in order.
fn balanced(xml: &str) -> bool {
    let mut open = Vec::new();
    for tag in xml.split('<').skip(2) {
        let (tag, rest) = tag.split_once('>').unwrap();
        assert!(!rest.contains('>'), "{rest}");
        let name = tag.split([' ', '/']).find(|n| !n.is_empty()).unwrap();
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) if open.pop() != Some(name) => return false,
            (false, false) => open.push(name),
            (true, _) | (false, true) => {}
        }
    }
    open.is_empty()
}

proptest! {
    #[test]
    fn every_format_stays_well_formed(texts in proptest::array::uniform6(text())) {
        let report = report(&texts);
        for (name, format) in sample::FORMATS {
            let text = sample::written(format, &report);
            match name {
                "csv" => prop_assert_eq!(records(&text), vec![22; 3], "{}", text),
                "junit.xml" => {
                    prop_assert!(balanced(&text), "{}", text);
                    let odd = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{fffe}' | '\u{ffff}');
                    prop_assert!(!text.contains(odd), "{}", text);
                }
                "ndjson" => {
                    let lines: Vec<Value> =
                        text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
                    prop_assert_eq!(lines.len(), 5);
                    prop_assert_eq!(&lines[2]["name"], &texts[0]);
                }
                "openreports.yaml" => {
                    let documents: Vec<Value> = text
                        .split("---\n")
                        .skip(1)
                        .map(|d| yaml_serde::from_str(d).unwrap())
                        .collect();
                    let results = documents.iter().map(|d| d["results"].as_array().unwrap().len());
                    prop_assert_eq!(results.sum::<usize>(), 3, "{}", text);
                }
                "prom" => {
                    for line in text.lines() {
                        let (head, value) = line.rsplit_once(' ').unwrap();
                        let sample = head.ends_with('}') && value.parse::<i64>().is_ok();
                        prop_assert!(sample || line.starts_with("# "), "{}", line);
                        prop_assert!(head.starts_with("# ") || head.starts_with("tidegate_"), "{}", line);
                        let escaped = head.replace("\\\\", "").replace("\\\"", "");
                        prop_assert_eq!(escaped.matches('"').count() % 2, 0, "{}", line);
                    }
                }
                _ => {
                    let value: Value = serde_json::from_str(&text).unwrap();
                    prop_assert!(value.is_array() || value["runs"].is_array());
                }
            }
        }
    }
}
