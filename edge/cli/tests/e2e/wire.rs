//! Requests to the ECS API that no client library would send: each gets a protocol error, and harms
//! nobody.

use std::fs;
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::http::{self, Reply};
use crate::server::{Home, MEDIA, Server, TARGET, call};

/// Asserts that the reply is the error `kind`, and that the program is still running.
fn is_error(server: &Server, reply: &Reply, status: u16, kind: &str) {
    assert_eq!((reply.status, &reply.json()["__type"]), (status, &json!(kind)), "{}", reply.text());
    assert!(
        reply.json()["message"].as_str().is_some_and(|message| !message.is_empty()),
        "{}",
        reply.text()
    );
    server.ecs("ListClusters", &json!({}));
}

fn post(server: &Server, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    http::post(&server.ecs, "/", headers, body).expect("the program answers")
}

#[test]
fn a_body_that_is_not_json_is_a_serialization_exception() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let target = format!("{TARGET}ListTasks");
    let deep = "[".repeat(100_000);
    for body in
        [b"{".as_slice(), b"nonsense", b"[]", b"\xff\xfe", br#"{"cluster": 7}"#, deep.as_bytes()]
    {
        let reply = post(&server, &[("X-Amz-Target", &target), ("Content-Type", MEDIA)], body);
        is_error(&server, &reply, 400, "SerializationException");
    }
}

#[test]
fn another_content_type_is_a_serialization_exception() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let target = format!("{TARGET}ListTasks");
    for media in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let reply = post(&server, &[("X-Amz-Target", &target), ("Content-Type", media)], b"{}");
        is_error(&server, &reply, 400, "SerializationException");
    }
    let reply = post(&server, &[("X-Amz-Target", &target)], b"{}");
    is_error(&server, &reply, 400, "SerializationException");
}

#[test]
fn a_target_that_is_unknown_or_missing_is_an_unknown_operation() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let long = format!("{TARGET}{}", "x".repeat(1000));
    for target in
        [&format!("{TARGET}MakeTea"), TARGET, "Elsewhere.ListTasks", "ListTasks", "", &long]
    {
        let reply = post(&server, &[("X-Amz-Target", target), ("Content-Type", MEDIA)], b"{}");
        is_error(&server, &reply, 400, "UnknownOperationException");
    }
    is_error(
        &server,
        &post(&server, &[("Content-Type", MEDIA)], b"{}"),
        400,
        "UnknownOperationException",
    );
}

#[test]
fn another_method_or_path_is_an_unknown_operation() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    for path in ["/", "/somewhere/else"] {
        let reply = http::get(&server.ecs, path).expect("the program answers");
        is_error(&server, &reply, 400, "UnknownOperationException");
    }
    let target = format!("{TARGET}ListTasks");
    let headers = [("X-Amz-Target", target.as_str()), ("Content-Type", MEDIA)];
    let reply =
        http::post(&server.ecs, "/somewhere", &headers, b"{}").expect("the program answers");
    is_error(&server, &reply, 400, "UnknownOperationException");
    // An action in the query selects the SQS query protocol, which has its own error format.
    let reply = http::get(&server.ecs, "/?Action=ListTasks").expect("the program answers");
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("<Code>InvalidAction</Code>"), "{}", reply.text());
}

#[test]
fn a_body_that_is_too_large_is_refused_with_413() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: {TARGET}ListTasks\r\nContent-Type: {MEDIA}\r\n\
         Content-Length: {}\r\n\r\n",
        2 << 20
    );
    // One byte over the limit: the answer comes before the rest was read, and unread data does not
    // reset the connection.
    let request = [head.as_bytes(), &vec![b' '; (1 << 20) + 1]].concat();
    let reply = http::raw(&server.ecs, &request).expect("the program answers");
    is_error(&server, &reply, 413, "RequestEntityTooLargeException");
}

#[test]
fn bytes_that_are_not_http_harm_nobody() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let long = "A".repeat(100_000);
    for address in [&server.ecs, &server.mesos] {
        for noise in
            [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(), b"GET", long.as_bytes()]
        {
            // Both an answer and a closed connection are fine.
            drop(http::raw(address, &[noise, b"\r\n\r\n"].concat()));
        }
    }
    server.ecs("ListClusters", &json!({}));
    assert_eq!(http::get(&server.mesos, "/health").map(|reply| reply.status).ok(), Some(200));
}

/// Number of files that this process, and so the program it starts, may open.
fn open_files_max() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(usize::MAX)
}

#[test]
fn a_thousand_idle_connections_keep_nobody_from_being_answered() {
    if open_files_max() < 1_500 {
        eprintln!("skipped: this shell allows fewer than 1,500 open files (ulimit -n)");
        return;
    }
    let home = Home::new();
    let server = Server::start(&home, &[]);
    server.define("brief", "true");
    let connect = |_| TcpStream::connect(&server.ecs).expect("the port is listened on");
    let idle: Vec<TcpStream> = (0..1_000).map(connect).collect();
    let began = Instant::now();
    let arn = server.run("brief");
    server.wait(&arn, "STOPPED");
    assert_eq!(http::get(&server.mesos, "/health").map(|reply| reply.status).ok(), Some(200));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(idle);
}

#[test]
fn hostile_ids_are_invalid_parameters() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    server.define("brief", "true");
    let long = "x".repeat(1_000);
    let long_arn = format!("arn:aws:ecs:us-east-1:000000000000:task/default/{long}");
    for id in [
        "a:b",
        "a b",
        "a/b",
        "..",
        "../../etc/passwd",
        "a\nb",
        "a\0b",
        "\u{e9}",
        "%2e",
        ":::::",
        &long,
        &long_arn,
    ] {
        for (operation, body) in [
            ("DescribeTasks", json!({"tasks": [id]})),
            ("StopTask", json!({"task": id})),
            ("StartTask", json!({"taskDefinition": "brief", "containerInstances": [id]})),
        ] {
            let reply = server.call(operation, &body).expect("the program answers");
            is_error(&server, &reply, 400, "InvalidParameterException");
        }
    }
}

/// The time as `YYYYMMDDTHHMMSSZ`.
fn amz_date() -> String {
    let seconds =
        SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Civil calendar arithmetic, with years starting in March and eras of 400 years, or 146,097
    // days.
    let day = days + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, late) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + late;
    format!(
        "{year:04}{month:02}{date:02}T{:02}{:02}{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Lists clusters with a signature for this key and region.
fn signed(ecs: &str, key: &str, region: &str, date: &str) -> Reply {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={key}/{}/{region}/ecs/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature={}",
        &date[..8],
        "0".repeat(64)
    );
    let target = format!("{TARGET}ListClusters");
    let headers = [
        ("X-Amz-Target", target.as_str()),
        ("Content-Type", MEDIA),
        ("X-Amz-Date", date),
        ("Authorization", &authorization),
    ];
    http::post(ecs, "/", &headers, b"{}").expect("the program answers")
}

#[test]
fn with_keys_every_request_must_be_signed_with_one_of_them() {
    let home = Home::new();
    let server = Server::start(
        &home,
        &["--access-key", "AKIDEXAMPLE:secret", "--access-key", "OTHER:another", "--mesos-open"],
    );
    let kind = |reply: &Reply| {
        assert_eq!(reply.status, 400, "{}", reply.text());
        reply.json()["__type"].clone()
    };
    let unsigned = call(&server.ecs, "ListClusters", &json!({})).expect("the program answers");
    assert_eq!(kind(&unsigned), "MissingAuthenticationTokenException");
    let now = amz_date();
    let ecs = &server.ecs;
    assert_eq!(kind(&signed(ecs, "STRANGER", "us-east-1", &now)), "UnrecognizedClientException");
    assert_eq!(kind(&signed(ecs, "AKIDEXAMPLE", "us-east-1", &now)), "InvalidSignatureException");
    assert_eq!(kind(&signed(ecs, "OTHER", "us-east-1", &now)), "InvalidSignatureException");
    let old = signed(ecs, "AKIDEXAMPLE", "us-east-1", "20150830T123600Z");
    assert_eq!(kind(&old), "InvalidSignatureException");
    assert!(old.text().contains("expired"), "{}", old.text());
    // The master in front of it uses one of the keys.
    let slaves = http::get(&server.mesos, "/slaves").expect("the master answers").json();
    assert!(slaves["slaves"].is_array(), "{slaves}");
}

#[test]
fn a_request_for_another_region_or_account_sees_no_cluster() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let clusters = |key: &str, region: &str| -> Value {
        let reply = signed(&server.ecs, key, region, &amz_date());
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["clusterArns"].clone()
    };
    assert_eq!(
        clusters("ANYKEY", "us-east-1"),
        json!(["arn:aws:ecs:us-east-1:000000000000:cluster/default"])
    );
    assert_eq!(clusters("ANYKEY", "eu-west-1"), json!([]));
    assert_eq!(clusters("123456789012", "us-east-1"), json!([]));
}

#[test]
fn a_region_that_cannot_be_one_is_refused_on_both_services_of_the_port() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    for region in ["nowhere", "..", "us-east-1%2f", "US-EAST-1"] {
        let reply = signed(&server.ecs, "ANYKEY", region, &amz_date());
        assert_eq!(reply.status, 400, "{region}: {}", reply.text());
        assert_eq!(reply.json()["__type"], "InvalidSignatureException");
        assert!(reply.text().contains("a region looks like us-east-1"), "{}", reply.text());
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=ANYKEY/20260101/{region}/sqs/aws4_request, SignedHeaders=host, Signature=0"
        );
        let headers = [
            ("X-Amz-Target", "AmazonSQS.ListQueues"),
            ("Content-Type", "application/x-amz-json-1.0"),
            ("Authorization", &authorization),
        ];
        let reply = http::post(&server.ecs, "/", &headers, b"{}").expect("the program answers");
        assert!((400..500).contains(&reply.status), "{region}: {}", reply.text());
    }
}
