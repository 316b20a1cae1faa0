//! JSON numbers, compared exactly as decimals.

use std::cmp::Ordering;

/// `digits * 10^exponent`, with a sign and without trailing zeros in the digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: u64,
    exponent: i32,
}

impl Decimal {
    /// A whole number.
    pub(crate) fn whole(number: i64) -> Self {
        Self::normal(number < 0, number.unsigned_abs(), 0)
    }

    /// Converts a JSON number. `None` if it has more digits than fit 64 bits.
    pub(crate) fn of(number: &serde_json::Number) -> Option<Self> {
        if let Some(whole) = number.as_u64() {
            return Some(Self::normal(false, whole, 0));
        }
        if let Some(whole) = number.as_i64() {
            return Some(Self::whole(whole));
        }
        // The shortest text with this value: the original, unless it had over 15 digits.
        Self::parse(&number.to_string())
    }

    fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let fraction = fraction.trim_end_matches('0');
        let digits = format!("{whole}{fraction}").parse::<u64>().ok()?;
        let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        Some(Self::normal(negative, digits, exponent))
    }

    fn normal(negative: bool, mut digits: u64, mut exponent: i32) -> Self {
        if digits == 0 {
            return Self { negative: false, digits, exponent: 0 };
        }
        while digits.is_multiple_of(10) {
            digits /= 10;
            exponent = exponent.saturating_add(1);
        }
        Self { negative, digits, exponent }
    }

    /// The power of ten above the first digit.
    fn magnitude(&self) -> i64 {
        i64::from(self.digits.ilog10()) + 1 + i64::from(self.exponent)
    }

    fn compare_sizes(&self, other: &Self) -> Ordering {
        match (self.digits, other.digits) {
            (0, 0) => return Ordering::Equal,
            (0, _) => return Ordering::Less,
            (_, 0) => return Ordering::Greater,
            _ => {}
        }
        self.magnitude().cmp(&other.magnitude()).then_with(|| {
            // Equal magnitudes: padded to the same count of digits, at most 20, both fit.
            let (ours, theirs) = (self.digits.ilog10(), other.digits.ilog10());
            let pad = |digits: u64, missing: u32| u128::from(digits) * 10_u128.pow(missing);
            let most = ours.max(theirs);
            pad(self.digits, most - ours).cmp(&pad(other.digits, most - theirs))
        })
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.compare_sizes(other),
            (true, true) => other.compare_sizes(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Decimal {
        Decimal::of(&serde_json::from_str(text).expect("a number")).expect("it fits")
    }

    #[test]
    fn equal_numbers_are_equal_however_they_are_written() {
        for (one, other) in
            [("300", "3.0e2"), ("300", "300.00"), ("0", "-0.0"), ("0.1", "1e-1"), ("-5", "-5.0")]
        {
            assert_eq!(read(one), read(other), "{one} {other}");
        }
    }

    #[test]
    fn numbers_are_in_order() {
        let sorted = [
            "-1e30",
            "-20",
            "-3.5",
            "-0.01",
            "0",
            "1e-300",
            "0.1",
            "0.10000001",
            "9",
            "10",
            "10.5",
            "9007199254740992",
            "9007199254740993",
            "18446744073709551615",
            "1e300",
        ];
        for pair in sorted.windows(2) {
            assert!(read(pair[0]) < read(pair[1]), "{pair:?}");
        }
    }
}
