//! Errors that prevent the program from starting, or end it: the message says what happened and
//! what to do, and data is kept.

use std::fs;
use std::net::TcpListener;

use rusqlite::Connection;
use serde_json::json;

use crate::server::{Home, Server, refused};

/// Asserts that the message has every part.
fn says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
}

#[test]
fn a_port_that_is_taken_is_named_with_its_flag() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it is bound").to_string();
    for flag in ["--ecs-listen", "--mesos-listen"] {
        let (code, said) = refused(&home, &[flag, &address]);
        assert_eq!(code, Some(1), "{said}");
        says(&said, &[&address, flag, "in use"]);
    }
}

#[test]
fn a_file_that_is_no_database_is_named_and_left_alone() {
    let home = Home::new();
    fs::create_dir_all(home.state()).expect("the directory can be written");
    let noise: Vec<u8> =
        (0_u32..20_000).map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    fs::write(home.database(), &noise).expect("the directory can be written");
    let (code, said) = refused(&home, &["--trust-data-dir"]);
    assert_eq!(code, Some(1), "{said}");
    says(&said, &[&home.database().to_string_lossy(), "move the file away"]);
    assert_eq!(fs::read(home.database()).expect("it is still there"), noise);
}

#[test]
fn a_record_that_cannot_be_read_is_named() {
    let home = Home::new();
    drop(Server::start(&home, &[]));
    let connection = Connection::open(home.database()).expect("the database is whole");
    let changed = connection
        .execute("UPDATE container_instance SET record = '{}'", [])
        .expect("there is such a table");
    assert_eq!(changed, 3);
    drop(connection);
    let (code, said) = refused(&home, &[]);
    assert_eq!(code, Some(1), "{said}");
    says(
        &said,
        &[&home.database().to_string_lossy(), "container_instance", "damaged", "move it away"],
    );
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let home = Home::new();
    drop(Server::start(&home, &[]));
    let version = |connection: &Connection| -> u32 {
        connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .expect("every database has one")
    };
    let connection = Connection::open(home.database()).expect("the database is whole");
    let own = version(&connection);
    connection.pragma_update(None, "user_version", 99).expect("the database can be written");
    drop(connection);
    let (code, said) = refused(&home, &[]);
    assert_eq!(code, Some(1), "{said}");
    says(&said, &[&home.database().to_string_lossy(), "version 99", "newer"]);
    let connection = Connection::open(home.database()).expect("the database is whole");
    assert_eq!(version(&connection), 99);
    connection.pragma_update(None, "user_version", own).expect("the database can be written");
    drop(connection);
    drop(Server::start(&home, &[]));
}

#[test]
fn a_data_directory_that_is_in_use_is_refused_and_its_user_goes_on() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    server.define("kept", "true");
    let (code, said) = refused(&home, &[]);
    assert_eq!(code, Some(1), "{said}");
    says(&said, &[&home.database().to_string_lossy(), "in use by another process", "--data-dir"]);
    let arn = server.run("kept");
    server.wait(&arn, "STOPPED");
}

#[test]
fn a_data_directory_that_cannot_be_made_is_named() {
    let home = Home::new();
    fs::write(home.state(), "a file").expect("the directory can be written");
    let (code, said) = refused(&home, &[]);
    assert_eq!(code, Some(1), "{said}");
    says(&said, &[&home.state().to_string_lossy()]);
}

/// Number of pages in the database of a new cluster, without free ones.
fn fresh_pages() -> u32 {
    let home = Home::new();
    drop(Server::start(&home, &[]));
    let connection = Connection::open(home.database()).expect("the database is whole");
    let number = |name: &str| -> u32 {
        let number = connection.pragma_query_value(None, name, |row| row.get(0));
        number.expect("every database has one")
    };
    number("page_count") - number("freelist_count")
}

#[test]
fn a_full_disk_ends_the_program_and_loses_nothing_that_was_acknowledged() {
    let home = Home::new();
    let pages = (fresh_pages() + 15).to_string();
    let mut server = Server::start(&home, &["--database-pages", &pages]);
    server.define("kept", "exec sleep 600");
    let kept = [server.run("kept"), server.run("kept")];
    for arn in &kept {
        server.wait(arn, "RUNNING");
    }
    // Large enough that this call, rather than a report of a running task, finds the disk full.
    let variable = json!({"name": "LARGE", "value": "x".repeat(7_000)});
    let overrides = json!({"containerOverrides": [{"name": "main", "environment": [variable]}]});
    let large = json!({"taskDefinition": "kept", "count": 10, "overrides": overrides});
    let refusal = server.call("RunTask", &large).expect("a refusal is an answer");
    assert_eq!((refusal.status, &refusal.json()["__type"]), (500, &json!("ServerException")));
    assert_eq!(server.ended(), Some(1));
    says(&server.said(), &["cannot write to the database", "No acknowledged change is lost"]);

    let server = Server::start(&home, &[]);
    for arn in &kept {
        server.wait(arn, "RUNNING");
    }
    let listed = server.ecs("ListTasks", &json!({}));
    assert_eq!(
        listed["taskArns"].as_array().map(Vec::len),
        Some(kept.len()),
        "what was refused was not made"
    );
    server.run("kept");
}

#[test]
fn a_command_line_that_is_wrong_exits_with_2() {
    let home = Home::new();
    for (wrong, part) in [
        (["--no-such-flag"].as_slice(), "--no-such-flag"),
        (&["--account", "12345"], "twelve digits"),
        (&["--account", "12345678901x"], "twelve digits"),
        (&["--access-key", "without-a-secret"], "KEY:SECRET"),
        (&["--instances", "2xt9.huge"], "3xt3.medium"),
        (&["--attribute", "=prod"], "NAME=VALUE"),
        (&["--instance-runtime", "0=process"], "numbered from 1"),
        (&["--ecs-listen", "nowhere"], "--ecs-listen"),
    ] {
        let (code, said) = refused(&home, wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {said}");
        says(&said, &[part]);
    }
    assert!(!home.state().exists(), "a wrong command line leaves nothing behind");
}

#[test]
fn what_containers_are_to_get_from_outside_must_be_there() {
    let home = Home::new();
    let nowhere = home.state().join("nowhere").to_string_lossy().into_owned();
    for flag in ["--s3-dir", "--secrets"] {
        let (code, said) = refused(&home, &[flag, &nowhere]);
        assert_eq!(code, Some(1), "{said}");
        says(&said, &[flag, &nowhere]);
    }
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let (code, said) = refused(&home, &["--metadata-port", &port]);
    assert_eq!(code, Some(1), "{said}");
    says(&said, &[&port, "--metadata-port", "in use"]);
}
