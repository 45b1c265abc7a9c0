use super::*;
use crate::table::tests::sample;

fn written(report: &Report, options: &MarkdownOptions) -> String {
    let mut out = Vec::new();
    markdown(report, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The sample with `n` times the finding of its broken rule, and `clouds`
/// times its cloud.
fn many(n: usize, clouds: usize) -> Report {
    let mut subject = sample().subjects.remove(0);
    for rule in &mut subject.rules {
        if rule.verdict == Verdict::Fail {
            rule.findings = vec![rule.findings[0].clone(); n];
        }
    }
    Report::new("0.1.0", vec![subject; clouds])
}

#[test]
fn numbers_come_first_and_names_stay_names() {
    let text = written(&sample(), &MarkdownOptions::default());
    let start = "<!-- tidegate -->\n## Compliance: fail\n\n1 open finding (1 medium), 1 not judged";
    assert!(text.starts_with(start), "{text}");
    assert!(text.contains("| `SCS-1V-4 [31m`<br>`openstack/compute.flavor/R/1` |"), "{text}");
    assert!(text.contains("[clause](<https://example.org/clause>)"), "{text}");
    assert!(!text.contains("Left out"), "{text}");
}

#[test]
fn no_report_goes_beyond_the_budget_and_what_is_left_out_is_counted() {
    for (n, clouds) in [(1, 1), (1_000, 1), (300, 7), (2, 900)] {
        for budget in [0, 2_048, 4_000, 20_000, 65_536] {
            let options = MarkdownOptions { budget, findings_per_rule: 500 };
            let text = written(&many(n, clouds), &options);
            assert!(text.len() <= budget.max(2_048), "{n} {clouds} {budget}: {}", text.len());
            let listed = text.matches("has too little memory").count();
            assert_eq!(
                listed == n * clouds && text.matches("forbidden").count() == 2 * clouds,
                !text.contains("Left out"),
                "{n} {clouds} {budget}"
            );
            assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        }
    }
    let text = written(&many(1_000, 1), &MarkdownOptions::COMMENT);
    assert!(text.contains("\nAnd 990 more.\n"), "{text}");
    assert!(text.contains("990 findings.**"), "{text}");
}

#[test]
fn every_cloud_has_its_share() {
    let options = MarkdownOptions { budget: 20_000, findings_per_rule: 500 };
    let text = written(&many(1_000, 3), &options);
    assert_eq!(text.matches("#### Broken").count(), 3);
    assert_eq!(text.matches("#### Could not be judged").count(), 3, "{text}");
}
