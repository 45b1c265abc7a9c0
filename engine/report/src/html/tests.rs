use super::*;
use crate::table::tests::sample;

fn page(report: &Report, options: &HtmlOptions<'_>) -> String {
    let mut out = Vec::new();
    html(report, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn each_finding_stands_once_in_the_section_of_its_state() {
    let text = page(&sample(), &HtmlOptions::default());
    assert_eq!(text.matches("<tr id=\"s0-").count(), 2);
    let broken = text.find("<h3>Broken").unwrap();
    let unknown = text.find("<h3>Could not be judged").unwrap();
    assert!(broken < unknown);
    assert!(text[broken..unknown].contains("title of c-fail"), "{text}");
    assert!(text[unknown..].contains("image.image: forbidden"), "{text}");
    assert!(text.contains("no rule judges it"), "{text}");
}

#[test]
fn the_policy_admits_exactly_the_style_and_the_script() {
    use base64::Engine as _;
    let text = page(&sample(), &HtmlOptions::default());
    let policy = text.split("Content-Security-Policy\" content=\"").nth(1).unwrap();
    let policy = policy.split('"').next().unwrap();
    for tag in ["style", "script"] {
        assert_eq!(text.matches(&format!("<{tag}")).count(), 1);
        let inside = text.split(&format!("<{tag}>")).nth(1).unwrap();
        let inside = inside.split(&format!("</{tag}>")).next().unwrap();
        let digest = tidegate_model::Digest::of(inside.as_bytes()).0;
        let hash = base64::engine::general_purpose::STANDARD.encode(digest);
        assert!(policy.contains(&format!("{tag}-src 'sha256-{hash}'")), "{policy}");
    }
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!text.contains(" style=") && !text.contains(" onclick"), "the policy forbids them");
}

#[test]
fn a_trend_needs_two_snapshots_of_a_cloud() {
    let report = sample();
    assert!(!page(&report, &HtmlOptions::default()).contains("id=\"trend\""));
    let point = |id: &str, n| TrendPoint {
        snapshot: id.parse().unwrap(),
        taken_at: "2026-11-21T01:00:00Z".parse().unwrap(),
        findings: [(Severity::High, n)].into(),
        waived: 0,
        not_judged: 1,
    };
    let other = [point("other@1", 7)];
    assert!(!page(&report, &HtmlOptions { history: &other, title: None }).contains("id=\"trend\""));
    // The report itself knows best what it found in its own snapshot.
    let history = [point("prod1@3", 99), point("prod1@2", 7)];
    let text = page(&report, &HtmlOptions { history: &history, title: Some("A <b>") });
    assert!(text.contains("prod1@2, 2026-11-21T01:00:00Z: 7 high, 0 waived, 1 not judged"));
    assert!(text.contains("<h1>A &lt;b&gt;"));
    assert!(!text.contains("99 high"), "{text}");
}
