//! Text that came from elsewhere, made safe for GitHub's and GitLab's Markdown.
//!
//! A backslash is not enough: `@` and `#` become mentions and references after
//! Markdown is done, so a word joiner (U+2060) parts them from what follows.
//! Names and values stand in code, which both leave alone.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::text::{link, printable};

/// At most `longest` characters of a text, with an ellipsis where more were.
pub(super) fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
    }
}

/// A name or value as code, also inside a table.
pub(crate) fn code(text: &str) -> String {
    let text = printable(text);
    // A code span cannot hold a backtick, nor can it in a table a pipe, nor a
    // backslash before one.
    if text.contains(['`', '|', '\\']) { html_code(&text) } else { format!("`{text}`") }
}

/// The same as HTML, which also stands where Markdown is not read.
fn html_code(text: &str) -> String {
    let mut safe = String::from("<code>");
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            let _ = write!(safe, "&#{};", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe.push_str("</code>");
    safe
}

/// A sentence in which `backticks` mark code.
pub(crate) fn prose(text: &str) -> String {
    with_code(text, code)
}

/// Like [`prose`], for inside an HTML element, where Markdown is not read.
pub(super) fn html_prose(text: &str) -> String {
    with_code(text, html_code)
}

fn with_code(text: &str, code: fn(&str) -> String) -> String {
    let text = printable(text);
    let mut safe = String::with_capacity(text.len() + 16);
    let mut rest: &str = &text;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((inside, after)) = after.split_once('`') else { break };
        plain(before, &mut safe);
        if !inside.is_empty() {
            safe.push_str(&code(inside));
        }
        rest = after;
    }
    plain(rest, &mut safe);
    safe
}

/// Text without any meaning to Markdown.
fn plain(text: &str, safe: &mut String) {
    let mut begun = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        // A sign that ends a word stays readable for those who read the source.
        let ends = chars.peek().is_none_or(|c| c.is_whitespace());
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            ':' if ends => safe.push(c),
            // Inside a word it emphasizes nothing.
            '_' if begun.ends_with(char::is_alphanumeric)
                && chars.peek().is_some_and(|c| c.is_alphanumeric()) =>
            {
                safe.push(c);
            }
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '^' | '"' | ':' | '+' => {
                let _ = write!(safe, "&#{};", u32::from(c));
            }
            '.' if begun.ends_with("www") => safe.push_str("&#46;"),
            c => safe.push(c),
        }
        // What turns `@user`, `#1`, `!1`, `%"a"`, `~label` and `$1` into links.
        if !ends && matches!(c, '@' | '#' | '!' | '%' | '~' | '$' | '&') {
            safe.push('\u{2060}');
        }
        begun.push(c.to_ascii_lowercase());
        if begun.len() > 8 {
            begun = begun.chars().skip(1).collect();
        }
    }
}

/// A link with a text of ours; a clause that is no link stands as it is.
pub(super) fn linked(text: &str, url: &str) -> String {
    match link(url) {
        Some(url) => format!("[{text}](<{url}>)"),
        None => prose(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_holds_whatever_a_name_has() {
        assert_eq!(code("a <b> @c"), "`a <b> @c`");
        assert_eq!(code("a|b"), "<code>a&#124;b</code>");
        assert_eq!(code("a\\"), "<code>a&#92;</code>");
        assert_eq!(code("`\n"), "<code>&#96; </code>");
    }

    #[test]
    fn prose_says_nothing_to_markdown() {
        assert_eq!(
            prose("flavor `a|b` <img> @all [x](http://e) www.e"),
            "flavor <code>a&#124;b</code> &lt;img&gt; @\u{2060}all &#91;x&#93;(http&#58;//e) www&#46;e"
        );
        assert_eq!(prose("one ` alone | #1"), "one &#96; alone &#124; #\u{2060}1");
        assert_eq!(prose("x86_64 _a_"), "x86_64 &#95;a&#95;");
        assert_eq!(prose("a: b & c :x:"), "a: b &amp; c &#58;x:");
        assert_eq!(html_prose("`a` b"), "<code>a</code> b");
    }

    #[test]
    fn links_cannot_be_broken_out_of() {
        assert_eq!(linked("clause", "https://e.org/(a)"), "[clause](<https://e.org/(a)>)");
        assert_eq!(linked("clause", "https://e.org/>x"), "https&#58;//e.org/&gt;x");
    }

    #[test]
    fn cuts_between_characters() {
        assert_eq!(cut("äöü", 2), "äö…");
        assert_eq!(cut("äö", 2), "äö");
    }
}
