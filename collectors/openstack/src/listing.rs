//! Reads a list page by page and notices when the pages cannot belong
//! together.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use http::{Method, StatusCode};
use tidegate_model::Timestamp;

use crate::endpoint::Endpoint;
use crate::item::{Cut, cut, lookup};
use crate::kind::{Paging, Reader, Row};
use crate::request::{ask, describe};
use crate::run::{Permit, Run};
use openstack_sdk::AsyncOpenStack;

/// How a listing stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// 403.
    Forbidden,
    /// 404: the service does not know the kind.
    Absent,
    /// The pages do not belong together: the marker is gone, a page came twice.
    Anomaly,
    /// Anything else, in one clause.
    Failed(String),
}

/// A page that was read. Its permit goes back when the page is dropped, so that
/// no more pages are in memory than there are permits.
pub(crate) struct Page {
    pub(crate) body: bytes::Bytes,
    pub(crate) cut: Cut,
    pub(crate) read_at: Timestamp,
    _permit: Permit,
}

impl Page {
    /// The items, as bytes.
    pub(crate) fn items(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.cut.items.iter().map(|r| self.body.get(r.clone()).unwrap_or_default())
    }
}

/// One way through a list.
pub(crate) struct Listing<'a> {
    run: &'a Run,
    session: &'a AsyncOpenStack,
    endpoint: &'a Endpoint,
    row: &'static Row,
    url: String,
    query: String,
    /// The query of the next page; `None` at the end.
    next: Option<String>,
    offset: usize,
    pages: usize,
    seen_queries: HashSet<u64>,
}

impl<'a> Listing<'a> {
    /// The list at a path below the service's root.
    pub(crate) fn new(
        run: &'a Run,
        session: &'a AsyncOpenStack,
        endpoint: &'a Endpoint,
        row: &'static Row,
        path: &str,
        query: &str,
    ) -> Self {
        Self::at(run, session, endpoint, row, format!("{}{path}", endpoint.base), query)
    }

    /// The list at an address, without query.
    pub(crate) fn at(
        run: &'a Run,
        session: &'a AsyncOpenStack,
        endpoint: &'a Endpoint,
        row: &'static Row,
        url: String,
        query: &str,
    ) -> Self {
        let mut query = query.to_owned();
        if row.paging != Paging::None {
            let joint = if query.is_empty() { "" } else { "&" };
            query = format!("{query}{joint}limit={}", run.page_size);
        }
        Self {
            run,
            session,
            endpoint,
            row,
            url,
            next: Some(query.clone()),
            query,
            offset: 0,
            pages: 0,
            seen_queries: HashSet::new(),
        }
    }

    /// Goes back to the first page.
    pub(crate) fn restart(&mut self) {
        self.next = Some(self.query.clone());
        (self.offset, self.pages) = (0, 0);
        self.seen_queries.clear();
    }

    /// The next page; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Page>, Stop> {
        let Some(query) = self.next.take() else { return Ok(None) };
        if !self.seen_queries.insert(hash(&query)) {
            return Err(Stop::Anomaly);
        }
        let permit = self.run.permit(self.endpoint).await;
        let joint = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{joint}{query}", self.url);
        let answer = ask(self.run, self.session, self.endpoint, Method::GET, &url)
            .await
            .map_err(|why| Stop::Failed(self.at_page(&why)))?;
        let read_at = (self.run.now)();
        match answer.status {
            s if s.is_success() => {}
            StatusCode::FORBIDDEN => return Err(Stop::Forbidden),
            // After the first page these mean that the marker was deleted.
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND if self.pages > 0 => {
                return Err(Stop::Anomaly);
            }
            StatusCode::NOT_FOUND => return Err(Stop::Absent),
            // Ceph's gateway says 401 to a token without a role that it accepts.
            StatusCode::UNAUTHORIZED if self.row.reader == Reader::Containers => {
                return Err(Stop::Forbidden);
            }
            StatusCode::UNAUTHORIZED => {
                let why = "the token is refused, even after signing in again";
                return Err(Stop::Failed(self.at_page(why)));
            }
            _ => {
                let why = format!("the service answered {}", describe(&answer));
                return Err(Stop::Failed(self.at_page(&why)));
            }
        }
        let cut = cut(self.row, &answer.body).map_err(|why| Stop::Failed(self.at_page(&why)))?;
        self.run.count_bytes(answer.body.len());
        self.pages += 1;
        let count = cut.items.len();
        self.next = match self.row.paging {
            Paging::None => cut.next.clone(),
            // Some services name a next page although this one was empty.
            Paging::Links => cut.next.clone().filter(|_| count > 0),
            // A short page is no sign of the end: the service may cap the limit.
            Paging::Offset if count > 0 => {
                self.offset += count;
                Some(format!("{}&offset={}", self.query, self.offset))
            }
            Paging::Offset => None,
            Paging::Marker(member) => marker(&answer.body, &cut, member)
                .map(|marker| format!("{}&marker={marker}", self.query)),
        };
        Ok(Some(Page { body: answer.body, cut, read_at, _permit: permit }))
    }

    fn at_page(&self, why: &str) -> String {
        match self.pages {
            0 => why.to_owned(),
            n => format!("page {}: {why}", n + 1),
        }
    }
}

/// A member of the last item of a page, as a query holds it.
fn marker(body: &[u8], cut: &Cut, member: &str) -> Option<String> {
    let last = body.get(cut.items.last()?.clone())?;
    let text = lookup(std::str::from_utf8(last).ok()?, &format!("/{member}"))?;
    Some(url::form_urlencoded::byte_serialize(text.as_bytes()).collect())
}

pub(crate) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
