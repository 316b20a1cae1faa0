//! With access keys everything requires them, and the command line signs with them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use longshore_client::{Client, Options};
use serde_json::{Value, json};

use crate::http::{self, Reply};
use crate::server::{Home, MEDIA, Server, TARGET, refused, until};

const KEY: (&str, &str) = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG");
const FLAG: [&str; 2] = ["--access-key", "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG"];

/// A command of the program against a server, with only the given environment.
fn longshore(server: &Server, words: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longshore"));
    command
        .args(words)
        .args(["--endpoint", &format!("http://{}", server.ecs)])
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().copied())
        .stdin(Stdio::null());
    command
}

/// The output of a command, which must succeed.
fn done(server: &Server, words: &[&str], environment: &[(&str, &str)]) -> String {
    let output = longshore(server, words, environment).output().expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Headers that sign a POST with the key.
fn signature(address: &str, body: &[u8]) -> Vec<(String, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("there are threads").block_on(async {
        let options = Options {
            endpoint: Some(format!("http://{address}")),
            region: Some("us-east-1".to_owned()),
            keys: Some((KEY.0.to_owned(), KEY.1.to_owned())),
            ..Default::default()
        };
        let client = Client::new(options).await.expect("there is nothing to look for");
        client.sign("POST", (address, "/"), body).await.expect("it can be signed")
    })
}

fn define(server: &Server) -> String {
    let container = json!({"name": "main", "image": "none", "cpu": 1, "memory": 6,
        "command": ["sh", "-c", "echo hello from the task; sleep 600"]});
    let body = json!({"family": "hello", "containerDefinitions": [container]}).to_string();
    let body = body.as_bytes();
    let target = format!("{TARGET}RegisterTaskDefinition");
    // An SDK signs all headers that it sends; this signs by hand, without those added later.
    let reply = posted(server, &signature(&server.ecs, body), &[("X-Amz-Target", &target)], body);
    reply.text()
}

fn posted(
    server: &Server,
    signature: &[(String, String)],
    more: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let signature = signature.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let headers: Vec<_> =
        signature.chain(more.iter().copied()).chain([("Content-Type", MEDIA)]).collect();
    http::post(&server.ecs, "/", &headers, body).expect("the program answers")
}

#[test]
fn a_target_that_is_not_signed_is_refused() {
    let home = Home::new();
    let server = Server::start(&home, &FLAG);
    let said = define(&server);
    assert!(said.contains("InvalidSignatureException"), "{said}");
    assert!(said.contains("The header x-amz-target must be among the signed headers"), "{said}");
}

#[test]
fn with_keys_no_door_is_open_that_they_do_not_guard() {
    let home = Home::new();
    let server = Server::start(&home, &FLAG);
    assert_eq!(server.mesos, "", "nobody has said who may use the master");
    let text = |path: &str| http::get(&server.ecs, path).expect("the program answers");
    for path in
        ["/longshore/v1/events", "/longshore/v1/tasks/0123456789abcdef0123456789abcdef/logs/main"]
    {
        let reply = text(path);
        assert_eq!(reply.status, 403, "{path}: {}", reply.text());
        assert!(reply.text().contains("Missing Authentication Token"), "{path}: {}", reply.text());
    }
    let json = [("Content-Type", "application/json")];
    for path in [
        "/longshore/v1/instances",
        "/longshore/v1/scale",
        "/longshore/v1/instances/0123456789abcdef0123456789abcdef/lose",
    ] {
        let reply = http::post(&server.ecs, path, &json, b"null").expect("the program answers");
        assert_eq!(reply.status, 403, "{path}: {}", reply.text());
    }
    for (target, kind) in [
        (format!("{TARGET}ListTasks"), MEDIA),
        ("AWSEvents.ListRules".to_owned(), MEDIA),
        ("AmazonSQS.ListQueues".to_owned(), MEDIA),
        ("AmazonSSM.GetParameter".to_owned(), MEDIA),
        (String::new(), "application/x-www-form-urlencoded"),
    ] {
        let mut headers = vec![("Content-Type", kind)];
        if !target.is_empty() {
            headers.push(("X-Amz-Target", &target));
        }
        let reply = http::post(&server.ecs, "/", &headers, b"Action=ListQueues")
            .expect("the program answers");
        assert_eq!(reply.status, 400, "{target}: {}", reply.text());
        assert!(reply.text().contains("MissingAuthenticationToken"), "{target}: {}", reply.text());
    }
    for path in [
        "/?Action=DescribeStacks&Version=2010-05-15",
        "/?Action=DescribeInstances&Version=2016-11-15",
        "/restapis/a/resources/b/methods/GET",
    ] {
        let reply = http::post(&server.ecs, path, &json, b"").expect("the program answers");
        // The rooms write it in their own formats.
        let said = reply.text().replace(' ', "");
        assert!(
            reply.status == 400 && said.contains("MissingAuthenticationToken"),
            "{path}: {said}"
        );
    }
    // It reveals nothing, and health checkers have no keys.
    assert_eq!(text("/longshore/v1/health").status, 200);
}

#[test]
fn the_command_line_signs_with_the_usual_variables_and_profiles() {
    let home = Home::new();
    let server = Server::start(&home, &FLAG);
    let directory = home.path("aws");
    fs::create_dir(&directory).expect("the directory can be written");
    let file = directory.join("credentials");
    let pair = format!("aws_access_key_id = {}\naws_secret_access_key = {}\n", KEY.0, KEY.1);
    fs::write(&file, format!("[default]\n{pair}\n[other]\n{pair}")).expect("it can be written");
    let file = file.to_string_lossy().into_owned();
    let variables = [("AWS_ACCESS_KEY_ID", KEY.0), ("AWS_SECRET_ACCESS_KEY", KEY.1)];
    let profile = [("AWS_SHARED_CREDENTIALS_FILE", &*file), ("AWS_PROFILE", "other")];
    let default = [("AWS_SHARED_CREDENTIALS_FILE", &*file)];
    for environment in [&variables[..], &profile, &default] {
        let added = done(&server, &["instances", "add", "1", "--json"], environment);
        let added: Value = serde_json::from_str(&added).expect("it prints JSON");
        let id = added["instance"].as_str().expect("an id").to_owned();
        done(&server, &["instances", "disconnect", &id], environment);
        done(&server, &["instances", "remove", &id], environment);
    }
    let refused =
        longshore(&server, &["instances", "add", "1"], &[]).output().expect("the binary runs");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("UnrecognizedClientException"), "{said}");
}

#[test]
fn logs_and_events_work_with_keys() {
    let home = Home::new();
    let credentials = home.path("mesos");
    fs::write(&credentials, r#"{"credentials": [{"principal": "p", "secret": "s"}]}"#)
        .expect("it can be written");
    let credentials = credentials.to_string_lossy().into_owned();
    let server =
        Server::start(&home, &[&FLAG[..], &["--mesos-credentials", &credentials]].concat());
    let variables = [("AWS_ACCESS_KEY_ID", KEY.0), ("AWS_SECRET_ACCESS_KEY", KEY.1)];
    let words = [
        "events",
        "--follow",
        "--json",
        "--all-clusters",
        "--pattern",
        r#"{"detail": {"lastStatus": ["RUNNING"]}}"#,
    ];
    let mut followed = longshore(&server, &words, &variables)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut lines = BufReader::new(followed.stdout.take().expect("it is piped")).lines();
    // The master launches it, which also registers the definition.
    std::thread::sleep(std::time::Duration::from_millis(300));
    launch(&server);
    let event = lines.next().expect("an event comes").expect("it is text");
    followed.kill().expect("it is our child");
    followed.wait().expect("it is our child");
    let event: Value = serde_json::from_str(&event).expect("it is JSON");
    let arn = event["detail"]["taskArn"].as_str().expect("an ARN").to_owned();
    let logs = until("it has written", || {
        let logs = done(&server, &["logs", &arn], &variables);
        (!logs.is_empty()).then_some(logs)
    });
    assert_eq!(logs, "hello from the task\n");
    assert!(done(&server, &["ps"], &variables).contains(arn.rsplit('/').next().expect("an id")));
    done(&server, &["stop", &arn], &variables);
}

const BASIC: (&str, &str) = ("Authorization", "Basic cDpz");

/// An authenticated scheduler subscribes and launches a task in the first offer.
fn launch(server: &Server) {
    let json = ("Content-Type", "application/json");
    let info = json!({"user": "u", "name": "n", "failover_timeout": 600.0});
    let body = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}).to_string();
    let mut stream =
        http::Stream::open(&server.mesos, "/api/v1/scheduler", &[json, BASIC], body.as_bytes())
            .unwrap_or_else(|status| panic!("refused with {status}"));
    let mut next = |kind: &str| loop {
        let record = stream.record().expect("the stream goes on");
        let event: Value = serde_json::from_slice(&record).expect("it is JSON");
        if event["type"] == kind {
            break event;
        }
    };
    let id = next("SUBSCRIBED")["subscribed"]["framework_id"].clone();
    let offer = next("OFFERS")["offers"]["offers"][0].clone();
    let scalar = |name: &str, value: f64| json!({"name": name, "type": "SCALAR", "scalar": {"value": value}});
    let task = json!({
        "name": "t", "task_id": {"value": "t"}, "agent_id": offer["agent_id"],
        "resources": [scalar("cpus", 0.1), scalar("mem", 32.0)],
        "command": {"value": "echo hello from the task; sleep 600"},
    });
    let operation = json!({"type": "LAUNCH", "launch": {"task_infos": [task]}});
    let accept = json!({"type": "ACCEPT", "framework_id": id,
        "accept": {"offer_ids": [offer["id"]], "operations": [operation]}});
    let headers = [json, BASIC, ("Mesos-Stream-Id", &stream.id.clone())];
    let reply =
        http::post(&server.mesos, "/api/v1/scheduler", &headers, accept.to_string().as_bytes());
    assert_eq!(reply.expect("the master answers").status, 202);
}

/// A server whose master has two principals, including `p` with the secret of [`BASIC`].
fn with_credentials(home: &Home) -> Server {
    let credentials = home.path("mesos");
    fs::write(&credentials, "p s\nother t\n").expect("it can be written");
    let credentials = credentials.to_string_lossy().into_owned();
    Server::start(home, &[&FLAG[..], &["--mesos-credentials", &credentials]].concat())
}

/// Sends a request to the master, with an `Authorization` header if given.
fn asked(server: &Server, line: &str, authorization: Option<&str>, body: &str) -> Reply {
    let authorization =
        authorization.map_or(String::new(), |value| format!("Authorization: {value}\r\n"));
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n{authorization}Content-Length: {length}\r\n\r\n{body}"
    );
    http::raw(&server.mesos, request.as_bytes()).expect("the master answers")
}

const PAGES: [&str; 12] = [
    "/state",
    "/slaves",
    "/tasks",
    "/frameworks",
    "/metrics/snapshot",
    "/metrics/prometheus",
    "/master/state",
    "/master/tasks/",
    "/state-summary",
    "/roles",
    "/flags",
    "/files/debug",
];

/// What changes something, and what may.
const CHANGES: [&str; 15] = [
    "/api/v1",
    "/master/api/v1",
    "/weights",
    "/quota",
    "/quota/role",
    "/maintenance/schedule",
    "/machine/down",
    "/machine/up",
    "/teardown",
    "/master/teardown",
    "/reserve",
    "/unreserve",
    "/create-volumes",
    "/destroy-volumes",
    "/logging/toggle",
];

#[test]
fn a_master_with_credentials_answers_those_who_have_some() {
    let home = Home::new();
    let server = with_credentials(&home);
    let read = PAGES.map(|path| (path, "mesos-master-readonly"));
    let called = ["/api/v1/scheduler", "/master/api/v1/scheduler"];
    let called = called.map(|path| (path, "mesos-master-scheduler"));
    let changed = CHANGES.map(|path| (path, "mesos-master-readwrite"));
    let files = ["/files/browse", "/files/read", "/files/download"];
    let files = files.map(|path| (path, "mesos-master-readonly"));
    let wrong =
        [None, Some("Basic cDpx"), Some("Basic eDpz"), Some("Bearer cDpz"), Some("Basic !")];
    for (path, realm) in read.into_iter().chain(called).chain(changed).chain(files) {
        let challenge = format!("Basic realm=\"{realm}\"");
        for (method, wrong) in wrong.iter().flat_map(|wrong| [("GET", wrong), ("POST", wrong)]) {
            let reply = asked(&server, &format!("{method} {path}"), *wrong, "{}");
            let said = (reply.status, &*reply.text(), reply.header("www-authenticate"));
            assert_eq!(said, (401, "401 Unauthorized.", Some(&*challenge)), "{method} {path}");
            assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
        }
    }
    for path in PAGES {
        assert_eq!(asked(&server, &format!("GET {path}"), Some(BASIC.1), "").status, 200, "{path}");
    }
    // As on a Mesos master, these require no authentication.
    for (path, status) in
        [("/health", 200), ("/version", 200), ("/redirect", 307), ("/nowhere", 404)]
    {
        assert_eq!(asked(&server, &format!("GET {path}"), None, "").status, status, "{path}");
    }
}

#[test]
fn nobody_subscribes_in_the_name_of_another_principal() {
    let home = Home::new();
    let server = with_credentials(&home);
    let info = json!({"user": "u", "name": "n", "principal": "other"});
    let body = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}).to_string();
    let reply = asked(&server, "POST /api/v1/scheduler", Some(BASIC.1), &body);
    assert_eq!(reply.status, 400);
    let why = "Authenticated principal 'p' does not match principal 'other'";
    assert!(reply.text().contains(why), "{}", reply.text());
}

#[test]
fn a_master_is_open_beside_keys_only_if_that_is_said() {
    let home = Home::new();
    let server = Server::start(&home, &[&FLAG[..], &["--mesos-open"]].concat());
    let slaves = http::get(&server.mesos, "/slaves").expect("the master answers").json();
    assert_eq!(slaves["slaves"].as_array().map(Vec::len), Some(3), "{slaves}");
    drop(server);
    let (code, said) = refused(&home, &["--mesos-open", "--mesos-credentials", "x"]);
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn keys_come_from_the_environment_and_a_file_and_stay_out_of_the_list_of_processes() {
    let home = Home::new();
    let file = home.path("keys");
    fs::write(&file, "# keys of the team\n\nINFILE:secret:3\n").expect("it can be written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let path = file.to_string_lossy().into_owned();
    let environment = [("LONGSHORE_ACCESS_KEYS", "ONE:secret1, TWO:secret2")];
    let server = Server::start_in(&home, &["--access-keys-file", &path], &environment);
    for (key, secret) in [("ONE", "secret1"), ("TWO", "secret2"), ("INFILE", "secret:3")] {
        let variables = [("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", secret)];
        done(&server, &["ps"], &variables);
    }
    let wrong = [("AWS_ACCESS_KEY_ID", "ONE"), ("AWS_SECRET_ACCESS_KEY", "secret2")];
    let output = longshore(&server, &["ps"], &wrong).output().expect("the binary runs");
    assert!(!output.status.success());
    let line = fs::read(format!("/proc/{}/cmdline", server.id())).expect("it runs");
    assert!(!String::from_utf8_lossy(&line).contains("secret"));
    assert!(!server.said().contains("chmod"), "{}", server.said());
}

#[test]
fn a_file_of_secrets_that_cannot_be_right_is_named() {
    let home = Home::new();
    let file = |text: &str, mode: u32| {
        let path = home.path("secrets");
        fs::write(&path, text).expect("it can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
        path.to_string_lossy().into_owned()
    };
    for (text, mode, why) in [
        ("", 0o600, "the file contains no keys"),
        ("ONE:hush\nTWO", 0o600, "line 2: write KEY:SECRET"),
        ("ONE:hush\nONE:hushhush", 0o600, "access key ONE is given twice"),
        ("ONE:hush", 0o602, "every user on this machine can write to it"),
    ] {
        let (code, said) = refused(&home, &["--access-keys-file", &file(text, mode)]);
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains("--access-keys-file") && said.contains(why) && !said.contains("hush"),
            "{said}"
        );
    }
    for (text, why) in [
        ("", "the file contains no credentials"),
        ("alice hush hush", "line 1 is not a principal and a secret"),
        (r#"{"credentials": [{"principal": "alice"}]}"#, "not JSON of the form"),
    ] {
        let (code, said) = refused(&home, &["--mesos-credentials", &file(text, 0o600)]);
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains("--mesos-credentials") && said.contains(why) && !said.contains("hush"),
            "{said}"
        );
    }
    let (code, said) = refused(&home, &["--access-keys-file", "/nonexistent"]);
    assert!(code == Some(1) && said.contains("--access-keys-file /nonexistent"), "{said}");
    let server = Server::start(&home, &["--access-keys-file", &file("ONE:hush", 0o644)]);
    assert!(server.said().contains("other users on this machine can read it"), "{}", server.said());
}

#[test]
fn what_dev_prints_about_keys_is_true() {
    let home = Home::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_longshore"))
        .args(["dev", "--in-memory", "--runtime", "simulated"])
        .args(["--ecs-listen", "127.0.0.1:0", "--mesos-listen", "127.0.0.1:0"])
        .args(FLAG)
        .current_dir(home.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let lines = lines.map_while(Result::ok);
    let mut said = Vec::new();
    for line in lines {
        let is_last = line.starts_with("Ctrl-C");
        said.push(line);
        if is_last {
            break;
        }
    }
    child.kill().expect("it is our child");
    child.wait().expect("it is our child");
    let said = said.join("\n");
    assert!(said.contains("Mesos master  none") && said.contains("--mesos-credentials"), "{said}");
    assert!(said.contains("AWS_ACCESS_KEY_ID=AKIDEXAMPLE"), "{said}");
    assert!(!said.contains("local") || !said.contains("=local"), "other keys do not work: {said}");
    assert!(!said.contains(KEY.1), "the secret stays where it is: {said}");
}
