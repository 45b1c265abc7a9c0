//! Options that several commands have.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tidegate_model::Severity;

use crate::output::{Output, ReportFormat};

/// Which clouds and clusters.
#[derive(Debug, Default, Args)]
pub(crate) struct Targets {
    /// A target of tidegate.yaml or a cloud of clouds.yaml; repeatable [default: OS_CLOUD,
    /// all targets of tidegate.yaml, OS_* variables, the only cloud, or the current context]
    #[arg(long, visible_alias = "os-cloud", value_name = "NAME")]
    pub(crate) cloud: Vec<String>,
    /// A Kubernetes cluster: a target of tidegate.yaml or a context of the kubeconfig;
    /// repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Vec<String>,
    /// The kubeconfig [default: as kubectl reads KUBECONFIG, ~/.kube/config, or the pod's
    /// ServiceAccount]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Every cloud of clouds.yaml and every context of the kubeconfig
    #[arg(long, conflicts_with_all = ["cloud", "context"])]
    pub(crate) all: bool,
    /// The bundled example cloud, served on loopback
    #[arg(long, conflicts_with_all = ["cloud", "context", "kubeconfig", "all"])]
    pub(crate) example: bool,
}

/// What is taken into the snapshot besides what the APIs tell.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Sources {
    /// Signed statements about what no machine can see: a file or a folder; repeatable
    /// [default: those of the last snapshot]
    #[arg(long, value_name = "PATH")]
    pub(crate) attestation: Vec<PathBuf>,
    /// Who may sign statements, as ssh-keygen's ALLOWED SIGNERS
    #[arg(long, value_name = "FILE")]
    pub(crate) allowed_signers: Option<PathBuf>,
    /// The folder with the services' configuration, such as /etc/kolla
    #[arg(long, value_name = "DIR")]
    pub(crate) config_dir: Option<PathBuf>,
    /// What a test suite left behind: a Sonobuoy archive or a JUnit file; repeatable
    /// [default: those of the last snapshot]
    #[arg(long, value_name = "FILE")]
    pub(crate) test_results: Vec<PathBuf>,
    /// Also ask the hosts of a cloud's catalog, as somebody who is not signed in; several
    /// with commas; repeatable
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FACT")]
    pub(crate) with: Vec<With>,
    /// Where the cloud's dashboard (Horizon) is, for --with dashboard and tls
    #[arg(long, value_name = "URL")]
    pub(crate) dashboard: Option<String>,
}

impl Sources {
    /// Whether nobody is named who may sign the statements.
    pub(crate) fn is_unsigned(&self) -> bool {
        !self.attestation.is_empty() && self.allowed_signers.is_none()
    }
}

/// What the hosts of a cloud are asked besides its APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum With {
    /// Which versions of TLS they take and which certificate they show
    Tls,
    /// What services say to a list request without a token
    Anonymous,
    /// What Keystone says to a user that does not exist
    AuthErrors,
    /// What services say to a request that is too large
    BodyLimit,
    /// Cookies and headers of the dashboard's first page
    Dashboard,
}

impl With {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Anonymous => "anonymous",
            Self::AuthErrors => "auth-errors",
            Self::BodyLimit => "body-limit",
            Self::Dashboard => "dashboard",
        }
    }
}

impl From<With> for tidegate_openstack::Extra {
    fn from(with: With) -> Self {
        match with {
            With::Tls => Self::Tls,
            With::Anonymous => Self::Anonymous,
            With::AuthErrors => Self::AuthErrors,
            With::BodyLimit => Self::BodyLimit,
            With::Dashboard => Self::Dashboard,
        }
    }
}

/// Which rules.
#[derive(Debug, Default, Args)]
pub(crate) struct Rules {
    /// A policy bundle: a built-in name, a folder or a .tar.gz; repeatable
    /// [default: that of the scope, or scs-compatible-iaas for a cloud, scs-compatible-kaas
    /// and kubernetes-security for a cluster]
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) bundle: Vec<String>,
    /// A certificate scope to sum up: a name, or a scope file by its path; VERSION
    /// defaults to the effective one; repeatable
    #[arg(long, value_name = "NAME|PATH[@VERSION]")]
    pub(crate) scope: Vec<String>,
    /// Report by the controls of a framework: c5-2020, it-grundschutz-2023 or another
    /// built-in id, or a folder with one of your own; repeatable. Without --bundle and
    /// --scope, judges with all rules that are mapped to it
    #[arg(long, value_name = "ID|PATH")]
    pub(crate) framework: Vec<String>,
    /// Where a standard's text and its official test disagree, judge as the test
    /// does (reference, the default) or as the text says (strict)
    #[arg(long, value_enum)]
    pub(crate) mode: Option<Mode>,
    /// Set a parameter of rules, of all that have it or of one; repeatable
    #[arg(long, value_name = "[RULE.]NAME=VALUE")]
    pub(crate) parameter: Vec<String>,
    /// Judge as of this date or time instead of when the snapshot was taken
    #[arg(long, value_name = "TIME")]
    pub(crate) reference_date: Option<String>,
}

/// Which of a standard's test and text counts where they disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    Reference,
    Strict,
}

impl Mode {
    /// As the rules' parameter `mode` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Strict => "strict",
        }
    }
}

/// How a changed resource is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum View {
    /// Lines that went and came, one below the other
    Unified,
    /// Before on the left, after on the right
    SideBySide,
    /// Not at all: resources by name
    Names,
}

impl From<View> for tidegate_report::DiffView {
    fn from(view: View) -> Self {
        match view {
            View::Unified => Self::Unified,
            View::SideBySide => Self::SideBySide,
            View::Names => Self::Names,
        }
    }
}

/// How to report and when to fail.
#[derive(Debug, Args)]
pub(crate) struct Reporting {
    /// table, json, ndjson, csv, html, markdown, sarif, junit, code-quality, prometheus,
    /// openreports, ocsf, oscal or scs (the SCS compliance monitor's), to standard output
    /// or to a file; repeatable [env: TIDEGATE_FORMAT, separated by commas]
    /// [default: table]
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub(crate) format: Vec<Output<ReportFormat>>,
    #[command(flatten)]
    pub(crate) gate: Gate,
}

/// What counts, and when to fail.
#[derive(Debug, Args)]
pub(crate) struct Gate {
    /// Findings that somebody accepts for a time: a YAML file or a folder of them;
    /// repeatable
    #[arg(long, value_name = "PATH")]
    pub(crate) waivers: Vec<PathBuf>,
    /// Accept nothing, whatever tidegate.yaml says
    #[arg(long, conflicts_with = "waivers")]
    pub(crate) no_waivers: bool,
    /// Compare with an earlier snapshot (latest~1, CLOUD@N, a date or time) or with a
    /// JSON report [env: TIDEGATE_BASELINE]
    #[arg(long, value_name = "ID|TIME|FILE")]
    pub(crate) baseline: Option<String>,
    /// Compare with nothing, whatever tidegate.yaml and TIDEGATE_BASELINE say
    #[arg(long, conflicts_with = "baseline")]
    pub(crate) no_baseline: bool,
    /// Report and fail for what the baseline does not have; what could not be judged
    /// is always reported
    #[arg(long, overrides_with = "no_only_new")]
    pub(crate) only_new: bool,
    /// Report and fail for everything [default]
    #[arg(long, overrides_with = "only_new")]
    pub(crate) no_only_new: bool,
    /// Fail when a rule of at least this severity is broken [env: TIDEGATE_FAIL_ON]
    /// [default: low]
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<Severity>,
    /// Exit 3 when something could not be judged [default]
    #[arg(long, overrides_with = "no_fail_on_incomplete")]
    pub(crate) fail_on_incomplete: bool,
    /// Exit 0 although something could not be judged
    #[arg(long, overrides_with = "fail_on_incomplete")]
    pub(crate) no_fail_on_incomplete: bool,
}
