//! `tidegate snapshot checkpoint` and `prove`.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use tidegate_model::Kind;
use tidegate_signature::Note;
use tidegate_store::{At, Checkpoint, Log, Store};

use crate::args::{CheckpointOf, Prove};
use crate::cmd::Context;
use crate::cmd::history::key;
use crate::cmd::keys::signers;
use crate::cmd::show::{one_subject, pretty};
use crate::cmd::store::{failure, resolve};
use crate::exit::Exit;
use crate::failure::{Failure, Result};

pub(crate) async fn checkpoint(ctx: &mut Context<'_>, args: &CheckpointOf) -> Result<Exit> {
    let store = ctx.store_to_read().await?;
    let subject = one_subject(ctx, &store, args.cloud.as_deref(), &[]).await?;
    let log = store.log(&subject).await.map_err(failure)?;
    let beside = args.out.as_deref().map(|file| at_place(file, &log)).transpose()?.flatten();
    let note = newest(ctx, &store, &log, &args.key, beside).await?;
    ctx.ui.write(args.out.as_deref(), &note.to_string())?;
    Ok(Exit::Ok)
}

/// The note that stands where a checkpoint is to be written; one over less may
/// be replaced, what is no checkpoint of this log may not.
fn at_place(file: &Path, log: &Log) -> Result<Option<Note>> {
    let in_the_way = |why: String| {
        Failure::new(format!("`{}` is in the way: {why}", file.display()))
            .hint("look at it, and write the checkpoint to another file")
    };
    match std::fs::read_to_string(file) {
        Ok(text) => {
            let note: Note = text.parse().map_err(|_| in_the_way("it is no checkpoint".into()))?;
            let checkpoint: Checkpoint = note
                .text()
                .parse()
                .map_err(|_| in_the_way("it is no checkpoint of tidegate".into()))?;
            log.check(&checkpoint).map_err(|e| in_the_way(e.to_string()))?;
            Ok(Some(note))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(in_the_way(e.to_string())),
    }
}

/// A checkpoint over all of a log with the signatures that there are and those
/// of `keys`; with these it is kept in the store. Nothing is signed that
/// contradicts what was signed before.
async fn newest(
    ctx: &mut Context<'_>,
    store: &Store,
    log: &Log,
    keys: &[PathBuf],
    other: Option<Note>,
) -> Result<Note> {
    let checkpoint = log
        .checkpoint(log.size())
        .ok_or_else(|| Failure::usage("there are no snapshots to make a checkpoint of"))?;
    let odd = |e: &dyn std::error::Error| {
        Failure::new(format!("cannot make a checkpoint of `{}`", checkpoint.subject))
            .also(e.to_string())
            .hint(format!("look at it: tidegate snapshot verify {}", checkpoint.subject))
    };
    let mut note = Note::new(checkpoint.to_string()).map_err(|e| odd(&e))?;
    for kept in store.checkpoints(&checkpoint.subject).await.map_err(failure)? {
        log.check(&kept.checkpoint).map_err(|e| odd(&e))?;
        note.add(kept.note.parse().map_err(|e| odd(&e))?);
    }
    if let Some(other) = other {
        note.add(other);
    }
    if keys.is_empty() {
        return Ok(note);
    }
    for signer in signers(ctx, keys)? {
        note.sign(&signer);
        let key = signer.key();
        let id = checkpoint.id();
        ctx.ui.status(&format!("signed up to {id} as `{}`; check it with --key {key}", key.name()));
    }
    store.keep_checkpoint(&checkpoint, &note.to_string()).await.map_err(failure)?;
    Ok(note)
}

/// The checkpoint that a proof about snapshot `seq` leads to: one signed now, or
/// the newest signed one that is kept and covers it, or one without signature.
pub(crate) async fn covering(
    ctx: &mut Context<'_>,
    store: &Store,
    log: &Log,
    seq: u64,
    keys: &[PathBuf],
) -> Result<Note> {
    let head = newest(ctx, store, log, keys, None).await?;
    if head.names().next().is_some() {
        return Ok(head);
    }
    let Some(checkpoint) = log.checkpoint(seq) else { return Ok(head) };
    let mut best: Option<Note> = None;
    for kept in store.checkpoints(&checkpoint.subject).await.map_err(failure)? {
        let Ok(note) = kept.note.parse::<Note>() else { continue };
        match &mut best {
            _ if kept.checkpoint.size < seq => {}
            Some(best) => best.add(note),
            None => best = Some(note),
        }
    }
    Ok(best.unwrap_or(head))
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &Prove) -> Result<Exit> {
    let at = At::from_str(&args.of.at).map_err(|e| Failure::usage(e.to_string()))?;
    let kind = args.kind.as_deref().map(Kind::new).transpose();
    let kind = kind.map_err(|e| Failure::usage(e.to_string()))?;
    let store = ctx.store_to_read().await?;
    let subject = one_subject(ctx, &store, args.of.cloud.as_deref(), &[&at]).await?;
    let id = resolve(ctx, &store, &subject, &at).await?;
    let snapshot = store.snapshot(&id).await.map_err(failure)?;
    let key = key(&snapshot, &args.resource, kind)?;
    let log = store.log(&subject).await.map_err(failure)?;
    let note = covering(ctx, &store, &log, id.seq, &args.of.key).await?;
    let proof = snapshot.prove(&key, &log, &note.to_string()).map_err(failure)?;
    let proof = proof.ok_or_else(|| {
        Failure::usage(format!("`{id}` does not hold `{key}`, or its body was erased"))
            .hint(format!("see when it was there: tidegate snapshot history {key}"))
    })?;
    let value = serde_json::to_value(&proof)
        .map_err(|e| Failure::new("cannot write JSON").caused_by(Some(&e)))?;
    ctx.ui.write(args.out.as_deref(), &pretty(&value)?)?;
    Ok(Exit::Ok)
}
