//! Sets of numbers as ranges: ports, mostly.

/// A set of numbers as inclusive ranges that are sorted, apart and not adjacent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Puts ranges in order and joins those that touch.
    ///
    /// # Errors
    /// When one ends before it begins, or two overlap.
    pub fn new(mut ranges: Vec<(u64, u64)>) -> Result<Self, String> {
        ranges.sort_unstable();
        for (begin, end) in &ranges {
            if begin > end {
                return Err(format!("the range {begin}-{end} ends before it begins"));
            }
        }
        if let Some(pair) = ranges.windows(2).find(|pair| pair[0].1 >= pair[1].0) {
            return Err(format!(
                "the ranges {}-{} and {}-{} overlap",
                pair[0].0, pair[0].1, pair[1].0, pair[1].1
            ));
        }
        Ok(Self::joined(ranges))
    }

    fn joined(ranges: Vec<(u64, u64)>) -> Self {
        let mut joined: Vec<(u64, u64)> = Vec::with_capacity(ranges.len());
        for (begin, end) in ranges {
            match joined.last_mut() {
                Some(last) if last.1 >= begin || last.1.checked_add(1) == Some(begin) => {
                    last.1 = last.1.max(end);
                }
                _ => joined.push((begin, end)),
            }
        }
        Self(joined)
    }

    /// The ranges, inclusive.
    pub fn as_slice(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// Whether there is no number.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a number is in the set.
    pub fn contains(&self, number: u64) -> bool {
        self.0.iter().any(|(begin, end)| (*begin..=*end).contains(&number))
    }

    /// Whether each number of `other` is in the set.
    pub fn contains_all(&self, other: &Self) -> bool {
        other
            .0
            .iter()
            .all(|(begin, end)| self.0.iter().any(|(from, to)| from <= begin && end <= to))
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        let mut all = [&*self.0, &*other.0].concat();
        all.sort_unstable();
        Self::joined(all)
    }

    /// What is here and not there.
    pub fn minus(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for &(begin, end) in &self.0 {
            let mut from = begin;
            let mut whole = true;
            for &(cut_begin, cut_end) in other.0.iter().filter(|(b, e)| *e >= begin && *b <= end) {
                if cut_begin > from {
                    left.push((from, cut_begin - 1));
                }
                if cut_end >= end {
                    whole = false;
                    break;
                }
                from = from.max(cut_end + 1);
            }
            if whole && from <= end {
                left.push((from, end));
            }
        }
        Self(left)
    }

    /// The set of single numbers.
    pub fn of(numbers: impl IntoIterator<Item = u64>) -> Self {
        let mut ranges: Vec<(u64, u64)> =
            numbers.into_iter().map(|number| (number, number)).collect();
        ranges.sort_unstable();
        Self::joined(ranges)
    }
}

/// `[31000-31005, 31010-31010]`, as Mesos prints ranges.
impl std::fmt::Display for Ranges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ranges: Vec<String> =
            self.0.iter().map(|(begin, end)| format!("{begin}-{end}")).collect();
        write!(f, "[{}]", ranges.join(", "))
    }
}

/// Reads `80, 443, 1024-32767`, with brackets or without.
///
/// # Errors
/// Names the part that is no port or range of ports.
pub fn parse_ranges(text: &str) -> Result<Ranges, String> {
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
    let mut ranges = Vec::new();
    for part in inner.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (begin, end) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u16>().map(u64::from);
        match (number(begin), number(end)) {
            (Ok(begin), Ok(end)) => ranges.push((begin, end)),
            _ => {
                return Err(format!(
                    "{part:?} is not a port or a range of ports such as 1024-32767"
                ));
            }
        }
    }
    Ranges::new(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(text: &str) -> Ranges {
        parse_ranges(text).expect("good ranges")
    }

    #[test]
    fn ranges_are_read_joined_and_printed() {
        assert_eq!(
            ranges("80, 443,1024-2000,2001-3000").to_string(),
            "[80-80, 443-443, 1024-3000]"
        );
        assert_eq!(ranges("[]").to_string(), "[]");
        for text in ["x", "5-1", "1-5,5-9", "70000", "-"] {
            assert!(parse_ranges(text).is_err(), "{text}");
        }
    }

    #[test]
    fn minus_cuts_out_what_is_taken() {
        let all = ranges("10-20,30-40");
        for (taken, left) in [
            ("", "[10-20, 30-40]"),
            ("10", "[11-20, 30-40]"),
            ("20", "[10-19, 30-40]"),
            ("12,14-15", "[10-11, 13-13, 16-20, 30-40]"),
            ("15-35", "[10-14, 36-40]"),
            ("1-100", "[]"),
        ] {
            assert_eq!(all.minus(&ranges(taken)).to_string(), left, "{taken}");
        }
    }

    #[test]
    fn union_and_minus_are_inverse_on_disjoint_sets() {
        let (one, two) = (ranges("10-20"), ranges("21-25,40"));
        assert_eq!(one.union(&two).minus(&two), one);
        assert!(one.union(&two).contains_all(&two) && !one.contains_all(&two));
        assert_eq!(Ranges::of([3, 1, 2, 9]).to_string(), "[1-3, 9-9]");
    }
}
