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

use std::collections::BTreeSet;

use testbed::{Planted, Session};

const BUNDLE: &str = "openstack-security";

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

/// The rules that pass and read only what everybody sees alike: the catalog, the own
/// token, versions, and services that there are not.
const SEEN_BY_ALL: [&str; 5] = [
    "os.dns.zone-transfer-open",
    "os.identity.token-format-legacy",
    "os.key.no-service",
    "os.version.advisory",
    "os.version.eol-release",
];

#[test]
#[ignore = "needs the testbed"]
fn live_planted_faults_are_found_and_a_reader_passes_nothing_more() {
    let session = Session::new();
    let planted = Planted::plant("plant");
    let admin = session.scan("testbed", BUNDLE, &[]);
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
        let mut passed = BTreeSet::new();
        for (rule, said) in &session.scan(lesser, BUNDLE, &[]) {
            let before = &admin[rule];
            let same = said.verdict == before.verdict;
            assert!(
                same || said.verdict == "abort",
                "{rule} is {} for the admin and {} for {lesser}",
                before.verdict,
                said.verdict
            );
            let found = said.failed.keys().filter(|key| !before.failed.contains_key(*key));
            assert_eq!(found.collect::<Vec<_>>(), [""; 0], "{rule} for {lesser}");
            if said.verdict == "pass" {
                passed.insert(rule.clone());
            }
        }
        // Of a fail a part is enough; that all is well takes all.
        assert_eq!(passed, SEEN_BY_ALL.map(str::to_owned).into(), "{lesser}");
    }
}
