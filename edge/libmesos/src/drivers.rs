//! The drivers that Java has made, by the number that each of its objects holds.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jni::Env;
use jni::JValueOwned;
use jni::errors::Result;
use jni::objects::JObject;
use jni::{jni_sig, jni_str};
use longshore_driver::v1::{Credential as Named, FrameworkInfo};
use longshore_driver::{
    Credential, DriverOptions, EcsOptions, EcsSchedulerDriver, HttpSchedulerDriver, LocalOptions,
    Master, SchedulerDriver, Status,
};

use crate::callbacks::JavaScheduler;
use crate::convert;
use crate::numbered::Numbered;

/// A driver, or why there is none, which `start` tells.
pub(crate) enum Made {
    Driver(Box<dyn SchedulerDriver>),
    Failed(Failed),
}

/// A driver that could not be made. Its statuses are those of one that aborts when it is started.
pub(crate) struct Failed {
    why: String,
    status: Mutex<Status>,
}

impl Failed {
    fn lock(&self) -> MutexGuard<'_, Status> {
        // Nothing but a comparison and an assignment happens under it.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> Status {
        *self.lock()
    }

    /// Starts it: why it cannot be, the first time.
    pub(crate) fn start(&self) -> Option<&str> {
        let mut status = self.lock();
        let is_first = *status == Status::NotStarted;
        if is_first {
            *status = Status::Aborted;
        }
        is_first.then_some(&*self.why)
    }

    /// Stops it. Source: Mesos tells whoever stops an aborted driver that it was aborted.
    pub(crate) fn stop(&self) -> Status {
        let mut status = self.lock();
        let before = *status;
        if before == Status::Aborted {
            *status = Status::Stopped;
        }
        before
    }
}

/// The drivers that were not finalized.
static DRIVERS: Numbered<Made> = Numbered::new();

/// The driver of a number.
pub(crate) fn of(number: i64) -> Option<Arc<Made>> {
    DRIVERS.get(number)
}

/// Forgets a driver. One that runs stops as if another scheduler were to take over.
pub(crate) fn forget(number: i64) {
    // It may have to wait for a callback.
    drop(DRIVERS.take(number));
}

/// Makes the driver of a Java object from its fields; its number.
pub(crate) fn make(env: &mut Env<'_>, this: &JObject<'_>) -> Result<i64> {
    let asked = Asked::read(env, this)?;
    let scheduler = JavaScheduler::new(env, this)?;
    let made = match asked.driver(scheduler) {
        Ok(driver) => Made::Driver(driver),
        Err(why) => Made::Failed(Failed { why, status: Mutex::new(Status::NotStarted) }),
    };
    Ok(DRIVERS.put(made))
}

/// What the fields of a Java driver say.
struct Asked {
    framework: FrameworkInfo,
    master: String,
    credential: Option<Named>,
    options: DriverOptions,
}

impl Asked {
    fn read(env: &mut Env<'_>, this: &JObject<'_>) -> Result<Self> {
        let framework = env.get_field(
            this,
            jni_str!("framework"),
            jni_sig!("Lorg/apache/mesos/Protos$FrameworkInfo;"),
        );
        let framework = framework?.into_object()?;
        let framework = convert::message(env, &framework)?;
        let master = env.get_field(this, jni_str!("master"), jni_sig!("Ljava/lang/String;"));
        let master = master?.into_object()?;
        let master = convert::text_of(env, master)?;
        // Source: drivers before 0.15 have no credential, before 0.22 acknowledge always, and before 1.9 suppress no roles.
        let credential = env.get_field(
            this,
            jni_str!("credential"),
            jni_sig!("Lorg/apache/mesos/Protos$Credential;"),
        );
        let credential = optional(env, credential).map(JValueOwned::into_object).transpose()?;
        let credential = credential.filter(|object| !object.is_null());
        let credential = credential.map(|object| convert::message(env, &object)).transpose()?;
        let implicit = env.get_field(this, jni_str!("implicitAcknowledgements"), jni_sig!("Z"));
        let implicit = optional(env, implicit).map(JValueOwned::into_bool).transpose()?;
        let roles =
            env.get_field(this, jni_str!("suppressedRoles"), jni_sig!("Ljava/util/Collection;"));
        let roles = optional(env, roles).map(JValueOwned::into_object).transpose()?;
        let roles = roles.map(|roles| convert::strings(env, &roles)).transpose()?;
        let options = DriverOptions {
            explicit_acknowledgements: implicit == Some(false),
            suppressed_roles: roles.unwrap_or_default(),
            ..DriverOptions::default()
        };
        Ok(Self { framework, master, credential, options })
    }

    /// Makes the driver, or says why that cannot be.
    fn driver(
        self,
        scheduler: JavaScheduler,
    ) -> std::result::Result<Box<dyn SchedulerDriver>, String> {
        let Self { framework, master, credential, options } = self;
        let text = |why: &dyn std::fmt::Display| {
            format!("Failed to create a master detector for '{}': {why}", Master::shown(&master))
        };
        let ecs = match Master::read(&master).map_err(|why| text(&why))? {
            Master::Ecs { cluster } => Some(EcsOptions { cluster, ..EcsOptions::default() }),
            Master::Local => Some(EcsOptions::local(local())),
            Master::Address { .. } | Master::ZooKeeper(_) => None,
        };
        if let Some(ecs) = ecs {
            return Ok(Box::new(EcsSchedulerDriver::with(scheduler, framework, ecs, options)));
        }
        let credential = credential.map(|one| Credential {
            principal: one.principal,
            secret: one.secret.unwrap_or_default(),
        });
        let credential = credential.as_ref();
        let made = HttpSchedulerDriver::with(scheduler, framework, &master, options, credential);
        Ok(Box::new(made.map_err(|why| text(&why))?))
    }
}

/// How a local ECS is started: by the program that came with the library. The one that runs is Java.
fn local() -> LocalOptions {
    let variables = ["MESOS_NATIVE_JAVA_LIBRARY", "MESOS_NATIVE_LIBRARY"];
    let library = variables.iter().find_map(std::env::var_os).map(PathBuf::from);
    let folder = library.as_deref().and_then(Path::parent).map(Path::to_owned);
    LocalOptions { folder, ..LocalOptions::default() }
}

/// A field that older jars do not have.
fn optional<T>(env: &mut Env<'_>, field: Result<T>) -> Option<T> {
    if field.is_err() {
        env.exception_clear();
    }
    field.ok()
}
