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
    let manifest = include_str!("../../../../Cargo.toml");
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
        &[("r.rego", &RULE.replace("verdict := \"pass\" if", "default verdict := \"pass\"\nx if"))],
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
