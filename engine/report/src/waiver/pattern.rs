//! Texts in which `*` stands for any text.

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    text: String,
}

impl Pattern {
    pub(super) fn new(text: String) -> Self {
        Self { text }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether only one text fits.
    pub(super) fn is_exact(&self) -> bool {
        !self.text.contains('*')
    }

    /// Whether a text fits. Linear in both: each part is looked for behind the
    /// one before it, the first at the beginning and the last at the end.
    pub(super) fn fits(&self, text: &str) -> bool {
        let mut parts = self.text.split('*');
        let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
            return false;
        };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
                Some(behind) => rest = behind,
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, in all its slowness.
    fn simple(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|n| simple(rest, &text[n..])),
            ([p, rest @ ..], [t, more @ ..]) => p == t && simple(rest, more),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_star_stands_for_any_text(pattern in "[ab*]{0,6}", text in "[ab]{0,8}") {
            let fits = Pattern::new(pattern.clone()).fits(&text);
            prop_assert_eq!(fits, simple(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
