//! Bundles compiled together: the rules, what runs them, and the digest that
//! names exactly this set.

mod read;

use std::collections::{BTreeMap, BTreeSet};

use regorus::{Engine, PolicyLengthConfig, Value};
use sha2::{Digest as _, Sha256};
use tidegate_model::{Digest, Kind, RuleId, RuleMeta};

use crate::bundle::Bundle;
use crate::cedar::{Audit, Authorizer};
use crate::error::{Fault, LoadError};
use crate::guard;
use crate::metadata::Rule;
use crate::module::Module;
use crate::program::{Entry, EntrySource, Machine};
use crate::reads::{self, Shape};
use crate::rvm;
use read::{CedarPart, check_overlaps, read_policies, read_rules, set_parameters};

/// The engine and its exact version: another one may judge otherwise.
pub const ENGINE: &str = "regorus 0.14.1";

/// The engine of Cedar policies.
pub const CEDAR: &str = "cedar-policy 4.14.1";

/// The version of the shape of what rules are given and asked.
pub const INPUT_VERSION: u32 = 1;

/// Values for the parameters that rules declare.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameters {
    /// By name, for every rule that declares it.
    pub all: BTreeMap<String, serde_json::Value>,
    /// For one rule, by name; these win.
    pub rules: BTreeMap<RuleId, BTreeMap<String, serde_json::Value>>,
}

/// Rules ready to judge.
#[derive(Debug)]
pub struct RuleSet {
    /// In order of id.
    rules: Vec<Rule>,
    digest: Digest,
    pub(crate) machine: Machine,
    /// What judges for each rule.
    pub(crate) judges: Vec<Judge>,
    /// `input.parameters` of each rule.
    pub(crate) parameters: Vec<Value>,
    /// What each rule reads of its input.
    pub(crate) inputs: Vec<Shape>,
    /// What is read of the bodies of each kind.
    pub(crate) bodies: BTreeMap<Kind, Shape>,
    /// For each rule, whether it sees nothing of a resource but its body.
    pub(crate) of_bodies: Vec<bool>,
    /// For each rule, the first rule with the same parameters.
    pub(crate) alike: Vec<usize>,
    authorizer: Option<Authorizer>,
    /// `(bundle, path, text)` of each file of cases.
    pub(crate) cases: Vec<(String, String, String)>,
    /// `(bundle, module)` of each file of tests.
    pub(crate) tests: Vec<(String, Module)>,
}

/// What judges for a rule.
#[derive(Debug)]
pub(crate) enum Judge {
    /// A package of Rego.
    Rego(Entry),
    /// A policy in Cedar.
    Cedar(Box<Audit>),
}

impl RuleSet {
    /// Whether a rule looks things up in other subjects, so that
    /// [`crate::Options::others`] is needed.
    #[must_use]
    pub fn looks_across(&self) -> bool {
        self.rules.iter().any(|r| r.joins.iter().any(|j| j.across))
    }

    /// Checks and compiles bundles; no bundle gives a set without rules.
    ///
    /// # Errors
    /// [`LoadError`]: overlapping roots, or all faults found in metadata and
    /// rules, including what the guard refuses ([`crate::guard`]).
    pub fn compile(bundles: Vec<Bundle>, parameters: &Parameters) -> Result<Self, LoadError> {
        check_overlaps(&bundles)?;
        let mut rules = read_rules(&bundles)?;
        let CedarPart { authorizer, mut audits } =
            read_policies(&bundles, &mut rules).map_err(LoadError::Faults)?;
        set_parameters(&mut rules, parameters)?;
        guard::check(&bundles, &rules).map_err(LoadError::Faults)?;
        let digest = digest(&bundles, &rules);
        let given = rvm::choose(&bundles, &rules);
        let inputs = reads::inputs(&bundles, &rules);
        let bodies = reads::bodies(&rules, &inputs);
        let of_bodies = rules.iter().zip(&inputs).map(|(r, i)| reads::is_of_bodies(r, i)).collect();
        let [mut engine, mut fast] = [Engine::new(), Engine::new()];
        for engine in [&mut engine, &mut fast] {
            engine.set_policy_length_config(PolicyLengthConfig::default());
        }
        for (path, text) in given.modules {
            fast.add_policy(path, text).map_err(|e| LoadError::Engine(e.to_string()))?;
        }
        let mut sources = BTreeMap::new();
        let mut cases = Vec::new();
        let mut tests = Vec::new();
        for bundle in bundles {
            for file in &bundle.data {
                let wrap = |value, name: &String| object([(name.as_str(), value)]);
                let value = file.at.iter().rev().fold(file.value.clone(), wrap);
                let both = engine.add_data(value.clone()).and_then(|()| fast.add_data(value));
                both.map_err(|e| {
                    LoadError::from(Fault::new(&bundle.name, &file.path, None, e.to_string()))
                })?;
            }
            for module in bundle.modules {
                if module.is_test() {
                    tests.push((bundle.name.clone(), module));
                    continue;
                }
                let names = ["reason", "valid_until"].map(|n| module.defines(n).is_some());
                let known: &mut [bool; 2] = sources.entry(module.package_name()).or_default();
                known.iter_mut().zip(names).for_each(|(k, n)| *k |= n);
                let path = format!("{}/{}", bundle.name, module.path);
                engine.add_policy(path, module.text).map_err(|e| {
                    let (line, text) = crate::module::split_error(&e.to_string());
                    LoadError::from(Fault::new(&bundle.name, &module.path, line, text))
                })?;
            }
            let name = &bundle.name;
            cases.extend(bundle.cases.into_iter().map(|(path, text)| (name.clone(), path, text)));
        }
        let source = |rule: &Rule| {
            let [reason, until] = sources.get(&rule.package).copied().unwrap_or_default();
            let rvm = given.packages.contains(&rule.package);
            EntrySource { package: rule.package.clone(), reason, until, rvm }
        };
        let in_rego = |rule: &&Rule| !audits.contains_key(&rule.meta.id);
        let sources: Vec<EntrySource> = rules.iter().filter(in_rego).map(source).collect();
        let (machine, entries) = Machine::compile(engine, fast, &sources)?;
        let mut entries = entries.into_iter();
        let judge = |rule: &Rule| match audits.remove(&rule.meta.id) {
            Some(audit) => Some(Judge::Cedar(Box::new(audit))),
            None => entries.next().map(Judge::Rego),
        };
        let judges = rules.iter().filter_map(judge).collect();
        let parameters: Vec<Value> =
            rules.iter().map(|r| parameters_value(&r.parameters)).collect();
        let first = |p: &Value| parameters.iter().position(|other| other == p);
        let alike = parameters.iter().filter_map(first).collect();
        Ok(Self {
            rules,
            digest,
            machine,
            judges,
            parameters,
            inputs,
            bodies,
            of_bodies,
            alike,
            authorizer,
            cases,
            tests,
        })
    }

    /// What readers need to know of the rules, in order of id.
    pub fn rules(&self) -> impl Iterator<Item = &RuleMeta> {
        self.rules.iter().map(|r| &r.meta)
    }

    /// The rules with all they declare, in order of id.
    #[must_use]
    pub fn definitions(&self) -> &[Rule] {
        &self.rules
    }

    /// A rule by id.
    #[must_use]
    pub fn rule(&self, id: &RuleId) -> Option<&Rule> {
        self.rules.iter().find(|r| r.meta.id == *id)
    }

    /// What asks the gate policies of its bundles, if one has any.
    #[must_use]
    pub fn authorizer(&self) -> Option<&Authorizer> {
        self.authorizer.as_ref()
    }

    /// Names this set: SHA-256 over all modules, Cedar policies and schemas, data
    /// and parameters, the engine and its version, and the version of the input shape.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What a collection for this set has to read: every kind that a rule is
    /// given or joined with, and the inputs of derived ones in their place.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<Kind> {
        tidegate_derive::collected(self.rules.iter().flat_map(Rule::kinds).cloned())
    }

    /// How many rules the interpreter judges, at about twice the cost: those
    /// that the RVM cannot compile, or that have or reach anything the RVM is not
    /// known to get right. The RVM keeps rules with no comprehension, `else`,
    /// `every`, `default`, `with`, unification or set operator, that define each
    /// complete rule and function but `verdict` once (or always with the same
    /// constant), and whose libraries are like that too.
    #[must_use]
    pub fn interpreted(&self) -> usize {
        let interpreted = |judge: &&Judge| match judge {
            Judge::Rego(entry) => entry.is_interpreted(),
            Judge::Cedar(_) => false,
        };
        self.judges.iter().filter(interpreted).count()
    }
}

/// An object of the engine.
pub(crate) fn object<'k>(members: impl IntoIterator<Item = (&'k str, Value)>) -> Value {
    let members = members.into_iter().map(|(k, v)| (Value::from(k), v));
    Value::from(members.collect::<BTreeMap<_, _>>())
}

pub(crate) fn parameters_value(parameters: &BTreeMap<String, serde_json::Value>) -> Value {
    object(parameters.iter().map(|(k, v)| (k.as_str(), Value::from(v.clone()))))
}

fn digest(bundles: &[Bundle], rules: &[Rule]) -> Digest {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    add(b"tidegate rule set");
    add(env!("CARGO_PKG_VERSION").as_bytes());
    add(ENGINE.as_bytes());
    add(CEDAR.as_bytes());
    add(&INPUT_VERSION.to_le_bytes());
    let mut files: Vec<(&str, &str, &str)> = Vec::new();
    for b in bundles {
        let own = b.modules.iter().filter(|m| !m.is_test());
        files.extend(own.map(|m| (b.name.as_str(), m.path.as_str(), m.text.as_str())));
        let cedar = b.policies.iter().chain(&b.schemas);
        files.extend(cedar.map(|s| (b.name.as_str(), s.path.as_str(), s.text.as_str())));
        files.extend(b.data.iter().map(|d| (b.name.as_str(), d.path.as_str(), d.text.as_str())));
    }
    files.sort_unstable();
    for (bundle, path, text) in files {
        [bundle, path, text].iter().for_each(|part| add(part.as_bytes()));
    }
    for rule in rules {
        add(rule.meta.id.as_str().as_bytes());
        for (name, value) in &rule.parameters {
            add(name.as_bytes());
            add(value.to_string().as_bytes());
        }
    }
    Digest(hash.finalize().into())
}

#[cfg(test)]
pub(crate) mod tests;
