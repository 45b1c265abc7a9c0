//! Takes secrets and noise out of a body while it becomes canonical, and
//! remembers on the way what identifies it.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tidegate_model::{Action, Rewrite};
use tidegate_redact::{RedactionKey, blank, mark, secret_name, secret_text};

use crate::kind::{Id, Row};
use crate::kinds::USER_DATA;

/// What identifies an item, gathered while its body is written.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) id: Vec<Option<String>>,
    pub(crate) name: Option<String>,
    pub(crate) project: Option<String>,
    /// What user data looks like: `none`, `clean` (a text without a secret),
    /// `secret`, or `unreadable` (not base64 of a text, as when it is compressed, or a
    /// text with parts that are encoded once more).
    pub(crate) user_data: Option<&'static str>,
}

/// The rewriting of one item of one row.
pub(crate) struct Cleaner<'a> {
    row: &'a Row,
    key: Option<&'a RedactionKey>,
    id: &'static [&'static str],
    longest: usize,
    found: RefCell<Found>,
}

impl<'a> Cleaner<'a> {
    pub(crate) fn new(row: &'a Row, key: Option<&'a RedactionKey>) -> Self {
        let id: &'static [&'static str] = match row.id {
            Id::Fields(fields) | Id::OrContent(fields) | Id::ParentAnd(fields) => fields,
            Id::Parent | Id::Assignment => &[],
        };
        let pointers = id.iter().chain(row.project).chain([&row.name]);
        let longest = pointers.map(|p| p.len()).max().unwrap_or_default();
        Self { row, key, id, longest, found: RefCell::default() }
    }

    /// What was gathered; empties it for the next item.
    pub(crate) fn take(&self) -> Found {
        std::mem::take(&mut *self.found.borrow_mut())
    }

    /// What takes the place of user data. It is read, and what was found becomes a
    /// fact, since the text in its place cannot say that there was no secret.
    fn user_data(&self, raw: &[u8]) -> String {
        let packed: Option<String> = serde_json::from_slice(raw).unwrap_or_default();
        let packed: String = packed.iter().flat_map(|p| p.split_ascii_whitespace()).collect();
        let text = STANDARD.decode(&packed).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let (found, place) = match text.as_deref().map(secret_text) {
            _ if packed.is_empty() => ("none", String::new()),
            Some(Some(pattern)) => ("secret", mark(pattern, &packed, self.key)),
            Some(None) if !text.as_deref().is_some_and(encloses) => ("clean", blank(raw, self.key)),
            Some(None) | None => ("unreadable", blank(raw, self.key)),
        };
        self.found.borrow_mut().user_data = Some(found);
        place
    }

    fn remember(&self, pointer: &str, text: &str) {
        if let Some(at) = self.id.iter().position(|p| *p == pointer) {
            let mut found = self.found.borrow_mut();
            found.id.resize(self.id.len(), None);
            if let Some(slot) = found.id.get_mut(at) {
                *slot = Some(text.to_owned());
            }
        }
        if pointer == self.row.name && !text.is_empty() {
            self.found.borrow_mut().name = Some(text.to_owned());
        }
        if self.row.project.contains(&pointer) && !text.is_empty() {
            self.found.borrow_mut().project.get_or_insert_with(|| text.to_owned());
        }
    }
}

/// Encodings that cloud-init takes off parts of user data and files that they write,
/// and that nobody reads a secret through.
///
/// Source: cloud-init, `write_files` and MIME multi-part archives.
const ENCODINGS: [&str; 8] =
    ["b64", "base64", "gz", "gzip", "gz+b64", "gz+base64", "gzip+b64", "gzip+base64"];

/// Whether user data hold something that is encoded once more: a part with
/// `content-transfer-encoding: base64`, or a file with one of the `encoding`s.
fn encloses(text: &str) -> bool {
    const KEY: &str = "encoding";
    const PART: &str = "content-transfer-";
    let text = text.to_ascii_lowercase();
    text.match_indices(KEY).any(|(at, _)| {
        let (before, rest) = text.split_at(at);
        // `accept-encoding` and the like say nothing of the text.
        let other = before.ends_with(|c: char| c.is_alphanumeric() || "-_".contains(c));
        if other && !before.ends_with(PART) {
            return false;
        }
        let rest = rest.trim_start_matches(KEY);
        let blank = |c: char| c.is_whitespace() || "\"'".contains(c);
        let Some(value) = rest.trim_start_matches(blank).strip_prefix(':') else { return false };
        let value = value.trim_start_matches(blank);
        let value = value.split(|c: char| !c.is_ascii_alphanumeric() && c != '+').next();
        value.is_some_and(|v| ENCODINGS.contains(&v))
    })
}

impl Rewrite for Cleaner<'_> {
    fn member(&self, pointer: &str, key: &str) -> Action {
        if matches!(key, "links" | "request_id") || self.row.volatile.contains(&key) {
            return Action::Drop;
        }
        // `tidegate` is ours: what a user calls so must not pass for it.
        if pointer == "/tidegate" {
            return Action::Drop;
        }
        if self.row.secret.contains(&key) || secret_name(key) {
            return Action::Replace;
        }
        // A secret that was put in the place of a name.
        if secret_text(key).is_some() {
            return Action::Drop;
        }
        Action::Keep
    }

    /// Empty values stay empty: that there is no secret is no secret.
    fn replace(&self, pointer: &str, raw: &[u8]) -> String {
        match raw {
            _ if pointer.strip_prefix('/') == Some(USER_DATA) => self.user_data(raw),
            b"null" | b"\"\"" | b"{}" | b"[]" => String::new(),
            _ => blank(raw, self.key),
        }
    }

    fn text(&self, pointer: &str, text: &str) -> Option<String> {
        if pointer.len() <= self.longest {
            self.remember(pointer, text);
        }
        let pattern = secret_text(text)?;
        // An id becomes part of the key. What looks like a secret is long and
        // random, so its hash tells nothing.
        if let Some(at) = self.id.iter().position(|p| *p == pointer)
            && let Some(slot) = self.found.borrow_mut().id.get_mut(at)
        {
            let hash = tidegate_model::Digest::of(text.as_bytes()).to_string();
            *slot = Some(format!("redacted-{}", hash.get(..16).unwrap_or_default()));
        }
        // A name is shown with the resource; it must not carry the secret either.
        if pointer == self.row.name {
            self.found.borrow_mut().name = Some(format!("[redacted:{pattern}]"));
        }
        Some(mark(pattern, text, self.key))
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::canonical;

    use super::*;
    use crate::kind::ROW;

    #[test]
    fn a_switch_that_is_named_like_a_secret_stays() {
        let raw = br#"{"options":{"ignore_password_expiry":true,"lock_password":null}}"#;
        assert_eq!(
            canonical(raw, &Cleaner::new(&ROW, None)).unwrap(),
            r#"{"options":{"ignore_password_expiry":true,"lock_password":""}}"#
        );
    }

    const ROW_: Row = Row { secret: &["blob"], volatile: &["progress"], ..ROW };

    #[test]
    fn secrets_are_blanked_and_noise_is_gone() {
        let raw = br#"{"id":"1","name":"n","links":[1],"progress":3,"blob":"x","user_data":null,
            "metadata":{"note":"password=hunter2","db_password":"x"},"tidegate":{"listings":[]}}"#;
        let cleaner = Cleaner::new(&ROW_, None);
        assert_eq!(
            canonical(raw, &cleaner).unwrap(),
            r#"{"blob":"[redacted]","id":"1","metadata":{"db_password":"[redacted]","note":"[redacted:password]"},"name":"n","user_data":""}"#
        );
        let found = cleaner.take();
        assert_eq!((found.id, found.name.as_deref()), (vec![Some("1".into())], Some("n")));
    }

    #[test]
    fn user_data_is_read_and_not_kept() {
        const SERVER: Row = Row { secret: &[USER_DATA], ..ROW };
        let check = |text: &[u8], found: &str, place: &str| {
            let packed = STANDARD.encode(text);
            let body = format!(r#"{{"{USER_DATA}":"{packed}"}}"#);
            let cleaner = Cleaner::new(&SERVER, None);
            let made = canonical(body.as_bytes(), &cleaner).unwrap();
            assert_eq!(made, format!(r#"{{"{USER_DATA}":"{place}"}}"#));
            assert_eq!(cleaner.take().user_data, Some(found));
        };
        check(b"#cloud-config\npackages: [curl]\n", "clean", "[redacted]");
        check(b"#cloud-config\npassword: hunter2\n", "secret", "[redacted:password]");
        check(&[0x1f, 0x8b, 8, 0], "unreadable", "[redacted]");
        for encoded in [
            "Content-Type: multipart/mixed\nContent-Transfer-Encoding: base64\n\ncGFzcw==\n",
            "write_files:\n- encoding: b64\n  content: cGFzcw==\n",
            "write_files:\n- {content: cGFzcw==, \"encoding\": \"gz+b64\"}\n",
            "write_files: [{encoding: 'gzip', content: !!binary cGFzcw==}]\n",
            "write_files:\n- encoding:\n    base64\n",
        ] {
            check(encoded.as_bytes(), "unreadable", "[redacted]");
        }
        check(
            b"write_files:\n- encoding: b64\n  content: password=hunter2\n",
            "secret",
            "[redacted:password]",
        );
        check(b"curl -H 'Accept-Encoding: gzip'\nencoding: text/plain\n", "clean", "[redacted]");
        check(b"", "none", "");
    }

    #[test]
    fn under_a_key_a_changed_secret_shows() {
        let key = RedactionKey::new("k");
        let cleaner = Cleaner::new(&ROW_, Some(&key));
        let one = canonical(br#"{"blob":"x"}"#, &cleaner).unwrap();
        assert_eq!(one, canonical(br#"{"blob":"x"}"#, &cleaner).unwrap());
        assert_ne!(one, canonical(br#"{"blob":"y"}"#, &cleaner).unwrap());
        assert!(!one.contains("\"x\""));
    }
}
