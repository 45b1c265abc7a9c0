//! The INI dialect of `oslo.config`.
//!
//! Source: `oslo_config/iniparser.py` and `cfg.py` (`ConfigParser`,
//! `_normalize_group_name`), release 10.7. What they refuse is refused here.

use std::collections::BTreeMap;

/// Section → option → its values in the order of the file.
pub(crate) type Sections = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// A line that the services would refuse to start with. It is not quoted: it
/// may hold a secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BrokenLine {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) what: &'static str,
}

/// Reads a file.
///
/// Section names are lower-cased, but for `DEFAULT`, since the services look
/// them up so; sections that become the same are joined. Option names stay as
/// written. Lines of a continued value are joined by line feeds. Quotes that
/// enclose the first line of a value are taken off.
pub(crate) fn parse(text: &str) -> Result<Sections, BrokenLine> {
    let mut out = Sections::new();
    let mut section: Option<String> = None;
    let mut open: Option<Open> = None;
    for (number, line) in lines(text).enumerate() {
        let broken = |what| BrokenLine { line: number + 1, what };
        let line = line.trim_end_matches(space);
        if line.is_empty() {
            flush(&mut out, section.as_deref(), &mut open)?;
        } else if line.starts_with([' ', '\t']) {
            let open = open.as_mut().ok_or(broken("a continuation without an option before it"))?;
            open.value.push('\n');
            open.value.push_str(line.trim_start_matches(space));
        } else {
            flush(&mut out, section.as_deref(), &mut open)?;
            if let Some(rest) = line.strip_prefix('[') {
                let name = rest.strip_suffix(']').ok_or(broken("a section without `]`"))?;
                if name.is_empty() {
                    return Err(broken("a section without a name"));
                }
                let name = if name == "DEFAULT" { name.to_owned() } else { name.to_lowercase() };
                out.entry(name.clone()).or_default();
                section = Some(name);
            } else if !line.starts_with(['#', ';']) {
                let (option, value) = line
                    .split_once([':', '='])
                    .ok_or(broken("neither a section nor an option: no `=` or `:`"))?;
                let option = option.trim_matches(space).to_owned();
                if option.is_empty() {
                    return Err(broken("an option without a name"));
                }
                let value = unquoted(value.trim_matches(space)).to_owned();
                open = Some(Open { line: number + 1, option, value });
            }
        }
    }
    flush(&mut out, section.as_deref(), &mut open)?;
    Ok(out)
}

/// An option whose value may go on.
struct Open {
    line: usize,
    option: String,
    value: String,
}

fn flush(
    out: &mut Sections,
    section: Option<&str>,
    open: &mut Option<Open>,
) -> Result<(), BrokenLine> {
    let Some(Open { line, option, value }) = open.take() else { return Ok(()) };
    let what = "an option before the first section";
    let section = section.and_then(|s| out.get_mut(s)).ok_or(BrokenLine { line, what })?;
    section.entry(option).or_default().push(value);
    Ok(())
}

/// Lines end in LF, CR LF or CR, as in Python's text mode.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// What Python's `str.strip` takes off.
fn space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            // A lone quote is both ends of an empty value.
            return match rest.strip_suffix(quote) {
                Some(inside) => inside,
                None if rest.is_empty() => rest,
                None => value,
            };
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, section: &str, option: &str, expected: &[&str]) {
        let read = parse(text).unwrap();
        assert_eq!(read[section][option], expected, "{text:?}");
    }

    #[track_caller]
    fn refused(text: &str, line: usize, what: &str) {
        let broken = parse(text).unwrap_err();
        assert_eq!((broken.line, broken.what.contains(what)), (line, true), "{broken:?}");
    }

    #[test]
    fn options_are_read_as_the_services_do() {
        check("[DEFAULT]\na = 1\n", "DEFAULT", "a", &["1"]);
        check("[DEFAULT]\na: 1=2\nb=c:d", "DEFAULT", "a", &["1=2"]);
        check("[DEFAULT]\na=\n", "DEFAULT", "a", &[""]);
        check("[DEFAULT]\na=1 # no comment\n", "DEFAULT", "a", &["1 # no comment"]);
        check("[DEFAULT]\na=1\r\nb=2\rc=3", "DEFAULT", "c", &["3"]);
        check("[DEFAULT]\na = \" x \"\nb = 'y'\nc = \"z'", "DEFAULT", "a", &[" x "]);
        check("[d]\na='", "d", "a", &[""]);
        check("[d]\na=\"x'", "d", "a", &["\"x'"]);
    }

    #[test]
    fn repeated_options_keep_their_order() {
        check("[d]\na=1\nb=2\na=3\n[e]\n[d]\na=4", "d", "a", &["1", "3", "4"]);
    }

    #[test]
    fn values_go_on_in_lines_that_begin_with_a_blank() {
        check("[d]\na = x,\n    y,\n\t\"z\"\nb=1", "d", "a", &["x,\ny,\n\"z\""]);
        check("[d]\na =\n  x\n  # kept\n", "d", "a", &["\nx\n# kept"]);
        refused("[d]\na=1\n\n  b=2\n", 4, "continuation");
        refused("[d]\na=1\n# c\n  b\n", 4, "continuation");
        refused("  a=1", 1, "continuation");
    }

    #[test]
    fn sections_are_found_in_lower_case() {
        check("[Oslo_Policy]\nenforce_scope=true\n", "oslo_policy", "enforce_scope", &["true"]);
        check("[default]\na=1\n", "default", "a", &["1"]);
        assert!(parse("[a]\n[DEFAULT]\n").unwrap().contains_key("DEFAULT"));
    }

    #[test]
    fn what_the_services_refuse_is_refused_by_line() {
        refused("[d]\na=1\nnonsense\n", 3, "no `=`");
        refused("\n[d\n", 2, "without `]`");
        refused("[]\n", 1, "without a name");
        refused("[d]\n= x\n", 2, "without a name");
        refused("# c\na=1\n\n[d]\n", 2, "before the first section");
        refused("\u{feff}[d]\na=1\n", 1, "no `=`");
    }

    /// Random files, with the sections that `oslo.config` 10.7.0 read in them,
    /// or null where it refused.
    #[test]
    fn the_services_own_parser_reads_the_same() {
        let cases: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("recorded.json")).unwrap();
        assert!(cases.iter().filter(|c| c["sections"].is_object()).count() > 100);
        for case in cases {
            let read = parse(case["text"].as_str().unwrap()).ok();
            assert_eq!(serde_json::to_value(&read).unwrap(), case["sections"], "{}", case["text"]);
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            values in prop::collection::vec("[a-z0-9/:=,.$% ]{0,12}", 1..6),
            noise in prop::collection::vec("(#|;)[ -~]{0,10}", 0..3),
        ) {
            let mut text = format!("{}\n[S]\n", noise.join("\n"));
            for v in &values {
                text.push_str(&format!("opt = {v}\n{}\n", noise.join("\n")));
            }
            let wanted: Vec<&str> = values.iter().map(|v| v.trim()).collect();
            prop_assert_eq!(&parse(&text).unwrap()["s"]["opt"], &wanted);
        }

        #[test]
        fn never_panics(text in "[\\[\\]=: \ta#;\"'\r\n\u{e4}]{0,40}") {
            let _ = parse(&text);
        }
    }
}
