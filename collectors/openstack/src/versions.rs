//! Which version of its API a service speaks, from its version document.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::item::quoted;
use crate::listing::Stop;
use crate::reading::{End, Reading};
use crate::request::{ask, describe};
use crate::single::one;

/// Reads the version document at the root of the service, above its version; if
/// there is none, the one of the version itself.
pub(crate) async fn read(reading: &mut Reading<'_>, endpoint: &Endpoint) -> End {
    let mut why = String::new();
    for url in places(&endpoint.base) {
        let permit = reading.run.permit(endpoint).await;
        let answer = ask(reading.run, reading.session, endpoint, Method::GET, &url).await;
        drop(permit);
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => return Ok(Err(Stop::Failed(why))),
        };
        let fine = matches!(answer.status, StatusCode::OK | StatusCode::MULTIPLE_CHOICES);
        match fine.then(|| current(&answer.body)).flatten() {
            Some((version, facts)) => {
                reading.run.count_bytes(answer.body.len());
                return one(reading, "current", version.to_string().as_bytes(), &facts).await;
            }
            None if fine => why = "the answer is no version document".to_owned(),
            None => why = format!("the service answered {}", describe(&answer)),
        }
    }
    Ok(Err(Stop::Failed(why)))
}

/// Where the document may be: above the version, then at it.
fn places(base: &str) -> Vec<String> {
    let mut above = String::new();
    for part in base.split_inclusive('/') {
        let mut chars = part.chars();
        let version = chars.next() == Some('v') && chars.next().is_some_and(|c| c.is_ascii_digit());
        if version {
            return vec![above.clone(), above + part];
        }
        above.push_str(part);
    }
    vec![above]
}

/// What we tell of a version, as JSON: `max_version` and, where the service names
/// one, `min_version`. Those of its microversions, else what its id says (`v2.17`).
type Facts = Vec<(&'static str, String)>;

/// The newest version that the service calls current, as it describes it.
fn current(body: &Bytes) -> Option<(Value, Facts)> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let listed = document.get("versions").map(|v| v.get("values").unwrap_or(v));
    let all: Vec<&Value> = match (listed.and_then(Value::as_array), document.get("version")) {
        (Some(listed), _) => listed.iter().collect(),
        (None, Some(one)) => vec![one],
        (None, None) => return None,
    };
    let status = |v: &Value| v.get("status").and_then(Value::as_str).map(str::to_uppercase);
    let id = |v: &Value| v.get("id").and_then(Value::as_str).map(str::to_owned);
    let number = |v: &Value| {
        let id = id(v)?;
        let mut parts = id.trim_start_matches('v').split('.').map(str::parse::<u32>);
        Some((parts.next()?.ok()?, parts.next().and_then(Result::ok).unwrap_or(0)))
    };
    // Some services give no status: then what they list is what they offer.
    let offered = |v: &&&Value| {
        status(v).is_none_or(|s| matches!(s.as_str(), "CURRENT" | "STABLE")) && id(v).is_some()
    };
    let newest = all.iter().filter(offered).max_by_key(|v| number(v))?;
    let mut version = (*newest).clone();
    let text = |name: &str| newest.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    let plain = id(newest)?.trim_start_matches('v').to_owned();
    let most = text("max_version").or_else(|| text("version")).unwrap_or(&plain);
    let mut facts = vec![("max_version", quoted(most))];
    facts.extend(text("min_version").map(|least| ("min_version", quoted(least))));
    version.as_object_mut()?.remove("media-types");
    Some((version, facts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &str, id: &str, told: &[(&str, &str)]) {
        let (found, facts) = current(&Bytes::from(document.to_owned())).unwrap();
        let expected: Vec<(&str, String)> = told.iter().map(|(k, v)| (*k, quoted(v))).collect();
        assert_eq!((found["id"].as_str(), facts), (Some(id), expected));
    }

    #[test]
    fn documents_of_all_forms_tell_the_current_version() {
        check(
            r#"{"versions":[{"id":"v2.0","status":"SUPPORTED","version":""},{"id":"v2.1","status":"CURRENT","version":"2.96","min_version":"2.1"}]}"#,
            "v2.1",
            &[("max_version", "2.96"), ("min_version", "2.1")],
        );
        check(
            r#"{"versions":{"values":[{"id":"v3.14","status":"stable","media-types":[]}]}}"#,
            "v3.14",
            &[("max_version", "3.14")],
        );
        check(
            r#"{"versions":[{"id":"v2.9","status":"CURRENT"},{"id":"v2.17","status":"CURRENT"}]}"#,
            "v2.17",
            &[("max_version", "2.17")],
        );
        check(
            r#"{"version":{"id":"v1.0","max_version":"1.39","min_version":"1.0"}}"#,
            "v1.0",
            &[("max_version", "1.39"), ("min_version", "1.0")],
        );
        for none in ["{}", "<html>", r#"{"versions":[{"status":"CURRENT"}]}"#, r#"{"versions":[]}"#]
        {
            assert_eq!(current(&Bytes::from(none)), None, "{none}");
        }
    }

    #[test]
    fn the_document_is_looked_for_above_the_version() {
        let check = |base: &str, expected: &[&str]| assert_eq!(places(base), expected);
        check("https://h/compute/v2.1/", &["https://h/compute/", "https://h/compute/v2.1/"]);
        check("http://h:8776/v3/abc/", &["http://h:8776/", "http://h:8776/v3/"]);
        check("http://h/placement/", &["http://h/placement/"]);
    }
}
