//! Listening, with bounds on connections and on how long they may be idle.

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

/// What a port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// The ECS API, with EventBridge, SQS and what is below `/longshore`.
    Ecs,
    /// The Mesos master API.
    Mesos,
    /// The task metadata endpoint, for processes and containers of the host's network.
    Metadata,
    /// The same, for containers of Docker's own network.
    DockerMetadata,
}

impl Port {
    /// What it is for, the flag that moves it, and what makes its callers prove who they are.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Ecs => ("the ECS API", "--ecs-listen", "--access-keys-file FILE"),
            Self::Mesos => ("the Mesos master API", "--mesos-listen", "--mesos-credentials FILE"),
            Self::Metadata => ("the task metadata endpoint", "--metadata-port", ""),
            Self::DockerMetadata => {
                ("the task metadata endpoint for Docker", "--metadata-port", "")
            }
        }
    }
}

/// A port cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The system refuses.
    #[error(
        "cannot listen on {address} ({what}): {cause}. Stop the program that uses it, or choose another with {flag}"
    )]
    Taken {
        /// Where.
        address: SocketAddr,
        /// What for.
        what: &'static str,
        /// What changes it.
        flag: &'static str,
        /// The system's word. Not named `source`, which whoever prints the chain of causes would say once more.
        cause: std::io::Error,
    },
    /// Other machines could call it, and nothing would tell who they are.
    #[error(
        "{what} on {address} would let anyone who can reach it run programs here. Choose a loopback address with {flag}, \
         authenticate callers with {remedy}, or pass --insecure"
    )]
    Exposed {
        /// Where.
        address: SocketAddr,
        /// What for.
        what: &'static str,
        /// What changes it.
        flag: &'static str,
        /// What would guard it.
        remedy: &'static str,
    },
}

/// Listens on an address; port 0 takes a free one.
///
/// # Errors
/// Names the address, what it is for, and the flag that changes it.
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

#[expect(clippy::disallowed_methods, reason = "the one place that opens a port, with its guard")]
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A port that was ours a moment ago is ours again; one that is listened on is still refused.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(limits::CONNECTIONS_WAITING_MAX)
}

/// A port that is listened on, and who looks at what arrives.
#[derive(Debug)]
pub struct Listener {
    inner: TcpListener,
    address: SocketAddr,
    guard: Arc<Guard>,
    seats: Arc<Seats>,
}

impl Listener {
    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection; `None` when it could not be had.
    async fn accept(&self) -> Option<(TcpStream, Taken)> {
        match self.inner.accept().await {
            Ok((stream, peer)) => {
                // Small answers should not wait for more to say; a stream without the option still works.
                let _ = stream.set_nodelay(true);
                let Some(taken) = self.seats.take(peer.ip()).await else {
                    turned_away(peer.ip());
                    return None;
                };
                Some((stream, taken))
            }
            Err(error) => {
                // Out of files, most likely: connections that end give some back.
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

/// What answers on a port.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    /// What is reached through the guard.
    pub(crate) router: Router,
    /// How it says no for the guard.
    pub(crate) refusal: Refusal,
}

/// Serves HTTP/1.1 until `closed` says so. Connections that are idle, or send their request too slowly, are closed.
pub(crate) async fn serve(listener: Listener, front: Front, mut closed: watch::Receiver<bool>) {
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
            // An error means that the program is ending, which is what is waited for.
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
                // What went wrong with a connection is its client's to know.
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

/// Answers a request, if the guard lets it pass.
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

/// A body that tells whose turn it is: once a request is whole it is ours, once an answer is given away it is the peer's.
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
