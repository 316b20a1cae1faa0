//! A reference implementation of the cluster query language that parses and evaluates in one pass,
//! following the grammar of `core/placement/src/query/mod.rs`.
//!
//! It handles only expressions that the real parser has accepted, so it has no error messages, and
//! only regular expressions that are plain text. Anything it cannot decide is `None`, and so is any
//! result that depends on it.

use std::cmp::Ordering;

use longshore_placement::query::Facts;
use serde_json::Value;

/// The facts about an instance, in the form of `core/placement/src/query/cases.tsv`, with
/// `registeredAt` in seconds.
#[derive(Clone, Debug)]
pub struct Known(pub Value);

impl Known {
    /// Parses the facts; missing ones are unknown.
    pub fn read(json: &[u8]) -> Self {
        Self(serde_json::from_slice(json).unwrap_or_default())
    }
}

impl Facts for Known {
    fn attribute(&self, name: &str) -> Option<Option<&str>> {
        self.0.get("attributes")?.as_object()?.get(name).map(Value::as_str)
    }

    fn agent_connected(&self) -> Option<bool> {
        self.0.get("agentConnected")?.as_bool()
    }

    fn agent_version(&self) -> Option<&str> {
        self.0.get("agentVersion")?.as_str()
    }

    fn ec2_instance_id(&self) -> Option<&str> {
        self.0.get("ec2InstanceId")?.as_str()
    }

    fn registered_at(&self) -> Option<i64> {
        self.0.get("registeredAt")?.as_i64()
    }

    fn running_tasks(&self) -> Option<u32> {
        u32::try_from(self.0.get("runningTasksCount")?.as_u64()?).ok()
    }

    fn any_group(&self, satisfies: &mut dyn FnMut(&str) -> bool) -> bool {
        let groups = self.0.get("taskGroups").and_then(Value::as_array).into_iter().flatten();
        groups.filter_map(Value::as_str).any(satisfies)
    }
}

/// True, false, or unknown to this reference.
type Truth = Option<bool>;

fn and(one: Truth, other: Truth) -> Truth {
    if one == Some(false) || other == Some(false) { Some(false) } else { Some(one? && other?) }
}

fn or(one: Truth, other: Truth) -> Truth {
    and(one.map(|truth| !truth), other.map(|truth| !truth)).map(|truth| !truth)
}

/// Whether the instance matches `expression`, which the real parser has accepted.
///
/// # Panics
/// If it is not a valid expression.
pub fn holds(expression: &str, known: &Known) -> Truth {
    let mut reader = Reader { rest: expression.trim_start(), known };
    let truth = reader.expression();
    assert!(reader.rest.is_empty(), "{:?} is left of {expression:?}", reader.rest);
    truth
}

/// Characters of subjects and words.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_/\\.:".contains(c)
}

struct Reader<'a> {
    rest: &'a str,
    known: &'a Known,
}

impl<'a> Reader<'a> {
    fn take(&mut self, token: &str) -> bool {
        let Some(after) = self.rest.strip_prefix(token) else { return false };
        if token.ends_with(is_word) && after.starts_with(is_word) {
            return false;
        }
        self.rest = after.trim_start();
        true
    }

    fn expression(&mut self) -> Truth {
        let mut truth = self.conjunction();
        while self.take("or") || self.take("||") {
            truth = or(truth, self.conjunction());
        }
        truth
    }

    fn conjunction(&mut self) -> Truth {
        let mut truth = self.negation();
        while self.take("and") || self.take("&&") {
            truth = and(truth, self.negation());
        }
        truth
    }

    fn negation(&mut self) -> Truth {
        let mut negated = false;
        while self.take("not") || self.take("!") {
            negated = !negated;
        }
        let truth = if self.take("(") {
            let truth = self.expression();
            assert!(self.take(")"), "a parenthesis is open at {:?}", self.rest);
            truth
        } else {
            self.predicate()
        };
        truth.map(|truth| truth != negated)
    }

    fn predicate(&mut self) -> Truth {
        let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        let (subject, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        let test = self.test();
        let known = self.known;
        match subject {
            "agentVersion" => test.of_order(|wanted| versions(known.agent_version()?, wanted)),
            "registeredAt" => {
                test.of_order(|wanted| Some(known.registered_at()?.cmp(&instant(wanted)?)))
            }
            "runningTasksCount" => test.of_order(|wanted| {
                Some(i64::from(known.running_tasks()?).cmp(&wanted.parse().ok()?))
            }),
            "agentConnected" => {
                test.of(known.agent_connected().map(|is| if is { "true" } else { "false" }))
            }
            "ec2InstanceId" => test.of(known.ec2_instance_id()),
            "task:group" if matches!(test, Test::Exists(false)) => {
                Some(!known.any_group(&mut |_| true))
            }
            "task:group" => {
                let mut truth = Some(false);
                known.any_group(&mut |group| {
                    truth = or(truth, test.of(Some(group)));
                    false
                });
                truth
            }
            other => {
                let name = other.strip_prefix("attribute:").expect("nothing else is a subject");
                test.of(known.attribute(name).map(Option::unwrap_or_default))
            }
        }
    }

    fn test(&mut self) -> Test<'a> {
        for (spellings, of) in [
            (["==", "equals"], Sign::Equal),
            (["!=", "not_equals"], Sign::NotEqual),
            ([">=", "greater_than_equal"], Sign::AtLeast),
            ([">", "greater_than"], Sign::More),
            (["<=", "less_than_equal"], Sign::AtMost),
            (["<", "less_than"], Sign::Less),
        ] {
            if spellings.iter().any(|spelling| self.take(spelling)) {
                return Test::Compare(of, self.value(""));
            }
        }
        if self.take("!exists") || self.take("not_exists") {
            return Test::Exists(false);
        }
        if self.take("exists") {
            return Test::Exists(true);
        }
        let matched = self.take("=~") || self.take("matches");
        if matched || self.take("!~") || self.take("not_matches") {
            return Test::Matches(matched, self.value(""));
        }
        let within = self.take("in");
        assert!(
            within || self.take("!in") || self.take("not_in"),
            "an operator at {:?}",
            self.rest
        );
        assert!(self.take("["), "a list at {:?}", self.rest);
        let mut values = vec![self.value(",]")];
        while self.take(",") {
            values.push(self.value(",]"));
        }
        assert!(self.take("]"), "the end of a list at {:?}", self.rest);
        Test::In(within, values)
    }

    /// A value; without quotes it also ends before the characters in `ends`.
    fn value(&mut self, ends: &str) -> &'a str {
        for quote in ['\'', '"'] {
            if let Some(quoted) = self.rest.strip_prefix(quote) {
                let (value, rest) = quoted.split_once(quote).expect("the quote is closed");
                self.rest = rest.trim_start();
                return value;
            }
        }
        let mut end = 0;
        for c in self.rest.chars() {
            let after = &self.rest[end..];
            if c.is_whitespace() || "()".contains(c) || ends.contains(c) {
                break;
            }
            if after.starts_with("&&") || after.starts_with("||") {
                break;
            }
            end += c.len_utf8();
        }
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        value
    }
}

#[derive(Clone, Copy)]
enum Sign {
    Equal,
    NotEqual,
    AtLeast,
    More,
    AtMost,
    Less,
}

impl Sign {
    fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order == Ordering::Equal,
            Self::NotEqual => order != Ordering::Equal,
            Self::AtLeast => order != Ordering::Less,
            Self::More => order == Ordering::Greater,
            Self::AtMost => order != Ordering::Greater,
            Self::Less => order == Ordering::Less,
        }
    }
}

enum Test<'a> {
    Compare(Sign, &'a str),
    In(bool, Vec<&'a str>),
    Matches(bool, &'a str),
    Exists(bool),
}

impl Test<'_> {
    /// Values with an order of their own: an unknown one satisfies nothing.
    fn of_order(&self, order: impl Fn(&str) -> Option<Ordering>) -> Truth {
        let Self::Compare(sign, wanted) = self else { panic!("only comparisons are allowed here") };
        Some(order(wanted).is_some_and(|order| sign.accepts(order)))
    }

    fn of(&self, value: Option<&str>) -> Truth {
        let Some(value) = value else { return Some(matches!(self, Self::Exists(false))) };
        match self {
            Self::Exists(exists) => Some(*exists),
            Self::In(within, values) => Some(values.contains(&value) == *within),
            Self::Compare(Sign::Equal, wanted) => Some(value == *wanted),
            Self::Compare(Sign::NotEqual, wanted) => Some(value != *wanted),
            Self::Compare(sign, wanted) => Some(sign.accepts(values(value, wanted))),
            Self::Matches(matched, pattern) => {
                let plain =
                    pattern.chars().all(|c| c.is_ascii_alphanumeric() || " -_/:".contains(c));
                plain.then(|| (value == *pattern) == *matched)
            }
        }
    }
}

/// Compares numbers by size, and everything else by characters.
fn values(one: &str, other: &str) -> Ordering {
    let (Some(left), Some(right)) = (number(one), number(other)) else { return one.cmp(other) };
    let width = left.1.len().max(right.1.len());
    let digits = left.2.len().max(right.2.len());
    let size = |(negative, whole, fraction): (bool, &str, &str)| {
        let padded = format!("{whole:0>width$}{fraction:0<digits$}");
        let zero = padded.bytes().all(|byte| byte == b'0');
        (negative && !zero, padded)
    };
    match (size(left), size(right)) {
        ((false, left), (false, right)) => left.cmp(&right),
        ((true, left), (true, right)) => right.cmp(&left),
        ((true, _), (false, _)) => Ordering::Less,
        ((false, _), (true, _)) => Ordering::Greater,
    }
}

fn number(text: &str) -> Option<(bool, &str, &str)> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    (digits(whole) && digits(fraction)).then_some((text.starts_with('-'), whole, fraction))
}

/// Compares versions, padded with zeros to the same length.
fn versions(one: &str, other: &str) -> Option<Ordering> {
    let read = |text: &str| -> Option<Vec<u64>> {
        let is_number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
        text.split('.').map(|part| part.parse().ok().filter(|_| is_number(part))).collect()
    };
    let (mut one, mut other) = (read(one)?, read(other)?);
    let length = one.len().max(other.len());
    one.resize(length, 0);
    other.resize(length, 0);
    Some(one.cmp(&other))
}

/// Seconds since 1970 of `2018-06-18`, optionally followed by `T22:28:28` and `Z` or `+02:00`.
fn instant(text: &str) -> Option<i64> {
    let (date, clock) = text.split_once('T').unwrap_or((text, "00:00:00"));
    let numbers = |text: &str, separator: char| -> Option<Vec<i64>> {
        text.split(separator).map(|part| part.parse().ok()).collect()
    };
    let date = numbers(date, '-')?;
    let days = days(date[0], date[1], date[2]);
    let (clock, zone) = match clock.find(['Z', '+', '-']) {
        Some(at) => clock.split_at(at),
        None => (clock, "Z"),
    };
    let clock = numbers(clock, ':')?;
    let ahead = match zone.split_at(1) {
        ("Z", _) => 0,
        (sign, zone) => {
            let zone = numbers(zone, ':')?;
            (zone[0] * 60 + zone[1]) * if sign == "-" { -60 } else { 60 }
        }
    };
    Some(days * 86_400 + clock[0] * 3_600 + clock[1] * 60 + clock[2] - ahead)
}

/// Days since 1970 of a Gregorian date, with years starting in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}
