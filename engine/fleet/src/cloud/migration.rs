//! Migrations that are under way.

use std::collections::{BTreeSet, HashMap};

use tidegate_model::FactsError;

use super::api::{Migration, Server};
use super::host::Hosts;
use crate::read::{Item, Reader};

/// States in which a migration is over. Anything else, a state that is not known
/// included, is under way; so is `finished`: a resize that waits to be confirmed
/// holds both hosts.
const OVER: [&str; 7] =
    ["completed", "done", "confirmed", "reverted", "error", "failed", "cancelled"];

/// What is being moved.
#[derive(Default)]
pub(super) struct Moving {
    /// Where a server goes or comes from, by server: the other host.
    pub(super) to: HashMap<String, String>,
    /// Consumers of Placement that hold what a server has on its source.
    pub(super) holders: BTreeSet<String>,
}

/// Reads which servers are being moved.
///
/// A record of a migration outlives a crash of the service that ran it. It counts
/// if either the server or Placement, where the migration holds what the server
/// had on its source, knows of it.
pub(super) fn read(
    reader: &mut Reader<'_>,
    hosts: &Hosts,
    servers: &[Item<Server>],
    notes: &mut Vec<String>,
) -> Result<Moving, FactsError> {
    let by_id: HashMap<&str, &Item<Server>> =
        servers.iter().map(|s| (s.body.id.as_str(), s)).collect();
    let mut moving = Moving::default();
    let mut stale = 0_usize;
    for Item { region, body, .. } in reader.all::<Migration>("compute.migration")? {
        if OVER.contains(&body.status.as_str()) {
            continue;
        }
        let Some(server) = by_id.get(body.instance_uuid.as_str()) else { continue };
        let holds = body.uuid.as_ref().is_some_and(|u| hosts.allocations.contains_key(u));
        if !holds && !busy(&server.body) {
            stale += 1;
            continue;
        }
        let here = server.body.host.clone().flatten();
        let ends = [body.source_compute, body.dest_compute].into_iter().flatten();
        let other = ends.filter(|h| Some(h) != here.as_ref()).find_map(|h| hosts.get(&region, &h));
        // Where the other end is not known, or is this host, what the migration holds is
        // counted as it stands.
        if let Some(row) = other {
            moving.holders.extend(body.uuid);
            moving.to.insert(body.instance_uuid, row.host.id.clone());
        }
    }
    if stale > 0 {
        notes.push(format!(
            "{stale} migrations are said to be under way that neither their server nor Placement \
             knows of; they do not count"
        ));
    }
    for Item { region, body, .. } in servers.iter().filter(|s| leaving(&s.body)) {
        let Some(Some(here)) = &body.host else { continue };
        let Some(here) = hosts.get(region, here) else { continue };
        if moving.to.contains_key(&body.id) {
            continue;
        }
        let held = hosts.allocations.get(&body.id).into_iter().flatten();
        match held.map(|(host, _, _)| host).find(|h| **h != here.host.id) {
            Some(other) => {
                moving.to.insert(body.id.clone(), other.clone());
            }
            None => {
                let reason = format!("server `{}` is being moved, and not said where to", body.id);
                reader.gap("compute.migration", region.clone(), reason);
            }
        }
    }
    Ok(moving)
}

fn busy(server: &Server) -> bool {
    leaving(server) || matches!(server.status.as_str(), "VERIFY_RESIZE" | "RESIZE" | "MIGRATING")
}

/// Whether its task takes it to another host.
fn leaving(server: &Server) -> bool {
    let task = server.task_state.as_deref().unwrap_or_default();
    task == "migrating" || task.starts_with("resize_")
}
