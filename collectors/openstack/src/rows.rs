//! Reads one kind in one region, from the first page to its coverage.

use std::collections::HashSet;
use std::sync::Arc;

use futures::{StreamExt, stream};
use openstack_sdk::AsyncOpenStack;
use tidegate_model::{Kind, KindCoverage, Resource, Status, Timestamp, Visibility};

use crate::endpoint::Endpoint;
use crate::images;
use crate::item::Origin;
use crate::kind::{Fallback, Paging, Reader, Row, Service};
use crate::listing::{Listing, Page, Stop, hash};
use crate::run::{Gone, Parents, Run};
use crate::single;

/// Which kind, where, under which names.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) service: &'static Service,
    pub(crate) row: &'static Row,
    pub(crate) region: usize,
    /// Whether it was asked for, or is only read because another kind needs it.
    pub(crate) wanted: bool,
    pub(crate) source: Arc<str>,
    pub(crate) region_name: Option<Arc<str>>,
    pub(crate) kind: Kind,
}

impl Place {
    pub(crate) fn new(
        run: &Run,
        service: &'static Service,
        row: &'static Row,
        region: usize,
        wanted: bool,
    ) -> Option<Self> {
        // INVARIANT: every kind of the table has the form of a kind (tested).
        let kind = Kind::new(row.kind).ok()?;
        let region_name = run.cloud.regions.get(region).map(|r| r.name.clone());
        Some(Self {
            service,
            row,
            region,
            wanted,
            source: Arc::from(format!("openstack/{}", service.name)),
            region_name: region_name.filter(|_| row.regional),
            kind,
        })
    }

    pub(crate) fn coverage(&self, run: &Run, status: Status, read_from: Timestamp) -> KindCoverage {
        KindCoverage {
            source: self.source.clone(),
            region: self.region_name.clone(),
            kind: self.kind.clone(),
            status,
            visibility: run.cloud.scope.own(),
            read_from,
            read_until: (run.now)(),
        }
    }

    /// Lets the kinds go on that are asked per resource of this one.
    pub(crate) fn announce(&self, run: &Run, parents: Parents) {
        if let Some(sender) = run.parents.get(&(self.row.kind, self.region)) {
            sender.send_replace(Some(Arc::new(parents)));
        }
    }

    pub(crate) fn origin<'a>(
        &'a self,
        run: &'a Run,
        parent: Option<&'a str>,
        read_at: Timestamp,
    ) -> Origin<'a> {
        Origin {
            row: self.row,
            kind: &self.kind,
            source: &self.source,
            region: self.region_name.as_ref(),
            parent,
            read_at,
            key: run.key.as_ref(),
        }
    }
}

/// What has been read of a kind so far.
pub(crate) struct Reading<'a> {
    pub(crate) run: &'a Run,
    pub(crate) place: &'a Place,
    pub(crate) session: &'a AsyncOpenStack,
    sent: HashSet<u64>,
    ids: Option<Vec<String>>,
    /// The first thing that makes the listing less than complete.
    pub(crate) problem: Option<Status>,
    pub(crate) visibility: Visibility,
}

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
        ids: run.parents.contains_key(&(place.row.kind, place.region)).then(Vec::new),
        problem: None,
        visibility: run.cloud.scope.visibility(place.row.view, place.service.needs_project),
    };
    let end = match run.endpoint(place.service, place.region).await {
        Err(why) => Err(Stop::Failed(why)),
        Ok(None) => Err(Stop::Absent),
        Ok(Some(endpoint)) => match place.row.reader {
            Reader::Token => single::token(&mut reading).await?,
            Reader::Account => single::account(&mut reading, &endpoint).await?,
            Reader::Images => images::read(&mut reading, &endpoint).await?,
            Reader::Rest if place.row.parent.is_some() => reading.children(&endpoint).await?,
            Reader::Rest => reading.whole(&endpoint).await?,
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
    let ids = reading.ids.take().unwrap_or_default();
    place.announce(&run, Parents { ids, coverage: Some(coverage.clone()) });
    if place.wanted {
        run.finish(coverage.clone()).await?;
    }
    Ok(coverage)
}

/// How a listing ended, unless nobody listens any more.
pub(crate) type End = Result<Result<(), Stop>, Gone>;

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
        loop {
            let sound = match listing.next().await {
                Ok(None) => return Ok(Ok(())),
                Ok(Some(page)) => {
                    let page = self.enrich(endpoint, page).await;
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
                if self.problem == Some(Status::Inconsistent) {
                    return Ok(Err(Stop::Anomaly));
                }
                tracing::debug!(kind = place.row.kind, "paging starts over");
                self.note(Status::Inconsistent);
                pass.clear();
                listing.restart();
            }
        }
    }

    /// Keeps the worst of what went wrong.
    pub(crate) fn note(&mut self, status: Status) {
        if self.problem.as_ref().is_none_or(|p| p.rank() < status.rank()) {
            self.problem = Some(status);
        }
    }

    /// Hands resources over that were not yet.
    pub(crate) async fn send(
        &mut self,
        made: Vec<Resource>,
        mut pass: Option<&mut HashSet<u64>>,
    ) -> Result<(), Gone> {
        let mut fresh = Vec::with_capacity(made.len());
        for resource in made {
            let key = hash(resource.key.as_str());
            if let Some(pass) = pass.as_deref_mut() {
                pass.insert(key);
            }
            if self.sent.insert(key) {
                if let Some(ids) = &mut self.ids {
                    ids.push(resource.key.id());
                }
                fresh.push(resource);
            }
        }
        if self.place.wanted { self.run.send(self.place.row.kind, fresh).await } else { Ok(()) }
    }

    /// Puts extra specs into flavors where the API is too old to do so.
    async fn enrich(&self, endpoint: &Endpoint, page: Page) -> Page {
        let old = endpoint.microversion().is_some_and(|(_, v)| v < (2, 61));
        if self.place.row.kind == "compute.flavor" && old {
            return images::with_extra_specs(self, endpoint, page).await;
        }
        page
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
    async fn parents(&self) -> Option<Arc<Parents>> {
        let kind = self.place.row.parent?;
        let here = self.run.parents.get(&(kind, self.place.region));
        let regional = crate::kinds::rows().any(|(_, r)| r.kind == kind && r.regional);
        let sender = if regional { here } else { self.run.parents.get(&(kind, 0)) };
        let mut receiver = sender?.subscribe();
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
            if endpoint.down.initialized() {
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
