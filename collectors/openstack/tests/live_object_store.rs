//! Asks the real Ceph gateway of `ci/testbed/ceph`, which must be up and
//! entered into the catalog of `ci/testbed/openstack`. Off by default.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod support;

use std::path::PathBuf;
use std::sync::Arc;

use support::{complete, gather, only, timeouts};
use tidegate_model::Status;
use tidegate_openstack::{Cloud, Options};

async fn cloud(name: &str) -> Cloud {
    let var = |name: &str| std::env::vars().find(|(k, _)| k == name).map(|(_, v)| v);
    let folder = var("TIDEGATE_TESTBED_DIR").map_or_else(
        || {
            let home = || PathBuf::from(var("HOME").unwrap()).join(".cache");
            var("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("tidegate/testbed")
        },
        PathBuf::from,
    );
    let text = std::fs::read_to_string(folder.join("clouds.yaml")).unwrap();
    let settings = support::config(&text, &[]).unwrap().cloud(Some(name)).unwrap();
    let timeouts = tidegate_openstack::Timeouts { request: timeouts().request * 10, ..timeouts() };
    Cloud::connect(&settings, &timeouts).await.unwrap()
}

/// With the real time, since the gateway looks at it.
fn now(kinds: &[&str]) -> Options {
    Options { now: Arc::new(jiff::Timestamp::now), ..only(kinds) }
}

#[tokio::test]
#[ignore = "needs the testbed with its object store"]
async fn live_a_real_gateway_does_not_know_nobodys_key() {
    for name in ["testbed", "testbed-member-reader", "testbed-system"] {
        let got = gather(&cloud(name).await, &now(&["object-store.s3"])).await;
        assert_eq!(*got.status("object-store.s3"), complete(1), "{name}");
        let body = got.body("openstack/object-store.s3/RegionOne/self");
        assert_eq!((&body["status"], &body["code"]), (&403.into(), &"InvalidAccessKeyId".into()));
        assert!(!body["text"].as_str().unwrap().contains("RequestId"), "{body}");
    }
}

#[tokio::test]
#[ignore = "needs the testbed with its object store"]
async fn live_an_account_is_shown_to_members_and_refused_to_readers() {
    let kinds = ["object-store.account"];
    let member = gather(&cloud("testbed-member").await, &now(&kinds)).await;
    assert_eq!(*member.status("object-store.account"), complete(1));
    let reader = gather(&cloud("testbed-member-reader").await, &now(&kinds)).await;
    assert_eq!(*reader.status("object-store.account"), Status::Forbidden);
}
