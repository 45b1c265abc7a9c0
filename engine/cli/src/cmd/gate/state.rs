//! The records of a fleet: which plan is under way, what is done.
//!
//! Each cloud and cluster has its own chain of records, and a plan is entered in those of
//! all that it is about, one after the other in the order of their names. So of two plans
//! one is first in every chain that both need, and what one of them took it gives back
//! where the other was first. A process that dies half-way leaves chains that know less
//! than others: they are told the rest before anything new is entered.

use serde_json::json;
use tidegate_gate::{Contradiction, Event, History};
use tidegate_model::{Plan, Subject, Timestamp};
use tidegate_store::Store;

use crate::cmd::store::failure;
use crate::env;
use crate::failure::{Failure, Result};

/// Fleets that came from files have their records here, together: in one store only
/// one such plan is under way.
const FILES: &str = "fleet";

/// The chains of records that a plan is entered in: of all its clouds and clusters.
pub(crate) struct Chains<'s> {
    store: &'s Store,
    /// In order, each once.
    subjects: Vec<Subject>,
    plan: String,
}

/// What one chain tells.
struct Chain<'c> {
    subject: &'c Subject,
    events: Vec<(Timestamp, Event)>,
    history: History,
}

impl Chain<'_> {
    fn has(&self, plan: &str) -> bool {
        self.history.active.as_deref() == Some(plan)
    }
}

impl<'s> Chains<'s> {
    pub(crate) fn of(store: &'s Store, plan: &Plan) -> Result<Self> {
        let mut subjects: Vec<Subject> = plan.snapshots.iter().map(|s| s.subject.clone()).collect();
        if subjects.is_empty() {
            subjects.push(Subject::new(FILES).map_err(|e| Failure::from_error(&e))?);
        }
        subjects.sort_unstable();
        subjects.dedup();
        Ok(Self { store, subjects, plan: plan.id.clone() })
    }

    /// What was done so far. A plan that is under way for one of the subjects is for
    /// all of them; another one comes before the plan that is asked about.
    pub(crate) async fn history(&self) -> Result<History> {
        let chains = self.read().await?;
        let best = self.best(&chains);
        let busy = chains.iter().find(|c| self.other(c, best).is_some());
        Ok(busy.or(best).map_or_else(History::default, |c| c.history.clone()))
    }

    /// Whether the plan is under way for any of the subjects.
    pub(crate) async fn any(&self) -> Result<bool> {
        Ok(self.best(&self.read().await?).is_some())
    }

    async fn read(&self) -> Result<Vec<Chain<'_>>> {
        let mut chains = Vec::with_capacity(self.subjects.len());
        for subject in &self.subjects {
            chains.push(self.chain(subject).await?);
        }
        Ok(chains)
    }

    async fn chain<'c>(&self, subject: &'c Subject) -> Result<Chain<'c>> {
        let mut events = Vec::new();
        for record in self.store.records(subject).await.map_err(failure)? {
            if record.kind != Event::KIND {
                continue;
            }
            // One whose payload was erased cannot be taken for nothing.
            let payload = self.store.payload(&record).await.map_err(failure)?;
            let event = payload.and_then(|p| serde_json::from_slice(&p).ok());
            let event: Event = event.ok_or_else(|| {
                let n = record.n;
                Failure::undecided(format!("record {n} of `{subject}` cannot be read"))
                    .hint("see what is wrong: tidegate snapshot verify")
            })?;
            events.push((record.time, event));
        }
        let history = History::read(events.iter().cloned());
        Ok(Chain { subject, events, history })
    }

    /// The chain that knows most of the plan.
    fn best<'c, 'd>(&self, chains: &'c [Chain<'d>]) -> Option<&'c Chain<'d>> {
        let mine = chains.iter().filter(|c| c.has(&self.plan));
        mine.max_by_key(|c| (c.history.before.len(), c.history.done.len()))
    }

    /// The plan that is under way in a chain, if it is neither the one that is asked about
    /// nor one that this goes on from.
    fn other(&self, chain: &Chain<'_>, best: Option<&Chain<'_>>) -> Option<String> {
        let active = chain.history.active.as_ref().filter(|a| **a != self.plan)?;
        let passed = best.is_some_and(|best| best.history.before.contains(active));
        (!passed).then(|| active.clone())
    }

    /// Enters that the plan is under way. Gives the other plan that is, if one was first:
    /// then nothing of this one stays entered.
    pub(crate) async fn start(&self, event: &Event) -> Result<Option<String>> {
        self.catch_up().await?;
        let mut taken = Vec::new();
        for subject in &self.subjects {
            if self.chain(subject).await?.history.active.is_none() {
                self.enter(subject, event).await?;
                taken.push(subject);
            }
            let chain = self.chain(subject).await?;
            if let Some(other) = self.other(&chain, None) {
                let ended = Event::Ended { plan: self.plan.clone() };
                for subject in taken {
                    self.enter(subject, &ended).await?;
                }
                return Ok(Some(other));
            }
        }
        Ok(None)
    }

    /// Enters that something happened.
    pub(crate) async fn happened(&self, event: &Event) -> Result<()> {
        self.catch_up().await?;
        for subject in &self.subjects {
            self.enter(subject, event).await?;
        }
        Ok(())
    }

    /// Tells chains what others know of the plan since a plan that it goes on from.
    async fn catch_up(&self) -> Result<()> {
        let chains = self.read().await?;
        let Some(best) = self.best(&chains) else { return Ok(()) };
        for chain in &chains {
            let passed = chain.history.active.as_ref().filter(|a| best.history.before.contains(a));
            let Some(passed) = passed else { continue };
            let goes_on = |e: &Event| matches!(e, Event::Advanced { plan, .. } if plan == passed);
            let missed = best.events.iter().map(|(_, e)| e).skip_while(|e| !goes_on(e));
            for event in missed {
                self.enter(chain.subject, event).await?;
            }
        }
        Ok(())
    }

    async fn enter(&self, subject: &Subject, event: &Event) -> Result<()> {
        self.write_to(subject, Event::KIND, json!(event).to_string().as_bytes()).await
    }

    /// Writes a record into each chain.
    pub(crate) async fn write(&self, kind: &str, payload: &[u8]) -> Result<()> {
        for subject in &self.subjects {
            self.write_to(subject, kind, payload).await?;
        }
        Ok(())
    }

    async fn write_to(&self, subject: &Subject, kind: &str, payload: &[u8]) -> Result<()> {
        let salt = env::salts()?();
        let written = self.store.record(subject, kind, env::now(), salt, payload).await;
        written.map(|_| ()).map_err(failure)
    }
}

/// Something that was done is not as it was left: nobody can tell what else is not.
pub(crate) fn contradiction(c: &Contradiction) -> Failure {
    let Contradiction { target, component, recorded, found } = c;
    Failure::undecided(format!(
        "could not decide: `{component}` of `{target}` is recorded as updated to `{recorded}`, and \
         the facts show `{found}`"
    ))
    .hint("if that is so, end the plan and make a new one: tidegate plan end")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chains of a plan over these clouds, in the order that the plan has them.
    fn chains<'s>(store: &'s Store, plan: &str, subjects: &[&str]) -> Chains<'s> {
        let snapshots: Vec<String> = subjects.iter().map(|s| format!("{s}@1")).collect();
        let plan = json!({"schema": Plan::SCHEMA, "id": plan, "generation": 1, "waves": [],
            "snapshots": snapshots, "intent_sha256": "0".repeat(64), "rules_version": "1"});
        Chains::of(store, &serde_json::from_value(plan).unwrap()).unwrap()
    }

    fn started(plan: &str) -> Event {
        Event::Started { plan: plan.to_owned(), facts_at: Timestamp::UNIX_EPOCH }
    }

    fn advanced(plan: &str, next: &str) -> Event {
        let [plan, next] = [plan, next].map(str::to_owned);
        Event::Advanced { plan, ended: None, next }
    }

    async fn active(chains: &Chains<'_>) -> Option<String> {
        chains.history().await.unwrap().active
    }

    #[tokio::test]
    async fn of_two_plans_over_the_same_clouds_exactly_one_starts() {
        for _ in 0..5 {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::open_for_records(dir.path()).await.unwrap();
            let (p, q) = (chains(&store, "p", &["c1", "c2"]), chains(&store, "q", &["c2", "c1"]));
            let (of_p, of_q) = (started("p"), started("q"));
            let (a, b) = tokio::join!(p.start(&of_p), q.start(&of_q));
            let first = match (a.unwrap(), b.unwrap()) {
                (None, Some(first)) if first == "p" => "p",
                (Some(first), None) if first == "q" => "q",
                other => panic!("{other:?}"),
            };
            for all in [&p, &q] {
                assert_eq!(active(all).await.as_deref(), Some(first));
            }
        }
    }

    #[tokio::test]
    async fn a_plan_that_cannot_have_all_takes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_for_records(dir.path()).await.unwrap();
        let (all, last) = (chains(&store, "p", &["c1", "c2"]), chains(&store, "r", &["c2"]));
        assert_eq!(last.start(&started("r")).await.unwrap(), None);
        assert_eq!(all.start(&started("p")).await.unwrap().as_deref(), Some("r"));
        let first = chains(&store, "s", &["c1"]);
        assert_eq!(first.start(&started("s")).await.unwrap(), None, "c1 was given back");
    }

    /// As processes leave it that die between two chains.
    #[tokio::test]
    async fn what_one_chain_lacks_is_told_by_another() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_for_records(dir.path()).await.unwrap();
        let p = chains(&store, "p", &["c1", "c2"]);
        p.enter(&p.subjects[0], &started("p")).await.unwrap();
        assert_eq!(active(&p).await.as_deref(), Some("p"));
        let alone = chains(&store, "q", &["c2"]);
        assert_eq!(p.start(&started("p")).await.unwrap(), None);
        assert_eq!(active(&alone).await.as_deref(), Some("p"), "now it is in both");

        for (plan, next) in [("p", "p2"), ("p2", "p3")] {
            p.enter(&p.subjects[0], &advanced(plan, next)).await.unwrap();
        }
        let next = chains(&store, "p3", &["c1", "c2"]);
        assert_eq!(active(&next).await.as_deref(), Some("p3"), "the other lags behind");
        assert_eq!(active(&alone).await.as_deref(), Some("p"));
        next.happened(&advanced("p3", "p4")).await.unwrap();
        for subjects in [["c1"], ["c2"]] {
            let history = chains(&store, "x", &subjects).history().await.unwrap();
            assert_eq!(history.active.as_deref(), Some("p4"), "{subjects:?}");
            assert_eq!(history.before, ["p", "p2", "p3"], "{subjects:?}");
        }
    }

    /// As older versions could leave it: each of two plans is first in one chain.
    #[tokio::test]
    async fn plans_that_keep_each_other_out_can_be_ended() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_for_records(dir.path()).await.unwrap();
        let (p, q) = (chains(&store, "p", &["c1", "c2"]), chains(&store, "q", &["c1", "c2"]));
        p.enter(&p.subjects[0], &started("p")).await.unwrap();
        q.enter(&q.subjects[1], &started("q")).await.unwrap();
        assert_eq!(active(&p).await.as_deref(), Some("q"));
        assert_eq!(active(&q).await.as_deref(), Some("p"));
        assert!(p.any().await.unwrap());
        p.happened(&Event::Ended { plan: "p".to_owned() }).await.unwrap();
        assert_eq!(active(&q).await.as_deref(), Some("q"));
        assert_eq!(q.start(&started("q")).await.unwrap(), None);
    }
}
