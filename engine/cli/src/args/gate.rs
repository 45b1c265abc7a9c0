//! The options of `tidegate gate`.

use std::path::PathBuf;

use clap::Args;

use crate::args::PlanFleet;
use crate::output::{GateFormat, Output};

#[derive(Debug, Args)]
pub(crate) struct WaveGate {
    /// The plan: tidegate.plan/v1, as JSON or YAML
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
    /// The wave that is to start, by number
    #[arg(long, value_name = "N")]
    pub(crate) wave: u32,
    /// What is to be updated, within which limits: the intent the plan was made for
    #[arg(long, value_name = "FILE")]
    pub(crate) intent: PathBuf,
    /// Who wants to start it, as policies name people and pipelines [default: the variable USER]
    #[arg(long = "as", value_name = "PRINCIPAL")]
    pub(crate) principal: Option<String>,
    /// In which role: operator, pipeline, or what the policies know; repeatable
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Vec<String>,
    #[command(flatten)]
    pub(crate) fleet: PlanFleet,
    /// Rules that block (those of severity high and critical) and gate policies, which take the
    /// place of those of `upgrade-gate`; repeatable
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) bundle: Vec<String>,
    /// Facts that are older are too old, and so long an answer counts, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) max_age: u32,
    /// table, json, junit or markdown; repeatable
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
    pub(crate) format: Vec<Output<GateFormat>>,
}
