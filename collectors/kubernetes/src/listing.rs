//! Reads one kind, page by page, and notices when the pages cannot belong
//! together.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tidegate_model::{Kind, KindCoverage, Resource, Status, Timestamp, Visibility};
use tokio::sync::SemaphorePermit;

use crate::discovery::ApiResource;
use crate::item::{Origin, Page};
use crate::request::{Answer, describe, status};
use crate::run::{Gone, Run};

/// How often the end of a token's life is made up for in one list. A token
/// lives for five minutes; a list of that many pages would take an hour.
const RECOVERIES: usize = 12;

/// How a listing stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stop {
    /// 403.
    Forbidden,
    /// The pages before this one are of no more use, and no token leads on.
    Outdated,
    /// Anything else, in one clause.
    Failed(String),
}

/// What is being read.
pub(crate) struct Listing<'r> {
    run: &'r Run,
    resource: &'r ApiResource,
    kind: Kind,
    source: Arc<str>,
    /// The keys handed over so far, hashed.
    sent: HashSet<u64>,
    /// The version of the cluster's state that the first page shows.
    state: Option<String>,
    inconsistent: bool,
    problem: Option<String>,
}

/// Reads one kind: hands over what it finds, and its coverage.
pub(crate) async fn read(run: &Run, resource: &ApiResource, kind: Kind) -> Result<(), Gone> {
    let read_from = (run.now)();
    let source = Arc::from(format!("kubernetes/{}", resource.group_name()));
    let mut listing = Listing {
        run,
        resource,
        kind,
        source,
        sent: HashSet::new(),
        state: None,
        inconsistent: false,
        problem: None,
    };
    let mut visibility = Visibility::All;
    let mut end = listing.whole(None).await?;
    // Whoever may not list everywhere may still list at home.
    if end == Err(Stop::Forbidden) && resource.namespaced && !run.namespace.is_empty() {
        let own = listing.whole(Some(&run.namespace)).await?;
        if own != Err(Stop::Forbidden) {
            visibility = Visibility::Namespaces([run.namespace.clone()].into());
            end = own;
        }
    }
    let count = listing.sent.len() as u64;
    let status = match (end, listing.problem.take()) {
        (Ok(()), Some(reason)) => Status::Failed { reason },
        (Ok(()), None) if listing.inconsistent => Status::Inconsistent,
        (Ok(()), None) => Status::Complete { count },
        (Err(Stop::Forbidden), _) => Status::Forbidden,
        (Err(Stop::Outdated), _) => Status::Failed {
            reason: "the list changed faster than it could be read, twice".to_owned(),
        },
        (Err(Stop::Failed(reason)), _) => Status::Failed { reason },
    };
    let (Listing { kind, source, .. }, read_until) = (listing, (run.now)());
    let coverage =
        KindCoverage { source, region: None, kind, status, visibility, read_from, read_until };
    run.finish(coverage).await
}

impl Listing<'_> {
    /// The whole list; begins anew once if its pages outlived their state.
    async fn whole(&mut self, namespace: Option<&str>) -> Result<Result<(), Stop>, Gone> {
        match self.pass(namespace).await? {
            Err(Stop::Outdated) => {
                self.inconsistent = true;
                self.state = None;
                self.pass(namespace).await
            }
            end => Ok(end),
        }
    }

    /// One way through the list, from the first page.
    async fn pass(&mut self, namespace: Option<&str>) -> Result<Result<(), Stop>, Gone> {
        let mut path = self.resource.path(namespace);
        path.push_str(&format!("?limit={}", self.run.page_size));
        let mut token: Option<String> = None;
        let (mut pages, mut recoveries) = (0_usize, 0);
        let mut seen = HashSet::new();
        loop {
            let url = match &token {
                None => path.clone(),
                Some(token) => {
                    format!("{path}&continue={}", utf8_percent_encode(token, NON_ALPHANUMERIC))
                }
            };
            // Goes back when the page is handed over, so that no more pages are
            // in memory than there are permits.
            let permit = self.run.permit().await;
            let answer = match self.ask(&url, pages > 0).await {
                Ok(answer) => answer,
                Err(Stop::Failed(why)) => return Ok(Err(Stop::Failed(at_page(pages, &why)))),
                Err(stop) => return Ok(Err(stop)),
            };
            if answer.status == StatusCode::GONE {
                let next = status(&answer).metadata.next.filter(|t| !t.is_empty());
                let Some(next) = next else { return Ok(Err(Stop::Outdated)) };
                recoveries += 1;
                if recoveries > RECOVERIES {
                    return Ok(Err(Stop::Failed(at_page(
                        pages,
                        "the tokens of its pages keep expiring",
                    ))));
                }
                self.inconsistent = true;
                token = Some(next);
                continue;
            }
            let next = match self.page(&answer, permit).await? {
                Ok(next) => next,
                Err(why) => return Ok(Err(Stop::Failed(at_page(pages, &why)))),
            };
            pages += 1;
            let Some(next) = next else { return Ok(Ok(())) };
            if !seen.insert(hash(&next)) {
                return Ok(Err(Stop::Failed(at_page(pages, "the list leads back to a page"))));
            }
            token = Some(next);
        }
    }

    /// Asks for a page: the answer is 200 or 410. `later` says that it is not the
    /// first.
    async fn ask(&self, url: &str, later: bool) -> Result<Answer, Stop> {
        let refused = || Stop::Failed("the credential is no longer accepted (401)".to_owned());
        if self.run.refused.load(Ordering::Relaxed) {
            return Err(refused());
        }
        let answer = self.run.session.get(url).await.map_err(|f| Stop::Failed(f.why))?;
        match answer.status {
            StatusCode::OK | StatusCode::GONE => Ok(answer),
            StatusCode::UNAUTHORIZED => {
                self.run.refused.store(true, Ordering::Relaxed);
                Err(refused())
            }
            StatusCode::FORBIDDEN if !later => Err(Stop::Forbidden),
            // Either the type went in this moment, or the server starts anew and does
            // not know its custom types yet. The next collection tells.
            StatusCode::NOT_FOUND if !later => Err(Stop::Failed(
                "the API server named the type and then did not know it (404)".to_owned(),
            )),
            // The token is of a server that is no longer there.
            StatusCode::BAD_REQUEST if later => Err(Stop::Outdated),
            _ => Err(Stop::Failed(format!("the API server answered {}", describe(&answer)))),
        }
    }

    /// Hands the objects of a page over; gives the token of the next one.
    async fn page(
        &mut self,
        answer: &Answer,
        _permit: Option<SemaphorePermit<'_>>,
    ) -> Result<Result<Option<String>, String>, Gone> {
        let page = match Page::read(&answer.body) {
            Ok(page) => page,
            Err(why) => return Ok(Err(why)),
        };
        let state = page.metadata.resource_version.clone();
        match &self.state {
            None => self.state = state,
            Some(first) if state.as_ref() != Some(first) => self.inconsistent = true,
            Some(_) => {}
        }
        let made = self.resources(&page, (self.run.now)());
        let next = page.next();
        drop(page);
        self.run.send(made).await?;
        Ok(Ok(next))
    }

    fn resources(&mut self, page: &Page<'_>, read_at: Timestamp) -> Vec<Resource> {
        let key = self.run.key.as_ref();
        let origin = Origin::new(self.resource, &self.kind, &self.source, read_at, key);
        let mut buffer = String::new();
        let mut made = Vec::with_capacity(page.items().len());
        for item in page.items() {
            match origin.resource(item, &mut buffer) {
                // Pages of different states may show an object twice.
                Ok(resource) if self.sent.insert(hash(resource.key.as_str())) => {
                    made.push(resource)
                }
                Ok(_) => {}
                Err(why) => self.problem = self.problem.take().or(Some(why)),
            }
        }
        made
    }
}

fn at_page(pages: usize, why: &str) -> String {
    match pages {
        0 => why.to_owned(),
        n => format!("page {}: {why}", n + 1),
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
