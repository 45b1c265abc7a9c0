//! From the bytes of a page to resources.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use tidegate_model::{Digest, Kind, Resource, ResourceKey, Timestamp, canonical};
use tidegate_redact::RedactionKey;

use crate::kind::{Id, Row, Shape};
use crate::redact::{Cleaner, Found};

/// One answer, cut into items without copying.
pub(crate) struct Cut {
    pub(crate) items: Vec<Range<usize>>,
    /// The query of the next page, if the answer names one.
    pub(crate) next: Option<String>,
    /// Keystone's confession that it cut the list off.
    pub(crate) truncated: bool,
}

/// Cuts an answer; the error is one clause.
pub(crate) fn cut(row: &Row, body: &Bytes) -> Result<Cut, String> {
    if row.shape == Shape::Whole {
        let raw: &RawValue = serde_json::from_slice(body).map_err(|e| not_json(&e, body))?;
        let empty = raw.get().trim() == "{}";
        let items = if empty { Vec::new() } else { vec![range(body, raw)] };
        return Ok(Cut { items, next: None, truncated: false });
    }
    if row.shape == Shape::Bare {
        let items: Vec<&RawValue> = match body.is_empty() {
            true => Vec::new(),
            false => serde_json::from_slice(body).map_err(|e| not_json(&e, body))?,
        };
        let items = items.iter().map(|raw| range(body, raw)).collect();
        return Ok(Cut { items, next: None, truncated: false });
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let page = serde::Deserializer::deserialize_map(&mut reader, PageVisitor { row })
        .and_then(|page| reader.end().map(|()| page))
        .map_err(|e| not_json(&e, body))?;
    let Some(items) = page.items else {
        return Err(format!("the answer has no member `{}`", row.list));
    };
    Ok(Cut {
        items: items.iter().map(|raw| range(body, raw)).collect(),
        next: page.next.and_then(|link| Some(link.split_once('?')?.1.to_owned())),
        truncated: page.truncated,
    })
}

fn not_json(e: &serde_json::Error, body: &[u8]) -> String {
    let html = body.trim_ascii_start().starts_with(b"<");
    match e.classify() {
        serde_json::error::Category::Eof => {
            format!("the answer breaks off after {} bytes", body.len())
        }
        _ if html => "the answer is HTML in the place of JSON".to_owned(),
        _ => "the answer is not the JSON expected".to_owned(),
    }
}

/// Where a borrowed value stands in the bytes it was read from.
fn range(body: &Bytes, raw: &RawValue) -> Range<usize> {
    let from = (raw.get().as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    from..from + raw.get().len()
}

struct Page<'a> {
    items: Option<Vec<&'a RawValue>>,
    next: Option<String>,
    truncated: bool,
}

struct PageVisitor<'r> {
    row: &'r Row,
}

#[derive(Deserialize)]
struct Link {
    rel: String,
    href: String,
}

/// `links` is an object in Keystone and Designate, a list elsewhere.
#[derive(Deserialize)]
#[serde(untagged)]
enum Links {
    Named { next: Option<String> },
    Listed(Vec<Link>),
    Other(IgnoredAny),
}

impl Links {
    fn next(self) -> Option<String> {
        match self {
            Self::Named { next } => next,
            Self::Listed(links) => links.into_iter().find(|l| l.rel == "next").map(|l| l.href),
            Self::Other(_) => None,
        }
    }
}

impl<'de> Visitor<'de> for PageVisitor<'_> {
    type Value = Page<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an answer with a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut page = Page { items: None, next: None, truncated: false };
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match key.as_ref() {
                key if key == self.row.list => {
                    page.items = Some(match self.row.shape {
                        Shape::List | Shape::Bare => map.next_value()?,
                        Shape::One | Shape::Whole => vec![map.next_value()?],
                        Shape::Wrapped(inside) => {
                            let wrapped: Vec<HashMap<String, &'de RawValue>> = map.next_value()?;
                            wrapped.into_iter().filter_map(|mut w| w.remove(inside)).collect()
                        }
                    });
                }
                "next" => page.next = map.next_value::<Option<String>>()?,
                "truncated" => page.truncated = map.next_value::<Option<bool>>()?.unwrap_or(false),
                key if key == "links" || key.ends_with("_links") => {
                    page.next = map.next_value::<Links>()?.next();
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(page)
    }
}

/// Everything about a page's items that is the same for all of them.
pub(crate) struct Origin<'a> {
    pub(crate) row: &'static Row,
    pub(crate) kind: &'a Kind,
    pub(crate) source: &'a Arc<str>,
    pub(crate) region: Option<&'a Arc<str>>,
    pub(crate) parent: Option<&'a str>,
    pub(crate) read_at: Timestamp,
    pub(crate) key: Option<&'a RedactionKey>,
}

impl Origin<'_> {
    /// Makes resources of the items of a page. An item that cannot be used is
    /// left out; the first reason is told, in one clause.
    pub(crate) fn resources<'b>(
        &self,
        items: impl ExactSizeIterator<Item = &'b [u8]>,
    ) -> (Vec<Resource>, Option<String>) {
        let cleaner = Cleaner::new(self.row, self.key);
        let mut made: Vec<Resource> = Vec::with_capacity(items.len());
        let mut problem = None;
        // Two items that are equal in all, and have no id, say the same thing.
        let mut said = HashSet::new();
        for raw in items {
            match self.resource(&cleaner, raw, &[]) {
                Ok(resource)
                    if resource.key.id().starts_with(BY_CONTENT)
                        && !said.insert(resource.key.clone()) => {}
                Ok(resource) => made.push(resource),
                Err(why) => problem = problem.or(Some(why)),
            }
        }
        (made, problem)
    }

    /// Makes a resource of one item; `facts` are put into `body.tidegate`.
    pub(crate) fn resource(
        &self,
        cleaner: &Cleaner<'_>,
        raw: &[u8],
        facts: &[(&str, String)],
    ) -> Result<Resource, String> {
        let mut body =
            canonical(raw, cleaner).map_err(|e| format!("an item is not usable: {e}"))?;
        let mut found = cleaner.take();
        for name in self.row.unordered {
            sort_texts(&mut body, name);
        }
        let mut facts = facts.to_vec();
        facts.extend(self.row.told.zip(self.parent).map(|(name, id)| (name, quoted(id))));
        facts.extend(found.user_data.map(|looks| ("user_data", quoted(looks))));
        if !facts.is_empty() {
            body = with_facts(&body, &facts)?;
        }
        let id = self.id(&mut found, &body)?;
        let mut segments = vec![self.region.map_or("-", |r| r.as_ref())];
        segments.extend(id.iter().map(String::as_str));
        // What is read once per project is that project's.
        let per_project = self.row.parent == Some("identity.project");
        let project = found.project.or_else(|| self.parent.filter(|_| per_project).map(Into::into));
        Ok(Resource {
            key: ResourceKey::build("openstack", self.kind, &segments),
            kind: self.kind.clone(),
            region: self.region.cloned(),
            project: project.map(Arc::from),
            name: found.name.map(Arc::from),
            body: Arc::from(body),
            source: self.source.clone(),
            read_at: self.read_at,
        })
    }

    fn id(&self, found: &mut Found, body: &str) -> Result<Vec<String>, String> {
        let parent =
            || self.parent.map(str::to_owned).ok_or_else(|| "an item has no parent".to_owned());
        let (mut id, fields) = match self.row.id {
            Id::Fields(fields) | Id::OrContent(fields) => (Vec::new(), fields),
            Id::Parent => return Ok(vec![parent()?]),
            Id::ParentAnd(fields) => (vec![parent()?], fields),
            Id::Assignment => return assignment(body),
        };
        for (at, field) in fields.iter().enumerate() {
            let text = found.id.get_mut(at).and_then(Option::take);
            let value = match text {
                Some(text) => text,
                None => match (lookup(body, field), self.row.id) {
                    (Some(value), _) => value,
                    (None, Id::OrContent(_)) => return Ok(vec![by_content(body)]),
                    (None, _) => {
                        return Err(format!("an item has no `{}`", field.trim_start_matches('/')));
                    }
                },
            };
            // A reference is an address that ends in the id.
            let value = match field.ends_with("_ref").then(|| value.rsplit_once('/')).flatten() {
                Some((_, last)) => last.to_owned(),
                None => value,
            };
            id.push(value);
        }
        Ok(id)
    }
}

/// The id of an item that brings none.
pub(crate) fn by_content(body: &str) -> String {
    let mut text = Digest::of(body.as_bytes()).to_string();
    text.truncate(32);
    format!("{BY_CONTENT}{text}")
}

/// How such an id begins.
const BY_CONTENT: &str = "sha256-";

/// A number or text member, as text.
pub(crate) fn lookup(body: &str, pointer: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(body).ok()?;
    match value.pointer(pointer)? {
        serde_json::Value::String(s) => Some(s.clone()),
        serde_json::Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

/// Puts an array of plain texts into order, in the canonical text itself.
fn sort_texts(body: &mut String, name: &str) {
    let head = format!("\"{name}\":[");
    let Some(from) = body.find(&head).map(|at| at + head.len()) else { return };
    let Some(list) = body.get(from..).and_then(|rest| rest.split(']').next()) else { return };
    let plain = list.starts_with('"') && !list.contains(['\\', '{', '[']);
    let mut texts: Vec<&str> = list.split(',').collect();
    if !plain || texts.is_sorted() || texts.iter().any(|t| !t.ends_with('"')) {
        return;
    }
    texts.sort_unstable();
    let (list, sorted) = (from..from + list.len(), texts.join(","));
    body.replace_range(list, &sorted);
}

/// A JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

/// Adds the member `tidegate`; values are JSON.
pub(crate) fn with_facts(body: &str, facts: &[(&str, String)]) -> Result<String, String> {
    let members: Vec<String> = facts.iter().map(|(k, v)| format!("{}:{v}", quoted(k))).collect();
    let rest = body.strip_prefix('{').unwrap_or_default();
    let comma = if rest == "}" { "" } else { "," };
    let text = format!("{{\"tidegate\":{{{}}}{comma}{rest}", members.join(","));
    canonical(text.as_bytes(), &()).map_err(|e| format!("an item is not usable: {e}"))
}

/// The id of a role assignment: `user:<id>` or `group:<id>`, then
/// `project:<id>`, `domain:<id>` or `system:all`, then the role, then what
/// inherits it.
fn assignment(body: &str) -> Result<Vec<String>, String> {
    #[derive(Deserialize)]
    struct Ref {
        id: String,
    }
    #[derive(Deserialize)]
    struct Scope {
        project: Option<Ref>,
        domain: Option<Ref>,
        system: Option<IgnoredAny>,
        #[serde(rename = "OS-INHERIT:inherited_to")]
        inherited: Option<String>,
    }
    #[derive(Deserialize)]
    struct Assignment {
        user: Option<Ref>,
        group: Option<Ref>,
        role: Ref,
        scope: Scope,
    }
    let a: Assignment = serde_json::from_str(body)
        .map_err(|_| "a role assignment is not as expected".to_owned())?;
    let actor = match (a.user, a.group) {
        (Some(user), _) => format!("user:{}", user.id),
        (None, Some(group)) => format!("group:{}", group.id),
        (None, None) => return Err("a role assignment has no actor".to_owned()),
    };
    let scope = match (a.scope.project, a.scope.domain, a.scope.system) {
        (Some(project), _, _) => format!("project:{}", project.id),
        (None, Some(domain), _) => format!("domain:{}", domain.id),
        (None, None, Some(_)) => "system:all".to_owned(),
        (None, None, None) => return Err("a role assignment has no scope".to_owned()),
    };
    Ok([Some(actor), Some(scope), Some(a.role.id), a.scope.inherited]
        .into_iter()
        .flatten()
        .collect())
}

#[cfg(test)]
#[path = "item_tests.rs"]
mod tests;
