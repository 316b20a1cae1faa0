//! Ownership of data directories, their contents, and what remains of them.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::http::get;
use crate::server::{Home, Server, command, refused, until};

/// Asserts that the message has every part.
fn says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-r").args([from, to]).status();
    assert!(done.expect("there is such a command").success());
}

/// A home whose data directory was made by somebody else, with a service that runs a command when
/// it is opened.
fn with_a_stranger() -> Home {
    let (theirs, ours) = (Home::new(), Home::new());
    let server = Server::start(&theirs, &[]);
    let file = ours.path("runs").to_string_lossy().into_owned();
    server.define("evil", &format!("echo ran >>{file}; sleep 600"));
    let service = json!({"serviceName": "evil", "taskDefinition": "evil", "desiredCount": 1});
    server.ecs("CreateService", &service);
    until("it runs there", || (ours.lines("runs").len() == 1).then_some(()));
    drop(server);
    copy(&theirs.state(), &ours.state());
    ours
}

#[test]
fn a_data_directory_that_somebody_else_made_starts_nothing_unless_it_is_trusted() {
    let home = with_a_stranger();
    let (code, said) = refused(&home, &[]);
    assert_eq!(code, Some(1), "{said}");
    says(
        &said,
        &[&home.state().to_string_lossy(), "--trust-data-dir", "--data-dir", "not created"],
    );
    assert_eq!(home.lines("runs").len(), 1, "nothing was started");
    let server = Server::start(&home, &["--trust-data-dir"]);
    until("its service is started", || (home.lines("runs").len() == 2).then_some(()));
    drop(server);
    drop(Server::start(&home, &[]));
}

#[test]
fn a_data_directory_of_an_older_version_is_opened_when_somebody_says_so_once() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    server.define("kept", "true");
    drop(server);
    // As before directories had owner files and narrow modes.
    for name in ["owner", ".gitignore", "longshore.commits"] {
        fs::remove_file(home.state().join(name)).expect("it is there");
    }
    for (name, mode) in [("", 0o755), ("longshore.db", 0o644), ("hosts", 0o755)] {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(home.state().join(name), mode).expect("it is ours");
    }
    let (code, said) = refused(&home, &[]);
    assert_eq!(code, Some(1), "{said}");
    says(&said, &["an older version", "--trust-data-dir"]);
    let server = Server::start(&home, &["--trust-data-dir"]);
    let arn = server.run("kept");
    server.wait(&arn, "STOPPED");
    drop(server);
    drop(Server::start(&home, &[]));
    let mode = |name: &str| {
        let meta = fs::metadata(home.state().join(name)).expect(name);
        meta.permissions().mode() & 0o777
    };
    assert_eq!(["", "longshore.db", "hosts"].map(mode), [0o700, 0o600, 0o700]);
}

/// Starts the program on a terminal and answers its question; returns its output until it exited or
/// was ready.
fn answered(home: &Home, answer: &str) -> Option<String> {
    let dev = command(home, &[]);
    let words = std::iter::once(dev.get_program()).chain(dev.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
    let line = format!("timeout --foreground 5 {}; echo ended with $?", line.join(" "));
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    terminal
        .stderr(Stdio::null())
        .envs(dev.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let Ok(mut terminal) = terminal.spawn() else {
        // Bypasses the harness, which hides the output of passing tests. A failure is harmless.
        let _ = writeln!(std::io::stderr(), "skipped: there is no `script` to make a terminal");
        return None;
    };
    let mut keys = terminal.stdin.take().expect("it is piped");
    keys.write_all(answer.as_bytes()).expect("it listens");
    let output = terminal.wait_with_output().expect("it ends");
    drop(keys);
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn at_a_terminal_the_question_is_asked_and_the_answer_counts() {
    let home = with_a_stranger();
    for (answer, is_opened) in [("\n", false), ("no\n", false), ("y\n", true)] {
        let Some(said) = answered(&home, answer) else { return };
        says(&said, &["was not created by you on this machine", "Open it? [y/N]"]);
        assert_eq!(said.contains("\"ready\":true"), is_opened, "{answer:?}: {said}");
        assert_eq!(said.contains("ended with 1\r\n"), !is_opened, "{answer:?}: {said}");
        assert_eq!(home.lines("runs").len(), 1 + usize::from(is_opened), "{answer:?}");
    }
}

#[test]
fn links_in_the_data_directory_are_refused_and_lead_nowhere() {
    for name in ["longshore.lock", "longshore.db", "longshore.db-wal", "hosts", "owner"] {
        let home = Home::new();
        fs::create_dir(home.state()).expect("it is ours");
        let victim = home.path("victim");
        fs::write(&victim, "precious").expect("it is ours");
        symlink(&victim, home.state().join(name)).expect("it is linked");
        let (code, said) = refused(&home, &["--trust-data-dir"]);
        assert_eq!(code, Some(1), "{name}: {said}");
        says(&said, &[&home.state().join(name).to_string_lossy(), "link"]);
        assert_eq!(fs::read(&victim).expect("it is there"), b"precious", "{name}");
    }
    let home = Home::new();
    fs::create_dir(home.path("elsewhere")).expect("it is ours");
    symlink(home.path("elsewhere"), home.state()).expect("it is linked");
    let (code, said) = refused(&home, &[]);
    assert_eq!(code, Some(1), "{said}");
    says(&said, &[&home.state().to_string_lossy(), "is a link"]);
}

#[test]
fn all_that_the_program_makes_is_for_its_owner_only() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    server.define("any", "echo x; sleep 600");
    let arn = server.run("any");
    server.wait(&arn, "RUNNING");
    let mut next = vec![home.state(), home.path("notes").join("longshore")];
    let mut seen = 0;
    while let Some(path) = next.pop() {
        let meta = fs::symlink_metadata(&path).expect("it is there");
        assert_eq!(meta.permissions().mode() & 0o077, 0, "{}", path.display());
        seen += 1;
        if meta.is_dir() {
            next.extend(
                path.read_dir().expect("it is ours").map(|entry| entry.expect("it is").path()),
            );
        }
    }
    assert!(seen > 15, "{seen}");
}

/// Whether a process runs.
fn runs(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[test]
fn what_is_kept_in_memory_leaves_nothing_after_kill_9() {
    let home = Home::new();
    let mut server = Server::start(&home, &["--in-memory"]);
    let file = home.path("pids");
    let script = format!(
        "echo $$ >>{0}; setsid sh -c 'echo $$ >>{0}; exec sleep 600' & sleep 600",
        file.display()
    );
    server.define("long", &script);
    let arn = server.run("long");
    server.wait(&arn, "RUNNING");
    until("all of it runs", || (home.lines("pids").len() == 2).then_some(()));
    let pids: Vec<i32> =
        home.lines("pids").iter().map(|pid| pid.parse().expect("a number")).collect();
    let names = || -> Vec<String> {
        let entries = home.tmp().read_dir().expect("it is ours");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("it is ours").file_name();
        entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect()
    };
    let [name] = &*names() else { panic!("one directory: {:?}", names()) };
    assert!(!name.contains(&server.id().to_string()) && name.len() >= 24, "guessable: {name}");
    let mode = fs::metadata(home.tmp().join(name)).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);

    server.kill();
    until("no process is left", || (!pids.iter().any(|pid| runs(*pid))).then_some(()));
    let mut server = Server::start(&home, &["--in-memory"]);
    assert!(!names().contains(name), "the directory of before is gone");
    assert_eq!(names().len(), 1);
    server.terminate();
    assert_eq!(server.ended(), Some(0), "{}", server.said());
    assert_eq!(names(), [""; 0], "nor is anything left of one that ended well");
    assert!(!home.state().exists());
}

/// The head of a reply, in lower case.
fn head(address: &str, path: &str) -> String {
    let mut socket = TcpStream::connect(address).expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("it listens");
    let mut reply = Vec::new();
    socket.read_to_end(&mut reply).expect("it answers");
    let reply = String::from_utf8_lossy(&reply).to_ascii_lowercase();
    reply.split("\r\n\r\n").next().unwrap_or_default().to_owned() + "\r\n"
}

#[test]
fn output_is_given_for_the_name_of_a_container_and_for_no_path() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    server.define("page", "echo '<script>alert(1)</script>'");
    let arn = server.run("page");
    server.wait(&arn, "STOPPED");
    let id = arn.rsplit('/').next().expect("a split has a last part");
    let ask = |task: &str, name: &str| {
        get(&server.ecs, &format!("/longshore/v1/tasks/{task}/logs/{name}")).expect("it answers")
    };
    let own = ask(id, "main");
    assert_eq!((own.status, own.text().as_str()), (200, "<script>alert(1)</script>\n"));
    let outside = home.path("outside");
    fs::create_dir(&outside).expect("it is ours");
    fs::write(outside.join("output"), "secret").expect("it is ours");
    let path = outside.to_string_lossy().replace('/', "%2f");
    for name in
        [path.as_str(), "..%2f..%2f..%2f..%2f..%2foutside", "main%2f..%2fmain", "%00", "other"]
    {
        assert_eq!(ask(id, name).status, 404, "{name}");
    }
    assert_eq!(ask("..%2f..", "outside").status, 404);
    for name in ["main", "other"] {
        let head = head(&server.ecs, &format!("/longshore/v1/tasks/{id}/logs/{name}"));
        says(
            &head,
            &["content-type: text/plain; charset=utf-8\r\n", "x-content-type-options: nosniff\r\n"],
        );
    }
    // Links are not followed either, and a FIFO does not block.
    let output = home.container(&arn).expect("it is kept").join("output");
    fs::remove_file(&output).expect("it is ours");
    symlink(outside.join("output"), &output).expect("it is linked");
    assert_eq!(ask(id, "main").status, 404);
    fs::remove_file(&output).expect("it is ours");
    assert!(Command::new("mkfifo").arg(&output).status().expect("it runs").success());
    let began = Instant::now();
    for _ in 0..8 {
        assert_eq!(ask(id, "main").status, 404);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}
