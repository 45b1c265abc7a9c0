//! Resource rules: kind by kind, each resource parsed once for all rules.

use std::collections::BTreeSet;
use std::sync::Arc;

use regorus::Value;
use tidegate_model::{AbortCode, Facts, FactsError, Kind, ResourceKey, Verdict};

use super::rule::Again;
use super::state::State;
use crate::coverage::{Coverage, Place, Seen};
use crate::input::{self, BATCH, check_requires};
use crate::joined::Joined;
use crate::joins::Lookup;
use crate::loaded::Loaded;
use crate::memo::Memo;
use crate::metadata::{Input, Rule};
use crate::outcome::{Answer, Holds, judge as ask};
use crate::program::Runner;
use crate::ruleset::RuleSet;

/// What stays the same over one evaluation.
struct Context<'e, 'm> {
    set: &'m RuleSet,
    facts: &'e dyn Facts,
    coverage: &'e Coverage<'e>,
}

/// What answers.
struct Asked<'r, 'm> {
    runner: &'r mut Runner<'m>,
    memo: Memo,
    /// By rule.
    blind: Vec<Option<Blind>>,
}

/// Why a rule cannot see all that it is joined with, if so, from the region that it was
/// last asked about: resources of one region follow each other.
struct Blind {
    region: Option<Arc<str>>,
    why: Option<String>,
}

/// What rules that are asked about one resource share.
#[derive(Default)]
struct Shared {
    /// The resource as they are given it.
    resource: Option<Value>,
    /// The input made last, with the rule whose parameters it has: rules without joins
    /// and time that have the same parameters share it.
    input: Option<(usize, Value)>,
}

/// Judges everything that resource rules have to judge again.
pub(super) fn judge(
    state: &mut State<'_, '_>,
    set: &RuleSet,
    facts: &dyn Facts,
    coverage: &Coverage<'_>,
    runner: &mut Runner<'_>,
) -> Result<(), FactsError> {
    let context = Context { set, facts, coverage };
    let memo = Memo::new(state.rules.len());
    let blind = state.rules.iter().map(|_| None).collect();
    let asked = &mut Asked { runner, memo, blind };
    for kind in state.kinds() {
        state.drop_removed(&kind);
        let of_kind = |at: usize| set.definitions().get(at).is_some_and(|r| is_about(r, &kind));
        let rules: Vec<usize> = (0..state.rules.len())
            .filter(|n| state.rules.get(*n).is_some_and(|r| of_kind(r.at)))
            .collect();
        let again = |n: &usize| state.rules.get(*n).map(|r| &r.again);
        let all = rules.iter().filter_map(again).any(|a| matches!(a, Again::All));
        let joins = rules
            .iter()
            .filter_map(|n| set.definitions().get(state.rules.get(*n)?.at))
            .any(|r| !r.joins.is_empty());
        if !all {
            let mut keys: BTreeSet<ResourceKey> = state.changed_keys(&kind).into_iter().collect();
            for again in rules.iter().filter_map(|n| state.rules.get(*n)).map(|r| &r.again) {
                if let Again::Some(more) = again {
                    keys.extend(more.iter().filter(|k| k.kind() == kind.as_str()).cloned());
                }
            }
            let keys: Vec<ResourceKey> = keys.into_iter().collect();
            for chunk in keys.chunks(BATCH) {
                let loaded = state.fetch(facts, chunk)?;
                let refs: Vec<&Loaded> = loaded.iter().collect();
                context.chunk(state, asked, &rules, &refs)?;
            }
        } else if joins || state.held(&kind).is_some() {
            // Joins read other resources, which storage need not allow in the
            // middle of a pass.
            for chunk in state.hold(facts, &kind)?.chunks(BATCH) {
                let refs: Vec<&Loaded> = chunk.iter().map(Arc::as_ref).collect();
                context.chunk(state, asked, &rules, &refs)?;
            }
        } else {
            context.stream(state, asked, &rules, &kind)?;
        }
    }
    Ok(())
}

fn is_about(rule: &Rule, kind: &Kind) -> bool {
    rule.input == Input::Resource && rule.meta.kinds.contains(kind)
}

impl Context<'_, '_> {
    /// Judges a kind as it is read, holding one batch at a time.
    fn stream(
        &self,
        state: &mut State<'_, '_>,
        asked: &mut Asked<'_, '_>,
        rules: &[usize],
        kind: &Kind,
    ) -> Result<(), FactsError> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut result = Ok(());
        let mut flush = |batch: &mut Vec<_>| {
            let loaded = state.bodies.load(std::mem::take(batch));
            state.stats.read += loaded.len() as u64;
            let refs: Vec<&Loaded> = loaded.iter().collect();
            self.chunk(state, asked, rules, &refs)
        };
        self.facts.each(kind, &mut |fact| {
            batch.push(fact);
            if batch.len() == BATCH && result.is_ok() {
                result = flush(&mut batch);
            }
        })?;
        result?;
        flush(&mut batch)
    }

    fn chunk(
        &self,
        state: &mut State<'_, '_>,
        asked: &mut Asked<'_, '_>,
        rules: &[usize],
        chunk: &[&Loaded],
    ) -> Result<(), FactsError> {
        let chunk: Vec<(&Loaded, Vec<Lookup>)> =
            chunk.iter().map(|loaded| (*loaded, state.joins.of(loaded))).collect();
        chunk.iter().for_each(|(loaded, looked)| state.note(loaded, looked));
        state.joins.prefetch(self.facts, &chunk, &mut state.bodies.reader)?;
        for (loaded, looked) in &chunk {
            let key = &loaded.resource.key;
            let changed = state.is_changed(key);
            let mut shared = Shared::default();
            for n in rules {
                let Some(at) = state.rules.get(*n) else { continue };
                let due = match &at.again {
                    Again::All => true,
                    Again::Some(keys) => changed || keys.contains(key),
                };
                if due {
                    self.one(state, asked, *n, (loaded, looked), &mut shared);
                }
            }
        }
        Ok(())
    }

    fn one(
        &self,
        state: &mut State<'_, '_>,
        asked: &mut Asked<'_, '_>,
        n: usize,
        (loaded, looked): (&Loaded, &[Lookup]),
        shared: &mut Shared,
    ) {
        let Some(at) = state.rules.get(n).map(|r| r.at) else { return };
        let Some(rule) = self.set.definitions().get(at) else { return };
        let same = loaded.body.as_ref().filter(|_| self.set.of_bodies.get(at) == Some(&true));
        let same = same.filter(|_| loaded.unseen_since.is_none());
        let answer = same.and_then(|body| body.answer(n)).unwrap_or_else(|| {
            state.stats.judged += 1;
            let answer = self.answer(state, asked, (n, at, rule), (loaded, looked), shared);
            let limit = answer.cause.as_ref().is_some_and(|c| c.code == AbortCode::Limit);
            if let (Some(body), false) = (same, limit) {
                body.keep(n, &answer);
            }
            answer
        });
        let Some(slot) = state.rules.get_mut(n) else { return };
        slot.holds = slot.holds.min(answer.holds);
        match answer.verdict {
            Verdict::Pass => slot.pass(&loaded.resource.key),
            Verdict::Fail | Verdict::Abort | Verdict::Missing => {
                slot.add(&loaded.resource, &answer);
            }
        }
    }

    fn answer(
        &self,
        state: &State<'_, '_>,
        asked: &mut Asked<'_, '_>,
        (n, at, rule): (usize, usize, &Rule),
        (loaded, looked): (&Loaded, &[Lookup]),
        shared: &mut Shared,
    ) -> Answer {
        if let Some(since) = loaded.unseen_since {
            return Answer::abort(AbortCode::Unseen, format!("it was last seen at {since}"));
        }
        let body = match &loaded.value {
            Ok(body) => body,
            Err(problem) => return Answer::abort(AbortCode::Error, problem),
        };
        let joined = if rule.joins.is_empty() {
            Joined::default()
        } else {
            if let Some(why) = self.blind(asked, (n, rule), loaded.resource.region.as_ref()) {
                return Answer::abort(AbortCode::Join, why);
            }
            match state.joins.resolve((n, rule), (loaded, looked)) {
                Ok(joined) => joined,
                Err(abort) => return abort,
            }
        };
        let (Some(parameters), Some(judge), Some(shape)) =
            (self.set.parameters.get(at), self.set.judges.get(at), self.set.inputs.get(at))
        else {
            return Answer::abort(AbortCode::Error, "the rule was not compiled");
        };
        let Asked { runner, memo, .. } = asked;
        let answer = memo.answer(n, shape, (&loaded.resource, body, &joined), || {
            let now = rule.time.then_some(&state.now);
            let plain = rule.joins.is_empty() && !rule.time;
            let alike = self.set.alike.get(at).copied().filter(|_| plain);
            let input = match &shared.input {
                Some((same, input)) if alike == Some(*same) => input.clone(),
                _ => {
                    let made = || input::with_body(&loaded.resource, body.clone());
                    let resource = shared.resource.get_or_insert_with(made).clone();
                    input::of_resource(resource, joined.value(), parameters, now)
                }
            };
            if let Some(alike) = alike {
                shared.input = Some((alike, input.clone()));
            }
            check_requires(rule, &input).unwrap_or_else(|| ask(runner, rule, judge, &input))
        });
        let other = |r: &&String| r.as_str() != loaded.resource.key.as_str();
        match answer.violations.iter().filter_map(|(r, _)| r.as_ref()).find(other) {
            Some(other) => Answer {
                holds: if rule.time { Holds::Now } else { Holds::Forever },
                ..Answer::abort(
                    AbortCode::Error,
                    format!("a violation names `{other}`, which is not the resource judged"),
                )
            },
            None => answer,
        }
    }

    /// Why a rule cannot see all that it is joined with from a region.
    fn blind(
        &self,
        asked: &mut Asked<'_, '_>,
        (n, rule): (usize, &Rule),
        region: Option<&Arc<str>>,
    ) -> Option<String> {
        let Some(slot) = asked.blind.get_mut(n) else {
            return Some("the rule was not compiled".to_owned());
        };
        if slot.as_ref().is_none_or(|known| known.region.as_ref() != region) {
            let place = region.map_or(Place::Everywhere, |r| Place::Region(r));
            let seen = rule.joins.iter().map(|join| self.coverage.check(rule, &join.kind, place));
            let why = seen.into_iter().find_map(|seen| match seen {
                Seen::No(cause) => Some(cause.message),
                Seen::Enough | Seen::Absent => None,
            });
            *slot = Some(Blind { region: region.cloned(), why });
        }
        slot.as_ref()?.why.clone()
    }
}
