//! Bundles as `.tar.gz`, read with bounds: nothing outside is named, nothing
//! large is unpacked.

use std::collections::BTreeMap;
use std::io::Read;

use crate::error::LoadError;

/// The most that the files of a bundle may hold together, unpacked. Our own
/// bundles hold less than 1 MiB; vendored data sets some tens.
pub(crate) const MAX_BYTES: u64 = 128 << 20;

/// The most files in a bundle.
pub(crate) const MAX_FILES: usize = 20_000;

/// Unpacks an archive into path → bytes.
///
/// # Errors
/// [`LoadError::Archive`] if the bytes are not a gzipped tar archive, if it is
/// larger than the bounds, holds a link or a path with `..`, or a file twice.
pub(crate) fn unpack(bundle: &str, bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, LoadError> {
    let wrong = |problem: String| LoadError::Archive { bundle: bundle.to_owned(), problem };
    // One byte more than allowed, so that reaching the end tells the cases apart.
    let plain = flate2::read::GzDecoder::new(bytes).take(MAX_BYTES + 1);
    let mut archive = tar::Archive::new(plain);
    let mut files = BTreeMap::new();
    let mut total = 0_u64;
    for entry in archive.entries().map_err(|e| wrong(e.to_string()))? {
        let mut entry = entry.map_err(|e| wrong(e.to_string()))?;
        let raw = entry.path_bytes().into_owned();
        let path = String::from_utf8(raw).map_err(|_| wrong("a path is not UTF-8".to_owned()))?;
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() {
            continue;
        }
        if !kind.is_file() {
            return Err(wrong(format!("`{path}` is a link or a device")));
        }
        let path = clean(&path).ok_or_else(|| wrong(format!("`{path}` leads out of it")))?;
        total = total.saturating_add(entry.size());
        if total > MAX_BYTES || files.len() >= MAX_FILES {
            return Err(wrong(format!(
                "it holds more than {MAX_BYTES} bytes or {MAX_FILES} files"
            )));
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|e| wrong(e.to_string()))?;
        if files.insert(path.clone(), content).is_some() {
            return Err(wrong(format!("`{path}` stands in it twice")));
        }
    }
    Ok(files)
}

/// A path as the rest of the crate names it: relative, `/` between, no `.`;
/// `None` if it leads out. OPA writes a leading slash.
pub(crate) fn clean(path: &str) -> Option<String> {
    let mut out: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return None,
            part if part.contains(['\\', '\0']) => return None,
            part => out.push(part),
        }
    }
    (!out.is_empty()).then(|| out.join("/"))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    pub(crate) fn pack(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            tar.append(&header, *content).unwrap();
        }
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&tar.into_inner().unwrap()).unwrap();
        gz.finish().unwrap()
    }

    #[test]
    fn unpacks_paths_as_opa_writes_them() {
        let files = unpack("b", &pack(&[("/.manifest", b"{}"), ("./a/b.rego", b"x")])).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), [".manifest", "a/b.rego"]);
    }

    #[test]
    fn refuses_paths_that_lead_out_and_doubles() {
        assert!(unpack("b", &pack(&[("a/../../x", b"")])).is_err());
        assert!(unpack("b", &pack(&[("x", b"1"), ("/x", b"2")])).is_err());
        assert!(unpack("b", b"not gzip").is_err());
    }

    proptest! {
        #[test]
        fn never_panics_on_garbage(at in 0_usize..200, byte: u8, cut in 0_usize..400) {
            let mut bytes = pack(&[(".manifest", b"{}"), ("a.rego", b"package a")]);
            let len = bytes.len();
            bytes[at % len] = byte;
            bytes.truncate(len.saturating_sub(cut % 40));
            let _ = unpack("b", &bytes);
        }

        #[test]
        fn never_panics_on_garbage_inside_the_compression(
            noise in prop::collection::vec(any::<u8>(), 0..1500), at in 0_usize..1024,
        ) {
            let mut tar = vec![0_u8; 2048];
            for (n, b) in noise.iter().enumerate() {
                tar[(at + n) % 2048] = *b;
            }
            let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gz.write_all(&tar).unwrap();
            let _ = unpack("b", &gz.finish().unwrap());
        }
    }
}
