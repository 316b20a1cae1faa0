//! Listening, with bounds on connections and on how long they may be idle.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::limits;

/// A port cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on {address} ({what}): {source}. Stop what uses it, or choose another with {flag}"
)]
pub struct BindError {
    address: SocketAddr,
    what: &'static str,
    flag: &'static str,
    source: std::io::Error,
}

/// Listens on an address; port 0 takes a free one.
///
/// # Errors
/// Names the address, what it is for, and the flag that changes it.
pub async fn bind(
    address: SocketAddr,
    what: &'static str,
    flag: &'static str,
) -> Result<Listener, BindError> {
    let inner = TcpListener::bind(address).await.map_err(|source| BindError {
        address,
        what,
        flag,
        source,
    })?;
    let address = inner.local_addr().unwrap_or(address);
    Ok(Listener { inner, address, permits: Arc::new(Semaphore::new(limits::CONNECTIONS_MAX)) })
}

/// Accepts so many connections at a time; the rest wait in the kernel's queue.
#[derive(Debug)]
pub struct Listener {
    inner: TcpListener,
    address: SocketAddr,
    permits: Arc<Semaphore>,
}

impl Listener {
    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Serves HTTP/1.1 until `closed` says so. Connections that are idle, or send their request too slowly, are closed.
pub(crate) async fn serve(listener: Listener, router: Router, mut closed: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits::REQUEST_HEAD_WAIT);
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // An error means that the program is ending, which is what is waited for.
            _ = closed.wait_for(|closing| *closing) => break,
        };
        let Some((stream, permit)) = accepted else { continue };
        let service = TowerToHyperService::new(router.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let mut closed = closed.clone();
        connections.spawn(async move {
            let _permit = permit;
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                // What went wrong with a connection is its client's to know.
                _ = connection.as_mut() => return,
                _ = closed.wait_for(|closing| *closing) => {}
            }
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(limits::LAST_ANSWERS, connection).await;
        });
    }
    connections.join_all().await;
}

impl Listener {
    /// The next connection; `None` when it could not be had.
    async fn accept(&self) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let permit = self.permits.clone().acquire_owned().await.ok()?;
        match self.inner.accept().await {
            Ok((stream, _)) => {
                // Small answers should not wait for more to say; a stream without the option still works.
                let _ = stream.set_nodelay(true);
                Some((stream, permit))
            }
            Err(error) => {
                // Out of files, most likely: connections that end give some back.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                None
            }
        }
    }
}
