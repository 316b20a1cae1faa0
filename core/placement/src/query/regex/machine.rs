//! Runs a program on a value, in bounded time.
//!
//! At a split the machine takes the first path and keeps the second as a branch; when a path fails,
//! it backtracks to the last branch. A step that failed at a place would fail there again and is
//! not retried: without look-around a match takes at most the number of steps in the program times
//! the places of the value. With references the outcome depends on more than step and place, and
//! every path is tried.
//!
//! Invariant: for any pattern, each step costs about the same, and their number is bounded.

use super::program::{Program, Step};
use crate::query::effort::Effort;
use crate::query::limits::REGEX_STEPS_MAX;

/// The value of an unwritten register.
const UNWRITTEN: usize = usize::MAX;

/// Whether `program` matches the whole of `value`; false if the budget runs out first.
pub(super) fn matches(program: &Program, value: &str, effort: &Effort) -> bool {
    let value: Vec<char> = value.chars().collect();
    let mut machine = Machine {
        program,
        registers: vec![UNWRITTEN; program.registers],
        written: Vec::new(),
        branches: Vec::new(),
        tried: Tried::new(program, value.len()),
        steps_left: REGEX_STEPS_MAX.min(effort.left()),
        value,
    };
    let steps = machine.steps_left;
    let end = machine.run(0, 0, Some(machine.value.len()));
    // Allocating takes time too.
    effort.spend(steps - machine.steps_left + machine.value.len() + machine.tried.bits.len() / 8);
    // Without steps left everything fails, so negative look-around would succeed.
    end.is_some() && machine.steps_left > 0
}

struct Machine<'a> {
    program: &'a Program,
    value: Vec<char>,
    registers: Vec<usize>,
    /// The previous values of registers, for backtracking.
    written: Vec<(usize, usize)>,
    branches: Vec<Branch>,
    tried: Tried,
    steps_left: usize,
}

/// An alternative path from an earlier place.
#[derive(Clone, Copy)]
struct Branch {
    step: usize,
    place: usize,
    /// Number of register writes so far.
    written: usize,
}

impl Machine<'_> {
    /// Runs the steps from `step` on at `place` until they are done (at `wanted`, if given);
    /// returns where they ended. Its branches are discarded, so it is never backtracked into.
    fn run(&mut self, step: usize, place: usize, wanted: Option<usize>) -> Option<usize> {
        let (branches, tried) = (self.branches.len(), self.tried.len());
        let written = self.written.len();
        self.branch(step, place);
        let mut end = None;
        while end.is_none() && self.branches.len() > branches {
            let branch = self.branches.pop()?;
            self.restore(branch.written);
            end = self.follow(branch.step, branch.place, wanted);
        }
        self.branches.truncate(branches);
        if end.is_none() {
            self.restore(written);
        }
        // What was tried has not failed, or may succeed with another wanted end.
        if end.is_some() || wanted.is_some() {
            self.tried.forget(tried);
        }
        end
    }

    /// Follows one path until it is done or fails.
    fn follow(
        &mut self,
        mut step: usize,
        mut place: usize,
        wanted: Option<usize>,
    ) -> Option<usize> {
        let program = self.program;
        loop {
            self.steps_left = self.steps_left.checked_sub(1)?;
            if !self.tried.is_new(step, place) {
                return None;
            }
            let mut next = step + 1;
            match &program.steps[step] {
                Step::Set(set) => {
                    self.value.get(place).filter(|character| set.contains(**character))?;
                    place += 1;
                }
                Step::Assert(assertion) => {
                    assertion.holds(&self.value, place).then_some(())?;
                }
                Step::Reference { group, ignore_case } => {
                    place = self.past_reference(*group, *ignore_case, place)?;
                }
                Step::Split { first, second } => {
                    self.branch(*second, place);
                    next = *first;
                }
                Step::Jump(to) => next = *to,
                Step::Remember(register) => self.write(*register, place),
                Step::Again { register, again, is_lazy } => {
                    // Repeating an empty match would never end.
                    if self.registers[*register] != place {
                        let (first, second) =
                            if *is_lazy { (next, *again) } else { (*again, next) };
                        self.branch(second, place);
                        next = first;
                    }
                }
                Step::Atomic { then } => {
                    place = self.run(next, place, None)?;
                    next = *then;
                }
                Step::Look { behind, negated, then } => {
                    (self.look(next, place, *behind) != *negated).then_some(())?;
                    next = *then;
                }
                Step::Done => return wanted.is_none_or(|wanted| wanted == place).then_some(place),
            }
            step = next;
        }
    }

    /// Whether the steps from `step` on match at `place`, or end there. Their register writes are
    /// kept.
    fn look(&mut self, step: usize, place: usize, behind: bool) -> bool {
        if behind {
            (0..=place).rev().any(|start| self.run(step, start, Some(place)).is_some())
        } else {
            self.run(step, place, None).is_some()
        }
    }

    /// The place after the text that `group` captured, if it comes next.
    fn past_reference(&mut self, group: usize, ignore_case: bool, place: usize) -> Option<usize> {
        let (start, end) = (self.registers[group * 2], self.registers[group * 2 + 1]);
        let captured = self.value.get(start..end)?;
        self.steps_left = self.steps_left.checked_sub(captured.len())?;
        let end = place + captured.len();
        let next = self.value.get(place..end)?;
        let is_same = |(left, right): (&char, &char)| {
            left == right || ignore_case && left.eq_ignore_ascii_case(right)
        };
        captured.iter().zip(next).all(is_same).then_some(end)
    }

    fn branch(&mut self, step: usize, place: usize) {
        self.branches.push(Branch { step, place, written: self.written.len() });
    }

    fn write(&mut self, register: usize, place: usize) {
        self.written.push((register, self.registers[register]));
        self.registers[register] = place;
    }

    /// Restores the registers to an earlier number of writes.
    fn restore(&mut self, written: usize) {
        for (register, before) in self.written.drain(written..).rev() {
            self.registers[register] = before;
        }
    }
}

/// Which steps have been tried at which places.
struct Tried {
    /// A bit for each step and place; empty if they do not determine the outcome.
    bits: Vec<u64>,
    places: usize,
    /// The bits that are set, in order of setting.
    order: Vec<usize>,
}

impl Tried {
    fn new(program: &Program, length: usize) -> Self {
        let places = length + 1;
        let bits = if program.has_references { 0 } else { program.steps.len() * places };
        Self { bits: vec![0; bits.div_ceil(64)], places, order: Vec::new() }
    }

    /// Whether a step has not been tried at a place; marks it as tried.
    fn is_new(&mut self, step: usize, place: usize) -> bool {
        let bit = step * self.places + place;
        let Some(word) = self.bits.get_mut(bit / 64) else { return true };
        let mask = 1 << (bit % 64);
        let is_new = *word & mask == 0;
        if is_new {
            *word |= mask;
            self.order.push(bit);
        }
        is_new
    }

    fn len(&self) -> usize {
        self.order.len()
    }

    /// Forgets all but the first `kept`.
    fn forget(&mut self, kept: usize) {
        for bit in self.order.drain(kept..) {
            self.bits[bit / 64] &= !(1 << (bit % 64));
        }
    }
}
