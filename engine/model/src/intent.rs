//! What is to be updated, and within which limits.
//!
//! `tidegate.intent/v1`, `schemas/intent.schema.json`; people write it as YAML.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Severity, Timestamp};

/// An intent. Members that are not known are refused: a misspelt limit would be
/// no limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
pub struct Intent {
    /// `tidegate.intent/v1`.
    pub schema: String,
    /// What is to be updated; a host that several select gets each component.
    pub targets: Vec<Target>,
    /// By pool, how many hosts may be out of service at a time, those included
    /// that are down or disabled already; a pool without a number has no such
    /// limit.
    #[serde(default)]
    pub max_unavailable: BTreeMap<String, u32>,
    /// The share of each zone's usable capacity that must stay free while a wave
    /// is under way, from 0 up to and not including 1.
    #[serde(default)]
    pub headroom: f64,
    /// So many of a zone's fullest hosts that run and are no targets of the wave
    /// must be able to fail at any time: their load must fit into what is free.
    #[serde(default)]
    pub spare_hosts: u32,
    /// The most hosts in the first wave of each zone; no limit if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<u32>,
    /// By how much a wave may be larger than the one before it in its zone, at
    /// least 1; rounded up. Only with `canary`.
    #[serde(default = "double")]
    pub growth: f64,
    /// When waves may run; at any time if empty.
    #[serde(default)]
    pub windows: Vec<Window>,
    /// When no wave may run, whatever the windows say.
    #[serde(default)]
    pub freezes: Vec<Freeze>,
    /// Seconds to wait after each wave.
    #[serde(default)]
    pub soak_s: u64,
    /// Whether a zone is finished before the next one begins.
    #[serde(default)]
    pub one_zone_at_a_time: bool,
    /// How long things take.
    #[serde(default)]
    pub durations: Durations,
}

fn double() -> f64 {
    2.0
}

/// What is to be updated to what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
pub struct Target {
    /// Which hosts or nodes.
    pub selector: Selector,
    /// The component, such as `nova`, `kernel` or `kubelet`.
    pub component: String,
    /// Only where it has this version now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The version it shall have. What has it already is done.
    pub to: String,
    /// How urgent it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// By when it has to be done; if absent, it follows from the severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Whether updating it needs a restart of the host. Without one, its virtual
    /// machines are moved away all the same.
    #[serde(default)]
    pub reboot: bool,
}

/// Which hosts or nodes: `all`, or those that match every member given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Selector {
    /// `all`.
    All(All),
    /// Those that match.
    Some(Matching),
}

/// The word `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum All {
    /// Every host.
    All,
}

/// What a host must match.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
pub struct Matching {
    /// Its pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Its zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// A role that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Hosts or nodes by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<BTreeSet<String>>,
}

/// Read by hand, because serde tells nothing of what is wrong inside of an
/// untagged one.
impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Selector;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`all`, or a mapping with `pool`, `zone`, `role` or `ids`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Selector, E> {
                match text {
                    "all" => Ok(Selector::All(All::All)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Selector, A::Error> {
                Matching::deserialize(MapAccessDeserializer::new(map)).map(Selector::Some)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// When waves may run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, try_from = "AnyWindow")]
pub enum Window {
    /// Once.
    Once(Once),
    /// Every week.
    Weekly(Weekly),
}

/// A window of either sort as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
struct AnyWindow {
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    #[serde(default)]
    days: Option<Vec<Day>>,
    from: Option<String>,
    to: Option<String>,
    time_zone: Option<String>,
    zone: Option<String>,
}

impl TryFrom<AnyWindow> for Window {
    type Error = &'static str;
    fn try_from(any: AnyWindow) -> Result<Self, Self::Error> {
        let AnyWindow { start, end, days, from, to, time_zone, zone } = any;
        match (start, end, from, to, time_zone) {
            (Some(start), Some(end), None, None, None) if days.is_none() => {
                Ok(Self::Once(Once { start, end, zone }))
            }
            (None, None, Some(from), Some(to), Some(time_zone)) => {
                let days = days.unwrap_or_default();
                Ok(Self::Weekly(Weekly { days, from, to, time_zone, zone }))
            }
            _ => Err("a window has either `start` and `end`, or `from`, `to` and `time_zone`"),
        }
    }
}

/// From one time to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
pub struct Once {
    /// Its begin.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
    /// Only for this zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// On some days of every week, in the time of a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
pub struct Weekly {
    /// The days on which it begins; every day if empty.
    #[serde(default)]
    pub days: Vec<Day>,
    /// When it begins, such as `22:00`.
    pub from: String,
    /// When it ends, such as `05:30`; not later than `from` means on the next
    /// day.
    pub to: String,
    /// The time zone, such as `Europe/Berlin`.
    pub time_zone: String,
    /// Only for this availability zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// When no wave may run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
pub struct Freeze {
    /// Its begin.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How long things take, in seconds; what a window must have room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a mapping")]
pub struct Durations {
    /// Moving a virtual machine.
    pub migrate_s: u64,
    /// Updating a host, without its restart.
    pub update_s: u64,
    /// Restarting a host until it works again.
    pub reboot_s: u64,
}

/// Generous for most: a migration of a few GiB, a package update, a slow
/// server's self-test.
impl Default for Durations {
    fn default() -> Self {
        Self { migrate_s: 60, update_s: 600, reboot_s: 900 }
    }
}

impl Intent {
    /// The name and version of the shape.
    pub const SCHEMA: &'static str = "tidegate.intent/v1";
}
