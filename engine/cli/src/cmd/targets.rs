//! From the names of clouds and clusters to what is signed in to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tidegate_kubernetes::Cluster;
use tidegate_model::Subject;
use tidegate_openstack::Cloud;
use tidegate_replay::{Recording, Replay};

use crate::args::{Sources, Targets};
use crate::cmd::Context;
use crate::config::{Name, Place, Wanted};
use crate::env::{self, Env};
use crate::failure::{Failure, Result};
use crate::rules::System;

/// The clouds and clusters asked for.
pub(crate) struct Reached {
    pub(crate) reached: Vec<Target>,
    /// Whether one of several could not be signed in to. The others are
    /// collected all the same, and the run fails in the end.
    pub(crate) missed: bool,
}

/// A cloud or cluster to collect, signed in.
pub(crate) struct Target {
    pub(crate) subject: Subject,
    pub(crate) source: Source,
    /// The files handed in for it.
    pub(crate) sources: Sources,
    /// Serves the example while it is collected.
    _example: Option<Replay>,
}

/// What is collected.
pub(crate) enum Source {
    OpenStack(Cloud),
    Kubernetes(Cluster),
}

impl Source {
    pub(crate) fn system(&self) -> System {
        match self {
            Self::OpenStack(_) => System::OpenStack,
            Self::Kubernetes(_) => System::Kubernetes,
        }
    }

    /// The regions of a cloud; a cluster has none.
    pub(crate) fn regions(&self) -> Vec<&str> {
        match self {
            Self::OpenStack(cloud) => cloud.regions().collect(),
            Self::Kubernetes(_) => Vec::new(),
        }
    }

    /// The cloud, for what only clouds have.
    ///
    /// # Errors
    /// If it is a cluster.
    pub(crate) fn cloud(&self) -> Result<&Cloud> {
        match self {
            Self::OpenStack(cloud) => Ok(cloud),
            Self::Kubernetes(cluster) => Err(Failure::usage(format!(
                "context `{}` is a Kubernetes cluster, and only OpenStack clouds are probed",
                cluster.context()
            ))
            .hint("name a cloud with --cloud")),
        }
    }

    /// Its name where it comes from, as the store takes names: what a folder
    /// cannot be named becomes `-`.
    fn subject(&self) -> Result<Subject> {
        let name = match self {
            Self::OpenStack(cloud) => cloud.name().to_owned(),
            Self::Kubernetes(cluster) => slug(cluster.context()),
        };
        Subject::new(name).map_err(|e| {
            Failure::usage(e.to_string()).hint(
                "its name names a folder of the store: rename the cloud in clouds.yaml, or make \
                 it a target of another name in tidegate.yaml",
            )
        })
    }
}

/// A context's name, with `-` for all that is no letter, digit, `-`, `_` or `.`:
/// `kubernetes-admin@prod1` is `kubernetes-admin-prod1`.
fn slug(context: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let text: String = context.chars().map(|c| if plain(c) { c } else { '-' }).collect();
    text.trim_start_matches(['-', '.']).chars().take(128).collect()
}

/// Signs in to every cloud and cluster asked for, before anything is written.
pub(crate) async fn reach(
    ctx: &mut Context<'_>,
    args: &Targets,
    sources: &Sources,
) -> Result<Reached> {
    if args.example {
        let wanted = ctx.config.wanted(args, sources, || Ok(Vec::new()))?;
        let sources = wanted.into_iter().next().map(|w| w.sources).unwrap_or_default();
        return Ok(Reached { reached: vec![example(sources).await?], missed: false });
    }
    let mut configs = Configs { env: ctx.env, openstack: None, kubernetes: BTreeMap::new() };
    let wanted = ctx.config.wanted(args, sources, || configs.all(args.kubeconfig.clone()))?;
    let several = wanted.len() > 1;
    let mut out = Reached { reached: Vec::new(), missed: false };
    for Wanted { place, subject, sources, origin } in wanted {
        let settings = configs.settings(place).map_err(|e| match &origin {
            Some(origin) => e.also(format!("it is named by {origin}")),
            None => e,
        })?;
        settings.takes(&sources)?;
        ctx.ui.progress("signing in");
        let source = match settings.connect().await {
            Ok(source) => source,
            Err(failure) if several => {
                ctx.ui.failure(&failure);
                out.missed = true;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let subject = subject.map_or_else(|| source.subject(), Ok)?;
        if out.reached.iter().any(|t| t.subject == subject) {
            return Err(Failure::usage(format!("two of them would be kept as `{subject}`"))
                .hint("give each a name of its own: targets: {NAME: {...}} in tidegate.yaml"));
        }
        out.reached.push(Target { subject, source, sources, _example: None });
    }
    if out.reached.is_empty() {
        return Err(Failure::new("none of the clouds could be signed in to"));
    }
    Ok(out)
}

/// The configuration files of both systems, read when one is needed.
struct Configs<'e> {
    env: &'e Env,
    openstack: Option<tidegate_openstack::Config>,
    /// By the kubeconfig that was named.
    kubernetes: BTreeMap<Option<PathBuf>, tidegate_kubernetes::Config>,
}

/// How to sign in.
enum Settings {
    OpenStack(Box<tidegate_openstack::Settings>),
    Kubernetes(Box<tidegate_kubernetes::Settings>),
}

impl Configs<'_> {
    fn openstack(&mut self) -> Result<&tidegate_openstack::Config> {
        let env = self.env;
        let loaded = match self.openstack.take() {
            Some(config) => config,
            None => tidegate_openstack::Config::load(&tidegate_openstack::Environment {
                vars: env.vars.clone(),
                cwd: env.cwd.clone(),
                home: env.var("HOME").map(PathBuf::from),
            })
            .map_err(openstack_failure)?,
        };
        Ok(self.openstack.insert(loaded))
    }

    fn kubernetes(&mut self, file: Option<PathBuf>) -> Result<&tidegate_kubernetes::Config> {
        let env = self.env;
        if !self.kubernetes.contains_key(&file) {
            let env = tidegate_kubernetes::Environment {
                vars: env.vars.clone(),
                cwd: env.cwd.clone(),
                home: env.var("HOME").map(PathBuf::from),
                service_account: None,
            };
            let config = tidegate_kubernetes::Config::load(&env, file.as_deref());
            self.kubernetes.insert(file.clone(), config.map_err(kubernetes_failure)?);
        }
        self.kubernetes.get(&file).ok_or_else(|| Failure::new("the kubeconfig is not read"))
    }

    /// Every cloud and every context.
    fn all(&mut self, kubeconfig: Option<PathBuf>) -> Result<Vec<Name>> {
        let clouds = self.openstack()?.names().into_iter().map(Name::Cloud);
        let mut all: Vec<Name> = clouds.collect();
        let config = self.kubernetes(kubeconfig)?;
        let mut contexts = config.contexts();
        if contexts.is_empty() {
            contexts.extend(config.current().map(str::to_owned));
        }
        all.extend(contexts.into_iter().map(Name::Context));
        if all.is_empty() {
            // The same text as for no configuration at all.
            self.openstack()?.cloud(None).map_err(openstack_failure)?;
        }
        Ok(all)
    }

    fn settings(&mut self, place: Place) -> Result<Settings> {
        match place {
            Place::Cloud(name) => {
                let settings = self.openstack()?.cloud(Some(&name)).map_err(openstack_failure)?;
                Ok(Settings::OpenStack(Box::new(settings)))
            }
            Place::Cluster { context, kubeconfig } => self.context(context.as_deref(), kubeconfig),
            Place::Default => match self.openstack()?.cloud(None) {
                Ok(settings) => Ok(Settings::OpenStack(Box::new(settings))),
                Err(nothing @ tidegate_openstack::CollectError::NoConfig { .. }) => {
                    self.no_cloud(nothing)
                }
                Err(other) => Err(openstack_failure(other)),
            },
        }
    }

    /// The current context, where there is no cloud to choose.
    fn no_cloud(&mut self, nothing: tidegate_openstack::CollectError) -> Result<Settings> {
        // Whoever sets KUBECONFIG means a cluster.
        let meant = self.env.var("KUBECONFIG").is_some();
        let config = self.kubernetes(None)?;
        if config.current().is_some() || meant {
            return self.context(None, None);
        }
        let (contexts, failure) = (config.contexts(), openstack_failure(nothing));
        Err(match contexts.is_empty() {
            true => failure,
            false => failure.hint(format!("or name a cluster: --context {}", contexts.join(", "))),
        })
    }

    fn context(&mut self, name: Option<&str>, kubeconfig: Option<PathBuf>) -> Result<Settings> {
        let settings = self.kubernetes(kubeconfig)?.context(name).map_err(kubernetes_failure)?;
        Ok(Settings::Kubernetes(Box::new(settings)))
    }
}

impl Settings {
    /// Refuses what is handed in for a cluster and only clouds have.
    fn takes(&self, sources: &Sources) -> Result<()> {
        match self {
            Self::Kubernetes(settings) if !sources.with.is_empty() => {
                let context = settings.context();
                let text = "`--with` asks the hosts of an OpenStack catalog, and context";
                Err(Failure::usage(format!("{text} `{context}` is a Kubernetes cluster"))
                    .hint("name clouds with --cloud, or give `with` to targets in tidegate.yaml"))
            }
            Self::OpenStack(_) | Self::Kubernetes(_) => Ok(()),
        }
    }

    async fn connect(&self) -> Result<Source> {
        match self {
            Self::OpenStack(settings) => connect(settings).await.map(Source::OpenStack),
            Self::Kubernetes(settings) => {
                let timeouts = tidegate_kubernetes::Timeouts::default();
                let cluster = Cluster::connect(settings, &timeouts, Arc::new(env::now)).await;
                cluster.map(Source::Kubernetes).map_err(kubernetes_failure)
            }
        }
    }
}

/// The bundled example cloud, served on loopback and read like any other.
async fn example(sources: Sources) -> Result<Target> {
    let recording = Recording::example().map_err(|e| Failure::from_error(&e))?;
    let account = recording.accounts.first().cloned();
    let account = account.ok_or_else(|| Failure::new("the example cloud has no account"))?;
    let replay = Replay::start(recording)
        .await
        .map_err(|e| Failure::new("cannot serve the example cloud").caused_by(Some(&e)))?;
    let vars = [
        ("OS_AUTH_URL", replay.auth_url()),
        ("OS_USERNAME", account.user),
        ("OS_PASSWORD", account.password),
        ("OS_PROJECT_NAME", account.project.unwrap_or_default()),
        ("OS_USER_DOMAIN_NAME", "Default".to_owned()),
        ("OS_PROJECT_DOMAIN_NAME", "Default".to_owned()),
    ];
    let vars = vars.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    let env = tidegate_openstack::Environment { vars, cwd: PathBuf::from("/"), home: None };
    let settings = tidegate_openstack::Config::load(&env).and_then(|c| c.cloud(Some("envvars")));
    let cloud = connect(&settings.map_err(openstack_failure)?).await?;
    let subject = Subject::new("example").map_err(|e| Failure::from_error(&e))?;
    let source = Source::OpenStack(cloud);
    Ok(Target { subject, source, sources, _example: Some(replay) })
}

async fn connect(settings: &tidegate_openstack::Settings) -> Result<Cloud> {
    let timeouts = tidegate_openstack::Timeouts::default();
    Cloud::connect(settings, &timeouts).await.map_err(openstack_failure)
}

pub(crate) fn openstack_failure(error: tidegate_openstack::CollectError) -> Failure {
    use tidegate_openstack::CollectError as E;
    let hint = error.hint();
    let text = Failure::from_error(&error).hint(hint);
    match error {
        E::UnknownCloud { .. } | E::NoCloudChosen { .. } | E::UnknownRegion { .. } => {
            text.into_usage()
        }
        _ => text,
    }
}

pub(crate) fn kubernetes_failure(error: tidegate_kubernetes::CollectError) -> Failure {
    use tidegate_kubernetes::CollectError as E;
    let hint = error.hint();
    let text = Failure::from_error(&error).hint(hint);
    match error {
        E::UnknownContext { .. } | E::NoContextChosen { .. } => text.into_usage(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_becomes_a_name_of_the_store() {
        assert_eq!(slug("kubernetes-admin@prod1"), "kubernetes-admin-prod1");
        assert_eq!(slug("arn:aws:eks:eu/cluster"), "arn-aws-eks-eu-cluster");
        assert_eq!(slug("..hidden"), "hidden");
        assert_eq!(slug(&"x".repeat(300)).len(), 128);
    }
}
