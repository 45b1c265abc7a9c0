//! The template, the schema and the reader know the same settings.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::{File, TEMPLATE, read};
use crate::output::ReportFormat;

const SCHEMA: &str = include_str!("../../schemas/config.schema.json");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

fn keys(properties: &Value) -> BTreeSet<String> {
    properties.as_object().unwrap().keys().cloned().collect()
}

fn texts(known: &[&str]) -> BTreeSet<String> {
    known.iter().map(|k| (*k).to_owned()).collect()
}

/// The template with everything in it switched on. Prose has a space after `#`.
fn switched_on() -> String {
    let line = |line: &str| {
        let prose = line.starts_with("# ") && !line.starts_with("#  ");
        if prose { String::new() } else { line.trim_start_matches('#').to_owned() }
    };
    TEMPLATE.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_init_writes_sets_nothing() {
    assert_eq!(read::read(Path::new("tidegate.yaml"), TEMPLATE).unwrap(), File::default());
}

#[test]
fn what_init_writes_explains_every_key_and_loads_when_switched_on() {
    let text = switched_on();
    let file = read::read(Path::new("tidegate.yaml"), &text).unwrap();
    let root = super::yaml::parse(&text).unwrap().json();
    assert_eq!(keys(&root), texts(&read::KEYS));
    let of_targets = root["targets"].as_object().unwrap().values().flat_map(keys);
    assert_eq!(of_targets.collect::<BTreeSet<_>>(), texts(&read::TARGET_KEYS));
    assert_eq!(file.targets.len(), 2);
    assert_eq!(file.parameters.len(), 2);
    assert!(jsonschema::is_valid(&schema(), &root));
}

#[test]
fn the_schema_has_the_keys_and_formats_of_the_reader() {
    let schema = schema();
    assert_eq!(keys(&schema["properties"]), texts(&read::KEYS));
    assert_eq!(keys(&schema["$defs"]["target"]["properties"]), texts(&read::TARGET_KEYS));
    let pattern = schema["properties"]["formats"]["items"]["pattern"].as_str().unwrap();
    let names = pattern.strip_prefix("^(").and_then(|p| p.split_once(')')).unwrap().0;
    let known = ReportFormat::ALL.map(|(name, _)| name);
    assert_eq!(names.split('|').collect::<Vec<_>>(), known, "config.schema.json, formats");
}
