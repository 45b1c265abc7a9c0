//! Rules on collections: one region, or the whole subject, at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regorus::Value;
use tidegate_model::{
    AbortCode, Cause, Facts, FactsError, Finding, Kind, Resource, Verdict, Violation,
};

use super::rule::Again;
use super::state::State;
use crate::across;
use crate::coverage::{Coverage, Place, Seen};
use crate::input::{self, check_requires};
use crate::loaded::Loaded;
use crate::metadata::{Input, Rule};
use crate::outcome::{Answer, Holds, judge as ask};
use crate::program::Runner;
use crate::ruleset::RuleSet;

/// The resources of a rule's kinds, in order of kind as declared and key.
type Groups<'k> = Vec<(&'k Kind, Arc<Vec<Arc<Loaded>>>)>;

/// Judges every rule on collections that has to be judged again.
pub(super) fn judge(
    state: &mut State<'_, '_>,
    set: &RuleSet,
    facts: &dyn Facts,
    (coverage, others): (&Coverage<'_>, &[&dyn Facts]),
    runner: &mut Runner<'_>,
) -> Result<(), FactsError> {
    for n in 0..state.rules.len() {
        let Some(at) = state.rules.get(n).map(|r| r.at) else { continue };
        let Some(rule) = set.definitions().get(at) else { continue };
        let again = state.rules.get(n).is_some_and(|r| matches!(r.again, Again::All));
        if rule.input == Input::Resource || !again {
            continue;
        }
        let mut kinds: Groups<'_> = Vec::new();
        for kind in &rule.meta.kinds {
            kinds.push((kind, state.hold(facts, kind)?));
        }
        let mut regions: BTreeSet<Option<&str>> = BTreeSet::new();
        if rule.input == Input::Region {
            regions.extend(coverage.regions(&rule.meta.kinds).into_iter().map(Some));
            let all = kinds.iter().flat_map(|(_, all)| all.iter());
            regions.extend(all.filter_map(|l| l.resource.region.as_deref()).map(Some));
        }
        if regions.is_empty() {
            regions.insert(None);
        }
        if let Some(slot) = state.rules.get_mut(n) {
            slot.clear();
        }
        for region in regions {
            let place = match (rule.input, region) {
                (Input::Region, Some(r)) => Place::Region(r),
                _ => Place::Everywhere,
            };
            let group = Group { rule, at, set, coverage, region, place };
            let mine: Vec<&Loaded> = kinds.iter().flat_map(|(_, all)| group.of(all)).collect();
            let answer = match across::resolve(rule, others, &mine)? {
                Ok(joined) => group.answer(&kinds, joined, &state.now, runner),
                Err(abort) => abort,
            };
            state.stats.judged += 1;
            let Some(slot) = state.rules.get_mut(n) else { continue };
            slot.holds = slot.holds.min(answer.holds);
            match answer.verdict {
                Verdict::Pass => slot.counts.pass += 1,
                Verdict::Fail => slot.counts.fail += 1,
                Verdict::Abort => slot.counts.abort += 1,
                Verdict::Missing => slot.counts.missing += 1,
            }
            for finding in group.findings(&kinds, answer) {
                slot.add_loose(&finding);
            }
        }
    }
    Ok(())
}

/// One rule about one region or subject.
struct Group<'e> {
    rule: &'e Rule,
    at: usize,
    set: &'e RuleSet,
    coverage: &'e Coverage<'e>,
    region: Option<&'e str>,
    place: Place<'e>,
}

impl Group<'_> {
    fn holds(&self, loaded: &Loaded) -> bool {
        match (self.place, loaded.resource.region.as_deref()) {
            (Place::Region(here), Some(there)) => here == there,
            (Place::Region(_) | Place::Everywhere | Place::Listed(_), _) => true,
        }
    }

    fn of<'k>(&self, all: &'k [Arc<Loaded>]) -> impl Iterator<Item = &'k Loaded> {
        all.iter().map(AsRef::as_ref).filter(|l| self.holds(l))
    }

    fn answer(
        &self,
        kinds: &Groups<'_>,
        joined: Option<Value>,
        now: &Value,
        runner: &mut Runner<'_>,
    ) -> Answer {
        let rule = self.rule;
        let mut absent = Vec::new();
        let mut resources = BTreeMap::new();
        for (kind, all) in kinds {
            match self.coverage.check(rule, kind, self.place) {
                Seen::Enough => {}
                Seen::Absent => absent.push(Value::from(kind.as_str())),
                Seen::No(Cause { code, message }) => return Answer::abort(code, message),
            }
            let mut group = BTreeMap::new();
            for loaded in self.of(all) {
                let key = &loaded.resource.key;
                if let Some(since) = loaded.unseen_since {
                    let text = format!("{key} was last seen at {since}");
                    return Answer::abort(AbortCode::Unseen, text);
                }
                let value = match &loaded.value {
                    Ok(body) => input::with_body(&loaded.resource, body.clone()),
                    Err(problem) => {
                        return Answer::abort(AbortCode::Error, format!("{key}: {problem}"));
                    }
                };
                let one_region = matches!(self.place, Place::Region(_));
                let id = Value::from(&*input::local_id(&loaded.resource, one_region));
                let id = if group.contains_key(&id) { Value::from(key.as_str()) } else { id };
                group.insert(id, value);
            }
            resources.insert(Value::from(kind.as_str()), Value::from(group));
        }
        let (Some(parameters), Some(judge)) =
            (self.set.parameters.get(self.at), self.set.judges.get(self.at))
        else {
            return Answer::abort(AbortCode::Error, "the rule was not compiled");
        };
        let input = input::of_collection(
            Value::from(resources),
            Value::from(absent),
            joined,
            parameters,
            rule.time.then_some(now),
        );
        if let Some(abort) = check_requires(rule, &input) {
            return abort;
        }
        let answer = ask(runner, rule, judge, &input);
        let known: BTreeSet<&str> = kinds
            .iter()
            .flat_map(|(_, all)| self.of(all))
            .map(|l| l.resource.key.as_str())
            .collect();
        let named = answer.violations.iter().filter_map(|(r, _)| r.as_deref());
        match named.into_iter().find(|r| !known.contains(r)) {
            Some(other) => Answer {
                holds: if rule.time { Holds::Now } else { Holds::Forever },
                ..Answer::abort(
                    AbortCode::Error,
                    format!("a violation names `{other}`, which is no key the rule was given"),
                )
            },
            None => answer,
        }
    }

    /// One finding per resource that violations name, one for the rest.
    fn findings(&self, kinds: &Groups<'_>, answer: Answer) -> Vec<Finding> {
        let blank = |verdict| Finding {
            resource: None,
            region: self.region.map(str::to_owned),
            project: None,
            name: None,
            verdict,
            violations: Arc::default(),
            cause: None,
        };
        match answer.verdict {
            Verdict::Pass => Vec::new(),
            Verdict::Abort | Verdict::Missing => {
                vec![Finding { cause: answer.cause, ..blank(answer.verdict) }]
            }
            Verdict::Fail => {
                let mut by_resource: BTreeMap<Option<&str>, Vec<Violation>> = BTreeMap::new();
                for (resource, violation) in answer.violations.iter() {
                    by_resource.entry(resource.as_deref()).or_default().push(violation.clone());
                }
                let all = kinds.iter().flat_map(|(_, all)| self.of(all));
                let by_key: BTreeMap<&str, &Resource> =
                    all.map(|l| (l.resource.key.as_str(), &l.resource)).collect();
                let finding = |(resource, violations): (Option<&str>, Vec<Violation>)| {
                    let about = resource.and_then(|key| by_key.get(key));
                    let text = |t: &Arc<str>| t.as_ref().to_owned();
                    let violations = violations.into();
                    let blank = Finding { violations, ..blank(Verdict::Fail) };
                    match about {
                        None => blank,
                        Some(r) => Finding {
                            resource: Some(r.key.clone()),
                            // A resource without a region may stand in several
                            // groups; the group's region tells them apart.
                            region: r.region.as_ref().map(text).or(blank.region),
                            project: r.project.as_ref().map(text),
                            name: r.name.as_ref().map(text),
                            ..blank
                        },
                    }
                };
                by_resource.into_iter().map(finding).collect()
            }
        }
    }
}
