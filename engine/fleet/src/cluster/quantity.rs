//! Quantities as Kubernetes writes them: `250m`, `16Gi`, `1e3`.

use tidegate_model::fleet::Amount;

/// To which side what is no whole thousandth goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    /// What there is.
    Down,
    /// What is asked for.
    Up,
}

/// A quantity in units of `unit`, such as 2^20 for MiB of bytes; `None` if it is
/// none, or negative.
///
/// Source: Kubernetes, `resource.Quantity`.
pub(super) fn amount(text: &str, unit: i128, round: Round) -> Option<Amount> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let mantissa: i128 = digits.parse().ok()?;
    let (mut up, mut down) = scale(suffix)?;
    down = down.checked_mul(10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?)?;
    up = up.checked_mul(1000)?;
    down = down.checked_mul(unit)?;
    let product = mantissa.checked_mul(up)?;
    let thousandths = match round {
        Round::Down => product / down,
        Round::Up => product.checked_add(down - 1)? / down,
    };
    i64::try_from(thousandths).ok().map(Amount)
}

/// What a suffix multiplies by, as a fraction.
fn scale(suffix: &str) -> Option<(i128, i128)> {
    let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let decimal = ["", "k", "M", "G", "T", "P", "E"];
    let small = ["m", "u", "n"];
    let nth =
        |list: &[&str]| list.iter().position(|s| *s == suffix).and_then(|n| u32::try_from(n).ok());
    if let Some(n) = nth(&binary) {
        return Some((1 << (10 * (n + 1)), 1));
    }
    if let Some(n) = nth(&decimal) {
        return Some((1000_i128.pow(n), 1));
    }
    if let Some(n) = nth(&small) {
        return Some((1, 1000_i128.pow(n + 1)));
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
    Some(if exponent < 0 { (1, power) } else { (power, 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_become_thousandths() {
        let cases = [
            ("250m", 1, 250),
            ("4", 1, 4000),
            ("0.5", 1, 500),
            ("1e3", 1, 1_000_000),
            ("16Gi", 1 << 20, 16_384_000),
            ("128974848", 1 << 20, 123_000),
            ("1G", 1 << 20, 953_674),
            ("100n", 1, 0),
        ];
        for (text, unit, thousandths) in cases {
            assert_eq!(amount(text, unit, Round::Down), Some(Amount(thousandths)), "{text}");
        }
        assert_eq!(amount("1G", 1 << 20, Round::Up), Some(Amount(953_675)));
        assert_eq!(amount("100n", 1, Round::Up), Some(Amount(1)));
        for bad in ["", "x", "-1", "1Qi", "1.2.3", "e3", "99999999999999999999E"] {
            assert_eq!(amount(bad, 1, Round::Up), None, "{bad}");
        }
    }
}
