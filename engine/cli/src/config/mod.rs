//! `tidegate.yaml`, and what holds when flags, variables and the file disagree:
//! flag, then variable, then file, then default.
//!
//! [`crate::yaml`] reads the text with lines, [`read`] makes a [`File`] of it, and
//! [`Config`] answers what a command works with, each value as a [`Setting`]
//! that knows where it comes from. `tidegate config show` prints what the
//! commands are given, by the same functions. Nothing here opens the store or
//! a cloud.

mod read;
mod settings;
mod targets;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidegate_model::{RuleId, Severity, Subject};
use tidegate_store::Retention;

use crate::args::{Global, Mode, With};
use crate::env::Env;
use crate::failure::{Failure, Result};
use crate::output::{Output, ReportFormat};
use crate::yaml;

pub(crate) use read::distance;
pub(crate) use settings::{Reporting, RuleChoice};
pub(crate) use targets::{Name, Place, Wanted};

/// The file's name wherever it is looked for.
pub(crate) const NAME: &str = "tidegate.yaml";

/// The version of the format that this tidegate reads.
const SCHEMA: &str = "tidegate.config/v1";

/// What `tidegate config init` writes.
pub(crate) const TEMPLATE: &str = include_str!("template.yaml");

/// What to write where the address of a dashboard is refused.
const DASHBOARD_HINT: &str = "write https://HOST/PATH, without user and password";

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    /// An option of the command, by its name.
    Flag(&'static str),
    /// A variable of the environment, by its name.
    Env(&'static str),
    /// A line of the file.
    File {
        path: Arc<Path>,
        line: usize,
    },
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Env(name) => write!(f, "variable {name}"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value that knows where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

impl<T> Setting<T> {
    fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

/// A parameter of rules: of one, or of all that have it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) rule: Option<RuleId>,
    pub(crate) name: String,
    pub(crate) value: serde_json::Value,
}

/// A cloud as the file names it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FileTarget {
    /// The name under which the store keeps it.
    pub(crate) subject: Subject,
    pub(crate) place: FilePlace,
    pub(crate) attestation: Option<Setting<Vec<PathBuf>>>,
    pub(crate) allowed_signers: Option<Setting<PathBuf>>,
    pub(crate) config_dir: Option<Setting<PathBuf>>,
    pub(crate) test_results: Option<Setting<Vec<PathBuf>>>,
    pub(crate) with: Option<Setting<Vec<With>>>,
    pub(crate) dashboard: Option<Setting<String>>,
    pub(crate) origin: Origin,
}

/// Where a target of the file is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FilePlace {
    /// The name in clouds.yaml.
    Cloud(Setting<String>),
    /// A context of a kubeconfig; its current one, or that which kubectl reads,
    /// where one of them is left out.
    Cluster { context: Option<Setting<String>>, kubeconfig: Option<Setting<PathBuf>> },
}

/// What a `tidegate.yaml` says; what it leaves out is `None` or empty. Paths
/// are as seen from the working directory.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct File {
    pub(crate) store: Option<Setting<PathBuf>>,
    /// Which snapshots are kept.
    pub(crate) retention: Option<Setting<Retention>>,
    /// In the order of the file.
    pub(crate) targets: Vec<FileTarget>,
    pub(crate) bundles: Option<Setting<Vec<String>>>,
    pub(crate) scopes: Option<Setting<Vec<String>>>,
    /// Built-in ids, or folders.
    pub(crate) frameworks: Option<Setting<Vec<String>>>,
    pub(crate) mode: Option<Setting<Mode>>,
    pub(crate) parameters: Vec<Setting<Parameter>>,
    pub(crate) waivers: Option<Setting<Vec<PathBuf>>>,
    pub(crate) baseline: Option<Setting<String>>,
    pub(crate) only_new: Option<Setting<bool>>,
    pub(crate) fail_on: Option<Setting<Severity>>,
    pub(crate) fail_on_incomplete: Option<Setting<bool>>,
    pub(crate) formats: Option<Setting<Vec<Output<ReportFormat>>>>,
}

/// The file of a run, if there is one, beside the environment.
#[derive(Debug)]
pub(crate) struct Config {
    env: Env,
    /// The file that was read, and why that one.
    pub(crate) found: Option<Setting<PathBuf>>,
    file: File,
}

impl Config {
    /// No file at all.
    pub(crate) fn none(env: &Env) -> Self {
        Self { env: env.clone(), found: None, file: File::default() }
    }

    /// Reads the file that `--config` or `TIDEGATE_CONFIG` names, else
    /// `./tidegate.yaml`, else `$XDG_CONFIG_HOME/tidegate/tidegate.yaml`; only
    /// the first of them counts.
    ///
    /// # Errors
    /// If a named file is not there, or what is there cannot be read.
    pub(crate) fn load(global: &Global, env: &Env) -> Result<Self> {
        if global.no_config {
            return Ok(Self::none(env));
        }
        let named = match (&global.config, env.var("TIDEGATE_CONFIG")) {
            (Some(path), _) => Some(Setting::new(path.clone(), Origin::Flag("--config"))),
            (None, Some(path)) => Some(Setting::new(path.into(), Origin::Env("TIDEGATE_CONFIG"))),
            (None, None) => None,
        };
        let found = named.or_else(|| {
            let home = env.config_home().map(|d| d.join("tidegate").join(NAME));
            let usual = [Some(PathBuf::from(NAME)), home].into_iter().flatten();
            // A link that leads nowhere is there, and cannot be read.
            let there = |p: &PathBuf| std::fs::symlink_metadata(p).is_ok();
            usual.into_iter().find(there).map(|p| Setting::new(p, Origin::Default))
        });
        let Some(found) = found else { return Ok(Self::none(env)) };
        let shown = found.value.display();
        let text = std::fs::read_to_string(&found.value).map_err(|e| {
            let by = match &found.origin {
                Origin::Default => String::new(),
                named => format!(" ({named})"),
            };
            Failure::usage(format!("cannot read the configuration `{shown}`{by}: {e}"))
                .hint("name a file that exists, or have one written: tidegate config init FILE")
        })?;
        let file =
            read::read(&found.value, &text).map_err(|all| yaml::failure(&found.value, &all))?;
        Ok(Self { env: env.clone(), found: Some(found), file })
    }
}
