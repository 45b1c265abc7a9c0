//! Held against the real `ssh-keygen`: what we sign it verifies, what it signs
//! we verify, and what either refuses the other refuses.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test may"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use jiff::Timestamp;
use tempfile::TempDir;
use tidegate_signature::{AllowedSigners, KeyError, SigningKey, VerifyError, signed_by};

const MESSAGE: &[u8] = b"---\nspec: {uuid: u}\n\xff\x00 not text\n";

/// A folder with keys that `ssh-keygen` made.
struct Keys {
    dir: TempDir,
}

impl Keys {
    /// `None`, said loudly, where the program is missing.
    fn new() -> Option<Self> {
        if Command::new("ssh-keygen").arg("-?").output().is_err() {
            eprintln!("SKIPPED: there is no ssh-keygen (package openssh-client)");
            return None;
        }
        Some(Self { dir: tempfile::tempdir().unwrap() })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn generate(&self, name: &str, args: &[&str]) -> PathBuf {
        let path = self.path(name);
        let file = path.to_str().unwrap();
        let common = ["-q", "-C", "ops@csp.eu", "-f", file];
        let ran = keygen(&[common.as_slice(), args].concat(), None);
        assert!(ran.status.success(), "{ran:?}");
        path
    }

    fn plain(&self, kind: &str, bits: &str) -> PathBuf {
        self.generate(&format!("{kind}{bits}"), &["-N", "", "-t", kind, "-b", bits])
    }

    /// What the program's own verification says.
    fn verify(&self, signers: &str, namespace: &str, signature: &str, message: &[u8]) -> bool {
        std::fs::write(self.path("signers"), signers).unwrap();
        std::fs::write(self.path("message.sig"), signature).unwrap();
        let (signers, signature) = (self.path("signers"), self.path("message.sig"));
        let args = ["-Y", "verify", "-I", "ops@csp.eu", "-n", namespace, "-f"];
        let args = [&args[..], &[text(&signers), "-s", text(&signature)]].concat();
        keygen(&args, Some(message)).status.success()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn keygen(args: &[&str], input: Option<&[u8]>) -> Output {
    let mut child = Command::new("ssh-keygen")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have refused its arguments and be gone.
    let _ = child.stdin.take().unwrap().write_all(input.unwrap_or_default());
    child.wait_with_output().unwrap()
}

/// The program's own signature.
fn keygen_sign(key: &Path, namespace: &str, message: &[u8], more: &[&str]) -> String {
    let file = key.with_extension("message");
    std::fs::write(&file, message).unwrap();
    let args = [&["-Y", "sign", "-q", "-f", text(key), "-n", namespace], more, &[text(&file)]];
    let ran = keygen(&args.concat(), None);
    assert!(ran.status.success(), "{ran:?}");
    let signature = key.with_extension("message.sig");
    let signed = read(&signature);
    std::fs::remove_file(signature).unwrap();
    signed
}

fn public(key: &Path) -> String {
    read(&key.with_extension("pub"))
}

fn now() -> Timestamp {
    "2026-11-23T07:00:00Z".parse().unwrap()
}

#[test]
fn each_side_verifies_what_the_other_signed() {
    let Some(keys) = Keys::new() else { return };
    for (kind, bits) in [("ed25519", "256"), ("ecdsa", "256"), ("rsa", "2048"), ("rsa", "3072")] {
        let path = keys.plain(kind, bits);
        let key = SigningKey::parse(&read(&path), None).unwrap();
        let signers = format!("ops@csp.eu namespaces=\"report\" {}", public(&path));
        let ours = key.sign("report", MESSAGE).unwrap();
        assert!(keys.verify(&signers, "report", &ours, MESSAGE), "{kind} {bits}");
        assert!(!keys.verify(&signers, "report", &ours, b"other"), "{kind} {bits}");

        let allowed = AllowedSigners::parse(&signers).unwrap();
        for options in [&[][..], &["-O", "hashalg=sha256"], &["-O", "hashalg=sha512"]] {
            let theirs = keygen_sign(&path, "report", MESSAGE, options);
            let signer = allowed.verify(&theirs, "report", MESSAGE, now()).unwrap();
            assert_eq!(signer.principal, "ops@csp.eu");
            let shown = keygen(&["-l", "-f", text(&path)], None).stdout;
            assert!(String::from_utf8(shown).unwrap().contains(&signer.key_fingerprint));
        }
        // Where the scheme has no randomness, even the bytes are the same.
        if kind != "ecdsa" {
            assert_eq!(ours, keygen_sign(&path, "report", MESSAGE, &[]), "{kind} {bits}");
        }
        assert_eq!(ours, key.sign("report", MESSAGE).unwrap(), "{kind} {bits}");
    }
}

#[test]
fn an_encrypted_key_opens_with_its_passphrase_only() {
    let Some(keys) = Keys::new() else { return };
    let path = keys.generate("locked", &["-N", "correct horse", "-t", "ed25519"]);
    let text = read(&path);
    assert_eq!(SigningKey::parse(&text, None).unwrap_err(), KeyError::Encrypted);
    assert_eq!(SigningKey::parse(&text, Some("wrong")).unwrap_err(), KeyError::Passphrase);
    let key = SigningKey::parse(&text, Some("correct horse")).unwrap();
    let signers = format!("ops@csp.eu {}", public(&path));
    assert!(keys.verify(&signers, "report", &key.sign("report", MESSAGE).unwrap(), MESSAGE));
    assert!(!format!("{key:?}").contains("PRIVATE"));
    assert_eq!(key.public(), public(&path).trim_end());
}

#[test]
fn keys_that_do_not_count_are_refused_by_both_halves() {
    let Some(keys) = Keys::new() else { return };
    for (kind, bits, wanted) in [
        ("rsa", "1024", "RSA key has 1024 bits, fewer than 2048"),
        ("ecdsa", "384", "`ecdsa-sha2-nistp384` are not supported"),
    ] {
        let path = keys.plain(kind, bits);
        let error = SigningKey::parse(&read(&path), None).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
        let listed = format!("# signers\nops@csp.eu {}", public(&path));
        let error = AllowedSigners::parse(&listed).unwrap_err();
        assert!(error.line == 2 && error.problem.contains(wanted), "{error}");
        let theirs = keygen_sign(&path, "report", MESSAGE, &[]);
        let error = signed_by(&theirs, "report", MESSAGE).unwrap_err();
        assert!(matches!(error, VerifyError::UnfitKey { .. }), "{error}");
    }
}

#[test]
fn what_does_not_count_is_told_apart() {
    let Some(keys) = Keys::new() else { return };
    let path = keys.plain("ed25519", "256");
    let signature = keygen_sign(&path, "report", MESSAGE, &[]);
    let key = signed_by(&signature, "report", MESSAGE).unwrap();
    let other = keys.generate("other", &["-N", "", "-t", "ed25519"]);
    let check = |options: &str, namespace: &str, message: &[u8]| {
        let signers = format!("*@csp.eu {options} {}", public(&path));
        let ours = AllowedSigners::parse(&signers).unwrap();
        let ours = ours.verify(&signature, namespace, message, now());
        // Options about time are left to our clock in the tests.
        if !options.contains("valid") {
            let theirs = keys.verify(&signers, namespace, &signature, message);
            assert_eq!(ours.is_ok(), theirs, "{options} {namespace}");
        }
        ours
    };
    let signer = check("", "report", MESSAGE).unwrap();
    assert!(signer.may_sign_as("ops@csp.eu") && !signer.may_sign_as("ops@other.eu"));
    assert_eq!(
        check("", "file", MESSAGE).unwrap_err(),
        VerifyError::WrongNamespace { found: "report".into(), wanted: "file".into() }
    );
    assert_eq!(
        check("", "report", b"tampered").unwrap_err(),
        VerifyError::Mismatch { key: key.clone() }
    );
    assert_eq!(
        check("namespaces=\"file,git\"", "report", MESSAGE).unwrap_err(),
        VerifyError::NotForNamespace { principal: "*@csp.eu".into(), namespace: "report".into() }
    );
    check("namespaces=\"file,rep*\"", "report", MESSAGE).unwrap();
    let expired = check("valid-before=\"20261123065959Z\"", "report", MESSAGE).unwrap_err();
    assert_eq!(
        expired.to_string(),
        "the key of `*@csp.eu` does not count after 2026-11-23T06:59:59Z"
    );
    check("valid-before=\"202611230700Z\"", "report", MESSAGE).unwrap();
    check("valid-after=\"202611230700Z\"", "report", MESSAGE).unwrap();
    let early = check("valid-after=\"202611230701Z\"", "report", MESSAGE).unwrap_err();
    assert!(matches!(early, VerifyError::NotYetValid { .. }), "{early}");

    let strangers = AllowedSigners::parse(&format!("ops@csp.eu {}", public(&other))).unwrap();
    assert_eq!(
        strangers.verify(&signature, "report", MESSAGE, now()).unwrap_err(),
        VerifyError::UnknownKey { key: key.clone() }
    );
    // Of several lines for a key, one that allows it is enough, wherever it is.
    let key = public(&path);
    let several =
        format!("old valid-before=\"20200101Z\" {key}now {key}f namespaces=\"file\" {key}");
    let signer = AllowedSigners::parse(&several).unwrap();
    assert_eq!(signer.len(), 3);
    assert_eq!(signer.verify(&signature, "report", MESSAGE, now()).unwrap().principal, "now");
    let two = several.replace("now ", "g namespaces=\"git\" ");
    let error = AllowedSigners::parse(&two).unwrap().verify(&signature, "report", MESSAGE, now());
    assert!(matches!(error, Err(VerifyError::Expired { .. })), "{error:?}");
    assert!(AllowedSigners::parse("\n# nobody\n").unwrap().is_empty());
}

#[test]
fn a_changed_bit_or_letter_never_verifies() {
    let Some(keys) = Keys::new() else { return };
    let path = keys.plain("ed25519", "256");
    let signature = SigningKey::parse(&read(&path), None).unwrap().sign("report", MESSAGE).unwrap();
    let allowed = AllowedSigners::parse(&format!("a {}", public(&path))).unwrap();
    for i in 0..MESSAGE.len() * 8 {
        let mut message = MESSAGE.to_vec();
        message[i / 8] ^= 1 << (i % 8);
        let error = allowed.verify(&signature, "report", &message, now()).unwrap_err();
        assert!(matches!(error, VerifyError::Mismatch { .. }), "{error}");
    }
    let base64 = signature.find("\n").unwrap()..signature.rfind("\n-----").unwrap();
    for i in base64 {
        let mut changed = signature.clone().into_bytes();
        changed[i] = if changed[i] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        // The last letter before padding has bits that say nothing, and the
        // reader refuses those too.
        let verified = allowed.verify(&changed, "report", MESSAGE, now());
        assert!(verified.is_err(), "letter {i}: {verified:?}");
    }
}

#[test]
fn what_is_not_a_key_or_a_signature_is_told() {
    let Some(keys) = Keys::new() else { return };
    let path = keys.plain("ed25519", "256");
    let error = |text: &str| SigningKey::parse(text, None).unwrap_err().to_string();
    assert!(error(&public(&path)).contains("name the file without `.pub`"));
    assert!(error("-----BEGIN RSA PRIVATE KEY-----\n").contains("ssh-keygen -p -f FILE"));
    assert!(error("hello").contains("not a private key"));
    assert!(error("").contains("not a private key"));
    let key = SigningKey::parse(&read(&path), None).unwrap();
    assert!(key.sign("", MESSAGE).unwrap_err().to_string().contains("cannot sign"));
    for text in ["", "hello", "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n"] {
        let error = signed_by(text, "report", MESSAGE).unwrap_err();
        assert!(matches!(error, VerifyError::NotASignature { .. }), "{error}");
    }
}

#[test]
fn a_bad_line_is_named_by_its_number() {
    let Some(keys) = Keys::new() else { return };
    let key = public(&keys.plain("ed25519", "256"));
    let error = |text: String| AllowedSigners::parse(&text).unwrap_err().to_string();
    assert!(error(format!("ops {key}\n# x\nops\n")).starts_with("line 4: there is no key"));
    assert!(error(format!("ops cert-authority {key}")).starts_with("line 1: certificates"));
    assert!(error(format!("ops {key}ops principals=\"x\" {key}")).starts_with("line 2: unknown"));
}
