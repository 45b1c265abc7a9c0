use crate::ruleset::tests::compile;

const LIB: &str = "package lib.names\nimport rego.v1\n\
    name := input.resource.name\n\
    bad(body) if body.x == 1\n";

const OTHER: &str = "package lib.bodies\nimport rego.v1\n\
    bad(body) if body.x == input.parameters.x\n\
    worse if bad(input.resource.body)\n\
    exempt(asked) if listed(asked, asked.parameters.names)\n\
    listed(given, names) if given.resource.body.namespace in names\n\
    own(given) if given.resource.body.x\n";

const HANDS_ON: &str = "package lib.handing\nimport rego.v1\n\
    on(asked) if named(1, asked)\n\
    named(_, given) if given.resource.name == \"x\"\n\
    first([a, _]) if a\n";

/// Whether a rule with this condition sees nothing but the body.
#[track_caller]
fn check(head: &str, condition: &str, expected: bool) {
    let rule = format!(
        "# METADATA\n# title: t\n# custom:\n#   id: r\n#   severity: low\n#   input: resource\n\
         #   kinds: [a.b]\n{head}verdict := \"pass\" if {{ {condition} }}\n\
         violations contains {{\"message\": \"m\"}} if false\n"
    );
    let files = [
        ("r.rego", rule.as_str()),
        ("lib.rego", LIB),
        ("other.rego", OTHER),
        ("on.rego", HANDS_ON),
    ];
    let set = compile(&files).unwrap();
    assert_eq!(set.of_bodies, [expected], "{condition}");
}

#[test]
fn tells_bodies_from_the_rest() {
    let head = "package p\nimport rego.v1\n";
    for same in [
        "input.resource.body.x == 1",
        "input[\"resource\"][\"body\"]",
        "input.resource.body[_].y[input.parameters.z]",
        "some k, v in input.resource.body; k == input.resource.kind; v",
        "data.lib.bodies.worse",
        "count(input.joined.x) == 1",
        "data.lib.bodies.bad(input.resource.body)",
        "data.lib.names.bad(input.resource.body)",
        "data.lib.bodies.exempt(input)",
        "not data.lib.bodies.exempt(input)",
        "x := input; data.lib.bodies.exempt(x)",
        "count([b | some b in input.resource.body]) == 1",
    ] {
        check(head, same, true);
    }
    for different in [
        "input.resource.key == \"x\"",
        "input.resource.body.x == input.resource.name",
        "object.get(input, \"x\", 1) == 1",
        "object.get(input.resource, \"name\", 1) == 1",
        "x := \"name\"; input.resource[x]",
        "json.marshal(input) == \"x\"",
        "data.lib[x].name; x",
        "data.lib.handing.on(input)",
        "data.lib.handing.first(input)",
        "data.lib.bodies.exempt([input])",
        "data.lib.names.name",
        "some x in [y | y := input.resource.name]; x",
        "every x in [1] { x == input.resource.project }",
        "g(input.resource) == 1",
    ] {
        let head = format!("{head}g(x) := 1 if x.name\n");
        check(&head, different, false);
    }
    let import = "package p\nimport rego.v1\nimport data.lib.names\n";
    check(import, "names.bad(input.resource.body)", true);
    check(import, "names.name", false);
    let import = "package p\nimport rego.v1\nimport data.lib.bodies as b\n";
    check(import, "b.bad(input.resource.body)", true);
    let import = "package p\nimport rego.v1\nimport input.resource as r\n";
    check(import, "r.body.x == 1", true);
    check(import, "r.name == 1", false);
}

#[test]
fn time_is_more_than_a_body() {
    let rule = |more: &str| {
        format!(
            "# METADATA\n# title: t\n# custom:\n#   id: r\n#   severity: low\n\
             #   input: resource\n#   kinds: [a.b]\n{more}package p\nimport rego.v1\n\
             verdict := \"pass\" if input.resource.body.x\n\
             violations contains {{\"message\": \"m\"}} if false\n"
        )
    };
    let one = |more: &str| compile(&[("r.rego", &rule(more))]).unwrap().of_bodies;
    assert_eq!(one(""), [true]);
    assert_eq!(one("#   time: true\n"), [false]);
    assert_eq!(one("#   joins: [{name: j, kind: a.c, key: /x}]\n"), [true]);
}

const LISTS: &str = "package lib.lists\nimport rego.v1\n\
    open(rule, port) if rule.from <= port\n\
    first := one if some one in input.joined.users\n\
    kind(\"x\") := 1\n\
    of(given) := given.resource.body.owner\n";

/// What a resource rule with these definitions reads of the input.
#[track_caller]
fn reads(definitions: &str, expected: &[&str]) {
    let rule = format!(
        "# METADATA\n# title: t\n# custom:\n#   id: r\n#   severity: low\n#   input: resource\n\
         #   kinds: [a.b]\n#   joins: [{{name: users, kind: a.c, key: /u}}]\n\
         package p\nimport rego.v1\nimport data.lib.lists\nbody := input.resource.body\n\
         {definitions}\nviolations contains {{\"message\": \"m\"}} if false\n"
    );
    let set = compile(&[("r.rego", rule.as_str()), ("lists.rego", LISTS)]).unwrap();
    let mut found = Vec::new();
    describe(&set.inputs[0], String::new(), &mut found);
    assert_eq!(found, expected, "{definitions}");
}

/// The paths of a shape: `=` for what is read whole, nothing for what is looked at, `#`
/// instead of `*` where the names are read, too.
fn describe(shape: &super::Shape, at: String, found: &mut Vec<String>) {
    let star = if shape.keys() { "#" } else { "*" };
    let none = shape.members().is_empty() && shape.each().is_none();
    if shape.is_whole() || none {
        found.push(format!("{at}{}", if shape.is_whole() { "=" } else { "" }));
        return;
    }
    for super::Member { name, below, .. } in shape.members() {
        describe(below, format!("{at}/{name}"), found);
    }
    if let Some(each) = shape.each() {
        describe(each, format!("{at}/{star}"), found);
    }
}

#[test]
fn follows_what_names_stand_for() {
    let verdict = |condition: &str| format!("verdict := \"pass\" if {{ {condition} }}");
    let one = |condition: &str, expected: &[&str]| reads(&verdict(condition), expected);
    one("body.a.b == 1", &["/resource/body/a/b="]);
    one("x := body.a; x.b == x.c", &["/resource/body/a/b=", "/resource/body/a/c="]);
    one("x := body.a; is_string(x)", &["/resource/body/a"]);
    one("x := body.a; lower(x) == \"\"", &["/resource/body/a="]);
    one("some x in body.l; x.id == 1", &["/resource/body/l/*/id="]);
    one("some k, _ in body.l; k == 1", &["/resource/body/l/#"]);
    one("some k; body.l[k].id == 1", &["/resource/body/l/#/id="]);
    one("some x in body.l", &["/resource/body/l/*"]);
    one("some {\"id\": x} in body.l; x == 1", &["/resource/body/l="]);
    one("every x in body.l { x.id == 1 }", &["/resource/body/l/*/id="]);
    one("body.l[_].id == 1", &["/resource/body/l/*/id="]);
    one("body.l[body.n].id == 1", &["/resource/body/l/#/id=", "/resource/body/n="]);
    one("count(body.l) == 1", &["/resource/body/l/*"]);
    one("1 in body.l", &["/resource/body/l="]);
    one("not body.a", &["/resource/body/a"]);
    one("object.get(body, \"a\", null) == 1", &["/resource/body/a="]);
    one("object.get(body, [\"a\", \"b\"], null) == 1", &["/resource/body/a/b="]);
    one("object.get(body, \"a\", {}).b == 1", &["/resource/body/a/b="]);
    one("k := \"a\"; object.get(body, k, null) == 1", &["/resource/body="]);
    one("object.get(body, body.k, null) == 1", &["/resource/body="]);
    one("some x in body.l; lists.open(x, 22)", &["/resource/body/l/*/from="]);
    one("lists.open(body.one, body.port)", &["/resource/body/one/from=", "/resource/body/port="]);
    one("lists.first.enabled", &["/joined/users/*/enabled"]);
    one("lists.kind(body.a) == 1", &["/resource/body/a="]);
    one("lists.of(input) == 1", &["/resource/body/owner="]);
    one("x := [y | some y in body.l; y.a]; x == [1]", &["/resource/body/l/*="]);
    one(
        "x := [y.b | some y in body.l; y.a]; x == [1]",
        &["/resource/body/l/*/a", "/resource/body/l/*/b="],
    );
    one("some x in body[_].l; x.y", &["/resource/body/*/l/*/y"]);
    one("{\"a\": body.a} == {\"a\": 1}", &["/resource/body/a="]);
    one("walk(body, [p, v]); v == 1; p", &["/resource/body="]);
    one("input == 1", &["="]);
    reads("verdict := input.resource.body.v", &["/resource/body/v="]);
    reads(
        "names[body.a] := body.b\nverdict := names[body.c]",
        &["/resource/body/a=", "/resource/body/b=", "/resource/body/c="],
    );
    reads(
        "default flag := false\nflag if body.a\nverdict := \"pass\" if flag",
        &["/resource/body/a"],
    );
    reads(
        "one := body.a if body.x\none := body.b if not body.x\nverdict := one.v",
        &["/resource/body/a/v=", "/resource/body/b/v=", "/resource/body/x"],
    );
    reads("verdict := \"pass\"", &[""]);
    reads(
        "unused if body.a\nverdict := \"pass\" if body.b\nreason := body.c",
        &["/resource/body/b", "/resource/body/c="],
    );
}
