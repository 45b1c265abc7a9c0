//! Which rules speak for which controls, as an OSCAL component-definition: a
//! component for each bundle, in it a control implementation for each
//! framework.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write};

use serde::Serialize;
use tidegate_model::{RuleId, RuleMeta, Timestamp};
use uuid::Uuid;

use super::control::token;
use super::item::{Props, id, markup, member, time};
use super::{BackMatter, Metadata, OSCAL, framework};
use crate::Framework;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Component {
    uuid: Uuid,
    r#type: &'static str,
    title: String,
    description: String,
    props: Props,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    control_implementations: Vec<Implementation>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Implementation {
    uuid: Uuid,
    source: String,
    description: String,
    props: Props,
    implemented_requirements: Vec<Requirement>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Requirement {
    uuid: Uuid,
    control_id: String,
    description: String,
    props: Props,
}

/// Writes the document: a component for tidegate and one for each bundle of
/// `rules`, which has the rules as properties and, for each of `frameworks` that
/// maps one of them, the controls that they speak for. `now` becomes the time of
/// last modification; all ids stay from run to run.
///
/// # Errors
/// Those of `out`.
pub fn component_definition(
    rules: &BTreeMap<RuleId, RuleMeta>,
    frameworks: &[Framework],
    tool_version: &str,
    now: Timestamp,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let mut bundles: BTreeMap<&str, BTreeMap<&RuleId, &RuleMeta>> = BTreeMap::new();
    for (rule, meta) in rules {
        bundles.entry(&meta.bundle).or_default().insert(rule, meta);
    }
    let tidegate = Component {
        uuid: super::result::tool(),
        r#type: "software",
        title: "tidegate".to_owned(),
        description: "Collects the state of clouds and judges it with rules.".to_owned(),
        props: Props::default().core("version", tool_version),
        control_implementations: Vec::new(),
    };
    let own = bundles.iter().map(|(name, rules)| bundle(name, rules, frameworks, tool_version));
    let components: Vec<Component> = std::iter::once(tidegate).chain(own).collect();
    let metadata = Metadata {
        title: "What the rules of tidegate are evidence for".to_owned(),
        last_modified: time(now),
        version: tool_version.to_owned(),
        oscal_version: OSCAL,
    };
    let resources = frameworks.iter().map(|f| framework(&f.about)).collect();
    let names: Vec<&str> = bundles.keys().copied().collect();
    let uuid = id(&["component-definition", tool_version, &names.join(" ")]);
    write!(out, "{{\"component-definition\":{{\"uuid\":\"{uuid}\"")?;
    member(&mut out, "metadata", &metadata)?;
    member(&mut out, "components", &components)?;
    if !frameworks.is_empty() {
        member(&mut out, "back-matter", &BackMatter { resources })?;
    }
    out.write_all(b"}}\n")?;
    out.flush()
}

fn bundle(
    name: &str,
    rules: &BTreeMap<&RuleId, &RuleMeta>,
    frameworks: &[Framework],
    tool_version: &str,
) -> Component {
    let mut props = Props::default().core("version", tool_version);
    for (rule, meta) in rules {
        props = props
            .with("rule", rule.as_str())
            .with("rule-title", &format!("{rule}: {}", meta.title));
    }
    let implementations = frameworks.iter().filter_map(|f| implementation(name, rules, f));
    Component {
        uuid: id(&["bundle", name]),
        // What validates another component, as OSCAL has it.
        r#type: "validation",
        title: format!("tidegate bundle {name}"),
        description: format!("The rules of the bundle `{name}`."),
        props,
        control_implementations: implementations.collect(),
    }
}

/// The controls of a framework that rules of a bundle speak for; `None` without
/// one, as OSCAL has no empty lists.
fn implementation(
    bundle: &str,
    rules: &BTreeMap<&RuleId, &RuleMeta>,
    framework: &Framework,
) -> Option<Implementation> {
    let about = &framework.about;
    let by_control = framework.by_control();
    let mut requirements = Vec::new();
    for control in &framework.controls {
        let mapped = by_control.get(control.id.as_str()).into_iter().flatten();
        let own: BTreeSet<&RuleId> = mapped.copied().filter(|r| rules.contains_key(r)).collect();
        if own.is_empty() {
            continue;
        }
        let mut props = Props::default().with("control", &control.id);
        for rule in &own {
            props = props.with("rule", rule.as_str());
        }
        let titles: Vec<&str> =
            own.iter().filter_map(|r| Some(rules.get(r)?.title.as_str())).collect();
        requirements.push(Requirement {
            uuid: id(&["requirement", bundle, &about.id, &control.id]),
            control_id: token(&control.id),
            description: markup(&format!("Evidence from rules: {}.", titles.join("; "))),
            props,
        });
    }
    (!requirements.is_empty()).then(|| Implementation {
        uuid: id(&["implementation", bundle, &about.id]),
        source: about.source.clone(),
        description: markup(&format!("{}, as far as an API shows it", about.name())),
        props: Props::default()
            .with("framework", &about.id)
            .with("framework-edition", &about.edition)
            .with("framework-list", &about.caveat()),
        implemented_requirements: requirements,
    })
}
