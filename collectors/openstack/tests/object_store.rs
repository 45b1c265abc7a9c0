//! What an object store says about S3, and what becomes of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

mod support;

use std::time::Duration;

use support::{complete, connect, gather, only, serve, small, with_faults};
use tidegate_model::{Status, Visibility};
use tidegate_openstack::Cloud;
use tidegate_replay::{Action, Fault, Recording};

fn failed(reason: &str) -> Status {
    Status::Failed { reason: reason.to_owned() }
}

/// A cloud with an object store.
fn with_object_store() -> Recording {
    let mut recording = small();
    recording.body("object-store", "", 204, "");
    recording
}

/// Collects what its host says to S3, where it answers so.
async fn asked_for_s3(status: u16, body: &str) -> serde_json::Value {
    let mut recording = with_object_store();
    recording.body("s3", "", status, body.to_owned());
    let replay = serve(recording).await;
    let got = gather(&connect(&replay).await, &only(&["object-store.s3"])).await;
    assert_eq!(*got.status("object-store.s3"), complete(1));
    assert_eq!(got.coverage("object-store.s3").visibility, Visibility::All);
    got.body("openstack/object-store.s3/RegionOne/self")
}

#[tokio::test]
async fn an_object_store_is_asked_whether_it_speaks_s3_without_the_token() {
    let replay = serve(with_object_store()).await;
    let cloud = connect(&replay).await;
    let got = gather(&cloud, &only(&["object-store.*"])).await;
    assert_eq!(*got.status("object-store.s3"), complete(1));
    assert_eq!(
        got.body("openstack/object-store.s3/RegionOne/self"),
        serde_json::json!({
            "endpoint": format!("http://{}", replay.address()),
            "status": 403,
            "code": "InvalidAccessKeyId",
            "text": "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>InvalidAccessKeyId</Code></Error>",
        })
    );
    assert_eq!(replay.requests().iter().filter(|r| *r == "GET /").count(), 1);
    let again = gather(&cloud, &only(&["object-store.s3"])).await;
    assert_eq!(again.of("object-store.s3")[0].body, got.of("object-store.s3")[0].body);
}

#[tokio::test]
async fn a_cloud_without_object_store_is_not_asked_for_s3() {
    let (got, replay) = with_faults(vec![], &["object-store.s3"]).await;
    assert_eq!(*got.status("object-store.s3"), Status::Absent);
    assert!(!replay.requests().iter().any(|r| r == "GET /"));
}

#[tokio::test]
async fn what_is_no_refusal_of_s3_is_kept_as_it_came() {
    let listed = asked_for_s3(200, "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>");
    let listed = listed.await;
    assert_eq!((&listed["status"], &listed["code"]), (&200.into(), &serde_json::Value::Null));
    let missing = asked_for_s3(404, "<Error><Code>NoSuchKey</Code></Error>").await;
    assert_eq!((&missing["status"], &missing["code"]), (&404.into(), &"NoSuchKey".into()));
    let long = asked_for_s3(200, &"ä".repeat(100_000)).await;
    assert_eq!(long["text"].as_str().unwrap().chars().count(), 200);
    let moved = asked_for_s3(302, "").await;
    assert_eq!((&moved["status"], &moved["text"]), (&302.into(), &"".into()));

    let replay = serve(with_object_store()).await;
    let cloud = connect(&replay).await;
    replay.fault(Fault::always("GET /", Action::Html));
    let got = gather(&cloud, &only(&["object-store.s3"])).await;
    let html = got.body("openstack/object-store.s3/RegionOne/self");
    assert_eq!((&html["status"], &html["code"]), (&200.into(), &serde_json::Value::Null));
    assert_eq!(html["text"], "<html><body>502 Bad Gateway</body></html>");
}

#[tokio::test]
async fn an_s3_request_without_answer_is_tried_twice_and_is_no_fact() {
    let faults = [
        (Action::Status(503), "the service kept answering 503"),
        (Action::Drop, "connection closed before message completed"),
        (Action::Delay(Duration::from_secs(3)), "no answer within the time-out"),
    ];
    for (action, why) in faults {
        let tries = if matches!(action, Action::Delay(_)) { 1 } else { 2 };
        let replay = serve(with_object_store()).await;
        let cloud = connect(&replay).await;
        replay.fault(Fault::always("GET /", action));
        let got = gather(&cloud, &only(&["object-store.s3"])).await;
        assert_eq!(*got.status("object-store.s3"), failed(why));
        assert_eq!(replay.requests().iter().filter(|r| *r == "GET /").count(), tries);
    }
    // Once is not always.
    let replay = serve(with_object_store()).await;
    let cloud = connect(&replay).await;
    replay.fault(Fault::once("GET /", 0, Action::Drop));
    let got = gather(&cloud, &only(&["object-store.s3"])).await;
    assert_eq!(*got.status("object-store.s3"), complete(1));

    let replay = serve(with_object_store()).await;
    let nothing = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let yaml = replay.clouds_yaml()
        + &format!("    object_store_endpoint_override: http://{nothing}/swift/v1\n");
    let settings = support::settings(&yaml);
    let cloud = Cloud::connect(&settings, &support::timeouts()).await.unwrap();
    let got = gather(&cloud, &only(&["object-store.s3"])).await;
    assert_eq!(*got.status("object-store.s3"), failed("connection refused"));
}

#[tokio::test]
async fn an_account_that_the_gateway_refuses_is_forbidden() {
    for status in [401, 403] {
        let replay = serve(with_object_store()).await;
        let cloud = connect(&replay).await;
        replay.fault(Fault::always("HEAD /object-store", Action::Status(status)));
        let got = gather(&cloud, &only(&["object-store.account"])).await;
        assert_eq!(*got.status("object-store.account"), Status::Forbidden, "{status}");
    }
}
