//! Whether a wave of a plan may start now.
//!
//! ```text
//! Plan, wave, Intent, fresh Fleet, History, now ─▶ conditions ─▶ Vec<Condition>, Vec<Drift>
//! records of the store ─▶ History: which plan is under way, what is done
//! ```
//! [`conditions`] is a pure function; the checker says whether the wave is safe from
//! the fresh facts, from there to its end. What rules and policies say is added by
//! whoever asks them, and an open gate needs all of it. Nothing here plans, and
//! nothing opens a gate.

mod history;
mod rest;

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tidegate_model::fleet::{Fleet, Member};
use tidegate_model::gate::{Condition, ConditionName, ConditionState, Drift, DriftChange};
use tidegate_model::intent::Intent;
use tidegate_model::plan::{Plan, Step, Wave};
use tidegate_model::versions::VersionRules;
use tidegate_model::{Digest, Timestamp};

pub use history::{Contradiction, EndedWave, Event, History, Outcome, add_done};

/// What a gate looks at.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'g> {
    /// The plan.
    pub plan: &'g Plan,
    /// The wave that is to start; it is one of the plan's.
    pub wave: &'g Wave,
    /// The intent, and the digest of its document.
    pub intent: (&'g Intent, Digest),
    /// The table of versions.
    pub rules: &'g VersionRules,
    /// The fleet as it is now, what was recorded as done included; it hangs
    /// together. `taken_at` is when it was read.
    pub fleet: &'g Fleet,
    /// What was done before.
    pub history: &'g History,
    /// The time now.
    pub now: Timestamp,
    /// How old facts may be.
    pub max_age: SignedDuration,
}

/// What the facts say of a wave.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// In order of name: facts, checked, drift, sequence, window.
    pub conditions: Vec<Condition>,
    /// What differs of what the wave reads.
    pub drift: Vec<Drift>,
    /// Until when all of them hold; absent if one does not.
    pub valid_until: Option<Timestamp>,
}

/// Judges a wave by facts. Deterministic; costs one check of the wave.
#[must_use]
pub fn conditions(inputs: &Inputs<'_>) -> Judged {
    let facts = facts(inputs);
    let (checked, ends) = checked(inputs);
    let (drift, drifted) = drift(inputs, checked.state == ConditionState::Holds);
    let (window, closes) = window(inputs, ends);
    let conditions = vec![facts, checked, drift, sequence(inputs), window];
    let stale = inputs.fleet.taken_at.checked_add(inputs.max_age).ok();
    let all = conditions.iter().all(|c| c.state == ConditionState::Holds);
    let valid_until = [stale, closes].into_iter().flatten().min().filter(|_| all);
    Judged { conditions, drift: drifted, valid_until }
}

fn condition(
    name: ConditionName,
    state: ConditionState,
    text: impl Into<String>,
    numbers: &[(&str, Value)],
) -> Condition {
    let numbers = numbers.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    Condition { name, state, text: text.into(), numbers }
}

/// Clocks of machines may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(1);

fn facts(inputs: &Inputs<'_>) -> Condition {
    let age = inputs.now.duration_since(inputs.fleet.taken_at);
    let numbers = [("age_s", json!(age.as_secs())), ("max_age_s", json!(inputs.max_age.as_secs()))];
    let of = |state, text: &str| condition(ConditionName::Facts, state, text, &numbers);
    if age < -SKEW {
        of(ConditionState::Unknown, "the facts are from the future")
    } else if age > inputs.max_age {
        of(ConditionState::Unknown, "the facts are too old to say how things are now")
    } else {
        of(ConditionState::Holds, "the facts are fresh")
    }
}

/// The wave, judged by the checker as if it began now; and when it would end.
fn checked(inputs: &Inputs<'_>) -> (Condition, Option<Timestamp>) {
    let name = ConditionName::Checked;
    let (intent, digest) = inputs.intent;
    if inputs.plan.intent_sha256 != digest {
        let text = "the plan was made for another intent";
        return (condition(name, ConditionState::Fails, text, &[]), None);
    }
    let (fleet, intent, plan) = rest::alone(inputs, intent);
    let counts =
        [("targets", json!(inputs.wave.targets.len())), ("steps", json!(inputs.wave.steps.len()))];
    match tidegate_checker::check(&fleet, &intent, &plan, inputs.rules) {
        Ok(_) if let Some(text) = leads(inputs).or_else(|| leaves(inputs)) => {
            (condition(name, ConditionState::Fails, text, &counts), None)
        }
        Ok(done) => {
            let text = "the wave is safe from the facts of now";
            (condition(name, ConditionState::Holds, text, &counts), done.ends.first().copied())
        }
        Err(violation) => {
            let n = inputs.wave.n;
            let violation = tidegate_checker::Violation { wave: Some(n), ..violation };
            (condition(name, ConditionState::Fails, violation.to_string(), &counts), None)
        }
    }
}

/// Whether a host of the wave leads a quorum of which members are to be updated later:
/// leaders go last (Q2), and which one leads may have changed since the plan was made. The
/// checker is given one wave and cannot tell.
fn leads(inputs: &Inputs<'_>) -> Option<String> {
    let (plan, wave) = (inputs.plan, inputs.wave);
    inputs.fleet.quorums.iter().find_map(|quorum| {
        let Some(Member::Host(leader)) = &quorum.leader else { return None };
        let later =
            |host: &String| plan.waves.iter().any(|w| w.n > wave.n && w.targets.contains(host));
        let mut others = quorum.members.iter().filter_map(|m| match m {
            Member::Host(host) => Some(host).filter(|h| *h != leader && later(h)),
            Member::Vm(_) => None,
        });
        let waits = others.next().filter(|_| wave.targets.contains(leader))?;
        let id = &quorum.id;
        Some(format!("Q2: host `{leader}` leads quorum `{id}` now, and `{waits}` is updated later"))
    })
}

/// Whether the wave leaves a zone that was begun and has waves still to come, where zones
/// are updated one after the other (T3). The checker is given one wave and cannot tell.
fn leaves(inputs: &Inputs<'_>) -> Option<String> {
    let (plan, wave) = (inputs.plan, inputs.wave);
    let begun = &plan.done.last().filter(|_| inputs.intent.0.one_zone_at_a_time)?.zone;
    let later = plan.waves.iter().find(|w| w.n > wave.n && w.zone == *begun)?;
    let zone = begun.as_deref().unwrap_or("-");
    let text = || format!("T3: zone `{zone}` was begun, and its wave {} is still to come", later.n);
    (wave.zone != *begun).then(text)
}

/// What the wave reads, compared with what it was planned with.
fn drift(inputs: &Inputs<'_>, safe: bool) -> (Condition, Vec<Drift>) {
    let name = ConditionName::Drift;
    let wave = inputs.wave;
    let planned = &inputs.plan.entities;
    let missing = wave.reads.iter().filter(|e| !planned.contains_key(*e)).count();
    if missing > 0 || wave.reads.is_empty() {
        let text = "the plan does not say what it was planned with";
        let numbers = [("reads", json!(wave.reads.len())), ("without_digest", json!(missing))];
        return (condition(name, ConditionState::Unknown, text, &numbers), Vec::new());
    }
    let now = inputs.fleet.digests(wave.reads.iter().map(String::as_str));
    let acted = acted_on(wave);
    let mut drift = Vec::new();
    for entity in &wave.reads {
        let (change, harmless) = match (planned.get(entity), now.get(entity)) {
            (Some(before), Some(after)) if before == after => continue,
            (_, Some(_)) => (DriftChange::Changed, safe),
            // The checker has nothing to look at where a quorum or an OSD is not there.
            (_, None) => {
                let looked_at = !entity.starts_with("quorum/") && !entity.starts_with("osd/");
                (DriftChange::Gone, safe && looked_at && !acted.contains(entity))
            }
        };
        drift.push(Drift { entity: entity.clone(), change, harmless });
    }
    let fatal = drift.iter().filter(|d| !d.harmless).count();
    let numbers = [
        ("reads", json!(wave.reads.len())),
        ("changed", json!(drift.len())),
        ("fatal", json!(fatal)),
    ];
    let (state, text) = match (drift.len(), fatal) {
        (0, _) => (ConditionState::Holds, "nothing that the wave reads has changed"),
        (_, 0) => (ConditionState::Holds, "what has changed does the wave no harm"),
        (_, _) => (ConditionState::Fails, "what the wave rests on has changed: plan the rest anew"),
    };
    (condition(name, state, text, &numbers), drift)
}

/// What the steps of a wave name.
fn acted_on(wave: &Wave) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for Step { host, node, osd, vm, from, to, kind, .. } in &wave.steps {
        let of = |what: &str, id: &Option<String>| id.as_ref().map(|id| format!("{what}/{id}"));
        all.extend(of("host", host));
        all.extend(of("node", node));
        all.extend(of("osd", osd));
        all.extend(of("vm", vm));
        if kind.is_some() {
            all.extend([of("host", from), of("host", to)].into_iter().flatten());
        }
    }
    all
}

/// Whether the plan is under way, the waves before are done, and waited for.
fn sequence(inputs: &Inputs<'_>) -> Condition {
    let (plan, wave, history) = (inputs.plan, inputs.wave, inputs.history);
    let name = ConditionName::Sequence;
    let fails = |text: String, numbers: &[(&str, Value)]| {
        condition(name, ConditionState::Fails, text, numbers)
    };
    if let Some(active) = history.active.as_ref().filter(|a| **a != plan.id) {
        let text = format!("plan `{active}` is under way: end it first, or gate its waves");
        return fails(text, &[("active", json!(active))]);
    }
    if plan.done != history.done {
        let numbers = [("plan", json!(plan.done.len())), ("recorded", json!(history.done.len()))];
        return fails("the plan goes on from other waves than were recorded".to_owned(), &numbers);
    }
    if wave.n != 1 {
        let numbers = [("wave", json!(wave.n)), ("next", json!(1))];
        let text = "the waves before it are not recorded as done: tidegate plan advance".to_owned();
        return fails(text, &numbers);
    }
    if let Some((ended, soak_s)) = history.ended {
        let soaked = ended
            .checked_add(SignedDuration::from_secs(i64::try_from(soak_s).unwrap_or(i64::MAX)))
            .unwrap_or(Timestamp::MAX);
        if inputs.now < soaked {
            let text = format!("the wave before it has to prove itself until {soaked:.0}");
            return fails(text, &[("soak_s", json!(soak_s)), ("until", json!(soaked))]);
        }
    }
    let numbers = [("done", json!(history.done.len())), ("generation", json!(plan.generation))];
    condition(name, ConditionState::Holds, "the wave is next", &numbers)
}

/// Whether the wave may begin now, and has time to end; until when that is so.
fn window(inputs: &Inputs<'_>, ends: Option<Timestamp>) -> (Condition, Option<Timestamp>) {
    let name = ConditionName::Window;
    let (now, intent) = (inputs.now, inputs.intent.0);
    let fails = |text: String, numbers: &[(&str, Value)]| {
        (condition(name, ConditionState::Fails, text, numbers), None)
    };
    if let Some(freeze) = intent.freezes.iter().find(|f| f.start <= now && now < f.end) {
        let why = freeze.reason.as_deref().map_or_else(String::new, |r| format!(" ({r})"));
        let text = format!("a freeze is on until {:.0}{why}", freeze.end);
        return fails(text, &[("until", json!(freeze.end))]);
    }
    let Some(window) = inputs.wave.window else {
        if !intent.windows.is_empty() {
            return fails("the wave has no window, and the intent has some".to_owned(), &[]);
        }
        let text = "waves may run at any time";
        return (condition(name, ConditionState::Holds, text, &[]), None);
    };
    let numbers = [("start", json!(window.start)), ("end", json!(window.end))];
    if now < window.start {
        return fails(format!("it opens at {:.0}", window.start), &numbers);
    }
    if now >= window.end {
        return fails(format!("it closed at {:.0}", window.end), &numbers);
    }
    let Some(end) = ends else {
        let text = "how long the wave lasts is not known, since it is not safe";
        return (condition(name, ConditionState::Unknown, text, &numbers), None);
    };
    // The later it begins, the later it ends.
    let latest = window.end.checked_sub(end.duration_since(now)).ok();
    (condition(name, ConditionState::Holds, "the window is open", &numbers), latest)
}

/// The plan with the digest of everything that its waves read, and named anew: what a
/// gate compares with.
#[must_use]
pub fn sealed(mut plan: Plan, fleet: &Fleet) -> Plan {
    let reads: BTreeSet<&str> =
        plan.waves.iter().flat_map(|w| &w.reads).map(String::as_str).collect();
    plan.entities = fleet.digests(reads);
    plan.named()
}

/// What gate policies are told, besides who asks: numbers of the wave, and what the
/// conditions came to.
#[must_use]
pub fn context(inputs: &Inputs<'_>, judged: &Judged, rules: &Condition) -> Value {
    let holds = |name: ConditionName| {
        let found = judged.conditions.iter().find(|c| c.name == name);
        found.is_some_and(|c| c.state == ConditionState::Holds)
    };
    let all = judged.conditions.iter().chain([rules]);
    let undecided = all.filter(|c| c.state == ConditionState::Unknown).count();
    let moves = inputs.wave.steps.iter().filter(|s| s.kind.is_some()).count();
    let drift = match (judged.drift.len(), judged.drift.iter().all(|d| d.harmless)) {
        (0, _) => "none",
        (_, true) => "harmless",
        (_, false) => "fatal",
    };
    json!({
        "fresh": holds(ConditionName::Facts),
        "checked": holds(ConditionName::Checked),
        "drift": drift,
        "next": holds(ConditionName::Sequence),
        "windowOpen": holds(ConditionName::Window),
        "rulesPass": rules.state == ConditionState::Holds,
        "undecided": undecided,
        "targets": inputs.wave.targets.len(),
        "moves": moves,
        "wavesDone": inputs.history.done.len(),
        "lastFailed": inputs.history.failed,
    })
}

/// What gate policies are asked about: who asks, the wave, its plan and zone.
#[must_use]
pub fn entities(inputs: &Inputs<'_>, principal: &str, roles: &[String]) -> Value {
    let (plan, wave) = (inputs.plan, inputs.wave);
    let uid = |of: &str, id: &str| json!({"type": of, "id": id});
    let zone = wave.zone.as_deref().unwrap_or("-");
    let components: BTreeSet<&str> =
        wave.steps.iter().filter_map(|s| s.component.as_deref()).collect();
    let parents: Vec<Value> = roles.iter().map(|r| uid("Role", r)).collect();
    // Roles are listed in the schema: they exist without being given.
    json!([
        {"uid": uid("Principal", principal), "attrs": {}, "parents": parents},
        {"uid": uid("Plan", &plan.id), "attrs": {"generation": plan.generation}, "parents": []},
        {"uid": uid("Zone", zone), "attrs": {}, "parents": []},
        {
            "uid": uid("Wave", &wave_id(plan, wave)),
            "attrs": {"n": wave.n, "components": components},
            "parents": [uid("Plan", &plan.id), uid("Zone", zone)],
        },
    ])
}

/// The id of a wave among all: plan and number.
#[must_use]
pub fn wave_id(plan: &Plan, wave: &Wave) -> String {
    format!("{}/{}", plan.id, wave.n)
}

#[cfg(test)]
mod tests;
