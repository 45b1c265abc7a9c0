//! Runs the binary as people do, the unhappy cases first: standard output,
//! standard error and exit code.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod shell;

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use shell::Shell;

const UNREACHABLE: &str = "\
clouds:
  prod1:
    auth: {auth_url: 'http://127.0.0.1:9/v3', username: u, password: hunter2, project_name: p,
           user_domain_name: Default, project_domain_name: Default}
";

#[test]
fn a_misspelt_flag_or_command_is_usage_with_a_suggestion() {
    let shell = Shell::new();
    shell.run("scan --exampel").refused(64, &["--example"]);
    shell.run("snapshto list").refused(64, &["snapshot"]);
    shell.run("check --fail-on severe").refused(64, &["critical, high, medium, low or info"]);
    shell.run("scan -f xml").refused(64, &["table, json, ndjson"]);
    shell.run("check --at yesterday").refused(64, &["latest~3"]);
    shell.run("check --reference-date someday").refused(64, &["2026-06-30"]);
}

#[test]
fn without_a_configuration_it_says_where_it_looked() {
    let ran = Shell::new().run("scan");
    ran.refused(
        1,
        &["no clouds.yaml found in", "/etc/openstack", "hint: ", "OS_CLIENT_CONFIG_FILE"],
    );
}

#[test]
fn an_unknown_cloud_is_usage_and_the_known_ones_are_listed() {
    let shell = Shell::new();
    shell.write("clouds.yaml", UNREACHABLE);
    shell.run("scan --cloud prod2").refused(64, &["unknown cloud `prod2`", "prod1"]);
}

#[test]
fn an_unreachable_cloud_fails_without_telling_the_password() {
    let shell = Shell::new();
    shell.write("clouds.yaml", UNREACHABLE);
    let ran = shell.run("scan");
    ran.refused(1, &["cannot reach `http://127.0.0.1:9", "hint: "]);
    assert!(!ran.stderr.contains("hunter2"));
    assert!(!shell.path(".local/share/tidegate").exists(), "nothing is written for nothing");
}

#[test]
fn a_clouds_yaml_that_is_no_yaml_is_named() {
    let shell = Shell::new();
    shell.write("clouds.yaml", "clouds: [");
    shell.run("scan").refused(1, &["clouds.yaml"]);
}

#[test]
fn a_bundle_that_is_not_there_or_not_right_is_named_with_file_and_line() {
    let shell = Shell::new();
    shell
        .run("scan --example --bundle nonesuch")
        .refused(64, &["`nonesuch`", "scs-compatible-iaas"]);

    shell.write("broken/rule.rego", "package x\nimport rego.v1\n\nverdict := \n");
    shell.run("scan --example --bundle ./broken").refused(1, &["broken", "rule.rego:"]);

    shell.write("bare/rule.rego", "package x\nimport rego.v1\n\nverdict := \"pass\"\n");
    shell.run("scan --example --bundle ./bare").refused(1, &["rule.rego", "METADATA"]);

    shell.write("library/a.rego", "package x.lib\nimport rego.v1\n\nf(a) := a\n");
    shell.run("scan --example --bundle ./library").refused(1, &["there is no rule in bundle"]);
    shell.run("policy test ./library").refused(1, &["there is no rule in bundle"]);

    shell.write("clock/rule.rego", "package x\nimport rego.v1\n\nt := time.now_ns()\n");
    shell.run("scan --example --bundle ./clock").refused(1, &["rule.rego:4", "time.now_ns"]);
    assert!(!shell.path(".local/share/tidegate").exists());
}

#[test]
fn an_empty_store_says_what_to_do() {
    let shell = Shell::new();
    shell.run("check").refused(64, &["the store is empty", "tidegate collect"]);
    let list = shell.run("snapshot list");
    assert_eq!((list.code, list.stdout.lines().count()), (0, 1), "{list:?}");
}

#[test]
fn a_store_that_is_a_file_or_of_a_newer_format_is_refused() {
    let shell = Shell::new();
    shell.write("file", "not a folder");
    shell.run("snapshot list --store file").refused(1, &["file"]);

    assert_eq!(shell.run("collect --example --store s").code, 0);
    let format = std::fs::read_to_string(shell.path("s/format.json")).unwrap();
    shell.write("s/format.json", &format.replace("/v1", "/v99"));
    shell.run("snapshot list --store s").refused(1, &["/v99", "newer tidegate"]);
    shell.run("collect --example --store s").refused(1, &["/v99"]);
}

#[test]
fn a_second_process_on_the_store_reads_and_is_told_that_it_cannot_write() {
    let shell = Shell::new();
    assert_eq!(shell.run("collect --example --store s").code, 0);
    // A process that was stopped in the middle of a collection keeps its lock.
    let mut first = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["collect", "--example", "--store", "s"])
        .current_dir(shell.dir.path())
        .env_clear()
        .env("HOME", shell.dir.path())
        .spawn()
        .unwrap();
    let lock = || std::fs::read_dir(shell.path("s/tmp")).map_or(0, Iterator::count);
    for _ in 0..2000 {
        if lock() > 0 || first.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let pid = first.id().to_string();
    assert!(Command::new("kill").args(["-STOP", &pid]).status().unwrap().success());
    if first.try_wait().unwrap().is_none() {
        let read = shell.run("snapshot show compute.server --store s");
        assert_eq!(read.code, 0, "{read:?}");
        let ran = shell.run("collect --example --store s -q");
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains("error: cannot write to store"), "{ran:?}");
        assert!(ran.stderr.contains("another process is using it"), "{ran:?}");
    }
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    first.wait().unwrap();
    assert_eq!(shell.run("collect --example --store s").code, 0);
}

/// A directory without write permission does not stop root, so the file system
/// is full instead where that can be arranged.
#[test]
fn a_full_disk_fails_and_keeps_what_was_committed() {
    let shell = Shell::new();
    assert_eq!(shell.run("collect --example --store s").code, 0);
    // A limit on file sizes is met in the same places as a full disk.
    let binary = env!("CARGO_BIN_EXE_tidegate");
    let script = format!("ulimit -f 8; trap '' XFSZ; exec {binary} collect --example --store t");
    let out = Command::new("sh")
        .args(["-c", &script])
        .current_dir(shell.dir.path())
        .env_clear()
        .env("HOME", shell.dir.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("error: cannot"), "{stderr}");
    let list = shell.run("snapshot list --store s -f json").json();
    assert_eq!(list["snapshots"].as_array().unwrap().len(), 1);
    // The same store works once there is room.
    assert_eq!(shell.run("collect --example --store t").code, 0);
}

#[test]
fn a_flipped_bit_in_a_segment_is_told_by_name() {
    let shell = Shell::new();
    assert_eq!(shell.run("collect --example --store s").code, 0);
    let folder = shell.path("s/segments/example");
    let segment = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
    let mut bytes = std::fs::read(segment.path()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(segment.path(), bytes).unwrap();
    let ran = shell.run("snapshot show compute.server --store s");
    ran.refused(1, &[segment.file_name().to_str().unwrap(), "damaged"]);
}

#[test]
fn the_example_has_passes_fails_and_something_that_could_not_be_judged() {
    let shell = Shell::new();
    let ran = shell.run("scan --example --store s -f json");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let report = ran.json();
    let summary = &report["summary"];
    for what in ["passed", "failed", "not_judged", "kinds_with_gaps"] {
        assert!(summary[what].as_u64().unwrap() > 0, "{what}: {summary}");
    }
    let coverage = report["subjects"][0]["coverage"].as_array().unwrap();
    let with = |status: &str| coverage.iter().filter(|c| c["status"] == status).count();
    assert!(with("complete") >= 8, "{}", with("complete"));
    assert!(with("forbidden") >= 1);

    let table = shell.run("check --store s");
    assert_eq!(table.code, 2);
    for text in ["FAIL", "ABORT", "PASS", "not judged: ", "fix: ", "forbidden"] {
        assert!(table.stdout.contains(text), "no `{text}` in {}", table.stdout);
    }
    assert_eq!(
        shell.run("check --store s --fresh -f json").json()["subjects"][0]["rules"],
        report["subjects"][0]["rules"],
        "carried and fresh verdicts are the same"
    );
}

#[test]
fn formats_go_to_files_and_standard_output_at_once() {
    let shell = Shell::new();
    let ran = shell.run("scan --example -f table -f json=out.json --no-color");
    assert!(ran.stdout.contains("kinds"), "{ran:?}");
    let text = std::fs::read_to_string(shell.path("out.json")).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["schema_version"], "tidegate.report/v1");
    assert_eq!(report["summary"]["exit"], 2);
    let ran = shell.run("scan --example -f json=no/such/folder.json");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("cannot write `no/such/folder.json`"), "{ran:?}");
}

#[test]
fn a_scope_that_rules_do_not_cover_is_missing_and_never_passes() {
    let shell = Shell::new();
    let ran = shell.run("scan --example --scope scs-compatible-iaas@v5.1 -f json");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let scope = &ran.json()["subjects"][0]["scopes"][0];
    assert_eq!(
        (scope["version"].as_str(), scope["verdict"].as_str()),
        (Some("v5.1"), Some("fail"))
    );
    assert_eq!(scope["testcases"].as_array().unwrap().len(), 54);
    shell
        .run("scan --example --scope scs-compatible-iaas@v99")
        .refused(64, &["no version `v99`", "v5.1"]);
    shell
        .run("scan --example --bundle scs-compatible-iaas --scope other")
        .refused(64, &["`other`"]);
}

#[test]
fn resources_are_shown_by_id_or_name_and_ambiguity_is_listed() {
    let shell = Shell::new();
    assert_eq!(shell.run("collect --example --store s").code, 0);
    let all = shell.run("snapshot show compute.flavor --store s -f json").json();
    let first = &all["resources"][0];
    let name = first["name"].as_str().unwrap();
    let one = shell.run(&format!("snapshot show compute.flavor {name} --store s")).json();
    assert_eq!(one["key"], first["key"]);
    shell.run("snapshot show compute.flavour --store s").refused(64, &["its kinds: "]);
    shell
        .run("snapshot show compute.flavor none --store s")
        .refused(64, &["no compute.flavor `none`"]);
    shell.run("snapshot show --store s --at example@9").refused(64, &["example@9"]);
    shell.run("check --store s --at example@1 --cloud prod1").refused(64, &["another cloud"]);
    shell.run("snapshot show --store s --at 2001-01-01").refused(64, &["2001"]);
}

#[test]
fn a_deleted_index_is_rebuilt_and_nothing_is_lost() {
    let shell = Shell::new();
    assert_eq!(shell.run("collect --example --store s").code, 0);
    let before = shell.run("snapshot show compute.server --store s").stdout;
    std::fs::remove_dir_all(shell.path("s/index")).unwrap();
    assert_eq!(shell.run("snapshot show compute.server --store s").stdout, before);
    let ran = shell.run("store reindex --store s");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "example: 1 snapshots\n"), "{ran:?}");
}

#[test]
fn policy_test_ends_in_the_counts() {
    let shell = Shell::new();
    let ran = shell.run("policy test");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.trim_end().ends_with(" passed, 0 failed"), "{ran:?}");
    let line = ran.stdout.lines().find(|l| l.starts_with("scs-0102-prop-min_ram ")).unwrap();
    assert!(line.contains(" cases") && line.contains(" %"), "{line}");

    let rule = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../policies/scs-compatible-iaas/scs-0102/prop_architecture/rule.rego");
    assert!(rule.exists());
    shell.run("policy test ./nothing").refused(64, &["./nothing"]);
}

#[test]
fn help_names_the_exit_codes_and_completions_and_manual_are_written() {
    let shell = Shell::new();
    let help = shell.run("--help");
    assert_eq!(help.code, 0);
    assert!(help.stdout.contains("64  wrong usage"), "{help:?}");
    for shell_name in ["bash", "zsh", "fish"] {
        assert!(shell.run(&format!("completions {shell_name}")).stdout.contains("tidegate"));
    }
    let man = shell.run("man").stdout;
    assert!(man.starts_with(".") && man.contains("64  wrong usage"), "{man}");
}

/// A rule on what the world reaches of a port.
const EXPOSED: &str = "\
# METADATA
# title: Nothing of a port is exposed
# custom:
#   id: nothing-exposed
#   severity: high
#   input: resource
#   kinds: [openstack.exposure]
package own.exposed

import rego.v1

verdict := \"pass\" if not input.resource.body.exposed == true

verdict := \"fail\" if input.resource.body.exposed == true

violations contains {\"message\": \"it is exposed\", \"path\": \"/tcp\", \"found\": input.resource.body.tcp, \"wanted\": {}} if verdict == \"fail\"
";

#[test]
fn a_resource_is_explained_with_rules_and_derived_facts() {
    let shell = Shell::new();
    shell.run("policy explain").refused(64, &["<RULE>"]);
    shell.run("policy explain a-rule --resource x").refused(64, &["--resource"]);
    shell.run("policy explain a-rule --at 2026-06-30").refused(64, &["--at", "[RULE]"]);
    shell.run("policy explain a-rule --cloud x").refused(64, &["--cloud", "[RULE]"]);
    shell.write("own/.manifest", r#"{"roots": ["own"]}"#);
    shell.write("own/rule.rego", EXPOSED);
    assert_eq!(shell.run("collect --example").code, 0);
    shell
        .run("policy explain --resource nonesuch --bundle ./own")
        .refused(64, &["no resource has or had the key, id or name `nonesuch`"]);

    let explain = |resource: &str| {
        let ran = shell.run(&format!("policy explain --resource {resource} --bundle ./own"));
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stdout
    };
    let port = explain("1551456e-1489-420b-939d-afdecf412a8b");
    for part in [
        "example@1, taken ",
        "\nopenstack.exposure\n  no way leads to it from the world\n  the world reaches nothing\n",
        "\nrules\n  pass  high  nothing-exposed  Nothing of a port is exposed\n",
    ] {
        assert!(port.contains(part), "no `{part}` in {port}");
    }
    let server = explain("b0d60bcf-c99d-41df-a4f7-1dd0f8771d28");
    let part = "\nopenstack.exposure  openstack/network.port/";
    assert!(server.contains(part), "no `{part}` in {server}");
    // Its hypervisors were not seen, so the rule says nothing of it.
    let unseen = EXPOSED
        .replace("nothing-exposed", "unseen")
        .replace("[openstack.exposure]", "[compute.server, compute.hypervisor]")
        .replace("own.exposed", "own.unseen");
    shell.write("own/unseen.rego", &unseen);
    let server = explain("b0d60bcf-c99d-41df-a4f7-1dd0f8771d28");
    let row = server.lines().find(|l| l.contains("  unseen  ")).unwrap();
    assert!(row.starts_with("  abort") && row.contains("`compute.hypervisor`"), "{row}");
    let group = explain("0800b276-57d3-4330-a6c6-af81ed58a833");
    for part in [
        "\nopenstack.opening\n  lets the whole world in on ",
        "none judges it; choose others with --bundle",
    ] {
        assert!(group.contains(part), "no `{part}` in {group}");
    }
}
