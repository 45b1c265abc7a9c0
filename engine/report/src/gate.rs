//! The answer of a gate, for people, pull requests and pipelines.

use std::fmt::Write as _;
use std::io::{self, Write};

use tidegate_model::gate::{Answer, Condition, ConditionState, DriftChange, GateDecision};

use crate::markdown::escape::code;
use crate::text::printable;

/// More entities that differ than this are counted only.
const DRIFT: usize = 20;

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Open => "OPEN",
        Answer::Denied => "CLOSED: denied",
        Answer::Undecided => "CLOSED: could not decide",
    }
}

fn state(state: ConditionState) -> &'static str {
    match state {
        ConditionState::Holds => "holds",
        ConditionState::Fails => "does not hold",
        ConditionState::Unknown => "cannot tell",
    }
}

/// `name 1, other 2`.
fn numbers(condition: &Condition) -> String {
    let mut text = String::new();
    for (name, value) in &condition.numbers {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let comma = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{comma}{name} {value}");
    }
    text
}

fn asked_by(decision: &GateDecision) -> String {
    match decision.roles.as_slice() {
        [] => format!("{}, in no role", decision.principal),
        roles => format!("{} as {}", decision.principal, roles.join(", ")),
    }
}

/// Lines for a terminal: the answer, then each condition.
///
/// # Errors
/// Those of `out`.
pub fn gate_table(decision: &GateDecision, out: &mut dyn Write) -> io::Result<()> {
    let GateDecision { plan, wave, at, valid_until, answer, conditions, drift, .. } = decision;
    let mut text = String::new();
    let by = asked_by(decision);
    let _ = writeln!(text, "gate of plan {plan}, wave {wave}: {}", word(*answer));
    let _ = writeln!(text, "asked by {by} at {at:.0}");
    if let Some(until) = valid_until {
        let _ = writeln!(text, "valid until {until:.0}");
    }
    text.push('\n');
    for condition in conditions {
        let (name, state) = (condition.name.name(), state(condition.state));
        let _ = writeln!(text, "{name:<9} {state:<14} {}", condition.text);
        let numbers = numbers(condition);
        if !numbers.is_empty() {
            let _ = writeln!(text, "{:25}{numbers}", "");
        }
    }
    for one in drift.iter().take(DRIFT) {
        let change = match one.change {
            DriftChange::Changed => "changed",
            DriftChange::Gone => "is gone",
        };
        let effect = if one.harmless { "harmless" } else { "FATAL" };
        let _ = writeln!(text, "drift     {effect:<14} {} {change}", one.entity);
    }
    if drift.len() > DRIFT {
        let _ = writeln!(text, "drift     and {} more", drift.len() - DRIFT);
    }
    let text: Vec<String> = text.lines().map(|l| printable(l).trim_end().to_owned()).collect();
    writeln!(out, "{}", text.join("\n"))
}

/// A table for the comment of a change.
///
/// # Errors
/// Those of `out`.
pub fn gate_markdown(decision: &GateDecision, out: &mut dyn Write) -> io::Result<()> {
    let GateDecision { plan, wave, at, valid_until, answer, conditions, drift, .. } = decision;
    writeln!(out, "## Gate of wave {wave}: {}\n", word(*answer))?;
    let by = code(&asked_by(decision));
    write!(out, "Plan {}, asked by {by} at {at:.0}", code(plan))?;
    match valid_until {
        Some(until) => writeln!(out, ", valid until **{until:.0}**.\n")?,
        None => writeln!(out, ".\n")?,
    }
    writeln!(out, "| condition | | why | numbers |\n|---|---|---|---|")?;
    for condition in conditions {
        let (name, state) = (condition.name.name(), state(condition.state));
        let numbers = numbers(condition);
        let numbers = if numbers.is_empty() { String::new() } else { code(&numbers) };
        writeln!(out, "| {name} | {state} | {} | {numbers} |", code(&condition.text))?;
    }
    if !drift.is_empty() {
        let fatal = drift.iter().filter(|d| !d.harmless).count();
        writeln!(out, "\n{} entities that the wave reads differ, {fatal} fatally:", drift.len())?;
        for one in drift.iter().take(DRIFT) {
            let effect = if one.harmless { "harmless" } else { "**fatal**" };
            writeln!(out, "- {}: {effect}", code(&one.entity))?;
        }
    }
    Ok(())
}

/// JUnit: a case for each condition; one that cannot be told is an error.
///
/// # Errors
/// Those of `out`.
pub fn gate_junit(decision: &GateDecision, out: &mut dyn Write) -> io::Result<()> {
    let GateDecision { plan, wave, at, conditions, .. } = decision;
    let count = |state| conditions.iter().filter(|c| c.state == state).count();
    let (failures, errors) = (count(ConditionState::Fails), count(ConditionState::Unknown));
    let suite = escape(&format!("tidegate gate: plan {plan}, wave {wave}"));
    let total = conditions.len();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuites tests=\"{total}\" failures=\"{failures}\" errors=\"{errors}\">\n\
         <testsuite name=\"{suite}\" tests=\"{total}\" failures=\"{failures}\" \
         errors=\"{errors}\" skipped=\"0\" timestamp=\"{at:.0}\" time=\"0\">"
    )?;
    for condition in conditions {
        let name = condition.name.name();
        let text = escape(&condition.text);
        let more = escape(&numbers(condition));
        write!(out, "<testcase classname=\"gate\" name=\"{name}\" time=\"0\"")?;
        match condition.state {
            ConditionState::Holds => writeln!(out, "/>")?,
            ConditionState::Fails => writeln!(
                out,
                "><failure message=\"{text}\" type=\"denied\">{more}</failure></testcase>"
            )?,
            ConditionState::Unknown => writeln!(
                out,
                "><error message=\"{text}\" type=\"undecided\">{more}</error></testcase>"
            )?,
        }
    }
    writeln!(out, "</testsuite>\n</testsuites>")
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tidegate_model::gate::{ConditionName, Drift};

    use super::*;

    fn decision() -> GateDecision {
        let condition = |name, state, text: &str| Condition {
            name,
            state,
            text: text.to_owned(),
            numbers: BTreeMap::from([("n".to_owned(), 3.into())]),
        };
        let conditions = vec![
            condition(
                ConditionName::Checked,
                ConditionState::Fails,
                "C1 in wave 1: \"<x>\" & | `y`",
            ),
            condition(ConditionName::Rules, ConditionState::Unknown, "not seen"),
            condition(ConditionName::Window, ConditionState::Holds, "open"),
        ];
        let drift = vec![
            Drift { entity: "vm/a".to_owned(), change: DriftChange::Gone, harmless: false },
            Drift { entity: "vm/b".to_owned(), change: DriftChange::Changed, harmless: true },
        ];
        GateDecision {
            schema: GateDecision::SCHEMA.to_owned(),
            plan: "p1".to_owned(),
            wave: 1,
            principal: "alice".to_owned(),
            roles: vec!["operator".to_owned()],
            at: "2026-11-22T02:00:00Z".parse().unwrap(),
            valid_until: None,
            answer: GateDecision::answer_of(&conditions),
            snapshots: Vec::new(),
            conditions,
            drift,
        }
    }

    fn text(draw: impl Fn(&GateDecision, &mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        draw(&decision(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_condition_is_drawn_with_its_state_and_numbers() {
        let table = text(gate_table);
        assert!(
            table
                .starts_with("gate of plan p1, wave 1: CLOSED: denied\nasked by alice as operator")
        );
        for line in ["rules     cannot tell    not seen", "drift     FATAL          vm/a is gone"] {
            assert!(table.contains(line), "no `{line}` in {table}");
        }
        let markdown = text(gate_markdown);
        assert!(markdown.contains("| window | holds | `open` | `n 3` |"), "{markdown}");
        assert!(markdown.contains("2 entities that the wave reads differ, 1 fatally"));
        let junit = text(gate_junit);
        assert!(junit.contains("tests=\"3\" failures=\"1\" errors=\"1\""), "{junit}");
        assert!(junit.contains("message=\"C1 in wave 1: &quot;&lt;x&gt;&quot; &amp; | `y`\""));
        assert!(junit.contains("<testcase classname=\"gate\" name=\"window\" time=\"0\"/>"));
    }
}
