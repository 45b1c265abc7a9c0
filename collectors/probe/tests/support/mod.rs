//! A cloud in memory that lets itself be changed, over HTTP on loopback. The
//! replayed example does the signing in; overrides of the endpoints lead here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_openstack::{Cloud, Config, Environment, Retry, Timeouts};
use tidegate_probe::{Pace, Plan, Probe, Setting};
use tidegate_replay::{Recording, Replay, Request, Response, Service, accept};
use tokio::net::TcpListener;

pub const RUN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
pub const OTHER: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
pub const SERVICES: [&str; 5] = ["compute", "network", "block-storage", "image", "key-manager"];

/// What happens to requests whose `METHOD /path` contains a text.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status, and nothing is done.
    Status(u16),
    /// It is done, and the connection closes without an answer.
    DoneWithoutAnswer,
    /// It is done after a time that nobody waits for.
    Hang,
    /// What it makes gets this status and keeps it.
    Stuck(&'static str),
}

#[derive(Default)]
pub struct State {
    /// By collection, such as `volumes`, and id.
    pub things: BTreeMap<(String, String), Value>,
    pub requests: Vec<String>,
    pub faults: Vec<(&'static str, Fault)>,
    pub console: Vec<String>,
    made: usize,
}

impl State {
    pub fn names(&self) -> Vec<String> {
        let name = |v: &Value| v["name"].as_str().unwrap_or_default().to_owned();
        self.things.values().map(name).collect()
    }

    pub fn put(&mut self, collection: &str, id: &str, body: Value) {
        self.things.insert((collection.to_owned(), id.to_owned()), body);
    }
}

pub struct Fake {
    pub cloud: Cloud,
    state: Arc<Mutex<State>>,
    _replay: Replay,
}

impl Fake {
    /// With these services.
    pub async fn with(services: &[&str]) -> Self {
        let replay = Replay::start(Recording::example().unwrap()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        tokio::spawn(accept(listener, Arc::new(Memory(state.clone()))));
        let cloud = connect(&replay, address, services).await;
        Self { cloud, state, _replay: replay }
    }

    pub async fn new() -> Self {
        Self::with(&SERVICES).await
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn fault(&self, on: &'static str, fault: Fault) {
        self.state().faults.push((on, fault));
    }

    /// What a server needs.
    pub fn furnish(&self) {
        let mut state = self.state();
        let image = json!({"id": "i1", "name": "Debian 13", "visibility": "public"});
        state.put("images", "i1", image);
        state.put(
            "flavors",
            "f1",
            json!({"id": "f1", "name": "SCS-1V-4", "vcpus": 1, "ram": 4096}),
        );
        let public = json!({"id": "public", "name": "public", "router:external": true});
        state.put("networks", "public", public);
    }

    /// Requests whose `METHOD /path` contains the text.
    pub fn asked(&self, part: &str) -> usize {
        self.state().requests.iter().filter(|r| r.contains(part)).count()
    }
}

async fn connect(replay: &Replay, address: SocketAddr, services: &[&str]) -> Cloud {
    let mut yaml = replay.clouds_yaml();
    for service in services {
        let option = service.replace('-', "_");
        let version = if *service == "block-storage" { "v3" } else { "v2" };
        yaml.push_str(&format!(
            "    {option}_endpoint_override: http://{address}/{service}/{version}\n"
        ));
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("clouds.yaml"), yaml).unwrap();
    let config = Config::load(&Environment {
        vars: BTreeMap::new(),
        cwd: folder.path().to_owned(),
        home: Some(PathBuf::from("/nonexistent")),
    });
    let timeouts =
        Timeouts { request: Duration::from_millis(700), connect: Duration::from_millis(500) };
    Cloud::connect(&config.unwrap().cloud(None).unwrap(), &timeouts).await.unwrap()
}

pub fn setting() -> Setting {
    let ms = Duration::from_millis;
    let mut setting = Setting::new(Arc::new(now));
    setting.retry = Retry { times: 1, pause: ms(5), longest: ms(20) };
    setting.pace = Pace {
        ladder: vec![ms(5); 6],
        poll: ms(5),
        console: ms(200),
        settle: Duration::ZERO,
        allowance: Duration::from_secs(20),
        each: ms(300),
    };
    setting
}

#[allow(clippy::disallowed_methods, reason = "a test may")]
fn now() -> tidegate_model::Timestamp {
    tidegate_model::Timestamp::now()
}

pub fn plan(probes: &[Probe]) -> Plan {
    Plan {
        run: RUN.to_owned(),
        probes: probes.iter().copied().collect(),
        time: Duration::from_secs(20),
        resources: 20,
    }
}

/// What is asked of, and changed in, the memory.
struct Memory(Arc<Mutex<State>>);

impl Service for Memory {
    async fn answer(&self, request: Request) -> Option<(Response, bool)> {
        let line = request.line();
        let body = serde_json::from_slice(&request.body).unwrap_or_default();
        let ((status, body), fault) = {
            let mut state = self.0.lock().unwrap();
            state.requests.push(line.clone());
            let fault = state.faults.iter().find(|(on, _)| line.contains(on));
            let fault = fault.map(|(_, f)| f.clone());
            let answer = match &fault {
                Some(Fault::Status(status)) => {
                    (*status, json!({"error": {"message": "as asked for"}}))
                }
                other => {
                    let (method, target) = line.split_once(' ').unwrap();
                    route(&mut state, method, target, body, other.as_ref())
                }
            };
            (answer, fault)
        };
        match fault {
            Some(Fault::DoneWithoutAnswer) => return None,
            Some(Fault::Hang) => tokio::time::sleep(Duration::from_secs(60)).await,
            _ => {}
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Some((Response::json(status, body), false))
    }
}

/// `/service/version/collection/…`.
fn route(
    state: &mut State,
    method: &str,
    target: &str,
    body: Value,
    fault: Option<&Fault>,
) -> (u16, Value) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let parts: Vec<&str> = path.trim_matches('/').split('/').skip(2).collect();
    let nothing = (404, json!({"error": {"message": "not found"}}));
    let wanted = query.split('&').find_map(|p| p.strip_prefix("name="));
    match (method, parts.as_slice()) {
        ("GET", ["default-security-group-rules"]) => nothing,
        ("GET", [collection] | [collection, "detail"]) => {
            let items: Vec<Value> = state
                .things
                .iter()
                .filter(|((c, _), v)| {
                    c == collection && wanted.is_none_or(|w| v["name"].as_str() == Some(w))
                })
                .map(|(_, v)| v.clone())
                .collect();
            (200, json!({collection.replace('-', "_"): items}))
        }
        ("GET", [collection, id]) => {
            let key = (collection.to_string(), id.to_string());
            let Some(thing) = state.things.get_mut(&key) else { return nothing };
            let shown = thing.clone();
            // What is being made is ready the next time.
            if thing["status"] == "creating" {
                thing["status"] = json!("available");
            }
            if thing["status"] == "BUILD" {
                thing["status"] = json!("ACTIVE");
            }
            if *collection == "secrets" {
                return (200, shown);
            }
            (200, json!({one(collection): shown}))
        }
        ("POST", ["servers", _, "action"]) => match state.console.first().cloned() {
            Some(text) => {
                if state.console.len() > 1 {
                    state.console.remove(0);
                }
                (200, json!({"output": text}))
            }
            None => (501, json!({"error": {"message": "no console"}})),
        },
        ("POST", ["backups", id, "restore"]) => {
            // As Cinder does, the name of the volume that was backed up.
            let backup = state.things[&("backups".to_owned(), id.to_string())].clone();
            let source = backup["volume_id"].as_str().unwrap().to_owned();
            let name = state.things[&("volumes".to_owned(), source)]["name"].clone();
            let id = create(state, "volumes", json!({"name": name}), fault);
            (202, json!({"restore": {"volume_id": id}}))
        }
        ("POST", [collection]) => {
            let inner = body.get(one(collection)).cloned().unwrap_or(body);
            let id = create(state, collection, inner, fault);
            let made = state.things[&(collection.to_string(), id.clone())].clone();
            if *collection == "secrets" {
                return (201, json!({"secret_ref": format!("http://h/v1/secrets/{id}")}));
            }
            (202, json!({one(collection): made}))
        }
        ("PUT", [_, _, "add_router_interface" | "remove_router_interface"]) => (200, json!({})),
        ("PUT", [_, _, "tags", _]) => (201, Value::Null),
        ("DELETE", [collection, id]) => {
            let key = (collection.to_string(), id.to_string());
            match state.things.remove(&key) {
                Some(_) => (204, Value::Null),
                None => nothing,
            }
        }
        _ => nothing,
    }
}

fn create(state: &mut State, collection: &str, body: Value, fault: Option<&Fault>) -> String {
    state.made += 1;
    let id = format!("id-{}", state.made);
    let mut body = body;
    body["id"] = json!(id);
    body["status"] = json!(match (fault, collection) {
        (Some(Fault::Stuck(status)), _) => *status,
        (_, "servers") => "BUILD",
        _ => "creating",
    });
    if collection == "secrets" {
        body["secret_ref"] = json!(format!("http://h/v1/secrets/{id}"));
    }
    if collection == "security-groups" {
        body["security_group_rules"] = json!([
            {"id": "r", "direction": "egress", "ethertype": "IPv4", "remote_group_id": null,
             "remote_ip_prefix": null, "protocol": null, "tenant_id": "p"},
        ]);
    }
    state.put(collection, &id, body);
    id
}

fn one(collection: &str) -> String {
    collection.trim_end_matches('s').replace('-', "_")
}
