//! Finds out which cloud is meant and how to sign in, as the openstack client
//! does: clouds.yaml, secure.yaml, clouds-public.yaml and `OS_` variables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use openstack_sdk::config::CloudConfig;
use serde_json::{Map, Value};

use crate::config_files::{folders, merge, read_first};
use crate::error::CollectError;

/// What the process was given: the caller reads it, this crate never does.
#[derive(Clone, Default)]
pub struct Environment {
    /// The environment variables; only `OS_*` and `XDG_CONFIG_HOME` matter.
    pub vars: BTreeMap<String, String>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The home directory, if there is one.
    pub home: Option<PathBuf>,
}

/// All clouds that are configured.
#[derive(Clone)]
pub struct Config {
    clouds: BTreeMap<String, Map<String, Value>>,
    env: Map<String, Value>,
    env_selects: Option<String>,
    searched: Vec<PathBuf>,
}

/// How to reach one cloud. Holds secrets; does not implement `Debug`.
#[derive(Clone)]
pub struct Settings {
    pub(crate) name: String,
    pub(crate) auth_url: String,
    pub(crate) cloud: CloudConfig,
    /// Regions named in the configuration, in order; none means all.
    pub(crate) regions: Vec<String>,
}

/// How long one request may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// From asking to the last byte. A page of 1000 servers of a busy Nova
    /// takes about 10 s.
    pub request: Duration,
    /// To make a connection.
    pub connect: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { request: Duration::from_secs(60), connect: Duration::from_secs(10) }
    }
}

/// The name that openstacksdk gives to the cloud of the `OS_` variables.
const ENVVARS: &str = "envvars";

/// Members of `auth`; those that users put one level higher are moved down.
const AUTH_KEYS: [&str; 22] = [
    "auth_url",
    "username",
    "user_id",
    "password",
    "token",
    "passcode",
    "project_id",
    "project_name",
    "user_domain_id",
    "user_domain_name",
    "project_domain_id",
    "project_domain_name",
    "domain_id",
    "domain_name",
    "system_scope",
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
    "default_domain_id",
    "default_domain_name",
    "tenant_id",
    "tenant_name",
];

/// Variables that select or steer and do not make a cloud by themselves.
const SELECTORS: [&str; 6] = [
    "OS_CLOUD",
    "OS_CLOUD_NAME",
    "OS_REGION_NAME",
    "OS_CLIENT_CONFIG_FILE",
    "OS_CLIENT_SECURE_FILE",
    "OS_CLIENT_VENDOR_FILE",
];

/// Lists the names of all configured clouds, sorted; `envvars` is the cloud of
/// the `OS_` variables.
///
/// # Errors
/// [`CollectError::BadConfig`] if a file cannot be read.
pub fn list_clouds(env: &Environment) -> Result<Vec<String>, CollectError> {
    Ok(Config::load(env)?.names())
}

impl Config {
    /// Reads the configuration files and variables.
    ///
    /// # Errors
    /// [`CollectError::BadConfig`] if a file is there and cannot be read. No
    /// file at all is not an error yet.
    pub fn load(env: &Environment) -> Result<Self, CollectError> {
        let var = |name: &str| env.vars.get(name).filter(|v| !v.is_empty());
        let home = env.home.as_deref();
        let searched = folders(&env.cwd, home, var("XDG_CONFIG_HOME").map(String::as_str));
        let named = |name: &str| var(name).map(|p| env.cwd.join(expand(p, home)));
        let file = |name, stem| read_first(named(name), &searched, stem);

        let mut top = file("OS_CLIENT_CONFIG_FILE", "clouds")?.map(|f| f.1).unwrap_or_default();
        if let Some((_, secure)) = file("OS_CLIENT_SECURE_FILE", "secure")? {
            merge(&mut top, secure);
        }
        let profiles = file("OS_CLIENT_VENDOR_FILE", "clouds-public")?
            .and_then(|(_, mut f)| f.remove("public-clouds"))
            .and_then(object)
            .unwrap_or_default();

        let mut clouds = BTreeMap::new();
        for (name, cloud) in top.remove("clouds").and_then(object).unwrap_or_default() {
            let Some(mut cloud) = object(cloud) else { continue };
            let profile = cloud.get("profile").or_else(|| cloud.get("cloud"));
            if let Some(profile) = profile.and_then(Value::as_str)
                && let Some(base) = profiles.get(profile).cloned().and_then(object)
            {
                let over = std::mem::replace(&mut cloud, base);
                merge(&mut cloud, over);
            }
            clouds.insert(name, cloud);
        }

        let mut own = Map::new();
        let mut makes_a_cloud = false;
        for (name, value) in &env.vars {
            let ignored = ["OS_TEST", "OS_STD", "OS_LOG"].iter().any(|p| name.starts_with(p));
            let Some(rest) = name.strip_prefix("OS_").filter(|_| !ignored) else { continue };
            if value.is_empty() || SELECTORS.contains(&name.as_str()) && name != "OS_REGION_NAME" {
                continue;
            }
            makes_a_cloud |= !SELECTORS.contains(&name.as_str());
            own.insert(rest.to_ascii_lowercase(), Value::String(value.clone()));
        }
        if makes_a_cloud && own.contains_key("auth_url") {
            clouds.insert(ENVVARS.to_owned(), Map::new());
        }
        Ok(Self { clouds, env: own, env_selects: var("OS_CLOUD").cloned(), searched })
    }

    /// The names of all clouds, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.clouds.keys().cloned().collect()
    }

    /// Picks a cloud: the one named, else that of `OS_CLOUD`, else that of the
    /// `OS_` variables, else the only one there is. `OS_` variables override
    /// single settings of the cloud, as they do for the openstack client.
    ///
    /// # Errors
    /// [`CollectError::NoConfig`], [`CollectError::UnknownCloud`],
    /// [`CollectError::NoCloudChosen`] or [`CollectError::NoUsableAuth`].
    pub fn cloud(&self, name: Option<&str>) -> Result<Settings, CollectError> {
        if self.clouds.is_empty() {
            return Err(CollectError::NoConfig { searched: self.searched.clone() });
        }
        let known = || self.names().into_iter().filter(|n| n != ENVVARS).collect();
        let chosen = name.or(self.env_selects.as_deref());
        let (name, mut cloud) = match chosen {
            Some(name) => match self.clouds.get(name) {
                Some(cloud) => (name, cloud.clone()),
                None => {
                    return Err(CollectError::UnknownCloud {
                        name: name.to_owned(),
                        known: known(),
                    });
                }
            },
            None if self.clouds.contains_key(ENVVARS) => (ENVVARS, Map::new()),
            None => match self.clouds.iter().next() {
                Some((name, cloud)) if self.clouds.len() == 1 => (name.as_str(), cloud.clone()),
                _ => return Err(CollectError::NoCloudChosen { known: known() }),
            },
        };
        // A cloud named outright keeps its own identity: with credentials of a
        // different cloud in the environment, mixing would sign in elsewhere.
        let over = match chosen {
            Some(n) if n != ENVVARS && self.env.contains_key("auth_url") => {
                self.env.iter().filter(|(k, _)| !is_auth(k)).map(own_pair).collect()
            }
            _ => self.env.clone(),
        };
        settings(name, &mut cloud, over)
    }
}

fn own_pair((k, v): (&String, &Value)) -> (String, Value) {
    (k.clone(), v.clone())
}

fn is_auth(key: &str) -> bool {
    AUTH_KEYS.contains(&key) || key == "auth_type"
}

/// Brings one cloud into the shape that the SDK takes.
fn settings(
    name: &str,
    cloud: &mut Map<String, Value>,
    env: Map<String, Value>,
) -> Result<Settings, CollectError> {
    let no_auth =
        |why: &str| CollectError::NoUsableAuth { cloud: name.to_owned(), why: why.to_owned() };
    let mut auth = cloud.remove("auth").and_then(object).unwrap_or_default();
    if env.contains_key("region_name") {
        cloud.remove("regions");
    }
    merge(cloud, env);
    for key in AUTH_KEYS {
        if let Some(value) = cloud.remove(key) {
            auth.insert(key.to_owned(), value);
        }
    }
    for value in auth.values_mut() {
        // YAML reads an all-digit password or id as a number.
        if value.is_number() || value.is_boolean() {
            *value = Value::String(value.to_string());
        }
    }
    tidy_auth(&mut auth);
    let auth_type = sign_in_with(cloud.get("auth_type").and_then(Value::as_str), &auth)
        .map_err(|why| no_auth(&why))?;
    if auth_type == "v3applicationcredential" {
        // The credential has its scope in it; Keystone refuses another.
        for key in ["project_id", "project_name", "domain_id", "domain_name", "system_scope"] {
            auth.remove(key);
        }
    }
    let auth_url = auth.get("auth_url").and_then(Value::as_str).unwrap_or_default().to_owned();
    if auth_url.is_empty() {
        return Err(no_auth("`auth_url` is missing"));
    }
    let at = url::Url::parse(&auth_url).ok().filter(|u| matches!(u.scheme(), "http" | "https"));
    let at = at.ok_or_else(|| no_auth("`auth_url` is not an http or https address"))?;
    // It is shown where something goes wrong.
    if !at.username().is_empty() || at.password().is_some() {
        return Err(no_auth("`auth_url` has a user or a password in it"));
    }

    let text = |v: &Value| v.as_str().map(str::to_owned);
    let region_name = cloud.remove("region_name").as_ref().and_then(text);
    let listed: Vec<String> = match cloud.remove("regions") {
        Some(Value::Array(list)) => {
            list.iter().filter_map(|r| text(r).or_else(|| r.get("name").and_then(text))).collect()
        }
        _ => Vec::new(),
    };
    let regions = if listed.is_empty() { region_name.into_iter().collect() } else { listed };
    if truthy(cloud.remove("insecure").as_ref()) {
        cloud.insert("verify".to_owned(), Value::Bool(false));
    }
    if let Some(verify) = cloud.get("verify").cloned() {
        cloud.insert("verify".to_owned(), Value::Bool(truthy(Some(&verify))));
    }
    if let Some(interface) = cloud.remove("endpoint_type") {
        cloud.entry("interface").or_insert(interface);
    }
    if let Some(interface) = cloud.get("interface").and_then(Value::as_str) {
        let bare = interface.trim_end_matches("URL").to_owned();
        cloud.insert("interface".to_owned(), Value::String(bare));
    }
    let mut wanted = Map::new();
    for (key, value) in std::mem::take(cloud) {
        let known = ["interface", "cacert", "verify"].contains(&key.as_str());
        if known || key.ends_with("_endpoint_override") || key == "profile" {
            wanted.insert(key, value);
        }
    }
    wanted.insert("auth".to_owned(), Value::Object(auth));
    wanted.insert("auth_type".to_owned(), Value::String(auth_type.to_owned()));
    wanted.insert("auth_cache".to_owned(), Value::Bool(false));
    wanted.insert("name".to_owned(), Value::String(name.to_owned()));
    let cloud: CloudConfig = serde_json::from_value(Value::Object(wanted))
        .map_err(|e| no_auth(&format!("a setting has the wrong type ({})", category(&e))))?;
    Ok(Settings { name: name.to_owned(), auth_url, cloud, regions })
}

/// Older and shorter spellings, as openstacksdk maps them.
fn tidy_auth(auth: &mut Map<String, Value>) {
    for (old, new) in [("tenant_id", "project_id"), ("tenant_name", "project_name")] {
        if let Some(value) = auth.remove(old) {
            auth.entry(new).or_insert(value);
        }
    }
    let scoped = auth.contains_key("project_id") || auth.contains_key("project_name");
    for what in ["id", "name"] {
        if scoped && let Some(value) = auth.remove(&format!("domain_{what}")) {
            for whose in ["user_domain", "project_domain"] {
                auth.entry(format!("{whose}_{what}")).or_insert(value.clone());
            }
        }
    }
    for what in ["id", "name"] {
        let Some(value) = auth.remove(&format!("default_domain_{what}")) else { continue };
        for (whose, needed) in [
            ("user_domain", auth.contains_key("username")),
            ("project_domain", auth.contains_key("project_name")),
        ] {
            let given = ["id", "name"].iter().any(|w| auth.contains_key(&format!("{whose}_{w}")));
            if needed && !given {
                auth.insert(format!("{whose}_{what}"), value.clone());
            }
        }
    }
}

/// The SDK's name of the way to sign in; guessed from what is there if unsaid.
fn sign_in_with(given: Option<&str>, auth: &Map<String, Value>) -> Result<&'static str, String> {
    let has = |key: &str| auth.get(key).is_some_and(|v| !v.is_null());
    let kind = match given {
        Some("password" | "v3password") => "v3password",
        Some("token" | "v3token") => "v3token",
        Some("v3applicationcredential" | "applicationcredential" | "application_credential") => {
            "v3applicationcredential"
        }
        Some(other) => return Err(format!("auth_type `{other}` is not supported")),
        None if has("application_credential_secret") => "v3applicationcredential",
        None if has("token") && !has("password") => "v3token",
        None => "v3password",
    };
    let missing = match kind {
        "v3applicationcredential" if !has("application_credential_secret") => {
            "application_credential_secret"
        }
        "v3applicationcredential"
            if !has("application_credential_id") && !has("application_credential_name") =>
        {
            "application_credential_id"
        }
        "v3token" if !has("token") => "token",
        "v3password" if !has("username") && !has("user_id") => "username",
        "v3password" if !has("password") => "password",
        "v3password" if !has("user_id") && !has("user_domain_id") && !has("user_domain_name") => {
            "user_domain_name"
        }
        _ => return Ok(kind),
    };
    Err(format!("`{missing}` is missing"))
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

fn truthy(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(b)) => *b,
        Some(Value::String(s)) => {
            matches!(s.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on")
        }
        Some(Value::Number(n)) => n.as_u64() != Some(0),
        _ => false,
    }
}

/// What kind of error it is, without the text, which may quote a secret.
fn category(e: &serde_json::Error) -> &'static str {
    match e.classify() {
        serde_json::error::Category::Data => "expected text",
        _ => "not readable",
    }
}

fn expand(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
