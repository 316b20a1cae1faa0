//! Listens on ports, with limits on connections and on their idle time.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::{Request, Response};
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::guard::{self, Guard, Refusal};
use super::seats::{Bounds, Seat, Seats, Taken};
use super::{Callers, Rules, headers};
use crate::limits;
use crate::notes::Notes;
use crate::progress::Progress;

/// The purpose of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// The ECS API, with EventBridge, SQS and the endpoints below `/longshore`.
    Ecs,
    /// The Mesos master API.
    Mesos,
    /// The task metadata endpoint, for processes and containers in the host's network.
    Metadata,
    /// The same, for containers in Docker's own network.
    DockerMetadata,
    /// What an instance tells about its tasks, as a Mesos agent does.
    Agent,
    /// Marathon's API.
    Marathon,
    /// Chronos's API.
    Chronos,
    /// The API of Blox's daemon scheduler.
    Blox,
    /// The API of Blox's cluster state service.
    ClusterState,
}

impl Port {
    /// The purpose, the flag that changes the address, and what would authenticate callers.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Ecs => ("the ECS API", "--ecs-listen", "--access-keys-file FILE"),
            Self::Mesos => ("the Mesos master API", "--mesos-listen", "--mesos-credentials FILE"),
            Self::Agent => ("a Mesos agent's API", "--agent-port", "--mesos-credentials FILE"),
            Self::Marathon => ("Marathon's API", "--marathon-listen", "--credentials FILE"),
            Self::Chronos => ("Chronos's API", "--chronos-listen", "--credentials FILE"),
            Self::Blox => ("Blox's scheduler API", "--blox-listen", ""),
            Self::ClusterState => ("Blox's cluster state API", "--cluster-state-listen", ""),
            Self::Metadata => ("the task metadata endpoint", "--metadata-port", ""),
            Self::DockerMetadata => {
                ("the task metadata endpoint for Docker", "--metadata-port", "")
            }
        }
    }
}

/// Why a port cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The system does not allow it.
    #[error(
        "cannot listen on {address} ({what}): {cause}. Stop the program that uses it, or choose another with {flag}"
    )]
    Taken {
        /// The address.
        address: SocketAddr,
        /// The purpose.
        what: &'static str,
        /// The flag that changes it.
        flag: &'static str,
        /// The system's error. Not named `source`, since it would then be printed twice in a chain
        /// of causes.
        cause: std::io::Error,
    },
    /// Other machines could call it without authentication.
    #[error(
        "{what} on {address} would let anyone who can reach it run programs here. Choose a loopback address with {flag}, \
         {}or pass --insecure",
        authenticating(remedy)
    )]
    Exposed {
        /// The address.
        address: SocketAddr,
        /// The purpose.
        what: &'static str,
        /// The flag that changes it.
        flag: &'static str,
        /// What would protect it.
        remedy: &'static str,
    },
}

/// What the sentence of [`BindError::Exposed`] says of authentication, where there is any.
fn authenticating(remedy: &str) -> String {
    if remedy.is_empty() { String::new() } else { format!("authenticate callers with {remedy}, ") }
}

/// Listens on an address; port 0 picks a free port.
///
/// # Errors
/// Names the address, its purpose, and the flag that changes it.
pub async fn bind(
    port: Port,
    address: SocketAddr,
    callers: Callers,
    rules: &Rules,
) -> Result<Listener, BindError> {
    let (what, flag, remedy) = port.words();
    if callers == Callers::Anybody && !address.ip().to_canonical().is_loopback() {
        if !rules.insecure {
            return Err(BindError::Exposed { address, what, flag, remedy });
        }
        tracing::warn!("{what} on {address} is open to anyone who can reach it (--insecure)");
    }
    let inner = listen(address);
    let inner = inner.map_err(|cause| BindError::Taken { address, what, flag, cause })?;
    let address = inner.local_addr().unwrap_or(address);
    let bounds = Bounds { all: limits::CONNECTIONS_MAX, of_peer: limits::CONNECTIONS_OF_PEER_MAX };
    let guard = Arc::new(Guard::new(address, callers, rules.clone()));
    Ok(Listener { inner, address, guard, seats: Seats::new(bounds) })
}

#[expect(clippy::disallowed_methods, reason = "the only place that opens a port, with its guard")]
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Allows reuse of a port that we just closed; one that is in use is still refused.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(limits::CONNECTIONS_WAITING_MAX)
}

/// A listening port, with its guard.
#[derive(Debug)]
pub struct Listener {
    inner: TcpListener,
    address: SocketAddr,
    guard: Arc<Guard>,
    seats: Arc<Seats>,
}

impl Listener {
    /// The listen address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts the next connection; `None` if that failed.
    async fn accept(&self) -> Option<(TcpStream, Taken)> {
        match self.inner.accept().await {
            Ok((stream, peer)) => {
                // Avoids delays of small responses; it also works without the option.
                let _ = stream.set_nodelay(true);
                let Some(taken) = self.seats.take(peer.ip()).await else {
                    turned_away(peer.ip());
                    return None;
                };
                Some((stream, taken))
            }
            Err(error) => {
                // Most likely out of file descriptors: closing connections frees some.
                tracing::warn!(%error, "cannot accept a connection");
                self.seats.give_back();
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                None
            }
        }
    }
}

fn turned_away(peer: IpAddr) {
    let max = limits::CONNECTIONS_OF_PEER_MAX;
    tracing::debug!(%peer, "closing a connection: {max} requests from its address are already in progress");
}

/// The front end of a port.
#[derive(Clone, Debug)]
pub struct Front {
    /// Handles requests that pass the guard.
    pub router: Router,
    /// Formats rejections of the guard.
    pub refusal: Refusal,
}

/// Serves HTTP/1.1 until `closed` is set. Connections that are idle, or send their request too
/// slowly, are closed.
pub async fn serve(listener: Listener, front: Front, mut closed: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits::REQUEST_HEAD_WAIT)
        .max_buf_size(limits::REQUEST_HEAD_BYTES_MAX);
    let front = Arc::new(front);
    let notes = Arc::<Notes>::default();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // An error means that the program is ending, which has the same effect.
            _ = closed.wait_for(|closing| *closing) => break,
        };
        let Some((stream, taken)) = accepted else { continue };
        let (guard, front, seat) = (listener.guard.clone(), front.clone(), taken.seat.clone());
        let service = service_fn(move |request| {
            let (guard, front, seat) = (guard.clone(), front.clone(), seat.clone());
            async move { Ok::<_, Infallible>(answer(&guard, &front, seat, request).await) }
        });
        let stream = Progress::new(stream, limits::STALL_MAX, notes.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let mut closed = closed.clone();
        connections.spawn(async move {
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                // Connection errors concern only the client.
                _ = connection.as_mut() => return,
                () = taken.seat.left() => return,
                _ = closed.wait_for(|closing| *closing) => {}
            }
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(limits::LAST_ANSWERS, connection).await;
        });
    }
    connections.join_all().await;
}

/// Answers a request, if it passes the guard.
async fn answer(
    guard: &Guard,
    front: &Front,
    seat: Arc<Seat>,
    request: Request<Incoming>,
) -> Response<Watched<Body>> {
    seat.is_peers_turn();
    let mut request = request.map(|body| Watched::request(body, seat.clone()));
    let (mut response, reader) = match guard.check(&mut request) {
        Ok(Some(page)) if guard::is_preflight(&request) => (headers::preflight(), Some(page)),
        Ok(page) => {
            let service = TowerToHyperService::new(front.router.clone());
            let Ok(response) = service.call(request).await;
            (response, page)
        }
        Err(refused) => {
            tracing::debug!(why = refused.why, "refused");
            let refusal = front.refusal;
            (refusal(request.uri(), request.headers(), refused.status, &refused.why), None)
        }
    };
    headers::complete(&mut response, reader);
    response.map(|body| Watched::answer(body, seat))
}

/// A body that tracks whose turn it is: after a complete request it is ours, after a complete
/// response the peer's.
struct Watched<B> {
    inner: B,
    seat: Arc<Seat>,
    is_answer: bool,
}

impl<B: HttpBody> Watched<B> {
    fn request(inner: B, seat: Arc<Seat>) -> Self {
        if inner.is_end_stream() {
            seat.is_our_turn();
        }
        Self { inner, seat, is_answer: false }
    }

    fn answer(inner: B, seat: Arc<Seat>) -> Self {
        Self { inner, seat, is_answer: true }
    }
}

impl<B> Drop for Watched<B> {
    fn drop(&mut self) {
        if self.is_answer {
            self.seat.is_peers_turn();
        }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Watched<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        let is_over = matches!(polled, Poll::Ready(None))
            || (polled.is_ready() && self.inner.is_end_stream());
        if is_over && !self.is_answer {
            self.seat.is_our_turn();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
