//! `tidegate probe`: try out what no listing tells, clean up, and judge what
//! was found.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tidegate_model::{Salt, Subject, Verdict};
use tidegate_probe::{
    Cleaned, Event, Journal, JournalError, Left, Plan, Probe, Probed, Setting, clean,
};
use tidegate_report::SubjectReport;
use tidegate_store::Store;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::args::{Probe as Args, Sources, Targets};
use crate::bundles::Resolved;
use crate::cmd::evidence::Evidence;
use crate::cmd::render::Run;
use crate::cmd::store::failure;
use crate::cmd::targets::{self, Target};
use crate::cmd::{Context, check, collect, render, waiver};
use crate::config::{Name, RuleChoice};
use crate::env;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Ui;
use crate::rules::{Rules, System};

/// The bundle whose testcases need probes.
const BUNDLE: &str = "scs-compatible-iaas";

pub(crate) async fn run(ctx: &mut Context<'_>, args: Args) -> Result<Exit> {
    let started = Instant::now();
    let asked = Asked::read(&args.only)?;
    // A bundle that does not compile is told before anything is created; what
    // is only cleaned up is not judged.
    let rules = if args.clean { None } else { Some(rules()?) };
    let reporting = ctx.config.reporting(&args.reporting)?;
    render::one_place_each(&reporting)?;
    let waivers = waiver::read(&reporting.waivers.value)?;
    let targets = Targets { cloud: args.cloud.into_iter().collect(), ..Targets::default() };
    one_target(ctx, &targets)?;
    let targets = targets::reach(ctx, &targets, &Sources::default()).await?;
    let Some(target) = targets.reached.into_iter().next() else {
        return Err(Failure::new("no cloud was signed in to"));
    };
    target.source.cloud()?;
    // A nightly scan must not wait for probes.
    let records = Store::open_for_records(&ctx.store_path()?).await.map_err(failure)?;
    let _alone = alone(ctx, &target.subject)?;
    let journal = Records::new(&records, &target.subject)?;
    let mut bench = Bench::new();

    let before = bench.clean(ctx.ui, &target, &journal).await?;
    let Some(rules) = rules else {
        let summary = format!("{}: {} removed", target.subject, before.removed.len());
        ctx.ui.status(&summary);
        return Ok(if before.left.is_empty() { Exit::Ok } else { Exit::Failed });
    };
    let plan = Plan {
        run: uuid()?,
        probes: asked.probes.clone(),
        time: Duration::from_secs(args.budget_seconds),
        resources: args.budget_resources,
    };
    let Some(probed) = bench.probe(ctx.ui, &target, &plan, &journal).await? else {
        ctx.ui.warn("stopped; cleaning up, stop again to leave that to the next probe");
        bench.clean(ctx.ui, &target, &journal).await?;
        return Ok(Exit::Failed);
    };
    tell_left(ctx.ui, &probed.cleaned.left);
    let missed = !before.left.is_empty() || !probed.cleaned.left.is_empty();

    // A store that was not there before is held by whoever made it.
    drop((journal, records));
    let store = ctx.store().await?;
    let evidence = Evidence { probes: probed.resources, ..Evidence::default() };
    // Once the signals are listened to, nobody else ends the program.
    let judged = tokio::select! {
        judged = judge(ctx, &store, &target, &rules, evidence) => judged?,
        () = stopped() => {
            return Err(Failure::new("stopped before the results of the probes were kept")
                .hint("probe again; nothing was left behind"));
        }
    };
    let report = narrow(judged.report, &asked.testcases);
    let resolved = rules.of(System::OpenStack)?;
    let unjudged = asked.without_rule(&resolved);
    if !unjudged.is_empty() {
        let names = unjudged.join("`, `");
        ctx.ui.warn(&format!("bundle `{BUNDLE}` has no rule for `{names}`"));
    }
    let duration = Some(started.elapsed());
    let run = Run { rules: &rules, store: &store, waivers, duration, missed };
    let exit = render::finish(ctx, vec![report], &reporting, run).await?;
    Ok(match exit {
        Exit::Ok if !unjudged.is_empty() && reporting.fail_on_incomplete.value => Exit::Undecided,
        exit => exit,
    })
}

/// Keeps what was found in a snapshot and judges that.
async fn judge(
    ctx: &mut Context<'_>,
    store: &Store,
    target: &Target,
    rules: &Rules,
    evidence: Evidence,
) -> Result<check::Judged> {
    let id = collect::collect(ctx, store, target, evidence).await?;
    check::judge(store, &id, rules, false).await
}

fn rules() -> Result<Rules> {
    Rules::new(RuleChoice::of_bundle(BUNDLE))
}

/// Nothing is created in several clouds because a file happens to name them.
fn one_target(ctx: &Context<'_>, targets: &Targets) -> Result<()> {
    let names = ctx.config.clouds(targets, || Ok(Vec::new()))?.value.unwrap_or_default();
    let names: Vec<&str> = names.iter().map(Name::as_str).collect();
    if names.len() > 1 {
        return Err(Failure::usage("a probe changes a cloud, and the configuration has several")
            .hint(format!("name one with --cloud: {}", names.join(", "))));
    }
    Ok(())
}

/// What was asked for with `--only`.
struct Asked {
    probes: BTreeSet<Probe>,
    testcases: BTreeSet<String>,
}

impl Asked {
    fn read(only: &[String]) -> Result<Self> {
        let all = Probe::ALL.iter().flat_map(|p| p.testcases()).copied();
        let testcases: BTreeSet<String> = match only {
            [] => all.clone().map(str::to_owned).collect(),
            only => only.iter().cloned().collect(),
        };
        let mut probes = BTreeSet::new();
        for testcase in &testcases {
            probes.insert(Probe::of_testcase(testcase).ok_or_else(|| {
                let known = all.clone().collect::<Vec<_>>().join(", ");
                Failure::usage(format!("no probe is for testcase `{testcase}`"))
                    .hint(format!("testcases that need probes: {known}"))
            })?);
        }
        Ok(Self { probes, testcases })
    }

    fn without_rule(&self, rules: &Resolved) -> Vec<&str> {
        let known = |t: &&str| rules.metas.contains_key(*t);
        self.testcases.iter().map(String::as_str).filter(|t| !known(t)).collect()
    }
}

/// The part of a report that is about these testcases.
fn narrow(mut report: SubjectReport, testcases: &BTreeSet<String>) -> SubjectReport {
    report.rules.retain(|r| testcases.contains(r.meta.id.as_str()));
    let kinds: BTreeSet<&str> =
        report.rules.iter().flat_map(|r| &r.meta.kinds).map(|k| k.as_str()).collect();
    report.gaps.retain(|g| kinds.contains(g.kind.as_str()));
    report.verdict = Verdict::of_set(report.rules.iter().map(|r| r.verdict));
    report
}

/// Probing and cleaning, watched: what is being done is shown, and Ctrl-C ends
/// it.
struct Bench {
    setting: Setting,
    told: mpsc::UnboundedReceiver<String>,
}

impl Bench {
    fn new() -> Self {
        let (tx, told) = mpsc::unbounded_channel();
        let mut setting = Setting::new(Arc::new(env::now));
        // Whoever does not listen any more does not want to know.
        setting.listener = Some(Arc::new(move |text: &str| drop(tx.send(text.to_owned()))));
        Self { setting, told }
    }

    /// What came of the plan, or `None` if it was stopped.
    async fn probe(
        &mut self,
        ui: &mut Ui,
        target: &Target,
        plan: &Plan,
        journal: &Records,
    ) -> Result<Option<Probed>> {
        let setting = self.setting.clone();
        let work = tidegate_probe::run(target.source.cloud()?, plan, journal, &setting);
        self.watch(ui, work).await.transpose().map_err(|e| Failure::from_error(&e))
    }

    /// Removes what is left of earlier runs and tells what it cannot remove.
    async fn clean(&mut self, ui: &mut Ui, target: &Target, journal: &Records) -> Result<Cleaned> {
        let setting = self.setting.clone();
        let work = clean(target.source.cloud()?, journal, &setting);
        let cleaned = match self.watch(ui, work).await {
            Some(cleaned) => cleaned.map_err(|e| Failure::from_error(&e))?,
            None => {
                return Err(Failure::new("stopped before everything was cleaned up")
                    .hint("remove the rest with: tidegate probe --clean"));
            }
        };
        for name in &cleaned.removed {
            ui.status(&format!("removed `{name}`"));
        }
        tell_left(ui, &cleaned.left);
        Ok(cleaned)
    }

    /// Waits for the work, or for Ctrl-C: then `None`.
    async fn watch<T>(&mut self, ui: &mut Ui, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut stop = pin!(stopped());
        let done = loop {
            tokio::select! {
                done = &mut work => break Some(done),
                _ = &mut stop => break None,
                Some(text) = self.told.recv() => ui.progress(&text),
            }
        };
        ui.clear();
        done
    }
}

/// Waits for Ctrl-C, or for what pipelines and service managers send to end a
/// program.
async fn stopped() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Without the right to listen there is Ctrl-C.
        return tokio::signal::ctrl_c().await.unwrap_or_default();
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

fn tell_left(ui: &mut Ui, left: &[Left]) {
    for Left { entry, why } in left {
        let id = entry.id.as_deref().unwrap_or("not known");
        ui.warn(&format!(
            "`{}` in region `{}` may still be there (id {id}): {why}",
            entry.name, entry.region
        ));
    }
}

/// Keeps others from probing the same cloud from the same store: cleaning up
/// would take away what they are working with. The lock ends with the process.
fn alone(ctx: &Context<'_>, subject: &Subject) -> Result<File> {
    let store = ctx.store_path()?;
    let path: PathBuf = store.join(format!("probe.{subject}.lock"));
    let failed = |e: std::io::Error| {
        Failure::new(format!("cannot lock `{}`", path.display())).caused_by(Some(&e))
    };
    std::fs::create_dir_all(&store).map_err(failed)?;
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Failure::new(format!("another process is probing cloud `{subject}`"))
                .hint("wait for it to end"))
        }
        Err(std::fs::TryLockError::Error(e)) => Err(failed(e)),
    }
}

/// A random UUID.
///
/// Source: RFC 9562 §5.4 (version 4).
fn uuid() -> Result<String> {
    let mut bytes = env::salts()?();
    let [.., b6, _, b8, _, _, _, _, _, _, _] = &mut bytes;
    *b6 = *b6 & 0x0f | 0x40;
    *b8 = *b8 & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    Ok([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-"))
}

/// The journal of probes as records of the store.
struct Records {
    store: Store,
    subject: Subject,
    salts: Mutex<Box<dyn FnMut() -> Salt + Send>>,
}

impl Records {
    /// The kind of its records.
    const KIND: &str = "probe-journal";

    fn new(store: &Store, subject: &Subject) -> Result<Self> {
        let salts = Mutex::new(env::salts()?);
        Ok(Self { store: store.clone(), subject: subject.clone(), salts })
    }
}

#[async_trait::async_trait]
impl Journal for Records {
    async fn append(&self, event: &Event) -> std::result::Result<(), JournalError> {
        let payload = event.to_json()?;
        let salt = self.salts.lock().unwrap_or_else(PoisonError::into_inner)();
        let done = self.store.record(&self.subject, Self::KIND, env::now(), salt, &payload).await;
        done.map(drop).map_err(JournalError::new)
    }

    async fn read(&self) -> std::result::Result<Vec<Event>, JournalError> {
        let mut events = Vec::new();
        let all = self.store.records(&self.subject).await.map_err(JournalError::new)?;
        for record in all.iter().filter(|r| r.kind == Self::KIND) {
            // What was erased named nothing that may still be looked for.
            if let Some(payload) = self.store.payload(record).await.map_err(JournalError::new)? {
                events.push(Event::from_json(&payload)?);
            }
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_says_that_it_is_random() {
        let (one, other) = (uuid().unwrap(), uuid().unwrap());
        assert_ne!(one, other);
        assert_eq!((one.len(), one.as_bytes()[14]), (36, b'4'), "{one}");
        assert!(matches!(one.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{one}");
    }

    #[test]
    fn testcases_choose_probes() {
        assert_eq!(Asked::read(&[]).unwrap().probes.len(), 4);
        let one = Asked::read(&["scs-0101-fips-test".to_owned()]).unwrap();
        assert_eq!((one.probes.len(), one.testcases.len()), (1, 1));
        assert!(Asked::read(&["scs-0103-flavor-1v-4".to_owned()]).is_err());
    }

    #[tokio::test]
    async fn the_journal_outlives_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let subject = Subject::new("c").unwrap();
        let closed = Event::Closed { run: "r".into(), region: "x".into(), name: "n".into() };
        {
            let store = Store::open(dir.path()).await.unwrap();
            Records::new(&store, &subject).unwrap().append(&closed).await.unwrap();
        }
        let store = Store::open(dir.path()).await.unwrap();
        let journal = Records::new(&store, &subject).unwrap();
        assert_eq!(journal.read().await.unwrap(), [closed]);
    }
}
