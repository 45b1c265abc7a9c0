//! Plans written by hand with one step too many, too few or in the wrong place: each is
//! refused by wave and step.

use super::*;

/// A change of the steps of the first wave: `1-cordon`, `1-move`, `1-stop`, `1-update`,
/// `1-start`, `1-verify`, `1-uncordon`, in phases 1 to 7.
#[track_caller]
fn steps_broken(change: impl FnOnce(&mut Vec<Value>), expected: &str) {
    let mut plan = plan();
    change(plan["waves"][0]["steps"].as_array_mut().unwrap());
    broken(fleet(), intent(), plan, &format!("Form in wave 1{expected}"));
}

fn at(steps: &[Value], name: &str) -> usize {
    steps.iter().position(|s| s["id"] == format!("1-{name}")).unwrap()
}

/// A step once more, in another phase.
#[track_caller]
fn twice(name: &str, phase: u64, expected: &str) {
    let again = |steps: &mut Vec<Value>| {
        let mut step = steps[at(steps, name)].clone();
        (step["id"], step["phase"]) = (json!("again"), json!(phase));
        steps.push(step);
    };
    steps_broken(again, expected);
}

/// Without a step.
#[track_caller]
fn without(name: &str, expected: &str) {
    steps_broken(|steps| drop(steps.remove(at(steps, name))), expected);
}

/// A member of a step is another.
#[track_caller]
fn other(name: &str, member: &str, value: Value, expected: &str) {
    let set = |steps: &mut Vec<Value>| {
        let n = at(steps, name);
        steps[n][member] = value;
    };
    steps_broken(set, expected);
}

#[test]
fn nothing_is_done_twice() {
    for (name, phase, expected) in [
        ("cordon", 1, "host `h1` has cordon twice in one phase"),
        ("cordon", 2, "host `h1` is cordoned already"),
        ("stop", 6, "host `h1` has verify and stop in one phase, in no order"),
        ("stop", 9, "host `h1` is not cordoned before: something new may come to it"),
        ("update", 9, "host `h1` has `nova` at `2025.2` before it is updated, not `2025.1`"),
        ("start", 8, "host `h1` is started, and was not stopped before"),
        ("verify", 8, "host `h1` is verified, and nothing was done to it before"),
        ("uncordon", 8, "host `h1` is uncordoned, and was not cordoned before"),
    ] {
        twice(name, phase, &format!(", step `again`: {expected}"));
    }
    let stop = |host: &str| json!({"id": "again", "phase": 4, "op": "stop", "host": host});
    let late = |steps: &mut Vec<Value>| {
        steps.iter_mut().skip(3).for_each(|s| s["phase"] = json!(s["phase"].as_u64().unwrap() + 1));
        steps.push(stop("h1"));
    };
    steps_broken(late, ", step `again`: host `h1` is stopped already");
    // What has stopped in parts stops part by part.
    let mut parts = plan();
    let steps = parts["waves"][0]["steps"].as_array_mut().unwrap();
    steps[2]["component"] = json!("nova");
    let more = json!({"id": "more", "phase": 3, "op": "stop", "host": "h1", "component": "ovs"});
    steps.push(more);
    assert!(judge(fleet(), intent(), parts).is_ok());
}

#[test]
fn nothing_is_left_out() {
    without("cordon", ", step `1-stop`: host `h1` is not cordoned before");
    without("stop", ", step `1-start`: host `h1` is started, and was not stopped before");
    without("start", ", step `1-verify`: host `h1` is verified, and was stopped and not started");
    without("verify", ", step `1-uncordon`: host `h1` is uncordoned before it was verified");
    without("uncordon", ": it ends while host `h1` is cordoned");
}

#[test]
fn nothing_comes_before_what_it_needs() {
    for (name, phase, step, expected) in [
        ("cordon", 3, "stop", "has cordon and stop in one phase"),
        ("cordon", 4, "stop", "is not cordoned before"),
        ("start", 2, "start", "is started, and was not stopped before"),
        ("start", 6, "verify", "has start and verify in one phase"),
        ("start", 7, "verify", "is verified, and was stopped and not started before"),
        ("verify", 7, "uncordon", "has verify and uncordon in one phase"),
        ("uncordon", 4, "uncordon", "has update and uncordon in one phase"),
        ("uncordon", 2, "stop", "is not cordoned before"),
        ("uncordon", 0, "uncordon", "phases count from 1"),
    ] {
        let host = if phase == 0 { "" } else { "host `h1` " };
        let expected = format!(", step `1-{step}`: {host}{expected}");
        other(name, "phase", json!(phase), &expected);
    }
}

#[test]
fn a_restart_comes_after_what_it_is_for() {
    let wanted = adding(intent(), "/targets/0", "reboot", json!(true));
    let reboot = |phase: u64, id: &str| {
        let steps = [("1", "h1"), ("2", "h2")].map(|(wave, host)| {
            json!({"id": format!("{wave}-{id}"), "phase": phase, "op": "reboot", "host": host})
        });
        let mut plan = plan();
        for (n, step) in steps.into_iter().enumerate() {
            let all = plan["waves"][n]["steps"].as_array_mut().unwrap();
            for later in all.iter_mut().skip(4) {
                later["phase"] = json!(later["phase"].as_u64().unwrap() + 5);
            }
            all.push(step);
        }
        plan
    };
    let late = "Targets in wave 1: `h1` is not restarted after its update";
    broken(fleet(), wanted.clone(), plan(), late);
    assert!(judge(fleet(), wanted.clone(), reboot(5, "reboot")).is_ok());
    let early = reboot(4, "reboot");
    let text = "Form in wave 1, step `1-reboot`: host `h1` has update and reboot in one phase";
    broken(fleet(), wanted.clone(), early, text);
    let mut twice = reboot(5, "reboot");
    let again = json!({"id": "again", "phase": 6, "op": "reboot", "host": "h1"});
    twice["waves"][0]["steps"].as_array_mut().unwrap().push(again);
    broken(fleet(), wanted, twice, "Form in wave 1, step `again`: host `h1` is restarted again");
}

#[test]
fn only_what_is_wanted_is_done_and_only_to_targets() {
    for name in ["cordon", "stop", "update", "start", "verify", "uncordon"] {
        let expected = format!(", step `1-{name}`: host `h3` is no target of this wave");
        other(name, "host", json!("h3"), &expected);
        other(name, "node", json!("n1"), &format!(", step `1-{name}`: "));
    }
    let update = |member, value: &str, expected: &str| {
        other("update", member, json!(value), &format!(", step `1-update`: host `h1` {expected}"));
    };
    update("component", "ovs", "gets another `ovs`, which the intent does not want");
    update("to", "2026.1", "gets `nova` at `2026.1` and at `2025.2`");
    update("from", "2024.2", "has `nova` at `2025.1` before it is updated, not `2024.2`");
    // A host that is down from the start: nobody can tell what would be updated there.
    let down = adding(fleet(), "/hosts/0", "state", json!("down"));
    let mut empty = down;
    empty["vms"].as_array_mut().unwrap().remove(0);
    empty["groups"] = json!([]);
    empty["quorums"] = json!([]);
    let mut plan = plan();
    plan["waves"][0]["steps"].as_array_mut().unwrap().remove(1);
    let two = with(intent(), "/max_unavailable/p", json!(2));
    broken(empty, two, plan, "Form in wave 1, step `1-cordon`: host `h1` is down from the start");
}

#[test]
fn a_wave_proves_itself_as_long_as_is_wanted() {
    let soak = adding(intent(), "", "soak_s", json!(600));
    broken(fleet(), soak, plan(), "T2 in wave 1: it has 0s to prove itself, the intent wants 600s");
}
