//! `snapshot`: what was seen, and when.

use clap::{Args, Subcommand};

use super::{CheckpointOf, Export, Prove, Rules, Verify, VerifyProof, View};
use crate::exit;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Snapshot {
    /// List snapshots, newest first
    List {
        /// A cloud in the store; repeatable [default: all]
        #[arg(long, value_name = "NAME")]
        cloud: Vec<String>,
        /// table or json
        #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
        format: Output,
    },
    /// Show a snapshot's coverage, the resources of a kind, or one resource
    Show {
        /// A kind, such as compute.server
        kind: Option<String>,
        /// A resource of that kind: its id, its name or its key
        #[arg(requires = "kind")]
        id: Option<String>,
        /// A cloud in the store [default: the only one]
        #[arg(long, value_name = "NAME")]
        cloud: Option<String>,
        /// The snapshot: latest, latest~N, CLOUD@N, a date or an RFC 3339 time
        #[arg(long, default_value = "latest", value_name = "ID|TIME")]
        at: String,
        /// table or json
        #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
        format: Output,
    },
    /// Tell what changed between two snapshots: created, changed and removed resources,
    /// kinds that were seen otherwise, and with --findings what became of findings
    Diff(Box<Diff>),
    /// Tell every version of one resource: when, what changed, and what rules said of it
    History(HistoryOf),
    /// Check that everything in the store fits together, and name what does not
    ///
    /// Reads all manifests, segments, records and checkpoints and computes every hash and
    /// root anew, without the index. `consistent` means that everything fits together;
    /// with --key `authentic` means that the owner of the key also signed for it.
    #[command(after_help = exit::HELP)]
    Verify(Verify),
    /// Write a checkpoint: one hash over all snapshots of a cloud, signed if a key is given
    ///
    /// Kept elsewhere, it shows later that no snapshot was changed or taken away: snapshot
    /// verify --against FILE. Signed ones are kept in the store, too. The passphrase of an
    /// encrypted key is taken from the variable TIDEGATE_KEY_PASSPHRASE.
    Checkpoint(CheckpointOf),
    /// Write a proof that a resource was in a snapshot as it was, for who has no store
    Prove(Prove),
    /// Check a proof, without the store
    #[command(after_help = exit::HELP)]
    VerifyProof(VerifyProof),
    /// Pack a snapshot for an auditor: state, hashes, verdicts, rules and waivers
    ///
    /// The archive has an index.html that opens offline. What was said when the snapshot
    /// was scanned is in it, and with --bundle or --scope also what these rules say now.
    Export(Box<Export>),
}

#[derive(Debug, Args)]
pub(crate) struct HistoryOf {
    /// The resource: its key, its id, or a name that it has or had
    pub(crate) resource: String,
    /// Only look among resources of this kind, such as compute.server
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// Only tell of this part of its body: a JSON Pointer, such as /status
    #[arg(long, value_name = "POINTER")]
    pub(crate) field: Option<String>,
    /// A cloud in the store [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub(crate) cloud: Option<String>,
    /// Up to this snapshot: latest, latest~N, CLOUD@N, a date or an RFC 3339 time
    #[arg(long, default_value = "latest", value_name = "ID|TIME")]
    pub(crate) at: String,
    /// table or json
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
    pub(crate) format: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The earlier snapshot: latest, latest~N, CLOUD@N, a date or an RFC 3339 time
    #[arg(default_value = "latest~1", value_name = "ID|TIME")]
    pub(crate) from: String,
    /// The later one
    #[arg(default_value = "latest", value_name = "ID|TIME")]
    pub(crate) to: String,
    /// Only this kind, such as compute.server; repeatable
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Vec<String>,
    /// Only what this project or namespace owns
    #[arg(long, value_name = "ID")]
    pub(crate) project: Option<String>,
    /// A cloud in the store [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub(crate) cloud: Option<String>,
    /// How changed resources are shown
    #[arg(long, value_enum, default_value = "unified")]
    pub(crate) view: View,
    /// Tell what became of findings, too: judges both with the rules of today
    #[arg(long)]
    pub(crate) findings: bool,
    #[command(flatten)]
    pub(crate) rules: Rules,
    /// table or json
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
    pub(crate) format: Output,
}
