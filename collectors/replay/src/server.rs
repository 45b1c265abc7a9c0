//! Serves a recording.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::fault::{Action, Fault, spoil};
use crate::keystone::{Token, describe, sign_in, version, versions};
use crate::listen::{Script, Service, accept};
use crate::paging::page;
use crate::recording::{Body, Recording, S3};
use crate::wire::{Request, Response};

/// A cloud being played back, until it is dropped.
pub struct Replay {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    recording: Recording,
    base: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    script: Script,
    tokens: HashMap<String, Token>,
    issued: u64,
    sign_ins: Vec<String>,
}

impl Replay {
    /// Begins to serve on a free port of the loopback interface.
    ///
    /// # Errors
    /// What the operating system says if it gives no port.
    pub async fn start(recording: Recording) -> std::io::Result<Self> {
        Self::start_on(recording, 0).await
    }

    /// Begins to serve on this port of the loopback interface; 0 is any.
    ///
    /// # Errors
    /// What the operating system says if it does not give the port.
    pub async fn start_on(recording: Recording, port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let state = Mutex::new(State::default());
        let shared = Arc::new(Shared { recording, base: format!("http://{address}"), state });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { address, shared, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What `auth_url` is set to.
    #[must_use]
    pub fn auth_url(&self) -> String {
        format!("{}/identity/v3", self.shared.base)
    }

    /// A clouds.yaml with one cloud, `example`, for the first account.
    #[must_use]
    pub fn clouds_yaml(&self) -> String {
        let account = self.shared.recording.accounts.first();
        let (user, password, project) = account.map_or(("", "", ""), |a| {
            (a.user.as_str(), a.password.as_str(), a.project.as_deref().unwrap_or_default())
        });
        format!(
            "clouds:\n  example:\n    auth_type: password\n    auth:\n      auth_url: {}\n      username: {user}\n      password: {password}\n      project_name: {project}\n      user_domain_name: Default\n      project_domain_name: Default\n",
            self.auth_url()
        )
    }

    /// From now on this goes wrong too; faults are tried in order of adding.
    pub fn fault(&self, fault: Fault) -> &Self {
        self.shared.state().script.faults.push(fault);
        self
    }

    /// The requests so far, as `METHOD /path?query`.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.shared.state().script.requests.clone()
    }

    /// The bodies of the requests for tokens so far.
    #[must_use]
    pub fn sign_ins(&self) -> Vec<String> {
        self.shared.state().sign_ins.clone()
    }

    /// Stops remembering requests, which grows.
    pub fn forget_requests(&self) -> &Self {
        let mut state = self.shared.state();
        state.script.forget = true;
        state.script.requests.clear();
        drop(state);
        self
    }

    /// Makes all tokens given so far invalid.
    pub fn expire_tokens(&self) {
        self.shared.state().tokens.clear();
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for Shared {
    async fn answer(&self, mut request: Request) -> Option<(Response, bool)> {
        let head_only = request.method == "HEAD";
        let action = {
            let mut state = self.state();
            let action = state.script.strike(&request);
            if matches!(action, Some(Action::ExpireTokens)) {
                state.tokens.clear();
            }
            action
        };
        match &action {
            Some(Action::Delay(pause)) => tokio::time::sleep(*pause).await,
            Some(Action::FirstPageAgain) => request.query.retain(|(k, _)| k != "marker"),
            _ => {}
        }
        let response = route(self, &request);
        let response = match &action {
            Some(action) => spoil(action, response),
            None => response,
        };
        Some((response, head_only))
    }
}

fn route(shared: &Shared, request: &Request) -> Response {
    let recording = &shared.recording;
    if request.path == "/" {
        return list_buckets(recording, request);
    }
    let mut parts = request.path.trim_matches('/').splitn(2, '/');
    let service = parts.next().unwrap_or_default();
    let rest = parts.next().unwrap_or_default();
    if !recording.services().iter().any(|s| s == service) {
        return Response::error(404, "there is no such service");
    }
    let (region, rest) = match service {
        "identity" => ("", rest),
        _ => rest.split_once('/').unwrap_or((rest, "")),
    };
    let version = version(service);
    let below = match rest.strip_prefix(version) {
        Some(below) if version.is_empty() || below.is_empty() || below.starts_with('/') => {
            below.trim_matches('/')
        }
        _ if rest.is_empty() => "",
        _ => return Response::error(404, "there is no such version"),
    };
    if below.is_empty() && service != "object-store" {
        return versions(recording, service, region, &shared.base);
    }
    if service == "identity" && below == "auth/tokens" && request.method == "POST" {
        return grant(shared, request);
    }
    let token = request.header("x-auth-token").unwrap_or_default();
    let Some(token) = shared.state().tokens.get(token).cloned() else {
        return Response::error(401, "The request you have made requires authentication.");
    };
    if service == "identity" && below == "auth/catalog" {
        let body = describe(recording, &token, &shared.base, "token");
        let catalog = body.pointer("/token/catalog").cloned().unwrap_or_default();
        return Response::json(200, serde_json::json!({"catalog": catalog}).to_string());
    }
    if let Some(refusal) = too_new(recording, service, request) {
        return refusal;
    }
    let Some(entry) = recording.find(service, below, &request.query) else {
        return Response::error(404, "The resource could not be found.");
    };
    let admin =
        recording.accounts.get(token.account).is_some_and(|a| a.roles.iter().any(|r| r == "admin"));
    if entry.admin && !admin {
        return Response::error(403, "Policy doesn't allow this to be performed.");
    }
    let address = format!("{}{}", shared.base, request.path);
    let mut response = page(service, request, &address, &entry.body, recording.max_page);
    if response.status == 200 {
        response.status = entry.status;
    }
    response.headers.extend(entry.headers.iter().cloned());
    response
}

fn grant(shared: &Shared, request: &Request) -> Response {
    let mut state = shared.state();
    state.sign_ins.push(String::from_utf8_lossy(&request.body).into_owned());
    let known = |id: &str| state.tokens.get(id).cloned();
    match sign_in(&shared.recording, request, known) {
        Err(refusal) => refusal,
        Ok(token) => {
            state.issued += 1;
            let id = format!("replayed-token-{}", state.issued);
            let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
            let by = body.pointer("/auth/identity/methods/0").and_then(|m| m.as_str());
            let by = by.unwrap_or("password");
            let body = describe(&shared.recording, &token, &shared.base, by);
            state.tokens.insert(id.clone(), token);
            let mut response = Response::json(201, body.to_string());
            response.headers.push(("x-subject-token".to_owned(), id));
            response
        }
    }
}

/// What an object store says at the root of its host: the recorded answer of
/// the service `s3`, else that of a gateway which does not know the access key.
fn list_buckets(recording: &Recording, request: &Request) -> Response {
    let signed = request.header("authorization").unwrap_or_default();
    if !signed.starts_with("AWS4-HMAC-SHA256 Credential=") {
        return xml(403, "AccessDenied");
    }
    if request.header("x-auth-token").is_some() {
        return xml(400, "TokenInSignedRequest");
    }
    if !recording.services().iter().any(|s| s == "object-store") {
        return Response::error(404, "there is no such service");
    }
    if let Some(entry) = recording.find(S3, "", &request.query)
        && let Body::Whole(body) = &entry.body
    {
        let headers = entry.headers.clone();
        return Response { status: entry.status, headers, body: body.to_vec(), breaks_after: None };
    }
    xml(403, "InvalidAccessKeyId")
}

/// An S3 error in the words of Ceph's gateway.
fn xml(status: u16, code: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><RequestId>tx00000000000000000002a-006a1b2c3d-4-default</RequestId><HostId>4-default-default</HostId></Error>"
    );
    let headers = vec![("content-type".to_owned(), "application/xml".to_owned())];
    Response { status, headers, body: body.into_bytes(), breaks_after: None }
}

/// Refuses a microversion beyond the service's newest, as Nova does.
fn too_new(recording: &Recording, service: &str, request: &Request) -> Option<Response> {
    let newest = recording.microversions.get(service)?;
    let asked = request.header("openstack-api-version")?.split(' ').next_back()?;
    let number = |text: &str| {
        let (major, minor) = text.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    };
    if number(asked)? <= number(newest)? {
        return None;
    }
    let message = format!(
        "Version {asked} is not supported by the API. Minimum is 2.1 and maximum is {newest}."
    );
    Some(Response::error(406, &message))
}
