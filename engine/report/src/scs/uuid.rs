//! UUIDs that follow from content.

use tidegate_model::Digest;

/// A UUID of version 8 from the SHA-256 of `purpose`, a zero byte and `content`.
///
/// Source: RFC 9562 §5.8, and appendix B.2 for taking the leading bits of a hash.
pub(super) fn uuid(purpose: &str, content: &str) -> String {
    let Digest(hash) = Digest::of([purpose, content].join("\0").as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash).for_each(|(b, h)| *b = h);
    let n = u128::from_be_bytes(bytes);
    let n = (n & !(0xf << 76) & !(0x3 << 62)) | (0x8 << 76) | (0x2 << 62);
    let hex = format!("{n:032x}");
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// Whether a text is a UUID of any version: 32 hex digits, 8-4-4-4-12.
pub(super) fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|p| p.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|p| p.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_follow_from_purpose_and_content() {
        let one = uuid("run", "a");
        assert!(is_uuid(&one), "{one}");
        assert_eq!(one.as_bytes()[14], b'8');
        assert!(matches!(one.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{one}");
        assert_eq!(one, uuid("run", "a"));
        assert_ne!(one, uuid("run", "b"));
        assert_ne!(one, uuid("invocation", "a"));
        assert_ne!(uuid("a", "bc"), uuid("ab", "c"));
        assert!(!is_uuid("50393e6f2ae14c5ca62c3b75f2abef3f") && !is_uuid("a-b-c-d-e"));
    }
}
