//! The native methods of `org.apache.mesos.state`: `AbstractState` and its futures, `Variable`, `ZooKeeperState`.
//!
//! A jar before 0.22.1 asks by a number of each operation, later ones by objects, whose field `future` holds it. Both are in every jar
//! since, and which are called depends on the version that the library tells.

use std::sync::Arc;

use jni::errors::{Error, Result};
use jni::objects::{JObject, JValue};
use jni::sys::{jboolean, jlong, jobject};
use jni::{Env, EnvUnowned, jni_sig, jni_str};
use longshore_driver::state::{ZooKeeperOptions, ZooKeeperState};

use super::{native, value};
use crate::convert;
use crate::states::{self, ASKED, Asked, STORES, VARIABLES};

/// What was asked by this number, for a thread that may ask after `finalize`.
fn asked(number: jlong) -> Result<Arc<Asked>> {
    ASKED.get(number).ok_or(Error::NullPtr("an operation on the state"))
}

/// The number in the field `future`.
fn number_of(env: &mut Env<'_>, this: &JObject<'_>) -> Result<jlong> {
    env.get_field(this, jni_str!("future"), jni_sig!("J"))?.into_long()
}

/// What was asked by the object.
fn of_object(env: &mut Env<'_>, this: &JObject<'_>) -> Result<Arc<Asked>> {
    asked(number_of(env, this)?)
}

/// Asks the store of an object of Java's: the number of what was asked.
fn ask(
    env: &mut Env<'_>,
    this: &JObject<'_>,
    act: impl FnOnce(&ZooKeeperState) -> Asked,
) -> Result<jlong> {
    let number = env.get_field(this, jni_str!("__state"), jni_sig!("J"))?.into_long()?;
    let store = STORES.get(number).ok_or(Error::NullPtr("a state"))?;
    Ok(ASKED.put(act(&store)))
}

/// Declares what is the same for each kind of operation: the names in the symbols, by number and by object.
macro_rules! operation {
    ($module:ident, $name:literal, $future:literal) => {
        /// The futures of one kind of operation.
        mod $module {
            use super::*;

            // SAFETY (of all names in this module): each is that of a native method of Java's, which nothing else has, and the arguments
            // are its own.

            /// Cancels it.
            // SAFETY: as said above.
            #[unsafe(export_name = concat!("Java_org_apache_mesos_state_AbstractState__1_1", $name, "_1cancel"))]
            pub(crate) extern "system" fn cancel<'l>(
                env: EnvUnowned<'l>,
                _: JObject<'l>,
                number: jlong,
            ) -> jboolean {
                value(env, |_env| Ok(asked(number)?.cancel()))
            }

            /// Whether it was cancelled.
            // SAFETY: as said above.
            #[unsafe(export_name = concat!("Java_org_apache_mesos_state_AbstractState__1_1", $name, "_1is_1cancelled"))]
            pub(crate) extern "system" fn is_cancelled<'l>(
                env: EnvUnowned<'l>,
                _: JObject<'l>,
                number: jlong,
            ) -> jboolean {
                value(env, |_env| Ok(asked(number)?.is_cancelled()))
            }

            /// Whether there is an answer, or none will come.
            // SAFETY: as said above.
            #[unsafe(export_name = concat!("Java_org_apache_mesos_state_AbstractState__1_1", $name, "_1is_1done"))]
            pub(crate) extern "system" fn is_done<'l>(
                env: EnvUnowned<'l>,
                _: JObject<'l>,
                number: jlong,
            ) -> jboolean {
                value(env, |_env| Ok(asked(number)?.is_done()))
            }

            /// Waits for the answer.
            // SAFETY: as said above.
            #[unsafe(export_name = concat!("Java_org_apache_mesos_state_AbstractState__1_1", $name, "_1get"))]
            pub(crate) extern "system" fn get<'l>(
                env: EnvUnowned<'l>,
                _: JObject<'l>,
                number: jlong,
            ) -> jobject {
                native(env, |env| asked(number)?.get(env, None))
            }

            /// Waits for the answer, for a time.
            // SAFETY: as said above.
            #[unsafe(export_name = concat!("Java_org_apache_mesos_state_AbstractState__1_1", $name, "_1get_1timeout"))]
            pub(crate) extern "system" fn get_timeout<'l>(
                env: EnvUnowned<'l>,
                _: JObject<'l>,
                number: jlong,
                timeout: jlong,
                unit: JObject<'l>,
            ) -> jobject {
                native(env, |env| {
                    let timeout = states::duration(env, timeout, &unit)?;
                    asked(number)?.get(env, Some(timeout))
                })
            }

            /// Nobody waits any more.
            // SAFETY: as said above.
            #[unsafe(export_name = concat!("Java_org_apache_mesos_state_AbstractState__1_1", $name, "_1finalize"))]
            pub(crate) extern "system" fn finalize<'l>(
                env: EnvUnowned<'l>,
                _: JObject<'l>,
                number: jlong,
            ) {
                value(env, |_env| {
                    drop(ASKED.take(number));
                    Ok(())
                });
            }

            /// Cancels it.
            // SAFETY: as said above.
            #[unsafe(export_name = concat!("Java_org_apache_mesos_state_AbstractState_00024", $future, "_cancel"))]
            pub(crate) extern "system" fn object_cancel<'l>(
                env: EnvUnowned<'l>,
                this: JObject<'l>,
                _: jboolean,
            ) -> jboolean {
                value(env, |env| Ok(of_object(env, &this)?.cancel()))
            }

            /// Whether it was cancelled.
            // SAFETY: as said above.
            #[unsafe(export_name = concat!("Java_org_apache_mesos_state_AbstractState_00024", $future, "_isCancelled"))]
            pub(crate) extern "system" fn object_is_cancelled<'l>(
                env: EnvUnowned<'l>,
                this: JObject<'l>,
            ) -> jboolean {
                value(env, |env| Ok(of_object(env, &this)?.is_cancelled()))
            }

            /// Whether there is an answer, or none will come.
            // SAFETY: as said above.
            #[unsafe(export_name = concat!("Java_org_apache_mesos_state_AbstractState_00024", $future, "_isDone"))]
            pub(crate) extern "system" fn object_is_done<'l>(
                env: EnvUnowned<'l>,
                this: JObject<'l>,
            ) -> jboolean {
                value(env, |env| Ok(of_object(env, &this)?.is_done()))
            }

            /// Waits for the answer.
            // SAFETY: as said above.
            #[unsafe(export_name = concat!("Java_org_apache_mesos_state_AbstractState_00024", $future, "_get__"))]
            pub(crate) extern "system" fn object_get<'l>(
                env: EnvUnowned<'l>,
                this: JObject<'l>,
            ) -> jobject {
                native(env, |env| of_object(env, &this)?.get(env, None))
            }

            /// Waits for the answer, for a time.
            // SAFETY: as said above.
            #[unsafe(export_name = concat!(
                "Java_org_apache_mesos_state_AbstractState_00024", $future, "_get__JLjava_util_concurrent_TimeUnit_2"
            ))]
            pub(crate) extern "system" fn object_get_timeout<'l>(
                env: EnvUnowned<'l>,
                this: JObject<'l>,
                timeout: jlong,
                unit: JObject<'l>,
            ) -> jobject {
                native(env, |env| {
                    let timeout = states::duration(env, timeout, &unit)?;
                    of_object(env, &this)?.get(env, Some(timeout))
                })
            }

            /// Nobody refers to the object any more.
            // SAFETY: as said above.
            #[unsafe(export_name = concat!("Java_org_apache_mesos_state_AbstractState_00024", $future, "_finalize"))]
            pub(crate) extern "system" fn object_finalize<'l>(env: EnvUnowned<'l>, this: JObject<'l>) {
                value(env, |env| {
                    let number = number_of(env, &this)?;
                    drop(ASKED.take(number));
                    Ok(())
                });
            }
        }
    };
}

operation!(fetch, "fetch", "FetchFuture");
operation!(store, "store", "StoreFuture");
operation!(expunge, "expunge", "ExpungeFuture");
operation!(names, "names", "NamesFuture");

/// Asks for a variable.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = "Java_org_apache_mesos_state_AbstractState__1_1fetch")]
pub(crate) extern "system" fn ask_fetch<'l>(
    env: EnvUnowned<'l>,
    this: JObject<'l>,
    name: JObject<'l>,
) -> jlong {
    value(env, |env| {
        let name = convert::text_of(env, name)?;
        ask(env, &this, |state| Asked::Fetch(state.fetch(&name)))
    })
}

/// Asks to store a variable.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = "Java_org_apache_mesos_state_AbstractState__1_1store")]
pub(crate) extern "system" fn ask_store<'l>(
    env: EnvUnowned<'l>,
    this: JObject<'l>,
    variable: JObject<'l>,
) -> jlong {
    value(env, |env| {
        let variable = states::variable_of(env, &variable)?;
        ask(env, &this, |state| Asked::Store(state.store(Arc::unwrap_or_clone(variable))))
    })
}

/// Asks to remove a variable.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = "Java_org_apache_mesos_state_AbstractState__1_1expunge")]
pub(crate) extern "system" fn ask_expunge<'l>(
    env: EnvUnowned<'l>,
    this: JObject<'l>,
    variable: JObject<'l>,
) -> jlong {
    value(env, |env| {
        let variable = states::variable_of(env, &variable)?;
        ask(env, &this, |state| Asked::Expunge(state.expunge(Arc::unwrap_or_clone(variable))))
    })
}

/// Asks for the names of all variables.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = "Java_org_apache_mesos_state_AbstractState__1_1names")]
pub(crate) extern "system" fn ask_names<'l>(env: EnvUnowned<'l>, this: JObject<'l>) -> jlong {
    value(env, |env| ask(env, &this, |state| Asked::Names(state.names())))
}

/// Nobody refers to the state any more.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = "Java_org_apache_mesos_state_AbstractState_finalize")]
pub(crate) extern "system" fn finalize<'l>(env: EnvUnowned<'l>, this: JObject<'l>) {
    value(env, |env| {
        let number = env.get_field(&this, jni_str!("__state"), jni_sig!("J"))?.into_long()?;
        drop(STORES.take(number));
        Ok(())
    });
}

/// Reads where the state is kept, and makes the store.
fn initialize<'l>(
    env: &mut Env<'l>,
    this: &JObject<'l>,
    servers: JObject<'l>,
    session: (jlong, JObject<'l>),
    path: JObject<'l>,
    auth: Option<(JObject<'l>, JObject<'l>)>,
) -> Result<()> {
    let servers = convert::text_of(env, servers)?;
    let session = states::duration(env, session.0, &session.1)?;
    let path = convert::text_of(env, path)?;
    // Source: Chronos passes nulls where it has no credentials.
    let auth = auth.filter(|(scheme, secret)| !scheme.is_null() && !secret.is_null());
    let digest = match auth {
        Some((scheme, secret)) => {
            let scheme = convert::text_of(env, scheme)?;
            if scheme != "digest" {
                let text = format!("the scheme is {scheme:?}, and only \"digest\" is known");
                return Err(states::thrown(env, "java.lang.IllegalArgumentException", &text));
            }
            Some(convert::bytes_of(env, secret)?)
        }
        None => None,
    };
    let options = match ZooKeeperOptions::new(&servers, session, &path, digest) {
        Ok(options) => options,
        Err(why) => {
            let text = why.to_string();
            return Err(states::thrown(env, "java.lang.IllegalArgumentException", &text));
        }
    };
    let number = STORES.put(ZooKeeperState::new(options));
    env.set_field(this, jni_str!("__state"), jni_sig!("J"), JValue::Long(number))
}

/// A state in ZooKeeper that everybody may change.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = concat!(
    "Java_org_apache_mesos_state_ZooKeeperState_initialize__",
    "Ljava_lang_String_2JLjava_util_concurrent_TimeUnit_2Ljava_lang_String_2"
))]
pub(crate) extern "system" fn initialize_open<'l>(
    env: EnvUnowned<'l>,
    this: JObject<'l>,
    servers: JObject<'l>,
    timeout: jlong,
    unit: JObject<'l>,
    path: JObject<'l>,
) {
    value(env, |env| initialize(env, &this, servers, (timeout, unit), path, None));
}

/// A state in ZooKeeper that is changed with credentials.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = concat!(
    "Java_org_apache_mesos_state_ZooKeeperState_initialize__",
    "Ljava_lang_String_2JLjava_util_concurrent_TimeUnit_2Ljava_lang_String_2Ljava_lang_String_2_3B"
))]
pub(crate) extern "system" fn initialize_own<'l>(
    env: EnvUnowned<'l>,
    this: JObject<'l>,
    servers: JObject<'l>,
    timeout: jlong,
    unit: JObject<'l>,
    path: JObject<'l>,
    scheme: JObject<'l>,
    credentials: JObject<'l>,
) {
    let auth = Some((scheme, credentials));
    value(env, |env| initialize(env, &this, servers, (timeout, unit), path, auth));
}

/// The value of a variable.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = "Java_org_apache_mesos_state_Variable_value")]
pub(crate) extern "system" fn variable_value<'l>(
    env: EnvUnowned<'l>,
    this: JObject<'l>,
) -> jobject {
    native(env, |env| {
        let variable = states::variable_of(env, &this)?;
        Ok(env.byte_array_from_slice(variable.value())?.into())
    })
}

/// The variable with another value.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = "Java_org_apache_mesos_state_Variable_mutate")]
pub(crate) extern "system" fn variable_mutate<'l>(
    env: EnvUnowned<'l>,
    this: JObject<'l>,
    bytes: JObject<'l>,
) -> jobject {
    native(env, |env| {
        let variable = states::variable_of(env, &this)?;
        let bytes = convert::bytes_of(env, bytes)?;
        states::java_variable(env, variable.mutate(bytes))
    })
}

/// Nobody refers to the variable any more.
// SAFETY: the name is that of a native method of Java's, which nothing else has, and the arguments are its own.
#[unsafe(export_name = "Java_org_apache_mesos_state_Variable_finalize")]
pub(crate) extern "system" fn variable_finalize<'l>(env: EnvUnowned<'l>, this: JObject<'l>) {
    value(env, |env| {
        let number = env.get_field(&this, jni_str!("__variable"), jni_sig!("J"))?.into_long()?;
        drop(VARIABLES.take(number));
        Ok(())
    });
}
