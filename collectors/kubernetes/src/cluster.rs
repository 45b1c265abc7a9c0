//! Reaches a cluster: who it is, and what it serves.

use std::sync::Arc;

use http::StatusCode;
use kube::Client;
use tidegate_model::Timestamp;
use tidegate_retry::{Clock, Retry};

use crate::config::{Settings, Timeouts, plain};
use crate::discovery::{self, Served};
use crate::error::CollectError;
use crate::request::{Answer, Session, describe, status_message};

/// A cluster that answers.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) session: Session,
    pub(crate) served: Arc<Served>,
    /// The body of `/version`, or why it is not known.
    pub(crate) version: Arc<Result<bytes::Bytes, String>>,
    pub(crate) reached_at: Timestamp,
    /// The namespace of the context, where a narrower credential looks.
    pub(crate) namespace: Arc<str>,
    context: Arc<str>,
}

impl Cluster {
    /// Reaches the API server of a context and asks what it serves.
    ///
    /// # Errors
    /// [`CollectError`], by cause.
    pub async fn connect(
        settings: &Settings,
        timeouts: &Timeouts,
        now: Clock,
    ) -> Result<Self, CollectError> {
        let Settings { context, config } = settings;
        let server = config.cluster_url.to_string();
        let mut config = config.clone();
        config.connect_timeout = Some(timeouts.connect);
        // What to ask again, and when, is decided here.
        config.default_retry = false;
        let namespace = Arc::from(config.default_namespace.as_str());
        // An exec plugin runs now, and may take its time.
        let bad = |why| CollectError::BadContext { context: context.clone(), why };
        let client = tokio::task::spawn_blocking(move || Client::try_from(config))
            .await
            .map_err(|e| bad(plain(&e)))?
            .map_err(|e| bad(plain(&e)))?;
        // Whoever types a command does not wait for a server that is down.
        let retry = Retry { times: 1, ..Retry::default() };
        let session = Session::new(client, timeouts.request, retry, now.clone());
        let reached_at = now();
        let refused = |answer: &Answer| match answer.status {
            StatusCode::UNAUTHORIZED => {
                CollectError::Unauthorized { context: context.clone(), server: server.clone() }
            }
            StatusCode::FORBIDDEN => CollectError::DiscoveryForbidden {
                context: context.clone(),
                server: server.clone(),
            },
            _ => CollectError::NotKubernetes { server: server.clone(), why: describe(answer) },
        };
        let answer = session.get("/version").await.map_err(|f| f.at(context, &server))?;
        let version = match answer.status {
            StatusCode::OK => match is_version(&answer.body) {
                true => Ok(answer.body),
                false => {
                    let why = "`/version` is not the JSON expected".to_owned();
                    return Err(CollectError::NotKubernetes { server, why });
                }
            },
            // Some clusters close it to all but administrators.
            StatusCode::FORBIDDEN => Err(status_message(&answer)),
            _ => return Err(refused(&answer)),
        };
        let served = discovery::discover(&session).await.map_err(|stop| match stop {
            discovery::Stop::Refused(answer) => refused(&answer),
            discovery::Stop::Failed(failure) => failure.at(context, &server),
            discovery::Stop::NotJson(why) => {
                CollectError::NotKubernetes { server: server.clone(), why }
            }
        })?;
        Ok(Self {
            session,
            served: Arc::new(served),
            version: Arc::new(version),
            reached_at,
            namespace,
            context: Arc::from(context.as_str()),
        })
    }

    /// The context it was reached by.
    #[must_use]
    pub fn context(&self) -> &str {
        &self.context
    }
}

fn is_version(body: &[u8]) -> bool {
    let value: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    value.is_some_and(|v| v.get("gitVersion").is_some_and(serde_json::Value::is_string))
}
