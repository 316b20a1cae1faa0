//! Limits of an expression besides its length, which bound the time of parsing and matching.

/// Nesting depth of parentheses. Chosen by us: parsing and evaluation use the stack, and people
/// nest up to three.
pub(super) const DEPTH_MAX: usize = 100;
/// Characters that an error message quotes. Chosen by us.
pub(super) const FOUND_CHARS_MAX: usize = 40;
/// Nesting depth of groups and classes in a regular expression. Chosen by us: parsing and matching
/// use the stack.
pub(super) const REGEX_DEPTH_MAX: usize = 20;
/// Characters, classes and assertions of a regular expression, multiplied by counted repeats.
/// Chosen by us: as many as fit into an expression without repeats.
pub(super) const REGEX_SIZE_MAX: usize = 2_000;
/// Steps of all matches for one request, including the cost of conditions without a regular
/// expression. Chosen by us: about 25 ms, and over a thousand steps on each of 5,000 instances.
pub(super) const REQUEST_STEPS_MAX: usize = 6_000_000;
/// Steps charged per condition, besides those of its regular expression. Chosen by us: the time of
/// an attribute lookup.
pub(super) const CONDITION_STEPS: usize = 10;
/// Steps per microsecond. Chosen by us, as measured; used only for estimates.
pub(super) const STEPS_PER_US: usize = 250;
/// Steps of one match. Chosen by us: about a millisecond, and a hundred times what hand-written
/// patterns need.
pub(super) const REGEX_STEPS_MAX: usize = 100_000;
