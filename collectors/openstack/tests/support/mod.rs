//! What the tests share: a replayed cloud, a collection of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tidegate_model::{Collected, KindCoverage, Resource, Status};
use tidegate_openstack::{
    Cloud, CollectError, Config, Environment, Options, Retry, Selector, Settings, Summary,
    Timeouts, collect,
};
use tidegate_replay::{Recording, Replay, Size, generate};

/// Everything that one collection handed over.
pub struct Got {
    pub resources: Vec<Resource>,
    pub coverage: Vec<KindCoverage>,
    pub summary: Summary,
}

impl Got {
    #[track_caller]
    pub fn status(&self, kind: &str) -> &Status {
        &self.coverage(kind).status
    }

    #[track_caller]
    pub fn coverage(&self, kind: &str) -> &KindCoverage {
        let found = self.coverage.iter().find(|c| c.kind.as_str() == kind);
        found.unwrap_or_else(|| panic!("no coverage of {kind}"))
    }

    pub fn of(&self, kind: &str) -> Vec<&Resource> {
        self.resources.iter().filter(|r| r.kind.as_str() == kind).collect()
    }

    pub fn body(&self, key: &str) -> serde_json::Value {
        let found = self.resources.iter().find(|r| r.key.as_str() == key);
        let found = found.unwrap_or_else(|| panic!("no {key}"));
        serde_json::from_str(&found.body).unwrap()
    }
}

pub fn complete(count: u64) -> Status {
    Status::Complete { count }
}

/// 25 servers, 25 ports and what belongs to them, at most 10 on a page.
pub fn small() -> Recording {
    let mut recording = generate(1, Size::resources(63));
    recording.max_page = 10;
    recording
}

pub async fn serve(recording: Recording) -> Replay {
    Replay::start(recording).await.unwrap()
}

/// Reads a clouds.yaml; `vars` are environment variables.
pub fn config(text: &str, vars: &[(&str, &str)]) -> Result<Config, CollectError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("clouds.yaml"), text).unwrap();
    Config::load(&Environment {
        vars: vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        cwd: folder.path().to_owned(),
        home: Some(PathBuf::from("/nonexistent")),
    })
}

pub fn settings(text: &str) -> Settings {
    config(text, &[]).unwrap().cloud(None).unwrap()
}

pub fn timeouts() -> Timeouts {
    Timeouts { request: Duration::from_millis(1500), connect: Duration::from_millis(500) }
}

pub fn options() -> Options {
    let retry =
        Retry { times: 2, pause: Duration::from_millis(10), longest: Duration::from_millis(1100) };
    let now = || "2026-11-23T00:00:00Z".parse().unwrap();
    Options { retry, page_size: 10, ..Options::new(Arc::new(now)) }
}

pub fn only(kinds: &[&str]) -> Options {
    Options { kinds: Some(Selector::new(kinds).unwrap()), ..options() }
}

pub async fn connect(replay: &Replay) -> Cloud {
    Cloud::connect(&settings(&replay.clouds_yaml()), &timeouts()).await.unwrap()
}

pub async fn gather(cloud: &Cloud, options: &Options) -> Got {
    let (tx, mut rx) = tokio::sync::mpsc::channel(1);
    let (mut resources, mut coverage) = (Vec::new(), Vec::new());
    let take = async {
        while let Some(got) = rx.recv().await {
            match got {
                Collected::Page(page) => resources.extend(page),
                Collected::Coverage(c) => coverage.push(c),
            }
        }
    };
    let (summary, ()) = tokio::join!(collect(cloud, options, tx), take);
    let mut keys = BTreeMap::new();
    for r in &resources {
        assert!(keys.insert(r.key.clone(), ()).is_none(), "{} was sent twice", r.key);
    }
    Got { resources, coverage, summary: summary.unwrap() }
}

/// Collects some kinds of a cloud served with these faults.
pub async fn with_faults(faults: Vec<tidegate_replay::Fault>, kinds: &[&str]) -> (Got, Replay) {
    let replay = serve(small()).await;
    let cloud = connect(&replay).await;
    for fault in faults {
        replay.fault(fault);
    }
    let got = gather(&cloud, &only(kinds)).await;
    (got, replay)
}
