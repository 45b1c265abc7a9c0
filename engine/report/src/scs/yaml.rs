//! Writes YAML that YAML 1.1 readers, PyYAML among them, and YAML 1.2 readers
//! take for the same values.
//!
//! An emitter of YAML 1.2 leaves texts plain that YAML 1.1 takes for something
//! else (`2026-11-22` for a date, `1:30` for 90, `on` for true), and has no way
//! to write a timestamp. So every text that is not plainly a word is quoted
//! here; dates are the one thing that is plain on purpose.

use std::fmt::Write as _;

/// A value to write.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Yaml {
    Null,
    Int(i64),
    /// A date or timestamp, as YAML 1.1 writes it.
    Time(String),
    Text(String),
    List(Vec<Yaml>),
    /// In the order given.
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn map<const N: usize>(entries: [(&str, Yaml); N]) -> Self {
        Self::Map(entries.map(|(key, value)| (key.to_owned(), value)).into())
    }

    pub(super) fn texts(texts: impl IntoIterator<Item = String>) -> Self {
        Self::List(texts.into_iter().map(Self::Text).collect())
    }

    /// One document with `---` before it and a final newline, in block style,
    /// lists at the indentation of their key.
    pub(super) fn document(&self) -> String {
        let mut out = String::from("---");
        self.write(&mut out, 0, false);
        out.push('\n');
        out
    }

    /// Writes what follows `key:`, `-` or `---`, which takes a line break of its
    /// own before a block.
    fn write(&self, out: &mut String, indent: usize, in_list: bool) {
        match self {
            Self::Null => out.push_str(" null"),
            Self::Int(n) => {
                let _ = write!(out, " {n}");
            }
            Self::Time(time) => {
                let _ = write!(out, " {time}");
            }
            Self::Text(text) => {
                out.push(' ');
                scalar(out, text);
            }
            Self::List(items) if items.is_empty() => out.push_str(" []"),
            Self::Map(entries) if entries.is_empty() => out.push_str(" {}"),
            Self::List(items) => {
                // Below a key, a list stands where its key does.
                let indent = if in_list { indent } else { indent.saturating_sub(1) };
                for item in items {
                    line(out, indent);
                    out.push('-');
                    item.write(out, indent + 1, true);
                }
            }
            Self::Map(entries) => {
                for (key, value) in entries {
                    line(out, indent);
                    scalar(out, key);
                    out.push(':');
                    value.write(out, indent + 1, false);
                }
            }
        }
    }
}

fn line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", indent));
}

/// A text on one line: plain, in single quotes, or escaped in double quotes
/// where it has characters that YAML does not print or would fold.
fn scalar(out: &mut String, text: &str) {
    if plain(text) {
        out.push_str(text);
    } else if text.chars().all(printable) {
        out.push('\'');
        out.push_str(&text.replace('\'', "''"));
        out.push('\'');
    } else {
        escaped(out, text);
    }
}

/// Words that YAML 1.1 or 1.2 reads as a boolean or null.
const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// Whether a text can only be read as itself: it begins with a letter, so it is
/// no number, date or marker, and has nothing that means something inside.
fn plain(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@');
    let url = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && url.unwrap_or(text).split(' ').all(|word| !word.is_empty() && word.chars().all(inside))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// Whether a character may stand in single quotes: YAML prints it, and no reader
/// takes it for a line break or a byte order mark.
fn printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn escaped(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        let _ = match (c, u32::from(c)) {
            ('"' | '\\', _) => write!(out, "\\{c}"),
            ('\n', _) => write!(out, "\\n"),
            ('\t', _) => write!(out, "\\t"),
            (c, _) if printable(c) => write!(out, "{c}"),
            (_, n @ ..=0xff) => write!(out, "\\x{n:02x}"),
            (_, n @ ..=0xffff) => write!(out, "\\u{n:04x}"),
            (_, n) => write!(out, "\\U{n:08x}"),
        };
    }
    out.push('"');
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts that readers like to take for something else.
    pub(crate) const NASTY: [&str; 62] = [
        "",
        " ",
        "  leading",
        "trailing ",
        "yes",
        "No",
        "ON",
        "off",
        "y",
        "n",
        "true",
        "False",
        "null",
        "Null",
        "~",
        "=",
        "<<",
        "2026-11-22",
        "2026-11-22 07:03:31",
        "2026-11-22T07:03:31Z",
        "12",
        "-1",
        "+1",
        "0o17",
        "017",
        "0x1f",
        "0b1",
        "1_000",
        "1:30",
        "190:20:30.15",
        "1.5",
        "1e3",
        ".5",
        ".inf",
        "-.INF",
        ".nan",
        "a: b",
        "a:",
        ": a",
        "a #b",
        "# a",
        "- a",
        "-",
        "?",
        "? a",
        "[a]",
        "{a: b}",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a`",
        "'it''s'",
        "\"q\"",
        "back\\slash",
        "two\nlines\r\n\n end\n",
        "tab\tand \u{1b}[31m\u{0}\u{7f}\u{85}",
        "\u{feff}\u{2028}\u{2029}\u{fffe}\u{10ffff}",
        "ümläut 🛑 日本",
    ];

    pub(crate) fn nasty() -> Yaml {
        let list = || NASTY.iter().map(|t| Yaml::text(*t)).collect();
        let map = NASTY.iter().map(|t| ((*t).to_owned(), Yaml::text(*t))).collect();
        Yaml::map([
            ("list", Yaml::List(list())),
            ("map", Yaml::Map(map)),
            ("nested", Yaml::List(vec![Yaml::List(list()), Yaml::List(vec![])])),
            ("null", Yaml::Null),
            ("number", Yaml::Int(-1)),
            ("day", Yaml::Time("2026-11-22".into())),
            ("time", Yaml::Time("2026-11-22 07:03:31.802945".into())),
        ])
    }

    #[test]
    fn what_is_plainly_a_word_stays_plain() {
        let value = Yaml::map([
            ("spec", Yaml::map([("url", Yaml::text("https://a.b/c-d.yaml"))])),
            ("list", Yaml::texts(["--at".into(), "good".into(), "a b".into()])),
            ("empty", Yaml::List(vec![])),
            ("none", Yaml::Map(vec![])),
            ("yes", Yaml::List(vec![Yaml::map([("a", Yaml::Int(1)), ("b", Yaml::Null)])])),
        ]);
        assert_eq!(
            value.document(),
            "---\nspec:\n  url: https://a.b/c-d.yaml\nlist:\n- '--at'\n- good\n- a b\nempty: []\n\
             none: {}\n'yes':\n-\n  a: 1\n  b: null\n"
        );
    }

    proptest! {
        #[test]
        fn every_text_reads_back(key in any::<String>(), texts: Vec<String>) {
            let value = Yaml::Map(vec![(key.clone(), Yaml::texts(texts.clone()))]);
            let read: std::collections::BTreeMap<String, Vec<String>> =
                yaml_serde::from_str(&value.document()).unwrap();
            prop_assert_eq!(&read[&key], &texts);
        }
    }
}
