//! What is being read: one kind in one region, and how far it has come.

use std::collections::HashSet;
use std::sync::Arc;

use openstack_sdk::AsyncOpenStack;
use tidegate_model::{Kind, KindCoverage, Resource, Status, Timestamp, Visibility};

use crate::item::{Origin, lookup};
use crate::kind::{Row, Service};
use crate::listing::{Stop, hash};
use crate::run::{Gone, Parents, Run};

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

    /// Lets the kinds go on that are asked per resource of this one; `ids` are
    /// those of which each is to ask.
    pub(crate) fn announce(&self, run: &Run, coverage: &KindCoverage, ids: Asked) {
        for child in run.children(self.row.kind) {
            let found = ids.iter().find(|(c, _)| c.kind == child.kind);
            let ids = found.map(|(_, ids)| ids.clone()).unwrap_or_default();
            let parents = Parents { ids, coverage: Some(coverage.clone()) };
            if let Some(sender) = run.parents(child.kind, self.region) {
                sender.send_replace(Some(Arc::new(parents)));
            }
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

/// Rows that are asked per resource of another kind, with the ids of which each
/// is to be asked.
pub(crate) type Asked = Vec<(&'static Row, Vec<String>)>;

/// What has been read of a kind so far.
pub(crate) struct Reading<'a> {
    pub(crate) run: &'a Run,
    pub(crate) place: &'a Place,
    pub(crate) session: &'a AsyncOpenStack,
    pub(crate) sent: HashSet<u64>,
    pub(crate) asked: Asked,
    /// The first thing that makes the listing less than complete.
    pub(crate) problem: Option<Status>,
    pub(crate) visibility: Visibility,
}

/// How a listing ended, unless nobody listens any more.
pub(crate) type End = Result<Result<(), Stop>, Gone>;

impl Reading<'_> {
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
                for (child, ids) in &mut self.asked {
                    let fits = |(at, text): (&str, &str)| {
                        lookup(&resource.body, at).as_deref() == Some(text)
                    };
                    if child.only.is_none_or(fits) {
                        ids.push(resource.key.id().into_owned());
                    }
                }
                fresh.push(resource);
            }
        }
        if self.place.wanted { self.run.send(self.place.row.kind, fresh).await } else { Ok(()) }
    }
}
