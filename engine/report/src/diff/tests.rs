use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn changed(before: &Value, after: &Value) -> ResourceDiff {
    ResourceDiff {
        key: ResourceKey::new("openstack/compute.server/r/1").unwrap(),
        change: DiffKind::Changed,
        name: Some("web\u{1b}[31m".to_owned()),
        project: None,
        before: Some(before.clone()),
        after: Some(after.clone()),
    }
}

fn point(seq: u64) -> DiffPoint {
    DiffPoint {
        snapshot: format!("prod1@{seq}").parse().unwrap(),
        taken_at: "2026-11-22T02:00:00Z".parse().unwrap(),
    }
}

fn drawn(view: DiffView, color: bool) -> String {
    let before = json!({"name": "web", "status": "ACTIVE", "tags": ["a", "b"], "z": 1});
    let after = json!({"name": "web", "status": "SHUTOFF", "tags": ["a"], "z": 1});
    let mut out = Vec::new();
    let options = DiffTextOptions { color, view, width: 60 };
    let mut text = DiffText::begin(&mut out, options, &point(1), &point(2), &[]).unwrap();
    text.resource(&changed(&before, &after)).unwrap();
    let gone = ResourceDiff { change: DiffKind::Removed, after: None, ..changed(&before, &after) };
    text.resource(&gone).unwrap();
    text.end(None).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_terminal_shows_what_went_and_came() {
    assert_eq!(
        drawn(DiffView::Unified, false),
        "\
prod1@1 → prod1@2  taken 2026-11-22T02:00:00Z and 2026-11-22T02:00:00Z

changed   openstack/compute.server/r/1  web [31m
      {
        \"name\": \"web\",
    -   \"status\": \"ACTIVE\",
    +   \"status\": \"SHUTOFF\",
        \"tags\": [
    -     \"a\",
    -     \"b\"
    +     \"a\"
        ],
        \"z\": 1

removed   openstack/compute.server/r/1  web [31m

0 created, 1 changed, 1 removed, 0 no longer seen, 0 seen again
"
    );
    let side = drawn(DiffView::SideBySide, false);
    let both = "      \"status\": \"ACTIVE\",      |   \"status\": \"SHUTOFF\",\n";
    assert!(side.contains(both), "{side}");
    assert!(side.contains(" <\n"), "{side}");
    assert!(!drawn(DiffView::Names, false).contains("ACTIVE"));
    assert!(drawn(DiffView::Unified, true).contains("\u{1b}[32m+   \"status\""));
}

#[test]
fn the_json_fits_its_schema_and_says_what_stood_there() {
    let mut out = Vec::new();
    let coverage = [CoverageDiff {
        kind: "compute.server".to_owned(),
        region: None,
        before: Some("complete, all".to_owned()),
        after: None,
    }];
    let mut json = DiffJson::begin(&mut out, &point(1), &point(2), &coverage).unwrap();
    json.resource(&changed(&json!({"a": [1, 2], "b": 1}), &json!({"a": [1], "b": 2}))).unwrap();
    let new = changed(&json!(1), &json!({"x": 1}));
    json.resource(&ResourceDiff { change: DiffKind::Created, before: None, ..new }).unwrap();
    let findings = FindingsDiff {
        new: vec![FindingDiff {
            rule: "r".to_owned(),
            severity: Some(Severity::High),
            resource: None,
            cause: "policy",
            message: "m".to_owned(),
        }],
        resolved: Vec::new(),
        undecidable: Vec::new(),
        still_failing: 3,
    };
    json.end(Some(&findings)).unwrap();
    let value: Value = serde_json::from_slice(&out).unwrap();
    let schema: Value =
        serde_json::from_str(include_str!("../../schemas/diff.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(value["summary"], json!({"changed": 1, "created": 1}));
    assert_eq!(
        value["resources"][0]["operations"],
        json!([
            {"op": "remove", "path": "/a/1", "was": 2},
            {"op": "replace", "path": "/b", "value": 2, "was": 1}
        ])
    );
    assert_eq!(value["resources"][1]["after"], json!({"x": 1}));
    let mut wrong = value;
    wrong["resources"][0]["change"] = "maybe".into();
    assert!(!validator.is_valid(&wrong), "the schema must be able to fail");
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4_i64).prop_map(Value::from),
        "[a-c~/]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c~/]{0,2}", inner, 0..4)
                .prop_map(|m| m.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn the_operations_lead_from_one_to_the_other(before in document(), after in document()) {
        let mut state = before.clone();
        for DiffOperation { operation, was } in operations(&before, &after) {
            if let PatchOperation::Remove(_) | PatchOperation::Replace(_) = &operation {
                prop_assert!(was.is_some());
            }
            json_patch::patch(&mut state, &[operation]).unwrap();
        }
        prop_assert_eq!(state, after);
    }
}
