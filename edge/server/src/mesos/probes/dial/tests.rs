//! Probes of tasks that answer in every way, on ports of this machine.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use longshore_bridge::ProbeId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::*;

/// A certificate of `nobody.example` that nobody has signed but itself, and its key, made for this test.
const CERTIFICATE: &str = "MIIBiTCCAS+gAwIBAgIUf+A2nnQqwpECXSNTcV+W2L8a6YUwCgYIKoZIzj0EAwIwGTEXMBUGA1UEAwwObm9ib2R5LmV4YW1wbGUw\
    IBcNMjYxMTI3MTUwMzE5WhgPMjEyNjExMDMxNTAzMTlaMBkxFzAVBgNVBAMMDm5vYm9keS5leGFtcGxlMFkwEwYHKoZIzj0CAQYI\
    KoZIzj0DAQcDQgAEQ4t1ByPkK7HhmgyuvvWOHpWQhE3XqevwtpYyFVQnCjZODsOkkOovyKY+wxhPnnUFpppFogLREjAdTg2lKfXk\
    u6NTMFEwHQYDVR0OBBYEFLt5sw605PqkcC3rY4d7MN2tM380MB8GA1UdIwQYMBaAFLt5sw605PqkcC3rY4d7MN2tM380MA8GA1Ud\
    EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAPzCel74pIQy+7HXzFLu1Ivq9l0Nz9L0QElrFchwVYaUAiAjRHq8LMwa5dX9\
    J2c+OOvm1UH1Qs0IqxwYrY2M3n+bwQ==";
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/1ytspl+I/fDcn43YW3/a81OLkqHTXYDboblkUeIt+GhRANCAARD\
    i3UHI+QrseGaDK6+9Y4elZCETdep6/C2ljIVVCcKNk4Ow6SQ6i/Ipj7DGE+edQWmmkWiAtESMB1ODaUp9eS7";

/// A task: what it answers to each path, and what it was asked.
struct Task {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Task {
    async fn new(answer: fn(&str, u16) -> String, tls: Option<TlsAcceptor>) -> Self {
        let listener = listen().await;
        let port = listener.local_addr().expect("it is bound").port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let heard = asked.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                match &tls {
                    None => talk(stream, &heard, answer, port).await,
                    Some(tls) => {
                        // Whoever does not speak TLS is not answered.
                        if let Ok(stream) = tls.accept(stream).await {
                            talk(stream, &heard, answer, port).await;
                        }
                    }
                }
            }
        });
        Self { port, asked, _tasks: tasks }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panicked").clone()
    }
}

/// A port of this machine that nobody else has.
#[expect(clippy::disallowed_methods, reason = "it is the port of a task, and none of ours")]
async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port is free")
}

async fn talk(
    mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    heard: &Mutex<Vec<String>>,
    answer: fn(&str, u16) -> String,
    port: u16,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte).await {
            Ok(1) => head.extend(byte),
            _ => return,
        }
    }
    let head = String::from_utf8(head).expect("it is text");
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    heard.lock().expect("nobody panicked").push(head);
    // Whoever is gone misses it.
    let _ = stream.write_all(answer(&path, port).as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn status(line: &str) -> String {
    format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\n\r\n")
}

fn to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

/// What most tasks here answer.
fn answer(path: &str, port: u16) -> String {
    match path {
        "/broken" => status("503 Unavailable"),
        "/gone" => status("304 Not Modified"),
        "/moved" => to("/fine?x=1"),
        "/moved/up" => to("fine"),
        "/moved/fine" => status("204 No Content"),
        "/named" => to(&format!("http://LOCALHOST:{port}/fine")),
        "/elsewhere" => to("http://169.254.169.254/latest/meta-data"),
        "/neighbour" => to(&format!("http://127.0.0.1:{}/fine", port ^ 1)),
        "/disguised" => to(&format!("http://127.0.0.1:{port}@169.254.169.254/")),
        "/round" => to("/round"),
        "/garbage" => "it is not HTTP\r\n\r\n".to_owned(),
        "/silent" => String::new(),
        "/endless" => format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(1_000_000)),
        _ => status("200 OK"),
    }
}

fn probe(port: u16, means: Means) -> Probe {
    Probe {
        id: ProbeId(1),
        framework: "f".into(),
        host: "127.0.0.1".into(),
        port,
        inside_port: 8080,
        ipv6: false,
        means,
        timeout_ms: 10_000,
    }
}

fn http(path: &str) -> Means {
    Means::Http { tls: false, path: path.into() }
}

#[tokio::test]
async fn a_status_is_told_as_it_is_and_redirects_are_followed_within_the_port() {
    let task = Task::new(answer, None).await;
    for (path, wanted) in [
        ("/", 200),
        ("/broken", 503),
        ("/gone", 304),
        ("/moved", 200),
        ("/moved/up", 204),
        ("/named", 200),
    ] {
        let probed = Network::new().dial(probe(task.port, http(path))).await;
        assert_eq!(probed, Probed::Status(wanted), "{path}");
    }
    assert!(task.asked().iter().any(|head| head.starts_with("GET /fine?x=1 HTTP/1.1\r\n")));
}

#[tokio::test]
async fn a_redirect_to_anywhere_else_is_the_answer_and_is_not_followed() {
    let task = Task::new(answer, None).await;
    for path in ["/elsewhere", "/neighbour", "/disguised"] {
        let probed = Network::new().dial(probe(task.port, http(path))).await;
        assert_eq!(probed, Probed::Status(302), "{path}");
    }
    assert_eq!(task.asked().len(), 3);
}

#[tokio::test]
async fn a_task_is_asked_for_by_its_own_port_on_the_loopback_address() {
    let task = Task::new(answer, None).await;
    Network::new().dial(probe(task.port, http("/"))).await;
    let asked = task.asked().concat();
    assert!(asked.contains("\r\nhost: 127.0.0.1:8080\r\n"), "{asked}");
}

#[tokio::test]
async fn what_is_no_answer_is_a_failure_and_never_more_than_so_much_is_read_of_it() {
    let task = Task::new(answer, None).await;
    for path in ["/garbage", "/silent", "/round", "/endless"] {
        let probed = Network::new().dial(probe(task.port, http(path))).await;
        assert!(matches!(probed, Probed::Failed(_)), "{path}: {probed:?}");
    }
    assert_eq!(task.asked().iter().filter(|head| head.contains("/round")).count(), 11);
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_fails_and_one_that_takes_connections_does_not() {
    let task = Task::new(answer, None).await;
    assert_eq!(Network::new().dial(probe(task.port, Means::Tcp)).await, Probed::Connected);
    let free = listen().await;
    let port = free.local_addr().expect("it is bound").port();
    drop(free);
    for means in [Means::Tcp, http("/")] {
        let probed = Network::new().dial(probe(port, means)).await;
        assert!(matches!(probed, Probed::Failed(_)), "{probed:?}");
    }
}

#[tokio::test]
async fn a_task_that_takes_a_connection_and_never_answers_is_late() {
    let silent = listen().await;
    let port = silent.local_addr().expect("it is bound").port();
    let probe = Probe { timeout_ms: 50, ..probe(port, http("/")) };
    assert_eq!(Network::new().dial(probe).await, Probed::TimedOut);
}

#[tokio::test]
async fn an_agent_that_cannot_be_found_says_nothing_of_its_task() {
    let task = Task::new(answer, None).await;
    for (host, ipv6) in [("no-such-host.invalid", false), ("127.0.0.1", true)] {
        let probe = Probe { host: host.into(), ipv6, ..probe(task.port, Means::Tcp) };
        let probed = Network::new().dial(probe).await;
        assert!(matches!(probed, Probed::Unreached(_)), "{host}: {probed:?}");
    }
}

#[tokio::test]
async fn any_certificate_will_do() {
    let decode = |text: &str| STANDARD.decode(text).expect("it is base64");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has suites for them")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(decode(CERTIFICATE))],
            PrivatePkcs8KeyDer::from(decode(KEY)).into(),
        )
        .expect("they belong together");
    let task = Task::new(answer, Some(TlsAcceptor::from(Arc::new(config)))).await;
    let means = |path: &str| Means::Http { tls: true, path: path.into() };
    for (path, wanted) in [("/", 200), ("/broken", 503), ("/moved", 200)] {
        let probed = Network::new().dial(probe(task.port, means(path))).await;
        assert_eq!(probed, Probed::Status(wanted), "{path}");
    }
    let plain = Task::new(answer, None).await;
    let probe = Probe { timeout_ms: 2_000, ..probe(plain.port, means("/")) };
    let probed = Network::new().dial(probe).await;
    assert!(matches!(probed, Probed::Failed(_) | Probed::TimedOut), "{probed:?}");
}
