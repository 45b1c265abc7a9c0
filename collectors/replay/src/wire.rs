//! As much of HTTP/1.1 as a test server needs.

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The largest request that is read; sign-in bodies are below 1 kB.
const MAX_REQUEST: usize = 1 << 20;

/// A request.
#[derive(Debug)]
pub struct Request {
    /// `GET` and the like.
    pub method: String,
    /// Without query.
    pub path: String,
    /// Names and values.
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Empty if there is none.
    pub body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// `METHOD /path?query`.
    #[must_use]
    pub fn line(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let joint = if query.is_empty() { "" } else { "?" };
        format!("{} {}{joint}{}", self.method, self.path, query.join("&"))
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// An answer.
#[derive(Debug, Default)]
pub struct Response {
    /// 200 and the like.
    pub status: u16,
    /// Besides the length.
    pub headers: Vec<(String, String)>,
    /// May be empty.
    pub body: Vec<u8>,
    /// How many bytes of head and body are really sent before the connection
    /// breaks.
    pub breaks_after: Option<usize>,
}

impl Response {
    /// JSON, with this status.
    #[must_use]
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.into(), breaks_after: None }
    }

    /// An error in the shape of the OpenStack services.
    pub(crate) fn error(status: u16, message: &str) -> Self {
        let body = serde_json::json!({"error": {"code": status, "message": message}});
        Self::json(status, body.to_string())
    }
}

/// Reads the next request of a connection; `None` at its end or if it is not
/// HTTP.
pub(crate) async fn read(stream: &mut TcpStream, buffer: &mut BytesMut) -> Option<Request> {
    let head = loop {
        if let Some(end) = find(buffer, b"\r\n\r\n") {
            break end;
        }
        if buffer.len() > MAX_REQUEST || stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(buffer.get(..head)?.to_vec()).ok()?;
    buffer.advance(head + 4);
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?);
    let headers: Vec<(String, String)> = lines
        .filter_map(|l| l.split_once(':'))
        .map(|(n, v)| (n.trim().to_ascii_lowercase(), v.trim().to_owned()))
        .collect();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        method,
        path: decode(path),
        query: query
            .split('&')
            .filter(|p| !p.is_empty())
            .map(|p| p.split_once('=').unwrap_or((p, "")))
            .map(|(k, v)| (decode(k), decode(v)))
            .collect(),
        headers,
        body: Vec::new(),
    };
    let length: usize = request.header("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    if length > MAX_REQUEST {
        return None;
    }
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    request.body = buffer.split_to(length).to_vec();
    Some(request)
}

/// Sends an answer. False if the connection is of no more use.
pub(crate) async fn write(stream: &mut TcpStream, response: &Response, head_only: bool) -> bool {
    let mut out =
        format!("HTTP/1.1 {} X\r\ncontent-length: {}\r\n", response.status, response.body.len());
    for (name, value) in &response.headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    out.push_str("\r\n");
    let mut bytes = out.into_bytes();
    if !head_only {
        bytes.extend_from_slice(&response.body);
    }
    if let Some(breaks_after) = response.breaks_after {
        let part = bytes.get(..breaks_after.min(bytes.len())).unwrap_or_default();
        let _ = stream.write_all(part).await;
        let _ = stream.shutdown().await;
        return false;
    }
    stream.write_all(&bytes).await.is_ok()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

/// Takes percent escapes and plus signs out.
fn decode(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let plain = match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |b: Option<u8>| char::from(b.unwrap_or(b'0')).to_digit(16).unwrap_or(0);
                let (high, low) = (digit(bytes.next()), digit(bytes.next()));
                u8::try_from(high * 16 + low).unwrap_or(b'?')
            }
            other => other,
        };
        out.push(plain);
    }
    String::from_utf8_lossy(&out).into_owned()
}
