//! What plans say of themselves in numbers: the checker finds the same, and refuses one more.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may"
)]

mod cases;

use cases::{Dice, check, everything, plan};
use proptest::prelude::*;
use serde_json::json;
use tidegate_checker::Invariant;
use tidegate_model::intent::{Intent, Once, Window};
use tidegate_model::plan::{Deadline, DeadlineStatus, Op, Plan};
use tidegate_model::{Fleet, Severity, Timestamp};

/// An intent with due dates, some with windows of one zone only.
fn hurried(seed: u64, fleet: &Fleet, intent: Intent) -> Intent {
    let mut dice = Dice::new(seed ^ 0x0064_7565);
    let mut intent = intent;
    for target in &mut intent.targets {
        target.severity = Some(*dice.pick(&[Severity::Critical, Severity::High]));
        target.due = dice.one_in(2).then(|| minutes(fleet, 10 + dice.up_to(120) as i64));
    }
    if dice.one_in(2) {
        intent.windows = (0..1 + dice.up_to(4))
            .map(|_| {
                let begin = dice.up_to(300) as i64;
                Window::Once(Once {
                    start: minutes(fleet, begin),
                    end: minutes(fleet, begin + 11 + dice.up_to(60) as i64),
                    zone: dice.one_in(2).then(|| dice.pick(&fleet.zones).clone()),
                })
            })
            .collect();
    }
    intent
}

fn minutes(fleet: &Fleet, n: i64) -> Timestamp {
    fleet.taken_at.checked_add(jiff::SignedDuration::from_mins(n)).unwrap()
}

fn later(time: Timestamp) -> Timestamp {
    time.checked_add(jiff::SignedDuration::from_secs(1)).unwrap()
}

/// What the checker says of a plan with one thing of it changed.
fn refused(
    fleet: &Fleet,
    intent: &Intent,
    made: &Plan,
    change: impl FnOnce(&mut Plan),
) -> Option<Invariant> {
    let mut plan = made.clone();
    change(&mut plan);
    check(fleet, intent, &plan).err().map(|v| v.invariant)
}

proptest! {
    #![proptest_config(cases::config(300))]

    /// Planner and checker count the same bounds and dates, each by itself.
    #[test]
    fn a_number_that_is_too_large_is_refused(seed in any::<u64>(), hosts in 1_usize..9, vms in 0_usize..16) {
        let (fleet, intent) = everything(seed, hosts, vms);
        let intent = hurried(seed, &fleet, intent);
        let made = plan(&fleet, &intent);
        prop_assert_eq!(check(&fleet, &intent, &made).err(), None);
        let refused = |change: &dyn Fn(&mut Plan)| refused(&fleet, &intent, &made, change);
        for (n, bound) in made.bounds.iter().enumerate() {
            prop_assert!(bound.waves as usize <= made.waves.len(), "{:?}", bound);
            let more = refused(&|p| p.bounds[n].waves += 1);
            prop_assert_eq!(more, Some(Invariant::Bounds), "{:?}", bound);
        }
        let moves = made.waves.iter().flat_map(|w| &w.steps).filter(|s| s.op == Op::Migrate);
        let (moves, least) = (moves.count() as u64, made.migrations_bound.unwrap_or(0));
        prop_assert!(least <= moves, "{} of {}", least, moves);
        let more = refused(&|p| p.migrations_bound = Some(least + 1));
        prop_assert_eq!(more, Some(Invariant::Bounds), "{} migrations", least);
        for (n, deadline) in made.deadlines.iter().enumerate() {
            let refused = |change: &dyn Fn(&mut Deadline)| refused(&|p| change(&mut p.deadlines[n]));
            let wrong = Some(Invariant::Deadlines);
            prop_assert_eq!(refused(&|d| d.due = later(d.due)), wrong, "{:?}", deadline);
            if let Some(earliest) = deadline.earliest {
                prop_assert_eq!(refused(&|d| d.earliest = Some(later(earliest))), wrong, "{:?}", deadline);
            }
            let other = match deadline.status {
                DeadlineStatus::Met | DeadlineStatus::Undecided => DeadlineStatus::Impossible,
                DeadlineStatus::Impossible => DeadlineStatus::Met,
            };
            prop_assert_eq!(refused(&|d| d.status = other), wrong, "{:?}", deadline);
        }
    }
}

/// A node is updated in the windows of its own zone, also where its date is counted.
#[test]
fn a_node_waits_for_the_windows_of_its_zone() {
    let node = |zone: &str| json!({"id": format!("n-{zone}"), "cluster": "k", "zone": zone, "version": "v1.33.1"});
    let fleet = json!({"schema": "tidegate.fleet/v1", "taken_at": "2026-11-20T00:00:00Z",
        "zones": ["y", "z"], "hosts": [],
        "kubernetes": {"nodes": [node("y"), node("z")], "pods": [], "pdbs": [],
            "control_planes": [{"id": "k", "components": {"kube-apiserver": "v1.34.0"}}]}});
    let window = |hour: u32, zone: &str| json!({"start": format!("2026-11-20T0{hour}:00:00Z"), "end": format!("2026-11-20T0{hour}:30:00Z"), "zone": zone});
    let intent = json!({"schema": "tidegate.intent/v1", "windows": [window(1, "y"), window(2, "z")],
        "targets": [{"selector": "all", "component": "kubelet", "to": "v1.34.0", "due": "2026-11-20T01:05:00Z"}]});
    let fleet: Fleet = serde_json::from_value(fleet).unwrap();
    let intent: Intent = serde_json::from_value(intent).unwrap();
    let made = plan(&fleet, &intent);
    assert_eq!(check(&fleet, &intent, &made).err(), None);
    let said: Vec<_> = made
        .deadlines
        .iter()
        .map(|d| (d.target.as_str(), d.status, d.earliest.unwrap().to_string()))
        .collect();
    let impossible = DeadlineStatus::Impossible;
    assert_eq!(
        said,
        [
            ("n-y", impossible, "2026-11-20T01:10:00Z".to_owned()),
            ("n-z", impossible, "2026-11-20T02:10:00Z".to_owned()),
        ]
    );
}
