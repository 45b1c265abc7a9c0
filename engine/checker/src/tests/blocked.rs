//! Reasons for a block: each with its numbers, of which none may be dropped, changed or
//! added, and each where it does not hold.

use super::*;

/// A reason for the only target of an intent.
struct Case {
    fleet: Value,
    intent: Value,
    target: &'static str,
    code: &'static str,
    numbers: Value,
    /// Waves of [`plan`] that are done all the same.
    waves: usize,
}

fn case(target: &'static str, code: &'static str, numbers: Value) -> Case {
    let mut intent = intent();
    intent["targets"][0]["selector"]["ids"] = json!([target]);
    Case { fleet: fleet(), intent, target, code, numbers, waves: 0 }
}

impl Case {
    /// Another value at a pointer of the fleet.
    fn fleet(mut self, pointer: &str, value: Value) -> Self {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match self.fleet.pointer_mut(parent).unwrap() {
            Value::Array(all) => all[key.parse::<usize>().unwrap()] = value,
            parent => parent[key] = value,
        }
        self
    }

    fn intent(mut self, key: &str, value: Value) -> Self {
        self.intent[key] = value;
        self
    }

    fn judge(&self, numbers: &Value) -> Result<Checked, Violation> {
        let mut plan = plan();
        plan["waves"].as_array_mut().unwrap().truncate(self.waves);
        plan["bounds"] = json!([]);
        plan["blocked"] = json!([{"target": self.target, "code": self.code, "numbers": numbers}]);
        judge(self.fleet.clone(), self.intent.clone(), plan)
    }

    /// It holds, and not with any number dropped, changed or added.
    #[track_caller]
    fn holds(self) -> Self {
        let refused = |numbers: Value, text: &str| {
            let violation = self.judge(&numbers).unwrap_err().to_string();
            let said =
                format!("Blocked: `{}` is said to be blocked by {}: ", self.target, self.code);
            let why = violation.strip_prefix(&said).unwrap_or_else(|| panic!("{violation}"));
            assert!(why.contains(text), "no `{text}` in `{why}`: {numbers}");
        };
        self.judge(&self.numbers).unwrap_or_else(|violation| panic!("{violation}"));
        for (key, value) in self.numbers.as_object().unwrap() {
            let mut fewer = self.numbers.clone();
            fewer.as_object_mut().unwrap().remove(key);
            refused(fewer, "");
            let mut other = self.numbers.clone();
            other[key] = match value {
                Value::Number(n) => json!(n.as_f64().unwrap() + 1.0),
                Value::Array(all) => json!(all[1..]),
                Value::Bool(truth) => json!(!truth),
                _ => json!("nonesuch"),
            };
            refused(other, "");
        }
        let more = adding(self.numbers.clone(), "", "more", json!(1));
        refused(more, "`more` is none of the numbers");
        self
    }

    /// It does not hold, though its numbers are right.
    #[track_caller]
    fn fails(&self, text: &str) {
        let violation = self.judge(&self.numbers).unwrap_err().to_string();
        assert!(violation.starts_with("Blocked: ") && violation.contains(text), "{violation}");
    }
}

#[test]
fn a_host_its_pool_and_its_quorum() {
    let state = case("h1", "state", json!({"state": "down"}));
    state.fails("it is not down");
    state.fleet("/hosts/0/state", json!("down")).holds();
    let canary = case("h1", "budget", json!({"canary": 0})).intent("canary", json!(0)).holds();
    let one = Case { numbers: json!({"canary": 1}), ..canary.intent("canary", json!(1)) };
    one.fails("waves may have targets");
    let pool = json!({"pool": "p", "max_unavailable": 1, "out": 1});
    let budget = case("h1", "budget", pool).fleet("/hosts/3/state", json!("disabled")).holds();
    let mut two = budget.intent("max_unavailable", json!({"p": 2}));
    two.numbers["max_unavailable"] = json!(2);
    two.fails("1 of pool `p` are out of service, 2 may be");
    let numbers = |members: u64, here: u64, out: u64| json!({"quorum": "q", "members": members, "members_here": here, "out_elsewhere": out});
    let member = |n: u64| json!({"host": format!("h{n}")});
    let whole = case("h1", "quorum", numbers(3, 1, 0));
    whole.fails("all others of them in step");
    let two = json!([member(1), member(2)]);
    let small = case("h1", "quorum", numbers(2, 1, 0)).fleet("/quorums/0/members", two.clone());
    small.fleet("/quorums/0/synced", two.clone()).holds();
    let out = case("h1", "quorum", numbers(3, 1, 1)).fleet("/quorums/0/synced", two);
    out.holds();
    // What is out already may be restarted.
    let own = case("h3", "quorum", numbers(3, 1, 0));
    own.fleet("/quorums/0/synced", json!([member(1), member(2)])).fails("in step");
    case("h4", "quorum", numbers(3, 0, 0)).fails("quorum `q` has no member there");
    let vms = json!([{"vm": "a"}, {"vm": "b"}, {"vm": "c"}]);
    let in_vms = json!({"quorum": "q", "vm": "a", "members": 3, "out_elsewhere": 2});
    let moving = case("h1", "quorum", in_vms).fleet("/quorums/0/members", vms);
    moving
        .fleet("/quorums/0/synced", json!([{"vm": "a"}]))
        .fleet("/quorums/0/leader", json!(null))
        .holds();
}

#[test]
fn placement_groups() {
    let ceph = |clean: bool, min: u64| {
        json!({"osds": [{"id": "o1", "host": "h1", "domain": "r1"}, {"id": "o2", "host": "h2"},
                        {"id": "o3", "host": "h1"}],
               "pools": [{"id": "v", "size": 2, "min_size": min}],
               "pgs": [{"id": "1", "pool": "v", "acting": ["o1", "o2"], "clean": clean}]})
    };
    let numbers = |clean: bool, min: u64| json!({"pg": "1", "clean": clean, "up_without_it": 1, "min_size": min});
    case("h1", "ceph", numbers(true, 2)).fleet("/ceph", ceph(true, 2)).holds();
    case("h1", "ceph", numbers(false, 1)).fleet("/ceph", ceph(false, 1)).holds();
    case("h1", "ceph", numbers(true, 1)).fleet("/ceph", ceph(true, 1)).fails("is clean and has 1");
    case("h4", "ceph", numbers(true, 2)).fleet("/ceph", ceph(true, 2)).fails("it has no OSD");
    let domains = json!({"failure_domains": ["h1", "r1"]});
    case("h1", "ceph", domains).fleet("/ceph", ceph(true, 1)).holds();
    let one = json!({"failure_domains": ["h2"]});
    case("h2", "ceph", one).fleet("/ceph", ceph(true, 1)).fails("in one failure domain");
}

#[test]
fn virtual_machines_that_stay() {
    let fixed = case("h2", "not-migratable", json!({"vm": "b", "state": "active"}));
    fixed.fails("vm `b` can be moved");
    let mut why = fixed.fleet("/vms/1/migratable", json!("no")).holds();
    why.numbers["reason"] = json!("pci");
    why.fleet("/vms/1/reason", json!("pci")).holds();
    let moving = json!({"vm": "c", "state": "active", "moving_to": "h2"});
    case("h2", "not-migratable", moving).fleet("/vms/2/migrating_to", json!("h2")).holds();
    let elsewhere = case("h1", "not-migratable", json!({"vm": "c", "state": "active"}));
    elsewhere.fleet("/vms/2/migratable", json!("no")).fails("vm `c` is not on it");

    let together = case("h1", "affinity", json!({"vm": "a", "group": "g"}));
    together.fails("group `g` does not hold vm `a` so");
    let together = together.fleet("/groups/0/policy", json!("affinity")).holds();
    together.fleet("/groups/0/members", json!(["a"])).fails("one member only");

    let alone = case("h1", "compatibility", json!({"vm": "a", "hosts": 0}));
    let alone = alone.fleet("/vms/0/requires", json!(["X"])).holds();
    let mut one = alone.fleet("/hosts/3/traits", json!(["X"]));
    one.numbers["hosts"] = json!(1);
    one.fails("1 hosts could have the vm");
}

#[test]
fn groups_that_find_too_few_hosts() {
    let numbers = json!({"vm": "a", "group": "g", "members": 3, "seats": 2});
    let three =
        case("h1", "anti-affinity", numbers).fleet("/groups/0/members", json!(["a", "b", "c"]));
    let mut fits =
        Case { numbers: json!({"vm": "a", "group": "g", "members": 3, "seats": 3}), ..three };
    fits.fails("find other hosts");
    // Only h2 and h3 serve besides: one of three finds none.
    fits.numbers["seats"] = json!(2);
    fits.fleet("/hosts/3/state", json!("disabled")).holds();
}

#[test]
fn zones_hosts_and_virtual_machines_without_room() {
    let numbers = |free: f64, kept: f64| json!({"zone": "z", "class": "memory_mib", "free_without_it": free, "must_stay_free": kept});
    // 24 GiB without it, 10 of them used; 14 of 32 are 43.75 %.
    let tight = case("h1", "capacity", numbers(14336.0, 14417.92));
    tight.intent("headroom", json!(0.44)).holds();
    let loose = case("h1", "capacity", numbers(14336.0, 14090.24));
    loose.intent("headroom", json!(0.43)).fails("as much may stay free as must");
    // What is not pinned may leave the zone.
    let free = case("h1", "capacity", numbers(18432.0, 14417.92)).intent("headroom", json!(0.44));
    free.fleet("/vms/0/zone_pinned", json!(false)).fails("as much may stay free");
    let spare = |n: u64, room: u64| json!({"zone": "z", "class": "memory_mib", "spare_hosts": n, "load": 10240, "room_then": room});
    case("h1", "capacity", spare(2, 8192)).intent("spare_hosts", json!(2)).holds();
    let one = case("h1", "capacity", spare(1, 16384)).intent("spare_hosts", json!(1));
    one.fails("the rest would bear the load");

    let large = |demand: u64, free: u64| json!({"vm": "a", "class": "memory_mib", "demand": demand, "most_free": free});
    let small = |case: Case| {
        case.fleet("/hosts/3/capacity/memory_mib", json!(3000))
            .fleet("/hosts/2/state", json!("disabled"))
    };
    small(case("h1", "capacity", large(4096, 4095)))
        .fleet("/hosts/1/capacity/memory_mib", json!(8191))
        .intent("max_unavailable", json!({}))
        .holds();
    small(case("h1", "capacity", large(4096, 4096))).fails("a host has as much free");

    let rest =
        json!({"class": "memory_mib", "used": 4096, "free_elsewhere": 18432, "headroom": 0.1});
    case("h1", "capacity", rest.clone()).fails("what is on it fits on other hosts");
    // The only host besides that of its group is too full of processors.
    let full = json!({"class": "vcpu", "used": 1, "free_elsewhere": 7, "headroom": 0.1});
    let full = case("h1", "capacity", full).fleet("/hosts/2/state", json!("disabled"));
    full.fleet("/hosts/3/capacity/vcpu", json!(0)).holds();
    case("n1", "capacity", rest).intent("targets", json!([])).fails("no target of the intent");
}

#[test]
fn versions_and_who_comes_first() {
    let step = json!({"component": "nova", "from": "2025.1", "to": "2025.2"});
    case("h1", "version", step).fails("that step is allowed");
    let far = json!({"component": "nova", "from": "2024.1", "to": "2025.2"});
    case("h1", "version", far).fleet("/hosts/0/version/nova", json!("2024.1")).holds();
    let beside = json!({"component": "nova", "to": "2025.2", "other": "h3", "version": "2024.1",
                        "may_differ_by": 2});
    let old = case("h1", "version", beside).fleet("/hosts/2/version/nova", json!("2024.1")).holds();
    let mut near = old.fleet("/hosts/2/version/nova", json!("2025.1"));
    near.numbers["version"] = json!("2025.1");
    near.fails("no version is too far from `2025.1`");

    let after = json!({"quorum": "q", "comes_after": "h1"});
    let led = case("h2", "order", after).fleet("/quorums/0/leader", json!({"host": "h1"}));
    led.fails("no wave updates it");
    let ids = json!([{"selector": {"ids": ["h1", "h2"]}, "component": "nova", "to": "2025.2"}]);
    let done = Case { waves: 1, ..led.intent("targets", ids.clone()) }.holds();
    done.fleet("/quorums/0/leader", json!({"host": "h3"})).fails("does not lead it");
    let waits = json!({"quorum": "q", "waits_for": "h1"});
    let waits = Case { waves: 1, ..case("h2", "order", waits).intent("targets", ids) };
    waits.fails("nothing keeps it from being updated after `h1`");
    let waits = waits.fleet("/zones", json!(["z", "y"])).fleet("/hosts/1/zone", json!("y"));
    let waits = waits.intent("headroom", json!(0));
    waits.fails("nothing keeps it from being updated after `h1`");
    waits.intent("one_zone_at_a_time", json!(true)).holds();
}

#[test]
fn windows_that_are_too_short() {
    let numbers = |vms: u64, phases: u64, seconds: u64, longest: u64| json!({"vms": vms, "phases": phases, "seconds": seconds, "longest_window_s": longest});
    let night = |to: &str| json!([{"from": "22:00", "to": to, "time_zone": "Europe/Berlin"}]);
    let window = |numbers, to| case("h1", "window", numbers).intent("windows", night(to));
    window(numbers(1, 1, 660, 600), "22:10").holds();
    window(numbers(1, 1, 660, 660), "22:11").fails("a window of 660s is left for 660s");
    // More phases than it has machines: they would fit one after the other.
    window(numbers(1, 2, 720, 660), "22:11").fails("a window of 660s is left for 660s");
    case("h1", "window", numbers(1, 1, 660, 0)).fails("waves may run at any time");
    // The night in which clocks are put back is an hour longer.
    window(numbers(1, 1, 660, 25200), "04:00").fails("a window of 25200s is left");
    window(numbers(1, 1, 660, 21600), "04:00").fails("said to be 21600, and is 25200");
    let freeze = json!([{"start": "2026-11-20T00:09:00Z", "end": "2030-01-01T00:00:00Z"}]);
    let frozen = window(numbers(1, 1, 660, 540), "05:00").intent("freezes", freeze).holds();
    // It is looked for where the plan ends.
    let ids = json!([{"selector": {"ids": ["h1", "h3"]}, "component": "nova", "to": "2025.2"}]);
    let later = Case { target: "h3", ..frozen.intent("targets", ids) };
    assert!(later.judge(&later.numbers).is_err());
}
