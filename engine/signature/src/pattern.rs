//! Pattern lists of ssh_config(5), PATTERNS: `*` stands for any text, `?` for
//! one character, a leading `!` takes out what it matches.

/// Whether a comma-separated list matches: at least one pattern does, and none
/// with `!`.
pub(crate) fn list_matches(list: &str, text: &str) -> bool {
    let mut found = false;
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(not) if matches(not, text) => return false,
            Some(_) => {}
            None => found |= matches(pattern, text),
        }
    }
    found
}

/// Whether one pattern matches the whole text. At most pattern times text
/// steps: on a mismatch only the last `*` is tried again.
fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut again = None;
    loop {
        let before = (pattern.clone(), text.clone());
        match (pattern.next(), text.next()) {
            (Some('*'), _) => {
                text = before.1;
                again = Some((pattern.clone(), text.clone()));
            }
            (Some('?'), Some(_)) => {}
            (Some(p), Some(t)) if p == t => {}
            (None, None) => return true,
            (_, None) => return false,
            (_, Some(_)) => match again.as_mut() {
                Some((p, t)) => {
                    t.next();
                    (pattern, text) = (p.clone(), t.clone());
                }
                None => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_as_ssh_config_says() {
        for (list, text, wanted) in [
            ("report", "report", true),
            ("report", "reports", false),
            ("*@csp.eu", "ops@csp.eu", true),
            ("*@csp.eu", "ops@csp.eu.evil", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("file,re*", "report", true),
            ("*,!report", "report", false),
            ("!report", "file", false),
            ("!file,*", "report", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
        ] {
            assert_eq!(list_matches(list, text), wanted, "{list} {text}");
        }
    }

    /// By the definition, one character at a time.
    fn slow(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', p)), t) => slow(p, text) || t.is_some_and(|(_, t)| slow(pattern, t)),
            (Some((p, ps)), Some((t, ts))) => (*p == '?' || p == t) && slow(ps, ts),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_is_what_the_definition_says(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(matches(&pattern, &text), slow(&p, &t));
        }
    }
}
