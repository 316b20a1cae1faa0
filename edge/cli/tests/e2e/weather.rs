//! An endpoint between `longshore serve` and a local ECS that can inject failures.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::http::{self, Reply};
use crate::server::{MEDIA, TARGET};

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// It is forwarded and answered.
    Fair,
    /// The connection is closed before the request reaches the cluster.
    Lost,
    /// The cluster handles the request, but the connection is closed before the answer.
    ReplyLost,
    /// It is never answered.
    Silent,
    /// It is throttled.
    Throttled,
    /// It is rejected: access denied.
    Denied,
    /// It gets a 500 without a body.
    Failing,
    /// It gets a 503 with an error name, before it reaches the cluster.
    Unavailable,
    /// The cluster handles it, but the answer is a 503 with an error name.
    DoneUnavailable,
    /// It gets an HTML page from something that is not the API.
    Html,
    /// It gets JSON in which everything has the wrong type.
    Mistyped,
    /// It gets truncated JSON.
    Broken,
    /// It gets an empty JSON object.
    Empty,
}

#[derive(Debug)]
struct Sky {
    upstream: String,
    everywhere: Weather,
    /// What happens to the next requests of an operation, overriding the general weather.
    next: BTreeMap<String, Vec<Weather>>,
    asked: BTreeMap<String, usize>,
}

/// An endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Its URL.
    pub(crate) url: String,
    sky: Arc<Mutex<Sky>>,
}

impl Endpoint {
    /// Creates an endpoint in front of the ECS API at a host and port, initially forwarding
    /// everything.
    pub(crate) fn new(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let sky = Arc::new(Mutex::new(Sky {
            upstream: upstream.to_owned(),
            everywhere: Weather::Fair,
            next: BTreeMap::new(),
            asked: BTreeMap::new(),
        }));
        let shared = Arc::clone(&sky);
        // Ends with the test program.
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let sky = Arc::clone(&shared);
                std::thread::spawn(move || drop(serve(socket, &sky)));
            }
        });
        Self { url: format!("http://{address}"), sky }
    }

    /// Sets the weather for every operation.
    pub(crate) fn is(&self, weather: Weather) {
        lock(&self.sky).everywhere = weather;
    }

    /// Sets the weather for the next requests of one operation.
    pub(crate) fn next(&self, operation: &str, weather: &[Weather]) {
        lock(&self.sky).next.insert(operation.to_owned(), weather.iter().rev().copied().collect());
    }

    /// Number of requests of an operation.
    pub(crate) fn asked(&self, operation: &str) -> usize {
        lock(&self.sky).asked.get(operation).copied().unwrap_or(0)
    }
}

fn lock(sky: &Mutex<Sky>) -> MutexGuard<'_, Sky> {
    sky.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers one request and closes the connection.
fn serve(socket: TcpStream, sky: &Mutex<Sky>) -> io::Result<()> {
    let mut reader = BufReader::new(socket.try_clone()?);
    let (target, body) = request(&mut reader)?;
    let operation = target.strip_prefix(TARGET).unwrap_or(&target).to_owned();
    let (weather, upstream) = {
        let mut sky = lock(sky);
        *sky.asked.entry(operation.clone()).or_insert(0) += 1;
        let everywhere = sky.everywhere;
        let weather = sky.next.get_mut(&operation).and_then(Vec::pop).unwrap_or(everywhere);
        (weather, sky.upstream.clone())
    };
    let forward = || {
        let headers = [("X-Amz-Target", target.as_str()), ("Content-Type", MEDIA)];
        http::post(&upstream, "/", &headers, &body)
    };
    let refused = |kind: &str| format!("{{\"__type\":\"{kind}\",\"message\":\"Not now\"}}");
    let (status, media, body) = match weather {
        Weather::Fair => {
            let Reply { status, body, .. } = forward()?;
            (status, MEDIA, body)
        }
        Weather::Lost => return Ok(()),
        Weather::ReplyLost => return forward().map(drop),
        Weather::Silent => {
            std::thread::sleep(Duration::from_hours(1));
            return Ok(());
        }
        Weather::Throttled => (400, MEDIA, refused("ThrottlingException").into_bytes()),
        Weather::Denied => (400, MEDIA, refused("AccessDeniedException").into_bytes()),
        Weather::Failing => (500, MEDIA, Vec::new()),
        Weather::Unavailable => (503, MEDIA, refused("ServiceUnavailableException").into_bytes()),
        Weather::DoneUnavailable => {
            forward()?;
            (503, MEDIA, refused("ServiceUnavailableException").into_bytes())
        }
        Weather::Html => (200, "text/html", b"<html>Sign in to this network</html>".to_vec()),
        Weather::Mistyped => (200, MEDIA, MISTYPED.to_vec()),
        Weather::Broken => (200, MEDIA, b"{\"tasks\": [{\"taskArn\": \"arn:aws:e".to_vec()),
        Weather::Empty => (200, MEDIA, b"{}".to_vec()),
    };
    answer(socket, status, media, &body)
}

const MISTYPED: &[u8] = br#"{"tasks": {"no": 1}, "taskArns": 7, "containerInstances": "none", "containerInstanceArns": [1]}"#;

/// Reads a request: its operation's target and its body.
fn request(reader: &mut impl BufRead) -> io::Result<(String, Vec<u8>)> {
    let (mut target, mut length) = (String::new(), 0);
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end().split_once(": ").map(|(name, value)| (name.to_lowercase(), value)) {
            Some((name, value)) if name == "x-amz-target" => value.clone_into(&mut target),
            Some((name, value)) if name == "content-length" => length = value.parse().unwrap_or(0),
            None if line == "\r\n" => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((target, body))
}

fn answer(mut socket: TcpStream, status: u16, media: &str, body: &[u8]) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} Answer\r\nContent-Type: {media}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    socket.write_all(&[head.as_bytes(), body].concat())
}
