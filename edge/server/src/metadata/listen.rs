//! Where the endpoint listens, and what it stores so that containers find it again after a restart.
//!
//! It listens only where needed: on loopback once an instance runs processes or Docker containers,
//! and on this machine's address in Docker's own network once an instance runs Docker containers.
//! Simulated instances need neither.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use longshore_agent::files::Folder;
use longshore_agent::process::Key;
use longshore_wire_ecs::Str;
use tokio::task::JoinSet;

use super::book::KEY_BYTES;
use super::{Metadata, front};
use crate::door::{BindError, Callers, Front, Listener, Port, Rules, bind, serve};
use crate::instance::RuntimeChoice;

/// The address of the endpoint on ECS, and the only one besides loopback from which SDKs accept
/// credentials. Source: ECS developer guide, *Task metadata endpoint*.
const ON_ECS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)), 80);

/// The file with port and key.
const FILE: &str = "metadata";

/// Maximum size of that file, in bytes. Chosen by us: more than a port and a key.
const FILE_BYTES_MAX: usize = 256;

/// An address at which containers reach the endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// `http://HOST:PORT`.
    pub(super) base: Str,
    /// Whether this is the address that SDKs use for a relative path.
    pub(super) is_on_ecs: bool,
}

impl Metadata {
    /// Listens on the addresses that a runtime's containers need.
    ///
    /// # Errors
    /// Why this failed, for people. If only containers in Docker's own network cannot reach it,
    /// that is a warning.
    pub(crate) async fn open(
        &self,
        runtime: RuntimeChoice,
        tasks: &mut JoinSet<()>,
    ) -> Result<(), String> {
        let (has_loopback, has_bridge) = {
            let book = self.book();
            (book.loopback.is_some(), book.bridge.is_some())
        };
        if runtime != RuntimeChoice::Simulated && !has_loopback {
            let listener = self.listen_on_loopback().await?;
            self.book().loopback = Some(self.serve(listener, tasks));
        }
        if runtime == RuntimeChoice::Docker && !has_bridge {
            match self.listen_on_bridge().await {
                Ok(listener) => {
                    let address = self.serve(listener, tasks);
                    self.book().bridge = Some(address);
                }
                // Each instance tries again, but one warning is enough.
                Err(why) if self.book().complains_of_bridge(&why) => {
                    tracing::warn!(
                        why,
                        "containers on Docker's bridge network cannot reach the task metadata endpoint"
                    );
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn serve(&self, listener: Listener, tasks: &mut JoinSet<()>) -> Address {
        let at = listener.address();
        let front = Front { router: front::router(self.clone()), refusal: front::refusal };
        tasks.spawn(serve(listener, front, self.shared.closed.clone()));
        let is_on_ecs = at == ON_ECS;
        let base = if is_on_ecs { format!("http://{}", at.ip()) } else { format!("http://{at}") };
        Address { base: base.into(), is_on_ecs }
    }

    async fn listen_on_loopback(&self) -> Result<Listener, String> {
        let kept = read(&self.shared.root);
        let given = self.shared.provisions.port;
        let wanted = given.or(kept.as_ref().map(|kept| kept.port)).unwrap_or(0);
        let at = |port| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        let listener = match listen(Port::Metadata, at(wanted)).await {
            Err(error) if given.is_none() && wanted != 0 => {
                tracing::warn!(%error, "existing containers cannot reach the task metadata endpoint");
                listen(Port::Metadata, at(0)).await
            }
            other => other,
        };
        let listener = listener.map_err(|error| error.to_string())?;
        let key = kept.map_or_else(|| *Key::random().bytes(), |kept| kept.key);
        self.book().set_key(key);
        let kept = Kept { port: listener.address().port(), key };
        if let Err(error) = write(&self.shared.root, &kept) {
            let root = self.shared.root.path().display();
            tracing::warn!(%root, %error, "containers will not be able to reach the task metadata endpoint after a restart");
        }
        Ok(listener)
    }

    /// Uses the address from ECS if it is configured on this machine, otherwise the one in Docker's
    /// network.
    ///
    /// # Errors
    /// Why this failed, for people.
    async fn listen_on_bridge(&self) -> Result<Listener, String> {
        if self.shared.provisions.credentials.is_some()
            && let Ok(listener) = listen(Port::DockerMetadata, ON_ECS).await
        {
            return Ok(listener);
        }
        let gateway = longshore_agent::docker::gateway().await?;
        let gateway = IpAddr::V4(gateway.ok_or("Docker has no network bridge")?);
        let port = read(&self.shared.root).map_or(0, |kept| kept.port);
        let mut bound = listen(Port::DockerMetadata, SocketAddr::new(gateway, port)).await;
        if bound.is_err() {
            bound = listen(Port::DockerMetadata, SocketAddr::new(gateway, 0)).await;
        }
        bound.map_err(|error| error.to_string())
    }
}

/// Callers use the given address with an unguessable path; host names are not needed.
async fn listen(port: Port, address: SocketAddr) -> Result<Listener, BindError> {
    bind(port, address, Callers::Told, &Rules::default()).await
}

/// The stored port and key.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kept {
    port: u16,
    key: [u8; KEY_BYTES],
}

/// Reads the stored values: a port, a space and the key in hexadecimal digits.
fn read(root: &Folder) -> Option<Kept> {
    let text = root.read(FILE, FILE_BYTES_MAX).ok()?;
    parse(std::str::from_utf8(&text).ok()?)
}

fn parse(text: &str) -> Option<Kept> {
    let (port, digits) = text.trim_end().split_once(' ')?;
    let mut key = [0; KEY_BYTES];
    if digits.len() != 2 * KEY_BYTES || !digits.is_ascii() {
        return None;
    }
    for (index, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(Kept { port: port.parse().ok()?, key })
}

fn text(kept: &Kept) -> String {
    let digits: String = kept.key.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} {digits}\n", kept.port)
}

fn write(root: &Folder, kept: &Kept) -> std::io::Result<()> {
    root.write(FILE, text(kept).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back_and_nothing_else_is() {
        let mut key = [0xa5; KEY_BYTES];
        key[1] = 7;
        let kept = Kept { port: 4_711, key };
        assert!(parse(&text(&kept)) == Some(kept));
        for bad in ["", "4711", "4711 00", "x 00", &format!("70000 {}", "00".repeat(KEY_BYTES))] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
