use std::fs;
use std::io::Write;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_model::Status;

use super::*;

const CONFORMANCE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="5" failures="1" time="100.5">
  <testsuite name="Kubernetes e2e suite" tests="5" failures="1" errors="0" time="100.5" timestamp="2026-11-01T10:00:00">
    <properties><property name="FocusStrings" value="[Conformance]"/></properties>
    <testcase name="[sig-node] Pods should run [Conformance]" status="passed" time="1"/>
    <testcase name="[sig-api] a &lt;b&gt; &amp; c [Conformance]" status="failed" time="1">
      <failure message="boom" type="failed">at line &#10; 3</failure>
      <system-err><![CDATA[ ]] > <failure/> ]]></system-err>
    </testcase>
    <testcase name="[sig-network] NetworkPolicy should deny" status="passed"><system-out>x</system-out></testcase>
    <testcase name="[sig-storage] slow [Conformance]" status="skipped"><skipped message="skipped"/></testcase>
    <testcase name="[sig-storage] later" status="pending"><skipped/></testcase>
  </testsuite>
</testsuites>"#;

fn bodies(collected: Vec<Collected>) -> Vec<Value> {
    let pages = collected.into_iter().filter_map(|c| match c {
        Collected::Page(page) => Some(page),
        Collected::Coverage(_) => None,
    });
    pages.flatten().map(|r| serde_json::from_str(&r.body).unwrap()).collect()
}

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mtime(1_790_000_000);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&tar.into_inner().unwrap()).unwrap();
    gz.finish().unwrap()
}

/// Reads files with these contents.
fn read_all(contents: &[&[u8]]) -> Result<Vec<Collected>, String> {
    let dir = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = contents
        .iter()
        .enumerate()
        .map(|(n, content)| {
            let path = dir.path().join(format!("f{n}"));
            fs::write(&path, content).unwrap();
            path
        })
        .collect();
    let root = dir.path().to_string_lossy().into_owned();
    test_results(&paths, Timestamp::UNIX_EPOCH, None)
        .map_err(|e| e.to_string().replace(&format!("{root}/"), ""))
}

#[track_caller]
fn one(content: &[u8]) -> Value {
    let all = bodies(read_all(&[content]).unwrap());
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_iter().next().unwrap()
}

#[track_caller]
fn refused(content: impl AsRef<[u8]>, why: &str) {
    let error = read_all(&[content.as_ref()]).unwrap_err();
    assert_eq!(error, format!("test results `f0` are not usable: {why}"));
}

#[test]
fn counts_the_tests_of_a_junit_file() {
    let sha256 = Digest::of(CONFORMANCE.as_bytes()).to_string();
    let expected = json!({
        "suites": ["Kubernetes e2e suite"],
        "passed": 2, "failed": 1, "skipped": 2,
        "sets": {
            "conformance": {"passed": 1, "failed": 1},
            "network_policy": {"passed": 1, "failed": 0},
        },
        "failed_tests": ["[sig-api] a <b> & c [Conformance]"],
        "started": "2026-11-01T10:00:00Z", "finished": "2026-11-01T10:01:40.5Z",
        "tidegate": {"file": "f0", "sha256": sha256},
    });
    assert_eq!(one(CONFORMANCE.as_bytes()), expected);
}

#[test]
fn the_key_names_the_bytes_and_a_file_counts_once() {
    let collected = read_all(&[CONFORMANCE.as_bytes(), CONFORMANCE.as_bytes()]).unwrap();
    let [Collected::Page(page), Collected::Coverage(coverage)] = collected.as_slice() else {
        panic!("{collected:?}");
    };
    let sha256 = Digest::of(CONFORMANCE.as_bytes());
    assert_eq!(page[0].key.as_str(), format!("evidence/kubernetes.test_result/-/{sha256}/-"));
    assert_eq!(coverage.status, Status::Complete { count: 1 });
    assert_eq!(page.len(), 1);
}

#[test]
fn reads_the_plugins_of_a_sonobuoy_archive() {
    let log = "I1101 Starting\nI1101 10:00:00.0 e2e.go:97] kube-apiserver version: v1.36.1\n";
    let result = one(&archive(&[
        ("meta/info.json", "{}"),
        ("serverversion.json", r#"{"major":"1","minor":"36","gitVersion":"v1.36.2"}"#),
        ("plugins/e2e/results/global/junit_01.xml", CONFORMANCE),
        ("plugins/e2e/results/global/e2e.log", log),
        ("plugins/e2e/sonobuoy_results.yaml", "name: e2e\nstatus: failed\nmeta: {type: summary}\n"),
        ("plugins/systemd-logs/sonobuoy_results.yaml", "name: systemd-logs\nstatus: passed\n"),
    ]));
    assert_eq!(result["plugin"], "e2e");
    assert_eq!(result["status"], "failed");
    assert_eq!(result["kubernetes_version"], "v1.36.2");
    assert_eq!((&result["passed"], &result["failed"]), (&json!(2), &json!(1)));
}

#[test]
fn the_log_names_the_version_if_nothing_else_does() {
    let log = "e2e test version: v1.36.0\nkube-apiserver version: v1.36.1\n";
    let result = one(&archive(&[
        ("./plugins/e2e/results/global/junit_01.xml", CONFORMANCE),
        ("./plugins/e2e/results/global/e2e.log", log),
    ]));
    assert_eq!(result["kubernetes_version"], "v1.36.1");
}

#[test]
fn without_junit_the_summary_is_read() {
    let summary = "
name: e2e
status: failed
meta: {type: summary}
items:
- name: junit_01.xml
  status: failed
  meta: {type: file, file: results/global/junit_01.xml}
  items:
  - name: Kubernetes e2e suite
    status: failed
    items:
    - {name: 'a [Conformance]', status: passed}
    - {name: 'b [Conformance]', status: exploded}
    - {name: 'c', status: skipped}
";
    let result = one(&archive(&[("plugins/e2e/sonobuoy_results.yaml", summary)]));
    assert_eq!(result["sets"]["conformance"], json!({"passed": 1, "failed": 1}));
    assert_eq!(
        (&result["skipped"], &result["failed_tests"]),
        (&json!(1), &json!(["b [Conformance]"]))
    );
}

#[test]
fn a_plugin_that_broke_off_is_told_although_it_has_no_tests() {
    let result = one(&archive(&[("plugins/e2e/errors/global/error.json", "{}")]));
    assert_eq!((&result["status"], &result["passed"]), (&json!("failed"), &json!(0)));
}

#[test]
fn junit_without_times_is_as_old_as_in_the_archive() {
    let junit = "<testsuite><testcase name='a'/></testsuite>";
    let result = one(&archive(&[("plugins/x/results/global/junit_01.xml", junit)]));
    assert_eq!(result["finished"], "2026-09-21T14:13:20Z");
    assert_eq!(one(junit.as_bytes())["finished"], Value::Null);
}

#[test]
fn failures_that_no_test_shows_count() {
    let junit = r#"<testsuites><testsuite name="s" failures="2" errors="1"><testcase name="a"><failure/></testcase></testsuite></testsuites>"#;
    let result = one(junit.as_bytes());
    assert_eq!((&result["failed"], &result["failed_tests"]), (&json!(3), &json!(["a"])));
}

#[test]
fn an_empty_result_is_one() {
    let result = one(b"<testsuites/>");
    assert_eq!(
        (&result["passed"], &result["failed"], &result["skipped"]),
        (&json!(0), &json!(0), &json!(0))
    );
}

#[test]
fn names_of_failed_tests_are_bounded() {
    let cases: String =
        (0..150).map(|n| format!(r#"<testcase name="t{n:03}"><error/></testcase>"#)).collect();
    let result = one(format!("<testsuite>{cases}</testsuite>").as_bytes());
    assert_eq!(result["failed"], 150);
    let names = result["failed_tests"].as_array().unwrap();
    assert_eq!((names.len(), &names[99]), (100, &json!("t099")));
}

#[test]
fn secrets_in_names_are_replaced() {
    let junit = r#"<testsuite><testcase name="get https://u:hunter2hunter2@h/x"><failure/></testcase></testsuite>"#;
    assert!(!one(junit.as_bytes()).to_string().contains("hunter2"));
}

#[test]
fn what_is_no_result_is_refused() {
    refused("", "it is not XML");
    refused("hello", "it is not XML");
    refused("<html/>", "its root is `html`, not `testsuites` or `testsuite`");
    refused("<testsuite><testcase name='a'>", "it breaks off");
    refused(
        "<testsuite></testsuites>",
        "it is not XML at byte 11: ill-formed document: expected `</testsuite>`, but `</testsuites>` was found",
    );
    let bomb = r#"<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuite name="&b;"/>"#;
    refused(bomb, "it declares a document type");
    refused("<testsuite name='&b;'/>", "it is not XML: at 1..2: unrecognized entity `b`");
    let nothing =
        "it holds no results of tests: neither `plugins/e2e` nor a JUnit file of another plugin";
    refused(archive(&[("plugins/systemd-logs/sonobuoy_results.yaml", "status: passed")]), nothing);
    let broken = archive(&[("plugins/e2e/results/global/junit_01.xml", "<testsuite>")]);
    refused(broken, "`plugins/e2e/results/global/junit_01.xml`: it breaks off");
    let whole = archive(&[("plugins/e2e/results/global/junit_01.xml", CONFORMANCE)]);
    let error = read_all(&[&whole[..whole.len() / 2]]).unwrap_err();
    assert!(error.contains("`f0` are not usable"), "{error}");
}

#[test]
fn an_archive_that_grows_too_large_is_refused() {
    let mut header = tar::Header::new_gnu();
    header.set_path("x").unwrap();
    header.set_size(3 << 30);
    header.set_cksum();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(header.as_bytes()).unwrap();
    refused(gz.finish().unwrap(), "it unpacks to more than 2048 MiB or 200000 files");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let path = PathBuf::from("/nowhere/junit.xml");
    let error = test_results(&[path], Timestamp::UNIX_EPOCH, None).unwrap_err();
    assert_eq!(error.to_string(), "cannot read `/nowhere/junit.xml`: no such file or directory");
}

proptest! {
    #[test]
    fn never_panics_on_damaged_files(at in 0_usize..2000, byte: u8, cut in 0_usize..2000) {
        let mut xml = CONFORMANCE.as_bytes().to_vec();
        let len = xml.len();
        xml[at % len] = byte;
        xml.truncate(len - cut % len);
        let _ = Run::default().read(xml.as_slice());
        let mut gz = archive(&[("plugins/e2e/results/global/junit_01.xml", CONFORMANCE)]);
        let len = gz.len();
        gz[at % len] = byte;
        let _ = sonobuoy::read(gz.as_slice());
    }
}
