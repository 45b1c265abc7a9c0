//! What was done so far, as the records of a store tell it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tidegate_model::Timestamp;
use tidegate_model::fleet::{Fleet, Node};
use tidegate_model::plan::Done;

/// Something that happened to the plan of a fleet; the payload of a record of the
/// kind [`Event::KIND`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A gate opened the first wave of a plan: it is under way.
    Started {
        /// The plan.
        plan: String,
        /// When its facts were taken.
        facts_at: Timestamp,
    },
    /// The rest was planned anew, mostly because a wave came to an end.
    Advanced {
        /// The plan before.
        plan: String,
        /// The wave of it that ended; absent if none did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ended: Option<EndedWave>,
        /// The plan that is under way from here.
        next: String,
    },
    /// The plan is at its end, or was given up.
    Ended {
        /// The plan.
        plan: String,
    },
}

/// A wave that came to an end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndedWave {
    /// Its number.
    pub wave: u32,
    /// How it went.
    pub outcome: Outcome,
    /// What was updated; absent if nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
    /// Seconds to wait before the next wave.
    pub soak_s: u64,
}

/// How a wave went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All its targets are updated.
    Done,
    /// Some are.
    Partial,
    /// None is.
    Failed,
}

impl Event {
    /// The kind of such records.
    pub const KIND: &'static str = "plan";
}

/// What was done since the plan under way, or a plan before it, was started.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// The plan that is under way.
    pub active: Option<String>,
    /// The plans before it that it goes on from, oldest first.
    pub before: Vec<String>,
    /// When the facts of the first plan were taken.
    pub since: Option<Timestamp>,
    /// Waves that are done, oldest first.
    pub done: Vec<Done>,
    /// Whether the last wave was not done in whole.
    pub failed: bool,
    /// When the last wave ended, and how long it has to prove itself.
    pub ended: Option<(Timestamp, u64)>,
    /// When anything was entered of the plan under way last.
    pub last: Option<Timestamp>,
}

/// Facts say otherwise than records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The host or node.
    pub target: String,
    /// The component.
    pub component: String,
    /// The version that was recorded as done.
    pub recorded: String,
    /// The version that the facts show.
    pub found: String,
}

impl History {
    /// Reads events with their times, oldest first. What does not fit the plan
    /// under way (a second plan that was started meanwhile) has not happened.
    #[must_use]
    pub fn read(events: impl IntoIterator<Item = (Timestamp, Event)>) -> Self {
        let mut history = Self::default();
        for (time, event) in events {
            history.take(time, event);
        }
        history
    }

    /// Takes one more event.
    pub fn take(&mut self, time: Timestamp, event: Event) {
        match event {
            Event::Started { plan, facts_at } => {
                if self.active.is_none() {
                    let [since, last] = [Some(facts_at), Some(time)];
                    *self = Self { active: Some(plan), since, last, ..Self::default() };
                }
            }
            Event::Advanced { plan, ended, next } => {
                if self.active.as_ref() != Some(&plan) {
                    return;
                }
                self.before.extend(self.active.replace(next));
                self.last = Some(time);
                if let Some(EndedWave { wave: _, outcome, done, soak_s }) = ended {
                    self.done.extend(done);
                    self.failed = outcome != Outcome::Done;
                    self.ended = Some((time, soak_s));
                }
            }
            Event::Ended { plan } => {
                if self.active.as_ref() == Some(&plan) {
                    *self = Self::default();
                }
            }
        }
    }
}

/// Adds the versions that waves left behind to a fleet whose facts do not show them.
///
/// # Errors
/// The first [`Contradiction`]: what was done is not as it was left.
pub fn add_done(done: &[Done], fleet: &mut Fleet) -> Result<(), Contradiction> {
    let mut all: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for (target, versions) in done.iter().flat_map(|d| &d.versions) {
        let versions = versions.iter().map(|(c, v)| (c.as_str(), v.as_str()));
        all.entry(target).or_default().extend(versions);
    }
    // Of a host that is a node, too, what runs on the node is the node's.
    let nodes = fleet.kubernetes.iter().flat_map(|c| &c.nodes);
    let nodes: BTreeMap<String, Node> = nodes.map(|n| (n.id.clone(), n.clone())).collect();
    for host in &mut fleet.hosts {
        let node = nodes.get(&host.id);
        let recorded = all.get(host.id.as_str()).into_iter().flatten();
        for (component, recorded) in recorded.filter(|(c, _)| !node.is_some_and(|n| n.runs(c))) {
            let shown = host.version.entry((*component).to_owned());
            agree(&host.id, component, recorded, shown.or_insert_with(|| (*recorded).to_owned()))?;
        }
    }
    let hosts: BTreeSet<&str> = fleet.hosts.iter().map(|h| h.id.as_str()).collect();
    for node in fleet.kubernetes.iter_mut().flat_map(|c| &mut c.nodes) {
        let both = hosts.contains(node.id.as_str());
        for (component, recorded) in all.get(node.id.as_str()).into_iter().flatten() {
            match node.version_of(component) {
                Some(shown) => agree(&node.id, component, recorded, shown)?,
                None if both && !node.runs(component) => {}
                None => node.set_version(component, recorded),
            }
        }
    }
    Ok(())
}

fn agree(target: &str, component: &str, recorded: &str, found: &str) -> Result<(), Contradiction> {
    if recorded == found {
        return Ok(());
    }
    let [target, component] = [target, component].map(str::to_owned);
    Err(Contradiction { target, component, recorded: recorded.to_owned(), found: found.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn started(plan: &str) -> Event {
        Event::Started { plan: plan.to_owned(), facts_at: at(0) }
    }

    fn advanced(plan: &str, next: &str, outcome: Outcome) -> Event {
        let version = BTreeMap::from([("nova".to_owned(), "2025.2".to_owned())]);
        let done = Done {
            zone: Some("z".to_owned()),
            targets: vec!["a".to_owned()],
            versions: BTreeMap::from([("a".to_owned(), version)]),
        };
        let ended = EndedWave {
            wave: 1,
            outcome,
            done: (outcome != Outcome::Failed).then_some(done),
            soak_s: 60,
        };
        let [plan, next] = [plan, next].map(str::to_owned);
        Event::Advanced { plan, ended: Some(ended), next }
    }

    #[test]
    fn two_plans_exclude_each_other_until_one_ends() {
        let events = vec![(at(1), started("p")), (at(2), started("q"))];
        assert_eq!(History::read(events.clone()).active.as_deref(), Some("p"), "it was first");
        let mut more = events.clone();
        more.push((at(3), advanced("q", "q2", Outcome::Done)));
        assert_eq!(History::read(more.clone()).active.as_deref(), Some("p"));
        more.push((at(4), Event::Ended { plan: "q".to_owned() }));
        assert_eq!(History::read(more.clone()).active.as_deref(), Some("p"));
        more.push((at(5), Event::Ended { plan: "p".to_owned() }));
        assert_eq!(History::read(more.clone()), History::default());
        more.push((at(6), started("q")));
        assert_eq!(History::read(more).active.as_deref(), Some("q"));
    }

    #[test]
    fn what_was_done_is_kept_and_must_still_be_so() {
        let events = vec![(at(1), started("p")), (at(2), advanced("p", "p2", Outcome::Done))];
        let history = History::read(events.clone());
        assert_eq!((history.active.as_deref(), history.done.len()), (Some("p2"), 1));
        assert_eq!(
            (history.since, history.ended, history.failed),
            (Some(at(0)), Some((at(2), 60)), false)
        );
        let fleet = |version: &str| -> Fleet {
            serde_json::from_str(&format!(
                r#"{{"schema": "tidegate.fleet/v1", "taken_at": "1970-01-01T00:00:00Z", "zones": ["z"],
                "hosts": [{{"id": "a", "zone": "z", "version": {version}}}]}}"#
            ))
            .unwrap()
        };
        let mut unknown = fleet("{}");
        add_done(&history.done, &mut unknown).unwrap();
        assert_eq!(unknown.hosts[0].version["nova"], "2025.2");
        let mut old = fleet(r#"{"nova": "2025.1"}"#);
        let wrong = add_done(&history.done, &mut old).unwrap_err();
        assert_eq!((wrong.target.as_str(), wrong.found.as_str()), ("a", "2025.1"));
        let mut failed = events;
        failed.push((at(3), advanced("p2", "p3", Outcome::Failed)));
        let history = History::read(failed);
        assert_eq!((history.done.len(), history.failed), (1, true));
    }

    #[test]
    fn events_read_back() {
        for event in [started("p"), advanced("p", "q", Outcome::Partial)] {
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
        }
    }
}
