//! Bounds and due dates: what follows is accepted, and what is more is not.

use super::*;

/// That a bound by this name is so many waves and no more.
#[track_caller]
fn bound(fleet: Value, intent: Value, plan: Value, name: &str, waves: u64) {
    let says = |n: u64| with(plan.clone(), "/bounds", json!([{"name": name, "waves": n}]));
    judge(fleet.clone(), intent.clone(), says(waves)).unwrap();
    let more = waves + 1;
    let text = format!("Bounds: the bound `{name}` says {more} waves, and {waves} follow");
    broken(fleet, intent, says(more), &text);
}

#[test]
fn no_bound_says_more_than_follows() {
    bound(fleet(), intent(), plan(), "quorum", 2);
    bound(fleet(), intent(), plan(), "ramp", 2);
    bound(fleet(), intent(), plan(), "capacity", 1);
    // Of 32 GiB 14090 MiB stay free and 10240 are in use: one host at a time.
    bound(fleet(), with(intent(), "/headroom", json!(0.43)), plan(), "capacity", 2);
    bound(fleet(), intent(), plan(), "group", 1);
    // Three that keep apart leave one of four hosts free.
    let three = with(fleet(), "/groups/0/members", json!(["a", "b", "c"]));
    bound(three, intent(), plan(), "group", 2);
    bound(fleet(), intent(), plan(), "domain", 1);
    let osds = json!({"pools": [], "pgs": [], "osds": [
        {"id": "o1", "host": "h1", "domain": "r1"}, {"id": "o2", "host": "h2", "domain": "r2"}]});
    bound(adding(fleet(), "", "ceph", osds), intent(), plan(), "domain", 2);
    bound(fleet(), intent(), plan(), "time", 0);
}

/// Two windows of twelve minutes: in each of them every host receives one virtual machine.
/// Three leave `h1`, then three `h2`.
fn narrow() -> (Value, Value, Value) {
    let mut fleet = with(fleet(), "/groups", json!([]));
    for (id, host) in [("d", "h1"), ("e", "h1"), ("f", "h2")] {
        let vm = json!({"id": id, "host": host, "demand": {"vcpu": 1}});
        fleet["vms"].as_array_mut().unwrap().push(vm);
    }
    for host in fleet["hosts"].as_array_mut().unwrap() {
        host["max_migrations"] = json!({"in": 1, "out": 3});
    }
    let [first, second] = [("00:00", "00:12"), ("01:00", "01:12")].map(|(start, end)| {
        json!({"start": format!("2026-11-20T{start}:00Z"), "end": format!("2026-11-20T{end}:00Z")})
    });
    let intent = adding(intent(), "", "windows", json!([first, second]));
    let intent = adding(intent, "", "durations", json!({"migrate_s": 120}));
    let plan = adding(adding(plan(), "/waves/0", "window", first), "/waves/1", "window", second);
    let mut plan = with(plan, "/bounds", json!([]));
    for (wave, vm, from, to) in
        [(0, "d", "h1", "h3"), (0, "e", "h1", "h2"), (1, "e", "h2", "h4"), (1, "f", "h2", "h3")]
    {
        let step = json!({"id": format!("{wave}{vm}"), "phase": 2, "op": "migrate", "vm": vm,
                          "from": from, "to": to, "kind": "live"});
        plan["waves"][wave]["steps"].as_array_mut().unwrap().push(step);
    }
    (fleet, intent, plan)
}

#[test]
fn a_window_has_time_for_some_migrations() {
    let (fleet, intent, plan) = narrow();
    bound(fleet.clone(), intent.clone(), plan.clone(), "time", 2);
    // What may leave the zone needs no room in it.
    let free = adding(fleet.clone(), "/vms/0", "zone_pinned", json!(false));
    bound(free, intent.clone(), plan.clone(), "time", 1);
    // A minute less, and nothing could be moved: the plan is late, too.
    let short = with(intent, "/windows/0/end", json!("2026-11-20T00:11:00Z"));
    broken(fleet, short, plan, "T1 in wave 1");
}

#[test]
fn every_virtual_machine_of_a_target_moves_at_least_once() {
    let says = |n: u64| adding(plan(), "", "migrations_bound", json!(n));
    assert!(judge(fleet(), intent(), says(2)).is_ok());
    let text = "Bounds: the bound `migrations` says 3 migrations, and 2 follow";
    broken(fleet(), intent(), says(3), text);
    // Where all hosts that take work are updated, what leaves the first one moves again.
    let mut two = with(fleet(), "/groups", json!([]));
    two["quorums"] = json!([]);
    for host in [2, 3] {
        two["hosts"][host]["state"] = json!("disabled");
    }
    let mut wants = with(intent(), "/max_unavailable/p", json!(3));
    wants["headroom"] = json!(0);
    let mut both = with(plan(), "/waves/0/steps/1/to", json!("h2"));
    both["bounds"] = json!([]);
    let again = json!({"id": "again", "phase": 2, "op": "migrate", "vm": "a", "from": "h2",
                       "to": "h1", "kind": "live"});
    both["waves"][1]["steps"].as_array_mut().unwrap().push(again);
    let says = |n: u64| adding(both.clone(), "", "migrations_bound", json!(n));
    judge(two.clone(), wants.clone(), says(3)).unwrap();
    broken(two, wants, says(4), "Bounds: the bound `migrations` says 4 migrations, and 3 follow");
}

/// A plan that says this of a due date of `h2`.
fn says(plan: Value, deadline: &Value) -> Value {
    let mut said = json!({"target": "h2"});
    said.as_object_mut().unwrap().extend(deadline.as_object().unwrap().clone());
    adding(plan, "", "deadlines", json!([said]))
}

#[test]
fn what_is_said_of_due_dates_is_true() {
    let due = |due: &str| adding(intent(), "/targets/0", "due", json!(due));
    let at = |status: &str, due: &str| says(plan(), &json!({"status": status, "due": due}));
    let (late, end) = ("2026-11-20T00:21:00Z", "2026-11-20T00:22:00Z");
    assert!(judge(fleet(), due(end), at("met", end)).is_ok());
    broken(fleet(), due(late), at("met", late), "Deadlines: `h2` is due");
    for status in ["impossible", "undecided"] {
        broken(fleet(), due(end), at(status, end), &format!("Deadlines: `h2` is {status} in time"));
    }
    // The date is that of the intent, or follows from the severity.
    broken(fleet(), intent(), at("met", end), "Deadlines: `h2` is due at no time by the intent");
    broken(fleet(), due(late), at("met", end), "Deadlines: `h2` is due 2026-11-20T00:21:00Z by");
    let critical = adding(intent(), "/targets/0", "severity", json!("critical"));
    assert!(judge(fleet(), critical.clone(), at("met", "2026-11-20T03:00:00Z")).is_ok());
    broken(fleet(), critical, at("met", "2026-11-20T03:00:01Z"), "Deadlines: `h2` is due");
    let mut other = at("met", end);
    other["deadlines"][0]["target"] = json!("h3");
    broken(fleet(), due(end), other, "Deadlines: `h3` is due");
}

#[test]
fn the_earliest_date_is_counted_again() {
    let (fleet, intent, plan) = narrow();
    // Two minutes to move what is on it, ten to update it.
    let (due, soonest) = ("2026-11-20T00:11:00Z", "2026-11-20T00:12:00Z");
    let asked = adding(intent, "/targets/0", "due", json!(due));
    let said = |status: &str, earliest: &str| {
        says(
            plan.clone(),
            &json!({"due": due, "status": status, "earliest": earliest, "bound": "time"}),
        )
    };
    assert!(judge(fleet.clone(), asked.clone(), said("impossible", soonest)).is_ok());
    let more = "Deadlines: the earliest date of `h2` is said to be 2026-11-20T00:12:01Z, and 2026-11-20T00:12:00Z follows";
    for status in ["impossible", "undecided"] {
        broken(fleet.clone(), asked.clone(), said(status, "2026-11-20T00:12:01Z"), more);
    }
    let by_ramp = with(said("impossible", soonest), "/deadlines/0/bound", json!("ramp"));
    broken(fleet.clone(), asked.clone(), by_ramp, "Deadlines: no date of `h2` follows");
    // A window of another zone has time to empty it, and none to update it.
    let window = |start: &str, end: &str, zone: &str| json!({"start": format!("2026-11-20T{start}:00Z"), "end": format!("2026-11-20T{end}:00Z"), "zone": zone});
    let [y, z] = [window("00:00", "00:10", "y"), window("00:30", "00:42", "z")];
    let zones = with(asked.clone(), "/windows", json!([y, z, window("01:00", "01:12", "z")]));
    let later = |earliest: &str| {
        let mut span = z.clone();
        span.as_object_mut().unwrap().remove("zone");
        with(said("impossible", earliest), "/waves/0/window", span)
    };
    assert!(judge(fleet.clone(), zones.clone(), later("2026-11-20T00:40:00Z")).is_ok());
    let more = "Deadlines: the earliest date of `h2` is said to be 2026-11-20T00:40:01Z";
    broken(fleet.clone(), zones, later("2026-11-20T00:40:01Z"), more);
    // What could be in time is not impossible, dated or not.
    let (could, date) = (with(asked, "/targets/0/due", json!(soonest)), json!(soonest));
    let undated = with(said("impossible", soonest), "/deadlines/0/due", date);
    broken(fleet.clone(), could.clone(), undated.clone(), "Deadlines: `h2` could be in time");
    let mut none = undated;
    none["deadlines"][0].as_object_mut().unwrap().remove("earliest");
    broken(fleet, could, none, "Deadlines: `h2` could be in time");
}
