//! Which clouds a command is about, and what is handed in for each.

use std::path::PathBuf;

use tidegate_model::Subject;

use super::{Config, FileTarget, Origin, Setting};
use crate::args::{Sources, Targets};
use crate::failure::{Failure, Result};

/// A cloud to collect.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The name in clouds.yaml; as the openstack client chooses if `None`.
    pub(crate) cloud: Option<String>,
    /// The name under which the store keeps it; that of the cloud if `None`.
    pub(crate) subject: Option<Subject>,
    pub(crate) sources: Sources,
    /// Where the file names it.
    pub(crate) origin: Option<Origin>,
}

impl Config {
    /// The targets of the file.
    pub(crate) fn file_targets(&self) -> &[FileTarget] {
        &self.file.targets
    }

    /// A target by its own name, else by that of its cloud: what is known by one
    /// name in the store must not get a second one by accident.
    fn target(&self, name: &str) -> Option<&FileTarget> {
        let all = &self.file.targets;
        all.iter()
            .find(|t| t.subject.as_str() == name)
            .or_else(|| all.iter().find(|t| t.cloud.value == name))
    }

    /// The names of the clouds asked for, or `None` where the choice is the
    /// openstack client's. `all` lists those of clouds.yaml.
    ///
    /// # Errors
    /// Those of `all`.
    pub(crate) fn clouds(
        &self,
        flags: &Targets,
        all: impl FnOnce() -> Result<Vec<String>>,
    ) -> Result<Setting<Option<Vec<String>>>> {
        let (names, origin) = if flags.example {
            (vec!["example".to_owned()], Origin::Flag("--example"))
        } else if flags.all {
            (all()?, Origin::Flag("--all"))
        } else if !flags.cloud.is_empty() {
            (once(&flags.cloud), Origin::Flag("--cloud"))
        } else if let Some(name) = self.env.var("OS_CLOUD") {
            (vec![name.to_owned()], Origin::Env("OS_CLOUD"))
        } else if let Some(first) = self.file.targets.first() {
            let names = self.file.targets.iter().map(|t| t.subject.to_string()).collect();
            (names, first.origin.clone())
        } else {
            return Ok(Setting::new(None, Origin::Default));
        };
        Ok(Setting::new(Some(names), origin))
    }

    /// The clouds to collect, with what is handed in for each: by flag, else by
    /// the file.
    ///
    /// # Errors
    /// A folder of configuration or results of tests for several clouds; statements without signers
    /// or signers without statements; those of `all`.
    pub(crate) fn wanted(
        &self,
        flags: &Targets,
        sources: &Sources,
        all: impl FnOnce() -> Result<Vec<String>>,
    ) -> Result<Vec<Wanted>> {
        let one = |name: String| {
            let target = self.target(&name).filter(|_| !flags.example);
            Wanted {
                cloud: Some(target.map_or(name, |t| t.cloud.value.clone())),
                subject: target.map(|t| t.subject.clone()),
                sources: handed_in(sources, target),
                origin: target.map(|t| t.cloud.origin.clone()),
            }
        };
        let out: Vec<Wanted> = match self.clouds(flags, all)?.value {
            Some(names) => names.into_iter().map(one).collect(),
            None => {
                let sources = handed_in(sources, None);
                vec![Wanted { cloud: None, subject: None, sources, origin: None }]
            }
        };
        let mut seen = std::collections::BTreeSet::new();
        let mut out = out;
        out.retain(|w| seen.insert((w.cloud.clone(), w.subject.clone())));
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
            self.target(name).map_or_else(|| name.clone(), |t| t.subject.to_string())
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
    out
}
