//! The `.manifest` of a bundle: revision, roots and language version.
//!
//! Source: OPA bundle file format, OPA 1.10.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a bundle says about itself. Without a manifest a bundle owns the
/// whole namespace.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    #[serde(default)]
    pub(crate) revision: String,
    roots: Option<Vec<String>>,
    pub(crate) rego_version: Option<u8>,
    #[serde(default)]
    pub(crate) file_rego_versions: BTreeMap<String, u8>,
    #[serde(default)]
    pub(crate) wasm: Vec<serde_json::Value>,
    #[serde(default)]
    metadata: Metadata,
}

/// What others put here is theirs; `tidegate` is ours.
#[derive(Debug, Clone, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    tidegate: Own,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    /// Bundles whose packages this one imports.
    #[serde(default)]
    uses: Vec<String>,
}

impl Manifest {
    pub(crate) fn parse(text: &str) -> Result<Self, (u32, String)> {
        let manifest: Self = serde_json::from_str(text)
            .map_err(|e| (u32::try_from(e.line()).unwrap_or(1), e.to_string()))?;
        let v0 = manifest.file_rego_versions.values().chain(manifest.rego_version.iter());
        if v0.into_iter().any(|v| *v != 1) {
            return Err((1, "only `rego_version` 1 is supported".to_owned()));
        }
        if !manifest.wasm.is_empty() {
            return Err((1, "`wasm` modules are not supported".to_owned()));
        }
        Ok(manifest)
    }

    /// The names of the bundles that this one imports from.
    pub(crate) fn uses(&self) -> &[String] {
        &self.metadata.tidegate.uses
    }

    /// The parts of the namespace this bundle owns, slash-separated, without
    /// slashes at the ends; the empty root is all of it.
    pub(crate) fn roots(&self) -> Vec<String> {
        match &self.roots {
            Some(roots) if !roots.is_empty() => {
                roots.iter().map(|r| r.trim_matches('/').to_owned()).collect()
            }
            _ => vec![String::new()],
        }
    }

    /// Whether a path lies under a root.
    pub(crate) fn permits(&self, path: &[String]) -> bool {
        self.roots().iter().any(|root| is_prefix(root, path))
    }

    /// Whether a root lies under a path, so that part of what is there may be
    /// permitted.
    pub(crate) fn reaches(&self, path: &[String]) -> bool {
        self.roots().iter().any(|root| path.iter().eq(segments(root).take(path.len())))
    }
}

fn segments(root: &str) -> impl Iterator<Item = &str> {
    root.split('/').filter(|s| !s.is_empty())
}

fn is_prefix(root: &str, path: &[String]) -> bool {
    segments(root).enumerate().all(|(n, s)| path.get(n).is_some_and(|p| p == s))
}

/// Whether two roots claim the same path.
pub(crate) fn overlap(a: &str, b: &str) -> bool {
    segments(a).zip(segments(b)).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(p: &str) -> Vec<String> {
        p.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn roots_are_prefixes_of_whole_segments() {
        let m = Manifest::parse(r#"{"revision":"1","roots":["scs/iaas","lib"]}"#).unwrap();
        assert!(m.permits(&path("scs.iaas.flavors")));
        assert!(m.permits(&path("lib")));
        assert!(!m.permits(&path("scs")));
        assert!(m.reaches(&path("scs")));
        assert!(!m.permits(&path("scs.iaas2")));
        assert!(Manifest::parse("{}").unwrap().permits(&path("any")));
        assert!(overlap("a/b", "a"));
        assert!(overlap("", "a"));
        assert!(!overlap("a/b", "a/c"));
        assert!(!overlap("a/b", "a/bc"));
    }

    #[test]
    fn refuses_what_it_cannot_honour() {
        assert!(Manifest::parse(r#"{"rego_version":0}"#).is_err());
        assert!(Manifest::parse(r#"{"wasm":[{}]}"#).is_err());
        assert_eq!(Manifest::parse("{\n\"rootz\":[]}").unwrap_err().0, 2);
        assert!(Manifest::parse(r#"{"metadata":{"tidegate":{"use":[]}}}"#).is_err());
    }

    #[test]
    fn names_what_it_uses_among_the_metadata_of_others() {
        let m = r#"{"metadata":{"built_by":"ci","tidegate":{"uses":["lib"]}}}"#;
        assert_eq!(Manifest::parse(m).unwrap().uses(), ["lib"]);
    }
}
