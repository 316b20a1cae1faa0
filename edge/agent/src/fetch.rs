//! Fetches files into the sandbox of a task before it starts: `longshore fetch`.
//!
//! It runs as a container of the task, where ECS runs containers, or as a process beside it. Its order is in the environment, which
//! the bridge wrote; it says what it does on standard error, which ends in the sandbox, and its exit code says which URI failed. It
//! has no rights that the task would not have, except that it may run as root to give the files to another user.
//!
//! A framework chooses what is fetched, and may be hostile: see `address` for whom it may ask, `unpack` for what
//! archives may do, `limits` for how much of it there may be. Source: Apache Mesos, `docs/fetcher.md`.

mod address;
mod cache;
mod http;
mod limits;
mod meter;
mod room;
mod sandbox;
mod source;
mod unpack;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use longshore_wire_ecs::fetch::{
    FAILURE, FetchOrder, FetchSettings, FetchUri, NO_ORDER_CODE, ORDER_VARIABLE, SETTINGS_VARIABLE,
    exit_code,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::address::Allowed;
use self::cache::Cache;
use self::http::Http;
use self::room::Room;
use self::sandbox::{Sandbox, downward};
use self::source::{Fetched, Source, Sources};
use self::unpack::{Kind, unpack};
use crate::files::Folder;
use crate::process::identity;

/// The end of a line of its log.
const OK: &str = "done";
/// Exit code of one that was stopped: 128 and SIGTERM.
const STOPPED: u8 = 143;

pub use hyper::header::HeaderMap as Headers;
pub use url::Url;

/// A request for an object in Amazon S3: where, and with which headers.
pub type Signed = (Url, Headers);

/// Signs requests for objects in Amazon S3: bucket, key, and the region that the bucket turned out to be in.
pub type Signer = Arc<
    dyn Fn(
            String,
            String,
            Option<String>,
        ) -> Pin<Box<dyn Future<Output = Result<Signed, String>> + Send>>
        + Send
        + Sync,
>;

/// Runs a fetcher, and returns its exit code.
pub fn main(signer: Signer) -> ExitCode {
    let wrong = |why: String| {
        eprintln!("{FAILURE}{why}");
        ExitCode::from(NO_ORDER_CODE)
    };
    bound_memory();
    let (order, settings) = match told() {
        Ok(told) => told,
        Err(why) => return wrong(why),
    };
    let uris = order.uris.clone();
    let fetched = match until_stopped(all(order, settings, signer)) {
        Ok(Some(fetched)) => fetched,
        Ok(None) => return ExitCode::from(STOPPED),
        Err(error) => return wrong(format!("cannot be run: {error}")),
    };
    match fetched {
        Ok(()) => ExitCode::SUCCESS,
        Err((index, why)) => {
            let uri = uris.get(index).map(|uri| shown(&uri.value)).unwrap_or_default();
            let text: String =
                format!("{uri}: {why}").chars().take(limits::REASON_CHARS_MAX).collect();
            // One line, whatever a server says.
            eprintln!("{FAILURE}{}", text.replace(char::is_control, " "));
            ExitCode::from(exit_code(index))
        }
    }
}

/// Runs to the end, or to SIGTERM: in a container, where nobody else is there to end, the kernel does not deliver it otherwise. The work
/// has a thread of its own, since unpacking blocks it for as long as it takes, and is left behind.
///
/// # Errors
/// That it cannot begin, or that the work panicked.
fn until_stopped<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> std::io::Result<Option<T>> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let working = runtime()?;
    runtime()?.block_on(async {
        let mut stop = signal(SignalKind::terminate())?;
        let (done, result) = tokio::sync::oneshot::channel();
        std::thread::Builder::new().name("fetch".to_owned()).spawn(move || {
            // Nobody waits for it after SIGTERM.
            let _ = done.send(working.block_on(work));
        })?;
        tokio::select! {
            result = result => {
                let died = |_| std::io::Error::other("the fetcher panicked, which is a defect of Longshore");
                result.map(Some).map_err(died)
            }
            _ = stop.recv() => Ok(None),
        }
    })
}

/// A hostile archive can name a size that a reader believes.
fn bound_memory() {
    let most = limits::MEMORY_BYTES_MAX;
    let maximum = getrlimit(Resource::As).maximum;
    let current = Some(maximum.map_or(most, |maximum| maximum.min(most)));
    // Without it, the memory of the container is the bound.
    let _ = setrlimit(Resource::As, Rlimit { current, maximum });
}

fn told() -> Result<(FetchOrder, FetchSettings), String> {
    let read = |name: &str| {
        std::env::var(name).map_err(|_| {
            format!("{name} is not set: the Mesos master of Longshore starts fetchers")
        })
    };
    let order = serde_json::from_str(&read(ORDER_VARIABLE)?)
        .map_err(|error| format!("{ORDER_VARIABLE} cannot be read: {error}"))?;
    let settings = serde_json::from_str(&read(SETTINGS_VARIABLE)?)
        .map_err(|error| format!("{SETTINGS_VARIABLE} cannot be read: {error}"))?;
    Ok((order, settings))
}

/// A URI without its password, for logs.
fn shown(uri: &str) -> String {
    match Url::parse(uri) {
        Ok(mut url) if url.password().is_some() => {
            // It has a host, as it has a password.
            let _ = url.set_password(None);
            url.to_string()
        }
        _ => uri.to_owned(),
    }
}

/// Fetches everything, in order.
///
/// # Errors
/// The index of the URI that failed, and why.
async fn all(
    order: FetchOrder,
    settings: FetchSettings,
    signer: Signer,
) -> Result<(), (usize, String)> {
    let first = |why: String| (0, why);
    // The sandbox is the working directory of its container.
    let here = Folder::open(Path::new("."));
    let folder = here.map_err(|error| first(format!("there is no sandbox: {error}")))?;
    let owner = owner(order.user.as_deref(), &folder).map_err(first)?;
    let http = Http::new(Allowed { link_local: settings.link_local }).map_err(first)?;
    let cache = settings.cache.as_ref().map(Cache::open).transpose();
    let mut fetcher = Fetcher {
        sources: Sources { http, settings, signer },
        sandbox: Sandbox::new(folder, owner),
        cache: cache.map_err(|error| first(format!("there is no cache: {error}")))?,
        user: order.user.as_deref().unwrap_or_default().to_owned(),
        room: Room::new(),
    };
    for (index, uri) in order.uris.iter().enumerate() {
        eprintln!("Fetching {}", shown(&uri.value).replace(char::is_control, " "));
        fetcher.fetch(uri).await.map_err(|why| (index, why))?;
        eprintln!("{OK}");
    }
    Ok(())
}

/// Whose the files are to be. Where the user has no name, as in an image that the task's own is not, anybody may write into the
/// sandbox instead.
fn owner(user: Option<&str>, folder: &Folder) -> Result<Option<(u32, u32)>, String> {
    let own = rustix::process::geteuid();
    let Some(user) = user.filter(|_| own.is_root()) else { return Ok(None) };
    let failed = |error: std::io::Error| format!("cannot give the sandbox to user {user}: {error}");
    if let Some(identity) = identity(user) {
        folder.give_to(identity.uid, identity.gid).map_err(failed)?;
        return Ok(Some((identity.uid, identity.gid)));
    }
    let all = rustix::fs::Mode::from_raw_mode(0o1777);
    rustix::fs::fchmod(folder, all).map_err(|error| failed(error.into()))?;
    Ok(None)
}

struct Fetcher {
    sources: Sources,
    sandbox: Sandbox,
    cache: Option<Cache>,
    user: String,
    room: Room,
}

impl Fetcher {
    async fn fetch(&mut self, uri: &FetchUri) -> Result<(), String> {
        let source = Source::parse(&uri.value)?;
        let name = match uri.output_file.as_deref() {
            Some(given) => given.to_owned(),
            None => source::name(&uri.value)?,
        };
        let path = downward(Path::new(&name))?;
        if path.as_os_str().is_empty() {
            return Err("it has no name: give it an output_file".to_owned());
        }
        let kind = Kind::of(&name).filter(|_| uri.extract && !uri.executable);
        let cached = match (&self.cache, uri.cache) {
            (Some(_), true) => Some(self.cached(&uri.value, &source).await?),
            _ => None,
        };
        let archive = match (cached, kind) {
            // Source: Apache Mesos: an archive in the cache is unpacked from there, and is not in the sandbox.
            (Some(kept), Some(_)) => kept,
            (Some(mut kept), None) => {
                let mut file = self.made(&path)?;
                let copied = self.room.copy(&mut kept, &mut file);
                copied.map_err(|error| format!("cannot be copied from the cache: {error}"))?;
                file
            }
            (None, _) => {
                let mut file = self.made(&path)?;
                self.sources.get(&source, &mut file, &mut self.room).await?;
                self.sandbox.open(&path).map_err(|error| error.to_string())?
            }
        };
        if uri.executable {
            let made = self.sandbox.make_executable(&path);
            made.map_err(|error| format!("cannot be made executable: {error}"))?;
        }
        let Some(kind) = kind else { return Ok(()) };
        // Archives with a directory in their name are unpacked at the top, as in Mesos.
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or(&name).to_owned();
        let (sandbox, room) = (&self.sandbox, &mut self.room);
        unpack(kind, archive, &name, sandbox, room)
    }

    fn made(&mut self, path: &Path) -> Result<File, String> {
        let made = self.room.entry().and_then(|()| self.sandbox.file(path, 0o644));
        made.map_err(|error| format!("cannot be written to {}: {error}", path.display()))
    }

    /// A file from the cache, which it is put into if it is not there.
    async fn cached(&mut self, uri: &str, source: &Source) -> Result<File, String> {
        let failed = |error: std::io::Error| format!("cannot be cached: {error}");
        let cache = self.cache.as_ref().ok_or("there is no cache")?;
        let slot = Cache::slot(uri, &self.user);
        if let Some(found) = cache.find(&slot) {
            return Ok(found);
        }
        let mut file = cache.begin(&slot).map_err(failed)?;
        let fetched: Fetched = self.sources.get(source, &mut file, &mut self.room).await;
        let fetched = fetched.and_then(|()| file.flush().map_err(failed));
        if let Err(why) = fetched {
            cache.abandon(&slot);
            return Err(why);
        }
        cache.keep(&slot).map_err(failed)
    }
}

#[cfg(test)]
mod tests;
