//! The options of `tidegate plan`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};

use crate::exit;
use crate::output::{Output, PlanFormat};

/// `plan` makes a plan; its subcommands look at one that is there.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Plan {
    #[command(subcommand)]
    pub(crate) command: Option<PlanCommand>,
    #[command(flatten)]
    pub(crate) fleet: PlanFleet,
    /// What is to be updated, within which limits: tidegate.intent/v1, as YAML
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) intent: Option<PathBuf>,
    /// table, json, markdown, html or ansible; repeatable
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
    pub(crate) format: Vec<Output<PlanFormat>>,
}

/// Where a fleet comes from.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PlanFleet {
    /// A fleet: tidegate.fleet/v1, as JSON or YAML. Alone it is the fleet; with --cloud or
    /// --at, or for a plan made from snapshots, it adds to what was collected
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,
    /// A cloud or cluster in the store; repeatable [default: the targets of tidegate.yaml, or
    /// all in the store]
    #[arg(long, visible_alias = "subject", value_name = "NAME")]
    pub(crate) cloud: Vec<String>,
    /// The snapshots: latest, latest~N, CLOUD@N, a date or an RFC 3339 time [default: latest]
    #[arg(long, value_name = "ID|TIME")]
    pub(crate) at: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Show the fleet that a plan would be made for
    #[command(after_help = exit::PLAN_FACTS)]
    Facts {
        #[command(flatten)]
        fleet: PlanFleet,
        /// table or json; repeatable
        #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
        format: Output,
    },
    /// Judge a plan, ours or one written by hand, step by step
    ///
    /// Shares no code with what makes plans. Names the first thing that is broken
    /// by wave, step and numbers.
    #[command(after_help = exit::PLAN_CHECK)]
    Check {
        /// A plan: tidegate.plan/v1, as JSON or YAML
        plan: PathBuf,
        #[command(flatten)]
        inputs: Inputs,
        /// table or json
        #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
        format: Output,
    },
    /// Let hosts fail while a plan is followed, and tell what holds
    ///
    /// What was on the host is restarted where there is room; capacity, server
    /// groups and quorums hold if all finds a host and every majority is there.
    /// The rest is planned anew without the host.
    #[command(after_help = exit::PLAN_SIMULATE)]
    Simulate {
        /// A plan: tidegate.plan/v1, as JSON or YAML
        plan: PathBuf,
        #[command(flatten)]
        inputs: Inputs,
        /// A host, and after which wave it fails, 0 for before the first; or after
        /// which phase of a wave; repeatable
        #[arg(long, value_name = "HOST@WAVE[.PHASE]", required_unless_present = "fail_any")]
        fail: Vec<FailAt>,
        /// Every host, before the first wave and after each phase of each; told is what
        /// does not hold and, of each wave, what leaves least
        #[arg(long)]
        fail_any: bool,
        /// table or json
        #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
        format: Output,
    },
    /// Show a plan; with the fleet and the intent it is checked, too
    Show {
        /// A plan: tidegate.plan/v1, as JSON or YAML
        plan: PathBuf,
        #[command(flatten)]
        fleet: PlanFleet,
        /// The intent, for capacity, times and the check
        #[arg(long, value_name = "FILE")]
        intent: Option<PathBuf>,
        /// table, json, markdown, html or ansible; repeatable
        #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
        format: Vec<Output<PlanFormat>>,
    },
    /// Record how a wave went, and plan the rest anew from fresh facts
    ///
    /// What is done stays done: it is no target of the new plan, and canaries and growth go on
    /// from it. Without a wave only the rest is planned anew, as after an interruption.
    #[command(after_help = exit::PLAN)]
    Advance(Advance),
    /// Tell which plan of the fleet is under way, and what is done
    Status {
        /// A plan of the fleet: tidegate.plan/v1, as JSON or YAML
        #[arg(long, value_name = "FILE")]
        plan: PathBuf,
        /// table or json
        #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
        format: Output,
    },
    /// Give the plan up that is under way, so that another one may start
    End {
        /// The plan: tidegate.plan/v1, as JSON or YAML
        #[arg(long, value_name = "FILE")]
        plan: PathBuf,
    },
    /// Tell what changed between two plans: targets of other fate, moves that came and went
    Diff {
        /// The first plan
        before: PathBuf,
        /// The second plan
        after: PathBuf,
        /// table or json
        #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
        format: Output,
    },
    /// Tell why a host or node is in its wave, or in none
    Explain {
        /// The host or node, by id
        host: String,
        /// A plan: tidegate.plan/v1, as JSON or YAML
        #[arg(long, value_name = "FILE")]
        plan: PathBuf,
        /// The fleet, to explain quorums as well: tidegate.fleet/v1, as JSON or YAML
        #[arg(long, value_name = "FILE")]
        facts: Option<PathBuf>,
    },
}

/// What happened to a wave.
#[derive(Debug, Args)]
pub(crate) struct Advance {
    /// The plan that is under way: tidegate.plan/v1, as JSON or YAML
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
    /// The wave that ended, by number
    #[arg(long, value_name = "N", requires = "outcome")]
    pub(crate) wave: Option<u32>,
    /// How it went
    #[arg(long, value_enum, requires = "wave")]
    pub(crate) outcome: Option<WaveOutcome>,
    /// After a partial wave: a host or node that was updated; repeatable
    #[arg(long, value_name = "ID", requires = "outcome")]
    pub(crate) updated: Vec<String>,
    #[command(flatten)]
    pub(crate) inputs: Inputs,
    /// How the new plan is written: table, json, markdown, html or ansible; repeatable
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
    pub(crate) format: Vec<Output<PlanFormat>>,
}

/// How a wave went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WaveOutcome {
    /// All targets are updated
    Done,
    /// Some are, those that --updated names
    Partial,
    /// None is
    Failed,
}

impl From<WaveOutcome> for tidegate_gate::Outcome {
    fn from(outcome: WaveOutcome) -> Self {
        match outcome {
            WaveOutcome::Done => Self::Done,
            WaveOutcome::Partial => Self::Partial,
            WaveOutcome::Failed => Self::Failed,
        }
    }
}

/// What a plan is judged against.
#[derive(Debug, Args)]
pub(crate) struct Inputs {
    #[command(flatten)]
    pub(crate) fleet: PlanFleet,
    /// What is to be updated, within which limits: tidegate.intent/v1, as YAML
    #[arg(long, value_name = "FILE")]
    pub(crate) intent: PathBuf,
}

/// Which host fails when.
#[derive(Debug, Clone)]
pub(crate) struct FailAt {
    pub(crate) host: String,
    pub(crate) wave: u32,
    pub(crate) phase: Option<u32>,
}

impl FromStr for FailAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.rsplit_once('@').filter(|(host, _)| !host.is_empty());
        let parsed = parsed.and_then(|(host, at)| {
            let (wave, phase) = match at.split_once('.') {
                None => (at.parse().ok()?, None),
                Some((wave, phase)) => (wave.parse().ok()?, Some(phase.parse().ok()?)),
            };
            Some(Self { host: host.to_owned(), wave, phase })
        });
        parsed.ok_or_else(|| "write HOST@WAVE or HOST@WAVE.PHASE, such as comp-12@2".to_owned())
    }
}
