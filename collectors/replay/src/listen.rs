//! Takes connections and hands their requests to whoever plays a system back.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::net::{TcpListener, TcpStream};

use crate::fault::{Action, Fault};
use crate::wire::{self, Request, Response};

/// Answers requests.
pub trait Service: Send + Sync + 'static {
    /// The answer, and whether its body is left out; `None` closes the
    /// connection.
    fn answer(&self, request: Request) -> impl Future<Output = Option<(Response, bool)>> + Send;
}

/// Serves connections until it is aborted.
pub async fn accept<S: Service>(listener: TcpListener, service: Arc<S>) {
    // Connections end with the listener.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        connections.spawn(serve(stream, service.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve<S: Service>(mut stream: TcpStream, service: Arc<S>) {
    let mut buffer = BytesMut::new();
    while let Some(request) = wire::read(&mut stream, &mut buffer).await {
        let Some((response, head_only)) = service.answer(request).await else { return };
        if !wire::write(&mut stream, &response, head_only).await {
            return;
        }
    }
}

/// What is to go wrong, and what was asked so far.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) faults: Vec<Fault>,
    /// `METHOD /path?query`, unless they are to be forgotten.
    pub(crate) requests: Vec<String>,
    pub(crate) forget: bool,
}

impl Script {
    /// Remembers a request; gives the first fault that strikes it.
    pub(crate) fn strike(&mut self, request: &Request) -> Option<Action> {
        let line = request.line();
        let action =
            self.faults.iter_mut().find_map(|f| f.strikes(&line).then(|| f.action.clone()));
        if !self.forget {
            self.requests.push(line);
        }
        action
    }
}
