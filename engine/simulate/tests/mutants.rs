//! Plans with one thing wrong: the checker rejects them, or an enumeration of
//! every state that their phases can leave finds nothing wrong either.
//!
//! The enumeration knows capacity, headroom, groups, traits, migration limits
//! and majorities, on the plain fleets of one zone that have no more than that.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a test may"
)]

mod cases;

use std::collections::{BTreeMap, BTreeSet};

use cases::{Dice, check, plain, plan};
use tidegate_model::fleet::Member;
use tidegate_model::plan::{Op, Plan, Step};
use tidegate_model::{Fleet, Intent};

/// Phases with more migrations have too many states to go through.
const MOVES: usize = 6;

#[test]
fn what_the_checker_lets_pass_is_safe_in_every_state() {
    let (mut mutants, mut killed, mut unsafe_ones) = (0, 0, 0);
    for seed in 0..150 {
        let (fleet, intent) = plain(seed, 3 + seed as usize % 4, 8);
        let made = plan(&fleet, &intent);
        assert!(check(&fleet, &intent, &made).is_ok());
        assert_eq!(enumerate(&fleet, &intent, &made), None, "seed {seed}");
        let mut dice = Dice::new(seed);
        for _ in 0..12 {
            let Some(mutant) = mutate(&mut dice, &fleet, &made) else { continue };
            mutants += 1;
            let broken = enumerate(&fleet, &intent, &mutant);
            unsafe_ones += u32::from(broken.is_some());
            match check(&fleet, &intent, &mutant) {
                Err(_) => killed += 1,
                Ok(_) => assert_eq!(broken, None, "seed {seed}: {mutant:?}"),
            }
        }
    }
    println!("{mutants} mutants, {unsafe_ones} of them unsafe by enumeration, {killed} killed");
    assert!(killed >= unsafe_ones && killed * 10 > mutants * 6, "{killed} of {mutants}");
    assert!(unsafe_ones * 10 > mutants, "{unsafe_ones} of {mutants}");
}

/// Swaps, drops, doubles, reorders a step, or sends one to a host too full.
fn mutate(dice: &mut Dice, fleet: &Fleet, made: &Plan) -> Option<Plan> {
    let mut plan = made.clone();
    if plan.waves.is_empty() {
        return None;
    }
    let count = plan.waves.len();
    let w = dice.up_to(count);
    let kind = dice.up_to(5);
    let steps = &mut plan.waves[w].steps;
    let (a, b) = (dice.up_to(steps.len()), dice.up_to(steps.len()));
    match kind {
        0 => {
            let (x, y) = (steps[a].phase, steps[b].phase);
            (steps[a].phase, steps[b].phase) = (y, x);
        }
        1 => drop(steps.remove(a)),
        2 => {
            let mut twice = steps[a].clone();
            twice.id.push_str("/again");
            twice.phase = steps[b].phase;
            steps.push(twice);
        }
        3 if count > 1 => {
            let other = (w + 1) % count;
            plan.waves.swap(w, other);
            plan.waves.iter_mut().zip(1..).for_each(|(wave, n)| wave.n = n);
        }
        _ => {
            let moves: Vec<usize> =
                (0..steps.len()).filter(|n| steps[*n].op == Op::Migrate).collect();
            let at = *moves.get(a % moves.len().max(1))?;
            steps[at].to = Some(dice.pick(&fleet.hosts).id.clone());
        }
    }
    for wave in &mut plan.waves {
        wave.steps.sort_by_key(|s| s.phase);
    }
    (plan.waves != made.waves).then_some(plan)
}

/// What is so at one moment.
#[derive(Clone, Default)]
struct State<'p> {
    /// By virtual machine: the hosts that it counts on.
    on: BTreeMap<&'p str, Vec<&'p str>>,
    cordoned: BTreeSet<&'p str>,
    down: BTreeSet<&'p str>,
}

/// The first state that breaks something.
fn enumerate(fleet: &Fleet, intent: &Intent, plan: &Plan) -> Option<String> {
    let mut state = State::default();
    for vm in &fleet.vms {
        state.on.insert(&vm.id, vec![&vm.host]);
    }
    for wave in &plan.waves {
        let mut phases: BTreeMap<u32, Vec<&Step>> = BTreeMap::new();
        wave.steps.iter().for_each(|s| phases.entry(s.phase).or_default().push(s));
        for (phase, steps) in phases {
            let at = |what: String| Some(format!("wave {} phase {phase}: {what}", wave.n));
            let moves: Vec<&Step> = steps.iter().copied().filter(|s| s.op == Op::Migrate).collect();
            let rest: Vec<&Step> = steps.iter().copied().filter(|s| s.op != Op::Migrate).collect();
            if let Some(what) = rates(fleet, &moves) {
                return at(what);
            }
            // Every migration not begun, half done or done; of all other steps
            // what is worst: begun where that takes away, not where it gives.
            let all = moves.len().min(MOVES);
            for code in 0..3_usize.pow(all as u32) {
                let mut now = state.clone();
                let mut touched = BTreeSet::new();
                for (n, step) in moves.iter().enumerate() {
                    let done = if n < all { code / 3_usize.pow(n as u32) % 3 } else { 1 };
                    if let Some(what) = begin(fleet, &mut now, step, done, &mut touched) {
                        return at(what);
                    }
                }
                rest.iter().for_each(|s| take_away(&mut now, s));
                if let Some(what) = wrong(fleet, intent, &now, &touched) {
                    return at(what);
                }
            }
            for step in &moves {
                begin(fleet, &mut state, step, 2, &mut BTreeSet::new());
            }
            for step in rest {
                take_away(&mut state, step);
                let host = step.host.as_deref().unwrap_or_default();
                match step.op {
                    Op::Verify => drop(state.down.remove(host)),
                    Op::Uncordon => drop(state.cordoned.remove(host)),
                    _ => {}
                }
            }
        }
    }
    None
}

fn take_away<'p>(state: &mut State<'p>, step: &'p Step) {
    let host = step.host.as_deref().unwrap_or_default();
    match step.op {
        Op::Cordon => drop(state.cordoned.insert(host)),
        Op::Stop | Op::Reboot => drop(state.down.insert(host)),
        _ => {}
    }
}

/// More migrations at a time than a host bears.
fn rates(fleet: &Fleet, moves: &[&Step]) -> Option<String> {
    fleet.hosts.iter().find_map(|host| {
        let of = |end: fn(&Step) -> &Option<String>| {
            moves.iter().filter(|s| end(s).as_ref() == Some(&host.id)).count() as u32
        };
        let (out, into) = (of(|s| &s.from), of(|s| &s.to));
        let limit = host.max_migrations;
        (out > limit.outgoing || into > limit.incoming).then(|| format!("rates of {}", host.id))
    })
}

/// Takes a migration as far as `done` says: 0 not begun, 1 half, 2 whole.
fn begin<'p>(
    fleet: &Fleet,
    state: &mut State<'p>,
    step: &'p Step,
    done: usize,
    touched: &mut BTreeSet<&'p str>,
) -> Option<String> {
    let [vm, from, to] = [&step.vm, &step.from, &step.to].map(|t| t.as_deref().unwrap());
    if done == 0 {
        return None;
    }
    if state.on[vm] != [from] || from == to {
        return Some(format!("{vm} is not on {from}, or stays"));
    }
    let facts = fleet.vms.iter().find(|v| v.id == vm).unwrap();
    let host = fleet.hosts.iter().find(|h| h.id == to).unwrap();
    if !facts.requires.is_subset(&host.traits) {
        return Some(format!("{to} lacks what {vm} requires"));
    }
    touched.insert(to);
    let on = if done == 1 { vec![from, to] } else { vec![to] };
    state.on.insert(vm, on);
    if state.cordoned.contains(to) || state.down.contains(to) || state.down.contains(from) {
        return Some(format!("{vm} moves from or to a host that is out"));
    }
    None
}

/// What is broken in one state; only what moves now may fill a host.
fn wrong(
    fleet: &Fleet,
    intent: &Intent,
    state: &State<'_>,
    touched: &BTreeSet<&str>,
) -> Option<String> {
    let load = |host: &str, class: &str| -> i64 {
        let here = fleet.vms.iter().filter(|v| state.on[v.id.as_str()].contains(&host));
        here.map(|v| v.demand[class].0).sum()
    };
    for host in &fleet.hosts {
        if state.down.contains(host.id.as_str()) && load(&host.id, "vcpu") > 0 {
            return Some(format!("{} is stopped with work on it", host.id));
        }
        for class in ["vcpu", "memory_mib"] {
            if touched.contains(host.id.as_str()) && load(&host.id, class) > host.usable(class).0 {
                return Some(format!("{} is overfull in {class}", host.id));
            }
        }
        for group in fleet.groups.iter().filter(|_| touched.contains(host.id.as_str())) {
            let here = |m: &&String| state.on[m.as_str()].contains(&host.id.as_str());
            if group.members.iter().filter(here).count() > group.max_per_host as usize {
                return Some(format!("{} has too many of {}", host.id, group.id));
            }
        }
    }
    for quorum in &fleet.quorums {
        let gone = |m: &&Member| matches!(m, Member::Host(h) if state.down.contains(h.as_str()));
        if quorum.members.iter().filter(gone).count() > 1 {
            return Some("two members of a quorum are down".to_owned());
        }
    }
    let out = |id: &str| state.cordoned.contains(id) || state.down.contains(id);
    if state.cordoned.is_empty() && state.down.is_empty() {
        return None;
    }
    for class in ["vcpu", "memory_mib"] {
        let whole: i64 = fleet.hosts.iter().map(|h| h.usable(class).0).sum();
        let stay = || fleet.hosts.iter().filter(|h| !out(&h.id));
        let usable: i64 = stay().map(|h| h.usable(class).0).sum();
        let used: i64 = stay().map(|h| load(&h.id, class)).sum();
        let mut sizes: Vec<i64> = stay().map(|h| h.usable(class).0).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let spare: i64 = sizes.iter().take(intent.spare_hosts as usize).sum();
        let kept = (whole as f64 * intent.headroom - 1e-6).ceil() as i64;
        if usable - used < kept || (intent.spare_hosts > 0 && usable - spare < used) {
            return Some(format!("no headroom in {class}"));
        }
    }
    None
}
