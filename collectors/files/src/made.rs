//! From what was read to what a collector hands over.

use std::sync::Arc;

use tidegate_model::{
    Collected, Kind, KindCoverage, Resource, ResourceKey, Rewrite, Status, Timestamp, Visibility,
};
use tidegate_redact::{RedactionKey, mark, secret_text};

/// One kind while it is gathered.
pub(crate) struct Gathered {
    system: &'static str,
    source: Arc<str>,
    kind: Kind,
    read_at: Timestamp,
    resources: Vec<Resource>,
    problems: Vec<String>,
}

impl Gathered {
    /// `None` if `kind` does not have the form of one.
    pub(crate) fn new(
        system: &'static str,
        source: &str,
        kind: &str,
        read_at: Timestamp,
    ) -> Option<Self> {
        let kind = Kind::new(kind).ok()?;
        let source = Arc::from(source);
        Some(Self { system, source, kind, read_at, resources: Vec::new(), problems: Vec::new() })
    }

    /// Takes one resource; `body` is canonical JSON, `id` what follows the `-`
    /// in the place of a region.
    pub(crate) fn put(&mut self, id: &[&str], name: &str, body: String) {
        let mut segments = vec!["-"];
        segments.extend(id);
        self.resources.push(Resource {
            key: ResourceKey::build(self.system, &self.kind, &segments),
            kind: self.kind.clone(),
            region: None,
            project: None,
            name: Some(Arc::from(name)),
            body: Arc::from(body),
            source: self.source.clone(),
            read_at: self.read_at,
        });
    }

    /// Notes what could not be read, in one clause. The kind is Failed then.
    pub(crate) fn problem(&mut self, why: String) {
        self.problems.push(why);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.problems.is_empty()
    }

    /// The page, if there is anything, and the coverage after it.
    pub(crate) fn into_collected(self) -> Vec<Collected> {
        let count = self.resources.len() as u64;
        let status = match self.problems.as_slice() {
            [] => Status::Complete { count },
            [one] => Status::Failed { reason: one.clone() },
            [first, rest @ ..] => {
                Status::Failed { reason: format!("{first}; and {} more", rest.len()) }
            }
        };
        let page = (count > 0).then_some(Collected::Page(self.resources));
        let coverage = Collected::Coverage(KindCoverage {
            source: self.source,
            region: None,
            kind: self.kind,
            status,
            visibility: Visibility::All,
            read_from: self.read_at,
            read_until: self.read_at,
        });
        page.into_iter().chain([coverage]).collect()
    }
}

/// Replaces what looks like a secret in any text of a body.
pub(crate) struct Clean<'a> {
    pub(crate) key: Option<&'a RedactionKey>,
}

impl Rewrite for Clean<'_> {
    fn text(&self, _: &str, text: &str) -> Option<String> {
        Some(mark(secret_text(text)?, text, self.key))
    }
}
