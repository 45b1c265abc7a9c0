//! Proofs hold without the store, and nothing of them can be changed.

use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;
use tidegate_model::Resource;

use super::support::*;
use crate::{Proof, Store, StoreError};

const S: &str = "compute.server";

fn state(seq: u64) -> Vec<Resource> {
    (0..21).map(|id| resource(S, "r", id, if id % 5 == seq { seq } else { 0 })).collect()
}

async fn template(path: &Path) -> Store {
    let store = Store::open(path).await.unwrap();
    for seq in 1..=5 {
        collect(&store, &subject(), seq, state(seq), vec![complete(S, "r")]).await.unwrap();
    }
    store
}

/// Proves one resource in one snapshot of the first `size`.
async fn prove(store: &Store, id: u64, seq: u64, size: u64) -> Result<Option<Proof>, StoreError> {
    let log = store.log(&subject()).await?;
    let note = log.checkpoint(size).unwrap().to_string();
    let snapshot = store.snapshot(&format!("prod1@{seq}").parse().unwrap()).await?;
    snapshot.prove(&key(S, "r", id), &log, &note)
}

#[tokio::test]
async fn every_resource_of_every_snapshot_can_be_proven() {
    let folder = tempfile::tempdir().unwrap();
    let store = template(folder.path()).await;
    for size in 1..=5 {
        for seq in 1..=size {
            for id in [0, 7, 20] {
                let proof = prove(&store, id, seq, size).await.unwrap().unwrap();
                let text = serde_json::to_vec_pretty(&proof).unwrap();
                let read = Proof::parse(&text).unwrap();
                let proven = read.check().unwrap();
                assert_eq!((proven.manifest.seq, proven.checkpoint.size), (seq, size));
                let found = state(seq).into_iter().find(|r| r.key == read.key).unwrap();
                assert_eq!(read.body, found.body.as_ref());
            }
        }
    }
    assert_eq!(prove(&store, 21, 5, 5).await.unwrap(), None);
    let e = prove(&store, 1, 5, 4).await.unwrap_err().to_string();
    assert!(e.contains("the checkpoint does not cover it"), "{e}");
}

#[tokio::test]
async fn a_proof_has_its_schema() {
    let folder = tempfile::tempdir().unwrap();
    let store = template(folder.path()).await;
    let proof = prove(&store, 3, 2, 5).await.unwrap().unwrap();
    let schema = include_str!("../../schemas/proof.schema.json");
    super::schemas::check(schema, &serde_json::to_value(&proof).unwrap());
}

/// Every text in a value, by pointer.
fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, v)| texts(v, &format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, v)| texts(v, &format!("{at}/{n}"), found));
        }
        _ => found.push(at.to_owned()),
    }
}

#[tokio::test]
async fn a_proof_with_any_byte_of_any_field_flipped_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let store = template(folder.path()).await;
    let value = serde_json::to_value(prove(&store, 3, 2, 5).await.unwrap().unwrap()).unwrap();
    let mut fields = Vec::new();
    texts(&value, "", &mut fields);
    assert_eq!(fields.len(), 7 + 5 + 3, "seven fields and two paths: {fields:?}");
    // The size of a checkpoint that nobody signed is not bound to its root.
    let accepted = |value: &Value| {
        let proven = Proof::parse(value.to_string().as_bytes()).and_then(|p| p.check());
        proven.is_ok_and(|p| p.checkpoint.size == 5)
    };
    assert!(accepted(&value));
    for field in fields {
        let mut forged = value.clone();
        let place = forged.pointer_mut(&field).unwrap();
        match place.clone() {
            Value::String(text) => {
                for (at, bit) in (0..text.len()).flat_map(|at| (0..7).map(move |bit| (at, bit))) {
                    let mut bytes = text.clone().into_bytes();
                    bytes[at] ^= 1 << bit;
                    let Ok(changed) = String::from_utf8(bytes) else { continue };
                    *forged.pointer_mut(&field).unwrap() = Value::String(changed.clone());
                    assert!(!accepted(&forged), "{field}: {changed}");
                }
            }
            Value::Number(n) => {
                for other in (0..40).filter(|&other| Some(other) != n.as_u64()) {
                    *forged.pointer_mut(&field).unwrap() = other.into();
                    assert!(!accepted(&forged), "{field}: {other}");
                }
            }
            other => panic!("{other}"),
        }
    }
    for field in ["path", "log_path"] {
        let mut forged = value.clone();
        let path = forged[field].as_array_mut().unwrap();
        let last = path.pop().unwrap();
        assert!(!accepted(&forged), "shorter {field}");
        let path = forged[field].as_array_mut().unwrap();
        path.extend([last.clone(), last]);
        assert!(!accepted(&forged), "longer {field}");
    }
    let mut forged = value.clone();
    forged["more"] = "".into();
    assert!(!accepted(&forged), "an unknown field");
}

#[tokio::test]
async fn parts_of_several_proofs_do_not_make_another() {
    let folder = tempfile::tempdir().unwrap();
    let store = template(folder.path()).await;
    let a = serde_json::to_value(prove(&store, 3, 2, 5).await.unwrap().unwrap()).unwrap();
    let b = serde_json::to_value(prove(&store, 4, 3, 4).await.unwrap().unwrap()).unwrap();
    for (name, other) in b.as_object().unwrap() {
        let mut forged = a.clone();
        if forged[name] == *other {
            continue;
        }
        forged[name] = other.clone();
        let proof = Proof::parse(forged.to_string().as_bytes()).unwrap();
        assert!(proof.check().is_err(), "{name} of another proof");
    }
}

proptest! {
    #[test]
    fn anything_is_a_proof_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Proof::parse(&bytes).is_err());
        let text = bytes.escape_ascii().to_string();
        let json = serde_json::json!({
            "schema": "tidegate.proof/v1", "key": "a/b.c/d", "salt": "0".repeat(32), "body": text,
            "index": bytes.len(), "path": [], "manifest": text, "log_path": [], "checkpoint": text,
        });
        let proof = Proof::parse(json.to_string().as_bytes()).unwrap();
        prop_assert!(proof.check().is_err());
    }
}
