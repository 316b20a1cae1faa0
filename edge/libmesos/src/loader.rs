//! The class loader of the jar: a thread that Java did not start finds classes only by it.

use std::sync::OnceLock;

use jni::errors::Result;
use jni::objects::{JClass, JObject, JString, JValue};
use jni::refs::Global;
use jni::strings::JNIString;
use jni::{Env, jni_sig, jni_str};

/// The loader that was the context's when the library was loaded: `MesosNativeLibrary.load` sets it to the jar's.
static LOADER: OnceLock<Global<JObject<'static>>> = OnceLock::new();

/// Keeps the loader, and tells the jar that the library is there.
pub(crate) fn loaded(env: &mut Env<'_>) -> Result<()> {
    let thread = current_thread(env)?;
    let loader = env.call_method(
        &thread,
        jni_str!("getContextClassLoader"),
        jni_sig!("()Ljava/lang/ClassLoader;"),
        &[],
    );
    let loader = loader?.into_object()?;
    let loader = env.new_global_ref(&loader)?;
    // A second load is by the same loader: another one is refused by the JVM.
    let _ = LOADER.set(loader);
    // Source: Java never sets it, and says "'libmesos' not loaded" without it. Old jars have no such field.
    if let Ok(class) = class(env, "org.apache.mesos.MesosNativeLibrary") {
        let set =
            env.set_static_field(&class, jni_str!("loaded"), jni_sig!("Z"), JValue::Bool(true));
        if set.is_err() {
            env.exception_clear();
        }
    }
    Ok(())
}

fn current_thread<'l>(env: &mut Env<'l>) -> Result<JObject<'l>> {
    let thread = env.call_static_method(
        jni_str!("java/lang/Thread"),
        jni_str!("currentThread"),
        jni_sig!("()Ljava/lang/Thread;"),
        &[],
    );
    thread?.into_object()
}

/// Gives this thread the loader of the jar, which services that look for classes by the thread expect.
pub(crate) fn adopt(env: &mut Env<'_>) -> Result<()> {
    let Some(loader) = LOADER.get() else { return Ok(()) };
    let thread = current_thread(env)?;
    let set = env.call_method(
        &thread,
        jni_str!("setContextClassLoader"),
        jni_sig!("(Ljava/lang/ClassLoader;)V"),
        &[JValue::Object(loader.as_obj())],
    );
    set?.into_void()
}

/// A class of the jar, by its name with dots.
pub(crate) fn class<'l>(env: &mut Env<'l>, name: &str) -> Result<JClass<'l>> {
    let Some(loader) = LOADER.get().filter(|loader| !loader.as_obj().is_null()) else {
        return env.find_class(JNIString::from(name.replace('.', "/")));
    };
    let name = JString::from_str(env, name)?;
    let class = env.call_method(
        loader.as_obj(),
        jni_str!("loadClass"),
        jni_sig!("(Ljava/lang/String;)Ljava/lang/Class;"),
        &[JValue::Object(&name)],
    );
    let class = class?.into_object()?;
    env.cast_local::<JClass<'_>>(class)
}

/// The version of the jar, as its major and minor number; that of the oldest where it does not say.
pub(crate) fn jar(env: &mut Env<'_>) -> (u32, u32) {
    static JAR: OnceLock<(u32, u32)> = OnceLock::new();
    *JAR.get_or_init(|| {
        let told = told_version(env);
        env.exception_clear();
        let told = told.unwrap_or_default();
        let mut numbers = told.split('.').map_while(|number| number.parse().ok());
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    })
}

fn told_version(env: &mut Env<'_>) -> Result<String> {
    let class = class(env, "org.apache.mesos.MesosNativeLibrary")?;
    let told = env.get_static_field(&class, jni_str!("VERSION"), jni_sig!("Ljava/lang/String;"))?;
    let told = told.into_object()?;
    env.cast_local::<JString<'_>>(told)?.try_to_string(env)
}
