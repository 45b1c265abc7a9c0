//! The commands, one module each.

mod baseline;
mod check;
mod collect;
mod config;
mod diff;
mod evidence;
mod explain;
mod export;
mod gate;
mod history;
mod keys;
mod plan;
pub(crate) mod policy;
mod preflight;
mod probe;
mod prove;
mod query;
mod render;
mod report;
mod scan;
mod show;
pub(crate) mod store;
mod targets;
mod verify;
mod waiver;
mod who_can;

use std::path::PathBuf;

use clap::CommandFactory as _;

use crate::args::{self, Cli, Command, Global};
use crate::config::Config;
use crate::env::Env;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Ui;

/// What a command is given besides its own options.
pub(crate) struct Context<'a> {
    pub(crate) global: Global,
    /// What variables and `tidegate.yaml` say.
    pub(crate) config: Config,
    pub(crate) env: &'a Env,
    pub(crate) ui: &'a mut Ui,
}

impl Context<'_> {
    /// Where the store is.
    pub(crate) fn store_path(&self) -> Result<PathBuf> {
        self.config.store(&self.global).map(|store| store.value)
    }

    /// Opens the store for reading and records alone: the index is left to others.
    pub(crate) async fn store_to_read(&self) -> Result<tidegate_store::Store> {
        store::open_at(self.env, &self.store_path()?, store::For::Records).await
    }

    /// Opens the store and passes on what it had to mend.
    pub(crate) async fn store(&mut self) -> Result<tidegate_store::Store> {
        let path = self.store_path()?;
        let store = store::open_at(self.env, &path, store::For::All).await?;
        for notice in store.notices() {
            self.ui.warn(notice);
        }
        Ok(store)
    }
}

pub(crate) async fn run(cli: Cli, env: &Env, ui: &mut Ui) -> Result<Exit> {
    let config = match cli.command {
        // These must work beside a file that is wrong.
        Command::Completions { .. }
        | Command::Man { .. }
        | Command::Plan(_)
        | Command::Gate(_)
        | Command::Report(args::Report {
            command: Some(args::ReportCommand::Sign { .. } | args::ReportCommand::Upload(_)),
            ..
        })
        | Command::Config(args::Config::Init { .. }) => Config::none(env),
        Command::Scan(_)
        | Command::Collect(_)
        | Command::Check(_)
        | Command::Probe(_)
        | Command::Policy(_)
        | Command::Waiver(_)
        | Command::Report(_)
        | Command::Snapshot(_)
        | Command::Query(_)
        | Command::Store(_)
        | Command::Config(args::Config::Show(_)) => Config::load(&cli.global, env)?,
    };
    let mut context = Context { global: cli.global, config, env, ui };
    let ctx = &mut context;
    match cli.command {
        Command::Scan(args) => scan::run(ctx, args).await,
        Command::Collect(args) => collect::run(ctx, &args).await,
        Command::Check(args) => check::run(ctx, args).await,
        Command::Probe(args) => probe::run(ctx, args).await,
        Command::Plan(args) => plan::run(ctx, args).await,
        Command::Gate(args) => gate::run(ctx, args).await,
        Command::Policy(args) => policy::run(ctx, args).await,
        Command::Waiver(args) => waiver::run(ctx, args).await,
        Command::Report(args) => report::run(ctx, args).await,
        Command::Snapshot(args) => show::run(ctx, args).await,
        Command::Query(args) => query::run(ctx, args).await,
        Command::Store(args) => store::run(ctx, &args).await,
        Command::Config(args) => config::run(ctx, &args),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tidegate", &mut text);
            ctx.ui.write(None, &String::from_utf8_lossy(&text)).map(|()| Exit::Ok)
        }
        Command::Man { dir: Some(dir) } => {
            clap_mangen::generate_to(Cli::command(), &dir).map(|()| Exit::Ok).map_err(|e| {
                Failure::new(format!("cannot write manual pages into `{}`: {e}", dir.display()))
                    .hint("name a folder that exists and can be written")
            })
        }
        Command::Man { dir: None } => {
            let mut text = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut text)
                .map_err(|e| Failure::new(format!("cannot write the manual page: {e}")))?;
            ctx.ui.write(None, &String::from_utf8_lossy(&text)).map(|()| Exit::Ok)
        }
    }
}
