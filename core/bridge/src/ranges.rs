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

    /// The first range that ends at `number` or above, as an index.
    fn first_to(&self, number: u64) -> usize {
        self.0.partition_point(|(_, end)| *end < number)
    }

    /// Whether a number is in the set.
    pub fn contains(&self, number: u64) -> bool {
        self.0.get(self.first_to(number)).is_some_and(|(begin, _)| *begin <= number)
    }

    /// Whether each number of `other` is in the set.
    pub fn contains_all(&self, other: &Self) -> bool {
        other.0.iter().all(|(begin, end)| {
            self.0.get(self.first_to(*begin)).is_some_and(|(from, to)| from <= begin && end <= to)
        })
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        Self::union_of([self, other])
    }

    /// What is in any of them.
    #[expect(
        clippy::stable_sort_primitive,
        reason = "the stable sort finds the sets as runs and merges them; the other begins from nothing"
    )]
    pub fn union_of<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all: Vec<(u64, u64)> = sets.into_iter().flat_map(|set| &set.0).copied().collect();
        all.sort();
        Self::joined(all)
    }

    /// Takes numbers out. Few ranges out of many cost little more than their number.
    pub fn remove(&mut self, other: &Self) {
        if other.0.len() > self.0.len() / 64 + 16 {
            *self = self.minus(other);
            return;
        }
        for &(begin, end) in &other.0 {
            let from = self.first_to(begin);
            let to = self.0.partition_point(|(first, _)| *first <= end);
            if from >= to {
                continue;
            }
            let left = self.0[from].0;
            let right = self.0[to - 1].1;
            let before = (left < begin).then(|| (left, begin - 1));
            let after = (right > end).then(|| (end + 1, right));
            self.0.splice(from..to, before.into_iter().chain(after));
        }
    }

    /// Part `index` of `count` parts that are as large as each other, but for one number. No number is in two of them.
    pub fn part(&self, index: usize, count: usize) -> Self {
        let size = |(begin, end): &(u64, u64)| u128::from(end - begin) + 1;
        let all: u128 = self.0.iter().map(size).sum();
        let cut = |index: usize| all * index as u128 / count.max(1) as u128;
        let (from, to) = (cut(index), cut(index + 1));
        let (mut passed, mut part) = (0, Vec::new());
        for range in &self.0 {
            let (first, next) = (from.max(passed), to.min(passed + size(range)));
            if first < next {
                // Positions within the range, whose numbers fit.
                let at = |position: u128| range.0 + u64::try_from(position - passed).unwrap_or(0);
                part.push((at(first), at(next - 1)));
            }
            passed += size(range);
        }
        Self(part)
    }

    /// What is here and not there.
    pub fn minus(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut cuts = &*other.0;
        for &(begin, end) in &self.0 {
            let over = cuts.iter().take_while(|(_, to)| *to < begin).count();
            cuts = &cuts[over..];
            let mut from = Some(begin);
            for &(cut_begin, cut_end) in cuts.iter().take_while(|(cut, _)| *cut <= end) {
                let Some(start) = from else { break };
                if cut_begin > start {
                    left.push((start, cut_begin - 1));
                }
                from = (cut_end < end).then(|| cut_end.max(start.saturating_sub(1)) + 1);
            }
            left.extend(from.map(|from| (from, end)));
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
    fn parts_are_apart_as_large_as_each_other_and_all_there_is() {
        let all = ranges("80,443,1024-1033");
        let parts: Vec<String> = (0..3).map(|index| all.part(index, 3).to_string()).collect();
        assert_eq!(parts, ["[80-80, 443-443, 1024-1025]", "[1026-1029]", "[1030-1033]"]);
        assert_eq!((all.part(0, 1), all.part(0, 0)), (all.clone(), all));
        assert_eq!(ranges("1-2").part(1, 3).to_string(), "[1-1]");
        assert_eq!(ranges("").part(0, 2), ranges(""));
        assert_eq!(Ranges(vec![(0, u64::MAX)]).part(1, 2).as_slice(), [(1 << 63, u64::MAX)]);
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

    /// Against a set of single numbers, for many small sets.
    #[test]
    fn sets_behave_as_sets_of_numbers_do() {
        let sets = [
            "",
            "1",
            "1-3",
            "2-5",
            "1,3,5",
            "4-9",
            "1-2,4-5,7-8",
            "3,6,9",
            "1-9",
            "5-5,9",
            "2-3,8-9",
        ];
        let numbers = |set: &Ranges| -> Vec<u64> {
            set.as_slice().iter().flat_map(|(begin, end)| *begin..=*end).collect()
        };
        for one in sets.map(ranges) {
            for two in sets.map(ranges) {
                let (a, b) = (numbers(&one), numbers(&two));
                let left: Vec<u64> = a.iter().copied().filter(|n| !b.contains(n)).collect();
                let mut both = [&*a, &*b].concat();
                both.sort_unstable();
                both.dedup();
                let mut removed = one.clone();
                removed.remove(&two);
                assert_eq!(numbers(&one.minus(&two)), left, "{one} minus {two}");
                assert_eq!(removed, one.minus(&two), "{one} without {two}");
                assert_eq!(numbers(&one.union(&two)), both, "{one} and {two}");
                assert_eq!(one.contains_all(&two), b.iter().all(|n| a.contains(n)), "{one}, {two}");
            }
            for number in 0..11 {
                assert_eq!(one.contains(number), numbers(&one).contains(&number), "{one} {number}");
            }
        }
        let all = Ranges::new(vec![(0, u64::MAX)]).expect("a range");
        assert_eq!(all.minus(&all), Ranges::default());
        assert_eq!(all.minus(&ranges("5")).as_slice(), [(0, 4), (6, u64::MAX)]);
    }

    #[test]
    fn union_and_minus_are_inverse_on_disjoint_sets() {
        let (one, two) = (ranges("10-20"), ranges("21-25,40"));
        assert_eq!(one.union(&two).minus(&two), one);
        assert!(one.union(&two).contains_all(&two) && !one.contains_all(&two));
        assert_eq!(Ranges::of([3, 1, 2, 9]).to_string(), "[1-3, 9-9]");
    }
}
