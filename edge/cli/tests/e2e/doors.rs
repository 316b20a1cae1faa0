//! Access control: requests with foreign host names or from pages of other origins are rejected on
//! every port, whatever they ask for.

use std::fs;

use serde_json::{Value, json};

use crate::http::{self, Reply};
use crate::server::{Home, MEDIA, Server, TARGET, refused, serve_refused};

/// Sends a raw request on its own connection.
fn send(address: &str, line: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut request = format!("{line} HTTP/1.1\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    if !body.is_empty() {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    http::raw(address, format!("{request}\r\n{body}").as_bytes())
        .unwrap_or_else(|error| panic!("{line} {headers:?}: {error}"))
}

/// A request that would change or reveal something: port, request line, headers and body.
type Attempt<'a> = (&'a str, &'a str, Vec<(&'a str, String)>, String);

const FORM: &str = "application/x-www-form-urlencoded";

/// One attempt for each API, including the metadata endpoint and an agent.
fn attempts<'a>(server: &'a Server, [metadata, agent]: &'a [String; 2]) -> Vec<Attempt<'a>> {
    let json = |target: &str| {
        vec![("X-Amz-Target", target.to_owned()), ("Content-Type", MEDIA.to_owned())]
    };
    let kind = |kind: &str| vec![("Content-Type", kind.to_owned())];
    let rule = json!({"Name": "r", "EventPattern": "{\"source\":[\"aws.ecs\"]}"}).to_string();
    let add = json!({"instances": [{"count": 1, "instanceType": "x", "cpu": 1, "memoryMib": 4}]});
    let subscribe =
        json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "u", "name": "n"}}});
    let post = "POST /";
    vec![
        (
            &server.ecs,
            post,
            json(&format!("{TARGET}CreateCluster")),
            json!({"clusterName": "c"}).to_string(),
        ),
        (&server.ecs, post, json("AWSEvents.PutRule"), rule),
        (&server.ecs, post, json("AmazonSQS.CreateQueue"), json!({"QueueName": "q"}).to_string()),
        (&server.ecs, post, kind(FORM), "Action=CreateQueue&QueueName=q".to_owned()),
        (&server.ecs, "GET /?Action=CreateQueue&QueueName=q", Vec::new(), String::new()),
        (&server.ecs, "GET /?Action=ListQueues", Vec::new(), String::new()),
        (&server.ecs, "POST /longshore/v1/instances", kind("application/json"), add.to_string()),
        (&server.ecs, "GET /longshore/v1/events", Vec::new(), String::new()),
        (&server.ecs, "GET /longshore/v1/health", Vec::new(), String::new()),
        (&server.mesos, "POST /api/v1/scheduler", kind("application/json"), subscribe.to_string()),
        (&server.mesos, "POST /api/v1", kind("application/json"), UPDATE_WEIGHTS.to_owned()),
        (&server.mesos, "PUT /weights", kind("application/json"), WEIGHTS.to_owned()),
        (&server.mesos, "PUT /weights", kind("text/plain"), WEIGHTS.to_owned()),
        (&server.mesos, "POST /teardown", kind(FORM), "frameworkId=f".to_owned()),
        (&server.mesos, "GET /files/debug", Vec::new(), String::new()),
        (&server.mesos, "GET /state", Vec::new(), String::new()),
        (&server.mesos, "GET /nowhere", Vec::new(), String::new()),
        (metadata, "GET /v4/x/task", Vec::new(), String::new()),
        (agent, "GET /state", Vec::new(), String::new()),
        (agent, "GET /files/debug", Vec::new(), String::new()),
    ]
}

/// What sets a weight by `/weights`, and by the v1 operator API.
const WEIGHTS: &str = r#"[{"role": "attacked", "weight": 2.0}]"#;
const UPDATE_WEIGHTS: &str = r#"{"type": "UPDATE_WEIGHTS", "update_weights": {"weight_infos": [{"role": "attacked", "weight": 2.0}]}}"#;

/// The addresses of the task metadata endpoint, as stored by the program, and of an agent, as the master tells it.
fn others(home: &Home, server: &Server) -> [String; 2] {
    let kept = fs::read_to_string(home.state().join("hosts/metadata")).expect("it is kept");
    let port = kept.split(' ').next().expect("a split has a first part");
    let agents = http::get(&server.mesos, "/slaves").expect("it answers").json();
    let pid = agents["slaves"][0]["pid"].as_str().expect("there is one");
    let agent = pid.rsplit('@').next().expect("a split has a last part");
    [format!("127.0.0.1:{port}"), agent.to_owned()]
}

/// Everything that the attempts would have changed.
fn traces(server: &Server) -> Vec<Value> {
    let ask = |target: &str| {
        let headers = [("X-Amz-Target", target), ("Content-Type", MEDIA)];
        http::post(&server.ecs, "/", &headers, b"{}").expect("the program answers").json()
    };
    let frameworks = http::get(&server.mesos, "/frameworks").expect("it answers").json();
    let weights = http::get(&server.mesos, "/weights").expect("it answers").json();
    assert!(weights.is_array(), "{weights}");
    vec![
        ask(&format!("{TARGET}ListClusters"))["clusterArns"].clone(),
        ask(&format!("{TARGET}ListContainerInstances"))["containerInstanceArns"].clone(),
        ask("AWSEvents.ListRules")["Rules"].clone(),
        ask("AmazonSQS.ListQueues")["QueueUrls"].clone(),
        frameworks["frameworks"].clone(),
        weights,
    ]
}

fn is_refused(reply: &Reply, what: &str) {
    assert_eq!(reply.status, 403, "{what}: {}", reply.text());
    assert!(reply.header("content-type").is_some(), "{what}");
    assert_eq!(reply.header("access-control-allow-origin"), None, "{what}");
}

#[test]
fn requests_under_foreign_names_get_nowhere_on_any_port() {
    let home = Home::new();
    let server = Server::start(&home, &["--without-events"]);
    let others = others(&home, &server);
    let before = traces(&server);
    for (address, line, headers, body) in attempts(&server, &others) {
        let port = address.rsplit(':').next().expect("an address has a port");
        for host in
            [&format!("evil.example:{port}"), "evil.example", "localhost.evil.example", "0.0.0.0"]
        {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            // Like a browser after DNS rebinding: it considers the page same-origin.
            let origin = format!("http://{host}");
            let page = [("Host", host), ("Origin", &origin), ("Sec-Fetch-Site", "same-origin")];
            let reply = send(address, line, &[&page[..], &headers].concat(), &body);
            is_refused(&reply, &format!("{line} under {host}"));
            let name = host.split(':').next().expect("a split has a first part");
            assert!(reply.text().contains(&format!("--allow-host {name}")), "{}", reply.text());
        }
    }
    assert_eq!(traces(&server), before);
}

#[test]
fn pages_of_other_origins_get_nowhere_on_any_port() {
    let home = Home::new();
    let server = Server::start(&home, &["--without-events"]);
    let others = others(&home, &server);
    let before = traces(&server);
    let pages: [&[(&str, &str)]; 7] = [
        &[("Origin", "http://evil.example"), ("Sec-Fetch-Site", "cross-site")],
        &[("Origin", "http://localhost:3000"), ("Sec-Fetch-Site", "same-site")],
        &[("Origin", "http://evil.example")],
        &[("Origin", "null")],
        &[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")],
        &[
            ("Sec-Fetch-Site", "same-site"),
            ("Sec-Fetch-Mode", "no-cors"),
            ("Sec-Fetch-Dest", "image"),
        ],
        &[("Referer", "http://evil.example/")],
    ];
    for (address, line, headers, body) in attempts(&server, &others) {
        for page in pages {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let headers = [&[("Host", address)], page, &headers[..]].concat();
            let reply = send(address, line, &headers, &body);
            is_refused(&reply, &format!("{line} of {page:?}"));
            assert!(reply.text().contains("--allow-origin"), "{}", reply.text());
        }
    }
    assert_eq!(traces(&server), before);
}

#[test]
fn a_refusal_has_the_form_of_the_api_that_was_called() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let page = [("Host", "localhost"), ("Origin", "http://evil.example")];
    let post =
        |headers: &[(&str, &str)]| send(&server.ecs, "POST /", &[&page[..], headers].concat(), "x");
    for target in [&format!("{TARGET}ListTasks"), "AWSEvents.ListRules", "AmazonSQS.ListQueues"] {
        let reply = post(&[("X-Amz-Target", target), ("Content-Type", MEDIA)]);
        assert_eq!(reply.json()["__type"], "AccessDeniedException", "{target}: {}", reply.text());
    }
    let form = post(&[("Content-Type", FORM)]);
    assert_eq!(form.header("content-type"), Some("text/xml"));
    assert!(form.text().contains("<Code>AccessDenied</Code>"), "{}", form.text());
    let text = Some("text/plain; charset=utf-8");
    assert_eq!(send(&server.mesos, "GET /state", &page, "").header("content-type"), text);
    assert_eq!(
        send(&server.ecs, "GET /longshore/v1/health", &page, "").header("content-type"),
        text
    );
}

#[test]
fn a_host_that_is_doubled_or_contradicted_is_refused() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    for address in [&server.ecs, &server.mesos] {
        let status = |line: &str, headers: &[(&str, &str)]| send(address, line, headers, "").status;
        let local = ("Host", "localhost");
        assert_eq!(status("GET /x", &[]), 400);
        assert_eq!(status("GET /x", &[local, local]), 400);
        assert_eq!(status("GET /x", &[local, ("Host", "evil.example")]), 400);
        assert_eq!(status("GET http://evil.example/x", &[local]), 403);
        assert_eq!(status("GET http://localhost/x", &[("Host", "evil.example")]), 403);
    }
    let old = http::raw(&server.mesos, b"GET /health HTTP/1.0\r\n\r\n").expect("it answers");
    assert_eq!(old.status, 200);
    let proxied =
        send(&server.mesos, "GET http://localhost:5050/health", &[("Host", "localhost:5050")], "");
    assert_eq!(proxied.status, 200);
}

#[test]
fn an_unsigned_get_changes_nothing() {
    let home = Home::new();
    let server = Server::start(&home, &["--without-events"]);
    let form = |body: &str| {
        http::post(&server.ecs, "/", &[("Content-Type", FORM)], body.as_bytes())
            .expect("it answers")
    };
    assert_eq!(form("Action=CreateQueue&QueueName=q").status, 200);
    assert_eq!(
        form("Action=SendMessage&QueueUrl=http://localhost/000000000000/q&MessageBody=m").status,
        200
    );
    let before = traces(&server);
    let queue = "QueueUrl=http://localhost/000000000000/q";
    for action in [
        "CreateQueue&QueueName=other".to_owned(),
        format!("SendMessage&{queue}&MessageBody=other"),
        format!("ReceiveMessage&{queue}"),
        format!("DeleteMessage&{queue}&ReceiptHandle=x"),
        format!("PurgeQueue&{queue}"),
        format!("SetQueueAttributes&{queue}&Attribute.Name=DelaySeconds&Attribute.Value=9"),
        format!("TagQueue&{queue}&Tag.Key=k&Tag.Value=v"),
        format!("DeleteQueue&{queue}"),
    ] {
        let reply = http::get(&server.ecs, &format!("/?Action={action}")).expect("it answers");
        assert_eq!(reply.status, 405, "{action}: {}", reply.text());
        assert!(reply.text().contains("must be sent by POST"), "{action}: {}", reply.text());
        // A queue URL is an address, too.
        let path = format!("/000000000000/q?Action={action}");
        assert_eq!(http::get(&server.ecs, &path).expect("it answers").status, 405, "{action}");
    }
    assert_eq!(http::get(&server.ecs, "/?Action=ListQueues").expect("it answers").status, 200);
    assert_eq!(traces(&server), before);
    let held = form(&format!("Action=ReceiveMessage&{queue}"));
    assert!(held.text().contains("<Body>m</Body>"), "nobody hid it: {}", held.text());
    for path in ["/api/v1/scheduler", "/state", "/slaves", "/tasks", "/frameworks", "/master/state"]
    {
        for method in ["GET", "HEAD", "PUT", "DELETE"] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
            );
            // Only the effect matters; an answer to HEAD has no body.
            drop(http::raw(&server.mesos, request.as_bytes()));
        }
    }
    for path in ["/weights", "/quota", "/teardown", "/maintenance/schedule", "/api/v1"] {
        let body = if path == "/api/v1" { UPDATE_WEIGHTS } else { WEIGHTS };
        let length = body.len();
        for method in ["GET", "HEAD"] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            drop(http::raw(&server.mesos, request.as_bytes()));
        }
    }
    assert_eq!(traces(&server), before);
    let json = [("Host", "localhost"), ("Content-Type", "application/json")];
    assert_eq!(send(&server.mesos, "PUT /weights", &json, WEIGHTS).status, 200);
    assert_ne!(traces(&server), before, "what is sent would have changed something");
}

#[test]
fn an_unsigned_form_carries_nothing_that_browsers_add() {
    let home = Home::new();
    let server = Server::start(&home, &["--allow-origin", "http://localhost:3000"]);
    let form = |more: &[(&str, &str)]| {
        let headers = [&[("Host", "localhost:5080"), ("Content-Type", FORM)], more].concat();
        send(&server.ecs, "POST /", &headers, "Action=ListQueues")
    };
    assert_eq!(form(&[]).status, 200);
    // Nothing served here is a web page, so a same-origin page cannot be ours.
    for own in [
        ("Origin", "http://localhost:5080"),
        ("Referer", "http://localhost:5080/"),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Mode", "navigate"),
    ] {
        let reply = form(&[own]);
        assert_eq!(reply.status, 403, "{own:?}: {}", reply.text());
        assert!(reply.text().contains("<Code>AccessDenied</Code>"), "{}", reply.text());
        for path in [
            "/?Action=DeleteStack&Version=2010-05-15&StackName=amazon-ecs-cli-setup-default",
            "/?Action=DescribeInstances&Version=2016-11-15",
            "/restapis/a/resources/b/methods/POST",
        ] {
            let headers = [("Host", "localhost:5080"), ("Content-Type", FORM), own];
            let reply = send(&server.ecs, &format!("POST {path}"), &headers, "");
            assert_eq!(reply.status, 403, "{path} {own:?}: {}", reply.text());
        }
    }
    assert_eq!(
        form(&[("Origin", "http://localhost:3000"), ("Sec-Fetch-Mode", "cors")]).status,
        200
    );
}

/// Asserts that the answer's headers forbid its use as a page.
fn is_no_page(reply: &Reply, what: &str) {
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{what}");
    assert_eq!(reply.header("x-frame-options"), Some("DENY"), "{what}");
    assert_eq!(reply.header("cross-origin-resource-policy"), Some("same-origin"), "{what}");
    let policy = reply.header("content-security-policy").unwrap_or_default();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{what}"
    );
    let kind = reply.header("content-type");
    let has_kind = reply.status >= 400 || !reply.body.is_empty();
    assert_eq!(kind.is_some(), has_kind, "{what}: {kind:?} of {:?}", reply.text());
    assert!(!kind.is_some_and(|kind| kind.contains("html")), "{what}");
}

#[test]
fn every_answer_of_every_port_has_a_type_and_cannot_be_framed() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let others = others(&home, &server);
    let local = ("Host", "localhost");
    for (address, line, headers, body) in attempts(&server, &others) {
        if line.contains("events") || line.contains("scheduler") {
            continue; // Endless answers: see below.
        }
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        is_no_page(&send(address, line, &[&[local], &headers[..]].concat(), &body), line);
        let evil = [&[("Host", "evil.example")], &headers[..]].concat();
        is_no_page(&send(address, line, &evil, &body), line);
    }
    for (address, line) in [
        (&server.ecs, "GET /"),
        (&server.ecs, "PUT /longshore/v1/health"),
        (&server.ecs, "OPTIONS /"),
        (&server.ecs, "GET /longshore/v1/tasks/0123456789abcdef0123456789abcdef/logs/main"),
        (&server.ecs, "POST /longshore/v1/instances"),
        (&server.ecs, "GET /longshore/v1/events?pattern=x"),
        (&server.mesos, "GET /health"),
        (&server.mesos, "GET /version"),
        (&server.mesos, "GET /redirect"),
        (&server.mesos, "GET /metrics/snapshot"),
        (&server.mesos, "GET /api/v1/scheduler"),
        (&server.mesos, "POST /api/v1/scheduler"),
        (&server.mesos, "DELETE /version"),
        (&others[0], "GET /"),
        (&others[0], "GET /v2/credentials/x"),
        (&others[1], "GET /files/read"),
    ] {
        is_no_page(&send(address, line, &[local], ""), line);
    }
    let (mut feed, headers) =
        http::Stream::head(&server.ecs, "/longshore/v1/events").expect("it opens");
    assert!(feed.chunk().is_some());
    assert!(
        headers.iter().any(|(name, value)| name == "x-frame-options" && value == "DENY"),
        "{headers:?}"
    );
}

#[test]
fn names_and_origins_that_are_allowed_are_served() {
    let home = Home::new();
    let flags = ["--allow-host", "ecs.test,other.test", "--allow-origin", "http://localhost:3000"];
    let server = Server::start(&home, &flags);
    for address in [&server.ecs, &server.mesos] {
        let path = if *address == server.ecs { "GET /longshore/v1/health" } else { "GET /health" };
        assert_eq!(send(address, path, &[("Host", "ECS.test:80")], "").status, 200);
        assert_eq!(send(address, path, &[("Host", "other.test")], "").status, 200);
        assert_eq!(send(address, path, &[("Host", "third.test")], "").status, 403);
        let page = [
            ("Host", "localhost"),
            ("Origin", "http://localhost:3000"),
            ("Sec-Fetch-Site", "same-site"),
        ];
        let read = send(address, path, &page, "");
        assert_eq!(
            (read.status, read.header("access-control-allow-origin")),
            (200, Some("http://localhost:3000"))
        );
        assert_eq!(read.header("vary"), Some("Origin"));
        let asks = [
            &page[..],
            &[
                ("Access-Control-Request-Method", "POST"),
                ("Access-Control-Request-Headers", "x-amz-target"),
            ],
        ]
        .concat();
        let preflight = send(address, "OPTIONS /", &asks, "");
        assert_eq!(preflight.status, 204);
        assert_eq!(preflight.header("access-control-allow-headers"), Some("*, Authorization"));
        assert_eq!(preflight.header("access-control-allow-credentials"), None);
        let other = [
            ("Host", "localhost"),
            ("Origin", "http://localhost:4000"),
            ("Access-Control-Request-Method", "POST"),
        ];
        is_refused(&send(address, "OPTIONS /", &other, ""), "the preflight of another page");
    }
}

#[test]
fn a_port_of_the_network_needs_callers_who_prove_who_they_are() {
    let home = Home::new();
    for (flags, remedy) in [
        (["--ecs-listen", "0.0.0.0:0"], "--access-keys-file"),
        (["--ecs-listen", "[::]:0"], "--access-keys-file"),
        (["--mesos-listen", "0.0.0.0:0"], "--mesos-credentials"),
    ] {
        let (code, said) = refused(&home, &flags);
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains(remedy) && said.contains("--insecure") && said.contains(flags[0]),
            "{said}"
        );
    }
    let environment =
        [("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s")];
    let (code, said) = serve_refused(&home, &environment, &["--mesos-listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("--mesos-credentials") && said.contains("--insecure"), "{said}");
}

const EVERYWHERE: [&str; 4] = ["--ecs-listen", "0.0.0.0:0", "--mesos-listen", "0.0.0.0:0"];

/// The address at which this machine reaches a port with a wildcard address.
fn here(address: &str) -> String {
    format!("127.0.0.1:{}", port(address))
}

fn port(address: &str) -> &str {
    address.rsplit(':').next().expect("an address has a port")
}

#[test]
fn a_port_that_is_insecure_serves_whoever_reaches_it_but_no_web_page() {
    let home = Home::new();
    let open = Server::start(&home, &[&EVERYWHERE[..], &["--insecure"]].concat());
    for what in ["the ECS API", "the Mesos master API"] {
        let warned = open.said().contains(&format!("{what} on 0.0.0.0:0 is open to anyone"));
        assert!(warned, "{}", open.said());
    }
    for (address, path) in [(&open.ecs, "GET /longshore/v1/health"), (&open.mesos, "GET /state")] {
        let send = |headers: &[(&str, &str)]| send(&here(address), path, headers, "");
        assert_eq!(send(&[("Host", "10.1.2.3:5080")]).status, 200);
        is_refused(&send(&[("Host", "evil.example:5080")]), path);
        is_refused(&send(&[("Host", "10.1.2.3"), ("Origin", "http://evil.example")]), path);
    }
}

#[test]
fn a_port_whose_callers_prove_who_they_are_needs_no_leave_and_any_name_will_do() {
    let home = Home::new();
    let credentials = home.path("credentials");
    fs::write(&credentials, "alice secret").expect("the directory can be written");
    let credentials = credentials.to_string_lossy().into_owned();
    let keys = ["--access-key", "KEY:secret", "--mesos-credentials", &credentials];
    let guarded = Server::start(&home, &[&EVERYWHERE[..], &keys].concat());
    assert!(!guarded.said().contains("is open to anyone"), "{}", guarded.said());
    for (address, path) in
        [(&guarded.ecs, "GET /longshore/v1/health"), (&guarded.mesos, "GET /health")]
    {
        let send = |headers: &[(&str, &str)]| send(&here(address), path, headers, "");
        assert_eq!(send(&[("Host", "build.example.com:5080")]).status, 200);
        let page = [("Host", "build.example.com"), ("Origin", "http://evil.example")];
        is_refused(&send(&page), path);
    }
}

#[test]
fn a_busy_port_is_said_once() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it has one").to_string();
    let environment =
        [("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s")];
    for (flag, (code, said)) in [
        ("--ecs-listen", refused(&home, &["--ecs-listen", &address])),
        ("--mesos-listen", refused(&home, &["--mesos-listen", &address])),
        ("--mesos-listen", serve_refused(&home, &environment, &["--mesos-listen", &address])),
        ("--metadata-port", refused(&home, &["--metadata-port", port(&address)])),
    ] {
        assert_eq!(code, Some(1), "{said}");
        assert_eq!(said.matches("in use").count(), 1, "{said}");
        let told = said.lines().filter(|line| !line.contains(" INFO "));
        assert_eq!(told.count(), 1, "{said}");
        assert!(said.contains(&address) && said.contains(flag), "{said}");
    }
}
