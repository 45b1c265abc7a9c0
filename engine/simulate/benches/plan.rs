//! Plans and checks clouds of growing size, and updates them one host after the other for
//! comparison; one JSON object a line.
//! `cargo bench -p tidegate-simulate` for all sizes, `-- 1000` for up to that.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a bench may"
)]

mod serial;

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::json;
use tidegate_model::Digest;
use tidegate_model::intent::Intent;
use tidegate_model::plan::Op;
use tidegate_model::versions::VersionRules;
use tidegate_planner::Origin;
use tidegate_simulate::Cloud;

fn main() {
    let largest = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(10_000);
    let rules = VersionRules::bundled();
    let origin = Origin {
        snapshots: Vec::new(),
        fleet_sha256: None,
        intent_sha256: Digest::of(b""),
        policy_digest: None,
        parent: None,
        done: Vec::new(),
        since: None,
    };
    for (hosts, used, canary) in [
        (1_000, 0.52, None),
        (3_000, 0.52, None),
        (10_000, 0.52, None),
        (10_000, 0.52, Some(3)),
        (10_000, 0.68, None),
        (10_000, 0.78, None),
    ] {
        if hosts > largest {
            continue;
        }
        let cloud = Cloud { hosts, used, ..Cloud::default() };
        let fleet = cloud.fleet();
        let mut intent = json!({"schema": "tidegate.intent/v1", "headroom": 0.05,
            "targets": [{"selector": "all", "component": "nova", "to": "2025.2"}]});
        if let Some(canary) = canary {
            intent["canary"] = json!(canary);
        }
        let intent: Intent = serde_json::from_value(intent).unwrap();
        let (started, cpu) = (Instant::now(), cpu_s());
        let plan = tidegate_planner::plan(&fleet, &intent, &rules, &origin).unwrap();
        let (plan_s, plan_cpu_s) = (started.elapsed().as_secs_f64(), cpu_s() - cpu);
        let (started, cpu) = (Instant::now(), cpu_s());
        let checked = tidegate_checker::check(&fleet, &intent, &plan, &rules);
        let (check_s, check_cpu_s) = (started.elapsed().as_secs_f64(), cpu_s() - cpu);
        let mut moves: BTreeMap<&str, u32> = BTreeMap::new();
        for step in plan.waves.iter().flat_map(|w| &w.steps).filter(|s| s.op == Op::Migrate) {
            *moves.entry(step.vm.as_deref().unwrap()).or_default() += 1;
        }
        let serial = serial::run(&fleet, &intent.durations);
        let last = checked.as_ref().ok().and_then(|c| c.ends.last());
        let seconds = last.map(|end| end.duration_since(fleet.taken_at).as_secs());
        let bound = plan.bounds.iter().map(|b| b.waves).max().unwrap_or(0);
        println!(
            "{}",
            json!({
                "bench": "plan", "hosts": hosts, "vms": fleet.vms.len(), "used": used,
                "canary": canary, "plan_s": plan_s, "check_s": check_s,
                "plan_cpu_s": plan_cpu_s, "check_cpu_s": check_cpu_s,
                "waves": plan.waves.len(), "bound": bound,
                "ratio": plan.waves.len() as f64 / f64::from(bound.max(1)),
                "takes_s": seconds,
                "serial": {
                    "waves": serial.waves, "stuck": serial.stuck, "moves": serial.moves,
                    "double_moves": serial.double_moves, "takes_s": serial.seconds,
                },
                "migrations_bound": plan.migrations_bound,
                "moves": moves.values().sum::<u32>(),
                "double_moves": moves.values().filter(|n| **n > 1).count(),
                "blocked": plan.blocked.len(),
                "safe": checked.as_ref().map_or_else(ToString::to_string, |_| "yes".to_owned()),
                "peak_bytes": peak(),
            })
        );
    }
}

/// CPU seconds of this process, to a hundredth: others may be using the machine.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |n: usize| after.split_whitespace().nth(n).and_then(|t| t.parse::<f64>().ok());
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
}

/// The most memory that this process had, where the system says so.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
