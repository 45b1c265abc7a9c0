//! Where results go: formats, files, standard output, colours and progress.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::env::Env;
use crate::failure::{Failure, Result};

/// A format of listings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
}

/// A format of answers to queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueryFormat {
    Table,
    Json,
    Csv,
    Parquet,
}

/// A format of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportFormat {
    Table,
    Json,
    Ndjson,
    Csv,
    Sarif,
    Junit,
    CodeQuality,
    Prometheus,
    OpenReports,
    Ocsf,
    Oscal,
    Html,
    Markdown,
    /// The report of the SCS compliance monitor.
    Scs,
}

impl ReportFormat {
    /// By name.
    pub(crate) const ALL: [(&'static str, Self); 14] = [
        ("table", Self::Table),
        ("json", Self::Json),
        ("ndjson", Self::Ndjson),
        ("csv", Self::Csv),
        ("sarif", Self::Sarif),
        ("junit", Self::Junit),
        ("code-quality", Self::CodeQuality),
        ("prometheus", Self::Prometheus),
        ("openreports", Self::OpenReports),
        ("ocsf", Self::Ocsf),
        ("oscal", Self::Oscal),
        ("html", Self::Html),
        ("markdown", Self::Markdown),
        ("scs", Self::Scs),
    ];
}

/// A format of plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanFormat {
    Table,
    Json,
    Markdown,
    Html,
    Ansible,
}

/// `FORMAT` or `FORMAT=FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output<F = Format> {
    pub(crate) format: F,
    pub(crate) file: Option<PathBuf>,
}

impl FromStr for Format {
    type Err = String;
    fn from_str(s: &str) -> std::result::Result<Self, String> {
        match s {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            _ => Err("it must be table or json, with =FILE for a file".to_owned()),
        }
    }
}

impl FromStr for QueryFormat {
    type Err = String;
    fn from_str(s: &str) -> std::result::Result<Self, String> {
        match s {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            "parquet" => Ok(Self::Parquet),
            _ => Err("it must be table, json, csv or parquet, with =FILE for a file".to_owned()),
        }
    }
}

impl FromStr for PlanFormat {
    type Err = String;
    fn from_str(s: &str) -> std::result::Result<Self, String> {
        match s {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "markdown" => Ok(Self::Markdown),
            "html" => Ok(Self::Html),
            "ansible" => Ok(Self::Ansible),
            _ => Err("it must be table, json, markdown, html or ansible, with =FILE for a file"
                .to_owned()),
        }
    }
}

/// A format of a gate's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GateFormat {
    Table,
    Json,
    Junit,
    Markdown,
}

impl FromStr for GateFormat {
    type Err = String;
    fn from_str(s: &str) -> std::result::Result<Self, String> {
        match s {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "junit" => Ok(Self::Junit),
            "markdown" => Ok(Self::Markdown),
            _ => Err("it must be table, json, junit or markdown, with =FILE for a file".to_owned()),
        }
    }
}

impl FromStr for ReportFormat {
    type Err = String;
    fn from_str(s: &str) -> std::result::Result<Self, String> {
        let found = Self::ALL.into_iter().find(|(name, _)| *name == s);
        found.map(|(_, format)| format).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|(name, _)| *name).collect();
            format!("it must be one of {}, with =FILE for a file", names.join(", "))
        })
    }
}

impl std::fmt::Display for Output<ReportFormat> {
    /// As it is typed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = ReportFormat::ALL.into_iter().find(|(_, format)| *format == self.format);
        f.write_str(known.map_or("", |(name, _)| name))?;
        self.file.as_ref().map_or(Ok(()), |file| write!(f, "={}", file.display()))
    }
}

impl<F: FromStr<Err = String>> FromStr for Output<F> {
    type Err = String;
    fn from_str(s: &str) -> std::result::Result<Self, String> {
        let (name, file) = match s.split_once('=') {
            Some((_, "")) => return Err("the file name after `=` is empty".to_owned()),
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (s, None),
        };
        Ok(Self { format: name.parse()?, file })
    }
}

/// Standard output for results, standard error for everything else.
#[derive(Debug)]
pub(crate) struct Ui {
    pub(crate) color: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    progress: bool,
    live: bool,
}

impl Ui {
    pub(crate) fn new(quiet: bool, verbose: bool, no_color: bool, env: &Env) -> Self {
        let plain = no_color || env.var("NO_COLOR").is_some();
        let forced = env.var("CLICOLOR_FORCE").is_some_and(|v| v != "0");
        Self {
            color: !plain && (env.stdout_is_terminal || forced),
            quiet,
            verbose,
            progress: env.stderr_is_terminal && !quiet,
            live: false,
        }
    }

    /// Writes a result to its file, or to standard output.
    pub(crate) fn write(&mut self, file: Option<&Path>, text: &str) -> Result<()> {
        self.write_with(file, &mut |out| out.write_all(text.as_bytes()))
    }

    /// Writes a result as it is made. A file appears whole or not at all: readers
    /// such as the Prometheus node exporter may look at any time.
    pub(crate) fn write_with(
        &mut self,
        file: Option<&Path>,
        write: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<()> {
        self.clear();
        let Some(path) = file else { return stdout(write) };
        let failed = |e: std::io::Error| {
            Failure::new(format!("cannot write `{}`: {e}", path.display()))
                .hint("name a file in a folder that exists and can be written")
        };
        // A device or pipe is written to as it is.
        let special = std::fs::metadata(path).is_ok_and(|m| !m.is_file());
        if special {
            return std::fs::File::create(path).and_then(|mut f| write(&mut f)).map_err(failed);
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.tmp", std::process::id()));
        let beside = path.with_file_name(name);
        let made = std::fs::File::create(&beside)
            .and_then(|mut f| write(&mut f))
            .and_then(|()| std::fs::rename(&beside, path));
        made.map_err(|e| {
            // What was written so far helps nobody.
            let _ = std::fs::remove_file(&beside);
            failed(e)
        })
    }

    /// A line of status; silenced by `--quiet`.
    pub(crate) fn status(&mut self, text: &str) {
        if !self.quiet {
            self.clear();
            stderr(&format!("{text}\n"));
        }
    }

    /// A line that even `--quiet` does not silence.
    pub(crate) fn warn(&mut self, text: &str) {
        self.clear();
        stderr(&format!("warning: {text}\n"));
    }

    /// A failure that does not end the run.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        self.clear();
        stderr(&failure.render());
    }

    /// Replaces the line of progress; only on a terminal.
    pub(crate) fn progress(&mut self, text: &str) {
        if self.progress {
            let line: String = text.chars().take(100).collect();
            stderr(&format!("\r\x1b[K{line}"));
            self.live = true;
        }
    }

    /// Takes the line of progress away.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.live) {
            stderr("\r\x1b[K");
        }
    }
}

/// A reader that has gone away, as `head` does, is no failure.
fn stdout(write: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write to standard output: {e}")))
        }
        _ => Ok(()),
    }
}

fn stderr(text: &str) {
    // There is nobody left to tell if standard error is gone.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Characters that a terminal obeys instead of showing: control characters and
/// those that turn the direction of writing.
fn obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

/// Lays rows out in columns, two spaces apart; the last column is not padded.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|c| width(c).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let cell: String = cell.chars().map(|c| if obeyed(c) { ' ' } else { c }).collect();
            line.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_read_with_and_without_a_file() {
        let json = "json=a=b.json".parse::<Output>().unwrap();
        assert_eq!(json, Output { format: Format::Json, file: Some("a=b.json".into()) });
        assert_eq!("table".parse::<Output>().unwrap().file, None);
        assert!("scs".parse::<Output>().is_err());
        assert!("xml".parse::<Output<ReportFormat>>().is_err());
        assert!("json=".parse::<Output>().is_err());
    }

    #[test]
    fn columns_line_up_and_control_characters_do_not_pass() {
        let rows = [vec!["a".into(), "bb\u{1b}".into()], vec!["ccc".into(), "d".into()]];
        assert_eq!(columns(&rows), "a    bb\nccc  d\n");
    }
}
