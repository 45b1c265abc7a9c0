//! Plans with one thing wrong: the checker rejects them, or an enumeration of
//! every state that their phases can leave finds nothing wrong either.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a test may"
)]

mod cases;
mod enumeration;

use std::collections::BTreeMap;

use cases::{Dice, check, plain, plan};
use enumeration::enumerate;
use tidegate_checker::Invariant;
use tidegate_model::Fleet;
use tidegate_model::plan::{Op, Plan, Step, Wave};

/// How a plan is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// Two steps of a wave change phases.
    Swap,
    /// A step is left out.
    Drop,
    /// A step is there twice.
    Double,
    /// A step comes in another phase.
    Shift,
    /// Two waves change places.
    Reorder,
    /// A migration goes to another host.
    Divert,
    /// Two migrations change destinations.
    Cross,
    /// A migration goes to the host with least room.
    Overfill,
    /// All steps of a phase run with those of the phase before.
    Join,
    /// A wave takes a target of another one along.
    Merge,
    /// A step is done to another host.
    Elsewhere,
    /// A step of one wave runs in another.
    Stray,
}

const WAYS: [Way; 12] = [
    Way::Swap,
    Way::Drop,
    Way::Double,
    Way::Shift,
    Way::Reorder,
    Way::Divert,
    Way::Cross,
    Way::Overfill,
    Way::Join,
    Way::Merge,
    Way::Elsewhere,
    Way::Stray,
];

#[derive(Debug, Default)]
struct Tally {
    mutants: u32,
    broken: u32,
    killed: u32,
}

#[test]
fn what_the_checker_lets_pass_is_safe_in_every_state() {
    let mut tallies: BTreeMap<Way, Tally> = BTreeMap::new();
    for seed in 0..150 {
        let (fleet, intent) = plain(seed, 3 + seed as usize % 4, 8);
        let made = plan(&fleet, &intent);
        assert!(check(&fleet, &intent, &made).is_ok());
        assert_eq!(enumerate(&fleet, &intent, &made), None, "seed {seed}");
        let mut dice = Dice::new(seed);
        for way in WAYS.into_iter().cycle().take(3 * WAYS.len()) {
            let Some(mutant) = mutate(&mut dice, way, &fleet, &made) else { continue };
            let tally = tallies.entry(way).or_default();
            tally.mutants += 1;
            let broken = enumerate(&fleet, &intent, &mutant);
            tally.broken += u32::from(broken.is_some());
            match check(&fleet, &intent, &mutant) {
                Ok(_) => assert_eq!(broken, None, "seed {seed}, {way:?}: {mutant:#?}"),
                Err(violation) => {
                    tally.killed += 1;
                    // No state is bad: only the form may be, a step that nothing needs or
                    // one whose order is left open.
                    let form = violation.invariant == Invariant::Form;
                    assert!(broken.is_some() || form, "seed {seed}, {way:?}: {violation}");
                }
            }
        }
    }
    for (way, Tally { mutants, broken, killed }) in &tallies {
        println!("{way:?}: {mutants} mutants, {broken} broken by enumeration, {killed} killed");
    }
    let sum = |of: fn(&Tally) -> u32| tallies.values().map(of).sum::<u32>();
    let (mutants, broken, killed) = (sum(|t| t.mutants), sum(|t| t.broken), sum(|t| t.killed));
    println!("{mutants} mutants, {broken} broken by enumeration, {killed} killed");
    assert!(killed >= broken && killed * 10 > mutants * 9, "{killed} of {mutants}");
}

/// Breaks a plan in one way; absent if it has nothing to break, or nothing changed.
fn mutate(dice: &mut Dice, way: Way, fleet: &Fleet, made: &Plan) -> Option<Plan> {
    let mut plan = made.clone();
    let count = plan.waves.len();
    if count == 0 {
        return None;
    }
    let w = dice.up_to(count);
    let other = (w + 1 + dice.up_to(count)) % count;
    let steps = &mut plan.waves[w].steps;
    let (a, b) = (dice.up_to(steps.len()), dice.up_to(steps.len()));
    let moves: Vec<usize> = (0..steps.len()).filter(|n| steps[*n].op == Op::Migrate).collect();
    let pick = |n: usize| moves.get(n % moves.len().max(1)).copied();
    match way {
        Way::Swap => {
            let (x, y) = (steps[a].phase, steps[b].phase);
            (steps[a].phase, steps[b].phase) = (y, x);
        }
        Way::Drop => drop(steps.remove(a)),
        Way::Double => {
            let mut twice = steps[a].clone();
            twice.id.push_str("/again");
            twice.phase = steps[b].phase;
            steps.push(twice);
        }
        Way::Shift => steps[a].phase = 1 + dice.up_to(12) as u32,
        Way::Reorder => {
            plan.waves.swap(w, other);
            plan.waves.iter_mut().zip(1..).for_each(|(wave, n)| wave.n = n);
        }
        Way::Divert => steps[pick(a)?].to = Some(dice.pick(&fleet.hosts).id.clone()),
        Way::Cross => {
            let (x, y) = (pick(a)?, pick(b)?);
            let (to, other) = (steps[x].to.clone(), steps[y].to.clone());
            (steps[x].to, steps[y].to) = (other, to);
        }
        Way::Overfill => {
            let load = |host: &tidegate_model::fleet::Host| -> i64 {
                let here = fleet.vms.iter().filter(|v| v.host == host.id);
                host.usable("vcpu").0 - here.map(|v| v.demand["vcpu"].0).sum::<i64>()
            };
            let full = fleet.hosts.iter().min_by_key(|h| load(h))?;
            steps[pick(a)?].to = Some(full.id.clone());
        }
        Way::Join => {
            let phase = steps[a].phase;
            steps.iter_mut().filter(|s| s.phase >= phase && phase > 1).for_each(|s| s.phase -= 1);
        }
        Way::Merge if other != w => {
            let taken = plan.waves[other].targets.pop()?;
            let wave: Vec<Step> = plan.waves[other].steps.clone();
            let of = |s: &Step| [&s.host, &s.from].into_iter().any(|h| h.as_ref() == Some(&taken));
            plan.waves[other].steps.retain(|s| !of(s));
            let Wave { steps, targets, .. } = &mut plan.waves[w];
            steps.extend(wave.into_iter().filter(|s| of(s)));
            targets.push(taken);
            if plan.waves[other].targets.is_empty() {
                plan.waves.remove(other);
                plan.waves.iter_mut().zip(1..).for_each(|(wave, n)| wave.n = n);
            }
        }
        Way::Elsewhere => steps[a].host = Some(dice.pick(&fleet.hosts).id.clone()),
        Way::Stray => {
            let step = steps.remove(a);
            plan.waves[other].steps.push(step);
        }
        Way::Merge => return None,
    }
    for wave in &mut plan.waves {
        wave.steps.sort_by_key(|s| s.phase);
    }
    (plan.waves != made.waves).then_some(plan)
}
