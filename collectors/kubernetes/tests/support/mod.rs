//! What the tests share: a replayed cluster, a collection of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tidegate_kubernetes::{
    Cluster, CollectError, Config, Environment, Options, Retry, Settings, Summary, Timeouts,
    collect,
};
use tidegate_model::{Collected, KindCoverage, Resource, Status, Timestamp};
use tidegate_replay::kubernetes::{Account, Cluster as Recorded, KubeReplay};
use tidegate_replay::{Action, Fault};

/// Everything that one collection handed over.
pub struct Got {
    pub resources: Vec<Resource>,
    pub coverage: Vec<KindCoverage>,
    pub summary: Summary,
}

impl Got {
    #[track_caller]
    pub fn coverage(&self, kind: &str) -> &KindCoverage {
        let mut found = self.coverage.iter().filter(|c| c.kind.as_str() == kind);
        let one = found.next().unwrap_or_else(|| panic!("no coverage of {kind}"));
        assert!(found.next().is_none(), "{kind} is covered twice");
        one
    }

    #[track_caller]
    pub fn status(&self, kind: &str) -> &Status {
        &self.coverage(kind).status
    }

    pub fn covers(&self, kind: &str) -> bool {
        self.coverage.iter().any(|c| c.kind.as_str() == kind)
    }

    pub fn count(&self, kind: &str) -> usize {
        self.resources.iter().filter(|r| r.kind.as_str() == kind).count()
    }

    #[track_caller]
    pub fn resource(&self, key: &str) -> &Resource {
        let found = self.resources.iter().find(|r| r.key.as_str() == key);
        found.unwrap_or_else(|| panic!("no {key}"))
    }

    #[track_caller]
    pub fn body(&self, key: &str) -> serde_json::Value {
        serde_json::from_str(&self.resource(key).body).unwrap()
    }
}

pub fn complete(count: u64) -> Status {
    Status::Complete { count }
}

pub fn failed(reason: &str) -> Status {
    Status::Failed { reason: reason.to_owned() }
}

pub fn now() -> Timestamp {
    "2026-11-23T00:00:00Z".parse().unwrap()
}

/// Four objects a page, so that eight pods are two.
pub fn options() -> Options {
    let retry =
        Retry { times: 2, pause: Duration::from_millis(10), longest: Duration::from_millis(1100) };
    Options { retry, page_size: 4, ..Options::new(Arc::new(now)) }
}

/// An account beside the administrator, and what it may list.
pub fn account(user: &str, list: &[(&str, &str, &str)]) -> Account {
    let list = list.iter().map(|(g, p, n)| ((*g).into(), (*p).into(), (*n).into())).collect();
    Account { user: user.to_owned(), token: format!("token-of-{user}"), list }
}

pub async fn serve(cluster: Recorded) -> KubeReplay {
    KubeReplay::start(cluster, 0).await.unwrap()
}

pub fn environment(folder: &std::path::Path, vars: &[(&str, &str)]) -> Environment {
    Environment {
        vars: vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        cwd: folder.to_owned(),
        home: Some(PathBuf::from("/nonexistent")),
        service_account: Some(folder.join("account")),
    }
}

/// The settings of a context of a kubeconfig.
pub fn settings(kubeconfig: &str, context: Option<&str>) -> Result<Settings, CollectError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config"), kubeconfig).unwrap();
    let env = environment(folder.path(), &[("KUBECONFIG", "config")]);
    Config::load(&env, None)?.context(context)
}

pub fn timeouts() -> Timeouts {
    Timeouts { request: Duration::from_millis(1500), connect: Duration::from_millis(500) }
}

pub async fn connect(replay: &KubeReplay, context: Option<&str>) -> Result<Cluster, CollectError> {
    let settings = settings(&replay.kubeconfig(), context)?;
    Cluster::connect(&settings, &timeouts(), Arc::new(now)).await
}

pub async fn gather(cluster: &Cluster, options: &Options) -> Got {
    let (tx, mut rx) = tokio::sync::mpsc::channel(1);
    let (mut resources, mut coverage) = (Vec::new(), Vec::new());
    let mut done = BTreeSet::new();
    let take = async {
        while let Some(got) = rx.recv().await {
            match got {
                Collected::Page(page) => resources.extend(page),
                Collected::Coverage(c) => coverage.push(c),
            }
        }
    };
    let (summary, ()) = tokio::join!(collect(cluster, options, tx), take);
    let mut keys = BTreeMap::new();
    for r in &resources {
        assert!(keys.insert(r.key.clone(), ()).is_none(), "{} was sent twice", r.key);
        assert_eq!(r.key.kind(), r.kind.as_str());
        done.insert(r.kind.clone());
    }
    for kind in done {
        assert!(coverage.iter().any(|c| c.kind == kind), "{kind} has no coverage");
    }
    Got { resources, coverage, summary: summary.unwrap() }
}

/// Collects the bundled cluster with these faults.
pub async fn with_faults(faults: Vec<Fault>) -> (Got, KubeReplay) {
    let replay = serve(Recorded::example().unwrap()).await;
    let cluster = connect(&replay, None).await.unwrap();
    for fault in faults {
        replay.fault(fault);
    }
    let got = gather(&cluster, &options()).await;
    (got, replay)
}

/// An answer with this status and body.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Action {
    let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Action::Answer(status, headers, body.to_owned())
}
