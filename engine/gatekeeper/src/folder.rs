//! A folder of ConstraintTemplates, Constraints and gator suites.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;
use tidegate_policy::{Fault, LoadError};

use crate::constraint::Constraint;
use crate::constraints::Constraints;
use crate::suite::{self, SuiteReport};
use crate::template::Template;
use crate::yaml::{self, Document};

/// How deep folders may nest.
const MAX_DEPTH: usize = 32;
/// The most files that are looked at.
const MAX_FILES: usize = 20_000;
/// One of these is in every file that counts: groups of the API.
const MARKS: [&str; 3] =
    ["templates.gatekeeper.sh/", "constraints.gatekeeper.sh/", "test.gatekeeper.sh/"];

/// A bundle of Gatekeeper's objects, as read.
#[derive(Debug)]
pub struct Folder {
    name: String,
    root: PathBuf,
    /// Files that speak of Gatekeeper, by path from the root.
    files: Vec<(String, String)>,
}

impl Folder {
    /// Reads a folder; `None` if it is not one of Gatekeeper's: a file below it
    /// must hold a ConstraintTemplate, a Constraint or a suite. A folder with a
    /// `.manifest` is an OPA bundle.
    ///
    /// # Errors
    /// [`LoadError::Read`] if a file or folder cannot be read.
    pub fn from_path(path: &Path) -> Result<Option<Self>, LoadError> {
        if !path.is_dir() || path.join(".manifest").exists() {
            return Ok(None);
        }
        let mut files = Vec::new();
        walk(path, "", 0, &mut files)?;
        let root = path.canonicalize().map_err(|e| unreadable(path, e))?;
        let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((!files.is_empty()).then_some(Self { name, root, files }))
    }

    /// The name that findings and errors show.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The templates and constraints.
    ///
    /// # Errors
    /// [`LoadError::Faults`]: all that is wrong in files, with the line. A
    /// template that only has CEL is not a fault; its constraints are Abort.
    pub fn constraints(&self) -> Result<Constraints, LoadError> {
        let mut all = Constraints::default();
        let mut faults = Vec::new();
        for (file, text) in &self.files {
            match yaml::documents(text) {
                Err((line, problem)) => faults.push(self.fault(file, line, problem)),
                Ok(documents) => {
                    for document in documents {
                        faults.extend(self.take(&mut all, file, &document).err());
                    }
                }
            }
        }
        all.check(|constraint, problem| faults.push(self.fault(&constraint.file, None, problem)));
        if faults.is_empty() { Ok(all) } else { Err(LoadError::Faults(faults)) }
    }

    fn take(&self, all: &mut Constraints, file: &str, document: &Document) -> Result<(), Fault> {
        let fault = |line, problem| self.fault(file, Some(line), problem);
        if is_template(&document.value) {
            let template = Template::read(&document.value).map_err(|refused| {
                let text = refused.text.unwrap_or_default();
                fault(document.line_of(&text, refused.line), refused.problem)
            })?;
            return all
                .add_template(template, &document.value)
                .map_err(|p| fault(document.line, p));
        }
        if Constraint::is(&document.value) {
            let read = Constraint::read(&document.value, file);
            return read
                .and_then(|constraint| all.add(constraint, &document.value))
                .map_err(|problem| fault(document.line, problem));
        }
        Ok(())
    }

    fn fault(&self, file: &str, line: Option<u32>, problem: String) -> Fault {
        Fault { bundle: self.name.clone(), file: file.to_owned(), line, problem, hint: None }
    }

    /// Runs every suite, in order of path.
    #[must_use]
    pub fn test(&self) -> SuiteReport {
        let mut report = SuiteReport::default();
        for (file, text) in self.files.iter().filter(|(_, text)| text.contains("Suite")) {
            let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
            let base = self.root.join(folder);
            let (bundle, report) = (self.name.as_str(), &mut report);
            let mut runner = suite::Runner { bundle, file, base: &base, report };
            match yaml::documents(text) {
                Err(problem) => runner.broken(problem),
                Ok(documents) => {
                    let suites = documents.iter().map(|d| &d.value).filter(|d| suite::is_suite(d));
                    suites.for_each(|suite| runner.suite(suite));
                }
            }
        }
        report
    }
}

pub(crate) fn is_template(object: &Json) -> bool {
    let is = |name: &str| object.get(name).and_then(Json::as_str).unwrap_or_default();
    is("kind") == "ConstraintTemplate" && is("apiVersion").starts_with("templates.gatekeeper.sh/")
}

fn unreadable(path: &Path, error: std::io::Error) -> LoadError {
    LoadError::Read { path: path.to_owned(), source: Arc::new(error) }
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<(String, String)>,
) -> Result<(), LoadError> {
    let fail = |path: &Path, e| unreadable(path, e);
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = entries.map_err(|e| fail(folder, e))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let file = entry.file_name().to_string_lossy().into_owned();
        if file.starts_with('.') {
            continue;
        }
        let path = if prefix.is_empty() { file } else { format!("{prefix}/{file}") };
        // Follows links, as mounted ConfigMaps need it.
        let Ok(meta) = std::fs::metadata(entry.path()) else { continue };
        if meta.is_dir() && depth < MAX_DEPTH {
            walk(&entry.path(), &path, depth + 1, files)?;
        } else if meta.is_file() && (path.ends_with(".yaml") || path.ends_with(".yml")) {
            let bytes = std::fs::read(entry.path()).map_err(|e| fail(&entry.path(), e))?;
            let text = String::from_utf8_lossy(&bytes);
            if MARKS.iter().any(|mark| text.contains(mark)) {
                if files.len() >= MAX_FILES {
                    let error = std::io::Error::other("it holds too many files");
                    return Err(fail(folder, error));
                }
                files.push((path, text.into_owned()));
            }
        }
    }
    Ok(())
}
