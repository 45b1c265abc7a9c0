//! What probes find, and that they leave nothing behind.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

mod support;

use serde_json::{Value, json};
use std::time::Duration;
use support::{Fake, Fault, RUN, plan, setting};
use tidegate_probe::{Journal as _, MemoryJournal, Plan, Probe, Probed, open_entries, run};

async fn probe(fake: &Fake, plan: &Plan) -> (Probed, MemoryJournal) {
    let journal = MemoryJournal::default();
    let probed = run(&fake.cloud, plan, &journal, &setting()).await.unwrap();
    (probed, journal)
}

fn body(probed: &Probed) -> Value {
    assert_eq!(probed.resources.len(), 1);
    serde_json::from_str(&probed.resources[0].body).unwrap()
}

/// Nothing is there any more, and the journal knows.
#[track_caller]
fn clean(fake: &Fake, probed: &Probed, journal: &MemoryJournal) {
    assert!(probed.cleaned.left.is_empty(), "{:?}", probed.cleaned.left);
    let names = fake.state().names();
    assert!(!names.iter().any(|n| n.contains("tidegate-probe")), "{names:?}");
    let events = futures_now(journal);
    assert_eq!(open_entries(&events), []);
}

/// The journal in memory never waits.
fn futures_now(journal: &MemoryJournal) -> Vec<tidegate_probe::Event> {
    let mut read = journal.read();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match read.as_mut().poll(&mut context) {
        std::task::Poll::Ready(events) => events.unwrap(),
        std::task::Poll::Pending => panic!("the journal waits"),
    }
}

#[tokio::test]
async fn a_member_who_may_keep_secrets() {
    let fake = Fake::new().await;
    let (probed, journal) = probe(&fake, &plan(&[Probe::KeyManager])).await;
    let found = body(&probed);
    assert_eq!(found["outcome"], "done");
    assert_eq!(found["run"], RUN);
    // To the second: `2026-11-23T07:00:00Z`.
    assert_eq!(found["probed_at"].as_str().unwrap().len(), 20, "{found}");
    assert_eq!(
        found["steps"],
        json!([
            {"op": "create", "status": 201},
            {"op": "list", "status": 200},
            {"op": "delete", "status": 204},
        ])
    );
    let key = probed.resources[0].key.as_str().to_owned();
    let region = fake.cloud.regions().next().unwrap();
    assert_eq!(key, format!("openstack/probe.key_manager/{region}/self"));
    clean(&fake, &probed, &journal);
}

#[tokio::test]
async fn a_forbidden_create_is_a_result() {
    let fake = Fake::new().await;
    fake.fault("POST /key-manager", Fault::Status(403));
    let (probed, journal) = probe(&fake, &plan(&[Probe::KeyManager])).await;
    let found = body(&probed);
    assert_eq!(found["outcome"], "done");
    assert_eq!(found["steps"][0], json!({"op": "create", "status": 403, "error": "as asked for"}));
    assert_eq!(found["steps"][2]["status"], Value::Null);
    clean(&fake, &probed, &journal);
}

#[tokio::test]
async fn a_key_manager_that_fails_says_nothing() {
    for fault in [Fault::Status(500), Fault::Status(503), Fault::Hang, Fault::DoneWithoutAnswer] {
        let fake = Fake::new().await;
        fake.fault("POST /key-manager", fault.clone());
        let (probed, journal) = probe(&fake, &plan(&[Probe::KeyManager])).await;
        let found = body(&probed);
        assert_eq!(found["outcome"], "failed", "{fault:?}");
        assert!(found["reason"].as_str().unwrap().starts_with("cannot create a secret: "));
        assert_eq!(fake.asked("POST /key-manager"), 1, "{fault:?}: sent twice");
        clean(&fake, &probed, &journal);
    }
}

#[tokio::test]
async fn a_delete_that_is_forbidden_is_told_and_stays_open() {
    let fake = Fake::new().await;
    fake.fault("DELETE /key-manager", Fault::Status(403));
    let (probed, journal) = probe(&fake, &plan(&[Probe::KeyManager])).await;
    let found = body(&probed);
    assert_eq!((&found["outcome"], &found["steps"][2]["status"]), (&json!("done"), &json!(403)));
    let left = &probed.cleaned.left[0];
    assert!(left.why.contains("cannot delete `id-1`: 403"), "{}", left.why);
    assert_eq!(open_entries(&futures_now(&journal)).len(), 1);
}

#[tokio::test]
async fn no_key_manager_is_not_offered() {
    let fake = Fake::with(&["network"]).await;
    let (probed, _) = probe(&fake, &plan(&[Probe::KeyManager])).await;
    assert_eq!(body(&probed)["outcome"], "not-offered");
}

#[tokio::test]
async fn a_backup_that_comes_back() {
    let fake = Fake::new().await;
    let (probed, journal) = probe(&fake, &plan(&[Probe::Backup])).await;
    let found = body(&probed);
    assert_eq!(found["outcome"], "done", "{found}");
    let steps = found["steps"].as_array().unwrap();
    let ops: Vec<&str> = steps.iter().map(|s| s["op"].as_str().unwrap()).collect();
    let all = ["create-volume", "wait-volume", "create-backup", "wait-backup", "restore"];
    assert_eq!(ops, [all.as_slice(), &["wait-restored"]].concat());
    assert!(steps.iter().all(|s| s["ok"] == true && s["seconds"].is_u64()), "{found}");
    clean(&fake, &probed, &journal);
}

#[tokio::test]
async fn a_backup_step_that_fails_ends_it_and_is_the_result() {
    for (on, fault, op, error) in [
        ("POST /block-storage/v3/volumes", Fault::Status(413), "create-volume", "413"),
        ("POST /block-storage/v3/volumes", Fault::Stuck("error"), "wait-volume", "it is `error`"),
        (
            "POST /block-storage/v3/backups",
            Fault::Stuck("busy"),
            "wait-backup",
            "it is `busy` after",
        ),
        ("POST /block-storage/v3/backups", Fault::Status(500), "create-backup", "500"),
        ("/restore", Fault::DoneWithoutAnswer, "restore", ""),
    ] {
        let fake = Fake::new().await;
        fake.fault(on, fault);
        let (probed, journal) = probe(&fake, &plan(&[Probe::Backup])).await;
        let found = body(&probed);
        assert_eq!(found["outcome"], "done", "{found}");
        let last = found["steps"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["op"], &last["ok"]), (&json!(op), &json!(false)), "{found}");
        assert!(last["error"].as_str().unwrap().starts_with(error), "{found}");
        clean(&fake, &probed, &journal);
    }
}

#[tokio::test]
async fn budgets_are_kept_and_told() {
    let fake = Fake::new().await;
    let few = Plan { resources: 1, ..plan(&[Probe::Backup]) };
    let (probed, journal) = probe(&fake, &few).await;
    let found = body(&probed);
    assert_eq!(found["outcome"], "failed");
    assert_eq!(found["reason"], "the budget of 1 resources is used up");
    assert_eq!(fake.asked("POST /block-storage"), 1);
    clean(&fake, &probed, &journal);

    let short = Plan { time: Duration::ZERO, ..plan(&[Probe::Backup]) };
    let (probed, journal) = probe(&fake, &short).await;
    assert_eq!(body(&probed)["reason"], "the budget of 0 seconds is used up");
    assert_eq!(fake.asked("POST /block-storage"), 1, "nothing more was created");
    clean(&fake, &probed, &journal);
}

#[tokio::test]
async fn a_new_security_group_shows_its_rules() {
    let fake = Fake::new().await;
    let (probed, journal) = probe(&fake, &plan(&[Probe::DefaultSecurityGroup])).await;
    assert_eq!(
        body(&probed)["rules"],
        json!([{"direction": "egress", "ethertype": "IPv4", "protocol": null,
                "remote_group_id": null, "remote_ip_prefix": null}])
    );
    clean(&fake, &probed, &journal);

    // A name that is taken.
    fake.fault("POST /network", Fault::Status(409));
    let (probed, journal) = probe(&fake, &plan(&[Probe::DefaultSecurityGroup])).await;
    assert_eq!(body(&probed)["outcome"], "failed");
    clean(&fake, &probed, &journal);
}

#[tokio::test]
async fn a_server_that_prints_its_entropy() {
    let fake = Fake::new().await;
    fake.furnish();
    let mark = format!("tidegate-probe {RUN}");
    let first = format!("booting password=hunter2\n{mark} entropy-avail 1:256\n");
    let last =
        format!("{first}{mark} fips-test 1:rngtest: FIPS 140-2 failures: 0\n{mark} end 0:\n");
    fake.state().console = vec![String::new(), first, last];
    let (probed, journal) = probe(&fake, &plan(&[Probe::Entropy])).await;
    let found = body(&probed);
    assert_eq!(found["outcome"], "done", "{found}");
    assert_eq!(
        found["output"],
        json!({"entropy-avail": ["256"], "fips-test": ["rngtest: FIPS 140-2 failures: 0"]})
    );
    assert_eq!(found["image"], json!({"id": "i1", "name": "Debian 13"}));
    assert_eq!(found["flavor"], json!({"id": "f1", "name": "SCS-1V-4"}));
    assert!(!found.to_string().contains("hunter2"));
    assert_eq!(probed.cleaned.removed.len(), 6, "{:?}", probed.cleaned.removed);
    clean(&fake, &probed, &journal);
}

#[tokio::test]
async fn a_server_without_console_leaves_nothing_behind() {
    for (console, reason) in [
        (vec![], "the server's console cannot be read: 501"),
        (vec!["login:".to_owned()], "the serial console showed nothing of the probe"),
    ] {
        let fake = Fake::new().await;
        fake.furnish();
        fake.state().console = console;
        let (probed, journal) = probe(&fake, &plan(&[Probe::Entropy])).await;
        let found = body(&probed);
        assert_eq!(found["outcome"], "failed");
        assert!(found["reason"].as_str().unwrap().starts_with(reason), "{found}");
        clean(&fake, &probed, &journal);
    }
}

#[tokio::test]
async fn a_cloud_that_lacks_something_for_a_server_says_what() {
    let fake = Fake::new().await;
    let (probed, _) = probe(&fake, &plan(&[Probe::Entropy])).await;
    let found = body(&probed);
    assert_eq!(found["reason"], "there is no active image that a server could boot");
    fake.furnish();
    fake.state().things.remove(&("networks".to_owned(), "public".to_owned()));
    let (probed, _) = probe(&fake, &plan(&[Probe::Entropy])).await;
    assert!(body(&probed)["reason"].as_str().unwrap().contains("external network"));
    assert_eq!(fake.asked("POST "), 0, "nothing was created");
}
