//! Replacements of every size, with copies that become well late, fail, or end slowly: the bounds hold, and where they leave room there is
//! an end.

use longshore_rollout::{Bounds, Share};
use proptest::prelude::*;

/// Copies, counted.
#[derive(Clone, Copy, Debug, Default)]
struct Copies {
    old_well: u32,
    old_ill: u32,
    starting: u32,
    new_well: u32,
    ending: u32,
}

impl Copies {
    fn there(self) -> u32 {
        self.old_well + self.old_ill + self.starting + self.new_well + self.ending
    }

    fn well(self) -> u32 {
        self.old_well + self.new_well
    }

    /// What a scheduler does: it starts what is missing, and stops what is old, as far as it may.
    fn plans(&mut self, bounds: Bounds, desired: u32) {
        let missing = desired.saturating_sub(self.starting + self.new_well);
        let starts = bounds.starts(missing, self.there());
        let mut budget = bounds.budget(self.well());
        while self.old_ill > 0 && budget.allows(false) {
            (self.old_ill, self.ending) = (self.old_ill - 1, self.ending + 1);
        }
        while self.old_well > 0 && budget.allows(true) {
            (self.old_well, self.ending) = (self.old_well - 1, self.ending + 1);
        }
        self.starting += starts;
    }

    /// What a cluster does: some copies become well, some end, some fall ill.
    fn happens(&mut self, (up, gone, ill): (u32, u32, u32)) {
        let up = up.min(self.starting);
        (self.starting, self.new_well) = (self.starting - up, self.new_well + up);
        self.ending -= gone.min(self.ending);
        let ill = ill.min(self.old_well);
        (self.old_well, self.old_ill) = (self.old_well - ill, self.old_ill + ill);
    }
}

proptest! {
    #[test]
    fn no_plan_leaves_fewer_than_the_lower_bound_or_makes_more_than_the_upper(
        desired in 0_u32..60,
        minimum in 0_u32..=1_000,
        over in 0_u32..=2_000,
        happenings in prop::collection::vec((0_u32..9, 0_u32..9, 0_u32..2), 1..60),
    ) {
        let bounds = Bounds::of(desired, Share::milli(minimum), Share::WHOLE + Share::milli(over));
        let mut copies = Copies { old_well: desired, ..Copies::default() };
        for happening in happenings {
            let before = copies;
            copies.plans(bounds, desired);
            prop_assert!(copies.well() >= bounds.lower.min(before.well()), "{copies:?} {bounds:?}");
            prop_assert!(copies.there() <= bounds.upper.max(before.there()), "{copies:?} {bounds:?}");
            copies.happens(happening);
        }
    }

    #[test]
    fn a_replacement_with_any_room_comes_to_its_end(
        desired in 0_u32..60,
        minimum in 0_u32..=1_000,
        over in 0_u32..=2_000,
    ) {
        let bounds = Bounds::of(desired, Share::milli(minimum), Share::WHOLE + Share::milli(over));
        prop_assume!(bounds.lower < desired || bounds.upper > desired);
        let mut copies = Copies { old_well: desired, ..Copies::default() };
        // At least one copy is replaced in two turns.
        for _ in 0..=2 * desired {
            copies.plans(bounds, desired);
            copies.happens((u32::MAX, u32::MAX, 0));
        }
        let done = Copies { new_well: desired, ..Copies::default() };
        prop_assert_eq!(format!("{copies:?}"), format!("{done:?}"));
    }

    /// Source: ECS developer guide, *Rolling update*; frameworks.md 3.3: bounds that are both as many as are wanted let nothing move.
    #[test]
    fn without_room_nothing_moves(desired in 1_u32..60) {
        let bounds = Bounds::of(desired, Share::WHOLE, Share::WHOLE);
        let mut copies = Copies { old_well: desired, ..Copies::default() };
        copies.plans(bounds, desired);
        prop_assert_eq!((copies.old_well, copies.starting), (desired, 0));
    }

    /// Source: blox.md 7.2, 7: of the members of a group so many may be without a task, rounded down, less those that are already.
    #[test]
    fn a_minimum_of_health_is_the_share_that_may_be_missing_turned_round(
        (members, well) in (0_u32..10_000).prop_flat_map(|members| (Just(members), 0..=members)),
        percent in 0_u32..=100,
    ) {
        let bounds = Bounds::of(members, Share::percent(percent), Share::WHOLE);
        let may_miss = members * (100 - percent) / 100;
        prop_assert_eq!(bounds.budget(well).left(), may_miss.saturating_sub(members - well));
    }
}
