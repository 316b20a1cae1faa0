//! Java regular expressions. What matches here matches in Java 17.

use super::{Regex, RegexProblem};
use crate::query::Effort;

/// A pattern, values that it matches, and values that it does not.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

fn check(rows: &[Row]) {
    let mut wrong = Vec::new();
    for (pattern, matched, others) in rows {
        let regex =
            Regex::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {}", error.problem));
        let missed = matched.iter().filter(|value| !regex.matches(value, &Effort::unbounded()));
        wrong.extend(missed.map(|value| format!("{pattern} does not match {value:?}")));
        let caught = others.iter().filter(|value| regex.matches(value, &Effort::unbounded()));
        wrong.extend(caught.map(|value| format!("{pattern} matches {value:?}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_whole_value_is_matched() {
    check(&[
        ("t2", &["t2"], &["t2.small", "xt2", "t2\n"]),
        ("t2|g2.*", &["t2", "g2.large"], &["t2.small", "xg2"]),
        ("", &[""], &["a"]),
        ("a|", &["a", ""], &["aa"]),
        ("^a$", &["a"], &["a\n", "ba"]),
        ("(^a|b$)+", &["a", "b", "ab"], &["ba", "aa"]),
    ]);
}

#[test]
fn a_dot_is_any_character_but_the_end_of_a_line() {
    check(&[
        (".", &["a", "ß", "\t", "\u{1f600}"], &["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", ""]),
        ("(?s).", &["a", "\n", "\u{2028}"], &[]),
        ("(?s:.).", &["\na"], &["a\n"]),
        ("(?s)(?-s:.)", &["a"], &["\n"]),
    ]);
}

#[test]
fn the_end_is_also_before_the_end_of_the_last_line() {
    check(&[
        (r"a$\n?", &["a", "a\n"], &["a\n\n"]),
        (r"a\Z\n?", &["a", "a\n"], &[]),
        (r"a\z\n?", &["a"], &["a\n"]),
        (r"a$\r\n", &["a\r\n"], &[]),
        (r"a\r$\n", &[], &["a\r\n"]),
        (r"\Aa\Gb", &[], &["ab"]),
        (r"a\R", &["a\n", "a\r\n", "a\u{85}"], &["a", "a\r\n\n"]),
    ]);
}

#[test]
fn classes_by_letter_are_of_ascii() {
    check(&[
        (r"\d+", &["09"], &["٣", ""]),
        (r"\D", &["٣", "a"], &["3"]),
        (r"\w+", &["aZ_9"], &["ß", "-"]),
        (r"\W", &["ß", "-"], &["_"]),
        (r"\s+", &[" \t\n\u{b}\u{c}\r"], &["\u{a0}"]),
        (r"\S", &["\u{a0}"], &[" "]),
        (r"\h+", &[" \t\u{a0}\u{180e}\u{2003}"], &["\n", "a"]),
        (r"\H", &["f", "\n"], &["\t"]),
        (r"\v+", &["\n\u{b}\u{c}\r\u{85}\u{2028}"], &["\t"]),
        (r"\V", &["\t"], &["\u{b}"]),
        (r"a\b.\bb", &["a-b"], &["acb"]),
        (r"a\Bb\B.*", &["abc"], &["ab", "ab-"]),
        (r"\p{Alpha}\P{Alpha}", &["a1", "aß"], &["aa"]),
        (r"\p{Punct}+", &["!/:@[`{~"], &["a", " "]),
        (r"[\p{Lower}\p{Digit}]+", &["a1"], &["A"]),
        (r"\p{ASCII}*", &["\0 ~\u{7f}"], &["\u{80}"]),
    ]);
}

#[test]
fn classes_are_united_cut_and_turned_around() {
    check(&[
        ("[tg]2", &["t2", "g2"], &["a2"]),
        ("[a-c[x-z]]", &["b", "y"], &["m"]),
        ("[a-z&&[^bc]]", &["a", "d"], &["b", "A"]),
        ("[a-z&&def]", &["e"], &["a"]),
        ("[^a-z&&[b]]", &["a", "A"], &["b"]),
        (r"[\w&&[^\d]]", &["a", "_"], &["1"]),
        ("[a&b]", &["a", "&", "b"], &[]),
        ("[]a]+", &["]a"], &["["]),
        ("[^]a]", &["b"], &["]", "a"]),
        ("[a-]+", &["a-"], &["b"]),
        ("[-a]+", &["a-"], &["b"]),
        ("[a^]+", &["a^"], &["b"]),
        (r"[\]\\\-]+", &["]\\-"], &["a"]),
        (r"[\Q^]\E]+", &["^]"], &["Q"]),
        (r"[\x41-\x43\u0044]+", &["ABCD"], &["E"]),
        (r"[+--]+", &["+,-"], &["."]),
        (r"[\w-.]+", &["a-."], &["+"]),
        // `\v` before a dash is one character; elsewhere it is a class.
        (r"[\v-\x20]+", &["\u{b} "], &["\n"]),
        (r"[\v]", &["\n"], &["-"]),
    ]);
}

#[test]
fn case_is_ignored_for_ascii_only_and_until_the_group_ends() {
    check(&[
        ("(?i)T2.K", &["t2.k", "T2.K"], &["t2.\u{212a}"]),
        ("(?i)ß", &["ß"], &["ẞ"]),
        ("(?i)[a-c]x", &["BX", "bx"], &["DX"]),
        ("(?i)[^a]", &["b"], &["a", "A"]),
        (r"(?i)\p{Lower}\P{Upper}", &["A1"], &["1a", "AA"]),
        ("(?i)[Z-a]+", &["zZ[`aA"], &["b"]),
        ("a(?i:b)c", &["aBc"], &["ABc", "aBC"]),
        ("(a(?i)b|c)d", &["aBd", "Cd"], &["ABd", "aBD"]),
        ("(?i)a(?-i)b", &["Ab"], &["AB"]),
        ("(?is-dmuxU)a.", &["A\n"], &[]),
    ]);
}

#[test]
fn quotations_and_codes_stand_for_themselves() {
    check(&[
        (r"\Qa.b*\E", &["a.b*"], &["axb"]),
        (r"\Qa\E+", &["aaa"], &["a+"]),
        (r"\Qa.b", &["a.b"], &["axb"]),
        (r"\Q\\E.", &["\\a"], &["a"]),
        (r"\\Qa", &["\\Qa"], &["Qa"]),
        (r"\.\+\ \-\ß", &[".+ -ß"], &[]),
        (r"\x41\u0042\x{43}\0104\cA\0411", &["ABCD\u{1}!1"], &[]),
        (r"\t\n\r\f\a\e", &["\t\n\r\u{c}\u{7}\u{1b}"], &[]),
        ("a]}b", &["a]}b"], &[]),
        ("a#  b", &["a#  b"], &["a"]),
    ]);
}

#[test]
fn repeats_are_greedy_lazy_or_possessive() {
    check(&[
        ("a{2,3}", &["aa", "aaa"], &["a", "aaaa"]),
        ("a{2,}", &["aa", "aaaaa"], &["a"]),
        ("(ab){2}", &["abab"], &["ab"]),
        ("a*?b+?c??", &["b", "aabbc"], &["a"]),
        ("a*+a", &[], &["a", "aa"]),
        ("a?+b{1,2}+b", &["abbb"], &["abb"]),
        ("(?>a|ab)c", &["ac"], &["abc"]),
        ("a{0}b", &["b"], &["ab"]),
        ("(a|b)*", &["", "abba"], &["abc"]),
        ("(a*)*b", &["aab", "b"], &["a"]),
    ]);
}

#[test]
fn groups_are_referred_to_by_number_and_name() {
    check(&[
        (r"(a|b)-\1", &["a-a", "b-b"], &["a-b"]),
        (r"(?<first>a|b)-\k<first>", &["b-b"], &["a-b"]),
        (r"(a)\10", &["aa0"], &["a"]),
        (r"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\10", &["abcdefghijj"], &["abcdefghija0"]),
        (r"(?:(a)|b)\1", &["aa"], &["b", "bb"]),
        (r"(?i:(a))\1", &["AA", "aa"], &["aA"]),
        (r"(?i)(a)\1", &["aA", "AA"], &["ab"]),
    ]);
}

#[test]
fn look_around_takes_no_room() {
    check(&[
        ("(?=.*small)t2.*", &["t2.small"], &["t2.large"]),
        ("(?!t2).*", &["g2.large", ""], &["t2.large"]),
        (r".*(?<=\.small)", &["t2.small"], &["t2.large"]),
        (r".*(?<!\.small)", &["t2.large"], &["t2.small"]),
        ("ab(?<=a?b|c{1,3})", &["ab"], &[]),
    ]);
}

#[test]
fn what_cannot_be_said_faithfully_is_refused_by_its_name() {
    for (pattern, construct) in [
        (r"\p{L}", r"\p{L}"),
        (r"a\pL", r"\pL"),
        (r"[a\P{IsLatin}]", r"\P{IsLatin}"),
        (r"\N{DIGIT ONE}", r"\N"),
        (r"a\X", r"\X"),
        (r"a\b{g}", r"\b{g}"),
        (r"\ud83d\ude00", r"\ud83d"),
        ("(?m)^a", "(?m"),
        ("a(?x: b)", "(?x"),
    ] {
        match Regex::parse(pattern).expect_err(pattern).problem {
            RegexProblem::Unsupported { construct: told, .. } => assert_eq!(told, construct),
            other => panic!("{pattern}: {other}"),
        }
    }
}
