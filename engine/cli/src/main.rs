//! The binary `tidegate`: parse, resolve, act, render.
//!
//! [`args`] is the command line as typed; [`config`] adds what variables and
//! `tidegate.yaml` say; each module of [`cmd`] resolves and acts; [`output`]
//! renders. Only [`env`] reads the environment, the clock and
//! randomness, and only [`output`] prints.

mod args;
mod bundles;
mod cmd;
mod config;
mod env;
mod exit;
mod failure;
mod frameworks;
mod output;
mod rules;
mod yaml;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::args::Cli;
use crate::env::Env;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Ui;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let env = Env::read();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let exit = match e.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Ok,
                _ => Exit::Usage,
            };
            // Nothing is left to be told if the help cannot be printed.
            let _ = e.print();
            return ExitCode::from(exit.code());
        }
    };
    log(cli.global.verbose, &env);
    quiet_index_panics();
    let mut ui = {
        let global = &cli.global;
        Ui::new(global.quiet, global.verbose > 0, global.no_color, &env)
    };
    let exit = match run(cli, &env, &mut ui) {
        Ok(exit) => exit,
        Err(failure) => {
            ui.failure(&failure);
            failure.exit()
        }
    };
    ExitCode::from(exit.code())
}

fn run(cli: Cli, env: &Env, ui: &mut Ui) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("cannot start threads: {e}")))?;
    let exit = runtime.block_on(cmd::run(cli, env, ui));
    // Requests still under way after a failure are not worth waiting for.
    runtime.shutdown_background();
    exit
}

/// sled panics on a damaged file, and the Parquet reader on some; the store
/// catches that and says what is damaged. The panic's own text would only alarm.
fn quiet_index_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let caught = |file: &str| file.contains("/sled-") || file.contains("/parquet-");
        if !info.location().is_some_and(|l| caught(l.file())) {
            default(info);
        }
    }));
}

/// `-vv` shows requests, `-vvv` everything; `TIDEGATE_LOG` takes a filter.
fn log(verbose: u8, env: &Env) {
    let level = match verbose {
        0 | 1 => "",
        2 => {
            "info,tidegate=debug,tidegate_openstack=debug,tidegate_kubernetes=debug,tidegate_store=debug"
        }
        _ => "debug",
    };
    let Some(filter) = env.var("TIDEGATE_LOG").or(Some(level)).filter(|f| !f.is_empty()) else {
        return;
    };
    let filter = tracing_subscriber::EnvFilter::new(filter);
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
