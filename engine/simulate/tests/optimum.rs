//! Plans of tiny fleets beside the best that brute force finds.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a test may"
)]

mod cases;
mod oracle;

use std::collections::BTreeSet;

use cases::{check, plain, plan};

/// How many fleets.
const FLEETS: u64 = 600;

#[test]
fn bound_optimum_and_plan_are_in_order_and_only_the_impossible_is_blocked() {
    let (mut told, mut exact, mut tight) = (0, 0, 0);
    let mut faults = Vec::new();
    for seed in 0..FLEETS {
        let (hosts, vms) = (2 + seed as usize % 6, 6 + seed as usize % 7);
        let (fleet, intent) = plain(seed, hosts, vms);
        let Some(best) = oracle::best(&fleet, &intent) else { continue };
        told += 1;
        let made = plan(&fleet, &intent);
        if let Err(violation) = check(&fleet, &intent, &made) {
            faults.push(format!("seed {seed}: {violation}"));
        }
        let done: BTreeSet<String> =
            made.waves.iter().flat_map(|w| w.targets.iter().cloned()).collect();
        let bound = made.bounds.iter().map(|b| b.waves as usize).max().unwrap_or(0);
        let waves = made.waves.len();
        if done != best.done {
            faults.push(format!("seed {seed}: {:?}, {:?} can be done", made.blocked, best.done));
        } else if bound > best.waves || waves < best.waves || waves > best.waves + 1 {
            let optimum = best.waves;
            faults.push(format!("seed {seed}: bound {bound}, optimum {optimum}, plan {waves}"));
        }
        exact += u64::from(waves == best.waves);
        tight += u64::from(best.done.len() < hosts);
    }
    println!("{told} of {FLEETS} fleets told, {exact} plans are best, {tight} have blocked hosts");
    assert_eq!(faults, Vec::<String>::new());
    assert!(told * 100 >= FLEETS * 95 && tight * 10 > told, "{told} told, {tight} tight");
}
