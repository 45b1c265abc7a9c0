//! The configuration of OpenStack services, from a folder.
//!
//! `DIR/<service>/<file>`, as in `/etc` and in kolla-ansible's `/etc/kolla`,
//! where the folder is that of a container: `nova-api/nova.conf` is the file
//! `nova.conf` of `nova`, and so is `nova-compute/nova.conf`. The key has the
//! whole path, which is unique, the body the names that rules ask for. Files
//! that are merged later, such as the overlays of OSISM beside the folders of
//! services, are not read: they do not say what counts.

mod ini;
mod names;
mod policy;
mod secret;

use std::path::Path;

use serde::Serialize;
use tidegate_model::{Collected, Timestamp, canonical};
use tidegate_redact::{RedactionKey, mark, secret_text};

use crate::error::FilesError;
use crate::folder::{Entry, Folder};
use crate::made::Gathered;
use names::Holds;

/// The most bytes of one file. The longest sample with all comments, Nova's,
/// has half a MiB.
const MOST_BYTES: u64 = 4 << 20;
/// The most names looked at below the folders of services: more than
/// `/etc/kolla` has by a factor of fifty, and read in less than a second.
const MOST_NAMES: usize = 50_000;
/// The most bytes of all files together; they are in memory at once.
const MOST_BYTES_IN_ALL: u64 = 256 << 20;
/// How deep folders are looked into, that of the service included:
/// `neutron/plugins/ml2` is 3.
const DEPTH: usize = 5;

/// Reads the configuration of services below `dir`.
///
/// Gives `config.oslo` and `config.policy`, each as at most one page, in order
/// of path, and its coverage: complete, or failed with the first file that
/// could not be read, its line, and how many more there are. `read_at` is the
/// time the facts carry; `key` is the user's for secrets. Reads every file once
/// and keeps all in memory.
///
/// # Errors
/// [`FilesError::Unreadable`] if `dir` is not a folder that can be read,
/// [`FilesError::NoConfiguration`] if it holds no file of a service.
pub fn oslo(
    dir: &Path,
    read_at: Timestamp,
    key: Option<&RedactionKey>,
) -> Result<Vec<Collected>, FilesError> {
    let nothing = || FilesError::NoConfiguration { path: dir.to_owned() };
    let gathered = |kind| Gathered::new("config", "config-dir", kind, read_at);
    let (Some(options), Some(rules)) = (gathered("config.oslo"), gathered("config.policy")) else {
        return Err(nothing());
    };
    let folder = Folder::open(dir)?;
    let wrong = |why| FilesError::Unreadable { path: dir.to_owned(), why };
    let mut reader = Reader { folder: &folder, key, options, rules, names: 0, bytes: 0 };
    for name in folder.names("").map_err(wrong)? {
        if names::service(&name).is_none() {
            continue;
        }
        match folder.entry(&name) {
            Ok(Entry::Folder) => reader.folder(&name, &name, 1),
            Ok(Entry::File | Entry::Other) => {}
            Err(why) => reader.both(&name, &why),
        }
    }
    if reader.options.is_empty() && reader.rules.is_empty() {
        return Err(nothing());
    }
    let mut out = reader.options.into_collected();
    out.extend(reader.rules.into_collected());
    Ok(out)
}

struct Reader<'a> {
    folder: &'a Folder,
    key: Option<&'a RedactionKey>,
    options: Gathered,
    rules: Gathered,
    /// Looked at so far.
    names: usize,
    /// Read so far.
    bytes: u64,
}

#[derive(Serialize)]
struct Body<'a> {
    service: &'a str,
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sections: Option<ini::Sections>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<policy::Rules>,
    tidegate: Provenance<'a>,
}

#[derive(Serialize)]
struct Provenance<'a> {
    /// Below the folder that was named.
    path: &'a str,
}

impl Reader<'_> {
    /// Reads one folder; `below` is its path, `name` its own name.
    fn folder(&mut self, below: &str, name: &str, depth: usize) {
        let names = match self.folder.names(below) {
            Ok(names) => names,
            Err(why) => return self.both(below, &why),
        };
        for file in names {
            self.names += 1;
            if self.names > MOST_NAMES {
                // Told once; every folder still open comes through here.
                if self.names == MOST_NAMES + 1 {
                    self.both(below, &format!("there are more than {MOST_NAMES} files"));
                }
                return;
            }
            let path = format!("{below}/{file}");
            let holds = names::holds(name, &file);
            match self.folder.entry(&path) {
                Ok(Entry::Folder) if !names::is_looked_into(&file) => {}
                Ok(Entry::Folder) if depth >= DEPTH => {
                    self.both(&path, &format!("folders are nested deeper than {DEPTH}"));
                }
                Ok(Entry::Folder) => self.folder(&path, &file, depth + 1),
                Ok(Entry::File | Entry::Other) => {
                    if let Some(holds) = holds {
                        self.file(&path, holds);
                    }
                }
                Err(why) => match holds {
                    Some(holds) => self.of(holds).problem(format!("`{path}`: {why}")),
                    // Whether a name that leads nowhere was to be a folder of
                    // configuration cannot be told, unless it has an ending.
                    None if file.contains('.') || !names::is_looked_into(&file) => {}
                    None => self.both(&path, &why),
                },
            }
        }
    }

    fn file(&mut self, path: &str, holds: Holds) {
        match self.body(path, holds) {
            Ok(body) => {
                let (folder, below) = path.split_once('/').unwrap_or(("", path));
                self.of(holds).put(&[folder, below], path, body);
            }
            Err(why) => self.of(holds).problem(why),
        }
    }

    /// The body of one file; the error names file and line.
    fn body(&mut self, path: &str, holds: Holds) -> Result<String, String> {
        let wrong = |why: &str| format!("`{path}`: {why}");
        let bytes = self.folder.read(path, MOST_BYTES).map_err(|why| wrong(&why))?;
        let bytes = bytes.ok_or_else(|| wrong("it is gone"))?;
        self.bytes += bytes.len() as u64;
        if self.bytes > MOST_BYTES_IN_ALL {
            return Err(wrong("all files together are too large"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|e| {
            let before = bytes.get(..e.valid_up_to()).unwrap_or_default();
            format!("`{path}` line {}: it is not UTF-8", line_count(before))
        })?;
        let service = names::service(path.split('/').next().unwrap_or_default());
        let service = service.ok_or_else(|| wrong("it is of no service"))?;
        let file = path.rsplit('/').next().unwrap_or_default();
        let tidegate = Provenance { path };
        let mut body = Body { service, file, sections: None, rules: None, tidegate };
        match holds {
            Holds::Options => {
                let read = ini::parse(text)
                    .map_err(|b| format!("`{path}` line {}: {}", b.line, b.what))?;
                body.sections = Some(self.without_secrets(read));
            }
            Holds::Rules => {
                let read = policy::parse(text).map_err(|b| match b.line {
                    Some(line) => format!("`{path}` line {line}: {}", b.what),
                    None => wrong(b.what),
                })?;
                body.rules = Some(self.rules_without_secrets(read));
            }
        }
        let json = serde_json::to_vec(&body).map_err(|e| wrong(&e.to_string()))?;
        canonical(&json, &()).map_err(|e| wrong(&e.to_string()))
    }

    fn without_secrets(&self, read: ini::Sections) -> ini::Sections {
        let mut out = ini::Sections::new();
        for (section, options) in read {
            let section = out.entry(self.name(section)).or_default();
            for (option, values) in options {
                let kept: Vec<String> =
                    values.iter().map(|v| secret::concealed(&option, v, self.key)).collect();
                section.entry(self.name(option)).or_default().extend(kept);
            }
        }
        out
    }

    fn rules_without_secrets(&self, read: policy::Rules) -> policy::Rules {
        let kept = |(name, text): (String, String)| {
            let text = secret::rule(&name, text, self.key);
            // `secret:decrypt` is the name of a rule.
            let plain = |c: char| c.is_ascii_alphanumeric() || "_:.-*".contains(c);
            let reads_so = matches!(secret_text(&name), Some("password" | "secret" | "token"));
            let name = if reads_so && name.chars().all(plain) { name } else { self.name(name) };
            (name, text)
        };
        read.into_iter().map(kept).collect()
    }

    /// A secret that was put in the place of a name.
    fn name(&self, name: String) -> String {
        match secret_text(&name) {
            Some(pattern) => mark(pattern, &name, self.key),
            None => name,
        }
    }

    fn of(&mut self, holds: Holds) -> &mut Gathered {
        match holds {
            Holds::Options => &mut self.options,
            Holds::Rules => &mut self.rules,
        }
    }

    /// What could not be looked into may have held either.
    fn both(&mut self, path: &str, why: &str) {
        self.options.problem(format!("`{path}`: {why}"));
        self.rules.problem(format!("`{path}`: {why}"));
    }
}

fn line_count(before: &[u8]) -> usize {
    before.iter().filter(|b| **b == b'\n').count() + 1
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
