//! Canonical JSON: the one text that stands for a body, whoever wrote it.
//!
//! Keys sorted by code point, no white space, numbers as received, strings with
//! the shortest escapes. While it reads, a [`Rewrite`] may drop or replace
//! members, so that a secret never exists in the canonical text.

use std::ops::Range;

use jiter::{Jiter, JiterError, Peek};

/// A body that cannot be brought into canonical form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// The text is not JSON, or is nested deeper than 128 levels.
    #[error("not JSON: {0}")]
    Json(String),
    /// An object has the same key twice, so readers may disagree on its value.
    #[error("key `{0}` stands twice in one object")]
    DuplicateKey(String),
}

/// What happens to a member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It stays.
    Keep,
    /// It is left out.
    Drop,
    /// Its value, as received, is handed to [`Rewrite::replace`] and becomes the
    /// text that this gives. True and false stay: a switch holds no secret, also
    /// one that is named like one (`ignore_password_expiry`).
    Replace,
}

/// Decides what of a body is kept. All methods default to keeping everything.
pub trait Rewrite {
    /// What to do with the member `key`; `pointer` is the JSON Pointer of that
    /// member, with `*` for array elements: `/addresses/net/*/mac`.
    fn member(&self, pointer: &str, key: &str) -> Action {
        let _ = (pointer, key);
        Action::Keep
    }

    /// The text that takes the place of a member marked [`Action::Replace`];
    /// `raw` is the JSON it had.
    fn replace(&self, pointer: &str, raw: &[u8]) -> String {
        let _ = (pointer, raw);
        String::new()
    }

    /// A new text for a string value, or `None` to keep it.
    fn text(&self, pointer: &str, text: &str) -> Option<String> {
        let _ = (pointer, text);
        None
    }
}

/// Keeps everything.
impl Rewrite for () {}

/// The JSON nesting that is accepted, as in serde_json and regorus.
const MAX_DEPTH: usize = 128;

/// Brings one JSON value into canonical form, asking `rewrite` on the way.
///
/// The same value in any layout and key order gives the same text; a number
/// keeps its digits (`1.0` and `1` differ).
///
/// # Errors
/// [`CanonicalError`] if `raw` is not exactly one JSON value, is nested deeper
/// than 128 levels, or repeats a key.
///
/// ```
/// # use tidegate_model::canonical;
/// assert_eq!(canonical(br#"{ "b": 1.0, "a": "\u00e9" }"#, &()).unwrap(), r#"{"a":"é","b":1.0}"#);
/// ```
pub fn canonical(raw: &[u8], rewrite: &dyn Rewrite) -> Result<String, CanonicalError> {
    let mut jiter = Jiter::new(raw);
    let mut writer = Writer {
        rewrite,
        raw,
        out: String::with_capacity(raw.len()),
        pointer: String::new(),
        keys: String::new(),
        members: Vec::new(),
        scratch: String::new(),
    };
    let peek = jiter.peek().map_err(json)?;
    writer.value(&mut jiter, peek, 0)?;
    jiter.finish().map_err(json)?;
    Ok(writer.out)
}

fn json(e: JiterError) -> CanonicalError {
    CanonicalError::Json(e.to_string())
}

/// Buffers are kept for the whole body: a member would otherwise cost an
/// allocation, and bodies have some fifty of them.
struct Writer<'r> {
    rewrite: &'r dyn Rewrite,
    raw: &'r [u8],
    out: String,
    pointer: String,
    /// The decoded keys of all open objects, back to back.
    keys: String,
    /// The members of all open objects, the innermost last.
    members: Vec<Member>,
    /// An object's members as written, while they are put into order.
    scratch: String,
}

/// A member of an object being written: its key in `Writer::keys`, and its
/// `"key":value` in the output.
#[derive(Debug, Clone)]
struct Member {
    key: Range<usize>,
    text: Range<usize>,
}

impl Writer<'_> {
    fn value(&mut self, j: &mut Jiter<'_>, peek: Peek, depth: usize) -> Result<(), CanonicalError> {
        if depth > MAX_DEPTH {
            return Err(CanonicalError::Json(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        match peek {
            Peek::Null => {
                j.known_null().map_err(json)?;
                self.out.push_str("null");
            }
            Peek::True | Peek::False => {
                let text = if j.known_bool(peek).map_err(json)? { "true" } else { "false" };
                self.out.push_str(text);
            }
            Peek::String => {
                let text = j.known_str().map_err(json)?;
                match self.rewrite.text(&self.pointer, text) {
                    Some(new) => push_text(&mut self.out, &new),
                    None => push_text(&mut self.out, text),
                }
            }
            Peek::Array => {
                self.out.push('[');
                let mark = self.pointer.len();
                self.pointer.push_str("/*");
                let mut next = j.known_array().map_err(json)?;
                let mut first = true;
                while let Some(peek) = next {
                    if !std::mem::take(&mut first) {
                        self.out.push(',');
                    }
                    self.value(j, peek, depth + 1)?;
                    next = j.array_step().map_err(json)?;
                }
                self.pointer.truncate(mark);
                self.out.push(']');
            }
            Peek::Object => self.object(j, depth)?,
            _ => {
                let digits = j.known_number_bytes(peek).map_err(json)?;
                let digits =
                    std::str::from_utf8(digits).map_err(|e| CanonicalError::Json(e.to_string()))?;
                self.out.push_str(digits);
            }
        }
        Ok(())
    }

    fn object(&mut self, j: &mut Jiter<'_>, depth: usize) -> Result<(), CanonicalError> {
        self.out.push('{');
        let body = self.out.len();
        let mark = self.pointer.len();
        let (keys, members) = (self.keys.len(), self.members.len());
        let mut name = j.known_object().map_err(json)?;
        while let Some(text) = name {
            let key = self.keys.len()..self.keys.len() + text.len();
            self.keys.push_str(text);
            self.pointer.push('/');
            push_pointer(&mut self.pointer, text);
            let peek = j.peek().map_err(json)?;
            let text = self.keys.get(key.clone()).unwrap_or_default();
            let action = self.rewrite.member(&self.pointer, text);
            if action == Action::Drop {
                j.known_skip(peek).map_err(json)?;
                self.keys.truncate(key.start);
            } else {
                if self.members.len() > members {
                    self.out.push(',');
                }
                let start = self.out.len();
                push_text(&mut self.out, text);
                self.out.push(':');
                let switch = matches!(peek, Peek::True | Peek::False);
                if action == Action::Replace && !switch {
                    let from = j.current_index();
                    j.known_skip(peek).map_err(json)?;
                    let raw = self.raw.get(from..j.current_index()).unwrap_or_default();
                    push_text(&mut self.out, &self.rewrite.replace(&self.pointer, raw));
                } else {
                    self.value(j, peek, depth + 1)?;
                }
                self.members.push(Member { key, text: start..self.out.len() });
            }
            self.pointer.truncate(mark);
            name = j.next_key().map_err(json)?;
        }
        self.sort(body, members)?;
        self.members.truncate(members);
        self.keys.truncate(keys);
        self.out.push('}');
        Ok(())
    }

    /// Puts the members from `first` on, written from `body` on, into order.
    fn sort(&mut self, body: usize, first: usize) -> Result<(), CanonicalError> {
        let Self { out, keys, members, scratch, .. } = self;
        let members = members.get_mut(first..).unwrap_or_default();
        let key = |m: &Member| keys.get(m.key.clone()).unwrap_or_default();
        if members.windows(2).all(|w| matches!(w, [a, b] if key(a) < key(b))) {
            return Ok(());
        }
        members.sort_by(|a, b| key(a).cmp(key(b)));
        for pair in members.windows(2) {
            if let [a, b] = pair
                && key(a) == key(b)
            {
                return Err(CanonicalError::DuplicateKey(key(a).to_owned()));
            }
        }
        scratch.clear();
        scratch.push_str(out.get(body..).unwrap_or_default());
        out.truncate(body);
        for (n, m) in members.iter().enumerate() {
            if n > 0 {
                out.push(',');
            }
            let text = m.text.start - body..m.text.end - body;
            out.push_str(scratch.get(text).unwrap_or_default());
        }
        Ok(())
    }
}

/// Appends a key to a JSON Pointer (RFC 6901 §3).
fn push_pointer(pointer: &mut String, key: &str) {
    if key.contains(['~', '/']) {
        pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
    } else {
        pointer.push_str(key);
    }
}

/// Appends a JSON string with the shortest escapes (RFC 8785 §3.2.2.2).
fn push_text(out: &mut String, text: &str) {
    out.push('"');
    // Nearly all texts need no escape; without a way out early, the compiler
    // looks at many bytes at once.
    let escapes = |b: u8| b < 0x20 || b == b'"' || b == b'\\';
    if !text.bytes().fold(false, |any, b| any | escapes(b)) {
        out.push_str(text);
        out.push('"');
        return;
    }
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            0x09 => "\\t",
            0x0a => "\\n",
            0x0c => "\\f",
            0x0d => "\\r",
            0..=0x1f => "",
            _ => continue,
        };
        out.push_str(text.get(plain..at).unwrap_or_default());
        if short.is_empty() {
            out.push_str(&format!("\\u{byte:04x}"));
        } else {
            out.push_str(short);
        }
        plain = at + 1;
    }
    out.push_str(text.get(plain..).unwrap_or_default());
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(raw: &str, expected: &str) {
        assert_eq!(canonical(raw.as_bytes(), &()).unwrap(), expected);
    }

    #[test]
    fn sorts_keys_and_keeps_numbers() {
        check(
            " {\"b\" : [1.0, 1e3, -0, 12345678901234567890123] , \"a\":null}",
            r#"{"a":null,"b":[1.0,1e3,-0,12345678901234567890123]}"#,
        );
        check(r#"{"é":1,"z":2,"\u0041":3}"#, r#"{"A":3,"z":2,"é":1}"#);
        check(r#""\u000a\u0001\/""#, "\"\\n\\u0001/\"");
        check("[]", "[]");
        check("{}", "{}");
    }

    #[test]
    fn refuses_what_is_not_one_value() {
        for bad in ["", "{", "[1,]", "{} {}", "NaN", "{\"a\":1,}", "\"\u{1}\""] {
            assert!(canonical(bad.as_bytes(), &()).is_err(), "{bad:?}");
        }
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert!(canonical(deep.as_bytes(), &()).is_err());
        assert_eq!(
            canonical(br#"{"a":1,"\u0061":2}"#, &()),
            Err(CanonicalError::DuplicateKey("a".into()))
        );
    }

    struct Secrets;
    impl Rewrite for Secrets {
        fn member(&self, pointer: &str, key: &str) -> Action {
            match (pointer, key) {
                (_, "user_data") => Action::Replace,
                ("/list/*/mac", _) => Action::Drop,
                _ => Action::Keep,
            }
        }
        fn replace(&self, _: &str, raw: &[u8]) -> String {
            format!("[{} bytes]", raw.len())
        }
        fn text(&self, _: &str, text: &str) -> Option<String> {
            text.contains("hunter2").then(|| "[redacted]".to_owned())
        }
    }

    #[test]
    fn a_rewrite_drops_and_replaces() {
        let raw = br#"{"user_data": {"x":"hunter2"}, "list":[{"mac":1,"ip":2}], "t":"a hunter2"}"#;
        assert_eq!(
            canonical(raw, &Secrets).unwrap(),
            r#"{"list":[{"ip":2}],"t":"[redacted]","user_data":"[15 bytes]"}"#
        );
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                prop::collection::hash_map(any::<String>(), inner, 0..5)
                    .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn keeps_the_value_and_is_its_own_fixed_point(value in any_json()) {
            let once = canonical(value.to_string().as_bytes(), &()).unwrap();
            prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(&once).unwrap(), &value);
            prop_assert_eq!(canonical(once.as_bytes(), &()).unwrap(), once);
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = canonical(&bytes, &());
        }
    }
}
