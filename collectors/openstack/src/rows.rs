//! Reads one kind in one region, from the first page to its coverage.

use std::collections::HashSet;
use std::sync::Arc;

use futures::{StreamExt, stream};
use openstack_sdk::AsyncOpenStack;
use tidegate_model::{KindCoverage, Resource, Status};

use crate::endpoint::Endpoint;
use crate::images;
use crate::kind::{Fallback, Paging, Reader};
use crate::listing::{Listing, Page, Stop};
use crate::reading::{End, Place, Reading};
use crate::run::{Gone, Parents, Run};
use crate::{containers, s3, single, versions};

/// Reads one kind in one region, sends what it finds and its coverage.
pub(crate) async fn read(run: Arc<Run>, place: Place) -> Result<KindCoverage, Gone> {
    let read_from = (run.now)();
    let Some(region) = run.cloud.regions.get(place.region) else {
        return Ok(place.coverage(&run, Status::Absent, read_from));
    };
    let mut reading = Reading {
        run: &run,
        place: &place,
        session: &region.session,
        sent: HashSet::new(),
        asked: run.children(place.row.kind).map(|child| (child, Vec::new())).collect(),
        problem: None,
        visibility: run.cloud.scope.visibility(place.row.view, place.service.needs_project),
    };
    let end = match run.endpoint(place.service, place.region).await {
        Err(why) => Err(Stop::Failed(why)),
        Ok(None) => Err(Stop::Absent),
        Ok(Some(endpoint)) => match place.row.reader {
            Reader::Token => single::token(&mut reading).await?,
            Reader::Account => single::account(&mut reading, &endpoint).await?,
            Reader::S3 => s3::read(&mut reading, &endpoint).await?,
            Reader::Containers => containers::read(&mut reading, &endpoint).await?,
            Reader::Version => versions::read(&mut reading, &endpoint).await?,
            Reader::Images => images::read(&mut reading, &endpoint).await?,
            Reader::Rest if place.row.parent.is_some() => reading.children(&endpoint).await?,
            Reader::Rest => {
                let end = reading.whole(&endpoint).await?;
                if place.row.cells && end.is_ok() {
                    reading.note_silent_cells(&endpoint).await;
                }
                end
            }
        },
    };
    let count = reading.sent.len() as u64;
    let status = match (end, reading.problem.take()) {
        (Ok(()), None) => Status::Complete { count },
        (Ok(()), Some(status)) => status,
        (Err(Stop::Forbidden), _) => Status::Forbidden,
        (Err(Stop::Absent), _) => Status::Absent,
        (Err(Stop::Anomaly), _) => Status::Inconsistent,
        (Err(Stop::Failed(reason)), _) => Status::Failed { reason },
    };
    // What was refused was not seen with anybody's eyes.
    if status == Status::Forbidden {
        reading.visibility = run.cloud.scope.own();
    }
    let coverage = KindCoverage {
        visibility: reading.visibility.clone(),
        ..place.coverage(&run, status, read_from)
    };
    place.announce(&run, &coverage, std::mem::take(&mut reading.asked));
    if place.wanted {
        run.finish(coverage.clone()).await?;
    }
    Ok(coverage)
}

impl Reading<'_> {
    /// The one listing of the row, or its narrower one if that is forbidden.
    async fn whole(&mut self, endpoint: &Endpoint) -> End {
        let row = self.place.row;
        let (path, query) = (self.fill(row.path), self.fill(row.query));
        match (self.list(endpoint, &path, &query).await?, row.fallback) {
            (Err(Stop::Forbidden), Some(fallback)) if self.sent.is_empty() => {
                self.narrow(endpoint, &fallback).await
            }
            (end, _) => Ok(end),
        }
    }

    /// Nova leaves the servers of a cell that does not answer out of a paged
    /// listing and says 200 all the same; only the list of services tells.
    ///
    /// Source: Nova API, microversion 2.69, "handling down cells".
    async fn note_silent_cells(&mut self, endpoint: &Endpoint) {
        let row = crate::kinds::rows().map(|(_, r)| r).find(|r| r.kind == "compute.service");
        let Some(row) = row else { return };
        let mut listing = Listing::new(self.run, self.session, endpoint, row, row.path, row.query);
        // Whoever may not list services is not shown whole cells anyway.
        let Ok(Some(page)) = listing.next().await else { return };
        let silent = |item: &[u8]| {
            serde_json::from_slice::<ServiceStatus>(item).is_ok_and(|s| s.status == "UNKNOWN")
        };
        if page.items().any(silent) {
            let reason = "a cell of Nova does not answer, so its part is missing".to_owned();
            self.note(Status::Failed { reason });
        }
    }

    async fn narrow(&mut self, endpoint: &Endpoint, fallback: &Fallback) -> End {
        let needs_project = fallback.path.contains("{project}");
        if needs_project && self.run.cloud.scope.project.is_none() {
            return Ok(Err(Stop::Forbidden));
        }
        self.visibility =
            self.run.cloud.scope.visibility(fallback.view, self.place.service.needs_project);
        let (path, query) = (self.fill(fallback.path), self.fill(fallback.query));
        self.list(endpoint, &path, &query).await
    }

    /// Fills in whose token it is.
    fn fill(&self, template: &str) -> String {
        let scope = &self.run.cloud.scope;
        template
            .replace("{project}", scope.project.as_deref().unwrap_or_default())
            .replace("{user}", &scope.user)
    }

    /// Goes through a list, once more from the start if its pages do not
    /// belong together.
    async fn list(&mut self, endpoint: &Endpoint, path: &str, query: &str) -> End {
        let place = self.place;
        let parent = match place.row.parent {
            Some("identity.user") => Some(self.run.cloud.scope.user.clone()),
            Some("identity.project") => self.run.cloud.scope.project.clone(),
            _ => None,
        };
        let mut listing = Listing::new(self.run, self.session, endpoint, place.row, path, query);
        let mut pass = HashSet::new();
        let mut restarted = false;
        loop {
            let sound = match listing.next().await {
                Ok(None) => return Ok(Ok(())),
                Ok(Some(page)) => {
                    let (page, gap) = self.enrich(endpoint, page).await;
                    if let Some(status) = gap {
                        self.note(status);
                    }
                    let origin = place.origin(self.run, parent.as_deref(), page.read_at);
                    let (made, problem) = origin.resources(page.items());
                    if let Some(reason) = problem {
                        self.note(Status::Failed { reason });
                    }
                    if page.cut.truncated {
                        let reason = "the service cut the list off".to_owned();
                        self.note(Status::Failed { reason });
                    }
                    let count = made.len();
                    let before = pass.len();
                    self.send(made, Some(&mut pass)).await?;
                    // A list in one answer has no pages that could overlap.
                    place.row.paging == Paging::None || pass.len() == before + count
                }
                Err(Stop::Anomaly) => false,
                Err(stop) => return Ok(Err(stop)),
            };
            if !sound {
                if std::mem::replace(&mut restarted, true) {
                    return Ok(Err(Stop::Anomaly));
                }
                tracing::debug!(kind = place.row.kind, "paging starts over");
                self.note(Status::Inconsistent);
                pass.clear();
                listing.restart();
            }
        }
    }

    /// Puts extra specs into flavors that came without.
    async fn enrich(&self, endpoint: &Endpoint, page: Page) -> (Page, Option<Status>) {
        if self.place.row.kind == "compute.flavor" {
            return images::with_extra_specs(self, endpoint, page).await;
        }
        (page, None)
    }

    /// Asks once per resource of the parent kind, several at a time.
    async fn children(&mut self, endpoint: &Endpoint) -> End {
        let row = self.place.row;
        let Some(parents) = self.parents().await else { return Ok(Err(Stop::Absent)) };
        let own = self.run.cloud.scope.own();
        let wide = match parents.coverage.as_ref().map(|c| (&c.status, &c.visibility)) {
            Some((Status::Complete { .. }, seen)) if *seen != own || row.fallback.is_none() => {
                self.visibility = seen.clone();
                true
            }
            Some((Status::Complete { .. } | Status::Forbidden, _)) if row.fallback.is_some() => {
                false
            }
            Some((status, seen)) => {
                self.visibility = seen.clone();
                let status = status.clone();
                return Ok(match status {
                    Status::Absent => Err(Stop::Absent),
                    Status::Forbidden => Err(Stop::Forbidden),
                    Status::Failed { .. }
                    | Status::Inconsistent
                    | Status::Subset { .. }
                    | Status::Complete { .. } => {
                        let parent = row.parent.unwrap_or_default();
                        Err(Stop::Failed(format!("`{parent}`, of which each is asked: {status}")))
                    }
                });
            }
            None => return Ok(Err(Stop::Absent)),
        };
        if wide {
            match (self.each(endpoint, &parents.ids).await?, row.fallback) {
                (Err(Stop::Forbidden), Some(_)) if self.sent.is_empty() => {}
                (end, _) => return Ok(end),
            }
        }
        match row.fallback {
            Some(fallback) => self.narrow(endpoint, &fallback).await,
            None => Ok(Err(Stop::Forbidden)),
        }
    }

    /// Waits for the listing of the parent kind.
    pub(crate) async fn parents(&self) -> Option<Arc<Parents>> {
        let row = self.place.row;
        let kind = row.parent?;
        let regional = crate::kinds::rows().any(|(_, r)| r.kind == kind && r.regional);
        let region = if regional { self.place.region } else { 0 };
        let mut receiver = self.run.parents(row.kind, region)?.subscribe();
        let found = receiver.wait_for(Option::is_some).await.ok()?;
        found.clone()
    }

    async fn each(&mut self, endpoint: &Endpoint, ids: &[String]) -> End {
        let (run, place, session) = (self.run, self.place, self.session);
        let asked: Vec<_> = ids.iter().map(|id| child(run, place, session, endpoint, id)).collect();
        // Requests wait for permits anyway; more in flight would only hold memory.
        let mut answers = stream::iter(asked).buffer_unordered(8).boxed();
        let (mut fine, mut missing, mut forbidden) = (0_usize, 0_usize, 0_usize);
        let mut batch = Vec::new();
        while let Some((made, end)) = answers.next().await {
            batch.extend(made);
            match end {
                Ok(()) => fine += 1,
                // Gone since the parents were listed, or it has none.
                Err(Stop::Absent) => missing += 1,
                Err(Stop::Forbidden) => forbidden += 1,
                Err(Stop::Anomaly) => self.note(Status::Inconsistent),
                Err(Stop::Failed(reason)) => self.note(Status::Failed { reason }),
            }
            if fine + missing == 0 && forbidden >= 3 {
                return Ok(Err(Stop::Forbidden));
            }
            if let Some(why) = endpoint.down.get() {
                // Found by another kind of the service: the rest is not asked.
                self.note(Status::Failed { reason: why.clone() });
                break;
            }
            if batch.len() >= run.page_size {
                self.send(std::mem::take(&mut batch), None).await?;
            }
        }
        drop(answers);
        self.send(batch, None).await?;
        if forbidden > 0 {
            return Ok(Err(Stop::Forbidden));
        }
        // Known of none of them: the service does not offer it.
        Ok(if missing > 0 && missing == ids.len() { Err(Stop::Absent) } else { Ok(()) })
    }
}

/// What of a service of Nova tells whether its cell answers.
#[derive(serde::Deserialize)]
struct ServiceStatus {
    #[serde(default)]
    status: String,
}

/// What one parent has.
async fn child(
    run: &Run,
    place: &Place,
    session: &AsyncOpenStack,
    endpoint: &Endpoint,
    id: &str,
) -> (Vec<Resource>, Result<(), Stop>) {
    let segment = url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>();
    let path = place.row.path.replace("{parent}", &segment);
    let query = place.row.query.replace("{parent}", &segment);
    let mut listing = Listing::new(run, session, endpoint, place.row, &path, &query);
    let mut all = Vec::new();
    loop {
        match listing.next().await {
            Ok(None) => return (all, Ok(())),
            Ok(Some(page)) => {
                let origin = place.origin(run, Some(id), page.read_at);
                let (made, problem) = origin.resources(page.items());
                all.extend(made);
                if let Some(reason) = problem {
                    return (all, Err(Stop::Failed(reason)));
                }
            }
            Err(stop) => return (all, Err(stop)),
        }
    }
}
