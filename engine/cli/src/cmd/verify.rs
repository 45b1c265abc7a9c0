//! `tidegate snapshot verify` and `verify-proof` ([`proof`]): whether everything
//! fits together, and who answers for it.

pub(crate) mod proof;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::json;
use tidegate_model::Subject;
use tidegate_signature::Note;
use tidegate_store::{Checkpoint, Fault, Store, Verified};

use crate::args::Verify;
use crate::cmd::Context;
use crate::cmd::keys::Wanted;
use crate::cmd::show::pretty;
use crate::cmd::store::failure;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Format;

/// So many faults of a cloud are shown; JSON has all.
const SHOWN: usize = 10;

/// What came out for a cloud, or for a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Everything fits together; who made it was not asked.
    Consistent,
    /// And those asked for signed for it.
    Authentic,
    Failed,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Consistent => "consistent",
            Self::Authentic => "authentic",
            Self::Failed => "failed",
        }
    }
}

/// What came out for a cloud.
struct Outcome {
    state: State,
    found: Verified,
    /// Who signed for all of it, of those asked for.
    signers: Vec<String>,
}

/// A checkpoint that was kept elsewhere.
struct Against {
    checkpoint: Checkpoint,
    note: Note,
    file: String,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &Verify) -> Result<Exit> {
    let wanted = Wanted::read(&args.key)?;
    let against = args.against.iter().map(|p| read(p)).collect::<Result<Vec<_>>>()?;
    let store = ctx.store_to_read().await?;
    let subjects = subjects(ctx, &store, &args.cloud, &against).await?;
    let mut outcomes = Vec::new();
    for subject in subjects {
        let mine: Vec<&Against> =
            against.iter().filter(|a| a.checkpoint.subject == subject).collect();
        let checkpoints: Vec<Checkpoint> = mine.iter().map(|a| a.checkpoint.clone()).collect();
        let mut found = store.verify(&subject, &checkpoints).await.map_err(failure)?;
        let mut signers = Vec::new();
        if found.faults.is_empty() && !wanted.is_empty() {
            match authentic(&store, &found, &mine, &wanted).await? {
                Ok(names) => signers = names,
                Err(fault) => found.faults.push(fault),
            }
        }
        let state = match (found.faults.is_empty(), wanted.is_empty()) {
            (true, true) => State::Consistent,
            (true, false) => State::Authentic,
            (false, _) => State::Failed,
        };
        outcomes.push(Outcome { state, found, signers });
    }
    let failed = outcomes.iter().any(|o| o.state == State::Failed);
    let exit = if failed { Exit::Findings } else { Exit::Ok };
    let text = match args.format.format {
        Format::Json => pretty(&json!({
            "schema_version": "tidegate.verify/v1",
            "clouds": outcomes.iter().map(document).collect::<Vec<_>>(),
            "exit": exit.code(),
        }))?,
        Format::Table => outcomes.iter().map(table).collect::<Vec<_>>().join("\n"),
    };
    ctx.ui.write(args.format.file.as_deref(), &text)?;
    Ok(exit)
}

/// The clouds that are looked at: those named, those of the checkpoints, or all.
async fn subjects(
    ctx: &Context<'_>,
    store: &Store,
    named: &[String],
    against: &[Against],
) -> Result<Vec<Subject>> {
    let known = store.subjects_with_objects().await.map_err(failure)?;
    if named.is_empty() {
        // That a cloud of a checkpoint is gone altogether must show.
        let mut all = known;
        all.extend(against.iter().map(|a| a.checkpoint.subject.clone()));
        if all.is_empty() {
            return Err(Failure::usage("the store is empty")
                .hint("take a snapshot first: tidegate collect --cloud NAME"));
        }
        return Ok(all.into_iter().collect());
    }
    let mut subjects = Vec::new();
    for name in ctx.config.subjects(named) {
        let subject = known.iter().find(|s| s.as_str() == name);
        let of_checkpoint = || against.iter().map(|a| &a.checkpoint.subject);
        let subject = subject.or_else(|| of_checkpoint().find(|s| s.as_str() == name));
        subjects.push(subject.cloned().ok_or_else(|| {
            let known: Vec<&str> = known.iter().map(Subject::as_str).collect();
            Failure::usage(format!("there is no cloud `{name}` in the store"))
                .hint(format!("the store has: {}", known.join(", ")))
        })?);
    }
    if let Some(other) = against.iter().find(|a| !subjects.contains(&a.checkpoint.subject)) {
        return Err(Failure::usage(format!(
            "checkpoint `{}` is of `{}`, which is not looked at",
            other.file, other.checkpoint.subject
        ))
        .hint("name that cloud, too, or none"));
    }
    Ok(subjects)
}

/// Reads a checkpoint that was kept elsewhere.
fn read(path: &Path) -> Result<Against> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| {
        Failure::usage(format!("cannot read checkpoint `{file}`: {e}"))
            .hint("name a file that `tidegate snapshot checkpoint` wrote")
    })?;
    let odd = |e: &dyn std::error::Error| {
        Failure::new(format!("cannot use checkpoint `{file}`")).also(e.to_string())
    };
    let note: Note = text.parse().map_err(|e| odd(&e))?;
    let checkpoint = note.text().parse().map_err(|e| odd(&e))?;
    Ok(Against { checkpoint, note, file })
}

/// Who of those asked for signed a checkpoint over the newest snapshot. The
/// store is consistent, and with it its checkpoints.
async fn authentic(
    store: &Store,
    found: &Verified,
    against: &[&Against],
    wanted: &Wanted,
) -> Result<std::result::Result<Vec<String>, Fault>> {
    for Against { note, file, .. } in against {
        if let Err(why) = wanted.signed(note) {
            return Ok(Err(Fault { object: file.clone(), why }));
        }
    }
    // Signatures over one text may stand in several notes.
    let mut notes: BTreeMap<u64, Note> = BTreeMap::new();
    for kept in store.checkpoints(&found.subject).await.map_err(failure)? {
        match kept.note.parse::<Note>() {
            Ok(note) => match notes.get_mut(&kept.checkpoint.size) {
                Some(known) => known.add(note),
                None => drop(notes.insert(kept.checkpoint.size, note)),
            },
            Err(e) => return Ok(Err(Fault { object: kept.object, why: e.to_string() })),
        }
    }
    for Against { checkpoint, note, .. } in against {
        match notes.get_mut(&checkpoint.size) {
            Some(known) => known.add(note.clone()),
            None => drop(notes.insert(checkpoint.size, note.clone())),
        }
    }
    let head = found.log.size();
    let missing = |covered: u64, why: String| Fault {
        object: format!("manifests/{}/{}.json", found.subject, covered + 1),
        why: format!("no checkpoint over it is signed as asked for: {why}"),
    };
    let mut why = "there is none".to_owned();
    // Another process may have signed for a newer snapshot meanwhile.
    for (&size, note) in notes.range(..=head).rev() {
        match wanted.signed(note) {
            Ok(names) if size == head => return Ok(Ok(names)),
            Ok(_) => return Ok(Err(missing(size, format!("the newest covers {size} of {head}")))),
            Err(because) if size == head => why = because,
            Err(_) => {}
        }
    }
    Ok(Err(missing(0, why)))
}

fn document(outcome: &Outcome) -> serde_json::Value {
    let Outcome { state, found, signers } = outcome;
    let Verified {
        subject,
        log,
        roots,
        versions,
        erased,
        pruned,
        records,
        erased_payloads,
        checkpoints,
        faults,
    } = found;
    let checkpoint = log.checkpoint(log.size()).map(|c| c.to_string());
    let faults: Vec<_> =
        faults.iter().map(|f| json!({ "object": f.object, "why": f.why })).collect();
    json!({
        "cloud": subject, "state": state, "snapshots": log.size(), "pruned": pruned, "roots": roots,
        "versions": versions, "erased": erased, "records": records,
        "erased_payloads": erased_payloads, "checkpoints": checkpoints,
        "checkpoint": checkpoint, "signers": signers, "faults": faults,
    })
}

fn table(outcome: &Outcome) -> String {
    let Outcome { state, found, signers } = outcome;
    let mut text = format!("{}: {}\n", found.subject, state.name());
    for Fault { object, why } in found.faults.iter().take(SHOWN) {
        text.push_str(&format!("  {object}: {why}\n"));
    }
    if let Some(more) = found.faults.len().checked_sub(SHOWN).filter(|&n| n > 0) {
        text.push_str(&format!("  and {more} more: -f json\n"));
    }
    if !signers.is_empty() {
        text.push_str(&format!("  signed by    {}\n", signers.join(", ")));
    }
    let erased = |n: u64| if n > 0 { format!(", {n} erased") } else { String::new() };
    let pruned =
        if found.pruned > 0 { format!("{} pruned, ", found.pruned) } else { String::new() };
    text.push_str(&format!(
        "  snapshots    {}, {pruned}roots of {} computed anew\n  versions     {}{}\n  records      {}{}\n  checkpoints  {}\n",
        found.log.size(),
        found.roots,
        found.versions + found.erased,
        erased(found.erased),
        found.records,
        erased(found.erased_payloads),
        found.checkpoints,
    ));
    text
}
