//! The conditions of a gate, one after the other broken.

use std::collections::BTreeMap;

use serde_json::json;
use tidegate_model::fleet::{HostState, VmState};
use tidegate_model::intent::Freeze;
use tidegate_model::plan::{Done, MoveKind, Op, Span};

use super::*;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Two hosts, a machine on the first, which is to be updated.
fn fleet() -> Fleet {
    serde_json::from_value(json!({
        "schema": Fleet::SCHEMA, "taken_at": "2026-11-22T02:00:00Z", "zones": ["z"],
        "hosts": [
            {"id": "a", "zone": "z", "version": {"nova": "2025.1"}, "capacity": {"vcpu": 8}},
            {"id": "b", "zone": "z", "version": {"nova": "2025.2"}, "capacity": {"vcpu": 8}}],
        "vms": [{"id": "v", "host": "a", "demand": {"vcpu": 4}}],
    }))
    .unwrap()
}

fn intent() -> Intent {
    serde_json::from_value(json!({
        "schema": Intent::SCHEMA,
        "targets": [{"selector": "all", "component": "nova", "to": "2025.2"}],
    }))
    .unwrap()
}

fn plan(fleet: &Fleet) -> Plan {
    let step = |id: &str, phase: u32, op: Op| Step {
        id: id.to_owned(),
        phase,
        op,
        host: Some("a".to_owned()),
        node: None,
        osd: None,
        vm: None,
        pod: None,
        from: None,
        to: None,
        kind: None,
        component: None,
        version: None,
    };
    let [from, to] = ["a", "b"].map(|h| Some(h.to_owned()));
    let steps = vec![
        step("cordon", 1, Op::Cordon),
        Step {
            host: None,
            vm: Some("v".to_owned()),
            from,
            to,
            kind: Some(MoveKind::Live),
            ..step("move", 2, Op::Migrate)
        },
        step("stop", 3, Op::Stop),
        Step {
            from: Some("2025.1".to_owned()),
            to: Some("2025.2".to_owned()),
            component: Some("nova".to_owned()),
            version: Some("2025.2".to_owned()),
            ..step("update", 4, Op::Update)
        },
        step("start", 5, Op::Start),
        step("verify", 6, Op::Verify),
        step("uncordon", 7, Op::Uncordon),
    ];
    let wave = Wave {
        n: 1,
        zone: Some("z".to_owned()),
        targets: vec!["a".to_owned()],
        steps,
        reads: ["host/a", "host/b", "vm/v"].map(str::to_owned).to_vec(),
        window: None,
        soak_s: 60,
    };
    let plan = Plan {
        schema: Plan::SCHEMA.to_owned(),
        id: String::new(),
        generation: 1,
        parent: None,
        snapshots: Vec::new(),
        fleet_sha256: None,
        intent_sha256: Digest::of(b"intent"),
        policy_digest: None,
        rules_version: "1".to_owned(),
        done: Vec::new(),
        since: None,
        waves: vec![wave],
        blocked: Vec::new(),
        bounds: Vec::new(),
        migrations_bound: None,
        deadlines: Vec::new(),
        entities: BTreeMap::new(),
    };
    sealed(plan, fleet)
}

struct Case {
    fleet: Fleet,
    intent: Intent,
    plan: Plan,
    history: History,
    now: Timestamp,
}

fn case() -> Case {
    let fleet = fleet();
    let plan = plan(&fleet);
    let now = time("2026-11-22T02:01:00Z");
    Case { fleet, intent: intent(), plan, history: History::default(), now }
}

impl Case {
    fn judged(&self) -> Judged {
        let rules = VersionRules::bundled();
        let inputs = Inputs {
            plan: &self.plan,
            wave: &self.plan.waves[0],
            intent: (&self.intent, Digest::of(b"intent")),
            rules: &rules,
            fleet: &self.fleet,
            history: &self.history,
            now: self.now,
            max_age: SignedDuration::from_mins(15),
        };
        conditions(&inputs)
    }

    /// That these conditions, and no others, do not hold.
    #[track_caller]
    fn breaks(&self, broken: &[(ConditionName, ConditionState, &str)]) -> Vec<Drift> {
        let judged = self.judged();
        let wrong: Vec<&Condition> =
            judged.conditions.iter().filter(|c| c.state != ConditionState::Holds).collect();
        assert_eq!(wrong.len(), broken.len(), "{wrong:#?}");
        for (condition, (name, state, text)) in wrong.iter().zip(broken) {
            assert_eq!((condition.name, condition.state), (*name, *state), "{condition:?}");
            assert!(condition.text.contains(text), "no `{text}` in {condition:?}");
        }
        assert_eq!(judged.valid_until.is_some(), broken.is_empty());
        judged.drift
    }
}

use ConditionName::{Checked, Drift as Drifted, Facts, Sequence, Window};
use ConditionState::{Fails, Unknown};

#[test]
fn old_facts_say_nothing_of_now() {
    let mut c = case();
    c.now = time("2026-11-22T02:15:01Z");
    c.breaks(&[(Facts, Unknown, "too old")]);
    c.now = time("2026-11-22T01:50:00Z");
    c.breaks(&[(Facts, Unknown, "from the future")]);
}

#[test]
fn a_wave_for_which_all_holds_may_start_for_a_time() {
    let c = case();
    assert_eq!(c.breaks(&[]), []);
    assert_eq!(c.judged().valid_until, Some(time("2026-11-22T02:15:00Z")), "when facts are old");
}

#[test]
fn drift_is_harmless_if_the_wave_is_safe_all_the_same() {
    let mut c = case();
    c.fleet.hosts[1].capacity.insert("vcpu".to_owned(), tidegate_model::fleet::Amount::whole(6));
    let drift = c.breaks(&[]);
    assert_eq!((drift.len(), drift[0].entity.as_str(), drift[0].harmless), (1, "host/b", true));

    // No room is left for what has to move.
    c.fleet.hosts[1].capacity.insert("vcpu".to_owned(), tidegate_model::fleet::Amount::whole(2));
    let drift =
        c.breaks(&[(Checked, Fails, "C1 in wave 1"), (Drifted, Fails, "plan the rest anew")]);
    assert!(!drift[0].harmless);
}

#[test]
fn what_came_or_went_closes_the_gate() {
    let mut c = case();
    let mut newcomer = c.fleet.vms[0].clone();
    newcomer.id = "new".to_owned();
    c.fleet.vms.push(newcomer);
    c.breaks(&[(Checked, Fails, "")]);

    let mut c = case();
    c.fleet.vms.clear();
    let drift = c.breaks(&[(Checked, Fails, ""), (Drifted, Fails, "")]);
    assert_eq!((drift[0].entity.as_str(), drift[0].change), ("vm/v", DriftChange::Gone));

    let mut c = case();
    c.fleet.hosts[1].state = HostState::Down;
    c.breaks(&[(Checked, Fails, ""), (Drifted, Fails, "")]);

    let mut c = case();
    c.fleet.vms[0].state = VmState::Error;
    c.breaks(&[(Checked, Fails, ""), (Drifted, Fails, "")]);
}

#[test]
fn a_quorum_that_nothing_tells_of_any_more_closes_the_gate() {
    let mut c = case();
    let member = |id: &str| Member::Host(id.to_owned());
    let mut quorum: tidegate_model::fleet::Quorum = serde_json::from_value(json!({
        "id": "q", "kind": "galera", "members": [{"host": "b"}], "synced": [{"host": "b"}],
    }))
    .unwrap();
    c.fleet.quorums.push(quorum.clone());
    c.plan.waves[0].reads.push("quorum/q".to_owned());
    c.plan = sealed(c.plan, &c.fleet);
    c.breaks(&[]);
    c.fleet.quorums.clear();
    let drift = c.breaks(&[(Drifted, Fails, "")]);
    assert_eq!((drift[0].entity.as_str(), drift[0].harmless), ("quorum/q", false));

    // The lead went over to a host that is to be updated before another member.
    let mut c = case();
    quorum.members = ["a", "b", "c"].map(member).to_vec();
    quorum.synced.clone_from(&quorum.members);
    quorum.leader = Some(member("c"));
    let host = tidegate_model::fleet::Host { id: "c".to_owned(), ..c.fleet.hosts[1].clone() };
    c.fleet.hosts.push(host);
    c.fleet.quorums.push(quorum);
    let later = Wave { n: 2, targets: vec!["b".to_owned()], ..c.plan.waves[0].clone() };
    c.plan.waves.push(later);
    c.plan = sealed(c.plan, &c.fleet);
    c.breaks(&[]);
    c.fleet.quorums[0].leader = Some(member("a"));
    c.breaks(&[(Checked, Fails, "Q2: host `a` leads quorum `q` now, and `b` is updated later")]);
}

#[test]
fn a_plan_that_does_not_say_what_it_read_cannot_be_compared() {
    let mut c = case();
    c.plan.entities.remove("vm/v");
    c.breaks(&[(Drifted, Unknown, "does not say")]);
    let mut c = case();
    c.plan.waves[0].reads.clear();
    c.breaks(&[(Drifted, Unknown, "does not say")]);
    let mut c = case();
    c.plan.intent_sha256 = Digest::of(b"other");
    c.breaks(&[(Checked, Fails, "another intent")]);
}

#[test]
fn only_the_next_wave_of_the_plan_under_way_may_start() {
    let mut c = case();
    c.history.active = Some("other".to_owned());
    c.breaks(&[(Sequence, Fails, "plan `other` is under way")]);
    let mut c = case();
    c.history.done =
        vec![Done { zone: None, targets: vec!["x".to_owned()], versions: BTreeMap::new() }];
    c.breaks(&[(Sequence, Fails, "other waves than were recorded")]);
    let mut c = case();
    c.history.ended = Some((time("2026-11-22T02:00:30Z"), 600));
    c.breaks(&[(Sequence, Fails, "until 2026-11-22T02:10:30Z")]);
    c.now = time("2026-11-22T02:10:30Z");
    c.breaks(&[]);
    let mut c = case();
    c.plan.waves[0].n = 2;
    c.breaks(&[(Sequence, Fails, "not recorded as done")]);
}

#[test]
fn a_zone_that_was_begun_is_finished_before_the_next_one() {
    let mut c = case();
    let done = |zone: &str| Done {
        zone: Some(zone.to_owned()),
        targets: vec!["x".to_owned()],
        versions: BTreeMap::new(),
    };
    c.intent.one_zone_at_a_time = true;
    let later = Wave { n: 2, zone: Some("y".to_owned()), ..c.plan.waves[0].clone() };
    c.plan.waves.push(later);
    c.history.done = vec![done("y"), done("z")];
    c.plan.done.clone_from(&c.history.done);
    c.breaks(&[]);
    c.history.done.reverse();
    c.plan.done.clone_from(&c.history.done);
    c.breaks(&[(Checked, Fails, "T3: zone `y` was begun, and its wave 2 is still to come")]);
    c.plan.waves.pop();
    c.breaks(&[]);
}

#[test]
fn windows_are_kept_and_freezes_too() {
    let span = |start: &str, end: &str| Some(Span { start: time(start), end: time(end) });
    let mut c = case();
    c.intent.windows = serde_json::from_value(
        json!([{"start": "2026-11-22T02:00:00Z", "end": "2026-11-22T03:00:00Z"}]),
    )
    .unwrap();
    c.plan.waves[0].window = span("2026-11-22T02:00:00Z", "2026-11-22T03:00:00Z");
    c.breaks(&[]);
    // A migration and an update take 11 minutes.
    c.fleet.taken_at = time("2026-11-22T02:45:00Z");
    c.now = time("2026-11-22T02:45:00Z");
    c.breaks(&[]);
    assert_eq!(c.judged().valid_until, Some(time("2026-11-22T02:49:00Z")), "the latest begin");
    c.now = time("2026-11-22T02:50:00Z");
    c.breaks(&[(Checked, Fails, "T1"), (Window, Unknown, "how long")]);
    c.now = time("2026-11-22T03:00:00Z");
    c.breaks(&[(Checked, Fails, "T1"), (Window, Fails, "it closed at")]);
    let mut c = case();
    let (start, end) = (time("2026-11-22T02:00:00Z"), time("2026-11-22T04:00:00Z"));
    c.intent.freezes = vec![Freeze { start, end, reason: Some("fair".to_owned()) }];
    c.breaks(&[(Checked, Fails, "T1"), (Window, Fails, "(fair)")]);
}

#[test]
fn policies_are_told_what_the_conditions_came_to() {
    let c = case();
    let rules = VersionRules::bundled();
    let inputs = Inputs {
        plan: &c.plan,
        wave: &c.plan.waves[0],
        intent: (&c.intent, Digest::of(b"intent")),
        rules: &rules,
        fleet: &c.fleet,
        history: &c.history,
        now: c.now,
        max_age: SignedDuration::from_mins(15),
    };
    let judged = conditions(&inputs);
    let blocking = condition(ConditionName::Rules, Unknown, "", &[]);
    let told = context(&inputs, &judged, &blocking);
    assert_eq!(told["checked"], true);
    assert_eq!((&told["rulesPass"], &told["undecided"]), (&json!(false), &json!(1)));
    assert_eq!((&told["drift"], &told["moves"]), (&json!("none"), &json!(1)));
    let all = entities(&inputs, "alice", &["operator".to_owned()]);
    assert_eq!(all[0]["parents"], json!([{"type": "Role", "id": "operator"}]));
    assert_eq!(all[3]["attrs"], json!({"n": 1, "components": ["nova"]}));
}
