//! Checking, signing, proving and packing, as people do it; the unhappy cases
//! first.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod shell;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use shell::Shell;

// The example of golang.org/x/mod/sumdb/note, and a second key.
const PRIVATE: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n";
const PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const OTHER: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";

/// The example cloud, collected three times.
fn shell() -> Shell {
    let shell = Shell::new();
    for _ in 0..3 {
        assert_eq!(shell.run("collect --example --store s -q").code, 0);
    }
    shell.write("key", PRIVATE);
    assert!(Command::new("chmod").arg("600").arg(shell.path("key")).status().unwrap().success());
    shell
}

fn only(shell: &Shell, folder: &str) -> Vec<PathBuf> {
    let cloud = std::fs::read_dir(shell.path(folder)).unwrap().next().unwrap().unwrap().path();
    let mut files: Vec<_> = std::fs::read_dir(cloud).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn what_cannot_be_read_is_told_apart_from_what_is_wrong() {
    let shell = Shell::new();
    shell.run("snapshot verify --store s").refused(64, &["the store is empty", "tidegate collect"]);
    shell.run("snapshot checkpoint --store s").refused(64, &["the store is empty"]);
    shell.run("snapshot verify-proof none.json").refused(64, &["cannot read proof `none.json`"]);
    shell.write("not-a-key", "x");
    shell.write("no-proof.json", "{}");
    for command in ["verify --store s", "verify-proof no-proof.json"] {
        let refused = shell.run(&format!("snapshot {command} --key not-a-key"));
        refused.refused(64, &["cannot use the public keys of `not-a-key`", "name+id+base64"]);
        let refused = shell.run(&format!("snapshot {command} --key nowhere"));
        refused.refused(64, &["`nowhere` is neither a public key nor a readable file"]);
    }
    let ran = shell.run("snapshot verify-proof no-proof.json");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stdout.starts_with("no-proof.json: failed\n"), "{ran:?}");
    shell.run("snapshot verify --against nowhere --store s").refused(64, &["checkpoint `nowhere`"]);
    shell.run("snapshot verify --against not-a-key --store s").refused(1, &["not a signed note"]);
}

#[test]
fn damage_is_named_and_fails_a_pipeline() {
    let shell = shell();
    let ran = shell.run("snapshot verify --store s");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].ends_with(": consistent"), "{ran:?}");
    assert_eq!(lines[1], "  snapshots    3, roots of 3 computed anew");
    shell.run("snapshot verify nowhere --store s").refused(64, &["there is no cloud `nowhere`"]);

    let segment = &only(&shell, "s/segments")[0];
    let mut bytes = std::fs::read(segment).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 4;
    std::fs::write(segment, bytes).unwrap();
    let ran = shell.run("snapshot verify --store s");
    assert_eq!(ran.code, 2, "{ran:?}");
    let name = segment.file_name().unwrap().to_str().unwrap();
    assert!(ran.stdout.lines().nth(1).unwrap().contains(name), "{ran:?}");
    let json = shell.run("snapshot verify --store s -f json").json();
    assert_eq!(json["exit"], 2);
    assert_eq!(json["clouds"][0]["state"], "failed");
    assert!(json["clouds"][0]["faults"][0]["object"].as_str().unwrap().ends_with(name));
}

#[test]
fn a_checkpoint_kept_elsewhere_shows_a_rolled_back_head_and_a_key_shows_who_signed() {
    let shell = shell();
    let verify = |options: &str| shell.run(&format!("snapshot verify --store s {options}"));
    let ran = verify(&format!("--key {PUBLIC}"));
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stdout.contains("signed as asked for: there is none"), "{ran:?}");

    let ran = shell.run("snapshot checkpoint --store s --key key -o kept.note");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    assert!(ran.stderr.contains(PUBLIC), "{ran:?}");
    let note = std::fs::read_to_string(shell.path("kept.note")).unwrap();
    assert!(note.starts_with("tidegate/") && note.contains("\n3\n"), "{note}");
    let again = shell.run("snapshot checkpoint --store s");
    assert_eq!(again.stdout, note, "signatures in the store are shown");

    let ran = verify(&format!("--key {PUBLIC} --against kept.note"));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains(": authentic\n  signed by    PeterNeumann\n"), "{ran:?}");
    shell.write("keys", &format!("# either\n{OTHER}\n{PUBLIC}\n"));
    assert_eq!(verify("--key keys").code, 0);
    let ran = verify(&format!("--key {OTHER} --key {PUBLIC}"));
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stdout.contains("it is not signed by `EnochRoot`"), "{ran:?}");

    // One more snapshot is not covered yet.
    assert_eq!(shell.run("collect --example --store s -q").code, 0);
    let ran = verify(&format!("--key {PUBLIC}"));
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stdout.contains("/4.json: no checkpoint over it"), "{ran:?}");
    assert_eq!(verify("--against kept.note").code, 0);

    // Rolled back to two, with all that tells of the others.
    for folder in ["s/manifests", "s/segments", "s/checkpoints"] {
        for file in only(&shell, folder) {
            let name = file.file_name().unwrap().to_str().unwrap();
            if name.starts_with('3') || name.starts_with('4') {
                std::fs::remove_file(file).unwrap();
            }
        }
    }
    assert_eq!(verify("").code, 0);
    let ran = verify("--against kept.note");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.stdout.contains("covers 3 snapshots, the store has 2: it was rolled back"),
        "{ran:?}"
    );
    // Nothing that contradicts what was signed is signed.
    let ran = shell.run("snapshot checkpoint --store s --key key -o kept.note");
    ran.refused(1, &["`kept.note` is in the way", "rolled back"]);
    let kept = std::fs::read_to_string(shell.path("kept.note")).unwrap();
    assert_eq!(kept, note);
}

#[test]
fn a_proof_is_checked_without_the_store_and_any_change_of_it_is_refused() {
    let shell = shell();
    shell.run("snapshot prove nothing --store s").refused(64, &["`nothing`"]);
    let all = shell.run("snapshot show compute.flavor --store s -f json").json();
    let key = all["resources"][0]["key"].as_str().unwrap().to_owned();
    let ran =
        shell.run(&format!("snapshot prove {key} --at latest~1 --store s --key key -o p.json"));
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    std::fs::rename(shell.path("s"), shell.path("gone")).unwrap();

    let ran = shell.run(&format!("snapshot verify-proof p.json --key {PUBLIC}"));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.starts_with("p.json: authentic\n"), "{ran:?}");
    assert!(ran.stdout.contains(&key) && ran.stdout.contains("@2, taken"), "{ran:?}");
    assert!(shell.run("snapshot verify-proof p.json").stdout.starts_with("p.json: consistent\n"));
    let json = shell.run("snapshot verify-proof p.json -f json").json();
    assert_eq!(json["body"], all["resources"][0]["body"]);

    let ran = shell.run(&format!("snapshot verify-proof p.json --key {OTHER}"));
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stdout.contains("not signed by `EnochRoot`"), "{ran:?}");
    // The size too, which only the signature binds.
    let proof: Value =
        serde_json::from_str(&std::fs::read_to_string(shell.path("p.json")).unwrap()).unwrap();
    for (name, value) in proof.as_object().unwrap() {
        let mut forged = proof.clone();
        let place = &mut forged[name];
        match place {
            Value::Array(path) => path[0] = changed(&path[0]),
            other => *other = changed(value),
        }
        shell.write("forged.json", &forged.to_string());
        let ran = shell.run(&format!("snapshot verify-proof forged.json --key {PUBLIC}"));
        assert_eq!(ran.code, 2, "{name}: {ran:?}");
    }
    let larger =
        std::fs::read_to_string(shell.path("p.json")).unwrap().replace("\\n3\\n", "\\n4\\n");
    shell.write("forged.json", &larger);
    assert_eq!(shell.run(&format!("snapshot verify-proof forged.json --key {PUBLIC}")).code, 2);
}

/// Something like it: the last letter or digit is another one.
fn changed(value: &Value) -> Value {
    let Value::String(text) = value else { return (value.as_u64().unwrap() + 1).into() };
    let at = text.rfind(|c: char| c.is_ascii_alphanumeric()).unwrap();
    let other = if text.as_bytes()[at] == b'0' { "1" } else { "0" };
    format!("{}{other}{}", &text[..at], &text[at + 1..]).into()
}

fn unpack(shell: &Shell, name: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut tar = tar::Archive::new(std::fs::File::open(shell.path(name)).unwrap());
    let mut last = String::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        assert!(last < path, "{last} before {path}");
        last.clone_from(&path);
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(path, bytes);
    }
    files
}

#[test]
fn an_export_has_all_that_an_auditor_needs_and_is_the_same_each_time() {
    let shell = Shell::new();
    let scan = shell.run("scan --example --store s -q");
    assert!(scan.code == 2 || scan.code == 3, "{scan:?}");
    shell
        .run("snapshot export --out none/a.tar --store s")
        .refused(1, &["cannot write into `none`"]);
    let ran = shell.run("snapshot export --out a.tar --bundle openstack-none --store s");
    ran.refused(64, &["there is no bundle `openstack-none`"]);
    let waiver = "- id: W-1\n  rules: [scs-*]\n  resources: ['*']\n  reason: ordered\n  owner: jane@example.org\n  expires: 2027-02-01\n";
    shell.write("w.yaml", &format!("waivers:\n{waiver}"));
    let export = "snapshot export --scope scs-compatible-iaas --waivers w.yaml --store s --out";
    for name in ["a.tar", "b.tar"] {
        let ran = shell.run(&format!("{export} {name}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    }
    assert!(
        std::fs::read(shell.path("a.tar")).unwrap() == std::fs::read(shell.path("b.tar")).unwrap()
    );
    let left = std::fs::read_dir(shell.dir.path()).unwrap();
    let hidden = |n: &std::ffi::OsString| n.to_string_lossy().starts_with(".tidegate-export");
    assert!(!left.map(|f| f.unwrap().file_name()).any(|n| hidden(&n)), "nothing is left behind");

    let files = unpack(&shell, "a.tar");
    for name in [
        "SHA256SUMS",
        "checkpoint.note",
        "index.html",
        "manifests/1.json",
        "records/1.json",
        "state/compute.flavor.ndjson",
        "verdicts/recorded.json",
        "verdicts/recorded.salt",
        "verdicts/recorded.html",
        "verdicts/now.json",
        "waivers/w.yaml",
    ] {
        assert!(files.contains_key(name), "{name} of {:?}", files.keys());
    }
    assert!(
        files.keys().any(|n| n.starts_with("bundles/scs-compatible-iaas/") && n.ends_with(".rego"))
    );
    let index = std::str::from_utf8(&files["index.html"]).unwrap();
    let loads = ["src=", "://", "\"//", "url("].iter().find(|part| index.contains(**part));
    // Two slashes alone may stand in a hash in base64.
    assert_eq!(loads, None, "it opens offline");
    for name in files.keys().filter(|n| !matches!(n.as_str(), "SHA256SUMS" | "index.html")) {
        assert!(index.contains(&format!("href=\"{name}\"")), "{name}");
    }
    independent(&shell);
}

/// What an auditor computes without tidegate, with Python's standard library.
fn independent(shell: &Shell) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/check_export.py");
    let ran = Command::new("python3").arg(script).arg(shell.path("a.tar")).output().unwrap();
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{text}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(text.contains("checkpoint: right"), "{text}");
}
