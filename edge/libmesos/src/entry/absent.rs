//! What Mesos has and Longshore does not: each class says so when one of its objects is made, and what to use instead.

use jni::errors::Result;
use jni::objects::JObject;
use jni::{Env, EnvUnowned};

use super::value;
use crate::states;

/// Throws an `UnsatisfiedLinkError`: what a class without its native methods throws, with a text that says why.
fn absent(env: &mut Env<'_>, text: &str) -> Result<()> {
    Err(states::thrown(env, "java.lang.UnsatisfiedLinkError", text))
}

/// Declares classes that cannot be made: for each constructor the end of the symbol, and what to say. Arguments are not looked at.
macro_rules! absent {
    ($($name:ident = $class:literal, $initialize:literal, $text:expr;)*) => {
        $(
            /// A constructor calls it.
            // SAFETY: the name is that of a native method of Java's, which nothing else has. Further arguments, which the caller passes
            // and takes back by the calling conventions of all machines that a JVM runs on, are not looked at.
            #[unsafe(export_name = concat!("Java_org_apache_mesos_", $class, "_", $initialize))]
            pub(crate) extern "system" fn $name<'l>(env: EnvUnowned<'l>, _: JObject<'l>) {
                value(env, |env| absent(env, $text));
            }
        )*
    };
}

/// Declares what is called for objects that could not be made, when nobody refers to them.
macro_rules! finalized {
    ($($name:ident = $class:literal;)*) => {
        $(
            /// There is nothing to free.
            // SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
            #[unsafe(export_name = concat!("Java_org_apache_mesos_", $class, "_finalize"))]
            pub(crate) extern "system" fn $name(_: EnvUnowned<'_>, _: JObject<'_>) {}
        )*
    };
}

const EXECUTOR: &str = "Longshore runs the commands and containers of tasks by itself and has no executors: \
    launch tasks with a CommandInfo or ContainerInfo instead of an ExecutorInfo";
const LOG: &str = "Longshore has no replicated log: Aurora, which keeps its state in one, needs the libmesos of Mesos";
const LOG_STATE: &str =
    "Longshore has no replicated log: keep state with org.apache.mesos.state.ZooKeeperState";
const LEVELDB: &str =
    "Longshore has no LevelDB: keep state with org.apache.mesos.state.ZooKeeperState";
const V1: &str = "Longshore's library has the SchedulerDriver only: use org.apache.mesos.MesosSchedulerDriver, \
    or speak the v1 scheduler API over HTTP, for instance by mesos-rxjava";

absent! {
    executor = "MesosExecutorDriver", "initialize", EXECUTOR;
    log_of_pids =
        "Log", "initialize__ILjava_lang_String_2Ljava_util_Set_2", LOG;
    log_in_zookeeper =
        "Log",
        "initialize__ILjava_lang_String_2Ljava_lang_String_2JLjava_util_concurrent_TimeUnit_2Ljava_lang_String_2",
        LOG;
    log_with_credentials =
        "Log",
        "initialize__ILjava_lang_String_2Ljava_lang_String_2JLjava_util_concurrent_TimeUnit_2Ljava_lang_String_2Ljava_lang_String_2_3B",
        LOG;
    log_state = "state_LogState", "initialize", LOG_STATE;
    leveldb_state = "state_LevelDBState", "initialize", LEVELDB;
    v0_mesos = "v1_scheduler_V0Mesos", "initialize", V1;
    v1_mesos = "v1_scheduler_V1Mesos", "initialize", V1;
}

finalized! {
    executor_finalized = "MesosExecutorDriver";
    log_finalized = "Log";
    log_state_finalized = "state_LogState";
    v0_mesos_finalized = "v1_scheduler_V0Mesos";
    v1_mesos_finalized = "v1_scheduler_V1Mesos";
}
