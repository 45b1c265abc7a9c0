//! Plans as people make, judge and read them; the unhappy cases first.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod shell;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shell::Shell;

const FLEET: &str = include_str!("plan/fleet.json");
const INTENT: &str = include_str!("plan/intent.yaml");
const MAKE: &str = "plan --facts fleet.json --intent intent.yaml";
const CHECK: &str = "plan check plan.json --facts fleet.json --intent intent.yaml";

fn shell() -> Shell {
    let shell = Shell::new();
    shell.write("fleet.json", FLEET);
    shell.write("intent.yaml", INTENT);
    shell
}

/// A shell with a plan in it.
fn planned() -> (Shell, Value) {
    let shell = shell();
    let ran = shell.run(&format!("{MAKE} -f json=plan.json"));
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (3, "", ""), "{ran:?}");
    let plan = serde_json::from_str(&std::fs::read_to_string(shell.path("plan.json")).unwrap());
    (shell, plan.unwrap())
}

#[test]
fn what_is_missing_or_misspelt_is_named() {
    let shell = shell();
    shell.run("plan").refused(64, &["--intent"]);
    shell.run("plan check").refused(64, &["<PLAN>"]);
    shell.run("plan show p.json --facts f.json").refused(64, &["--intent"]);
    shell.run(&format!("{MAKE} -f xml")).refused(64, &["table, json, markdown, html or ansible"]);
    shell.run("plan --facts nope.json --intent intent.yaml").refused(64, &["`nope.json`"]);
}

#[test]
fn an_intent_that_is_wrong_is_told_with_line_and_member() {
    let shell = shell();
    for (right, wrong, texts) in [
        ("headroom", "headrom", ["intent.yaml:8: unknown field `headrom`", "`headroom`"]),
        ("\"2025.2\"", "2025.2", ["intent.yaml:5: `targets[0].to`", "put versions in quotes"]),
        ("role:", "rule:", ["intent.yaml:3: `targets[0].selector`", "`rule`"]),
        ("sat]", "someday]", ["intent.yaml:12: `windows[0].days[1]`", "`someday`"]),
        (
            "{role: compute}",
            "most",
            ["intent.yaml:3: `targets[0].selector`", "`all`, or a mapping"],
        ),
        ("time_zone: Europe/Berlin", "zone: az1", ["intent.yaml:12: `windows[0]`", "`time_zone`"]),
        ("intent/v1", "intent/v2", ["intent.yaml:1: `schema` is", "`tidegate.intent/v1`"]),
        ("soak_s: 600", "soak_s: 600\nsoak_s: 1", ["intent.yaml:11: `soak_s`", "line 10"]),
        ("headroom: 0.1", "headroom: 1.5", ["intent.yaml:8: headroom is 1.5", "below 1"]),
        ("Europe/Berlin", "Europe/Bonn", ["intent.yaml:12: window 1: it cannot be read", "Bonn"]),
    ] {
        assert!(INTENT.contains(right));
        shell.write("intent.yaml", &INTENT.replacen(right, wrong, 1));
        shell.run(MAKE).refused(1, &texts);
    }
}

#[test]
fn an_intent_that_selects_nothing_is_told_with_its_line_and_what_there_is() {
    let shell = shell();
    let wrong = |selector: &str, component: &str, texts: &[&str]| {
        let text = INTENT.replace("{role: compute}", selector).replace(": nova", component);
        shell.write("intent.yaml", &text);
        shell.run(MAKE).refused(1, texts);
    };
    for (selector, problem, hint) in [
        ("{zone: az3}", "3: target 1 names the zone `az3`", "did you mean `az1`, `az2`?"),
        ("{zone: nova}", "3: target 1 names the zone `nova`", "there are `az1`, `az2`"),
        ("{pool: computes}", "3: target 1 names the pool `computes`", "did you mean `compute`?"),
        ("{role: control}", "3: target 1 names the role `control`", "there are `compute`"),
        (
            "\n      ids:\n      - comp-11\n      - comp-31",
            "6: target 1 names `comp-31`, which is neither host nor node",
            "did you mean `comp-11`, `comp-21`, `comp-12`?",
        ),
        (
            "{ids: []}",
            "3: target 1 selects nothing that `nova` is on",
            "it is on {pool: compute, zone: az1, role: compute} · {pool: compute, zone: az2, role: compute}",
        ),
    ] {
        wrong(selector, ": nova", &[&format!("intent.yaml:{problem}"), &format!("hint: {hint}\n")]);
    }
    wrong("all", ": kubelet", &["intent.yaml:4: target 1: `kubelet` is on none of the 0 nodes"]);
    // A limit or a window for nothing is no limit, and is told.
    let odd = INTENT.replace("{compute: 2}", "{computes: 2}");
    shell.write("intent.yaml", &format!("{odd}    zone: az9\n"));
    let ran = shell.run(MAKE);
    let warned = "warning: `max_unavailable` names the pool `computes`, which is not in the fleet\n\
                  warning: window 1 is for the zone `az9`, which is not in the fleet\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (3, warned), "{ran:?}");
    // All that a selector names is there, each on other hosts.
    let az2 = "\"zone\": \"az2\", \"pool\": \"compute\"";
    shell.write("fleet.json", &FLEET.replace(az2, &az2.replace("compute", "gpu")));
    let hint = "hint: it is on {pool: compute, zone: az1, role: compute} · {pool: gpu, zone: az2, role: compute}\n";
    wrong("{pool: gpu, zone: az1}", ": nova", &["intent.yaml:3: target 1 selects nothing", hint]);
}

#[test]
fn a_version_that_nothing_has_is_told_from_one_that_everything_has() {
    let shell = shell();
    let from = |from: &str| {
        let to = "to: \"2025.2\"";
        shell.write("intent.yaml", &INTENT.replace(to, &format!("from: \"{from}\"\n    {to}")));
    };
    from("2025.3");
    let text = "target 1 is from `2025.3`, and nothing that it selects has `nova` at that version: \
                it is `2025.1` on 5";
    shell.run(MAKE).refused(1, &[&format!("intent.yaml:5: {text}")]);
    // Some have it: the others are left as they are, and named.
    from("2025.1");
    let older = FLEET.replacen("\"2025.1\"", "\"2024.2\"", 1);
    assert_ne!(older, FLEET);
    shell.write("fleet.json", &older);
    let ran = shell.run(&format!("{MAKE} -f json"));
    assert_eq!(
        ran.stderr,
        "warning: target 1 is from `2025.1`: where `nova` is `2024.2` on 1, it is left as it is\n"
    );
    assert_eq!(ran.code, 3, "{ran:?}");
    // All is done: no error, and no silence.
    shell.write("fleet.json", &FLEET.replace("\"2025.1\"", "\"2025.2\""));
    let ran = shell.run(MAKE);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (0, "everything that is selected has the wanted version already\n")
    );
    assert!(ran.stdout.contains("0 targets in 0 waves, 0 blocked"), "{ran:?}");
}

#[test]
fn a_fleet_that_is_wrong_is_told_and_what_is_not_known_in_it_is_warned_about() {
    let shell = shell();
    shell.write("fleet.json", &FLEET.replace("\"host\": \"comp-12\"", "\"host\": \"comp-99\""));
    shell.run(MAKE).refused(1, &["contradicts itself", "vm `web-2` names the host `comp-99`"]);
    shell.write(
        "fleet.json",
        &FLEET.replace("\"memory_mib\": 262144", "\"memory_mib\": \"256 GiB\""),
    );
    shell.run(MAKE).refused(1, &["fleet.json:7: "]);
    shell.write("fleet.json", &FLEET.replace("\"pool\":", "\"rack\": \"r1\", \"pool\":"));
    let ran = shell.run(MAKE);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(
        ran.stderr,
        "warning: fleet.json: `hosts[].rack` is not known and was not read, 5 times\n"
    );
}

#[test]
fn a_plan_is_made_checked_and_shown() {
    let shell = shell();
    let ran = shell.run(MAKE);
    assert_eq!(ran.code, 3, "one target is blocked: {ran:?}");
    let golden = include_str!("plan/plan.txt");
    let id = ran.stdout.split_whitespace().nth(1).unwrap();
    assert_eq!(ran.stdout.replace(id, "ID"), golden);

    let movable = FLEET.replace("\"migratable\": \"no\"", "\"migratable\": \"live\"");
    shell.write("fleet.json", &movable);
    assert_eq!(shell.run(MAKE).code, 0, "nothing is blocked any more");

    // The same facts as YAML give the same plan.
    let yaml = yaml_serde::to_string(&serde_json::from_str::<Value>(&movable).unwrap()).unwrap();
    shell.write("fleet.yaml", &yaml);
    let json = shell.run(&format!("{MAKE} -f json")).json();
    let yaml = shell.run("plan --facts fleet.yaml --intent intent.yaml -f json").json();
    assert_eq!(json, yaml);
}

#[test]
fn a_plan_that_is_not_safe_is_named_by_wave_and_step() {
    let (shell, plan) = planned();
    let ran = shell.run(CHECK);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(ran.stdout, "safe: 4 targets updated in 4 waves, 1 blocked\n");
    let verdict = shell.run(&format!("{CHECK} -f json")).json();
    assert_eq!((&verdict["safe"], &verdict["updated"]), (&json!(true), &json!(4)));

    // Both members of the group onto one host.
    let mut broken = plan.clone();
    let steps = broken["waves"][2]["steps"].as_array_mut().unwrap();
    let web = steps.iter_mut().find(|s| s["vm"] == "web-1").unwrap();
    web["to"] = json!("comp-13");
    let id = web["id"].as_str().unwrap().to_owned();
    shell.write("plan.json", &broken.to_string());
    let ran = shell.run(CHECK);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stdout.starts_with(&format!("not safe: C5 in wave 3, step `{id}`: ")), "{ran:?}");
    let ran = shell.run(&format!("{CHECK} -f json"));
    assert_eq!((ran.code, &ran.json()["violation"]["invariant"]), (2, &json!("C5")));
    let schema = include_str!("../schemas/plan-check.schema.json");
    let schema = serde_json::from_str(schema).unwrap();
    assert!(jsonschema::is_valid(&schema, &verdict) && jsonschema::is_valid(&schema, &ran.json()));

    let show = "plan show plan.json --facts fleet.json --intent intent.yaml";
    let ran = shell.run(show);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stdout.contains("NOT SAFE") && !ran.stdout.contains("  safe"), "{ran:?}");
    shell.run(&format!("{show} -f ansible")).refused(1, &["only a plan that was found safe"]);
}

#[test]
fn what_was_not_checked_is_not_shown_as_safe() {
    let (shell, _) = planned();
    let ran = shell.run("plan show plan.json");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("not checked") && !ran.stdout.contains(" safe"), "{ran:?}");
    shell.run("plan show plan.json -f ansible").refused(1, &["plan show PLAN --facts FILE"]);
    shell.write("fleet.json", &FLEET.replace("65536", "65535"));
    let ran = shell.run(CHECK);
    assert!(ran.stderr.contains("made for another fleet"), "{ran:?}");
}

#[test]
fn two_plans_are_compared_and_a_host_is_explained() {
    let (shell, plan) = planned();
    shell.write("intent.yaml", &INTENT.replace("canary: 1\n", ""));
    assert_eq!(shell.run(&format!("{MAKE} -f json=other.json")).code, 3);
    let same = shell.run("plan diff plan.json plan.json -f json").json();
    assert_eq!((&same["targets"], &same["moves_added"]), (&json!([]), &json!([])));
    let mut fewer = plan;
    fewer["waves"].as_array_mut().unwrap().pop();
    shell.write("fewer.json", &fewer.to_string());
    let diff = shell.run("plan diff fewer.json plan.json -f json").json();
    assert_eq!(
        diff["targets"],
        json!([{"target": "comp-21", "before": "absent", "after": {"wave": 4}}])
    );
    assert_eq!(diff["moves_added"], json!([{"what": "db-1", "from": "comp-21", "to": "comp-22"}]));
    let text = shell.run("plan diff fewer.json plan.json").stdout;
    assert!(text.contains("  comp-21: no target → wave 4\n+ db-1: comp-21 → comp-22\n"), "{text}");

    let explain = |host: &str| shell.run(&format!("plan explain {host} --plan plan.json")).stdout;
    let text = explain("comp-12");
    assert!(text.starts_with("comp-12 is updated in wave 2 of 4\n"), "{text}");
    assert!(text.contains("waits for these, updated in earlier waves"), "{text}");
    let text = explain("comp-22");
    assert!(text.contains("  not-migratable: a virtual machine on it cannot be moved\n"), "{text}");
    assert!(text.contains("  fix: move or stop vm `gpu-1`"), "{text}");
    shell.run("plan explain nope --plan plan.json").refused(64, &["`nope`"]);
}

#[test]
fn a_failure_during_a_wave_costs_quorums_of_three_and_spends_a_spare_host() {
    let shell = Shell::new();
    let mut fleet: Value = serde_json::from_str(FLEET).unwrap();
    let members = json!([{"host": "comp-11"}, {"host": "comp-12"}, {"host": "comp-13"}]);
    fleet["quorums"] =
        json!([{"id": "q", "kind": "galera", "members": members, "synced": members}]);
    fleet["groups"] = json!([]);
    shell.write("fleet.json", &fleet.to_string());
    shell.write("intent.yaml", &format!("{INTENT}spare_hosts: 1\n"));
    let plan = shell.run(&format!("{MAKE} -f json")).json();
    shell.write("plan.json", &plan.to_string());
    let wave = &plan["waves"][0];
    let steps = wave["steps"].as_array().unwrap();
    let stop = steps.iter().find(|s| s["op"] == "stop").unwrap();
    let other = if stop["host"] == "comp-11" { "comp-12" } else { "comp-11" };
    let simulate = "plan simulate plan.json --facts fleet.json -f json --intent";
    let fail = |intent: &str| {
        let at = format!("--fail {other}@1.{}", stop["phase"]);
        shell.run(&format!("{simulate} {intent} {at}"))
    };
    let ran = fail("intent.yaml");
    let told = &ran.json()["failures"][0];
    let quorum = json!({"quorum": "q", "up": 1, "needs": 2, "members": 3, "stopped": 1});
    assert_eq!(
        (ran.code, &told["quorums"]),
        (0, &json!([quorum])),
        "no plan could do better: {told}"
    );
    assert_eq!(told.get("short"), None);
    // Two of three: with one out and one failed the third cannot fail, too. The plan is judged
    // by the same intent, which it does not follow then.
    shell.write("two.yaml", &format!("{INTENT}spare_hosts: 2\n"));
    let ran = fail("two.yaml");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.json()["violation"].as_str().unwrap().contains("2 largest hosts"), "{ran:?}");
    // Before the first wave nothing was promised, and it is told all the same.
    let ran = shell.run("plan --facts fleet.json --intent two.yaml -f json=none.json");
    assert_eq!(ran.code, 3, "{ran:?}");
    let ran = shell.run(
        "plan simulate none.json --facts fleet.json --intent two.yaml --fail comp-21@0 -f json",
    );
    let short =
        json!({"zone": "az2", "class": "memory_mib", "more": 1, "load": 196608, "room_then": 0});
    assert_eq!((ran.code, &ran.json()["failures"][0]["short"]), (2, &short), "{ran:?}");
    let schema =
        serde_json::from_str(include_str!("../schemas/plan-simulation.schema.json")).unwrap();
    assert!(
        jsonschema::is_valid(&schema, &ran.json())
            && jsonschema::is_valid(&schema, &fail("intent.yaml").json())
    );
}

#[test]
fn what_does_not_hold_when_a_host_fails_is_told() {
    let shell = shell();
    let gpu = "\"migratable\": \"no\", \"requires\": [\"CUSTOM_GPU\"]";
    shell.write("fleet.json", &FLEET.replace("\"migratable\": \"no\"", gpu));
    let made = shell.run(&format!("{MAKE} -f json"));
    shell.write("plan.json", &made.stdout);
    let plan = made.json();
    let simulate = "plan simulate plan.json --facts fleet.json --intent intent.yaml";
    shell.run(simulate).refused(64, &["--fail <HOST@WAVE[.PHASE]>"]);
    shell.run(&format!("{simulate} --fail comp-11")).refused(64, &["HOST@WAVE.PHASE"]);
    shell.run(&format!("{simulate} --fail nope@1")).refused(64, &["no host `nope`"]);
    shell.run(&format!("{simulate} --fail comp-11@5")).refused(64, &["has 4 waves, and no wave 5"]);
    shell.run(&format!("{simulate} --fail comp-11@1.99")).refused(64, &["and no phase 99"]);

    // No other host has what one of its virtual machines needs.
    let fails = "--fail comp-12@1 --fail comp-22@4 --fail comp-13@2.1";
    let ran = shell.run(&format!("{simulate} {fails}"));
    assert_eq!((ran.code, ran.stderr.as_str()), (2, ""), "{ran:?}");
    let id = plan["id"].as_str().unwrap();
    assert_eq!(ran.stdout.replace(id, "ID"), include_str!("plan/simulate.txt"));
    let ran = shell.run(&format!("{simulate} {fails} -f json"));
    let schema = include_str!("../schemas/plan-simulation.schema.json");
    let schema = serde_json::from_str(schema).unwrap();
    assert!(jsonschema::is_valid(&schema, &ran.json()), "{}", ran.stdout);
    assert_eq!(ran.json()["failures"][1]["lost"][0]["vm"], json!("gpu-1"), "{}", ran.stdout);

    let all = shell.run(&format!("{simulate} --fail-any -f json")).json();
    let phases = |w: &Value| {
        let of = |s: &Value| s["phase"].as_u64().unwrap();
        w["steps"].as_array().unwrap().iter().map(of).collect::<BTreeSet<_>>().len()
    };
    let moments = 1 + plan["waves"].as_array().unwrap().iter().map(phases).sum::<usize>();
    assert_eq!(
        all["tried"],
        json!(5 * moments),
        "five hosts before the first and after each phase"
    );
    let failures = all["failures"].as_array().unwrap();
    assert!(failures.iter().any(|f| f["phase"] == json!(1)), "{all}");
    // The only other host of its zone is in the wave.
    let cordoned = |f: &Value| f["lost"][0] == json!({"vm": "db-1", "why": "cordoned"});
    assert!(failures.iter().any(|f| f["host"] == "comp-22" && cordoned(f)), "{all}");
    let mut said = BTreeMap::new();
    for harm in failures.iter().filter(|f| f["holds"] == json!(false)) {
        let before = said.insert(harm["host"].to_string(), &harm["lost"]);
        assert_ne!(before, Some(&harm["lost"]), "what is the same after each phase is told once");
    }
    assert!(all["broken"].as_u64().unwrap() > said.len() as u64, "{all}");
    assert!(jsonschema::is_valid(&schema, &all), "{all}");

    // What is not safe is not followed.
    let mut broken = plan.clone();
    let steps = broken["waves"][2]["steps"].as_array_mut().unwrap();
    steps.iter_mut().find(|s| s["vm"] == "web-1").unwrap()["to"] = json!("comp-13");
    shell.write("plan.json", &broken.to_string());
    let ran = shell.run(&format!("{simulate} --fail-any"));
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stdout.starts_with("not safe, and not followed: "), "{ran:?}");
}
