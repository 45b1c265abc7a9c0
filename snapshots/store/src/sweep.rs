//! What writers left that did not end, and what must not be taken for it: a
//! segment whose manifest was lost.

use object_store::path::Path;
use tidegate_model::Subject;

use crate::StoreError;
use crate::index::Index;
use crate::manifest;
use crate::store::{Inner, locked};

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
        if swept.insert(subject.clone()) {
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
