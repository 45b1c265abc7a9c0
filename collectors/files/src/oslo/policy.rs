//! Files of `oslo.policy`: names of rules and their text, YAML or JSON.
//!
//! Source: `oslo_policy/policy.py` (`parse_file_contents`, `Rules.load`) and
//! `_parser.py` (`parse_rule`, `_parse_list_rule`), release 6.0.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Name of a rule → its text.
pub(crate) type Rules = BTreeMap<String, String>;

/// A file that the services could not use. The text of the file is not quoted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BrokenPolicy {
    /// From 1, where it can be told.
    pub(crate) line: Option<usize>,
    pub(crate) what: &'static str,
}

/// Reads a file; JSON is YAML.
///
/// Of a name that stands twice the last counts. An empty file has no rules. A
/// rule without text allows everything and becomes `""`; the old form of lists
/// becomes the text that means the same.
pub(crate) fn parse(text: &str) -> Result<Rules, BrokenPolicy> {
    match yaml_serde::from_str::<Option<Mapping>>(text) {
        Ok(read) => Ok(read.map(|m| m.0).unwrap_or_default()),
        Err(e) => {
            let message = e.to_string();
            let what = KNOWN.iter().find(|k| message.contains(*k)).copied();
            Err(BrokenPolicy {
                line: e.location().map(|l| l.line()),
                what: what.unwrap_or("it is not valid YAML"),
            })
        }
    }
}

const NOT_MAPPING: &str = "it is not a mapping of names to rules";
const NOT_TEXT: &str = "a rule is neither text nor a list of texts";
const NOT_CHECK: &str = "a check in a list has blanks or parentheses in it";
const KNOWN: [&str; 3] = [NOT_MAPPING, NOT_TEXT, NOT_CHECK];

struct Mapping(Rules);

impl<'de> Deserialize<'de> for Mapping {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Mapping;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(NOT_MAPPING)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Mapping, A::Error> {
                let mut rules = Rules::new();
                while let Some((name, Text(text))) = map.next_entry::<String, Text>()? {
                    rules.insert(name, text);
                }
                Ok(Mapping(rules))
            }
        }
        from.deserialize_any(Read)
    }
}

/// The text of one rule.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(NOT_TEXT)
            }
            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }
            fn visit_unit<E>(self) -> Result<Text, E> {
                Ok(Text(String::new()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
                let mut either = Vec::new();
                let mut any = false;
                while let Some(Checks(checks)) = seq.next_element()? {
                    any = true;
                    match checks.as_slice() {
                        [] => {}
                        [one] => either.push(one.clone()),
                        many => either.push(format!("({})", many.join(" and "))),
                    }
                }
                // No list at all allows everything, empty lists allow nothing.
                let text =
                    if any && either.is_empty() { "!".to_owned() } else { either.join(" or ") };
                Ok(Text(text))
            }
        }
        from.deserialize_any(Read)
    }
}

/// A check out of a list, as text. One that is not understood never holds; one
/// that would mean something else as text is refused.
fn check<E: Error>(text: &str) -> Result<String, E> {
    let bare = text.replace("%(", "").replace(")s", "");
    if bare.contains(|c: char| c.is_whitespace() || "()".contains(c)) {
        return Err(E::custom(NOT_CHECK));
    }
    Ok(if text.contains(':') || text == "@" { text } else { "!" }.to_owned())
}

/// An element of the old form: checks that must all hold.
struct Checks(Vec<String>);

impl<'de> Deserialize<'de> for Checks {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Checks;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(NOT_TEXT)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Checks, E> {
                // Like an empty list, it is passed over.
                let one = (!text.is_empty()).then(|| check(text)).transpose()?;
                Ok(Checks(one.into_iter().collect()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Checks, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = seq.next_element::<String>()? {
                    all.push(check(&one)?);
                }
                Ok(Checks(all))
            }
        }
        from.deserialize_any(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let read = parse(text).unwrap();
        let read: Vec<(&str, &str)> = read.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn yaml_and_json_give_the_same() {
        let rules =
            [("admin_required", "role:admin"), ("identity:get_user", "rule:admin_required")];
        check(
            "# c\nadmin_required: role:admin\n\"identity:get_user\": 'rule:admin_required'\n",
            &rules,
        );
        check(
            r#"{"identity:get_user": "rule:admin_required", "admin_required": "role:admin"}"#,
            &rules,
        );
        check("a: >-\n  role:admin or\n  role:manager\n", &[("a", "role:admin or role:manager")]);
        check("", &[]);
        check("# nothing but comments\n", &[]);
        check("{}", &[]);
        check(
            "---\na: \"!\"\nb: '@'\nc: ''\nd:\n",
            &[("a", "!"), ("b", "@"), ("c", ""), ("d", "")],
        );
    }

    #[test]
    fn of_a_name_that_stands_twice_the_last_counts() {
        check("a: role:admin\na: role:member\n", &[("a", "role:member")]);
    }

    #[test]
    fn lists_become_the_text_that_means_the_same() {
        check(
            "a: [[role:admin], [role:x, 'p:%(q)s']]",
            &[("a", "role:admin or (role:x and p:%(q)s)")],
        );
        check("a: [role:admin, [], role:x]", &[("a", "role:admin or role:x")]);
        check(
            "a: []\nb: [[]]\nc: ['']\nd: [['']]",
            &[("a", ""), ("b", "!"), ("c", "!"), ("d", "!")],
        );
    }

    #[test]
    fn what_cannot_be_used_is_told_by_line_and_not_quoted() {
        for (text, line, what) in [
            ("a: role:admin\nb: {hunter2: x}\n", Some(2), NOT_TEXT),
            ("a: 12\n", Some(1), NOT_TEXT),
            ("a: [{b: c}]\n", Some(1), NOT_TEXT),
            ("a: ['role:x or role:y']\n", Some(1), NOT_CHECK),
            ("- hunter2\n", Some(1), NOT_MAPPING),
            ("hunter2", Some(1), NOT_MAPPING),
            ("a: role:admin\nb: 'hunter2\n", Some(3), "valid YAML"),
            ("a: @\n", Some(1), "valid YAML"),
            ("a: !\n", Some(1), NOT_TEXT),
            ("a: b\n---\nc: d\n", None, "valid YAML"),
        ] {
            let broken = parse(text).unwrap_err();
            assert!(broken.what.contains(what), "{text}: {broken:?}");
            assert_eq!(broken.line, line, "{text}: {broken:?}");
        }
    }
}
