//! Q1, Q2 and K3: majorities, and who is stopped last.

use std::collections::BTreeSet;

use tidegate_model::fleet::Quorum;

use crate::ground::{Ground, Place};
use crate::replay::{Course, Phase};
use crate::state::State;
use crate::{Invariant, Violation};

/// Q1 and K3 in one phase.
pub(crate) fn phase(
    course: &Course<'_, '_>,
    state: &State<'_>,
    phase: &Phase<'_>,
) -> Result<(), Violation> {
    let ground = course.ground;
    if ground.fleet.quorums.is_empty() && ground.fleet.kubernetes.is_none() {
        return Ok(());
    }
    let stopped = |host: usize| state.down.contains(host) || phase.stops.contains_key(&host);
    let moving: BTreeSet<usize> = phase.moves.iter().map(|m| m.0).collect();
    control_planes(course, phase, &moving, &stopped)?;
    if moving.is_empty() && state.down.is_empty() && phase.stops.is_empty() {
        return Ok(());
    }
    for quorum in &ground.fleet.quorums {
        let mut out = Vec::new();
        let mut disturbed = false;
        for member in &quorum.members {
            let gone = match ground.member(member) {
                Some(Place::Host(host)) => {
                    disturbed |= stopped(host);
                    stopped(host) || state.is_down(host)
                }
                Some(Place::Vm(vm)) => {
                    disturbed |= moving.contains(&vm);
                    moving.contains(&vm) || state.is_down(state.place[vm])
                }
                None => true,
            };
            if gone || !quorum.synced.contains(member) {
                out.push(member);
            }
        }
        if !disturbed {
            continue;
        }
        let (all, up) = (quorum.members.len(), quorum.members.len() - out.len());
        if out.len() > 1 || up < all / 2 + 1 {
            let text = format!(
                "quorum `{}` has {} of {all} members out or not in step ({}), and needs {}",
                quorum.id,
                out.len(),
                out.iter().map(|m| format!("{m:?}")).collect::<Vec<_>>().join(", "),
                all / 2 + 1
            );
            let step = phase.stops.values().next().copied().or(phase.moves.first().map(|m| m.3));
            return Err(course.broken(Invariant::Q1, step, text));
        }
    }
    Ok(())
}

/// K3: of the control-plane nodes of one cluster one at most moves, is restarted, or is stopped
/// with the host that it is, at a time.
fn control_planes(
    course: &Course<'_, '_>,
    phase: &Phase<'_>,
    moving: &BTreeSet<usize>,
    stopped: &dyn Fn(usize) -> bool,
) -> Result<(), Violation> {
    let ground = course.ground;
    let mut clusters: BTreeSet<&str> = BTreeSet::new();
    for node in ground.fleet.kubernetes.iter().flat_map(|k| &k.nodes).filter(|n| n.control_plane) {
        let vm = node.vm.as_deref().and_then(|vm| ground.vms.get(vm));
        let host = ground.hosts.get(node.id.as_str());
        let out = vm.is_some_and(|vm| moving.contains(vm))
            || host.is_some_and(|h| stopped(*h))
            || phase.restarts.iter().any(|(id, _)| *id == node.id);
        if out && !clusters.insert(&node.cluster) {
            let text = format!("two control-plane nodes of `{}` are out at a time", node.cluster);
            return Err(course.broken(Invariant::K3, None, text));
        }
    }
    Ok(())
}

/// Q2: the waves in which hosts of members are stopped.
#[derive(Default)]
pub(crate) struct Leaders {
    /// Quorums whose leader's host was a target already.
    led: BTreeSet<String>,
}

impl Leaders {
    pub(crate) fn wave(&mut self, course: &Course<'_, '_>) -> Result<(), Violation> {
        let ground = course.ground;
        let is_target = |host: &str| course.targets.contains(host);
        for quorum in &ground.fleet.quorums {
            let Some(leader) = leader_host(ground, quorum) else { continue };
            let others = quorum.members.iter().filter(|m| Some(*m) != quorum.leader.as_ref());
            let hosts = others.filter_map(|m| match ground.member(m)? {
                Place::Host(host) => Some(ground.host(host).id.as_str()),
                Place::Vm(_) => None,
            });
            for host in hosts.filter(|h| is_target(h)) {
                if self.led.contains(&quorum.id) || is_target(leader) {
                    let text = format!(
                        "host `{host}` of quorum `{}` is not before its leader's host `{leader}`",
                        quorum.id
                    );
                    return Err(course.broken(Invariant::Q2, None, text));
                }
            }
            if is_target(leader) {
                self.led.insert(quorum.id.clone());
            }
        }
        Ok(())
    }
}

/// The host on which the leader is, unless it is in a virtual machine.
fn leader_host<'g>(ground: &Ground<'g>, quorum: &Quorum) -> Option<&'g str> {
    match ground.member(quorum.leader.as_ref()?)? {
        Place::Host(host) => Some(ground.host(host).id.as_str()),
        Place::Vm(_) => None,
    }
}
