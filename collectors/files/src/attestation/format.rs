//! The form of an attestation file, `tidegate.attestation/v1`.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use jiff::civil::Date;
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};
use tidegate_model::{RuleId, Subject, unreasonable_yaml};

/// What a file says; its members but `schema` become members of the body.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statement {
    #[serde(skip_serializing, rename = "schema", deserialize_with = "checked")]
    _schema: Schema,
    /// The testcase of the standard that the statement answers.
    #[serde(deserialize_with = "checked")]
    pub(crate) testcase: RuleId,
    /// The cloud it is about.
    #[serde(deserialize_with = "checked")]
    pub(crate) subject: Subject,
    #[serde(deserialize_with = "checked")]
    pub(crate) verdict: Verdict,
    #[serde(deserialize_with = "checked")]
    pub(crate) statement: Text,
    /// Who says so, for people; the signature tells for machines.
    #[serde(deserialize_with = "checked")]
    pub(crate) by: Text,
    #[serde(deserialize_with = "checked")]
    pub(crate) issued: Day,
    /// The last day on which it counts.
    #[serde(deserialize_with = "checked")]
    pub(crate) expires: Day,
    #[serde(default)]
    pub(crate) documents: Vec<Document>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Schema {
    V1,
}

impl FromStr for Schema {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "tidegate.attestation/v1" => Ok(Self::V1),
            _ => Err(format!("`{text}` is not `tidegate.attestation/v1`")),
        }
    }
}

/// A person says that a testcase is met, or that it is not. What was not looked
/// at is not attested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Pass,
    Fail,
}

impl FromStr for Verdict {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "pass" => Ok(Self::Pass),
            "fail" => Ok(Self::Fail),
            _ => Err(format!("`{text}` is neither `pass` nor `fail`")),
        }
    }
}

/// A document that the statement rests on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    #[serde(deserialize_with = "checked")]
    title: Text,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    url: Option<Text>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    sha256: Option<Sha256>,
}

/// Text that says something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Text(String);

impl FromStr for Text {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() { Err("a text is empty") } else { Ok(Self(text.to_owned())) }
    }
}

/// A day, written `YYYY-MM-DD` and no other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Day(pub(crate) Date);

impl FromStr for Day {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a day like `2026-12-31`");
        let form = text.len() == 10
            && text.bytes().enumerate().all(|(n, b)| match n {
                4 | 7 => b == b'-',
                _ => b.is_ascii_digit(),
            });
        text.parse().ok().filter(|_| form).map(Self).ok_or_else(wrong)
    }
}

/// 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Sha256(String);

impl FromStr for Sha256 {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 64 && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is not a SHA-256 digest of 64 lower-case hex digits"))
        }
    }
}

/// Reads a text and checks it while the reader still knows its line, which it
/// does not once the text is handed on.
fn checked<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    struct Check<T>(PhantomData<T>);
    impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Check<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }
    from.deserialize_any(Check(PhantomData))
}

/// As [`checked`], for what may be left out.
fn given<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    checked(from).map(Some)
}

/// What is wrong with a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// From 1, where it can be told.
    pub(crate) line: Option<usize>,
    pub(crate) why: String,
}

/// Reads the text of a file.
pub(crate) fn parse(text: &str) -> Result<Statement, Wrong> {
    if let Some(why) = unreasonable_yaml(text) {
        return Err(Wrong { line: None, why });
    }
    let read: Statement = yaml_serde::from_str(text).map_err(|e| {
        let message = e.to_string();
        // The place is told before the message, not at its end.
        let why = message.split(" at line ").next().unwrap_or_default().to_owned();
        Wrong { line: e.location().map(|l| l.line()), why }
    })?;
    if read.expires < read.issued {
        let line = text.lines().position(|l| l.starts_with("expires")).map(|n| n + 1);
        let why =
            format!("it expires on {}, before it is issued on {}", read.expires.0, read.issued.0);
        return Err(Wrong { line, why });
    }
    Ok(read)
}
