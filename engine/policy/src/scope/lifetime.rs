//! How long the result of a testcase counts.
//!
//! A result outlives the period it is named for, so that whoever tests once a
//! period is never without one: one of a day until the end of the next day, one
//! of a week until the first Monday after a week, and so on.
//!
//! Source: SovereignCloudStack/standards, compliance-monitor, 2026-08-21.

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan as _};
use serde::{Deserialize, Serialize};

/// How often a testcase has to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lifetime {
    /// Every day.
    Day,
    /// Every week; also where nothing is said.
    #[default]
    Week,
    /// Every month.
    Month,
    /// Every quarter of a year.
    Quarter,
    /// Every year.
    Year,
}

impl Lifetime {
    /// The day at whose beginning a result obtained on `checked` no longer
    /// counts; the last day of the calendar where that lies beyond it.
    #[must_use]
    pub fn expiry(self, checked: Date) -> Date {
        let begin = match self {
            Self::Day => return after(checked, 2.days()),
            Self::Week => {
                let later = after(checked, 7.days());
                let past_monday = later.weekday().since(Weekday::Monday);
                return after(later, (7 - past_monday).days());
            }
            Self::Month => after(checked, 2.months()),
            Self::Quarter => {
                let into_quarter = (checked.month() - 1) % 3;
                after(checked.first_of_month(), (6 - into_quarter).months())
            }
            Self::Year => after(checked, 1.year().months(2)),
        };
        begin.first_of_month()
    }
}

fn after(date: Date, span: Span) -> Date {
    date.saturating_add(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lifetime: Lifetime, checked: &str, expires: &str) {
        let date = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(lifetime.expiry(date(checked)), date(expires), "{lifetime:?} {checked}");
    }

    /// Recorded from the reference.
    #[test]
    fn expires_as_in_the_reference() {
        for (lifetime, checked, expires) in RECORDED {
            check(*lifetime, checked, expires);
        }
        check(Lifetime::Week, "9999-12-30", "9999-12-31");
    }

    use Lifetime::{Day, Month, Quarter, Week, Year};
    const RECORDED: &[(Lifetime, &str, &str)] = &[
        (Day, "2026-11-22", "2026-11-24"),
        (Day, "2026-10-31", "2026-11-02"),
        (Day, "2026-01-31", "2026-02-02"),
        (Day, "2026-06-30", "2026-07-02"),
        (Day, "2028-02-29", "2028-03-02"),
        (Week, "2026-11-23", "2026-12-07"),
        (Week, "2026-12-31", "2027-01-11"),
        (Week, "2026-03-15", "2026-03-23"),
        (Week, "2026-09-30", "2026-10-12"),
        (Week, "2026-11-22", "2026-11-30"),
        (Week, "2026-10-31", "2026-11-09"),
        (Week, "2026-01-31", "2026-02-09"),
        (Week, "2026-06-30", "2026-07-13"),
        (Week, "2028-02-29", "2028-03-13"),
        (Month, "2026-11-23", "2027-01-01"),
        (Month, "2026-12-31", "2027-02-01"),
        (Month, "2026-03-15", "2026-05-01"),
        (Month, "2026-09-30", "2026-11-01"),
        (Quarter, "2026-11-22", "2027-04-01"),
        (Quarter, "2026-10-31", "2027-04-01"),
        (Quarter, "2026-01-31", "2026-07-01"),
        (Quarter, "2026-06-30", "2026-10-01"),
        (Quarter, "2028-02-29", "2028-07-01"),
        (Year, "2026-11-23", "2028-01-01"),
        (Year, "2026-12-31", "2028-02-01"),
        (Year, "2026-03-15", "2027-05-01"),
        (Year, "2026-09-30", "2027-11-01"),
    ];
}
