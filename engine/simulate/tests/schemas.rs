//! The committed schemas and the types say the same.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test may")]

mod cases;

use std::path::Path;

use cases::{everything, plain, plan};
use serde_json::Value;
use tidegate_model::{Fleet, Intent, Plan};
use tidegate_simulate::Cloud;

fn schema(name: &str) -> Value {
    let file = format!("../model/schemas/{name}.schema.json");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn validator(name: &str) -> jsonschema::Validator {
    jsonschema::options().should_validate_formats(true).build(&schema(name)).unwrap()
}

#[track_caller]
fn valid(validator: &jsonschema::Validator, value: &Value) {
    let wrong: Vec<String> =
        validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn what_the_types_write_is_what_the_schemas_describe() {
    let [fleets, intents, plans] = ["fleet", "intent", "plan"].map(validator);
    let cases = (0..200).map(|seed| everything(seed, 1 + seed as usize % 10, 14));
    for (fleet, intent) in cases.chain((0..20).map(|seed| plain(seed, 5, 8))) {
        valid(&fleets, &serde_json::to_value(&fleet).unwrap());
        valid(&intents, &serde_json::to_value(&intent).unwrap());
        valid(&plans, &serde_json::to_value(plan(&fleet, &intent)).unwrap());
    }
    valid(&fleets, &serde_json::to_value(Cloud::default().fleet()).unwrap());
}

/// Every member that a schema names is one that the type reads: what is left out
/// of each document in turn must be missed or have a default.
#[test]
fn what_a_schema_requires_the_type_requires() {
    let (fleet, intent) = everything(3, 8, 14);
    let plan = plan(&fleet, &intent);
    let documents = [
        ("fleet", serde_json::to_value(&fleet).unwrap()),
        ("intent", serde_json::to_value(&intent).unwrap()),
        ("plan", serde_json::to_value(&plan).unwrap()),
    ];
    for (name, document) in documents {
        let validator = validator(name);
        let members: Vec<String> = document.as_object().unwrap().keys().cloned().collect();
        for member in members {
            let mut less = document.clone();
            less.as_object_mut().unwrap().remove(&member);
            let read = match name {
                "fleet" => serde_json::from_value::<Fleet>(less.clone()).is_ok(),
                "intent" => serde_json::from_value::<Intent>(less.clone()).is_ok(),
                _ => serde_json::from_value::<Plan>(less.clone()).is_ok(),
            };
            // A plan names its fleet or its snapshots, which a type cannot say.
            if member != "fleet_sha256" {
                assert_eq!(validator.is_valid(&less), read, "{name} without `{member}`");
            }
        }
        let mut more = document;
        more["nonesuch"] = Value::from(1);
        if name == "intent" {
            assert!(!validator.is_valid(&more));
            assert!(serde_json::from_value::<Intent>(more).is_err());
        }
    }
}
