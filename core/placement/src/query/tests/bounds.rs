//! Parsing and matching terminate quickly, whatever the expression.

use std::hint::black_box;
use std::time::Duration;

use super::{parsed, with_x};
use crate::query::{Effort, ErrorKind, Expression, RegexProblem};

/// A step takes about 0.1 us unoptimised; the limit is ten times that, for a busy machine.
const TIME_MAX: Duration = Duration::from_millis(100);

fn refused(text: &str) -> ErrorKind {
    Expression::parse(text).expect_err(text).kind
}

/// The fastest of three runs, since the machine is shared.
#[expect(clippy::disallowed_methods, reason = "this test measures time")]
fn best_of_three(mut work: impl FnMut()) -> Duration {
    let times = (0..3).map(|_| {
        let start = std::time::Instant::now();
        work();
        start.elapsed()
    });
    times.min().unwrap()
}

#[test]
fn two_thousand_characters_are_read_and_one_more_is_refused() {
    let padded = |length: usize| format!("attribute:x == {}", "a".repeat(length - 15));
    assert!(parsed(&padded(2000)).matches(&with_x(&"a".repeat(1985))));
    assert_eq!(refused(&padded(2001)), ErrorKind::TooLong { characters: 2001 });
    // The limit counts characters, not bytes.
    parsed(&format!("attribute:x == {}", "ß".repeat(1985)));
}

#[test]
fn parentheses_nest_to_a_bound_and_no_stack_overflows() {
    let nested =
        |depth: usize| format!("{}attribute:x exists{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(parsed(&nested(100)).to_string(), "attribute:x exists");
    assert_eq!(refused(&nested(101)), ErrorKind::TooDeep);
    assert_eq!(refused(&"(".repeat(2000)), ErrorKind::TooDeep);
    assert_eq!(refused(&"!(".repeat(1000)), ErrorKind::TooDeep);
    // One level deeper in each kind of nesting.
    let deep = format!(
        "{}attribute:x exists{}",
        "!(attribute:y==1||attribute:z==1&&".repeat(50),
        ")".repeat(50)
    );
    let expression = parsed(&deep);
    assert_eq!(expression, expression.clone());
    assert!(expression.matches(&with_x("a")));
}

#[test]
fn any_number_of_negations_is_read() {
    let negations = "!".repeat(1981);
    assert_eq!(
        parsed(&format!("{negations}attribute:x exists")).to_string(),
        "not attribute:x exists"
    );
    assert!(matches!(refused(&"!".repeat(2000)), ErrorKind::ExpectedSubject { .. }));
    assert!(matches!(refused(&"not ".repeat(500)), ErrorKind::ExpectedSubject { .. }));
}

#[test]
fn a_regular_expression_is_matched_in_bounded_time() {
    let value = "a".repeat(128);
    let almost = format!("{}!", "a".repeat(127));
    for pattern in [
        "(a+)+$",
        "(a|aa)+$",
        "(a|a?)+b",
        "(.*a){20}b",
        "(a+)+\\b$",
        "(a+)+\\1b",
        "(?:a|a)*(?=b)b",
        "(?:a|a)*?(?=(?:(?=(?:(?=a).)*).)*)b",
        "(?:a|a){14}(?=(?:(?=(?:(?=(?:(?=a).)*).)*).)*)b",
        "(?:(?:(?:a?){30}){30})b(?<=a)",
        "(?:(?=a)a|a)+(?!.)b",
        "(?:(?<=a{0,100})|a)*b",
        "(?:(?=a)a|a){13}(?:(?:(?:(?=a)(?=a)){31}){10}.)*+b",
        "(?:(?=a)a|a)*(?:(?=.*)(?=.*)(?=.*)(?=.*)(?=.*).)*+b",
        "((a|a)*)*\\2b",
        "(?<!(?:a|a){0,128}b)(?:a|a)*?(?<!(?:a|a){0,128}b)b",
        "(?:.?){1000}b",
    ] {
        let expression = parsed(&format!("attribute:x =~ '{pattern}'"));
        for value in [&value, &almost] {
            let instance = with_x(value);
            let time = best_of_three(|| {
                black_box(expression.matches(&instance));
            });
            assert!(time < TIME_MAX, "{pattern} of {value} took {time:?}");
        }
    }
}

#[test]
fn without_references_a_match_is_found_however_late() {
    let value = "a".repeat(128);
    for pattern in ["(?:(?:a|a){60}d|.*)", "((a|aa)+)+b|a+", "(?:a?){100}a{100}|a{128}", ".{1,255}"]
    {
        assert!(
            parsed(&format!("attribute:x =~ '{pattern}'")).matches(&with_x(&value)),
            "{pattern}"
        );
    }
    let value = format!("{}c", "ab".repeat(120));
    assert!(parsed("attribute:x =~ '(?:(?=.*c)[a-c]+?){1,99}'").matches(&with_x(&value)));
}

#[test]
fn a_match_that_is_not_found_in_time_is_none() {
    // The second alternative would match, but the first has too many paths.
    let pattern = r"(?:(?:a|a){60}d|.*)()\1";
    let instance = with_x(&"a".repeat(128));
    assert!(!parsed(&format!("attribute:x =~ '{pattern}'")).matches(&instance));
    assert!(parsed(&format!("attribute:x !~ '{pattern}'")).matches(&instance));
    // A negative look-ahead does not succeed either when the budget runs out.
    let pattern = r"()\1(?!(?:a|a){60}d).*";
    assert!(!parsed(&format!("attribute:x =~ '{pattern}'")).matches(&instance));
}

#[test]
fn a_regular_expression_is_compiled_in_bounded_time_and_space() {
    let problem = |pattern: &str| match refused(&format!("attribute:x =~ '{pattern}'")) {
        ErrorKind::Regex(problem) => problem,
        other => panic!("{pattern}: {other}"),
    };
    let time = best_of_three(|| {
        for pattern in
            ["(a{1000}){1000}", "((a{99}){99}){99}", "a{2001}", "a{99999999999999999999}"]
        {
            assert_eq!(problem(pattern), RegexProblem::TooLarge, "{pattern}");
        }
        assert_eq!(problem(&"a{1000}".repeat(250)), RegexProblem::TooLarge);
        assert_eq!(problem(&"(".repeat(1900)), RegexProblem::TooDeep);
        assert_eq!(problem(&"[".repeat(1900)), RegexProblem::TooDeep);
        assert_eq!(problem(&"(?=".repeat(600)), RegexProblem::TooDeep);
    });
    assert!(time < TIME_MAX, "{time:?}");
    parsed(r"attribute:x =~ \H{2000}");
    parsed(&format!("attribute:x =~ {}", "m5.large|".repeat(220)));
}

#[test]
fn what_one_request_may_evaluate_is_bounded_however_much_it_asks() {
    let values: Vec<String> =
        (0..5_000).map(|number| format!("{}{number:04}", "a".repeat(120))).collect();
    let instances: Vec<_> = values.iter().map(|value| with_x(value)).collect();
    let one = "attribute:x =~ '(a|a|aa)*(a|b)*(.?.?.?a)*[xy]' or ";
    let costly = parsed(&format!("{}attribute:x == b", one.repeat(37)));
    let time = best_of_three(|| {
        let effort = Effort::of_one_request();
        let evaluated = instances.iter().take_while(|instance| {
            black_box(costly.matches_within(*instance, &effort));
            !effort.is_spent()
        });
        assert!(evaluated.count() < 5_000, "this is too much for one request");
    });
    // About 30 ms in an optimised build.
    assert!(time < TIME_MAX * 100, "{time:?}");
    // Typical expressions are far below the limit.
    let effort = Effort::of_one_request();
    let usual = parsed("attribute:x =~ a+[0-9]*7 and attribute:x != b");
    let found = instances.iter().filter(|instance| usual.matches_within(*instance, &effort));
    assert_eq!((found.count(), effort.is_spent()), (500, false));
}
