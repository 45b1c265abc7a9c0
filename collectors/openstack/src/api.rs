//! Requests of any method to one service of one region, for whoever has more to
//! do than list what is there. [`Cloud::api`] finds the service.

use std::sync::Arc;

use http::{Method, StatusCode};
use openstack_sdk::AsyncOpenStack;
use serde_json::Value;
use tidegate_retry::{Clock, Retry, retry_after};

use crate::cloud::Cloud;
use crate::endpoint::Endpoint;
use crate::kinds::SERVICES;
use crate::request::{Answer, describe, message, offered, once};

/// One service of one region. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    session: AsyncOpenStack,
    endpoint: Arc<Endpoint>,
    retry: Retry,
    now: Clock,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body; null where it is empty or not JSON.
    pub body: Value,
    /// The message of an error, shortened; none if it has none, or if it looks as
    /// if it held a secret.
    pub message: Option<String>,
    /// Status and message in one clause: `403 (Policy does not allow this)`.
    pub said: String,
}

impl Reply {
    /// Whether the status is one of 200 to 299.
    #[must_use]
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The text at a JSON Pointer of the body.
    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer)?.as_str()
    }
}

/// There was no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The service does not listen, so nothing was done.
    #[error("{0}")]
    Unreachable(String),
    /// The request was sent, and what became of it is not known.
    #[error("{0}")]
    NoAnswer(String),
    /// The cloud or this program does not know the place.
    #[error("{0}")]
    NoSuchPlace(String),
}

impl Cloud {
    /// Finds a service: `service` is the first part of its kinds, such as
    /// `block-storage`. `Ok(None)` if the catalog of the region has none.
    ///
    /// # Errors
    /// [`ApiError::NoSuchPlace`] for a region that this cloud does not have, a
    /// service that no kind is of, and an address that is not usable.
    pub async fn api(
        &self,
        region: &str,
        service: &str,
        retry: Retry,
        now: Clock,
    ) -> Result<Option<Api>, ApiError> {
        let place = |why: String| ApiError::NoSuchPlace(why);
        let at = self.regions.iter().position(|r| r.name.as_ref() == region);
        let found = at.and_then(|at| Some((at, self.regions.get(at)?)));
        let (at, here) = found.ok_or_else(|| place(format!("there is no region `{region}`")))?;
        let known = SERVICES.iter().find(|s| s.name == service);
        let service = known.ok_or_else(|| place(format!("there is no service `{service}`")))?;
        let Some(address) = here.address(service) else { return Ok(None) };
        let endpoint = Endpoint::find(&here.session, service, at, address).await.map_err(place)?;
        let session = here.session.clone();
        Ok(Some(Api { session, endpoint: Arc::new(endpoint), retry, now }))
    }
}

impl Api {
    /// The microversion that is spoken, if the service has them.
    #[must_use]
    pub fn microversion(&self) -> Option<(u32, u32)> {
        self.endpoint.microversion().map(|(_, version)| version)
    }

    /// Sends a request; `path` may have a query and is appended to the
    /// service's root. What the service refuses for the moment (429) is sent
    /// again, and so is what changes nothing when sent twice (GET, PUT,
    /// DELETE), after 502, 503, 504 and broken connections. A POST is never
    /// sent twice where the first may have worked.
    ///
    /// # Errors
    /// [`ApiError::Unreachable`] or [`ApiError::NoAnswer`]. An answer of
    /// whatever status is none.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Reply, ApiError> {
        let url = format!("{}{path}", self.endpoint.base);
        let body = body.map(|b| b.to_string().into_bytes());
        let twice = matches!(method, Method::GET | Method::PUT | Method::DELETE);
        let mut negotiated = false;
        let mut attempt = 0;
        loop {
            let sent = once(&self.session, &self.endpoint, method.clone(), &url, body.clone());
            let pause = match sent.await {
                Ok(answer) if answer.status == StatusCode::NOT_ACCEPTABLE && !negotiated => {
                    negotiated = true;
                    let Some(offered) = offered(&answer.body) else { return Ok(reply(&answer)) };
                    self.endpoint.lower_to(offered);
                    continue;
                }
                Ok(answer) => {
                    let told = retry_after(&answer.headers, &self.now);
                    let pause = match answer.status.as_u16() {
                        429 => self.retry.pause(attempt, told),
                        502..=504 if twice => self.retry.pause(attempt, told),
                        _ => None,
                    };
                    let Some(pause) = pause else { return Ok(reply(&answer)) };
                    pause
                }
                Err(failure) => {
                    let again = failure.again && (twice || failure.unreachable);
                    match again.then(|| self.retry.pause(attempt, None)).flatten() {
                        Some(pause) => pause,
                        None if failure.unreachable => {
                            return Err(ApiError::Unreachable(failure.why));
                        }
                        None => return Err(ApiError::NoAnswer(failure.why)),
                    }
                }
            };
            attempt += 1;
            tracing::debug!(url, attempt, ?pause, "asking again");
            tokio::time::sleep(pause).await;
        }
    }
}

fn reply(answer: &Answer) -> Reply {
    let body = serde_json::from_slice(&answer.body).unwrap_or_default();
    let message = message(&answer.body);
    Reply { status: answer.status.as_u16(), body, message, said: describe(answer) }
}
