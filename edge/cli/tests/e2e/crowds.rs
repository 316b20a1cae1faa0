//! Clients that connect and send incomplete requests: they lock nobody out.

use std::io::Write;
use std::net::TcpStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;

use crate::http;
use crate::server::{Home, MEDIA, Server, TARGET};

/// More connections than a port accepts.
const CROWD: usize = 8_300;
/// Number of late connections.
const LATE: usize = 300;
/// Files that a test of two crowds opens, and some for other tests beside it.
const FILES: usize = 2 * (CROWD + LATE) + 1_000;
/// Held by the test whose crowds are there: one process has not enough files for those of two tests.
static FILES_TAKEN: Mutex<()> = Mutex::new(());

/// Lets this process, and the program it starts, open that many files, if it may.
fn files() -> Option<MutexGuard<'static, ()>> {
    let taken = FILES_TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Checked below.
    let _ = setrlimit(Resource::Nofile, limit);
    let enough = getrlimit(Resource::Nofile).current.is_none_or(|files| files > FILES as u64);
    if !enough {
        eprintln!("skipped: this shell allows fewer than {FILES} open files (ulimit -Hn)");
    }
    enough.then_some(taken)
}

/// Opens connections and sends the same start of a request on each; a few late ones take the
/// remaining places.
fn crowd(address: &str, words: &str) -> Vec<TcpStream> {
    let one = |_| {
        let mut socket = TcpStream::connect(address).expect("the port is listened on");
        // The server may have closed the connection already.
        let _ = socket.write_all(words.as_bytes());
        socket
    };
    let mut crowd: Vec<TcpStream> = (0..CROWD).map(one).collect();
    std::thread::sleep(Duration::from_millis(500));
    crowd.extend((0..LATE).map(one));
    std::thread::sleep(Duration::from_millis(500));
    crowd
}

fn is_served_meanwhile(server: &Server) {
    let began = Instant::now();
    server.ecs("ListClusters", &json!({}));
    assert_eq!(http::get(&server.mesos, "/health").map(|reply| reply.status).ok(), Some(200));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn half_sent_heads_keep_nobody_out() {
    let Some(_files) = files() else { return };
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nX-A: ";
    let _strangers = (crowd(&server.ecs, head), crowd(&server.mesos, head));
    is_served_meanwhile(&server);
}

#[test]
fn half_sent_bodies_keep_nobody_out() {
    let Some(_files) = files() else { return };
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let ecs = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: {TARGET}ListClusters\r\nContent-Type: {MEDIA}\r\nContent-Length: 100\r\n\r\n{{"
    );
    let mesos = "POST /api/v1/scheduler HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let _strangers = (crowd(&server.ecs, &ecs), crowd(&server.mesos, mesos));
    is_served_meanwhile(&server);
}

#[test]
fn a_head_that_is_longer_than_that_of_any_client_is_refused() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let lines = |count: usize| format!("X-A: {}\r\n", "a".repeat(3_000)).repeat(count);
    for (address, path) in [(&server.ecs, "/longshore/v1/health"), (&server.mesos, "/health")] {
        let status = |count: usize| {
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: localhost\r\n{}Connection: close\r\n\r\n",
                lines(count)
            );
            http::raw(address, request.as_bytes()).map(|reply| reply.status).ok()
        };
        assert_eq!(status(10), Some(200));
        // The connection may be closed before the answer is read.
        assert!(matches!(status(90), Some(431) | None));
    }
}
