//! The versions of resources equal what comparing all snapshots with each other
//! tells.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use proptest::prelude::*;
use tidegate_model::{ChangeOp, Fact, ResourceKey, Status, Visibility};

use super::model::run;
use super::support::*;
use crate::{Content, End, Moment, Placed, Selection, SnapshotReader, Store, Upkeep, Version};

fn moment(seq: u64) -> Moment {
    Moment { seq, taken_at: day(seq) }
}

/// The versions up to the last of some snapshots, in order of kind, key, time.
fn expected(snapshots: &[BTreeMap<ResourceKey, Fact>]) -> Vec<Version> {
    let keys: BTreeSet<&ResourceKey> = snapshots.iter().flat_map(BTreeMap::keys).collect();
    let mut versions = Vec::new();
    for key in keys {
        let mut own: Vec<Version> = Vec::new();
        let mut before: Option<&Fact> = None;
        for (seq, snapshot) in (1..).zip(snapshots) {
            let now = snapshot.get(key);
            let op = match (before, now) {
                (None, Some(_)) => Some(ChangeOp::Put),
                (Some(_), None) => Some(ChangeOp::Remove),
                (Some(a), Some(b)) if a.resource != b.resource => Some(ChangeOp::Put),
                (Some(a), Some(b)) if a.unseen_since == b.unseen_since => None,
                (Some(_), Some(b)) if b.unseen_since.is_some() => Some(ChangeOp::Unseen),
                (Some(_), Some(_)) => Some(ChangeOp::Seen),
                (None, None) => None,
            };
            if let Some(op) = op {
                if let Some(last) = own.last_mut() {
                    last.until = Some(End { at: moment(seq), op });
                }
                own.push(Version {
                    key: key.clone(),
                    op,
                    created: before.is_none(),
                    from: moment(seq),
                    until: None,
                    unseen_since: now.and_then(|f| f.unseen_since),
                    placed: now.map(|f| Placed {
                        region: f.resource.region.clone(),
                        project: f.resource.project.clone(),
                        name: f.resource.name.clone(),
                        source: f.resource.source.clone(),
                        read_at: f.resource.read_at,
                        body: Some(f.resource.body.clone()),
                    }),
                });
            }
            before = now;
        }
        versions.extend(own);
    }
    versions.sort_by(|a, b| (a.key.kind(), &a.key, a.from).cmp(&(b.key.kind(), &b.key, b.from)));
    versions
}

fn read(
    reader: &SnapshotReader,
    selection: Selection,
    content: Content,
    begun: RangeInclusive<u64>,
) -> Vec<Version> {
    reader.versions(selection, content, begun).collect::<Result<_, _>>().unwrap()
}

fn stripped(versions: &[Version], content: Content) -> Vec<Version> {
    let strip = |v: &Version| {
        let mut v = v.clone();
        match (content, &mut v.placed) {
            (Content::Times, placed) => *placed = None,
            (Content::Places, Some(placed)) => placed.body = None,
            (Content::Places, None) | (Content::Bodies, _) => {}
        }
        v
    };
    versions.iter().map(strip).collect()
}

async fn check(store: &Store, snapshots: &[BTreeMap<ResourceKey, Fact>], how: &str) {
    for seq in 1..=snapshots.len() {
        let id = format!("prod1@{seq}").parse().unwrap();
        let reader = store.snapshot(&id).await.unwrap();
        let all = expected(&snapshots[..seq]);
        for content in [Content::Times, Content::Places, Content::Bodies] {
            let found = read(&reader, Selection::All, content, 1..=u64::MAX);
            assert_eq!(found, stripped(&all, content), "{how}, {content:?} to {seq}");
        }
        let some = kind(KINDS[1]);
        let of_kind: Vec<_> = all.iter().filter(|v| v.key.kind() == KINDS[1]).cloned().collect();
        let selection = Selection::Kinds([some].into());
        assert_eq!(read(&reader, selection, Content::Bodies, 1..=u64::MAX), of_kind, "{how}");
        let begun = 2..=3;
        let within: Vec<_> = all.iter().filter(|v| begun.contains(&v.from.seq)).cloned().collect();
        assert_eq!(read(&reader, Selection::All, Content::Bodies, begun), within, "{how}");
        let keys: BTreeSet<_> = all.iter().map(|v| v.key.clone()).step_by(2).collect();
        let of_keys: Vec<_> = all.iter().filter(|v| keys.contains(&v.key)).cloned().collect();
        let mut asked = keys.clone();
        asked.insert(key("no.kind", "r1", 1));
        let selection = Selection::Keys(asked);
        assert_eq!(read(&reader, selection, Content::Bodies, 1..=u64::MAX), of_keys, "{how}");
    }
}

proptest! {
    #![proptest_config(cases(32))]
    #[test]
    fn versions_equal_the_comparison_of_snapshots(runs in prop::collection::vec(run(), 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path()).await.unwrap();
            let mut snapshots = Vec::new();
            for (seq, run) in (1..).zip(&runs) {
                let (page, covered) = (run.resources(), run.coverage());
                let done = collect(&store, &subject(), seq, page, covered).await.unwrap();
                snapshots.push(all(&store.snapshot(&done.manifest.id()).await.unwrap()).unwrap());
            }
            check(&store, &snapshots, "with the index").await;
            let second = Store::open(folder.path()).await.unwrap();
            check(&second, &snapshots, "from segments").await;
            // Days become a month, once there is a later one.
            let now = day(runs.len() as u64 + 62);
            collect(&store, &subject(), runs.len() as u64 + 62, vec![], vec![]).await.unwrap();
            let upkeep = Upkeep { now, grace: Duration::from_secs(60), dry_run: false };
            store.compact(&subject(), &upkeep).await.unwrap();
            check(&store, &snapshots, "with the index, compacted").await;
            check(&second, &snapshots, "from segments, compacted").await;
        });
    }
}

/// A kind whose resources are all gone is in no manifest any more, and still
/// has a history.
#[tokio::test]
async fn what_is_gone_wholly_has_a_history() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let servers = vec![resource(KINDS[0], "r1", 1, 1)];
    let seen = || vec![complete(KINDS[0], "r1")];
    collect(&store, &subject(), 1, servers, seen()).await.unwrap();
    collect(&store, &subject(), 2, Vec::new(), seen()).await.unwrap();
    let failed = coverage(KINDS[0], "r1", Status::Forbidden, Visibility::All);
    let last = collect(&store, &subject(), 3, Vec::new(), vec![failed]).await.unwrap();
    assert_eq!(last.manifest.resources(), 0);
    let reader = store.snapshot(&last.manifest.id()).await.unwrap();
    let found = read(&reader, Selection::All, Content::Times, 1..=u64::MAX);
    let ops: Vec<_> = found.iter().map(|v| (v.from.seq, v.op, v.until.map(|u| u.op))).collect();
    assert_eq!(ops, [(1, ChangeOp::Put, Some(ChangeOp::Remove)), (2, ChangeOp::Remove, None)]);
}
