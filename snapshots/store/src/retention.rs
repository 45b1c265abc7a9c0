//! Which snapshots a retention rule keeps.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};
use tidegate_model::{IdError, Timestamp};

/// How long snapshots are kept, and how many of them.
///
/// Written as steps, from the newest on, such as `all for 90 days, then weekly
/// for 1 year, then monthly`. A step is `all`, `daily`, `weekly`, `monthly` or
/// `yearly` with how long it lasts, in days, weeks, months or years. Of each day,
/// week (from Monday), month or year in UTC the newest snapshot is kept. The last
/// step may go without a length: it has no end. One before it that has none lasts
/// a year. What is older than the last step is not kept. The newest snapshot of a
/// subject always is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    steps: Vec<Step>,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    every: Every,
    /// `None` has no end.
    months: i64,
    days: i64,
    endless: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Every {
    Snapshot,
    Day,
    Week,
    Month,
    Year,
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Retention {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = |why| IdError { what: "retention", value: text.to_owned(), why };
        let parts: Vec<&str> = text.split(',').collect();
        let mut steps = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let words: Vec<&str> = part.split_whitespace().collect();
            let words = match words.as_slice() {
                ["then", rest @ ..] if at > 0 => rest,
                all => all,
            };
            let (every, length) = match words {
                [every] => (*every, None),
                [every, "for", n, unit] => (*every, Some((*n, *unit))),
                _ => return Err(wrong("write `all for 90 days, then weekly, then monthly`")),
            };
            let every = match every {
                "all" => Every::Snapshot,
                "daily" => Every::Day,
                "weekly" => Every::Week,
                "monthly" => Every::Month,
                "yearly" => Every::Year,
                _ => return Err(wrong("a step is all, daily, weekly, monthly or yearly")),
            };
            let last = at + 1 == parts.len();
            let (months, days) = match length {
                None => (12, 0),
                Some((n, unit)) => {
                    let n = n.parse::<u16>().ok().filter(|n| *n > 0).map(i64::from);
                    let n = n.ok_or_else(|| wrong("a length is a number from 1 to 65535"))?;
                    match unit {
                        "day" | "days" => (0, n),
                        "week" | "weeks" => (0, n * 7),
                        "month" | "months" => (n, 0),
                        "year" | "years" => (n * 12, 0),
                        _ => return Err(wrong("a length is in days, weeks, months or years")),
                    }
                }
            };
            steps.push(Step { every, months, days, endless: last && length.is_none() });
        }
        Ok(Self { steps, text: text.trim().to_owned() })
    }
}

impl Every {
    /// Snapshots with the same answer are one group.
    fn group(self, n: u64, date: Date) -> (i64, i64) {
        match self {
            Self::Snapshot => (0, n.cast_signed()),
            Self::Day => (i64::from(date.year()), i64::from(date.day_of_year())),
            Self::Week => {
                let week = date.iso_week_date();
                (i64::from(week.year()), i64::from(week.week()))
            }
            Self::Month => (i64::from(date.year()), i64::from(date.month())),
            Self::Year => (i64::from(date.year()), 0),
        }
    }
}

impl Retention {
    /// The numbers that are kept of snapshots taken at these times, ascending by
    /// number.
    pub(crate) fn keep(&self, taken: &[(u64, Timestamp)], now: Timestamp) -> Vec<u64> {
        let mut until = now.to_zoned(TimeZone::UTC);
        let mut kept = Vec::new();
        let mut newest = taken.last().map(|(n, _)| *n).into_iter().collect();
        let mut young = Timestamp::MAX;
        for step in &self.steps {
            let end = back(&until, step);
            let mut last = None;
            for (n, time) in taken.iter().rev() {
                let group = step.every.group(*n, time.to_zoned(TimeZone::UTC).date());
                if *time > young {
                    // The step before may have kept one of the same group.
                    last = if kept.contains(n) { Some(group) } else { last };
                    continue;
                }
                if *time <= end.timestamp() && !step.endless {
                    continue;
                }
                if last != Some(group) {
                    kept.push(*n);
                }
                last = Some(group);
            }
            young = end.timestamp();
            until = end;
        }
        kept.append(&mut newest);
        kept.sort_unstable();
        kept.dedup();
        kept
    }
}

/// When a step that begins at `from` ends, further back.
fn back(from: &Zoned, step: &Step) -> Zoned {
    let span = Span::new().try_months(step.months).and_then(|s| s.try_days(step.days));
    // What is before the calendar is before every snapshot.
    span.and_then(|s| from.checked_sub(s))
        .unwrap_or_else(|_| Timestamp::MIN.to_zoned(TimeZone::UTC))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(date: &str) -> Timestamp {
        format!("{date}T02:00:00Z").parse().unwrap()
    }

    #[track_caller]
    fn check(rule: &str, taken: &[&str], expected: &[u64]) {
        let taken: Vec<_> = (1..).zip(taken.iter().map(|t| at(t))).collect();
        let kept = rule.parse::<Retention>().unwrap().keep(&taken, at("2026-11-30"));
        assert_eq!(kept, expected, "{rule}");
    }

    #[test]
    fn keeps_the_newest_of_each_group() {
        // 2 November is a Monday.
        let days = ["2026-10-30", "2026-11-01", "2026-11-02", "2026-11-04", "2026-11-29"];
        check("all", &days, &[1, 2, 3, 4, 5]);
        check("all for 2 days", &days, &[5]);
        check("all for 27 days, then weekly", &days, &[2, 4, 5]);
        check("all for 2 days, then monthly", &days, &[1, 5]);
        check("all for 2 days, then yearly", &days, &[5]);
        check("weekly for 4 weeks", &days, &[4, 5]);
        check("all for 1 day", &["2025-01-01", "2025-01-02"], &[2]);
    }

    #[test]
    fn a_middle_step_without_length_lasts_a_year() {
        let days = ["2024-01-01", "2024-01-08", "2026-01-01", "2026-01-08", "2026-11-29"];
        check("all for 90 days, then weekly, then monthly", &days, &[2, 3, 4, 5]);
    }

    #[test]
    fn two_in_one_night_are_one_for_daily() {
        let taken = [(1, at("2026-11-20")), (2, "2026-11-20T22:00:00Z".parse().unwrap())];
        let kept = "daily".parse::<Retention>().unwrap().keep(&taken, at("2026-11-30"));
        assert_eq!(kept, [2]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for bad in ["", "all for", "often", "all for 0 days", "all for 3 moons", "all then weekly"]
        {
            assert!(bad.parse::<Retention>().is_err(), "{bad:?}");
        }
    }
}
