mod cloud;
mod cluster;
mod memory;

use tidegate_model::fleet::{Fleet, Vm};
use tidegate_model::{Facts, Status, Visibility};

use crate::{ExtractError, Extracted, extract, merge};
use memory::Memory;

/// The fleet of a cloud with these bodies, which hangs together.
#[track_caller]
fn fleet(bodies: &serde_json::Value) -> Extracted {
    told(&[&Memory::new("prod1", bodies)])
}

#[track_caller]
fn told(snapshots: &[&dyn Facts]) -> Extracted {
    let extracted = extract(snapshots).unwrap();
    assert_eq!(extracted.fleet.check(), []);
    extracted
}

/// What keeps a fleet from being told.
#[track_caller]
fn gaps(snapshots: &[&dyn Facts]) -> Vec<String> {
    match extract(snapshots) {
        Err(ExtractError::Gaps(gaps)) => gaps.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

fn vm<'f>(fleet: &'f Fleet, id: &str) -> &'f Vm {
    fleet.vms.iter().find(|v| v.id.starts_with(id)).unwrap()
}

#[test]
fn what_was_not_seen_whole_leaves_no_fleet() {
    let cloud = Memory::new("prod1", &memory::cloud());
    let cases = [
        ("compute.hypervisor", Some(Status::Forbidden), Visibility::All, "forbidden"),
        ("network.port", None, Visibility::All, "it was not collected"),
        ("placement.allocation", Some(Status::Absent), Visibility::All, "absent"),
        (
            "compute.server_group",
            Some(Status::Complete { count: 3 }),
            Visibility::Projects([std::sync::Arc::from("p1")].into()),
            "only what is visible to project p1 was seen",
        ),
        (
            "compute.migration",
            Some(Status::Failed { reason: "time-out".to_owned() }),
            Visibility::All,
            "failed: time-out",
        ),
    ];
    for (kind, status, visibility, reason) in cases {
        let mut cloud = cloud.clone();
        cloud.cover(kind, status, visibility);
        let wanted = format!("`{kind}` of `prod1` in `RegionOne`: {reason}");
        assert_eq!(gaps(&[&cloud]), [wanted]);
    }
    let mut unseen = cloud.clone();
    unseen.unsee("network.port");
    assert!(gaps(&[&unseen])[0].contains("was last seen at 2026-11-22T08:00:00Z"));
    let mut no_network = cloud;
    no_network.cover("network.port", Some(Status::Absent), Visibility::All);
    assert!(extract(&[&no_network]).is_ok(), "without Neutron there are no ports");
    assert!(
        gaps(&[&Memory::new("odd", &serde_json::json!({"network.port": []}))])[0]
            .contains("neither a cloud nor a cluster")
    );
}

#[test]
fn a_file_adds_to_what_was_extracted() {
    let extracted = fleet(&memory::cloud()).fleet;
    let more = serde_json::json!({
        "schema": Fleet::SCHEMA,
        "hosts": [
            {"id": "compute-01", "version": {"nova": "2025.1"}, "max_migrations": {"in": 2, "out": 3}},
            {"id": "control-01", "zone": "az-1", "roles": ["control"]},
        ],
        "quorums": [{
            "id": "galera", "kind": "galera", "synced": [{"host": "control-01"}],
            "members": [{"host": "control-01"}, {"host": "compute-01"}],
        }],
    });
    let merged: Fleet = serde_json::from_value(merge(&extracted, &more).unwrap()).unwrap();
    assert_eq!(merged.check(), []);
    assert_eq!(merged.taken_at, extracted.taken_at, "the file does not say");
    let taken = |at: &str| {
        let whole = merge(&extracted, &serde_json::json!({"taken_at": at})).unwrap();
        serde_json::from_value::<Fleet>(whole).unwrap().taken_at
    };
    assert_eq!(taken("2026-01-01T00:00:00Z").to_string(), "2026-01-01T00:00:00Z", "the older");
    assert_eq!(taken("2027-01-01T00:00:00Z"), extracted.taken_at);
    let host = |id: &str| merged.hosts.iter().find(|h| h.id == id).unwrap();
    let first = host("compute-01");
    assert_eq!(first.version["nova"], "2025.1");
    assert_eq!(first.version["qemu"], "8.2.2", "what was known stays");
    assert_eq!((first.max_migrations.incoming, first.max_migrations.outgoing), (2, 3));
    assert_eq!(first.zone, "az-1");
    assert_eq!(host("control-01").roles.len(), 1);
    assert_eq!((merged.quorums.len(), merged.vms.len()), (1, extracted.vms.len()));
    let nameless = serde_json::json!({"hosts": [{"zone": "az-1"}]});
    assert_eq!(
        merge(&extracted, &nameless).unwrap_err().to_string(),
        "`hosts` is not a list of objects with an `id`"
    );
}
