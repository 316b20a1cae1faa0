//! The two bounds of a replacement, and what they leave to do now.

use crate::Share;

/// Between how many copies and how many a replacement has to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Copies that are well, at least.
    pub lower: u32,
    /// Copies of any kind that have not ended, at most.
    pub upper: u32,
}

impl Bounds {
    /// Those of so many wanted copies. The lower one is rounded up, the upper one down.
    #[must_use]
    pub fn of(desired: u32, minimum: Share, maximum: Share) -> Self {
        Self { lower: minimum.rounded_up(desired), upper: maximum.rounded_down(desired) }
    }

    /// How many of the missing copies may be started now, beside those that are there, which have not ended.
    #[must_use]
    pub fn starts(self, missing: u32, there: u32) -> u32 {
        missing.min(self.upper.saturating_sub(there))
    }

    /// How many copies may be stopped now, if so many are well.
    #[must_use]
    pub fn budget(self, well: u32) -> Budget {
        Budget { left: well.saturating_sub(self.lower) }
    }
}

/// How many copies that are well may still be stopped. Those that are not are no loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    left: u32,
}

impl Budget {
    /// How many are left.
    #[must_use]
    pub fn left(self) -> u32 {
        self.left
    }

    /// Whether none is left.
    #[must_use]
    pub fn is_spent(self) -> bool {
        self.left == 0
    }

    /// Whether a copy may be stopped. One that is well is counted; one that is not is free.
    #[must_use]
    pub fn allows(&mut self, is_well: bool) -> bool {
        if is_well {
            let Some(left) = self.left.checked_sub(1) else { return false };
            self.left = left;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_bound_is_rounded_up_and_the_upper_down() {
        for (desired, minimum, maximum, lower, upper) in [
            (4, 50, 200, 2, 8),
            (2, 75, 200, 2, 4),
            (3, 100, 125, 3, 3),
            (1, 100, 100, 1, 1),
            (0, 100, 200, 0, 0),
            (5, 0, 100, 0, 5),
            (5_000, 100, 100_000, 5_000, 5_000_000),
            (u32::MAX, 100, 200, u32::MAX, u32::MAX),
        ] {
            let bounds = Bounds::of(desired, Share::percent(minimum), Share::percent(maximum));
            assert_eq!(bounds, Bounds { lower, upper });
        }
    }

    #[test]
    fn what_is_not_well_can_always_go_and_what_is_only_as_long_as_enough_are_left() {
        let mut budget = Bounds { lower: 3, upper: 5 }.budget(4);
        assert_eq!(
            [false, true, true, false].map(|is_well| budget.allows(is_well)),
            [true, true, false, true]
        );
        assert!(budget.is_spent());
        assert_eq!(Bounds { lower: 3, upper: 5 }.budget(2).left(), 0);
    }

    #[test]
    fn what_is_ending_takes_room_until_it_has_ended() {
        let bounds = Bounds { lower: 2, upper: 5 };
        assert_eq!([0, 3, 5, 9].map(|there| bounds.starts(4, there)), [4, 2, 0, 0]);
    }
}
