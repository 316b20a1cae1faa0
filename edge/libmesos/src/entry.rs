//! What the JVM looks up by name: the native methods of `org.apache.mesos`.
//!
//! Long names, with the arguments, wherever a method has overloads in any jar: the JVM tries the short name first, and one short name
//! would be taken for all of them.

use std::ffi::c_void;
use std::ptr;

use jni::errors::{Result, ThrowRuntimeExAndDefault};
use jni::objects::{JObject, JValue};
use jni::sys::{JNI_OK, JNI_VERSION_1_6, JavaVMAttachArgs, jint, jobject};
use jni::{Env, EnvUnowned, JavaVM, jni_sig};

use crate::loader;

mod absent;
mod scheduler;
mod state;

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

/// Runs a native method: what it returns, or a `RuntimeException`, also for a panic.
fn native<'l>(
    mut env: EnvUnowned<'l>,
    act: impl FnOnce(&mut Env<'l>) -> Result<JObject<'l>>,
) -> jobject {
    env.with_env(act).resolve::<ThrowRuntimeExAndDefault>().into_raw()
}

/// Runs a native method that returns nothing, a number or a truth; what these are by default if it throws.
fn value<'l, T: Default + 'static>(
    mut env: EnvUnowned<'l>,
    act: impl FnOnce(&mut Env<'l>) -> Result<T>,
) -> T {
    env.with_env(act).resolve::<ThrowRuntimeExAndDefault>()
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
