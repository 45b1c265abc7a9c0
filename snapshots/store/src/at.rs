//! Points in time, as people write them.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use tidegate_model::{IdError, SnapshotId, Timestamp};

/// Which snapshot of a subject is meant.
///
/// Written as `latest`, `latest~3` (three before it), an id (`prod1@417`), an
/// RFC 3339 time or a date: the newest snapshot taken at or before that time,
/// or not after the end of that day in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// The newest, or so many before it.
    Latest {
        /// 0 is the newest.
        back: u64,
    },
    /// This one.
    Id(SnapshotId),
    /// The newest taken at or before this time.
    Time(Timestamp),
}

impl Default for At {
    fn default() -> Self {
        Self::Latest { back: 0 }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest { back: 0 } => f.write_str("latest"),
            Self::Latest { back } => write!(f, "latest~{back}"),
            Self::Id(id) => write!(f, "{id}"),
            Self::Time(time) => write!(f, "{time}"),
        }
    }
}

impl FromStr for At {
    type Err = IdError;

    fn from_str(s: &str) -> Result<Self, IdError> {
        let wrong = || IdError {
            what: "point in time",
            value: s.to_owned(),
            why: "write `latest`, `latest~3`, `prod1@417`, `2026-11-22` or `2026-11-22T02:00:00Z`",
        };
        if s == "latest" {
            return Ok(Self::default());
        }
        if let Some(back) = s.strip_prefix("latest~") {
            return Ok(Self::Latest { back: back.parse().map_err(|_| wrong())? });
        }
        if s.contains('@') {
            return Ok(Self::Id(s.parse()?));
        }
        if let Ok(time) = s.parse::<Timestamp>() {
            return Ok(Self::Time(time));
        }
        // jiff reads the date of a longer text, so only the plain form is taken.
        let date = if s.len() == 10 { s.parse::<Date>().ok() } else { None };
        let end = date.and_then(|d| {
            d.at(23, 59, 59, 999_999_999).to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp())
        });
        end.map(Self::Time).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: At) {
        assert_eq!(text.parse::<At>().unwrap(), expected);
    }

    #[test]
    fn reads_every_form() {
        check("latest", At::Latest { back: 0 });
        check("latest~3", At::Latest { back: 3 });
        check("prod1@417", At::Id("prod1@417".parse().unwrap()));
        check("2026-11-22T02:00:00Z", At::Time("2026-11-22T02:00:00Z".parse().unwrap()));
        check("2026-11-22T02:00:00+01:00", At::Time("2026-11-22T01:00:00Z".parse().unwrap()));
        check("2026-11-22", At::Time("2026-11-22T23:59:59.999999999Z".parse().unwrap()));
    }

    #[test]
    fn refuses_what_is_none_and_says_what_is() {
        for bad in ["", "yesterday", "latest~", "latest~-1", "2026-13-01", "2026-11-22T02:00"] {
            let e = bad.parse::<At>().unwrap_err().to_string();
            assert!(e.contains("latest~3"), "{bad}: {e}");
        }
        assert!("prod1@".parse::<At>().is_err());
    }
}
