//! What writers left that did not end, what must not be taken for it (a segment
//! whose manifest was lost), and segments of generations that are over.

use std::collections::BTreeSet;

use object_store::path::Path;
use serde::Serialize;
use tidegate_model::{Subject, Timestamp};

use crate::index::Index;
use crate::layout::{self, Layout};
use crate::manifest;
use crate::store::{Inner, locked};
use crate::{StoreError, Upkeep};

/// What was deleted because nothing names it any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// How many segments.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Inner {
    /// The snapshot that the next one follows, or 0, once what a crashed writer
    /// left of the next one is deleted. The lock is held.
    ///
    /// A writer leaves segments of the number after the newest manifest at
    /// most. Where there is more, manifests are missing, and their numbers must
    /// not be used again.
    pub(crate) async fn settle(&self, subject: &Subject) -> Result<u64, StoreError> {
        let objects = self.open_objects()?;
        let mut swept = self.swept.lock().await;
        // The manifests are listed last: another writer here may commit meanwhile.
        let indexed = self.ask(|i| i.through(subject)).flatten().map_or(0, |t| t.seq);
        let indexed = locked(&self.lost).get(subject).map_or(indexed, |&seq| seq.max(indexed));
        let folder = Path::from(format!("segments/{subject}"));
        let segments: Vec<(String, u64)> = objects
            .names(&folder)
            .await?
            .into_iter()
            .filter_map(|(name, _)| Some((name.clone(), name.split_once('-')?.0.parse().ok()?)))
            .collect();
        let head = self.head(subject).await?;
        let written = segments.iter().map(|&(_, seq)| seq).max().unwrap_or(0);
        let next = head + 1;
        let known = self.layout(subject).await?.through;
        if indexed.max(written) > next || indexed.min(written).max(known) >= next {
            let object = manifest::path(subject, next).to_string();
            return Err(StoreError::Missing { object });
        }
        // Only before the first writer here: later ones may be at work.
        if swept.is_empty() {
            delete(&self.temp_folder(), |_| true);
        }
        // In a bucket what looks left behind may be of a writer at work elsewhere; it
        // is swept once it is old.
        if swept.insert(subject.clone()) && self.bucket.is_none() {
            for folder in ["segments", "manifests"] {
                delete(&self.root.join(folder).join(subject.as_str()), staged);
            }
            for (name, _) in segments.iter().filter(|&&(_, seq)| seq == next) {
                // What cannot be deleted is in nobody's way.
                let _ = objects.delete(&Path::from(format!("segments/{subject}/{name}"))).await;
            }
        }
        Ok(head)
    }

    /// Deletes the segments and layouts that were superseded more than the grace
    /// ago; with a dry run only counts.
    ///
    /// A segment whose layout another process is about to put is younger than
    /// the grace, and stays.
    pub(crate) async fn sweep(
        &self,
        subject: &Subject,
        upkeep: &Upkeep,
    ) -> Result<Swept, StoreError> {
        let past = upkeep.now.checked_sub(upkeep.grace).unwrap_or(Timestamp::MIN);
        let objects = self.open_objects()?;
        let folder = Path::from(format!("layout/{subject}"));
        let mut layouts = Vec::new();
        for generation in objects.numbers(&folder).await? {
            let bytes = objects.get(&layout::path(subject, generation)).await?;
            layouts.push(Layout::open(subject, generation, &bytes)?);
        }
        // The newest that has held for the grace: who began before it is done.
        let Some(at) = layouts.iter().rposition(|l| l.written_at <= past) else {
            return Ok(Swept::default());
        };
        let (over, held) = layouts.split_at(at);
        let live = held.iter().flat_map(|l| &l.segments).map(|s| s.name.as_str()).collect();
        let upto = held.first().map_or(0, |l| l.through);
        let swept = self.drop_unnamed(subject, &live, upto, past, upkeep.dry_run).await?;
        if !upkeep.dry_run {
            for old in over {
                objects.delete(&layout::path(subject, old.generation)).await?;
            }
        }
        Ok(swept)
    }

    /// Deletes the segments of snapshots up to `upto` that are not among `live`.
    /// Those put after `past` stay.
    pub(crate) async fn drop_unnamed(
        &self,
        subject: &Subject,
        live: &BTreeSet<&str>,
        upto: u64,
        past: Timestamp,
        dry_run: bool,
    ) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let objects = self.open_objects()?;
        let folder = Path::from(format!("segments/{subject}"));
        for (name, size, put) in objects.listed(&folder).await? {
            let to = name.split_once('-').and_then(|(n, _)| n.parse::<u64>().ok());
            let over = to.is_some_and(|to| to <= upto) && put <= past;
            if over && !live.contains(name.as_str()) {
                swept.segments += 1;
                swept.bytes += size;
                if !dry_run {
                    objects.delete(&folder.clone().join(name.as_str())).await?;
                }
            }
        }
        Ok(swept)
    }

    /// Remembers the snapshots that an index took over and whose manifests are
    /// gone, which is seen from nowhere else once it is rebuilt.
    pub(crate) async fn note_lost(&self, index: &Index) -> Result<(), StoreError> {
        // One that is broken is noticed when it is brought in step.
        let Ok(newest) = index.newest() else { return Ok(()) };
        for (subject, seq) in newest {
            if seq > self.head(&subject).await? {
                locked(&self.lost).insert(subject, seq);
            }
        }
        Ok(())
    }
}

/// Whether a file is an object half put.
fn staged(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()))
}

fn delete(folder: &std::path::Path, which: impl Fn(&str) -> bool) {
    for item in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if which(&item.file_name().to_string_lossy()) {
            let _ = std::fs::remove_file(item.path());
        }
    }
}
