//! Containers of an object store: who may read and write each, as its headers say.

use futures::{StreamExt, stream};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value, json};
use tidegate_model::{Resource, Status, Visibility};

use crate::endpoint::Endpoint;
use crate::listing::{Listing, Page, Stop};
use crate::reading::{End, Reading};
use crate::redact::Cleaner;
use crate::request::{ask, describe};
use crate::scope::Scope;

/// How many containers of a page are asked for at a time, under its permit.
const AT_A_TIME: usize = 4;

/// How many accounts are read at a time.
const ACCOUNTS: usize = 4;

/// Reads the own account, then those of the other projects, for as long as they
/// may be read: whoever is refused one is shown the own account only.
pub(crate) async fn read(reading: &mut Reading<'_>, endpoint: &Endpoint) -> End {
    reading.visibility = reading.run.cloud.scope.own();
    let Some(own) = reading.run.cloud.scope.project.clone() else {
        return Ok(Err(Stop::Forbidden));
    };
    let (made, end) = account(reading, endpoint, &own, &endpoint.base).await;
    reading.send(made, None).await?;
    if end.is_err() {
        return Ok(end);
    }
    let Some(parents) = reading.parents().await else { return Ok(Ok(())) };
    let all = parents.coverage.as_ref().is_some_and(|c| {
        matches!(c.status, Status::Complete { .. }) && c.visibility == Visibility::All
    });
    // Where the address does not name the account, only the own one has one.
    if !all || !endpoint.base.contains(&own) {
        return Ok(Ok(()));
    }
    let others = parents.ids.iter().filter(|id| **id != own);
    let addresses: Vec<(&String, String)> =
        others.map(|id| (id, endpoint.base.replace(&own, id))).collect();
    let (mut batch, mut refused, mut problems) = (Vec::new(), false, Vec::new());
    {
        let reading = &*reading;
        let asked: Vec<_> = addresses
            .iter()
            .map(|(project, base)| account(reading, endpoint, project, base))
            .collect();
        let mut answers = stream::iter(asked).buffer_unordered(ACCOUNTS).boxed();
        while let Some((made, end)) = answers.next().await {
            match end {
                // No account: the project has stored nothing yet.
                Ok(()) | Err(Stop::Absent) => batch.extend(made),
                Err(Stop::Forbidden) => {
                    refused = true;
                    break;
                }
                Err(Stop::Anomaly) => problems.push(Status::Inconsistent),
                Err(Stop::Failed(reason)) => {
                    batch.extend(made);
                    problems.push(Status::Failed { reason });
                }
            }
        }
    }
    if !refused {
        reading.visibility = Visibility::All;
        problems.into_iter().for_each(|p| reading.note(p));
    }
    reading.send(batch, None).await?;
    Ok(Ok(()))
}

/// The containers of one account, of this address and project.
async fn account(
    reading: &Reading<'_>,
    endpoint: &Endpoint,
    project: &str,
    base: &str,
) -> (Vec<Resource>, Result<(), Stop>) {
    let (run, place, session) = (reading.run, reading.place, reading.session);
    let url = base.trim_end_matches('/').to_owned();
    let mut listing = Listing::at(run, session, endpoint, place.row, url.clone(), "format=json");
    let mut all = Vec::new();
    loop {
        let page = match listing.next().await {
            Ok(Some(page)) => page,
            Ok(None) => return (all, Ok(())),
            Err(stop) => return (all, Err(stop)),
        };
        if let Err(stop) = containers(reading, endpoint, project, &url, &page, &mut all).await {
            return (all, Err(stop));
        }
    }
}

/// Asks for the headers of each container of a page.
async fn containers(
    reading: &Reading<'_>,
    endpoint: &Endpoint,
    project: &str,
    account: &str,
    page: &Page,
    all: &mut Vec<Resource>,
) -> Result<(), Stop> {
    #[derive(serde::Deserialize)]
    struct Named {
        name: String,
    }
    let name = |raw| serde_json::from_slice::<Named>(raw).map(|n| n.name);
    let names: Vec<String> = page
        .items()
        .map(name)
        .collect::<Result<_, _>>()
        .map_err(|_| Stop::Failed("a container has no name".to_owned()))?;
    let asked: Vec<_> =
        names.iter().map(|name| headers(reading, endpoint, account, name)).collect();
    let mut answers = stream::iter(asked).buffered(AT_A_TIME).boxed();
    let owner = owns(&reading.run.cloud.scope, project);
    let origin = reading.place.origin(reading.run, Some(project), page.read_at);
    for name in &names {
        // Gone since it was listed.
        let Some(headers) = answers.next().await.transpose()?.flatten() else { continue };
        let cleaner = Cleaner::new(reading.place.row, reading.run.key.as_ref());
        let body = body(name, &headers, owner).to_string();
        let made = origin.resource(&cleaner, body.as_bytes(), &[]).map_err(Stop::Failed)?;
        all.push(made);
    }
    Ok(())
}

/// The headers of a container; `None` if there is no such container.
async fn headers(
    reading: &Reading<'_>,
    endpoint: &Endpoint,
    account: &str,
    name: &str,
) -> Result<Option<HeaderMap>, Stop> {
    let segment = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let url = format!("{account}/{segment}");
    let answer = ask(reading.run, reading.session, endpoint, Method::HEAD, &url).await;
    let answer = answer.map_err(Stop::Failed)?;
    match answer.status {
        s if s.is_success() => Ok(Some(answer.headers)),
        StatusCode::NOT_FOUND => Ok(None),
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Err(Stop::Forbidden),
        _ => Err(Stop::Failed(format!("the service answered {}", describe(&answer)))),
    }
}

/// Headers that Swift shows to owners only. Where one is absent, an owner knows that
/// there is none, and others know nothing: the member is left out.
///
/// Source: Swift's `proxy-server.conf`, `swift_owner_headers`.
const OF_OWNERS: [(&str, &str); 3] = [
    ("read_acl", "x-container-read"),
    ("write_acl", "x-container-write"),
    ("sync_to", "x-container-sync-to"),
];

/// Roles that own the account of the token's project, where they may list it at all.
/// `reader` and whatever else a cloud lets read (`project_reader_roles`,
/// `system_reader_roles` of Swift) do not.
const OWNERS: [&str; 6] = ["admin", "manager", "member", "_member_", "swiftoperator", RESELLER];

/// Roles that own every account: Swift's own, and `admin`, as Ceph's gateway has it.
const OWNERS_OF_ALL: [&str; 2] = ["admin", RESELLER];

const RESELLER: &str = "reselleradmin";

/// Whether who asks is told all of a project's containers.
fn owns(scope: &Scope, project: &str) -> bool {
    let own = scope.project.as_deref() == Some(project);
    let owners: &[&str] = if own { &OWNERS } else { &OWNERS_OF_ALL };
    owners.iter().any(|role| scope.roles.contains(*role))
}

/// Headers that become members, in the order of their worth: the first that is
/// there. An empty text says that there is none.
const MEMBERS: [(&str, &[&str]); 2] = [
    ("versions", &["x-versions-location", "x-history-location"]),
    ("storage_policy", &["x-storage-policy"]),
];

/// What of a container is a fact. How much is in it changes all the time and is
/// left out, and so are the keys of temporary addresses and of syncing.
fn body(name: &str, headers: &HeaderMap, owner: bool) -> Value {
    let text = |name: &str| headers.get(name).and_then(|v| std::str::from_utf8(v.as_bytes()).ok());
    let mut body = Map::new();
    body.insert("name".to_owned(), name.into());
    for (member, header) in OF_OWNERS {
        let found = match headers.get(header) {
            Some(_) => text(header),
            None => owner.then_some(""),
        };
        if let Some(found) = found {
            body.insert(member.to_owned(), found.into());
        }
    }
    for (member, names) in MEMBERS {
        let found = names.iter().find_map(|n| text(n)).unwrap_or_default();
        body.insert(member.to_owned(), found.into());
    }
    let enabled = text("x-versions-enabled").is_some_and(|v| v.eq_ignore_ascii_case("true"));
    body.insert("versions_enabled".to_owned(), enabled.into());
    let named = headers.keys().filter_map(|key| {
        let name = key.as_str().strip_prefix("x-container-meta-")?;
        let kept = !name.starts_with("temp-url-key");
        kept.then(|| (name.to_owned(), json!(text(key.as_str()).unwrap_or_default())))
    });
    body.insert("metadata".to_owned(), Value::Object(named.collect()));
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_members_and_keys_are_left_out() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-container-read", ".r:*,.rlistings"),
            ("x-container-sync-key", "k"),
            ("x-history-location", "old"),
            ("x-container-meta-temp-url-key-2", "k"),
            ("x-container-meta-team", "blue"),
            ("x-container-object-count", "7"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        assert_eq!(
            body("c", &headers, true),
            json!({"name": "c", "read_acl": ".r:*,.rlistings", "write_acl": "", "sync_to": "",
                "versions": "old", "versions_enabled": false, "storage_policy": "",
                "metadata": {"team": "blue"}})
        );
    }

    #[test]
    fn what_only_owners_are_shown_is_left_out_for_others() {
        let known = |body: &Value| {
            ["read_acl", "write_acl", "sync_to"].map(|member| body.get(member).cloned())
        };
        let mut headers = HeaderMap::new();
        assert_eq!(known(&body("c", &headers, false)), [None, None, None]);
        assert_eq!(known(&body("c", &headers, true)), [(); 3].map(|()| Some("".into())));
        headers.insert("x-container-read", ".r:*".parse().unwrap());
        headers.insert("x-container-write", http::HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(known(&body("c", &headers, false)), [Some(".r:*".into()), None, None]);
        // A text that cannot be read is not empty, not even for an owner.
        let owners = known(&body("c", &headers, true));
        assert_eq!(owners, [Some(".r:*".into()), None, Some("".into())]);
    }

    #[test]
    fn readers_own_no_account_and_members_their_own() {
        let check = |roles: &[&str], project, expected: bool| {
            let roles = roles.iter().map(|r| (*r).to_owned()).collect();
            let scope = Scope { project: Some("p".into()), roles, ..Scope::default() };
            assert_eq!(owns(&scope, project), expected, "{scope:?}");
        };
        check(&["reader"], "p", false);
        check(&["auditor", "reader"], "p", false);
        check(&["member", "reader"], "p", true);
        check(&["swiftoperator"], "p", true);
        check(&["member", "reader"], "other", false);
        check(&["reselleradmin"], "other", true);
        check(&["admin"], "other", true);
    }
}
