use serde_json::{Value, json};
use tidegate_model::fleet::{Amount, GroupPolicy, HostState, Migratable, VmState};
use tidegate_model::{Status, Visibility};

use super::memory::{Memory, cloud};
use super::{fleet, gaps, told, vm};

/// A server of the recorded cloud, by the beginning of its id.
fn server<'b>(bodies: &'b mut Value, id: &str) -> &'b mut Value {
    let servers = bodies["compute.server"].as_array_mut().unwrap();
    servers.iter_mut().find(|s| s["id"].as_str().unwrap().starts_with(id)).unwrap()
}

/// The provider of a host.
fn provider(bodies: &Value, host: &str) -> String {
    let all = bodies["placement.resource_provider"].as_array().unwrap();
    all.iter().find(|p| p["name"] == host).unwrap()["uuid"].as_str().unwrap().to_owned()
}

/// An active virtual machine on `compute-03`, in no group with affinity.
const DB: &str = "7cd37f67";

#[test]
fn a_recorded_cloud_becomes_a_fleet() {
    let extracted = fleet(&cloud());
    let fleet = &extracted.fleet;
    assert_eq!(extracted.notes, Vec::<String>::new());
    assert_eq!(extracted.snapshots[0].to_string(), "prod1@7");
    assert_eq!(fleet.zones, ["az-1", "az-2"]);
    assert_eq!(fleet.hosts.len(), 6);
    let host = &fleet.hosts[0];
    assert_eq!(
        (host.id.as_str(), host.zone.as_str(), host.state),
        ("compute-01", "az-1", HostState::Up)
    );
    assert_eq!(host.usable("vcpu"), Amount::whole(320));
    assert_eq!(host.usable("memory_mib"), Amount::whole(524_288 - 8192));
    assert_eq!(host.version["qemu"], "8.2.2");
    assert!(host.aggregates.contains("pool-ssd") && host.aggregates.contains("az-1"));
    assert_eq!(fleet.vms.len(), 27);
    let db = vm(fleet, DB);
    assert_eq!(
        (db.host.as_str(), db.state, db.migratable),
        ("compute-03", VmState::Active, Migratable::Live)
    );
    assert_eq!(db.demand["memory_mib"], Amount::whole(16384));
    assert!(!db.zone_pinned, "Nova says that nobody asked for a zone");
    assert!(vm(fleet, "e150119a").zone_pinned, "it was asked for az-1");
    assert!(vm(fleet, "bfe350d0").zone_pinned, "it has a volume");
    let of = |policy| fleet.groups.iter().filter(|g| g.policy == policy).count();
    assert_eq!((of(GroupPolicy::AntiAffinity), of(GroupPolicy::Affinity)), (3, 3));
    assert!(fleet.groups.iter().all(|g| g.members.len() == 3 && g.max_per_host == 1));
    assert_eq!(extracted, super::fleet(&cloud()), "the same snapshot gives the same fleet");
}

#[test]
fn hosts_are_up_only_if_the_service_says_so() {
    for (member, value, wanted) in [
        ("status", json!("disabled"), HostState::Disabled),
        ("state", json!("down"), HostState::Down),
        ("state", json!("unknown"), HostState::Down),
        ("forced_down", json!(true), HostState::Down),
    ] {
        let mut bodies = cloud();
        let services = bodies["compute.service"].as_array_mut().unwrap();
        services.iter_mut().find(|s| s["host"] == "compute-02").unwrap()[member] = value;
        assert_eq!(fleet(&bodies).fleet.hosts[1].state, wanted, "{member}");
    }
    let mut bodies = cloud();
    bodies["compute.hypervisor"].as_array_mut().unwrap().remove(0);
    let told = fleet(&bodies);
    assert_eq!(told.fleet.hosts[3].state, HostState::Down);
    assert_eq!(
        told.notes,
        [
            "host `compute-04` has no hypervisor and counts as down",
            "3 servers have no allocation in Placement and are counted by their flavor"
        ]
    );
    let mut bodies = cloud();
    let uuid = provider(&bodies, "compute-01");
    bodies["placement.inventory"].as_object_mut().unwrap().remove(&uuid);
    assert!(gaps(&[&Memory::new("p", &bodies)])[0].contains("host `compute-01` has no inventory"));
}

#[test]
fn what_cannot_be_moved_says_why() {
    let port = |vnic: &str| {
        let mut bodies = cloud();
        let id = server(&mut bodies, DB)["id"].clone();
        let ports = bodies["network.port"].as_array_mut().unwrap();
        ports.iter_mut().find(|p| p["device_id"] == id).unwrap()["binding:vnic_type"] = json!(vnic);
        bodies
    };
    let member = |name: &str, value: Value| {
        let mut bodies = cloud();
        server(&mut bodies, DB)[name] = value;
        bodies
    };
    let spec = |key: &str, value: &str| {
        let mut bodies = cloud();
        server(&mut bodies, DB)["flavor"]["extra_specs"][key] = json!(value);
        bodies
    };
    let nested = || {
        let mut bodies = cloud();
        let (id, root) = (server(&mut bodies, DB)["id"].clone(), provider(&bodies, "compute-03"));
        let child = json!({"uuid": "gpu", "name": "gpu", "root_provider_uuid": root});
        bodies["placement.resource_provider"].as_array_mut().unwrap().push(child);
        let held = json!({"allocations": {id.as_str().unwrap(): {"resources": {"VGPU": 1}}}});
        bodies["placement.allocation"]["gpu"] = held;
        bodies
    };
    for (bodies, reason) in [
        (port("direct"), "is direct"),
        (port("remote-managed"), "is remote-managed"),
        (member("locked", json!(true)), "locked"),
        (member("locked", Value::Null), "whether it is locked is not shown"),
        (spec("pci_passthrough:alias", "a100:1"), "pci passthrough (flavor)"),
        (spec("resources:VGPU", "1"), "vgpu (flavor)"),
        (spec("hw:mem_encryption", "True"), "encrypted memory (flavor)"),
        (spec("hw:cpu_policy", "dedicated"), "dedicated processors (flavor)"),
        (spec("aggregate_instance_extra_specs:ssd", "<or> a <or> b"), "compares"),
        (nested(), "it holds VGPU of a part of its host"),
    ] {
        let told = fleet(&bodies);
        let db = vm(&told.fleet, DB);
        assert_eq!(db.migratable, Migratable::No, "{reason}");
        assert!(db.reason.as_ref().unwrap().contains(reason), "{:?}", db.reason);
    }
    for (status, task, state) in [
        ("SHUTOFF", Value::Null, VmState::Shutoff),
        ("ERROR", Value::Null, VmState::Error),
        ("SUSPENDED", Value::Null, VmState::Other),
        ("ACTIVE", json!("rebooting"), VmState::Other),
    ] {
        let mut bodies = member("status", json!(status));
        server(&mut bodies, DB)["OS-EXT-STS:task_state"] = task;
        assert_eq!(vm(&fleet(&bodies).fleet, DB).state, state, "{status}");
    }
    let mut hidden = port("direct");
    hidden["network.port"][0].as_object_mut().unwrap().remove("binding:vnic_type");
    assert!(gaps(&[&Memory::new("p", &hidden)])[0].contains("`network.port` of `p`: 1 ports"));
    let mut hidden = cloud();
    server(&mut hidden, DB)["flavor"].as_object_mut().unwrap().remove("extra_specs");
    assert!(gaps(&[&Memory::new("p", &hidden)])[0].contains("extra specs"));
    let mut hidden = cloud();
    server(&mut hidden, DB).as_object_mut().unwrap().remove("OS-EXT-SRV-ATTR:host");
    assert!(gaps(&[&Memory::new("p", &hidden)])[0].contains("do not show their host"));
}

#[test]
fn a_migration_under_way_counts_on_both_hosts() {
    let under_way = |status: &str, task: Value, to: Value, uuid: &str| {
        let mut bodies = cloud();
        let db = server(&mut bodies, DB);
        db["OS-EXT-STS:task_state"] = task;
        let migration = json!({"id": 9, "uuid": uuid, "status": status, "instance_uuid": db["id"],
            "source_compute": "compute-03", "dest_compute": to});
        bodies["compute.migration"].as_array_mut().unwrap().push(migration);
        bodies
    };
    let told = fleet(&under_way("running", json!("migrating"), json!("compute-01"), "m1"));
    let db = vm(&told.fleet, DB);
    assert_eq!(db.migrating_to.as_deref(), Some("compute-01"));
    assert_eq!(db.state, VmState::Other);

    // What the migration holds on the source is the server's own, and no more.
    let mut bodies = under_way("running", json!("migrating"), json!("compute-01"), "m1");
    let (source, dest) = (provider(&bodies, "compute-03"), provider(&bodies, "compute-01"));
    let id = server(&mut bodies, DB)["id"].as_str().unwrap().to_owned();
    let allocations = &mut bodies["placement.allocation"];
    let held = allocations[&source]["allocations"].as_object_mut().unwrap().remove(&id).unwrap();
    allocations[&source]["allocations"]["m1"] = held.clone();
    allocations[&dest]["allocations"][&id] = held;
    let held_apart = fleet(&bodies);
    assert_eq!(held_apart.fleet, told.fleet);
    assert_eq!(held_apart.notes, Vec::<String>::new());

    // A resize on the same host that waits to be confirmed holds the old flavor, too.
    let mut bodies = under_way("finished", Value::Null, json!("compute-03"), "m1");
    let old = json!({"resources": {"VCPU": 10, "MEMORY_MB": 1024}});
    bodies["placement.allocation"][&source]["allocations"]["m1"] = old;
    let held = fleet(&bodies);
    let of = |told: &crate::Extracted| {
        told.fleet.hosts.iter().find(|h| h.id == "compute-03").unwrap().usable("vcpu")
    };
    let plain = fleet(&cloud());
    assert!(of(&held) < of(&plain), "{} is not less than {}", of(&held), of(&plain));

    let bodies = under_way("accepted", json!("migrating"), Value::Null, "m1");
    let wanted = format!("server `{id}` is being moved, and not said where to");
    assert!(gaps(&[&Memory::new("p", &bodies)])[0].ends_with(&wanted));
    let told = fleet(&under_way("running", Value::Null, json!("compute-01"), "m1"));
    assert_eq!(vm(&told.fleet, DB).migrating_to, None, "a record that a crash left");
    assert!(told.notes[0].starts_with("1 migrations are said to be under way"));
    let told = fleet(&under_way("completed", Value::Null, json!("compute-01"), "m1"));
    assert_eq!((vm(&told.fleet, DB).migrating_to.clone(), told.notes.len()), (None, 0));
}

#[test]
fn where_a_machine_may_be_follows_from_flavor_aggregates_and_processor() {
    let mut bodies = cloud();
    server(&mut bodies, DB)["flavor"]["extra_specs"] = json!({"trait:HW_CPU_X86_AVX2": "required", "trait:CUSTOM_OLD": "forbidden",
               "aggregate_instance_extra_specs:pool": "ssd", "pool": "hdd", "hw_rng:allowed": "true"});
    let aggregates = bodies["compute.aggregate"].as_array_mut().unwrap();
    let tenant = json!({"id": 9, "name": "vip", "hosts": ["compute-02"],
        "metadata": {"filter_tenant_id": "t1,t2", "trait:CUSTOM_LICENSE": "required"}});
    aggregates.push(tenant);
    server(&mut bodies, "42e6eb50")["tenant_id"] = json!("t2");
    let old = provider(&bodies, "compute-01");
    bodies["placement.trait"][&old]["traits"] = json!(["HW_CPU_X86_AVX2", "CUSTOM_OLD"]);
    let told = fleet(&bodies).fleet;
    let db = vm(&told, DB);
    let has = |set: &std::collections::BTreeSet<String>, what: &str| set.contains(what);
    assert!(has(&db.requires, "HW_CPU_X86_AVX2") && has(&db.requires, "aggregate:pool=ssd"));
    assert!(!has(&db.requires, "aggregate:pool=hdd"), "no filter placed it by that");
    for trait_ in ["CUSTOM_OLD", "tenants:vip", "only:CUSTOM_LICENSE"] {
        assert!(has(&db.forbids, trait_), "{trait_}");
    }
    let vip = vm(&told, "42e6eb50");
    assert!(!has(&vip.forbids, "tenants:vip") && has(&vip.forbids, "only:CUSTOM_LICENSE"));
    let host = |n: usize| &told.hosts[n].traits;
    assert!(has(host(0), "CUSTOM_OLD") && has(host(0), "aggregate:pool=ssd"));
    assert!(has(host(1), "tenants:vip") && !has(host(2), "tenants:vip"));
    // compute-01 can do less than the others: what runs elsewhere may not go there.
    let cpu = db.requires.iter().find(|t| t.starts_with("cpu:")).unwrap();
    assert!(!has(host(0), cpu) && has(host(1), cpu) && has(host(5), cpu));
    let here = vm(&told, "90a111a2").requires.iter().find(|t| t.starts_with("cpu:")).unwrap();
    assert!(has(host(0), here) && has(host(5), here), "those that can do more will do");
    assert!(!has(host(0), "OWNER_NOVA"), "what nobody asks for is left out");
}

#[test]
fn what_nobody_known_holds_counts_as_reserved() {
    let mut bodies = cloud();
    let host = provider(&bodies, "compute-01");
    bodies["placement.allocation"][&host]["allocations"]["ghost"] =
        json!({"resources": {"VCPU": 10, "MEMORY_MB": 1024}});
    let told = fleet(&bodies);
    let host = &told.fleet.hosts[0];
    assert!(host.usable("vcpu") <= Amount::whole(310) && host.usable("vcpu") >= Amount::whole(309));
    assert!(host.usable("memory_mib") <= Amount::whole(524_288 - 8192 - 1024));
    assert_eq!(told.notes, ["1 allocations belong to no server and count as reserved"]);

    // A server without an allocation is counted by its flavor.
    let mut bodies = cloud();
    let (id, host) = (server(&mut bodies, DB)["id"].clone(), provider(&bodies, "compute-03"));
    let all = bodies["placement.allocation"][&host]["allocations"].as_object_mut().unwrap();
    all.remove(id.as_str().unwrap());
    let told = fleet(&bodies);
    assert_eq!(vm(&told.fleet, DB).demand, vm(&fleet(&cloud()).fleet, DB).demand);
    assert!(told.notes[0].contains("no allocation in Placement"));
}

#[test]
fn several_clouds_do_not_mix() {
    let mut second = cloud();
    for server in second["compute.server"].as_array_mut().unwrap() {
        server["id"] = json!(format!("b{}", server["id"].as_str().unwrap()));
    }
    second["compute.server_group"] = json!([]);
    let (a, b) = (Memory::new("a", &cloud()), Memory::new("b", &second));
    let told = told(&[&a, &b]).fleet;
    assert_eq!(told.zones, ["a/az-1", "a/az-2", "b/az-1", "b/az-2"]);
    assert_eq!((told.hosts.len(), told.hosts[6].id.as_str()), (12, "b/compute-01"));
    let mut a = a;
    a.cover("network.port", Some(Status::Inconsistent), Visibility::All);
    assert!(gaps(&[&a, &b])[0].starts_with("`network.port` of `a`"));
}
