//! A fetcher against a server of this machine.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;

use longshore_wire_ecs::fetch::{FetchCache, FetchS3};

use super::*;

/// Answers each request with what `answer` makes of its head, and remembers the heads.
fn server(answer: fn(&str) -> String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().expect("it can be"));
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|n| n > 0) {}
            let _ = stream.write_all(answer(&head).as_bytes());
            seen.lock().expect("nobody panicked").push(head);
        }
    });
    (url, heads)
}

fn file(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn served(head: &str) -> String {
    let path = head.split(' ').nth(1).unwrap_or_default();
    let to = |to: &str| {
        format!(
            "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    };
    match path {
        "/moved" => to("/run.sh"),
        "/loop" => to("/loop"),
        "/away" => to("file:///etc/passwd"),
        "/inside" => to("http://169.254.169.254/latest/meta-data/"),
        "/none" => {
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
        }
        "/short" => {
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nabc".to_owned()
        }
        _ => file("echo hi\n"),
    }
}

struct Bench {
    directory: tempfile::TempDir,
    fetcher: Fetcher,
}

fn bench(settings: FetchSettings) -> Bench {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let folder = Folder::open(directory.path()).expect("it opens");
    let signer: Signer = Arc::new(|_, _, _| Box::pin(async { Err("no credentials".to_owned()) }));
    let http = Http::new(Allowed { link_local: settings.link_local }).expect("there are roots");
    let cache = settings.cache.as_ref().map(|cache| Cache::open(cache).expect("it opens"));
    let fetcher = Fetcher {
        sources: Sources { http, settings, signer },
        sandbox: Sandbox::new(folder, None),
        cache,
        user: String::new(),
        room: Room::new(),
    };
    Bench { directory, fetcher }
}

impl Bench {
    fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.directory.path().join(name)).ok()
    }
}

fn uri(value: impl Into<String>) -> FetchUri {
    FetchUri { value: value.into().into(), extract: true, ..Default::default() }
}

/// \[A2\]
#[tokio::test]
async fn a_file_is_fetched_under_its_name_or_the_one_that_is_given() {
    let (url, heads) = server(served);
    let mut bench = bench(FetchSettings::default());
    bench.fetcher.fetch(&uri(format!("{url}/a/run.sh"))).await.expect("it is served");
    assert_eq!(bench.read("run.sh").as_deref(), Some("echo hi\n"));
    let moved = FetchUri {
        output_file: Some("bin/start".into()),
        executable: true,
        ..uri(format!("{url}/moved"))
    };
    bench.fetcher.fetch(&moved).await.expect("it is served");
    assert_eq!(bench.read("bin/start").as_deref(), Some("echo hi\n"));
    let mode = std::fs::metadata(bench.directory.path().join("bin/start")).expect("it is there");
    assert_eq!(mode.permissions().mode() & 0o777, 0o755);
    bench
        .fetcher
        .fetch(&uri(url.replace("//", "//me:secret@") + "/mine"))
        .await
        .expect("it is served");
    let heads = heads.lock().expect("nobody panicked");
    assert!(
        heads.last().expect("it was asked").contains("authorization: Basic bWU6c2VjcmV0"),
        "{heads:?}"
    );
}

/// \[A2\]
#[tokio::test]
async fn what_cannot_be_fetched_is_said_by_its_reason() {
    let (url, _) = server(served);
    let mut bench = bench(FetchSettings::default());
    for (path, why) in [
        ("/none", "404 Not Found"),
        ("/loop", "more than 10 times"),
        ("/away", "not HTTP"),
        ("/inside", "link-local"),
        ("/short", "the connection broke"),
    ] {
        let refused = bench.fetcher.fetch(&uri(format!("{url}{path}"))).await.expect_err(path);
        assert!(refused.contains(why), "{path}: {refused}");
    }
    for (value, why) in [
        ("http://169.254.169.254/latest/meta-data/iam", "link-local"),
        ("http://[::ffff:169.254.169.254]/latest", "link-local"),
        ("http://127.0.0.1:1/a", "refused"),
        ("http://nothing.invalid/a", "error"),
        ("hdfs://nn/a", "nothing is fetched from hdfs"),
        ("s3://bucket/key", "--s3-dir"),
        ("/etc/passwd", "--fetch-dir"),
        ("file:///etc/passwd", "--fetch-dir"),
    ] {
        let refused = bench.fetcher.fetch(&uri(value)).await.expect_err(value);
        assert!(refused.contains(why), "{value}: {refused}");
    }
    let out = FetchUri { output_file: Some("../a".into()), ..uri(format!("{url}/a")) };
    assert!(bench.fetcher.fetch(&out).await.expect_err("it leads out").contains("leads out"));
    let broken = bench.fetcher.fetch(&uri(format!("{url}/a.zip"))).await;
    assert!(broken.expect_err("it is no archive").contains("unpack"));
}

/// \[A2\]
#[tokio::test]
async fn files_of_the_machine_are_fetched_only_from_below_what_the_operator_names() {
    let allowed = tempfile::tempdir().expect("a directory can be made");
    std::fs::create_dir_all(allowed.path().join("bucket/k")).expect("it can be made");
    std::fs::write(allowed.path().join("bucket/k/a.txt"), "mine").expect("it can be written");
    std::os::unix::fs::symlink("/etc", allowed.path().join("etc")).expect("it can be made");
    let path = allowed.path().to_str().expect("it is text");
    let mut bench = bench(FetchSettings {
        directories: vec![path.into()],
        s3: FetchS3::Directory(path.into()),
        ..Default::default()
    });
    for value in [format!("{path}/bucket/k/a.txt"), "s3://bucket/k/a.txt".to_owned()] {
        bench.fetcher.fetch(&uri(value.clone())).await.expect(&value);
        assert_eq!(bench.read("a.txt").as_deref(), Some("mine"));
    }
    for value in [
        "/etc/passwd".to_owned(),
        format!("{path}/../passwd"),
        format!("{path}/etc/passwd"),
        "s3://etc/passwd".to_owned(),
        "s3://bucket/../etc/passwd".to_owned(),
    ] {
        let refused = bench.fetcher.fetch(&uri(value.clone())).await;
        assert!(refused.is_err(), "{value}");
    }
    assert_eq!(bench.read("passwd").unwrap_or_default(), "", "nothing of it was written");
}

/// \[A2\]
#[tokio::test]
async fn what_may_be_cached_is_fetched_once() {
    let (url, heads) = server(served);
    let kept = tempfile::tempdir().expect("a directory can be made");
    let directory = kept.path().to_str().expect("it is text").into();
    let cache = Some(FetchCache { directory, bytes_max: 1_000_000 });
    let mut bench = bench(FetchSettings { cache, ..Default::default() });
    let cached = FetchUri { cache: true, ..uri(format!("{url}/a")) };
    for _ in 0..3 {
        bench.fetcher.fetch(&cached).await.expect("it is served");
        assert_eq!(bench.read("a").as_deref(), Some("echo hi\n"));
    }
    assert_eq!(heads.lock().expect("nobody panicked").len(), 1);
    let none = FetchUri { cache: true, ..uri(format!("{url}/none")) };
    assert!(bench.fetcher.fetch(&none).await.is_err());
    assert!(bench.fetcher.fetch(&none).await.is_err(), "a failure is not kept");
}

#[test]
fn logs_do_not_have_passwords() {
    assert_eq!(shown("http://me:secret@host/a"), "http://me@host/a");
    assert_eq!(shown("not a url"), "not a url");
}

#[test]
fn a_fetcher_that_is_told_to_stop_ends_at_once_whatever_it_is_doing() {
    let began = std::time::Instant::now();
    let done = until_stopped(async {
        // As unpacking does, this blocks its thread.
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::TERM).expect("we may");
        std::thread::sleep(std::time::Duration::from_secs(20));
    });
    assert_eq!(done.expect("it begins"), None);
    assert!(began.elapsed() < std::time::Duration::from_secs(10));
}

#[test]
fn a_fetcher_that_comes_to_an_end_says_which() {
    assert_eq!(until_stopped(async { 7 }).expect("it begins"), Some(7));
    let died = until_stopped(async { panic!("on purpose") }).map(|done: Option<()>| done);
    assert!(died.expect_err("it panicked").to_string().contains("panicked"));
}
