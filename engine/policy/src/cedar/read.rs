//! Cedar files of a bundle, parsed and validated.

use std::collections::BTreeMap;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{
    ActionConstraint, Effect, EntityId, Policy, PolicyId, PolicySet, PrincipalConstraint,
    ResourceConstraint, Schema, SchemaFragment, ValidationMode, Validator,
};

use super::ask::chain;
use crate::error::Fault;
use crate::pointer::Pointer;

/// The text of a file.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// The line of an offset, from 1.
    fn line(&self, offset: usize) -> u32 {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX)
    }
}

/// A policy with its place.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    /// Named by its `@id`; policies without one by file and line.
    pub(crate) policy: Policy,
    pub(crate) file: String,
    pub(crate) line: u32,
}

impl Located {
    pub(crate) fn fault(&self, bundle: &str, problem: impl Into<String>) -> Fault {
        Fault::new(bundle, &self.file, self.line, problem)
    }

    pub(crate) fn annotations(&self) -> BTreeMap<String, String> {
        self.policy.annotations().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    /// Whether it permits whatever its action is, to anybody and on anything.
    pub(crate) fn is_blanket(&self) -> bool {
        self.policy.effect() == Effect::Permit
            && matches!(self.policy.principal_constraint(), PrincipalConstraint::Any)
            && matches!(self.policy.resource_constraint(), ResourceConstraint::Any)
            && self.is_unconditional()
    }

    /// Whether it is `permit(principal, action, resource);`.
    pub(crate) fn is_whole_blanket(&self) -> bool {
        self.is_blanket() && matches!(self.policy.action_constraint(), ActionConstraint::Any)
    }

    /// Whether there is no condition, or none but constants that hold.
    fn is_unconditional(&self) -> bool {
        let json = self.policy.to_json().unwrap_or_default();
        let conditions = json.get("conditions").and_then(|c| c.as_array());
        conditions.into_iter().flatten().all(|c| {
            let holds = c.get("kind").and_then(|k| k.as_str()) == Some("when");
            c.pointer("/body/Value").and_then(serde_json::Value::as_bool) == Some(holds)
        })
    }
}

/// The Cedar policies of a bundle with their schema.
#[derive(Debug, Clone)]
pub(crate) struct Policies {
    pub(crate) bundle: String,
    pub(crate) schema: Schema,
    /// For the annotations on actions and entity types.
    pub(crate) fragment: SchemaFragment,
    pub(crate) schema_source: Source,
    /// In order of file and line.
    pub(crate) policies: Vec<Located>,
    sources: Vec<Source>,
}

impl Policies {
    /// Parses the files and validates the policies strictly; `None` where there
    /// is no Cedar file at all.
    ///
    /// # Errors
    /// Everything that is wrong, with file and line. What Cedar only warns of is
    /// wrong too: a policy that can never apply judges nothing.
    pub(crate) fn read(
        bundle: &str,
        policies: &[Source],
        schemas: &[Source],
    ) -> Result<Option<Self>, Vec<Fault>> {
        let schema_source = match (schemas, policies) {
            ([one], _) => one.clone(),
            ([], []) => return Ok(None),
            ([], [first, ..]) => {
                return Err(vec![
                    Fault::new(bundle, &first.path, None, "there is no schema to hold it against")
                        .hint("add a file `NAME.cedarschema` to the bundle"),
                ]);
            }
            ([_, second, ..], _) => {
                let problem = "a bundle has one Cedar schema, and this is the second";
                return Err(vec![Fault::new(bundle, &second.path, None, problem)]);
            }
        };
        let text = schema_source.text.as_str();
        let fragment = match SchemaFragment::from_cedarschema_str(text) {
            Ok((fragment, warnings)) => {
                let faults: Vec<Fault> =
                    warnings.flat_map(|w| faults(bundle, &schema_source, &(&w).into())).collect();
                if !faults.is_empty() {
                    return Err(faults);
                }
                fragment
            }
            Err(e) => return Err(faults(bundle, &schema_source, &(&e).into())),
        };
        let schema = Schema::from_schema_fragments([fragment.clone()])
            .map_err(|e| faults(bundle, &schema_source, &(&e).into()))?;
        let mut found = Self {
            bundle: bundle.to_owned(),
            schema,
            fragment,
            schema_source,
            policies: Vec::new(),
            sources: policies.to_vec(),
        };
        let mut wrong = Vec::new();
        for source in policies {
            found.add(source, &mut wrong);
        }
        if wrong.is_empty() { Ok(Some(found)) } else { Err(wrong) }
    }

    /// Whether they are audit policies: some policy has `@kinds`.
    pub(crate) fn are_audits(&self) -> bool {
        self.policies.iter().any(|p| p.policy.annotation("kinds").is_some())
    }

    /// The file of a policy.
    pub(super) fn source_of(&self, located: &Located) -> Source {
        let found = self.sources.iter().find(|s| s.path == located.file);
        found.cloned().unwrap_or_else(|| self.schema_source.clone())
    }

    /// The parameters of audits with their defaults: the annotation
    /// `@parameters` of the action, as a mapping in YAML.
    pub(super) fn parameters(&self) -> Result<BTreeMap<String, serde_json::Value>, String> {
        let text = self.fragment.action_annotation(None, &EntityId::new("audit"), "parameters");
        match text {
            None => Ok(BTreeMap::new()),
            Some(text) => {
                yaml_serde::from_str(text).map_err(|e| format!("`@parameters` of `audit`: {e}"))
            }
        }
    }

    /// Where the id of an entity type stands in the body: the annotation `@id` of
    /// the type, a pointer.
    pub(super) fn id_of(&self, name: &str) -> Result<Option<Pointer>, String> {
        let (namespace, of) = match name.rsplit_once("::") {
            Some((namespace, of)) => (Some(namespace.parse().map_err(|e| chain(&e))?), of),
            None => (None, name),
        };
        let text = self.fragment.entity_type_annotation(namespace, of, "id");
        let wrong = |text| format!("`@id` of `{name}`: `{text}` is not a JSON Pointer");
        text.map(|text| Pointer::new(text).ok_or_else(|| wrong(text))).transpose()
    }

    /// Takes in the policies of a file.
    fn add(&mut self, source: &Source, wrong: &mut Vec<Fault>) {
        let set: PolicySet = match source.text.parse() {
            Ok(set) => set,
            Err(e) => return wrong.extend(faults(&self.bundle, source, &(&e).into())),
        };
        if let Some(template) = set.templates().next() {
            let line = template.as_ref().loc().map(|l| source.line(l.start()));
            let problem = "a template has slots that nobody fills; write a policy";
            wrong.push(Fault::new(&self.bundle, &source.path, line, problem));
        }
        let mut here: Vec<Located> = Vec::new();
        for policy in set.policies() {
            let line = policy.as_ref().loc().map_or(1, |l| source.line(l.start()));
            let id = match policy.annotation("id") {
                Some(id) => id.to_owned(),
                None => format!("{}:{line}", source.path),
            };
            let policy = policy.new_id(PolicyId::new(id));
            here.push(Located { policy, file: source.path.clone(), line });
        }
        here.sort_by_key(|p| p.line);
        let validator = Validator::new(self.schema.clone());
        for located in here {
            let same = |other: &&Located| other.policy.id() == located.policy.id();
            if let Some(other) = self.policies.iter().find(same) {
                let (id, at) = (located.policy.id(), format!("{}:{}", other.file, other.line));
                wrong
                    .push(located.fault(&self.bundle, format!("policy `{id}` stands at {at} too")));
                continue;
            }
            let alone = match PolicySet::from_policies([located.policy.clone()]) {
                Ok(alone) => alone,
                Err(e) => {
                    wrong.push(located.fault(&self.bundle, chain(&e)));
                    continue;
                }
            };
            let result = validator.validate(&alone, ValidationMode::Strict);
            let errors = result.validation_errors().map(DetailedError::from);
            for error in errors.chain(result.validation_warnings().map(DetailedError::from)) {
                wrong.extend(faults(&self.bundle, source, &error));
            }
            self.policies.push(located);
        }
    }
}

/// What Cedar says of a file: itself and what it relates to it, each with its
/// line.
pub(super) fn faults(bundle: &str, source: &Source, error: &DetailedError) -> Vec<Fault> {
    let line = error.source_locations.first().map(|at| source.line(at.loc.start));
    let fault = Fault::new(bundle, &source.path, line, one_line(&error.message));
    let fault = match &error.help {
        Some(help) => fault.hint(one_line(help)),
        None => fault,
    };
    let related = error.related.iter().flat_map(|e| faults(bundle, source, e));
    std::iter::once(fault).chain(related).collect()
}

/// Text of Cedar on one line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
