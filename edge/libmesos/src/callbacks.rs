//! The scheduler of a Java driver.

use std::cell::Cell;
use std::time::{Duration, Instant};

use jni::errors::{Error, Result};
use jni::objects::{JObject, JValue};
use jni::refs::Weak;
use jni::signature::RuntimeMethodSignature;
use jni::strings::JNIString;
use jni::{Env, JavaVM, jni_sig, jni_str};
use longshore_driver::v1::{
    AgentId, ExecutorId, FrameworkId, MasterInfo, Offer, OfferId, TaskState, TaskStatus,
};
use longshore_driver::{Scheduler, SchedulerDriver};

use crate::{convert, entry, loader};

/// Local references that one callback may need, apart from those of its elements.
const REFERENCES: usize = 32;

/// How often to tell of tasks that went wrong. Source: chosen by us: a framework may try again as fast as it is refused.
const SAID_EVERY: Duration = Duration::from_millis(200);

/// Source: Mesos 1.5: executors say `TASK_STARTING`.
const STARTING_SINCE: (u32, u32) = (1, 5);

/// Whether a task did not end as it should.
fn is_bad(state: TaskState) -> bool {
    matches!(
        state,
        TaskState::TaskError
            | TaskState::TaskFailed
            | TaskState::TaskLost
            | TaskState::TaskDropped
            | TaskState::TaskGone
    )
}

thread_local! {
    /// Whether this thread is attached to the JVM by us.
    static ATTACHED: Cell<bool> = const { Cell::new(false) };
}

/// Calls the scheduler of a Java driver, which is held weakly.
pub(crate) struct JavaScheduler {
    vm: JavaVM,
    /// There until this is dropped.
    driver: Option<Weak<JObject<'static>>>,
    /// When a task that went wrong was told of last, and how many were not since.
    said_at: Option<Instant>,
    unsaid: u64,
}

/// An argument of a callback.
enum Argument<'a> {
    Message(&'static str, &'a dyn Encode),
    Offers(&'a [Offer]),
    Bytes(&'a [u8]),
    Number(i32),
    Text(&'a str),
}

/// A message, whichever it is.
trait Encode {
    fn java<'l>(&self, env: &mut Env<'l>, class: &str) -> Result<JObject<'l>>;
}

impl<M: longshore_wire_mesos::Message> Encode for M {
    fn java<'l>(&self, env: &mut Env<'l>, class: &str) -> Result<JObject<'l>> {
        convert::java(env, class, self)
    }
}

impl Argument<'_> {
    fn signature(&self) -> String {
        match self {
            Self::Message(class, _) => format!("Lorg/apache/mesos/Protos${class};"),
            Self::Offers(_) => "Ljava/util/List;".to_owned(),
            Self::Bytes(_) => "[B".to_owned(),
            Self::Number(_) => "I".to_owned(),
            Self::Text(_) => "Ljava/lang/String;".to_owned(),
        }
    }

    /// As an object of Java's; `None` for a number.
    fn object<'l>(&self, env: &mut Env<'l>) -> Result<Option<JObject<'l>>> {
        Ok(Some(match self {
            Self::Message(class, message) => message.java(env, class)?,
            Self::Offers(offers) => convert::java_list(env, "Offer", offers)?,
            Self::Bytes(bytes) => env.byte_array_from_slice(bytes)?.into(),
            Self::Text(text) => convert::java_text(env, text)?,
            Self::Number(_) => return Ok(None),
        }))
    }
}

impl JavaScheduler {
    pub(crate) fn new(env: &mut Env<'_>, driver: &JObject<'_>) -> Result<Self> {
        let (vm, driver) = (env.get_java_vm()?, Some(env.new_weak_ref(driver)?));
        Ok(Self { vm, driver, said_at: None, unsaid: 0 })
    }

    /// Calls a method of the scheduler, with the driver and these arguments. An exception aborts the driver.
    fn call(&self, driver: &dyn SchedulerDriver, method: &str, arguments: &[Argument<'_>]) {
        self.attach();
        let called = self.vm.attach_current_thread(|env| -> Result<()> {
            let called = env.with_local_frame(REFERENCES, |env| {
                let Some(weak) = &self.driver else { return Ok(()) };
                let Some(driver) = weak.upgrade_local(env)? else {
                    // Nobody refers to it any more.
                    return Ok(());
                };
                tell(env, &driver, method, arguments)
            });
            describe(env);
            called
        });
        if let Err(why) = called {
            if let Err(why) = is_thrown(why) {
                tracing::error!(target: "longshore_mesos", "{method}: {why}");
            }
            driver.abort();
        }
    }

    /// Whether the framework is of a time when no agent said `TASK_STARTING`. Chronos forgets a task that does, and starts it again.
    fn is_old(&self) -> bool {
        self.attach();
        let jar = self.vm.attach_current_thread(|env| Ok::<_, Error>(loader::jar(env)));
        jar.is_ok_and(|jar| jar < STARTING_SINCE)
    }

    /// Says what went wrong with a task. Frameworks count failures and drop the reason, Spark among them.
    fn says(&mut self, status: &TaskStatus) {
        if self.said_at.is_some_and(|at| at.elapsed() < SAID_EVERY) {
            self.unsaid += 1;
            return;
        }
        let (task, state) = (&status.task_id.value, status.state().as_str_name());
        let (why, unsaid) = (status.message(), std::mem::take(&mut self.unsaid));
        self.said_at = Some(Instant::now());
        if unsaid == 0 {
            tracing::warn!(target: "longshore_mesos", "task {task} is {state}: {why}");
        } else {
            tracing::warn!(target: "longshore_mesos", "task {task} is {state}: {why} (and {unsaid} before it were not told of)");
        }
    }

    /// Attaches this thread for as long as it lives, as one that the JVM does not wait for.
    fn attach(&self) {
        if ATTACHED.get() {
            return;
        }
        if entry::attach_daemon(&self.vm) {
            ATTACHED.set(true);
            let adopted = self.vm.attach_current_thread(loader::adopt);
            if let Err(why) = adopted {
                tracing::warn!(target: "longshore_mesos", "no class loader for callbacks: {why}");
            }
        }
    }
}

impl Drop for JavaScheduler {
    fn drop(&mut self) {
        // First, since it would attach the thread again.
        drop(self.driver.take());
        // The thread of callbacks drops it when it ends, and the JVM has to know that it does.
        if ATTACHED.replace(false) {
            entry::detach(&self.vm);
        }
    }
}

/// Calls a method of the scheduler of a Java driver.
fn tell(
    env: &mut Env<'_>,
    driver: &JObject<'_>,
    method: &str,
    arguments: &[Argument<'_>],
) -> Result<()> {
    let scheduler =
        env.get_field(driver, jni_str!("scheduler"), jni_sig!("Lorg/apache/mesos/Scheduler;"));
    let scheduler = scheduler?.into_object()?;
    let mut signature = "(Lorg/apache/mesos/SchedulerDriver;".to_owned();
    let mut objects = Vec::new();
    for argument in arguments {
        signature.push_str(&argument.signature());
        objects.push(argument.object(env)?);
    }
    signature.push_str(")V");
    let mut values = vec![JValue::Object(driver)];
    for (argument, object) in arguments.iter().zip(&objects) {
        values.push(match (argument, object) {
            (Argument::Number(number), _) => JValue::Int(*number),
            (_, Some(object)) => JValue::Object(object),
            (_, None) => return Err(Error::NullPtr("an argument")),
        });
    }
    let signature = RuntimeMethodSignature::from_str(&signature)?;
    let name = JNIString::from(method);
    env.call_method(&scheduler, name, signature.method_signature(), &values)?.into_void()
}

/// Tells the scheduler of a Java driver of an error, on this thread. What it throws is described.
pub(crate) fn tell_error(env: &mut Env<'_>, driver: &JObject<'_>, message: &str) {
    let told = tell(env, driver, "error", &[Argument::Text(message)]);
    describe(env);
    if let Err(why) = told.or_else(is_thrown) {
        tracing::error!(target: "longshore_mesos", "error: {why}");
    }
}

/// Describes the exception that is pending, if there is one, and clears it.
fn describe(env: &Env<'_>) {
    if env.exception_check() {
        env.exception_describe();
        env.exception_clear();
    }
}

/// An exception of Java's was described already.
fn is_thrown(why: Error) -> Result<()> {
    if matches!(why, Error::JavaException) { Ok(()) } else { Err(why) }
}

impl Scheduler for JavaScheduler {
    fn registered(&mut self, driver: &dyn SchedulerDriver, id: &FrameworkId, info: &MasterInfo) {
        let arguments =
            [Argument::Message("FrameworkID", id), Argument::Message("MasterInfo", info)];
        self.call(driver, "registered", &arguments);
    }

    fn reregistered(&mut self, driver: &dyn SchedulerDriver, info: &MasterInfo) {
        self.call(driver, "reregistered", &[Argument::Message("MasterInfo", info)]);
    }

    fn disconnected(&mut self, driver: &dyn SchedulerDriver) {
        self.call(driver, "disconnected", &[]);
    }

    fn resource_offers(&mut self, driver: &dyn SchedulerDriver, offers: Vec<Offer>) {
        self.call(driver, "resourceOffers", &[Argument::Offers(&offers)]);
    }

    fn offer_rescinded(&mut self, driver: &dyn SchedulerDriver, offer: &OfferId) {
        self.call(driver, "offerRescinded", &[Argument::Message("OfferID", offer)]);
    }

    fn status_update(&mut self, driver: &dyn SchedulerDriver, status: &TaskStatus) {
        if is_bad(status.state()) && !status.message().is_empty() {
            self.says(status);
        }
        if status.state() == TaskState::TaskStarting && self.is_old() {
            let state = TaskState::TaskStaging.into();
            let status = TaskStatus { state, ..status.clone() };
            return self.call(driver, "statusUpdate", &[Argument::Message("TaskStatus", &status)]);
        }
        self.call(driver, "statusUpdate", &[Argument::Message("TaskStatus", status)]);
    }

    fn framework_message(
        &mut self,
        driver: &dyn SchedulerDriver,
        executor: &ExecutorId,
        agent: &AgentId,
        data: &[u8],
    ) {
        let arguments = [
            Argument::Message("ExecutorID", executor),
            Argument::Message("SlaveID", agent),
            Argument::Bytes(data),
        ];
        self.call(driver, "frameworkMessage", &arguments);
    }

    fn agent_lost(&mut self, driver: &dyn SchedulerDriver, agent: &AgentId) {
        self.call(driver, "slaveLost", &[Argument::Message("SlaveID", agent)]);
    }

    fn executor_lost(
        &mut self,
        driver: &dyn SchedulerDriver,
        executor: &ExecutorId,
        agent: &AgentId,
        status: i32,
    ) {
        let arguments = [
            Argument::Message("ExecutorID", executor),
            Argument::Message("SlaveID", agent),
            Argument::Number(status),
        ];
        self.call(driver, "executorLost", &arguments);
    }

    fn error(&mut self, driver: &dyn SchedulerDriver, message: &str) {
        self.call(driver, "error", &[Argument::Text(message)]);
    }
}
