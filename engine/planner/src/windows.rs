//! When waves may run.

use jiff::civil::{Date, Time, Weekday};
use jiff::{SignedDuration, ToSpan as _};
use tidegate_model::Timestamp;
use tidegate_model::intent::{Day, Intent, Weekly, Window};
use tidegate_model::plan::Span;

/// How far ahead windows are looked for: longer than any rollout.
const DAYS: i64 = 731;

/// A window that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("window {n}: {problem}")]
pub struct WindowError {
    /// Its place in the intent, from 1.
    pub n: usize,
    /// One clause.
    pub problem: String,
}

/// The spans in which waves of a zone may run, in order, without freezes; all
/// time if the intent has neither.
pub(crate) fn spans(
    intent: &Intent,
    zone: Option<&str>,
    from: Timestamp,
) -> Result<Option<Vec<Span>>, WindowError> {
    open(intent, from, |wanted| wanted.is_none() || wanted == zone)
}

/// Likewise for waves of any zone.
pub(crate) fn anywhere(intent: &Intent, from: Timestamp) -> Result<Option<Vec<Span>>, WindowError> {
    open(intent, from, |_| true)
}

fn open(
    intent: &Intent,
    from: Timestamp,
    of: impl Fn(Option<&str>) -> bool,
) -> Result<Option<Vec<Span>>, WindowError> {
    if intent.windows.is_empty() && intent.freezes.is_empty() {
        return Ok(None);
    }
    let last = from.checked_add(SignedDuration::from_hours(24 * DAYS)).unwrap_or(Timestamp::MAX);
    let mut open: Vec<Span> = Vec::new();
    for (n, window) in (1..).zip(&intent.windows) {
        match window {
            Window::Once(once) if of(once.zone.as_deref()) => {
                open.push(Span { start: once.start, end: once.end });
            }
            Window::Weekly(weekly) if of(weekly.zone.as_deref()) => {
                let spans = expand(weekly, from)
                    .map_err(|e| WindowError { n, problem: format!("it cannot be read: {e}") })?;
                open.extend(spans);
            }
            Window::Once(_) | Window::Weekly(_) => {}
        }
    }
    if intent.windows.is_empty() {
        open.push(Span { start: from, end: last });
    }
    open.retain(|s| s.end > from && s.start < s.end);
    for span in &mut open {
        span.start = span.start.max(from);
    }
    for freeze in &intent.freezes {
        let mut rest = Vec::with_capacity(open.len());
        for span in open {
            if freeze.end <= span.start || span.end <= freeze.start {
                rest.push(span);
                continue;
            }
            rest.push(Span { start: span.start, end: freeze.start });
            rest.push(Span { start: freeze.end, end: span.end });
        }
        rest.retain(|s| s.start < s.end);
        open = rest;
    }
    open.sort_unstable();
    open.dedup();
    Ok(Some(open))
}

fn expand(weekly: &Weekly, from: Timestamp) -> Result<Vec<Span>, jiff::Error> {
    let zone = weekly.time_zone.as_str();
    let begin = Time::strptime("%H:%M", &weekly.from)?;
    let end = Time::strptime("%H:%M", &weekly.to)?;
    let today: Date = from.in_tz(zone)?.date();
    let mut spans = Vec::new();
    for ahead in -1..DAYS {
        let day = today.checked_add(ahead.days())?;
        let chosen = |d: &Day| weekday(*d) == day.weekday();
        if !weekly.days.is_empty() && !weekly.days.iter().any(chosen) {
            continue;
        }
        let last = if end > begin { day } else { day.tomorrow()? };
        let start = day.to_datetime(begin).in_tz(zone)?.timestamp();
        let end = last.to_datetime(end).in_tz(zone)?.timestamp();
        spans.push(Span { start, end });
    }
    Ok(spans)
}

fn weekday(day: Day) -> Weekday {
    match day {
        Day::Mon => Weekday::Monday,
        Day::Tue => Weekday::Tuesday,
        Day::Wed => Weekday::Wednesday,
        Day::Thu => Weekday::Thursday,
        Day::Fri => Weekday::Friday,
        Day::Sat => Weekday::Saturday,
        Day::Sun => Weekday::Sunday,
    }
}

/// What is left of spans at a time.
pub(crate) fn after(spans: &[Span], now: Timestamp) -> Vec<Span> {
    let left = spans.iter().filter(|s| s.end > now);
    left.map(|s| Span { start: s.start.max(now), end: s.end }).collect()
}

/// The longest of some spans.
pub(crate) fn longest(spans: &[Span]) -> u64 {
    let seconds = |s: &Span| s.end.duration_since(s.start).as_secs();
    spans.iter().map(seconds).max().and_then(|s| u64::try_from(s).ok()).unwrap_or(0)
}

/// When something of a length that may not begin before `now` can run: its span
/// and its end.
pub(crate) fn place(spans: &[Span], now: Timestamp, seconds: u64) -> Option<(Span, Timestamp)> {
    let take = SignedDuration::from_secs(i64::try_from(seconds).ok()?);
    spans.iter().find_map(|span| {
        let end = span.start.max(now).checked_add(take).ok()?;
        (end <= span.end).then_some((*span, end))
    })
}

/// By when spans have been open for so long since `from`, all together.
pub(crate) fn by(spans: &[Span], from: Timestamp, seconds: u64) -> Option<Timestamp> {
    let mut left = i64::try_from(seconds).ok()?;
    let mut until = from;
    if left == 0 {
        return Some(from);
    }
    for span in spans {
        let start = span.start.max(until);
        let open = span.end.duration_since(start).as_secs();
        if open >= left {
            return start.checked_add(SignedDuration::from_secs(left)).ok();
        }
        left -= open.max(0);
        until = until.max(span.end);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_overlap_are_open_once() {
        let at = |s: i64| Timestamp::from_second(s).unwrap_or_default();
        let span = |a: i64, b: i64| Span { start: at(a), end: at(b) };
        let spans = [span(10, 30), span(15, 20), span(20, 40), span(100, 110)];
        let when = |seconds| by(&spans, at(0), seconds).map(|t| t.as_second());
        assert_eq!(
            [0, 1, 20, 30, 31, 40, 41].map(when),
            [Some(0), Some(11), Some(30), Some(40), Some(101), Some(110), None]
        );
        assert_eq!(by(&spans, at(25), 6).map(|t| t.as_second()), Some(31));
    }
}
