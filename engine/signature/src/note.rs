//! Signed notes: text with signatures of one or more Ed25519 keys below it.
//!
//! ```text
//! tidegate/prod1
//! 417
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//!
//! — ops@example.org Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5…
//! ```
//!
//! A key has a name. Keys are read in both forms that people have: those of
//! notes (`PRIVATE+KEY+name+id+base64`, `name+id+base64`) and those of OpenSSH,
//! whose comment is the name. Text is signed as it is, so a key should sign
//! notes of one purpose only; OpenSSH's own signatures have another form and
//! cannot be mistaken for these.
//!
//! Source: C2SP signed-note v1.0.0; the form of key files is that of
//! golang.org/x/mod/sumdb/note.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use ssh_key::private::KeypairData;
use ssh_key::public::KeyData;

use crate::KeyError;
use crate::key::open;

/// The type of Ed25519 signatures over the text as it is.
const ED25519: u8 = 1;
/// What opens a line of a signature.
const DASH: &str = "— ";
/// Larger notes are refused: a checkpoint has three lines, a signature one.
const LONGEST: usize = 1 << 20;

/// Why a note, or a key for notes, cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The text is no signed note.
    #[error("it is not a signed note: {problem}")]
    NotANote {
        /// One clause.
        problem: &'static str,
    },
    /// The text is no public key.
    #[error("`{text}` is not a public key for notes: {problem}")]
    NotAKey {
        /// The line.
        text: String,
        /// One clause.
        problem: String,
    },
    /// A key that is known is named, but its signature is not one over the text.
    #[error("the signature of `{name}` does not fit: the text or the signature was changed")]
    Mismatch {
        /// The key's name.
        name: String,
    },
}

/// A public key with its name; shown as `name+id+base64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    key: VerifyingKey,
}

impl NoteKey {
    /// Reads a file of public keys, one a line in either form; blank lines and
    /// those that begin with `#` are left out.
    ///
    /// # Errors
    /// [`NoteError::NotAKey`] for the first line that is none, and if there is
    /// no key at all.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, NoteError> {
        let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
        let keys = lines.map(Self::from_str).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(not_a_key("", "there is no key"));
        }
        Ok(keys)
    }

    /// The name by which notes call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first bytes of a hash over name and key: tells keys of one name apart.
    fn id(&self) -> [u8; 4] {
        let hash = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', ED25519])
            .chain_update(self.key.as_bytes())
            .finalize();
        let [a, b, c, d, ..]: [u8; 32] = hash.into();
        [a, b, c, d]
    }
}

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, hex(self.id()), STANDARD.encode(key))
    }
}

impl FromStr for NoteKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        if text.starts_with("ssh-") || text.starts_with("ecdsa-") {
            let read = ssh_key::PublicKey::from_openssh(text);
            let read = read.map_err(|e| not_a_key(text, &e.to_string()))?;
            let KeyData::Ed25519(key) = read.key_data() else {
                return Err(not_a_key(text, "only Ed25519 keys sign notes"));
            };
            let key = VerifyingKey::from_bytes(&key.0);
            let key = key.map_err(|e| not_a_key(text, &e.to_string()))?;
            let name = name(read.comment().as_str_lossy()).map_err(|e| not_a_key(text, e))?;
            return Ok(Self { name: name.to_owned(), key });
        }
        let odd = |problem: &str| not_a_key(text, problem);
        let (before, encoded, id) = parts(text).map_err(odd)?;
        let key = VerifyingKey::from_bytes(&encoded).map_err(|e| odd(&e.to_string()))?;
        let key = Self { name: before.to_owned(), key };
        if hex(key.id()) != id {
            return Err(odd("its id does not fit its name and key"));
        }
        Ok(key)
    }
}

/// A private key that signs notes, with its name.
///
/// Its secret is wiped from memory when it is dropped, and `Debug` shows only
/// the public half.
pub struct NoteSigner {
    name: String,
    key: SigningKey,
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NoteSigner").field(&self.key().to_string()).finish()
    }
}

impl NoteSigner {
    /// Reads a private key in either form; an encrypted key of OpenSSH is
    /// opened with `passphrase`.
    ///
    /// # Errors
    /// [`KeyError`] if it is none, cannot be opened, is not Ed25519, or has no
    /// name that a note can have.
    pub fn parse(text: &str, passphrase: Option<&str>) -> Result<Self, KeyError> {
        let unfit = |problem: &str| KeyError::NotForNotes { problem: problem.to_owned() };
        if let Some(rest) = text.trim().strip_prefix("PRIVATE+KEY+") {
            let odd = |problem: &str| KeyError::NotAKey { problem: problem.to_owned() };
            let (before, seed, id) = parts(rest).map_err(odd)?;
            let signer = Self { name: before.to_owned(), key: SigningKey::from_bytes(&seed) };
            if hex(signer.key().id()) != id {
                return Err(odd("its id does not fit its name and key"));
            }
            return Ok(signer);
        }
        let key = open(text, passphrase)?;
        let KeypairData::Ed25519(pair) = key.key_data() else {
            return Err(unfit("only Ed25519 keys sign notes"));
        };
        let name = name(key.comment().as_str_lossy()).map_err(unfit)?.to_owned();
        let key = SigningKey::try_from(pair).map_err(|_| unfit("the key is damaged"))?;
        Ok(Self { name, key })
    }

    /// The public half.
    #[must_use]
    pub fn key(&self) -> NoteKey {
        NoteKey { name: self.name.clone(), key: self.key.verifying_key() }
    }
}

/// Text and the signatures below it. Text alone is a note that nobody signed.
///
/// Its `Display` is the note as it is stored; it reads back as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One line below a note.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NoteSignature {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

impl Note {
    /// A note that nobody has signed yet.
    ///
    /// # Errors
    /// [`NoteError::NotANote`] if the text does not end its last line, has a
    /// line that is empty or opens like a signature, or control characters.
    pub fn new(text: impl Into<String>) -> Result<Self, NoteError> {
        let text = text.into();
        if text.lines().any(|l| l.is_empty() || l.starts_with(DASH)) {
            return Err(NoteError::NotANote { problem: "a line is empty or opens with a dash" });
        }
        Self::from_str(&text)
    }

    /// What is signed, with its last newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names of the keys below it, in order, whether or not their
    /// signatures fit.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|s| s.name.as_str())
    }

    /// Adds a signature, unless there is one of that key. The same key and text
    /// always give the same signature.
    pub fn sign(&mut self, signer: &NoteSigner) {
        let key = signer.key();
        let new = NoteSignature {
            name: signer.name.clone(),
            id: key.id(),
            bytes: signer.key.sign(self.text.as_bytes()).to_bytes().to_vec(),
        };
        self.signatures.retain(|s| !s.is_by(&key));
        self.signatures.push(new);
    }

    /// Adds the signatures of another note over the same text.
    pub fn add(&mut self, other: Self) {
        if other.text == self.text {
            for signature in other.signatures {
                if !self.signatures.contains(&signature) {
                    self.signatures.push(signature);
                }
            }
        }
    }

    /// Whether this key signed it.
    ///
    /// # Errors
    /// [`NoteError::Mismatch`] if a signature names the key but does not fit.
    pub fn signed_by(&self, key: &NoteKey) -> Result<bool, NoteError> {
        let mut signed = false;
        for signature in self.signatures.iter().filter(|s| s.is_by(key)) {
            let bytes = Signature::from_slice(&signature.bytes);
            let fits = bytes.and_then(|s| key.key.verify_strict(self.text.as_bytes(), &s));
            fits.map_err(|_| NoteError::Mismatch { name: key.name.clone() })?;
            signed = true;
        }
        Ok(signed)
    }
}

impl NoteSignature {
    fn is_by(&self, key: &NoteKey) -> bool {
        self.name == key.name && self.id == key.id()
    }

    fn parse(line: &str) -> Option<Self> {
        let (before, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
        let bytes = STANDARD.decode(encoded).ok()?;
        let (&id, bytes) = bytes.split_first_chunk::<4>()?;
        let signature = Self { name: name(before).ok()?.to_owned(), id, bytes: bytes.to_vec() };
        (!signature.bytes.is_empty()).then_some(signature)
    }
}

impl FromStr for Note {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        let odd = |problem| NoteError::NotANote { problem };
        if note.len() > LONGEST {
            return Err(odd("it is larger than 1 MiB"));
        }
        if note.contains(|c: char| c < ' ' && c != '\n') {
            return Err(odd("it has control characters"));
        }
        let (text, below) = match note.rfind("\n\n") {
            Some(at) => note.split_at(at + 1),
            None => (note, ""),
        };
        if text.trim_matches('\n').is_empty() || !text.ends_with('\n') {
            return Err(odd("it has no text that ends with a newline"));
        }
        let mut signatures = Vec::new();
        if let Some(lines) = below.strip_prefix('\n') {
            let lines = lines.strip_suffix('\n');
            let lines = lines.ok_or(odd("the last signature does not end with a newline"))?;
            for line in lines.split('\n') {
                let read = NoteSignature::parse(line);
                signatures.push(read.ok_or(odd("a line below its text is no signature"))?);
            }
        }
        Ok(Self { text: text.to_owned(), signatures })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if !self.signatures.is_empty() {
            f.write_str("\n")?;
        }
        for NoteSignature { name, id, bytes } in &self.signatures {
            let signature = STANDARD.encode([id.as_slice(), bytes].concat());
            writeln!(f, "{DASH}{name} {signature}")?;
        }
        Ok(())
    }
}

/// Takes `name+id+base64` apart and gives name, key and id. Base64 has `+`, too,
/// so the first two count.
fn parts(text: &str) -> Result<(&str, [u8; 32], &str), &'static str> {
    let mut parts = text.splitn(3, '+');
    let (Some(before), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("it must look like `name+id+base64`, or be a key of OpenSSH");
    };
    let bytes = STANDARD.decode(encoded).map_err(|_| "its last part is not base64")?;
    let Some((&kind, key)) = bytes.split_first() else { return Err("its last part is empty") };
    if kind != ED25519 {
        return Err("only Ed25519 keys sign notes");
    }
    let key = key.try_into().map_err(|_| "its key does not have 32 bytes")?;
    Ok((name(before)?, key, id))
}

/// What may be the name of a key.
fn name(text: &str) -> Result<&str, &'static str> {
    if text.is_empty() {
        return Err("it has no name; give it one with `ssh-keygen -c -C NAME -f FILE`");
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+') {
        return Err("its name has blanks or `+`; change it with `ssh-keygen -c -C NAME -f FILE`");
    }
    Ok(text)
}

fn not_a_key(text: &str, problem: &str) -> NoteError {
    NoteError::NotAKey { text: text.to_owned(), problem: problem.to_owned() }
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // The example of golang.org/x/mod/sumdb/note.
    const PRIVATE: &str =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SIGNED: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn reads_and_writes_what_the_reference_implementation_does() {
        let signer = NoteSigner::parse(PRIVATE, None).unwrap();
        let key: NoteKey = PUBLIC.parse().unwrap();
        assert_eq!(signer.key(), key);
        assert_eq!(key.to_string(), PUBLIC);
        let note: Note = SIGNED.parse().unwrap();
        assert_eq!(note.signed_by(&key), Ok(true));
        assert_eq!(note.to_string(), SIGNED);
        let mut again = Note::new(note.text()).unwrap();
        assert_eq!(again.signed_by(&key), Ok(false));
        again.sign(&signer);
        again.sign(&signer);
        assert_eq!(again.to_string(), SIGNED);
    }

    fn signer(n: u8) -> NoteSigner {
        NoteSigner { name: format!("key-{n}.example"), key: SigningKey::from_bytes(&[n; 32]) }
    }

    #[test]
    fn several_sign_one_text_and_their_notes_are_put_together() {
        let (a, b) = (signer(1), signer(2));
        let mut one = Note::new("text\n").unwrap();
        let mut other = one.clone();
        one.sign(&a);
        other.sign(&b);
        one.add(other);
        one.add(Note::new("other text\n").unwrap());
        let note: Note = one.to_string().parse().unwrap();
        assert_eq!(note.signed_by(&a.key()), Ok(true));
        assert_eq!(note.signed_by(&b.key()), Ok(true));
        assert_eq!(note.signed_by(&signer(3).key()), Ok(false));
        assert_eq!(note.names().count(), 2);
    }

    #[test]
    fn a_name_alone_is_no_proof() {
        let mut note = Note::new("text\n").unwrap();
        note.sign(&signer(1));
        let other = NoteSigner { key: SigningKey::from_bytes(&[9; 32]), ..signer(1) };
        assert_eq!(note.signed_by(&other.key()), Ok(false), "same name, another key");
        let renamed = note.to_string().replace("key-1", "key-7");
        let renamed: Note = renamed.parse().unwrap();
        assert_eq!(renamed.signed_by(&signer(1).key()), Ok(false));
    }

    #[track_caller]
    fn refused(key: &str, why: &str) {
        let e = key.parse::<NoteKey>().unwrap_err().to_string();
        assert!(e.contains(why), "{e}");
    }

    #[test]
    fn keys_that_are_none_are_told_apart() {
        refused("", "name+id+base64");
        refused(&PUBLIC.replace("c74f20a3", "c74f20a4"), "id does not fit");
        refused(&PUBLIC.replace("+AR", "+BR"), "only Ed25519");
        refused(&PUBLIC.replace("+AR", "+*R"), "not base64");
        refused(&PUBLIC.replace("Peter", "Peter "), "blanks");
        refused(PRIVATE, "");
        let e = NoteSigner::parse(PUBLIC, None).unwrap_err();
        assert!(matches!(e, KeyError::NotAKey { .. }), "{e}");
        assert!(NoteKey::parse_all("# none\n\n").is_err());
        assert_eq!(NoteKey::parse_all(&format!("# two\n{PUBLIC}\n\n{PUBLIC}\n")).unwrap().len(), 2);
    }

    #[test]
    fn text_that_could_be_read_two_ways_is_not_signed() {
        for bad in ["", "no newline", "a\n\nb\n", "— a b\n", "\n", "tab\t\n"] {
            assert!(Note::new(bad).is_err(), "{bad:?}");
        }
        for bad in ["a\n\n", "a\n\nb\n", "a\n\n— k AAAA\n", "a\n\n— k AAAAAAA=", "a\r\n"] {
            assert!(bad.parse::<Note>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_changed_byte_takes_the_signature_away(at in 0_usize..1000, bit in 0_u32..8) {
            let mut bytes = SIGNED.as_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let note = std::str::from_utf8(&bytes).ok().and_then(|t| t.parse::<Note>().ok());
            let key: NoteKey = PUBLIC.parse().unwrap();
            prop_assert!(!note.is_some_and(|n| n.signed_by(&key) == Ok(true)));
        }

        #[test]
        fn anything_reads_or_is_refused(text in "[—a \n+=A]{0,60}|\\PC{0,80}") {
            if let Ok(note) = text.parse::<Note>() {
                prop_assert_eq!(note.to_string().parse::<Note>().unwrap(), note);
            }
            let _ = text.parse::<NoteKey>();
            let _ = NoteSigner::parse(&text, None);
            let _ = NoteSigner::parse(&format!("PRIVATE+KEY+{text}"), None);
        }
    }
}
