//! How much SQLite has put into temporary files.
//!
//! SQLite tells only once a sort is over. Its files have no names, or not any more,
//! so they are looked up among the open files of this process; where the system
//! does not list these, nothing is seen, and time alone limits a query.

use std::fs;
use std::path::Path;

/// Bytes of temporary files that this process has open.
pub(crate) fn bytes() -> u64 {
    let open = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    open.map(|item| item.path())
        .filter(|path| fs::read_link(path).is_ok_and(|target| is_temporary(&target)))
        .filter_map(|path| fs::metadata(path).ok())
        .map(|found| found.len())
        .sum()
}

/// Whether an open file never had a name, or one that SQLite gives.
fn is_temporary(target: &Path) -> bool {
    let name = target.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
    name.ends_with(" (deleted)") && (name.starts_with('#') || name.starts_with("etilqs_"))
}
