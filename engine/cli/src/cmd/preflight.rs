//! `tidegate collect --preflight`: which kinds of a cluster the credential may
//! not list, and which rules that leaves undecided. Nothing is collected or
//! kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tidegate_kubernetes::{Access, Cluster};
use tidegate_model::{Kind, Needed, Severity};
use tidegate_policy::Rule;

use crate::args::{Collect, Rules as Chosen};
use crate::bundles::Resolved;
use crate::cmd::Context;
use crate::cmd::targets::{Reached, Source};
use crate::env;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Format, columns};
use crate::rules::{Rules, System};

/// The version of `collect --preflight -f json`.
const SCHEMA: &str = "tidegate.preflight/v1";

/// What is known beforehand of one cluster.
#[derive(Serialize)]
struct Preflight {
    subject: String,
    /// How many kinds would be collected.
    kinds: usize,
    /// Those that the credential may not list over all namespaces.
    refused: Vec<Refused>,
    /// The rules that could not be judged for it.
    aborts: Vec<Abort>,
}

#[derive(Serialize)]
struct Refused {
    kind: Kind,
    /// As roles name it.
    group: String,
    resource: String,
    /// Whether it may be listed in the namespace of the context.
    in_namespace: bool,
}

#[derive(Serialize)]
struct Abort {
    rule: String,
    severity: Severity,
    /// The kinds that it lacks.
    kinds: BTreeSet<Kind>,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &Collect, targets: &Reached) -> Result<Exit> {
    let chosen = Chosen { bundle: args.bundle.clone(), ..Chosen::default() };
    let rules = Rules::new(ctx.config.rules(&chosen)?)?;
    let mut all = Vec::new();
    for target in &targets.reached {
        let cluster = match &target.source {
            Source::Kubernetes(cluster) => cluster,
            Source::OpenStack(_) => {
                return Err(Failure::usage(format!(
                    "`{}` is an OpenStack cloud, whose APIs cannot be asked beforehand",
                    target.subject
                ))
                .hint("collect it: the report tells what could not be seen"));
            }
        };
        let resolved = rules.of(System::Kubernetes)?;
        all.push(look(target.subject.to_string(), cluster, &resolved).await?);
    }
    let text = match args.format.format {
        Format::Json => {
            let all = serde_json::json!({"schema_version": SCHEMA, "clusters": all});
            let text = serde_json::to_string_pretty(&all);
            text.map_err(|e| Failure::new("cannot write JSON").caused_by(Some(&e)))? + "\n"
        }
        Format::Table => all.iter().map(table).collect(),
    };
    ctx.ui.write(args.format.file.as_deref(), &text)?;
    Ok(match all.iter().any(|p| !p.aborts.is_empty()) {
        _ if targets.missed => Exit::Failed,
        true => Exit::Undecided,
        false => Exit::Ok,
    })
}

async fn look(subject: String, cluster: &Cluster, rules: &Resolved) -> Result<Preflight> {
    let access = tidegate_kubernetes::preflight(cluster).await.map_err(|why| {
        Failure::new(format!("cannot ask what the credential may list in `{subject}`"))
            .also(why)
            .hint(
                "bind the ClusterRole system:basic-user to it, which all who sign in usually have",
            )
    })?;
    let by_kind: BTreeMap<&Kind, &Access> = access.iter().map(|a| (&a.kind, a)).collect();
    let asked = rules.asked(env::now());
    let mut aborts = Vec::new();
    for rule in rules.rule_set.definitions() {
        let meta = &rule.meta;
        if asked.as_ref().is_some_and(|asked| !asked.contains(&meta.id)) {
            continue;
        }
        let kinds = lacking(rule, &by_kind);
        if !kinds.is_empty() {
            aborts.push(Abort { rule: meta.id.to_string(), severity: meta.severity, kinds });
        }
    }
    aborts.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.rule.cmp(&b.rule)));
    let kinds = access.len();
    let refused = access.into_iter().filter(|a| !a.allowed);
    let refused = refused.map(|a| {
        let Access { kind, group, plural: resource, in_namespace, .. } = a;
        Refused { kind, group, resource, in_namespace }
    });
    Ok(Preflight { subject, kinds, refused: refused.collect(), aborts })
}

/// The kinds without which a rule cannot be judged: those that may not be listed,
/// and those that are not served unless it allows for that. Of computed kinds,
/// those that they are computed from.
fn lacking(rule: &Rule, access: &BTreeMap<&Kind, &Access>) -> BTreeSet<Kind> {
    let joined = rule.joins.iter().map(|j| &j.kind);
    let mut lacks = BTreeSet::new();
    for kind in rule.meta.kinds.iter().chain(joined) {
        let of_cluster = System::of_kind(kind) == Some(System::Kubernetes);
        if tidegate_derive::is_derived(kind.as_str()) {
            let inputs = tidegate_derive::collected([kind.clone()]).into_iter();
            lacks.extend(inputs.filter(|i| access.get(i).is_some_and(|a| !may(rule, a))));
        } else if of_cluster && !kind.as_str().starts_with("kubernetes.") {
            let enough = match access.get(kind) {
                None => rule.absent.contains(kind),
                Some(access) => may(rule, access),
            };
            lacks.extend((!enough).then(|| kind.clone()));
        }
    }
    lacks
}

/// Whether as much may be listed as a rule needs to see.
fn may(rule: &Rule, access: &Access) -> bool {
    match rule.visibility {
        Needed::All => access.allowed,
        Needed::Member => access.in_namespace,
    }
}

fn table(of: &Preflight) -> String {
    let Preflight { subject, kinds, refused, aborts } = of;
    let may = kinds.saturating_sub(refused.len());
    let mut text = format!("{subject}: {may} of {kinds} kinds may be listed\n");
    let rows: Vec<Vec<String>> = refused
        .iter()
        .map(|r| {
            let how = if r.in_namespace { "in the context's namespace only" } else { "forbidden" };
            vec![format!("  {}", r.kind), how.to_owned()]
        })
        .collect();
    text.push_str(&columns(&rows));
    text.push_str(&match aborts.len() {
        0 => "no rule lacks a kind\n".to_owned(),
        n => format!("{n} rules cannot be judged\n"),
    });
    let rows: Vec<Vec<String>> = aborts
        .iter()
        .map(|a| {
            let kinds: Vec<&str> = a.kinds.iter().map(Kind::as_str).collect();
            vec![format!("  {}", a.rule), a.severity.to_string(), kinds.join(" ")]
        })
        .collect();
    text.push_str(&columns(&rows));
    text
}
