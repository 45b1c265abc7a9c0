//! Where a pod may run, in the words of a fleet: labels.
//!
//! A fleet knows node labels and sets of pod labels. What the API says in more
//! words is worked out here on the nodes and pods that there are, and told by
//! labels that begin with `tidegate/`: nodes that a selector selects bear its
//! label, and so do pods. Labels of pods have their namespace beside them, since
//! selectors do not reach beyond theirs.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use tidegate_model::Digest;
use tidegate_model::fleet::{Node, Pod, Spread};

use super::api::{Claim, NodeBody, PodBody, PodTerm, VolumeBody};
use super::selector::{LabelSelector, Map, NodeSelector};
use crate::read::Item;

/// The label that tells the namespace of a pod.
const NAMESPACE: &str = "tidegate/namespace";
const HOSTNAME: &str = "kubernetes.io/hostname";

/// The pods of some namespaces, of all if there are none, that a selector selects.
#[derive(Debug, Clone, Serialize)]
struct Chosen {
    namespaces: Vec<String>,
    selector: LabelSelector,
}

/// Labels that are being worked out.
pub(super) struct Labels<'b> {
    nodes: &'b [Item<NodeBody>],
    pods: &'b [PodBody],
    claims: HashMap<String, &'b str>,
    volumes: HashMap<&'b str, &'b VolumeBody>,
    /// By label, the nodes that bear it.
    of_nodes: BTreeMap<String, NodeSelector>,
    /// By label, the pods that bear it.
    of_pods: BTreeMap<String, Chosen>,
    /// Constraints that keep pods where they are.
    pub(super) notes: Vec<String>,
}

fn named(prefix: &str, what: &impl Serialize) -> String {
    // INVARIANT: selectors are text alone, which serializes.
    let text = serde_json::to_vec(what).unwrap_or_default();
    let digest: String = Digest::of(&text).to_string().chars().take(8).collect();
    format!("tidegate/{prefix}-{digest}")
}

impl<'b> Labels<'b> {
    pub(super) fn new(
        nodes: &'b [Item<NodeBody>],
        pods: &'b [PodBody],
        claims: &'b [Item<Claim>],
        volumes: &'b [Item<VolumeBody>],
    ) -> Self {
        let claim = |c: &'b Item<Claim>| (c.body.metadata.path(), c.body.spec.volume_name.as_str());
        let volume = |v: &'b Item<VolumeBody>| (v.body.metadata.name.as_str(), &v.body);
        Self {
            nodes,
            pods,
            claims: claims.iter().map(claim).collect(),
            volumes: volumes.iter().map(volume).collect(),
            of_nodes: BTreeMap::new(),
            of_pods: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// Says of a pod where it may run. Those of a DaemonSet go with their node.
    pub(super) fn constrain(&mut self, body: &PodBody, mut pod: Pod) -> Pod {
        let namespace = &body.metadata.namespace;
        pod.labels.clone_from(&body.metadata.labels);
        pod.labels.insert(NAMESPACE.to_owned(), namespace.clone());
        if pod.owner.as_deref().is_some_and(|o| o.starts_with("DaemonSet/")) {
            return pod;
        }
        pod.node_selector.clone_from(&body.spec.node_selector);
        if let Some(required) = &body.spec.affinity.node_affinity.required {
            self.nodes_only(&mut pod, required.clone());
        }
        self.volumes_of(body, &mut pod);
        if body.spec.affinity.pod_affinity.required.as_ref().is_some_and(|all| !all.is_empty()) {
            self.stays(body, &mut pod, "it must stand with other pods");
        }
        for term in body.spec.affinity.pod_anti_affinity.required.iter().flatten() {
            if term.topology_key != HOSTNAME {
                let why = format!("it must not share its `{}` with other pods", term.topology_key);
                self.stays(body, &mut pod, &why);
                continue;
            }
            let sets = self.apart(body, term);
            pod.anti_affinity.extend(sets);
        }
        for port in body.host_ports() {
            let label = format!("tidegate/port-{}", port.replace('/', "-"));
            pod.labels.insert(label.clone(), String::new());
            pod.anti_affinity.push(Map::from([(label, String::new())]));
        }
        for constraint in &body.spec.topology_spread_constraints {
            if constraint.when_unsatisfiable == "ScheduleAnyway" {
                continue;
            }
            // Without a selector no pod is counted, and none is in the way.
            let Some(selector) = &constraint.label_selector else { continue };
            let selector = with_keys(selector, &constraint.match_label_keys, &[], body);
            let labels = self.pods_of(vec![namespace.clone()], selector);
            pod.spread.push(Spread {
                topology_key: constraint.topology_key.clone(),
                max_skew: constraint.max_skew.max(1),
                labels,
            });
        }
        pod
    }

    /// Writes the labels that were worked out to the nodes and pods.
    pub(super) fn finish(
        &self,
        nodes: &mut BTreeMap<String, Node>,
        pods: &mut [Pod],
        id: &dyn Fn(&str) -> String,
    ) {
        for (label, selector) in &self.of_nodes {
            for Item { body, .. } in self.nodes {
                let metadata = &body.metadata;
                if selector.selects(&metadata.name, &metadata.labels)
                    && let Some(node) = nodes.get_mut(&metadata.name)
                {
                    node.labels.insert(label.clone(), String::new());
                }
            }
        }
        if self.of_pods.is_empty() {
            return;
        }
        let mut places: HashMap<String, &mut Pod> =
            pods.iter_mut().map(|p| (p.id.clone(), p)).collect();
        for body in self.pods {
            let Some(pod) = places.get_mut(&id(&body.metadata.path())) else { continue };
            for (label, Chosen { namespaces, selector }) in &self.of_pods {
                let there = namespaces.is_empty() || namespaces.contains(&body.metadata.namespace);
                if there && selector.selects(&body.metadata.labels) {
                    pod.labels.insert(label.clone(), String::new());
                }
            }
        }
    }

    fn nodes_only(&mut self, pod: &mut Pod, selector: NodeSelector) {
        let label = named("nodes", &selector);
        pod.node_selector.insert(label.clone(), String::new());
        self.of_nodes.insert(label, selector);
    }

    /// Keeps a pod where it is, because of something that a fleet has no words for.
    fn stays(&mut self, body: &PodBody, pod: &mut Pod, why: &str) {
        self.notes.push(format!("pod `{}` stays where it is: {why}", body.metadata.path()));
        self.nodes_only(pod, NodeSelector::only(&body.spec.node_name));
    }

    fn volumes_of(&mut self, body: &PodBody, pod: &mut Pod) {
        for claim in body.claims() {
            let path = format!("{}/{claim}", body.metadata.namespace);
            let volume = self.claims.get(&path).and_then(|name| self.volumes.get(name)).copied();
            let Some(volume) = volume else {
                self.stays(body, pod, &format!("the volume of claim `{claim}` was not seen"));
                continue;
            };
            let Some(required) = &volume.spec.node_affinity.required else { continue };
            match required.zone() {
                Some(zone) if pod.volumes_zone.as_deref().is_none_or(|z| z == zone) => {
                    pod.volumes_zone = Some(zone.to_owned());
                }
                Some(_) | None => self.nodes_only(pod, required.clone()),
            }
        }
    }

    /// The sets of labels that no other pod of its node may have.
    fn apart(&mut self, body: &PodBody, term: &PodTerm) -> Vec<Map> {
        // Without a selector no pod is meant.
        let Some(selector) = &term.label_selector else { return Vec::new() };
        let selector = with_keys(selector, &term.match_label_keys, &term.mismatch_label_keys, body);
        // Which namespaces a selector of them means is taken widely: all.
        let namespaces = match (&term.namespace_selector, term.namespaces.as_slice()) {
            (Some(_), _) => Vec::new(),
            (None, []) => vec![body.metadata.namespace.clone()],
            (None, some) => some.to_vec(),
        };
        vec![self.pods_of(namespaces, selector)]
    }

    /// The labels that tell the pods which a selector selects: its own where it is
    /// plain, one that is worked out where it is not.
    fn pods_of(&mut self, namespaces: Vec<String>, selector: LabelSelector) -> Map {
        if selector.match_expressions.is_empty()
            && let [namespace] = namespaces.as_slice()
        {
            let mut labels = selector.match_labels;
            labels.insert(NAMESPACE.to_owned(), namespace.clone());
            return labels;
        }
        let chosen = Chosen { namespaces, selector };
        let label = named("pods", &chosen);
        self.of_pods.insert(label.clone(), chosen);
        Map::from([(label, String::new())])
    }
}

/// A selector with the pod's own values of some keys.
fn with_keys(
    selector: &LabelSelector,
    same: &[String],
    other: &[String],
    body: &PodBody,
) -> LabelSelector {
    let mut selector = selector.clone();
    for key in same {
        if let Some(value) = body.metadata.labels.get(key) {
            selector.match_labels.insert(key.clone(), value.clone());
        }
    }
    for key in other {
        if let Some(value) = body.metadata.labels.get(key) {
            selector.match_expressions.push(super::selector::Expression {
                key: key.clone(),
                operator: "NotIn".to_owned(),
                values: vec![value.clone()],
            });
        }
    }
    selector
}
