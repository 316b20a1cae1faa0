//! Patterns against an event, case by case.

use serde_json::{Map, Value};

use super::Pattern;

const EVENT: &str = r#"{
    "version": "0", "id": "1", "detail-type": "ECS Task State Change", "source": "aws.ecs",
    "account": "123456789012", "time": "2026-11-21T11:42:55Z", "region": "us-east-1",
    "resources": ["arn:a", "arn:b"],
    "detail": {
        "lastStatus": "RUNNING", "version": 3, "cpu": 0.5, "big": 4000000000, "spot": true,
        "reason": null, "empty": "", "none": [], "ip": "10.1.2.3", "ip6": "2001:db8::1",
        "path": "dir/a/image.png", "star": "a*b\\c", "numbers": [1, 20, 300], "mixed": ["x", 7],
        "nested": {"deep": {"leaf": "here"}},
        "containers": [
            {"name": "web", "exitCode": 0, "ports": [{"host": 80}, {"host": 443}]},
            {"name": "job", "exitCode": 137, "reason": "OutOfMemory"}
        ]
    }
}"#;

/// Patterns that this event meets, and those that it does not: `true | pattern`.
const CASES: [(bool, &str); 91] = [
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
    // objects in arrays: one object must have it all
    (true, r#"{"detail": {"containers": {"name": ["job"], "exitCode": [137]}}}"#),
    (false, r#"{"detail": {"containers": {"name": ["web"], "exitCode": [137]}}}"#),
    (true, r#"{"detail": {"containers": {"ports": {"host": [443]}}}}"#),
    (false, r#"{"detail": {"containers": {"reason": [{"exists": false}]}}}"#),
    (true, r#"{"detail": {"containers": {"other": [{"exists": false}]}}}"#),
];

fn event() -> Map<String, Value> {
    serde_json::from_str(EVENT).expect("it is an object")
}

#[test]
fn each_pattern_matches_as_eventbridge_says() {
    let event = event();
    for (expected, text) in CASES {
        let pattern = Pattern::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        assert_eq!(pattern.matches(&event), expected, "{text}");
    }
}

#[test]
fn what_is_no_pattern_is_refused_with_the_field_that_is_wrong() {
    for (text, named) in [
        ("", "not JSON"),
        ("[]", "must be a JSON object"),
        ("{}", "empty objects"),
        (r#"{"source": "aws.ecs"}"#, "\"source\" must be an object or an array"),
        (r#"{"detail": {"state": 1}}"#, "\"detail.state\" must be"),
        (r#"{"detail": {}}"#, "\"detail\" is empty"),
        (r#"{"source": []}"#, "\"source\" is empty"),
        (r#"{"source": [["a"]]}"#, "\"source\""),
        (r#"{"source": [{}]}"#, "exactly one operator"),
        (r#"{"source": [{"prefix": "a", "suffix": "b"}]}"#, "exactly one operator"),
        (r#"{"source": [{"regex": "a"}]}"#, "unrecognized match type regex"),
        (r#"{"source": [{"prefix": 3}]}"#, "prefix must be a string"),
        (r#"{"source": [{"prefix": {"x": "y"}}]}"#, "prefix must be a string, or"),
        (r#"{"source": [{"exists": "yes"}]}"#, "exists must be true or false"),
        (r#"{"source": [{"wildcard": "a**b"}]}"#, "consecutive"),
        (r#"{"source": [{"wildcard": "a\\b"}]}"#, "backslash"),
        (r#"{"detail": {"n": [{"numeric": [">"]}]}}"#, "\"detail.n\": numeric takes"),
        (r#"{"detail": {"n": [{"numeric": ["~", 1]}]}}"#, "range operator"),
        (r#"{"detail": {"n": [{"numeric": [">", 5, "<", 1]}]}}"#, "lower bound"),
        (r#"{"detail": {"n": [{"numeric": [">", 5e10]}]}}"#, "5.0e9"),
        (r#"{"detail": {"n": [{"anything-but": []}]}}"#, "must not be empty"),
        (r#"{"detail": {"n": [{"anything-but": [1, "a"]}]}}"#, "strings only or numbers only"),
        (r#"{"detail": {"n": [{"anything-but": {"numeric": 1}}]}}"#, "unsupported anything-but"),
        (r#"{"detail": {"ip": [{"cidr": "10.0.0.0/33"}]}}"#, "\"detail.ip\": cidr"),
        (r#"{"$or": [{"a": 1}, {"b": ["c"]}]}"#, "\"$or.a\""),
        (r#"{"$or": [{"prefix": "a"}]}"#, "never"),
    ] {
        if named == "never" {
            // A field that is called so, with an operator: ordinary, as EventBridge keeps it.
            assert!(Pattern::parse(text).is_ok(), "{text}");
            continue;
        }
        let why = Pattern::parse(text).expect_err(text);
        assert!(why.contains(named), "{text}: {why}");
    }
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
