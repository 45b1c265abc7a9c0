//! The records of a fleet: which plan is under way, what is done.

use serde_json::json;
use tidegate_gate::{Contradiction, Event, History};
use tidegate_model::{Plan, Subject};
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
    subjects: Vec<Subject>,
    plan: String,
}

impl<'s> Chains<'s> {
    pub(crate) fn of(store: &'s Store, plan: &Plan) -> Result<Self> {
        let mut subjects: Vec<Subject> = plan.snapshots.iter().map(|s| s.subject.clone()).collect();
        if subjects.is_empty() {
            subjects.push(Subject::new(FILES).map_err(|e| Failure::from_error(&e))?);
        }
        Ok(Self { store, subjects, plan: plan.id.clone() })
    }

    /// What was done so far. A plan that is under way for one of the subjects is for
    /// all of them; another one comes before the plan that is asked about.
    pub(crate) async fn history(&self) -> Result<History> {
        let mut all = Vec::new();
        for subject in &self.subjects {
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
            all.push(History::read(events));
        }
        let other = |h: &History| h.active.as_ref().is_some_and(|a| *a != self.plan);
        let busy = all.iter().position(other);
        let busy = busy.or_else(|| all.iter().position(|h| h.active.is_some()));
        Ok(all.into_iter().nth(busy.unwrap_or(0)).unwrap_or_default())
    }

    /// Enters that something happened.
    pub(crate) async fn happened(&self, event: &Event) -> Result<()> {
        self.write(Event::KIND, json!(event).to_string().as_bytes()).await
    }

    /// Writes a record into each chain.
    pub(crate) async fn write(&self, kind: &str, payload: &[u8]) -> Result<()> {
        let mut salts = env::salts()?;
        for subject in &self.subjects {
            let written = self.store.record(subject, kind, env::now(), salts(), payload).await;
            written.map_err(failure)?;
        }
        Ok(())
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
