//! `tidegate policy explain --resource`: what rules say of one resource, and
//! what follows from it and others together.

mod words;

use std::collections::BTreeSet;
use std::str::FromStr as _;

use serde_json::Value;
use tidegate_derive::{Derived, kinds, source_key};
use tidegate_model::{
    Digest, Evaluation, Fact, Facts, Finding, Kind, KindCoverage, Needed, ResourceKey, RuleMeta,
    Status, Verdict,
};
use tidegate_policy::{Input, Rule};
use tidegate_store::{At, SnapshotReader};

use crate::args;
use crate::bundles::Resolved;
use crate::cmd::show::one_subject;
use crate::cmd::store::{failure, resolve};
use crate::cmd::{Context, check, history};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::columns;
use crate::rules::Rules;

const SERVER: &str = "compute.server";
const PORT: &str = "network.port";
const EXPOSURE: &str = "openstack.exposure";

pub(crate) async fn run(ctx: &mut Context<'_>, args: args::Explain) -> Result<Exit> {
    let wanted = args.resource.unwrap_or_default();
    let at = At::from_str(&args.at).map_err(|e| Failure::usage(e.to_string()))?;
    let flags = args::Rules { bundle: args.bundle, ..args::Rules::default() };
    let rules = Rules::new(ctx.config.rules(&flags)?)?;
    let store = ctx.store().await?;
    let subject = one_subject(ctx, &store, args.cloud.as_deref(), &[&at]).await?;
    let id = resolve(ctx, &store, &subject, &at).await?;
    let snapshot = store.snapshot(&id).await.map_err(failure)?;
    let key = history::key(&snapshot, &wanted, None)?;
    let rules = check::of(&store, &id, &rules).await?;
    let kept = store.clone();
    let prior = move |digest: &Digest| kept.carry(&subject, digest);
    let evaluated = check::evaluation(&store, &id, &rules, prior).await?;
    let wanted = key.clone();
    let known = tokio::task::spawn_blocking(move || Known::read(&snapshot, wanted))
        .await
        .map_err(|e| Failure::new(format!("reading `{id}` broke off")).caused_by(Some(&e)))??;
    let text = known.text(&evaluated.judged.evaluation, &rules);
    ctx.ui.write(None, &text)?;
    Ok(Exit::Ok)
}

/// A resource with what is derived from it.
struct Known {
    key: ResourceKey,
    fact: Option<Fact>,
    derived: Vec<Fact>,
    /// How derived kinds were listed that were not wholly seen.
    partly: Vec<KindCoverage>,
}

impl Known {
    fn read(snapshot: &SnapshotReader, key: ResourceKey) -> Result<Self> {
        let facts = Derived::new(snapshot, []);
        let broken = |e| Failure::from_error(&e);
        let mut fact = None;
        facts.fetch(std::slice::from_ref(&key), &mut |f| fact = Some(f)).map_err(broken)?;
        let mut derived = Vec::new();
        let ports = if key.kind() == SERVER { ports(&facts, &key.id())? } else { BTreeSet::new() };
        let mut partly = Vec::new();
        for name in kinds() {
            let Ok(kind) = Kind::new(name) else { continue };
            if facts.meta().coverage_of(&kind).next().is_none() {
                continue;
            }
            let entries = facts.meta().coverage_of(&kind);
            partly.extend(entries.filter(|c| !is_whole(c)).cloned());
            let mut take = |f: Fact| {
                let source = source_key(&f.resource.key);
                if source == key || (name == EXPOSURE && ports.contains(&source)) {
                    derived.push(f);
                }
            };
            facts.each(&kind, &mut take).map_err(broken)?;
        }
        Ok(Self { key, fact, derived, partly })
    }

    fn text(&self, evaluation: &Evaluation, rules: &Resolved) -> String {
        let line = |text: String| vec![text];
        let name = self.fact.as_ref().and_then(|f| f.resource.name.as_deref()).unwrap_or_default();
        let at = format!("{}, taken {:.0}", evaluation.snapshot, evaluation.taken_at);
        let mut text = columns(&[vec![self.key.to_string(), name.to_owned(), at]]);
        match &self.fact {
            None => text.push_str("is not in this snapshot\n"),
            Some(Fact { unseen_since: Some(since), .. }) => {
                text.push_str(&format!("was not seen since {since:.0}\n"));
            }
            Some(_) => {}
        }
        for fact in &self.derived {
            let of = source_key(&fact.resource.key);
            let of = if of == self.key { String::new() } else { format!("  {of}") };
            let mut rows = vec![line(format!("{}{of}", fact.resource.kind))];
            if let Some(since) = fact.unseen_since {
                rows.push(line(format!("  rests on what was not seen since {since:.0}")));
            }
            let here = |c: &&KindCoverage| {
                c.kind == fact.resource.kind && is_of(c.region.as_deref(), fact)
            };
            rows.extend(self.partly.iter().filter(here).map(|c| {
                let KindCoverage { status, visibility, .. } = c;
                line(format!("  was not wholly seen: {status}, visibility is {visibility}"))
            }));
            let said = words::of(&fact.resource);
            rows.extend(said.into_iter().map(|l| line(format!("  {l}"))));
            text.push('\n');
            text.push_str(&columns(&rows));
        }
        let rows = self.rows(evaluation, rules);
        text.push_str("\nrules\n");
        if rows.is_empty() {
            text.push_str("  none judges it; choose others with --bundle\n");
        }
        text.push_str(&columns(&rows));
        text
    }

    /// Every rule that judged it, the worst first.
    fn rows(&self, evaluation: &Evaluation, rules: &Resolved) -> Vec<Vec<String>> {
        let of = |f: &Fact| source_key(&f.resource.key);
        let mut keys: BTreeSet<ResourceKey> = self.derived.iter().map(of).collect();
        keys.insert(self.key.clone());
        let mut kinds: BTreeSet<&Kind> = self.derived.iter().map(|f| &f.resource.kind).collect();
        kinds.extend(self.fact.as_ref().map(|f| &f.resource.kind));
        let judges = |rule: &Rule| {
            rule.input == Input::Resource && rule.meta.kinds.iter().any(|k| kinds.contains(k))
        };
        let mut rows = Vec::new();
        for (id, outcome) in &evaluation.rules {
            let definition = rules.rule_set.definitions().iter().find(|r| r.meta.id == *id);
            let judged = definition.is_some_and(judges);
            // What names no resource says of all that something was not seen.
            let concerns = |f: &&Finding| match &f.resource {
                Some(key) => keys.contains(key),
                None => judged && self.fact.iter().any(|fact| is_of(f.region.as_deref(), fact)),
            };
            let found: Vec<&Finding> = outcome.findings.iter().filter(concerns).collect();
            let meta = rules.metas.get(id);
            let severity = meta.map(|m| m.severity.to_string()).unwrap_or_default();
            let row = |verdict: Verdict, text: String| {
                let rank = match verdict {
                    Verdict::Fail => 0,
                    Verdict::Missing => 1,
                    Verdict::Abort => 2,
                    Verdict::Pass => 3,
                };
                let verdict = format!("  {verdict}");
                (rank, vec![verdict, severity.clone(), id.to_string(), text])
            };
            for finding in &found {
                rows.push(row(finding.verdict, self.reason(finding)));
            }
            if found.is_empty() && judged {
                rows.push(row(Verdict::Pass, title(meta)));
            }
        }
        rows.sort();
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// Why a finding is one; of which resource, if it is another.
    fn reason(&self, finding: &Finding) -> String {
        let messages = finding.violations.iter().map(|v| v.message.as_str());
        let cause = finding.cause.iter().map(|c| c.message.as_str());
        let text = messages.chain(cause).collect::<Vec<_>>().join("; ");
        match &finding.resource {
            Some(key) if *key != self.key => format!("{key}: {text}"),
            Some(_) | None => text,
        }
    }
}

/// The ports of a server, by what they say themselves.
fn ports(facts: &dyn Facts, server: &str) -> Result<BTreeSet<ResourceKey>> {
    let mut ports = BTreeSet::new();
    let Ok(kind) = Kind::new(PORT) else { return Ok(ports) };
    let mut take = |f: Fact| {
        let body: Option<Value> = serde_json::from_str(&f.resource.body).ok();
        if body.is_some_and(|b| b.get("device_id").and_then(Value::as_str) == Some(server)) {
            ports.insert(f.resource.key);
        }
    };
    facts.each(&kind, &mut take).map_err(|e| Failure::from_error(&e))?;
    Ok(ports)
}

fn is_whole(coverage: &KindCoverage) -> bool {
    matches!(coverage.status, Status::Complete { .. }) && coverage.visibility.suffices(Needed::All)
}

/// Whether what is said of a region, or of all, is said of a fact.
fn is_of(region: Option<&str>, fact: &Fact) -> bool {
    region.is_none() || region == fact.resource.region.as_deref()
}

fn title(meta: Option<&RuleMeta>) -> String {
    meta.map(|m| m.title.clone()).unwrap_or_default()
}
