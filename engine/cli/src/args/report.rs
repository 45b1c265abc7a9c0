//! `report`: what was judged, again or for others.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Reporting, Rules, Snapshots};
use crate::exit;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Report {
    #[command(subcommand)]
    pub(crate) command: Option<ReportCommand>,
    #[command(flatten)]
    pub(crate) show: Box<ReportShow>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Report what was said of a snapshot when it was scanned, without judging again
    ///
    /// What today's rules say of it tells: tidegate check --at TIME.
    #[command(after_help = exit::HELP)]
    Show(Box<ReportShow>),
    /// Sign a report with an SSH key, as ssh-keygen does; writes FILE.sig
    ///
    /// The passphrase of an encrypted key is taken from the variable
    /// TIDEGATE_KEY_PASSPHRASE.
    Sign {
        /// A report written by -f scs=FILE
        file: PathBuf,
        /// The private key
        #[arg(long, value_name = "KEYFILE")]
        key: PathBuf,
    },
    /// Send a signed report; prints the ids under which it is kept
    ///
    /// The password is taken from the variable TIDEGATE_REPORT_PASSWORD.
    Upload(Upload),
}

#[derive(Debug, Args)]
pub(crate) struct ReportShow {
    #[command(flatten)]
    pub(crate) snapshots: Snapshots,
    #[command(flatten)]
    pub(crate) rules: Rules,
    #[command(flatten)]
    pub(crate) reporting: Reporting,
}

#[derive(Debug, Args)]
pub(crate) struct Upload {
    /// The monitor, such as https://compliance.sovereignit.cloud/
    pub(crate) url: String,
    /// A report with its signature beside it in FILE.sig
    pub(crate) file: PathBuf,
    /// The account that hands it in [default: the cloud that the report is about]
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// A file with the certificate authorities to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,
}
