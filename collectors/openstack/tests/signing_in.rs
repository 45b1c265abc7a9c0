//! Ways to sign in, and ways in which that fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may"
)]

mod support;

use support::{config, connect, gather, only, serve, settings, small, timeouts};
use tidegate_model::Visibility;
use tidegate_openstack::{Cloud, CollectError};
use tidegate_replay::{Recording, Replay};

async fn cloud(replay: &Replay, rest: &str) -> Result<Cloud, CollectError> {
    let yaml = format!("clouds:\n  c:\n    {}\n", rest.replace("URL", &replay.auth_url()));
    Cloud::connect(&settings(&yaml), &timeouts()).await
}

fn with_credential() -> Recording {
    let mut recording = small();
    for account in &mut recording.accounts {
        account.application_credential = Some(("id1".into(), "nightly".into(), "s3".into()));
    }
    recording
}

fn last_body(replay: &Replay) -> serde_json::Value {
    serde_json::from_str(replay.sign_ins().last().unwrap()).unwrap()
}

#[tokio::test]
async fn by_password_into_a_project() {
    let replay = serve(small()).await;
    let signed_in = connect(&replay).await;
    assert_eq!(signed_in.project(), Some("admin"));
    let body = last_body(&replay);
    assert_eq!(body["auth"]["identity"]["methods"][0], "password");
    assert_eq!(body["auth"]["scope"]["project"]["name"], "admin");
}

#[tokio::test]
async fn by_password_into_the_system() {
    let replay = serve(small()).await;
    let yaml = "auth: {auth_url: \"URL\", username: admin, password: secret, user_domain_name: Default, system_scope: all}";
    let signed_in = cloud(&replay, yaml).await.unwrap();
    assert_eq!(signed_in.project(), None);
    assert_eq!(last_body(&replay)["auth"]["scope"]["system"]["all"], true);
    let got = gather(&signed_in, &only(&["network.port", "identity.project"])).await;
    assert_eq!(got.coverage("network.port").visibility, Visibility::Public);
    assert_eq!(got.coverage("identity.project").visibility, Visibility::All);
}

#[tokio::test]
async fn by_application_credential_of_an_id_or_a_name() {
    let replay = serve(with_credential()).await;
    let by_id = "auth_type: v3applicationcredential\n    auth: {auth_url: \"URL\", application_credential_id: id1, application_credential_secret: s3, project_name: ignored}";
    assert_eq!(cloud(&replay, by_id).await.unwrap().project(), Some("admin"));
    let body = last_body(&replay);
    assert_eq!(body["auth"]["identity"]["application_credential"]["id"], "id1");
    assert!(body["auth"].get("scope").is_none());
    let by_name = "auth_type: v3applicationcredential\n    auth: {auth_url: \"URL\", application_credential_name: nightly, application_credential_secret: s3, username: admin, user_domain_name: Default}";
    assert_eq!(cloud(&replay, by_name).await.unwrap().project(), Some("admin"));
    let wrong = by_id.replace("s3", "s4");
    let refused = cloud(&replay, &wrong).await.err().unwrap();
    assert!(matches!(refused, CollectError::WrongPassword { .. }), "{refused}");
}

#[tokio::test]
async fn by_token() {
    let replay = serve(small()).await;
    connect(&replay).await;
    let yaml = |token: &str| {
        format!(
            "auth_type: token\n    auth: {{auth_url: \"URL\", token: {token}, project_name: admin, project_domain_name: Default}}"
        )
    };
    let signed_in = cloud(&replay, &yaml("replayed-token-1")).await.unwrap();
    assert_eq!(signed_in.project(), Some("admin"));
    replay.expire_tokens();
    let refused = cloud(&replay, &yaml("replayed-token-1")).await.err().unwrap();
    assert!(matches!(refused, CollectError::ExpiredToken { .. }), "{refused}");
    assert_eq!(refused.hint(), "get a new one with `openstack token issue`");
}

#[tokio::test]
async fn a_wrong_password_is_told() {
    let replay = serve(small()).await;
    let yaml = replay.clouds_yaml().replace("password: secret", "password: wrong");
    let refused = Cloud::connect(&settings(&yaml), &timeouts()).await.err().unwrap();
    let expected = format!("`{}` refused the credentials of cloud `example`", replay.auth_url());
    assert_eq!(refused.to_string(), expected);
}

#[tokio::test]
async fn an_address_where_nothing_listens_is_told() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let yaml = format!(
        "clouds: {{c: {{auth: {{auth_url: \"http://{gone}/v3\", username: u, password: p, user_domain_name: D, project_name: p, project_domain_name: D}}}}}}"
    );
    let refused = Cloud::connect(&settings(&yaml), &timeouts()).await.err().unwrap();
    assert_eq!(refused.to_string(), format!("cannot reach `http://{gone}/v3`: connection refused"));
}

#[tokio::test]
async fn an_address_that_is_not_keystone_is_told() {
    let replay = serve(small()).await;
    let yaml = replay.clouds_yaml().replace("/identity/v3", "/nothing");
    let refused = Cloud::connect(&settings(&yaml), &timeouts()).await.err().unwrap();
    assert!(matches!(refused, CollectError::NotKeystone { .. }), "{refused}");
}

#[tokio::test]
async fn a_region_that_is_not_there_is_told_with_those_that_are() {
    let replay = serve(small()).await;
    let yaml = replay.clouds_yaml() + "    region_name: Mars\n";
    let refused = Cloud::connect(&settings(&yaml), &timeouts()).await.err().unwrap();
    assert_eq!(refused.to_string(), "cloud `example` has no region `Mars`");
    assert_eq!(refused.hint(), "known regions: RegionOne");
}

#[test]
fn clouds_are_chosen_as_by_the_openstack_client() {
    let yaml = "clouds:\n  a: {auth: {auth_url: \"http://a/v3\", username: u, password: 1234, user_domain_name: D}}\n  b: {auth: {auth_url: \"http://b/v3\", username: u, password: p, user_domain_name: D}}\n";
    let pick = |vars: &[(&str, &str)], name: Option<&str>| {
        config(yaml, vars)
            .unwrap()
            .cloud(name)
            .map(|_| ())
            .map_err(|e| format!("{e} ({})", e.hint()))
    };
    assert!(pick(&[], Some("a")).is_ok());
    assert!(pick(&[("OS_CLOUD", "b")], None).is_ok());
    assert_eq!(
        pick(&[], None).unwrap_err(),
        "which cloud is not said and clouds.yaml has 2 (name one with --cloud or OS_CLOUD: a, b)"
    );
    assert_eq!(pick(&[], Some("x")).unwrap_err(), "unknown cloud `x` (known clouds: a, b)");
    let vars = [("OS_AUTH_URL", "http://e/v3"), ("OS_USERNAME", "u"), ("OS_PASSWORD", "p")];
    assert_eq!(
        pick(&vars, None).unwrap_err(),
        "cloud `envvars` has no usable credentials: `user_domain_name` is missing (complete the `auth` section of the cloud in clouds.yaml or secure.yaml)"
    );
    let mut more = vars.to_vec();
    more.push(("OS_USER_DOMAIN_NAME", "Default"));
    assert!(pick(&more, None).is_ok());
    assert_eq!(config(yaml, &more).unwrap().names(), ["a", "b", "envvars"]);
}

#[test]
fn no_configuration_at_all_names_the_places() {
    let folder = tempfile::tempdir().unwrap();
    let env = tidegate_openstack::Environment {
        cwd: folder.path().to_owned(),
        ..tidegate_openstack::Environment::default()
    };
    let config = tidegate_openstack::Config::load(&env).unwrap();
    let missing = config.cloud(None).err().unwrap();
    assert!(missing.to_string().starts_with("no clouds.yaml found in `"), "{missing}");
}
