//! Judges the real OpenStack of `ci/testbed/openstack` with the security bundle:
//! what was planted is found, by id, and nothing else of that rule. The testbed must be
//! up and seeded. Off by default: `ci/test` asks for it with `--ignored`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod testbed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// What the seed has no example of; taken away again at the end.
struct Planted(BTreeMap<String, String>);

impl Planted {
    fn plant() -> Self {
        let text = Self::script(&[]);
        Self(serde_json::from_str(&text).unwrap())
    }

    fn script(args: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ci/testbed/openstack/plant");
        let out = Command::new(script).args(args).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    fn id(&self, name: &str) -> &str {
        &self.0[name]
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        Self::script(&["--remove"]);
    }
}

/// Of one rule: its verdict, and keys and names of what fails.
struct Said {
    verdict: String,
    failed: BTreeMap<String, String>,
}

fn scan(dir: &TempDir, cloud: &str) -> BTreeMap<String, Said> {
    let report = dir.path().join(format!("{cloud}.json"));
    let out = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["scan", "--cloud", cloud, "--bundle", "openstack-security", "--quiet", "-f"])
        .arg(format!("json={}", report.display()))
        .env_clear()
        .env("HOME", dir.path())
        .env("PATH", "/usr/bin:/bin")
        .env("TIDEGATE_STORE", dir.path().join("store"))
        .env("OS_CLIENT_CONFIG_FILE", testbed::folder().join("clouds.yaml"))
        .output()
        .unwrap();
    let text = std::fs::read_to_string(report)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)));
    let report: Value = serde_json::from_str(&text).unwrap();
    let rules = report["subjects"][0]["rules"].as_array().unwrap();
    let said = |rule: &Value| {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let failed = rule["findings"].as_array().unwrap().iter().filter(|f| f["verdict"] == "fail");
        let failed = failed.map(|f| (text(&f["resource"]), text(&f["name"]))).collect();
        (text(&rule["id"]), Said { verdict: text(&rule["verdict"]), failed })
    };
    rules.iter().map(said).collect()
}

/// Rule, and by name what it finds in the seed alone.
const SEEDED: [(&str, &[&str]); 19] = [
    ("os.block.snapshot-metadata-secret", &["alpha-snap"]),
    ("os.block.volume-metadata-secret", &["alpha-data-2"]),
    ("os.compute.keypair-weak", &["key-weak"]),
    ("os.compute.server-metadata-secret", &["beta-web-1", "beta-web-2", "beta-web-3"]),
    ("os.compute.server-userdata-secret", &["alpha-web-1", "alpha-web-2", "alpha-web-3"]),
    ("os.identity.appcred-unrestricted", &["terraform"]),
    ("os.identity.lockout-exempt", &["robot"]),
    ("os.network.allowed-address-pairs-any", &["gamma-any-pair"]),
    ("os.network.port-security-off", &["gamma-unprotected", "public"]),
    ("os.network.sg-all-open-world", &["any-any-gamma"]),
    ("os.network.sg-control-open-world", &["any-any-gamma"]),
    ("os.network.sg-db-open-world", &["any-any-gamma", "halves-gamma"]),
    ("os.network.sg-kube-api-open-world", &["any-any-gamma"]),
    (
        "os.network.sg-legacy-open-world",
        &["any-any-gamma", "ssh-addresses-alpha", "ssh-halves-alpha"],
    ),
    ("os.network.sg-no-description", &["halves-gamma"]),
    ("os.network.sg-rdp-open-world", &["any-any-gamma"]),
    (
        "os.network.sg-ssh-open-world",
        &["any-any-gamma", "open-ssh-beta", "ssh-addresses-alpha", "ssh-halves-alpha"],
    ),
    ("os.image.public-by-customer", &["alpha-golden"]),
    ("os.network.subnet-dhcp-off", &["public-v4"]),
];

/// Rule, and how many resources without a name of their own it finds.
const NAMELESS: [(&str, usize); 6] = [
    ("os.block.encryption-weak", 1),
    ("os.identity.admin-project-scope", 3),
    ("os.identity.trust-no-expiry", 1),
    ("os.network.agent-down", 4),
    ("os.network.rbac-wildcard", 1),
    ("os.compute.quota-unlimited", 6),
];

#[test]
#[ignore = "needs the testbed"]
fn live_planted_faults_are_found_and_a_reader_passes_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let planted = Planted::plant();
    let admin = scan(&dir, "testbed");
    for (rule, names) in SEEDED {
        let found: BTreeSet<&str> = admin[rule].failed.values().map(String::as_str).collect();
        assert_eq!(found, names.iter().copied().collect(), "{rule}");
    }
    for (rule, count) in NAMELESS {
        assert_eq!(admin[rule].failed.len(), count, "{rule}: {:?}", admin[rule].failed);
    }
    for (rule, name) in [
        ("os.network.sg-ssh-open-world", "ssh-halves-alpha"),
        ("os.network.sg-ssh-open-world", "ssh-addresses-alpha"),
        ("os.image.public-by-customer", "alpha-golden"),
        ("os.network.agent-down", "agent neutron-l3-agent"),
    ] {
        let found = admin[rule].failed.keys().any(|key| key.ends_with(planted.id(name)));
        assert!(found, "{rule}: {name}");
    }
    for lesser in ["testbed-reader", "testbed-member"] {
        let mut aborted = 0;
        for (rule, said) in &scan(&dir, lesser) {
            let before = &admin[rule];
            assert!(
                said.verdict != "pass" || before.verdict == "pass",
                "{rule} is {} for the admin and passes for {lesser}",
                before.verdict
            );
            aborted += usize::from(said.verdict == "abort" && before.verdict != "abort");
        }
        assert!(aborted > 0, "{lesser} sees less");
    }
}
