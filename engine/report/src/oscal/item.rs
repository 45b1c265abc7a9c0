//! The parts of OSCAL assessment-results that are written, and text as OSCAL
//! wants it.

use std::io::{self, Write};

use serde::Serialize;
use tidegate_model::Timestamp;
use uuid::Uuid;

use crate::text::printable;

/// The namespace of our property names and of the uuids.
pub(super) const NS: &str = "urn:tidegate:oscal:v1";

/// A UUID version 5 from what a thing is, so that it keeps it from run to run.
pub(super) fn id(parts: &[&str]) -> Uuid {
    let mut name = String::new();
    for part in parts {
        // The length keeps apart what a separator in a name would not.
        name.push_str(&format!("{}:{part};", part.len()));
    }
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, NS.as_bytes());
    Uuid::new_v5(&namespace, name.as_bytes())
}

/// Seconds and a zone, as OSCAL asks for.
pub(super) fn time(t: Timestamp) -> String {
    format!("{t:.0}")
}

/// Text for a field of type markup: `backticks` mark code, everything else is
/// escaped. Never empty.
pub(super) fn markup(text: &str) -> String {
    let text = printable(text);
    let mut safe = String::with_capacity(text.len() + 8);
    let mut rest: &str = text.trim();
    while let Some((before, after)) = rest.split_once('`') {
        let Some((code, after)) = after.split_once('`') else { break };
        escape(before, &mut safe);
        safe.push('`');
        safe.push_str(code);
        safe.push('`');
        rest = after;
    }
    escape(rest, &mut safe);
    if safe.is_empty() { "-".to_owned() } else { safe }
}

fn escape(text: &str, safe: &mut String) {
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '{' | '}' | '~' | '^' | '&' | '#'
        ) {
            safe.push('\\');
        }
        safe.push(c);
    }
}

#[derive(Serialize)]
pub(super) struct Prop {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ns: Option<&'static str>,
    value: String,
}

/// Properties; those without a value are left out, as OSCAL has no empty ones.
#[derive(Serialize, Default)]
#[serde(transparent)]
pub(super) struct Props(Vec<Prop>);

impl Props {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A property of our own.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.push(name, Some(NS), value);
        self
    }

    /// A property that OSCAL defines.
    pub(super) fn core(mut self, name: &'static str, value: &str) -> Self {
        self.push(name, None, value);
        self
    }

    fn push(&mut self, name: &'static str, ns: Option<&'static str>, value: &str) {
        let value = printable(value);
        let value = value.trim();
        if !value.is_empty() {
            self.0.push(Prop { name, ns, value: value.to_owned() });
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct SubjectRef {
    pub(super) subject_uuid: Uuid,
    pub(super) r#type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ObservationRef {
    observation_uuid: Uuid,
}

impl ObservationRef {
    pub(super) fn new(observation_uuid: Uuid) -> Self {
        Self { observation_uuid }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RiskRef {
    pub(super) risk_uuid: Uuid,
}

#[derive(Serialize)]
pub(super) struct Evidence {
    pub(super) href: String,
    pub(super) description: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Actor {
    r#type: &'static str,
    actor_uuid: Uuid,
}

#[derive(Serialize)]
pub(super) struct Origin {
    actors: [Actor; 1],
}

impl Origin {
    pub(super) fn tool(uuid: Uuid) -> Self {
        Self { actors: [Actor { r#type: "tool", actor_uuid: uuid }] }
    }
}

/// A piece of software or a service: the cloud, and tidegate.
#[derive(Serialize)]
pub(super) struct Component {
    pub(super) uuid: Uuid,
    pub(super) r#type: &'static str,
    pub(super) title: String,
    pub(super) description: &'static str,
    #[serde(skip_serializing_if = "Props::is_empty")]
    pub(super) props: Props,
    pub(super) status: Operational,
}

#[derive(Serialize)]
pub(super) struct Operational {
    pub(super) state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Assets {
    pub(super) components: [Component; 1],
    pub(super) assessment_platforms: [Platform; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Platform {
    pub(super) uuid: Uuid,
    pub(super) title: &'static str,
    pub(super) uses_components: [ComponentRef; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Reviewed<'a> {
    pub(super) control_selections: [Selection<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Selection<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) include_controls: Vec<ControlRef<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) exclude_controls: Vec<ControlRef<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ControlRef<'a> {
    pub(super) control_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Item {
    pub(super) uuid: Uuid,
    pub(super) description: String,
    pub(super) props: Props,
    pub(super) implemented_components: [ComponentRef; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ComponentRef {
    pub(super) component_uuid: Uuid,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Observation {
    pub(super) uuid: Uuid,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) props: Props,
    pub(super) methods: [&'static str; 1],
    pub(super) types: [&'static str; 1],
    pub(super) origins: [Origin; 1],
    pub(super) subjects: [SubjectRef; 1],
    pub(super) relevant_evidence: Vec<Evidence>,
    pub(super) collected: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Risk {
    pub(super) uuid: Uuid,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) statement: String,
    pub(super) props: Props,
    pub(super) status: &'static str,
    pub(super) characterizations: [Characterization; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deadline: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) risk_log: Option<RiskLog>,
    pub(super) related_observations: Vec<ObservationRef>,
}

#[derive(Serialize)]
pub(super) struct Characterization {
    pub(super) origin: Origin,
    pub(super) facets: [Facet; 1],
}

#[derive(Serialize)]
pub(super) struct Facet {
    pub(super) name: &'static str,
    pub(super) system: &'static str,
    pub(super) value: String,
}

#[derive(Serialize)]
pub(super) struct RiskLog {
    pub(super) entries: [LogEntry; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct LogEntry {
    pub(super) uuid: Uuid,
    pub(super) title: &'static str,
    pub(super) description: String,
    pub(super) start: String,
    pub(super) status_change: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Finding {
    pub(super) uuid: Uuid,
    pub(super) title: String,
    pub(super) description: String,
    #[serde(skip_serializing_if = "Props::is_empty")]
    pub(super) props: Props,
    pub(super) target: Target,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) related_observations: Vec<ObservationRef>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) related_risks: Vec<RiskRef>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Target {
    pub(super) r#type: &'static str,
    pub(super) target_id: String,
    pub(super) status: State,
}

#[derive(Serialize)]
pub(super) struct State {
    pub(super) state: &'static str,
    pub(super) reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remarks: Option<&'static str>,
}

/// Writes `,"key":value`: a member of an object that has one already.
pub(super) fn member(out: &mut impl Write, key: &str, value: &impl Serialize) -> io::Result<()> {
    write!(out, ",\n\"{key}\":")?;
    serde_json::to_writer(&mut *out, value).map_err(io::Error::from)
}

/// A member that is an array, written item by item; without an item it does
/// not appear, as OSCAL has no empty arrays.
pub(super) struct Array<'w, W: Write> {
    out: &'w mut W,
    key: &'static str,
    begun: bool,
}

impl<'w, W: Write> Array<'w, W> {
    /// An array that follows another member.
    pub(super) fn new(out: &'w mut W, key: &'static str) -> Self {
        Self { out, key, begun: false }
    }

    pub(super) fn push(&mut self, item: &impl Serialize) -> io::Result<()> {
        if self.begun {
            self.out.write_all(b",\n")?;
        } else {
            write!(self.out, ",\n\"{}\":[\n", self.key)?;
            self.begun = true;
        }
        serde_json::to_writer(&mut *self.out, item).map_err(io::Error::from)
    }

    pub(super) fn close(self) -> io::Result<()> {
        if self.begun { self.out.write_all(b"]") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_their_parts_apart_and_stay() {
        assert_ne!(id(&["a", "b"]), id(&["ab", ""]));
        assert_ne!(id(&["a;1:b"]), id(&["a", "b"]));
        assert_eq!(id(&["a"]).get_version_num(), 5);
        assert_eq!(id(&["a"]), id(&["a"]));
    }

    #[test]
    fn text_is_neither_markup_nor_empty() {
        assert_eq!(
            markup("a `b_c` <d> {{ insert: param, x }}"),
            r"a `b_c` \<d\> \{\{ insert: param, x \}\}"
        );
        assert_eq!(markup("one ` x"), r"one \` x");
        assert_eq!(markup(" \n"), "-");
        assert!(Props::default().with("a", " \u{0}").is_empty());
    }
}
