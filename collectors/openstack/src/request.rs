//! One request: headers, time-outs, retries, and what went wrong in a clause.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use openstack_sdk::AsyncOpenStack;
use openstack_sdk::RestError;
use openstack_sdk::api::{ApiError, AsyncClient};
use tidegate_redact::secret_text;
use tidegate_retry::{innermost, retry_after};

use crate::endpoint::{Endpoint, version};
use crate::run::Run;

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Asks once, and again where that can help: 429 and 503 after the time that
/// the service names, 502 and 504 and broken connections after a pause that
/// doubles. The SDK signs in again on 401. The error is one clause.
pub(crate) async fn ask(
    run: &Run,
    session: &AsyncOpenStack,
    endpoint: &Endpoint,
    method: Method,
    url: &str,
) -> Result<Answer, String> {
    let mut negotiated = false;
    let mut attempt = 0;
    loop {
        if let Some(why) = endpoint.down.get() {
            return Err(why.clone());
        }
        run.count_request();
        let pause = match once(session, endpoint, method.clone(), url, None).await {
            Ok(answer) if answer.status == StatusCode::NOT_ACCEPTABLE && !negotiated => {
                negotiated = true;
                let Some(offered) = offered(&answer.body) else { return Ok(answer) };
                endpoint.lower_to(offered);
                continue;
            }
            Ok(answer) => match answer.status.as_u16() {
                429 | 503 => run.retry.pause(attempt, retry_after(&answer.headers, &run.now)),
                502 | 504 => run.retry.pause(attempt, None),
                _ => return Ok(answer),
            }
            .ok_or_else(|| format!("the service kept answering {}", describe(&answer)))?,
            Err(failure) => match failure.again.then(|| run.retry.pause(attempt, None)).flatten() {
                Some(pause) => pause,
                None => {
                    if failure.unreachable {
                        let _ = endpoint.down.set(failure.why.clone());
                    }
                    return Err(failure.why);
                }
            },
        };
        attempt += 1;
        run.count_retry();
        tracing::debug!(url, attempt, ?pause, "asking again");
        tokio::time::sleep(pause).await;
    }
}

/// Why there was no answer.
pub(crate) struct Failure {
    pub(crate) why: String,
    /// Whether asking again may help.
    pub(crate) again: bool,
    /// Whether the service does not listen at all, so that it did not get the
    /// request either.
    pub(crate) unreachable: bool,
}

/// Asks once; `body` is JSON.
pub(crate) async fn once(
    session: &AsyncOpenStack,
    endpoint: &Endpoint,
    method: Method,
    url: &str,
    body: Option<Vec<u8>>,
) -> Result<Answer, Failure> {
    let mut request =
        http::Request::builder().method(method).uri(url).header("accept", "application/json");
    let mut version = String::new();
    if let Some((table, (major, minor))) = endpoint.microversion() {
        version = format!("{} {major}.{minor}", table.service);
        request = request.header("openstack-api-version", &version);
        if let Some(legacy) = table.legacy {
            request = request.header(legacy, format!("{major}.{minor}"));
        }
    }
    if let Some((name, value)) = endpoint.service.header {
        request = request.header(name, value);
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    match session.rest_async(request, body.unwrap_or_default()).await {
        Ok(answer) => {
            let (parts, body) = answer.into_parts();
            let status = parts.status.as_u16();
            tracing::debug!(url, version, status, bytes = body.len(), "answered");
            Ok(Answer { status: parts.status, headers: parts.headers, body })
        }
        Err(ApiError::Client { source: RestError::Communication { source } }) => {
            let connect = source.is_connect();
            Err(match () {
                () if source.is_timeout() && connect => Failure {
                    why: "no connection within the time-out".to_owned(),
                    again: false,
                    unreachable: true,
                },
                () if source.is_timeout() => Failure {
                    why: "no answer within the time-out".to_owned(),
                    again: false,
                    unreachable: false,
                },
                () => Failure { why: innermost(&source), again: true, unreachable: connect },
            })
        }
        Err(e) => Err(Failure { why: innermost(&e), again: false, unreachable: false }),
    }
}

/// The newest microversion named in the body of a 406.
pub(crate) fn offered(body: &[u8]) -> Option<(u32, u32)> {
    let text = std::str::from_utf8(body).ok()?;
    ["max_version\": \"", "max_version\":\"", "maximum is "].iter().find_map(|mark| {
        let rest = text.split_once(mark)?.1;
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        version(rest.get(..end)?.trim_end_matches('.'))
    })
}

/// Status and, if the body has one, the message: `500 (Unexpected API Error.)`.
pub(crate) fn describe(answer: &Answer) -> String {
    let status = answer.status.as_u16();
    match message(&answer.body) {
        Some(message) => format!("{status} ({message})"),
        None => match answer.status.canonical_reason() {
            Some(reason) => format!("{status} ({reason})"),
            None => status.to_string(),
        },
    }
}

/// The message of an error body, shortened: `{"<kind>": {"message": …}}`,
/// `{"errors": [{"detail": …}]}`, `{"description": …}`.
pub(crate) fn message(body: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let object = value.as_object()?;
    let text = object.values().find_map(|v| {
        let v = v.as_array().and_then(|l| l.first()).unwrap_or(v);
        ["message", "detail", "faultstring"].iter().find_map(|k| v.get(k)?.as_str())
    });
    let text = text.or_else(|| object.get("description")?.as_str())?;
    let line = text.lines().next().unwrap_or_default();
    // It becomes part of the coverage, which is kept for good.
    secret_text(line).is_none().then(|| line.chars().take(120).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_406_says_what_there_is() {
        let nova = br#"{"itemNotFound": {"message": "Version 2.96 is not supported by the API. Minimum is 2.1 and maximum is 2.90."}}"#;
        assert_eq!(offered(nova), Some((2, 90)));
        let placement = br#"{"errors": [{"max_version": "1.30", "min_version": "1.0"}]}"#;
        assert_eq!(offered(placement), Some((1, 30)));
        assert_eq!(offered(b"<html>"), None);
    }

    #[test]
    fn messages_are_found_and_cut() {
        assert_eq!(
            message(br#"{"badRequest":{"code":400,"message":"marker not found"}}"#).as_deref(),
            Some("marker not found")
        );
        assert_eq!(message(br#"{"errors":[{"detail":"no"}]}"#).as_deref(), Some("no"));
        let barbican = br#"{"code": 403, "title": "Forbidden", "description": "not allowed"}"#;
        assert_eq!(message(barbican).as_deref(), Some("not allowed"));
        assert_eq!(message(b"x"), None);
        let leak = br#"{"error":{"message":"cannot connect to mysql://nova:hunter2@db/nova"}}"#;
        assert_eq!(message(leak), None);
    }
}
