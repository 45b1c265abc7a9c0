//! One request: time-outs, gzip, what is worth asking again, and what went
//! wrong in a clause.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode};
use kube::Client;
use kube::client::Body;
use serde::Deserialize;
use tidegate_redact::secret_text;
use tidegate_retry::{Clock, Retry, innermost, retry_after};

use crate::error::CollectError;

/// The longest answer that is unpacked. 500 objects of the largest size that
/// etcd takes by default (1.5 MB) do not occur; this keeps a broken server from
/// filling the memory.
const LONGEST: u64 = 512 << 20;

/// An answer, whatever its status; the body is unpacked.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there was no answer.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) why: String,
    /// Whether asking again may help.
    again: bool,
    kind: Trouble,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Network,
    Certificate,
    Credential,
}

impl Failure {
    /// The same, before there is anything that could be collected.
    pub(crate) fn at(self, context: &str, server: &str) -> CollectError {
        let (context, server) = (context.to_owned(), server.to_owned());
        match self.kind {
            Trouble::Network => CollectError::Unreachable { server, why: self.why },
            Trouble::Certificate => CollectError::UntrustedCertificate { server, why: self.why },
            Trouble::Credential => CollectError::BadContext { context, why: self.why },
        }
    }
}

/// What asks.
#[derive(Clone)]
pub(crate) struct Session {
    client: Client,
    time_out: Duration,
    retry: Retry,
    now: Clock,
    counts: Arc<Counts>,
}

/// What was sent and read so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) requests: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Session {
    pub(crate) fn new(client: Client, time_out: Duration, retry: Retry, now: Clock) -> Self {
        Self { client, time_out, retry, now, counts: Arc::default() }
    }

    /// The same with other pauses, and counting from zero.
    pub(crate) fn with(&self, retry: Retry) -> Self {
        Self { retry, counts: Arc::default(), ..self.clone() }
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Asks for JSON.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.ask(&Method::GET, path, "application/json", Bytes::new()).await
    }

    /// Asks, and again where that can help: as often as [`Retry`] says, after
    /// the time that the server names.
    ///
    /// A 429 is that of priority and fairness only if it names a time; others
    /// mean that something else stands in the way, such as a disruption budget,
    /// and come again. A 503 without a time is that of an aggregated API whose
    /// server is down.
    pub(crate) async fn ask(
        &self,
        method: &Method,
        path: &str,
        accept: &str,
        body: Bytes,
    ) -> Result<Answer, Failure> {
        let mut attempt = 0;
        loop {
            self.counts.requests.fetch_add(1, Ordering::Relaxed);
            let once = self.once(method, path, accept, body.clone());
            let result = match tokio::time::timeout(self.time_out, once).await {
                Ok(result) => result,
                Err(_) => Err(Failure {
                    why: "no answer within the time-out".to_owned(),
                    again: false,
                    kind: Trouble::Network,
                }),
            };
            let told = match &result {
                Ok(answer) => match answer.status.as_u16() {
                    429 | 503 if answer.headers.contains_key(RETRY_AFTER) => {
                        retry_after(&answer.headers, &self.now)
                    }
                    502 | 504 => None,
                    _ => return result,
                },
                Err(failure) if failure.again => None,
                Err(_) => return result,
            };
            let Some(pause) = self.retry.pause(attempt, told) else { return result };
            attempt += 1;
            self.counts.retries.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(path, attempt, ?pause, "asking again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        accept: &str,
        body: Bytes,
    ) -> Result<Answer, Failure> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT, accept)
            .header(ACCEPT_ENCODING, "gzip");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Body::from(body)).map_err(|e| broken(innermost(&e), false))?;
        let answer = self.client.send(request).await.map_err(|e| failure(&e))?;
        let (parts, body) = answer.into_parts();
        let body = body.collect_bytes().await.map_err(|e| failure(&e))?;
        let packed = parts.headers.get(CONTENT_ENCODING).is_some_and(|v| v == "gzip");
        let body = if packed { unpack(&body).map_err(|why| broken(why, true))? } else { body };
        let (status, bytes) = (parts.status.as_u16(), body.len());
        tracing::debug!(path, status, bytes, packed, "answered");
        self.counts.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

fn broken(why: String, again: bool) -> Failure {
    Failure { why, again, kind: Trouble::Network }
}

/// Tells what came between.
fn failure(e: &kube::Error) -> Failure {
    let why = innermost(e);
    let kind = match e {
        kube::Error::Auth(_) => Trouble::Credential,
        _ if why.contains("certificate") => Trouble::Certificate,
        _ => Trouble::Network,
    };
    let why = match secret_text(&why) {
        Some(_) => "the credential cannot be used".to_owned(),
        None => why,
    };
    Failure { why, again: kind == Trouble::Network, kind }
}

fn unpack(body: &[u8]) -> Result<Bytes, String> {
    // Lists shrink to about a tenth.
    let mut out = Vec::with_capacity(body.len().saturating_mul(10));
    let read = GzDecoder::new(body).take(LONGEST).read_to_end(&mut out);
    match read {
        Err(_) => Err("the answer's compression is damaged or it breaks off".to_owned()),
        Ok(n) if n as u64 >= LONGEST => Err(format!("the answer is longer than {LONGEST} bytes")),
        Ok(_) => Ok(Bytes::from(out)),
    }
}

/// The error object of the API.
///
/// Source: meta/v1 Status.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Status {
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) metadata: ListMeta,
}

/// What a list, or a Status in its place, says of itself.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListMeta {
    pub(crate) resource_version: Option<String>,
    #[serde(rename = "continue")]
    pub(crate) next: Option<String>,
}

/// The error object of an answer, or an empty one: errors also come as text.
pub(crate) fn status(answer: &Answer) -> Status {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// Status and what the answer says: `503 (service unavailable)`.
pub(crate) fn describe(answer: &Answer) -> String {
    let code = answer.status.as_u16();
    match status_message(answer) {
        said if !said.is_empty() => format!("{code} ({said})"),
        _ => match answer.status.canonical_reason() {
            Some(reason) => format!("{code} ({reason})"),
            None => code.to_string(),
        },
    }
}

/// What an error answer says, shortened: the message of its Status, or its
/// first line.
pub(crate) fn status_message(answer: &Answer) -> String {
    let message = status(answer).message;
    let text = String::from_utf8_lossy(&answer.body);
    let text = if message.is_empty() { text.as_ref() } else { &message };
    let line = text.lines().next().unwrap_or_default().trim();
    // It becomes part of the coverage, which is kept for good.
    let harmless = secret_text(line).is_none() && !line.starts_with(['<', '{']);
    line.chars().take(if harmless { 120 } else { 0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    #[test]
    fn errors_are_told_whatever_their_form() {
        assert_eq!(describe(&answer(503, "service unavailable\n")), "503 (service unavailable)");
        assert_eq!(describe(&answer(404, r#"{"kind":"Status","message":"gone"}"#)), "404 (gone)");
        assert_eq!(describe(&answer(502, "<html>")), "502 (Bad Gateway)");
        assert_eq!(
            describe(&answer(500, "dial mysql://a:hunter2@db")),
            "500 (Internal Server Error)"
        );
    }

    #[test]
    fn gzip_that_breaks_off_is_no_answer() {
        use std::io::Write as _;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&b"0123456789".repeat(1000)).unwrap();
        let packed = packer.finish().unwrap();
        assert_eq!(unpack(&packed).unwrap().len(), 10_000);
        assert!(unpack(&packed[..packed.len() / 2]).is_err());
    }
}
