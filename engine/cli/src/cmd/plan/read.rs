//! Fleets, intents and plans from files, JSON or YAML, with the line of what is
//! wrong.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_model::{Digest, Fleet, Intent, Plan, canonical, unreasonable_yaml};
use tidegate_planner::{IntentProblem, WindowError};

use crate::config::distance;
use crate::failure::{Failure, Result};
use crate::output::Ui;
use crate::yaml::{self, Problem};

/// More kinds of unknown members than this are not listed.
const UNKNOWN: usize = 20;
/// More contradictions of a fleet than this are not listed.
const PROBLEMS: usize = 20;

/// A file that was read, and the SHA-256 of its canonical JSON.
pub(crate) struct File<T> {
    pub(crate) value: T,
    pub(crate) digest: Digest,
}

/// A fleet that hangs together. Members that are not known are told on standard
/// error: a fleet may come from a tool that knows more than this one.
pub(super) fn facts(ui: &mut Ui, path: &Path) -> Result<File<Fleet>> {
    let file: File<Fleet> = read(ui, path)?;
    whole(path, &file.value)?;
    Ok(file)
}

/// A part of a fleet, to be added to what was collected.
pub(super) fn facts_to_add(ui: &mut Ui, path: &Path) -> Result<File<Value>> {
    read(ui, path)
}

/// What comes of a fleet and what a file adds to it.
pub(super) fn merged(ui: &mut Ui, path: &Path, document: Value) -> Result<Fleet> {
    let mut unknown = Unknown::new();
    let fleet: Fleet = serde_ignored::deserialize(document, |member| unknown.add(&member))
        .map_err(|e| {
            let shown = path.display();
            Failure::new(format!("with `{shown}` added it is no fleet: {e}"))
        })?;
    unknown.tell(ui, path);
    whole(path, &fleet)?;
    Ok(fleet)
}

fn whole(path: &Path, fleet: &Fleet) -> Result<()> {
    let problems = fleet.check();
    if problems.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(format!("the fleet `{}` contradicts itself", path.display()));
    let failure =
        problems.iter().take(PROBLEMS).fold(failure, |f, problem| f.also(problem.to_string()));
    Err(match problems.len().saturating_sub(PROBLEMS) {
        0 => failure,
        more => failure.also(format!("and {more} more")),
    })
}

/// An intent that was read, the SHA-256 of its canonical JSON, and where its members stand.
pub(crate) struct IntentFile {
    pub(crate) value: Intent,
    pub(crate) digest: Digest,
    node: yaml::Node,
}

impl IntentFile {
    /// What a person is told who wrote an intent that cannot be followed.
    pub(super) fn failure(&self, path: &Path, problem: &IntentProblem) -> Failure {
        let IntentProblem { at, text, name, instead } = problem;
        let line = self.node.line_of(at, name.as_deref());
        let mut told = Problem::new(line, text);
        told.hint = instead_of(name.as_deref(), instead);
        yaml::failure(path, &[told])
    }

    /// Likewise for the n-th of its windows, from 1.
    pub(super) fn window_failure(&self, path: &Path, error: &WindowError) -> Failure {
        let at = format!("/windows/{}", error.n.saturating_sub(1));
        yaml::failure(path, &[Problem::new(self.node.line_of(&at, None), error.to_string())])
    }
}

/// More names than this are not listed.
const NAMES: usize = 10;

/// What could stand in an intent where `name` does, the nearest of all names first.
fn instead_of(name: Option<&str>, all: &[String]) -> Option<String> {
    let Some(name) = name else {
        let shown = all.get(..NAMES.min(all.len())).unwrap_or_default().join(" · ");
        let more = all.len().saturating_sub(NAMES);
        let more = if more > 0 { format!(" · and {more} more") } else { String::new() };
        return (!all.is_empty()).then(|| format!("it is on {shown}{more}"));
    };
    let mut near: Vec<(usize, &str)> =
        all.iter().map(|there| (distance(name, there), there.as_str())).collect();
    near.sort_unstable();
    let quoted = |some: &[(usize, &str)]| {
        some.iter().map(|(_, there)| format!("`{there}`")).collect::<Vec<_>>().join(", ")
    };
    let meant = |(steps, _): &&(usize, &str)| *steps <= name.chars().count().max(3) / 3;
    let likely = near.iter().take(3).filter(meant).count();
    let (first, rest) = near.split_at_checked(likely)?;
    match (first, rest) {
        ([], []) => None,
        ([], rest) if rest.len() <= NAMES => Some(format!("there are {}", quoted(rest))),
        ([], rest) => {
            let some = rest.get(..3).unwrap_or_default();
            Some(format!("there are {}, such as {}", rest.len(), quoted(some)))
        }
        (first, _) => Some(format!("did you mean {}?", quoted(first))),
    }
}

/// An intent; members that are not known are refused.
pub(crate) fn intent(path: &Path) -> Result<IntentFile> {
    let text = String::from_utf8(bytes(path)?)
        .map_err(|_| Failure::new(format!("`{}` is no text in UTF-8", path.display())))?;
    let wrong = |problem: Problem| yaml::failure(path, &[problem]);
    let node = parse(&text).map_err(wrong)?;
    let intent: Intent = yaml::from_node(&node, &mut |_| {}).map_err(wrong)?;
    if intent.schema != Intent::SCHEMA {
        let text = format!("`schema` is `{}`, not `{}`", intent.schema, Intent::SCHEMA);
        return Err(wrong(Problem::new(node.line, text)));
    }
    let digest = digest(path, node.json().to_string().as_bytes())?;
    Ok(IntentFile { value: intent, digest, node })
}

/// A plan of the version that can be read.
pub(crate) fn plan(ui: &mut Ui, path: &Path) -> Result<Plan> {
    let plan = read::<Plan>(ui, path)?.value;
    if plan.schema == Plan::SCHEMA {
        return Ok(plan);
    }
    let (shown, schema) = (path.display(), &plan.schema);
    Err(Failure::new(format!("the schema of `{shown}` is `{schema}`, not `{}`", Plan::SCHEMA)))
}

fn read<T: DeserializeOwned>(ui: &mut Ui, path: &Path) -> Result<File<T>> {
    let bytes = bytes(path)?;
    let mut unknown = Unknown::new();
    let mut ignored = |path: serde_ignored::Path<'_>| unknown.add(&path);
    let json = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
    let (value, digest) = if json {
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_ignored::deserialize(&mut reader, &mut ignored)
            .and_then(|value| reader.end().map(|()| value));
        let value = value.map_err(|e| {
            let (text, line) = (e.to_string(), e.line());
            // It says line and column at the end.
            let text = text.split(" at line ").next().unwrap_or_default();
            Failure::new(format!("{}:{line}: {text}", path.display()))
        })?;
        (value, digest(path, &bytes)?)
    } else {
        let text = String::from_utf8(bytes)
            .map_err(|_| Failure::new(format!("`{}` is no text in UTF-8", path.display())))?;
        let wrong = |problem: Problem| yaml::failure(path, &[problem]);
        let node = parse(&text).map_err(wrong)?;
        let value = yaml::from_node(&node, &mut ignored).map_err(wrong)?;
        (value, digest(path, node.json().to_string().as_bytes())?)
    };
    unknown.tell(ui, path);
    Ok(File { value, digest })
}

/// Members that were not read, and how often.
struct Unknown(BTreeMap<String, usize>);

impl Unknown {
    fn new() -> Self {
        Self(BTreeMap::new())
    }

    fn add(&mut self, path: &serde_ignored::Path<'_>) {
        *self.0.entry(member(path)).or_default() += 1;
    }

    fn tell(&self, ui: &mut Ui, path: &Path) {
        for (member, times) in self.0.iter().take(UNKNOWN) {
            let shown = path.display();
            ui.warn(&format!("{shown}: `{member}` is not known and was not read, {times} times"));
        }
        if self.0.len() > UNKNOWN {
            ui.warn(&format!("and {} other members", self.0.len() - UNKNOWN));
        }
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path)
        .map_err(|e| Failure::usage(format!("cannot read `{}`: {e}", path.display())))
}

fn parse(text: &str) -> std::result::Result<yaml::Node, Problem> {
    match unreasonable_yaml(text) {
        Some(why) => Err(Problem::new(1, why).hint("write it as JSON")),
        None => yaml::parse(text),
    }
}

fn digest(path: &Path, json: &[u8]) -> Result<Digest> {
    let text = canonical(json, &()).map_err(|e| {
        Failure::new(format!("cannot read `{}`", path.display())).caused_by(Some(&e))
    })?;
    Ok(Digest::of(text.as_bytes()))
}

/// Where a member stands, the same for all elements of a list: `hosts[].rack`.
fn member(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path as P;
    match path {
        P::Root => String::new(),
        P::Seq { parent, .. } => format!("{}[]", member(parent)),
        P::Map { parent, key } => match member(parent) {
            parent if parent.is_empty() => key.clone(),
            parent => format!("{parent}.{key}"),
        },
        P::Some { parent } | P::NewtypeStruct { parent } | P::NewtypeVariant { parent } => {
            member(parent)
        }
    }
}
