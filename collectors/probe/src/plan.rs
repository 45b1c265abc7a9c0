//! What to probe and within which limits.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tidegate_openstack::{Clock, Retry};

/// The kinds of the facts that probes find, one resource per region each.
pub const KINDS: [&str; 4] =
    ["probe.entropy", "probe.key_manager", "probe.backup", "probe.default_security_group"];

/// Something that is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Probe {
    /// Whether the member role may create, list and delete secrets.
    KeyManager,
    /// Which rules a new security group has, on a Neutron that cannot tell.
    DefaultSecurityGroup,
    /// Whether a volume can be backed up and restored.
    Backup,
    /// How much entropy a new server has, and how good it is.
    Entropy,
}

impl Probe {
    /// All, the quick ones first.
    pub const ALL: [Self; 4] =
        [Self::KeyManager, Self::DefaultSecurityGroup, Self::Backup, Self::Entropy];

    /// The kind of the fact that it finds.
    #[must_use]
    pub fn kind(self) -> &'static str {
        let [entropy, key_manager, backup, group] = KINDS;
        match self {
            Self::Entropy => entropy,
            Self::KeyManager => key_manager,
            Self::Backup => backup,
            Self::DefaultSecurityGroup => group,
        }
    }

    /// The testcases that are judged by what it finds.
    #[must_use]
    pub fn testcases(self) -> &'static [&'static str] {
        match self {
            Self::Entropy => &["scs-0101-entropy-avail", "scs-0101-fips-test"],
            Self::KeyManager => &["scs-0116-permissions"],
            Self::Backup => &["scs-0117-test-backup"],
            Self::DefaultSecurityGroup => &["scs-0115-default-rules"],
        }
    }

    /// The probe that a testcase needs.
    #[must_use]
    pub fn of_testcase(testcase: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.testcases().contains(&testcase))
    }
}

/// What one run does.
#[derive(Debug, Clone)]
pub struct Plan {
    /// A random UUID, part of every name.
    pub run: String,
    /// What is tried, in every region of the cloud.
    pub probes: BTreeSet<Probe>,
    /// The longest that probing may take, at most a day. Cleaning up has its own allowance.
    pub time: Duration,
    /// The most resources that may be created, in all.
    pub resources: usize,
}

/// Is told what is being done, one clause each.
pub type Listener = Arc<dyn Fn(&str) + Send + Sync>;

/// What a run or a cleaning is given.
#[derive(Clone)]
pub struct Setting {
    /// The clock.
    pub now: Clock,
    /// When to ask a service again.
    pub retry: Retry,
    /// How long to wait for what.
    pub pace: Pace,
    /// Told how it goes.
    pub listener: Option<Listener>,
}

impl Setting {
    /// The defaults, with this clock.
    #[must_use]
    pub fn new(now: Clock) -> Self {
        Self { now, retry: Retry::default(), pace: Pace::default(), listener: None }
    }

    pub(crate) fn tell(&self, text: &str) {
        tracing::info!("{text}");
        if let Some(listener) = &self.listener {
            listener(text);
        }
    }
}

/// How long to wait for what. Tests are faster.
#[derive(Debug, Clone)]
pub struct Pace {
    /// The pauses between looks at a volume or backup that is being made. 110 s
    /// in all, as in the test of the standard (scs-0117-test-backup).
    pub ladder: Vec<Duration>,
    /// Between looks at anything else.
    pub poll: Duration,
    /// How long the serial console is read, at most (scs-0101-entropy-avail).
    pub console: Duration,
    /// How long something may take to appear whose creation was not answered:
    /// longer than a request may take. Only then does not finding it mean that
    /// it was never made.
    pub settle: Duration,
    /// For cleaning up, in all.
    pub allowance: Duration,
    /// For removing one resource, so that one that cannot be removed does not
    /// keep the others.
    pub each: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            ladder: [2, 3, 5, 10, 15, 25, 50].map(Duration::from_secs).to_vec(),
            poll: Duration::from_secs(1),
            console: Duration::from_secs(300),
            settle: Duration::from_secs(75),
            allowance: Duration::from_secs(600),
            each: Duration::from_secs(120),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_testcase_names_its_probe_and_every_probe_its_kind() {
        for probe in Probe::ALL {
            assert!(KINDS.contains(&probe.kind()));
            for testcase in probe.testcases() {
                assert_eq!(Probe::of_testcase(testcase), Some(probe));
            }
        }
        assert_eq!(Probe::of_testcase("scs-0103-flavor-1v-4"), None);
    }
}
