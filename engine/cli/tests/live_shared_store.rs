//! Runs the binary with its store in a bucket of a real S3 server: that of
//! `ci/testbed/ceph/with` (or, which is a simulator, of `ci/testbed/moto/with`).
//! Off by default: `ci/test` asks for it with `--ignored`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod shell;

use serde_json::json;
use shell::{Ran, Shell};

const COLLECT: &str = "collect --example";

/// A machine: a home of its own, and with it an index of its own.
struct Machine {
    shell: Shell,
    variables: Vec<(String, String)>,
}

/// A prefix of the bucket for each test.
fn prefix(test: &str) -> String {
    format!("{}/{test}", std::env::var("TIDEGATE_TEST_S3").unwrap())
}

impl Machine {
    fn new(store: &str) -> Self {
        let mut variables: Vec<_> =
            std::env::vars().filter(|(name, _)| name.starts_with("AWS_")).collect();
        variables.push(("TIDEGATE_STORE".to_owned(), store.to_owned()));
        Self { shell: Shell::new(), variables }
    }

    /// The same machine with a variable that is wrong.
    fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(n, _)| n != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn args(&self, args: &[&str]) -> Ran {
        let env: Vec<_> = self.variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let ran = self.shell.run_args(args, &env);
        for secret in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            let value = self.variables.iter().find(|(n, v)| n == secret && !v.is_empty());
            if let Some((_, value)) = value {
                assert!(!format!("{ran:?}").contains(value.as_str()), "{secret} is shown");
            }
        }
        ran
    }

    fn run(&self, args: &str) -> Ran {
        self.args(&args.split_whitespace().collect::<Vec<_>>())
    }

    #[track_caller]
    fn collected(&self) {
        let ran = self.run(COLLECT);
        assert_eq!(ran.code, 0, "{ran:?}");
    }

    fn snapshots(&self) -> u64 {
        let list = self.run("snapshot list -f json");
        u64::try_from(list.json()["snapshots"].as_array().unwrap().len()).unwrap()
    }

    fn consistent(&self) -> bool {
        let verified = self.run("snapshot verify");
        verified.code == 0 && verified.stdout.contains("consistent")
    }
}

/// As [`Ran::refused`], after what may be said of the index.
#[track_caller]
fn refused(mut ran: Ran, code: i32, texts: &[&str]) {
    while let Some((warning, rest)) = ran.stderr.split_once('\n')
        && warning.starts_with("warning: the index was ")
    {
        ran.stderr = rest.to_owned();
    }
    ran.refused(code, texts);
}

#[test]
#[ignore = "needs a bucket"]
fn live_two_machines_see_one_store() {
    let store = prefix("machines");
    let (a, b) = (Machine::new(&store), Machine::new(&store));
    a.run("snapshot verify").refused(64, &["the store is empty"]);
    a.collected();
    assert_eq!(b.snapshots(), 1);
    b.collected();
    a.collected();
    assert_eq!((a.snapshots(), b.snapshots()), (3, 3));

    let sql = "SELECT count(*) AS n FROM servers";
    let here = a.args(&["query", sql, "-f", "json"]);
    assert!(here.code == 0 && here.stdout.contains("\"n\""), "{here:?}");
    assert_eq!(b.args(&["query", sql, "-f", "json"]).stdout, here.stdout);
    let judged = |m: &Machine| m.run("check --no-fail-on-incomplete -q -f json").json();
    let (here, there) = (judged(&a), judged(&b));
    assert_eq!(here["subjects"][0]["rules"], there["subjects"][0]["rules"]);
    assert!(a.consistent() && b.consistent());

    let pruned = b.run("store prune --keep daily -f json");
    assert_eq!(pruned.json()["clouds"][0]["snapshots"], json!([1, 2]), "{pruned:?}");
    refused(a.run("snapshot show --at example@1"), 64, &["`example@1` was pruned"]);
    assert!(a.consistent());
    // What is on a machine is a copy of the bucket's and may go.
    std::fs::remove_dir_all(a.shell.path(".cache")).unwrap();
    let list = a.run("snapshot list");
    assert!(list.code == 0 && list.stderr.contains("the index was rebuilt"), "{list:?}");
    assert_eq!(a.run("store reindex").code, 0);
    assert!(!a.shell.path(".local").exists(), "something was kept outside of the cache");
}

#[test]
#[ignore = "needs a bucket"]
fn live_of_collectors_at_once_each_snapshot_has_one() {
    let store = prefix("race");
    let machines: Vec<_> = (0..4).map(|_| Machine::new(&store)).collect();
    machines[0].collected();
    let mut newest = 1;
    // It takes a moment to collect, so one round is nearly always enough.
    for _ in 0..5 {
        let runs: Vec<Ran> = std::thread::scope(|scope| {
            let started: Vec<_> = machines.iter().map(|m| scope.spawn(|| m.run(COLLECT))).collect();
            started.into_iter().map(|run| run.join().unwrap()).collect()
        });
        let (won, lost): (Vec<_>, Vec<_>) = runs.into_iter().partition(|ran| ran.code == 0);
        assert!(!won.is_empty(), "{lost:?}");
        newest += u64::try_from(won.len()).unwrap();
        let met = !lost.is_empty();
        for ran in lost {
            refused(ran, 1, &["another writer committed it first", "collect again"]);
        }
        for machine in &machines {
            assert_eq!(machine.snapshots(), newest);
        }
        if met {
            assert!(machines[0].consistent());
            return;
        }
    }
    panic!("no two collectors met");
}

#[test]
#[ignore = "needs a bucket"]
fn live_what_cannot_be_reached_is_told() {
    let store = prefix("errors");
    Machine::new(&store).collected();
    let refused = |machine: &Machine, texts: &[&str]| {
        for command in ["snapshot list", "snapshot verify", COLLECT] {
            machine.run(command).refused(1, texts);
        }
    };
    refused(&Machine::new("s3://no-bucket-of-tidegate/p"), &["NoSuchBucket", "hint: ", "bucket"]);
    let down = Machine::new(&store).with("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    refused(&down, &["127.0.0.1:9", "Connection refused", "hint: ", "AWS_ENDPOINT_URL"]);
}

#[test]
#[ignore = "needs a bucket of a server that looks at keys"]
fn live_a_wrong_key_is_told() {
    let store = prefix("keys");
    Machine::new(&store).collected();
    for (name, value) in
        [("AWS_SECRET_ACCESS_KEY", "hunter2-hunter2-hunter2"), ("AWS_ACCESS_KEY_ID", "nobody")]
    {
        let ran = Machine::new(&store).with(name, value).run("snapshot list");
        // The gateway asks Keystone next; where that is down it fails instead.
        let hint =
            if ran.stderr.contains("403") { "AWS_SECRET_ACCESS_KEY" } else { "storage is up" };
        ran.refused(1, &["cannot read object `format.json`", "hint: ", hint]);
    }
}
