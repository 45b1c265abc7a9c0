//! What is said of pods that cannot leave a node.

use serde_json::json;
use tidegate_model::fleet::Pod;
use tidegate_model::plan::Blocked;

use super::numbers::{compare, has, named};
use super::{Court, Moment};
use crate::pods;

type Judged = Result<(), String>;

impl<'c> Court<'c> {
    /// The pods that must leave the node, at one time.
    fn leaving(&self, at: &Moment<'_>, blocked: &Blocked) -> Vec<&'c Pod> {
        let cluster = self.ground.fleet.kubernetes.as_ref();
        let node = blocked.target.as_str();
        cluster.map_or_else(Vec::new, |c| pods::leaving(c, &at.state, node).collect())
    }

    /// The pod that a reason names; it must leave the node.
    fn pod(&self, at: &Moment<'_>, blocked: &Blocked) -> Result<&'c Pod, String> {
        let id = named(blocked, "pod")?;
        let pod = self.leaving(at, blocked).into_iter().find(|p| p.id == id);
        pod.ok_or_else(|| format!("pod `{id}` does not have to leave it"))
    }

    pub(super) fn pdb(&self, blocked: &Blocked) -> Judged {
        let pdbs = || self.ground.fleet.kubernetes.iter().flat_map(|k| &k.pdbs);
        if has(blocked, "pod") {
            let pod = self.pod(&self.start, blocked)?;
            let budgets: Vec<&str> =
                pdbs().filter(|b| b.pods.contains(&pod.id)).map(|b| b.id.as_str()).collect();
            compare(blocked, &[("pod", json!(pod.id)), ("budgets", json!(budgets))])?;
            return match budgets.len() > 1 {
                true => Ok(()),
                false => Err(format!("pod `{}` is not covered by two budgets", pod.id)),
            };
        }
        let id = named(blocked, "budget")?;
        let budget = pdbs().find(|b| b.id == id);
        let budget = budget.ok_or_else(|| format!("there is no budget `{id}`"))?;
        let leaving = self.leaving(&self.start, blocked);
        // All that leaves a node is evicted in one wave.
        let here = leaving.iter().filter(|p| budget.pods.contains(&p.id)).count() as u64;
        let counted = [
            ("budget", json!(id)),
            ("disruptions_allowed", json!(budget.disruptions_allowed)),
            ("pods_here", json!(here)),
        ];
        compare(blocked, &counted)?;
        match here > u64::from(budget.disruptions_allowed) {
            true => Ok(()),
            false => Err(format!("budget `{id}` lets all of them go")),
        }
    }

    pub(super) fn pods(&mut self, blocked: &Blocked) -> Judged {
        let (ground, node) = (self.ground, blocked.target.as_str());
        if !ground.nodes.contains_key(node) {
            return Err("it is no node".to_owned());
        }
        if has(blocked, "owner") {
            let pod = self.pod(&self.start, blocked)?;
            return compare(blocked, &[("pod", json!(pod.id)), ("owner", json!(null))]).and_then(
                |()| match &pod.owner {
                    None => Ok(()),
                    Some(owner) => Err(format!("`{owner}` replaces pod `{}`", pod.id)),
                },
            );
        }
        self.in_the_end(blocked, |court, end| court.no_node(blocked, end))
    }

    /// A pod finds no other node, or all of them together do not, in the end.
    fn no_node(&self, blocked: &Blocked, end: &Moment<'_>) -> Judged {
        let (ground, node) = (self.ground, blocked.target.as_str());
        if has(blocked, "pod") {
            let pod = self.pod(end, blocked)?;
            let nodes = pods::homes(ground, &end.state, node, &pod.id);
            compare(blocked, &[("pod", json!(pod.id)), ("nodes", json!(nodes))])?;
            if nodes > 0 {
                return Err(format!("{nodes} nodes would take pod `{}`", pod.id));
            }
        } else {
            compare(blocked, &[("pods", json!(self.leaving(end, blocked).len()))])?;
        }
        let drains = |at: &Moment<'_>| pods::drains(ground, &at.state, node);
        match drains(&self.start) && drains(end) {
            true => Err("what is on it fits on other nodes".to_owned()),
            false => Ok(()),
        }
    }
}
