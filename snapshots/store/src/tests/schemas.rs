//! What is stored has the committed schemas.

use serde_json::{Value, json};
use tidegate_model::{Status, Visibility};

use super::support::*;
use crate::Store;

#[track_caller]
pub(super) fn check(schema: &str, value: &Value) {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(value).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    for name in schema["required"].as_array().unwrap() {
        let mut less = value.clone();
        less.as_object_mut().unwrap().remove(name.as_str().unwrap());
        assert!(!validator.is_valid(&less), "without {name}");
    }
}

const MANIFEST: &str = include_str!("../../schemas/manifest.schema.json");
const RECORD: &str = include_str!("../../schemas/record.schema.json");
const LAYOUT: &str = include_str!("../../schemas/layout.schema.json");

#[tokio::test]
async fn stored_documents_have_their_schemas() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let s = KINDS[0];
    let mut covered = vec![
        coverage(s, "r", Status::Complete { count: 1 }, Visibility::All),
        coverage(s, "q", Status::Subset { selector: "x".into() }, projects(&["a"])),
        coverage(s, "p", Status::Forbidden, Visibility::Domain("d".into())),
        coverage(s, "o", Status::Absent, Visibility::Public),
        coverage(s, "n", Status::Failed { reason: "500".into() }, Visibility::All),
        coverage(s, "m", Status::Inconsistent, Visibility::Namespaces(["n".into()].into())),
    ];
    covered[0].region = None;
    store.record(&subject(), "gate", day(1), [1; 16], b"x").await.unwrap();
    store.record(&subject(), "gate", day(1), [1; 16], b"y").await.unwrap();
    collect(&store, &subject(), 1, vec![resource(s, "r", 1, 1)], covered.clone()).await.unwrap();
    collect(&store, &subject(), 2, vec![resource(s, "r", 1, 1)], covered).await.unwrap();
    for (path, schema) in [
        ("manifests/prod1/1.json", MANIFEST),
        ("manifests/prod1/2.json", MANIFEST),
        ("records/prod1/1.json", RECORD),
        ("records/prod1/2.json", RECORD),
    ] {
        let text = std::fs::read(folder.path().join(path)).unwrap();
        check(schema, &serde_json::from_slice(&text).unwrap());
    }
    let digest = "0".repeat(64);
    check(
        LAYOUT,
        &json!({
            "schema": "tidegate.layout/v1", "subject": "prod1", "generation": 1, "through": 31,
            "segments": [{"name": format!("31-{digest}.parquet"), "sha256": digest, "from": 1, "to": 31}]
        }),
    );
}
