//! Options of what checks and proves.

use std::path::PathBuf;

use clap::Args;

use super::Rules;
use crate::output::Output;

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A cloud in the store; several may be named [default: all]
    #[arg(value_name = "CLOUD")]
    pub(crate) cloud: Vec<String>,
    /// A public key that must have signed a checkpoint over the newest snapshot:
    /// name+id+base64, or a file of such keys or of OpenSSH's, one of which will do;
    /// with several of these options all must have signed
    #[arg(long, value_name = "KEY|FILE")]
    pub(crate) key: Vec<String>,
    /// A checkpoint that was kept elsewhere: the store must still hold all that it covers
    #[arg(long, value_name = "FILE")]
    pub(crate) against: Vec<PathBuf>,
    /// table or json
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
    pub(crate) format: Output,
}

#[derive(Debug, Args)]
pub(crate) struct CheckpointOf {
    /// A cloud in the store [default: the only one]
    pub(crate) cloud: Option<String>,
    /// Sign with this Ed25519 key, of OpenSSH or PRIVATE+KEY+…; repeatable
    #[arg(long, value_name = "KEYFILE")]
    pub(crate) key: Vec<PathBuf>,
    /// Where to; signatures that are there already are kept [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Which snapshot, and who signs for it.
#[derive(Debug, Args)]
pub(crate) struct Sealed {
    /// A cloud in the store [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub(crate) cloud: Option<String>,
    /// The snapshot: latest, latest~N, CLOUD@N, a date or an RFC 3339 time
    #[arg(long, default_value = "latest", value_name = "ID|TIME")]
    pub(crate) at: String,
    /// Sign a checkpoint with this Ed25519 key; repeatable [default: the newest signed
    /// one in the store, or one without signature]
    #[arg(long, value_name = "KEYFILE")]
    pub(crate) key: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// The resource: its key, its id, or a name that it has or had
    pub(crate) resource: String,
    /// Only look among resources of this kind, such as compute.server
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    #[command(flatten)]
    pub(crate) of: Sealed,
    /// Where to [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyProof {
    /// What `snapshot prove` wrote
    pub(crate) file: PathBuf,
    /// A public key that must have signed its checkpoint, as of `snapshot verify`
    #[arg(long, value_name = "KEY|FILE")]
    pub(crate) key: Vec<String>,
    /// table or json
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
    pub(crate) format: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The archive to write
    #[arg(long, value_name = "FILE.tar")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) of: Sealed,
    /// A YAML file of waivers or a folder of them; repeatable [default: those of
    /// tidegate.yaml]
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) waivers: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) rules: Rules,
}
