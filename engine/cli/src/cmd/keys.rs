//! Keys of checkpoints: those that sign, and those that must have signed.

use std::path::{Path, PathBuf};

use tidegate_signature::{Note, NoteError, NoteKey, NoteSigner};

use crate::cmd::Context;
use crate::cmd::report::{PASSPHRASE, key_failure, key_text};
use crate::failure::{Failure, Result};

/// Reads the private keys of `--key`.
pub(crate) fn signers(ctx: &mut Context<'_>, paths: &[PathBuf]) -> Result<Vec<NoteSigner>> {
    let read = |path: &PathBuf| {
        let text = key_text(ctx, path)?;
        let passphrase = ctx.env.var(PASSPHRASE);
        NoteSigner::parse(&text, passphrase).map_err(|e| key_failure(path, &e))
    };
    paths.iter().map(read).collect()
}

/// Whose signatures are asked for: of each of these, one key must have signed.
pub(crate) struct Wanted(Vec<Vec<NoteKey>>);

impl Wanted {
    /// Reads the public keys of `--key`: each is one itself, or a file of them.
    pub(crate) fn read(named: &[String]) -> Result<Self> {
        let one = |text: &String| {
            if let Ok(key) = text.parse() {
                return Ok(vec![key]);
            }
            let unreadable = |e: std::io::Error| {
                Failure::usage(format!("`{text}` is neither a public key nor a readable file: {e}"))
                    .hint("name a .pub file, or a key as name+id+base64")
            };
            let keys = std::fs::read_to_string(Path::new(text)).map_err(unreadable)?;
            let odd = |e: NoteError| {
                Failure::usage(format!("cannot use the public keys of `{text}`"))
                    .caused_by(Some(&e))
                    .hint("a line is name+id+base64, or ssh-ed25519 with a comment for a name")
            };
            NoteKey::parse_all(&keys).map_err(odd)
        };
        named.iter().map(one).collect::<Result<_>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of those who signed a note; says whose signature is wanting.
    pub(crate) fn signed(&self, note: &Note) -> std::result::Result<Vec<String>, String> {
        let mut names = Vec::new();
        for any in &self.0 {
            let before = names.len();
            for key in any {
                if note.signed_by(key).map_err(|e| e.to_string())? {
                    names.push(key.name().to_owned());
                }
            }
            if names.len() == before {
                let wanting: Vec<String> = any.iter().map(|k| format!("`{}`", k.name())).collect();
                return Err(format!("it is not signed by {}", wanting.join(" or ")));
            }
        }
        Ok(names)
    }
}
