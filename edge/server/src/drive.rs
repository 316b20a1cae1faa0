//! The loop around a machine: take inputs, step, perform outputs.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use longshore_machine::Machine;
use tokio::sync::mpsc;

use crate::clock::{follow_wall, now};
use crate::limits;

/// Performs a machine's outputs.
pub trait Host<M: Machine>: Send {
    /// A failure that stops the machine.
    type Error: Send;

    /// Performs and drains `out`.
    fn perform(
        &mut self,
        out: &mut Vec<M::Output>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Observes the inputs and outputs of a machine, for metrics and logs. It changes nothing.
pub trait Watch<M: Machine>: Send {
    /// `inputs` are about to be taken together, and `waiting` more are queued.
    fn taking(&mut self, _inputs: usize, _waiting: usize) {}

    /// An input is about to be taken.
    fn input(&mut self, _input: &M::Input) {}

    /// These outputs are about to be performed.
    fn outputs(&mut self, _outputs: &[M::Output]) {}

    /// One step took this long.
    fn stepped(&mut self, _took: Duration) {}
}

/// Observes nothing.
impl<M: Machine> Watch<M> for () {}

/// Runs a machine until all senders of its inbox are dropped, or its host fails.
///
/// Inputs that are already waiting are taken together, so that their outputs are performed
/// together. With a long queue, the first outputs are performed before the remaining inputs are
/// taken.
///
/// # Errors
/// The failure of the host.
pub async fn drive<M, H, W>(
    mut machine: M,
    host: &mut H,
    watch: &mut W,
    mut inbox: mpsc::Receiver<M::Input>,
) -> Result<M, H::Error>
where
    W: Watch<M>,
    M: Machine + Send,
    M::Input: Send,
    M::Output: Send,
    H: Host<M>,
{
    let mut inputs = Vec::with_capacity(limits::GROUP_INPUTS_MAX);
    let mut out = Vec::new();
    loop {
        follow_wall();
        let wake = machine.wake_at().map(|at| Duration::from_millis(at.since(now())));
        // A wait does not progress while the computer is suspended, so the clock is checked again.
        let wake = wake.map(|wake| wake.min(limits::WAIT_MAX));
        tokio::select! {
            taken = inbox.recv_many(&mut inputs, limits::GROUP_INPUTS_MAX) => {
                if taken == 0 {
                    return Ok(machine);
                }
                watch.taking(taken, inbox.len());
                let (at, mut since) = (now(), Instant::now());
                for input in inputs.drain(..) {
                    if out.len() >= limits::GROUP_OUTPUTS_MAX {
                        watch.outputs(&out);
                        host.perform(&mut out).await?;
                        since = Instant::now();
                    }
                    watch.input(&input);
                    machine.step(at, input, &mut out);
                    // The end of one step is the start of the next.
                    let done = Instant::now();
                    watch.stepped(done.duration_since(since));
                    since = done;
                }
            }
            () = sleep(wake) => machine.tick(now(), &mut out),
        }
        // Time must pass even for a machine that is never idle.
        if machine.wake_at().is_some_and(|at| at <= now()) {
            machine.tick(now(), &mut out);
        }
        watch.outputs(&out);
        host.perform(&mut out).await?;
    }
}

async fn sleep(wake: Option<Duration>) {
    match wake {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// A seed for ids, from the randomness that the operating system gave the process.
pub fn seed() -> u128 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let half = || u128::from(RandomState::new().hash_one((time, std::process::id())));
    (half() << 64) | half()
}
