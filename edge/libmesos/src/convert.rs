//! Messages of Java as ours, and ours as Java's: by their bytes.

use jni::errors::{Error, Result};
use jni::objects::{JByteArray, JObject, JString, JValue};
use jni::{Env, jni_sig, jni_str};
use longshore_driver::Status;
use longshore_wire_mesos::Message;

use crate::loader;

/// Why something of Java's is not what it should be.
fn wrong(what: impl Into<String>) -> Error {
    Error::ParseFailed(what.into())
}

/// A message of Java's; an error if it is null.
pub(crate) fn message<M: Message + Default>(env: &mut Env<'_>, object: &JObject<'_>) -> Result<M> {
    if object.is_null() {
        return Err(Error::NullPtr("a message"));
    }
    let bytes = env.call_method(object, jni_str!("toByteArray"), jni_sig!("()[B"), &[])?;
    let bytes = bytes.into_object()?;
    let bytes = bytes_of(env, bytes)?;
    M::decode(&*bytes).map_err(|why| wrong(format!("a message of Java's cannot be read: {why}")))
}

/// Bytes of Java's; an error if there are none.
pub(crate) fn bytes_of(env: &mut Env<'_>, object: JObject<'_>) -> Result<Vec<u8>> {
    if object.is_null() {
        return Err(Error::NullPtr("bytes"));
    }
    let array = env.cast_local::<JByteArray<'_>>(object)?;
    env.convert_byte_array(&array)
}

/// The messages of a collection of Java's; none if it is null. Only its iterator is used: some are lazy views.
pub(crate) fn messages<M: Message + Default>(
    env: &mut Env<'_>,
    collection: &JObject<'_>,
) -> Result<Vec<M>> {
    let mut all = Vec::new();
    each(env, collection, |env, object| {
        all.push(message(env, object)?);
        Ok(())
    })?;
    Ok(all)
}

/// The strings of a collection of Java's; none if it is null.
pub(crate) fn strings(env: &mut Env<'_>, collection: &JObject<'_>) -> Result<Vec<String>> {
    let mut all = Vec::new();
    each(env, collection, |env, object| {
        all.push(object_text(env, object)?);
        Ok(())
    })?;
    Ok(all)
}

fn object_text(env: &mut Env<'_>, object: &JObject<'_>) -> Result<String> {
    let text = env.call_method(object, jni_str!("toString"), jni_sig!("()Ljava/lang/String;"), &[]);
    let text = text?.into_object()?;
    text_of(env, text)
}

/// A string of Java's; an error if it is null.
pub(crate) fn text_of(env: &mut Env<'_>, object: JObject<'_>) -> Result<String> {
    if object.is_null() {
        return Err(Error::NullPtr("a string"));
    }
    env.cast_local::<JString<'_>>(object)?.try_to_string(env)
}

fn each(
    env: &mut Env<'_>,
    collection: &JObject<'_>,
    mut act: impl FnMut(&mut Env<'_>, &JObject<'_>) -> Result<()>,
) -> Result<()> {
    if collection.is_null() {
        return Ok(());
    }
    let iterator =
        env.call_method(collection, jni_str!("iterator"), jni_sig!("()Ljava/util/Iterator;"), &[]);
    let iterator = iterator?.into_object()?;
    loop {
        let more = env.call_method(&iterator, jni_str!("hasNext"), jni_sig!("()Z"), &[])?;
        if !more.into_bool()? {
            return Ok(());
        }
        // However many there are, no more than a few are referred to at a time.
        env.with_local_frame(16, |env| {
            let next =
                env.call_method(&iterator, jni_str!("next"), jni_sig!("()Ljava/lang/Object;"), &[]);
            let next = next?.into_object()?;
            act(env, &next)
        })?;
    }
}

/// One of our messages as one of Java's, of a class within `org.apache.mesos.Protos`.
pub(crate) fn java<'l>(
    env: &mut Env<'l>,
    class: &str,
    message: &impl Message,
) -> Result<JObject<'l>> {
    let array = env.byte_array_from_slice(&message.encode_to_vec())?;
    let name = format!("org.apache.mesos.Protos${class}");
    let found = loader::class(env, &name)?;
    let signature = format!("([B)Lorg/apache/mesos/Protos${class};");
    let signature = jni::signature::RuntimeMethodSignature::from_str(&signature)?;
    let made = env.call_static_method(
        &found,
        jni_str!("parseFrom"),
        signature.method_signature(),
        &[JValue::Object(&array)],
    );
    made?.into_object()
}

/// A list of our messages as a list of Java's, which may be changed.
pub(crate) fn java_list<'l>(
    env: &mut Env<'l>,
    class: &str,
    messages: &[impl Message],
) -> Result<JObject<'l>> {
    let list = env.new_object(jni_str!("java/util/ArrayList"), jni_sig!("()V"), &[])?;
    for message in messages {
        env.with_local_frame(16, |env| {
            let one = java(env, class, message)?;
            add(env, &list, &one)
        })?;
    }
    Ok(list)
}

/// Adds an object to a list of Java's.
pub(crate) fn add(env: &mut Env<'_>, list: &JObject<'_>, object: &JObject<'_>) -> Result<()> {
    let added = env.call_method(
        list,
        jni_str!("add"),
        jni_sig!("(Ljava/lang/Object;)Z"),
        &[JValue::Object(object)],
    );
    added?.into_bool().map(drop)
}

/// A text as a string of Java's, without what Java's native strings cannot hold.
pub(crate) fn java_text<'l>(env: &mut Env<'l>, text: &str) -> Result<JObject<'l>> {
    Ok(JString::from_str(env, text.replace('\0', " "))?.into())
}

/// A status as the enumeration of Java's.
pub(crate) fn java_status<'l>(env: &mut Env<'l>, status: Status) -> Result<JObject<'l>> {
    let class = loader::class(env, "org.apache.mesos.Protos$Status")?;
    let made = env.call_static_method(
        &class,
        jni_str!("valueOf"),
        jni_sig!("(I)Lorg/apache/mesos/Protos$Status;"),
        &[JValue::Int(status as i32)],
    );
    made?.into_object()
}
