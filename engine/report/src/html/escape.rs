//! Text that came from elsewhere, made safe for between tags and for quoted
//! attributes. Nothing reaches the page by another way.

use std::fmt::{self, Display, Write as _};

use serde_json::Value;
use tidegate_model::Violation;

use crate::text::printable;

/// Text on one line.
pub(crate) struct Text<T>(pub(crate) T);

impl<T: AsRef<str>> Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(&printable(self.0.as_ref()), f)
    }
}

/// Text on one line in which `backticks` mark code, as messages and titles
/// have it. A backtick without a second one stays as it is.
pub(crate) struct Prose<'a>(pub(crate) &'a str);

impl Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = printable(self.0);
        let mut rest: &str = &text;
        while let Some((before, after)) = rest.split_once('`') {
            let Some((code, after)) = after.split_once('`') else { break };
            escape(before, f)?;
            f.write_str("<code>")?;
            escape(code, f)?;
            f.write_str("</code>")?;
            rest = after;
        }
        escape(rest, f)
    }
}

/// Prose with line breaks; blank lines at either end are dropped.
pub(super) struct Lines<'a>(pub(super) &'a str);

impl Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, line) in self.0.trim().lines().enumerate() {
            if n > 0 {
                f.write_str("<br>")?;
            }
            Prose(line).fmt(f)?;
        }
        Ok(())
    }
}

fn escape(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let entity = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            _ => continue,
        };
        f.write_str(text.get(plain..at).unwrap_or_default())?;
        f.write_str(entity)?;
        plain = at + 1;
    }
    f.write_str(text.get(plain..).unwrap_or_default())
}

/// What stands there and what should, as `/ram: 2048, wanted 4096`; `None`
/// where the message is all there is.
pub(crate) fn evidence(violation: &Violation) -> Option<String> {
    let Violation { message: _, path, found, wanted } = violation;
    if path.is_empty() && found.is_null() && wanted.is_null() {
        return None;
    }
    let mut text = String::new();
    if !path.is_empty() {
        let _ = write!(text, "{path}: ");
    }
    text.push_str(&short(found));
    if !wanted.is_null() {
        let _ = write!(text, ", wanted {}", short(wanted));
    }
    Some(text)
}

/// A value on one line, cut where it would fill a page; the JSON has all of it.
fn short(value: &Value) -> String {
    const LONGEST: usize = 160;
    let text = match value {
        Value::Null => "absent".to_owned(),
        Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => value.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_name_becomes_markup() {
        let nasty = "</title><script>alert('1')</script>\"&amp;\u{0}\u{202e}";
        assert_eq!(
            Text(nasty).to_string(),
            "&lt;/title&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;amp; \u{fffd}"
        );
    }

    #[test]
    fn backticks_mark_code_in_pairs() {
        assert_eq!(
            Prose("flavor `a<b` is `c`").to_string(),
            "flavor <code>a&lt;b</code> is <code>c</code>"
        );
        assert_eq!(Prose("one ` alone").to_string(), "one ` alone");
        assert_eq!(Lines("a\n`b`\n").to_string(), "a<br><code>b</code>");
    }

    #[test]
    fn values_are_cut_between_characters() {
        let violation = Violation {
            message: String::new(),
            path: "/x".into(),
            found: Value::String("ä".repeat(500)),
            wanted: Value::Null,
        };
        let text = evidence(&violation).unwrap();
        assert!(text.ends_with("ä…") && text.chars().count() < 200, "{text}");
        let nothing = Violation { path: String::new(), found: Value::Null, ..violation };
        assert_eq!(evidence(&nothing), None);
    }
}
