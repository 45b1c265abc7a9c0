//! Plans made from snapshots in the store.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

mod cloud;
mod shell;

use cloud::{cloud, complete};
use serde_json::{Value, json};
use shell::Shell;
use tidegate_model::Status;

const INTENT: &str = r#"
schema: tidegate.intent/v1
targets: [{selector: all, component: kernel, to: "6.12.2", reboot: true}]
canary: 1
growth: 2
headroom: 0.05
"#;

fn snapshot(shell: &Shell, bodies: &Value, status: &dyn Fn(&str) -> Status) {
    cloud::snapshot(shell, "2026-11-22T02:00:00Z".parse().unwrap(), bodies, status);
}

fn shell() -> Shell {
    let shell = Shell::new();
    shell.write("intent.yaml", INTENT);
    shell
}

const MAKE: &str = "plan --store store --intent intent.yaml";

#[test]
fn what_was_not_seen_is_named_and_nothing_is_planned() {
    let shell = shell();
    shell.run(MAKE).refused(64, &["the store is empty"]);
    assert_eq!(shell.run("collect --example --store example").code, 0);
    shell.run("plan --store example --intent intent.yaml").refused(
        3,
        &["could not decide", "`compute.hypervisor` of `example` in `RegionOne`: forbidden"],
    );
    snapshot(&shell, &cloud(), &|kind| match kind {
        "network.port" => Status::Failed { reason: "timed out".to_owned() },
        _ => Status::Complete { count: 0 },
    });
    let told = ["`network.port` of `prod1` in `RegionOne`: failed: timed out", "tidegate collect"];
    shell.run(MAKE).refused(3, &told);
    shell.run("plan facts --store store").refused(3, &told);
    shell.run(&format!("{MAKE} --cloud prod2")).refused(64, &["`prod2`", "prod1"]);
}

#[test]
fn a_plan_is_made_from_the_newest_snapshots_and_checked_against_the_same() {
    let shell = shell();
    snapshot(&shell, &cloud(), &complete);
    let ran = shell.run("plan facts --store store");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(ran.stdout, include_str!("plan/facts.txt"));

    let ran = shell.run(&format!("{MAKE} -f json=plan.json"));
    assert_eq!((ran.code, ran.stderr.as_str()), (3, ""), "comp-2 is blocked: {ran:?}");
    let plan: Value =
        serde_json::from_str(&std::fs::read_to_string(shell.path("plan.json")).unwrap()).unwrap();
    assert_eq!(plan["snapshots"], json!(["prod1@1"]));
    assert_eq!(plan.get("fleet_sha256"), None);
    assert_eq!(plan["blocked"][0]["target"], "comp-2");
    assert_eq!(plan["blocked"][0]["code"], "not-migratable");
    assert_eq!(plan["waves"].as_array().unwrap().len(), 2);
    let check = "plan check plan.json --store store --intent intent.yaml";
    let ran = shell.run(check);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(ran.stdout, "safe: 2 targets updated in 2 waves, 1 blocked\n");

    // A server that came since then stands where the plan would stop a host.
    let mut later = cloud();
    later["compute.server"][2]["OS-EXT-SRV-ATTR:host"] = json!("comp-3");
    later["placement.allocation"]["rp-3"] = later["placement.allocation"]["rp-2"].take();
    later["placement.allocation"]["rp-2"] = json!({"allocations": {}});
    snapshot(&shell, &later, &complete);
    assert_eq!(shell.run(check).code, 0, "it is judged by the snapshot that it was made from");
    let ran = shell.run(&format!("{check} --at latest"));
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("it is judged for `prod1@2`"), "{ran:?}");
}

#[test]
fn a_file_adds_to_the_snapshots() {
    let shell = shell();
    snapshot(&shell, &cloud(), &complete);
    let more = json!({"schema": "tidegate.fleet/v1", "hosts": [
        {"id": "comp-2", "version": {"kernel": "6.12.2"}},
        {"id": "comp-3", "version": {"kernel": "6.1.0"}, "rack": "r1"},
    ]});
    shell.write("more.json", &more.to_string());
    let make = format!("{MAKE} --cloud prod1 --facts more.json");
    let ran = shell.run(&format!("{make} -f json=plan.json"));
    assert_eq!(ran.code, 0, "comp-2 is done: {ran:?}");
    assert_eq!(
        ran.stderr,
        "warning: more.json: `hosts[].rack` is not known and was not read, 1 times\n"
    );
    let ran = shell
        .run("plan check plan.json --store store --facts more.json --intent intent.yaml -f json");
    assert_eq!(ran.json()["safe"], true);
    shell.write("more.json", r#"{"hosts": [{"id": "comp-9"}]}"#);
    shell.run(&make).refused(1, &["with `more.json` added it is no fleet", "zone"]);
    shell.write("more.json", r#"{"hosts": [{"id": "comp-1", "zone": "az9"}]}"#);
    shell.run(&make).refused(1, &["contradicts itself", "az9"]);
}
