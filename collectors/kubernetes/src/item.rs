//! From the bytes of a page to resources.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tidegate_model::{Kind, Resource, ResourceKey, Timestamp, canonical};
use tidegate_redact::RedactionKey;

use crate::discovery::ApiResource;
use crate::redact::Cleaner;
use crate::request::ListMeta;

/// The system of all keys.
pub(crate) const SYSTEM: &str = "kubernetes";

/// A page of a list, its items uncut.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<'a> {
    #[serde(default)]
    pub(crate) metadata: ListMeta,
    /// Without the member it is no list.
    #[serde(borrow, default, deserialize_with = "nullable")]
    items: Option<Vec<&'a RawValue>>,
}

/// An empty list of Go may be `null`.
fn nullable<'a, D>(from: D) -> Result<Option<Vec<&'a RawValue>>, D::Error>
where
    D: serde::Deserializer<'a>,
{
    Ok(Some(Option::deserialize(from)?.unwrap_or_default()))
}

impl<'a> Page<'a> {
    /// Reads an answer; the error is one clause.
    pub(crate) fn read(body: &'a Bytes) -> Result<Self, String> {
        let page: Self = serde_json::from_slice(body).map_err(|e| not_json(&e, body))?;
        match page.items {
            Some(_) => Ok(page),
            None => Err("the answer has no member `items`".to_owned()),
        }
    }

    pub(crate) fn items(&self) -> impl ExactSizeIterator<Item = &'a RawValue> {
        self.items.iter().flatten().copied().collect::<Vec<_>>().into_iter()
    }

    /// The token of the next page; the last one has none, or an empty one.
    pub(crate) fn next(&self) -> Option<String> {
        self.metadata.next.clone().filter(|t| !t.is_empty())
    }
}

fn not_json(e: &serde_json::Error, body: &[u8]) -> String {
    match e.classify() {
        serde_json::error::Category::Eof => {
            format!("the answer breaks off after {} bytes", body.len())
        }
        _ if body.trim_ascii_start().starts_with(b"<") => {
            "the answer is HTML in the place of JSON".to_owned()
        }
        _ => "the answer is not the JSON expected".to_owned(),
    }
}

/// Everything about the objects of a list that is the same for all of them.
pub(crate) struct Origin<'a> {
    pub(crate) kind: &'a Kind,
    pub(crate) source: &'a Arc<str>,
    pub(crate) read_at: Timestamp,
    cleaner: Cleaner<'a>,
    /// `{"apiVersion":…,"kind":…`, without the end.
    head: String,
}

impl<'a> Origin<'a> {
    pub(crate) fn new(
        resource: &ApiResource,
        kind: &'a Kind,
        source: &'a Arc<str>,
        read_at: Timestamp,
        key: Option<&'a RedactionKey>,
    ) -> Self {
        let version = match resource.group.as_str() {
            "" => resource.version.clone(),
            group => format!("{group}/{}", resource.version),
        };
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let head =
            format!("{{\"apiVersion\":{},\"kind\":{}", quoted(&version), quoted(&resource.kind));
        let cleaner = Cleaner::new(&resource.group, kind.as_str(), key);
        Self { kind, source, read_at, cleaner, head }
    }

    /// Makes a resource of an object of the list. The error is one clause.
    pub(crate) fn resource(
        &self,
        item: &RawValue,
        buffer: &mut String,
    ) -> Result<Resource, String> {
        let rest = item.get().trim_start().strip_prefix('{').map(str::trim_start);
        let Some(rest) = rest else { return Err("an item is no object".to_owned()) };
        buffer.clear();
        buffer.push_str(&self.head);
        if !rest.starts_with('}') {
            buffer.push(',');
        }
        buffer.push_str(rest);
        let body = canonical(buffer.as_bytes(), &self.cleaner);
        let found = self.cleaner.take();
        let body = body.map_err(|e| format!("an item is not usable: {e}"))?;
        if found.name.is_empty() {
            return Err("an item has no `metadata.name`".to_owned());
        }
        let namespace = Some(found.namespace).filter(|n| !n.is_empty());
        let id = [namespace.as_deref().unwrap_or("-"), &found.name];
        Ok(Resource {
            key: ResourceKey::build(SYSTEM, self.kind, &id),
            kind: self.kind.clone(),
            region: None,
            project: namespace.map(Arc::from),
            name: Some(Arc::from(found.name)),
            body: Arc::from(body),
            source: self.source.clone(),
            read_at: self.read_at,
        })
    }
}
