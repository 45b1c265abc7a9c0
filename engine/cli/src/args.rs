//! The command line as people type it. Nothing is resolved here.

mod gate;
mod options;
mod plan;
mod proof;
mod report;
mod snapshot;

use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{ArgAction, Args, Parser, Subcommand};
use tidegate_store::Retention;

use crate::exit;
use crate::output::{Output, QueryFormat};

pub(crate) use gate::WaveGate;
pub(crate) use options::{Gate, Mode, Reporting, Rules, Sources, Targets, View, With};
pub(crate) use plan::{Advance, FailAt, Inputs, Plan, PlanCommand, PlanFleet};
pub(crate) use proof::{CheckpointOf, Export, Prove, Verify, VerifyProof};
pub(crate) use report::{Report, ReportCommand, ReportShow, Upload};
pub(crate) use snapshot::{Diff, HistoryOf, Snapshot};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Judge clouds against policy, and keep what was seen
///
/// tidegate collects the live state of OpenStack clouds and Kubernetes clusters
/// into an embedded store and judges any snapshot, today's or last year's, with policy bundles. What
/// could not be judged is never a pass.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, styles = STYLES, after_help = exit::HELP)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The store: a directory, or s3://BUCKET/PREFIX [env: TIDEGATE_STORE]
    /// [default: $XDG_DATA_HOME/tidegate]
    #[arg(long, global = true, value_name = "DIR|URL")]
    pub(crate) store: Option<PathBuf>,
    /// Settings for what no flag says [env: TIDEGATE_CONFIG] [default: ./tidegate.yaml,
    /// else $XDG_CONFIG_HOME/tidegate/tidegate.yaml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Read no tidegate.yaml
    #[arg(long, global = true, conflicts_with = "config")]
    pub(crate) no_config: bool,
    /// Say less: only what failed, no progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more; twice for a log of requests on standard error
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// No colours (also: the variable NO_COLOR)
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Collect, check and report in one go
    #[command(after_help = exit::HELP)]
    Scan(Scan),
    /// Take a snapshot of clouds into the store
    #[command(after_help = exit::HELP)]
    Collect(Collect),
    /// Judge a snapshot that is in the store
    #[command(after_help = exit::HELP)]
    Check(Check),
    /// Try out what no listing tells: create small things, look at them, delete them
    ///
    /// Changes the cloud: volumes, a backup, a secret, a security group, a server
    /// with a network of its own. Everything is named tidegate-probe-RUN-WHAT, is
    /// entered in the store before it is created, and is removed in the end or by
    /// the next probe.
    #[command(after_help = exit::HELP)]
    Probe(Probe),
    /// Plan a rolling update that is safe at every step
    ///
    /// Computes waves from a fleet and an intent, has them checked by code of its own,
    /// and says what cannot be updated and why. Changes nothing in any cloud.
    #[command(after_help = exit::PLAN)]
    Plan(Plan),
    /// Decide whether a wave of a plan may start now
    ///
    /// Reads the clouds and clusters of the plan afresh, has the wave checked from what they
    /// show, looks at rules, windows and what was done before, and asks the gate policies. Only if
    /// every condition holds is the gate open, and only for a time. Changes nothing in any cloud;
    /// the decision is kept in the store.
    #[command(after_help = exit::GATE)]
    Gate(WaveGate),
    /// Work on policy bundles
    #[command(subcommand)]
    Policy(Policy),
    /// Show what was said then; hand results in to the SCS compliance monitor
    ///
    /// Without a command of its own it is report show: tidegate report --framework
    /// c5-2020 tells what was said by the controls of a framework.
    #[command(after_help = exit::HELP)]
    Report(Report),
    /// Accept findings for a time
    #[command(subcommand)]
    Waiver(Waiver),
    /// Look at what the store holds
    #[command(subcommand)]
    Snapshot(Snapshot),
    /// Ask the store with SQL: what was where, who could reach what, what changed
    ///
    /// One statement that reads. Tables: servers, ports, pods and so on for each kind
    /// as of the snapshot, resources (all kinds), history (every version with the time
    /// it held), snapshots, coverage, verdicts, findings. Tables of which not all was
    /// seen are named on standard error. docs/sql.md tells more.
    Query(Query),
    /// Look after the store itself
    #[command(subcommand)]
    Store(Store),
    /// Settings in a file: tidegate.yaml
    #[command(subcommand)]
    Config(Config),
    /// Write completions for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the manual page
    Man {
        /// A folder for a page of each command, instead of the first page to standard output
        dir: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Scan {
    #[command(flatten)]
    pub(crate) targets: Targets,
    #[command(flatten)]
    pub(crate) sources: Sources,
    #[command(flatten)]
    pub(crate) rules: Rules,
    #[command(flatten)]
    pub(crate) reporting: Reporting,
}

#[derive(Debug, Args)]
pub(crate) struct Collect {
    #[command(flatten)]
    pub(crate) targets: Targets,
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// Collect nothing: tell which kinds of a Kubernetes cluster the credential may not
    /// list, and which rules could therefore not be judged; exit 3 if there are any
    #[arg(long)]
    pub(crate) preflight: bool,
    /// With --preflight, the rules to look at: a built-in name, a folder or a .tar.gz;
    /// repeatable [default: as scan has them]
    #[arg(long, value_name = "NAME|PATH", requires = "preflight")]
    pub(crate) bundle: Vec<String>,
    /// With --preflight: table or json
    #[arg(
        short,
        long,
        value_name = "FORMAT[=FILE]",
        default_value = "table",
        requires = "preflight"
    )]
    pub(crate) format: Output,
}

/// Which snapshots a command is about.
#[derive(Debug, Args)]
pub(crate) struct Snapshots {
    /// A cloud in the store; repeatable [default: the targets of tidegate.yaml, or all in
    /// the store]
    #[arg(long, value_name = "NAME")]
    pub(crate) cloud: Vec<String>,
    /// The snapshot: latest, latest~N, CLOUD@N, a date or an RFC 3339 time
    #[arg(long, default_value = "latest", value_name = "ID|TIME")]
    pub(crate) at: String,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) snapshots: Snapshots,
    /// Judge everything instead of carrying verdicts forward
    #[arg(long)]
    pub(crate) fresh: bool,
    #[command(flatten)]
    pub(crate) rules: Rules,
    #[command(flatten)]
    pub(crate) reporting: Reporting,
}

#[derive(Debug, Args)]
pub(crate) struct Probe {
    /// A cloud of clouds.yaml [default: OS_CLOUD, OS_* variables, or the only cloud]
    #[arg(long, visible_alias = "os-cloud", value_name = "NAME")]
    pub(crate) cloud: Option<String>,
    /// Try only what this testcase needs; repeatable [default: all]
    #[arg(long, value_name = "TESTCASE")]
    pub(crate) only: Vec<String>,
    /// The longest that trying may take; cleaning up has ten minutes of its own
    #[arg(long, value_name = "N", default_value_t = 900)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) budget_seconds: u64,
    /// The most resources that may be created
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) budget_resources: usize,
    /// Only remove what earlier probes left behind
    #[arg(long, conflicts_with_all = ["only", "format", "baseline", "waivers", "fail_on"])]
    pub(crate) clean: bool,
    #[command(flatten)]
    pub(crate) reporting: Reporting,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Waiver {
    /// List waivers with their state today
    List {
        /// A YAML file or a folder of them [default: the waivers of tidegate.yaml]
        path: Vec<PathBuf>,
    },
    /// Fail if a waiver is wrong, expired, too broad or for longer than a year
    #[command(after_help = exit::HELP)]
    Check {
        /// A YAML file or a folder of them [default: the waivers of tidegate.yaml]
        path: Vec<PathBuf>,
    },
    /// Write a waiver for a finding, to be filled in
    Draft(Draft),
}

#[derive(Debug, Args)]
pub(crate) struct Draft {
    /// The finding's id, or its beginning, as the JSON report has it
    pub(crate) finding: String,
    #[command(flatten)]
    pub(crate) snapshots: Snapshots,
    #[command(flatten)]
    pub(crate) rules: Rules,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// List rules
    List {
        /// A policy bundle: a built-in name, a folder or a .tar.gz; repeatable
        /// [default: those of tidegate.yaml, or all built-in ones]
        #[arg(long, value_name = "NAME|PATH")]
        bundle: Vec<String>,
        /// Only the rules that are mapped to a framework, with the controls that they
        /// speak for: a built-in id or a folder; repeatable
        #[arg(long, value_name = "ID|PATH")]
        framework: Vec<String>,
        /// table or json
        #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
        format: Output,
    },
    /// Write which rules speak for which controls, for the tools of auditors
    Export {
        /// As an OSCAL component-definition, to standard output or a file
        #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, required = true)]
        oscal: Option<Option<PathBuf>>,
        /// A policy bundle: a built-in name, a folder or a .tar.gz; repeatable
        /// [default: those of tidegate.yaml, or all built-in ones]
        #[arg(long, value_name = "NAME|PATH")]
        bundle: Vec<String>,
        /// A framework: a built-in id or a folder; repeatable [default: all built-in ones
        /// and those of tidegate.yaml]
        #[arg(long, value_name = "ID|PATH")]
        framework: Vec<String>,
    },
    /// Tell all about one rule: what it demands, what it reads, which controls it
    /// speaks for, where it differs from the official test; or about one resource: what
    /// rules say of it, and what follows from it and others together
    Explain(Explain),
    /// Tell who may do something, and by which grants
    ///
    /// Of OpenStack, ACTION is the name of a role (admin, member) or an action of a
    /// service that the default policies map to roles (compute:delete), and RESOURCE
    /// is `system` or the key of a domain, a project or what a project has. Of
    /// Kubernetes, ACTION is a verb (get, delete) and RESOURCE is KIND,
    /// KIND/NAMESPACE or the key of an object; or ACTION is a capability
    /// (read-secrets) and RESOURCE a namespace or `*`.
    #[command(after_help = exit::WHO_CAN)]
    WhoCan {
        /// A role, an action of a service, a verb or a capability
        action: String,
        /// What it would be done to
        resource: String,
        /// The cloud or cluster in the store [default: that of tidegate.yaml, or the
        /// only one in the store]
        #[arg(long, visible_alias = "subject", value_name = "NAME")]
        cloud: Option<String>,
        /// The snapshot: latest, latest~N, CLOUD@N, a date or an RFC 3339 time
        #[arg(long, default_value = "latest", value_name = "ID|TIME")]
        at: String,
        /// table or json
        #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
        format: Output,
    },
    /// Run the cases beside the rules of a bundle
    #[command(after_help = exit::HELP)]
    Test {
        /// Bundles: built-in names, folders or .tar.gz files [default: those of
        /// tidegate.yaml, or all built-in ones]
        bundle: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The rule's id, such as scs-0102-prop-min_disk
    #[arg(required_unless_present = "resource", conflicts_with = "resource")]
    pub(crate) rule: Option<String>,
    /// A resource in the store, by key, id or name, such as a port, server, security
    /// group, user or group
    #[arg(long, value_name = "KEY")]
    pub(crate) resource: Option<String>,
    /// The cloud of the resource [default: the only one in the store]
    #[arg(long, value_name = "NAME", conflicts_with = "rule")]
    pub(crate) cloud: Option<String>,
    /// The snapshot: latest, latest~N, CLOUD@N, a date or an RFC 3339 time
    #[arg(long, default_value = "latest", value_name = "ID|TIME", conflicts_with = "rule")]
    pub(crate) at: String,
    /// A policy bundle: a built-in name, a folder or a .tar.gz; repeatable
    /// [default: those of tidegate.yaml, or all built-in ones; for a resource those that
    /// its cloud is judged with]
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) bundle: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Query {
    /// The statement, in quotes
    #[arg(conflicts_with_all = ["file", "saved", "list"])]
    pub(crate) sql: Option<String>,
    /// Take the statement from a file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["saved", "list"])]
    pub(crate) file: Option<PathBuf>,
    /// Take a saved statement: NAME or BUNDLE/NAME
    #[arg(long, value_name = "NAME", conflicts_with = "list")]
    pub(crate) saved: Option<String>,
    /// List saved statements
    #[arg(long)]
    pub(crate) list: bool,
    /// A bundle with saved statements besides the built-in ones: a folder or a .tar.gz;
    /// repeatable [default: those of tidegate.yaml]
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) bundle: Vec<String>,
    /// A cloud in the store; repeatable [default: the targets of tidegate.yaml, or all in
    /// the store]
    #[arg(long, visible_alias = "subject", value_name = "NAME")]
    pub(crate) cloud: Vec<String>,
    /// The snapshot: latest, latest~N, CLOUD@N, a date or an RFC 3339 time
    #[arg(long, default_value = "latest", value_name = "ID|TIME")]
    pub(crate) at: String,
    /// table, json, csv or parquet
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
    pub(crate) format: Output<QueryFormat>,
    /// Show how the statement would be answered instead: which tables are read, found by
    /// what, and which columns of them
    #[arg(long, conflicts_with = "export")]
    pub(crate) explain: bool,
    /// Write tables (--table) and the answer (as table `answer`) into a new SQLite file
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<PathBuf>,
    /// A whole table to export; repeatable
    #[arg(long, value_name = "TABLE", requires = "export")]
    pub(crate) table: Vec<String>,
    /// The most rows that an answer may have
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(crate) max_rows: usize,
    /// The longest that it may take
    #[arg(long, value_name = "N", default_value_t = 60)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) max_seconds: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Tell how large the store is, and what is in it
    Stats {
        /// table or json
        #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
        format: Output,
    },
    /// Merge what was written night by night: one segment for each complete month
    ///
    /// Complete days, months and years become one segment each. Snapshots stay as they
    /// are. What was replaced is deleted a day later, by the next compact or prune.
    Compact(Upkeep),
    /// Give up old snapshots, as a rule says
    ///
    /// Manifests stay, so that the chain can be verified; what no kept snapshot needs is
    /// removed, and a record says what went. The newest snapshot is always kept.
    Prune {
        /// What is kept, such as "all for 90 days, then weekly for 1 year, then monthly"
        /// [default: `retention` of tidegate.yaml]
        #[arg(long, value_name = "RULE")]
        keep: Option<Retention>,
        #[command(flatten)]
        upkeep: Upkeep,
    },
    /// Erase one tenant: bodies, salts and names of its resources, and records that
    /// mention it
    ///
    /// Hashes stay, so that the chain can be verified and nothing erased can be guessed.
    /// Rules that need an erased resource abort. This cannot be undone, and must be
    /// repeated for copies of the store.
    Erase {
        /// The id of a project, or the name of a namespace
        #[arg(long, value_name = "ID")]
        project: String,
        /// Erase: without it nothing happens, see --dry-run
        #[arg(long, required_unless_present = "dry_run", conflicts_with = "dry_run")]
        yes: bool,
        #[command(flatten)]
        upkeep: Upkeep,
    },
    /// Build the index anew from segments and manifests
    Reindex,
}

#[derive(Debug, Args)]
pub(crate) struct Upkeep {
    /// A cloud in the store; repeatable [default: all]
    #[arg(long, value_name = "NAME")]
    pub(crate) cloud: Vec<String>,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// table or json
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
    pub(crate) format: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Show every setting with its value
    ///
    /// Takes the options of scan, to show what they would change.
    Show(Box<ConfigShow>),
    /// Write a tidegate.yaml with every setting explained and commented out
    Init {
        /// Where to
        #[arg(default_value = "tidegate.yaml")]
        file: PathBuf,
        /// Overwrite a file that is there
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ConfigShow {
    /// Tell where each value comes from: a flag, a variable, a line of the file or the
    /// default (JSON always does)
    #[arg(long)]
    pub(crate) origin: bool,
    /// table or json
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
    pub(crate) format: Output,
    #[command(flatten)]
    pub(crate) targets: Targets,
    #[command(flatten)]
    pub(crate) sources: Sources,
    #[command(flatten)]
    pub(crate) rules: Rules,
    #[command(flatten)]
    pub(crate) gate: Gate,
}
