//! What a rule answered, checked against what a rule may answer.

use std::sync::Arc;

use regorus::Value;
use tidegate_model::{AbortCode, Cause, Timestamp, Verdict, Violation};

use crate::metadata::Rule;
use crate::program::{Entry, RunError, Runner};
use crate::ruleset::Judge;

/// The answer of one rule to one input.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    /// In the engine's order of values. Empty unless the verdict is Fail.
    pub(crate) violations: Violations,
    /// Present exactly with Abort and Missing.
    pub(crate) cause: Option<Cause>,
    /// Until when it holds.
    pub(crate) holds: Holds,
}

/// Violations, each with the resource it names, if any. An answer that is given again is
/// the same one.
pub(crate) type Violations = Arc<[(Option<String>, Violation)]>;

/// How long an answer stays true while its input does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holds {
    /// Unknown: a rule that reads the time and does not say.
    Now,
    /// Up to this time.
    Until(Timestamp),
    /// It does not depend on the time.
    Forever,
}

impl Holds {
    /// Whether an answer given earlier is still true at `time`. The very time
    /// it names counts as passed: rules may mean it either way.
    pub(crate) fn at(self, time: Timestamp) -> bool {
        match self {
            Self::Now => false,
            Self::Until(until) => time < until,
            Self::Forever => true,
        }
    }
}

impl Answer {
    /// What a rule says that has nothing to say.
    pub(crate) fn pass() -> Self {
        Self {
            verdict: Verdict::Pass,
            violations: Arc::default(),
            cause: None,
            holds: Holds::Forever,
        }
    }

    pub(crate) fn abort(code: AbortCode, message: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Abort,
            violations: Arc::default(),
            cause: Some(Cause { code, message: message.into() }),
            holds: Holds::Forever,
        }
    }
}

impl From<RunError> for Answer {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Limit(text) => Self::abort(AbortCode::Limit, text),
            RunError::Conflict => Self::abort(AbortCode::Undefined, "the rule gives two values"),
            RunError::Failed(text) => Self::abort(AbortCode::Error, text),
        }
    }
}

/// Asks a rule about an input that passed the checks before evaluation.
pub(crate) fn judge(runner: &mut Runner<'_>, rule: &Rule, judge: &Judge, input: &Value) -> Answer {
    let entry = match judge {
        Judge::Rego(entry) => entry,
        Judge::Cedar(audit) => return audit.judge(rule, input),
    };
    let result = runner.ask(&entry.result, input);
    finish(rule, entry, result, &mut |ask| runner.ask(ask, input))
}

/// Reads the result of an entry; `ask` answers the further questions.
pub(crate) fn finish(
    rule: &Rule,
    entry: &Entry,
    result: Result<Value, RunError>,
    ask: &mut dyn FnMut(&crate::program::Ask) -> Result<Value, RunError>,
) -> Answer {
    let mut answer = match result {
        Ok(value) => read(&value),
        Err(error) => error.into(),
    };
    let by_rule = |cause: &Cause| matches!(cause.code, AbortCode::Rule | AbortCode::Evidence);
    if let (Some(cause), Some(reason)) =
        (answer.cause.as_mut().filter(|c| by_rule(c)), &entry.reason)
    {
        match ask(reason) {
            Ok(Value::String(text)) => cause.message = text.to_string(),
            Ok(_) => {}
            Err(error) => return error.into(),
        }
    }
    if rule.time {
        answer.holds = match entry.until.as_ref().map(&mut *ask) {
            None | Some(Ok(Value::Undefined)) => Holds::Now,
            Some(Ok(Value::String(text))) => match text.parse() {
                Ok(until) => Holds::Until(until),
                Err(_) => return error(format!("`valid_until` is not a time: `{text}`")),
            },
            Some(Ok(other)) => return error(format!("`valid_until` is not a time: `{other}`")),
            Some(Err(error)) => return error.into(),
        };
    }
    answer
}

fn error(message: String) -> Answer {
    // Not carried: what made the rule err may be the time.
    Answer { holds: Holds::Now, ..Answer::abort(AbortCode::Error, message) }
}

/// Reads `[verdict, violations]`.
fn read(value: &Value) -> Answer {
    let wrong = |text: String| Answer::abort(AbortCode::Error, text);
    let (verdict, violations) = match value {
        Value::Undefined => {
            return Answer::abort(AbortCode::Undefined, "the rule gives no verdict");
        }
        Value::Array(pair) => match pair.as_slice() {
            [verdict, violations] => (verdict, violations),
            _ => return wrong("the entry of the rule is broken".to_owned()),
        },
        _ => return wrong("the entry of the rule is broken".to_owned()),
    };
    let violations: Violations = match violations {
        Value::Set(set) => match set.iter_sorted().map(violation).collect() {
            Ok(all) => all,
            Err(text) => return wrong(text),
        },
        other => return wrong(format!("`violations` is not a set: `{}`", short(other))),
    };
    let verdict = match verdict {
        Value::String(text) => match text.as_ref() {
            "pass" => Verdict::Pass,
            "fail" => Verdict::Fail,
            "abort" => Verdict::Abort,
            "missing" => Verdict::Missing,
            other => return wrong(format!("the rule says `{other}`, which is not a verdict")),
        },
        Value::Undefined => {
            return Answer::abort(AbortCode::Undefined, "the rule gives no verdict");
        }
        other => {
            return wrong(format!("the rule says `{}`, which is not a verdict", short(other)));
        }
    };
    match (verdict, violations.is_empty()) {
        (Verdict::Fail, true) => wrong("error of the rule: it fails without a violation".into()),
        (Verdict::Pass, false) => wrong("error of the rule: it passes with a violation".into()),
        (Verdict::Abort, _) => Answer::abort(AbortCode::Rule, "the rule cannot tell"),
        (Verdict::Missing, _) => Answer {
            verdict: Verdict::Missing,
            ..Answer::abort(AbortCode::Evidence, "there is no evidence to judge")
        },
        (Verdict::Pass | Verdict::Fail, _) => {
            Answer { verdict, violations, cause: None, holds: Holds::Forever }
        }
    }
}

fn violation(value: &Value) -> Result<(Option<String>, Violation), String> {
    let Value::Object(members) = value else {
        return Err(format!("a violation is not an object: `{}`", short(value)));
    };
    let mut resource = None;
    let mut out = Violation {
        message: String::new(),
        path: String::new(),
        found: serde_json::Value::Null,
        wanted: serde_json::Value::Null,
    };
    let json = |v: &Value| serde_json::to_value(v).map_err(|e| e.to_string());
    for (key, value) in members.iter_sorted() {
        let text = || match value {
            Value::String(text) => Ok(text.to_string()),
            other => Err(format!("`{key}` of a violation is not text: `{}`", short(other))),
        };
        match key.as_string().map(AsRef::as_ref).unwrap_or_default() {
            "message" => out.message = text()?,
            "path" => out.path = text()?,
            "found" => out.found = json(value)?,
            "wanted" => out.wanted = json(value)?,
            "resource" => resource = Some(text()?),
            other => return Err(format!("a violation has the unknown member `{other}`")),
        }
    }
    if out.message.is_empty() {
        return Err("a violation has no `message`".to_owned());
    }
    Ok((resource, out))
}

/// A value for an error message, cut where it gets long.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, verdict: Verdict, cause: &str) {
        // The set of violations stands as an array in JSON.
        let value = Value::from_json_str(json).unwrap();
        let value = match &value {
            Value::Array(pair) if pair.len() == 2 => {
                let set: std::collections::BTreeSet<Value> =
                    pair.get(1).unwrap().as_array().unwrap().iter().cloned().collect();
                Value::from(vec![pair.get(0).unwrap().clone(), Value::from(set)])
            }
            _ => value,
        };
        let answer = read(&value);
        assert_eq!(answer.verdict, verdict);
        assert_eq!(answer.cause.map(|c| c.message).unwrap_or_default(), cause);
    }

    #[test]
    fn only_what_the_contract_allows_is_an_answer() {
        check(r#"["pass", []]"#, Verdict::Pass, "");
        check(r#"["fail", [{"message": "m"}]]"#, Verdict::Fail, "");
        check(r#"["abort", []]"#, Verdict::Abort, "the rule cannot tell");
        check(r#"["missing", []]"#, Verdict::Missing, "there is no evidence to judge");
        check(r#"["fail", []]"#, Verdict::Abort, "error of the rule: it fails without a violation");
        check(
            r#"["pass", [{"message": "m"}]]"#,
            Verdict::Abort,
            "error of the rule: it passes with a violation",
        );
        check(r#"["ok", []]"#, Verdict::Abort, "the rule says `ok`, which is not a verdict");
        check(r#"[true, []]"#, Verdict::Abort, "the rule says `true`, which is not a verdict");
        check(
            r#"["fail", [{"msg": "m"}]]"#,
            Verdict::Abort,
            "a violation has the unknown member `msg`",
        );
        check(r#"["fail", [{"found": 1}]]"#, Verdict::Abort, "a violation has no `message`");
        assert_eq!(read(&Value::Undefined).cause.unwrap().code, AbortCode::Undefined);
    }
}
