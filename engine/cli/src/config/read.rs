//! From the text of a `tidegate.yaml` to a [`File`], telling all that is wrong
//! at once.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use clap::ValueEnum as _;
use tidegate_model::{RuleId, Severity, Subject};
use tidegate_openstack::dashboard_address;
use tidegate_store::Retention;

use super::{DASHBOARD_HINT, File, FilePlace, FileTarget, Origin, Parameter, SCHEMA, Setting};
use crate::args::{Mode, With};
use crate::bundles;
use crate::cmd::store::is_address;
use crate::output::{Output, ReportFormat};
use crate::yaml::{self, Entry, Node, Problem, Value};

/// The keys of the file.
pub(super) const KEYS: [&str; 15] = [
    "schema",
    "store",
    "retention",
    "targets",
    "bundles",
    "scopes",
    "frameworks",
    "mode",
    "parameters",
    "waivers",
    "baseline",
    "only_new",
    "fail_on",
    "fail_on_incomplete",
    "formats",
];

/// The keys of a target.
pub(super) const TARGET_KEYS: [&str; 9] = [
    "cloud",
    "context",
    "kubeconfig",
    "attestation",
    "allowed_signers",
    "config_dir",
    "test_results",
    "with",
    "dashboard",
];

/// Reads a file. `path` is where it stands, as seen from the working directory:
/// what the file names is relative to its folder.
///
/// # Errors
/// Everything that is wrong, in order of lines.
pub(super) fn read(path: &Path, text: &str) -> Result<File, Vec<Problem>> {
    let root = yaml::parse(text).map_err(|p| vec![p])?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut reader = Reader { path: path.into(), folder, problems: Vec::new() };
    reader.secrets(root.line, &root);
    let file = reader.file(&root);
    let mut problems = reader.problems;
    if problems.is_empty() {
        return Ok(file);
    }
    problems.sort_by_key(|p| p.line);
    Err(problems)
}

struct Reader {
    path: Arc<Path>,
    folder: PathBuf,
    problems: Vec<Problem>,
}

impl Reader {
    fn wrong(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn at<T>(&self, line: usize, value: T) -> Setting<T> {
        Setting::new(value, Origin::File { path: Arc::clone(&self.path), line })
    }

    /// Refuses what looks like a secret, without repeating it. A text of several
    /// lines is told with the line of its key.
    fn secrets(&mut self, line: usize, node: &Node) {
        match &node.value {
            Value::List(items) => items.iter().for_each(|n| self.secrets(n.line, n)),
            Value::Map(entries) => {
                for entry in entries {
                    let single = !matches!(entry.node.value, Value::List(_) | Value::Map(_));
                    if single && tidegate_redact::secret_name(&entry.key) {
                        self.secret(entry.line, format!("`{}` looks like a secret", entry.key));
                    } else {
                        self.secrets(entry.line, &entry.node);
                    }
                }
            }
            Value::Text(text) => {
                if let Some(pattern) = tidegate_redact::secret_text(text) {
                    self.secret(line, format!("a value looks like a secret ({pattern})"));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn secret(&mut self, line: usize, text: String) {
        self.wrong(Problem::new(line, text).hint(
            "secrets do not belong into this file: those of clouds go into clouds.yaml or \
             secure.yaml, others into variables",
        ));
    }

    fn file(&mut self, root: &Node) -> File {
        let mut file = File::default();
        let Some(entries) = self.map(root, "the file") else { return file };
        self.schema(root, entries);
        for Entry { key, line, node } in entries {
            let line = *line;
            match key.as_str() {
                "schema" => {}
                "store" => {
                    let place = self.text(key, node).map(|text| {
                        if is_address(&text) { text.into() } else { self.folder.join(text) }
                    });
                    file.store = place.map(|v| self.at(line, v));
                }
                "retention" => {
                    let read = |text: &str| Retention::from_str(text).map_err(|e| e.why.to_owned());
                    file.retention = self.parsed(key, node, read).map(|v| self.at(line, v));
                }
                "targets" => file.targets = self.targets(node),
                "bundles" => {
                    let all = self.texts(key, node);
                    let all = all.map(|l| l.into_iter().map(|t| self.bundle(t)).collect());
                    file.bundles = all.map(|v| self.at(line, v));
                }
                "scopes" => {
                    let all = self.texts(key, node);
                    let all = all.map(|l| l.into_iter().map(|t| self.scope(t)).collect());
                    file.scopes = all.map(|v| self.at(line, v));
                }
                "frameworks" => {
                    let all = self.texts(key, node);
                    let all = all.map(|l| l.into_iter().map(|t| self.framework(t)).collect());
                    file.frameworks = all.map(|v| self.at(line, v));
                }
                "mode" => {
                    let read = |text: &str| match text {
                        "reference" => Ok(Mode::Reference),
                        "strict" => Ok(Mode::Strict),
                        _ => Err("it must be reference or strict".to_owned()),
                    };
                    file.mode = self.parsed(key, node, read).map(|v| self.at(line, v));
                }
                "parameters" => file.parameters = self.parameters(node),
                "waivers" => file.waivers = self.paths(key, node).map(|v| self.at(line, v)),
                "baseline" => {
                    let text = self.text(key, node).map(|t| self.baseline(t));
                    file.baseline = text.map(|v| self.at(line, v));
                }
                "only_new" => file.only_new = self.bool(key, node).map(|v| self.at(line, v)),
                "fail_on" => {
                    let read = |text: &str| Severity::from_str(text).map_err(|e| e.why.to_owned());
                    file.fail_on = self.parsed(key, node, read).map(|v| self.at(line, v));
                }
                "fail_on_incomplete" => {
                    file.fail_on_incomplete = self.bool(key, node).map(|v| self.at(line, v));
                }
                "formats" => file.formats = self.formats(key, node).map(|v| self.at(line, v)),
                _ => self.unknown(key, line, &KEYS),
            }
        }
        file
    }

    fn schema(&mut self, root: &Node, entries: &[Entry]) {
        let entry = entries.iter().find(|e| e.key == "schema");
        let problem = match entry.map(|e| (&e.node.value, e.line)) {
            Some((Value::Text(text), _)) if text == SCHEMA => return,
            Some((Value::Text(text), line)) => {
                let text = format!("`schema` is `{text}`, which this tidegate cannot read");
                Problem::new(line, text)
            }
            Some((_, line)) => Problem::new(line, "`schema` must be a text"),
            None => Problem::new(root.line, "`schema` is missing"),
        };
        self.wrong(problem.hint(format!("write: schema: {SCHEMA}")));
    }

    /// A key that is not known. One that looks like a secret was told already.
    fn unknown(&mut self, key: &str, line: usize, known: &[&str]) {
        if self.problems.iter().any(|p| p.line == line) {
            return;
        }
        let nearest = known.iter().map(|k| (distance(key, k), k)).min();
        let hint = match nearest {
            _ if known.len() == KEYS.len() && TARGET_KEYS.contains(&key) => {
                format!("it belongs to a target: targets: {{NAME: {{{key}: ...}}}}")
            }
            Some((steps, near)) if steps <= key.chars().count().max(3) / 3 + 1 => {
                format!("did you mean `{near}`?")
            }
            _ => format!("known keys: {}", known.join(", ")),
        };
        self.wrong(Problem::new(line, format!("unknown key `{key}`")).hint(hint));
    }

    fn map<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        match &node.value {
            Value::Map(entries) => Some(entries),
            // A file of comments, or a key whose members are all commented out.
            Value::Null => Some(&[]),
            _ => {
                let text = format!("{what} must be a mapping, not {}", node.kind());
                self.wrong(Problem::new(node.line, text));
                None
            }
        }
    }

    fn text(&mut self, key: &str, node: &Node) -> Option<String> {
        match &node.value {
            Value::Text(text) if !text.is_empty() => Some(text.clone()),
            Value::Text(_) => {
                self.wrong(Problem::new(node.line, format!("`{key}` is empty")));
                None
            }
            _ => {
                let text = format!("`{key}` must be a text, not {}", node.kind());
                self.wrong(Problem::new(node.line, text));
                None
            }
        }
    }

    fn bool(&mut self, key: &str, node: &Node) -> Option<bool> {
        if let Value::Bool(value) = node.value {
            return Some(value);
        }
        let text = format!("`{key}` must be true or false, not {}", node.kind());
        self.wrong(Problem::new(node.line, text));
        None
    }

    fn texts(&mut self, key: &str, node: &Node) -> Option<Vec<String>> {
        let Value::List(items) = &node.value else {
            let text = format!("`{key}` must be a list, not {}", node.kind());
            self.wrong(Problem::new(node.line, text).hint(format!("write: {key}: [...]")));
            return None;
        };
        items.iter().map(|item| self.text(key, item)).collect()
    }

    fn parsed<T>(
        &mut self,
        key: &str,
        node: &Node,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(key, node)?;
        read(&text)
            .map_err(|why| {
                let text = format!("`{text}` is no value of `{key}`: {why}");
                self.wrong(Problem::new(node.line, text));
            })
            .ok()
    }

    fn path(&mut self, key: &str, node: &Node) -> Option<PathBuf> {
        self.text(key, node).map(|text| self.folder.join(text))
    }

    fn paths(&mut self, key: &str, node: &Node) -> Option<Vec<PathBuf>> {
        let texts = self.texts(key, node)?;
        Some(texts.into_iter().map(|text| self.folder.join(text)).collect())
    }

    /// A built-in name stays; everything else is a path.
    fn bundle(&self, text: String) -> String {
        if bundles::is_built_in(&text) { text } else { self.joined(&text) }
    }

    fn framework(&self, text: String) -> String {
        let built_in = bundles::built_in_frameworks().iter().any(|(id, ..)| *id == text);
        if built_in { text } else { self.joined(&text) }
    }

    fn scope(&self, text: String) -> String {
        if bundles::is_scope_file(&text) { self.joined(&text) } else { text }
    }

    /// A snapshot's name stays; what looks like a file or is one is a path.
    fn baseline(&self, text: String) -> String {
        let path = self.folder.join(&text);
        let file = text.contains('/') || text.ends_with(".json") || path.is_file();
        if file { self.joined(&text) } else { text }
    }

    fn joined(&self, text: &str) -> String {
        self.folder.join(text).to_string_lossy().into_owned()
    }

    fn formats(&mut self, key: &str, node: &Node) -> Option<Vec<Output<ReportFormat>>> {
        let Value::List(items) = &node.value else { return self.texts(key, node).map(|_| vec![]) };
        let mut out = Vec::new();
        for item in items {
            let mut output: Output<ReportFormat> = self.parsed(key, item, str::parse)?;
            output.file = output.file.map(|f| self.folder.join(f));
            out.push(output);
        }
        Some(out)
    }

    fn targets(&mut self, node: &Node) -> Vec<FileTarget> {
        let Some(entries) = self.map(node, "`targets`") else { return Vec::new() };
        let mut out: Vec<FileTarget> = Vec::new();
        for entry in entries {
            let Some(target) = self.target(entry) else { continue };
            if let Some(other) = out.iter().find(|t| t.place.same(&target.place)) {
                let names = format!("targets `{}` and `{}`", other.subject, target.subject);
                let text = format!("{names} are the same {}", target.place);
                self.wrong(Problem::new(entry.line, text));
            }
            out.push(target);
        }
        out
    }

    fn target(&mut self, Entry { key: name, line, node }: &Entry) -> Option<FileTarget> {
        let subject = Subject::new(name.as_str())
            .map_err(|e| self.wrong(Problem::new(*line, e.to_string())))
            .ok();
        let entries = self.map(node, &format!("target `{name}`"))?;
        let mut target = FileTarget {
            subject: subject?,
            place: FilePlace::Cloud(self.at(*line, name.clone())),
            attestation: None,
            allowed_signers: None,
            config_dir: None,
            test_results: None,
            with: None,
            dashboard: None,
            origin: self.at(*line, ()).origin,
        };
        let mut cluster = (None, None);
        for Entry { key, line, node } in entries {
            let line = *line;
            match key.as_str() {
                "cloud" => {
                    if let Some(cloud) = self.text(key, node) {
                        target.place = FilePlace::Cloud(self.at(line, cloud));
                    }
                    let other = |e: &&Entry| matches!(e.key.as_str(), "context" | "kubeconfig");
                    if let Some(other) = entries.iter().find(other) {
                        let text = format!("`cloud` and `{}` are of different systems", other.key);
                        let hint = "make two targets of them";
                        self.wrong(Problem::new(line, text).hint(hint));
                    }
                }
                "context" => cluster.0 = self.text(key, node).map(|v| self.at(line, v)),
                "kubeconfig" => cluster.1 = self.path(key, node).map(|v| self.at(line, v)),
                "attestation" => {
                    target.attestation = self.paths(key, node).map(|v| self.at(line, v));
                    if !entries.iter().any(|e| e.key == "allowed_signers") {
                        let text = "`attestation` needs `allowed_signers` beside it";
                        let hint = "name the file that says who may sign, as ssh-keygen reads it";
                        self.wrong(Problem::new(line, text).hint(hint));
                    }
                }
                "allowed_signers" => {
                    target.allowed_signers = self.path(key, node).map(|v| self.at(line, v));
                }
                "config_dir" => {
                    target.config_dir = self.path(key, node).map(|v| self.at(line, v));
                }
                "test_results" => {
                    target.test_results = self.paths(key, node).map(|v| self.at(line, v));
                }
                "with" => target.with = self.with(key, node).map(|v| self.at(line, v)),
                "dashboard" => {
                    let text = self.text(key, node);
                    if let Some(bad) = text.as_deref().and_then(|t| dashboard_address(t).err()) {
                        self.wrong(Problem::new(line, bad.to_string()).hint(DASHBOARD_HINT));
                    }
                    target.dashboard = text.map(|v| self.at(line, v));
                }
                _ => self.unknown(key, line, &TARGET_KEYS),
            }
        }
        if cluster != (None, None) {
            let (context, kubeconfig) = cluster;
            target.place = FilePlace::Cluster { context, kubeconfig };
            let asks = |e: &&Entry| matches!(e.key.as_str(), "with" | "dashboard");
            for Entry { key, line, .. } in entries.iter().filter(asks) {
                let text = format!("`{key}` is about OpenStack clouds, and `{name}` is a cluster");
                self.wrong(Problem::new(*line, text).hint("remove it"));
            }
        }
        Some(target)
    }

    fn with(&mut self, key: &str, node: &Node) -> Option<Vec<With>> {
        let Value::List(items) = &node.value else { return self.texts(key, node).map(|_| vec![]) };
        let read = |text: &str| {
            let names = With::value_variants().iter().map(|w| w.name());
            With::from_str(text, false)
                .map_err(|_| format!("known are {}", names.collect::<Vec<_>>().join(", ")))
        };
        items.iter().map(|item| self.parsed(key, item, read)).collect()
    }

    /// `NAME: value` for all rules that have it, `RULE: {NAME: value}` for one.
    fn parameters(&mut self, node: &Node) -> Vec<Setting<Parameter>> {
        let mut out = Vec::new();
        for Entry { key, line, node } in self.map(node, "`parameters`").unwrap_or_default() {
            let Value::Map(own) = &node.value else {
                if key == "mode" {
                    let text = "`mode` is not a parameter here but a key of its own";
                    let hint = "move it to the left: mode: reference, or strict";
                    self.wrong(Problem::new(*line, text).hint(hint));
                }
                let all = Parameter { rule: None, name: key.clone(), value: node.json() };
                out.push(self.at(*line, all));
                continue;
            };
            let rule = match RuleId::new(key.as_str()) {
                Ok(rule) => rule,
                Err(e) => {
                    self.wrong(Problem::new(*line, e.to_string()));
                    continue;
                }
            };
            for Entry { key: name, line, node } in own {
                let rule = Some(rule.clone());
                let one = Parameter { rule, name: name.clone(), value: node.json() };
                out.push(self.at(*line, one));
            }
        }
        out
    }
}

/// How many letters must be changed, put in or left out to get from one text
/// to the other (Levenshtein).
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (n, x) in a.chars().enumerate() {
        let mut next = vec![n + 1];
        for ((above, left), y) in row.iter().skip(1).zip(row.iter()).zip(b.chars()) {
            let change = left + usize::from(x != y);
            let last = next.last().copied().unwrap_or_default();
            next.push(change.min(above + 1).min(last + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("bundels", "bundles"), 2);
        assert_eq!(distance("bundle", "bundles"), 1);
        assert_eq!(distance("scopes", "scopes"), 0);
    }
}
