//! The real OpenStack of `ci/testbed/openstack`, and the binary run against it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    dead_code,
    missing_docs,
    reason = "a test may, and each file of tests uses a part"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The testbed's folder, as its scripts know it.
pub(crate) fn folder() -> PathBuf {
    let var = |name: &str| std::env::vars().find(|(k, _)| k == name).map(|(_, v)| v);
    if let Some(dir) = var("TIDEGATE_TESTBED_DIR") {
        return PathBuf::from(dir);
    }
    let cache = var("XDG_CACHE_HOME").map(PathBuf::from);
    cache
        .unwrap_or_else(|| PathBuf::from(var("HOME").unwrap()).join(".cache"))
        .join("tidegate/testbed")
}

/// Runs one of the testbed's scripts; what it prints.
#[track_caller]
pub(crate) fn script(name: &str, args: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ci/testbed/openstack");
    let out = Command::new(folder.join(name)).args(args).output().unwrap();
    assert!(out.status.success(), "{name} {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// What a script plants, by name the id; taken away again at the end.
pub(crate) struct Planted {
    script: &'static str,
    ids: BTreeMap<String, String>,
}

impl Planted {
    pub(crate) fn plant(script: &'static str) -> Self {
        let ids = serde_json::from_str(&self::script(script, &[])).unwrap();
        Self { script, ids }
    }

    #[track_caller]
    pub(crate) fn id(&self, name: &str) -> &str {
        self.ids.get(name).unwrap_or_else(|| panic!("nothing planted is called {name}"))
    }

    /// The names of what has these ids.
    pub(crate) fn names(&self, ids: &BTreeSet<String>) -> BTreeSet<&str> {
        self.ids.iter().filter(|(_, id)| ids.contains(*id)).map(|(name, _)| name.as_str()).collect()
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        script(self.script, &["--remove"]);
    }
}

/// Of one rule: its verdict, and by key what fails and what is not judged.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) verdict: String,
    /// Key: name.
    pub(crate) failed: BTreeMap<String, String>,
    /// Key: reason.
    pub(crate) aborted: BTreeMap<String, String>,
    /// Key: messages of the findings.
    pub(crate) messages: BTreeMap<String, Vec<String>>,
}

/// A store of its own, and the clouds of the testbed.
pub(crate) struct Session {
    pub(crate) dir: TempDir,
    pub(crate) clouds: PathBuf,
}

impl Session {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clouds: folder().join("clouds.yaml") }
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.dir.path())
            .env("PATH", "/usr/bin:/bin")
            .env("TIDEGATE_STORE", self.dir.path().join("store"))
            .env("OS_CLIENT_CONFIG_FILE", &self.clouds);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let out = self.run(args);
        serde_json::from_slice(&out.stdout)
            .unwrap_or_else(|e| panic!("{args:?}: {e}\n{}", String::from_utf8_lossy(&out.stderr)))
    }

    /// Collects and judges, with more arguments; by rule what it says.
    #[track_caller]
    pub(crate) fn scan(&self, cloud: &str, bundle: &str, more: &[&str]) -> BTreeMap<String, Said> {
        let args = ["scan", "--cloud", cloud, "--bundle", bundle, "--quiet", "-f", "json"];
        let report = self.json(&[&args, more].concat());
        let rules = report["subjects"][0]["rules"].as_array().unwrap();
        rules.iter().map(|rule| (rule["id"].as_str().unwrap().to_owned(), said(rule))).collect()
    }
}

fn said(rule: &Value) -> Said {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let mut said = Said { verdict: text(&rule["verdict"]), ..Said::default() };
    for finding in rule["findings"].as_array().unwrap() {
        let key = text(&finding["resource"]);
        if finding["verdict"] == "fail" {
            said.failed.insert(key.clone(), text(&finding["name"]));
        } else {
            said.aborted.insert(key.clone(), text(&finding["cause"]["message"]));
        }
        let violations = finding["violations"].as_array().into_iter().flatten();
        said.messages.entry(key).or_default().extend(violations.map(|v| text(&v["message"])));
    }
    said
}
