//! Bundles compiled together: the rules, what runs them, and the digest that
//! names exactly this set.

use std::collections::{BTreeMap, BTreeSet};

use regorus::{Engine, PolicyLengthConfig, Value};
use sha2::{Digest as _, Sha256};
use tidegate_model::{Digest, Kind, RuleId, RuleMeta};

use crate::bundle::Bundle;
use crate::cedar::{self, Audit, Authorizer, Policies};
use crate::error::{Fault, LoadError};
use crate::guard;
use crate::manifest::overlap;
use crate::metadata::{self, Rule};
use crate::module::{Module, is_function};
use crate::program::{Entry, EntrySource, Machine, RESERVED};
use crate::reads::{self, Shape};
use crate::rvm;

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

fn check_overlaps(bundles: &[Bundle]) -> Result<(), LoadError> {
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
fn read_rules(bundles: &[Bundle]) -> Result<Vec<Rule>, LoadError> {
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
struct CedarPart {
    authorizer: Option<Authorizer>,
    audits: BTreeMap<RuleId, Audit>,
}

/// Validates the Cedar policies of all bundles, and takes audit policies among
/// the rules, in order of id.
fn read_policies(bundles: &[Bundle], rules: &mut Vec<Rule>) -> Result<CedarPart, Vec<Fault>> {
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

fn set_parameters(rules: &mut [Rule], given: &Parameters) -> Result<(), LoadError> {
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
pub(crate) mod tests {
    use super::*;

    /// A rule set from files, all in one bundle.
    pub(crate) fn compile(files: &[(&str, &str)]) -> Result<RuleSet, LoadError> {
        compile_with(files, &Parameters::default())
    }

    pub(crate) fn compile_with(
        files: &[(&str, &str)],
        parameters: &Parameters,
    ) -> Result<RuleSet, LoadError> {
        let files = files.iter().map(|(p, t)| ((*p).to_owned(), t.as_bytes().to_vec()));
        RuleSet::compile(vec![Bundle::from_files("b", files)?], parameters)
    }

    pub(crate) const RULE: &str = r#"# METADATA
# title: names start with a
# custom:
#   id: r-name
#   severity: low
#   input: resource
#   kinds: [compute.server]
#   parameters: {prefix: a}
package r.name
import rego.v1
violations contains {"message": "bad name", "path": "/name", "found": input.resource.body.name, "wanted": "a*"} if {
    not startswith(input.resource.name, input.parameters.prefix)
}
verdict := "pass" if count(violations) == 0
verdict := "fail" if count(violations) > 0
"#;

    #[track_caller]
    fn fails(files: &[(&str, &str)], expected: &str) {
        assert_eq!(compile(files).unwrap_err().to_string(), expected);
    }

    #[test]
    fn compiles_rules_and_names_them() {
        let set = compile(&[("r.rego", RULE)]).unwrap();
        assert_eq!(set.rules().map(|m| m.id.as_str()).collect::<Vec<_>>(), ["r-name"]);
        assert_eq!(set.interpreted(), 0);
        assert_eq!(set.kinds().len(), 1);
    }

    #[test]
    fn the_digest_changes_with_what_is_judged_and_not_with_tests() {
        let digest = |files: &[(&str, &str)]| compile(files).unwrap().digest();
        let base = digest(&[("r.rego", RULE)]);
        assert_eq!(base, digest(&[("r.rego", RULE), ("r_test.rego", "package r.name_test")]));
        assert_ne!(base, digest(&[("r.rego", RULE), ("data.json", "{\"k\":1}")]));
        assert_ne!(base, digest(&[("r.rego", &RULE.replace("bad", "worse"))]));
        let strict =
            Parameters { all: [("prefix".to_owned(), "b".into())].into(), rules: BTreeMap::new() };
        assert_ne!(base, compile_with(&[("r.rego", RULE)], &strict).unwrap().digest());
        let unknown =
            Parameters { all: [("suffix".to_owned(), "b".into())].into(), rules: BTreeMap::new() };
        assert!(compile_with(&[("r.rego", RULE)], &unknown).is_err());
    }

    #[test]
    fn the_engine_named_is_the_engine_built_in() {
        let manifest = include_str!("../../../Cargo.toml");
        for engine in [ENGINE, CEDAR] {
            let (name, version) = engine.split_once(' ').unwrap();
            assert!(manifest.contains(&format!("{name} = {{ version = \"={version}\"")));
        }
    }

    #[test]
    fn rules_must_be_whole() {
        fails(
            &[("r.rego", "package a\nimport rego.v1\nverdict := \"pass\"")],
            "bundle `b`: r.rego:3: rule without metadata: it defines `verdict`",
        );
        fails(
            &[(
                "r.rego",
                &RULE.replace("verdict := \"pass\" if", "default verdict := \"pass\"\nx if"),
            )],
            "bundle `b`: r.rego:14: `verdict` must not have a default",
        );
        fails(
            &[(
                "r.rego",
                &RULE
                    .replace("violations contains", "found contains")
                    .replace("count(violations)", "count(found)"),
            )],
            "bundle `b`: r.rego:9: rule `r-name` does not define `violations`",
        );
        fails(
            &[("a.rego", RULE), ("b.rego", RULE)],
            "bundle `b`: b.rego:9: rule `r-name`: a.rego has the same id or package already",
        );
        fails(
            &[("r.rego", "package a\ntidegate_answer := 1")],
            "bundle `b`: r.rego:1: the name `tidegate_answer` is reserved",
        );
    }

    #[test]
    fn bundles_must_not_overlap() {
        let bundle = |name: &str, root: &str| {
            let manifest = format!("{{\"roots\":[\"{root}\"]}}");
            Bundle::from_files(name, [(".manifest".to_owned(), manifest.into_bytes())]).unwrap()
        };
        let compile = |b: Vec<Bundle>| RuleSet::compile(b, &Parameters::default());
        assert!(compile(vec![bundle("x", "a/b"), bundle("y", "a/c")]).is_ok());
        let error = compile(vec![bundle("x", "a/b"), bundle("y", "a")]).unwrap_err();
        assert_eq!(error.to_string(), "bundles `x` and `y` overlap: root `a/b` and root `a`");
    }
}
