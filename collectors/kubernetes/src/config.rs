//! Finds the kubeconfig as kubectl does: the files of `KUBECONFIG`, else
//! `~/.kube/config`, else the ServiceAccount of the pod that this runs in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{Kubeconfig, KubeconfigError};
use tidegate_retry::innermost;

use crate::error::CollectError;
use crate::proxy;

/// The name of the context that stands for the ServiceAccount of the pod.
pub const IN_CLUSTER: &str = "in-cluster";

/// Where a pod finds the credential of its ServiceAccount.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What is read of the process's surroundings.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Variables.
    pub vars: BTreeMap<String, String>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The home directory.
    pub home: Option<PathBuf>,
    /// Where the credential of a pod's ServiceAccount is, if not at the usual
    /// place.
    pub service_account: Option<PathBuf>,
}

impl Environment {
    fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }
}

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For one answer, body included. A page of 500 pods is 3 MB.
    pub request: Duration,
    /// For a connection.
    pub connect: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { request: Duration::from_secs(60), connect: Duration::from_secs(10) }
    }
}

/// The contexts that can be reached.
#[derive(Debug, Clone)]
pub struct Config {
    kubeconfig: Kubeconfig,
    env: Environment,
    /// The files that were looked for.
    searched: Vec<PathBuf>,
}

/// One context, ready to be reached.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) context: String,
    pub(crate) config: kube::Config,
}

impl Settings {
    /// The context.
    #[must_use]
    pub fn context(&self) -> &str {
        &self.context
    }
}

impl Config {
    /// Reads `file`, or what kubectl reads without `--kubeconfig`. Of a list in
    /// `KUBECONFIG`, files that do not exist are left out; no file at all is no
    /// error here.
    ///
    /// # Errors
    /// [`CollectError::BadConfig`] if a file cannot be used, or `file` is not
    /// there.
    pub fn load(env: &Environment, file: Option<&Path>) -> Result<Self, CollectError> {
        let at = |p: PathBuf| env.cwd.join(p);
        let searched: Vec<PathBuf> = match (file, env.var("KUBECONFIG")) {
            (Some(file), _) => vec![at(file.to_owned())],
            (None, Some(list)) => {
                std::env::split_paths(list).filter(|p| !p.as_os_str().is_empty()).map(at).collect()
            }
            (None, None) => env.home.iter().map(|home| home.join(".kube/config")).collect(),
        };
        let mut kubeconfig = Kubeconfig::default();
        for path in &searched {
            if file.is_none() && !path.exists() {
                continue;
            }
            kubeconfig = Kubeconfig::read_from(path)
                .and_then(|next| kubeconfig.merge(next))
                .map_err(|e| bad_config(path, &e))?;
        }
        Ok(Self { kubeconfig, env: env.clone(), searched })
    }

    /// The contexts of the kubeconfig, sorted.
    #[must_use]
    pub fn contexts(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.kubeconfig.contexts.iter().map(|c| c.name.clone()).collect();
        names.sort();
        names
    }

    /// The context that is used when none is named: the current one, else the
    /// ServiceAccount of the pod.
    #[must_use]
    pub fn current(&self) -> Option<&str> {
        let named = self.kubeconfig.current_context.as_deref().filter(|c| !c.is_empty());
        named.or_else(|| self.in_pod().then_some(IN_CLUSTER))
    }

    /// Whether this runs in a pod that has a credential, and no kubeconfig says
    /// otherwise.
    fn in_pod(&self) -> bool {
        self.kubeconfig.contexts.is_empty()
            && self.env.var("KUBERNETES_SERVICE_HOST").is_some()
            && self.account("token").exists()
    }

    fn account(&self, file: &str) -> PathBuf {
        let usual = || Path::new(SERVICE_ACCOUNT);
        self.env.service_account.as_deref().unwrap_or_else(usual).join(file)
    }

    /// The settings of a context, or of the [`Config::current`] one.
    ///
    /// # Errors
    /// [`CollectError::NoConfig`], [`CollectError::NoContextChosen`],
    /// [`CollectError::UnknownContext`], or [`CollectError::BadContext`] if what
    /// the context names is missing or cannot be read.
    pub fn context(&self, name: Option<&str>) -> Result<Settings, CollectError> {
        let Some(name) = name.or(self.current()) else {
            return Err(match self.contexts() {
                known if known.is_empty() => {
                    CollectError::NoConfig { searched: self.searched.clone() }
                }
                known => CollectError::NoContextChosen { known },
            });
        };
        if name == IN_CLUSTER && self.in_pod() {
            return self.in_cluster();
        }
        if !self.kubeconfig.contexts.iter().any(|c| c.name == name) {
            let known = self.contexts();
            return Err(CollectError::UnknownContext { name: name.to_owned(), known });
        }
        let bad = |e: KubeconfigError| bad_context(name, plain(&e));
        let mut chosen = self.kubeconfig.clone();
        chosen.current_context = Some(name.to_owned());
        let mut config = kube::Config::try_from(chosen).map_err(bad)?;
        // It is shown where something goes wrong.
        if config.cluster_url.authority().is_some_and(|a| a.as_str().contains('@')) {
            let why = "`server` of its cluster has a user or a password in it";
            return Err(bad_context(name, why.to_owned()));
        }
        // kube reads the process's environment for this; here it is passed in.
        config.proxy_url = match self.own_proxy(name) {
            Some(own) => Some(own.parse().map_err(|_| {
                bad_context(name, "`proxy-url` of its cluster is no URL".to_owned())
            })?),
            None => proxy::choose(&config.cluster_url, &|v| self.env.var(v))
                .map_err(|why| bad_context(name, why))?,
        };
        Ok(Settings { context: name.to_owned(), config })
    }

    /// The proxy that the kubeconfig itself names for a context.
    fn own_proxy(&self, context: &str) -> Option<&str> {
        let contexts = &self.kubeconfig.contexts;
        let context = contexts.iter().find(|c| c.name == context)?.context.as_ref()?;
        let named = self.kubeconfig.clusters.iter().find(|c| c.name == context.cluster)?;
        named.cluster.as_ref()?.proxy_url.as_deref().filter(|p| !p.is_empty())
    }

    /// The ServiceAccount of the pod. Its token and the authority are read again
    /// when they change.
    fn in_cluster(&self) -> Result<Settings, CollectError> {
        let host = self.env.var("KUBERNETES_SERVICE_HOST").unwrap_or_default();
        let port = self.env.var("KUBERNETES_SERVICE_PORT").unwrap_or("443");
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let url = format!("https://{host}:{port}");
        let url = url.parse().map_err(|_| bad_context(IN_CLUSTER, format!("`{url}` is no URL")))?;
        let mut config = kube::Config::new(url);
        config.root_cert_file = Some(self.account("ca.crt"));
        config.auth_info.token_file = Some(self.account("token").to_string_lossy().into_owned());
        if let Ok(namespace) = std::fs::read_to_string(self.account("namespace")) {
            config.default_namespace = namespace.trim().to_owned();
        }
        Ok(Settings { context: IN_CLUSTER.to_owned(), config })
    }
}

fn bad_config(path: &Path, e: &KubeconfigError) -> CollectError {
    let why = match e {
        KubeconfigError::ReadConfig(why, _) => innermost(why),
        // The parser's own text goes on with lines of the file, which may hold
        // secrets.
        other => plain(other),
    };
    CollectError::BadConfig { path: path.to_owned(), why }
}

fn bad_context(context: &str, why: String) -> CollectError {
    CollectError::BadContext { context: context.to_owned(), why }
}

/// The first line of an error, which names the place; further ones quote the
/// file.
pub(crate) fn plain(e: &dyn std::error::Error) -> String {
    let text = e.to_string();
    let line = text.lines().next().unwrap_or_default();
    match tidegate_redact::secret_text(line) {
        Some(_) => "it holds something that is not expected there".to_owned(),
        None => line.chars().take(200).collect(),
    }
}
