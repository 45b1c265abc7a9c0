//! Kinds of one resource: what the token says, and the object store's account.

use http::{Method, StatusCode};
use openstack_sdk::AsyncOpenStack;
use secrecy::ExposeSecret;

use crate::endpoint::Endpoint;
use crate::item::quoted;
use crate::listing::Stop;
use crate::reading::{End, Reading};
use crate::redact::Cleaner;
use crate::request::{ask, describe};

/// The token as a resource: user, scope, roles and catalog, and of the token
/// itself only which format it has. The catalog is put into order, which Keystone
/// does not promise.
pub(crate) async fn token(reading: &mut Reading<'_>) -> End {
    let Some(mut info) = reading.session.get_auth_info() else {
        return Ok(Err(Stop::Failed("there is no token".to_owned())));
    };
    for service in info.token.catalog.iter_mut().flatten() {
        service.endpoints.sort_by(|a, b| {
            (&a.region, &a.interface, &a.id).cmp(&(&b.region, &b.interface, &b.id))
        });
    }
    if let Some(catalog) = &mut info.token.catalog {
        catalog.sort_by(|a, b| (&a.service_type, &a.name).cmp(&(&b.service_type, &b.name)));
    }
    if let Some(roles) = &mut info.token.roles {
        roles.sort_by(|a, b| a.id.cmp(&b.id));
    }
    let mut body = serde_json::to_value(&info.token).unwrap_or_default();
    if let Some(body) = body.as_object_mut() {
        // They change with every sign-in.
        body.remove("expires_at");
        body.remove("issued_at");
        body.retain(|_, v| !v.is_null());
    }
    let facts = [("format", quoted(format(reading.session)))];
    one(reading, "self", body.to_string().as_bytes(), &facts).await
}

/// The format of the token in use, told by its looks: `fernet`, `jws`, `pki`,
/// `uuid` or `other`.
///
/// Source: Keystone's token providers; PKI tokens are CMS messages in base64 with
/// `-` for `/`, compressed ones have a prefix.
fn format(session: &AsyncOpenStack) -> &'static str {
    let token = session.get_auth_token();
    token.as_ref().map_or("other", |token| format_of(token.expose_secret()))
}

fn format_of(token: &str) -> &'static str {
    match token {
        t if t.starts_with("gAAAAA") => "fernet",
        t if t.starts_with("eyJ") && t.matches('.').count() == 2 => "jws",
        t if t.starts_with("MII") || t.starts_with("PKIZ_") => "pki",
        t if t.len() == 32 && t.bytes().all(|b| b.is_ascii_hexdigit()) => "uuid",
        _ => "other",
    }
}

/// Headers of an account that are facts, with the member they become. Others,
/// the keys of temporary URLs among them, are not taken.
const ACCOUNT: [(&str, &str); 5] = [
    ("x-account-container-count", "containers"),
    ("x-account-object-count", "objects"),
    ("x-account-bytes-used", "bytes_used"),
    ("x-account-meta-quota-bytes", "quota_bytes"),
    ("x-account-project-domain-id", "project_domain_id"),
];

/// The account of the own project.
pub(crate) async fn account(reading: &mut Reading<'_>, endpoint: &Endpoint) -> End {
    let permit = reading.run.permit(endpoint).await;
    let url = endpoint.base.trim_end_matches('/');
    let answer = ask(reading.run, reading.session, endpoint, Method::HEAD, url).await;
    drop(permit);
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => return Ok(Err(Stop::Failed(why))),
    };
    match answer.status {
        s if s.is_success() => {}
        // Ceph's gateway says 401 to a token without a role that it accepts.
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => return Ok(Err(Stop::Forbidden)),
        StatusCode::NOT_FOUND => return Ok(Err(Stop::Absent)),
        _ => {
            let why = format!("the service answered {}", describe(&answer));
            return Ok(Err(Stop::Failed(why)));
        }
    }
    let mut body = serde_json::Map::new();
    for (header, member) in ACCOUNT {
        let value = answer.headers.get(header).and_then(|v| v.to_str().ok());
        if let Some(value) = value {
            let number = value.parse::<u64>().map(serde_json::Value::from);
            body.insert(member.to_owned(), number.unwrap_or_else(|_| value.into()));
        }
    }
    let id = reading.run.cloud.scope.project.clone().unwrap_or_else(|| "self".to_owned());
    one(reading, &id, serde_json::Value::Object(body).to_string().as_bytes(), &[]).await
}

/// Sends the one resource that there is of a kind, with this id, JSON body and
/// facts of ours.
pub(crate) async fn one(
    reading: &mut Reading<'_>,
    id: &str,
    body: &[u8],
    facts: &[(&str, String)],
) -> End {
    let place = reading.place;
    let made = {
        let cleaner = Cleaner::new(place.row, reading.run.key.as_ref());
        let origin = place.origin(reading.run, Some(id), (reading.run.now)());
        origin.resource(&cleaner, body, facts)
    };
    match made {
        Ok(resource) => {
            reading.send(vec![resource], None).await?;
            Ok(Ok(()))
        }
        Err(why) => Ok(Err(Stop::Failed(why))),
    }
}

#[cfg(test)]
mod tests {
    use super::format_of;

    #[test]
    fn a_token_tells_its_format() {
        let hex = "0123456789abcdef0123456789abcdef";
        for (token, format) in [
            ("gAAAAABnQh", "fernet"),
            ("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln", "jws"),
            ("MIIKxgYJKoZIhvcNAQcCoIIKtz", "pki"),
            (hex, "uuid"),
            ("replayed-token-1", "other"),
        ] {
            assert_eq!(format_of(token), format);
        }
    }
}
