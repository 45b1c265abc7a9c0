//! Kinds that take more than one listing: images, and flavors of an old Nova.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Method, StatusCode};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tidegate_model::{Status, Timestamp};

use crate::endpoint::Endpoint;
use crate::item::{by_content, quoted};
use crate::kinds::LISTINGS;
use crate::listing::{Listing, Page, Stop};
use crate::reading::{End, Reading};
use crate::redact::Cleaner;
use crate::request::{ask, describe};

/// One image, and the listings that showed it.
struct Seen {
    body: Bytes,
    at: Range<usize>,
    read_at: Timestamp,
    listings: Vec<&'static str>,
}

#[derive(Deserialize)]
struct WithId<'a> {
    #[serde(borrow)]
    id: Option<std::borrow::Cow<'a, str>>,
    /// Whether a flavor brings its extra specs, whatever they are.
    #[serde(default, deserialize_with = "is_there")]
    extra_specs: bool,
}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Reads all listings of images and sends one resource per image. They are few
/// (thousands at most), so the pages are kept until all listings are read.
pub(crate) async fn read(reading: &mut Reading<'_>, endpoint: &Endpoint) -> End {
    let mut images: BTreeMap<String, Seen> = BTreeMap::new();
    let mut end = Ok(());
    for (number, (name, query)) in LISTINGS.into_iter().enumerate() {
        let stop = one(reading, endpoint, &mut images, name, query).await;
        match stop {
            Ok(()) => {}
            // A Glance that does not know the filter has no such images.
            Err(Stop::Failed(why)) if number > 0 && why.contains("answered 400") => {}
            Err(Stop::Anomaly) => reading.note(Status::Inconsistent),
            Err(stop) if number == 0 => {
                end = Err(stop);
                break;
            }
            Err(Stop::Forbidden) => reading.note(Status::Forbidden),
            Err(Stop::Absent) => {}
            Err(Stop::Failed(reason)) => {
                reading.note(Status::Failed { reason: format!("listing `{name}`: {reason}") });
            }
        }
    }
    let place = reading.place;
    let cleaner = Cleaner::new(place.row, reading.run.key.as_ref());
    let mut made = Vec::new();
    let mut problems = Vec::new();
    for mut seen in images.into_values() {
        seen.listings.sort_unstable();
        let names: Vec<String> = seen.listings.iter().map(|l| quoted(l)).collect();
        let facts = [("listings", format!("[{}]", names.join(",")))];
        let raw = seen.body.get(seen.at).unwrap_or_default();
        match place.origin(reading.run, None, seen.read_at).resource(&cleaner, raw, &facts) {
            Ok(resource) => made.push(resource),
            Err(reason) => problems.push(reason),
        }
    }
    drop(cleaner);
    for reason in problems {
        reading.note(Status::Failed { reason });
    }
    let mut rest = made.into_iter().peekable();
    while rest.peek().is_some() {
        let page = rest.by_ref().take(reading.run.page_size).collect();
        reading.send(page, None).await?;
    }
    Ok(end)
}

async fn one(
    reading: &Reading<'_>,
    endpoint: &Endpoint,
    images: &mut BTreeMap<String, Seen>,
    name: &'static str,
    query: &str,
) -> Result<(), Stop> {
    let (run, row) = (reading.run, reading.place.row);
    let mut listing = Listing::new(run, reading.session, endpoint, row, row.path, query);
    while let Some(page) = listing.next().await? {
        for at in page.cut.items.iter().cloned() {
            let raw = page.body.get(at.clone()).unwrap_or_default();
            let Ok(WithId { id, .. }) = serde_json::from_slice(raw) else {
                return Err(Stop::Failed("an image is not usable".to_owned()));
            };
            let id = id.map_or_else(|| by_content(&String::from_utf8_lossy(raw)), Into::into);
            let seen = images.entry(id).or_insert_with(|| Seen {
                body: page.body.clone(),
                at,
                read_at: page.read_at,
                listings: Vec::new(),
            });
            if seen.listings.contains(&name) {
                return Err(Stop::Anomaly);
            }
            seen.listings.push(name);
        }
    }
    Ok(())
}

/// Asks for the extra specs of each flavor of a page that lacks them and puts
/// them in, as Nova does itself from 2.61 on. What cannot be read stays out, and
/// why is told, unless the service knows no such thing (404).
pub(crate) async fn with_extra_specs(
    reading: &Reading<'_>,
    endpoint: &Endpoint,
    mut page: Page,
) -> (Page, Option<Status>) {
    let lacks = |raw: &[u8]| {
        let flavor = serde_json::from_slice::<WithId<'_>>(raw);
        flavor.is_ok_and(|f| !f.extra_specs)
    };
    if !page.items().any(lacks) {
        return (page, None);
    }
    // The page's own permit covers these requests, so that they cannot wait for
    // one another.
    let asked: Vec<_> = page.items().map(|raw| filled(reading, endpoint, raw)).collect();
    let filled: Vec<(Vec<u8>, Option<Status>)> =
        stream::iter(asked).buffered(4).boxed().collect().await;
    let mut body = Vec::new();
    page.cut.items.clear();
    let mut gap: Option<Status> = None;
    for (item, refused) in filled {
        let from = body.len();
        body.extend_from_slice(&item);
        page.cut.items.push(from..body.len());
        gap = gap.into_iter().chain(refused).max_by_key(Status::rank);
    }
    page.body = Bytes::from(body);
    (page, gap)
}

/// A flavor with its extra specs, or why they could not be read.
async fn filled(
    reading: &Reading<'_>,
    endpoint: &Endpoint,
    raw: &[u8],
) -> (Vec<u8>, Option<Status>) {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        extra_specs: &'a RawValue,
    }
    let flavor = serde_json::from_slice::<WithId<'_>>(raw).ok();
    let Some(WithId { id: Some(id), extra_specs: false }) = flavor else {
        return (raw.to_vec(), None);
    };
    let url = format!("{}flavors/{id}/os-extra_specs", endpoint.base);
    let failed = |why: &str| Some(Status::Failed { reason: format!("extra specs: {why}") });
    let answer = match ask(reading.run, reading.session, endpoint, Method::GET, &url).await {
        Ok(answer) => answer,
        Err(why) => return (raw.to_vec(), failed(&why)),
    };
    let gap = match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(Status::Forbidden),
        StatusCode::NOT_FOUND => None,
        status if !status.is_success() => failed(&describe(&answer)),
        _ => {
            let specs = serde_json::from_slice::<Answer<'_>>(&answer.body).map(|a| a.extra_specs);
            if let (Ok(specs), Some(rest)) = (specs, raw.strip_prefix(b"{")) {
                let start = format!("{{\"extra_specs\":{specs},");
                return ([start.as_bytes(), rest].concat(), None);
            }
            failed("the answer has none")
        }
    };
    (raw.to_vec(), gap)
}
