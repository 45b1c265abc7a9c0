//! A small store with a history that is easy to tell.

use std::sync::Arc;

use proptest::test_runner::Config as ProptestConfig;
use tempfile::TempDir;
use tidegate_model::{
    Kind, KindCoverage, Resource, ResourceKey, Status, Subject, Timestamp, Visibility,
};
use tidegate_store::{At, Begin, Store};
use tokio::runtime::Runtime;

use crate::db::Db;
use crate::{Answer, Session, SqlError, Value};

/// So many random cases, or as many as `PROPTEST_CASES` says.
#[allow(clippy::disallowed_methods, reason = "who tests says how much")]
pub(crate) fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").map(|n| n.parse().unwrap());
    ProptestConfig { cases: asked.unwrap_or(usual), ..ProptestConfig::default() }
}

/// A store in a folder of its own.
pub(crate) struct Example {
    pub(crate) runtime: Runtime,
    pub(crate) folder: TempDir,
    pub(crate) store: Store,
}

pub(crate) fn kind(name: &str) -> Kind {
    Kind::new(name).unwrap()
}

/// Two in the morning of day `day`, counted from 1 January 2026.
pub(crate) fn day(day: u64) -> Timestamp {
    Timestamp::from_second(1_767_232_800 + i64::try_from(day).unwrap() * 86_400).unwrap()
}

pub(crate) fn resource(kind_name: &str, id: &str, body: &str) -> Resource {
    let value: serde_json::Value = serde_json::from_str(body).unwrap();
    let text = |name: &str| value.get(name).and_then(|v| v.as_str()).map(Arc::from);
    Resource {
        key: ResourceKey::build("openstack", &kind(kind_name), &["r1", id]),
        kind: kind(kind_name),
        region: Some("r1".into()),
        project: text("tenant_id"),
        name: text("name"),
        body: tidegate_model::canonical(body.as_bytes(), &()).unwrap().into(),
        source: "openstack/test".into(),
        read_at: day(0),
    }
}

pub(crate) fn coverage(kind_name: &str, status: Status, visibility: Visibility) -> KindCoverage {
    KindCoverage {
        source: "openstack/test".into(),
        region: Some("r1".into()),
        kind: kind(kind_name),
        status,
        visibility,
        read_from: day(0),
        read_until: day(0),
    }
}

pub(crate) fn complete(kind_name: &str) -> KindCoverage {
    coverage(kind_name, Status::Complete { count: 0 }, Visibility::All)
}

impl Example {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = runtime.block_on(Store::open(folder.path())).unwrap();
        Self { runtime, folder, store }
    }

    /// Collects once.
    pub(crate) fn collect(
        &self,
        subject: &str,
        taken: u64,
        resources: Vec<Resource>,
        covered: Vec<KindCoverage>,
    ) {
        let mut n = 0_u64;
        let begin = Begin {
            taken_at: day(taken),
            tool_version: "0.1.0-test".into(),
            salts: Box::new(move || {
                n += 1;
                let mut salt = [0; 16];
                salt[..8].copy_from_slice(&taken.to_le_bytes());
                salt[8..].copy_from_slice(&n.to_le_bytes());
                salt
            }),
        };
        let subject = Subject::new(subject).unwrap();
        self.runtime.block_on(async {
            let mut writer = self.store.begin(&subject, begin).await.unwrap();
            writer.put(resources).unwrap();
            covered.into_iter().for_each(|c| writer.cover(c));
            writer.commit().await.unwrap();
        });
    }

    pub(crate) fn subjects(&self) -> Vec<Subject> {
        self.runtime.block_on(self.store.subjects()).unwrap()
    }

    pub(crate) fn session(&self, at: &str) -> Session {
        let at: At = at.parse().unwrap();
        Session::open(&self.store, &self.subjects(), &at, Arc::new(|| false)).unwrap()
    }

    /// A session that finds all rows by going through all.
    pub(crate) fn without_pushdown(&self, at: &str) -> Session {
        let at: At = at.parse().unwrap();
        let mut db = Db::open(&self.store, &self.subjects(), &at, Arc::new(|| false)).unwrap();
        db.pushdown = false;
        Session::over(db).unwrap()
    }

    pub(crate) fn ask(&self, at: &str, sql: &str) -> Result<Answer, SqlError> {
        self.session(at).query(sql, 10_000)
    }

    /// An answer as text, a line for each row.
    #[track_caller]
    pub(crate) fn check(&self, at: &str, sql: &str, expected: &[&str]) {
        let answer = self.ask(at, sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        assert_eq!(lines(&answer), expected, "{sql}");
    }
}

pub(crate) fn lines(answer: &Answer) -> Vec<String> {
    let text = |v: &Value| match v {
        Value::Null => "-".to_owned(),
        Value::Integer(i) => i.to_string(),
        Value::Real(r) => r.to_string(),
        Value::Text(t) => t.to_string(),
        Value::Blob(b) => format!("{b:?}"),
    };
    answer.rows.iter().map(|r| r.iter().map(text).collect::<Vec<_>>().join(" ")).collect()
}

/// Four days of a cloud: a server is resized, one is deleted, one comes; the
/// ports cannot be read on the last day.
pub(crate) fn example() -> Example {
    let example = Example::new();
    let server = |id: &str, status: &str, vcpus: u64, project: &str| {
        resource(
            "compute.server",
            id,
            &format!(
                r#"{{"id":"{id}","name":"vm-{id}","status":"{status}","tenant_id":"{project}",
                "flavor":{{"vcpus":{vcpus},"original_name":"SCS-{vcpus}V"}},"OS-EXT-SRV-ATTR:host":"h1"}}"#
            ),
        )
    };
    let port = |id: &str, device: &str| {
        let body = format!(r#"{{"id":"{id}","name":"","device_id":"{device}","tenant_id":"p1"}}"#);
        resource("network.port", id, &body)
    };
    let all = || vec![complete("compute.server"), complete("network.port")];
    let ports = || vec![port("x1", "a"), port("x2", "b"), port("x3", "b")];
    let mut one = vec![server("a", "ACTIVE", 1, "p1"), server("b", "ACTIVE", 2, "p2")];
    one.extend(ports());
    example.collect("prod1", 1, one, all());
    let mut two = vec![server("a", "ACTIVE", 4, "p1"), server("b", "ACTIVE", 2, "p2")];
    two.extend(ports());
    example.collect("prod1", 2, two, all());
    let mut three = vec![server("a", "ACTIVE", 4, "p1"), server("c", "ERROR", 8, "p2")];
    three.extend(ports());
    example.collect("prod1", 3, three, all());
    let refused = coverage("network.port", Status::Forbidden, Visibility::All);
    let four = vec![server("a", "ACTIVE", 4, "p1"), server("c", "ERROR", 8, "p2")];
    example.collect("prod1", 4, four, vec![complete("compute.server"), refused]);
    example
}
