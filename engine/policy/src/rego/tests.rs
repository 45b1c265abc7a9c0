use regorus::Value;

use super::*;

/// What the bodies of `opa.txt` can use.
const LIBRARY: &str = r#"package a
import rego.v1
f("any", _)
f("even", x) if x % 2 == 0
g(o) if { not f("any", o.nope) }
h(o) := o.v
id(x) := x
boo(x) := false if x == 1
boo(x) := true if x == 2
allowed := {"a", "b"}
maybe := 1 if input.q
never if input.q
part contains x if some x in input.list
obj[k] := v if some k, v in input.obj2
"#;

const INPUT: &str = r#"{"obj": {}, "rule": "any", "list": [1, 2, 3], "objs": [{"n": "x", "v": 1}, {"n": "y"}],
    "obj2": {"a": 1, "b": {"c": 2}}, "s": "hello", "nul": null, "fal": false, "one": 1}"#;

fn rewritten(text: &str, v1: bool) -> Result<String, Problem> {
    let module = Module::parse(text, v1)?;
    let whole = |path: Vec<String>| module.package().iter().cloned().chain(path).collect();
    let defined = module.rules().filter(|(_, f)| *f).map(|(path, _)| whole(path)).collect();
    module.rewritten(&Functions { defined, added: &["re_match"] })
}

fn eval(text: &str, v1: bool) -> Result<Value, String> {
    let text = rewritten(text, v1).map_err(|p| format!("{p:?}"))?;
    let mut engine = regorus::Engine::new();
    engine.set_rego_v0(!v1);
    engine.set_strict_builtin_errors(false);
    engine.add_policy("m".to_owned(), text.clone()).map_err(|e| format!("{e}\n{text}"))?;
    engine.set_input(Value::from_json_str(INPUT).unwrap());
    engine.eval_rule("data.a.p".to_owned()).map_err(|e| format!("{e}\n{text}"))
}

/// Each line is a body of `p`, or after `MOD:` rules, and what OPA 1 says of
/// `data.a.p`. The lines cover what is evaluated before a negation in every
/// place that an expression can stand in.
#[test]
fn decides_as_opa_does() {
    let mut wrong = Vec::new();
    let all: Vec<&str> = include_str!("opa.txt").lines().collect();
    assert!(all.len() > 150);
    for line in all {
        let (body, expected) = line.split_once("  =>  ").unwrap();
        let rules = match body.strip_prefix("MOD: ") {
            Some(rules) => rules.replace("\\n", "\n"),
            None => format!("p if {{ {} }}", body.replace("\\n", "\n")),
        };
        let found = match eval(&format!("{LIBRARY}{rules}\n"), true) {
            Ok(Value::Undefined) => "undefined".to_owned(),
            Ok(value) => serde_json::to_value(&value).unwrap().to_string(),
            Err(error) => error,
        };
        let same = match serde_json::from_str::<serde_json::Value>(expected) {
            Ok(expected) => {
                serde_json::from_str(&found).is_ok_and(|f: serde_json::Value| f == expected)
            }
            Err(_) => found == expected,
        };
        if !same {
            wrong.push(format!("{body}\n  OPA:  {expected}\n  here: {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same text without rewriting, where OPA says undefined: the day the
/// engine agrees, the rewriting can go.
#[test]
fn the_engine_alone_still_takes_an_undefined_argument_for_a_negation() {
    let mut engine = regorus::Engine::new();
    let text =
        "package a\nimport rego.v1\nf(\"any\", _) if true\np if not f(\"any\", input.nope)\n";
    engine.add_policy("m".to_owned(), text.to_owned()).unwrap();
    engine.set_input(Value::new_object());
    assert_eq!(engine.eval_rule("data.a.p".to_owned()).unwrap(), Value::from(true));
}

#[test]
fn what_need_not_change_stays_as_it_is() {
    let same = [
        "package a\n\np { not input.nope }\n",
        "package a\n\nimport data.lib.x\n\np[m] { c := input.c[_]; not c.x == 1; m := c.y # why\n}\n",
        "package a\n\np[{\"msg\": m}] { x := input.x; not startswith(x, \"a\"); m := x }\n",
    ];
    for text in same {
        assert_eq!(rewritten(text, false).unwrap(), text);
    }
}

#[test]
fn lines_stay_where_they_are() {
    let text = "package a\np {\n  x := input.x\n  not startswith(x.a,\n    x.b) # c\n  x.c\n}\n";
    assert_eq!(
        rewritten(text, false).unwrap(),
        "package a\np {\n  x := input.x\n  __moved1 := x.a; __moved2 := x.b; not startswith(__moved1,\n    __moved2) # c\n  x.c\n}\n"
    );
}

#[test]
fn the_version_before_is_rewritten_alike() {
    let p = |body: &str| eval(&format!("package a\nf(\"any\", _)\n{body}"), false).unwrap();
    assert_eq!(p("p { not f(input.rule, input.nope) }"), Value::Undefined);
    assert_eq!(p("p { not f(\"zzz\", input.one) }"), Value::from(true));
    assert_eq!(p("p { input.nope } { not f(\"zzz\", input.one) }"), Value::from(true));
    assert_eq!(p("p {\n input.one\n (input.one + 1) == 2\n}"), Value::from(true));
    assert_eq!(p("p { print(input.nope); input.one }"), Value::from(true));
}

#[test]
fn calls_of_what_there_is_not_are_refused() {
    #[track_caller]
    fn refused(body: &str, text: &str) {
        let problem =
            rewritten(&format!("package a\nimport data.lib.known as k\np {{ {body} }}"), false);
        assert_eq!(problem, Err(Problem { line: Some(3), text: text.to_owned() }));
    }
    refused("http.send({})", "`http.send` is refused: rules do not use the network");
    refused("time.now_ns() > 1", "`time.now_ns` is refused: rules do not read the clock");
    refused("external_data({})", "unknown function `external_data`");
    refused("data.lib.other(1)", "unknown function `data.lib.other`");
    refused("x := [y | y := k.f(1)]", "unknown function `k.f`");
    assert!(rewritten("package a\np { re_match(\"a\", \"b\") }", false).is_ok());
    let module =
        Module::parse("package a\nimport data.lib.known as k\np { k.f(1) }", false).unwrap();
    let defined = BTreeSet::from([["lib", "known", "f"].map(str::to_owned).to_vec()]);
    assert!(module.rewritten(&Functions { defined, added: &[] }).is_ok());
}

#[test]
fn problems_name_the_line() {
    let problem = Module::parse("package a\n\np {\n  x\n  y := := 1\n}\n", false).unwrap_err();
    assert_eq!(problem.line, Some(5), "{problem:?}");
    assert!(Module::parse("package a\np { x }", true).is_err());
    let without = Module::parse("package a\n\np if { input.x }", false).unwrap_err();
    assert_eq!((without.line, without.text.starts_with("`if` needs")), (Some(3), true));
    let contains = "package a\nimport future.keywords.contains\np contains x if { x := 1 }";
    assert!(Module::parse(contains, false).is_err());
    for import in ["rego.v1", "future.keywords", "future.keywords.if"] {
        let text = format!("package a\nimport {import}\np if {{ input.x }}");
        assert!(Module::parse(&text, false).is_ok());
    }
    assert!(Module::parse("package a\np if { input.x }", true).is_ok());
}

#[test]
fn finds_what_is_read_of_the_inventory() {
    #[track_caller]
    fn check(body: &str, expected: Inventory) {
        let text = format!("package a\np {{ {body} }}");
        assert_eq!(Module::parse(&text, false).unwrap().inventory(), expected);
    }
    let kinds = |kinds: &[(Option<&str>, &str)]| {
        let kind = |(api_version, kind): &(Option<&str>, &str)| KindRead {
            api_version: api_version.map(str::to_owned),
            kind: (*kind).to_owned(),
        };
        Inventory::Kinds(kinds.iter().map(kind).collect())
    };
    check("input.x; data.lib.y", Inventory::Nothing);
    check(
        "x := data.inventory.namespace[ns][\"v1\"][\"Service\"][_]; x.spec",
        kinds(&[(Some("v1"), "Service")]),
    );
    check(
        "data.inventory.namespace[_][v][\"Ingress\"][n]; data.inventory.cluster.v1.Namespace[x]",
        kinds(&[(None, "Ingress"), (Some("v1"), "Namespace")]),
    );
    check("data.inventory.cluster.v1[k][n]", Inventory::Everything);
    check("x := data.inventory; x.cluster", Inventory::Everything);
    check("x := data[\"inventory\"]", Inventory::Everything);
    check("x := data[y]", Inventory::Everything);
    check("x := [y | y := data.inventory.cluster[_].Namespace[_]]", kinds(&[(None, "Namespace")]));
    let import = "package a\nimport data.inventory\np { inventory.x }";
    assert_eq!(Module::parse(import, false).unwrap().inventory(), Inventory::Everything);
}
