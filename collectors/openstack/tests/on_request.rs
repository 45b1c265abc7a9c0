//! What hosts of the catalog say to people who are not signed in, asked for or
//! not.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use support::{Got, complete, connect, gather, only, serve, small};
use tidegate_model::{Status, Visibility};
use tidegate_openstack::{Cloud, Extra, Options};
use tidegate_replay::{Action, Fault, Recording, Replay};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Only what is asked for, beside one small kind.
fn with(extras: &[Extra]) -> Options {
    Options { with: extras.iter().copied().collect(), ..only(&["identity.region"]) }
}

async fn ask(replay: &Replay, extra: Extra) -> Got {
    gather(&connect(replay).await, &with(&[extra])).await
}

fn bodies(got: &Got, kind: &str) -> Vec<Value> {
    let mut of = got.of(kind);
    of.sort_by_key(|r| r.key.clone());
    of.iter().map(|r| serde_json::from_str(&r.body).unwrap()).collect()
}

#[tokio::test]
async fn nothing_is_asked_by_default() {
    let replay = serve(small()).await;
    let got = gather(&connect(&replay).await, &support::options()).await;
    assert!(!got.coverage.iter().any(|c| c.kind.as_str().starts_with("endpoint.")));
    assert!(!replay.sign_ins().iter().any(|s| s.contains("doesnotexist")));
}

#[tokio::test]
async fn each_service_is_asked_for_its_list_without_a_token() {
    let replay = serve(small()).await;
    replay.fault(Fault::always("/image/", Action::Status(200)));
    let got = ask(&replay, Extra::Anonymous).await;
    // Five services, three interfaces.
    assert_eq!(*got.status("endpoint.anonymous"), complete(15));
    assert_eq!(got.coverage("endpoint.anonymous").visibility, Visibility::All);
    let compute = got.body("openstack/endpoint.anonymous/RegionOne/compute/admin");
    let url = format!("http://{}/compute/RegionOne/v2.1/servers/detail", replay.address());
    assert_eq!(
        compute,
        json!({"service": "compute", "interface": "admin", "path": "servers/detail", "url": url,
            "reached": true, "status": 401})
    );
    let image = got.body("openstack/endpoint.anonymous/RegionOne/image/public");
    assert_eq!(image["status"], 200);
}

#[tokio::test]
async fn a_service_that_does_not_answer_says_so_in_its_fact() {
    let replay = serve(small()).await;
    let cloud = connect(&replay).await;
    replay.fault(Fault::always("GET /network/", Action::Drop));
    let got = gather(&cloud, &with(&[Extra::Anonymous])).await;
    assert_eq!(*got.status("endpoint.anonymous"), complete(15));
    let network = got.body("openstack/endpoint.anonymous/RegionOne/network/public");
    assert_eq!((&network["reached"], network.get("status")), (&false.into(), None));
    assert!(network["error"].as_str().unwrap().contains("closed"), "{network}");
}

#[tokio::test]
async fn keystone_is_asked_whether_refusals_tell_the_reason() {
    let replay = serve(small()).await;
    let got = ask(&replay, Extra::AuthErrors).await;
    assert_eq!(*got.status("endpoint.auth_error"), complete(3));
    let quiet = got.body("openstack/endpoint.auth_error/RegionOne/public");
    assert_eq!((&quiet["status"], &quiet["names_reason"]), (&401.into(), &false.into()));

    let replay = serve(small()).await;
    let cloud = connect(&replay).await;
    let said = "Could not find user: x. (Disable insecure_debug mode to suppress these details.)";
    let body = json!({"error": {"code": 401, "message": said}}).to_string();
    replay.fault(Fault::always("POST /identity", Action::Answer(401, Vec::new(), body)));
    let got = gather(&cloud, &with(&[Extra::AuthErrors])).await;
    let chatty = got.body("openstack/endpoint.auth_error/RegionOne/public");
    assert_eq!((&chatty["names_reason"], &chatty["message"]), (&true.into(), &said.into()));

    let replay = serve(small()).await;
    let cloud = connect(&replay).await;
    let page = "<html>401</html>".to_owned();
    replay.fault(Fault::always("POST /identity", Action::Answer(401, Vec::new(), page)));
    let got = gather(&cloud, &with(&[Extra::AuthErrors])).await;
    let mute = got.body("openstack/endpoint.auth_error/RegionOne/public");
    assert_eq!((&mute["status"], mute.get("names_reason")), (&401.into(), None));
}

#[tokio::test]
async fn a_body_that_is_too_large_goes_to_those_who_limit_it_without_a_token() {
    let replay = serve(small()).await;
    let cloud = connect(&replay).await;
    replay.fault(Fault::always("POST /block-storage", Action::Status(413)));
    let got = gather(&cloud, &with(&[Extra::BodyLimit])).await;
    assert_eq!(*got.status("endpoint.body_limit"), complete(9));
    let limited = got.body("openstack/endpoint.body_limit/RegionOne/block-storage/public");
    assert_eq!((&limited["status"], &limited["sent_bytes"]), (&413.into(), &114_689.into()));
    let open = got.body("openstack/endpoint.body_limit/RegionOne/compute/public");
    assert_eq!(open["status"], 401);
}

#[tokio::test]
async fn the_dashboard_is_asked_for_its_first_page() {
    let replay = serve(small()).await;
    let cloud = connect(&replay).await;
    let header = |n: &str, v: &str| (n.to_owned(), v.to_owned());
    let to_login =
        vec![header("location", "/auth/login/?next=/"), header("set-cookie", "a=SECRET")];
    replay.fault(Fault::always("GET /horizon", Action::Answer(302, to_login, String::new())));
    let page = "<form><input type=\"password\" name=\"p\" autocomplete=\"off\"></form>";
    let headers = vec![
        header("set-cookie", "csrftoken=SECRET; Secure; SameSite=Lax"),
        header("x-frame-options", "DENY"),
        header("server", "x"),
    ];
    replay.fault(Fault::always("GET /auth/login", Action::Answer(200, headers, page.to_owned())));
    let dashboard = Some(Arc::from(format!("http://{}/horizon", replay.address())));
    let got = gather(&cloud, &Options { dashboard, ..with(&[Extra::Dashboard]) }).await;
    let address = replay.address();
    assert_eq!(
        bodies(&got, "endpoint.dashboard"),
        [json!({
            "address": address.to_string(), "url": format!("http://{address}/auth/login/?next=/"),
            "reached": true, "status": 200, "headers": {"x-frame-options": "DENY"},
            "autocomplete": "off",
            "cookies": [
                {"name": "a", "secure": false, "http_only": false, "same_site": null},
                {"name": "csrftoken", "secure": true, "http_only": false, "same_site": "lax"},
            ],
        })]
    );
    // Nobody said where it is.
    let got = gather(&cloud, &with(&[Extra::Dashboard])).await;
    assert_eq!(*got.status("endpoint.dashboard"), Status::Absent);
    // A password in it is not told again.
    let dashboard = Some(Arc::from("ops:hunter2@dash.example"));
    let got = gather(&cloud, &Options { dashboard, ..with(&[Extra::Dashboard]) }).await;
    let reason =
        "the dashboard's address does not begin with `https://` or `http://` and a host".to_owned();
    assert_eq!(*got.status("endpoint.dashboard"), Status::Failed { reason });
}

/// Speaks TLS 1.2 and 1.3 with a certificate of its own, for these names.
async fn tls_server(names: &[&str]) -> u16 {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2026, 12, 1);
    let certificate = params.self_signed(&key).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move { acceptor.accept(stream).await.map(drop) });
        }
    });
    port
}

/// Takes whatever version is offered below 1.3, as servers of long ago; says
/// nothing more.
async fn old_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut hello = [0; 11];
                stream.read_exact(&mut hello).await.unwrap();
                let mut answer = vec![22, 3, 1, 0, 42, 2, 0, 0, 38, hello[9], hello[10]];
                answer.extend([9; 32]);
                answer.extend([0, 0, 0x2f, 0]);
                stream.write_all(&answer).await.unwrap();
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
            });
        }
    });
    port
}

/// A cloud whose catalog also has something at this address.
async fn with_address(url: &str) -> (Replay, Cloud) {
    let mut recording = Recording::new(&["RegionOne"], small().accounts);
    recording.list("identity", "regions", "regions", Vec::new());
    recording.catalog.push(("dns".to_owned(), url.to_owned()));
    let replay = serve(recording).await;
    let cloud = connect(&replay).await;
    (replay, cloud)
}

async fn tls_facts(url: &str) -> Value {
    let (_replay, cloud) = with_address(url).await;
    let got = gather(&cloud, &with(&[Extra::Tls])).await;
    assert_eq!(*got.status("endpoint.tls"), complete(1));
    bodies(&got, "endpoint.tls").remove(0)
}

#[tokio::test]
async fn a_host_shows_its_versions_and_its_certificate() {
    let port = tls_server(&["localhost", "cloud.example"]).await;
    let facts = tls_facts(&format!("https://localhost:{port}/dns")).await;
    let refused_old = json!({"tls1.0": "refused", "tls1.1": "refused", "tls1.2": "accepted",
        "tls1.3": "accepted"});
    assert_eq!(facts["protocols"], refused_old);
    assert_eq!(facts["address"], format!("localhost:{port}"));
    assert_eq!(facts["services"], json!(["dns"]));
    assert_eq!(facts["interfaces"], json!(["admin", "internal", "public"]));
    let certificate = &facts["certificate"];
    assert_eq!(certificate["names"], json!(["localhost", "cloud.example"]));
    assert_eq!(certificate["not_after"], "2026-12-01T00:00:00Z");
    assert_eq!(certificate["self_signed"], true);
    assert_eq!(certificate["matches_host"], true);
    assert_eq!(certificate["trusted"], false);
    assert_eq!(certificate["why_not_trusted"], "it is signed by an unknown authority");
    assert_eq!(facts.get("error"), None);
}

#[tokio::test]
async fn a_certificate_for_another_name_does_not_fit() {
    let port = tls_server(&["cloud.example"]).await;
    let facts = tls_facts(&format!("https://127.0.0.1:{port}/")).await;
    assert_eq!(facts["certificate"]["matches_host"], false);
    let port = tls_server(&["127.0.0.1"]).await;
    let facts = tls_facts(&format!("https://127.0.0.1:{port}/")).await;
    assert_eq!(facts["certificate"]["matches_host"], true);
    assert_eq!(facts["certificate"]["names"], json!(["127.0.0.1"]));
}

#[tokio::test]
async fn versions_of_long_ago_are_seen() {
    let port = old_server().await;
    let facts = tls_facts(&format!("https://127.0.0.1:{port}/")).await;
    let all_old = json!({"tls1.0": "accepted", "tls1.1": "accepted", "tls1.2": "accepted",
        "tls1.3": "refused"});
    assert_eq!(facts["protocols"], all_old);
    assert_eq!((facts.get("certificate"), &facts["reached"]), (None, &true.into()));
    assert!(facts["error"].as_str().unwrap().starts_with("no handshake"), "{facts}");
}

#[tokio::test]
async fn whoever_speaks_no_tls_or_is_not_there_is_not_judged() {
    let unknown: BTreeSet<&str> = ["unknown"].into();
    let check = async |port: u16, error: &str| {
        let facts = tls_facts(&format!("https://127.0.0.1:{port}/")).await;
        assert_eq!(facts["reached"], false);
        let said = facts["protocols"].as_object().unwrap().values();
        assert_eq!(said.filter_map(Value::as_str).collect::<BTreeSet<_>>(), unknown);
        assert!(facts["error"].as_str().unwrap().contains(error), "{facts}");
    };
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        }
    });
    check(port, "the answer is not TLS").await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    check(port, "refused").await;
}

#[tokio::test]
async fn plain_addresses_are_not_greeted() {
    let replay = serve(small()).await;
    let got = ask(&replay, Extra::Tls).await;
    assert_eq!(*got.status("endpoint.tls"), complete(0));
}
