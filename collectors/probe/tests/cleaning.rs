//! Cleaning up after a run that ended in the middle.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

mod support;

use serde_json::json;
use std::time::Duration;
use support::{Fake, Fault, OTHER, RUN, setting};
use tidegate_probe::{Cleaned, open_entries};
use tidegate_probe::{Entry, Event, Journal as _, MemoryJournal, Setting, Thing, clean};

fn entry(fake: &Fake, thing: Thing, service: &str, what: &str, id: Option<&str>) -> Entry {
    Entry {
        run: RUN.to_owned(),
        region: fake.cloud.regions().next().unwrap().to_owned(),
        project: fake.cloud.project().map(str::to_owned),
        service: service.to_owned(),
        thing,
        name: format!("tidegate-probe-{RUN}-{what}"),
        at: (setting().now)(),
        id: id.map(str::to_owned),
    }
}

fn volume(fake: &Fake, what: &str, id: Option<&str>) -> Entry {
    entry(fake, Thing::Volume, "block-storage", what, id)
}

fn put(fake: &Fake, collection: &str, id: &str, name: &str) {
    fake.state().put(collection, id, json!({"id": id, "name": name, "status": "available"}));
}

/// Cleans; gives what came of it and how many entries are still open.
async fn cleaned(fake: &Fake, entries: Vec<Entry>, setting: &Setting) -> (Cleaned, usize) {
    let journal = MemoryJournal::with(entries.into_iter().map(Event::Open).collect());
    let cleaned = clean(&fake.cloud, &journal, setting).await.unwrap();
    (cleaned, open_entries(&journal.read().await.unwrap()).len())
}

#[tokio::test]
async fn what_never_told_its_id_is_found_by_its_name() {
    let fake = Fake::new().await;
    put(&fake, "volumes", "v1", &format!("tidegate-probe-{RUN}-volume"));
    put(&fake, "volumes", "v2", &format!("tidegate-probe-{OTHER}-volume"));
    put(&fake, "volumes", "v3", "data");
    let (done, open) = cleaned(&fake, vec![volume(&fake, "volume", None)], &setting()).await;
    assert_eq!((done.removed.len(), done.left.len(), open), (1, 0, 0));
    let mut names = fake.state().names();
    names.sort();
    assert_eq!(names, ["data".to_owned(), format!("tidegate-probe-{OTHER}-volume")]);
}

#[tokio::test]
async fn two_of_one_name_both_go() {
    let fake = Fake::new().await;
    for id in ["v1", "v2"] {
        put(&fake, "volumes", id, &format!("tidegate-probe-{RUN}-volume"));
    }
    let (done, open) = cleaned(&fake, vec![volume(&fake, "volume", None)], &setting()).await;
    assert_eq!((done.left.len(), open, fake.state().names().len()), (0, 0, 0));
}

#[tokio::test]
async fn a_restored_volume_is_found_under_the_name_of_its_source() {
    let fake = Fake::new().await;
    put(&fake, "volumes", "v1", &format!("tidegate-probe-{RUN}-volume"));
    put(&fake, "volumes", "v2", &format!("tidegate-probe-{RUN}-volume"));
    let (source, restored) = (volume(&fake, "volume", None), volume(&fake, "restored", None));
    let Entry { run, region, name, .. } = source.clone();
    let known = Event::Created { run, region, name, id: "v1".into() };
    let journal = MemoryJournal::with(vec![Event::Open(source), known, Event::Open(restored)]);
    let done = clean(&fake.cloud, &journal, &setting()).await.unwrap();
    assert_eq!((done.removed.len(), done.left.len()), (2, 0), "{done:?}");
    assert!(fake.state().names().is_empty());
}

#[tokio::test]
async fn foreign_names_are_never_touched() {
    let fake = Fake::new().await;
    for (id, name) in [("v1", "data"), ("v2", "tidegate-probe-x"), ("v3", "")] {
        put(&fake, "volumes", id, name);
    }
    put(&fake, "volumes", "v4", &format!("tidegate-probe-{OTHER}-volume"));
    let known = |id| volume(&fake, id, Some(id));
    // An entry that somebody wrote by hand, to delete what is not the run's.
    let forged = Entry { name: "data".to_owned(), ..volume(&fake, "v5", None) };
    let short = Entry { run: "x".into(), name: "tidegate-probe-x-v6".into(), ..known("v2") };
    let entries = vec![known("v1"), known("v2"), known("v3"), known("v4"), forged, short];
    let (done, open) = cleaned(&fake, entries, &setting()).await;
    assert_eq!((done.removed.len(), done.left.len(), open), (0, 6, 6), "{done:?}");
    assert_eq!(fake.state().names().len(), 4);
    assert_eq!(fake.asked("DELETE "), 0);
    let named = done.left.iter().filter(|l| l.why.contains("is named")).count();
    assert_eq!(named, 4, "{done:?}");
}

#[tokio::test]
async fn another_project_is_left_alone() {
    let fake = Fake::new().await;
    let foreign = Entry { project: Some("other".into()), ..volume(&fake, "volume", Some("v1")) };
    put(&fake, "volumes", "v1", &foreign.name);
    let (done, open) = cleaned(&fake, vec![foreign], &setting()).await;
    assert_eq!((done.left.len(), open, fake.asked("DELETE ")), (1, 1, 0));
    assert!(done.left[0].why.contains("project `other`"), "{}", done.left[0].why);
}

#[tokio::test]
async fn what_is_gone_already_is_closed() {
    let fake = Fake::new().await;
    let entries = vec![volume(&fake, "volume", Some("v1")), volume(&fake, "restored", None)];
    let (done, open) = cleaned(&fake, entries, &setting()).await;
    assert_eq!((done.removed.len(), done.left.len(), open), (0, 0, 0));
}

#[tokio::test]
async fn a_service_that_finds_nothing_at_all_is_not_believed() {
    let fake = Fake::new().await;
    put(&fake, "volumes", "v1", &format!("tidegate-probe-{RUN}-volume"));
    fake.fault("/block-storage/", Fault::Status(404));
    let entries = vec![volume(&fake, "volume", Some("v1")), volume(&fake, "restored", None)];
    let (done, open) = cleaned(&fake, entries, &setting()).await;
    assert_eq!((done.removed.len(), done.left.len(), open), (0, 2, 2));
    assert!(done.left[0].why.contains("cannot look it up: 404"), "{}", done.left[0].why);
}

#[tokio::test]
async fn what_may_still_appear_is_waited_for() {
    let fake = Fake::new().await;
    let mut slow = setting();
    slow.pace.settle = Duration::from_millis(400);
    slow.pace.each = Duration::from_secs(2);
    let name = format!("tidegate-probe-{RUN}-volume");
    let entries = vec![volume(&fake, "volume", None)];
    let late = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        put(&fake, "volumes", "v1", &name);
    };
    let ((done, open), ()) = tokio::join!(cleaned(&fake, entries, &slow), late);
    assert_eq!((done.removed.len(), open), (1, 0), "{done:?}");
    assert!(fake.state().names().is_empty());

    // An old entry is closed at once; a young one only when it is old enough.
    slow.pace.settle = Duration::from_secs(60);
    slow.pace.allowance = Duration::from_millis(50);
    let young = volume(&fake, "volume", None);
    let old = Entry { at: "2026-01-01T00:00:00Z".parse().unwrap(), ..volume(&fake, "root", None) };
    let (done, open) = cleaned(&fake, vec![old, young], &slow).await;
    assert_eq!((done.left.len(), open), (1, 1), "{done:?}");
    assert!(done.left[0].why.contains("may still appear"));
}

#[tokio::test]
async fn servers_go_before_their_volumes_and_networks_last() {
    let fake = Fake::new().await;
    let all = [
        (Thing::Network, "network", "networks"),
        (Thing::Volume, "block-storage", "volumes"),
        (Thing::Secret, "key-manager", "secrets"),
        (Thing::Subnet, "network", "subnets"),
        (Thing::Server, "compute", "servers"),
        (Thing::Router, "network", "routers"),
        (Thing::Backup, "block-storage", "backups"),
        (Thing::Port, "network", "ports"),
        (Thing::SecurityGroup, "network", "security-groups"),
    ];
    let mut entries = Vec::new();
    for (thing, service, collection) in all {
        put(&fake, collection, collection, &format!("tidegate-probe-{RUN}-{collection}"));
        entries.push(entry(&fake, thing, service, collection, Some(collection)));
    }
    let (done, open) = cleaned(&fake, entries, &setting()).await;
    assert_eq!((done.removed.len(), open), (9, 0), "{done:?}");
    let requests = fake.state().requests.clone();
    let order: Vec<&str> = requests
        .iter()
        .filter(|r| r.starts_with("DELETE"))
        .map(|r| r.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(
        order,
        [
            "servers",
            "ports",
            "backups",
            "volumes",
            "routers",
            "subnets",
            "networks",
            "security-groups",
            "secrets"
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_deleted_is_told_with_its_id() {
    let fake = Fake::new().await;
    fake.fault("DELETE /block-storage", Fault::Status(409));
    put(&fake, "volumes", "v1", &format!("tidegate-probe-{RUN}-volume"));
    put(&fake, "secrets", "s1", &format!("tidegate-probe-{RUN}-secret"));
    let secret = entry(&fake, Thing::Secret, "key-manager", "secret", Some("s1"));
    let entries = vec![volume(&fake, "volume", Some("v1")), secret];
    let (done, open) = cleaned(&fake, entries, &setting()).await;
    assert_eq!((done.removed.len(), done.left.len(), open), (1, 1, 1));
    assert!(done.left[0].why.starts_with("cannot delete `v1`: 409"), "{}", done.left[0].why);
}
