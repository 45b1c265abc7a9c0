//! Takes secrets and noise out of an object while it becomes canonical, and
//! remembers on the way what identifies it.

use std::cell::RefCell;

use tidegate_model::{Action, Digest, Rewrite};
use tidegate_redact::{RedactionKey, blank, mark, secret_name, secret_text};

use crate::tables::{
    APPLIED, BUILT_IN, CODE, HARMLESS_ENDINGS, KEYED_MAPS, NAMES, SECRET_HEADERS, SECRET_MAPS,
    VOLATILE,
};

/// Patterns that a text matches by what stands before it, not by itself. They
/// also match names and code.
const BY_CONTEXT: &[&str] = &["password", "secret", "token"];

/// What identifies an object.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) namespace: String,
}

/// The rewriting of the objects of one kind.
pub(crate) struct Cleaner<'a> {
    key: Option<&'a RedactionKey>,
    volatile: Vec<&'static str>,
    secret_maps: Vec<&'static str>,
    keyed_maps: Vec<&'static str>,
    code: Option<&'static str>,
    custom: bool,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    found: Found,
    has_version: bool,
    has_kind: bool,
    /// The array elements whose `name` was read last, and whether a value
    /// beside it is a secret. Objects of the API have `name` before `value`:
    /// types as their fields stand, custom ones by alphabet.
    pair: String,
    pair_secret: bool,
    /// The list in which a flag such as `--password` was read last.
    flag: String,
}

impl<'a> Cleaner<'a> {
    /// `kind` is `<group>.<Kind>`.
    pub(crate) fn new(group: &str, kind: &str, key: Option<&'a RedactionKey>) -> Self {
        let of = |table: &[(&str, &'static str)]| -> Vec<&'static str> {
            table.iter().filter(|(k, _)| *k == "*" || *k == kind).map(|(_, p)| *p).collect()
        };
        Self {
            key,
            volatile: of(VOLATILE),
            secret_maps: of(SECRET_MAPS),
            keyed_maps: of(KEYED_MAPS),
            code: of(CODE).first().copied(),
            custom: !BUILT_IN.contains(&group),
            state: RefCell::default(),
        }
    }

    /// What was gathered; begins anew for the next object.
    pub(crate) fn take(&self) -> Found {
        std::mem::take(&mut *self.state.borrow_mut()).found
    }

    /// Whether the value of a member is a secret by its place: the keys of
    /// `pointer` decide.
    fn by_place(&self, pointer: &str) -> bool {
        // Elements of a list are secret as the list is.
        let pointer = pointer.trim_end_matches("/*");
        let Some((parent, last)) = pointer.rsplit_once('/') else { return false };
        if self.custom {
            let harmless = HARMLESS_ENDINGS.iter().any(|e| last.ends_with(e));
            // Labels are chosen by, and shown to, all who see the object.
            let label = ["/labels", "Labels", "/nodeSelector"].iter().any(|e| parent.ends_with(e));
            if secret_name(last) && !harmless && !label {
                return true;
            }
        }
        self.keyed_maps.iter().any(|map| parent.ends_with(map)) && secret_name(last)
    }

    /// Whether the text beside a name or behind a flag is a secret. Remembers
    /// names and flags.
    fn by_neighbour(&self, pointer: &str, text: &str) -> bool {
        let mut state = self.state.borrow_mut();
        if let Some(list) = pointer.strip_suffix("/*") {
            let was_flag = std::mem::take(&mut state.flag) == list;
            let flag = text.starts_with('-') && !text.contains(['=', ' ']);
            if flag && secret_name(text.trim_start_matches('-')) && !text.ends_with("file") {
                list.clone_into(&mut state.flag);
                return false;
            }
            return was_flag && !list.is_empty() && !text.starts_with(['-', '/']);
        }
        if let Some(element) = pointer.strip_suffix("/name")
            && element.ends_with("/*")
        {
            let header = SECRET_HEADERS.iter().any(|h| text.eq_ignore_ascii_case(h));
            state.pair_secret = header || secret_name(text);
            element.clone_into(&mut state.pair);
        }
        false
    }

    fn is_code(&self, pointer: &str) -> bool {
        self.code.is_some_and(|code| pointer.starts_with(code))
    }
}

/// Whether a text is a secret by itself, and by which pattern; `by_context`
/// says whether what stands before it counts.
fn pattern(text: &str, by_context: bool) -> Option<&'static str> {
    secret_text(text).filter(|p| by_context || !BY_CONTEXT.contains(p))
}

impl Rewrite for Cleaner<'_> {
    fn member(&self, pointer: &str, key: &str) -> Action {
        let mut state = self.state.borrow_mut();
        // The first ones are put before the object, since lists of built-in
        // types leave them out.
        let seen = match pointer {
            "/apiVersion" => Some(&mut state.has_version),
            "/kind" => Some(&mut state.has_kind),
            // `tidegate` is ours: what a user calls so must not pass for it.
            "/tidegate" => return Action::Drop,
            _ => None,
        };
        if let Some(seen) = seen {
            return if std::mem::replace(seen, true) { Action::Drop } else { Action::Keep };
        }
        if self.volatile.contains(&pointer) {
            return Action::Drop;
        }
        if let Some(parent) = pointer.strip_suffix(key).and_then(|p| p.strip_suffix('/'))
            && self.secret_maps.contains(&parent)
        {
            return Action::Replace;
        }
        if pointer.starts_with("/metadata/annotations/") && APPLIED.contains(&key) {
            return Action::Drop;
        }
        if key == "value" && state.pair_secret {
            let element = pointer.strip_suffix("/value").unwrap_or_default();
            if state.pair == element {
                return Action::Replace;
            }
        }
        // A secret that was put in the place of a name.
        if pattern(key, false).is_some() { Action::Drop } else { Action::Keep }
    }

    /// Empty values stay empty: that there is no secret is no secret.
    fn replace(&self, _: &str, raw: &[u8]) -> String {
        match raw {
            b"null" | b"\"\"" | b"{}" | b"[]" => String::new(),
            _ => blank(raw, self.key),
        }
    }

    fn text(&self, pointer: &str, text: &str) -> Option<String> {
        let identity = match pointer {
            "/metadata/name" => Some(false),
            "/metadata/namespace" => Some(true),
            _ => None,
        };
        if let Some(is_namespace) = identity {
            let hidden = pattern(text, false).map(|pattern| {
                // It becomes part of the key. What looks like a secret is long
                // and random, so its hash tells nothing.
                let hash = Digest::of(text.as_bytes()).to_string();
                let id = format!("redacted-{}", hash.get(..16).unwrap_or_default());
                (id, mark(pattern, text, self.key))
            });
            let id = hidden.as_ref().map_or(text, |(id, _)| id).to_owned();
            let mut state = self.state.borrow_mut();
            if is_namespace {
                state.found.namespace = id;
            } else {
                state.found.name = id;
            }
            return hidden.map(|(_, shown)| shown);
        }
        if text.is_empty() {
            return None;
        }
        if self.by_neighbour(pointer, text) || self.by_place(pointer) {
            return Some(blank(text.as_bytes(), self.key));
        }
        let last = pointer.trim_end_matches("/*").rsplit('/').next().unwrap_or_default();
        let by_context = !NAMES.contains(&last) && !self.is_code(pointer);
        pattern(text, by_context).map(|pattern| mark(pattern, text, self.key))
    }
}
