//! Known differences between a bundle's answers and those of the official test
//! of a standard: for people, and for whoever compares the two. No verdict
//! depends on them.

use serde::{Deserialize, Serialize};

use crate::bundle::yaml_error;

/// One known difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The testcase, or several by a pattern with `*`.
    pub testcase: String,
    /// The recorded examples it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vectors: Vec<String>,
    /// The circumstances, one clause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What the official test says.
    pub reference: String,
    /// What mode `strict` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<String>,
    /// What mode `reference` says here, where that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ours: Option<String>,
    /// Why.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    recorded: Vec<Difference>,
    #[serde(default)]
    unrecorded: Vec<Difference>,
}

impl Difference {
    /// Whether it is about a testcase.
    #[must_use]
    pub fn concerns(&self, testcase: &str) -> bool {
        let mut parts = self.testcase.split('*');
        let Some(rest) = testcase.strip_prefix(parts.next().unwrap_or_default()) else {
            return false;
        };
        let mut rest = rest;
        let mut open = false;
        for part in parts {
            open = part.is_empty();
            match rest.find(part) {
                Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        rest.is_empty() || open
    }
}

/// Reads the file; line and text of what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Vec<Difference>, (Option<u32>, String)> {
    let file: File = yaml_serde::from_str(text).map_err(|e| yaml_error(&e))?;
    Ok(file.recorded.into_iter().chain(file.unrecorded).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_several_testcases() {
        let text = "recorded:\n- {testcase: scs-0102-*, reference: pass, reason: r}";
        let all = parse(text).unwrap();
        assert!(all[0].concerns("scs-0102-prop-min_ram"));
        assert!(!all[0].concerns("scs-0103-flavor-1v-4"));
        let of = |testcase: &str| Difference { testcase: testcase.to_owned(), ..all[0].clone() };
        assert!(of("a").concerns("a") && !of("a").concerns("ab"));
        assert!(of("a*c").concerns("abc") && !of("a*c").concerns("abcd"));
        assert_eq!(parse("recorded:\n- {testcase: a}").unwrap_err().0, Some(2));
    }
}
