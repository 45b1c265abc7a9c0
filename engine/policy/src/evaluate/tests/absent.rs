//! Kinds that the cloud, or a region of it, does not offer.

use tidegate_model::{AbortCode, KindCoverage, Status, Verdict, Visibility};

use super::facts::{Memory, complete, coverage, time};
use crate::evaluate::{Options, evaluate};
use crate::ruleset::tests::compile;

/// A rule on all regions that says what it was given.
fn judge(needed: &str, entries: Vec<KindCoverage>) -> (Verdict, Vec<String>) {
    let text = format!(
        r#"# METADATA
# title: t
# custom:
#   id: r-zones
#   severity: low
#   input: collection
#   per: subject
#   visibility: {needed}
#   kinds: [dns.zone]
#   absent: [dns.zone]
package r.zones
import rego.v1
violations contains {{"message": sprintf("%d zones, absent: %v", [n, input.absent])}} if {{
    n := count(input.resources["dns.zone"])
}}
verdict := "fail"
"#
    );
    let set = compile(&[("r.rego", text.as_str())]).unwrap();
    let mut m = Memory::new(entries);
    m.put("dns.zone", Some("R"), "1", "{}");
    let judged = evaluate(&set, &m, &Options::fresh(time(0))).unwrap();
    let outcome = judged.evaluation.rules.values().next().unwrap();
    let said = outcome.findings.iter().flat_map(|f| {
        let cause = f.cause.iter().map(|c| {
            assert_eq!(c.code, AbortCode::Visibility);
            c.message.clone()
        });
        f.violations.iter().map(|v| v.message.clone()).chain(cause).collect::<Vec<_>>()
    });
    (outcome.verdict, said.collect())
}

fn absent(region: &str, visibility: Visibility) -> KindCoverage {
    KindCoverage { visibility, ..coverage("dns.zone", Some(region), Status::Absent) }
}

fn own() -> Visibility {
    Visibility::Projects(["p".into()].into())
}

#[test]
fn a_kind_that_one_region_has_is_not_absent() {
    let here = complete("dns.zone", Some("R"));
    for region in ["A", "S"] {
        let (_, said) = judge("all", vec![here.clone(), absent(region, Visibility::All)]);
        assert_eq!(said, ["1 zones, absent: []"]);
    }
    let nowhere = ["R", "S"].map(|r| absent(r, Visibility::All)).to_vec();
    let (_, said) = judge("all", nowhere);
    assert_eq!(said, [r#"1 zones, absent: ["dns.zone"]"#]);
}

#[test]
fn that_a_kind_is_absent_is_not_believed_of_a_weak_token() {
    let text = "`dns.zone`: it is absent, but visibility is project p, needed is all";
    let (verdict, said) = judge("all", vec![absent("R", own())]);
    assert_eq!((verdict, said), (Verdict::Abort, vec![text.to_owned()]));
    let mixed = vec![complete("dns.zone", Some("R")), absent("S", own())];
    let (verdict, said) = judge("all", mixed);
    assert_eq!((verdict, said), (Verdict::Abort, vec![text.to_owned()]));
    let (_, said) = judge("member", vec![absent("R", own())]);
    assert_eq!(said, [r#"1 zones, absent: ["dns.zone"]"#]);
    let (verdict, _) = judge("member", vec![absent("R", Visibility::Public)]);
    assert_eq!(verdict, Verdict::Abort);
}
