//! Kinds that tell who shares what with whom, and which versions are spoken.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

mod support;

use support::{Got, complete, connect, gather, only, serve, small, with_faults};
use tidegate_model::{Status, Visibility};
use tidegate_openstack::Cloud;
use tidegate_replay::{Action, Fault, Recording, Replay};

/// Service, path, member of the answer, item, kind, key in its region.
const LISTED: [[&str; 6]; 17] = [
    [
        "block-storage",
        "volume-transfers/detail",
        "transfers",
        r#"{"id":"t","name":"n","volume_id":"v","created_at":"2026-11-01T00:00:00"}"#,
        "block-storage.transfer",
        "RegionOne/t",
    ],
    [
        "image",
        "images",
        "images",
        r#"{"id":"shared","name":"i","visibility":"shared","owner":"p"}"#,
        "image.image",
        "RegionOne/shared",
    ],
    [
        "image",
        "images/shared/members",
        "members",
        r#"{"image_id":"shared","member_id":"m","status":"accepted","schema":"/v2/s"}"#,
        "image.member",
        "RegionOne/shared/m",
    ],
    [
        "load-balancer",
        "lbaas/l7policies",
        "l7policies",
        r#"{"id":"l","action":"REJECT"}"#,
        "load-balancer.l7_policy",
        "RegionOne/l",
    ],
    [
        "load-balancer",
        "lbaas/l7policies/l/rules",
        "rules",
        r#"{"id":"r","type":"PATH","value":"/admin"}"#,
        "load-balancer.l7_rule",
        "RegionOne/r",
    ],
    [
        "shared-file-system",
        "shares/detail",
        "shares",
        r#"{"id":"s","name":"share","is_public":false}"#,
        "shared-file-system.share",
        "RegionOne/s",
    ],
    [
        "shared-file-system",
        "share-access-rules?share_id=s",
        "access_list",
        r#"{"id":"a","access_type":"ip","access_to":"0.0.0.0/0","access_level":"rw"}"#,
        "shared-file-system.access_rule",
        "RegionOne/a",
    ],
    [
        "container-infra",
        "clustertemplates",
        "clustertemplates",
        r#"{"uuid":"c","name":"k8s","public":true,"tls_disabled":false}"#,
        "container-infra.cluster_template",
        "RegionOne/c",
    ],
    [
        "container-infra",
        "clusters",
        "clusters",
        r#"{"uuid":"k","name":"prod","cluster_template_id":"c"}"#,
        "container-infra.cluster",
        "RegionOne/k",
    ],
    [
        "dns",
        "zones",
        "zones",
        r#"{"id":"z","name":"a.example.","project_id":"p"}"#,
        "dns.zone",
        "RegionOne/z",
    ],
    [
        "dns",
        "zones/z/shares",
        "shared_zones",
        r#"{"id":"h","zone_id":"z","project_id":"p","target_project_id":"q"}"#,
        "dns.zone_share",
        "RegionOne/h",
    ],
    [
        "dns",
        "zones/tasks/transfer_requests",
        "transfer_requests",
        r#"{"id":"x","zone_id":"z","target_project_id":null,"status":"ACTIVE"}"#,
        "dns.zone_transfer_request",
        "RegionOne/x",
    ],
    [
        "network",
        "fwaas/firewall_rules",
        "firewall_rules",
        r#"{"id":"f","name":"any","action":"allow","enabled":true}"#,
        "network.firewall_rule",
        "RegionOne/f",
    ],
    [
        "network",
        "extensions",
        "extensions",
        r#"{"alias":"port-security","name":"Port Security"}"#,
        "network.extension",
        "RegionOne/port-security",
    ],
    ["identity", "groups", "groups", r#"{"id":"g","name":"ops"}"#, "identity.group", "-/g"],
    [
        "identity",
        "groups/g/users",
        "users",
        r#"{"id":"u","name":"bob","domain_id":"default","email":"bob@a.example"}"#,
        "identity.group_member",
        "-/g/u",
    ],
    [
        "key-manager",
        "secrets",
        "secrets",
        r#"{"secret_ref":"http://h/v1/secrets/s1","name":"s"}"#,
        "key-manager.secret",
        "RegionOne/s1",
    ],
];

fn recording() -> Recording {
    let mut recording = Recording::new(&["RegionOne"], small().accounts);
    for [service, path, list, item, _, _] in LISTED {
        recording.list(service, path, list, vec![item.into()]);
    }
    for query in ["visibility=community", "os_hidden=true"] {
        recording.list("image", &format!("images?{query}"), "images", Vec::new());
    }
    let acl = r#"{"read":{"users":["b","a"],"project-access":false}}"#;
    recording.body("key-manager", "secrets/s1/acl", 200, acl);
    recording
}

#[tokio::test]
async fn each_kind_is_read_and_known_by_its_key() {
    let replay = serve(recording()).await;
    let kinds: Vec<&str> = LISTED.iter().map(|l| l[4]).collect();
    let got = gather(&connect(&replay).await, &only(&kinds)).await;
    for [_, _, _, _, kind, key] in LISTED {
        assert_eq!(*got.status(kind), complete(1), "{kind}");
        assert_eq!(got.of(kind)[0].key.as_str(), format!("openstack/{kind}/{key}"));
    }
    let told = |key: &str| got.body(key)["tidegate"].clone();
    assert_eq!(told("openstack/load-balancer.l7_rule/RegionOne/r")["l7_policy_id"], "l");
    assert_eq!(told("openstack/shared-file-system.access_rule/RegionOne/a")["share_id"], "s");
    let member = got.body("openstack/identity.group_member/-/g/u");
    assert_eq!(
        member,
        serde_json::json!({"id": "u", "name": "bob", "domain_id": "default",
            "tidegate": {"group_id": "g"}})
    );
}

#[tokio::test]
async fn what_is_refused_is_forbidden_and_what_is_unknown_absent() {
    for (status, expected) in [(403, Status::Forbidden), (404, Status::Absent)] {
        for [service, path, _, _, kind, _] in LISTED {
            // Images and zones have more than one listing.
            if ["image.image", "dns.zone", "identity.group"].contains(&kind) {
                continue;
            }
            let replay = serve(recording()).await;
            let cloud = connect(&replay).await;
            let region = if service == "identity" { "" } else { "RegionOne/" };
            let path = path.split('?').next().unwrap();
            let part = match service {
                "network" => format!("/{service}/{region}v2.0/{path}"),
                _ => format!("/{path}"),
            };
            replay.fault(Fault::always(&part, Action::Status(status)));
            let got = gather(&cloud, &only(&[kind])).await;
            assert_eq!(*got.status(kind), expected, "{kind}");
        }
    }
}

#[tokio::test]
async fn transfers_come_in_pages() {
    let mut recording = small();
    let item = |n| format!(r#"{{"id":"t{n}","name":"n"}}"#).into();
    recording.list(
        "block-storage",
        "volume-transfers/detail",
        "transfers",
        (0..23).map(item).collect(),
    );
    let replay = serve(recording).await;
    let got = gather(&connect(&replay).await, &only(&["block-storage.transfer"])).await;
    assert_eq!(*got.status("block-storage.transfer"), complete(23));
}

#[tokio::test]
async fn only_shared_images_are_asked_for_members() {
    let mut recording = Recording::new(&["RegionOne"], small().accounts);
    let image = |id: &str, sees: &str| format!(r#"{{"id":"{id}","visibility":"{sees}"}}"#).into();
    let images = vec![image("a", "public"), image("b", "shared"), image("c", "private")];
    recording.list("image", "images", "images", images);
    for query in ["visibility=community", "os_hidden=true"] {
        recording.list("image", &format!("images?{query}"), "images", Vec::new());
    }
    recording.list("image", "images/b/members", "members", Vec::new());
    let replay = serve(recording).await;
    let got = gather(&connect(&replay).await, &only(&["image.member"])).await;
    assert_eq!(*got.status("image.member"), complete(0));
    let asked = replay.requests().into_iter().filter(|r| r.contains("/members"));
    assert_eq!(asked.collect::<Vec<_>>(), ["GET /image/RegionOne/v2/images/b/members"]);
}

#[tokio::test]
async fn a_trust_has_its_roles_and_a_secret_who_may_read_it() {
    let mut recording = recording();
    recording.list("identity", "OS-TRUST/trusts", "trusts", vec![r#"{"id":"t1"}"#.into()]);
    let role = r#"{"id":"role-admin","name":"admin"}"#;
    recording.list("identity", "OS-TRUST/trusts/t1/roles", "roles", vec![role.into()]);
    let replay = serve(recording).await;
    let kinds = ["identity.trust_role", "key-manager.secret_acl"];
    let got = gather(&connect(&replay).await, &only(&kinds)).await;
    let role = got.body("openstack/identity.trust_role/-/t1/role-admin");
    assert_eq!((&role["name"], &role["tidegate"]["trust_id"]), (&"admin".into(), &"t1".into()));
    let acl = got.body("openstack/key-manager.secret_acl/RegionOne/s1");
    assert_eq!(acl["read"]["users"], serde_json::json!(["a", "b"]));
}

/// Three projects of which each has an account with a container; the address
/// names the own one, as Swift's does.
fn with_containers() -> Recording {
    let mut recording = small();
    let projects = ["admin", "blue", "green"].map(|p| format!(r#"{{"id":"{p}"}}"#).into());

    recording.list("identity", "projects", "projects", projects.to_vec());
    for project in ["admin", "blue"] {
        let account = format!("AUTH_{project}");
        recording.body("object-store", &account, 200, r#"[{"name":"a b"},{"name":"c"}]"#);
        recording.body("object-store", &format!("{account}?marker=c"), 200, "[]");
        recording.headers("object-store", &format!("{account}/a b"), &[]);
        let headers = [("x-container-read", ".r:*,.rlistings"), ("x-versions-enabled", "True")];
        recording.headers("object-store", &format!("{account}/c"), &headers);
    }
    recording
}

async fn containers(replay: &Replay) -> Got {
    let place = format!("http://{}/object-store/RegionOne/v1/AUTH_admin", replay.address());
    let yaml = replay.clouds_yaml() + &format!("    object_store_endpoint_override: {place}\n");
    let cloud = Cloud::connect(&support::settings(&yaml), &support::timeouts()).await.unwrap();
    gather(&cloud, &only(&["object-store.container"])).await
}

#[tokio::test]
async fn containers_of_every_account_that_may_be_read_are_read() {
    let replay = serve(with_containers()).await;
    let got = containers(&replay).await;
    assert_eq!(*got.status("object-store.container"), complete(4));
    assert_eq!(got.coverage("object-store.container").visibility, Visibility::All);
    let open = got.body("openstack/object-store.container/RegionOne/blue/c");
    assert_eq!(open["read_acl"], ".r:*,.rlistings");
    assert_eq!(open["versions_enabled"], true);
    assert_eq!(open["tidegate"]["project_id"], "blue");
    let closed = got.body("openstack/object-store.container/RegionOne/admin/a%20b");
    assert_eq!((&closed["read_acl"], &closed["write_acl"]), (&"".into(), &"".into()));
}

#[tokio::test]
async fn whoever_is_refused_the_account_of_another_sees_the_own_one() {
    for status in [401, 403] {
        let replay = serve(with_containers()).await;
        replay.fault(Fault::always("AUTH_blue", Action::Status(status)));
        replay.fault(Fault::always("AUTH_green", Action::Status(status)));
        let got = containers(&replay).await;
        assert_eq!(*got.status("object-store.container"), complete(2), "{status}");
        let seen = got.coverage("object-store.container").visibility.to_string();
        assert_eq!(seen, "project admin");
    }
}

#[tokio::test]
async fn containers_that_cannot_be_read_are_not_taken_for_none() {
    let check = async |fault: Fault, expected: Status| {
        let replay = serve(with_containers()).await;
        replay.fault(fault.clone());
        let got = containers(&replay).await;
        assert_eq!(*got.status("object-store.container"), expected, "{fault:?}");
    };
    let failed = |reason: &str| Status::Failed { reason: reason.to_owned() };
    check(Fault::always("AUTH_admin", Action::Status(403)), Status::Forbidden).await;
    check(
        Fault::always("HEAD /object-store/RegionOne/v1/AUTH_admin/c", Action::Status(403)),
        Status::Forbidden,
    )
    .await;
    let why = "the service answered 500 (Internal Server Error)";
    check(Fault::always("AUTH_admin/c", Action::Status(500)), failed(why)).await;
    check(Fault::always("AUTH_blue/c", Action::Status(500)), failed(why)).await;
    let why = "the answer is HTML in the place of JSON";
    check(Fault::always("GET /object-store/RegionOne/v1/AUTH_admin", Action::Html), failed(why))
        .await;
    // Gone since it was listed.
    check(Fault::always("AUTH_admin/c", Action::Status(404)), complete(3)).await;
}

#[tokio::test]
async fn each_service_tells_its_version() {
    let (got, _) = with_faults(
        vec![],
        &["compute.version", "image.version", "dns.version", "identity.version"],
    )
    .await;
    assert_eq!(*got.status("compute.version"), complete(1));
    assert_eq!(*got.status("dns.version"), Status::Absent);
    let compute = got.body("openstack/compute.version/RegionOne/current");
    assert_eq!(
        compute["tidegate"],
        serde_json::json!({"max_version": "2.96", "min_version": "2.0"})
    );
    let image = got.body("openstack/image.version/RegionOne/current");
    assert_eq!(image["tidegate"], serde_json::json!({"max_version": "2"}));
    assert_eq!(got.coverage("identity.version").region, None);
}

#[tokio::test]
async fn a_service_without_a_readable_document_has_no_version() {
    let replay = serve(small()).await;
    let cloud = connect(&replay).await;
    for path in ["GET /image/RegionOne", "GET /image/RegionOne/v2"] {
        replay.fault(Fault::always(path, Action::Html));
    }
    let got = gather(&cloud, &only(&["image.version"])).await;
    let reason = "the answer is no version document".to_owned();
    assert_eq!(*got.status("image.version"), Status::Failed { reason });
}

#[tokio::test]
async fn user_data_leaves_nothing_but_what_it_looks_like() {
    let mut recording = Recording::new(&["RegionOne"], small().accounts);
    let server = |id: &str, data: &str| {
        format!(r#"{{"id":"{id}","OS-EXT-SRV-ATTR:user_data":{data}}}"#).into()
    };
    let servers = vec![
        server("none", "null"),
        server("clean", r#""I2Nsb3VkLWNvbmZpZwo=""#),
        server("secret", r#""cGFzc3dvcmQ6IGh1bnRlcjIK""#),
        server("packed", r#""H4sIAAAAAAAA""#),
        r#"{"id":"older"}"#.into(),
    ];
    recording.list("compute", "servers/detail", "servers", servers);
    let replay = serve(recording).await;
    let got = gather(&connect(&replay).await, &only(&["compute.server"])).await;
    let looks = |id: &str| {
        let body = got.body(&format!("openstack/compute.server/RegionOne/{id}"));
        body["tidegate"]["user_data"].as_str().map(str::to_owned)
    };
    for (id, expected) in
        [("none", "none"), ("clean", "clean"), ("secret", "secret"), ("packed", "unreadable")]
    {
        assert_eq!(looks(id).as_deref(), Some(expected));
    }
    assert_eq!(looks("older"), None);
}
