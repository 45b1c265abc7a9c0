//! Small plans with hostile names, in every format.

use serde_json::{Value, json};

use super::*;

/// A plan of one wave whose names would be obeyed somewhere.
fn sample(host: &str, vm: &str) -> (Plan, Fleet) {
    let zeros = "0".repeat(64);
    let step =
        |id: &str, phase: u32, op: &str| json!({"id": id, "phase": phase, "op": op, "host": host});
    let plan = json!({
        "schema": "tidegate.plan/v1", "id": "p1", "generation": 1, "fleet_sha256": zeros,
        "intent_sha256": zeros, "rules_version": "x",
        "waves": [{"n": 1, "zone": "z", "targets": [host], "soak_s": 60, "steps": [
            step("1", 1, "cordon"),
            {"id": "2", "phase": 2, "op": "migrate", "vm": vm, "from": host, "to": "h2", "kind": "live"},
            step("3", 3, "verify"), step("4", 4, "uncordon"),
        ]}],
        "blocked": [{"target": "h2", "code": "capacity", "numbers": {"used": 4}, "fix": "free 4 `<b>`"}],
        "bounds": [{"name": "capacity", "waves": 1}],
        "deadlines": [{"target": "h2", "due": "2026-11-21T00:00:00Z", "status": "impossible",
                       "earliest": "2026-11-22T00:00:00Z", "bound": "time"}],
    });
    let of = |id: &str| json!({"id": id, "zone": "z", "capacity": {"memory_mib": 8}});
    let fleet = json!({
        "schema": "tidegate.fleet/v1", "taken_at": "2026-11-20T00:00:00Z", "zones": ["z"],
        "hosts": [of(host), of("h2")], "vms": [{"id": vm, "host": host, "demand": {"memory_mib": 4}}],
    });
    (serde_json::from_value(plan).unwrap(), serde_json::from_value(fleet).unwrap())
}

fn safe() -> Judgement {
    Judgement::Safe(vec!["2026-11-20T01:30:00Z".parse().unwrap()])
}

fn text(write: impl Fn(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn names_are_never_obeyed() {
    let (plan, fleet) = sample("<script>|h1", "v`\u{1b}[31m{{ 1 }}");
    for judgement in [safe(), Judgement::NotChecked, Judgement::Violated("<img> | x".into())] {
        let report = PlanReport { plan: &plan, fleet: Some(&fleet), judgement: &judgement };
        let html = text(|out| plan_html(&report, out).unwrap());
        assert!(!html.contains("<script>") && !html.contains("<img>") && !html.contains("<b>"));
        assert!(html.contains("&lt;script&gt;|h1"));
        let markdown = text(|out| plan_markdown(&report, out).unwrap());
        assert!(!markdown.contains("<script>") && !markdown.contains("<img>"), "{markdown}");
        let table = text(|out| plan_table(&report, false, out).unwrap());
        assert!(!table.contains('\u{1b}'));
        let calm = !html.contains(">safe<") && !table.contains("  safe\n");
        assert_eq!(calm, judgement != safe(), "{table}");
    }
    let judgement = safe();
    let report = PlanReport { plan: &plan, fleet: Some(&fleet), judgement: &judgement };
    let error = plan_ansible(&report, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().starts_with("`<script>|h1` cannot be"), "{error}");
}

#[test]
fn the_page_loads_nothing_and_shows_capacity_as_it_is() {
    let (plan, fleet) = sample("h1", "v1");
    let judgement = safe();
    let report = PlanReport { plan: &plan, fleet: Some(&fleet), judgement: &judgement };
    let html = text(|out| plan_html(&report, out).unwrap());
    for outside in ["http://", "https://", "src=", "url(", "@import"] {
        assert!(!html.contains(outside), "{outside}");
    }
    // 16 in all, 8 of them out, 4 used.
    let capacity = gantt::capacity(&plan, &fleet);
    assert_eq!(
        capacity[&("z", "memory_mib")],
        (16_000, vec![gantt::Room { usable: 8_000, load: 4_000 }])
    );
    assert!(html.contains("16 usable in all; at least 4 free in every wave"), "{html}");
    assert!(html.contains("<td>2026-11-20T00:00:00Z<td>1h 30m"), "{html}");
}

#[test]
fn the_inventory_is_yaml_with_a_group_for_each_wave() {
    let (plan, fleet) = sample("h1", "v1: x #");
    let judgement = safe();
    let report = PlanReport { plan: &plan, fleet: Some(&fleet), judgement: &judgement };
    let yaml: Value =
        yaml_serde::from_str(&text(|out| plan_ansible(&report, out).unwrap())).unwrap();
    let groups = &yaml["all"]["children"];
    assert_eq!(groups["tidegate"]["children"], json!({"tidegate_wave_01": {}}));
    let wave = &groups["tidegate_wave_01"];
    assert_eq!(wave["vars"], json!({"tidegate_wave": 1, "tidegate_soak_s": 60}));
    let drain = json!([{"phase": 2, "vm": "v1: x #", "to": "h2", "kind": "live"}]);
    assert_eq!(wave["hosts"], json!({"h1": {"tidegate_drain": drain}}));
    assert_eq!(groups["tidegate_blocked"]["hosts"], json!({"h2": {}}));
    // What Jinja would evaluate is marked.
    let (plan, fleet) = sample("h1", "{{ lookup('pipe', 'id') }}");
    let report = PlanReport { plan: &plan, fleet: Some(&fleet), judgement: &judgement };
    let inventory = text(|out| plan_ansible(&report, out).unwrap());
    assert!(inventory.contains("vm: !unsafe \"{{ lookup("), "{inventory}");
}

#[test]
fn differences_and_explanations_say_what_is() {
    let (before, fleet) = sample("h1", "v1");
    let mut after = before.clone();
    after.blocked.clear();
    after.waves[0].targets.push("h2".to_owned());
    let diff = plan_diff(&before, &after);
    let change = TargetDiff {
        target: "h2".to_owned(),
        before: Place::Blocked(tidegate_model::plan::BlockedCode::Capacity),
        after: Place::Wave(1),
    };
    assert_eq!((diff.targets.as_slice(), diff.moves_added.len()), ([change].as_slice(), 0));
    let schema = serde_json::from_str(include_str!("../../schemas/plan-diff.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&serde_json::to_value(&diff).unwrap()));
    let told = text(|out| explain(&before, Some(&fleet), "h2").unwrap().write(out).unwrap());
    assert!(told.contains("capacity: what runs on it fits nowhere else"), "{told}");
    assert!(
        told.contains("no plan can meet it, earliest 2026-11-22T00:00:00Z (by time)"),
        "{told}"
    );
    assert!(explain(&before, Some(&fleet), "h3").is_none());
}

#[test]
fn a_page_of_a_large_plan_stays_small() {
    let (mut plan, _) = sample("h1", "v1");
    let step = plan.waves[0].steps[1].clone();
    plan.waves[0].steps.extend(std::iter::repeat_n(step, 200_000));
    plan.waves[0].targets = (0..5_000).map(|n| format!("host-{n:05}")).collect();
    let report = PlanReport { plan: &plan, fleet: None, judgement: &Judgement::NotChecked };
    let html = text(|out| plan_html(&report, out).unwrap());
    assert!(html.len() < 2 << 20, "{}", html.len());
    assert!(html.contains("And 180001 more, which the JSON has"));
}
