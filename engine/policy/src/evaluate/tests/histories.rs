//! Carrying forward gives what judging anew gives, on random histories.

use proptest::prelude::*;
use tidegate_model::{Facts, KindCoverage, Status, Visibility};

use super::facts::{Memory, complete, coverage, key, time};
use crate::evaluate::{Options, evaluate};
use crate::ruleset::RuleSet;
use crate::ruleset::tests::compile;

const NAME: &str = r#"# METADATA
# title: names
# custom:
#   id: h-name
#   severity: low
#   input: resource
#   kinds: [a.server, a.volume]
#   requires: {a.server: [/n]}
package h.name
import rego.v1
violations contains {"message": "odd", "found": input.resource.body.n, "wanted": 0.1} if input.resource.body.n % 2 == 1
verdict := "pass" if count(violations) == 0
verdict := "fail" if count(violations) > 0
"#;

const JOIN: &str = r#"# METADATA
# title: joins
# custom:
#   id: h-join
#   severity: low
#   input: resource
#   kinds: [a.server]
#   visibility: member
#   joins:
#     - {name: volumes, kind: a.volume, key: /volumes, field: /n}
#     - {name: servers, kind: a.server, key: /peer}
package h.join
import rego.v1
violations contains {"message": "joined", "found": input.joined} if count(input.joined.volumes) > count(input.joined.servers)
verdict := "pass" if count(violations) == 0
verdict := "fail" if count(violations) > 0
"#;

const REQUIRED: &str = r#"# METADATA
# title: joins of what is required
# custom:
#   id: h-required
#   severity: low
#   input: resource
#   kinds: [a.server]
#   visibility: member
#   joins:
#     - {name: volumes, kind: a.volume, key: /volumes, field: /n}
#   requires: {a.volume: [/n]}
package h.required
import rego.v1
violations contains {"message": "joined"} if count(input.joined.volumes) > 1
verdict := "pass" if count(violations) == 0
verdict := "fail" if count(violations) > 0
"#;

const TIME: &str = r#"# METADATA
# title: time
# custom:
#   id: h-time
#   severity: low
#   input: resource
#   kinds: [a.volume]
#   time: true
package h.time
import rego.v1
expires := sprintf("2023-11-15T%02d:00:00Z", [input.resource.body.n])
violations contains {"message": "expired", "found": expires} if expires <= input.now
valid_until := expires if expires > input.now
valid_until := "2099-01-01T00:00:00Z" if expires <= input.now
verdict := "pass" if count(violations) == 0
verdict := "fail" if count(violations) > 0
"#;

const ALWAYS: &str = r#"# METADATA
# title: always
# custom:
#   id: h-always
#   severity: low
#   input: resource
#   kinds: [a.server]
#   time: true
package h.always
import rego.v1
violations contains {"message": input.now}
verdict := "fail"
"#;

const ALL: &str = r#"# METADATA
# title: all
# custom:
#   id: h-all
#   severity: low
#   input: collection
#   kinds: [a.volume]
package h.all
import rego.v1
names[v.body.n] contains v.key if some v in input.resources["a.volume"]
violations contains {"message": "same", "resource": k} if { some n; count(names[n]) > 1; some k in names[n] }
verdict := "pass" if count(violations) == 0
verdict := "fail" if count(violations) > 0
"#;

const SUBJECT: &str = r#"# METADATA
# title: subject
# custom:
#   id: h-subject
#   severity: low
#   input: collection
#   per: subject
#   kinds: [a.server, a.flavor]
#   absent: [a.flavor]
#   time: true
package h.subject
import rego.v1
n := count(input.resources["a.server"])
violations contains {"message": sprintf("%d", [n]), "found": input.absent} if n % 3 == 1
valid_until := "2099-01-01T00:00:00Z"
verdict := "pass" if count(violations) == 0
verdict := "fail" if count(violations) > 0
"#;

fn rules() -> RuleSet {
    compile(&[
        ("name.rego", NAME),
        ("join.rego", JOIN),
        ("required.rego", REQUIRED),
        ("time.rego", TIME),
        ("always.rego", ALWAYS),
        ("all.rego", ALL),
        ("subject.rego", SUBJECT),
    ])
    .unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    Put { kind: usize, region: usize, id: u8, n: u8, volumes: Vec<u8>, peer: u8, lacks: u8 },
    Remove { kind: usize, region: usize, id: u8 },
    See { kind: usize, region: usize, id: u8, seen: bool },
    Cover { kind: usize, region: usize, how: u8 },
}

const KINDS: [&str; 2] = ["a.server", "a.volume"];
const REGIONS: [Option<&str>; 3] = [Some("R"), Some("S"), None];

fn step() -> impl Strategy<Value = Step> {
    let at = || (0..2_usize, 0..3_usize, 0..6_u8);
    prop_oneof![
        6 => (at(), 0..12_u8, prop::collection::vec(0..12_u8, 0..3), 0..6_u8, 0..20_u8).prop_map(
            |((kind, region, id), n, volumes, peer, lacks)| Step::Put { kind, region, id, n, volumes, peer, lacks }
        ),
        2 => at().prop_map(|(kind, region, id)| Step::Remove { kind, region, id }),
        2 => (at(), any::<bool>()).prop_map(|((kind, region, id), seen)| Step::See { kind, region, id, seen }),
        1 => (0..2_usize, 0..3_usize, 0..5_u8).prop_map(|(kind, region, how)| Step::Cover { kind, region, how }),
    ]
}

fn apply(memory: &mut Memory, covered: &mut [[u8; 3]; 2], step: &Step) {
    match step {
        Step::Put { kind, region, id, n, volumes, peer, lacks } => {
            let n = if *lacks == 0 { String::new() } else { format!("\"n\":{n},") };
            // Without a body it was erased.
            let body = match lacks {
                1 => String::new(),
                _ => format!("{{{n}\"peer\":\"{peer}\",\"volumes\":{volumes:?}}}"),
            };
            memory.put(KINDS[*kind], REGIONS[*region], &id.to_string(), &body);
        }
        Step::Remove { kind, region, id } => {
            memory.remove(&key(KINDS[*kind], REGIONS[*region], &id.to_string()));
        }
        Step::See { kind, region, id, seen } => {
            memory.see(&key(KINDS[*kind], REGIONS[*region], &id.to_string()), *seen);
        }
        Step::Cover { kind, region, how } => {
            covered[*kind][*region] = *how;
            memory.cover(entries(covered));
        }
    }
}

fn entries(covered: &[[u8; 3]; 2]) -> Vec<KindCoverage> {
    let mut all = vec![coverage("a.flavor", None, Status::Absent)];
    for (kind, regions) in KINDS.iter().zip(covered) {
        for (region, how) in REGIONS.iter().zip(regions) {
            match how {
                0 => all.push(complete(kind, *region)),
                1 => all.push(coverage(kind, *region, Status::Forbidden)),
                2 => {
                    let mut weak = complete(kind, *region);
                    weak.visibility = Visibility::Projects(["p".into()].into());
                    all.push(weak);
                }
                3 => all.push(coverage(kind, *region, Status::Absent)),
                _ => {}
            }
        }
    }
    all
}

/// One snapshot: its steps, and hours that pass beyond its own.
type Round = (Vec<Step>, i64, bool);

fn check(rounds: &[Round]) {
    let set = rules();
    let mut covered = [[0; 3]; 2];
    let mut memory = Memory::new(entries(&covered));
    let mut prior: Option<Vec<u8>> = None;
    let mut clock = 0;
    for (n, (steps, hours, skip)) in rounds.iter().enumerate() {
        memory = memory.next();
        for step in steps {
            apply(&mut memory, &mut covered, step);
        }
        clock += hours;
        let mut options = Options::fresh(time(clock));
        let fresh = evaluate(&set, &memory, &options).unwrap();
        options.prior = prior.as_deref();
        let carried = evaluate(&set, &memory, &options).unwrap();
        assert_eq!(carried.stats.carried, prior.is_some());
        let json = |e| serde_json::to_string_pretty(e).unwrap();
        assert_eq!(json(&carried.evaluation), json(&fresh.evaluation), "round {n}: {rounds:?}");
        assert!(carried.stats.judged <= fresh.stats.judged);
        // The blob that is carried on alternates, and some snapshots are
        // never judged.
        if !skip {
            prior = Some(if n % 2 == 0 { carried.carry } else { fresh.carry });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn carried_equals_fresh(
        rounds in prop::collection::vec((prop::collection::vec(step(), 0..14), 0..5_i64, any::<bool>()), 1..8),
    ) {
        check(&rounds);
    }
}

#[test]
fn what_looks_up_nothing_does_not_depend_on_what_cannot_be_read() {
    let put = |kind, lacks| Step::Put {
        kind,
        region: 0,
        id: 0,
        n: 0,
        volumes: Vec::new(),
        peer: 0,
        lacks,
    };
    check(&[(vec![put(0, 2)], 0, false), (vec![put(1, 0)], 0, false)]);
}

#[test]
fn a_blob_that_does_not_fit_is_ignored() {
    let set = rules();
    let mut memory = Memory::new(entries(&[[0; 3]; 2]));
    memory.put("a.server", None, "1", "{\"n\":1}");
    let mut options = Options::fresh(time(2));
    let first = evaluate(&set, &memory, &options).unwrap();
    let next = memory.next();
    let carried = |facts: &Memory, options: &Options<'_>| {
        evaluate(&set, facts, options).unwrap().stats.carried
    };
    options.prior = Some(&first.carry);
    assert!(carried(&next, &options));
    assert!(carried(&memory, &options), "the same snapshot once more");
    options.reference_time = time(1);
    assert!(!carried(&next, &options), "time does not run back");
    options.reference_time = time(2);
    options.only = Some(["h-name".parse().unwrap()].into());
    assert!(!carried(&next, &options), "other rules");
    options.only = None;
    options.prior = Some(b"garbage");
    assert!(!carried(&next, &options));
    let other = compile(&[("name.rego", NAME)]).unwrap();
    options.prior = Some(&first.carry);
    assert!(!evaluate(&other, &next, &options).unwrap().stats.carried);
    assert_eq!(next.seq(), 2);
    assert_eq!(next.meta().id.to_string(), "s@2");
}

#[test]
fn an_abort_by_a_limit_is_never_carried() {
    let set = compile(&[("name.rego", NAME)]).unwrap();
    let mut memory = Memory::new(entries(&[[0; 3]; 2]));
    memory.put("a.server", None, "1", "{\"n\":2}");
    let mut options = Options::fresh(time(1));
    options.limits.instructions = 3;
    let first = evaluate(&set, &memory, &options).unwrap();
    assert_eq!(first.evaluation.verdict(), tidegate_model::Verdict::Abort);
    let next = memory.next();
    let mut options = Options::fresh(time(1));
    options.prior = Some(&first.carry);
    let second = evaluate(&set, &next, &options).unwrap();
    assert!(second.stats.carried);
    assert_eq!(second.stats.judged, 1);
    assert_eq!(second.evaluation.verdict(), tidegate_model::Verdict::Pass);
}
