//! The files of the index, as files: whether a closed index is as it was
//! closed, and getting rid of it.
//!
//! A single flipped bit makes sled panic, hang or forget, so its files are not
//! opened unless they are what was closed. After a crash there is no seal;
//! then sled's own recovery is used, and every value has a checksum of ours.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whether the files are those that were sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seal {
    /// They are, or the index is new.
    Right,
    /// The index was not closed in good order.
    None,
    /// They were changed since.
    Wrong,
}

fn seal_path(folder: &Path) -> PathBuf {
    folder.with_extension("seal")
}

/// Looks at the seal and breaks it: from here on the files may change.
pub(crate) fn sealed(folder: &Path) -> io::Result<Seal> {
    let path = seal_path(folder);
    let Ok(seal) = fs::read_to_string(&path) else {
        return Ok(if folder.exists() { Seal::None } else { Seal::Right });
    };
    let now = checksum(folder)?;
    if seal != now {
        return Ok(Seal::Wrong);
    }
    fs::remove_file(&path)?;
    Ok(Seal::Right)
}

/// Seals a closed index.
pub(crate) fn seal(folder: &Path) -> io::Result<()> {
    wait_until_closed(folder);
    let sum = checksum(folder)?;
    let path = seal_path(folder);
    fs::write(&path, sum).inspect_err(|_| {
        // Half a seal would look like damage.
        let _ = fs::remove_file(&path);
    })
}

/// Deletes the index.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    let gone = |r: io::Result<()>| match r {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    };
    gone(fs::remove_file(seal_path(folder)))?;
    // What a crash left while it was written anew.
    gone(fs::remove_dir_all(folder.with_extension("packed")))?;
    gone(fs::remove_dir_all(folder))
}

/// Waits until no handle to the index is left in this process: sled closes in
/// the background. Gives up after 2 s, since opening says what is wrong.
pub(crate) fn wait_until_closed(folder: &Path) {
    for _ in 0..400 {
        let Ok(file) = File::open(folder.join("db")) else { return };
        if file.try_lock().is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// One line that tells names, sizes and contents of all files.
fn checksum(folder: &Path) -> io::Result<String> {
    let mut hash = crc32fast::Hasher::new();
    let mut total = 0_u64;
    let mut folders = vec![folder.to_path_buf()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(folder)? {
            let item = item?;
            let list = if item.file_type()?.is_dir() { &mut folders } else { &mut files };
            list.push(item.path());
        }
    }
    files.sort();
    let mut buffer = vec![0; 256 << 10];
    for path in files {
        let mut file = File::open(&path)?;
        hash.update(path.strip_prefix(folder).unwrap_or(&path).as_os_str().as_encoded_bytes());
        loop {
            let n = file.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            total += n as u64;
            hash.update(buffer.get(..n).unwrap_or_default());
        }
        hash.update(&total.to_le_bytes());
    }
    Ok(format!("{:08x} {total}", hash.finalize()))
}
