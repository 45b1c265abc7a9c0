//! Updates compute hosts of the real OpenStack of `ci/testbed/openstack` wave by
//! wave: the binary plans, opens gates and goes on, another client does what the
//! plan says and disturbs it. Off by default, as in `live_openstack.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod testbed;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const CLOUD: &str = "testbed";
/// `HOSTS` stands for ids.
const INTENT: &str = r#"
schema: tidegate.intent/v1
targets:
  - selector: {ids: [HOSTS]}
    component: nova-compute
    to: "2025.2"
max_unavailable: {compute: 2}
headroom: 0.1
canary: 1
growth: 1
soak_s: 0
"#;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The other client. What it changed is undone at the end, even of a test that fails.
struct Operator;

impl Operator {
    #[track_caller]
    fn does(&self, args: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live_plan/operator.py");
        let out = Command::new(testbed::folder().join("venv/bin/python"))
            .arg(script)
            .args(args)
            .env("OS_CLIENT_CONFIG_FILE", testbed::folder().join("clouds.yaml"))
            .output()
            .unwrap();
        assert!(out.status.success(), "{args:?}: {}", text(&out.stderr));
        text(&out.stdout)
    }

    #[track_caller]
    fn says(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.does(args)).unwrap()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.does(&["restore"]);
    }
}

/// A store of its own, and the plan that is followed.
struct Session {
    dir: TempDir,
    plan: PathBuf,
    made: usize,
}

impl Session {
    fn new(hosts: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let intent = INTENT.replace("HOSTS", &hosts.join(", "));
        std::fs::write(dir.path().join("intent.yaml"), intent).unwrap();
        let plan = dir.path().join("plan-0.json");
        Self { dir, plan, made: 0 }
    }

    /// Runs the binary where the intent lies.
    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("HOME", self.dir.path())
            .env("TIDEGATE_STORE", self.dir.path().join("store"))
            .env("OS_CLIENT_CONFIG_FILE", testbed::folder().join("clouds.yaml"))
            .output()
            .unwrap()
    }

    #[track_caller]
    fn collect(&self) {
        let out = self.run(&["collect", "--cloud", CLOUD]);
        assert!(out.status.success(), "{}", text(&out.stderr));
    }

    fn read(&self) -> Value {
        serde_json::from_slice(&std::fs::read(&self.plan).unwrap()).unwrap()
    }

    /// Plans, or goes on from the plan before, and gives the plan and the exit code.
    #[track_caller]
    fn make(&mut self, args: &[&str]) -> (Value, i32) {
        self.collect();
        self.made += 1;
        let next = self.dir.path().join(format!("plan-{}.json", self.made));
        let format = format!("json={}", next.display());
        let out = self.run(&[args, &["--intent", "intent.yaml", "-f", &format]].concat());
        let code = out.status.code().unwrap();
        assert!(matches!(code, 0 | 3), "{args:?}: {code}: {}", text(&out.stderr));
        self.plan = next;
        (self.read(), code)
    }

    #[track_caller]
    fn advance(&mut self, ended: &[&str]) -> (Value, i32) {
        let from = self.plan.display().to_string();
        self.make(&[&["plan", "advance", "--plan", &from], ended].concat())
    }

    /// The answer of the gate of the next wave, and its exit code.
    #[track_caller]
    fn gate(&self) -> (Value, i32) {
        let plan = self.plan.display().to_string();
        let named = ["gate", "--plan", &plan, "--wave", "1", "--intent", "intent.yaml"];
        let asked = ["--as", "alice", "--role", "operator", "-f", "json"];
        let out = self.run(&[&named[..], &asked].concat());
        let answer = serde_json::from_slice(&out.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}", text(&out.stderr)));
        (answer, out.status.code().unwrap())
    }

    /// Carries the next wave out behind an open gate, and goes on.
    #[track_caller]
    fn wave(&mut self, operator: &Operator) -> Value {
        let (answer, code) = self.gate();
        assert_eq!((code, answer["answer"].as_str()), (0, Some("open")), "{answer:#}");
        let followed = operator.says(&["follow", &self.plan.display().to_string()]);
        let plan = self.read();
        let steps = plan["waves"][0]["steps"].as_array().unwrap();
        let moves = steps.iter().filter(|s| s["op"] == "migrate").count();
        assert_eq!(followed["moves"], moves);
        // The seed has three such groups.
        assert!(followed["groups_checked"].as_u64().unwrap() >= 3 * moves as u64, "{followed}");
        self.advance(&["--wave", "1", "--outcome", "done"]).0
    }
}

/// The targets of the waves that are left, in their order.
fn targets(plan: &Value) -> Vec<String> {
    let waves = plan["waves"].as_array().unwrap();
    let all = waves.iter().flat_map(|w| w["targets"].as_array().unwrap());
    all.map(|t| t.as_str().unwrap().to_owned()).collect()
}

fn done(plan: &Value) -> BTreeSet<String> {
    let waves = plan["done"].as_array().unwrap();
    let all = waves.iter().flat_map(|w| w["targets"].as_array().unwrap());
    all.map(|t| t.as_str().unwrap().to_owned()).collect()
}

/// The gate is closed, and names the host that is not as it was: among what has changed,
/// or where the wave is no longer safe.
#[track_caller]
fn closed_by(answer: &Value, code: i32, host: &str) {
    assert_eq!((code, answer["answer"].as_str()), (2, Some("denied")), "{answer:#}");
    let entity = format!("host/{host}");
    let changed =
        answer["drift"].as_array().unwrap().iter().any(|d| d["entity"] == entity.as_str());
    let unsafe_now =
        |c: &Value| c["state"] == "fails" && c["text"].as_str().is_some_and(|t| t.contains(host));
    let conditions = answer["conditions"].as_array().unwrap();
    assert!(changed || conditions.iter().any(unsafe_now), "{answer:#}");
}

#[test]
#[ignore = "needs the testbed, and moves its servers"]
fn live_hosts_are_updated_wave_by_wave() {
    let operator = Operator;
    // One in the zone of a host with groups that stay together, and the other zone.
    let chosen = operator.says(&["choose"]);
    let hosts: Vec<&str> =
        chosen["hosts"].as_array().unwrap().iter().map(|h| h.as_str().unwrap()).collect();
    assert_eq!(hosts.len(), 4);
    let all: BTreeSet<String> = hosts.iter().map(|h| (*h).to_owned()).collect();
    let mut session = Session::new(&hosts);
    let (plan, code) = session.make(&["plan", "--cloud", CLOUD]);
    assert_eq!(code, 0, "{plan:#}");
    assert_eq!(targets(&plan).into_iter().collect::<BTreeSet<_>>(), all);
    // The smaller part of a zone comes first.
    assert_eq!(targets(&plan)[0], hosts[0]);
    let plan = session.wave(&operator);
    assert_eq!(done(&plan), BTreeSet::from([hosts[0].to_owned()]));

    // A server that came to the host meanwhile would be stopped with it.
    let host = targets(&plan)[0].clone();
    let server = operator.says(&["intrude", &host])["server"].as_str().unwrap().to_owned();
    let (answer, code) = session.gate();
    closed_by(&answer, code, &host);
    let (plan, _) = session.advance(&[]);
    let wave = plan["waves"].as_array().unwrap().iter().find(|w| w["targets"][0] == host.as_str());
    let steps = wave.unwrap()["steps"].as_array().unwrap().clone();
    let moved = |s: &Value| s["op"] == "migrate" && s["vm"] == server.as_str();
    assert!(steps.iter().any(moved), "{steps:#?}");
    let plan = session.wave(&operator);
    assert_eq!(done(&plan).len(), 2);

    // A host that dies: the others go on without it, and it follows when it is back.
    let dead = targets(&plan)[0].clone();
    operator.does(&["kill", &dead]);
    let (answer, code) = session.gate();
    closed_by(&answer, code, &dead);
    let (plan, code) = session.advance(&[]);
    assert_eq!(code, 3);
    assert_eq!(plan["blocked"].as_array().unwrap().len(), 1, "{plan:#}");
    assert_eq!(plan["blocked"][0]["target"], dead.as_str());
    assert_eq!(targets(&plan).len(), 1);
    let to_dead = |s: &&Value| s["op"] == "migrate" && s["to"] == dead.as_str();
    let steps = plan["waves"][0]["steps"].as_array().unwrap();
    assert_eq!(steps.iter().filter(to_dead).count(), 0);
    let plan = session.wave(&operator);
    assert_eq!(done(&plan).len(), 3);
    assert!(targets(&plan).is_empty());

    operator.does(&["revive", &dead]);
    let (plan, code) = session.advance(&[]);
    assert_eq!((code, targets(&plan)), (0, vec![dead]));
    let plan = session.wave(&operator);
    assert_eq!(done(&plan), all);
    assert!(targets(&plan).is_empty() && plan["blocked"].as_array().unwrap().is_empty());
    let status = session.run(&["plan", "status", "--plan", &session.plan.display().to_string()]);
    assert!(text(&status.stdout).contains("no plan of this fleet is under way"), "{status:?}");
}
