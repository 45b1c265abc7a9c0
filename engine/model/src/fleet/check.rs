//! Whether a fleet hangs together.

use std::collections::HashSet;

use super::{Fleet, Member};

/// A fleet that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FleetProblem {
    /// It is of another shape.
    #[error("its schema is `{found}`, and `tidegate.fleet/v1` is what can be read")]
    Schema {
        /// What it says.
        found: String,
    },
    /// Two entities have one id.
    #[error("two {what} have the id `{id}`")]
    Twice {
        /// What they are, in the plural.
        what: &'static str,
        /// The id.
        id: String,
    },
    /// Something refers to what is not there.
    #[error("{whose} names the {what} `{id}`, which is not in the fleet")]
    Dangling {
        /// Who refers to it, such as ``vm `a` ``.
        whose: String,
        /// What it should be.
        what: &'static str,
        /// The id.
        id: String,
    },
    /// A number that cannot be.
    #[error("{whose}: {problem}")]
    Number {
        /// Whose number it is.
        whose: String,
        /// One clause.
        problem: String,
    },
}

/// The ids of one sort of entity.
struct Ids<'f> {
    what: &'static str,
    ids: HashSet<&'f str>,
}

impl<'f> Ids<'f> {
    fn of(
        what: (&'static str, &'static str),
        ids: impl Iterator<Item = &'f str>,
        problems: &mut Vec<FleetProblem>,
    ) -> Self {
        let mut seen = HashSet::new();
        for id in ids {
            if !seen.insert(id) {
                problems.push(FleetProblem::Twice { what: what.1, id: id.to_owned() });
            }
        }
        Self { what: what.0, ids: seen }
    }

    fn has(&self, id: &str, whose: impl FnOnce() -> String, problems: &mut Vec<FleetProblem>) {
        if !self.ids.contains(id) {
            let (what, id) = (self.what, id.to_owned());
            problems.push(FleetProblem::Dangling { whose: whose(), what, id });
        }
    }
}

impl Fleet {
    /// Everything in which it contradicts itself, in order of its members; empty
    /// for a fleet that can be planned. Costs little more than a pass over it.
    #[must_use]
    pub fn check(&self) -> Vec<FleetProblem> {
        let mut p = Vec::new();
        if self.schema != Self::SCHEMA {
            p.push(FleetProblem::Schema { found: self.schema.clone() });
        }
        let text = String::as_str;
        let zones = Ids::of(("zone", "zones"), self.zones.iter().map(text), &mut p);
        let hosts = self.hosts.iter().map(|h| h.id.as_str());
        let hosts = Ids::of(("host", "hosts"), hosts, &mut p);
        let vms = Ids::of(("vm", "vms"), self.vms.iter().map(|v| v.id.as_str()), &mut p);
        Ids::of(("group", "groups"), self.groups.iter().map(|g| g.id.as_str()), &mut p);
        Ids::of(("quorum", "quorums"), self.quorums.iter().map(|q| q.id.as_str()), &mut p);
        for host in &self.hosts {
            let whose = || format!("host `{}`", host.id);
            zones.has(&host.zone, whose, &mut p);
            for (class, ratio) in &host.ratio {
                if !(0.0..=10_000.0).contains(ratio) {
                    let problem = format!("the ratio of `{class}` is not between 0 and 10000");
                    p.push(FleetProblem::Number { whose: whose(), problem });
                }
            }
            if host.max_migrations.incoming == 0 || host.max_migrations.outgoing == 0 {
                let problem = "max_migrations must be at least 1".to_owned();
                p.push(FleetProblem::Number { whose: whose(), problem });
            }
        }
        for vm in &self.vms {
            for host in std::iter::once(&vm.host).chain(&vm.migrating_to) {
                hosts.has(host, || format!("vm `{}`", vm.id), &mut p);
            }
        }
        for group in &self.groups {
            let whose = || format!("group `{}`", group.id);
            if group.max_per_host == 0 {
                let problem = "max_per_host must be at least 1".to_owned();
                p.push(FleetProblem::Number { whose: whose(), problem });
            }
            for vm in &group.members {
                vms.has(vm, whose, &mut p);
            }
        }
        for quorum in &self.quorums {
            let all = quorum.members.iter().chain(&quorum.leader).chain(&quorum.synced);
            for member in all {
                let whose = || format!("quorum `{}`", quorum.id);
                match member {
                    Member::Host(id) => hosts.has(id, whose, &mut p),
                    Member::Vm(id) => vms.has(id, whose, &mut p),
                }
            }
        }
        self.check_ceph(&hosts, &mut p);
        self.check_kubernetes(&vms, &mut p);
        p
    }

    fn check_ceph(&self, hosts: &Ids<'_>, p: &mut Vec<FleetProblem>) {
        let Some(ceph) = &self.ceph else { return };
        let osds = Ids::of(("osd", "osds"), ceph.osds.iter().map(|o| o.id.as_str()), p);
        let pools = Ids::of(("pool", "pools"), ceph.pools.iter().map(|o| o.id.as_str()), p);
        for osd in &ceph.osds {
            hosts.has(&osd.host, || format!("osd `{}`", osd.id), p);
        }
        for pg in &ceph.pgs {
            let whose = || format!("pg `{}`", pg.id);
            pools.has(&pg.pool, whose, p);
            for osd in &pg.acting {
                osds.has(osd, whose, p);
            }
        }
    }

    fn check_kubernetes(&self, vms: &Ids<'_>, p: &mut Vec<FleetProblem>) {
        let Some(cluster) = &self.kubernetes else { return };
        let nodes = Ids::of(("node", "nodes"), cluster.nodes.iter().map(|n| n.id.as_str()), p);
        let pods = Ids::of(("pod", "pods"), cluster.pods.iter().map(|n| n.id.as_str()), p);
        Ids::of(("pdb", "pdbs"), cluster.pdbs.iter().map(|n| n.id.as_str()), p);
        let planes = cluster.control_planes.iter().map(|c| c.id.as_str());
        Ids::of(("control plane", "control planes"), planes, p);
        for node in &cluster.nodes {
            if let Some(vm) = &node.vm {
                vms.has(vm, || format!("node `{}`", node.id), p);
            }
        }
        for pod in &cluster.pods {
            nodes.has(&pod.node, || format!("pod `{}`", pod.id), p);
        }
        for pdb in &cluster.pdbs {
            for pod in &pdb.pods {
                pods.has(pod, || format!("pdb `{}`", pdb.id), p);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_that_hangs_together_has_no_problem() {
        let fleet: Fleet = serde_json::from_str(include_str!("example.json")).unwrap();
        assert_eq!(fleet.check(), []);
        let again: Fleet = serde_json::from_str(&serde_json::to_string(&fleet).unwrap()).unwrap();
        assert_eq!(again, fleet);
    }

    #[test]
    fn what_leads_nowhere_is_named() {
        let mut fleet: Fleet = serde_json::from_str(include_str!("example.json")).unwrap();
        fleet.hosts[1].id = fleet.hosts[0].id.clone();
        fleet.vms[0].host = "nonesuch".to_owned();
        fleet.groups[0].members.push("ghost".to_owned());
        let texts: Vec<String> = fleet.check().iter().map(ToString::to_string).collect();
        assert!(texts.contains(&"two hosts have the id `c1`".to_owned()), "{texts:?}");
        let dangling = "vm `v1` names the host `nonesuch`, which is not in the fleet";
        assert!(texts.contains(&dangling.to_owned()), "{texts:?}");
        assert!(texts.iter().any(|t| t.starts_with("group `g1` names the vm `ghost`")));
    }
}
