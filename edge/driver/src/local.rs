//! An ECS of this process: `longshore dev` as a child, which ends when this process does.
//!
//! A process of its own, since a local ECS runs the commands of tasks and watches over them, which a JVM or any other host of a driver
//! should not have to do; and since it is all of `longshore`, which a library need not contain.
//!
//! Its API is on loopback and takes requests only that are signed with a key that no other user of the machine can know. Nothing of it is
//! stored.

use std::env;
use std::fmt;
use std::future::Future;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::watch;

/// How long it may take to be ready. Source: chosen by us: it takes less than a second.
const READY: Duration = Duration::from_secs(30);
/// How long it may take to stop its tasks before it is killed. Source: chosen by us: ECS gives a task 30 s to stop.
const STOPS: Duration = Duration::from_secs(40);
/// How often to look whether it has ended.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes of a line that says that it is ready. Source: chosen by us: it has two addresses.
const LINE_BYTES_MAX: u64 = 16 * 1024;
/// The program, where it is neither named nor beside this one.
const PROGRAM: &str = "longshore";
const KEY_ID: &str = "local";
/// The region of the local ECS.
pub(crate) const REGION: &str = "us-east-1";
/// The cluster of the local ECS.
pub(crate) const CLUSTER: &str = "local";

/// The queue with its events.
pub(crate) const QUEUE: &str = "longshore-local";

/// How a local ECS is started for a driver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalOptions {
    /// The program; else `LONGSHORE_PROGRAM`, else `longshore` in `folder` or in `../bin`, else the one on the `PATH`.
    pub program: Option<PathBuf>,
    /// Where it is looked for; else where the program that runs is.
    pub folder: Option<PathBuf>,
    /// Flags of `longshore dev`, for instance `--instances 5`; else the words of `LONGSHORE_LOCAL`. Without any there are three
    /// instances that run plain processes.
    pub flags: Option<Vec<String>>,
}

impl LocalOptions {
    fn named_program(&self) -> PathBuf {
        let named = self.program.clone();
        let named = named.or_else(|| {
            let named = env::var_os("LONGSHORE_PROGRAM").filter(|named| !named.is_empty());
            named.map(PathBuf::from)
        });
        named.or_else(|| self.beside()).unwrap_or_else(|| PROGRAM.into())
    }

    fn beside(&self) -> Option<PathBuf> {
        let own = || Some(env::current_exe().ok()?.parent()?.to_owned());
        let folder = self.folder.clone().or_else(own)?;
        let places = [folder.join(PROGRAM), folder.join("../bin").join(PROGRAM)];
        places.into_iter().find(|place| place.is_file())
    }

    fn named_flags(&self) -> Vec<String> {
        let words = || {
            let text = env::var("LONGSHORE_LOCAL").unwrap_or_default();
            text.split_whitespace().map(str::to_owned).collect()
        };
        self.flags.clone().unwrap_or_else(words)
    }
}

/// Why there is no local ECS.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot start a local ECS by {program} dev: {why}. Name the program longshore by LONGSHORE_PROGRAM, or run `longshore dev` and name its address as the master"
)]
pub(crate) struct NoLocalEcs {
    program: String,
    why: String,
}

/// A local ECS that runs.
pub(crate) struct LocalEcs {
    /// The URL of its API.
    pub(crate) endpoint: String,
    secret: String,
    child: Child,
    /// It ends when this is closed, also because this process is gone.
    stdin: Option<ChildStdin>,
    /// Whether it has ended.
    ended: watch::Receiver<bool>,
}

impl fmt::Debug for LocalEcs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEcs").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Ready {
    ecs: String,
}

impl LocalEcs {
    /// Starts one, and waits until it can be asked.
    pub(crate) fn start(options: &LocalOptions) -> Result<Self, NoLocalEcs> {
        let program = options.named_program();
        let no = |why: String| NoLocalEcs { program: program.display().to_string(), why };
        let secret = secret();
        let mut command = Command::new(&program);
        command
            .args(["--json", "dev", "--until-stdin-ends", "--in-memory", "--runtime", "process"])
            .args(["--ecs-listen", "127.0.0.1:0", "--region", REGION, "--cluster", CLUSTER])
            .args(options.named_flags())
            .env("LONGSHORE_ACCESS_KEYS", format!("{KEY_ID}:{secret}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if env::var_os("RUST_LOG").is_none() {
            // What runs in another program says only what is wrong.
            command.env("RUST_LOG", "warn");
        }
        // Ctrl-C is for this process, which then decides what becomes of its tasks.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|why| no(why.to_string()))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (told, ended) = watch::channel(false);
        let mut local = Self { endpoint: String::new(), secret, child, stdin, ended };
        let Some(stdout) = stdout else { return Err(no("it has no output".to_owned())) };
        // Dropped on the way out, it is stopped.
        local.endpoint = first_line(stdout, told).map_err(no)?;
        Ok(local)
    }

    /// Access key and secret.
    pub(crate) fn keys(&self) -> (String, String) {
        (KEY_ID.to_owned(), self.secret.clone())
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + use<> {
        let mut ended = self.ended.clone();
        async move {
            // Whoever tells is gone when it has told.
            let _ = ended.wait_for(|ended| *ended).await;
        }
    }
}

impl Drop for LocalEcs {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let until = Instant::now() + STOPS;
        while let Ok(None) = self.child.try_wait() {
            if Instant::now() > until {
                // It is gone already, or it goes now.
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// What the first line says of the API's URL. The rest is read until it ends, and then that is told.
fn first_line(stdout: ChildStdout, told: watch::Sender<bool>) -> Result<String, String> {
    let (say, said) = std::sync::mpsc::channel();
    let read = move || {
        let mut output = BufReader::new(stdout);
        let mut line = Vec::new();
        let read = (&mut output).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        // Nobody waits any more if it took too long.
        let _ = say.send(read.map(|_| line));
        let _ = std::io::copy(&mut output, &mut std::io::sink());
        told.send_replace(true);
    };
    let thread = std::thread::Builder::new().name("longshore-local".to_owned());
    thread.spawn(read).map_err(|why| why.to_string())?;
    let line = said.recv_timeout(READY).map_err(|_| "it takes too long to start".to_owned())?;
    let line = line.map_err(|why| why.to_string())?;
    match serde_json::from_slice::<Ready>(&line) {
        Ok(ready) => Ok(ready.ecs),
        Err(_) if line.is_empty() => Err("it ended at once, and said why on stderr".to_owned()),
        Err(_) => Err("it does not say where it listens".to_owned()),
    }
}

/// A secret that nobody guesses.
fn secret() -> String {
    let mut bytes = [0_u8; 32];
    // So few are read in one call, which blocks only right after boot.
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .expect("the kernel has randomness");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(program: &str, flags: &[&str]) -> LocalOptions {
        let flags = Some(flags.iter().map(ToString::to_string).collect());
        LocalOptions { program: Some(program.into()), folder: None, flags }
    }

    #[test]
    fn what_cannot_be_started_says_so_and_what_to_do() {
        for (program, why) in [
            ("/no/such/program", "No such file or directory"),
            ("false", "it ended at once"),
            ("echo", "it does not say where it listens"),
        ] {
            let text = LocalEcs::start(&options(program, &[])).expect_err(program).to_string();
            assert!(text.contains(why) && text.contains("LONGSHORE_PROGRAM"), "{text}");
        }
    }

    #[test]
    fn secrets_differ() {
        let (one, other) = (secret(), secret());
        assert!(one.len() == 64 && one != other);
    }
}
