//! Hands a signed report in.
//!
//! Source: SovereignCloudStack/standards, compliance-monitor: `POST /reports`
//! with the SSH signature, `&` and the report in one body.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode};
use tidegate_report::ScsDocument;
use tidegate_signature::signed_by;
use url::{Host, Url};

use super::{NAMESPACE, about, read, signature_of};
use crate::args::Upload;
use crate::cmd::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

const PASSWORD: &str = "TIDEGATE_REPORT_PASSWORD";

/// The monitor answers at once or not at all; the whole exchange may take as
/// long as a report of some megabytes takes over a slow line.
const CONNECT: Duration = Duration::from_secs(10);
const EXCHANGE: Duration = Duration::from_secs(60);

pub(super) async fn upload(ctx: &mut Context<'_>, args: &Upload) -> Result<Exit> {
    let url = endpoint(&args.url)?;
    let report = read(&args.file)?;
    let signature = read_signature(&args.file, &report.bytes)?;
    let user = user(args, &report.documents)?;
    let password = ctx.env.var(PASSWORD).ok_or_else(|| {
        Failure::usage(format!("there is no password for `{user}`"))
            .hint(format!("put it into the variable {PASSWORD}"))
    })?;
    if url.scheme() == "http" && !loopback(&url) {
        ctx.ui.warn(&format!("{url} is not encrypted: anybody on the way can read the password"));
    }
    let client = client(&url, args.cacert.as_deref())?;
    let mut body = signature.into_bytes();
    body.push(b'&');
    body.extend_from_slice(&report.bytes);
    // Never sent twice: a report that did arrive would be refused as a double.
    let answer = client
        .post(url.clone())
        .basic_auth(&user, Some(password))
        .header(CONTENT_TYPE, "application/x-signed-yaml")
        .body(body)
        .send()
        .await
        .map_err(|e| unreachable(&url, &e))?;
    let status = answer.status();
    let moved = answer.headers().get(LOCATION).and_then(|l| l.to_str().ok()).map(str::to_owned);
    let said = said(&beginning(answer).await);
    if !status.is_success() {
        return Err(refused(&url, status, &user, moved, &said));
    }
    if said.contains("empty reports") {
        return Err(Failure::new(format!("{url} found no report in what it was sent")).also(said));
    }
    let text = if said.is_empty() || said == "null" { String::new() } else { format!(": {said}") };
    ctx.ui.status(&format!("{url} took {}{text}", about(&report.documents)));
    for document in &report.documents {
        ctx.ui.write(None, &format!("{} {}\n", document.run, document.subject))?;
    }
    Ok(Exit::Ok)
}

/// The address that reports go to, from that of the monitor.
/// The beginning of an answer: what follows nobody reads, and it may never end.
async fn beginning(mut answer: Response) -> String {
    const LONGEST: usize = 1 << 16;
    let mut bytes = Vec::new();
    while bytes.len() < LONGEST {
        let Ok(Some(chunk)) = answer.chunk().await else { break };
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(LONGEST);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn endpoint(text: &str) -> Result<Url> {
    let example = "write it like https://compliance.sovereignit.cloud/";
    // Whatever is wrong with it, a password in it is not repeated.
    let shown = if text.contains('@') { "that address" } else { text };
    let wrong =
        |why: &str| Failure::usage(format!("cannot upload to `{shown}`: {why}")).hint(example);
    let mut url = Url::parse(text).map_err(|e| wrong(&e.to_string()))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err(wrong("it is not an https address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // The text is not repeated: it has the password in it.
        return Err(Failure::usage("the address must not contain a user or password")
            .hint(format!("name the user with --user, put the password into {PASSWORD}")));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it has a query or a fragment"));
    }
    let done = url.path().trim_end_matches('/').ends_with("/reports");
    let mut path = url.path_segments_mut().map_err(|()| wrong("it has no path"))?;
    path.pop_if_empty();
    if !done {
        path.push("reports");
    }
    drop(path);
    Ok(url)
}

fn loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The signature beside a report, with the line end that the monitor looks for.
fn read_signature(file: &Path, bytes: &[u8]) -> Result<String> {
    let path = signature_of(file);
    let (file, shown) = (file.display(), path.display());
    let sign = format!("sign it with: tidegate report sign {file} --key KEYFILE");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(
                Failure::new(format!("`{file}` is not signed: there is no `{shown}`")).hint(sign)
            );
        }
        Err(e) => return Err(Failure::new(format!("cannot read `{shown}`: {e}"))),
    };
    signed_by(&text, NAMESPACE, bytes).map_err(|e| {
        Failure::new(format!("`{shown}` is no signature of `{file}` as it is now"))
            .also(e.to_string())
            .hint(sign)
    })?;
    let lines: Vec<&str> = text.trim().lines().collect();
    Ok(lines.join("\n") + "\n")
}

/// Who hands in: `--user`, or the cloud that all reports are about.
fn user(args: &Upload, documents: &[ScsDocument]) -> Result<String> {
    let mut subjects: Vec<&str> = documents.iter().map(|d| d.subject.as_str()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let user = match (&args.user, subjects.as_slice()) {
        (Some(user), _) => user.clone(),
        (None, [one]) => (*one).to_owned(),
        (None, _) => {
            return Err(Failure::usage(format!(
                "`{}` is about several clouds: {}",
                args.file.display(),
                subjects.join(", ")
            ))
            .hint("name the account that hands it in with --user"));
        }
    };
    if user.is_empty() || user.contains(':') || user.contains(char::is_control) {
        return Err(Failure::usage(format!("`{}` cannot be a user", user.escape_debug()))
            .hint("name the account that hands it in with --user"));
    }
    Ok(user)
}

fn client(url: &Url, cacert: Option<&Path>) -> Result<Client> {
    // A redirection would turn the upload into a mere request.
    let mut builder =
        Client::builder().connect_timeout(CONNECT).timeout(EXCHANGE).redirect(Policy::none());
    if loopback(url) {
        // What stays on this machine is nothing for a proxy.
        builder = builder.no_proxy();
    }
    if let Some(path) = cacert {
        let wrong = |why: String| Failure::new(format!("cannot read `{}`: {why}", path.display()));
        let pem = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
        let all = Certificate::from_pem_bundle(&pem).map_err(|e| wrong(e.to_string()))?;
        if all.is_empty() {
            return Err(wrong("there is no certificate in it".to_owned()));
        }
        for certificate in all {
            builder = builder.add_root_certificate(certificate);
        }
    }
    builder.build().map_err(|e| Failure::new("cannot start an HTTP client").caused_by(Some(&e)))
}

fn unreachable(url: &Url, error: &reqwest::Error) -> Failure {
    let failure = Failure::new(format!("cannot upload to {url}"));
    if error.is_timeout() {
        let (connect, all) = (CONNECT.as_secs(), EXCHANGE.as_secs());
        return failure
            .also(format!("no connection within {connect} s, or no answer within {all} s"))
            .hint("it may have arrived nevertheless: a second upload is then refused as known");
    }
    // The innermost cause names the thing; those above only say where it was.
    let mut cause: &(dyn Error + 'static) = error;
    let mut distrust = false;
    while let Some(next) = cause.source() {
        cause = next;
        distrust |= cause.to_string().to_lowercase().contains("certificate");
    }
    let cause = cause.to_string();
    if distrust {
        let (words, hint) = distrust_of(&cause);
        return failure.also(format!("its certificate is not trusted: {words}")).hint(hint);
    }
    failure.also(cause).hint("check the address, name resolution and firewall")
}

/// What is wrong with a certificate, in words, and what to do; the TLS library
/// says it in the names of its types.
fn distrust_of(cause: &str) -> (&str, &'static str) {
    let cacert = "name the file with its certificate authority with --cacert";
    let known = [
        ("UnknownIssuer", "it is signed by an unknown authority", cacert),
        (
            "CaUsedAsEndEntity",
            "it is an authority's own, which servers must not show",
            "give the server a certificate that the authority has signed",
        ),
        ("NotValidForName", "it is for another name", "use the name that the certificate is for"),
        (
            "not valid for name",
            "it is for another name",
            "use the name that the certificate is for",
        ),
        ("xpired", "it has expired", "have it renewed, or look at the clock of this machine"),
    ];
    let found = known.iter().find(|(mark, ..)| cause.contains(mark));
    found.map_or((cause, cacert), |(_, words, hint)| (words, hint))
}

/// What an answer says for people: the `detail` of JSON errors, cut, without
/// control characters; nothing of a page that a proxy puts in the way.
fn said(body: &str) -> String {
    const LONGEST: usize = 200;
    if body.trim_start().starts_with('<') {
        return String::new();
    }
    let json: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let detail = json.as_ref().and_then(|j| j.get("detail")).map(|d| match d.as_str() {
        Some(text) => text.to_owned(),
        None => d.to_string(),
    });
    let text = detail.unwrap_or_else(|| body.trim().to_owned());
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut cut: String = clean.clone().take(LONGEST).collect();
    if clean.count() > LONGEST {
        cut.push('…');
    }
    cut
}

fn refused(
    url: &Url,
    status: StatusCode,
    user: &str,
    moved: Option<String>,
    said: &str,
) -> Failure {
    let (what, hint) = match status {
        StatusCode::UNAUTHORIZED => (
            format!("it does not let `{user}` hand this in"),
            format!(
                "check, in this order: the password in {PASSWORD}; that the key you sign with is \
                 registered for `{user}`; that `{user}` may report about this cloud"
            ),
        ),
        StatusCode::CONFLICT => (
            "it has this report already".to_owned(),
            "nothing is left to do; if only one of several reports is known, none was taken: \
             hand in the others by themselves"
                .to_owned(),
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            "it does not take signed YAML".to_owned(),
            "check that the address is that of an SCS compliance monitor".to_owned(),
        ),
        status if status.is_redirection() => (
            format!("it has moved to {}", moved.as_deref().unwrap_or("somewhere else")),
            "use the new address".to_owned(),
        ),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => (
            "it does not take reports".to_owned(),
            "check that the address is that of an SCS compliance monitor".to_owned(),
        ),
        status if status.is_server_error() => (
            "it failed".to_owned(),
            "try again later; what did arrive is refused as known then".to_owned(),
        ),
        _ => ("it refused the report".to_owned(), "see what it says".to_owned()),
    };
    let failure = Failure::new(format!("{url} answered {}: {what}", status.as_u16())).hint(hint);
    if said.is_empty() { failure } else { failure.also(format!("it says: {said}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_completed_and_takes_no_secrets() {
        let to = |text: &str| endpoint(text).map(|u| u.to_string()).map_err(|e| e.render());
        for text in ["https://a.b", "https://a.b/", "https://a.b/reports", "https://a.b/reports/"] {
            assert_eq!(to(text).unwrap().trim_end_matches('/'), "https://a.b/reports", "{text}");
        }
        assert_eq!(to("http://[::1]:8080/monitor/").unwrap(), "http://[::1]:8080/monitor/reports");
        for text in ["compliance.eu", "ftp://a.b", "https://", "https://a.b/?x", "https://a.b/#x"] {
            assert!(to(text).unwrap_err().contains("hint: write it like https://"), "{text}");
        }
        let secret = to("https://me:hunter2@a.b/").unwrap_err();
        assert!(secret.contains(PASSWORD) && !secret.contains("hunter2"), "{secret}");
        for text in [
            "ftp://me:hunter2@h/",
            "me:hunter2@h/",
            "https://me:hunter2@[b",
            "https://a:hun/ter2@h/",
        ] {
            let refused = to(text).unwrap_err();
            assert!(!refused.contains("hunter2") && !refused.contains("ter2"), "{refused}");
        }
        assert!(loopback(&endpoint("http://127.0.0.9:1").unwrap()));
        assert!(loopback(&endpoint("http://localhost").unwrap()));
        assert!(!loopback(&endpoint("http://localhost.evil").unwrap()));
    }

    #[test]
    fn an_answer_is_shortened_and_made_harmless() {
        assert_eq!(said("{\"detail\": \"no\\u001b[31m way\"}"), "no [31m way");
        assert_eq!(said(" null \n"), "null");
        assert_eq!(said("<!doctype html><p>no"), "");
        assert_eq!(said("{\"detail\": [1]}"), "[1]");
        assert_eq!(said(&"x".repeat(300)).chars().count(), 201);
    }
}
