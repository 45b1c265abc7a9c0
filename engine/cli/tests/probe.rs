//! `tidegate probe` against a replayed cloud that takes no changes: what it
//! does not try, what it cleans up by the journal, and what it says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;
use tidegate_model::{Subject, Timestamp};
use tidegate_probe::{Entry, Event, Thing};
use tidegate_replay::{Recording, Replay};
use tidegate_store::Store;

const RUN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

struct Session {
    dir: TempDir,
    replay: Replay,
}

impl Session {
    async fn new() -> Self {
        let replay = Replay::start(Recording::example().unwrap()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("clouds.yaml"), replay.clouds_yaml()).unwrap();
        Self { dir, replay }
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// Blocks; the replayed cloud has threads of its own.
    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.arg("probe").args(args).env_clear().current_dir(self.dir.path());
        command.env("HOME", self.dir.path()).env("TIDEGATE_STORE", self.store());
        command.output().unwrap()
    }

    /// Requests that change something, besides signing in.
    fn changes(&self) -> Vec<String> {
        let mut all = self.replay.requests();
        all.retain(|r| !r.starts_with("GET ") && !r.starts_with("HEAD "));
        all.retain(|r| !r.contains("/auth/tokens"));
        all
    }

    /// What an earlier run left in the journal: a volume whose id never came.
    async fn journal(&self, project: &str, at: &str) {
        let store = Store::open(&self.store()).await.unwrap();
        let event = Event::Open(Entry {
            run: RUN.to_owned(),
            region: "RegionOne".to_owned(),
            project: Some(project.to_owned()),
            service: "block-storage".to_owned(),
            thing: Thing::Volume,
            name: format!("tidegate-probe-{RUN}-volume"),
            at: at.parse().unwrap(),
            id: None,
        });
        let subject = Subject::new("example").unwrap();
        let at: Timestamp = at.parse().unwrap();
        let payload = event.to_json().unwrap();
        store.record(&subject, "probe-journal", at, [7; 16], &payload).await.unwrap();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The project of the example's first account.
fn project() -> String {
    Recording::example().unwrap().accounts[0].project.clone().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_testcase_that_no_probe_is_for_is_wrong_usage() {
    let session = Session::new().await;
    let out = session.run(&["--only", "scs-0103-flavor-1v-4"]);
    assert_eq!(out.status.code(), Some(64));
    let text = text(&out.stderr);
    assert!(text.starts_with("error: no probe is for testcase `scs-0103-flavor-1v-4`"), "{text}");
    assert!(text.contains("hint: testcases that need probes: scs-0116-permissions"), "{text}");
    assert!(session.replay.requests().is_empty(), "it signed in");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_offered_is_not_tried_and_is_judged() {
    let session = Session::new().await;
    let out = session.run(&["--only", "scs-0116-permissions", "-f", "json"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let rules = report["subjects"][0]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1, "only what was probed is judged");
    assert_eq!(
        (&rules[0]["id"], &rules[0]["verdict"]),
        (&"scs-0116-permissions".into(), &"pass".into())
    );
    assert_eq!(session.changes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_entry_of_what_never_was_is_closed() {
    let session = Session::new().await;
    session.journal(&project(), "2026-01-01T00:00:00Z").await;
    let out = session.run(&["--clean"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let looked = |r: &String| r.contains(&format!("name=tidegate-probe-{RUN}-volume"));
    assert!(session.replay.requests().iter().any(looked));
    assert_eq!(session.changes(), Vec::<String>::new());
    let again = session.replay.requests().iter().filter(|r| looked(r)).count();
    assert!(session.run(&["--clean"]).status.success());
    assert_eq!(session.replay.requests().iter().filter(|r| looked(r)).count(), again);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_cleaned_up_is_told_and_fails() {
    let session = Session::new().await;
    session.journal("another-project", "2026-01-01T00:00:00Z").await;
    for args in [["--clean"].as_slice(), &["--only", "scs-0116-permissions"]] {
        let out = session.run(args);
        assert_eq!(out.status.code(), Some(1), "{args:?}");
        let text = text(&out.stderr);
        let name = format!("warning: `tidegate-probe-{RUN}-volume` in region `RegionOne`");
        assert!(text.contains(&name) && text.contains("`another-project`"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_probe_at_a_time() {
    let session = Session::new().await;
    std::fs::create_dir_all(session.store()).unwrap();
    let lock = std::fs::File::create(session.store().join("probe.example.lock")).unwrap();
    lock.lock().unwrap();
    let out = session.run(&["--clean"]);
    assert_eq!(out.status.code(), Some(1));
    let text = text(&out.stderr);
    assert!(text.contains("another process is probing cloud `example`"), "{text}");
    drop(lock);
    assert!(session.run(&["--clean"]).status.success());
}
