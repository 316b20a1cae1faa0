//! State that Java keeps: stores, the variables that were read, and what was asked and is waited for.

use std::sync::Arc;
use std::time::Duration;

use jni::Env;
use jni::errors::{Error, Result};
use jni::objects::{JObject, JValue};
use jni::strings::JNIString;
use jni::{jni_sig, jni_str};
use longshore_driver::state::{Pending, Variable, WaitError, ZooKeeperState};

use crate::numbered::Numbered;
use crate::{convert, loader};

/// The stores that were not finalized.
pub(crate) static STORES: Numbered<ZooKeeperState> = Numbered::new();
/// The variables that were not finalized.
pub(crate) static VARIABLES: Numbered<Variable> = Numbered::new();
/// What was asked, until it is finalized.
pub(crate) static ASKED: Numbered<Asked> = Numbered::new();

/// What was asked of a store.
pub(crate) enum Asked {
    Fetch(Pending<Variable>),
    Store(Pending<Option<Variable>>),
    Expunge(Pending<bool>),
    Names(Pending<Vec<String>>),
}

impl Asked {
    pub(crate) fn cancel(&self) -> bool {
        match self {
            Self::Fetch(pending) => pending.cancel(),
            Self::Store(pending) => pending.cancel(),
            Self::Expunge(pending) => pending.cancel(),
            Self::Names(pending) => pending.cancel(),
        }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        match self {
            Self::Fetch(pending) => pending.is_cancelled(),
            Self::Store(pending) => pending.is_cancelled(),
            Self::Expunge(pending) => pending.is_cancelled(),
            Self::Names(pending) => pending.is_cancelled(),
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        match self {
            Self::Fetch(pending) => pending.is_done(),
            Self::Store(pending) => pending.is_done(),
            Self::Expunge(pending) => pending.is_done(),
            Self::Names(pending) => pending.is_done(),
        }
    }

    /// The answer as an object of Java's; null for a variable that was not stored.
    pub(crate) fn get<'l>(
        &self,
        env: &mut Env<'l>,
        timeout: Option<Duration>,
    ) -> Result<JObject<'l>> {
        match self {
            Self::Fetch(pending) => {
                let variable = answer(env, pending, timeout)?;
                java_variable(env, variable)
            }
            Self::Store(pending) => match answer(env, pending, timeout)? {
                Some(variable) => java_variable(env, variable),
                None => Ok(JObject::null()),
            },
            Self::Expunge(pending) => {
                let is_expunged = answer(env, pending, timeout)?;
                java_boolean(env, is_expunged)
            }
            Self::Names(pending) => {
                let names = answer(env, pending, timeout)?;
                java_iterator(env, &names)
            }
        }
    }
}

/// Waits for an answer. What comes instead is thrown as what `java.util.concurrent.Future` says.
///
/// Source: libmesos waits on when the thread is interrupted: Chronos interrupts its own while ZooKeeper is away, and ends where that is
/// told.
fn answer<T: Clone>(
    env: &mut Env<'_>,
    pending: &Pending<T>,
    timeout: Option<Duration>,
) -> Result<T> {
    let why = match pending.wait(timeout) {
        Ok(answer) => return Ok(answer),
        Err(why) => why,
    };
    let class = match &why {
        WaitError::TimedOut => "java.util.concurrent.TimeoutException",
        WaitError::Cancelled => "java.util.concurrent.CancellationException",
        WaitError::Failed(_) => return Err(failed(env, &why)),
    };
    Err(thrown(env, class, &why.to_string()))
}

/// Throws an exception of a class of the JVM's with a text.
pub(crate) fn thrown(env: &mut Env<'_>, class: &str, text: &str) -> Error {
    let class = JNIString::from(class.replace('.', "/"));
    env.throw_new(class, JNIString::from(text)).err().unwrap_or(Error::JavaException)
}

/// Throws an `ExecutionException`, which has a cause.
fn failed(env: &mut Env<'_>, why: &WaitError) -> Error {
    let made = (|| -> Result<()> {
        let text = convert::java_text(env, &why.to_string())?;
        let cause = env.new_object(
            jni_str!("java/io/IOException"),
            jni_sig!("(Ljava/lang/String;)V"),
            &[JValue::Object(&text)],
        )?;
        let exception = env.new_object(
            jni_str!("java/util/concurrent/ExecutionException"),
            jni_sig!("(Ljava/lang/String;Ljava/lang/Throwable;)V"),
            &[JValue::Object(&text), JValue::Object(&cause)],
        )?;
        let exception = env.cast_local::<jni::objects::JThrowable<'_>>(exception)?;
        env.throw(exception)
    })();
    made.err().unwrap_or(Error::JavaException)
}

/// A variable as an object of Java's.
pub(crate) fn java_variable<'l>(env: &mut Env<'l>, variable: Variable) -> Result<JObject<'l>> {
    let class = loader::class(env, "org.apache.mesos.state.Variable")?;
    let object = env.new_object(&class, jni_sig!("()V"), &[])?;
    let number = VARIABLES.put(variable);
    env.set_field(&object, jni_str!("__variable"), jni_sig!("J"), JValue::Long(number))?;
    Ok(object)
}

/// The variable of an object of Java's. Only those that a store gave have one.
pub(crate) fn variable_of(env: &mut Env<'_>, object: &JObject<'_>) -> Result<Arc<Variable>> {
    if object.is_null() {
        return Err(Error::NullPtr("a variable"));
    }
    let number = env.get_field(object, jni_str!("__variable"), jni_sig!("J"))?.into_long()?;
    match VARIABLES.get(number) {
        Some(variable) => Ok(variable),
        None => Err(thrown(
            env,
            "java.lang.IllegalArgumentException",
            "the variable was not fetched from this kind of state",
        )),
    }
}

fn java_boolean<'l>(env: &mut Env<'l>, truth: bool) -> Result<JObject<'l>> {
    let made = env.call_static_method(
        jni_str!("java/lang/Boolean"),
        jni_str!("valueOf"),
        jni_sig!("(Z)Ljava/lang/Boolean;"),
        &[JValue::Bool(truth)],
    );
    made?.into_object()
}

fn java_iterator<'l>(env: &mut Env<'l>, names: &[String]) -> Result<JObject<'l>> {
    let list = env.new_object(jni_str!("java/util/ArrayList"), jni_sig!("()V"), &[])?;
    for name in names {
        env.with_local_frame(8, |env| {
            let name = convert::java_text(env, name)?;
            convert::add(env, &list, &name)
        })?;
    }
    let made =
        env.call_method(&list, jni_str!("iterator"), jni_sig!("()Ljava/util/Iterator;"), &[]);
    made?.into_object()
}

/// A time of Java's: a number and its unit.
pub(crate) fn duration(env: &mut Env<'_>, number: i64, unit: &JObject<'_>) -> Result<Duration> {
    if unit.is_null() {
        return Err(Error::NullPtr("a unit of time"));
    }
    let nanos =
        env.call_method(unit, jni_str!("toNanos"), jni_sig!("(J)J"), &[JValue::Long(number)]);
    Ok(Duration::from_nanos(u64::try_from(nanos?.into_long()?).unwrap_or(0)))
}
