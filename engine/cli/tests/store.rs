//! Looking after a store: stats, compact, prune, erase.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

mod shell;

use shell::Shell;

#[test]
fn old_snapshots_are_pruned_by_rule_and_say_so() {
    let shell = Shell::new();
    for _ in 0..3 {
        assert_eq!(shell.run("collect --example --store s").code, 0);
    }
    shell.run("store prune --store s").refused(64, &["--keep", "`retention`"]);
    shell.run("store prune --store s --keep often").refused(64, &["all, daily, weekly"]);
    std::fs::write(
        shell.path("tidegate.yaml"),
        "schema: tidegate.config/v1\nstore: s\nretention: daily\n",
    )
    .unwrap();
    let told = shell.run("store prune --dry-run");
    assert_eq!(told.code, 0, "{told:?}");
    assert!(
        told.stdout.starts_with("example: 2 snapshots would be pruned, 1 are kept; "),
        "{told:?}"
    );
    assert!(told.stdout.ends_with("  example@1\n  example@2\n"), "{told:?}");
    assert_eq!(shell.run("snapshot show --at example@1").code, 0);

    let done = shell.run("store prune -f json").json();
    assert_eq!(done["schema_version"], "tidegate.store-prune/v1");
    assert_eq!(done["clouds"][0]["snapshots"], serde_json::json!([1, 2]));
    shell
        .run("snapshot show --at example@1")
        .refused(64, &["`example@1` was pruned; the nearest kept one is `example@3`"]);
    let list = shell.run("snapshot list -f json").json();
    let pruned: Vec<_> =
        list["snapshots"].as_array().unwrap().iter().map(|s| &s["pruned"]).collect();
    assert_eq!(pruned, [false, true, true]);
    let shown = shell.run("config show -f json").json();
    assert_eq!(shown["settings"]["retention"]["value"], "daily");
    let stats = shell.run("store stats -f json").json();
    let one = &stats["subjects"][0];
    assert_eq!((one["snapshots"].as_u64(), one["pruned"].as_u64()), (Some(1), Some(2)));
    let table = shell.run("store stats").stdout;
    for row in ["cloud", "versions", "erased", "generation", "superseded", "index"] {
        assert!(table.lines().any(|l| l.starts_with(row)), "no {row}: {table}");
    }
}

#[test]
fn compaction_says_what_it_would_do_and_that_there_is_nothing_to_do() {
    let shell = Shell::new();
    assert_eq!(shell.run("collect --example --store s").code, 0);
    let told = shell.run("store compact --dry-run --store s");
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    assert!(told.stdout.starts_with("example: 1 segments would become 1 ("), "{told:?}");
    shell.run("store compact --store empty").refused(64, &["the store is empty"]);
    shell.run("store compact --store s --cloud none").refused(64, &["`none`"]);
}

#[test]
fn an_erased_tenant_is_shown_as_such_and_rules_on_it_abort() {
    let shell = Shell::new();
    assert_eq!(shell.run("collect --example --store s").code, 0);
    let all = shell.run("snapshot show compute.server --store s -f json").json();
    let server = &all["resources"][0];
    let (project, key) = (server["project"].as_str().unwrap(), server["key"].as_str().unwrap());
    shell.write(
        "b/rule.rego",
        "# METADATA\n# title: Servers have a status\n# custom:\n#   id: servers-have-status\n\
         #   severity: low\n#   input: resource\n#   kinds: [compute.server]\n\
         package servers.status\nimport rego.v1\nviolations := set()\nverdict := \"pass\"\n",
    );
    let check = "check --bundle ./b -f json --store s";
    let before = shell.run(check).json();
    assert_eq!(before["subjects"][0]["rules"][0]["verdict"], "pass", "{before}");

    shell.run(&format!("store erase --project {project} --store s")).refused(64, &["--yes"]);
    let told = shell.run(&format!("store erase --project {project} --dry-run --store s"));
    assert!(told.stdout.contains("would be erased"), "{told:?}");
    let same = shell.run("snapshot show compute.server --store s -f json").json();
    assert_eq!(same, all, "a dry run changes nothing");

    let done =
        shell.run(&format!("store erase --project {project} --yes --store s -f json")).json();
    assert!(done["clouds"][0]["versions"].as_u64().unwrap() > 0, "{done}");
    let one = shell.run(&format!("snapshot show compute.server {key} --store s")).json();
    assert_eq!((&one["erased"], &one["body"]), (&true.into(), &serde_json::Value::Null), "{one}");
    let table = shell.run("snapshot show compute.server --store s").stdout;
    assert!(table.contains("erased"), "{table}");

    let after = shell.run(check);
    assert_eq!(after.code, 3, "{}", after.stderr);
    let after = after.json();
    let findings = |report: &serde_json::Value| {
        let all = report["subjects"][0]["rules"].as_array().unwrap().iter();
        let all = all.flat_map(|r| r["findings"].as_array().cloned().unwrap_or_default());
        all.filter(|f| f["resource"] == key).collect::<Vec<_>>()
    };
    let found = findings(&after);
    assert!(!found.is_empty(), "a rule passes on what was erased: {after}");
    for finding in &found {
        assert_eq!(finding["verdict"], "abort", "{finding}");
    }
    assert!(found.iter().any(|f| f.to_string().contains("was erased from the store")), "{found:?}");
}

#[test]
fn a_bucket_needs_an_address_and_credentials() {
    let shell = Shell::new();
    shell
        .run("snapshot list --store s3://bucket/prefix")
        .refused(64, &["`s3://bucket/prefix`", "AWS_ACCESS_KEY_ID"]);
    shell.run("snapshot list --store s3://").refused(64, &["s3://bucket/prefix"]);
}
