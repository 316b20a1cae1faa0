//! The form of JSON: which members there are, in which order, and of which kind.
//!
//! Written as one line per member, indented by depth: its name, `?` if not every object of its list has it, and its kind. The elements of
//! a list are taken together.

use std::fmt::Write as _;

use crate::tree::Tree;

/// What a golden answer leaves out stands for anything.
const LEFT_OUT: &str = "... ";

/// The form of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// `text`, `whole`, `decimal`, `flag`, `null`, `object`, `any`, `list`, or `list of` one of them.
    pub(crate) kind: String,
    /// Members of the object, or of the objects of the list.
    pub(crate) members: Vec<Member>,
}

/// The form of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) optional: bool,
    pub(crate) form: Form,
}

impl Form {
    pub(crate) fn of(tree: &Tree) -> Self {
        let plain = |kind: &str| Self { kind: kind.to_owned(), members: Vec::new() };
        match tree {
            Tree::Null => plain("null"),
            Tree::Flag => plain("flag"),
            Tree::Whole => plain("whole"),
            Tree::Decimal => plain("decimal"),
            Tree::Text(text) if text.starts_with(LEFT_OUT) => plain("any"),
            Tree::Text(_) => plain("text"),
            Tree::Object(members) => {
                let member = |(name, value): &(String, Tree)| Member {
                    name: name.clone(),
                    optional: false,
                    form: Self::of(value),
                };
                Self { kind: "object".to_owned(), members: members.iter().map(member).collect() }
            }
            Tree::List(all) => match all.iter().map(Self::of).reduce(Self::merged) {
                Some(form) => Self { kind: format!("list of {}", form.kind), ..form },
                None => plain("list"),
            },
        }
    }

    /// Both taken together. A member that only one has is put behind the one that it follows there.
    fn merged(mut self, mut other: Self) -> Self {
        if self.kind != other.kind {
            // A list that is empty says nothing of its elements.
            let (short, long) = if self.kind.len() < other.kind.len() {
                (&self.kind, &other.kind)
            } else {
                (&other.kind, &self.kind)
            };
            let kind = if short == "list" && long.starts_with("list of") {
                long.clone()
            } else {
                format!("{} or {}", self.kind, other.kind)
            };
            self.kind = kind;
            if self.members.is_empty() {
                self.members = other.members;
            }
            return self;
        }
        for member in &mut self.members {
            member.optional |= !other.members.iter().any(|one| one.name == member.name);
        }
        let mut behind = 0;
        while !other.members.is_empty() {
            let new = other.members.remove(0);
            if let Some(at) = self.members.iter().position(|one| one.name == new.name) {
                let known = &mut self.members[at];
                known.optional |= new.optional;
                known.form = known.form.clone().merged(new.form);
                behind = at + 1;
            } else {
                self.members.insert(behind, Member { optional: true, ..new });
                behind += 1;
            }
        }
        self
    }

    /// Records of one kind taken together.
    pub(crate) fn together(forms: impl IntoIterator<Item = Self>) -> Option<Self> {
        forms.into_iter().reduce(Self::merged)
    }

    /// As lines of a form file.
    pub(crate) fn write(&self, text: &mut String) {
        if self.members.is_empty() || self.kind != "object" {
            let _ = writeln!(text, "| . {}", self.kind);
        }
        self.write_members(0, text);
    }

    fn write_members(&self, depth: usize, text: &mut String) {
        for member in &self.members {
            let mark = if member.optional { "?" } else { "" };
            let (name, kind) = (&member.name, &member.form.kind);
            let _ = writeln!(text, "| {}{name}{mark} {kind}", "  ".repeat(depth));
            member.form.write_members(depth + 1, text);
        }
    }

    /// From lines of a form file, without their `| `.
    pub(crate) fn read(lines: &[&str]) -> Self {
        let mut root = Self { kind: "object".to_owned(), members: Vec::new() };
        for line in lines {
            let name = line.trim_start();
            let depth = (line.len() - name.len()) / 2;
            let (name, kind) = name.split_once(' ').expect("a name and a kind");
            if name == "." {
                kind.clone_into(&mut root.kind);
                continue;
            }
            let mut parent = &mut root;
            for _ in 0..depth {
                parent = &mut parent.members.last_mut().expect("a line above").form;
            }
            parent.members.push(Member {
                name: name.trim_end_matches('?').to_owned(),
                optional: name.ends_with('?'),
                form: Self { kind: kind.to_owned(), members: Vec::new() },
            });
        }
        root
    }

    /// In what an answer of ours differs, as `missing`, `extra` or `kind` and the path.
    pub(crate) fn differences(&self, ours: &Self) -> Vec<String> {
        let mut found = Vec::new();
        self.compare(ours, "", &mut found);
        found
    }

    fn compare(&self, ours: &Self, path: &str, found: &mut Vec<String>) {
        if self.kind == "any" {
            return;
        }
        if self.kind != ours.kind {
            found.push(format!("kind {path} {} not {}", ours.kind, self.kind));
            return;
        }
        for member in &self.members {
            let path = join(path, &member.name);
            match ours.members.iter().find(|one| one.name == member.name) {
                None => found.push(format!("missing {path}")),
                Some(one) => {
                    if one.optional != member.optional {
                        let now = if one.optional { "sometimes" } else { "always" };
                        found.push(format!("presence {path} {now}"));
                    }
                    member.form.compare(&one.form, &path, found);
                }
            }
        }
        for one in &ours.members {
            if !self.members.iter().any(|member| member.name == one.name) {
                found.push(format!("extra {}", join(path, &one.name)));
            }
        }
    }

    /// Where an answer of ours has its members in another order.
    pub(crate) fn disorder(&self, ours: &Tree, path: &str, found: &mut Vec<String>) {
        match ours {
            Tree::List(all) => all.iter().for_each(|one| self.disorder(one, path, found)),
            Tree::Object(members) => {
                let mut last = 0;
                for (name, value) in members {
                    let Some(at) = self.members.iter().position(|one| one.name == *name) else {
                        continue;
                    };
                    if at < last {
                        found.push(format!("order {}", join(path, name)));
                    }
                    last = at;
                    self.members[at].form.disorder(value, &join(path, name), found);
                }
            }
            _ => {}
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
