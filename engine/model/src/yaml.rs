//! A guard for YAML that others wrote.

/// The most nesting that a file written by people has use for, by far.
const DEEPEST: usize = 64;
/// More blanks and dashes in a row than a list of lists has: a rule in a
/// comment may be long.
const LONGEST_RULE: usize = 400;
/// The most bytes of a file that people write.
const LONGEST: usize = 4 << 20;

/// Why a YAML text is not worth parsing: the parser's time grows with the
/// square of the depth of nesting, so one small file could hold up a pipeline
/// for hours. One clause; absent for nearly all texts.
///
/// Brackets inside quotes and comments count as well; no text in earnest leaves
/// so many open.
#[must_use]
pub fn unreasonable_yaml(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return Some(format!("it is larger than {} MiB", LONGEST >> 20));
    }
    let (mut open, mut deepest, mut dashes) = (0_usize, 0, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        dashes = match byte {
            // `- - -` nests without a bracket.
            b'-' | b'?' => dashes + 1,
            b' ' => dashes,
            _ => 0,
        };
        deepest = deepest.max(open);
        if dashes > LONGEST_RULE {
            deepest = deepest.max(dashes);
        }
    }
    (deepest > DEEPEST).then(|| format!("it is nested more than {DEEPEST} deep"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_take_for_ever_is_refused() {
        assert_eq!(unreasonable_yaml("a: [1, {b: [2]}]\n- x\n"), None);
        assert_eq!(unreasonable_yaml(&"a: [1]\n".repeat(10_000)), None);
        assert!(unreasonable_yaml(&"[".repeat(100)).is_some());
        assert!(unreasonable_yaml(&"- ".repeat(1_000)).is_some());
        assert!(unreasonable_yaml(&"x".repeat(5 << 20)).unwrap().contains("larger"));
    }
}
