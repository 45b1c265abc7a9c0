//! Gates of waves that rules of a bundle close; the fleet is that of a snapshot.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod cloud;
mod shell;

use serde_json::{Value, json};
use shell::Shell;
use tidegate_model::Timestamp;

const INTENT: &str = r#"
schema: tidegate.intent/v1
targets: [{selector: all, component: kernel, to: "6.12.2", reboot: true}]
canary: 1
"#;

/// One port of the cloud is `direct`: it breaks the rule.
const RULE: &str = r#"# METADATA
# title: Ports are on the switch
# scope: package
# custom:
#   id: own.ports
#   severity: high
#   input: resource
#   kinds: [network.port]
package own.ports

import rego.v1

type := input.resource.body["binding:vnic_type"]

verdict := "pass" if type == "normal"

verdict := "fail" if type == "direct"

violations contains {"message": "it is not", "path": "/binding:vnic_type", "found": type} if {
	verdict == "fail"
}
"#;

const ASK: &str = "gate --store store --plan plan.json --wave 1 --intent intent.yaml --at latest \
                   --as alice --role operator -f json";

struct Gate(Shell);

impl Gate {
    /// A plan made from a snapshot that was taken just now.
    fn new() -> Self {
        let shell = Shell::new();
        shell.write("intent.yaml", INTENT);
        cloud::snapshot(&shell, Timestamp::now(), &cloud::cloud(), &cloud::complete);
        let ran = shell.run("plan --store store --intent intent.yaml -f json=plan.json");
        assert_eq!(ran.code, 3, "the host of a direct port is blocked: {ran:?}");
        Self(shell)
    }

    /// Asks with a rule for exit code, answer and conditions; a closed gate counts for no time.
    #[track_caller]
    fn ask(&self, rule: &str) -> (i32, Value, Vec<Value>) {
        self.0.write("own/.manifest", r#"{"roots": ["own"]}"#);
        self.0.write("own/rule.rego", rule);
        let ran = self.0.run(&format!("{ASK} --bundle own"));
        let answer = ran.json();
        assert_eq!(answer.get("valid_until").is_some(), ran.code == 0, "{answer}");
        let conditions = answer["conditions"].as_array().unwrap().clone();
        assert_eq!(
            (&conditions[5]["name"], &conditions[6]["name"]),
            (&json!("rules"), &json!("policy"))
        );
        for of_facts in &conditions[..5] {
            assert_eq!(of_facts["state"], "holds", "{of_facts}");
        }
        (ran.code, answer["answer"].clone(), conditions)
    }

    /// The text of the condition `rules`, which is in this state, and its counts.
    #[track_caller]
    fn closed(&self, rule: &str, code: i32, answer: &str, state: &str) -> (Value, Value) {
        let (exit, said, conditions) = self.ask(rule);
        assert_eq!((exit, &said), (code, &json!(answer)), "{conditions:?}");
        // The policies want it to hold, too.
        assert_eq!(
            (&conditions[5]["state"], &conditions[6]["state"]),
            (&json!(state), &json!(state))
        );
        (conditions[5]["text"].clone(), conditions[5]["numbers"].clone())
    }
}

#[test]
fn a_blocking_rule_that_fails_closes_the_gate() {
    let gate = Gate::new();
    let (text, counts) = gate.closed(RULE, 2, "denied", "fails");
    assert_eq!(text, "broken: own.ports");
    assert_eq!(counts, json!({"pass": 0, "fail": 1, "undecided": 0}));
    let ran = gate
        .0
        .run(&format!("{} -f junit=gate.xml --bundle own", ASK.replace("-f json", "-f table")));
    assert!(ran.stdout.contains("wave 1: CLOSED: denied\n"), "{ran:?}");
    assert!(ran.stdout.contains("rules     does not hold  broken: own.ports\n"), "{ran:?}");
    let junit = std::fs::read_to_string(gate.0.path("gate.xml")).unwrap();
    assert!(junit.contains("failures=\"2\" errors=\"0\""), "{junit}");
    // What was answered is in the chain of the cloud, and nothing is under way.
    assert!(gate.0.path("store/records/prod1").exists());
    let status = gate.0.run("plan status --store store --plan plan.json -f json").json();
    assert_eq!(status["active"], Value::Null);
}

#[test]
fn a_blocking_rule_that_cannot_be_judged_closes_the_gate() {
    let gate = Gate::new();
    // No verdict for a port is Abort, not Pass.
    let abort = RULE.replace("type == \"direct\"", "type == \"vdpa\"");
    let (text, counts) = gate.closed(&abort, 3, "undecided", "unknown");
    assert_eq!(text, "could not be judged: own.ports");
    assert_eq!(counts, json!({"pass": 0, "fail": 0, "undecided": 1}));
    // So is a kind that nobody has collected.
    let (text, _) =
        gate.closed(&RULE.replace("network.port", "core.Pod"), 3, "undecided", "unknown");
    assert_eq!(text, "could not be judged: own.ports");
}

#[test]
fn a_rule_that_passes_or_does_not_block_leaves_it_open() {
    let gate = Gate::new();
    let (code, _, conditions) = gate.ask(&RULE.replace("severity: high", "severity: medium"));
    assert_eq!(code, 0, "{conditions:?}");
    assert_eq!(conditions[5]["numbers"], json!({"pass": 0, "fail": 0, "undecided": 0}));
    let (code, _, conditions) =
        gate.ask(&RULE.replace("\"direct\"", "\"vdpa\"").replace("\"normal\"", "type"));
    assert_eq!((code, &conditions[5]["numbers"]["pass"]), (0, &json!(1)), "{conditions:?}");
}
