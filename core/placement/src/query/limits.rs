//! The bounds of an expression beside its length: they keep parsing and matching short whatever is asked.

/// How deep parentheses may be nested. Chosen by us: parsing and evaluation use the stack, and people nest to three.
pub(super) const DEPTH_MAX: usize = 100;
/// Characters that a message quotes of what it found. Chosen by us.
pub(super) const FOUND_CHARS_MAX: usize = 40;
/// How deep groups and classes of a regular expression may be nested. Chosen by us: reading and matching use the
/// stack.
pub(super) const REGEX_DEPTH_MAX: usize = 20;
/// Characters, classes and assertions of a regular expression, each as often as counted repeats ask for it. Chosen by
/// us: as many as fit into an expression without repeats.
pub(super) const REGEX_SIZE_MAX: usize = 2_000;
/// Steps of all matches for one request, with what conditions without a regular expression cost. Chosen by us: some 25 ms, and
/// over a thousand steps on each of 5,000 instances.
pub(super) const REQUEST_STEPS_MAX: usize = 6_000_000;
/// Steps that a condition counts as, beside those of its regular expression. Chosen by us: looking an attribute up takes as long.
pub(super) const CONDITION_STEPS: usize = 10;
/// Steps that take a microsecond. Chosen by us, as measured, and for a reckoning only.
pub(super) const STEPS_PER_US: usize = 250;
/// Steps of one match. Chosen by us: about a millisecond, and a hundred times what patterns of people take.
pub(super) const REGEX_STEPS_MAX: usize = 100_000;
