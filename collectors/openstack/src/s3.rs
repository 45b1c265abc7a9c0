//! Whether S3 is spoken where the catalog says that objects are stored.
//!
//! One ListBuckets with an access key that nobody has, at the root of the
//! host: what speaks S3 says so by the code of its refusal. The request is
//! nobody's: it goes through a client of its own and never carries the token.

use std::time::Duration;

use http::StatusCode;
use reqwest::{Client, Response};
use serde_json::json;
use tidegate_model::Timestamp;
use tidegate_retry::{innermost, retry_after};
use url::Url;

use crate::endpoint::Endpoint;
use crate::listing::Stop;
use crate::reading::{End, Reading};
use crate::single::one;

/// The access key, by the name that the SCS standard's test gives it.
const NOBODY: &str = "doesnotexist";

/// SHA-256 of nothing, the hash of a request without body.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// How much of an answer is read. Refusals are below 1 kB.
const LONGEST: usize = 64 * 1024;

/// How many characters of it are kept.
const KEPT: usize = 200;

/// What came back.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

/// Asks the host of the endpoint, at most twice.
pub(crate) async fn read(reading: &mut Reading<'_>, endpoint: &Endpoint) -> End {
    let run = reading.run;
    let Some(host) = host(&endpoint.base) else {
        let why = format!("the catalog's address `{}` is not usable", endpoint.base);
        return Ok(Err(Stop::Failed(why)));
    };
    let client = match run.cloud.nobody.client() {
        Ok(client) => client,
        Err(e) => return Ok(Err(Stop::Failed(innermost(&e)))),
    };
    let permit = run.permit(endpoint).await;
    let mut answer = once(reading, &client, &host).await;
    if let Err(Again { pause: Some(pause), .. }) = answer {
        run.count_retry();
        tokio::time::sleep(pause).await;
        answer = once(reading, &client, &host).await;
    }
    drop(permit);
    let answer = match answer {
        Ok(answer) => answer,
        Err(Again { why, .. }) => return Ok(Err(Stop::Failed(why))),
    };
    run.count_bytes(answer.body.len());
    let text = String::from_utf8_lossy(&answer.body);
    let body = json!({
        "endpoint": host,
        "status": answer.status.as_u16(),
        "code": code(&text),
        "text": lasting(&text).chars().take(KEPT).collect::<String>(),
    });
    one(reading, "self", body.to_string().as_bytes(), &[]).await
}

/// Why there was no answer, and how long to wait before the second try; no
/// pause if that cannot help.
struct Again {
    why: String,
    pause: Option<Duration>,
}

async fn once(reading: &Reading<'_>, client: &Client, host: &str) -> Result<Answer, Again> {
    let run = reading.run;
    run.count_request();
    let again = |why: String| Again { why, pause: run.retry.pause(0, None) };
    let broken = |e: reqwest::Error| match e.is_timeout() {
        true if e.is_connect() => {
            Again { why: "no connection within the time-out".to_owned(), pause: None }
        }
        true => Again { why: "no answer within the time-out".to_owned(), pause: None },
        false => again(innermost(&e)),
    };
    let mut request = client.get(format!("{host}/"));
    for (name, value) in headers((run.now)()) {
        request = request.header(name, value);
    }
    let mut answer = request.send().await.map_err(broken)?;
    let status = answer.status();
    tracing::debug!(host, status = status.as_u16(), "S3 answered");
    if matches!(status.as_u16(), 429 | 502..=504) {
        // A proxy's or a busy service's word says nothing about S3.
        let told = retry_after(answer.headers(), &run.now);
        let why = format!("the service kept answering {}", status.as_u16());
        return Err(Again { why, pause: run.retry.pause(0, told) });
    }
    let body = start(&mut answer).await.map_err(broken)?;
    Ok(Answer { status, body })
}

/// The first bytes of an answer.
async fn start(answer: &mut Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while body.len() < LONGEST
        && let Some(chunk) = answer.chunk().await?
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(LONGEST);
    Ok(body)
}

/// The headers of signature version 4. The signature has the right form and is
/// made up: it could only be checked with the secret that belongs to the key,
/// and the key does not exist. The time is right, since services look at it
/// before the key.
fn headers(now: Timestamp) -> [(&'static str, String); 3] {
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = now.strftime("%Y%m%d");
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={NOBODY}/{day}/us-east-1/s3/aws4_request, \
         SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={EMPTY}"
    );
    [
        ("authorization", authorization),
        ("x-amz-content-sha256", EMPTY.to_owned()),
        ("x-amz-date", time),
    ]
}

/// `scheme://host[:port]` of an address, without user name and path.
fn host(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    url.has_host().then(|| url.origin().ascii_serialization())
}

/// The code of an S3 error, such as `InvalidAccessKeyId`.
///
/// Source: Amazon S3 API reference, "Error responses".
fn code(text: &str) -> Option<&str> {
    let code = element(text.split_once("<Error")?.1, "Code")?.1;
    let fits = (1..=64).contains(&code.len())
        && code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    fits.then_some(code)
}

/// The text without what is new in each answer, so that a snapshot only
/// changes with the cloud.
fn lasting(text: &str) -> String {
    let mut kept = text.to_owned();
    for name in ["RequestId", "HostId"] {
        if let Some((whole, _)) = element(&kept, name) {
            kept = kept.replacen(&whole.to_owned(), "", 1);
        }
    }
    kept
}

/// The first element of this name without attributes: whole, and its content.
fn element<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let from = text.find(&open)?;
    let rest = text.get(from..)?;
    let to = rest.find(&close)?;
    Some((rest.get(..to + close.len())?, rest.get(open.len()..to)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_has_the_form_of_a_signed_one() {
        let [authorization, hash, date] = headers("2026-11-23T07:08:09.5Z".parse().unwrap());
        assert_eq!(date.1, "20261123T070809Z");
        assert_eq!(hash.1.len(), 64);
        assert_eq!(
            authorization.1,
            format!(
                "AWS4-HMAC-SHA256 Credential=doesnotexist/20261123/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={EMPTY}"
            )
        );
    }

    #[test]
    fn only_scheme_host_and_port_are_asked() {
        let check = |address, expected: Option<&str>| {
            assert_eq!(host(address).as_deref(), expected, "{address}");
        };
        check("https://s3.example/swift/v1/AUTH_1/", Some("https://s3.example"));
        check("http://127.0.0.1:17480/swift/v1/", Some("http://127.0.0.1:17480"));
        check("https://user:secret@[2001:db8::1]:8080/v1", Some("https://[2001:db8::1]:8080"));
        check("not an address", None);
    }

    #[test]
    fn a_code_is_taken_from_an_error_only() {
        let check = |text, expected: Option<&str>| assert_eq!(code(text), expected, "{text}");
        check("<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>", Some("NoSuchKey"));
        check("<Error xmlns=\"x\">\n <Code>AccessDenied</Code>\n</Error>", Some("AccessDenied"));
        check("<html><Code>InvalidAccessKeyId</Code></html>", None);
        check("<Error><Code>a clause of words</Code></Error>", None);
        check("<Error><Code>Inval", None);
        check("", None);
    }

    #[test]
    fn ids_of_the_request_are_not_kept() {
        let text = "<Error><Code>A</Code><RequestId>tx1</RequestId><HostId>h</HostId></Error>";
        assert_eq!(lasting(text), "<Error><Code>A</Code></Error>");
        assert_eq!(lasting("<RequestId>open"), "<RequestId>open");
    }
}
