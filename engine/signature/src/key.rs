//! Private keys and signing.

use ssh_key::private::KeypairData;
use ssh_key::{HashAlg, LineEnding, PrivateKey};

use crate::{FIT, fingerprint, unfit};

/// Why a private key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is no private key in OpenSSH's format.
    #[error("it is not a private key in the format of OpenSSH: {problem}")]
    NotAKey {
        /// One clause on what stands there, and what to do.
        problem: String,
    },
    /// The key is encrypted, and no passphrase was given.
    #[error("it is encrypted, and there is no passphrase")]
    Encrypted,
    /// The passphrase does not open the key.
    #[error("the passphrase does not open it")]
    Passphrase,
    /// The key is of a type that is not supported, or too short.
    #[error("{problem}: {FIT}")]
    Unfit {
        /// One clause.
        problem: String,
    },
    /// The key does not sign notes: it is of another type, or has no name.
    #[error("it does not sign notes: {problem}")]
    NotForNotes {
        /// One clause.
        problem: String,
    },
    /// The key does not sign: it is damaged, or the namespace is empty.
    #[error("cannot sign: {problem}")]
    Sign {
        /// One clause.
        problem: String,
    },
}

/// A private key that can sign.
///
/// Its secret is wiped from memory when it is dropped, and `Debug` shows only
/// the fingerprint.
pub struct SigningKey {
    key: PrivateKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningKey").field(&self.fingerprint()).finish()
    }
}

impl SigningKey {
    /// Reads the text of a private key file, as `ssh-keygen` writes it; an
    /// encrypted one is opened with `passphrase`, which is not looked at
    /// otherwise. Opening takes about as long as the key's creator wanted it to
    /// (a tenth of a second by default).
    ///
    /// # Errors
    /// [`KeyError`] if it is no such key, cannot be opened or is unfit.
    pub fn parse(text: &str, passphrase: Option<&str>) -> Result<Self, KeyError> {
        let key = open(text, passphrase)?;
        if let Some(problem) = unfit(key.public_key()) {
            return Err(KeyError::Unfit { problem });
        }
        match key.key_data() {
            KeypairData::Ed25519(_) | KeypairData::Ecdsa(_) | KeypairData::Rsa(_) => {
                Ok(Self { key })
            }
            _ => Err(KeyError::Unfit {
                problem: format!("keys of type `{}` are not supported", key.algorithm().as_str()),
            }),
        }
    }

    /// Signs a message for a purpose; the answer is the text of a `.sig` file,
    /// as `ssh-keygen -Y sign -n NAMESPACE` writes it, with a final newline.
    /// The same input always gives the same text.
    ///
    /// RSA is computed without blinding: do not sign for others over a network
    /// with it, where the time that it takes can be measured.
    ///
    /// # Errors
    /// [`KeyError::Sign`] if the namespace is empty or the key is damaged.
    pub fn sign(&self, namespace: &str, message: &[u8]) -> Result<String, KeyError> {
        let sign = |e: ssh_key::Error| KeyError::Sign { problem: e.to_string() };
        let signature = self.key.sign(namespace, HashAlg::Sha512, message).map_err(sign)?;
        // A damaged key would sign what nobody can verify.
        self.key
            .public_key()
            .verify(namespace, message, &signature)
            .map_err(|_| KeyError::Sign { problem: "the key is damaged".to_owned() })?;
        let mut text = signature.to_pem(LineEnding::LF).map_err(sign)?;
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Ok(text)
    }

    /// The key's name: `SHA256:` and base64, as `ssh-keygen -l` shows it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(self.key.public_key())
    }

    /// The public half, as it stands in a `.pub` file, without newline.
    #[must_use]
    pub fn public(&self) -> String {
        self.key.public_key().to_openssh().unwrap_or_default()
    }
}

/// Reads the text of a private key file, whatever its type, and opens it.
pub(crate) fn open(text: &str, passphrase: Option<&str>) -> Result<PrivateKey, KeyError> {
    let key = PrivateKey::from_openssh(text.trim_start()).map_err(|e| not_a_key(text, e))?;
    if !key.is_encrypted() {
        return Ok(key);
    }
    let passphrase = passphrase.ok_or(KeyError::Encrypted)?;
    // A wrong passphrase shows as check bytes that differ, as padding or as a
    // key that does not fit its public half.
    key.decrypt(passphrase).map_err(|_| KeyError::Passphrase)
}

/// Tells what people hand over instead of a private key.
fn not_a_key(text: &str, error: ssh_key::Error) -> KeyError {
    let text = text.trim_start();
    let problem = if ["ssh-", "ecdsa-", "sk-"].iter().any(|p| text.starts_with(p)) {
        "this is the public half; name the file without `.pub`".to_owned()
    } else if text.starts_with("-----BEGIN") && !text.starts_with("-----BEGIN OPENSSH") {
        "it is in another format; convert a copy with `ssh-keygen -p -f FILE`".to_owned()
    } else {
        error.to_string()
    };
    KeyError::NotAKey { problem }
}
