//! The result of one cloud: what there is, what was observed, the risks, and a
//! finding for each control.

use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::civil::Date;
use tidegate_model::{Finding as Found, ResourceKey, RuleId, Verdict};
use uuid::Uuid;

use super::control::{Control, controls, of_framework};
use super::item::{
    Array, Assets, Component, ComponentRef, ControlRef, Evidence, Finding, Item, Observation,
    ObservationRef, Operational, Origin, Platform, Props, Reviewed, RiskRef, Selection,
    State as Status, SubjectRef, Target, id, markup, member, time,
};
use super::risk::{self, Risks};
use crate::TestcaseReport;
use crate::html::evidence;
use crate::tally::{count, without_rules};
use crate::text::{State, code, message};
use crate::{
    About, Change, ControlState, FrameworkSubject, Gap, Report, ReportFinding, ReportRule,
    ScopeReport, SubjectReport,
};

/// The uuid of tidegate as a component; the same in all documents.
pub(super) fn tool() -> Uuid {
    id(&["tool"])
}

pub(super) struct Cloud<'a> {
    pub(super) report: &'a Report,
    pub(super) subject: &'a SubjectReport,
    /// What ids are derived from: the cloud's name, with the snapshot's number
    /// where a report has several of one cloud, and with the framework's.
    pub(super) base: &'a str,
    /// The framework whose controls are told, instead of those that rules name.
    pub(super) framework: Option<(&'a About, &'a FrameworkSubject)>,
}

impl<'a> Cloud<'a> {
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let subject = self.subject;
        let snapshot = subject.snapshot.to_string();
        let read_until = subject.coverage.iter().map(|c| c.read_until).max();
        let end = read_until.map_or(subject.taken_at, |t| t.max(subject.taken_at));
        write!(out, "{{\"uuid\":\"{}\"", id(&["result", &snapshot, self.base]))?;
        member(out, "title", &self.title())?;
        let rules = count(self.rules().count(), "rule");
        member(out, "description", &format!("Snapshot {snapshot}, judged by {rules}."))?;
        member(out, "start", &time(subject.taken_at))?;
        member(out, "end", &time(end))?;
        member(out, "props", &self.props())?;
        self.definitions(out)?;
        let (controls, not_covered) = match self.framework {
            Some((_, framework)) => of_framework(subject, framework),
            None => (controls(subject), Vec::new()),
        };
        member(out, "reviewed-controls", &reviewed(&controls, &not_covered))?;
        self.observations(out, &controls)?;
        let mut risks = Array::new(out, "risks");
        for rule in self.rules() {
            risk::of(self.base, rule).each(self.base, subject, rule, |risk| risks.push(&risk))?;
        }
        risks.close()?;
        let mut findings = Array::new(out, "findings");
        for (name, control) in &controls {
            findings.push(&self.finding(name, control))?;
        }
        findings.close()?;
        out.write_all(b"}")
    }

    fn title(&self) -> String {
        let cloud = &self.subject.snapshot.subject;
        match self.framework {
            Some((about, _)) => markup(&format!("Compliance of {cloud} with {}", about.name())),
            None => format!("Compliance of {cloud}"),
        }
    }

    /// The rules that speak for what is told.
    fn rules(&self) -> impl Iterator<Item = &'a ReportRule> {
        let mapped = self.framework.map(|(_, framework)| &framework.rules);
        let told = move |r: &&ReportRule| mapped.is_none_or(|m| m.contains_key(&r.meta.id));
        self.subject.rules.iter().filter(told)
    }

    fn props(&self) -> Props {
        let subject = self.subject;
        let mut props = Props::default();
        if let Some((about, _)) = self.framework {
            props = props
                .with("framework", &about.id)
                .with("framework-edition", &about.edition)
                .with("framework-list", &about.caveat());
        }
        props = props
            .with("snapshot", &subject.snapshot.to_string())
            .with("rule-set", &format!("sha256:{}", subject.rule_set))
            .with("verdict", &subject.verdict.to_string())
            .with("reference-time", &time(subject.reference_time))
            .with("mode", self.report.mode.as_deref().unwrap_or_default());
        for scope in &subject.scopes {
            let text = format!("{}@{}: {}", scope.scope, scope.version, scope.verdict);
            props = props.with("scope", &text);
        }
        props
    }

    fn component(&self) -> Uuid {
        id(&["cloud", self.base])
    }

    fn item(&self, key: &ResourceKey) -> Uuid {
        id(&["resource", self.base, key.as_str()])
    }

    /// The cloud, the resources that findings are about, and tidegate.
    fn definitions(&self, out: &mut impl Write) -> io::Result<()> {
        let cloud = Component {
            uuid: self.component(),
            r#type: "service",
            title: self.subject.snapshot.subject.to_string(),
            description: "The cloud that was looked at.",
            props: Props::default(),
            status: Operational { state: "operational" },
        };
        out.write_all(b",\n\"local-definitions\":{\"components\":[")?;
        serde_json::to_writer(&mut *out, &cloud)?;
        out.write_all(b"]")?;
        let mut resources: BTreeMap<&ResourceKey, &Found> = BTreeMap::new();
        for found in self.rules().flat_map(|r| &r.findings).map(|f| &f.finding) {
            if let Some(key) = &found.resource {
                resources.entry(key).or_insert(found);
            }
        }
        let mut items = Array::new(out, "inventory-items");
        for (key, found) in resources {
            let name = found.name.as_deref().unwrap_or_default();
            items.push(&Item {
                uuid: self.item(key),
                description: format!("`{}` {}", key.kind(), markup(name)),
                props: Props::default()
                    .core("asset-id", &key.id())
                    .with("resource", key.as_str())
                    .with("name", name)
                    .with("region", found.region.as_deref().unwrap_or_default())
                    .with("project", found.project.as_deref().unwrap_or_default()),
                implemented_components: [ComponentRef { component_uuid: self.component() }],
            })?;
        }
        items.close()?;
        let tidegate = Component {
            uuid: tool(),
            r#type: "software",
            title: "tidegate".to_owned(),
            description: "Collects the state of clouds and judges it with rules.",
            props: Props::default().core("version", &self.report.tool_version),
            status: Operational { state: "operational" },
        };
        let assets = Assets {
            components: [tidegate],
            assessment_platforms: [Platform {
                uuid: id(&["platform", self.base]),
                title: "tidegate",
                uses_components: [ComponentRef { component_uuid: tool() }],
            }],
        };
        member(out, "assessment-assets", &assets)?;
        out.write_all(b"}")
    }

    fn observations(
        &self,
        out: &mut impl Write,
        controls: &BTreeMap<String, Control<'_>>,
    ) -> io::Result<()> {
        let mut expires: BTreeMap<&str, Date> = BTreeMap::new();
        for testcase in self.subject.scopes.iter().flat_map(|s| &s.testcases) {
            if let Some(day) = testcase.expires {
                let first = expires.entry(&testcase.id).or_insert(day);
                *first = day.min(*first);
            }
        }
        let mut all = Array::new(out, "observations");
        for rule in self.rules() {
            let until = expires.get(rule.meta.id.as_str()).map(|d| format!("{d}T00:00:00Z"));
            if holds(rule) {
                all.push(&self.passes(rule, until.clone()))?;
            }
            for finding in &rule.findings {
                all.push(&self.found(rule, finding, until.clone()))?;
            }
        }
        for (scope, testcase) in controls.values().flat_map(|c| &c.testcases) {
            all.push(&self.testcase(scope, testcase))?;
        }
        if let Some((_, framework)) = self.framework {
            for (rule, evidence) in &framework.rules {
                if evidence.counts.is_none() {
                    let props = Props::default()
                        .with("rule", rule.as_str())
                        .with("bundle", evidence.bundle.as_deref().unwrap_or_default())
                        .with("result", State::NotJudged.name());
                    let title = format!("Rule {rule} was not evaluated");
                    let text = markup(&evidence.why());
                    all.push(&self.observation(not_asked(self.base, rule), &title, text, props))?;
                }
            }
        }
        if let Some(why) = without_rules(self.subject) {
            let props = Props::default().with("result", State::Missing.name());
            all.push(&self.observation(no_rule(self.base), "No rule", why.to_owned(), props))?;
        }
        for gap in &self.subject.gaps {
            all.push(&self.gap(gap))?;
        }
        all.close()
    }

    fn observation(
        &self,
        uuid: Uuid,
        title: &str,
        description: String,
        props: Props,
    ) -> Observation {
        Observation {
            uuid,
            title: markup(title),
            description,
            props,
            methods: ["TEST"],
            types: ["finding"],
            origins: [Origin::tool(tool())],
            subjects: [SubjectRef { subject_uuid: self.component(), r#type: "component" }],
            relevant_evidence: vec![Evidence {
                href: format!("#{}", snapshot(self.subject)),
                description: format!("Snapshot {}", self.subject.snapshot),
            }],
            collected: time(self.subject.taken_at),
            expires: None,
        }
    }

    /// All that a rule found in order.
    fn passes(&self, rule: &ReportRule, expires: Option<String>) -> Observation {
        let counts = rule.counts;
        let judged = counts.pass + counts.fail + counts.abort + counts.missing;
        let props = rule_props(rule).with("result", "pass").with("count", &counts.pass.to_string());
        let text = match judged {
            0 => "Nothing there is to judge, and the listing is complete.".to_owned(),
            n => format!("The rule holds for {} of {n}.", counts.pass),
        };
        let uuid = passes(self.base, rule);
        let observation = self.observation(uuid, &rule.meta.title, text, props);
        Observation { types: ["control-objective"], expires, ..observation }
    }

    fn found(
        &self,
        rule: &ReportRule,
        finding: &ReportFinding,
        expires: Option<String>,
    ) -> Observation {
        let f = &finding.finding;
        let props = rule_props(rule)
            .with("result", State::of(finding).name())
            .with("reason", code(finding))
            .with("finding", &finding.id)
            .with("change", finding.change.map_or("", Change::name))
            .with("region", f.region.as_deref().unwrap_or_default())
            .with("waiver", finding.waiver.as_ref().map_or("", |w| &w.id));
        let text = markup(&message(finding));
        let uuid = found(self.base, finding);
        let mut observation = self.observation(uuid, &rule.meta.title, text, props);
        if let Some(key) = &f.resource {
            observation.subjects =
                [SubjectRef { subject_uuid: self.item(key), r#type: "inventory-item" }];
        }
        for text in f.violations.iter().filter_map(evidence) {
            observation.relevant_evidence.push(Evidence {
                href: format!("#{}", snapshot(self.subject)),
                description: markup(&text),
            });
        }
        Observation { expires, ..observation }
    }

    /// A testcase that no rule vouches for.
    fn testcase(&self, scope: &ScopeReport, testcase: &TestcaseReport) -> Observation {
        let text = match (testcase.expires, testcase.expired) {
            (None, _) => "No rule judges this testcase.".to_owned(),
            (Some(day), true) => format!("The result expired on {day}."),
            (Some(_), false) => "The testcase has no verdict.".to_owned(),
        };
        let props = Props::default()
            .with("testcase", &testcase.id)
            .with("scope", &format!("{}@{}", scope.scope, scope.version))
            .with("result", &testcase.verdict.to_string());
        let title = format!("Testcase {} of {}", testcase.id, scope.title);
        self.observation(testcase_id(self.base, scope, testcase), &title, text, props)
    }

    fn gap(&self, gap: &Gap) -> Observation {
        let Gap { kind, region, reason, rules_affected } = gap;
        let region = region.as_deref().unwrap_or_default();
        let props = Props::default()
            .with("result", State::NotJudged.name())
            .with("kind", kind)
            .with("region", region);
        let text = format!(
            "{}. {} could not be judged, wholly or in part.",
            markup(reason),
            count(*rules_affected, "rule")
        );
        let uuid = id(&["gap", self.base, kind, region]);
        self.observation(uuid, &format!("`{kind}` was not seen, or not completely"), text, props)
    }

    /// What the rules of a control amount to.
    fn finding(&self, name: &str, control: &Control<'_>) -> Finding {
        let status = status(control);
        let mut observations = Vec::new();
        let mut risks = Vec::new();
        let mut numbers = [0_usize; 4];
        let [fails, waived, not_judged, missing] = &mut numbers;
        for rule in &control.rules {
            if holds(rule) {
                observations.push(passes(self.base, rule));
            }
            for finding in &rule.findings {
                observations.push(found(self.base, finding));
                match State::of(finding) {
                    State::Fail => *fails += 1,
                    State::Waived => *waived += 1,
                    State::NotJudged => *not_judged += 1,
                    State::Missing => *missing += 1,
                }
            }
            let Risks { open, waived } = risk::of(self.base, rule);
            risks.extend(open.map(|(uuid, _)| uuid));
            risks.extend(waived.into_values().map(|(uuid, ..)| uuid));
        }
        for (scope, testcase) in &control.testcases {
            observations.push(testcase_id(self.base, scope, testcase));
            *missing += 1;
        }
        for rule in &control.not_asked {
            observations.push(not_asked(self.base, rule));
            *not_judged += 1;
        }
        if control.no_rule() {
            observations.push(no_rule(self.base));
        }
        let text = format!(
            "{}: {fails} broken, {waived} waived, {not_judged} not judged, {missing} without evidence.",
            count(control.rules.len() + control.not_asked.len(), "rule"),
        );
        let (title, props) = match control.of {
            None => (name.to_owned(), Props::default()),
            Some(of) => (
                format!("{} {}", of.id, of.title.as_deref().unwrap_or_default()),
                Props::default().with("control", &of.id).with("state", of.state.words()),
            ),
        };
        Finding {
            uuid: id(&["control", self.base, name]),
            title: markup(&title),
            description: text,
            props,
            target: Target { r#type: "objective-id", target_id: name.to_owned(), status },
            related_observations: observations.into_iter().map(ObservationRef::new).collect(),
            related_risks: risks.into_iter().map(|risk_uuid| RiskRef { risk_uuid }).collect(),
        }
    }
}

/// What a control's rules amount to. OSCAL has no third state: what could not be
/// judged is not satisfied, with another reason than a fail; so is what a waiver
/// accepts.
fn status(control: &Control<'_>) -> Status {
    const UNKNOWN: &str =
        "Not everything could be judged, or evidence is missing. That is no pass.";
    const ACCEPTED: &str = "What is broken is accepted by waivers, see the related risks.";
    let (fail, other) = (("not-satisfied", "fail"), ("not-satisfied", "other"));
    let ((state, reason), remarks) = match (control.of.map(|of| of.state), control.verdict()) {
        (Some(ControlState::NotSatisfied), _) | (None, Verdict::Fail) => (fail, None),
        (Some(ControlState::Waived), _) => (fail, Some(ACCEPTED)),
        (Some(ControlState::Satisfied), _) => (("satisfied", "pass"), Some(crate::framework::NOTE)),
        (None, Verdict::Pass) => (("satisfied", "pass"), None),
        (Some(ControlState::NotJudged | ControlState::NotCovered), _)
        | (None, Verdict::Abort | Verdict::Missing) => (other, Some(UNKNOWN)),
    };
    Status { state, reason, remarks }
}

fn reviewed<'c>(
    controls: &'c BTreeMap<String, Control<'_>>,
    not_covered: &'c [String],
) -> Reviewed<'c> {
    let include_controls = controls.keys().map(|c| ControlRef { control_id: c }).collect();
    let exclude_controls = not_covered.iter().map(|c| ControlRef { control_id: c }).collect();
    Reviewed { control_selections: [Selection { include_controls, exclude_controls }] }
}

fn rule_props(rule: &ReportRule) -> Props {
    Props::default()
        .with("rule", rule.meta.id.as_str())
        .with("bundle", &rule.meta.bundle)
        .with("severity", &rule.meta.severity.to_string())
}

/// Whether a rule has an observation of what is in order.
fn holds(rule: &ReportRule) -> bool {
    rule.counts.pass > 0 || rule.verdict == Verdict::Pass
}

fn not_asked(base: &str, rule: &RuleId) -> Uuid {
    id(&["not-asked", base, rule.as_str()])
}

fn no_rule(base: &str) -> Uuid {
    id(&["no-rule", base])
}

fn passes(base: &str, rule: &ReportRule) -> Uuid {
    id(&["pass", base, rule.meta.id.as_str()])
}

pub(super) fn found(base: &str, finding: &ReportFinding) -> Uuid {
    id(&["finding", base, &finding.id])
}

fn testcase_id(base: &str, scope: &ScopeReport, testcase: &TestcaseReport) -> Uuid {
    id(&["testcase", base, &scope.scope, &scope.version, &testcase.target, &testcase.id])
}

/// The uuid of the snapshot in the back matter.
pub(super) fn snapshot(subject: &SubjectReport) -> Uuid {
    id(&["snapshot", &subject.snapshot.to_string()])
}
