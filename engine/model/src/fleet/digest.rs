//! What of an entity must not change between planning and doing.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::Value;

use super::Fleet;
use crate::Digest;

impl Fleet {
    /// The digests of entities, named as in a wave's `reads`; those that the fleet
    /// does not have are left out.
    ///
    /// What a plan itself changes, and what the checker looks at anew in any case,
    /// is no part of them: where a virtual machine is, the version of a host or
    /// node, who leads a quorum and is in step, how many evictions a budget bears.
    #[must_use]
    pub fn digests<'e>(
        &self,
        entities: impl IntoIterator<Item = &'e str>,
    ) -> BTreeMap<String, Digest> {
        let places = Places::new(self);
        let of = |entity: &'e str| Some((entity.to_owned(), places.digest(entity)?));
        entities.into_iter().filter_map(of).collect()
    }
}

struct Places<'f> {
    fleet: &'f Fleet,
    by_name: HashMap<(&'static str, &'f str), usize>,
}

impl<'f> Places<'f> {
    fn new(fleet: &'f Fleet) -> Self {
        let mut by_name = HashMap::new();
        let mut add = |what: &'static str, ids: &mut dyn Iterator<Item = &'f str>| {
            by_name.extend(ids.enumerate().map(|(n, id)| ((what, id), n)));
        };
        add("host", &mut fleet.hosts.iter().map(|h| h.id.as_str()));
        add("vm", &mut fleet.vms.iter().map(|v| v.id.as_str()));
        add("group", &mut fleet.groups.iter().map(|g| g.id.as_str()));
        add("quorum", &mut fleet.quorums.iter().map(|q| q.id.as_str()));
        add("osd", &mut fleet.ceph.iter().flat_map(|c| &c.osds).map(|o| o.id.as_str()));
        let cluster = || fleet.kubernetes.iter();
        add("node", &mut cluster().flat_map(|c| &c.nodes).map(|n| n.id.as_str()));
        add("pdb", &mut cluster().flat_map(|c| &c.pdbs).map(|p| p.id.as_str()));
        Self { fleet, by_name }
    }

    fn digest(&self, entity: &str) -> Option<Digest> {
        let (what, id) = entity.split_once('/')?;
        let kinds = ["host", "vm", "group", "quorum", "osd", "node", "pdb"];
        let what = kinds.into_iter().find(|k| *k == what)?;
        let n = *self.by_name.get(&(what, id))?;
        let fleet = self.fleet;
        match what {
            "host" => digest(fleet.hosts.get(n)?, &["version"]),
            "vm" => digest(fleet.vms.get(n)?, &["host", "migrating_to"]),
            "group" => digest(fleet.groups.get(n)?, &[]),
            "quorum" => digest(fleet.quorums.get(n)?, &["leader", "synced"]),
            "osd" => digest(fleet.ceph.as_ref()?.osds.get(n)?, &[]),
            "node" => digest(fleet.kubernetes.as_ref()?.nodes.get(n)?, &["version", "components"]),
            _ => digest(fleet.kubernetes.as_ref()?.pdbs.get(n)?, &["pods", "disruptions_allowed"]),
        }
    }
}

fn digest(entity: &impl Serialize, but: &[&str]) -> Option<Digest> {
    let mut value = serde_json::to_value(entity).ok()?;
    if let Value::Object(members) = &mut value {
        members.retain(|name, _| !but.contains(&name.as_str()));
    }
    Some(Digest::of(value.to_string().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_tells_what_matters_from_what_a_plan_changes() {
        let fleet: Fleet = serde_json::from_str(include_str!("example.json")).unwrap();
        let all =
            ["host/c1", "vm/v1", "group/g1", "quorum/galera", "osd/osd.0", "node/n1", "pdb/web"];
        let before = fleet.digests(all.into_iter().chain(["vm/none", "odd", "x/y"]));
        assert_eq!(before.len(), 7);
        let mut after = fleet.clone();
        after.hosts[0].version.insert("nova".to_owned(), "2025.2".to_owned());
        after.vms[0].host = "c2".to_owned();
        after.quorums[0].leader = None;
        assert_eq!(after.digests(all), before);
        after.vms[0].requires.insert("X".to_owned());
        after.hosts[0].state = super::super::HostState::Disabled;
        after.groups.clear();
        let after = after.digests(all);
        assert_ne!(after["vm/v1"], before["vm/v1"]);
        assert_ne!(after["host/c1"], before["host/c1"]);
        assert!(!after.contains_key("group/g1"));
    }
}
