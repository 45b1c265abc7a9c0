//! Where a store is: a folder, or a prefix of a bucket.
//!
//! Of a bucket only the objects are shared. Index, lock and temporary files are
//! in a cache folder of this machine, one for each process that uses the bucket
//! at the same time; it can be deleted whenever nobody does.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path as FsPath, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::prefix::PrefixStore;
use tidegate_model::Digest;

use crate::StoreError;

/// The variables that count, as AWS's own tools know them. With one of the last
/// four the credentials come from elsewhere.
const VARIABLES: [&str; 12] = [
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_SESSION_TOKEN",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ROLE_ARN",
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];
const CREDENTIALS: usize = 8;
/// So many processes of one machine use a bucket at once.
const SLOTS: usize = 64;

/// A prefix of a bucket, with all that is needed to reach it.
#[derive(Clone)]
pub struct Bucket {
    url: String,
    name: String,
    prefix: String,
    endpoint: String,
    cache: PathBuf,
    builder: AmazonS3Builder,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bucket").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Bucket {
    /// Reads `s3://bucket/prefix`.
    ///
    /// `variables` is the environment: `AWS_ENDPOINT_URL`, `AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID` and the like are taken from it. The bucket's name is in
    /// the path of requests, as Ceph wants it, unless
    /// `AWS_VIRTUAL_HOSTED_STYLE_REQUEST` says otherwise. Without encryption it is
    /// reached only where the endpoint says `http`. `cache` is a folder on this
    /// machine, created if needed.
    ///
    /// # Errors
    /// [`StoreError::Bucket`] if the address is none, or credentials are missing.
    pub fn new(
        url: &str,
        cache: &FsPath,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, StoreError> {
        let wrong = |why: &str| StoreError::Bucket { url: Self::shown(url), why: why.to_owned() };
        let rest = url.strip_prefix("s3://").ok_or_else(|| wrong("write `s3://bucket/prefix`"))?;
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if name.is_empty() || name.contains(['?', '#', '@', ':']) {
            return Err(wrong("write `s3://bucket/prefix`"));
        }
        let set = |name: &&str| variables.get(*name).filter(|v| !v.is_empty());
        let known = VARIABLES.get(CREDENTIALS..).unwrap_or_default();
        // Without any, the library would ask a metadata service in the network.
        if !known.iter().any(|name| set(name).is_some()) {
            return Err(wrong("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"));
        }
        let mut builder = AmazonS3Builder::new().with_bucket_name(name);
        for name in VARIABLES {
            if let (Some(value), Ok(key)) =
                (set(&name), AmazonS3ConfigKey::from_str(&name.to_ascii_lowercase()))
            {
                builder = builder.with_config(key, value);
            }
        }
        let endpoint = set(&"AWS_ENDPOINT_URL_S3").or(set(&"AWS_ENDPOINT_URL"));
        let endpoint = endpoint.cloned().unwrap_or_default();
        builder = builder.with_allow_http(endpoint.starts_with("http://"));
        Ok(Self {
            url: url.to_owned(),
            name: name.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            endpoint,
            cache: cache.to_owned(),
            builder,
        })
    }

    /// An address of a bucket as it may be shown: without what stands before `@`,
    /// which is no bucket's name and may be a key, with slashes in it.
    #[must_use]
    pub fn shown(url: &str) -> String {
        let rest = url.strip_prefix("s3://").unwrap_or_default();
        let name = rest.split('/').next().unwrap_or_default();
        match rest.rsplit_once('@') {
            Some((_, rest)) if name.contains(['@', ':']) => format!("s3://[redacted]@{rest}"),
            Some(_) | None => url.to_owned(),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn connect(&self) -> Result<Arc<dyn ObjectStore>, StoreError> {
        let built = self.builder.clone().build();
        let bucket = built.map_err(|source| StoreError::Objects {
            action: "open",
            object: self.url.clone(),
            source,
        })?;
        Ok(if self.prefix.is_empty() {
            Arc::new(bucket)
        } else {
            Arc::new(PrefixStore::new(bucket, self.prefix.as_str()))
        })
    }

    /// The first cache folder of this bucket that no other process uses, with its
    /// lock.
    pub(crate) fn slot(&self) -> Result<(PathBuf, File), StoreError> {
        let id = format!("{}\n{}\n{}", self.endpoint, self.name, self.prefix);
        let id: String = Digest::of(id.as_bytes()).to_string().chars().take(16).collect();
        for n in 0..SLOTS {
            let folder = self.cache.join(&id).join(n.to_string());
            std::fs::create_dir_all(&folder).map_err(StoreError::io("create folder", &folder))?;
            let path = folder.join("lock");
            let file = File::options().create(true).truncate(false).write(true).open(&path);
            let file = file.map_err(StoreError::io("open", &path))?;
            match file.try_lock() {
                Ok(()) => return Ok((folder, file)),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(e)) => return Err(StoreError::io("lock", &path)(e)),
            }
        }
        Err(StoreError::Locked { path: self.cache.join(id) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, variables: &[(&str, &str)], expected: Result<(&str, &str), &str>) {
        let variables = variables.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let found = Bucket::new(url, FsPath::new("cache"), &variables);
        let found = found.as_ref().map(|b| (b.name.as_str(), b.prefix.as_str()));
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(e), Err(expected)) => assert!(e.to_string().contains(expected), "{e}"),
            (found, _) => panic!("{url}: {found:?}"),
        }
    }

    #[test]
    fn an_address_and_credentials_are_needed() {
        let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
        check("s3://b/p/q/", &keys, Ok(("b", "p/q")));
        check("s3://b", &keys, Ok(("b", "")));
        check("s3:///p", &keys, Err("write `s3://bucket/prefix`"));
        check("s3://user@b/p", &keys, Err("write `s3://bucket/prefix`"));
        check("s3://key:hunter2@b/p", &keys, Err("`s3://[redacted]@b/p`"));
        check("s3://key:hun/ter2@b/p", &keys, Err("`s3://[redacted]@b/p`"));
        check("s3://b/p@q", &keys, Ok(("b", "p@q")));
        check("s3://b/p", &[], Err("set AWS_ACCESS_KEY_ID"));
        check("s3://b/p", &[("AWS_ACCESS_KEY_ID", "")], Err("set AWS_ACCESS_KEY_ID"));
    }
}
