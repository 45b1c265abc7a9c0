//! One region while it is probed: its services, what may still be created, and
//! the journal.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tidegate_openstack::{Api, ApiError, Cloud, Method, Reply};
use tokio::time::Instant;

use crate::journal::{Entry, Event, Journal, JournalError};
use crate::plan::{Plan, Setting};
use crate::thing::{Thing, id_of, prefix};

/// What a run may still spend, in all regions together.
pub(crate) struct Budget<'a> {
    plan: &'a Plan,
    until: Instant,
    created: AtomicUsize,
}

impl<'a> Budget<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        // Adding more to the clock could overflow.
        let day = Duration::from_secs(24 * 60 * 60);
        let until = Instant::now() + plan.time.min(day);
        Self { plan, until, created: AtomicUsize::new(0) }
    }

    /// Whether time is left.
    pub(crate) fn time(&self) -> Result<(), Halt> {
        if Instant::now() < self.until {
            return Ok(());
        }
        let seconds = self.plan.time.as_secs();
        Err(Halt::Budget(format!("the budget of {seconds} seconds is used up")))
    }

    /// Takes one resource out.
    fn take(&self) -> Result<(), Halt> {
        self.time()?;
        let all = self.plan.resources;
        if self.created.fetch_add(1, Ordering::Relaxed) < all {
            return Ok(());
        }
        Err(Halt::Budget(format!("the budget of {all} resources is used up")))
    }
}

/// Why nothing more is tried.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The budget does not allow it.
    Budget(String),
    /// What cannot be entered in the journal is not created.
    Journal(JournalError),
}

/// What became of a request to create something.
#[derive(Debug)]
pub(crate) enum Creation {
    /// It is there or on its way.
    Made {
        /// Its id.
        id: String,
        /// What the API answered.
        reply: Reply,
    },
    /// The API said no, and there is nothing.
    Refused(Reply),
    /// The API failed; cleaning up looks whether there is something.
    Unknown(Silence),
}

/// What an API gave in the place of a yes or no.
#[derive(Debug)]
pub(crate) struct Silence {
    /// The status, if there was an answer.
    pub(crate) status: Option<u16>,
    /// Its message, or why there was no answer.
    pub(crate) message: Option<String>,
    /// Both in a clause.
    pub(crate) why: String,
}

impl From<ApiError> for Silence {
    fn from(e: ApiError) -> Self {
        let why = e.to_string();
        Self { status: None, message: Some(why.clone()), why }
    }
}

pub(crate) struct Region<'a> {
    pub(crate) cloud: &'a Cloud,
    pub(crate) name: &'a str,
    pub(crate) run: &'a str,
    pub(crate) journal: &'a dyn Journal,
    pub(crate) setting: &'a Setting,
    pub(crate) budget: &'a Budget<'a>,
}

impl Region<'_> {
    pub(crate) async fn api(&self, service: &str) -> Result<Option<Api>, ApiError> {
        let setting = self.setting;
        self.cloud.api(self.name, service, setting.retry, setting.now.clone()).await
    }

    /// The name of something that this run creates.
    pub(crate) fn name_of(&self, what: &str) -> String {
        format!("{}{what}", prefix(self.run))
    }

    /// Enters something in the journal and creates it. `body` must give it the
    /// name `name_of(what)`; `id` is the JSON Pointer of the id, or of an
    /// address that ends in it, in the answer.
    pub(crate) async fn create(
        &self,
        api: &Api,
        thing: Thing,
        what: &str,
        path: &str,
        body: &Value,
        id: &str,
    ) -> Result<Creation, Halt> {
        self.budget.take()?;
        let name = self.name_of(what);
        self.setting.tell(&format!("{}: creating {name}", self.name));
        let entry = Entry {
            run: self.run.to_owned(),
            region: self.name.to_owned(),
            project: self.cloud.project().map(str::to_owned),
            service: thing.place().service.to_owned(),
            thing,
            name: name.clone(),
            at: (self.setting.now)(),
            id: None,
        };
        self.journal.append(&Event::Open(entry)).await.map_err(Halt::Journal)?;
        match api.send(Method::POST, path, Some(body)).await {
            Ok(reply) if reply.ok() => match reply.text(id).map(id_of).map(str::to_owned) {
                Some(id) => {
                    let (run, region) = (self.run.to_owned(), self.name.to_owned());
                    let created = Event::Created { run, region, name, id: id.clone() };
                    self.journal.append(&created).await.map_err(Halt::Journal)?;
                    self.tag(api, thing, &id).await;
                    Ok(Creation::Made { id, reply })
                }
                None => {
                    let why = "the answer names no id".to_owned();
                    let status = Some(reply.status);
                    Ok(Creation::Unknown(Silence { status, message: Some(why.clone()), why }))
                }
            },
            // A proxy says 408 for a service that is still at it.
            Ok(reply) if reply.status < 500 && reply.status != 408 => {
                self.close(what).await?;
                Ok(Creation::Refused(reply))
            }
            Ok(Reply { status, message, said: why, .. }) => {
                Ok(Creation::Unknown(Silence { status: Some(status), message, why }))
            }
            Err(e @ (ApiError::Unreachable(_) | ApiError::NoSuchPlace(_))) => {
                self.close(what).await?;
                Ok(Creation::Unknown(e.into()))
            }
            Err(e @ ApiError::NoAnswer(_)) => Ok(Creation::Unknown(e.into())),
        }
    }

    /// Strikes something out of the journal.
    pub(crate) async fn close(&self, what: &str) -> Result<(), Halt> {
        let (run, region) = (self.run.to_owned(), self.name.to_owned());
        let closed = Event::Closed { run, region, name: self.name_of(what) };
        self.journal.append(&closed).await.map_err(Halt::Journal)
    }

    /// Neutron takes tags only afterwards, and not every one does: the name
    /// alone is relied upon.
    async fn tag(&self, api: &Api, thing: Thing, id: &str) {
        let place = thing.place();
        if place.service == "network" {
            let path = format!("{}/{id}/tags/tidegate-probe={}", place.path, self.run);
            if let Err(e) = api.send(Method::PUT, &path, None).await {
                tracing::debug!(path, error = %e, "not tagged");
            }
        }
    }

    /// Looks at something until `done` says how it went, at every pause of
    /// `pauses` and once after the last. What cannot be read is looked at again.
    ///
    /// The inner error says why it was not done in the end.
    pub(crate) async fn wait(
        &self,
        api: &Api,
        thing: Thing,
        id: &str,
        pauses: impl IntoIterator<Item = Duration>,
        done: &(dyn Fn(&str) -> Option<Result<(), String>> + Sync),
    ) -> Result<Result<(), String>, Halt> {
        let place = thing.place();
        let path = format!("{}/{id}", place.path);
        let mut pauses = pauses.into_iter();
        let started = Instant::now();
        loop {
            let seen = match api.send(Method::GET, &path, None).await {
                Ok(reply) if reply.ok() => {
                    let status = reply.text(&format!("{}/status", place.one));
                    let status = status.unwrap_or_default().to_ascii_lowercase();
                    if let Some(ended) = done(&status) {
                        return Ok(ended);
                    }
                    format!("it is `{status}`")
                }
                Ok(reply) => format!("the service answered {}", reply.said),
                Err(e) => e.to_string(),
            };
            let Some(pause) = pauses.next() else {
                return Ok(Err(format!("{seen} after {} s", started.elapsed().as_secs())));
            };
            self.budget.time()?;
            tokio::time::sleep(pause).await;
        }
    }
}

/// Cinder's end of making something.
pub(crate) fn available(status: &str) -> Option<Result<(), String>> {
    match status {
        "available" => Some(Ok(())),
        s if s.starts_with("error") => Some(Err(format!("it is `{s}`"))),
        _ => None,
    }
}
