//! What `--with tls,anonymous` says of real TLS servers in front of the real OpenStack of
//! `ci/testbed/openstack`: modern, old, with certificates that are wrong in every way, and
//! some that speak no TLS. The testbed must be up and seeded. Off by default: `ci/test`
//! asks for it with `--ignored`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod testbed;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testbed::{Planted, Said, Session, script};

const CLOUD: &str = "testbed";
const TLS: &str = "tls";

/// Takes the old versions: none, all, or the first only.
const MODERN: [&str; 4] = ["refused", "refused", "accepted", "accepted"];
const OLD: [&str; 4] = ["accepted", "accepted", "accepted", "refused"];
const OLDEST: [&str; 4] = ["accepted", "refused", "refused", "refused"];
const UNKNOWN: [&str; 4] = ["unknown"; 4];

/// Whom, the versions that it takes, then what the two rules say: a part of the message
/// of a fail, or of the reason why it is not judged after `?`; empty for a pass.
const SERVERS: [(&str, [&str; 4], &str, &str); 13] = [
    ("modern", MODERN, "", ""),
    ("expiring", MODERN, "", "ends at 20"),
    ("expired", MODERN, "", "ends at 20"),
    ("future", MODERN, "", "is not valid before 20"),
    ("self-signed", MODERN, "", "is self-signed"),
    ("other-name", MODERN, "", "is not for that name"),
    ("unknown-authority", MODERN, "", "is not trusted: it is signed by an unknown authority"),
    ("old", OLD, "accepts tls1.0", ""),
    ("old-only", OLDEST, "accepts tls1.0", "?showed no certificate: no handshake"),
    // Nobody is known by a certificate there, and nothing is encrypted.
    (
        "unencrypted",
        ["accepted", "accepted", "refused", "refused"],
        "accepts tls1.0",
        "?showed no certificate: no handshake",
    ),
    ("plain", UNKNOWN, "?the answer is not TLS", "?the answer is not TLS"),
    ("silent", UNKNOWN, "?no answer within the time-out", "?no answer within the time-out"),
    ("closed", UNKNOWN, "?refused", "?refused"),
];

/// Why certificates are not trusted.
const UNTRUSTED: [(&str, &str); 5] = [
    ("expired", "it has expired"),
    ("future", "it is not valid yet"),
    ("other-name", "it is for another name"),
    ("self-signed", "it is signed by an unknown authority"),
    ("unknown-authority", "it is signed by an unknown authority"),
];

/// What each service says without a token where its admin interface is moved to, in the
/// same way.
const ANONYMOUS: [(&str, &str); 5] = [
    ("identity", ""),
    ("image", "the admin endpoint of image answers 200 without a token"),
    ("compute", "?the certificate is not trusted: it has expired"),
    ("network", "?the certificate is not trusted: it is signed by an unknown authority"),
    ("placement", "?no answer within the time-out"),
];

/// A clouds.yaml that knows the testbed's authority.
fn with_authority(session: &mut Session) {
    let text = std::fs::read_to_string(&session.clouds).unwrap();
    let at = format!("  {CLOUD}:\n");
    let authority = testbed::folder().join("state/tls/authority.pem");
    let own = format!("{at}    cacert: {}\n", authority.display());
    assert!(text.contains(&at), "{text}");
    session.clouds = session.dir.path().join("clouds.yaml");
    std::fs::write(&session.clouds, text.replace(&at, &own)).unwrap();
}

#[track_caller]
fn holds(said: &Said, key: &str, expected: &str) {
    let failed = said.messages.get(key).filter(|_| said.failed.contains_key(key));
    match (expected.strip_prefix('?'), said.aborted.get(key), failed) {
        (None, None, None) if expected.is_empty() => {}
        (None, None, Some(messages)) if !expected.is_empty() => {
            assert!(messages.iter().any(|m| m.contains(expected)), "{key}: {messages:?}");
        }
        (Some(reason), Some(why), None) => assert!(why.contains(reason), "{key}: {why}"),
        got => panic!("{key}: wanted `{expected}`, got {got:?}"),
    }
}

#[test]
#[ignore = "needs the testbed"]
fn live_real_servers_are_judged_by_what_they_speak_and_show() {
    let servers = Planted::plant(TLS);
    let mut session = Session::new();
    with_authority(&mut session);
    let seen = || serde_json::from_str::<Value>(&script(TLS, &["--seen"])).unwrap();
    let before = seen();
    let began = Instant::now();
    let said = session.scan(CLOUD, "openstack-security", &["--with", "tls,anonymous"]);
    let took = began.elapsed();
    let after = seen();
    // The silent one costs two time-outs of five seconds at most, at the same time as
    // the rest.
    assert!(took < Duration::from_secs(60), "{took:?}");

    let facts = bodies(&session, "endpoint.tls");
    let bodies_by_address: BTreeMap<&str, &Value> =
        facts.iter().map(|body| (body["address"].as_str().unwrap(), body)).collect();
    for (name, versions, protocol, certificate) in SERVERS {
        let address = servers.id(name);
        let body = bodies_by_address[address];
        let names = ["tls1.0", "tls1.1", "tls1.2", "tls1.3"];
        let protocols: Value = names.iter().zip(versions).map(|(n, v)| (*n, json!(v))).collect();
        assert_eq!(body["protocols"], protocols, "{name}: {body}");
        assert_eq!(body["reached"], versions != UNKNOWN, "{name}: {body}");
        let key = format!("openstack/endpoint.tls/RegionOne/{address}");
        holds(&said["os.identity.tls-protocol-weak"], &key, protocol);
        holds(&said["os.identity.tls-cert-expiring"], &key, certificate);
    }
    for (name, why) in UNTRUSTED {
        let certificate = &bodies_by_address[servers.id(name)]["certificate"];
        assert_eq!(certificate["why_not_trusted"], why, "{name}");
    }
    // Nothing of these rules but that, and one for the server that is only a service's.
    let addresses: BTreeSet<&str> =
        SERVERS.iter().map(|(name, ..)| servers.id(name)).chain([servers.id("open")]).collect();
    assert_eq!(bodies_by_address.keys().copied().collect::<BTreeSet<_>>(), addresses);
    for (service, expected) in ANONYMOUS {
        let key = format!("openstack/endpoint.anonymous/RegionOne/{service}/admin");
        holds(&said["os.identity.api-anonymous"], &key, expected);
    }
    let more = said["os.identity.api-anonymous"].failed.keys().filter(|k| !k.contains("/image/"));
    assert_eq!(more.count(), 0);

    let moved: BTreeSet<u64> = touched(&after).difference(&touched(&before)).copied().collect();
    let ports = addresses.iter().map(|a| a.rsplit_once(':').unwrap().1.parse().unwrap());
    let catalog: BTreeSet<u64> = ports.collect();
    assert!(moved.is_subset(&catalog), "{moved:?} are more than the catalog has: {catalog:?}");
    assert!(moved.len() >= 11, "{moved:?}");
    let requests = after["requests"].as_array().unwrap();
    let asked: BTreeSet<&str> = requests.iter().map(|r| r["request"].as_str().unwrap()).collect();
    assert!(asked.contains("GET /v3/projects HTTP/1.1"), "{asked:?}");
    for request in requests {
        assert_eq!(request["token"], "-", "{request}");
    }
    // Five connections to each place and one for each request, the count's own aside.
    let count = |of: &Value| of["connections"].as_u64().unwrap();
    let most = 5 * addresses.len() as u64 + ANONYMOUS.len() as u64;
    let made = count(&after) - count(&before) - 1;
    assert!(made <= most, "{made} connections, at most {most}");

    // What did not change is told in the same words.
    let answers = bodies(&session, "endpoint.anonymous");
    let again = session.run(&["collect", "--cloud", CLOUD, "--with", "tls,anonymous"]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(bodies(&session, "endpoint.tls"), facts);
    assert_eq!(bodies(&session, "endpoint.anonymous"), answers);
}

/// The bodies of a kind in the newest snapshot, in order of key.
#[track_caller]
fn bodies(session: &Session, kind: &str) -> Vec<Value> {
    let shown = session.json(&["snapshot", "show", kind, "--cloud", CLOUD, "-f", "json"]);
    let all = shown["resources"].as_array().unwrap();
    all.iter().map(|r| r["body"].clone()).collect()
}

/// The ports that somebody connected to.
fn touched(seen: &Value) -> BTreeSet<u64> {
    seen["ports"].as_array().unwrap().iter().map(|p| p.as_u64().unwrap()).collect()
}
