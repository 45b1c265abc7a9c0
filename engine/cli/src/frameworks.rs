//! Frameworks of controls: those built in, from `policies/frameworks`, and
//! folders of the user's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tidegate_model::{RuleId, RuleMeta};
use tidegate_report::{AtHand, Framework, FrameworkReport, SubjectReport};

use crate::bundles;
use crate::cmd::policy;
use crate::config::{RuleChoice, distance};
use crate::failure::{Failure, Result};
use crate::rules::System;

/// The frameworks of a run.
#[derive(Debug, Default)]
pub(crate) struct Frameworks {
    asked: Vec<Framework>,
    /// The rules of all built-in bundles; empty if no framework is asked for.
    at_hand: BTreeMap<RuleId, RuleMeta>,
}

/// The built-in frameworks, in order of their ids.
pub(crate) fn built_in() -> Result<Vec<Framework>> {
    bundles::built_in_frameworks()
        .into_iter()
        .map(|(id, framework, mapping)| parse(&id, framework, mapping))
        .collect()
}

/// The frameworks named, each a built-in id or a folder, in this order.
pub(crate) fn load(names: &[String]) -> Result<Vec<Framework>> {
    let mut all: Vec<Framework> = Vec::new();
    for name in names {
        let framework = one(name)?;
        let id = &framework.about.id;
        if all.iter().any(|f| f.about.id == *id) {
            return Err(Failure::usage(format!("framework `{id}` is named twice"))
                .hint("give a folder of your own another `id`"));
        }
        all.push(framework);
    }
    Ok(all)
}

fn one(name: &str) -> Result<Framework> {
    let built_in = bundles::built_in_frameworks();
    if let Some((_, framework, mapping)) = built_in.iter().find(|(id, ..)| id == name) {
        return parse(name, framework, mapping);
    }
    let folder = Path::new(name);
    if !folder.is_dir() {
        let ids: Vec<&str> = built_in.iter().map(|(id, ..)| id.as_str()).collect();
        let typed = name.to_ascii_lowercase();
        let mut failure = Failure::usage(format!("there is no framework `{name}`"));
        if let Some(id) = nearest(&typed, &ids) {
            failure = failure.hint(format!("did you mean `{id}`?"));
        }
        let all = ids.join(", ");
        return Err(failure.hint(format!(
            "built-in frameworks: {all}; anything else must be a folder with framework.yaml and mapping.yaml"
        )));
    }
    let read = |file: &str| {
        let path = folder.join(file);
        std::fs::read_to_string(&path)
            .map_err(|e| Failure::new(format!("cannot read framework `{}`: {e}", path.display())))
    };
    parse(name, &read("framework.yaml")?, &read("mapping.yaml")?)
}

/// The id that somebody may have meant: one that begins so, before one that is
/// spelt nearly so.
fn nearest<'i>(typed: &str, ids: &[&'i str]) -> Option<&'i str> {
    let steps = |id: &&'i str| (!id.starts_with(typed), distance(typed, id), *id);
    let near = ids.iter().map(steps).min();
    near.filter(|(other, steps, _)| !other || *steps <= 3).map(|(_, _, id)| id)
}

fn parse(name: &str, framework: &str, mapping: &str) -> Result<Framework> {
    Framework::parse(name, framework, mapping).map_err(|e| Failure::from_error(&e))
}

impl Frameworks {
    /// The frameworks that a choice of rules names.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub(crate) fn of(choice: &RuleChoice) -> Result<Self> {
        let asked = load(&choice.frameworks.value)?;
        let mut at_hand = BTreeMap::new();
        if !asked.is_empty() {
            for (_, set) in policy::each(Vec::new())? {
                at_hand.extend(set.rules().map(|m| (m.id.clone(), m.clone())));
            }
        }
        Ok(Self { asked, at_hand })
    }

    /// The choice with the bundles whose rules the frameworks map, if no rules
    /// were chosen: a framework is no good with rules that say nothing of it.
    pub(crate) fn choose(&self, mut choice: RuleChoice) -> RuleChoice {
        if self.asked.is_empty() || !choice.by_default() {
            return choice;
        }
        let mapped = self.asked.iter().flat_map(|f| f.rules.keys());
        let of = |rule| self.at_hand.get(rule).map(|m: &RuleMeta| m.bundle.clone());
        let bundles: BTreeSet<String> = mapped.filter_map(of).collect();
        choice.bundles.origin = choice.frameworks.origin.clone();
        choice.bundles.value = bundles.into_iter().collect();
        choice
    }

    /// What is known of the controls of each, in the clouds of a report. `more`
    /// are the rules that were at hand besides the built-in ones.
    pub(crate) fn report(
        &self,
        subjects: &[SubjectReport],
        more: &BTreeMap<RuleId, RuleMeta>,
    ) -> Vec<FrameworkReport> {
        let mut rules = self.at_hand.clone();
        rules.extend(more.iter().map(|(id, meta)| (id.clone(), meta.clone())));
        let foreign = |meta: &RuleMeta, subject: &SubjectReport| {
            let systems: BTreeSet<System> = meta.kinds.iter().filter_map(System::of_kind).collect();
            !systems.is_empty() && !systems.contains(&System::of(&subject.coverage))
        };
        let at_hand = AtHand { rules: &rules, foreign: &foreign };
        self.asked.iter().map(|f| FrameworkReport::new(f, subjects, at_hand)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_as_typed_is_meant_before_what_is_nearly_spelt_so() {
        let ids = ["c5-2020", "c5-2026", "nsa-kubernetes", "scs"];
        for (typed, meant) in [
            ("c5", Some("c5-2020")),
            ("nsa", Some("nsa-kubernetes")),
            ("scd", Some("scs")),
            ("c5-2027", Some("c5-2020")),
            ("hipaa-2013", None),
        ] {
            assert_eq!(nearest(typed, &ids), meant, "{typed}");
        }
    }

    #[test]
    fn every_mapped_rule_is_built_in_and_in_order() {
        let at_hand: BTreeMap<RuleId, RuleMeta> = policy::each(Vec::new())
            .unwrap()
            .iter()
            .flat_map(|(_, set)| set.rules().map(|m| (m.id.clone(), m.clone())).collect::<Vec<_>>())
            .collect();
        let frameworks = built_in().unwrap();
        let ids: Vec<&str> = frameworks.iter().map(|f| f.about.id.as_str()).collect();
        let expected = [
            "c5-2020",
            "c5-2026",
            "cis-kubernetes-1.12",
            "grundschutz-pp",
            "iso27001-2022",
            "it-grundschutz-2023",
            "nsa-kubernetes",
            "scs",
        ];
        assert_eq!(ids, expected);
        for framework in &frameworks {
            for rule in framework.rules.keys() {
                assert!(at_hand.contains_key(rule), "{}: {rule}", framework.about.id);
            }
        }
    }

    #[test]
    fn complete_lists_are_as_long_as_their_publishers_say() {
        for framework in built_in().unwrap() {
            let expected = match framework.about.id.as_str() {
                "c5-2020" => 121,
                "iso27001-2022" => 93,
                "cis-kubernetes-1.12" => 131,
                "nsa-kubernetes" => 5,
                _ => {
                    assert!(!framework.about.complete, "{}", framework.about.id);
                    continue;
                }
            };
            assert!(framework.about.complete);
            assert_eq!(framework.controls.len(), expected, "{}", framework.about.id);
        }
    }

    /// What a rule speaks for stands in one place: of standards of SCS in the
    /// link of its METADATA, which the mapping has to follow, of all other
    /// frameworks in the mapping alone.
    #[test]
    fn metadata_and_mappings_do_not_contradict() {
        let frameworks = built_in().unwrap();
        let scs = frameworks.iter().find(|f| f.about.id == "scs").unwrap();
        let prefixes = ["c5", "c5-2020", "c5-2026", "bsi", "gspp", "cis-k8s", "nsa", "iso27001"];
        for (_, set) in policy::each(Vec::new()).unwrap() {
            for rule in set.definitions() {
                let id = rule.meta.id.as_str();
                for control in &rule.controls {
                    let prefix = control.split(':').next().unwrap_or_default();
                    assert!(
                        !prefixes.contains(&prefix),
                        "{id}: `{control}` belongs into a mapping"
                    );
                }
                let link = rule.meta.standard.as_deref().unwrap_or_default();
                let Some(page) = link.strip_prefix("https://docs.scs.community/standards/") else {
                    continue;
                };
                let parts: Vec<&str> = page.splitn(4, '-').take(3).collect();
                let standard = parts.join("-");
                assert!(scs.controls_of(id).contains(&standard), "{id}: {standard}");
            }
        }
    }
}
