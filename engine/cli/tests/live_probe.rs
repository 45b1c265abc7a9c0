//! Probes the real OpenStack of `ci/testbed/openstack` as a plain member of a
//! project, and kills the binary in the middle. Whether anything is left is
//! asked with another client. Off by default, as in `live_openstack.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod testbed;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

const CLOUD: &str = "testbed-member";
const KEY_MANAGER: &str = "scs-0116-permissions";
const BACKUP: &str = "scs-0117-test-backup";
const ENTROPY: &str = "scs-0101-entropy-avail";

/// One at a time: each looks at all that is left in the project.
static ALONE: Mutex<()> = Mutex::new(());

/// A store of its own.
struct Session {
    dir: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Session {
    fn new() -> Self {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Self { dir: tempfile::tempdir().unwrap(), _alone }
    }

    fn command(&self, cloud: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command
            .args(args)
            .args(["--cloud", cloud])
            .env_clear()
            .env("HOME", self.dir.path())
            .env("TIDEGATE_STORE", self.dir.path().join("store"))
            .env("OS_CLIENT_CONFIG_FILE", testbed::folder().join("clouds.yaml"));
        command
    }

    fn run(&self, cloud: &str, args: &[&str]) -> Output {
        self.command(cloud, args).output().unwrap()
    }

    /// What the last snapshot holds of a probe.
    #[track_caller]
    fn found(&self, cloud: &str, kind: &str) -> Value {
        let out = self.run(cloud, &["snapshot", "show", kind, "-f", "json"]);
        let shown: Value = serde_json::from_slice(&out.stdout)
            .unwrap_or_else(|e| panic!("{kind}: {e}\n{}", text(&out.stderr)));
        let all = shown["resources"].as_array().unwrap();
        assert_eq!(all.len(), 1, "{kind}");
        all[0]["body"].clone()
    }

    #[track_caller]
    fn clean(&self) {
        let out = self.run(CLOUD, &["probe", "--clean"]);
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    }

    /// Starts a probe and sends a signal a moment after it says that it does
    /// something; gives what it had on standard error by then, and its end.
    fn stop(&self, testcase: &str, at: &str, after: Duration, signal: &str) -> Output {
        let mut command = self.command(CLOUD, &["probe", "--only", testcase]);
        command.env("TIDEGATE_LOG", "tidegate_probe=info").env("NO_COLOR", "1");
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        loop {
            let Some(line) = lines.next() else { panic!("it never said `{at}`:\n{said}") };
            let line = line.unwrap();
            said.push_str(&line);
            said.push('\n');
            if line.trim_end().ends_with(at) {
                break;
            }
        }
        std::thread::sleep(after);
        let pid = child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        for line in lines {
            said.push_str(&line.unwrap());
            said.push('\n');
        }
        let mut out = child.wait_with_output().unwrap();
        out.stderr = said.into_bytes();
        out
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn curl(args: &[&str]) -> String {
    let fixed = ["-s", "--fail-with-body", "-m", "30"];
    let out = Command::new("curl").args(fixed).args(args).output().unwrap();
    assert!(out.status.success(), "curl {args:?}: {}", text(&out.stdout));
    text(&out.stdout)
}

/// Names of probes that are in the member's project, by plain requests.
fn left() -> Vec<String> {
    let body = r#"{"auth":{"identity":{"methods":["password"],"password":{"user":{
        "name":"alpha-user","domain":{"name":"customers"},"password":"secret"}}},
        "scope":{"project":{"name":"alpha","domain":{"name":"customers"}}}}}"#;
    let json = "content-type: application/json";
    let url = "http://127.0.0.1:5000/v3/auth/tokens";
    let head = curl(&["-D", "-", "-o", "/dev/null", "-H", json, "-d", body, url]);
    let token = head.lines().find_map(|l| {
        let (name, value) = l.split_once(':')?;
        name.eq_ignore_ascii_case("x-subject-token").then(|| value.trim().to_owned())
    });
    let token = format!("x-auth-token: {}", token.unwrap());
    let mut names = Vec::new();
    for (path, list) in [
        ("8774/v2.1/servers", "servers"),
        ("8776/v3/volumes", "volumes"),
        ("8776/v3/backups", "backups"),
        ("9696/v2.0/networks", "networks"),
        ("9696/v2.0/subnets", "subnets"),
        ("9696/v2.0/ports", "ports"),
        ("9696/v2.0/routers", "routers"),
        ("9696/v2.0/security-groups", "security_groups"),
        ("9311/v1/secrets", "secrets"),
    ] {
        let answer = curl(&["-H", &token, &format!("http://127.0.0.1:{path}")]);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let all = answer[list].as_array().unwrap_or_else(|| panic!("{path}: {answer}"));
        let name = |v: &Value| v["name"].as_str().unwrap_or_default().to_owned();
        names.extend(all.iter().map(name).filter(|n| n.starts_with("tidegate-probe-")));
    }
    names
}

#[test]
#[ignore = "needs the testbed"]
fn live_a_member_keeps_secrets_and_gets_a_volume_back() {
    let session = Session::new();
    let out = session.run(CLOUD, &["probe", "--only", KEY_MANAGER, "--only", BACKUP]);
    assert_eq!(out.status.code(), Some(0), "{}{}", text(&out.stdout), text(&out.stderr));
    assert!(text(&out.stdout).contains("2 passed"), "{}", text(&out.stdout));
    let found = session.found(CLOUD, "probe.key_manager");
    let statuses: Vec<u64> =
        found["steps"].as_array().unwrap().iter().map(|s| s["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 200, 204], "{found}");
    let found = session.found(CLOUD, "probe.backup");
    let steps = found["steps"].as_array().unwrap();
    assert_eq!((steps.len(), &steps[5]["op"]), (6, &"wait-restored".into()), "{found}");
    assert!(steps.iter().all(|s| s["ok"] == true), "{found}");
    assert_eq!(left(), Vec::<String>::new());
}

#[test]
#[ignore = "needs the testbed"]
fn live_results_are_kept_in_the_next_snapshot() {
    let session = Session::new();
    let out = session.run(CLOUD, &["probe", "--only", KEY_MANAGER]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let before = session.found(CLOUD, "probe.key_manager");
    assert!(session.run(CLOUD, &["collect"]).status.success());
    assert_eq!(session.found(CLOUD, "probe.key_manager"), before);
}

#[test]
#[ignore = "needs the testbed"]
fn live_a_reader_is_refused_and_nothing_is_left() {
    let session = Session::new();
    let cloud = "testbed-member-reader";
    session.run(cloud, &["probe", "--only", KEY_MANAGER, "--only", BACKUP]);
    let found = session.found(cloud, "probe.key_manager");
    assert_eq!((&found["outcome"], &found["steps"][0]["status"]), (&"done".into(), &403.into()));
    let found = session.found(cloud, "probe.backup");
    assert_eq!((&found["outcome"], &found["steps"][0]["ok"]), (&"done".into(), &false.into()));
    assert_eq!(left(), Vec::<String>::new());
}

#[test]
#[ignore = "needs the testbed"]
fn live_a_neutron_that_lists_its_default_rules_is_not_tried() {
    let session = Session::new();
    session.run(CLOUD, &["probe", "--only", "scs-0115-default-rules"]);
    let found = session.found(CLOUD, "probe.default_security_group");
    assert_eq!(found["outcome"], "not-offered", "{found}");
    assert_eq!(left(), Vec::<String>::new());
}

#[test]
#[ignore = "needs the testbed"]
fn live_servers_without_console_give_no_result_and_are_removed() {
    let session = Session::new();
    let out = session.run(CLOUD, &["probe", "--only", ENTROPY, "--budget-seconds", "60"]);
    assert_eq!(out.status.code(), Some(3), "{}{}", text(&out.stdout), text(&out.stderr));
    let found = session.found(CLOUD, "probe.entropy");
    assert_eq!(found["outcome"], "failed", "{found}");
    let reason = found["reason"].as_str().unwrap();
    // The testbed's servers get as far as that.
    assert!(reason.contains("console"), "{reason}");
    assert_eq!(left(), Vec::<String>::new());
}

/// The stages of a probe: what it says, and how long after that it is killed.
/// Right after saying that it creates something, the request is under way.
const STAGES: [(&str, &str, u64); 15] = [
    (KEY_MANAGER, "-secret", 0),
    (KEY_MANAGER, "-secret", 30),
    (BACKUP, "-volume", 0),
    (BACKUP, "-volume", 100),
    (BACKUP, "-volume", 1500),
    (BACKUP, "-backup", 100),
    (BACKUP, "-backup", 1500),
    (BACKUP, "-restored", 100),
    (BACKUP, "-restored", 1500),
    (ENTROPY, "-subnet", 100),
    (ENTROPY, "-router", 100),
    (ENTROPY, "-root", 100),
    (ENTROPY, "-server", 100),
    (ENTROPY, "-server", 1500),
    (ENTROPY, "the server's console", 500),
];

#[test]
#[ignore = "needs the testbed"]
fn live_whatever_a_killed_probe_leaves_is_cleaned_up() {
    let session = Session::new();
    let mut ever_left = 0;
    for (testcase, at, after) in STAGES {
        session.stop(testcase, at, Duration::from_millis(after), "-KILL");
        ever_left += left().len();
        session.clean();
        assert_eq!(left(), Vec::<String>::new(), "killed {after} ms after `{at}`");
    }
    assert!(ever_left > 20, "only {ever_left} were ever left, so nothing was cleaned up");
}

#[test]
#[ignore = "needs the testbed"]
fn live_ctrl_c_cleans_up_first() {
    let session = Session::new();
    let out = session.stop(BACKUP, "-backup", Duration::from_millis(300), "-INT");
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("warning: stopped; cleaning up"), "{}", text(&out.stderr));
    assert_eq!(left(), Vec::<String>::new());
}
