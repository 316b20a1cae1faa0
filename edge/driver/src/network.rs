//! What a driver's machine asks of the network, performed.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use longshore_driver_machine::{Answer, Attempt, Detection, Ending, Input, Output};
use longshore_server::clock::follow_wall;
use longshore_wire_mesos::v1::scheduler::{Call, Event};
use tokio::task::{AbortHandle, JoinSet};

use crate::shell::Shared;

/// A wait does not progress while the computer is suspended, so the clock is looked at again after this time.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// How long to wait for what was said last to be done. Source: chosen by us: ECS takes ten `StopTask` a second.
const ENDS: Duration = Duration::from_secs(30);

/// How a master is reached.
pub(crate) trait Transport: Send + Sync + 'static {
    /// What a subscription gives.
    type Events: Events;

    /// Says who leads, now and whenever that changes.
    fn detect(&self, tell: impl Fn(Detection) + Send + Sync) -> impl Future<Output = ()> + Send;

    /// Makes a SUBSCRIBE: the id of the stream, if there is one, and the events.
    fn subscribe(
        &self,
        address: String,
        call: Call,
    ) -> impl Future<Output = Result<(Option<String>, Self::Events), Ending>> + Send;

    /// Waits until what was said is done, as far as that is up to this process.
    fn ends(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Makes any other call.
    fn send(
        &self,
        address: String,
        stream_id: Option<String>,
        call: Arc<Call>,
    ) -> impl Future<Output = Answer> + Send;
}

/// The events of a subscription.
pub(crate) trait Events: Send {
    /// The next one; `None` when the master has ended the stream.
    ///
    /// # Errors
    /// How the stream broke.
    fn next(&mut self) -> impl Future<Output = Result<Option<Box<Event>>, String>> + Send;
}

/// Performs what is asked for until the driver has finished.
pub(crate) fn run<T: Transport>(shared: &Arc<Shared>, transport: T) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("longshore-network")
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            runtime.block_on(serve(shared, Arc::new(transport)));
            // A look-up that hangs holds nobody up.
            runtime.shutdown_background();
        }
        Err(why) => {
            let text = format!("cannot start the network of the driver: {why}");
            shared.input(Input::Detected(Detection::Failed(text)));
        }
    }
    shared.network_ended();
}

async fn serve<T: Transport>(shared: &Arc<Shared>, transport: Arc<T>) {
    let mut tasks = JoinSet::new();
    let mut streams: BTreeMap<Attempt, AbortHandle> = BTreeMap::new();
    loop {
        follow_wall();
        let (asked, wake) = shared.take();
        for output in asked {
            let (shared, transport) = (shared.clone(), transport.clone());
            match output {
                Output::Detect => {
                    tasks.spawn(detect(shared, transport));
                }
                Output::Subscribe { attempt, address, call } => {
                    let task = tasks.spawn(subscribe(shared, transport, attempt, address, *call));
                    streams.retain(|_, task| !task.is_finished());
                    streams.insert(attempt, task);
                }
                Output::HangUp(attempt) => {
                    if let Some(task) = streams.remove(&attempt) {
                        task.abort();
                    }
                }
                Output::Send { number, address, stream_id, call } => {
                    tasks.spawn(async move {
                        let answer = transport.send(address, stream_id, call).await;
                        shared.input(Input::Answered(number, answer));
                    });
                }
                Output::Finished => {
                    // Streams end, which a master inside this process has to notice before it ends itself.
                    tasks.shutdown().await;
                    if tokio::time::timeout(ENDS, transport.ends()).await.is_err() {
                        tracing::warn!(target: "longshore_driver", "ended before ECS was told everything");
                    }
                    return;
                }
                Output::CallBack | Output::Note(_) => {}
            }
        }
        while tasks.try_join_next().is_some() {}
        let wait = wake.unwrap_or(WAIT_MAX).min(WAIT_MAX);
        tokio::select! {
            () = shared.asked.notified() => {}
            () = tokio::time::sleep(wait) => shared.tick(),
        }
    }
}

async fn detect<T: Transport>(shared: Arc<Shared>, transport: Arc<T>) {
    transport.detect(|detection| shared.input(Input::Detected(detection))).await;
}

async fn subscribe<T: Transport>(
    shared: Arc<Shared>,
    transport: Arc<T>,
    attempt: Attempt,
    address: String,
    call: Call,
) {
    let ending = match transport.subscribe(address, call).await {
        Ok((stream_id, events)) => {
            shared.input(Input::Opened(attempt, stream_id));
            read(&shared, attempt, events).await
        }
        Err(ending) => ending,
    };
    shared.input(Input::Ended(attempt, ending));
}

/// Reads events as fast as the scheduler takes them.
async fn read(shared: &Shared, attempt: Attempt, mut events: impl Events) -> Ending {
    loop {
        // Whoever is notified in between has left a permit.
        while shared.is_behind() {
            shared.returned.notified().await;
        }
        match events.next().await {
            Ok(Some(event)) => shared.input(Input::Heard(attempt, event)),
            Ok(None) => return Ending::Broken("the master ended the stream".to_owned()),
            Err(why) => return Ending::Broken(why),
        }
    }
}
