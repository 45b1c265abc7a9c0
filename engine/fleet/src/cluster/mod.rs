//! Kubernetes: nodes, pods, disruption budgets, and etcd where it runs in pods.

mod api;
mod needs;
mod quantity;
mod selector;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use tidegate_model::FactsError;
use tidegate_model::fleet::{
    Amount, Cluster, ControlPlane, Fleet, Member, Node, Pdb, Pod, Quorum, QuorumKind, Taint,
};

use crate::read::{Item, PDB, Reader};
use api::{Claim, NodeBody, PdbBody, PodBody, VersionBody, VolumeBody};
use needs::Labels;
use quantity::Round;

/// Adds every cluster among the snapshots.
pub(crate) fn add(
    readers: &mut [Reader<'_>],
    fleet: &mut Fleet,
    notes: &mut Vec<String>,
) -> Result<(), FactsError> {
    let several = readers.iter().filter(|r| r.is_cluster()).count() > 1;
    let cloud = readers.iter().any(|r| r.is_cloud());
    let vms: HashSet<String> = fleet.vms.iter().map(|v| v.id.clone()).collect();
    let hosts: HashSet<String> = fleet.hosts.iter().map(|h| h.id.clone()).collect();
    let mut all = Cluster::default();
    for reader in readers.iter_mut().filter(|r| r.is_cluster()) {
        let name = reader.subject().to_string();
        let place = Place { name, several, cloud, vms: &vms, hosts: &hosts };
        let quorum = place.read(reader, &mut all, notes)?;
        fleet.quorums.extend(quorum);
    }
    if !all.nodes.is_empty() {
        fleet.kubernetes = Some(all);
    }
    Ok(())
}

/// One cluster among others.
struct Place<'p> {
    name: String,
    several: bool,
    /// Whether there is a cloud that its nodes may be machines of.
    cloud: bool,
    vms: &'p HashSet<String>,
    hosts: &'p HashSet<String>,
}

impl Place<'_> {
    fn id(&self, name: &str) -> String {
        if self.several { format!("{}/{name}", self.name) } else { name.to_owned() }
    }

    fn read(
        &self,
        reader: &mut Reader<'_>,
        all: &mut Cluster,
        notes: &mut Vec<String>,
    ) -> Result<Option<Quorum>, FactsError> {
        let bodies: Vec<Item<NodeBody>> = reader.all("core.Node")?;
        let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
        for Item { body, .. } in &bodies {
            let node = self.node(reader, body);
            nodes.insert(body.metadata.name.clone(), node);
        }
        let pods: Vec<Item<PodBody>> = reader.all("core.Pod")?;
        let pods: Vec<PodBody> = pods.into_iter().map(|p| p.body).filter(PodBody::runs).collect();
        let quorum = self.etcd(&nodes, &bodies, &pods);
        self.components(&mut nodes, &pods);
        if !nodes.values().any(|n| n.control_plane) {
            all.control_planes.extend(self.plane(reader)?);
        }
        let claims: Vec<Item<Claim>> = reader.all("core.PersistentVolumeClaim")?;
        let volumes: Vec<Item<VolumeBody>> = reader.all("core.PersistentVolume")?;
        let budgets: Vec<Item<PdbBody>> = reader.all(PDB)?;
        let mut labels = Labels::new(&bodies, &pods, &claims, &volumes);
        let first = all.pods.len();
        for body in &pods {
            let Some(node) = nodes.get_mut(&body.spec.node_name) else {
                let reason =
                    format!("pod `{}` is on a node that was not seen", body.metadata.path());
                reader.gap("core.Node", None, reason);
                continue;
            };
            let Some(mut requests) = body.requests() else {
                let reason = format!("what pod `{}` asks for cannot be read", body.metadata.path());
                reader.gap("core.Pod", None, reason);
                continue;
            };
            requests.insert("pods".to_owned(), Amount::whole(1));
            if body.is_static() {
                // It cannot be evicted, and comes back with its node.
                for (class, amount) in requests {
                    if let Some(room) = node.allocatable.get_mut(&class) {
                        *room = (*room - amount).max(Amount::default());
                    }
                }
                continue;
            }
            let pod = Pod {
                id: self.id(&body.metadata.path()),
                node: node.id.clone(),
                requests,
                owner: body.metadata.controller(),
                labels: BTreeMap::new(),
                node_selector: BTreeMap::new(),
                tolerations: body.spec.tolerations.clone(),
                spread: Vec::new(),
                anti_affinity: Vec::new(),
                volumes_zone: None,
            };
            all.pods.push(labels.constrain(body, pod));
        }
        for Item { body, .. } in &budgets {
            let covered = pods.iter().filter(|p| !p.is_static() && body.covers(p));
            let covered: Vec<String> = covered.map(|p| self.id(&p.metadata.path())).collect();
            all.pdbs.push(Pdb {
                id: self.id(&body.metadata.path()),
                pods: covered,
                disruptions_allowed: body.allowed(),
            });
        }
        let mine = all.pods.get_mut(first..).unwrap_or_default();
        labels.finish(&mut nodes, mine, &|name| self.id(name));
        notes.extend(labels.notes.iter().map(|n| format!("cluster `{}`: {n}", self.name)));
        all.nodes.extend(nodes.into_values());
        Ok(quorum)
    }

    fn node(&self, reader: &mut Reader<'_>, body: &NodeBody) -> Node {
        let name = &body.metadata.name;
        let server = body.server();
        let vm = server.filter(|id| self.vms.contains(*id)).map(str::to_owned);
        if let Some(server) = server.filter(|_| self.cloud && vm.is_none()) {
            let reason =
                format!("node `{name}` is server `{server}`, which stands on no host seen");
            reader.gap("core.Node", None, reason);
        }
        let is_host = server.is_none() && self.hosts.contains(name);
        let allocatable = body.allocatable();
        if allocatable.is_none() {
            let reason = format!("what node `{name}` has to give cannot be read");
            reader.gap("core.Node", None, reason);
        }
        let mut taints = body.spec.taints.clone();
        let mut taint = |key: &str| {
            if !taints.iter().any(|t| t.key == key) {
                let effect = "NoSchedule".to_owned();
                taints.push(Taint { key: key.to_owned(), value: String::new(), effect });
            }
        };
        // The control plane adds both by itself, after a while.
        if body.spec.unschedulable {
            taint("node.kubernetes.io/unschedulable");
        }
        if !body.ready() {
            taint("node.kubernetes.io/not-ready");
        }
        let labels = body.metadata.labels.clone();
        let plane = ["control-plane", "master"];
        let control_plane =
            plane.iter().any(|p| labels.contains_key(&format!("node-role.kubernetes.io/{p}")));
        // Two of them on machines of the cloud must never be moved at once.
        if self.cloud && control_plane && !is_host && body.is_placed_nowhere() {
            let reason = format!(
                "node `{name}` is of a control plane, and has no `spec.providerID` that tells \
                 whether it is a machine of the cloud"
            );
            reader.gap("core.Node", None, reason);
        }
        Node {
            id: if is_host { name.clone() } else { self.id(name) },
            cluster: self.name.clone(),
            vm,
            zone: labels.get("topology.kubernetes.io/zone").cloned(),
            version: body.kubelet().map(str::to_owned),
            allocatable: allocatable.unwrap_or_default(),
            taints,
            control_plane,
            labels,
            components: BTreeMap::new(),
            own_apiserver: BTreeSet::new(),
        }
    }

    /// What else of Kubernetes runs on the nodes: as pods, or in the one binary of
    /// k3s, where all of a server talks to the API server on it.
    ///
    /// Source: K3s documentation, "Architecture".
    fn components(&self, nodes: &mut BTreeMap<String, Node>, pods: &[PodBody]) {
        for pod in pods {
            let (Some(node), Some((component, tag))) =
                (nodes.get_mut(&pod.spec.node_name), pod.component())
            else {
                continue;
            };
            match node.version_of(component) {
                // Of two, as while it is replaced, nobody knows which one serves.
                Some(other) if other != tag => node.set_version(component, ""),
                Some(_) | None => node.set_version(component, tag),
            }
        }
        for node in nodes.values_mut() {
            let Some(version) = node.version.clone().filter(|v| v.contains("+k3s")) else {
                continue;
            };
            node.set_version("kube-proxy", &version);
            if node.control_plane {
                for component in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
                    node.set_version(component, &version);
                }
                let all = ["kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"];
                node.own_apiserver = all.map(str::to_owned).into();
            }
        }
    }

    /// The control plane of a cluster that shows none among its nodes, as far as it
    /// says its version.
    fn plane(&self, reader: &mut Reader<'_>) -> Result<Option<ControlPlane>, FactsError> {
        let body = reader.one::<VersionBody>("kubernetes.version")?;
        let version = body.map(|b| b.git_version).filter(|v| !v.is_empty());
        Ok(version.map(|version| ControlPlane {
            id: self.name.clone(),
            components: [("kube-apiserver".to_owned(), version)].into(),
        }))
    }

    /// The members of etcd, where they are static pods on machines of the fleet.
    /// Who leads is not in the API.
    fn etcd(
        &self,
        nodes: &BTreeMap<String, Node>,
        bodies: &[Item<NodeBody>],
        pods: &[PodBody],
    ) -> Option<Quorum> {
        let ready: HashSet<&str> = bodies
            .iter()
            .filter(|b| b.body.ready())
            .map(|b| b.body.metadata.name.as_str())
            .collect();
        let (mut members, mut synced) = (Vec::new(), Vec::new());
        for pod in pods.iter().filter(|p| p.is_static() && p.is_etcd()) {
            let node = nodes.get(&pod.spec.node_name)?;
            let member = match &node.vm {
                Some(vm) => Member::Vm(vm.clone()),
                None if self.hosts.contains(&node.id) => Member::Host(node.id.clone()),
                // A machine that is not part of the fleet; its nodes are counted as
                // a control plane all the same.
                None => return None,
            };
            if pod.ready() && ready.contains(pod.spec.node_name.as_str()) {
                synced.push(member.clone());
            }
            members.push(member);
        }
        let id = format!("etcd/{}", self.name);
        let quorum = Quorum { id, kind: QuorumKind::Etcd, members, leader: None, synced };
        (!quorum.members.is_empty()).then_some(quorum)
    }
}

/// Amounts of a map of Kubernetes' quantities, by the classes of a fleet; `None`
/// if one cannot be read.
fn amounts(of: &BTreeMap<String, String>, round: Round) -> Option<tidegate_model::fleet::Amounts> {
    of.iter()
        .map(|(class, text)| {
            let (class, unit) = match class.as_str() {
                "memory" => ("memory_mib", 1 << 20),
                "ephemeral-storage" => ("ephemeral_storage_mib", 1 << 20),
                other => (other, 1),
            };
            Some((class.to_owned(), quantity::amount(text, unit, round)?))
        })
        .collect()
}
