//! Builtins that templates use and the engine lacks, or has otherwise.
//!
//! An argument of a wrong type makes a call undefined, as Gatekeeper's OPA does.

use std::collections::BTreeSet;

use regorus::unstable::{BUILTINS, Expr, Ref, Span};
use regorus::{Engine, Extension, Source, Value};

use crate::sprintf::sprintf;

/// The names that [`add`] adds, without those that replace the engine's own.
/// Version 1 of the language has none of them.
pub(crate) const ADDED: &[&str] = &[
    "all",
    "any",
    "cast_array",
    "cast_boolean",
    "cast_null",
    "cast_object",
    "cast_set",
    "cast_string",
    "net.cidr_overlap",
    "re_match",
    "set_diff",
];

type One = fn(&Value) -> Option<Value>;
type Two = fn(&Value, &Value) -> Option<Value>;

/// Adds them to an engine.
pub(crate) fn add(engine: &mut Engine) -> Result<(), String> {
    let one: [(&str, One); 8] = [
        ("all", |v| Some(items(v)?.iter().all(|i| *i == Value::from(true)).into())),
        ("any", |v| Some(items(v)?.iter().any(|i| *i == Value::from(true)).into())),
        ("cast_array", |v| Some(Value::from(items(v)?))),
        ("cast_boolean", |v| matches!(v, Value::Bool(_)).then(|| v.clone())),
        ("cast_null", |v| matches!(v, Value::Null).then(|| v.clone())),
        ("cast_object", |v| matches!(v, Value::Object(_)).then(|| v.clone())),
        ("cast_set", |v| Some(Value::from(items(v)?.into_iter().collect::<BTreeSet<_>>()))),
        ("cast_string", |v| matches!(v, Value::String(_)).then(|| v.clone())),
    ];
    for (name, function) in one {
        let function = extension(move |args| function(args.first()?));
        engine.add_extension(name.to_owned(), 1, function).map_err(|e| e.to_string())?;
    }
    let two: [(&str, Two); 4] = [
        ("net.cidr_overlap", |a, b| built_in("net.cidr_contains", &[a, b])),
        ("re_match", |a, b| built_in("regex.match", &[a, b])),
        ("set_diff", |a, b| {
            let (Value::Set(a), Value::Set(b)) = (a, b) else { return None };
            let rest = a.iter_sorted().filter(|i| !b.iter_sorted().any(|other| other == *i));
            Some(Value::from(rest.cloned().collect::<BTreeSet<_>>()))
        }),
        // The engine's own is an error where OPA writes what is wrong into the
        // text, and a violation with it would be lost.
        ("sprintf", |format, args| {
            let (Value::String(format), Value::Array(args)) = (format, args) else { return None };
            Some(sprintf(format, args.as_slice()).into())
        }),
    ];
    for (name, function) in two {
        let function = extension(move |args| function(args.first()?, args.get(1)?));
        engine.add_extension(name.to_owned(), 2, function).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn extension(
    function: impl Fn(&[Value]) -> Option<Value> + Clone + Send + Sync + 'static,
) -> Box<dyn Extension> {
    Box::new(move |args: Vec<Value>| Ok(function(&args).unwrap_or(Value::Undefined)))
}

/// The members of an array or a set.
fn items(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items.iter().cloned().collect()),
        Value::Set(items) => Some(items.iter_sorted().cloned().collect()),
        _ => None,
    }
}

/// Calls a builtin of the engine.
fn built_in(name: &str, args: &[&Value]) -> Option<Value> {
    let (function, _) = BUILTINS.get(name)?;
    let source = Source::from_contents(name.to_owned(), name.to_owned()).ok()?;
    let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
    let node =
        |value: &Value| Ref::new(Expr::Null { span: span.clone(), value: value.clone(), eidx: 0 });
    let nodes: Vec<Ref<Expr>> = args.iter().map(|v| node(v)).collect();
    let args: Vec<Value> = args.iter().map(|v| (*v).clone()).collect();
    function(&span, &nodes, &args, true).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expr: &str, expected: &str) {
        let mut engine = Engine::new();
        engine.set_rego_v0(true);
        add(&mut engine).unwrap();
        engine.add_policy("m".to_owned(), format!("package a\np = x {{ x := {expr} }}")).unwrap();
        let found = engine.eval_rule("data.a.p".to_owned()).unwrap();
        assert_eq!(found.to_string(), expected, "{expr}");
    }

    #[test]
    fn the_builtins_of_old_are_there() {
        check("any([false, true])", "true");
        check("any([])", "false");
        check("all({true, 1})", "false");
        check("all([])", "true");
        check("re_match(\"^a+$\", \"aa\")", "true");
        check("re_match(\"[\", \"aa\")", "\"<undefined>\"");
        check("cast_set([1, 1])", "[1]");
        check("cast_string(1)", "\"<undefined>\"");
        check("set_diff({1, 2}, {2})", "[1]");
        check("net.cidr_overlap(\"10.0.0.0/8\", \"10.1.0.0/16\")", "true");
        check("sprintf(\"%d\", [\"a\"])", "\"%!d(string=a)\"");
    }
}
