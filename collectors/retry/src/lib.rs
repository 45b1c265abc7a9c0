//! When a collector asks an API again, and what it says of one that failed.
//!
//! [`Retry`] bounds how often and how long, [`retry_after`] reads what the API
//! asks for, [`innermost`] names the cause. It sends nothing, and the [`Clock`]
//! is passed in.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tidegate_model::Timestamp;

/// The current time, passed in.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// When to ask again after an answer that may get better.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// How often, after the first time.
    pub times: u32,
    /// The first pause; each further one is twice as long.
    pub pause: Duration,
    /// The longest pause, also if a service asks for a longer one.
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { times: 4, pause: Duration::from_millis(250), longest: Duration::from_secs(30) }
    }
}

impl Retry {
    /// The pause before asking again; `None` if it was asked often enough.
    #[must_use]
    pub fn pause(&self, attempt: u32, told: Option<Duration>) -> Option<Duration> {
        let own = self.pause.saturating_mul(1 << attempt.min(16));
        (attempt < self.times).then(|| told.unwrap_or(own).min(self.longest))
    }
}

/// `Retry-After` in seconds or as a date.
///
/// Source: RFC 9110 §10.2.3.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: &Clock) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let wait = at.as_second().saturating_sub(now().as_second());
    Some(Duration::from_secs(u64::try_from(wait).unwrap_or_default()))
}

/// The last cause in a chain of errors: the one that names the thing.
#[must_use]
pub fn innermost(e: &(dyn Error + 'static)) -> String {
    let mut at = e;
    while let Some(below) = at.source() {
        at = below;
    }
    let text = at.to_string().to_lowercase();
    // The operating system's error number says nothing to a reader.
    match text.split_once(" (os error") {
        Some((clause, _)) => clause.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end() {
        let retry =
            Retry { times: 3, pause: Duration::from_secs(1), longest: Duration::from_secs(3) };
        let secs = |n| Some(Duration::from_secs(n));
        assert_eq!([0, 1, 2].map(|n| retry.pause(n, None)), [secs(1), secs(2), secs(3)]);
        assert_eq!(retry.pause(0, secs(60)), secs(3), "bounded");
        assert_eq!(retry.pause(3, None), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Clock = Arc::new(|| "2026-11-22T07:00:00Z".parse().unwrap());
        let told = |text: &str| {
            let headers = [("retry-after".parse().unwrap(), text.parse().unwrap())];
            retry_after(&headers.into_iter().collect(), &now)
        };
        assert_eq!(told("3"), Some(Duration::from_secs(3)));
        assert_eq!(told("Sun, 22 Nov 2026 07:00:05 GMT"), Some(Duration::from_secs(5)));
        assert_eq!(told("Sun, 22 Nov 2026 06:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(told("soon"), None);
    }
}
