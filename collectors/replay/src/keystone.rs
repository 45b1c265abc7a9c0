//! As much of Keystone as signing in takes.

use serde_json::{Value, json};

use crate::recording::{Account, Recording};
use crate::wire::{Request, Response};

/// Who a token is for.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) account: usize,
    project: Option<String>,
    system: bool,
}

/// Version of a service in its address, empty where it has none there.
pub(crate) fn version(service: &str) -> &'static str {
    match service {
        "identity" | "block-storage" => "v3",
        "compute" => "v2.1",
        "network" => "v2.0",
        "image" | "load-balancer" | "dns" | "shared-file-system" => "v2",
        "key-manager" | "baremetal" | "object-store" | "container-infra" => "v1",
        _ => "",
    }
}

/// The path in the catalog. Neutron's and Glance's lack the version, as
/// deployments have it.
pub(crate) fn root(service: &str, region: &str) -> String {
    match (service, version(service)) {
        ("identity", version) => format!("/identity/{version}"),
        ("network" | "image", _) | (_, "") => format!("/{service}/{region}"),
        (_, version) => format!("/{service}/{region}/{version}"),
    }
}

/// Answers `POST /v3/auth/tokens`: the token granted, or a refusal.
pub(crate) fn sign_in(
    recording: &Recording,
    request: &Request,
    known: impl Fn(&str) -> Option<Token>,
) -> Result<Token, Response> {
    let refuse = || Response::error(401, "The request you have made requires authentication.");
    let body: Value = serde_json::from_slice(&request.body)
        .map_err(|_| Response::error(400, "the body is not JSON"))?;
    let identity = body.pointer("/auth/identity").ok_or_else(refuse)?;
    let text = |pointer: &str| identity.pointer(pointer).and_then(Value::as_str);
    let find = |test: &dyn Fn(&Account) -> bool| recording.accounts.iter().position(test);
    let method = text("/methods/0").unwrap_or_default();
    let account = match method {
        "password" => {
            let user = text("/password/user/name").or_else(|| text("/password/user/id"));
            let password = text("/password/user/password");
            find(&|a| Some(a.user.as_str()) == user && Some(a.password.as_str()) == password)
        }
        "application_credential" => {
            let id = text("/application_credential/id");
            let name = text("/application_credential/name");
            let user = text("/application_credential/user/name");
            let secret = text("/application_credential/secret");
            find(&|a| {
                a.application_credential.as_ref().is_some_and(|(i, n, s)| {
                    let by_name = Some(n.as_str()) == name && Some(a.user.as_str()) == user;
                    Some(s.as_str()) == secret && (Some(i.as_str()) == id || by_name)
                })
            })
        }
        "token" => text("/token/id").and_then(&known).map(|t| t.account),
        _ => None,
    };
    let at = account.ok_or_else(refuse)?;
    let account = recording.accounts.get(at).ok_or_else(refuse)?;
    let scope = body.pointer("/auth/scope");
    let project = scope.and_then(|s| s.get("project"));
    let named = project.and_then(|p| p.get("name").or_else(|| p.get("id"))).and_then(Value::as_str);
    let system = scope.is_some_and(|s| s.get("system").is_some());
    if named.is_some() && named != account.project.as_deref() {
        return Err(refuse());
    }
    let project = match (system, method) {
        (true, _) => None,
        (false, "application_credential") => account.project.clone(),
        (false, _) => named.map(str::to_owned),
    };
    Ok(Token { account: at, project, system })
}

/// The body that describes a token. `until` is an RFC 3339 time.
pub(crate) fn describe(recording: &Recording, token: &Token, base: &str, by: &str) -> Value {
    let empty = Vec::new();
    let account = recording.accounts.get(token.account);
    let user = account.map_or("", |a| a.user.as_str());
    let domain = json!({"id": "default", "name": "Default"});
    let roles: Vec<Value> = account
        .map_or(&empty, |a| &a.roles)
        .iter()
        .map(|r| json!({"id": format!("role-{r}"), "name": r}))
        .collect();
    let mut body = json!({
        "methods": [by],
        "user": {"id": user, "name": user, "domain": domain, "password_expires_at": null},
        "audit_ids": ["replayed"],
        "expires_at": "2999-01-01T00:00:00.000000Z",
        "issued_at": "2026-01-01T00:00:00.000000Z",
    });
    if let Some(project) = &token.project {
        put(&mut body, "project", json!({"id": project, "name": project, "domain": domain}));
        put(&mut body, "is_domain", json!(false));
    }
    if token.system {
        put(&mut body, "system", json!({"all": true}));
    }
    if token.system || token.project.is_some() {
        put(&mut body, "roles", json!(roles));
        put(&mut body, "catalog", catalog(recording, base));
    }
    if by == "application_credential"
        && let Some((id, name, _)) = account.and_then(|a| a.application_credential.as_ref())
    {
        put(
            &mut body,
            "application_credential",
            json!({"id": id, "name": name, "restricted": true}),
        );
    }
    json!({"token": body})
}

fn catalog(recording: &Recording, base: &str) -> Value {
    let own = recording.services().into_iter().map(|service| (service, None));
    let others = recording.catalog.iter().map(|(service, url)| (service.clone(), Some(url)));
    let entries = own.chain(others).map(|(service, elsewhere)| {
        let endpoints = recording.regions.iter().flat_map(|region| {
            let here = || format!("{base}{}", root(&service, region));
            let url = elsewhere.cloned().unwrap_or_else(here);
            ["public", "internal", "admin"].map(|interface| {
                json!({
                    "id": format!("{service}-{region}-{interface}"),
                    "interface": interface,
                    "region": region,
                    "region_id": region,
                    "url": url,
                })
            })
        });
        json!({
            "id": format!("service-{service}"),
            "type": service,
            "name": service,
            "endpoints": endpoints.collect::<Vec<Value>>(),
        })
    });
    Value::Array(entries.collect())
}

/// The version document of a service.
pub(crate) fn versions(recording: &Recording, service: &str, region: &str, base: &str) -> Response {
    let version = version(service);
    let href = format!("{base}/{service}/{region}/{version}");
    let href = match service {
        "identity" => format!("{base}/identity/v3/"),
        _ => format!("{}/", href.trim_end_matches('/')),
    };
    let links = json!([{"rel": "self", "href": href}]);
    let newest = recording.microversions.get(service);
    let mut one = json!({"id": version, "status": "CURRENT", "links": links});
    match (service, newest) {
        ("placement", newest) => {
            one = json!({"id": "v1.0", "status": "CURRENT", "links": [{"rel": "self", "href": ""}],
                "min_version": "1.0", "max_version": newest.map_or("1.39", String::as_str)});
        }
        (_, Some(newest)) => {
            put(&mut one, "version", json!(newest));
            put(
                &mut one,
                "min_version",
                json!(format!("{}.0", newest.split('.').next().unwrap_or("1"))),
            );
        }
        (_, None) => {}
    }
    let body = match service {
        "identity" | "compute" => json!({"version": one}),
        _ => json!({"versions": [one]}),
    };
    Response::json(200, body.to_string())
}

/// Sets a member of an object.
fn put(object: &mut Value, key: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}
