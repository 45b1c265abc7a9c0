//! The inventory that Ansible is limited by, wave by wave.
//!
//! A group for each wave, `tidegate_wave_01` and so on, has its targets, and
//! each target the variable `tidegate_drain`: what has to leave it, in order of
//! phases, with the destination of each. What other hosts must move first is
//! `tidegate_make_room` of the wave, with phases of the same count. It stands beside the inventory of
//! kolla-ansible or OSISM, whose hosts have the same names.

use std::io::{self, Write};

use serde_json::json;
use tidegate_model::plan::{Op, Wave};

use super::{Judgement, PlanReport};

/// Why a plan cannot be written as an inventory.
#[derive(Debug, thiserror::Error)]
pub enum AnsibleError {
    /// A name that Ansible would not take for the name of one host.
    #[error("`{0}` cannot be the name of a host in an Ansible inventory")]
    Name(String),
    /// A plan that was not checked must not be followed.
    #[error("only a plan that was found safe becomes an inventory")]
    NotSafe,
    /// It cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes the inventory, as YAML. Blocked targets are in the group
/// `tidegate_blocked`.
///
/// # Errors
/// [`AnsibleError`] if the plan was not found safe, a target has a name that
/// Ansible reads as a pattern, or `out` fails.
pub fn plan_ansible(report: &PlanReport<'_>, out: &mut dyn Write) -> Result<(), AnsibleError> {
    let plan = report.plan;
    match report.judgement {
        Judgement::Safe(_) => {}
        Judgement::NotChecked | Judgement::Violated(_) => return Err(AnsibleError::NotSafe),
    }
    let digits = plan.waves.len().to_string().len().max(2);
    let group = |wave: &Wave| format!("tidegate_wave_{:0digits$}", wave.n);
    writeln!(out, "# Wave by wave: kolla-ansible reconfigure --limit {}", first(plan, &group))?;
    writeln!(out, "all:\n  vars:\n    tidegate_plan: {}", text(&plan.id))?;
    writeln!(out, "  children:\n    tidegate:\n      children:")?;
    for wave in &plan.waves {
        writeln!(out, "        {}: {{}}", group(wave))?;
    }
    if plan.waves.is_empty() {
        writeln!(out, "        {{}}")?;
    }
    for wave in &plan.waves {
        writeln!(out, "    {}:\n      vars:", group(wave))?;
        writeln!(out, "        tidegate_wave: {}", wave.n)?;
        writeln!(out, "        tidegate_soak_s: {}", wave.soak_s)?;
        make_room(wave, out)?;
        writeln!(out, "      hosts:")?;
        for target in &wave.targets {
            writeln!(out, "        {}:", name(target)?)?;
            drain(wave, target, out)?;
        }
    }
    writeln!(out, "    tidegate_blocked:\n      hosts:")?;
    if plan.blocked.is_empty() {
        writeln!(out, "        {{}}")?;
    }
    let mut blocked: Vec<&str> = plan.blocked.iter().map(|b| b.target.as_str()).collect();
    blocked.dedup();
    for target in blocked {
        writeln!(out, "        {}: {{}}", name(target)?)?;
    }
    Ok(())
}

fn first(plan: &tidegate_model::Plan, group: &dyn Fn(&Wave) -> String) -> String {
    plan.waves.first().map_or_else(|| "GROUP".to_owned(), group)
}

/// What moves between hosts that are no targets of the wave, so that others have
/// room: before anything is drained.
fn make_room(wave: &Wave, out: &mut dyn Write) -> io::Result<()> {
    let of_target = |host: &str| wave.targets.iter().any(|t| t == host);
    let makes = |s: &&tidegate_model::plan::Step| {
        s.op == Op::Migrate && s.from.as_deref().is_some_and(|from| !of_target(from))
    };
    let mut moves = wave.steps.iter().filter(makes).peekable();
    if moves.peek().is_some() {
        writeln!(out, "        tidegate_make_room:")?;
    }
    for step in moves {
        writeln!(
            out,
            "          - {{phase: {}, vm: {}, from: {}, to: {}, kind: {}}}",
            step.phase,
            text(step.vm.as_deref().unwrap_or_default()),
            text(step.from.as_deref().unwrap_or_default()),
            text(step.to.as_deref().unwrap_or_default()),
            step.kind.as_ref().map_or_else(|| "live".to_owned(), super::word),
        )?;
    }
    Ok(())
}

/// What has to leave a target: virtual machines of a host, pods of a node.
fn drain(wave: &Wave, target: &str, out: &mut dyn Write) -> io::Result<()> {
    let leaves =
        |op: Op| wave.steps.iter().filter(move |s| s.op == op && s.from.as_deref() == Some(target));
    if leaves(Op::Migrate).next().is_none() {
        writeln!(out, "          tidegate_drain: []")?;
    } else {
        writeln!(out, "          tidegate_drain:")?;
    }
    for step in leaves(Op::Migrate) {
        writeln!(
            out,
            "            - {{phase: {}, vm: {}, to: {}, kind: {}}}",
            step.phase,
            text(step.vm.as_deref().unwrap_or_default()),
            text(step.to.as_deref().unwrap_or_default()),
            step.kind.as_ref().map_or_else(|| "live".to_owned(), super::word),
        )?;
    }
    if leaves(Op::Evict).next().is_some() {
        writeln!(out, "          tidegate_evict:")?;
    }
    for step in leaves(Op::Evict) {
        let pod = text(step.pod.as_deref().unwrap_or_default());
        writeln!(out, "            - {{phase: {}, pod: {pod}}}", step.phase)?;
    }
    Ok(())
}

/// A target's name, which Ansible expands and splits at some characters.
fn name(target: &str) -> Result<String, AnsibleError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if target.is_empty() || !target.chars().all(plain) || target.starts_with('-') {
        return Err(AnsibleError::Name(target.to_owned()));
    }
    Ok(text(target))
}

/// A text in YAML. Names come from clouds: what Jinja would evaluate is marked
/// so that it does not.
fn text(text: &str) -> String {
    let quoted = json!(text).to_string();
    if text.contains('{') { format!("!unsafe {quoted}") } else { quoted }
}
