//! Tests every request to the cluster against every way in which an endpoint can fail: results are
//! classified by the status of the answer and by whether the request was sent, never by the error
//! name alone.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use longshore_client::{Client, Options};
use longshore_replica::{
    Alteration, Answered, Asked, DefinitionAsk, DefinitionContent, Failure, InstanceChange,
    InstancesAsk, Question, StartTask, StopTask, TasksAsk,
};
use tokio::task::JoinSet;

/// What is known about a request without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Unsure,
    NotDone,
    Throttled,
    Refused,
}

/// `None` of one that has an answer.
fn verdict(answered: &Answered) -> Option<Verdict> {
    let failure = match answered {
        Answered::Instances(_, result) => result.as_ref().err(),
        Answered::Tasks(_, result) => result.as_ref().err(),
        Answered::Definition(_, result) => result.as_ref().err(),
        Answered::Start(_, result) => result.as_ref().err(),
        Answered::Stop(_, result) => result.as_ref().err(),
        Answered::Change(_, result) => result.as_ref().err(),
    };
    failure.map(|failure| match failure {
        Failure::Unsure(_) => Verdict::Unsure,
        Failure::NotDone(_) => Verdict::NotDone,
        Failure::Throttled => Verdict::Throttled,
        Failure::Refused { .. } => Verdict::Refused,
    })
}

/// Every question, once.
fn asks() -> Vec<Question> {
    let start = StartTask {
        instance: "i".into(),
        definition: "web:1".into(),
        started_by: "ls-1".into(),
        group: None,
        container: "web".into(),
        command: None,
        environment: [("NAME".into(), "value".into())].into(),
        cpu: Some(1),
        memory_mib: Some(6),
        gpus: Some(1),
        ..StartTask::default()
    };
    let change = |to| InstanceChange { instance: "i".into(), to };
    let content = DefinitionContent {
        family: "web".into(),
        container: "web".into(),
        image: "web:1".into(),
        ..Default::default()
    };
    vec![
        Question::Instances(Asked::new(1), InstancesAsk::List),
        Question::Instances(Asked::new(2), InstancesAsk::Describe(vec!["i".into()])),
        Question::Tasks(
            Asked::new(3),
            TasksAsk::List { desired_running: true, except: BTreeSet::new() },
        ),
        Question::Tasks(Asked::new(4), TasksAsk::Describe(vec!["t".into()])),
        Question::Tasks(Asked::new(5), TasksAsk::Find("ls-1".into())),
        Question::Definition(Asked::new(6), DefinitionAsk::Describe("web".into())),
        Question::Definition(Asked::new(7), DefinitionAsk::Register(Box::new(content))),
        Question::Start(Asked::new(8), Box::new(start)),
        Question::Stop(Asked::new(9), StopTask { task: "t".into(), reason: "a test".into() }),
        Question::Change(Asked::new(10), change(Alteration::Active(false))),
        Question::Change(
            Asked::new(11),
            change(Alteration::Attribute("a".into(), Some("1".into()))),
        ),
        Question::Change(Asked::new(12), change(Alteration::Attribute("a".into(), None))),
    ]
}

/// How an endpoint answers each request.
#[derive(Clone, Copy, Debug)]
enum Endpoint {
    /// Nobody listens.
    Closed,
    /// Reads the request and hangs up.
    HangsUp,
    /// Hangs up in the middle of its answer, which has this status.
    BreaksOff(u16),
    /// Answers with a status, a media type and a body.
    Says(u16, &'static str, &'static str),
}

const JSON: &str = "application/x-amz-json-1.1";
const HTML: &str = "text/html";

const fn error(status: u16, body: &'static str) -> Endpoint {
    Endpoint::Says(status, JSON, body)
}

/// Reads one whole request.
fn take(socket: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(socket);
    let (mut line, mut length) = (String::new(), 0);
    while line != "\r\n" {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    reader.read_exact(&mut vec![0; length])
}

fn serve(mut socket: TcpStream, endpoint: Endpoint) -> std::io::Result<()> {
    take(&socket)?;
    let head = |status: u16, media: &str, length: usize| {
        format!(
            "HTTP/1.1 {status} Answer\r\nContent-Type: {media}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        )
    };
    match endpoint {
        Endpoint::Closed => unreachable!("nobody listens"),
        Endpoint::HangsUp => Ok(()),
        Endpoint::BreaksOff(status) => {
            socket.write_all(format!("{}{{\"tasks\"", head(status, JSON, 1_000)).as_bytes())
        }
        Endpoint::Says(status, media, body) => {
            socket.write_all(format!("{}{body}", head(status, media, body.len())).as_bytes())
        }
    }
}

/// Starts such an endpoint; returns its address.
fn listen(endpoint: Endpoint) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    if matches!(endpoint, Endpoint::Closed) {
        return address;
    }
    // Ends with the test program.
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            std::thread::spawn(move || drop(serve(socket, endpoint)));
        }
    });
    address
}

async fn client(endpoint: Endpoint) -> Client {
    let options = Options {
        cluster: "default".to_owned(),
        endpoint: Some(format!("http://{}", listen(endpoint))),
        region: Some("us-east-1".to_owned()),
        keys: Some(("key".to_owned(), "secret".to_owned())),
        budget: false,
    };
    Client::new(options).await.unwrap()
}

/// Sends every request to such an endpoint, and checks the verdicts.
async fn all_are(endpoint: Endpoint, wanted: Verdict) {
    let client = client(endpoint).await;
    let mut asked = JoinSet::new();
    for ask in asks() {
        let client = client.clone();
        asked.spawn(async move { (ask.clone(), client.ask(ask).await) });
    }
    while let Some(done) = asked.join_next().await {
        let (ask, result) = done.unwrap();
        assert_eq!(verdict(&result), Some(wanted), "{endpoint:?}: {ask:?}: {result:?}");
    }
}

async fn every_one_is(wanted: Verdict, endpoints: &[Endpoint]) {
    let mut all = JoinSet::new();
    for endpoint in endpoints {
        all.spawn(all_are(*endpoint, wanted));
    }
    while let Some(done) = all.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_never_sent_was_not_done() {
    every_one_is(Verdict::NotDone, &[Endpoint::Closed]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_lost_or_breaks_off_leaves_us_unsure_whatever_its_status() {
    let broken = [200, 400, 500].map(Endpoint::BreaksOff);
    every_one_is(Verdict::Unsure, &[&broken[..], &[Endpoint::HangsUp]].concat()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_5xx_leaves_us_unsure_whatever_it_is_called() {
    let endpoints = [
        error(500, r#"{"__type":"ServerException","message":"oh"}"#),
        error(500, r#"{"__type":"ClientException","message":"it says that it is our fault"}"#),
        error(503, r#"{"__type":"ServiceUnavailableException","message":"later"}"#),
        error(503, r#"{"__type":"ThrottlingException","message":"a balancer, perhaps"}"#),
        error(500, ""),
        Endpoint::Says(502, HTML, "<html>Bad gateway</html>"),
        Endpoint::Says(504, HTML, "<html>Gateway timeout</html>"),
    ];
    every_one_is(Verdict::Unsure, &endpoints).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_read_or_says_nothing_leaves_us_unsure() {
    let endpoints = [
        error(200, "{}"),
        error(200, r#"{"tasks": [{"taskArn": "arn:aws:e"#),
        error(
            200,
            r#"{"tasks":{"no":1},"task":7,"taskArns":7,"containerInstances":"none","containerInstanceArns":{"a":1},"taskDefinition":[1]}"#,
        ),
        Endpoint::Says(200, HTML, "<html>Sign in to this network</html>"),
        Endpoint::Says(302, HTML, ""),
        // A middlebox: what it did with the request is unknown.
        Endpoint::Says(403, HTML, "<html>Blocked</html>"),
        error(408, ""),
    ];
    every_one_is(Verdict::Unsure, &endpoints).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_not_done_and_may_be_asked_again() {
    let endpoints = [
        error(400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#),
        error(400, r#"{"__type":"RequestLimitExceeded","message":"Rate exceeded"}"#),
        error(429, r#"{"__type":"TooManyRequestsException","message":"Rate exceeded"}"#),
        error(429, ""),
    ];
    every_one_is(Verdict::Throttled, &endpoints).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_ecs_that_blames_the_request_is_a_refusal() {
    let endpoints = [
        error(400, r#"{"__type":"InvalidParameterException","message":"no"}"#),
        error(400, r#"{"__type":"com.amazonaws.ecs#ClusterNotFoundException","message":"no"}"#),
        error(400, r#"{"__type":"AccessDeniedException","message":"no"}"#),
        error(400, r#"{"__type":"MadeUpYesterdayException","message":"no"}"#),
    ];
    every_one_is(Verdict::Refused, &endpoints).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_not_taken_mean_that_nothing_was_done() {
    let endpoints = [
        error(403, r#"{"__type":"ExpiredTokenException","message":"expired"}"#),
        error(400, r#"{"__type":"UnrecognizedClientException","message":"who?"}"#),
        error(403, r#"{"__type":"InvalidSignatureException","message":"your clock is off"}"#),
    ];
    every_one_is(Verdict::NotDone, &endpoints).await;
}

/// ECS returns this for a definition that does not exist.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_exception_about_a_definition_means_that_there_is_none() {
    let endpoint = error(400, r#"{"__type":"ClientException","message":"Unable to describe it."}"#);
    let client = client(endpoint).await;
    let answer = client.describe_definition("web").await;
    assert_eq!(answer, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_after_a_start_leaves_us_unsure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = Options {
        cluster: "default".to_owned(),
        endpoint: Some(format!("http://{}", listener.local_addr().unwrap())),
        region: Some("us-east-1".to_owned()),
        keys: Some(("key".to_owned(), "secret".to_owned())),
        budget: false,
    };
    let client = Client::new(options).await.unwrap();
    let start = asks().into_iter().find(|ask| matches!(ask, Question::Start(..))).unwrap();
    // The kernel takes the connection, and nobody reads it.
    let result = client.ask(start).await;
    assert_eq!(verdict(&result), Some(Verdict::Unsure), "{result:?}");
    drop(listener);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_missing_is_named() {
    let body = r#"{"__type":"ClusterNotFoundException","message":"Cluster not found."}"#;
    let client = client(error(400, body)).await;
    let mut named = 0;
    for ask in asks() {
        let said = format!("{:?}", client.ask(ask).await);
        named += usize::from(said.contains("Cluster not found. (default in us-east-1)"));
    }
    // Those that list instances and tasks, which a master asks first.
    assert!(named >= 2, "{named}");
}
