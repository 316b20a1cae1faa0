//! A pattern compiled into steps for the machine.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::charset::CharSet;
use super::tree::{Assertion, Node};

/// One step. Steps are referred to by index; by default the next one follows.
#[derive(Debug)]
pub(super) enum Step {
    /// Consume a character of the set, or fail.
    Set(Arc<CharSet>),
    /// Continue if it holds, or fail.
    Assert(Assertion),
    /// Consume what a group captured, or fail.
    Reference { group: usize, ignore_case: bool },
    /// Continue at `first`; if that fails, at `second`.
    Split { first: usize, second: usize },
    /// Continue there.
    Jump(usize),
    /// Store the place in a register.
    Remember(usize),
    /// Continue at `again` or at the next step; at `again` only if the place has changed since the
    /// register was written.
    Again { register: usize, again: usize, is_lazy: bool },
    /// Run the following steps on their own, and continue at `then` where they ended.
    Atomic { then: usize },
    /// Run the following steps on their own, and continue at `then` from here, or fail.
    Look { behind: bool, negated: bool, then: usize },
    /// The end of the program, or of steps run on their own.
    Done,
}

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    /// Number of registers; a group uses two: twice its number and the one after.
    pub(super) registers: usize,
    /// Whether what groups captured matters.
    pub(super) has_references: bool,
}

impl Program {
    /// Compiles `node`.
    pub(super) fn of(node: &Node) -> Self {
        let mut referred = BTreeSet::new();
        collect_references(node, &mut referred);
        let registers = referred.last().map_or(0, |group| group * 2 + 2);
        let mut writer = Writer { steps: Vec::new(), registers, referred };
        writer.write_apart(node);
        Self {
            steps: writer.steps,
            registers: writer.registers,
            has_references: !writer.referred.is_empty(),
        }
    }
}

/// Collects the groups that `node` refers to.
fn collect_references(node: &Node, referred: &mut BTreeSet<usize>) {
    match node {
        Node::Set(_) | Node::Assertion(_) => {}
        Node::Reference { group, .. } => drop(referred.insert(*group)),
        Node::Sequence(parts) | Node::Choice(parts) => {
            for part in parts {
                collect_references(part, referred);
            }
        }
        Node::Repeat { part, .. }
        | Node::Capture { part, .. }
        | Node::Atomic(part)
        | Node::Look { part, .. } => collect_references(part, referred),
    }
}

struct Writer {
    steps: Vec<Step>,
    registers: usize,
    /// Only the captures of these groups are stored.
    referred: BTreeSet<usize>,
}

impl Writer {
    fn write(&mut self, node: &Node) {
        match node {
            Node::Set(set) => self.steps.push(Step::Set(Arc::clone(set))),
            Node::Assertion(assertion) => self.steps.push(Step::Assert(*assertion)),
            Node::Reference { group, ignore_case } => {
                self.steps.push(Step::Reference { group: *group, ignore_case: *ignore_case });
            }
            Node::Sequence(parts) => {
                for part in parts {
                    self.write(part);
                }
            }
            Node::Choice(parts) => self.write_choice(parts),
            Node::Repeat { part, least, most, is_lazy } => {
                self.write_repeat(part, *least, *most, *is_lazy);
            }
            Node::Capture { group, part } if self.referred.contains(group) => {
                self.steps.push(Step::Remember(group * 2));
                self.write(part);
                self.steps.push(Step::Remember(group * 2 + 1));
            }
            Node::Capture { part, .. } => self.write(part),
            Node::Atomic(part) => {
                let start = self.reserve();
                self.write_apart(part);
                self.steps[start] = Step::Atomic { then: self.steps.len() };
            }
            Node::Look { part, behind, negated } => {
                let start = self.reserve();
                self.write_apart(part);
                let then = self.steps.len();
                self.steps[start] = Step::Look { behind: *behind, negated: *negated, then };
            }
        }
    }

    fn write_choice(&mut self, parts: &[Node]) {
        let mut ends = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            if index + 1 == parts.len() {
                self.write(part);
            } else {
                let split = self.reserve();
                self.write(part);
                ends.push(self.reserve());
                self.steps[split] = Step::Split { first: split + 1, second: self.steps.len() };
            }
        }
        for end in ends {
            self.steps[end] = Step::Jump(self.steps.len());
        }
    }

    fn write_repeat(&mut self, part: &Node, least: usize, most: Option<usize>, is_lazy: bool) {
        let mut splits = Vec::new();
        if let Some(most) = most {
            for _ in 0..least {
                self.write(part);
            }
            for _ in least..most {
                splits.push(self.reserve());
                self.write(part);
            }
        } else {
            // The last required iteration is the first of the loop.
            for _ in 1..least {
                self.write(part);
            }
            splits.extend((least == 0).then(|| self.reserve()));
            let (register, again) = (self.registers, self.steps.len());
            self.registers += 1;
            self.steps.push(Step::Remember(register));
            self.write(part);
            self.steps.push(Step::Again { register, again, is_lazy });
        }
        let end = self.steps.len();
        for split in splits {
            let (first, second) = if is_lazy { (end, split + 1) } else { (split + 1, end) };
            self.steps[split] = Step::Split { first, second };
        }
    }

    fn write_apart(&mut self, part: &Node) {
        self.write(part);
        self.steps.push(Step::Done);
    }

    /// Reserves a step whose target is not known yet.
    fn reserve(&mut self) -> usize {
        self.steps.push(Step::Done);
        self.steps.len() - 1
    }
}
