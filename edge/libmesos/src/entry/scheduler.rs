//! The native methods of `MesosSchedulerDriver`.

use jni::errors::Result;
use jni::objects::{JObject, JValue};
use jni::sys::jobject;
use jni::{Env, EnvUnowned, jni_sig, jni_str};
use longshore_driver::v1::scheduler::OfferConstraints;
use longshore_driver::v1::{
    AgentId, ExecutorId, Filters, FrameworkInfo, OfferId, Request, TaskId, TaskInfo, TaskStatus,
    offer,
};
use longshore_driver::{SchedulerDriver, Status};

use super::{native, value};
use crate::drivers::Made;
use crate::{callbacks, convert, drivers};

/// The driver of a Java object; `None` if it has none.
fn driver_of(env: &mut Env<'_>, this: &JObject<'_>) -> Result<Option<std::sync::Arc<Made>>> {
    let number = env.get_field(this, jni_str!("__driver"), jni_sig!("J"))?.into_long()?;
    Ok(drivers::of(number))
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
    value(env, |env| {
        let number = drivers::make(env, &this)?;
        env.set_field(&this, jni_str!("__driver"), jni_sig!("J"), JValue::Long(number))
    });
}

/// `MesosSchedulerDriver.finalize`: nobody refers to the object any more.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = "Java_org_apache_mesos_MesosSchedulerDriver_finalize")]
pub(crate) extern "system" fn finalize<'l>(env: EnvUnowned<'l>, this: JObject<'l>) {
    value(env, |env| {
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
