//! The rules and policies of all bundles together, and whether they are whole.

use std::collections::BTreeMap;

use tidegate_model::RuleId;

use super::Parameters;
use crate::bundle::Bundle;
use crate::cedar::{self, Audit, Authorizer, Policies};
use crate::error::{Fault, LoadError};
use crate::manifest::overlap;
use crate::metadata::{self, Rule};
use crate::module::{Module, is_function};
use crate::program::RESERVED;

pub(super) fn check_overlaps(bundles: &[Bundle]) -> Result<(), LoadError> {
    for (n, a) in bundles.iter().enumerate() {
        for b in bundles.iter().skip(n + 1) {
            for root_a in a.manifest.roots() {
                if let Some(root_b) = b.manifest.roots().into_iter().find(|r| overlap(&root_a, r)) {
                    let (a, b) = (a.name.clone(), b.name.clone());
                    return Err(LoadError::Overlap { a, root_a, b, root_b });
                }
            }
        }
    }
    Ok(())
}

/// Reads the metadata of all files and checks that rules are whole.
pub(super) fn read_rules(bundles: &[Bundle]) -> Result<Vec<Rule>, LoadError> {
    let mut faults = Vec::new();
    let mut rules: Vec<(Rule, &Module)> = Vec::new();
    let modules = || {
        let own = |m: &&Module| !m.is_test();
        bundles.iter().flat_map(move |b| b.modules.iter().filter(own).map(move |m| (b, m)))
    };
    for (bundle, module) in modules() {
        let line = module.tree.package.span.line;
        let fault = |p: String| Fault::new(&bundle.name, &module.path, line, p);
        if module.defines(RESERVED).is_some() {
            faults.push(fault(format!("the name `{RESERVED}` is reserved")));
        }
        match metadata::read(&bundle.name, module) {
            Err(fault) => faults.push(fault),
            Ok(None) => {}
            Ok(Some(rule)) => {
                let plain = |s: &String| {
                    s.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                        && !s.starts_with(|c: char| c.is_ascii_digit())
                };
                if !module.package.iter().all(plain) {
                    faults.push(fault("the package of a rule must have plain names".to_owned()));
                }
                let twice = |(other, _): &&(Rule, &Module)| {
                    other.meta.id == rule.meta.id || other.package == rule.package
                };
                if let Some((other, _)) = rules.iter().find(twice) {
                    let (id, file) = (&rule.meta.id, &other.meta.file);
                    faults.push(fault(format!(
                        "rule `{id}`: {file} has the same id or package already"
                    )));
                }
                rules.push((rule, module));
            }
        }
    }
    for (bundle, module) in modules() {
        let package = module.package_name();
        let of_rule = rules.iter().any(|(r, _)| r.package == package);
        for (path, rule) in module.rules() {
            if path.first().is_none_or(|p| p != "verdict") || is_function(rule) {
                continue;
            }
            let line = rule.span().line;
            let fault = |p: &str| Fault::new(&bundle.name, &module.path, line, p);
            if !of_rule {
                faults.push(
                    fault("rule without metadata: it defines `verdict`")
                        .hint("put a `# METADATA` block with `custom.id` right before `package`"),
                );
                break;
            }
            if matches!(rule, regorus::unstable::Rule::Default { .. }) {
                faults.push(
                    fault("`verdict` must not have a default")
                        .hint("say when it is \"pass\"; what is not decided is Abort"),
                );
            }
        }
    }
    for (rule, module) in &rules {
        for name in ["verdict", "violations"] {
            let defined = modules()
                .filter(|(_, m)| m.package == module.package)
                .any(|(_, m)| m.defines(name).is_some());
            if !defined {
                let (bundle, line) = (&rule.meta.bundle, module.tree.package.span.line);
                let problem = format!("rule `{}` does not define `{name}`", rule.meta.id);
                faults.push(Fault::new(bundle, &rule.meta.file, line, problem));
            }
        }
    }
    if !faults.is_empty() {
        return Err(LoadError::Faults(faults));
    }
    let mut rules: Vec<Rule> = rules.into_iter().map(|(r, _)| r).collect();
    rules.sort_by(|a, b| a.meta.id.cmp(&b.meta.id));
    Ok(rules)
}

/// The Cedar policies of all bundles.
#[derive(Default)]
pub(super) struct CedarPart {
    pub(super) authorizer: Option<Authorizer>,
    pub(super) audits: BTreeMap<RuleId, Audit>,
}

/// Validates the Cedar policies of all bundles, and takes audit policies among
/// the rules, in order of id.
pub(super) fn read_policies(
    bundles: &[Bundle],
    rules: &mut Vec<Rule>,
) -> Result<CedarPart, Vec<Fault>> {
    let mut found = CedarPart::default();
    for bundle in bundles {
        let Some(policies) = Policies::read(&bundle.name, &bundle.policies, &bundle.schemas)?
        else {
            continue;
        };
        if policies.are_audits() {
            for (rule, audit) in cedar::rules(&policies)? {
                if let Some(other) = rules.iter().find(|r| r.meta.id == rule.meta.id) {
                    let problem = format!(
                        "rule `{}`: {} has the same id already",
                        rule.meta.id, other.meta.file
                    );
                    return Err(vec![Fault::new(&bundle.name, &rule.meta.file, None, problem)]);
                }
                found.audits.insert(rule.meta.id.clone(), audit);
                rules.push(rule);
            }
            continue;
        }
        if let Some(other) = &found.authorizer {
            let path = &policies.schema_source.path;
            let problem = format!("bundle `{}` has gate policies already", other.bundle());
            return Err(vec![Fault::new(&bundle.name, path, None, problem)]);
        }
        found.authorizer = Some(Authorizer::new(&policies)?);
    }
    rules.sort_by(|a, b| a.meta.id.cmp(&b.meta.id));
    Ok(found)
}

pub(super) fn set_parameters(rules: &mut [Rule], given: &Parameters) -> Result<(), LoadError> {
    for (name, value) in &given.all {
        let declared = rules.iter_mut().filter_map(|r| r.parameters.get_mut(name));
        if declared.map(|v| *v = value.clone()).count() == 0 {
            return Err(LoadError::UnknownParameter(name.clone()));
        }
    }
    for (id, values) in &given.rules {
        for (name, value) in values {
            let rule = rules.iter_mut().find(|r| r.meta.id == *id);
            match rule.and_then(|r| r.parameters.get_mut(name)) {
                Some(slot) => *slot = value.clone(),
                None => return Err(LoadError::UnknownParameter(format!("{id}.{name}"))),
            }
        }
    }
    Ok(())
}
