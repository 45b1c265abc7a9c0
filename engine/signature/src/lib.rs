//! Signatures made with SSH keys over files: `ssh-keygen -Y sign` and
//! `ssh-keygen -Y verify` without the program.
//!
//! [`SigningKey`] signs, [`AllowedSigners`] says who may sign what and until
//! when, [`signed_by`] only says that a signature fits. A **namespace** keeps a
//! signature made for one purpose from counting for another: reports are signed
//! in `report`.
//!
//! Keys are Ed25519, ECDSA on P-256, or RSA of at least 2048 bits with SHA-2.
//! None of them needs randomness here: Ed25519 and RSA (PKCS #1 v1.5) signatures
//! have none, and the nonce of ECDSA is derived from key and message (RFC 6979).
//! Certificates, security keys and DSA are refused by name. Nothing here reads a
//! file or the clock.
//!
//! [`Note`] and [`NoteSigner`] sign checkpoints the way transparency logs do, with
//! Ed25519 keys of OpenSSH or of their own form.
//!
//! Source: OpenSSH `PROTOCOL.sshsig`; ssh-keygen(1), ALLOWED SIGNERS.

mod key;
mod line;
mod note;
mod pattern;
mod signers;

pub use key::{KeyError, SigningKey};
pub use note::{Note, NoteError, NoteKey, NoteSigner};
pub use signers::{AllowedSigners, Signer, SignersError, VerifyError, signed_by};

use ssh_key::{Algorithm, EcdsaCurve, HashAlg, PublicKey};

/// The smallest RSA modulus that counts, in bits. ssh-keygen makes 3072 by default
/// and takes as few as 1024, which no longer holds.
const RSA_BITS: usize = 2048;

/// What is wrong with a key for our purpose, in one clause.
fn unfit(key: &PublicKey) -> Option<String> {
    match key.algorithm() {
        Algorithm::Ed25519 | Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 } => None,
        Algorithm::Rsa { .. } => {
            let modulus = key.key_data().rsa()?.n().as_positive_bytes().unwrap_or_default();
            let spare = modulus.first().map_or(0, |b| b.leading_zeros() as usize);
            let bits = (modulus.len() * 8).saturating_sub(spare);
            (bits < RSA_BITS).then(|| format!("RSA key has {bits} bits, fewer than {RSA_BITS}"))
        }
        other => Some(format!("keys of type `{}` are not supported", other.as_str())),
    }
}

/// What may be done about an unfit key.
const FIT: &str = "use ssh-ed25519, ecdsa-sha2-nistp256, or ssh-rsa with at least 2048 bits";

/// The name of a key as `ssh-keygen -l` shows it: `SHA256:` and base64.
fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}
