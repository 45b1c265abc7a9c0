//! Ours against the reference's report, and against PyYAML, which reads both.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use tidegate_model::{AbortCode, Cause, ResourceKey, Violation};

use super::*;
use crate::table::tests::sample;

/// A report that the reference suite wrote, with most testcases taken out.
const REFERENCE: &str = include_str!("reference.yaml");

fn run() -> ScsRun {
    ScsRun {
        argv: vec!["scan".into(), "--scope".into(), "scs@v1".into()],
        forced: vec![("scs".into(), "v1".into())],
    }
}

/// The sample with a testcase of every verdict, and with names as clouds have
/// them.
fn report() -> Report {
    let mut report = sample();
    let subject = &mut report.subjects[0];
    subject.taken_at = "2026-11-22T01:00:00.123456789Z".parse().unwrap();
    let scope = &mut subject.scopes[0];
    scope.url = Some("https://example.org/scs-compatible-iaas.yaml".into());
    for (id, verdict) in [("b-abort", Verdict::Abort), ("a-pass", Verdict::Pass)] {
        let like = scope.testcases[0].clone();
        scope.testcases.push(TestcaseReport { id: id.into(), verdict, ..like });
    }
    report
}

#[test]
fn the_whole_document() {
    let text = scs(&report(), &run()).unwrap();
    let wanted = "\
---
spec:
  uuid: '50393e6f-2ae1-4c5c-a62c-3b75f2abef3f'
  name: SCS
  url: https://example.org/scs-compatible-iaas.yaml
checked_at: 2026-11-22 01:00:00.123456
reference_date: 2026-11-22
subject: prod1
run:
  uuid: RUN
  argv:
  - scan
  - '--scope'
  - scs@v1
  assignment:
    os_cloud: prod1
  sections: null
  forced_version: v1
  forced_tests: null
  invocations:
    INVOCATION:
      id: INVOCATION
      cmd: 'tidegate 0.1.0 snapshot=prod1@3 rules=sha256:\
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
      results:
        a-pass: 1
        b-abort: 0
        c-fail: -1
      rc: 0
      stdout:
      - 'a-pass: PASS'
      - 'b-abort: ABORT'
      - 'c-fail: FAIL'
      stderr:
      - 'WARNING: b-abort: region R: not judged: image.image: forbidden'
      - 'ERROR: c-fail: openstack/compute.flavor/R/1: flavor `SCS-1V-4` has too little memory \
[/ram is 2048, want 4096]'
      - 'INFO: d: missing: no rule judges it'
      - 'INFO: e: missing: the result expired on 2026-11-21'
      info: 2
      warning: 1
      error: 1
      critical: 0
";
    let documents = read_scs(&text).unwrap();
    let value: yaml_serde::Value = yaml_serde::from_str(&text).unwrap();
    let invocations = value["run"]["invocations"].as_mapping().unwrap();
    let invocation = invocations.keys().next().unwrap().as_str().unwrap();
    let quoted =
        |id: &str| if text.contains(&format!("'{id}'")) { format!("'{id}'") } else { id.into() };
    let wanted = wanted
        .replace("RUN", &quoted(&documents[0].run))
        .replace("INVOCATION", &quoted(invocation));
    assert_eq!(text, wanted);
    assert_eq!(
        documents,
        [ScsDocument {
            subject: "prod1".into(),
            scope: "50393e6f-2ae1-4c5c-a62c-3b75f2abef3f".into(),
            run: documents[0].run.clone(),
            checked_at: "2026-11-22 01:00:00.123456".into(),
            results: 3,
        }]
    );
}

/// The keys in order and the types of the values, with one element for lists,
/// and nothing about what is named freely.
fn shape(value: &yaml_serde::Value, path: &str) -> String {
    use yaml_serde::Value;
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(s) if s.replacen(' ', "T", 1).parse::<jiff::civil::DateTime>().is_ok() => {
            format!("time of {} letters", s.len())
        }
        Value::String(_) => "text".into(),
        Value::Sequence(items) => format!("[{}]", shape(&items[0], path)),
        Value::Mapping(entries) => {
            let free = ["assignment", "invocations", "results"].contains(&path);
            let entries = entries.iter().map(|(key, value)| {
                let key = key.as_str().unwrap();
                let name = if free { "*" } else { key };
                format!("{name}: {}", shape(value, if free { "*" } else { key }))
            });
            let mut entries: Vec<String> = entries.collect();
            entries.truncate(if free { 1 } else { usize::MAX });
            format!("{{{}}}", entries.join(", "))
        }
        Value::Tagged(_) => "tagged".into(),
    }
}

#[test]
fn keys_order_and_types_are_those_of_the_reference() {
    let ours: yaml_serde::Value = yaml_serde::from_str(&scs(&report(), &run()).unwrap()).unwrap();
    let reference: yaml_serde::Value = yaml_serde::from_str(REFERENCE).unwrap();
    assert_eq!(shape(&ours, ""), shape(&reference, ""));
    assert!(shape(&ours, "").contains("forced_version: text"));
    let read = read_scs(REFERENCE).unwrap();
    assert_eq!((read[0].subject.as_str(), read[0].results), ("good", 3));
}

#[test]
fn the_id_of_a_run_follows_from_all_that_is_in_it_and_from_nothing_else() {
    let of = |report: &Report, run: &ScsRun| {
        read_scs(&scs(report, run).unwrap()).unwrap()[0].run.clone()
    };
    let first = of(&report(), &run());
    assert_eq!(first, of(&report(), &run()));
    let mut others = vec![of(&report(), &ScsRun::default())];
    let mut change = |change: fn(&mut SubjectReport)| {
        let mut report = report();
        change(&mut report.subjects[0]);
        others.push(of(&report, &run()));
    };
    change(|s| s.snapshot = "prod1@4".parse().unwrap());
    change(|s| s.snapshot = "prod2@3".parse().unwrap());
    change(|s| s.taken_at = "2026-11-22T01:00:01Z".parse().unwrap());
    change(|s| s.reference_time = "2026-11-23T00:00:00Z".parse().unwrap());
    change(|s| s.rule_set = tidegate_model::Digest::of(b"other"));
    change(|s| s.scopes[0].testcases[0].verdict = Verdict::Pass);
    change(|s| Arc::make_mut(&mut s.rules[0].findings[0].finding.violations)[0].found = json!(1));
    let strict = Report { mode: Some("strict".into()), ..report() };
    assert!(scs(&strict, &run()).unwrap().contains(" mode=strict'"));
    others.push(of(&strict, &run()));
    others.push(first);
    let count = others.len();
    others.sort();
    others.dedup();
    assert_eq!(others.len(), count, "{others:?}");
}

#[test]
fn versions_of_a_scope_make_one_document_and_scopes_make_several() {
    let mut report = report();
    let mut next = report.subjects[0].scopes[0].clone();
    next.version = "next".into();
    next.testcases.truncate(1);
    next.testcases[0].id = "a-pass".into();
    next.testcases[0].verdict = Verdict::Pass;
    let mut other = next.clone();
    other.scope = "another".into();
    other.uuid = "1fffebe6-fd4b-44d3-a36c-fc58b4bb0180".into();
    report.subjects[0].scopes.extend([next, other]);
    let mut second = report.subjects[0].clone();
    second.snapshot = "prod2@1".parse().unwrap();
    report.subjects.push(second);
    let both = ScsRun {
        forced: vec![("scs".into(), "v1".into()), ("scs".into(), "next".into())],
        ..run()
    };
    let text = scs(&report, &both).unwrap();
    let read = read_scs(&text).unwrap();
    let shown: Vec<(&str, &str, usize)> =
        read.iter().map(|d| (d.subject.as_str(), &d.scope[..8], d.results)).collect();
    assert_eq!(
        shown,
        [
            ("prod1", "1fffebe6", 1),
            ("prod1", "50393e6f", 3),
            ("prod2", "1fffebe6", 1),
            ("prod2", "50393e6f", 3)
        ]
    );
    assert_eq!(text.matches("forced_version: null").count(), 4, "no single version was named");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let mut none = report();
    none.subjects[0].scopes.clear();
    assert_eq!(scs(&none, &run()), Err(ScsError::NoScope));
    let mut odd = report();
    odd.subjects[0].scopes[0].testcases[0].id = "a: b".into();
    assert!(scs(&odd, &run()).unwrap_err().to_string().contains("`a: b`"));
    let mut odd = report();
    odd.subjects[0].scopes[0].uuid = "u".into();
    assert!(scs(&odd, &run()).unwrap_err().to_string().contains("has `u` for a UUID"));
}

#[test]
fn names_from_clouds_stay_on_their_line() {
    let mut report = report();
    let rule =
        report.subjects[0].rules.iter_mut().find(|r| r.meta.id.as_str() == "c-fail").unwrap();
    let finding = &mut rule.findings[0].finding;
    finding.resource = Some(ResourceKey::new("openstack/compute.flavor/R/x%0Ay").unwrap());
    finding.violations = [
        Violation {
            message: "name `a\nERROR: b: \u{1b}[31m` is odd".into(),
            path: String::new(),
            found: Value::Null,
            wanted: Value::Null,
        },
        Violation {
            message: "no path".into(),
            path: String::new(),
            found: json!(1),
            wanted: json!(2),
        },
        Violation {
            message: "m".into(),
            path: "/a".into(),
            found: Value::Null,
            wanted: json!("x".repeat(1000)),
        },
    ]
    .into();
    finding.cause = Some(Cause { code: AbortCode::Rule, message: "also this\r\n: yes".into() });
    let text = scs(&report, &run()).unwrap();
    let value: yaml_serde::Value = yaml_serde::from_str(&text).unwrap();
    let invocation = value["run"]["invocations"].as_mapping().unwrap().values().next().unwrap();
    let lines: Vec<&str> =
        invocation["stderr"].as_sequence().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
    assert_eq!(
        lines[1],
        "ERROR: c-fail: openstack/compute.flavor/R/x%0Ay: name `a ERROR: b:  [31m` is odd"
    );
    assert!(lines[2].ends_with("no path [found 1, want 2]"), "{}", lines[2]);
    assert!(lines[3].starts_with(
        "ERROR: c-fail: openstack/compute.flavor/R/x%0Ay: m [/a is absent, want \"xxx"
    ));
    assert!(lines[3].ends_with("xxx…]") && lines[3].len() < 600);
    assert_eq!(
        lines[4],
        "WARNING: c-fail: openstack/compute.flavor/R/x%0Ay: not judged: also this  : yes"
    );
    assert_eq!((&invocation["error"], &invocation["warning"]), (&3.into(), &2.into()));
}

#[test]
fn what_the_monitor_would_refuse_is_told_with_its_place() {
    let good = scs(&report(), &run()).unwrap();
    let error = |text: &str| read_scs(text).unwrap_err().to_string();
    assert_eq!(error(""), "there is no report in it");
    assert_eq!(error("---\n---\n"), "there is no report in it");
    assert!(error("hello").contains("document 1: `spec` is missing"), "{}", error("hello"));
    assert!(error("a: [").starts_with("document 1 is not YAML"), "{}", error("a: ["));
    assert!(error(&format!("{good}{good}")).contains("document 2: `run.uuid` is that of another"));
    for (from, to, wanted) in [
        ("subject: prod1", "subject: 12", "`subject` is not a text"),
        ("subject: prod1\n", "", "`subject` is missing"),
        ("subject: prod1", "subject: \"a\\e[31m\"", "`subject` has control characters"),
        ("a-pass: 1", "\"a\\eb\": 2", ".results.a b` is not 1"),
        ("checked_at: 2026-11-22 01", "checked_at: yesterday 01", "`checked_at` is not a time"),
        ("  name: SCS", "", ""),
        ("a-pass: 1", "a-pass: 2", ".results.a-pass` is not 1 (pass), 0 (abort) or -1 (fail)"),
        ("a-pass: 1", "a-pass: PASS", ".results.a-pass` is not 1"),
        ("uuid: '50393e6f-2ae1", "uuid: '50393e6f-2ae", "`spec.uuid` is not a UUID"),
        ("results:", "outcome:", ".results` is not a mapping"),
        ("invocations:", "calls:", "`run.invocations` is missing"),
    ] {
        assert!(good.contains(from), "{from}");
        let text = good.replace(from, to);
        match wanted {
            "" => assert!(read_scs(&text).is_ok()),
            wanted => assert!(error(&text).contains(wanted), "{}", error(&text)),
        }
    }
    let of_old =
        REFERENCE.replace("\nrun:", "\nversions: {v4: {a: {result: 1, invocation: x}}}\nrun:");
    assert_eq!(read_scs(&of_old).unwrap()[0].results, 1);
}

/// Prints what PyYAML reads as JSON, with its type before each scalar.
const PYTHON: &str = r#"
import json, sys, yaml
def show(v):
    if isinstance(v, dict):
        return {k if isinstance(k, str) else "%s %r" % (type(k).__name__, k): show(x) for k, x in v.items()}
    if isinstance(v, list):
        return [show(x) for x in v]
    return "%s %s" % (type(v).__name__, v)
text = sys.stdin.buffer.read()
out = [[show(d) for d in yaml.load_all(text, Loader=loader)]
       for loader in (yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader))]
json.dump(out, sys.stdout)
"#;

/// What PyYAML's two readers make of a text; `None`, said loudly, where there is
/// no PyYAML.
fn pyyaml(text: &str) -> Option<[Vec<Value>; 2]> {
    let python = ["python3", "/usr/bin/python3"].into_iter().find(|python| {
        let found = Command::new(python).args(["-c", "import yaml"]).output();
        found.is_ok_and(|ran| ran.status.success())
    });
    let Some(python) = python else {
        eprintln!("SKIPPED: there is no PyYAML (package python3-yaml)");
        return None;
    };
    let mut child = Command::new(python)
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let ran = child.wait_with_output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    Some(serde_json::from_slice(&ran.stdout).unwrap())
}

#[test]
fn pyyaml_reads_the_report_with_the_types_of_the_reference() {
    let ours = scs(&report(), &run()).unwrap();
    let Some([python, c]) = pyyaml(&format!("{ours}{REFERENCE}")) else { return };
    assert_eq!(python, c);
    let [ours, reference] = python.as_slice() else { panic!("{python:?}") };
    for (path, wanted) in [
        ("/checked_at", "datetime 2026-11-22 01:00:00.123456"),
        ("/reference_date", "date 2026-11-22"),
        ("/spec/uuid", "str 50393e6f-2ae1-4c5c-a62c-3b75f2abef3f"),
        ("/run/sections", "NoneType None"),
        ("/run/forced_version", "str v1"),
        ("/run/assignment/os_cloud", "str prod1"),
    ] {
        assert_eq!(ours.pointer(path).unwrap(), wanted);
        let kind = |v: &Value| {
            v.pointer(path).unwrap().as_str().unwrap().split(' ').next().map(str::to_owned)
        };
        assert_eq!(kind(ours), kind(reference), "{path}");
    }
    let invocation =
        |v: &Value| v["run"]["invocations"].as_object().unwrap().values().next().unwrap().clone();
    let (ours, reference) = (invocation(ours), invocation(reference));
    assert_eq!(ours["results"], json!({"a-pass": "int 1", "b-abort": "int 0", "c-fail": "int -1"}));
    for (key, value) in ours.as_object().unwrap() {
        if let Some(text) = value.as_str() {
            let kind = |t: &str| t.split(' ').next().unwrap().to_owned();
            assert_eq!(kind(text), kind(reference[key].as_str().unwrap()), "{key}");
        }
    }
}

/// What PyYAML should read.
fn wanted(value: &Yaml) -> Value {
    match value {
        Yaml::Null => json!("NoneType None"),
        Yaml::Int(n) => json!(format!("int {n}")),
        Yaml::Time(t) if t.len() == 10 => json!(format!("date {t}")),
        Yaml::Time(t) => json!(format!("datetime {t}")),
        Yaml::Text(t) => json!(format!("str {t}")),
        Yaml::List(items) => items.iter().map(wanted).collect(),
        Yaml::Map(entries) => entries.iter().map(|(k, v)| (k.clone(), wanted(v))).collect(),
    }
}

#[test]
fn pyyaml_reads_every_nasty_text_as_itself() {
    let value = yaml::tests::nasty();
    let Some([python, c]) = pyyaml(&value.document()) else { return };
    assert_eq!(python, [wanted(&value)]);
    assert_eq!(c, [wanted(&value)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn pyyaml_reads_any_text_as_itself(
        any in proptest::collection::vec(any::<String>(), 200),
        // Texts of what YAML gives a meaning to.
        odd in proptest::collection::vec("[-0-9a-e:.#'\" ,?~|>!&*%@`{}\\[\\]\n\ty_+=<xoTZ]{0,12}", 400),
    ) {
        let value = Yaml::map([("any", Yaml::texts(any)), ("odd", Yaml::texts(odd))]);
        if let Some([python, c]) = pyyaml(&value.document()) {
            prop_assert_eq!(&python, &vec![wanted(&value)]);
            prop_assert_eq!(c, python);
        }
    }
}
