use serde_json::json;

use super::*;

fn template(target: Json) -> Json {
    let mut target = target;
    target["target"] = json!(TARGET);
    json!({
        "apiVersion": "templates.gatekeeper.sh/v1", "kind": "ConstraintTemplate",
        "spec": {"crd": {"spec": {"names": {"kind": "K8sX"}}}, "targets": [target]},
    })
}

fn messages(target: Json, input: Json) -> Result<Vec<String>, Unanswered> {
    let template = Template::read(&template(target)).unwrap();
    let found = template.program.unwrap().violations(Value::from(input))?;
    Ok(found.into_iter().map(|f| f.message).collect())
}

#[test]
fn the_language_as_of_old_libraries_and_version_1() {
    let old = "package x\nimport data.lib.y.starts\nviolation[{\"msg\": m}] { starts(input.n); any([true]); m := \"a\" }";
    let lib = "package lib.y\nstarts(n) { re_match(\"^n\", n) }";
    let legacy = json!({"rego": old, "libs": [lib]});
    assert_eq!(messages(legacy.clone(), json!({"n": "no"})), Ok(vec!["a".to_owned()]));
    assert_eq!(messages(legacy, json!({"n": "yes"})), Ok(vec![]));
    let new = "package x\nviolation contains {\"msg\": \"b\"} if { input.n == \"no\" }";
    let cel = json!({"engine": "K8sNativeValidation", "source": {"validations": []}});
    let code = |version: &str, rego: &str| json!({"code": [cel, {"engine": "Rego", "source": {"version": version, "rego": rego}}]});
    assert_eq!(messages(code("v1", new), json!({"n": "no"})), Ok(vec!["b".to_owned()]));
    assert!(Template::read(&template(code("v0", new))).is_err());
    let dropped = "package x\nviolation contains {\"msg\": \"b\"} if { any([true]) }";
    let refused = Template::read(&template(code("v1", dropped))).unwrap_err();
    assert_eq!(refused.problem, "unknown function `any`");
}

#[test]
fn a_template_with_only_cel_says_so() {
    let cel = json!({"code": [{"engine": "K8sNativeValidation", "source": {"validations": []}}]});
    let template = Template::read(&template(cel)).unwrap();
    assert_eq!(
        template.program.unwrap_err(),
        "the template has only CEL (K8sNativeValidation), which is not evaluated"
    );
}

#[test]
fn what_cannot_be_run_is_refused_with_the_line() {
    #[track_caller]
    fn refused(rego: &str, libs: &[&str], line: Option<u32>, problem: &str) {
        let refused = Template::read(&template(json!({"rego": rego, "libs": libs}))).unwrap_err();
        assert_eq!((refused.line, refused.problem.as_str()), (line, problem));
    }
    refused("package x\nother { true }", &[], None, "it does not define `violation`");
    refused(
        "package x\nviolation[{\"msg\": \"a\"}] {\n  external_data({})\n}",
        &[],
        Some(3),
        "unknown function `external_data`",
    );
    refused(
        "package x\nviolation[{\"msg\": \"a\"}] { true }",
        &["package y\nf(x) { x }"],
        None,
        "the package `y` of a library does not begin with `lib`",
    );
    let mut other = template(json!({"rego": "package x"}));
    other["spec"]["targets"][0]["target"] = json!("other");
    assert!(Template::read(&other).unwrap_err().problem.contains("is not `admission.k8s"));
}

#[test]
fn answers_that_are_none_are_errors() {
    let rego = |head: &str| json!({"rego": format!("package x\nviolation[{head}] {{ input.x }}")});
    let input = json!({"x": 1});
    let error = |text: &str| Err(Unanswered::Error(text.to_owned()));
    assert_eq!(
        messages(rego("{\"message\": \"a\"}"), input.clone()),
        error("a violation has no `msg`")
    );
    assert_eq!(messages(rego("{\"msg\": 1}"), input.clone()), error("a violation has no `msg`"));
    assert_eq!(messages(rego("{\"msg\": \"a\"}"), json!({})), Ok(vec![]));
    // What a builtin cannot do is undefined; a rule with two values is an error.
    let two = "package x\nf(1) = 1\nf(1) = 2 { true }\nviolation[{\"msg\": \"a\"}] { f(input.x) }";
    assert!(matches!(messages(json!({"rego": two}), input.clone()), Err(Unanswered::Error(_))));
    let builtin = "package x\nviolation[{\"msg\": \"a\"}] { to_number(\"z\") == input.x }";
    assert_eq!(messages(json!({"rego": builtin}), input), Ok(vec![]));
}

#[test]
fn parameters_get_the_defaults_of_the_schema() {
    let mut object = template(json!({"rego": "package x\nviolation[{\"msg\": \"a\"}] { true }"}));
    object["spec"]["crd"]["spec"]["validation"] = json!({"openAPIV3Schema": {"properties": {
        "a": {"default": 1}, "b": {"properties": {"c": {"default": "x"}}},
        "d": {"items": {"properties": {"e": {"default": true}}}},
    }}});
    let template = Template::read(&object).unwrap();
    assert_eq!(template.parameters(None), json!({"a": 1}));
    let given = json!({"a": 2, "b": {}, "d": [{}, {"e": false}]});
    let filled = json!({"a": 2, "b": {"c": "x"}, "d": [{"e": true}, {"e": false}]});
    assert_eq!(template.parameters(Some(&given)), filled);
}
