//! What the JVM looks up by name: the native methods of `org.apache.mesos`.
//!
//! Long names, with the arguments, wherever a method has overloads in any jar: the JVM tries the short name first, and one short name
//! would be taken for all of them.

use std::ffi::c_void;
use std::ptr;

use jni::errors::{Result, ThrowRuntimeExAndDefault};
use jni::objects::{JObject, JValue};
use jni::sys::{JNI_OK, JNI_VERSION_1_6, JavaVMAttachArgs, jint, jobject};
use jni::{Env, EnvUnowned, JavaVM, jni_sig, jni_str};
use longshore_driver::v1::scheduler::OfferConstraints;
use longshore_driver::v1::{
    AgentId, ExecutorId, Filters, FrameworkInfo, OfferId, Request, TaskId, TaskInfo, TaskStatus,
    offer,
};
use longshore_driver::{SchedulerDriver, Status};

use crate::drivers::Made;
use crate::{callbacks, convert, drivers, loader};

/// The version of Mesos that is told, by its parts. Source: Marathon exits below 1.5.0.
const VERSION: [i64; 3] = [1, 11, 0];

/// Attaches this thread as one that the JVM does not wait for when it exits; false if it is attached already, or cannot be.
pub(crate) fn attach_daemon(vm: &JavaVM) -> bool {
    let raw = vm.get_raw();
    let mut env: *mut c_void = ptr::null_mut();
    let mut arguments = JavaVMAttachArgs {
        version: JNI_VERSION_1_6,
        // The JVM copies it.
        name: c"longshore-scheduler".as_ptr().cast_mut(),
        group: ptr::null_mut(),
    };
    // SAFETY: `raw` is the one JVM of this process, which outlives every thread of it, and its table has this function since JNI 1.4.
    // The arguments are those that the version says, live until it returns and are only read, and `env` is only written.
    let attached = unsafe {
        let table = &**raw;
        (table.v1_4.AttachCurrentThreadAsDaemon)(raw, &raw mut env, (&raw mut arguments).cast())
    };
    attached == JNI_OK
}

/// Detaches this thread, which [`attach_daemon`] attached: no Java is below it any more.
pub(crate) fn detach(vm: &JavaVM) {
    let raw = vm.get_raw();
    // SAFETY: `raw` is the one JVM of this process, and its table has this function since JNI 1.1. The thread has no frame of Java's, and
    // no environment of it is used after this.
    unsafe {
        let table = &**raw;
        (table.v1_1.DetachCurrentThread)(raw);
    }
}

/// The JVM has loaded the library.
// SAFETY: the name is the JNI's, and no other function of the process has it but those of other native libraries, which are apart.
#[unsafe(export_name = "JNI_OnLoad")]
pub(crate) extern "system" fn on_load(vm: *mut jni::sys::JavaVM, _: *mut c_void) -> jint {
    // SAFETY: the JVM passes itself.
    let vm = unsafe { JavaVM::from_raw(vm) };
    let logged = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter())
        .with_ansi(false)
        .try_init();
    // There may be a subscriber of another library of ours.
    drop(logged);
    let loaded = vm.attach_current_thread(|env| {
        let loaded = loader::loaded(env);
        env.exception_clear();
        loaded
    });
    if let Err(why) = loaded {
        tracing::warn!(target: "longshore_mesos", "the library is loaded without a class loader: {why}");
    }
    JNI_VERSION_1_6
}

/// What is logged: warnings, but for those of the search for a region, which an error repeats; or what `RUST_LOG` says.
fn filter() -> tracing_subscriber::EnvFilter {
    let usual = || tracing_subscriber::EnvFilter::new("warn,aws_config::imds=off");
    tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| usual())
}

/// The driver of a Java object; `None` if it has none.
fn driver_of(env: &mut Env<'_>, this: &JObject<'_>) -> Result<Option<std::sync::Arc<Made>>> {
    let number = env.get_field(this, jni_str!("__driver"), jni_sig!("J"))?.into_long()?;
    Ok(drivers::of(number))
}

/// Runs a native method: what it returns, or a `RuntimeException`, also for a panic.
fn native<'l>(
    mut env: EnvUnowned<'l>,
    act: impl FnOnce(&mut Env<'l>) -> Result<JObject<'l>>,
) -> jobject {
    env.with_env(act).resolve::<ThrowRuntimeExAndDefault>().into_raw()
}

/// Runs a native method that returns nothing.
fn nothing<'l>(mut env: EnvUnowned<'l>, act: impl FnOnce(&mut Env<'l>) -> Result<()>) {
    env.with_env(act).resolve::<ThrowRuntimeExAndDefault>();
}

/// Runs a native method of a driver that calls it, and returns its status.
fn call<'l>(
    env: EnvUnowned<'l>,
    this: &JObject<'l>,
    act: impl FnOnce(&mut Env<'l>, &dyn SchedulerDriver) -> Result<Status>,
) -> jobject {
    native(env, |env| {
        let status = match driver_of(env, this)?.as_deref() {
            Some(Made::Driver(driver)) => act(env, &**driver)?,
            Some(Made::Failed(failed)) => failed.status(),
            None => Status::NotStarted,
        };
        convert::java_status(env, status)
    })
}

/// Filters, or those that apply without.
fn filters(env: &mut Env<'_>, given: &JObject<'_>) -> Result<Option<Filters>> {
    if given.is_null() { Ok(None) } else { convert::message(env, given).map(Some) }
}

/// Declares the native methods of `MesosSchedulerDriver`: the end of the symbol, and what each does.
macro_rules! scheduler_driver {
    ($($name:ident = $symbol:literal, ($($argument:ident),*), |$env:ident, $driver:ident| $act:expr;)*) => {
        $(
            /// A method of `MesosSchedulerDriver`.
            // SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
            #[unsafe(export_name = concat!("Java_org_apache_mesos_MesosSchedulerDriver_", $symbol))]
            pub(crate) extern "system" fn $name<'l>(
                env: EnvUnowned<'l>,
                this: JObject<'l>,
                $($argument: JObject<'l>),*
            ) -> jobject {
                call(env, &this, |$env, $driver| $act)
            }
        )*
    };
}

scheduler_driver! {
    abort = "abort", (), |_env, driver| Ok(driver.abort());
    join = "join", (), |_env, driver| Ok(driver.join());
    request_resources = "requestResources", (requests), |env, driver| {
        let requests: Vec<Request> = convert::messages(env, &requests)?;
        Ok(driver.request_resources(requests))
    };
    launch_tasks_on =
        "launchTasks__Lorg_apache_mesos_Protos_00024OfferID_2Ljava_util_Collection_2Lorg_apache_mesos_Protos_00024Filters_2",
        (offer, tasks, given), |env, driver| {
            let offer: OfferId = convert::message(env, &offer)?;
            let tasks: Vec<TaskInfo> = convert::messages(env, &tasks)?;
            let filters = filters(env, &given)?;
            Ok(driver.launch_tasks_on(offer, tasks, filters))
        };
    launch_tasks =
        "launchTasks__Ljava_util_Collection_2Ljava_util_Collection_2Lorg_apache_mesos_Protos_00024Filters_2",
        (offers, tasks, given), |env, driver| {
            let offers: Vec<OfferId> = convert::messages(env, &offers)?;
            let tasks: Vec<TaskInfo> = convert::messages(env, &tasks)?;
            let filters = filters(env, &given)?;
            Ok(driver.launch_tasks(offers, tasks, filters))
        };
    accept_offers =
        "acceptOffers__Ljava_util_Collection_2Ljava_util_Collection_2Lorg_apache_mesos_Protos_00024Filters_2",
        (offers, operations, given), |env, driver| {
            let offers: Vec<OfferId> = convert::messages(env, &offers)?;
            let operations: Vec<offer::Operation> = convert::messages(env, &operations)?;
            let filters = filters(env, &given)?;
            Ok(driver.accept_offers(offers, operations, filters))
        };
    kill_task = "killTask", (task), |env, driver| {
        let task: TaskId = convert::message(env, &task)?;
        Ok(driver.kill_task(task))
    };
    decline_offer = "declineOffer", (offer, given), |env, driver| {
        let offer: OfferId = convert::message(env, &offer)?;
        let filters = filters(env, &given)?;
        Ok(driver.decline_offer(offer, filters))
    };
    revive_offers = "reviveOffers__", (), |_env, driver| Ok(driver.revive_offers(None));
    revive_roles = "reviveOffers__Ljava_util_Collection_2", (roles), |env, driver| {
        let roles = convert::strings(env, &roles)?;
        Ok(driver.revive_offers(Some(roles)))
    };
    suppress_offers = "suppressOffers__", (), |_env, driver| Ok(driver.suppress_offers(None));
    suppress_roles = "suppressOffers__Ljava_util_Collection_2", (roles), |env, driver| {
        let roles = convert::strings(env, &roles)?;
        Ok(driver.suppress_offers(Some(roles)))
    };
    acknowledge = "acknowledgeStatusUpdate", (status), |env, driver| {
        let status: TaskStatus = convert::message(env, &status)?;
        Ok(driver.acknowledge_status_update(status))
    };
    send_framework_message = "sendFrameworkMessage", (executor, agent, data), |env, driver| {
        let executor: ExecutorId = convert::message(env, &executor)?;
        let agent: AgentId = convert::message(env, &agent)?;
        let data = convert::bytes_of(env, data)?;
        Ok(driver.send_framework_message(executor, agent, data))
    };
    reconcile_tasks = "reconcileTasks", (statuses), |env, driver| {
        let statuses: Vec<TaskStatus> = convert::messages(env, &statuses)?;
        Ok(driver.reconcile_tasks(statuses))
    };
    update_framework = "updateFramework", (framework, suppressed), |env, driver| {
        let framework: FrameworkInfo = convert::message(env, &framework)?;
        let suppressed = convert::strings(env, &suppressed)?;
        Ok(driver.update_framework(framework, suppressed, None))
    };
    update_framework_with_constraints =
        "updateFrameworkWithConstraints", (framework, suppressed, constraints), |env, driver| {
            let framework: FrameworkInfo = convert::message(env, &framework)?;
            let suppressed = convert::strings(env, &suppressed)?;
            let constraints: OfferConstraints = convert::message(env, &constraints)?;
            Ok(driver.update_framework(framework, suppressed, Some(constraints)))
        };
}

/// `MesosSchedulerDriver.initialize`, which the constructors call: reads the fields, and makes the driver.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = "Java_org_apache_mesos_MesosSchedulerDriver_initialize")]
pub(crate) extern "system" fn initialize<'l>(env: EnvUnowned<'l>, this: JObject<'l>) {
    nothing(env, |env| {
        let number = drivers::make(env, &this)?;
        env.set_field(&this, jni_str!("__driver"), jni_sig!("J"), JValue::Long(number))
    });
}

/// `MesosSchedulerDriver.finalize`: nobody refers to the object any more.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = "Java_org_apache_mesos_MesosSchedulerDriver_finalize")]
pub(crate) extern "system" fn finalize<'l>(env: EnvUnowned<'l>, this: JObject<'l>) {
    nothing(env, |env| {
        let number = env.get_field(&this, jni_str!("__driver"), jni_sig!("J"))?.into_long()?;
        env.set_field(&this, jni_str!("__driver"), jni_sig!("J"), JValue::Long(0))?;
        drivers::forget(number);
        Ok(())
    });
}

/// `MesosSchedulerDriver.start`. A driver that could not be made says so now, as Mesos's does.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = "Java_org_apache_mesos_MesosSchedulerDriver_start")]
pub(crate) extern "system" fn start<'l>(env: EnvUnowned<'l>, this: JObject<'l>) -> jobject {
    native(env, |env| {
        let status = match driver_of(env, &this)?.as_deref() {
            Some(Made::Driver(driver)) => driver.start(),
            Some(Made::Failed(failed)) => {
                if let Some(why) = failed.start() {
                    callbacks::tell_error(env, &this, why);
                }
                failed.status()
            }
            None => Status::NotStarted,
        };
        convert::java_status(env, status)
    })
}

/// `MesosSchedulerDriver.stop`.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = "Java_org_apache_mesos_MesosSchedulerDriver_stop")]
pub(crate) extern "system" fn stop<'l>(
    env: EnvUnowned<'l>,
    this: JObject<'l>,
    failover: jni::sys::jboolean,
) -> jobject {
    native(env, |env| {
        let status = match driver_of(env, &this)?.as_deref() {
            Some(Made::Driver(driver)) => driver.stop(failover),
            Some(Made::Failed(failed)) => failed.stop(),
            None => Status::NotStarted,
        };
        convert::java_status(env, status)
    })
}

/// `MesosNativeLibrary._version`: three longs.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = "Java_org_apache_mesos_MesosNativeLibrary__1version")]
pub(crate) extern "system" fn version<'l>(env: EnvUnowned<'l>, _: JObject<'l>) -> jobject {
    native(env, |env| {
        let class = loader::class(env, "org.apache.mesos.MesosNativeLibrary$Version")?;
        let parts = VERSION.map(JValue::Long);
        env.new_object(&class, jni_sig!("(JJJ)V"), &parts)
    })
}
