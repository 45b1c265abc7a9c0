//! Which clouds a command is about, and what is handed in for each.

use std::path::PathBuf;

use tidegate_model::Subject;
use tidegate_openstack::dashboard_address;

use super::{Config, DASHBOARD_HINT, FilePlace, FileTarget, Origin, Setting};
use crate::args::{Sources, Targets, With};
use crate::failure::{Failure, Result};

/// A cloud or cluster to collect.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) place: Place,
    /// The name under which the store keeps it; that of the cloud or context if
    /// `None`.
    pub(crate) subject: Option<Subject>,
    pub(crate) sources: Sources,
    /// Where the file names it.
    pub(crate) origin: Option<Origin>,
}

/// Where a cloud or cluster is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// A name in clouds.yaml.
    Cloud(String),
    /// A context, and the kubeconfig that it stands in; the current one and what
    /// kubectl reads if `None`.
    Cluster { context: Option<String>, kubeconfig: Option<PathBuf> },
    /// As the openstack client chooses; if it has nothing to choose from, as
    /// kubectl does.
    Default,
}

/// A name that was asked for, and what it may be the name of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    /// A target of the file, or a cloud.
    Cloud(String),
    /// A target of the file that is a cluster, or a context.
    Context(String),
}

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Cloud(name) | Self::Context(name) => name,
        }
    }
}

impl FilePlace {
    /// Whether both are the same cloud, or the same context of one kubeconfig.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.place() == other.place()
    }

    fn place(&self) -> Place {
        match self {
            Self::Cloud(name) => Place::Cloud(name.value.clone()),
            Self::Cluster { context, kubeconfig } => Place::Cluster {
                context: context.as_ref().map(|c| c.value.clone()),
                kubeconfig: kubeconfig.as_ref().map(|k| k.value.clone()),
            },
        }
    }

    /// Where the file says so.
    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Cloud(name) => Some(&name.origin),
            Self::Cluster { context: Some(context), .. } => Some(&context.origin),
            Self::Cluster { kubeconfig, .. } => kubeconfig.as_ref().map(|k| &k.origin),
        }
    }
}

impl std::fmt::Display for FilePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.place() {
            Place::Cloud(name) => write!(f, "cloud `{name}`"),
            Place::Cluster { context: Some(name), .. } => write!(f, "context `{name}`"),
            Place::Cluster { .. } | Place::Default => f.write_str("current context"),
        }
    }
}

impl Config {
    /// The targets of the file.
    pub(crate) fn file_targets(&self) -> &[FileTarget] {
        &self.file.targets
    }

    /// A target by its own name, else by that of its cloud or context: what is
    /// known by one name in the store must not get a second one by accident.
    fn target(&self, name: &Name) -> Option<&FileTarget> {
        let fits = |t: &&FileTarget| match (name, t.place.place()) {
            (Name::Cloud(name), Place::Cloud(cloud)) => cloud == *name,
            (Name::Context(name), Place::Cluster { context, .. }) => context.as_ref() == Some(name),
            _ => false,
        };
        let cluster = |t: &FileTarget| matches!(t.place, FilePlace::Cluster { .. });
        let named = |t: &&FileTarget| {
            t.subject.as_str() == name.as_str() && (matches!(name, Name::Cloud(_)) || cluster(t))
        };
        let all = &self.file.targets;
        all.iter().find(named).or_else(|| all.iter().find(fits))
    }

    /// The names of the clouds and clusters asked for, or `None` where the choice
    /// is that of the openstack client or kubectl. `all` lists those of
    /// clouds.yaml and the kubeconfig.
    ///
    /// # Errors
    /// Those of `all`.
    pub(crate) fn clouds(
        &self,
        flags: &Targets,
        all: impl FnOnce() -> Result<Vec<Name>>,
    ) -> Result<Setting<Option<Vec<Name>>>> {
        let (names, origin) = if flags.example {
            (vec![Name::Cloud("example".to_owned())], Origin::Flag("--example"))
        } else if flags.all {
            (all()?, Origin::Flag("--all"))
        } else if !flags.cloud.is_empty() || !flags.context.is_empty() {
            let flag = if flags.cloud.is_empty() { "--context" } else { "--cloud" };
            let clouds = once(&flags.cloud).into_iter().map(Name::Cloud);
            let contexts = once(&flags.context).into_iter().map(Name::Context);
            (clouds.chain(contexts).collect(), Origin::Flag(flag))
        } else if flags.kubeconfig.is_some() {
            return Ok(Setting::new(None, Origin::Flag("--kubeconfig")));
        } else if let Some(name) = self.env.var("OS_CLOUD") {
            (vec![Name::Cloud(name.to_owned())], Origin::Env("OS_CLOUD"))
        } else if let Some(first) = self.file.targets.first() {
            let name = |t: &FileTarget| Name::Cloud(t.subject.to_string());
            (self.file.targets.iter().map(name).collect(), first.origin.clone())
        } else {
            return Ok(Setting::new(None, Origin::Default));
        };
        Ok(Setting::new(Some(names), origin))
    }

    /// The clouds and clusters to collect, with what is handed in for each: by
    /// flag, else by the file.
    ///
    /// # Errors
    /// A folder of configuration, results of tests or a dashboard for several clouds;
    /// statements without signers or signers without statements; a dashboard that is
    /// not known, has no usable address, or that nothing is asked of; those of `all`.
    pub(crate) fn wanted(
        &self,
        flags: &Targets,
        sources: &Sources,
        all: impl FnOnce() -> Result<Vec<Name>>,
    ) -> Result<Vec<Wanted>> {
        let file = |own: Option<PathBuf>| flags.kubeconfig.clone().or(own);
        let one = |name: Name| {
            let target = self.target(&name).filter(|_| !flags.example);
            let place = match (target.map(|t| t.place.place()), name) {
                (Some(Place::Cluster { context, kubeconfig }), _) => {
                    Place::Cluster { context, kubeconfig: file(kubeconfig) }
                }
                (Some(place), _) => place,
                (None, Name::Cloud(name)) => Place::Cloud(name),
                (None, Name::Context(name)) => {
                    Place::Cluster { context: Some(name), kubeconfig: file(None) }
                }
            };
            Wanted {
                place,
                subject: target.map(|t| t.subject.clone()),
                sources: handed_in(sources, target),
                origin: target.and_then(|t| t.place.origin()).cloned(),
            }
        };
        let mut out: Vec<Wanted> = match self.clouds(flags, all)?.value {
            Some(names) => names.into_iter().map(one).collect(),
            None => {
                let place = match &flags.kubeconfig {
                    Some(_) => Place::Cluster { context: None, kubeconfig: file(None) },
                    None => Place::Default,
                };
                let sources = handed_in(sources, None);
                vec![Wanted { place, subject: None, sources, origin: None }]
            }
        };
        let mut seen = std::collections::BTreeSet::new();
        out.retain(|w| seen.insert((w.place.clone(), w.subject.clone())));
        if sources.config_dir.is_some() && out.len() > 1 {
            return Err(Failure::usage("`--config-dir` is the configuration of one cloud").hint(
                "name that cloud with --cloud, or give each target of tidegate.yaml its `config_dir`",
            ));
        }
        if !sources.test_results.is_empty() && out.len() > 1 {
            return Err(Failure::usage("`--test-results` are those of one cluster").hint(
                "name that cluster with --cloud, or give each target of tidegate.yaml its `test_results`",
            ));
        }
        if sources.dashboard.is_some() && out.len() > 1 {
            return Err(Failure::usage("`--dashboard` is that of one cloud").hint(
                "name that cloud with --cloud, or give each target of tidegate.yaml its `dashboard`",
            ));
        }
        let stands = out.iter().filter_map(|w| w.sources.dashboard.as_deref());
        if let Some(bad) = stands.filter_map(|d| dashboard_address(d).err()).next() {
            return Err(Failure::usage(bad.to_string()).hint(DASHBOARD_HINT));
        }
        let asks = |w: &Wanted| w.sources.with.contains(&With::Dashboard);
        if out.iter().any(|w| asks(w) && w.sources.dashboard.is_none()) {
            return Err(Failure::usage("`--with dashboard` needs to know where the dashboard is")
                .hint("name its address: --dashboard URL"));
        }
        if sources.dashboard.is_some() && out.iter().all(|w| w.sources.with.is_empty()) {
            return Err(Failure::usage("`--dashboard` is of no use by itself")
                .hint("say what is to be asked there: --with dashboard,tls"));
        }
        if sources.allowed_signers.is_some() && out.iter().all(|w| w.sources.attestation.is_empty())
        {
            return Err(Failure::usage("`--allowed-signers` is of no use without statements")
                .hint("hand them in: --attestation PATH"));
        }
        if out.iter().any(|w| w.sources.is_unsigned()) {
            return Err(Failure::usage("`--attestation` needs to know who may sign")
                .hint("name the file that says so: --allowed-signers FILE"));
        }
        Ok(out)
    }

    /// The names in the store that a command is about; empty for all there are.
    pub(crate) fn subjects(&self, named: &[String]) -> Vec<String> {
        if named.is_empty() {
            return self.file.targets.iter().map(|t| t.subject.to_string()).collect();
        }
        let subject = |name: &String| {
            let target = self.target(&Name::Cloud(name.clone()));
            let target = target.or_else(|| self.target(&Name::Context(name.clone())));
            target.map_or_else(|| name.clone(), |t| t.subject.to_string())
        };
        once(&named.iter().map(subject).collect::<Vec<_>>())
    }
}

/// Each name once, where it stands first.
fn once(names: &[String]) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    names.iter().filter(|n| seen.insert(n.as_str())).cloned().collect()
}

/// What flags hand in replaces what the file hands in, each by itself.
fn handed_in(flags: &Sources, target: Option<&FileTarget>) -> Sources {
    let path = |p: &Option<Setting<PathBuf>>| p.as_ref().map(|s| s.value.clone());
    let mut out = flags.clone();
    let Some(target) = target else { return out };
    if out.attestation.is_empty() {
        out.attestation = target.attestation.as_ref().map(|s| s.value.clone()).unwrap_or_default();
    }
    out.allowed_signers = out.allowed_signers.or_else(|| path(&target.allowed_signers));
    out.config_dir = out.config_dir.or_else(|| path(&target.config_dir));
    if out.test_results.is_empty() {
        out.test_results =
            target.test_results.as_ref().map(|s| s.value.clone()).unwrap_or_default();
    }
    if out.with.is_empty() {
        out.with = target.with.as_ref().map(|s| s.value.clone()).unwrap_or_default();
    }
    out.dashboard = out.dashboard.or_else(|| target.dashboard.as_ref().map(|s| s.value.clone()));
    out
}
