//! Runs the binary against the real OpenStack of `ci/testbed/openstack`, which
//! must be up and seeded. Off by default: `ci/test` asks for them with
//! `--ignored`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod testbed;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testbed::{Session, script};

impl Session {
    /// Collects a cloud and gives its coverage: kind → entry.
    #[track_caller]
    fn collect(&self, cloud: &str) -> BTreeMap<String, Value> {
        let out = self.run(&["collect", "--cloud", cloud]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        self.coverage(cloud)
    }

    fn coverage(&self, cloud: &str) -> BTreeMap<String, Value> {
        let shown = self.json(&["snapshot", "show", "--cloud", cloud, "-f", "json"]);
        let entries = shown["coverage"].as_array().unwrap().clone();
        entries.into_iter().map(|e| (e["kind"].as_str().unwrap().to_owned(), e)).collect()
    }
}

/// What another client counts, as admin.
fn counted_elsewhere() -> BTreeMap<String, u64> {
    serde_json::from_str(&script("counts", &[])).unwrap()
}

/// Kinds that the other client counts and that are not collected, each with
/// the reason.
const NOT_COLLECTED: [(&str, &str); 16] = [
    ("block-storage.attachment", "every volume's body lists its attachments"),
    ("block-storage.availability_zone", "services and volumes name theirs"),
    ("block-storage.group_type", "no standard or check asks for it"),
    ("block-storage.transfer", "a passing state"),
    ("compute.availability_zone", "the detailed list has the internal zone too"),
    ("identity.ec2_credential", "among identity.credential, without the secret"),
    ("identity.policy", "deprecated, and empty everywhere"),
    ("image.image/community", "a part of image.image"),
    ("image.image/default", "a part of image.image"),
    ("image.image/hidden", "a part of image.image"),
    ("network.address_scope", "no standard or check asks for it"),
    ("network.extension", "a list of what the API can do, not of what is there"),
    ("network.port_forwarding", "every floating IP's body lists its own"),
    ("placement.inventory", "one resource per provider, with all its classes"),
    ("placement.resource_class", "a list of what the API knows, not of what is there"),
    ("placement.trait", "one resource per provider, with all its traits"),
];

#[test]
#[ignore = "needs the testbed"]
fn live_every_kind_has_the_count_that_another_client_reports() {
    let session = Session::new();
    let coverage = session.collect("testbed");
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (kind, expected) in counted_elsewhere() {
        if NOT_COLLECTED.iter().any(|(k, _)| *k == kind) {
            continue;
        }
        match coverage.get(&kind) {
            Some(e) if e["status"] == "complete" && e["count"] == expected => compared += 1,
            Some(e) => wrong.push(format!("{kind}: {e}, want {expected}")),
            None => wrong.push(format!("{kind}: not in the snapshot, want {expected}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared >= 40, "only {compared} kinds compared");
    for (kind, entry) in &coverage {
        let status = entry["status"].as_str().unwrap();
        assert!(matches!(status, "complete" | "absent"), "{kind}: {entry}");
    }
}

#[test]
#[ignore = "needs the testbed"]
fn live_long_lists_come_in_pages() {
    let session = Session::new();
    let mut command = session.command(&["collect", "--cloud", "testbed"]);
    let out = command.env("TIDEGATE_LOG", "tidegate_openstack=debug").output().unwrap();
    let log = String::from_utf8_lossy(&out.stderr).into_owned();
    for list in ["/v2/images?", "/volumes/detail?"] {
        let next = |l: &&str| l.contains(list) && l.contains("marker=");
        assert!(log.lines().any(|l| next(&l)), "no second page of {list} in {log}");
    }
}

#[test]
#[ignore = "needs the testbed"]
fn live_every_way_to_sign_in_gives_a_verdict() {
    for cloud in [
        "testbed",
        "testbed-system",
        "testbed-reader",
        "testbed-system-reader",
        "testbed-member",
        "testbed-appcred",
    ] {
        let session = Session::new();
        let out = session.run(&["scan", "--cloud", cloud, "-f", "json"]);
        let code = out.status.code().unwrap();
        assert_eq!(code, 2, "{cloud}: {}", String::from_utf8_lossy(&out.stderr));
        let report: Value = serde_json::from_slice(&out.stdout).unwrap();
        let rules = report["subjects"][0]["rules"].as_array().unwrap();
        let verdict = |id: &str| {
            let rule = rules.iter().find(|r| r["id"] == id).unwrap();
            rule["verdict"].as_str().unwrap().to_owned()
        };
        // Nova shows a system token flavors without their extra specs.
        let system = cloud.contains("system");
        let expected = if system { ["abort", "abort"] } else { ["pass", "fail"] };
        // The seed has SCS-1V-4 right and lacks SCS-8V-16.
        let found = ["scs-0103-flavor-1v-4", "scs-0103-flavor-8v-16"].map(verdict);
        assert_eq!(found, expected, "{cloud}");
    }
}

#[test]
#[ignore = "needs the testbed"]
fn live_a_reader_says_what_it_could_not_see() {
    let session = Session::new();
    let coverage = session.collect("testbed-reader");
    assert_eq!(coverage["compute.hypervisor"]["status"], "forbidden");
    assert_eq!(coverage["compute.flavor"]["status"], "complete");
    assert_ne!(coverage["compute.server"]["visibility"], "all");
    let out = session.run(&["check", "--cloud", "testbed-reader"]);
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(text.contains("compute.hypervisor") && text.contains("forbidden"), "{text}");
}

/// Two clouds.yaml files with one cloud name, so that two credentials write
/// one chain of snapshots.
fn as_cloud(dir: &Path, from: &str) -> PathBuf {
    let text = std::fs::read_to_string(testbed::folder().join("clouds.yaml")).unwrap();
    let from_at = text.find(&format!("  {from}:\n")).unwrap();
    let body = &text[from_at + from.len() + 4..];
    let end = body
        .match_indices("\n  ")
        .find(|(at, _)| !body[at + 3..].starts_with(' '))
        .map_or(body.len(), |(at, _)| at);
    let path = dir.join(format!("{from}.yaml"));
    std::fs::write(&path, format!("clouds:\n  shared:\n{}\n", &body[..end])).unwrap();
    path
}

#[test]
#[ignore = "needs the testbed"]
fn live_an_admin_followed_by_a_reader_deletes_nothing() {
    let mut session = Session::new();
    session.clouds = as_cloud(session.dir.path(), "testbed");
    session.collect("shared");
    let servers = |s: &Session| {
        let all = s.json(&["snapshot", "show", "compute.server", "-f", "json"]);
        all["resources"].as_array().unwrap().clone()
    };
    let before = servers(&session);
    session.clouds = as_cloud(session.dir.path(), "testbed-member");
    session.collect("shared");
    let after = servers(&session);
    let keys = |all: &[Value]| all.iter().map(|s| s["key"].clone()).collect::<Vec<_>>();
    assert_eq!(keys(&before), keys(&after));
    let unseen = after.iter().filter(|s| !s["unseen_since"].is_null()).count();
    assert!(unseen > 0 && unseen < after.len(), "{unseen} of {} unseen", after.len());

    session.clouds = as_cloud(session.dir.path(), "testbed");
    session.collect("shared");
    assert!(servers(&session).iter().all(|s| s["unseen_since"].is_null()));
}

#[test]
#[ignore = "needs the testbed"]
fn live_identical_state_twice_changes_nothing() {
    let session = Session::new();
    session.collect("testbed");
    let again = || {
        let out = session.run(&["collect", "--cloud", "testbed"]);
        String::from_utf8_lossy(&out.stderr).into_owned()
    };
    // A service that was restarted a moment ago may still turn from down to up.
    let mut text = again();
    for _ in 0..4 {
        if text.contains(" 0 changed, 0 gone, 0 not seen") {
            return;
        }
        std::thread::sleep(Duration::from_secs(10));
        text = again();
    }
    panic!("{text}");
}

#[test]
#[ignore = "needs the testbed"]
fn live_a_wrong_password_is_told_in_one_line() {
    let out = Session::new().run(&["scan", "--cloud", "testbed-wrong-password"]);
    assert_eq!(out.status.code(), Some(1));
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(text.starts_with("error: ") && text.contains("refused the credentials"), "{text}");
    assert!(text.contains("hint: "), "{text}");
    assert!(!text.contains("not-the-password"), "{text}");
}

/// Process ids of the master behind the volume API and of its workers.
fn cinder_api() -> Vec<String> {
    let master = std::fs::read_to_string(testbed::folder().join("run/cinder-api.pid")).unwrap();
    // The file holds the process id and when it started.
    let master = master.split_whitespace().next().unwrap().to_owned();
    let out = Command::new("pgrep").args(["-P", &master]).output().unwrap();
    let workers = String::from_utf8(out.stdout).unwrap();
    std::iter::once(master).chain(workers.lines().map(str::to_owned)).collect()
}

fn signal(signal: &str, pids: &[String]) {
    let done = Command::new("kill").arg(signal).args(pids).status().unwrap();
    assert!(done.success());
}

/// Brings the volume API back even when the test fails.
struct Restore;
impl Drop for Restore {
    fn drop(&mut self) {
        script("up", &[]);
    }
}

#[test]
#[ignore = "needs the testbed"]
fn live_a_service_killed_in_the_middle_loses_only_its_own_kinds() {
    let session = Session::new();
    let before = session.collect("testbed");
    let pids = cinder_api();
    assert!(pids.len() > 1, "the volume API is not running");
    let restore = Restore;
    // Frozen, it takes connections and does not answer: the collection is
    // surely in the middle of it when it dies.
    signal("-STOP", &pids);
    let child = session.command(&["collect", "--cloud", "testbed"]).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(3));
    signal("-KILL", &pids);
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success());
    let after = session.coverage("testbed");
    drop(restore);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (kind, entry) in &after {
        if kind.starts_with("block-storage.") {
            assert_eq!(entry["status"], "failed", "{kind}");
        } else if before[kind]["status"] != "failed" {
            // A service that was still starting may be there now.
            assert_eq!(entry["status"], before[kind]["status"], "{kind}: {entry}");
        }
    }
    let volumes = session.json(&[
        "snapshot",
        "show",
        "block-storage.volume",
        "--cloud",
        "testbed",
        "-f",
        "json",
    ]);
    let volumes = volumes["resources"].as_array().unwrap();
    assert!(!volumes.is_empty() && volumes.iter().all(|v| !v["unseen_since"].is_null()));
}

#[test]
#[ignore = "needs the testbed"]
fn live_no_secret_of_the_cloud_reaches_the_store() {
    let session = Session::new();
    session.collect("testbed");
    let mut shown = String::new();
    for kind in session.coverage("testbed").keys() {
        let out = session.run(&["snapshot", "show", kind, "--cloud", "testbed", "-f", "json"]);
        shown.push_str(&String::from_utf8(out.stdout).unwrap());
    }
    for secret in ["testbed-appcred-secret", "\"blob\": \"{"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}
