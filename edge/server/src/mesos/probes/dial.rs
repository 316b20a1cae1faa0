//! One probe: a connection, and over it a GET.
//!
//! A request names the task as an agent of Mesos would, by its own port on the loopback address. Redirects are followed only to the same
//! port; to anywhere else the redirect is the answer, since a task must not make us dial what is not its own. The body is not read.
//!
//! Source: Mesos, `checker_process.cpp`: `curl -s -S -L -k -g`.

use std::io::{Error, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, HOST, LOCATION, USER_AGENT};
use hyper::http::uri::PathAndQuery;
use hyper::rt::{Read, Write};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use longshore_bridge::{Means, Probe, Probed};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::Dialler;
use super::names::Names;
use super::tls::Tls;
use crate::limits::{
    PROBE_ADDRESSES_MAX, PROBE_CONNECT_MAX, PROBE_HEAD_BYTES_MAX, PROBE_REDIRECTS_MAX,
};

/// The network.
#[derive(Clone)]
pub(in crate::mesos) struct Network {
    tls: Tls,
    names: Names,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    tls: bool,
    path: String,
}

impl Dialler for Network {
    async fn dial(&self, probe: Probe) -> Probed {
        let may_take = Duration::from_millis(probe.timeout_ms);
        let end = Instant::now() + may_take;
        let connect_within = may_take.min(PROBE_CONNECT_MAX);
        let (stream, address) = match timeout(connect_within, self.connect(&probe)).await {
            Ok(Ok(connected)) => connected,
            Ok(Err(probed)) => return probed,
            Err(_) => {
                let waited = connect_within.as_millis();
                return Probed::Unreached(format!(
                    "{}:{} did not take a connection within {waited} ms",
                    probe.host, probe.port
                ));
            }
        };
        let Means::Http { tls, path } = &probe.means else { return Probed::Connected };
        let target = Target { tls: *tls, path: path.to_string() };
        let answer = timeout_at(end, self.ask(&probe, stream, address, target)).await;
        answer.unwrap_or(Probed::TimedOut)
    }
}

impl Network {
    pub(in crate::mesos) fn new() -> Self {
        Self { tls: Tls::new(), names: Names::default() }
    }

    /// Dials the first address that takes a connection.
    async fn connect(&self, probe: &Probe) -> Result<(TcpStream, SocketAddr), Probed> {
        let found = match probe.host.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, probe.port)],
            Err(_) => self.names.find(&probe.host, probe.port).await.map_err(|error| {
                Probed::Unreached(format!("no address for {}: {error}", probe.host))
            })?,
        };
        let usable = found.into_iter().filter(|address| !probe.ipv6 || address.is_ipv6());
        let mut last =
            Probed::Unreached(format!("{} has no address of the right kind", probe.host));
        for address in usable.take(PROBE_ADDRESSES_MAX) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok((stream, address)),
                Err(error) => last = refused(&error),
            }
        }
        Err(last)
    }

    async fn ask(
        &self,
        probe: &Probe,
        mut stream: TcpStream,
        address: SocketAddr,
        mut target: Target,
    ) -> Probed {
        for _ in 0..=PROBE_REDIRECTS_MAX {
            let answer = self.get(probe, stream, address.ip(), &target).await;
            let (status, location) = match answer {
                Ok(answer) => answer,
                Err(why) => return Probed::Failed(why),
            };
            let next = location.filter(|_| is_redirect(status));
            let Some(next) = next.and_then(|to| follow(probe, address, &target, &to)) else {
                return Probed::Status(status.as_u16());
            };
            target = next;
            stream = match TcpStream::connect(address).await {
                Ok(stream) => stream,
                Err(error) => return refused(&error),
            };
        }
        Probed::Failed(format!("more than {PROBE_REDIRECTS_MAX} redirects"))
    }

    /// Status and location of an answer.
    async fn get(
        &self,
        probe: &Probe,
        stream: TcpStream,
        host: IpAddr,
        target: &Target,
    ) -> Result<(StatusCode, Option<String>), String> {
        if target.tls {
            let stream = self.tls.wrap(stream, host).await.map_err(|error| error.to_string())?;
            get(TokioIo::new(stream), probe, &target.path).await
        } else {
            get(TokioIo::new(stream), probe, &target.path).await
        }
    }
}

async fn get<S: Read + Write + Unpin>(
    stream: S,
    probe: &Probe,
    path: &str,
) -> Result<(StatusCode, Option<String>), String> {
    let host = if probe.ipv6 { "[::1]" } else { "127.0.0.1" };
    let request = Request::get(path)
        .header(HOST, format!("{host}:{}", probe.inside_port))
        .header(USER_AGENT, "longshore")
        .header(ACCEPT, "*/*")
        .header(CONNECTION, "close")
        .body(Body::empty())
        .map_err(|error| error.to_string())?;
    let mut builder = http1::Builder::new();
    builder.max_buf_size(PROBE_HEAD_BYTES_MAX);
    let (mut sender, connection) =
        builder.handshake(stream).await.map_err(|error| error.to_string())?;
    let answered = sender.send_request(request);
    tokio::pin!(answered, connection);
    let answer = tokio::select! {
        answer = &mut answered => answer,
        // A connection that ended has answered, or will never.
        _ = &mut connection => answered.await,
    };
    let answer = answer.map_err(|error| error.to_string())?;
    let location = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
    Ok((answer.status(), location.map(str::to_owned)))
}

/// Somebody refused, or nobody was reached.
fn refused(error: &Error) -> Probed {
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => {
            Probed::Failed(error.to_string())
        }
        _ => Probed::Unreached(error.to_string()),
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// What a redirect leads to, if that is on the port that is probed.
fn follow(probe: &Probe, address: SocketAddr, from: &Target, location: &str) -> Option<Target> {
    let location = location.split('#').next().unwrap_or_default();
    let scheme = |tls: bool| if tls { "https://" } else { "http://" };
    let whole = match [false, true].into_iter().find(|tls| starts_with(location, scheme(*tls))) {
        Some(tls) => Some((tls, &location[scheme(tls).len()..])),
        None => location.strip_prefix("//").map(|rest| (from.tls, rest)),
    };
    let target = if let Some((tls, rest)) = whole {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if !is_same_place(probe, address, tls, authority) {
            return None;
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        Target { tls, path: format!("{slash}{path}") }
    } else {
        let path = from.path.split('?').next().unwrap_or_default();
        let path = match location.chars().next()? {
            '/' => location.to_owned(),
            '?' => format!("{path}{location}"),
            _ => format!("{}/{location}", path.rsplit_once('/').map_or("", |(folder, _)| folder)),
        };
        Target { tls: from.tls, path }
    };
    PathAndQuery::try_from(target.path.as_str()).is_ok().then_some(target)
}

fn starts_with(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// Whether host and port are what is probed, by one of the names that a task knows itself by.
fn is_same_place(probe: &Probe, address: SocketAddr, tls: bool, authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse::<u16>().ok()),
        _ => (authority, Some(if tls { 443 } else { 80 })),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_host = ["127.0.0.1", "::1", "localhost", &*probe.host]
        .iter()
        .any(|name| host.eq_ignore_ascii_case(name))
        || host.parse() == Ok(address.ip());
    is_host && port.is_some_and(|port| port == probe.inside_port || port == probe.port)
}

#[cfg(test)]
mod tests;
