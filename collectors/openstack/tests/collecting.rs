//! What becomes of a cloud that behaves, and of one that does not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may"
)]

mod support;

use std::time::Duration;

use support::{complete, connect, gather, only, options, serve, small, with_faults};
use tidegate_model::{Status, Visibility};
use tidegate_openstack::{Cloud, RedactionKey};
use tidegate_replay::{Account, Action, Fault, Recording};

fn failed(reason: &str) -> Status {
    Status::Failed { reason: reason.to_owned() }
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let (got, replay) =
        with_faults(vec![], &["compute.server", "network.port", "image.image"]).await;
    assert_eq!(*got.status("compute.server"), complete(25));
    assert_eq!(*got.status("network.port"), complete(25));
    assert_eq!(*got.status("image.image"), complete(8));
    assert_eq!(got.coverage("compute.server").visibility, Visibility::All);
    let pages = replay.requests().iter().filter(|r| r.contains("servers/detail")).count();
    assert_eq!(pages, 3);
    let server = got.of("compute.server")[0];
    assert_eq!(server.region.as_deref(), Some("RegionOne"));
    assert!(server.key.as_str().starts_with("openstack/compute.server/RegionOne/"));
    assert!(server.project.is_some() && server.name.is_some());
    assert_eq!(server.source.as_ref(), "openstack/compute");
    assert!(!server.body.contains("\"links\""));
}

#[tokio::test]
async fn the_example_cloud_has_what_it_is_for() {
    let replay = serve(Recording::example().unwrap()).await;
    let cloud = connect(&replay).await;
    let got = gather(&cloud, &options()).await;
    assert_eq!(*got.status("compute.hypervisor"), Status::Forbidden);
    assert_eq!(*got.status("dns.zone"), Status::Absent);
    assert_eq!(*got.status("compute.server"), complete(7));
    assert_eq!(*got.status("image.image"), complete(7));
    assert_eq!(*got.status("placement.inventory"), complete(2));
    let kinds = got.coverage.iter().filter(|c| matches!(c.status, Status::Complete { .. }));
    assert!(kinds.count() >= 20);
    assert_eq!(got.summary.incomplete, 1);
    let hidden = got.body("openstack/image.image/RegionOne/1a000007-1a6e-4000-8000-000000000007");
    assert_eq!(hidden["tidegate"]["listings"], serde_json::json!(["hidden"]));
    let token = got.body("openstack/identity.token/-/self");
    assert_eq!(token["catalog"][0]["type"], "block-storage");
    for secret in ["hunter2-example", "I2Nsb3VkLWNvbmZpZ", "replayed-token"] {
        assert!(got.resources.iter().all(|r| !r.body.contains(secret)), "{secret}");
    }
}

#[tokio::test]
async fn a_refused_kind_is_forbidden_and_an_unknown_one_absent() {
    let faults = vec![
        Fault::always("os-hypervisors", Action::Status(403)),
        Fault::always("/trunks", Action::Status(404)),
    ];
    let (got, _) = with_faults(faults, &["compute.hypervisor", "network.trunk"]).await;
    assert_eq!(*got.status("compute.hypervisor"), Status::Forbidden);
    assert_eq!(*got.status("network.trunk"), Status::Absent);
}

#[tokio::test]
async fn a_narrower_listing_is_asked_for_if_the_wide_one_is_refused() {
    let faults = vec![Fault::always("all_tenants=1", Action::Status(403))];
    let (got, _) = with_faults(faults, &["compute.server"]).await;
    assert_eq!(*got.status("compute.server"), complete(25));
    assert_eq!(got.coverage("compute.server").visibility.to_string(), "project admin");
}

#[tokio::test]
async fn a_page_that_is_no_page_ends_the_kind_and_keeps_what_was_read() {
    for (action, reason) in [
        (Action::Html, "page 2: the answer is HTML in the place of JSON"),
        (Action::Truncate(700), "page 2: the answer breaks off after 700 bytes"),
        (Action::Status(500), "page 2: the service answered 500 (as asked for by a test)"),
    ] {
        let faults = vec![Fault::once("servers/detail", 1, action)];
        let (got, _) = with_faults(faults, &["compute.server", "network.port"]).await;
        assert_eq!(*got.status("compute.server"), failed(reason));
        assert_eq!(got.of("compute.server").len(), 10);
        assert_eq!(*got.status("network.port"), complete(25));
    }
}

#[tokio::test]
async fn broken_connections_are_tried_again_and_then_told() {
    for action in [Action::BreakAfter(900), Action::Drop] {
        let once = vec![Fault::once("servers/detail", 1, action.clone())];
        let (got, _) = with_faults(once, &["compute.server"]).await;
        assert_eq!(*got.status("compute.server"), complete(25));
        assert_eq!(got.summary.retries, 1);
        let (got, _) =
            with_faults(vec![Fault::always("marker", action)], &["compute.server"]).await;
        assert!(
            matches!(got.status("compute.server"), Status::Failed { reason } if reason.starts_with("page 2: ")),
            "{}",
            got.status("compute.server")
        );
        assert_eq!(got.of("compute.server").len(), 10);
    }
}

#[tokio::test]
async fn a_slow_service_fails_alone() {
    let faults = vec![Fault::always(
        "/compute/RegionOne/v2.1/servers",
        Action::Delay(Duration::from_secs(9)),
    )];
    let (got, _) = with_faults(faults, &["compute.server", "network.port"]).await;
    assert_eq!(*got.status("compute.server"), failed("no answer within the time-out"));
    assert_eq!(*got.status("network.port"), complete(25));
}

#[tokio::test]
async fn busy_services_are_asked_again_after_the_time_they_name() {
    for status in [429, 503] {
        let faults = vec![Fault::once("servers/detail", 0, Action::RetryAfter(status, 1))];
        let started = std::time::Instant::now();
        let (got, _) = with_faults(faults, &["compute.server"]).await;
        assert_eq!(*got.status("compute.server"), complete(25));
        assert!(started.elapsed() >= Duration::from_secs(1));
    }
    let faults = vec![Fault::always("servers/detail", Action::Status(503))];
    let (got, _) = with_faults(faults, &["compute.server"]).await;
    let reason = "the service kept answering 503 (as asked for by a test)";
    assert_eq!(*got.status("compute.server"), failed(reason));
    assert_eq!(got.summary.retries, 2);
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_for_all_workers() {
    let faults = vec![Fault::once("servers/detail", 1, Action::ExpireTokens)];
    let (got, replay) = with_faults(faults, &["compute.*", "network.*"]).await;
    assert_eq!(*got.status("compute.server"), complete(25));
    assert_eq!(*got.status("network.port"), complete(25));
    // The old token is tried first, then the password.
    assert!(replay.sign_ins().len() <= 3, "{:?}", replay.sign_ins());
}

#[tokio::test]
async fn a_token_that_stays_refused_is_a_failure_of_the_kind() {
    let faults = vec![Fault::always("servers/detail", Action::Status(401))];
    let (got, _) = with_faults(faults, &["compute.server"]).await;
    let reason = "the token is refused, even after signing in again";
    assert_eq!(*got.status("compute.server"), failed(reason));
}

#[tokio::test]
async fn pages_that_do_not_belong_together_are_read_again_and_told() {
    for action in [Action::Status(400), Action::Status(404), Action::FirstPageAgain] {
        let once = vec![Fault::once("marker", 0, action.clone())];
        let (got, _) = with_faults(once, &["compute.server"]).await;
        assert_eq!(*got.status("compute.server"), Status::Inconsistent, "{action:?}");
        assert_eq!(got.of("compute.server").len(), 25);
        let always = vec![Fault::always("marker", action)];
        let (got, _) = with_faults(always, &["compute.server"]).await;
        assert_eq!(*got.status("compute.server"), Status::Inconsistent);
        assert_eq!(got.of("compute.server").len(), 10);
    }
}

#[tokio::test]
async fn a_service_that_goes_away_fails_and_the_others_go_on() {
    let replay = serve(small()).await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let yaml = replay.clouds_yaml() + &format!("    network_endpoint_override: http://{gone}/\n");
    let cloud = Cloud::connect(&support::settings(&yaml), &support::timeouts()).await.unwrap();
    let got = gather(&cloud, &only(&["compute.server", "network.*"])).await;
    assert_eq!(*got.status("compute.server"), complete(25));
    assert_eq!(*got.status("network.port"), failed("connection refused"));
    assert_eq!(*got.status("network.subnet"), failed("connection refused"));
    assert!(got.summary.retries < 12, "one kind's retries are enough: {}", got.summary.retries);
}

#[tokio::test]
async fn each_region_is_read_and_kept_apart() {
    let mut recording = small();
    recording.regions.push("RegionTwo".to_owned());
    let replay = serve(recording).await;
    let cloud = connect(&replay).await;
    assert_eq!(cloud.regions().collect::<Vec<_>>(), ["RegionOne", "RegionTwo"]);
    let got = gather(&cloud, &only(&["compute.server", "compute.quota", "identity.project"])).await;
    let regions: Vec<_> = got
        .coverage
        .iter()
        .filter(|c| c.kind.as_str() == "compute.server")
        .map(|c| (c.region.as_deref().unwrap().to_owned(), c.status.clone()))
        .collect();
    assert_eq!(regions.len(), 2);
    assert!(regions.iter().all(|(_, s)| *s == complete(25)));
    assert_eq!(got.coverage.iter().filter(|c| c.kind.as_str() == "identity.project").count(), 1);
    assert_eq!(got.coverage("identity.project").region, None);
}

#[tokio::test]
async fn a_cell_that_does_not_answer_makes_its_listings_incomplete() {
    let mut recording = small();
    let up = r#"{"id":"1","binary":"nova-compute","host":"a","status":"enabled"}"#;
    let down = r#"{"binary":"nova-compute","host":"b","status":"UNKNOWN"}"#;
    recording.list("compute", "os-services", "services", vec![up.into(), down.into()]);
    let replay = serve(recording).await;
    let cloud = connect(&replay).await;
    let got = gather(&cloud, &only(&["compute.server"])).await;
    let Status::Failed { reason } = got.status("compute.server") else {
        panic!("{:?}", got.status("compute.server"));
    };
    assert!(reason.contains("cell"), "{reason}");
    assert_eq!(got.of("compute.server").len(), 25, "what was read is kept");
}

#[tokio::test]
async fn an_older_cloud_is_asked_for_its_own_newest_microversion() {
    let mut recording = small();
    recording.microversions.insert("compute".to_owned(), "2.53".to_owned());
    let flavor = r#"{"id":"f1","name":"old"}"#;
    recording.list("compute", "flavors/detail?is_public=None", "flavors", vec![flavor.into()]);
    recording.body("compute", "flavors/f1/os-extra_specs", 200, r#"{"extra_specs":{"a":"b"}}"#);
    let replay = serve(recording).await;
    let cloud = connect(&replay).await;
    let got = gather(&cloud, &only(&["compute.flavor"])).await;
    assert_eq!(*got.status("compute.flavor"), complete(1));
    let body = got.body("openstack/compute.flavor/RegionOne/f1");
    assert_eq!(body["extra_specs"]["a"], "b");
}

#[tokio::test]
async fn a_service_without_version_document_is_collected_all_the_same() {
    let mut recording = small();
    recording.microversions.insert("compute".to_owned(), "2.90".to_owned());
    let replay = serve(recording).await;
    replay.fault(Fault::always("GET /compute/RegionOne/v2.1/ ", Action::Status(404)));
    for path in
        ["GET /compute/RegionOne/v2.1/", "GET /compute/RegionOne/v2.1", "GET /compute/RegionOne"]
    {
        replay.fault(Fault::once(path, 0, Action::Html));
    }
    let cloud = connect(&replay).await;
    let got = gather(&cloud, &only(&["compute.server"])).await;
    assert_eq!(*got.status("compute.server"), complete(25));
}

#[tokio::test]
async fn a_member_sees_own_things_and_is_told_so() {
    let mut recording = small();
    recording.accounts.insert(
        0,
        Account {
            user: "bob".into(),
            password: "secret".into(),
            project: Some("blue".into()),
            roles: vec!["member".into()],
            application_credential: None,
        },
    );
    let replay = serve(recording).await;
    let cloud = connect(&replay).await;
    let got = gather(&cloud, &only(&["network.port", "compute.quota"])).await;
    assert_eq!(got.coverage("network.port").visibility.to_string(), "project blue");
}

#[tokio::test]
async fn no_canary_leaves_the_collector() {
    let canaries = [
        (
            "compute",
            "servers/detail",
            "servers",
            r#"{"id":"1","adminPass":"CANARY","OS-EXT-SRV-ATTR:user_data":"CANARY","metadata":{"db_password":"CANARY","note":"token=CANARY","pem":"-----BEGIN RSA PRIVATE KEY-----CANARY"},"description":"https://u:CANARY@h/"}"#,
        ),
        (
            "compute",
            "os-keypairs",
            "keypairs",
            r#"{"keypair":{"name":"k","private_key":"CANARY"}}"#,
        ),
        (
            "identity",
            "credentials",
            "credentials",
            r#"{"id":"1","blob":"CANARY","type":"ec2","encrypted_blob":"CANARY"}"#,
        ),
        (
            "identity",
            "users",
            "users",
            r#"{"id":"u1","password":"CANARY","password_expires_at":null}"#,
        ),
        (
            "identity",
            "users/u1/application_credentials",
            "application_credentials",
            r#"{"id":"a","name":"n","secret":"CANARY"}"#,
        ),
        (
            "image",
            "images",
            "images",
            r#"{"id":"1","locations":[{"url":"CANARY"}],"direct_url":"CANARY","my_api_key":"CANARY"}"#,
        ),
        ("network", "ports", "ports", r#"{"id":"1","description":"password: CANARY"}"#),
        (
            "baremetal",
            "nodes/detail",
            "nodes",
            r#"{"uuid":"1","driver_info":{"ipmi_password":"CANARY"},"driver_internal_info":{"agent_secret_token":"CANARY"},"instance_info":{"configdrive":"CANARY"}}"#,
        ),
        (
            "key-manager",
            "secrets",
            "secrets",
            r#"{"secret_ref":"http://h/v1/secrets/1","payload":"CANARY","name":"s"}"#,
        ),
        (
            "block-storage",
            "volumes/detail",
            "volumes",
            r#"{"id":"1","metadata":{"access_key":"CANARY"}}"#,
        ),
        (
            "load-balancer",
            "lbaas/listeners",
            "listeners",
            r#"{"id":"1","description":"Authorization: Bearer CANARY0123456789abcdef"}"#,
        ),
        (
            "block-storage",
            "volume-transfers/detail",
            "transfers",
            r#"{"id":"1","auth_key":"CANARY"}"#,
        ),
        (
            "dns",
            "zones/tasks/transfer_requests",
            "transfer_requests",
            r#"{"id":"1","key":"CANARY","zone_name":"a.example."}"#,
        ),
        (
            "shared-file-system",
            "shares/detail",
            "shares",
            r#"{"id":"1","metadata":{"token":"CANARY"}}"#,
        ),
        (
            "shared-file-system",
            "share-access-rules",
            "access_list",
            r#"{"id":"1","access_type":"cephx","access_to":"bob","access_key":"CANARY"}"#,
        ),
        (
            "container-infra",
            "clusters",
            "clusters",
            r#"{"uuid":"1","labels":{"admin_password":"CANARY"}}"#,
        ),
        (
            "container-infra",
            "clustertemplates",
            "clustertemplates",
            r#"{"uuid":"1","http_proxy":"http://u:CANARY@proxy:3128"}"#,
        ),
    ];
    for key in [None, Some(RedactionKey::new("key"))] {
        let mut recording = Recording::new(&["R"], small().accounts);
        for (service, path, list, item) in canaries {
            recording.list(service, path, list, vec![item.into()]);
        }
        recording.body("object-store", "", 200, r#"[{"name":"c"}]"#);
        recording.body("object-store", "?marker=c", 200, "[]");
        let headers = [
            ("x-container-meta-temp-url-key", "CANARY"),
            ("x-container-meta-db-password", "CANARY"),
            ("x-container-sync-key", "CANARY"),
            ("x-container-sync-to", "https://u:CANARY@other/v1/AUTH_a/c"),
        ];
        recording.headers("object-store", "c", &headers);
        let replay = serve(recording).await;
        let cloud = connect(&replay).await;
        let options = tidegate_openstack::Options { redaction_key: key, ..options() };
        let got = gather(&cloud, &options).await;
        for r in &got.resources {
            assert!(!r.body.contains("CANARY"), "{}: {}", r.key, r.body);
            assert!(!r.key.as_str().contains("CANARY") && r.name.as_deref() != Some("CANARY"));
        }
        let planted = got.resources.iter().filter(|r| r.body.contains("[redacted"));
        assert_eq!(planted.count(), canaries.len() + 1, "each, and the container");
    }
}

#[tokio::test]
async fn nobody_listening_ends_the_collection() {
    let replay = serve(small()).await;
    let cloud = connect(&replay).await;
    let (tx, rx) = tokio::sync::mpsc::channel(1);
    drop(rx);
    let end = tidegate_openstack::collect(&cloud, &options(), tx).await;
    assert_eq!(end.unwrap_err().to_string(), "collecting stopped because nobody takes the results");
}
