//! Every state that the phases of a plan can leave, gone through one by one, on the plain
//! fleets of one zone: capacity, headroom, groups, traits, migration limits, majorities,
//! and what has become of each host when its wave ends.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each file of tests uses a part")]

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::fleet::Member;
use tidegate_model::plan::{Op, Plan, Step};
use tidegate_model::{Fleet, Intent};

/// Phases with more migrations have too many states to go through.
const MOVES: usize = 6;

/// What is so at one moment.
#[derive(Clone, Default)]
struct State<'p> {
    /// By virtual machine: the hosts that it counts on.
    on: BTreeMap<&'p str, Vec<&'p str>>,
    cordoned: BTreeSet<&'p str>,
    down: BTreeSet<&'p str>,
    /// Stopped and not started since then.
    halted: BTreeSet<&'p str>,
    /// Touched and not seen to work since then.
    unseen: BTreeSet<&'p str>,
    /// By host: the version that it was updated to.
    updated: BTreeMap<&'p str, &'p str>,
}

/// The first thing that is broken in any state, or that is not done in the end.
pub fn enumerate(fleet: &Fleet, intent: &Intent, plan: &Plan) -> Option<String> {
    let mut state = State::default();
    for vm in &fleet.vms {
        state.on.insert(&vm.id, vec![&vm.host]);
    }
    if let Some(what) = sizes(fleet, intent, plan) {
        return Some(what);
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
            let before = state.clone();
            for step in &rest {
                if let Some(what) = too_early(&before, step, &rest) {
                    return at(what);
                }
                take_away(&mut state, step);
                give(&mut state, step);
            }
        }
        let left = |set: &BTreeSet<&str>| set.iter().next().map(|h| (*h).to_owned());
        let out = left(&state.cordoned).or(left(&state.down)).or(left(&state.unseen));
        if let Some(host) = out {
            return Some(format!("wave {} leaves {host} out of service or unseen", wave.n));
        }
        let to = &intent.targets[0].to;
        let new = |host: &&String| state.updated.get(host.as_str()) == Some(&to.as_str());
        if let Some(host) = wave.targets.iter().find(|h| !new(h)) {
            return Some(format!("wave {} does not update {host}", wave.n));
        }
    }
    None
}

/// Ramps, budgets of pools, leaders last, every host once.
fn sizes(fleet: &Fleet, intent: &Intent, plan: &Plan) -> Option<String> {
    let mut before = None;
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let blocked: BTreeSet<&str> = plan.blocked.iter().map(|b| b.target.as_str()).collect();
    for wave in &plan.waves {
        let most = match (intent.canary, before) {
            (None, _) => u32::MAX,
            (Some(canary), None) => canary,
            (Some(_), Some(n)) => (f64::from(n) * intent.growth - 1e-9).ceil() as u32,
        };
        let size = wave.targets.len() as u32;
        if size > most {
            return Some(format!("wave {} is too large", wave.n));
        }
        before = Some(size);
        for (pool, limit) in &intent.max_unavailable {
            let of = |id: &&String| fleet.hosts.iter().any(|h| h.id == **id && h.pool == *pool);
            if wave.targets.iter().filter(of).count() > *limit as usize {
                return Some(format!("too many of {pool} in wave {}", wave.n));
            }
        }
        for quorum in &fleet.quorums {
            let host = |m: &Member| match m {
                Member::Host(id) => id.clone(),
                Member::Vm(_) => String::new(),
            };
            let leader = quorum.leader.as_ref().map(host).unwrap_or_default();
            let now = |id: &String| wave.targets.contains(id);
            let mut others = quorum.members.iter().map(host).filter(|m| *m != leader);
            if others.any(|m| now(&m) && (now(&leader) || done.contains(leader.as_str()))) {
                return Some(format!("a leader is not last in wave {}", wave.n));
            }
        }
        for target in &wave.targets {
            if !done.insert(target) || blocked.contains(target.as_str()) {
                return Some(format!("{target} is there twice"));
            }
        }
    }
    let all = |h: &&tidegate_model::fleet::Host| {
        done.contains(h.id.as_str()) || blocked.contains(h.id.as_str())
    };
    (!fleet.hosts.iter().all(|h| all(&h))).then(|| "a host is left out".to_owned())
}

fn take_away<'p>(state: &mut State<'p>, step: &'p Step) {
    let host = step.host.as_deref().unwrap_or_default();
    match step.op {
        Op::Cordon => drop(state.cordoned.insert(host)),
        Op::Stop | Op::Reboot => drop(state.down.insert(host)),
        _ => {}
    }
}

fn give<'p>(state: &mut State<'p>, step: &'p Step) {
    let host = step.host.as_deref().unwrap_or_default();
    match step.op {
        Op::Stop => drop((state.halted.insert(host), state.unseen.insert(host))),
        Op::Reboot => drop((state.halted.remove(host), state.unseen.insert(host))),
        Op::Start => drop(state.halted.remove(host)),
        Op::Update => {
            state.updated.insert(host, step.version.as_deref().unwrap_or_default());
            state.unseen.insert(host);
        }
        Op::Verify => drop((state.down.remove(host), state.unseen.remove(host))),
        Op::Uncordon => drop(state.cordoned.remove(host)),
        _ => {}
    }
}

/// What could go wrong if a step came before those beside it.
fn too_early(before: &State<'_>, step: &Step, beside: &[&Step]) -> Option<String> {
    let host = step.host.as_deref().unwrap_or_default();
    let now = |op: Op| beside.iter().any(|s| s.op == op && s.host == step.host);
    let busy = before.on.values().any(|on| on.contains(&host));
    let wrong = match step.op {
        // The scheduler may send something to what is not cordoned.
        Op::Stop | Op::Reboot => !before.cordoned.contains(host) || now(Op::Uncordon),
        Op::Update => {
            let stopped = before.down.contains(host) && !now(Op::Verify);
            let empty = before.cordoned.contains(host) && !busy && !now(Op::Uncordon);
            !stopped && !empty
        }
        Op::Verify => {
            let done = before.halted.contains(host);
            done || [Op::Stop, Op::Reboot, Op::Update, Op::Start].into_iter().any(now)
        }
        Op::Uncordon => {
            let unseen = before.unseen.contains(host) || before.down.contains(host);
            unseen || [Op::Stop, Op::Reboot, Op::Update, Op::Cordon].into_iter().any(now)
        }
        _ => false,
    };
    wrong.then(|| format!("{:?} of {host} comes too early", step.op))
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
