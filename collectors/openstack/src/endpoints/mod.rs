//! Facts that no listing tells and that somebody must have asked for: what the
//! hosts of the catalog say to people who are not signed in.
//!
//! ```text
//! catalog ─▶ Spot* ─▶ tls | anonymous | auth-errors | body-limit ─▶ one resource each
//! --dashboard URL ─▶ tls | dashboard
//! ```
//!
//! One kind per [`Extra`], one resource per place. Nothing else than endpoints of
//! the catalog and the dashboard is asked, at most five connections
//! or one request each, and never with a token. A place that does not answer is a
//! resource that says so (`reached` is false), not a gap in the coverage: internal
//! addresses often cannot be reached from where audits run.

mod certificate;
mod dashboard;
mod hello;
mod http;
mod tls;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use serde_json::{Map, Value};
use tidegate_model::{KindCoverage, Status, Visibility};
use url::Url;

use crate::cloud::Region;
use crate::kind::{Id, ROW, Row, Service};
use crate::probe::{Nobody, distrust};
use crate::reading::Place;
use crate::redact::Cleaner;
use crate::run::{Gone, Run};

pub use dashboard::{BadDashboard, dashboard_address};

/// How many places of one kind are asked at a time.
const AT_A_TIME: usize = 4;

/// The longest that one connection or request may take. What answers people does
/// so in less; a firewall that drops packets is waited for this long.
const LIMIT: Duration = Duration::from_secs(5);

/// A fact that is gathered on request only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extra {
    /// `endpoint.tls`: protocol versions and the certificate of every host and
    /// port that the catalog has with https.
    Tls,
    /// `endpoint.anonymous`: what a service says to a list request without token.
    Anonymous,
    /// `endpoint.auth_error`: what Keystone says to a user that does not exist.
    AuthErrors,
    /// `endpoint.body_limit`: what a service says to a body that is too large.
    BodyLimit,
    /// `endpoint.dashboard`: cookies and headers of the dashboard's first page.
    Dashboard,
}

impl Extra {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Tls, Self::Anonymous, Self::AuthErrors, Self::BodyLimit, Self::Dashboard];

    pub(crate) fn row(self) -> &'static Row {
        let [tls, anonymous, auth_error, body_limit, dashboard] = &ROWS;
        match self {
            Self::Tls => tls,
            Self::Anonymous => anonymous,
            Self::AuthErrors => auth_error,
            Self::BodyLimit => body_limit,
            Self::Dashboard => dashboard,
        }
    }
}

/// Not a service of the catalog: what these kinds have in common.
pub(crate) static SERVICE: Service = Service {
    name: "endpoint",
    types: &[],
    version: "",
    microversion: None,
    needs_project: false,
    header: None,
    rows: &ROWS,
};

/// The usual row of these kinds.
const FACT: Row = Row { name: "/address", project: &[], ..ROW };

static ROWS: [Row; 5] = [
    Row { kind: "endpoint.tls", id: Id::Fields(&["/address"]), ..FACT },
    Row {
        kind: "endpoint.anonymous",
        id: Id::Fields(&["/service", "/interface"]),
        name: "/url",
        ..FACT
    },
    Row { kind: "endpoint.auth_error", id: Id::Fields(&["/interface"]), name: "/url", ..FACT },
    Row {
        kind: "endpoint.body_limit",
        id: Id::Fields(&["/service", "/interface"]),
        name: "/url",
        ..FACT
    },
    Row { kind: "endpoint.dashboard", id: Id::Fields(&["/address"]), ..FACT },
];

/// A service at an address.
#[derive(Debug, Clone)]
struct Spot {
    service: &'static Service,
    interface: String,
    /// Ends in a slash.
    base: String,
}

/// Gathers one fact in one region, sends what it finds and its coverage.
pub(crate) async fn read(
    run: Arc<Run>,
    place: Place,
    extra: Extra,
    dashboard: Option<Arc<str>>,
) -> Result<KindCoverage, Gone> {
    let read_from = (run.now)();
    let nobody = run.cloud.nobody.limited(LIMIT);
    let no_region = run.cloud.regions.get(place.region).is_none();
    // It belongs to no region; the first one tells of it.
    let dashboard = dashboard.filter(|_| place.region == 0);
    let bodies = match run.cloud.regions.get(place.region) {
        None => Ok(Vec::new()),
        Some(region) => gather(&run, &nobody, region, extra, dashboard.as_deref()).await,
    };
    let status = match bodies {
        Err(reason) => Status::Failed { reason },
        Ok(_) if no_region || (extra == Extra::Dashboard && dashboard.is_none()) => Status::Absent,
        Ok(bodies) => send(&run, &place, bodies).await?,
    };
    // The catalog is shown alike to everybody.
    let coverage =
        KindCoverage { visibility: Visibility::All, ..place.coverage(&run, status, read_from) };
    run.finish(coverage.clone()).await?;
    Ok(coverage)
}

/// One body per place.
async fn gather(
    run: &Run,
    nobody: &Nobody,
    region: &Region,
    extra: Extra,
    dashboard: Option<&str>,
) -> Result<Vec<Value>, String> {
    match extra {
        Extra::Tls => {
            let handshake = tls::Handshake::new(nobody, (run.now)(), LIMIT)?;
            let handshake = &handshake;
            let places = tls_places(region, dashboard);
            let asked = places.into_iter().map(|p| async move {
                run.count_request();
                handshake.facts(&p.host, p.port, p.told()).await
            });
            Ok(stream::iter(asked).buffered(AT_A_TIME).collect().await)
        }
        Extra::Anonymous | Extra::AuthErrors | Extra::BodyLimit => {
            let client = nobody.client().map_err(|e| tidegate_retry::innermost(&e))?;
            let client = &client;
            let asked = spots(region).into_values().filter(|s| http::concerns(extra, s));
            let asked = asked.map(|spot| async move {
                run.count_request();
                http::facts(extra, client, &spot).await
            });
            Ok(stream::iter(asked).buffered(AT_A_TIME).collect().await)
        }
        Extra::Dashboard => match dashboard {
            None => Ok(Vec::new()),
            Some(url) => {
                let client = nobody.client().map_err(|e| tidegate_retry::innermost(&e))?;
                run.count_request();
                Ok(vec![dashboard::facts(&client, url).await?])
            }
        },
    }
}

async fn send(run: &Run, place: &Place, bodies: Vec<Value>) -> Result<Status, Gone> {
    let (mut made, mut problem) = (Vec::new(), None);
    let mut seen = BTreeSet::new();
    {
        let cleaner = Cleaner::new(place.row, run.key.as_ref());
        let origin = place.origin(run, None, (run.now)());
        for body in bodies {
            match origin.resource(&cleaner, body.to_string().as_bytes(), &[]) {
                Ok(resource) if !seen.insert(resource.key.clone()) => {}
                Ok(resource) => made.push(resource),
                Err(reason) => problem = Some(Status::Failed { reason }),
            }
        }
    }
    let count = made.len() as u64;
    run.send(place.row.kind, made).await?;
    Ok(problem.unwrap_or(Status::Complete { count }))
}

/// The services of the catalog that a table is of, by type and interface.
fn spots(region: &Region) -> BTreeMap<(&'static str, String), Spot> {
    let mut out = BTreeMap::new();
    for address in &region.addresses {
        let known = |s: &&&Service| s.types.contains(&address.service_type.as_str());
        let Some(service) = crate::kinds::SERVICES.iter().find(known) else { continue };
        let Some(base) = crate::endpoint::base(&address.url, service.version) else { continue };
        let interface = address.interface.clone();
        out.entry((service.name, interface.clone())).or_insert(Spot { service, interface, base });
    }
    out
}

/// A host and port, and who is there.
#[derive(Debug, Default)]
struct TlsPlace {
    host: String,
    port: u16,
    interfaces: BTreeSet<String>,
    services: BTreeSet<String>,
}

impl TlsPlace {
    fn told(&self) -> Map<String, Value> {
        let list = |all: &BTreeSet<String>| all.iter().cloned().collect::<Vec<_>>().into();
        [("interfaces", list(&self.interfaces)), ("services", list(&self.services))]
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect()
    }
}

/// Where the catalog and the dashboard have https, each place once.
fn tls_places(region: &Region, dashboard: Option<&str>) -> Vec<TlsPlace> {
    let catalog = region.addresses.iter();
    let catalog = catalog.map(|a| (a.url.as_str(), a.interface.as_str(), a.service_type.as_str()));
    let mut out: BTreeMap<(String, u16), TlsPlace> = BTreeMap::new();
    for (url, interface, service) in catalog.chain(dashboard.map(|d| (d, "public", "dashboard"))) {
        let Some(url) = Url::parse(url).ok().filter(|u| u.scheme() == "https") else { continue };
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            continue;
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        let place = out.entry((host.clone(), port)).or_default();
        (place.host, place.port) = (host, port);
        place.interfaces.insert(interface.to_owned());
        place.services.insert(service.to_owned());
    }
    out.into_values().collect()
}

/// Why a request got no answer. Without times, so that it is the same until
/// something changes.
fn silence(e: &reqwest::Error) -> String {
    if e.is_timeout() {
        return "no answer within the time-out".to_owned();
    }
    let why = tidegate_retry::innermost(e);
    match why.to_lowercase().contains("certificate") {
        true => format!("the certificate is not trusted: {}", distrust(&why)),
        false => why,
    }
}

/// `host:port`, as an address has it.
fn address(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
