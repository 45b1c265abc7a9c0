//! Amounts of resource classes, exact to a thousandth.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// So many of a resource class: vCPUs, MiB, GiB. Kept in thousandths, so that
/// sums of Kubernetes' `250m` are exact; as JSON a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(pub i64);

/// More than any cloud has, and far from where sums would overflow.
const MOST: f64 = 1e12;

impl Amount {
    /// A whole number of units.
    #[must_use]
    pub const fn whole(units: i64) -> Self {
        Self(units.saturating_mul(1000))
    }

    /// This times `ratio`, rounded down; ratios are between 0 and 10,000.
    #[must_use]
    pub fn times(self, ratio: f64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "amounts stay below 10^15 thousandths")]
        let product = (self.0 as f64 * ratio.clamp(0.0, 10_000.0)).floor();
        // A float out of range becomes the nearest integer there is.
        Self(product as i64)
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, n) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        match n % 1000 {
            0 => write!(f, "{sign}{}", n / 1000),
            rest => {
                let digits = format!("{rest:03}");
                write!(f, "{sign}{}.{}", n / 1000, digits.trim_end_matches('0'))
            }
        }
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1000 == 0 {
            return serializer.serialize_i64(self.0 / 1000);
        }
        #[expect(clippy::cast_precision_loss, reason = "amounts stay below 10^15 thousandths")]
        serializer.serialize_f64(self.0 as f64 / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        if !(0.0..=MOST).contains(&number) {
            let problem = format!("amount `{number}` is not between 0 and 10^12");
            return Err(serde::de::Error::custom(problem));
        }
        // Rounded to the nearest thousandth; exact for what was written with three.
        Ok(Self((number * 1000.0).round() as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_exactly() {
        for (text, thousandths) in [("4", 4000), ("0.25", 250), ("1e3", 1_000_000), ("0.1", 100)] {
            let amount: Amount = serde_json::from_str(text).unwrap();
            assert_eq!(amount, Amount(thousandths), "{text}");
        }
        assert_eq!(serde_json::to_string(&Amount(250)).unwrap(), "0.25");
        assert_eq!(serde_json::to_string(&Amount::whole(4)).unwrap(), "4");
        assert_eq!(Amount(-1_050).to_string(), "-1.05");
        for bad in ["-1", "1e13", "\"4\"", "null"] {
            assert!(serde_json::from_str::<Amount>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn overcommitment_rounds_down() {
        assert_eq!(Amount::whole(10).times(1.5), Amount::whole(15));
        assert_eq!(Amount(1).times(0.5), Amount(0));
    }
}
