//! OPA bundles: a folder or a `.tar.gz` with Rego modules, data and a manifest.
//!
//! ```text
//! .manifest                 revision, roots
//! scs/flavors/name.rego     a rule: METADATA, `verdict`, `violations`
//! scs/flavors/name_test.rego   tests, never part of a rule set
//! scs/flavors/cases.yaml    its cases (`cases`)
//! scs/flavors/data.yaml     data at `data.scs.flavors`
//! who.cedar, who.cedarschema   Cedar policies and their schema (`cedar`)
//! scope-v5.yaml             certificate scopes (`scope`)
//! queries/open-ports.sql    SQL to ask a store with
//! ```
//!
//! Reading a bundle checks its form and its roots. What its rules say is
//! checked by [`crate::RuleSet::compile`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use regorus::Value;

use crate::archive::{MAX_BYTES, MAX_FILES, clean, unpack};
use crate::cedar::Source;
use crate::differences::{self, Difference};
use crate::error::{Fault, LoadError};
use crate::manifest::Manifest;
use crate::module::Module;

/// How deep folders may nest.
const MAX_DEPTH: usize = 32;

/// A bundle as read: its modules parsed, its data merged.
#[derive(Debug)]
pub struct Bundle {
    pub(crate) name: String,
    pub(crate) manifest: Manifest,
    pub(crate) modules: Vec<Module>,
    /// Each data file with the path it is merged at.
    pub(crate) data: Vec<DataFile>,
    /// Cedar policies, in order of path.
    pub(crate) policies: Vec<Source>,
    /// Cedar schemas.
    pub(crate) schemas: Vec<Source>,
    /// Files of cases, by path.
    pub(crate) cases: BTreeMap<String, String>,
    scopes: BTreeMap<String, String>,
    queries: BTreeMap<String, String>,
    differences: Vec<Difference>,
}

#[derive(Debug)]
pub(crate) struct DataFile {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) at: Vec<String>,
    pub(crate) value: Value,
}

impl Bundle {
    /// Reads a bundle from a folder or a `.tar.gz`. Its name is the folder's,
    /// or the archive's without the ending.
    ///
    /// Hidden files and folders other than `.manifest` are passed over.
    ///
    /// # Errors
    /// [`LoadError`] if it cannot be read or its form is wrong.
    pub fn from_path(path: &Path) -> Result<Self, LoadError> {
        let read =
            |e: std::io::Error| LoadError::Read { path: path.to_owned(), source: Arc::new(e) };
        let whole = path.canonicalize().map_err(read)?;
        let file_name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if whole.is_dir() {
            let mut files = BTreeMap::new();
            let mut total = 0;
            walk(&whole, "", 0, &mut files, &mut total).map_err(read)?;
            return Self::from_files(&file_name, files);
        }
        let name = [".tar.gz", ".tgz"].iter().find_map(|e| file_name.strip_suffix(e));
        let name = name.unwrap_or(&file_name).to_owned();
        if std::fs::metadata(&whole).map_err(read)?.len() > MAX_BYTES {
            let problem = format!("it is larger than {MAX_BYTES} bytes");
            return Err(LoadError::Archive { bundle: name, problem });
        }
        let files = unpack(&name, &std::fs::read(&whole).map_err(read)?)?;
        Self::from_files(&name, files)
    }

    /// Builds a bundle from files already in memory: relative path → bytes.
    ///
    /// # Errors
    /// [`LoadError`] if a path leads out of the bundle, a file that counts is
    /// not UTF-8, does not parse, or lies outside the manifest's roots.
    pub fn from_files(
        name: &str,
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<Self, LoadError> {
        let mut bundle = Self {
            name: name.to_owned(),
            manifest: Manifest::default(),
            modules: Vec::new(),
            data: Vec::new(),
            policies: Vec::new(),
            schemas: Vec::new(),
            cases: BTreeMap::new(),
            scopes: BTreeMap::new(),
            queries: BTreeMap::new(),
            differences: Vec::new(),
        };
        let mut faults = Vec::new();
        let mut sorted = BTreeMap::new();
        for (path, bytes) in files {
            match clean(&path) {
                Some(clean) => drop(sorted.insert(clean, bytes)),
                None => faults.push(Fault::new(name, &path, None, "the path leads out")),
            }
        }
        for (path, bytes) in sorted {
            if let Err(fault) = bundle.take(&path, bytes) {
                faults.push(fault);
            }
        }
        bundle.check_roots(&mut faults);
        if faults.is_empty() { Ok(bundle) } else { Err(LoadError::Faults(faults)) }
    }

    /// The name that findings and errors show.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The manifest's revision, or empty.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.manifest.revision
    }

    /// The names of the bundles whose packages this one imports: what has to
    /// be compiled with it. The manifest's `metadata.tidegate.uses`.
    #[must_use]
    pub fn uses(&self) -> &[String] {
        self.manifest.uses()
    }

    /// The files named `scope*.yaml`, path → text, for [`crate::Scope::parse`].
    #[must_use]
    pub fn scopes(&self) -> &BTreeMap<String, String> {
        &self.scopes
    }

    /// The files `queries/NAME.sql`, name → text.
    #[must_use]
    pub fn queries(&self) -> &BTreeMap<String, String> {
        &self.queries
    }

    /// Where its rules answer otherwise than the official test of a standard,
    /// and why: the file `known-differences.yaml`, in its order.
    #[must_use]
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }

    fn take(&mut self, path: &str, bytes: Vec<u8>) -> Result<(), Fault> {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes)
                .map_err(|_| Fault::new(&self.name, path, None, "the file is not UTF-8"))
        };
        match file {
            ".manifest" if folder.is_empty() => {
                self.manifest = Manifest::parse(&text(bytes)?)
                    .map_err(|(line, problem)| Fault::new(&self.name, path, line, problem))?;
            }
            "patch.json" if folder.is_empty() => {
                return Err(Fault::new(&self.name, path, None, "delta bundles are not supported"));
            }
            "data.json" | "data.yaml" | "data.yml" => {
                let text = text(bytes)?;
                let value = parse_data(file, &text)
                    .map_err(|(line, problem)| Fault::new(&self.name, path, line, problem))?;
                let at = folder.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect();
                self.data.push(DataFile { path: path.to_owned(), text, at, value });
            }
            _ if file.ends_with(".rego") => {
                self.modules.push(Module::parse(&self.name, path, &text(bytes)?)?);
            }
            _ if file.ends_with(".cedar") => {
                self.policies.push(Source { path: path.to_owned(), text: text(bytes)? });
            }
            _ if file.ends_with(".cedarschema") => {
                self.schemas.push(Source { path: path.to_owned(), text: text(bytes)? });
            }
            _ if is_cases(file) => {
                self.cases.insert(path.to_owned(), text(bytes)?);
            }
            "known-differences.yaml" if folder.is_empty() => {
                self.differences = differences::parse(&text(bytes)?)
                    .map_err(|(line, problem)| Fault::new(&self.name, path, line, problem))?;
            }
            _ if folder == "queries" && file.ends_with(".sql") => {
                let name = file.trim_end_matches(".sql").to_owned();
                self.queries.insert(name, text(bytes)?);
            }
            _ if file.starts_with("scope") && is_yaml(file) => {
                self.scopes.insert(path.to_owned(), text(bytes)?);
            }
            _ => {}
        }
        Ok(())
    }

    fn check_roots(&self, faults: &mut Vec<Fault>) {
        let denied = |path: &[String]| {
            let roots = self.manifest.roots().join("`, `");
            format!("manifest roots `{roots}` do not permit `{}`", path.join("/"))
        };
        for module in &self.modules {
            if !self.manifest.permits(&module.package) {
                let line = module.tree.package.span.line;
                faults.push(Fault::new(&self.name, &module.path, line, denied(&module.package)));
            }
        }
        for file in &self.data {
            if let Some(path) = self.outside(&file.at, &file.value) {
                faults.push(Fault::new(&self.name, &file.path, None, denied(&path)));
            }
        }
    }

    /// The first path in a data file that no root permits.
    fn outside(&self, at: &[String], value: &Value) -> Option<Vec<String>> {
        if self.manifest.permits(at) {
            return None;
        }
        match value {
            Value::Object(members) if self.manifest.reaches(at) => {
                members.iter_sorted().find_map(|(key, value)| {
                    let mut path = at.to_vec();
                    path.push(key.as_string().map(|k| k.to_string()).unwrap_or_default());
                    self.outside(&path, value)
                })
            }
            _ => Some(at.to_vec()),
        }
    }
}

fn is_yaml(file: &str) -> bool {
    file.ends_with(".yaml") || file.ends_with(".yml")
}

/// `cases.yaml`, or `name.cases.yaml` / `name_cases.yaml` beside `name.rego`.
fn is_cases(file: &str) -> bool {
    let stem = file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml"));
    stem.is_some_and(|s| s == "cases" || s.ends_with(".cases") || s.ends_with("_cases"))
}

fn parse_data(file: &str, text: &str) -> Result<Value, (Option<u32>, String)> {
    let value = if is_yaml(file) {
        if let Some(problem) = tidegate_model::unreasonable_yaml(text) {
            return Err((None, problem));
        }
        let value: serde_json::Value = yaml_serde::from_str(text).map_err(|e| yaml_error(&e))?;
        Value::from(value)
    } else {
        Value::from_json_str(text).map_err(|e| (None, e.to_string()))?
    };
    match value {
        Value::Object(_) => Ok(value),
        _ => Err((None, "data must be an object".to_owned())),
    }
}

/// Line and text of a YAML error.
pub(crate) fn yaml_error(e: &yaml_serde::Error) -> (Option<u32>, String) {
    let line = e.location().and_then(|l| u32::try_from(l.line()).ok());
    (line, e.to_string())
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut BTreeMap<String, Vec<u8>>,
    total: &mut u64,
) -> std::io::Result<()> {
    let too_much = |what: &str| Err(std::io::Error::other(what));
    if depth > MAX_DEPTH {
        return too_much("its folders are nested too deeply");
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let file = entry.file_name().to_string_lossy().into_owned();
        if file.starts_with('.') && !(prefix.is_empty() && file == ".manifest") {
            continue;
        }
        let path = if prefix.is_empty() { file } else { format!("{prefix}/{file}") };
        // Follows links, as mounted ConfigMaps need it.
        let meta = std::fs::metadata(entry.path())?;
        if meta.is_dir() {
            walk(&entry.path(), &path, depth + 1, files, total)?;
        } else if meta.is_file() {
            *total += meta.len();
            if *total > MAX_BYTES || files.len() >= MAX_FILES {
                return too_much("it holds too much");
            }
            files.insert(path, std::fs::read(entry.path())?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ruleset::tests::RULE;

    fn bundle(files: &[(&str, &str)]) -> Result<Bundle, LoadError> {
        Bundle::from_files("b", files.iter().map(|(p, t)| ((*p).to_owned(), t.as_bytes().to_vec())))
    }

    #[track_caller]
    fn fails(files: &[(&str, &str)], expected: &str) {
        let error = bundle(files).unwrap_err().to_string();
        assert_eq!(error, expected);
    }

    #[test]
    fn takes_modules_data_and_cases_apart() {
        let b = bundle(&[
            (".manifest", r#"{"revision":"7","roots":["a"]}"#),
            ("a/x.rego", "package a.x"),
            ("a/data.yaml", "k: [1, {z: yes}]"),
            ("a/cases.yaml", "- name: one"),
            ("a/x.cases.yaml", "[]"),
            ("scope-v5.yaml", "name: x"),
            ("queries/one.sql", "SELECT 1"),
            ("a/two.sql", "SELECT 2"),
            ("README.md", "hi"),
            ("other.json", "not json"),
        ])
        .unwrap();
        assert_eq!((b.revision(), b.modules.len(), b.data.len(), b.cases.len()), ("7", 1, 1, 2));
        assert_eq!(b.data[0].at, ["a"]);
        assert_eq!(b.scopes().len(), 1);
        assert_eq!(b.queries().iter().collect::<Vec<_>>(), [(&"one".into(), &"SELECT 1".into())]);
    }

    #[test]
    fn roots_bind_modules_and_data() {
        let manifest = (".manifest", r#"{"roots":["a/b"]}"#);
        fails(
            &[manifest, ("x.rego", "package a.c")],
            "bundle `b`: x.rego:1: manifest roots `a/b` do not permit `a/c`",
        );
        fails(
            &[manifest, ("data.json", r#"{"a":{"b":{},"z":1}}"#)],
            "bundle `b`: data.json: manifest roots `a/b` do not permit `a/z`",
        );
        assert!(bundle(&[manifest, ("data.json", r#"{"a":{"b":{"q":1}}}"#)]).is_ok());
        assert!(bundle(&[manifest, ("a/data.json", r#"{"b":1}"#)]).is_ok());
    }

    #[test]
    fn errors_name_the_file_and_the_line() {
        let error = bundle(&[("a/x.rego", "package a\nx := {\n"), ("a/data.json", "[1]")]);
        let error = error.unwrap_err();
        assert_eq!(error.faults().len(), 2);
        assert_eq!(
            error.faults()[0].to_string(),
            "bundle `b`: a/data.json: data must be an object"
        );
        assert_eq!(error.faults()[1].file, "a/x.rego");
        assert!(error.faults()[1].line.is_some());
        fails(&[("../x.rego", "package a")], "bundle `b`: ../x.rego: the path leads out");
    }

    #[test]
    fn folder_and_archive_give_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("mine");
        std::fs::create_dir_all(root.join("a/.git")).unwrap();
        std::fs::write(root.join("a/x.rego"), "package a").unwrap();
        std::fs::write(root.join("a/.git/y.rego"), "garbage").unwrap();
        let folder = Bundle::from_path(&root).unwrap();
        let tar = crate::archive::tests::pack(&[("/a/x.rego", b"package a")]);
        std::fs::write(dir.path().join("mine.tar.gz"), tar).unwrap();
        let archive = Bundle::from_path(&dir.path().join("mine.tar.gz")).unwrap();
        for b in [folder, archive] {
            assert_eq!((b.name(), b.modules.len()), ("mine", 1));
        }
        assert!(matches!(Bundle::from_path(&dir.path().join("none")), Err(LoadError::Read { .. })));
    }

    proptest! {
        #[test]
        fn never_panics_on_garbage(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            for path in [".manifest", "a.rego", "data.yaml", "data.json", "cases.yaml"] {
                let _ = Bundle::from_files("b", [(path.to_owned(), bytes.clone())]);
            }
        }

        #[test]
        fn never_panics_on_a_damaged_rule(at in 0_usize..600, text in "[ -~\n]{0,3}", cut in 0_usize..3) {
            let mut rule = RULE.as_bytes().to_vec();
            let at = at % rule.len();
            rule.splice(at..(at + cut).min(rule.len()), text.bytes());
            if let Ok(bundle) = Bundle::from_files("b", [("r.rego".to_owned(), rule)]) {
                let _ = crate::RuleSet::compile(vec![bundle], &crate::Parameters::default());
            }
        }
    }
}
