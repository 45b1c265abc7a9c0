use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tidegate_model::{Resource, Status};

use super::*;

const GOOD: &str = "\
schema: tidegate.attestation/v1
testcase: scs-0118-ceph
subject: prod1
verdict: pass
statement: Ceph holds all volumes.
by: Ada Lovelace, platform team
issued: 2026-01-15
expires: 2027-01-14
documents:
  - title: Storage concept
    url: https://docs.example/storage
    sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
  - title: Minutes
";

fn at() -> Timestamp {
    "2026-11-22T23:59:59Z".parse().unwrap()
}

fn subject() -> Subject {
    Subject::new("prod1").unwrap()
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

/// A signature is the word `by NAME`; `eve` is nobody known.
fn by_name(_: &[u8], armored: &str) -> SignatureStatus {
    match armored.strip_prefix("by ") {
        Some("eve") => {
            let problem = "the key is not among the allowed signers".to_owned();
            SignatureStatus::UnknownSigner { problem, key: Some("SHA256:e".to_owned()) }
        }
        Some(name) => SignatureStatus::Valid {
            principal: name.to_owned(),
            key: "SHA256:k".to_owned(),
            until: None,
        },
        None => SignatureStatus::Invalid { problem: "it is not a signature".to_owned() },
    }
}

struct Seen {
    resources: Vec<Resource>,
    status: Status,
    notices: Vec<String>,
}

impl Seen {
    fn body(&self) -> Value {
        let [one] = self.resources.as_slice() else { panic!("{:?}", self.resources) };
        serde_json::from_str(&one.body).unwrap()
    }
}

#[track_caller]
fn seen(dir: &tempfile::TempDir) -> Seen {
    seen_with(&[dir.path().to_owned()], Some(&by_name))
}

#[track_caller]
fn seen_with(paths: &[PathBuf], verify: Option<&Verify<'_>>) -> Seen {
    let got = attestations(paths, &subject(), at(), None, verify).unwrap();
    let mut resources = Vec::new();
    let mut status = None;
    for c in got.collected {
        match c {
            Collected::Page(page) => resources.extend(page),
            Collected::Coverage(c) => {
                assert_eq!(
                    (&*c.source, c.kind.as_str()),
                    ("attestations", "attestation.statement")
                );
                status = Some(c.status);
            }
        }
    }
    let short = |n: &Notice| {
        let text = n.to_string();
        paths.iter().fold(text, |t, p| t.replace(&format!("{}/", p.display()), ""))
    };
    Seen { resources, status: status.unwrap(), notices: got.notices.iter().map(short).collect() }
}

#[test]
fn a_signed_statement_becomes_a_resource() {
    let dir = folder(&[("ceph.yaml", GOOD), ("ceph.yaml.sig", "by ada"), ("readme.txt", "x")]);
    let got = seen(&dir);
    assert_eq!(got.status, Status::Complete { count: 1 });
    assert_eq!(got.notices, Vec::<String>::new());
    assert_eq!(got.resources[0].key.as_str(), "evidence/attestation.statement/-/scs-0118-ceph");
    assert_eq!(
        got.body(),
        json!({
            "testcase": "scs-0118-ceph", "subject": "prod1", "verdict": "pass",
            "statement": "Ceph holds all volumes.", "by": "Ada Lovelace, platform team",
            "issued": "2026-01-15", "expires": "2027-01-14",
            "documents": [
                {"title": "Storage concept", "url": "https://docs.example/storage",
                 "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                {"title": "Minutes"},
            ],
            "tidegate": {
                "file": "ceph.yaml", "sha256": Digest::of(GOOD.as_bytes()).to_string(),
                "signature": {"status": "valid", "principal": "ada", "key": "SHA256:k"},
            },
        })
    );
    let one = seen_with(&[dir.path().join("ceph.yaml")], Some(&by_name));
    assert_eq!(one.body(), got.body(), "a file may be named as well");
}

#[test]
fn without_files_the_kind_is_complete() {
    assert_eq!(seen_with(&[], None).status, Status::Complete { count: 0 });
    assert_eq!(seen(&folder(&[])).status, Status::Complete { count: 0 });
}

#[test]
fn what_is_not_validly_signed_says_so() {
    #[track_caller]
    fn check(sig: Option<&str>, verify: Option<&Verify<'_>>, expected: Value) {
        let dir = folder(&[("a.yaml", GOOD)]);
        if let Some(sig) = sig {
            fs::write(dir.path().join("a.yaml.sig"), sig).unwrap();
        }
        let got = seen_with(&[dir.path().to_owned()], verify);
        assert_eq!(got.body()["tidegate"]["signature"], expected);
        let problem = expected["problem"].as_str().unwrap();
        assert_eq!(got.notices, [format!("attestation `a.yaml` does not count: {problem}")]);
    }
    check(
        None,
        Some(&by_name),
        json!({"status": "absent", "problem": "there is no signature beside it"}),
    );
    check(
        Some("x"),
        Some(&by_name),
        json!({"status": "invalid", "problem": "it is not a signature"}),
    );
    check(
        Some("by eve"),
        Some(&by_name),
        json!({"status": "unknown-signer", "key": "SHA256:e",
               "problem": "the key is not among the allowed signers"}),
    );
    check(
        Some("by ada"),
        None,
        json!({"status": "unknown-signer", "problem": "no list of allowed signers was given"}),
    );
}

#[test]
fn one_statement_per_testcase_counts() {
    let with = |issued: &str, verdict: &str| {
        GOOD.replace("2026-01-15", issued).replace("verdict: pass", &format!("verdict: {verdict}"))
    };
    let (old, new) = (with("2026-01-15", "pass"), with("2026-06-01", "pass"));
    let (refuted, future) = (with("2026-06-01", "fail"), with("2026-12-01", "fail"));
    #[track_caller]
    fn check(files: &[(&str, &str, Option<&str>)], counts: &str, others: &[&str]) {
        let dir = folder(&files.iter().map(|(n, t, _)| (*n, *t)).collect::<Vec<_>>());
        for (name, _, sig) in files {
            if let Some(sig) = sig {
                fs::write(dir.path().join(format!("{name}.sig")), sig).unwrap();
            }
        }
        let got = seen(&dir);
        assert_eq!(got.body()["tidegate"]["file"], *counts);
        let notices: Vec<String> = others
            .iter()
            .map(|o| format!("attestation `{o}` gives way to `{counts}`, both for `scs-0118-ceph`"))
            .collect();
        assert_eq!(got.notices, notices);
    }
    let by = Some("by ada");
    check(&[("a.yaml", &old, by), ("b.yml", &new, by)], "b.yml", &["a.yaml"]);
    check(&[("a.yaml", &old, by), ("b.yml", &new, None)], "a.yaml", &["b.yml"]);
    check(&[("a.yaml", &old, by), ("b.yml", &refuted, Some("by eve"))], "a.yaml", &["b.yml"]);
    check(&[("a.yaml", &old, by), ("b.yml", &future, by)], "a.yaml", &["b.yml"]);
    check(
        &[("a.yaml", &new, by), ("b.yml", &refuted, by), ("c.yml", &old, by)],
        "b.yml",
        &["a.yaml", "c.yml"],
    );
}

#[test]
fn what_does_not_count_is_told() {
    let other = GOOD.replace("prod1", "prod2");
    let expired = GOOD.replace("-ceph", "-b").replace("2027-01-14", "2026-11-21");
    let last_day = GOOD.replace("-ceph", "-c").replace("2027-01-14", "2026-11-22");
    let future = GOOD.replace("-ceph", "-d").replace("2026-01-15", "2026-11-23");
    let dir = folder(&[
        ("a.yaml", &other),
        ("b.yaml", &expired),
        ("b.yaml.sig", "by ada"),
        ("c.yaml", &last_day),
        ("c.yaml.sig", "by ada"),
        ("d.yaml", &future),
        ("d.yaml.sig", "by ada"),
        ("gone.yaml.sig", "by ada"),
    ]);
    let got = seen(&dir);
    assert_eq!(got.resources.len(), 3, "time is judged by rules");
    assert_eq!(
        got.notices,
        [
            "attestation `a.yaml` is about `prod2`",
            "attestation `b.yaml` counted until 2026-11-21",
            "attestation `d.yaml` counts from 2026-11-23 on",
            "signature `gone.yaml.sig` has no file that it signs",
        ]
    );
}

/// Files that are wrong, with the line and the words that say so. The schema
/// refuses them too, unless it cannot say such a thing.
const WRONG: [(&str, &str, usize, &str, bool); 17] = [
    ("by: Ada", "signed_by: Ada", 6, "unknown field `signed_by`", true),
    ("issued: 2026-01-15", "issued: 15.01.2026", 7, "`15.01.2026` is not a day", true),
    ("issued: 2026-01-15", "issued: 20260115", 7, "expected a text", true),
    ("issued: 2026-01-15", "issued: 2026-01-15T00:00:00Z", 7, "is not a day", true),
    ("issued: 2026-01-15", "issued: 2026-02-30", 7, "`2026-02-30` is not a day", false),
    ("expires: 2027-01-14", "expires: 2026-01-14", 8, "before it is issued on 2026-01-15", false),
    ("verdict: pass", "verdict: maybe", 4, "`maybe` is neither `pass` nor `fail`", true),
    (
        "attestation/v1",
        "attestation/v2",
        1,
        "`tidegate.attestation/v2` is not `tidegate.attestation/v1`",
        true,
    ),
    ("subject: prod1", "subject: ../x", 3, "`../x` is not a subject", true),
    ("testcase: scs-0118-ceph", "testcase: 'a b'", 2, "`a b` is not a rule id", true),
    ("statement: Ceph holds all volumes.", "statement: ''", 5, "a text is empty", true),
    ("by: Ada Lovelace, platform team", "by: 12", 6, "expected a text", true),
    ("url: https://docs.example/storage", "url:", 11, "expected a text", true),
    ("sha256: e3b0", "sha256: E3B0", 12, "is not a SHA-256 digest", true),
    ("- title: Minutes", "- name: Minutes", 13, "unknown field `name`", true),
    ("verdict: pass\n", "", 1, "missing field `verdict`", true),
    ("verdict: pass", "verdict: pass: x", 4, "mapping values are not allowed", false),
];

#[test]
fn a_wrong_file_is_an_error_with_its_line() {
    for (from, to, line, why, _) in WRONG {
        let dir = folder(&[("a.yaml", &GOOD.replace(from, to))]);
        let path = dir.path().join("a.yaml");
        let e =
            attestations(std::slice::from_ref(&path), &subject(), at(), None, None).unwrap_err();
        let text = e.to_string();
        let head = format!("attestation `{}` line {line} is not usable: ", path.display());
        assert!(text.starts_with(&head) && text.contains(why), "{to}: {text}");
        assert!(e.hint().contains("ssh-keygen -Y sign"));
    }
}

#[test]
fn files_that_cannot_be_read_are_errors() {
    let outside = folder(&[("x.yaml", GOOD)]);
    let dir = folder(&[]);
    let path = dir.path().join("a.yaml");
    let error = |p: PathBuf| attestations(&[p], &subject(), at(), None, None).unwrap_err();
    std::os::unix::fs::symlink(outside.path().join("x.yaml"), &path).unwrap();
    assert!(error(dir.path().to_owned()).to_string().ends_with("leads out of the folder"));
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"schema: x\nby: \xff\n").unwrap();
    assert!(error(path.clone()).to_string().contains("line 2 is not usable: it is not UTF-8"));
    assert!(error(dir.path().join("none")).to_string().ends_with("no such file or directory"));
}

#[test]
fn the_schema_says_the_same() {
    let schema: Value =
        serde_json::from_str(include_str!("../../schemas/attestation.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let good: Value = yaml_serde::from_str(GOOD).unwrap();
    let errors: Vec<String> = validator.iter_errors(&good).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    for name in schema["required"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        let mut less = good.clone();
        less.as_object_mut().unwrap().remove(name);
        assert!(!validator.is_valid(&less), "without {name}");
        assert!(format::parse(&less.to_string()).is_err(), "without {name}");
    }
    for (from, to, _, _, refused) in WRONG {
        if refused {
            let wrong: Value = yaml_serde::from_str(&GOOD.replace(from, to)).unwrap();
            assert!(!validator.is_valid(&wrong), "{to}");
        }
    }
}

#[test]
fn a_secret_in_a_statement_is_not_handed_over() {
    let told = GOOD
        .replace("Ceph holds", "root password=CANARY holds")
        .replace("https://docs.example", "https://bob:CANARY@docs.example");
    let dir = folder(&[("a.yaml", &told)]);
    for key in [None, Some(RedactionKey::new("k"))] {
        let paths = [dir.path().to_owned()];
        let got = attestations(&paths, &subject(), at(), key.as_ref(), None).unwrap();
        let text = format!("{got:?}");
        assert!(!text.contains("CANARY"), "{text}");
        assert!(text.contains("[redacted:password") && text.contains("[redacted:url-credentials"));
    }
}

/// The words of the documentation, with the real program.
#[test]
fn what_ssh_keygen_signs_is_valid() {
    let dir = folder(&[("a.yaml", GOOD)]);
    let run = |args: &[&str], stdin: &[u8]| {
        let mut child = Command::new("ssh-keygen")
            .args(args)
            .current_dir(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), stdin).unwrap();
        Some(child.wait_with_output().unwrap())
    };
    let Some(made) = run(&["-q", "-t", "ed25519", "-N", "", "-C", "c", "-f", "key"], b"") else {
        eprintln!("SKIPPED: ssh-keygen is not installed");
        return;
    };
    assert!(made.status.success(), "{made:?}");
    let signed = run(&["-Y", "sign", "-f", "key", "-n", "attestation", "a.yaml"], b"").unwrap();
    assert!(signed.status.success(), "{signed:?}");
    let public = fs::read_to_string(dir.path().join("key.pub")).unwrap();
    let line = format!("ada@example.com namespaces=\"attestation\" {public}");
    fs::write(dir.path().join("signers"), line).unwrap();
    let verify = |file: &[u8], armored: &str| {
        fs::write(dir.path().join("sig"), armored).unwrap();
        let args = [
            "-Y",
            "verify",
            "-f",
            "signers",
            "-I",
            "ada@example.com",
            "-n",
            "attestation",
            "-s",
            "sig",
        ];
        let out = run(&args, file).unwrap();
        match String::from_utf8_lossy(&out.stdout).rsplit_once("key ") {
            Some((_, key)) if out.status.success() => SignatureStatus::Valid {
                principal: "ada@example.com".to_owned(),
                key: key.trim().to_owned(),
                until: None,
            },
            _ => SignatureStatus::Invalid { problem: "ssh-keygen refuses it".to_owned() },
        }
    };
    let paths = [dir.path().join("a.yaml")];
    let signature = seen_with(&paths, Some(&verify)).body()["tidegate"]["signature"].clone();
    assert_eq!(
        (&signature["status"], &signature["principal"]),
        (&json!("valid"), &json!("ada@example.com"))
    );
    assert!(signature["key"].as_str().unwrap().starts_with("SHA256:"), "{signature}");

    fs::write(dir.path().join("a.yaml"), GOOD.replace("pass", "fail")).unwrap();
    let signature = seen_with(&paths, Some(&verify)).body()["tidegate"]["signature"].clone();
    assert_eq!(signature["status"], "invalid");
}
