//! Folders as people have them: suites that pass, that fail, and files that are
//! wrong.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

use std::path::Path;

use tidegate_gatekeeper::Folder;

fn quota() -> Folder {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/quota");
    Folder::from_path(&path).unwrap().unwrap()
}

/// A folder from files.
fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Option<Folder>) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let folder = Folder::from_path(dir.path()).unwrap();
    (dir, folder)
}

const TEMPLATE: &str = "apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: t}
spec:
  crd: {spec: {names: {kind: T}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package t
      violation[{\"msg\": \"m\"}] { input.review.object.bad }
";

const CONSTRAINT: &str = "apiVersion: constraints.gatekeeper.sh/v1beta1
kind: T
metadata: {name: c}
";

fn suite(test: &str) -> String {
    format!("apiVersion: test.gatekeeper.sh/v1alpha1\nkind: Suite\ntests: [{test}]\n")
}

/// What failed, each as case and what it got.
#[track_caller]
fn fails(files: &[(&str, &str)], test: &str, expected: &[(&str, &str)]) {
    let suite = suite(test);
    let mut files = files.to_vec();
    files.push(("suite.yaml", &suite));
    let (_dir, folder) = folder(&files);
    let report = folder.unwrap().test();
    let found: Vec<(&str, &str)> =
        report.failures.iter().map(|f| (f.case.as_str(), f.got.as_str())).collect();
    assert_eq!(found, expected);
    assert_eq!((report.passed, report.failed), (0, expected.len() as u64));
}

#[test]
fn a_suite_with_every_trap_passes() {
    let report = quota().test();
    assert_eq!((report.passed, report.failed), (7, 0), "{:?}", report.failures);
    assert!(!quota().constraints().unwrap().is_empty());
}

#[test]
fn a_case_that_cannot_be_run_fails_and_says_why() {
    let files = [("t.yaml", TEMPLATE), ("c.yaml", CONSTRAINT), ("o.yaml", "a: [")];
    let test =
        |case: &str| format!("{{name: x, template: t.yaml, constraint: c.yaml, cases: [{case}]}}");
    let case = |rest: &str| test(&format!("{{name: z, {rest}}}"));
    let fails = |test: String, got: &str| fails(&files, &test, &[("x/z", got)]);
    fails(
        case("object: o.yaml, assertions: [{violations: no}]"),
        "`o.yaml`:2: this is no YAML: while parsing a node, did not find expected node content",
    );
    fails(case("object: t.yaml"), "the case asserts nothing");
    fails(case("assertions: [{violations: no}]"), "the case names no object");
    fails(
        case("object: /etc/passwd, assertions: [{}]"),
        "`/etc/passwd` is absolute: name files from the suite on",
    );
    fails(
        case("object: t.yaml, assertions: [{violations: maybe}]"),
        "`violations` is neither yes, no nor a number: \"maybe\"",
    );
    fails(case("object: t.yaml, assertions: [{violations: yes}]"), "none");
}

#[test]
fn a_test_that_cannot_be_asked_fails_each_case() {
    let other = CONSTRAINT.replace("kind: T", "kind: U");
    let cel = TEMPLATE
        .replace("rego: |", "code: [{engine: K8sNativeValidation, source: {}}]\n    text: |");
    let files =
        [("t.yaml", TEMPLATE), ("cel.yaml", &cel), ("c.yaml", CONSTRAINT), ("u.yaml", &other)];
    let test = |rest: &str| {
        format!(
            "{{name: x, {rest}, cases: [{{name: z, object: t.yaml, assertions: [{{violations: no}}]}}]}}"
        )
    };
    let fails = |rest: &str, got: &str| fails(&files, &test(rest), &[("x/z", got)]);
    fails(
        "template: t.yaml, constraint: u.yaml",
        "the constraint is a `U`, the template makes `T`",
    );
    fails(
        "template: cel.yaml, constraint: c.yaml",
        "the template has only CEL (K8sNativeValidation), which is not evaluated",
    );
    fails(
        "template: t.yaml, constraint: c.yaml, expansion: e.yaml",
        "expansion templates are not supported",
    );
    fails("constraint: c.yaml", "the test names no template");
}

#[test]
fn what_is_wrong_in_files_is_told_with_the_line() {
    #[track_caller]
    fn faults(files: &[(&str, &str)], expected: &[(&str, Option<u32>, &str)]) {
        let (_dir, folder) = folder(files);
        let error = folder.unwrap().constraints().unwrap_err();
        let found: Vec<_> =
            error.faults().iter().map(|f| (f.file.as_str(), f.line, f.problem.as_str())).collect();
        assert_eq!(found, expected);
    }
    let broken = TEMPLATE.replace("input.review", "nothing(1); input.review");
    faults(&[("t.yaml", &broken)], &[("t.yaml", Some(10), "unknown function `nothing`")]);
    faults(&[("c.yaml", CONSTRAINT)], &[("c.yaml", None, "there is no template that makes `T`")]);
    let two = format!(
        "{TEMPLATE}---\n{CONSTRAINT}---\n{CONSTRAINT}spec: {{match: {{scope: Cluster}}}}\n"
    );
    faults(&[("a.yaml", &two)], &[("a.yaml", Some(16), "there is another `T` of the name `c`")]);
}

#[test]
fn other_folders_are_none_of_gatekeeper() {
    let (_dir, none) =
        folder(&[("a.yaml", "metadata.gatekeeper.sh/x: 1"), ("b.rego", "package b")]);
    assert!(none.is_none());
    let (_dir, bundle) = folder(&[("t.yaml", TEMPLATE), (".manifest", "{}")]);
    assert!(bundle.is_none());
    assert!(Folder::from_path(Path::new("/nonesuch")).unwrap().is_none());
}
