//! Turns a body into a validated call: at once if it is small, on a separate thread if it is large.

use std::sync::Arc;

use axum::body::Body;
use longshore_bridge::{ValidCall, check};
use longshore_wire_mesos::Media;
use longshore_wire_mesos::v1::scheduler::Call;
use longshore_wire_mesos::v1::scheduler::call::Type;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::bodies::{Bodies, NoBody, Whole};
use crate::limits;

const CALL: &str = "mesos.v1.scheduler.Call";

/// A call, with the space that it occupies until the bridge has answered it, whether or not the
/// caller still waits.
pub(super) struct Read {
    pub(super) call: ValidCall,
    pub(super) kind: Type,
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// Why there is no call: the status, and the text.
pub(super) type Refused = (u16, String);

/// Reads calls.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    bodies: Bodies,
    decoding: Arc<Semaphore>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            bodies: Bodies::new(limits::BODIES_BYTES_MAX),
            decoding: Arc::new(Semaphore::new(limits::DECODING_MAX)),
        }
    }
}

impl Reader {
    /// Reads a body of an operator's call.
    pub(super) async fn small(&self, body: Body) -> Result<Vec<u8>, Refused> {
        let body = self.bodies.read(body, limits::OPERATOR_CALL_BYTES_MAX).await;
        body.map(|whole| whole.bytes).map_err(|no_body| match no_body {
            NoBody::TooLarge => {
                let most = limits::OPERATOR_CALL_BYTES_MAX;
                (413, format!("The request has more than {most} bytes"))
            }
            NoBody::Broken => (413, "The request did not arrive completely and in time".to_owned()),
        })
    }

    /// Reads one call. `principal` is who the caller proved to be, where callers must prove it.
    pub(super) async fn read(
        &self,
        media: Media,
        body: Body,
        principal: Option<String>,
    ) -> Result<Read, Refused> {
        let body = self.bodies.read(body, limits::CALL_BYTES_MAX).await;
        let body = body.map_err(|no_body| match no_body {
            NoBody::TooLarge => {
                (413, format!("The call has more than {} bytes", limits::CALL_BYTES_MAX))
            }
            NoBody::Broken => (413, "The call did not arrive completely and in time".to_owned()),
        })?;
        if !body.is_large() {
            return decode(media, body, principal.as_deref());
        }
        let ending = || (503, "The master is shutting down".to_owned());
        let turn = self.decoding.clone().acquire_owned().await.map_err(|_| ending())?;
        let decoded = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            decode(media, body, principal.as_deref())
        });
        decoded.await.unwrap_or_else(|_| Err(ending()))
    }
}

fn decode(media: Media, body: Whole, principal: Option<&str>) -> Result<Read, Refused> {
    let Whole { bytes, room } = body;
    let call: Call = media.decode(CALL, &bytes).map_err(|why| (400, why.to_string()))?;
    drop(bytes);
    let kind = call.r#type();
    let call = check(call, principal).map_err(|why| (400, why))?;
    Ok(Read { call, kind, room })
}
