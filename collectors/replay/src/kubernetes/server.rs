//! Serves a cluster.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::cluster::{Account, Cluster};
use super::discovery;
use crate::fault::{Action, Fault, spoil};
use crate::listen::{Script, Service, accept};
use crate::wire::{Request, Response};

/// The API server packs answers that are longer than this.
const PACKED_FROM: usize = 128 << 10;

/// The version of the first state of the cluster.
const FIRST_STATE: u64 = 1000;

/// A cluster being played back, until it is dropped.
pub struct KubeReplay {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    cluster: Cluster,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    script: Script,
    /// How often the state of the cluster changed.
    changes: u64,
    revoked: bool,
}

impl KubeReplay {
    /// Begins to serve on this port of the loopback interface; 0 is any.
    ///
    /// # Errors
    /// What the operating system says if it does not give the port.
    pub async fn start(cluster: Cluster, port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { cluster, state: Mutex::default() });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { address, shared, accepting })
    }

    /// The address of the API server.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig with a context for each account, named as its user; the
    /// first is the current one.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        let accounts = &self.shared.cluster.accounts;
        let contexts = accounts
            .iter()
            .map(|a| json!({"name": a.user, "context": {"cluster": "replay", "user": a.user}}));
        let users = accounts.iter().map(|a| json!({"name": a.user, "user": {"token": a.token}}));
        json!({
            "apiVersion": "v1", "kind": "Config",
            "clusters": [{"name": "replay", "cluster": {"server": self.url()}}],
            "contexts": contexts.collect::<Vec<_>>(), "users": users.collect::<Vec<_>>(),
            "current-context": accounts.first().map(|a| a.user.as_str()).unwrap_or_default(),
        })
        .to_string()
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

    /// Stops remembering requests, which grows.
    pub fn forget_requests(&self) -> &Self {
        let mut state = self.shared.state();
        state.script.forget = true;
        state.script.requests.clear();
        drop(state);
        self
    }
}

impl Drop for KubeReplay {
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
    async fn answer(&self, request: Request) -> Option<(Response, bool)> {
        let action = {
            let mut state = self.state();
            let action = state.script.strike(&request);
            state.revoked |= matches!(action, Some(Action::ExpireTokens));
            action
        };
        if let Some(Action::Delay(pause)) = &action {
            tokio::time::sleep(*pause).await;
        }
        let response = match (&action, request.query("continue")) {
            (Some(Action::Expire), Some(token)) => {
                self.state().changes += 1;
                let offset = token.split_once(':').map_or("0", |(_, offset)| offset);
                expired(
                    json!({"continue": format!("-1:{offset}")}),
                    "too old to display a \
                    consistent list result",
                )
            }
            (Some(Action::Outdate), _) => {
                self.state().changes += 1;
                expired(json!({}), "The resourceVersion for the provided list is too old.")
            }
            _ => self.route(&request),
        };
        let response = match &action {
            Some(action) => spoil(action, response),
            None => response,
        };
        Some((packed(&request, response), request.method == "HEAD"))
    }
}

impl Shared {
    fn route(&self, request: &Request) -> Response {
        let account = match request.header("authorization") {
            None => None,
            Some(header) => {
                let token = header.strip_prefix("Bearer ").unwrap_or_default();
                let known = self.cluster.accounts.iter().find(|a| a.token == token);
                match known.filter(|_| !self.state().revoked) {
                    Some(account) => Some(account),
                    None => return status(401, "Unauthorized", "Unauthorized", json!(null)),
                }
            }
        };
        let path = request.path.trim_end_matches('/');
        if path == "/version" {
            return Response::json(200, self.cluster.version.to_string());
        }
        let Some(account) = account else {
            let message =
                format!("forbidden: User \"system:anonymous\" cannot get path \"{path}\"");
            return status(403, "Forbidden", &message, json!({}));
        };
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match parts.as_slice() {
            [root @ ("api" | "apis")] => self.discovery(request, *root == "api"),
            ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"]
                if request.method == "POST" =>
            {
                review(account, &request.body)
            }
            ["api", version] => self.version("", version),
            ["apis", group, version] => self.version(group, version),
            ["api", version, plural] => self.list(request, account, ("", version, plural), ""),
            ["api", version, "namespaces", namespace, plural] => {
                self.list(request, account, ("", version, plural), namespace)
            }
            ["apis", group, version, plural] => {
                self.list(request, account, (group, version, plural), "")
            }
            ["apis", group, version, "namespaces", namespace, plural] => {
                self.list(request, account, (group, version, plural), namespace)
            }
            _ => plain(404, "404 page not found\n"),
        }
    }

    fn discovery(&self, request: &Request, core: bool) -> Response {
        let asked = request.header("accept").unwrap_or_default();
        let wanted = !self.cluster.legacy && asked.contains("as=APIGroupDiscoveryList");
        let document = match (wanted, core) {
            (true, core) => discovery::aggregated(&self.cluster, core),
            (false, true) => discovery::legacy_core(&self.cluster),
            (false, false) => discovery::legacy_groups(&self.cluster),
        };
        Response::json(200, document.to_string())
    }

    fn version(&self, group: &str, version: &str) -> Response {
        match self.cluster.version(group, version) {
            Some(found) if found.stale => plain(503, "service unavailable\n"),
            Some(found) => Response::json(200, discovery::legacy_version(group, found).to_string()),
            None => plain(404, "404 page not found\n"),
        }
    }

    fn list(
        &self,
        request: &Request,
        account: &Account,
        (group, version, plural): (&str, &str, &str),
        namespace: &str,
    ) -> Response {
        // Permission is looked at before existence.
        if !account.may_list(group, plural, namespace) {
            let place = match namespace {
                "" => "at the cluster scope".to_owned(),
                namespace => format!("in the namespace \"{namespace}\""),
            };
            let message = format!(
                "{plural} is forbidden: User \"{}\" cannot list resource \"{plural}\" in API group \"{group}\" {place}",
                account.user
            );
            return status(403, "Forbidden", &message, json!({"kind": plural}));
        }
        let Some(found) = self.cluster.version(group, version) else {
            return plain(404, "404 page not found\n");
        };
        if found.stale {
            return plain(503, "service unavailable\n");
        }
        let Some(resource) = found.resources.iter().find(|r| r.plural == plural) else {
            let message = "the server could not find the requested resource";
            return status(404, "NotFound", message, json!({}));
        };
        let all = self.cluster.objects(group, version, plural);
        let here: Vec<&RawValue> = match namespace {
            "" => all.iter().map(AsRef::as_ref).collect(),
            _ => all.iter().map(AsRef::as_ref).filter(|o| is_in(o, namespace)).collect(),
        };
        let now = self.state().changes;
        let (state, from) = match request.query("continue").map(|t| t.split_once(':')) {
            None => (now, 0),
            Some(Some((state, from))) => match (state.parse::<i64>(), from.parse::<usize>()) {
                (Ok(state), Ok(from)) => (u64::try_from(state).unwrap_or(now), from),
                _ => return bad_token(),
            },
            Some(None) => return bad_token(),
        };
        let limit: usize = request.query("limit").and_then(|l| l.parse().ok()).unwrap_or(0);
        let limit = if limit == 0 { usize::MAX } else { limit };
        let page: Vec<&str> = here.iter().skip(from).take(limit).map(|o| o.get()).collect();
        let rest = here.len().saturating_sub(from.saturating_add(page.len()));
        let mut meta = json!({"resourceVersion": (FIRST_STATE + state).to_string()});
        if rest > 0
            && let Some(meta) = meta.as_object_mut()
        {
            meta.insert("continue".into(), format!("{state}:{}", from + page.len()).into());
            meta.insert("remainingItemCount".into(), rest.into());
        }
        let group_version =
            if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        Response::json(
            200,
            format!(
                "{{\"kind\":\"{}List\",\"apiVersion\":\"{group_version}\",\"metadata\":{meta},\"items\":[{}]}}\n",
                resource.kind,
                page.join(",")
            ),
        )
    }
}

fn is_in(object: &RawValue, namespace: &str) -> bool {
    let value: Value = serde_json::from_str(object.get()).unwrap_or_default();
    value.pointer("/metadata/namespace").is_some_and(|n| n == namespace)
}

/// The API's error object.
fn status(code: u16, reason: &str, message: &str, details: Value) -> Response {
    let mut body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {},
        "status": "Failure", "message": message, "reason": reason, "code": code});
    if !details.is_null()
        && let Some(body) = body.as_object_mut()
    {
        body.insert("details".to_owned(), details);
    }
    Response::json(code, body.to_string())
}

fn expired(metadata: Value, message: &str) -> Response {
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": metadata,
        "status": "Failure", "message": message, "reason": "Expired", "code": 410});
    Response::json(410, body.to_string())
}

fn bad_token() -> Response {
    status(400, "BadRequest", "invalid continue token: continue key is not valid", json!(null))
}

fn plain(code: u16, text: &str) -> Response {
    let headers = vec![("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())];
    Response { status: code, headers, body: text.as_bytes().to_vec(), breaks_after: None }
}

/// Answers an access review.
fn review(account: &Account, body: &[u8]) -> Response {
    let mut review: Value = serde_json::from_slice(body).unwrap_or_default();
    let attribute = |name: &str| {
        let pointer = format!("/spec/resourceAttributes/{name}");
        review.pointer(&pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let allowed = attribute("verb") == "list"
        && account.may_list(&attribute("group"), &attribute("resource"), &attribute("namespace"));
    if let Some(review) = review.as_object_mut() {
        review.insert("status".to_owned(), json!({"allowed": allowed}));
    }
    Response::json(201, review.to_string())
}

/// Packs a long answer if that is asked for.
fn packed(request: &Request, mut response: Response) -> Response {
    let asked = request.header("accept-encoding").is_some_and(|e| e.contains("gzip"));
    if !asked || response.body.len() <= PACKED_FROM {
        return response;
    }
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    if packer.write_all(&response.body).is_ok()
        && let Ok(packed) = packer.finish()
    {
        response.body = packed;
        response.headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
    }
    response
}
