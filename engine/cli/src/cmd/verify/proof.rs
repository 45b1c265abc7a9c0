//! `tidegate snapshot verify-proof`.

use std::error::Error;

use serde_json::json;
use tidegate_signature::Note;
use tidegate_store::{Proof, ProofError, Proven};

use super::State;
use crate::args::VerifyProof;
use crate::cmd::Context;
use crate::cmd::keys::Wanted;
use crate::cmd::show::pretty;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Format;

/// A proof that holds.
struct Proved {
    proof: Proof,
    proven: Proven,
    signers: Vec<String>,
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &VerifyProof) -> Result<Exit> {
    let wanted = Wanted::read(&args.key)?;
    let file = args.file.display().to_string();
    let bytes = std::fs::read(&args.file).map_err(|e| {
        Failure::usage(format!("cannot read proof `{file}`: {e}"))
            .hint("name a file that `tidegate snapshot prove` wrote")
    })?;
    let result = check(&bytes, &wanted);
    let (state, exit) = match &result {
        Ok(_) if wanted.is_empty() => (State::Consistent, Exit::Ok),
        Ok(_) => (State::Authentic, Exit::Ok),
        Err(_) => (State::Failed, Exit::Findings),
    };
    let text = match args.format.format {
        Format::Json => pretty(&document(state, exit, &result))?,
        Format::Table => table(&file, state, &result),
    };
    ctx.ui.write(args.format.file.as_deref(), &text)?;
    Ok(exit)
}

/// Checks a proof and who signed it; says why it does not hold.
fn check(bytes: &[u8], wanted: &Wanted) -> std::result::Result<Proved, String> {
    let told = |e: ProofError| match e.source() {
        Some(cause) => format!("{e}: {cause}"),
        None => e.to_string(),
    };
    let proof = Proof::parse(bytes).map_err(told)?;
    let proven = proof.check().map_err(told)?;
    let note: Note = proof.checkpoint.parse().map_err(|e| format!("its checkpoint: {e}"))?;
    let signers = wanted.signed(&note).map_err(|why| format!("its checkpoint: {why}"))?;
    Ok(Proved { proof, proven, signers })
}

fn document(
    state: State,
    exit: Exit,
    result: &std::result::Result<Proved, String>,
) -> serde_json::Value {
    let schema = "tidegate.verify_proof/v1";
    match result {
        Ok(Proved { proof, proven: Proven { manifest, checkpoint }, signers }) => json!({
            "schema_version": schema, "state": state, "exit": exit.code(), "key": proof.key,
            "snapshot": manifest.id(), "taken_at": manifest.taken_at,
            "checkpoint": checkpoint.to_string(), "signers": signers,
            "body": serde_json::from_str::<serde_json::Value>(&proof.body).unwrap_or_default(),
        }),
        Err(why) => json!({
            "schema_version": schema, "state": state, "exit": exit.code(), "why": why,
        }),
    }
}

fn table(file: &str, state: State, result: &std::result::Result<Proved, String>) -> String {
    let state = state.name();
    match result {
        Ok(Proved { proof, proven: Proven { manifest, checkpoint }, signers }) => {
            let by = if signers.is_empty() {
                "nobody's signature was asked for".to_owned()
            } else {
                format!("signed by {}", signers.join(", "))
            };
            format!(
                "{file}: {state}\n  resource    {}\n  snapshot    {}, taken {:.0}\n  \
                 checkpoint  over {} snapshots; {by}\n",
                proof.key,
                manifest.id(),
                manifest.taken_at,
                checkpoint.size,
            )
        }
        Err(why) => format!("{file}: {state}\n  {why}\n"),
    }
}
