//! Gates of waves, and what happens between waves; the unhappy cases first.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod shell;

use serde_json::{Value, json};
use shell::{Ran, Shell};
use tidegate_model::Timestamp;
use tidegate_replay::{Recording, Replay};

/// Three hosts; whatever runs on one fits on another.
fn fleet() -> Value {
    let host = |n: usize| {
        json!({"id": format!("comp-{n}"), "zone": "az1", "pool": "compute",
            "version": {"nova": "2025.1"}, "capacity": {"vcpu": 16}})
    };
    let vm = |n: usize| json!({"id": format!("vm-{n}"), "host": format!("comp-{n}"), "demand": {"vcpu": 4}});
    json!({
        "schema": "tidegate.fleet/v1", "taken_at": now(), "zones": ["az1"],
        "hosts": [host(1), host(2), host(3)], "vms": [vm(1), vm(2)],
    })
}

fn now() -> String {
    Timestamp::now().to_string()
}

const INTENT: &str = r#"
schema: tidegate.intent/v1
targets: [{selector: {pool: compute}, component: nova, to: "2025.2"}]
canary: 1
growth: 2
"#;

const ASK: &str = "gate --store s --intent intent.yaml --as alice";

struct Gate {
    shell: Shell,
    fleet: Value,
}

impl Gate {
    /// A plan of two waves, `plan.json`.
    fn new() -> Self {
        let gate = Self { shell: Shell::new(), fleet: fleet() };
        gate.shell.write("intent.yaml", INTENT);
        gate.write();
        let ran = gate.shell.run("plan --facts fleet.json --intent intent.yaml -f json=plan.json");
        assert_eq!(ran.code, 0, "{ran:?}");
        gate
    }

    fn write(&self) {
        self.shell.write("fleet.json", &self.fleet.to_string());
    }

    fn plan(&self, name: &str) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.shell.path(name)).unwrap()).unwrap()
    }

    /// Asks for the first wave of a plan, as an operator, with the fleet as it is.
    fn ask(&self, plan: &str, more: &str) -> Ran {
        self.write();
        self.shell.run(&format!(
            "{ASK} --role operator --facts fleet.json --plan {plan} --wave 1 -f json {more}"
        ))
    }

    /// What became of a condition.
    #[track_caller]
    fn closed(&self, ran: &Ran, code: i32, name: &str, state: &str, text: &str) {
        assert_eq!(ran.code, code, "{ran:?}");
        let answer = ran.json();
        let conditions = answer["conditions"].as_array().unwrap();
        let found = conditions.iter().find(|c| c["name"] == name).unwrap();
        assert_eq!(found["state"], state, "{found}");
        assert!(found["text"].as_str().unwrap().contains(text), "no `{text}` in {found}");
        assert!(answer.get("valid_until").is_none(), "{answer}");
    }

    /// Does what the first wave of a plan says.
    fn carry_out(&mut self, plan: &Value) -> Vec<String> {
        for step in plan["waves"][0]["steps"].as_array().unwrap() {
            match step["op"].as_str().unwrap() {
                "migrate" => self.entity("vms", &step["vm"])["host"] = step["to"].clone(),
                "update" => {
                    self.entity("hosts", &step["host"])["version"]["nova"] = step["to"].clone();
                }
                _ => {}
            }
        }
        self.fleet["taken_at"] = json!(now());
        self.write();
        let targets = plan["waves"][0]["targets"].as_array().unwrap();
        targets.iter().map(|t| t.as_str().unwrap().to_owned()).collect()
    }

    fn entity(&mut self, list: &str, id: &Value) -> &mut Value {
        let all = self.fleet[list].as_array_mut().unwrap();
        all.iter_mut().find(|e| e["id"] == *id).unwrap()
    }

    fn advance(&self, plan: &str, more: &str) -> Ran {
        self.shell.run(&format!(
            "plan advance --store s --plan {plan} --intent intent.yaml --facts fleet.json {more}"
        ))
    }
}

#[test]
fn what_is_missing_or_misspelt_closes_the_gate() {
    let g = Gate::new();
    let run = |text: &str| g.shell.run(text);
    run("gate --wave 1").refused(64, &["--plan", "--intent"]);
    run(&format!("{ASK} --plan plan.json --wave 9 --facts fleet.json")).refused(64, &["no wave 9"]);
    run(&format!("{ASK} --plan nope.json --wave 1")).refused(64, &["`nope.json`"]);
    run(&format!("{ASK} --plan plan.json --wave 1")).refused(64, &["--facts FILE"]);
    run("gate --store s --intent intent.yaml --plan plan.json --wave 1 --facts fleet.json")
        .refused(64, &["--as NAME"]);
    run(&format!("{ASK} --plan plan.json --wave 1 --facts fleet.json --bundle nope"))
        .refused(64, &["there is no bundle `nope`"]);
}

#[test]
fn each_condition_that_does_not_hold_is_named() {
    let mut g = Gate::new();
    let nobody =
        g.shell.run(&format!("{ASK} --facts fleet.json --plan plan.json --wave 1 -f json"));
    g.closed(&nobody, 2, "policy", "fails", "no policy permits it");
    let odd = g.ask("plan.json", "--role owner");
    g.closed(&odd, 3, "policy", "unknown", "owner");
    g.fleet["taken_at"] = json!("2026-11-01T00:00:00Z");
    g.closed(&g.ask("plan.json", ""), 3, "facts", "unknown", "too old");
    g.fleet["taken_at"] = json!(now());
    g.closed(
        &g.shell.run(&format!(
            "{ASK} --role operator --facts fleet.json --plan plan.json --wave 2 -f json"
        )),
        2,
        "sequence",
        "fails",
        "not recorded as done",
    );
    // A virtual machine that came since then stands on the host of the wave.
    let target = g.plan("plan.json")["waves"][0]["targets"][0].clone();
    let newcomer = json!({"id": "new", "host": target, "demand": {"vcpu": 1}});
    g.fleet["vms"].as_array_mut().unwrap().push(newcomer);
    let ran = g.ask("plan.json", "");
    g.closed(&ran, 2, "checked", "fails", "still has 1 vms");
    g.closed(&ran, 2, "policy", "fails", "");
    g.fleet["vms"].as_array_mut().unwrap().pop();
    g.shell.write("intent.yaml", &INTENT.replace("growth: 2", "growth: 3"));
    g.closed(&g.ask("plan.json", ""), 2, "checked", "fails", "another intent");
    // Every one of them is in the store, with its reasons.
    let records = std::fs::read_dir(g.shell.path("s/records/fleet")).unwrap().count();
    assert_eq!(records, 12, "a record and its payload for each of six answers");
}

#[test]
fn an_open_gate_is_open_for_a_time_and_drawn_for_people_and_pipelines() {
    let g = Gate::new();
    let ran = g.ask("plan.json", "-f junit=gate.xml -f markdown=gate.md -f table=gate.txt");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let answer = ran.json();
    assert_eq!((&answer["answer"], &answer["principal"]), (&json!("open"), &json!("alice")));
    let until: Timestamp = answer["valid_until"].as_str().unwrap().parse().unwrap();
    assert!(until > Timestamp::now());
    let names: Vec<_> =
        answer["conditions"].as_array().unwrap().iter().map(|c| c["name"].clone()).collect();
    assert_eq!(names, ["facts", "checked", "drift", "sequence", "window", "rules", "policy"]);
    assert_eq!(answer["conditions"][6]["numbers"]["by"], json!(["operators-start-safe-waves"]));
    let schema = include_str!("../../model/schemas/gate.schema.json");
    let schema = serde_json::from_str(schema).unwrap();
    assert!(jsonschema::is_valid(&schema, &answer), "{answer}");
    let read = |name: &str| std::fs::read_to_string(g.shell.path(name)).unwrap();
    assert!(read("gate.xml").contains("tests=\"7\" failures=\"0\" errors=\"0\""));
    assert!(read("gate.md").starts_with("## Gate of wave 1: OPEN\n"));
    assert!(read("gate.txt").contains("policy    holds          the policies permit it\n"));
    assert!(read("gate.txt").contains("\nvalid until "));
}

#[test]
fn two_plans_exclude_each_other_until_one_is_ended() {
    let g = Gate::new();
    assert_eq!(g.ask("plan.json", "").code, 0);
    assert_eq!(g.ask("plan.json", "").code, 0, "asked again it is still open");
    let other = INTENT.replace("canary: 1", "canary: 2");
    g.shell.write("other.yaml", &other);
    let make = "plan --facts fleet.json --intent other.yaml -f json=other.json";
    assert_eq!(g.shell.run(make).code, 0);
    let ask = "gate --store s --intent other.yaml --as alice --role operator --facts fleet.json \
               --plan other.json --wave 1 -f json";
    let id = g.plan("plan.json")["id"].as_str().unwrap().to_owned();
    g.closed(&g.shell.run(ask), 2, "sequence", "fails", &format!("plan `{id}` is under way"));
    g.shell.run("plan end --store s --plan other.json").refused(64, &[&id]);
    let ran = g.shell.run("plan end --store s --plan plan.json");
    assert_eq!((ran.code, ran.stdout), (0, format!("plan {id} is ended\n")));
    assert_eq!(g.shell.run(ask).code, 0);
    g.closed(&g.ask("plan.json", ""), 2, "sequence", "fails", "is under way");
}

#[test]
fn waves_follow_each_other_to_the_end_and_keep_what_is_done() {
    let mut g = Gate::new();
    g.advance("plan.json", "--wave 1 --outcome done").refused(64, &["not under way"]);
    let (mut name, mut sizes) = ("plan.json".to_owned(), Vec::new());
    for n in 2..5 {
        let plan = g.plan(&name);
        if plan["waves"].as_array().unwrap().is_empty() {
            break;
        }
        let ran = g.ask(&name, "");
        assert_eq!(ran.code, 0, "{ran:?}");
        sizes.push(g.carry_out(&plan).len());
        let next = format!("plan-{n}.json");
        let ran = g.advance(&name, &format!("--wave 1 --outcome done -f json={next}"));
        assert_eq!(ran.code, 0, "{ran:?}");
        let made = g.plan(&next);
        assert_eq!((&made["parent"], &made["generation"]), (&plan["id"], &json!(n)));
        assert_eq!(made["done"].as_array().unwrap().len(), sizes.len());
        name = next;
    }
    assert_eq!(sizes, [1, 2], "the ramp goes on where it was");
    let status = g.shell.run(&format!("plan status --store s --plan {name} -f json")).json();
    assert_eq!(status["active"], Value::Null, "all is done");
}

#[test]
fn a_wave_that_fails_is_planned_anew_and_pipelines_stop() {
    let mut g = Gate::new();
    assert_eq!(g.ask("plan.json", "").code, 0);
    let target = g.plan("plan.json")["waves"][0]["targets"][0].clone();
    let wave = "--wave 1 -f json=next.json --outcome";
    g.advance("plan.json", &format!("{wave} done --updated {}", target.as_str().unwrap()))
        .refused(64, &["does not fit"]);
    g.advance("plan.json", &format!("{wave} partial")).refused(64, &["--updated"]);
    g.advance("plan.json", &format!("{wave} partial --updated comp-9")).refused(64, &["`comp-9`"]);
    // The host died while it was updated: it can be no target now.
    g.entity("hosts", &target)["state"] = json!("down");
    g.fleet["taken_at"] = json!(now());
    g.write();
    let ran = g.advance("plan.json", &format!("{wave} failed"));
    assert_eq!(ran.code, 3, "{ran:?}");
    let next = g.plan("next.json");
    assert_eq!(
        (&next["blocked"][0]["target"], &next["blocked"][0]["code"]),
        (&target, &json!("state"))
    );
    g.closed(&g.ask("plan.json", ""), 2, "sequence", "fails", "is under way");
    let pipeline = "gate --store s --intent intent.yaml --as nightly --role pipeline \
                    --facts fleet.json --plan next.json --wave 1 -f json";
    let ran = g.shell.run(pipeline);
    g.closed(&ran, 2, "policy", "fails", "a policy forbids it");
    assert_eq!(
        ran.json()["conditions"][6]["numbers"]["by"],
        json!(["pipelines-stop-after-a-failure"])
    );
    assert_eq!(g.ask("next.json", "").code, 0, "somebody looked");
    let status = g.shell.run("plan status --store s --plan next.json").stdout;
    assert!(status.ends_with("is under way\nthe last wave was not done in whole\n"), "{status}");
    // Interrupted, the rest is planned anew from how things are.
    g.entity("hosts", &target)["state"] = json!("up");
    g.write();
    g.advance("next.json", "-f json=again.json").refused(3, &["the fleet is from before the wave"]);
    g.fleet["taken_at"] = json!(now());
    g.write();
    assert_eq!(g.advance("next.json", "-f json=again.json").code, 0);
    let again = g.plan("again.json");
    assert_eq!((&again["generation"], &again["blocked"]), (&json!(3), &json!([])));
}

#[test]
fn what_was_recorded_as_done_must_still_be_so() {
    let mut g = Gate::new();
    assert_eq!(g.ask("plan.json", "").code, 0);
    let plan = g.plan("plan.json");
    let targets = g.carry_out(&plan);
    assert_eq!(g.advance("plan.json", "--wave 1 --outcome done -f json=next.json").code, 0);
    g.entity("hosts", &json!(targets[0]))["version"]["nova"] = json!("2025.1");
    g.ask("next.json", "").refused(3, &["recorded as updated to `2025.2`", "`2025.1`"]);
    // Where no API shows versions, the records do.
    g.entity("hosts", &json!(targets[0])).as_object_mut().unwrap().remove("version");
    assert_eq!(g.ask("next.json", "").code, 0);
    let check = "plan check next.json --facts fleet.json --intent intent.yaml";
    assert_eq!(g.shell.run(check).code, 0, "the plan tells what is done as well");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_of_which_not_all_can_be_seen_closes_the_gate() {
    let g = Gate::new();
    let replay = Replay::start(Recording::example().unwrap()).await.unwrap();
    g.shell.write("clouds.yaml", &replay.clouds_yaml());
    let mut plan = g.plan("plan.json");
    plan["snapshots"] = json!(["example@1"]);
    g.shell.write("live.json", &plan.to_string());
    let without = format!("{ASK} --role operator --plan live.json --wave 1");
    g.shell.run(&without).refused(64, &["with facts from a file beside the snapshots"]);
    plan["fleet_sha256"] = json!(null);
    g.shell.write("live.json", &plan.to_string());
    let ran = g.shell.run(&format!("{ASK} --role operator --plan live.json --wave 1 -f json"));
    g.closed(
        &ran,
        3,
        "facts",
        "unknown",
        "`compute.hypervisor` of `example` in `RegionOne`: forbidden",
    );
    assert_eq!(ran.json()["answer"], "undecided");
    let asked = replay.requests();
    assert!(asked.iter().any(|r| r.contains("/servers/detail")), "{asked:?}");
    assert!(!asked.iter().any(|r| r.contains("/images")), "only what the fleet rests on");
    assert!(!g.shell.path("s/manifests").exists(), "nothing of it is stored");
    assert!(g.shell.path("s/records/example").exists(), "the decision is");
}
