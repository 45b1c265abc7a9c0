//! ConstraintTemplates: the Rego of a kind of constraint, ready to run.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, PolicyLengthConfig, Value};
use serde_json::Value as Json;
use tidegate_policy::rego::{Functions, Inventory, MAX_COL, Module, Problem};

use crate::builtins;

/// The only target that Gatekeeper has.
const TARGET: &str = "admission.k8s.gatekeeper.sh";

/// The most wall time that one constraint may take on one object.
const TIME: Duration = Duration::from_secs(10);

/// A template.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    /// The kind of its constraints.
    pub(crate) kind: String,
    /// One line for people, or empty.
    pub(crate) title: String,
    pub(crate) description: String,
    /// The schema of `spec.parameters`.
    schema: Json,
    /// What runs it, or why nothing can.
    pub(crate) program: Result<Program, String>,
}

/// Why a template cannot be read: a clause, and the line where it is about the
/// Rego in `text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) text: Option<String>,
    pub(crate) line: Option<u32>,
    pub(crate) problem: String,
}

impl Refused {
    fn new(problem: impl Into<String>) -> Self {
        Self { text: None, line: None, problem: problem.into() }
    }

    fn rego(text: &str, problem: Problem) -> Self {
        Self { text: Some(text.to_owned()), line: problem.line, problem: problem.text }
    }
}

/// The Rego of a template with its libraries.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    engine: Engine,
    rule: String,
    /// What it reads of other objects.
    pub(crate) inventory: Inventory,
}

/// One violation, as the template words it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) message: String,
    pub(crate) details: Json,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// It took too long.
    Limit(String),
    /// Anything else.
    Error(String),
}

impl Template {
    /// Reads a ConstraintTemplate.
    ///
    /// # Errors
    /// [`Refused`] if it is not one, or its Rego cannot be compiled.
    pub(crate) fn read(object: &Json) -> Result<Self, Refused> {
        let missing = || Refused::new("`spec.crd.spec.names.kind` is missing");
        let template = Self::without_program(object, String::new()).ok_or_else(missing)?;
        let targets = object.pointer("/spec/targets").and_then(Json::as_array);
        let target = match targets.map(Vec::as_slice) {
            Some([one]) => one,
            _ => return Err(Refused::new("`spec.targets` must hold exactly one target")),
        };
        if target.get("target").and_then(Json::as_str) != Some(TARGET) {
            return Err(Refused::new(format!("its target is not `{TARGET}`")));
        }
        let program = match source(target) {
            Some(source) => Ok(Program::compile(&source)?),
            None => Err(engines(target)),
        };
        Ok(Self { program, ..template })
    }

    /// A template that cannot be run; `None` if it does not even say what kind it
    /// makes.
    pub(crate) fn without_program(object: &Json, why: String) -> Option<Self> {
        let kind = object.pointer("/spec/crd/spec/names/kind").and_then(Json::as_str)?;
        let annotation = |name: &str| {
            let all = object.pointer("/metadata/annotations");
            all.and_then(|a| a.get(name)).and_then(Json::as_str).unwrap_or_default().to_owned()
        };
        let schema = object.pointer("/spec/crd/spec/validation/openAPIV3Schema");
        Some(Self {
            kind: kind.to_owned(),
            title: annotation("metadata.gatekeeper.sh/title"),
            description: annotation("description").trim().to_owned(),
            schema: schema.cloned().unwrap_or_default(),
            program: Err(why),
        })
    }

    /// The parameters of a constraint, with the defaults of the schema.
    pub(crate) fn parameters(&self, given: Option<&Json>) -> Json {
        let mut parameters = match given {
            None | Some(Json::Null) => Json::Object(serde_json::Map::new()),
            Some(given) => given.clone(),
        };
        fill(&mut parameters, &self.schema);
        parameters
    }
}

/// Puts in what a schema gives as defaults, as the API server does.
fn fill(value: &mut Json, schema: &Json) {
    match value {
        Json::Object(members) => {
            let properties = schema.get("properties").and_then(Json::as_object);
            for (name, schema) in properties.into_iter().flatten() {
                if let Some(default) = schema.get("default") {
                    members.entry(name.as_str()).or_insert_with(|| default.clone());
                }
                if let Some(member) = members.get_mut(name) {
                    fill(member, schema);
                }
            }
        }
        Json::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter_mut().for_each(|item| fill(item, schema));
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// The Rego of a target.
struct Source {
    main: String,
    libs: Vec<String>,
    v1: bool,
}

/// The Rego of a target: in `code`, or as of old beside it.
fn source(target: &Json) -> Option<Source> {
    let code = target.get("code").and_then(Json::as_array);
    let of_engine = |entry: &&Json| entry.get("engine").and_then(Json::as_str) == Some("Rego");
    let source = code.into_iter().flatten().find(of_engine).and_then(|entry| entry.get("source"));
    let source = source.unwrap_or(target);
    let libs = source.get("libs").and_then(Json::as_array).into_iter().flatten();
    Some(Source {
        main: source.get("rego")?.as_str()?.to_owned(),
        libs: libs.filter_map(Json::as_str).map(str::to_owned).collect(),
        v1: source.get("version").and_then(Json::as_str) == Some("v1"),
    })
}

/// Why a target without Rego cannot be run.
fn engines(target: &Json) -> String {
    let code = target.get("code").and_then(Json::as_array);
    let engine = |entry: &Json| Some(entry.get("engine")?.as_str()?.to_owned());
    let names: Vec<String> = code.into_iter().flatten().filter_map(engine).collect();
    match names.as_slice() {
        [] => "the template has no code".to_owned(),
        names if names.iter().any(|n| n == "K8sNativeValidation") => {
            "the template has only CEL (K8sNativeValidation), which is not evaluated".to_owned()
        }
        names => format!("the template has no Rego, only `{}`", names.join("`, `")),
    }
}

impl Program {
    fn compile(source: &Source) -> Result<Self, Refused> {
        let mut modules = Vec::new();
        for text in std::iter::once(&source.main).chain(&source.libs) {
            let module = Module::parse(text, source.v1).map_err(|p| Refused::rego(text, p))?;
            modules.push((text, module));
        }
        let whole =
            |m: &Module, path: Vec<String>| m.package().iter().cloned().chain(path).collect();
        let functions = |(_, m): &(&String, Module)| {
            let functions = m.rules().filter(|(_, function)| *function);
            functions.map(|(path, _)| whole(m, path)).collect::<Vec<Vec<String>>>()
        };
        let defined: BTreeSet<Vec<String>> = modules.iter().flat_map(functions).collect();
        let added = if source.v1 { &[] } else { builtins::ADDED };
        let functions = Functions { defined, added };
        let mut engine = Engine::new();
        engine.set_rego_v0(!source.v1);
        // Gatekeeper's OPA takes errors of builtins for undefined.
        engine.set_strict_builtin_errors(false);
        engine.set_policy_length_config(PolicyLengthConfig {
            max_col: MAX_COL,
            ..PolicyLengthConfig::default()
        });
        builtins::add(&mut engine).map_err(Refused::new)?;
        let mut inventory = Inventory::Nothing;
        for (n, (text, module)) in modules.iter().enumerate() {
            let refuse = |problem| Refused::rego(text, problem);
            let name = module.package().join(".");
            if n > 0 && module.package().first().is_none_or(|p| p != "lib") {
                let problem =
                    format!("the package `{name}` of a library does not begin with `lib`");
                return Err(refuse(Problem { line: None, text: problem }));
            }
            inventory = inventory.and(module.inventory());
            let rewritten = module.rewritten(&functions).map_err(refuse)?;
            engine
                .add_policy(format!("{n}:{name}"), rewritten)
                .map_err(|e| refuse(Problem::from_engine(&e)))?;
        }
        let Some((text, main)) = modules.first() else {
            return Err(Refused::new("the template has no code"));
        };
        if !main.rules().any(|(path, function)| path == ["violation"] && !function) {
            let text = text.as_str();
            let problem = "it does not define `violation`".to_owned();
            return Err(Refused::rego(text, Problem { line: None, text: problem }));
        }
        let rule = format!("data.{}.violation", main.package().join("."));
        let check_interval = NonZeroU32::MIN.saturating_add(255);
        engine.set_execution_timer_config(ExecutionTimerConfig { limit: TIME, check_interval });
        // Faults of scheduling are told now, not when it first runs.
        engine
            .compile_with_entrypoint(&rule.as_str().into())
            .map_err(|e| Refused::rego(text, Problem::from_engine(&e)))?;
        Ok(Self { engine, rule, inventory })
    }

    /// Sets what `data.inventory` is.
    pub(crate) fn give(&mut self, inventory: Value) -> Result<(), Unanswered> {
        self.engine.clear_data();
        let data = Value::from(std::collections::BTreeMap::from([("inventory".into(), inventory)]));
        self.engine.add_data(data).map_err(|e| Unanswered::Error(e.to_string()))
    }

    /// What the template finds wrong, in order of message.
    pub(crate) fn violations(&mut self, input: Value) -> Result<Vec<Found>, Unanswered> {
        self.engine.set_input(input);
        let value = self.engine.eval_rule(self.rule.clone()).map_err(|e| {
            let problem = Problem::from_engine(&e);
            if e.to_string().contains("exceeded time limit") {
                Unanswered::Limit(format!("it ran longer than {} s", TIME.as_secs()))
            } else {
                Unanswered::Error(problem.text)
            }
        })?;
        let found = match &value {
            Value::Undefined => return Ok(Vec::new()),
            Value::Set(all) => all.iter_sorted().map(read).collect::<Result<Vec<_>, _>>(),
            Value::Array(all) => all.iter().map(read).collect(),
            _ => Err("`violation` is not a set".to_owned()),
        };
        found.map_err(Unanswered::Error)
    }
}

fn read(violation: &Value) -> Result<Found, String> {
    let member = |name: &str| match violation {
        Value::Object(members) => members.get(&Value::from(name)),
        _ => None,
    };
    let Some(Value::String(message)) = member("msg") else {
        return Err("a violation has no `msg`".to_owned());
    };
    let details = member("details").map(|d| serde_json::to_value(d).map_err(|e| e.to_string()));
    Ok(Found { message: message.to_string(), details: details.transpose()?.unwrap_or_default() })
}

#[cfg(test)]
mod tests;
