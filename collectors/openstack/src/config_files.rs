//! Where the openstack client looks for its files, and how they are merged.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::CollectError;

/// The folders that are searched, first hit wins.
///
/// Source: openstacksdk `openstack/config/loader.py`, `CONFIG_SEARCH_PATH`.
pub(crate) fn folders(cwd: &Path, home: Option<&Path>, xdg: Option<&str>) -> Vec<PathBuf> {
    let mut found = vec![cwd.to_owned()];
    let mut add = |p: PathBuf| {
        if !found.contains(&p) {
            found.push(p);
        }
    };
    if let Some(xdg) = xdg.filter(|x| !x.is_empty()) {
        add(Path::new(xdg).join("openstack"));
    }
    if let Some(home) = home {
        add(home.join(".config/openstack"));
    }
    add(PathBuf::from("/etc/xdg/openstack"));
    add(PathBuf::from("/etc/openstack"));
    found
}

/// A file and its top-level mapping.
pub(crate) type File = (PathBuf, Map<String, Value>);

/// Reads the first of the candidates that exists. A file named outright is the
/// first candidate and, as in the openstack client, may be missing.
pub(crate) fn read_first(
    named: Option<PathBuf>,
    folders: &[PathBuf],
    stem: &str,
) -> Result<Option<File>, CollectError> {
    let usual = folders
        .iter()
        .flat_map(|f| ["yaml", "yml", "json"].map(|ending| f.join(format!("{stem}.{ending}"))));
    for path in named.into_iter().chain(usual) {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) if e.kind() == std::io::ErrorKind::NotADirectory => continue,
            Err(e) => return Err(CollectError::BadConfig { path, why: e.to_string() }),
        };
        let value: Value = yaml_serde::from_str(&text)
            .map_err(|e| CollectError::BadConfig { path: path.clone(), why: first_line(&e) })?;
        return match value {
            Value::Object(map) => Ok(Some((path, map))),
            Value::Null => Ok(Some((path, Map::new()))),
            _ => Err(CollectError::BadConfig { path, why: "it is not a mapping".to_owned() }),
        };
    }
    Ok(None)
}

/// The first line of an error: later ones quote the file, which holds secrets.
fn first_line(e: &dyn std::fmt::Display) -> String {
    e.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Puts `over` on top of `base`, mapping by mapping.
pub(crate) fn merge(base: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}
