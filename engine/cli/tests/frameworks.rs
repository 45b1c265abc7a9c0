//! Controls of frameworks through the binary: what is refused, then what is
//! told.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod shell;

use serde_json::Value;
use shell::Shell;

const HOUSE: &str = "id: house\ntitle: Rules of the house\nedition: '1'\npublisher: We\n\
    source: https://example.org/\nlicence: ours\nverified: true\ncomplete: true\n\
    controls: [H-1, H-2, H-3, H-4, H-5]\ntitles: {H-1: what holds}\n";

fn house(shell: &Shell, mapping: &str) {
    shell.write("house/framework.yaml", HOUSE);
    shell.write("house/mapping.yaml", mapping);
}

#[test]
fn an_unknown_framework_is_usage_with_a_suggestion() {
    let shell = Shell::new();
    for command in ["scan --example", "check", "report", "policy list", "policy export --oscal"] {
        let ran = shell.run(&format!("{command} --framework c5-2021"));
        ran.refused(
            64,
            &["there is no framework `c5-2021`", "did you mean `c5-2020`?", "it-grundschutz-2023"],
        );
    }
    shell
        .run("check --framework it-grundschutz")
        .refused(64, &["did you mean `it-grundschutz-2023`?"]);
    shell
        .run("check --framework scs --framework scs")
        .refused(64, &["framework `scs` is named twice"]);
    shell.run("policy export").refused(64, &["--oscal"]);
    assert!(!shell.path(".local/share/tidegate").exists());
}

#[test]
fn a_broken_framework_is_named_with_file_and_line() {
    let shell = Shell::new();
    house(&shell, "my-rule: [H-1]\nother: [H-9]\n");
    shell.run("scan --example --framework ./house").refused(
        1,
        &["framework `./house`: mapping.yaml:2: rule `other`: there is no control `H-9`"],
    );
    house(&shell, "my-rule: [H-1\n");
    shell.run("policy list --framework house").refused(1, &["mapping.yaml:2: "]);
    shell.write("house/framework.yaml", &HOUSE.replace("verified: true\n", ""));
    shell
        .run("check --framework house")
        .refused(1, &["framework.yaml", "missing field `verified`"]);
    shell.write("half/framework.yaml", HOUSE);
    shell.run("check --framework half").refused(1, &["cannot read framework `half/mapping.yaml`"]);
    shell.write("tidegate.yaml", "schema: tidegate.config/v1\nframeworks: [none]\n");
    shell.run("policy explain scs-0101-entropy-avail").refused(64, &["no framework `none`"]);
    assert!(!shell.path(".local/share/tidegate").exists());
}

/// The first rule of a scan with a verdict, and no findings of another.
fn first<'r>(rules: &'r [Value], verdict: &str) -> &'r str {
    let of = |r: &&Value| {
        let counts = &r["counts"];
        let undecided = counts["abort"] != 0 || counts["missing"] != 0;
        r["verdict"] == verdict && undecided == (verdict != "pass" && verdict != "fail")
    };
    rules.iter().find(of).unwrap_or_else(|| panic!("none is {verdict}"))["id"].as_str().unwrap()
}

#[test]
fn controls_are_told_by_scan_check_and_report_alike_and_change_no_exit_code() {
    let shell = Shell::new();
    let scan = shell.run("scan --example --bundle scs-compatible-iaas -f json");
    let all = scan.json();
    let rules = all["subjects"][0]["rules"].as_array().unwrap();
    let (pass, fail) = (first(rules, "pass"), first(rules, "fail"));
    let unknown = rules.iter().find(|r| r["counts"]["abort"] != 0 && r["counts"]["fail"] == 0);
    let unknown = unknown.unwrap()["id"].as_str().unwrap();
    house(
        &shell,
        &format!("{pass}: [H-1]\n{fail}: [H-2]\n{unknown}: [H-3]\nno-such-rule: [H-4]\n"),
    );
    let expected = [
        ("H-1", "satisfied"),
        ("H-2", "not_satisfied"),
        ("H-3", "not_judged"),
        ("H-4", "not_judged"),
        ("H-5", "not_covered"),
    ];
    for command in ["check", "report", "report show"] {
        let ran = shell.run(&format!("{command} --framework ./house -f json"));
        assert_eq!(ran.code, scan.code, "{command}");
        let framework = &ran.json()["frameworks"][0];
        assert_eq!(framework["id"], "house");
        let controls = framework["subjects"][0]["controls"].as_array().unwrap();
        let states =
            controls.iter().map(|c| (c["id"].as_str().unwrap(), c["state"].as_str().unwrap()));
        assert_eq!(states.collect::<Vec<_>>(), expected, "{command}");
        let evidence = &framework["subjects"][0]["rules"];
        assert!(!evidence[fail]["findings"].as_array().unwrap().is_empty());
        assert!(!evidence[unknown]["reasons"].as_array().unwrap().is_empty());
        assert_eq!(evidence["no-such-rule"]["state"], "not_evaluated");
    }

    // What fails is accepted: shown as waived, and not as satisfied.
    shell.write(
        "waivers.yaml",
        &format!(
            "waivers:\n- {{id: W, rules: [{fail}], resources: ['*'], reason: r, owner: o, expires: 2099-01-01}}\n"
        ),
    );
    let reference = all["subjects"][0]["reference_time"].as_str().unwrap();
    let date: jiff::civil::Date = reference[..10].parse().unwrap();
    let end = date.checked_add(jiff::Span::new().days(30)).unwrap();
    let text = std::fs::read_to_string(shell.path("waivers.yaml")).unwrap();
    shell.write("waivers.yaml", &text.replace("2099-01-01", &end.to_string()));
    let ran = shell.run("check --framework ./house --waivers waivers.yaml -f json");
    let subject = &ran.json()["frameworks"][0]["subjects"][0];
    assert_eq!(subject["controls"][1]["state"], "waived");
    assert_eq!(subject["counts"]["satisfied"], 1);

    let table = shell.run("report --framework ./house").stdout;
    for text in
        ["Rules of the house 1  (house, We)", "not satisfied  H-2", "1 satisfied", "1 not covered"]
    {
        assert!(table.contains(text), "no `{text}` in {table}");
    }
    shell.run(
        "check --framework house -f csv=a.csv -f html=a.html -f oscal=a.json -f markdown=a.md",
    );
    let read = |name: &str| std::fs::read_to_string(shell.path(name)).unwrap();
    assert!(read("a.csv").contains(&format!("H-2,,not satisfied,{fail},")));
    assert!(read("a.html").contains("Rules of the house"));
    let oscal: Value = serde_json::from_str(&read("a.json")).unwrap();
    let result = &oscal["assessment-results"]["results"][0];
    assert_eq!(result["findings"].as_array().unwrap().len(), 4);
    assert!(!read("a.md").contains("Rules of the house"), "other formats are about findings");
}

#[test]
fn without_bundles_all_rules_that_are_mapped_are_asked() {
    let shell = Shell::new();
    let of = |args: &str| {
        let ran = shell.run(&format!("{args} -f json")).json();
        let subject = ran["frameworks"][0]["subjects"][0].clone();
        let rules = subject["rules"].as_object().unwrap().clone();
        let not_asked = rules.values().filter(|r| r["state"] == "not_evaluated").count();
        (rules.len(), not_asked)
    };
    let (rules, not_asked) = of("scan --example --framework scs");
    assert!(rules > 60, "{rules}");
    assert_eq!(not_asked, 0);
    // Rules for clusters say nothing of a cloud.
    let (_, of_clusters) = of("check --framework cis-kubernetes-1.12");
    assert_eq!(of_clusters, 0);
    let (same, not_asked) = of("check --framework scs --bundle scs-compatible-iaas");
    assert_eq!(same, rules);
    assert!(not_asked > 0 && not_asked < rules);
    let table = shell.run("check --framework scs --bundle scs-compatible-iaas").stdout;
    assert!(
        table.contains("Not asked were rules of ") && table.contains("scs-iaas-strict"),
        "{table}"
    );
    // The file says the same as the flag.
    shell.write("tidegate.yaml", "schema: tidegate.config/v1\nframeworks: [scs]\n");
    assert_eq!(of("check"), (rules, 0));
}

#[test]
fn policy_tells_the_controls_of_rules() {
    let shell = Shell::new();
    let ran = shell.run("policy list --framework c5-2020");
    assert_eq!(ran.code, 0);
    let line = ran.stdout.lines().find(|l| l.starts_with("k8s.rbac.cluster-admin ")).unwrap();
    assert!(line.contains("  IDM-06  "), "{line}");
    assert!(!ran.stdout.contains("scs-0101"));

    let all = shell.run("policy list -f json").json();
    let rule = all["rules"].as_array().unwrap().iter().find(|r| r["id"] == "k8s.pss.privileged");
    let controls = &rule.unwrap()["controls"];
    assert_eq!(controls["cis-kubernetes-1.12"][0], "5.2.2");
    assert_eq!(controls["nsa-kubernetes"][0], "pod-security");

    let told = shell.run("policy explain k8s.pss.privileged").stdout;
    for text in
        ["cis-kubernetes-1.12", "5.2.2; ids unverified", "pod-security (pods)", "kubescape:C-0057"]
    {
        assert!(told.contains(text), "no `{text}` in {told}");
    }

    let ran = shell.run("policy export --oscal --bundle kubernetes-security");
    let components = &ran.json()["component-definition"]["components"];
    assert_eq!(components[0]["title"], "tidegate");
    let implementations = components[1]["control-implementations"].as_array().unwrap();
    assert_eq!(implementations.len(), 7, "every framework but Grundschutz++");
    assert_eq!(shell.run("policy export --oscal=c.json --framework scs").code, 0);
    assert!(shell.path("c.json").exists());
}
