//! One line of an allowed-signers file.
//!
//! Source: ssh-keygen(1), ALLOWED SIGNERS, OpenSSH 9.2.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ssh_key::PublicKey;

use crate::{FIT, unfit};

/// Who may sign with which key, for what and when.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// A pattern list, as it stands in the file.
    pub(crate) principals: String,
    /// A pattern list; any namespace if absent.
    pub(crate) namespaces: Option<String>,
    /// The first moment that counts.
    pub(crate) valid_after: Option<Timestamp>,
    /// The last moment that counts.
    pub(crate) valid_before: Option<Timestamp>,
    pub(crate) key: PublicKey,
}

/// Reads a line; `None` if it is blank or a comment, else one clause on what is
/// wrong.
pub(crate) fn parse(line: &str) -> Result<Option<Line>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (principals, rest) = principals(line)?;
    let (mut field, mut rest) = cut(rest)?;
    let mut options = Options::default();
    if !key_type(field) {
        if field.is_empty() {
            return Err("there is no key after the principals".to_owned());
        }
        options = Options::parse(field)?;
        (field, rest) = cut(rest)?;
    }
    let (data, _comment) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    if field.is_empty() || data.is_empty() {
        return Err("the key is missing: it takes a type, such as `ssh-ed25519`, and base64".into());
    }
    let key = PublicKey::from_openssh(&format!("{field} {data}"))
        .map_err(|e| format!("cannot read the `{field}` key: {e}"))?;
    if let Some(problem) = unfit(&key) {
        return Err(format!("{problem}: {FIT}"));
    }
    let Options { namespaces, valid_after, valid_before } = options;
    Ok(Some(Line { principals, namespaces, valid_after, valid_before, key }))
}

/// The first field, which may stand in quotes, and what follows it.
fn principals(line: &str) -> Result<(String, &str), String> {
    let (field, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or("a quote of the principals is not closed")?,
        None => line.split_once([' ', '\t']).unwrap_or((line, "")),
    };
    if field.is_empty() {
        return Err("there are no principals".to_owned());
    }
    if key_type(field) {
        return Err("a line starts with its principals, such as `ops@example.org`".to_owned());
    }
    Ok((field.to_owned(), rest.trim_start()))
}

/// Whether a field is the type of a key; no option begins like one.
fn key_type(field: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-", "rsa-sha2-"].iter().any(|p| field.starts_with(p))
}

/// Cuts at the first blank outside of quotes.
fn cut(text: &str) -> Result<(&str, &str), String> {
    let end = outside_quotes(text, |c| c == ' ' || c == '\t')?;
    let (field, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    Ok((field, rest.trim_start()))
}

/// The byte position of the first such character outside of quotes, or the
/// length of the text.
fn outside_quotes(text: &str, wanted: impl Fn(char) -> bool) -> Result<usize, String> {
    let (mut quoted, mut escaped) = (false, false);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if !quoted && wanted(c) => return Ok(i),
            _ => {}
        }
    }
    if quoted { Err("a quote of the options is not closed".to_owned()) } else { Ok(text.len()) }
}

#[derive(Default)]
struct Options {
    namespaces: Option<String>,
    valid_after: Option<Timestamp>,
    valid_before: Option<Timestamp>,
}

impl Options {
    /// Reads comma-separated options; what is not known is refused, since it
    /// may well narrow what the key is allowed.
    fn parse(mut text: &str) -> Result<Self, String> {
        let mut out = Self::default();
        loop {
            let end = outside_quotes(text, |c| c == ',')?;
            let (option, rest) = text.split_at_checked(end).unwrap_or((text, ""));
            out.take(option)?;
            match rest.strip_prefix(',') {
                Some(rest) => text = rest,
                None => break,
            }
        }
        if let (Some(after), Some(before)) = (out.valid_after, out.valid_before)
            && before <= after
        {
            return Err("`valid-before` is not later than `valid-after`".to_owned());
        }
        Ok(out)
    }

    fn take(&mut self, option: &str) -> Result<(), String> {
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option, None),
        };
        let name = name.to_ascii_lowercase();
        let value = || unquote(&name, value);
        let twice = match name.as_str() {
            "namespaces" => self.namespaces.replace(value()?).is_some(),
            "valid-after" => self.valid_after.replace(time(&name, &value()?)?).is_some(),
            "valid-before" => self.valid_before.replace(time(&name, &value()?)?).is_some(),
            "cert-authority" => {
                return Err("certificates are not supported: list the signers' own keys instead \
                            of `cert-authority`"
                    .to_owned());
            }
            "" => return Err("an option is empty".to_owned()),
            _ => {
                return Err(format!(
                    "unknown option `{name}`: it must be namespaces, valid-after or valid-before"
                ));
            }
        };
        if twice { Err(format!("`{name}` stands twice")) } else { Ok(()) }
    }
}

/// Takes the quotes off, which OpenSSH demands.
fn unquote(name: &str, value: Option<&str>) -> Result<String, String> {
    let quoted = value.and_then(|v| v.strip_prefix('"')?.strip_suffix('"'));
    let text = quoted.ok_or_else(|| format!("write a value in quotes: {name}=\"…\""))?;
    if text.is_empty() {
        return Err(format!("`{name}` is empty"));
    }
    Ok(text.replace("\\\"", "\""))
}

/// `YYYYMMDD` or `YYYYMMDDHHMM[SS]`, with `Z` or `UTC`. OpenSSH reads a time
/// without them in the zone of whichever machine reads it; that is refused.
fn time(name: &str, text: &str) -> Result<Timestamp, String> {
    let upper = text.to_ascii_uppercase();
    let Some(plain) = upper.strip_suffix('Z').or_else(|| upper.strip_suffix("UTC")) else {
        return Err(format!("`{name}` is without a time zone: write {name}=\"{text}Z\""));
    };
    let format = match plain.len() {
        8 => "%Y%m%d",
        12 => "%Y%m%d%H%M",
        14 => "%Y%m%d%H%M%S",
        _ => "",
    };
    let wrong = || format!("`{text}` is not a time: write {name}=\"YYYYMMDD[HHMM[SS]]Z\"");
    if format.is_empty() || !plain.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let read = jiff::fmt::strtime::parse(format, plain).map_err(|_| wrong())?;
    let date = read.to_date().map_err(|_| wrong())?;
    let time = match plain.len() {
        8 => jiff::civil::Time::midnight(),
        _ => read.to_time().map_err(|_| wrong())?,
    };
    let zoned = DateTime::from_parts(date, time).to_zoned(TimeZone::UTC).map_err(|_| wrong())?;
    Ok(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn read(text: &str) -> Result<Option<Line>, String> {
        parse(&text.replace("KEY", KEY))
    }

    #[test]
    fn blank_lines_and_comments_are_passed_over() {
        for text in ["", "   ", "# ops@csp.eu", "\t# x"] {
            assert!(read(text).unwrap().is_none(), "{text}");
        }
    }

    #[test]
    fn fields_are_read_with_and_without_options_and_quotes() {
        let line = read("ops@csp.eu,*@b.eu KEY a comment").unwrap().unwrap();
        assert_eq!(line.principals, "ops@csp.eu,*@b.eu");
        assert!(line.namespaces.is_none() && line.valid_after.is_none());

        let line = read(
            "\"Ops Team\"  NameSpaces=\"report,file\",valid-after=\"20260101Z\",\
             valid-before=\"202612312359UTC\"\tKEY",
        )
        .unwrap()
        .unwrap();
        assert_eq!(line.principals, "Ops Team");
        assert_eq!(line.namespaces.as_deref(), Some("report,file"));
        assert_eq!(line.valid_after.unwrap().to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(line.valid_before.unwrap().to_string(), "2026-12-31T23:59:00Z");

        let line = read("a valid-before=\"20260630235959Z\" KEY").unwrap().unwrap();
        assert_eq!(line.valid_before.unwrap().to_string(), "2026-06-30T23:59:59Z");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, wanted) in [
            ("ops@csp.eu", "there is no key after the principals"),
            ("ops@csp.eu ssh-ed25519", "the key is missing"),
            ("ops@csp.eu ssh-ed25519 AAAA", "cannot read the `ssh-ed25519` key"),
            ("KEY", "a line starts with its principals"),
            ("ops KEY KEY", ""),
            ("ops cert-authority KEY", "certificates are not supported"),
            ("ops Cert-Authority,namespaces=\"x\" KEY", "certificates are not supported"),
            ("ops no-touch-required KEY", "unknown option `no-touch-required`"),
            ("ops namespaces=report KEY", "write a value in quotes: namespaces=\"…\""),
            ("ops namespaces KEY", "write a value in quotes"),
            ("ops namespaces=\"\" KEY", "`namespaces` is empty"),
            ("ops namespaces=\"a\",namespaces=\"b\" KEY", "`namespaces` stands twice"),
            ("ops namespaces=\"a\", KEY", "an option is empty"),
            ("ops namespaces=\"a KEY", "a quote of the options is not closed"),
            ("\"ops KEY", "a quote of the principals is not closed"),
            ("ops valid-after=\"20260101\" KEY", "write valid-after=\"20260101Z\""),
            ("ops valid-after=\"2026-01-01Z\" KEY", "is not a time"),
            ("ops valid-after=\"20261301Z\" KEY", "is not a time"),
            ("ops valid-after=\"20260229Z\" KEY", "is not a time"),
            (
                "ops valid-after=\"20260102Z\",valid-before=\"20260102Z\" KEY",
                "`valid-before` is not later",
            ),
        ] {
            if wanted.is_empty() {
                assert!(read(text).is_ok(), "{text}");
            } else {
                let problem = read(text).unwrap_err();
                assert!(problem.contains(wanted), "{text}: {problem}");
            }
        }
    }
}
