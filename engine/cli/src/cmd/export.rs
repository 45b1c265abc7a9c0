//! `tidegate snapshot export`: a snapshot as an archive for auditors.
//!
//! Files are written one by one into a temporary folder beside the archive, so
//! that no more than one resource of the state is in memory, and packed in order
//! of path. Same store, same options, same bytes.

mod archive;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::str::FromStr as _;

use serde::Serialize;
use serde_json::value::RawValue;
use tidegate_model::{Digest, Fact, Kind, ResourceKey, SnapshotId, Timestamp, Verdict};
use tidegate_report::{AuditIndex, HtmlOptions, Report, SubjectReport, Waivers, audit_index};
use tidegate_store::{At, Checkpoint, Sealed, SnapshotReader, Store};

use crate::args::Export;
use crate::bundles;
use crate::cmd::prove::covering;
use crate::cmd::report::show;
use crate::cmd::show::one_subject;
use crate::cmd::store::{failure, resolve};
use crate::cmd::{Context, baseline, check, waiver};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::rules::Rules;
use archive::Archive;

pub(crate) async fn run(ctx: &mut Context<'_>, args: &Export) -> Result<Exit> {
    let at = At::from_str(&args.of.at).map_err(|e| Failure::usage(e.to_string()))?;
    let choice = ctx.config.rules(&args.rules)?;
    let asked = !args.rules.bundle.is_empty() || !args.rules.scope.is_empty();
    let sources = if asked { bundles::sources(&choice)? } else { BTreeMap::new() };
    let rules = Rules::new(choice)?;
    let files = waiver::files(&ctx.config.waivers(&args.waivers, false).value)?;
    let waivers = waiver::read(&files)?;
    let store = ctx.store_to_read().await?;
    let subject = one_subject(ctx, &store, args.of.cloud.as_deref(), &[&at]).await?;
    let id = resolve(ctx, &store, &subject, &at).await?;
    let snapshot = store.snapshot(&id).await.map_err(failure)?;
    let log = store.log(&subject).await.map_err(failure)?;
    let note = covering(ctx, &store, &log, id.seq, &args.of.key).await?;
    let checkpoint: Checkpoint =
        note.text().parse().map_err(|e| Failure::new(format!("cannot use the checkpoint: {e}")))?;

    let mut archive = Archive::new(&args.out)?;
    let text = note.to_string();
    archive.add("checkpoint.note", text.as_bytes())?;
    for seq in 1..=checkpoint.size {
        let id = SnapshotId { subject: subject.clone(), seq };
        let text = store.manifest_text(&id).await.map_err(failure)?;
        archive.add(&format!("manifests/{seq}.json"), text.as_bytes())?;
    }
    for record in store.records(&subject).await.map_err(failure)? {
        let (bytes, _) = store.record_parts(&record).await.map_err(failure)?;
        archive.add(&format!("records/{}.json", record.n), &bytes)?;
    }
    state(&mut archive, &snapshot)?;
    let then = recorded(&mut archive, &store, &id, &rules, &waivers).await?;
    let mut now = None;
    if asked {
        let judged = check::judge(&store, &id, &rules, true).await?;
        now = Some(pages(&mut archive, "now", judged.report, &waivers, &rules, true)?);
    }
    for (path, bytes) in sources {
        archive.add(&format!("bundles/{path}"), &bytes)?;
    }
    for file in &files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let bytes = std::fs::read(file)
            .map_err(|e| Failure::new(format!("cannot read `{}`: {e}", file.display())))?;
        archive.add(&format!("waivers/{name}"), &bytes)?;
    }

    let manifest = snapshot.manifest();
    let index = AuditIndex {
        snapshot: &id,
        taken_at: manifest.taken_at,
        tool_version: &manifest.tool_version,
        checkpoint: &text,
        signers: note.names().collect(),
        coverage: &manifest.coverage,
        kinds: manifest.kinds.iter().map(|(k, t)| (k.as_str(), t.count, t.root)).collect(),
        then,
        now,
        files: archive.files(),
    };
    let mut page = Vec::new();
    audit_index(&index, &mut page)
        .map_err(|e| Failure::new(format!("cannot write a page: {e}")))?;
    archive.add("index.html", &page)?;
    let sums = archive.sums();
    archive.add("SHA256SUMS", sums.as_bytes())?;
    let count = archive.files().len();
    archive.pack(ctx, &args.out, manifest.taken_at)?;
    ctx.ui.status(&format!("packed `{id}` into {}: {count} files", args.out.display()));
    Ok(Exit::Ok)
}

/// A line of state. The text of the body comes first and is as it was hashed.
#[derive(Serialize)]
struct Line<'a> {
    body: Option<&'a RawValue>,
    key: &'a ResourceKey,
    leaf: Digest,
    name: Option<&'a str>,
    project: Option<&'a str>,
    read_at: Timestamp,
    region: Option<&'a str>,
    salt: Option<&'a str>,
    source: &'a str,
    unseen_since: Option<Timestamp>,
}

/// Every resource with its leaf, a file for each kind.
fn state(archive: &mut Archive, snapshot: &SnapshotReader) -> Result<()> {
    let kinds: Vec<Kind> = snapshot.kinds().map(|(kind, _)| kind.clone()).collect();
    for kind in kinds {
        let mut read = Ok(());
        archive.add_with(&format!("state/{kind}.ndjson"), &mut |out| {
            let mut written = Ok(());
            read = snapshot.each_with_leaf(&kind, &mut |sealed| {
                if written.is_ok() {
                    written = line(&sealed, out);
                }
            });
            written
        })?;
        read.map_err(failure)?;
    }
    Ok(())
}

fn line(sealed: &Sealed, out: &mut dyn Write) -> io::Result<()> {
    let Sealed { fact: Fact { resource, unseen_since }, leaf, salt } = sealed;
    let body = salt.is_some().then(|| serde_json::from_str::<&RawValue>(&resource.body));
    let line = Line {
        body: body.transpose()?,
        key: &resource.key,
        leaf: *leaf,
        name: resource.name.as_deref(),
        project: resource.project.as_deref(),
        read_at: resource.read_at,
        region: resource.region.as_deref(),
        salt: salt.as_deref(),
        source: &resource.source,
        unseen_since: *unseen_since,
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

/// What was said when the snapshot was scanned, with what proves it.
async fn recorded(
    archive: &mut Archive,
    store: &Store,
    id: &SnapshotId,
    rules: &Rules,
    waivers: &Waivers,
) -> Result<Option<Verdict>> {
    let Some((record, evaluation)) = baseline::recorded(store, id).await? else { return Ok(None) };
    if let (_, Some((salt, payload))) = store.record_parts(&record).await.map_err(failure)? {
        archive.add("verdicts/recorded.json", &payload)?;
        archive.add("verdicts/recorded.salt", &salt)?;
    }
    let subject = show::recorded(store, evaluation, rules).await?;
    pages(archive, "recorded", subject, waivers, rules, false).map(Some)
}

/// A report as a page and, unless the evaluation stands there, as JSON.
fn pages(
    archive: &mut Archive,
    name: &str,
    mut subject: SubjectReport,
    waivers: &Waivers,
    rules: &Rules,
    json: bool,
) -> Result<Verdict> {
    let verdict = subject.verdict;
    if !waivers.is_empty() {
        waivers.apply(&mut subject);
    }
    let mut report = Report::new(env!("CARGO_PKG_VERSION"), vec![subject]);
    report.mode = rules.mode().map(str::to_owned);
    report.parameters = rules.parameters();
    archive.add_with(&format!("verdicts/{name}.html"), &mut |out| {
        tidegate_report::html(&report, &HtmlOptions::default(), out)
    })?;
    if json {
        archive.add_with(&format!("verdicts/{name}.json"), &mut |out| {
            tidegate_report::json(&report, out)
        })?;
    }
    Ok(verdict)
}
