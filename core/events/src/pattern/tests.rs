//! Patterns against an event, case by case.

use super::{Pattern, Work};
use crate::json::Json;

const EVENT: &str = r#"{
    "version": "0", "id": "1", "detail-type": "ECS Task State Change", "source": "aws.ecs",
    "account": "123456789012", "time": "2026-11-21T11:42:55Z", "region": "us-east-1",
    "resources": ["arn:a", "arn:b"],
    "detail": {
        "lastStatus": "RUNNING", "version": 3, "cpu": 0.5, "big": 4000000000, "spot": true,
        "reason": null, "empty": "", "none": [], "ip": "10.1.2.3", "ip6": "2001:db8::1",
        "path": "dir/a/image.png", "star": "a*b\\c", "numbers": [1, 20, 300], "mixed": ["x", 7],
        "nested": {"deep": {"leaf": "here"}}, "huge": 98765432109876543,
        "dotted.name": {"leaf": "x"}, "dotted": {"name": {"other": "y"}},
        "containers": [
            {"name": "web", "exitCode": 0, "ports": [{"host": 80}, {"host": 443}]},
            {"name": "job", "exitCode": 137, "reason": "OutOfMemory"}
        ]
    }
}"#;

/// Whether this event matches the pattern.
const CASES: [(bool, &str); 120] = [
    (true, r#"{"source": ["aws.ecs"]}"#),
    (true, r#"{"source": ["aws.ec2", "aws.ecs"]}"#),
    (false, r#"{"source": ["aws.ec2"]}"#),
    (true, r#"{"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"]}"#),
    (false, r#"{"source": ["aws.ecs"], "detail-type": ["ECS Service Action"]}"#),
    (false, r#"{"unknown": ["x"]}"#),
    (true, r#"{"resources": ["arn:b", "arn:z"]}"#),
    (false, r#"{"resources": ["arn:z"]}"#),
    (true, r#"{"detail": {"lastStatus": ["RUNNING"]}}"#),
    (false, r#"{"detail": {"lastStatus": ["running"]}}"#),
    (true, r#"{"detail": {"nested": {"deep": {"leaf": ["here"]}}}}"#),
    (false, r#"{"detail": {"nested": {"deep": ["here"]}}}"#),
    (false, r#"{"detail": {"lastStatus": {"deep": ["here"]}}}"#),
    (true, r#"{"detail": {"version": [3]}}"#),
    (true, r#"{"detail": {"version": [3.0]}}"#),
    (false, r#"{"detail": {"version": ["3"]}}"#),
    (true, r#"{"detail": {"cpu": [5e-1]}}"#),
    (true, r#"{"detail": {"spot": [true]}}"#),
    (false, r#"{"detail": {"spot": [false]}}"#),
    (false, r#"{"detail": {"spot": ["true"]}}"#),
    (true, r#"{"detail": {"reason": [null]}}"#),
    (false, r#"{"detail": {"missing": [null]}}"#),
    (true, r#"{"detail": {"empty": [""]}}"#),
    (true, r#"{"detail": {"numbers": [20]}}"#),
    (true, r#"{"detail": {"mixed": [7]}}"#),
    (true, r#"{"detail": {"mixed": ["x"]}}"#),
    // prefix and suffix
    (true, r#"{"time": [{"prefix": "2026-11"}]}"#),
    (false, r#"{"time": [{"prefix": "2025"}]}"#),
    (true, r#"{"source": [{"prefix": {"equals-ignore-case": "AWS."}}]}"#),
    (true, r#"{"detail": {"path": [{"suffix": ".png"}]}}"#),
    (false, r#"{"detail": {"path": [{"suffix": ".PNG"}]}}"#),
    (true, r#"{"detail": {"path": [{"suffix": {"equals-ignore-case": ".PNG"}}]}}"#),
    (false, r#"{"detail": {"version": [{"prefix": "3"}]}}"#),
    (true, r#"{"resources": [{"suffix": "b"}]}"#),
    // ignoring case
    (true, r#"{"detail": {"lastStatus": [{"equals-ignore-case": "running"}]}}"#),
    (false, r#"{"detail": {"lastStatus": [{"equals-ignore-case": "runnin"}]}}"#),
    // wildcard
    (true, r#"{"detail": {"path": [{"wildcard": "dir/*.png"}]}}"#),
    (true, r#"{"detail": {"path": [{"wildcard": "*"}]}}"#),
    (true, r#"{"detail": {"path": [{"wildcard": "*/a/*"}]}}"#),
    (false, r#"{"detail": {"path": [{"wildcard": "dir/*.jpg"}]}}"#),
    (false, r#"{"detail": {"path": [{"wildcard": "dir"}]}}"#),
    (true, r#"{"detail": {"path": [{"wildcard": "dir/a/image.png"}]}}"#),
    (true, r#"{"detail": {"star": [{"wildcard": "a\\*b\\\\c"}]}}"#),
    (false, r#"{"detail": {"lastStatus": [{"wildcard": "RUNN*NNING"}]}}"#),
    // anything-but
    (true, r#"{"detail": {"lastStatus": [{"anything-but": "STOPPED"}]}}"#),
    (false, r#"{"detail": {"lastStatus": [{"anything-but": "RUNNING"}]}}"#),
    (false, r#"{"detail": {"lastStatus": [{"anything-but": ["STOPPED", "RUNNING"]}]}}"#),
    (true, r#"{"detail": {"version": [{"anything-but": 4}]}}"#),
    (false, r#"{"detail": {"version": [{"anything-but": [3, 4]}]}}"#),
    (true, r#"{"detail": {"version": [{"anything-but": ["3"]}]}}"#),
    (false, r#"{"detail": {"missing": [{"anything-but": "x"}]}}"#),
    (true, r#"{"resources": [{"anything-but": "arn:a"}]}"#),
    (false, r#"{"resources": [{"anything-but": ["arn:a", "arn:b"]}]}"#),
    (false, r#"{"source": [{"anything-but": {"prefix": "aws."}}]}"#),
    (true, r#"{"source": [{"anything-but": {"prefix": ["my.", "your."]}}]}"#),
    (false, r#"{"detail": {"path": [{"anything-but": {"suffix": ".png"}}]}}"#),
    (true, r#"{"detail": {"path": [{"anything-but": {"suffix": [".gif", ".jpg"]}}]}}"#),
    (false, r#"{"detail": {"lastStatus": [{"anything-but": {"equals-ignore-case": "running"}}]}}"#),
    (true, r#"{"detail": {"lastStatus": [{"anything-but": {"equals-ignore-case": ["a", "b"]}}]}}"#),
    (false, r#"{"detail": {"path": [{"anything-but": {"wildcard": "*/a/*"}}]}}"#),
    (true, r#"{"detail": {"path": [{"anything-but": {"wildcard": "*/lib/*"}}]}}"#),
    // numeric
    (true, r#"{"detail": {"version": [{"numeric": ["=", 3]}]}}"#),
    (true, r#"{"detail": {"version": [{"numeric": [">", 2, "<=", 3]}]}}"#),
    (false, r#"{"detail": {"version": [{"numeric": [">", 3]}]}}"#),
    (true, r#"{"detail": {"version": [{"numeric": [">=", 3]}]}}"#),
    (true, r#"{"detail": {"cpu": [{"numeric": ["<", 0.500001]}]}}"#),
    (true, r#"{"detail": {"big": [{"numeric": ["<=", 5e9]}]}}"#),
    (true, r#"{"detail": {"numbers": [{"numeric": [">", 100]}]}}"#),
    (false, r#"{"detail": {"lastStatus": [{"numeric": [">", 0]}]}}"#),
    // exists
    (true, r#"{"detail": {"lastStatus": [{"exists": true}]}}"#),
    (false, r#"{"detail": {"lastStatus": [{"exists": false}]}}"#),
    (true, r#"{"detail": {"missing": [{"exists": false}]}}"#),
    (true, r#"{"detail": {"nested": [{"exists": false}]}}"#),
    (true, r#"{"detail": {"none": [{"exists": false}]}}"#),
    (true, r#"{"detail": {"reason": [{"exists": true}]}}"#),
    (true, r#"{"absent": {"inside": [{"exists": false}]}}"#),
    (true, r#"{"detail": {"lastStatus": [{"exists": false}, "RUNNING"]}}"#),
    // cidr
    (true, r#"{"detail": {"ip": [{"cidr": "10.0.0.0/8"}]}}"#),
    (false, r#"{"detail": {"ip": [{"cidr": "10.2.0.0/16"}]}}"#),
    (true, r#"{"detail": {"ip6": [{"cidr": "2001:db8::/32"}]}}"#),
    (false, r#"{"detail": {"ip": [{"cidr": "::/0"}]}}"#),
    (true, r#"{"detail": {"ip": [{"cidr": "0.0.0.0/0"}]}}"#),
    // $or
    (true, r#"{"$or": [{"source": ["x"]}, {"region": ["us-east-1"]}]}"#),
    (false, r#"{"$or": [{"source": ["x"]}, {"region": ["y"]}]}"#),
    (true, r#"{"detail": {"$or": [{"version": [9]}, {"spot": [true], "cpu": [0.5]}]}}"#),
    (false, r#"{"source": ["x"], "$or": [{"region": ["us-east-1"]}, {"account": ["1"]}]}"#),
    // objects in arrays: one object must match everything
    (true, r#"{"detail": {"containers": {"name": ["job"], "exitCode": [137]}}}"#),
    (false, r#"{"detail": {"containers": {"name": ["web"], "exitCode": [137]}}}"#),
    (true, r#"{"detail": {"containers": {"ports": {"host": [443]}}}}"#),
    (false, r#"{"detail": {"containers": {"reason": [{"exists": false}]}}}"#),
    (true, r#"{"detail": {"containers": {"other": [{"exists": false}]}}}"#),
    // dots mean nesting everywhere
    (true, r#"{"detail.nested.deep.leaf": ["here"]}"#),
    (true, r#"{"detail": {"nested.deep": {"leaf": ["here"]}}}"#),
    (true, r#"{"detail": {"containers.ports.host": [443]}}"#),
    (false, r#"{"detail": {"nested.leaf": ["here"]}}"#),
    (true, r#"{"detail": {"dotted": {"name": {"leaf": ["x"]}}}}"#),
    (true, r#"{"detail": {"dotted.name.leaf": ["x"]}}"#),
    (true, r#"{"detail": {"dotted.name": [{"exists": false}]}}"#),
    (true, r#"{"detail": {"dotted": {"name": {"leaf": ["x"], "other": ["y"]}}}}"#),
    (false, r#"{"detail": {"containers.name": ["web"], "containers.exitCode": [137]}}"#),
    // of two fields with the same path the later one counts
    (true, r#"{"source": ["x"], "source": ["aws.ecs"]}"#),
    (false, r#"{"source": ["aws.ecs"], "source": ["x"]}"#),
    (true, r#"{"detail": {"version": [9]}, "detail.version": [3]}"#),
    (false, r#"{"detail": {"version": [9]}, "detail": {"cpu": [0.5]}}"#),
    (true, r#"{"source": ["x"], "$or": [{"source": ["aws.ecs"]}, {"region": ["y"]}]}"#),
    (false, r#"{"$or": [{"source": ["aws.ecs"]}, {"region": ["y"]}], "source": ["x"]}"#),
    // an alternative's conditions on an array of objects apply to the same object
    (
        true,
        r#"{"detail": {"containers": {"name": ["job"]}, "$or": [{"containers": {"exitCode": [137]}}, {"x": [1]}]}}"#,
    ),
    (
        false,
        r#"{"detail": {"containers": {"name": ["web"]}, "$or": [{"containers": {"exitCode": [137]}}, {"x": [1]}]}}"#,
    ),
    (
        true,
        r#"{"detail": {"containers": {"$or": [{"name": ["web"], "exitCode": [137]}, {"name": ["job"], "exitCode": [137]}]}}}"#,
    ),
    (true, r#"{"$or": [{"$or": [{"a": [1]}, {"source": ["aws.ecs"]}]}, {"b": [1]}]}"#),
    (
        false,
        r#"{"detail": {"$or": [{"version": [3]}, {"x": [1]}], "containers": {"ports": {"host": [443]}, "name": ["job"]}}}"#,
    ),
    // numbers and addresses in any notation
    (true, r#"{"detail": {"huge": [98765432109876543]}}"#),
    (false, r#"{"detail": {"huge": [98765432109876544]}}"#),
    (true, r#"{"detail": {"ip6": ["2001:0db8:0:0:0:0:0:1"]}}"#),
    (false, r#"{"detail": {"ip6": [{"exactly": "2001:0db8:0:0:0:0:0:1"}]}}"#),
    // anything-but with other types, and an empty text
    (true, r#"{"detail": {"reason": [{"anything-but": "x"}]}}"#),
    (true, r#"{"detail": {"version": [{"anything-but": {"prefix": "3"}}]}}"#),
    (true, r#"{"detail": {"empty": [{"prefix": ""}]}}"#),
    (true, r#"{"detail": {"empty": [{"equals-ignore-case": ""}]}}"#),
    (false, r#"{"detail": {"path": [{"wildcard": ""}]}}"#),
];

fn event() -> Json<'static> {
    Json::parse(EVENT).expect("it is an object").canonical()
}

#[test]
fn each_pattern_matches_as_eventbridge_says() {
    let event = event();
    for (expected, text) in CASES {
        let pattern = Pattern::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        assert_eq!(pattern.matches(&event, &mut Work::unbounded()), expected, "{text}");
    }
}

#[test]
fn work_that_is_spent_says_so() {
    let pattern = Pattern::parse(r#"{"detail": {"path": [{"wildcard": "*x*"}]}}"#).expect("one");
    let mut work = Work::new(2);
    pattern.matches(&event(), &mut work);
    assert!(work.is_spent());
    let mut work = Work::new(1_000);
    pattern.matches(&event(), &mut work);
    assert!(!work.is_spent());
}

/// Asserts that each of these is rejected with the given reason.
fn assert_refused(refused: &[(&str, &str)]) {
    for (text, named) in refused {
        let why = Pattern::parse(text).expect_err(text);
        assert!(why.contains(named), "{text}: {why}");
    }
}

#[test]
fn what_is_no_pattern_is_refused_with_the_field_that_is_wrong() {
    assert_refused(&[
        ("", "not JSON"),
        ("[]", "Filter is not an object"),
        ("{}", "Empty objects are not allowed"),
        (r#"{"source": "aws.ecs"}"#, "\"source\" must be an object or an array\n at source"),
        (
            r#"{"detail": {"state": 1}}"#,
            "\"state\" must be an object or an array\n at detail.state",
        ),
        (r#"{"detail": {}}"#, "Empty objects are not allowed\n at detail"),
        (r#"{"source": []}"#, "Empty arrays are not allowed\n at source"),
        (
            r#"{"source": [["a"]]}"#,
            "Match value must be String, number, true, false, or null\n at source",
        ),
        (r#"{"source": [{}]}"#, "Match expression name not found"),
        (
            r#"{"source": [{"prefix": "a", "suffix": "b"}]}"#,
            "Only one key allowed in match expression",
        ),
        (r#"{"source": [{"regex": "a"}]}"#, "Unrecognized match type regex"),
        (r#"{"source": [{"prefix": 3}]}"#, "prefix match pattern must be a string"),
        (r#"{"source": [{"prefix": {"x": "y"}}]}"#, "Unsupported prefix pattern: x"),
        (r#"{"source": [{"suffix": {}}]}"#, "Suffix expression name not found"),
        (
            r#"{"source": [{"suffix": {"equals-ignore-case": 1}}]}"#,
            "equals-ignore-case match pattern must be",
        ),
        (r#"{"source": [{"exactly": 1}]}"#, "exact match pattern must be a string"),
        (
            r#"{"source": [{"exists": "yes"}]}"#,
            "exists match pattern must be either true or false.",
        ),
        (r#"{"source": [{"wildcard": 1}]}"#, "wildcard match pattern must be a string"),
        (r#"{"source": [{"wildcard": "a**b"}]}"#, "Consecutive wildcard characters at pos 2"),
        (r#"{"source": [{"wildcard": "a\\b"}]}"#, "Invalid escape character at pos 2"),
    ]);
}

#[test]
fn numeric_ranges_that_cannot_be_are_refused() {
    assert_refused(&[
        (r#"{"detail": {"n": [{"numeric": 1}]}}"#, "Value of numeric must be an array."),
        (r#"{"detail": {"n": [{"numeric": [1]}]}}"#, "Invalid member in numeric match: 1"),
        (r#"{"detail": {"n": [{"numeric": [">"]}]}}"#, "Value of > must be numeric\n at detail.n"),
        (r#"{"detail": {"n": [{"numeric": [">", 0, "<"]}]}}"#, "Value of < must be numeric"),
        (r#"{"detail": {"n": [{"numeric": ["~", 1]}]}}"#, "Unrecognized numeric range operator: ~"),
        (r#"{"detail": {"n": [{"numeric": [">", 0, ">", 1]}]}}"#, "Bad numeric range operator: >"),
        (r#"{"detail": {"n": [{"numeric": [">", 5, "<", 1]}]}}"#, "Bottom must be less than top"),
        (r#"{"detail": {"n": [{"numeric": [">", 5, "<", 5]}]}}"#, "Bottom must be less than top"),
        (
            r#"{"detail": {"n": [{"numeric": ["=", 5, "<", 6]}]}}"#,
            "Too many elements in numeric expression",
        ),
        (
            r#"{"detail": {"n": [{"numeric": [">", 1, "<", 6, ">", 2]}]}}"#,
            "Too many terms in numeric range",
        ),
        (r#"{"detail": {"n": [{"numeric": [">", 5e10]}]}}"#, "5.0e9"),
    ]);
}

#[test]
fn what_anything_but_may_not_exclude_is_refused() {
    assert_refused(&[
        (
            r#"{"detail": {"n": [{"anything-but": null}]}}"#,
            "must be an array or single string/number value.",
        ),
        (
            r#"{"detail": {"n": [{"anything-but": true}]}}"#,
            "must be an array or single string/number value.",
        ),
        (r#"{"detail": {"n": [{"anything-but": []}]}}"#, "mixed type is not supported"),
        (r#"{"detail": {"n": [{"anything-but": [1, "a"]}]}}"#, "mixed type is not supported"),
        (
            r#"{"detail": {"n": [{"anything-but": ["a", null]}]}}"#,
            "start|null|boolean is not supported.",
        ),
        (
            r#"{"detail": {"n": [{"anything-but": {"numeric": 1}}]}}"#,
            "Unsupported anything-but pattern: numeric",
        ),
        (
            r#"{"detail": {"n": [{"anything-but": {"prefix": ""}}]}}"#,
            "Null prefix/suffix not allowed\n at detail.n",
        ),
        (
            r#"{"detail": {"n": [{"anything-but": {"suffix": ["a", ""]}}]}}"#,
            "Null prefix/suffix not allowed",
        ),
        (
            r#"{"detail": {"n": [{"anything-but": {"prefix": null}}]}}"#,
            "must be an array or single string/number value.",
        ),
        (
            r#"{"detail": {"n": [{"anything-but": {"suffix": [null]}}]}}"#,
            "prefix/suffix match pattern must be a string",
        ),
        (
            r#"{"detail": {"n": [{"anything-but": {"prefix": {"equals-ignore-case": "a"}}}]}}"#,
            "must be an array or single",
        ),
        (
            r#"{"detail": {"n": [{"anything-but": {"equals-ignore-case": 1}}]}}"#,
            "number|start|null|boolean is not supported.",
        ),
    ]);
}

#[test]
fn addresses_and_wildcards_that_cannot_be_are_refused() {
    assert_refused(&[
        (
            r#"{"detail": {"ip": [{"cidr": "10.0.0.0/33"}]}}"#,
            "IPv4 mask bits must be < 32\n at detail.ip",
        ),
        (r#"{"detail": {"ip": [{"cidr": "10.0.0.1"}]}}"#, "Malformed CIDR, one '/' required"),
        (r#"{"$or": [{"a": 1}, {"b": ["c"]}]}"#, "\"a\" must be an object or an array"),
        (r#"{"a": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}"#, "Rule is too complex"),
        (r#"{"a": [{"anything-but": {"wildcard": "*a*a*a*a*a*a*"}}]}"#, "Rule is too complex"),
        (
            r#"{"$or": [{"a": [{"wildcard": "*a*b*c*"}]}, {"a": [{"wildcard": "*d*e*f*"}, {"wildcard": "*g*h*"}]}]}"#,
            "Rule is too complex",
        ),
    ]);
}

#[test]
fn what_looks_wrong_and_is_not_is_taken() {
    // An ordinary field named `$or`, as EventBridge treats it.
    for text in [r#"{"$or": [{"prefix": "a"}]}"#, r#"{"a": [{"wildcard": "*/in/*.tif"}]}"#] {
        assert!(Pattern::parse(text).is_ok(), "{text}");
    }
    let deep = format!("{{\"{}\": [1]}}", ["a"; 129].join("."));
    assert!(Pattern::parse(&deep).expect_err("too deep").contains("128 levels"));
}

#[test]
fn a_pattern_that_is_too_long_or_too_branched_is_refused() {
    let long = format!(r#"{{"source": ["{}"]}}"#, "x".repeat(5_000));
    assert!(Pattern::parse(&long).is_err());
    let or = r#"[{"a":[1]},{"b":[1]},{"c":[1]},{"d":[1]}]"#;
    let branched: Vec<String> = (0..8).map(|n| format!(r#""f{n}": {{"$or": {or}}}"#)).collect();
    let why = Pattern::parse(&format!("{{{}}}", branched.join(","))).expect_err("4^8 ways");
    assert!(why.contains("alternatives"), "{why}");
}

#[test]
fn what_a_pattern_says_of_source_and_detail_type_is_known_without_an_event() {
    let pins = |text: &str| Pattern::parse(text).expect(text).pins();
    let whole = pins(r#"{"source": ["aws.ecs"], "detail-type": ["A", "B"]}"#);
    assert!(whole.complete);
    assert_eq!(whole.detail_types.map(|types| types.len()), Some(2));
    let part = pins(r#"{"source": ["aws.ecs"], "detail": {"a": ["b"]}}"#);
    assert_eq!((part.complete, part.sources.is_some(), part.detail_types), (false, true, None));
    let prefix = pins(r#"{"source": [{"prefix": "aws"}]}"#);
    assert_eq!((prefix.complete, prefix.sources), (false, None));
}
