//! What entries are called in the tree of a subject.

/// The name of a key in the tree of its subject: in order of kind, then key. The
/// kind, which is the second part of a key, is not said twice: each byte of the name of
/// an entry of its own takes four, since sled keeps names in several places.
pub(crate) fn index_key(kind: &str, key: &str) -> Vec<u8> {
    let mut name = prefix(kind);
    let (system, rest) = key.split_once('/').unwrap_or((key, ""));
    let id = rest.strip_prefix(kind).and_then(|r| r.strip_prefix('/')).unwrap_or(rest);
    name.extend_from_slice(system.as_bytes());
    name.push(b'/');
    name.extend_from_slice(id.as_bytes());
    name
}

/// What the names of all keys of a kind begin with.
pub(super) fn prefix(kind: &str) -> Vec<u8> {
    let mut name = Vec::with_capacity(2 + kind.len() + 96);
    name.push(b'k');
    name.extend_from_slice(kind.as_bytes());
    name.push(0);
    name
}

/// Takes the name of a key apart: gives the kind, and puts the key into `key`.
pub(super) fn split<'n>(name: &'n [u8], key: &mut String) -> Option<&'n str> {
    let (kind, rest) = std::str::from_utf8(name).ok()?.strip_prefix('k')?.split_once('\0')?;
    let (system, id) = rest.split_once('/')?;
    key.clear();
    [system, "/", kind, "/", id].into_iter().for_each(|part| key.push_str(part));
    Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_back_kind_and_key_and_are_in_their_order() {
        let keys = [
            ("a.b", "k8s-1/a.b/-/x"),
            ("a.b", "k8s/a.b/-/x"),
            ("a.b", "k8s/a.b/a.b/x/y"),
            ("a.b", "k8s/a.b/z"),
            ("a.bc", "k8s/a.bc/a"),
        ];
        let names = keys.map(|(kind, key)| index_key(kind, key));
        assert!(names.is_sorted(), "{names:?}");
        let mut key = String::new();
        for (name, expected) in names.iter().zip(keys) {
            let kind = split(name, &mut key);
            assert_eq!((kind, key.as_str()), (Some(expected.0), expected.1));
            assert!(name.starts_with(&prefix(expected.0)));
        }
        for odd in [b"kno-end".as_slice(), b"ka.b\0no-slash", b"l\0a/b", b"k\xff\0a/b"] {
            assert_eq!(split(odd, &mut key), None);
        }
    }
}
