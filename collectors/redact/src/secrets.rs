//! What a secret looks like: by the name of a member, or by its text.

/// Endings of member names that only point at a secret or tell about it.
const HARMLESS: [&str; 12] = [
    "_id",
    "_ids",
    "_ref",
    "_refs",
    "_at",
    "_name",
    "_type",
    "_uri",
    "_url",
    "_container",
    "_file",
    "_path",
];

/// Whether a member of this name holds a secret, wherever it stands.
///
/// `password`, `adminPass`, `user_data`, `private-key`, `ipmi_password`,
/// `db_pass`, `api_token`, … but not `password_expires_at` or `secret_ref`.
#[must_use]
pub fn secret_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    if ["pass", "pwd", "secret_id", "token_id"].iter().any(|w| ends_with_whole_word(bytes, w)) {
        return true;
    }
    // Every key of every body comes here: the first three letters of a word
    // decide for nearly all of them.
    bytes.windows(3).enumerate().any(|(at, lead)| {
        let &[a, b, c] = lead else { return false };
        let words: &[&str] = match &[a | 0x20, b | 0x20, c | 0x20] {
            b"pas" => &["password", "passwd", "passphrase"],
            b"pri" => &["private_key", "privatekey"],
            b"pay" => &["payload"],
            b"sec" => &["secret"],
            b"tok" => &["token"],
            b"adm" => &["adminpass", "admin_pass"],
            b"api" => &["api_key", "apikey"],
            b"acc" => &["access_key", "accesskey"],
            b"use" => &["user_data", "userdata"],
            b"blo" => &["blob"],
            b"bea" => &["bearer"],
            b"cre" => &["credential"],
            _ => return false,
        };
        let rest = bytes.get(at..).unwrap_or_default();
        words.iter().any(|w| starts_with(rest, w)) && !HARMLESS.iter().any(|h| ends_with(bytes, h))
    })
}

/// Whether the texts are the same but for case and `-` in the place of `_`.
fn same(bytes: &[u8], word: &str) -> bool {
    let plain = |b: &u8| if *b == b'-' { b'_' } else { b.to_ascii_lowercase() };
    bytes.len() == word.len() && bytes.iter().map(plain).eq(word.bytes())
}

fn starts_with(bytes: &[u8], word: &str) -> bool {
    bytes.get(..word.len()).is_some_and(|b| same(b, word))
}

fn ends_with(bytes: &[u8], word: &str) -> bool {
    let from = bytes.len().saturating_sub(word.len());
    bytes.get(from..).is_some_and(|b| same(b, word))
}

/// `pass` and `db_pass`, but not `bypass`.
fn ends_with_whole_word(bytes: &[u8], word: &str) -> bool {
    let Some(at) = bytes.len().checked_sub(word.len()) else { return false };
    ends_with(bytes, word) && at_word_start(bytes, at)
}

/// The name of the first secret pattern that the text matches.
///
/// One pass over the bytes; anything but a few lead bytes costs one comparison,
/// since every text of every body comes through here.
#[must_use]
pub fn secret_text(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    if bytes.len() < 8 {
        return None;
    }
    for (at, byte) in bytes.iter().enumerate() {
        let found = match byte {
            b'=' | b':' => assignment(bytes, at),
            b'-' => private_key(bytes, at),
            b'L' => packed_private_key(bytes, at),
            b'A' => aws_key(bytes, at),
            b'@' => url_credentials(bytes, at),
            b'g' | b'x' | b'e' | b's' | b'h' | b'n' | b'd' => token(bytes, at),
            b'B' | b'b' => bearer(bytes, at),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn at_word_start(bytes: &[u8], at: usize) -> bool {
    at == 0 || bytes.get(at - 1).is_none_or(|b| !b.is_ascii_alphanumeric())
}

/// `-----BEGIN … PRIVATE KEY`.
fn private_key(bytes: &[u8], at: usize) -> Option<&'static str> {
    let rest = bytes.get(at..)?.strip_prefix(b"-----BEGIN ")?;
    let head = rest.get(..rest.len().min(40))?;
    head.windows(11).any(|w| w == b"PRIVATE KEY").then_some("private-key")
}

/// `-----BEGIN … PRIVATE KEY` in base64, as kubeconfigs and Secrets have it.
fn packed_private_key(bytes: &[u8], at: usize) -> Option<&'static str> {
    let rest = bytes.get(at..)?.strip_prefix(b"LS0tLS1CRUdJTi")?;
    // PRIVATE, RSA, EC, OPENSSH, ENCRYPTED and DSA; certificates and public keys
    // go on otherwise.
    let kinds: [&[u8]; 6] =
        [b"BQUklWQVRF", b"BSU0EgUF", b"BFQyBQUk", b"BPUEVOU1", b"BFTkNSWV", b"BEU0EgUF"];
    kinds.iter().any(|k| rest.starts_with(k)).then_some("private-key")
}

/// `AKIA` or `ASIA` and 16 capitals or digits.
fn aws_key(bytes: &[u8], at: usize) -> Option<&'static str> {
    let rest = bytes.get(at..)?;
    if !(rest.starts_with(b"AKIA") || rest.starts_with(b"ASIA")) || !at_word_start(bytes, at) {
        return None;
    }
    let tail = rest.get(4..20)?;
    tail.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()).then_some("aws-access-key")
}

/// `password=…`, `"secret": "…"`, `api_token: …` with at least 4 characters.
fn assignment(bytes: &[u8], at: usize) -> Option<&'static str> {
    let is_space = |b: &u8| matches!(b, b' ' | b'\t' | b'"' | b'\'');
    let mut end = at;
    while end > 0 && bytes.get(end - 1).is_some_and(is_space) {
        end -= 1;
    }
    // All words end in one of these; nearly all colons and equal signs stop here.
    if end == 0
        || !matches!(
            bytes.get(end - 1)? | 0x20,
            b'd' | b't' | b'n' | b'y' | b's' | b'e' | b'g' | b'a' | b'h'
        )
    {
        return None;
    }
    let before = bytes.get(..end)?;
    let words: [(&str, &'static str); 15] = [
        ("password", "password"),
        ("passwd", "password"),
        ("passphrase", "password"),
        ("adminpass", "password"),
        ("secret", "secret"),
        ("token", "token"),
        ("api_key", "secret"),
        ("apikey", "secret"),
        ("access_key", "secret"),
        ("private_key", "secret"),
        ("secret_key", "secret"),
        ("secretkey", "secret"),
        ("client_key_data", "private-key"),
        // Whoever has a signed address may fetch what it names.
        ("temp_url_sig", "signed-url"),
        ("x_amz_signature", "signed-url"),
    ];
    let value = bytes.get(at + 1..)?;
    let value: &[u8] = value.get(value.iter().take_while(|b| is_space(b)).count()..)?;
    let Some((_, name)) = words.iter().find(|(w, _)| ends_with_word(before, w)) else {
        return registry_login(bytes, end, value);
    };
    let long = value.iter().take_while(|b| !b.is_ascii_whitespace()).take(4).count();
    // `$…`, `{…}`, `<…>` stand for a value, they are none; a switch is none either.
    let switch = ["true", "false", "null", "none"].iter().any(|s| starts_with(value, s));
    (long == 4 && !switch && !matches!(value.first(), Some(b'$' | b'{' | b'<'))).then_some(*name)
}

/// `"auth": "…"`: user and password for a registry, as docker keeps them.
fn registry_login(bytes: &[u8], end: usize, value: &[u8]) -> Option<&'static str> {
    let quoted = |b: Option<&u8>| b == Some(&b'"');
    let named = bytes.get(..end)?.ends_with(b"\"auth") && quoted(bytes.get(end));
    let plain = |b: &&u8| b.is_ascii_alphanumeric() || b"+/=-_".contains(b);
    (named && value.iter().take_while(plain).take(8).count() == 8).then_some("password")
}

fn ends_with_word(before: &[u8], word: &str) -> bool {
    before.len() >= word.len() && ends_with(before, word)
}

/// `://user:password@`.
fn url_credentials(bytes: &[u8], at: usize) -> Option<&'static str> {
    let before = bytes.get(..at)?;
    let stop = before.iter().rposition(|b| b.is_ascii_whitespace() || *b == b'/')?;
    let user = before.get(stop + 1..)?;
    let scheme = before.get(..=stop)?;
    let colon = user.iter().position(|b| *b == b':')?;
    (scheme.ends_with(b"://") && colon + 1 < user.len()).then_some("url-credentials")
}

/// Tokens that can be told by their first bytes.
fn token(bytes: &[u8], at: usize) -> Option<&'static str> {
    let rest = bytes.get(at..)?;
    if !at_word_start(bytes, at) {
        return None;
    }
    let run = |from: usize, least: usize| {
        let body = rest.get(from..).unwrap_or_default();
        let plain = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'=');
        body.iter().take_while(plain).take(least).count() == least
    };
    let found = match rest {
        [b'g', b'h', b'p' | b'o' | b'u' | b's' | b'r', b'_', ..] if run(4, 20) => "github-token",
        [b'g', b'i', b't', b'h', b'u', b'b', b'_', b'p', b'a', b't', b'_', ..] if run(11, 20) => {
            "github-token"
        }
        [b'g', b'l', b'p', b'a', b't', b'-', ..] if run(6, 16) => "gitlab-token",
        [b'h', b'v', b's' | b'b', b'.', ..] if run(4, 20) => "vault-token",
        [b'n', b'p', b'm', b'_', ..] if run(4, 30) => "npm-token",
        [b'd', b'c', b'k', b'r', b'_', b'p', b'a', b't', b'_', ..] if run(9, 20) => "docker-token",
        [b'g', b'A', b'A', b'A', b'A', b'A', ..] if run(6, 60) => "fernet-token",
        [b'x', b'o', b'x', b'a' | b'b' | b'p' | b'r' | b's', b'-', ..] if run(5, 10) => {
            "slack-token"
        }
        [b's', b'k', b'_', b'l', b'i', b'v', b'e', b'_', ..] if run(8, 10) => "stripe-key",
        [b'e', b'y', b'J', ..] => {
            let dots = rest.iter().take_while(|b| !b.is_ascii_whitespace()).filter(|b| **b == b'.');
            if rest.len() < 40 || dots.count() < 2 {
                return None;
            }
            "jwt"
        }
        _ => return None,
    };
    Some(found)
}

/// `Bearer …` and `Basic …` of an Authorization header.
fn bearer(bytes: &[u8], at: usize) -> Option<&'static str> {
    let rest = bytes.get(at..)?;
    let value = ["bearer ", "basic "]
        .iter()
        .find_map(|w| starts_with(rest, w).then(|| rest.get(w.len()..).unwrap_or_default()))?;
    if !at_word_start(bytes, at) {
        return None;
    }
    let token = |b: &&u8| b.is_ascii_alphanumeric() || b"._-+/=~".contains(b);
    let long = value.iter().take_while(token).count();
    let digit = value.iter().take(long).any(u8::is_ascii_digit);
    (long >= 16 && digit).then_some("authorization")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(secret_text(text), expected, "{text}");
    }

    #[test]
    fn secrets_are_told_by_their_text() {
        check("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb", Some("private-key"));
        check("key: AKIAIOSFODNN7EXAMPLE", Some("aws-access-key"));
        check("LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ==", Some("private-key"));
        check("    client-key-data: c2VjcmV0Cg==", Some("private-key"));
        check(r#"{"auths":{"r":{"auth":"dXNlcjpwYXNz"}}}"#, Some("password"));
        check("mysql root Password = hunter22", Some("password"));
        check(r#"{"db_password": "hunter2"}"#, Some("password"));
        check("export OS_TOKEN=abcdef", Some("token"));
        check("https://bob:pa55@registry.example/x", Some("url-credentials"));
        check("https://s.example/o?temp_url_sig=da39a3ee5e6b4b0d&x=1", Some("signed-url"));
        check("https://s3.example/o?X-Amz-Signature=da39a3ee5e6b4b0d", Some("signed-url"));
        check("ghp_16C7e42F292c6912E7710c838347Ae178B4a", Some("github-token"));
        check("github_pat_11ABCDEFG0123456789abcdefghij", Some("github-token"));
        check("token hvs.CAESIJ1234567890abcdefghij", Some("vault-token"));
        check("Authorization: Bearer 3f2b8c1d9e0a7b6c5d4e", Some("authorization"));
        check(
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
            Some("jwt"),
        );
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in [
            "fa:16:3e:16:bb:71",
            "2026-11-22T07:47:33Z",
            "1b1bc1ae-e2eb-4fb7-a901-7f503e73f11b",
            "SCS-2V:8-20s",
            "the password is kept in the vault",
            "token: ${TOKEN}",
            "automountServiceAccountToken: false",
            "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==",
            "LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0K",
            "\"auth\": \"none\"",
            "https://cloud-images.ubuntu.com/noble/current/x.img",
            "mail bob@example.com now",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE4BPxX8KMmJsmzbCeB8lEf bob@host",
            "-----BEGIN CERTIFICATE-----",
            "basic authentication required here",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn secrets_are_told_by_their_name() {
        for name in [
            "password",
            "adminPass",
            "admin-pass",
            "OS-EXT-SRV-ATTR:user_data",
            "ipmi_password",
            "blob",
            "api-key",
            "Private-Key",
            "db_pass",
            "pwd",
            "vault_secret_id",
            "credentials",
        ] {
            assert!(secret_name(name), "{name}");
        }
        for name in [
            "password_expires_at",
            "secret_ref",
            "token_file",
            "public_key",
            "key_name",
            "tags",
            "os",
            "bypass",
        ] {
            assert!(!secret_name(name), "{name}");
        }
    }
}
