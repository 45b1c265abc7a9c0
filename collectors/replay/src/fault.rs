//! What can go wrong, on purpose.

use std::time::Duration;

use crate::wire::Response;

/// Something that goes wrong with some requests.
#[derive(Debug, Clone)]
pub struct Fault {
    /// A part of `METHOD /path?query`; empty for every request.
    pub matches: String,
    /// Matching requests that are left alone first.
    pub skip: usize,
    /// Matching requests that it then happens to.
    pub times: usize,
    /// What happens.
    pub action: Action,
}

/// What a [`Fault`] does.
#[derive(Debug, Clone)]
pub enum Action {
    /// Answers with this status and an error body.
    Status(u16),
    /// Answers 429 or another status with `Retry-After` in seconds.
    RetryAfter(u16, u64),
    /// Waits before answering.
    Delay(Duration),
    /// Cuts the body after this many bytes and says that this is all.
    Truncate(usize),
    /// Says how long the body is and closes the connection after this many
    /// bytes.
    BreakAfter(usize),
    /// Answers 200 with HTML.
    Html,
    /// Closes the connection without an answer.
    Drop,
    /// Answers as if the request had no marker.
    FirstPageAgain,
    /// Makes all tokens given so far invalid, this request's too.
    ExpireTokens,
    /// Answers with this status, headers and body.
    Answer(u16, Vec<(String, String)>, String),
    /// Kubernetes: the token of the page has expired (410); one that leads on
    /// under a new state comes with it.
    Expire,
    /// Kubernetes: the token of the page has expired, and no other comes with it.
    Outdate,
}

impl Fault {
    /// It happens to every matching request.
    #[must_use]
    pub fn always(matches: &str, action: Action) -> Self {
        Self { matches: matches.to_owned(), skip: 0, times: usize::MAX, action }
    }

    /// It happens to the first matching request after `skip`.
    #[must_use]
    pub fn once(matches: &str, skip: usize, action: Action) -> Self {
        Self { matches: matches.to_owned(), skip, times: 1, action }
    }

    /// Whether it happens to this request; counts down.
    pub(crate) fn strikes(&mut self, line: &str) -> bool {
        if !line.contains(&self.matches) || self.times == 0 {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.times = self.times.saturating_sub(1);
        true
    }
}

/// Spoils a finished answer.
pub(crate) fn spoil(action: &Action, mut response: Response) -> Response {
    match action {
        Action::Status(status) => Response::error(*status, "as asked for by a test"),
        Action::RetryAfter(status, seconds) => {
            let mut response = Response::error(*status, "slow down");
            response.headers.push(("retry-after".to_owned(), seconds.to_string()));
            response
        }
        Action::Truncate(length) => {
            response.body.truncate(*length);
            response
        }
        Action::BreakAfter(length) => {
            response.breaks_after = Some(*length);
            response
        }
        Action::Html => Response {
            status: 200,
            headers: vec![("content-type".to_owned(), "text/html".to_owned())],
            body: b"<html><body>502 Bad Gateway</body></html>".to_vec(),
            breaks_after: None,
        },
        Action::Drop => Response { breaks_after: Some(0), ..response },
        Action::Answer(status, headers, body) => Response {
            status: *status,
            headers: headers.clone(),
            body: body.clone().into_bytes(),
            breaks_after: None,
        },
        Action::Delay(_)
        | Action::FirstPageAgain
        | Action::ExpireTokens
        | Action::Expire
        | Action::Outdate => response,
    }
}
