//! `tidegate report`: show what was said then ([`show`]), sign a report for the
//! SCS compliance monitor, and hand it in ([`upload`]).

pub(crate) mod show;
mod upload;

use std::path::{Path, PathBuf};

use tidegate_report::{ScsDocument, read_scs};
use tidegate_signature::{KeyError, SigningKey};

use crate::args::{Report, ReportCommand};
use crate::cmd::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// What the monitor's signatures are made for.
const NAMESPACE: &str = "report";
pub(crate) const PASSPHRASE: &str = "TIDEGATE_KEY_PASSPHRASE";

pub(crate) async fn run(ctx: &mut Context<'_>, args: Report) -> Result<Exit> {
    match args.command {
        None => show::run(ctx, *args.show).await,
        Some(ReportCommand::Show(args)) => show::run(ctx, *args).await,
        Some(ReportCommand::Sign { file, key }) => sign(ctx, &file, &key),
        Some(ReportCommand::Upload(args)) => upload::upload(ctx, &args).await,
    }
}

/// A report file that the monitor could read.
struct Read {
    bytes: Vec<u8>,
    documents: Vec<ScsDocument>,
}

fn read(file: &Path) -> Result<Read> {
    let shown = file.display();
    let bytes =
        std::fs::read(file).map_err(|e| Failure::new(format!("cannot read `{shown}`: {e}")))?;
    let hint = "write one with: tidegate scan --format scs=FILE";
    let not_one = |problem: String| {
        Failure::new(format!("`{shown}` is not a report for the SCS compliance monitor"))
            .also(problem)
            .hint(hint)
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| not_one("it is not UTF-8".to_owned()))?;
    let documents = read_scs(text).map_err(|e| not_one(e.to_string()))?;
    Ok(Read { bytes, documents })
}

/// Where the signature of a file stands, as `ssh-keygen` names it.
fn signature_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sig");
    PathBuf::from(name)
}

fn sign(ctx: &mut Context<'_>, file: &Path, key: &Path) -> Result<Exit> {
    let report = read(file)?;
    let target = signature_of(file);
    // What is not a signature was not written by us or by ssh-keygen.
    match std::fs::read_to_string(&target) {
        Ok(text) if !text.starts_with("-----BEGIN SSH SIGNATURE-----") => {
            return Err(Failure::new(format!(
                "`{}` is in the way: it is not a signature",
                target.display()
            ))
            .hint("move it away, or sign a copy of the report under another name"));
        }
        Ok(_) | Err(_) => {}
    }
    let signing = read_key(ctx, key)?;
    let text = signing.sign(NAMESPACE, &report.bytes).map_err(|e| key_failure(key, &e))?;
    ctx.ui.write(Some(&target), &text)?;
    ctx.ui.status(&format!(
        "signed {} with key {}: {}",
        about(&report.documents),
        signing.fingerprint(),
        target.display()
    ));
    Ok(Exit::Ok)
}

/// The reports of a file in few words.
fn about(documents: &[ScsDocument]) -> String {
    let mut subjects: Vec<&str> = documents.iter().map(|d| d.subject.as_str()).collect();
    subjects.dedup();
    let plural = if documents.len() == 1 { "report" } else { "reports" };
    format!("{} {plural} about {}", documents.len(), subjects.join(", "))
}

fn read_key(ctx: &mut Context<'_>, path: &Path) -> Result<SigningKey> {
    let text = key_text(ctx, path)?;
    SigningKey::parse(&text, ctx.env.var(PASSPHRASE)).map_err(|e| key_failure(path, &e))
}

/// Reads a file with a private key, of whatever form.
pub(crate) fn key_text(ctx: &mut Context<'_>, path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        Failure::new(format!("cannot read key `{}`: {e}", path.display())).hint(
            "name a private key file after --key; make one with: ssh-keygen -t ed25519 -f FILE",
        )
    })?;
    if open_to_others(path) {
        ctx.ui.warn(&format!(
            "others can read key `{}`; close it with: chmod 600 FILE",
            path.display()
        ));
    }
    Ok(text)
}

#[cfg(unix)]
fn open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> bool {
    false
}

pub(crate) fn key_failure(path: &Path, error: &KeyError) -> Failure {
    let failure =
        Failure::new(format!("cannot sign with key `{}`", path.display())).also(error.to_string());
    match error {
        KeyError::Encrypted => {
            failure.hint(format!("put its passphrase into the variable {PASSPHRASE}"))
        }
        KeyError::Passphrase => failure.hint(format!("look at the variable {PASSPHRASE}")),
        KeyError::NotAKey { .. }
        | KeyError::Unfit { .. }
        | KeyError::NotForNotes { .. }
        | KeyError::Sign { .. } => failure,
    }
}
