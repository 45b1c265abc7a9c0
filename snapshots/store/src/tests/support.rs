//! A small cloud to collect, and snapshots as plain maps to compare with.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use proptest::test_runner::Config as ProptestConfig;
use tidegate_model::{
    Fact, Facts, Kind, KindCoverage, Resource, ResourceKey, Status, Subject, Timestamp, Visibility,
};

use crate::{Begin, Committed, SnapshotReader, Store, StoreError};

pub(crate) const KINDS: [&str; 3] = ["compute.server", "network.port", "volume.volume"];

/// How often something is to be done: so often, unless a variable asks for another
/// number.
pub(crate) fn asked(variable: &str, usual: u64) -> u64 {
    match std::env::var(variable) {
        Ok(number) => number.parse().unwrap(),
        Err(_) => usual,
    }
}

/// So many random cases, or as many as `PROPTEST_CASES` says.
pub(crate) fn cases(usual: u64) -> ProptestConfig {
    let cases = u32::try_from(asked("PROPTEST_CASES", usual)).unwrap();
    ProptestConfig { cases, ..ProptestConfig::default() }
}

pub(crate) fn subject() -> Subject {
    Subject::new("prod1").unwrap()
}

pub(crate) fn kind(name: &str) -> Kind {
    Kind::new(name).unwrap()
}

/// Midnight of day `day`, counted from 1 January 2026.
pub(crate) fn day(day: u64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + i64::try_from(day).unwrap() * 86_400).unwrap()
}

pub(crate) fn key(kind_name: &str, region: &str, id: u64) -> ResourceKey {
    ResourceKey::build("openstack", &kind(kind_name), &[region, &format!("{id:08x}")])
}

/// A resource whose body tells `version`.
pub(crate) fn resource(kind_name: &str, region: &str, id: u64, version: u64) -> Resource {
    Resource {
        key: key(kind_name, region, id),
        kind: kind(kind_name),
        region: Some(region.into()),
        project: id.is_multiple_of(3).then(|| format!("project-{}", id % 7).into()),
        name: Some(format!("thing {id}").into()),
        body: format!(r#"{{"id":{id},"text":"{}","version":{version}}}"#, "é".repeat(40)).into(),
        source: "openstack/test".into(),
        read_at: day(version),
    }
}

pub(crate) fn coverage(
    kind_name: &str,
    region: &str,
    status: Status,
    visibility: Visibility,
) -> KindCoverage {
    KindCoverage {
        source: "openstack/test".into(),
        region: Some(region.into()),
        kind: kind(kind_name),
        status,
        visibility,
        read_from: day(0),
        read_until: day(0),
    }
}

/// Completely listed, by an admin.
pub(crate) fn complete(kind_name: &str, region: &str) -> KindCoverage {
    coverage(kind_name, region, Status::Complete { count: 0 }, Visibility::All)
}

pub(crate) fn projects(ids: &[&str]) -> Visibility {
    Visibility::Projects(ids.iter().map(|&i| Arc::from(i)).collect())
}

pub(crate) fn begin(taken: u64) -> Begin {
    let mut n = 0_u64;
    Begin {
        taken_at: day(taken),
        tool_version: "0.1.0-test".into(),
        salts: Box::new(move || {
            n += 1;
            let mut salt = [0; 16];
            salt[..8].copy_from_slice(&taken.to_le_bytes());
            salt[8..].copy_from_slice(&n.to_le_bytes());
            salt
        }),
    }
}

/// Collects once, in one page.
pub(crate) async fn collect(
    store: &Store,
    subject: &Subject,
    taken: u64,
    resources: Vec<Resource>,
    coverage: Vec<KindCoverage>,
) -> Result<Committed, StoreError> {
    let mut writer = store.begin(subject, begin(taken)).await?;
    writer.put(resources)?;
    coverage.into_iter().for_each(|c| writer.cover(c));
    writer.commit().await
}

/// Everything that a snapshot holds.
pub(crate) fn all(reader: &SnapshotReader) -> Result<BTreeMap<ResourceKey, Fact>, StoreError> {
    let mut facts = BTreeMap::new();
    let kinds: Vec<(Kind, u64)> = reader.kinds().map(|(k, n)| (k.clone(), n)).collect();
    for (kind, count) in kinds {
        let mut last: Option<ResourceKey> = None;
        let mut found = 0;
        let read = reader.each(&kind, &mut |fact| {
            let key = fact.resource.key.clone();
            assert!(last.as_ref().is_none_or(|l| *l < key), "out of order at {key}");
            last = Some(key.clone());
            found += 1;
            facts.insert(key, fact);
        });
        read.map_err(|e| own(&e))?;
        assert_eq!(found, count);
    }
    Ok(facts)
}

/// A copy of the error below a [`tidegate_model::FactsError`], as text.
pub(crate) fn own(e: &tidegate_model::FactsError) -> StoreError {
    let text = e.source.to_string();
    let object = text.split('`').nth(1).unwrap_or_default().to_owned();
    StoreError::Damaged { object, why: text }
}

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for item in std::fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &target);
        } else {
            std::fs::copy(item.path(), target).unwrap();
        }
    }
}

/// A small file system, until it is dropped.
pub(crate) struct Mount(std::path::PathBuf);

impl Mount {
    /// `None`, and a word on it, for who is no administrator and cannot mount.
    pub(crate) fn tmpfs(at: &Path, size: &str) -> Option<Self> {
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at);
        if !mount.stderr(std::process::Stdio::null()).status().is_ok_and(|s| s.success()) {
            eprintln!("SKIPPED: a full file system (it takes an administrator to mount one)");
            return None;
        }
        Some(Self(at.to_path_buf()))
    }

    /// Fills it up but for `room` bytes; the file that does so is to be deleted.
    pub(crate) fn fill(&self, room: u64) -> std::path::PathBuf {
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        while std::io::Write::write_all(&mut file, &[1; 4096]).is_ok() {}
        file.set_len(file.metadata().unwrap().len() - room).unwrap();
        path
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
