//! `tidegate snapshot diff`: what changed between two snapshots of a cloud.

use std::io::Write;
use std::str::FromStr as _;
use std::sync::Arc;

use tidegate_model::{Change, Fact, Facts as _, Kind, SnapshotId};
use tidegate_report::{
    DiffJson, DiffKind, DiffPoint, DiffText, DiffTextOptions, FindingsDiff, Report, ResourceDiff,
    coverage_diff,
};
use tidegate_store::{At, Difference, SnapshotReader, Store, diff};

use crate::args::Diff;
use crate::cmd::show::{body, one_subject};
use crate::cmd::store::{failure, resolve};
use crate::cmd::{Context, baseline, check};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Format;
use crate::rules::Rules;

pub(crate) async fn run(ctx: &mut Context<'_>, args: Diff) -> Result<Exit> {
    let at = |text: &str| At::from_str(text).map_err(|e| Failure::usage(e.to_string()));
    let [from, to] = [at(&args.from)?, at(&args.to)?];
    let kinds = args.kind.iter().map(Kind::new).collect::<std::result::Result<Vec<_>, _>>();
    let kinds = kinds.map_err(|e| Failure::usage(e.to_string()))?;
    let store = ctx.store().await?;
    let subject = one_subject(ctx, &store, args.cloud.as_deref(), &[&from, &to]).await?;
    let from = resolve(ctx, &store, &subject, &from).await?;
    let to = resolve(ctx, &store, &subject, &to).await?;
    if from.seq > to.seq {
        return Err(Failure::usage(format!("`{from}` is not before `{to}`"))
            .hint(format!("name the earlier one first: tidegate snapshot diff {to} {from}")));
    }
    let findings = match args.findings {
        false => None,
        true => Some(findings(ctx, &store, &args, [&from, &to]).await?),
    };
    let sides = Sides {
        from: store.snapshot(&from).await.map_err(failure)?,
        to: store.snapshot(&to).await.map_err(failure)?,
        kinds,
        project: args.project.clone(),
    };
    sides.known_kinds()?;
    let width = ctx.env.var("COLUMNS").and_then(|c| c.parse().ok()).unwrap_or(WIDTH);
    let color = ctx.ui.color && args.format.file.is_none();
    let options = DiffTextOptions { color, view: args.view.into(), width };
    let mut failed = None;
    ctx.ui
        .write_with(args.format.file.as_deref(), &mut |out| {
            let done = match args.format.format {
                Format::Json => sides.json(out, findings.as_ref()),
                Format::Table => sides.text(out, options, findings.as_ref()),
            };
            match done {
                Ok(()) => Ok(()),
                Err(Broken::Out(e)) => Err(e),
                Err(Broken::Facts(failure)) => {
                    failed = Some(failure);
                    // A file that holds half of it must not appear.
                    Err(std::io::Error::other("the snapshots cannot be read"))
                }
            }
        })
        .map_err(|e| failed.take().unwrap_or(e))?;
    Ok(Exit::Ok)
}

/// As wide as most terminals are that show two columns of JSON.
const WIDTH: usize = 160;

/// What became of findings, judged with the rules of today.
async fn findings(
    ctx: &mut Context<'_>,
    store: &Store,
    args: &Diff,
    [from, to]: [&SnapshotId; 2],
) -> Result<FindingsDiff> {
    let rules = Rules::new(ctx.config.rules(&args.rules)?)?;
    let subjects = vec![check::judge(store, to, &rules, true).await?.report];
    if from == to {
        return Ok(FindingsDiff::of(&Report::new(env!("CARGO_PKG_VERSION"), Vec::new())));
    }
    let baseline = baseline::read(&from.to_string(), store, &subjects, &rules).await?;
    let mut report = Report::new(env!("CARGO_PKG_VERSION"), subjects);
    baseline.compare(&mut report, false);
    Ok(FindingsDiff::of(&report))
}

/// The two snapshots, and what of them is asked for.
struct Sides {
    from: SnapshotReader,
    to: SnapshotReader,
    kinds: Vec<Kind>,
    project: Option<String>,
}

/// Why a difference could not be written.
enum Broken {
    Out(std::io::Error),
    Facts(Failure),
}

impl From<std::io::Error> for Broken {
    fn from(e: std::io::Error) -> Self {
        Self::Out(e)
    }
}

impl Sides {
    /// A kind that neither snapshot looked at would otherwise look unchanged.
    fn known_kinds(&self) -> Result<()> {
        let (from, to) = (self.from.meta(), self.to.meta());
        let asked = |k: &&Kind| [from, to].iter().any(|m| m.coverage_of(k).next().is_some());
        match self.kinds.iter().find(|k| !asked(k)) {
            None => Ok(()),
            Some(kind) => Err(Failure::usage(format!(
                "neither `{}` nor `{}` has the kind `{kind}`",
                from.id, to.id
            ))
            .hint("list kinds: tidegate snapshot show")),
        }
    }

    fn points(&self) -> [DiffPoint; 2] {
        [&self.from, &self.to].map(|s| {
            let meta = s.meta();
            DiffPoint { snapshot: meta.id.clone(), taken_at: meta.taken_at }
        })
    }

    fn wants(&self, fact: Option<&Fact>) -> bool {
        match (&self.project, fact) {
            (None, _) => true,
            (Some(project), fact) => {
                fact.is_some_and(|f| f.resource.project.as_deref() == Some(project))
            }
        }
    }

    /// Hands over every difference that is asked for; ends at the first error.
    fn each(
        &self,
        write: &mut dyn FnMut(&ResourceDiff) -> std::io::Result<()>,
    ) -> std::result::Result<(), Broken> {
        let mut result = Ok(());
        let kinds = |change: &Change| self.kinds.is_empty() || self.kinds.contains(&change.kind);
        let told = diff(&self.from, &self.to, &kinds, &mut |d| {
            if result.is_ok() && (self.wants(d.before.as_ref()) || self.wants(d.after.as_ref())) {
                result = resource(d).map_err(Broken::Facts).and_then(|d| Ok(write(&d)?));
            }
        });
        told.map_err(|e| Broken::Facts(Failure::from_error(&e)))?;
        result
    }

    fn json(
        &self,
        out: &mut dyn Write,
        findings: Option<&FindingsDiff>,
    ) -> std::result::Result<(), Broken> {
        let [from, to] = self.points();
        let coverage = coverage_diff(&self.from.meta().coverage, &self.to.meta().coverage);
        let mut json = DiffJson::begin(out, &from, &to, &coverage)?;
        self.each(&mut |d| json.resource(d))?;
        Ok(json.end(findings)?)
    }

    fn text(
        &self,
        out: &mut dyn Write,
        options: DiffTextOptions,
        findings: Option<&FindingsDiff>,
    ) -> std::result::Result<(), Broken> {
        let [from, to] = self.points();
        let coverage = coverage_diff(&self.from.meta().coverage, &self.to.meta().coverage);
        let mut text = DiffText::begin(out, options, &from, &to, &coverage)?;
        self.each(&mut |d| text.resource(d))?;
        Ok(text.end(findings)?)
    }
}

fn resource(difference: Difference) -> Result<ResourceDiff> {
    let Difference { key, kind: _, before, after } = difference;
    let unseen = |f: &Option<Fact>| f.as_ref().is_some_and(|f| f.unseen_since.is_some());
    let same = match (&before, &after) {
        (Some(a), Some(b)) => {
            let what = |f: &Fact| (f.resource.body.clone(), f.resource.name.clone());
            what(a) == what(b)
        }
        (None, _) | (_, None) => false,
    };
    let change = match (&before, &after) {
        (None, _) => DiffKind::Created,
        (_, None) => DiffKind::Removed,
        (Some(_), Some(_)) if !same => DiffKind::Changed,
        (Some(_), Some(_)) if unseen(&after) => DiffKind::Unseen,
        (Some(_), Some(_)) if unseen(&before) => DiffKind::Seen,
        (Some(_), Some(_)) => DiffKind::Changed,
    };
    let newest = after.as_ref().or(before.as_ref()).map(|f| &f.resource);
    let text = |t: Option<&Arc<str>>| t.map(|t| t.as_ref().to_owned());
    Ok(ResourceDiff {
        change,
        name: text(newest.and_then(|r| r.name.as_ref())),
        project: text(newest.and_then(|r| r.project.as_ref())),
        before: before.as_ref().map(|f| body(&f.resource)).transpose()?,
        after: after.as_ref().map(|f| body(&f.resource)).transpose()?,
        key,
    })
}
