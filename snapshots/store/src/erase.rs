//! Erasure: bodies, salts and names of one tenant go for good, and the payloads
//! of records that mention it. Leaves and hashes stay, so that every chain and
//! root can still be verified, and without its salt no body can be guessed.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use tidegate_model::{Salt, Subject, Timestamp};

use crate::compact::Work;
use crate::index::Broken;
use crate::layout::{self, LiveSegment};
use crate::rewrite::{Fate, Target};
use crate::segment::NewRow;
use crate::writer::offload;
use crate::{Record, Store, StoreError, Upkeep};

/// Kinds of records that say what went, and stay.
const TOMBSTONES: [&str; 2] = ["prune", "erasure"];

/// How long a UUID is without hyphens.
const UUID: usize = 32;

/// What an erasure did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// The cloud or cluster.
    pub subject: Subject,
    /// The tenant.
    pub project: String,
    /// Versions of resources that lose body, salt and name.
    pub versions: u64,
    /// The numbers of the records that lose their payload.
    pub payloads: Vec<u64>,
    /// Superseded segments that are deleted at once, since they may hold bodies.
    pub superseded: u64,
    /// The record of it; `None` if nothing was done.
    pub record: Option<u64>,
}

impl Store {
    /// Erases what the store holds of one project of a subject: in all
    /// generations, in the index, and in payloads of records that mention the id
    /// of the project or of one of its resources. Carried verdicts of the whole
    /// store go, too, and are computed anew.
    ///
    /// The grace does not apply: a reader of an older generation is told that a
    /// segment is missing. What another process writes meanwhile is not erased.
    /// After a crash, or where it says so, it must be run again, and goes on.
    ///
    /// # Errors
    /// As [`Store::prune`].
    pub async fn erase(
        &self,
        subject: &Subject,
        project: &str,
        upkeep: &Upkeep,
        salt: Salt,
    ) -> Result<Erased, StoreError> {
        let Work { inner, head, layout, live } = self.work(subject).await?;
        let (rewritten, words) = offload({
            let (inner, subject, live) = (Arc::clone(&inner), subject.clone(), live.clone());
            let project = project.to_owned();
            move || {
                let targets: Vec<_> =
                    live.into_iter().map(|s| Target { sources: vec![s] }).collect();
                let mut words = BTreeSet::from([project.clone()]);
                let mut judge =
                    |rows: &[NewRow]| rows.iter().map(|r| fate(r, &project, &mut words)).collect();
                let rewritten = inner.rewrite(&subject, &targets, &mut judge)?;
                Ok::<_, StoreError>((rewritten, words))
            }
        })
        .await??;
        let mut payloads = Vec::new();
        for record in self.records(subject).await? {
            if !TOMBSTONES.contains(&record.kind.as_str())
                && self.payload(&record).await?.is_some_and(|p| mentions(&p, &words))
            {
                payloads.push(record);
            }
        }
        let mut erased = Erased {
            subject: subject.clone(),
            project: project.to_owned(),
            versions: rewritten.erased,
            payloads: payloads.iter().map(|r: &Record| r.n).collect(),
            superseded: 0,
            record: None,
        };
        // Whatever is not live may hold bodies, also what a crash left.
        let others = async |live: &[LiveSegment], dry_run| {
            let live = live.iter().map(|s| s.name.as_str()).collect();
            let swept = inner.drop_unnamed(subject, &live, head, Timestamp::MAX, dry_run).await?;
            Ok::<u64, StoreError>(swept.segments)
        };
        if upkeep.dry_run {
            erased.superseded = others(&live, true).await? + rewritten.replaced.len() as u64;
            return Ok(erased);
        }
        if erased.versions > 0 || !payloads.is_empty() {
            let payload = json!({
                "schema": "tidegate.erasure/v1",
                "project": project,
                "generation": layout.generation + 1,
                "versions": erased.versions,
                "payloads": erased.payloads,
            });
            let payload = payload.to_string();
            let record = self.record(subject, "erasure", upkeep.now, salt, payload.as_bytes());
            erased.record = Some(record.await?);
        }
        if erased.versions > 0 {
            let pruned = layout.pruned.clone();
            inner.publish(&layout, &live, rewritten, pruned, upkeep.now).await?;
        }
        // From here on also what an erasure left that did not end.
        let layout = inner.layout(subject).await?;
        erased.superseded = others(&inner.live(&layout, head).await?, false).await?;
        let objects = inner.open_objects()?;
        for generation in 1..layout.generation {
            objects.delete(&layout::path(subject, generation)).await?;
        }
        for record in &payloads {
            self.drop_payload(record).await?;
        }
        // sled keeps what was overwritten for a while, and blobs hold messages.
        inner.forget();
        inner.discard(&Broken("a tenant was erased".into()));
        inner.rebuild().await?;
        Ok(erased)
    }
}

/// What becomes of a change, and which words tell that something is about it.
fn fate(row: &NewRow, project: &str, words: &mut BTreeSet<String>) -> Fate {
    let Some(put) = row.put.as_ref() else { return Fate::Keep };
    let key = String::from_utf8_lossy(&row.key);
    let id = key.rsplit_once('/').map_or("", |(_, id)| id);
    let namespace = row.kind.as_ref() == b"core.Namespace" && id == project;
    if !namespace && put.project.as_deref() != Some(project.as_bytes()) {
        return Fate::Keep;
    }
    // Shorter ids are names, which others have, too.
    if id.len() >= UUID {
        words.insert(id.to_owned());
    }
    words.insert(key.into_owned());
    if put.body().is_some() { Fate::Erase } else { Fate::Keep }
}

/// Whether a payload has one of the words, as a whole.
fn mentions(payload: &[u8], words: &BTreeSet<String>) -> bool {
    let text = String::from_utf8_lossy(payload);
    // Keys are whole words when cut at what no key has, ids also when cut at `/`.
    let inside = |c: char| c.is_ascii_alphanumeric() || "-_.~%:@/".contains(c);
    let mut tokens = text.split(|c| !inside(c)).filter(|t| !t.is_empty());
    tokens.any(|t| words.contains(t) || t.split('/').any(|part| words.contains(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_about_whom_it_names() {
        let words = BTreeSet::from(["p-1".to_owned(), "openstack/a.b/r/7".to_owned()]);
        for (payload, expected) in [
            (r#"{"resource":"openstack/a.b/r/7"}"#, true),
            (r#"{"resource":"openstack/a.b/r/77"}"#, false),
            ("server of p-1, it says", true),
            ("openstack/identity.project/-/p-1", true),
            ("p-12", false),
        ] {
            assert_eq!(mentions(payload.as_bytes(), &words), expected, "{payload}");
        }
    }
}
