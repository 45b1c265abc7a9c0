//! What a cloud answers: a folder of JSON bodies and an index of them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A recording that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// A file cannot be read.
    #[error("cannot read `{file}`")]
    Io {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file does not have the form of an index or a list.
    #[error("`{file}` is not as expected")]
    Json {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A file of the index is not there, or lacks the list named there.
    #[error("`{file}` is missing or has no list `{list}`")]
    NoList {
        /// The file.
        file: String,
        /// The member.
        list: String,
    },
}

/// Somebody who may sign in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// User name; also the user's id.
    pub user: String,
    /// The password.
    pub password: String,
    /// The project that a token without other scope is for; `None` for accounts
    /// that only use system scope.
    #[serde(default)]
    pub project: Option<String>,
    /// Role names.
    pub roles: Vec<String>,
    /// Id, name and secret of an application credential.
    #[serde(default)]
    pub application_credential: Option<(String, String, String)>,
}

/// The service under which an answer to ListBuckets is recorded. It is no entry
/// of the catalog: it is asked at the root of the object store's host.
pub(crate) const S3: &str = "s3";

/// A cloud that can be played back.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Region names, at least one. All regions give the same answers.
    pub regions: Vec<String>,
    /// Who may sign in.
    pub accounts: Vec<Account>,
    /// The most items on a page.
    pub max_page: usize,
    /// Newest microversion per service, such as `2.96`.
    pub microversions: BTreeMap<String, String>,
    /// Services that stand elsewhere: type and address, in the catalog of every
    /// region and interface.
    pub catalog: Vec<(String, String)>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) by_path: HashMap<(String, String), Vec<usize>>,
}

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) service: String,
    /// Below the version, without slashes at the ends.
    pub(crate) path: String,
    /// Parameters that the request must have.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    /// Only an admin is answered; others get 403.
    pub(crate) admin: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Whole(Bytes),
    List { key: String, items: Vec<Bytes>, ids: Vec<String>, place: HashMap<String, usize> },
}

/// Gives the bytes of a file by its name.
type Open<'a> = dyn Fn(&str) -> Result<Cow<'static, [u8]>, RecordingError> + 'a;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    /// For readers of the file.
    #[serde(rename = "about", default)]
    _about: String,
    regions: Vec<String>,
    max_page: usize,
    accounts: Vec<Account>,
    #[serde(default)]
    microversions: BTreeMap<String, String>,
    answers: Vec<IndexEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IndexEntry {
    service: String,
    path: String,
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    list: Option<String>,
    #[serde(default)]
    body: Option<Box<RawValue>>,
    #[serde(default)]
    admin: bool,
}

fn ok() -> u16 {
    200
}

impl Recording {
    /// An empty cloud.
    #[must_use]
    pub fn new(regions: &[&str], accounts: Vec<Account>) -> Self {
        Self {
            regions: regions.iter().map(|r| (*r).to_owned()).collect(),
            accounts,
            max_page: 1000,
            microversions: BTreeMap::new(),
            catalog: Vec::new(),
            entries: Vec::new(),
            by_path: HashMap::new(),
        }
    }

    /// The cloud that comes with tidegate: small, readable, and not as it
    /// should be in places.
    ///
    /// # Errors
    /// [`RecordingError`] if the bundled files are damaged (a test reads them).
    pub fn example() -> Result<Self, RecordingError> {
        Self::read(&|file| {
            crate::example::FILES
                .iter()
                .find(|(name, _)| *name == file)
                .map(|(_, bytes)| Cow::Borrowed(*bytes))
                .ok_or_else(|| RecordingError::NoList {
                    file: file.to_owned(),
                    list: String::new(),
                })
        })
    }

    /// Reads `index.json` of a folder and the files that it names.
    ///
    /// # Errors
    /// [`RecordingError`] naming the file.
    pub fn load(folder: &Path) -> Result<Self, RecordingError> {
        Self::read(&|file| {
            std::fs::read(folder.join(file))
                .map(Cow::Owned)
                .map_err(|source| RecordingError::Io { file: file.to_owned(), source })
        })
    }

    fn read(open: &Open<'_>) -> Result<Self, RecordingError> {
        let broken = |file: &str| {
            let file = file.to_owned();
            move |source| RecordingError::Json { file, source }
        };
        let index: Index =
            serde_json::from_slice(&open("index.json")?).map_err(broken("index.json"))?;
        let mut made = Self::new(&[], index.accounts);
        made.regions = index.regions;
        made.max_page = index.max_page.max(1);
        made.microversions = index.microversions;
        for entry in index.answers {
            let file = entry.file.as_deref().unwrap_or("index.json");
            let bytes = match (&entry.file, &entry.body) {
                (Some(file), _) => open(file)?.into_owned(),
                (None, Some(body)) => body.get().as_bytes().to_vec(),
                (None, None) => Vec::new(),
            };
            let body = match &entry.list {
                None => Body::Whole(Bytes::from(bytes)),
                Some(list) => {
                    let mut members: HashMap<String, Box<RawValue>> =
                        serde_json::from_slice(&bytes).map_err(broken(file))?;
                    let raw = members.remove(list).ok_or_else(|| RecordingError::NoList {
                        file: file.to_owned(),
                        list: list.clone(),
                    })?;
                    let items: Vec<Box<RawValue>> =
                        serde_json::from_str(raw.get()).map_err(broken(file))?;
                    list_of(list, items.iter().map(|i| Bytes::from(i.get().to_owned())).collect())
                }
            };
            made.push(Entry {
                service: entry.service,
                path: entry.path,
                query: entry.query.into_iter().collect(),
                status: entry.status,
                headers: entry.headers.into_iter().collect(),
                body,
                admin: entry.admin,
            });
        }
        Ok(made)
    }

    /// Adds a list: `items` are JSON objects, served in this order and in pages.
    pub fn list(&mut self, service: &str, path: &str, key: &str, items: Vec<Bytes>) -> &mut Self {
        self.answer(service, path, 200, list_of(key, items))
    }

    /// Adds an answer that is not paged.
    pub fn body(
        &mut self,
        service: &str,
        path: &str,
        status: u16,
        body: impl Into<Bytes>,
    ) -> &mut Self {
        self.answer(service, path, status, Body::Whole(body.into()))
    }

    /// Adds an answer that has headers and no body.
    pub fn headers(&mut self, service: &str, path: &str, headers: &[(&str, &str)]) -> &mut Self {
        self.answer(service, path, 200, Body::Whole(Bytes::new()));
        if let Some(entry) = self.entries.last_mut() {
            entry.headers = headers.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
        }
        self
    }

    fn answer(&mut self, service: &str, path: &str, status: u16, body: Body) -> &mut Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pairs = query.split('&').filter_map(|p| p.split_once('='));
        self.push(Entry {
            service: service.to_owned(),
            path: path.to_owned(),
            query: pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            status,
            headers: Vec::new(),
            body,
            admin: false,
        });
        self
    }

    fn push(&mut self, entry: Entry) {
        let at = (entry.service.clone(), entry.path.clone());
        self.by_path.entry(at).or_default().push(self.entries.len());
        self.entries.push(entry);
    }

    /// The services that have answers, sorted; those are in the catalog.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        let mut names: Vec<String> = self.entries.iter().map(|e| e.service.clone()).collect();
        names.push("identity".to_owned());
        names.retain(|n| n != S3);
        names.sort_unstable();
        names.dedup();
        names
    }

    /// How many items its lists hold, and their bytes.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let lists = self.entries.iter().filter_map(|e| match &e.body {
            Body::List { items, .. } => Some(items),
            Body::Whole(_) => None,
        });
        lists.flatten().fold((0, 0), |(n, bytes), item| (n + 1, bytes + item.len()))
    }

    /// The first answer whose parameters the request has; those that name more
    /// parameters come first.
    pub(crate) fn find(
        &self,
        service: &str,
        path: &str,
        query: &[(String, String)],
    ) -> Option<&Entry> {
        let at = self.by_path.get(&(service.to_owned(), path.to_owned()))?;
        let fits = |e: &&Entry| e.query.iter().all(|pair| query.contains(pair));
        at.iter().filter_map(|i| self.entries.get(*i)).filter(fits).max_by_key(|e| e.query.len())
    }
}

fn list_of(key: &str, items: Vec<Bytes>) -> Body {
    #[derive(Deserialize)]
    struct Marked {
        #[serde(alias = "uuid")]
        id: Option<serde_json::Value>,
    }
    let mut place = HashMap::new();
    let mut ids = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let id = serde_json::from_slice::<Marked>(item).ok().and_then(|m| m.id);
        let id = match id {
            Some(serde_json::Value::String(id)) => id,
            Some(other) => other.to_string(),
            None => at.to_string(),
        };
        place.insert(id.clone(), at);
        ids.push(id);
    }
    Body::List { key: key.to_owned(), items, ids, place }
}
