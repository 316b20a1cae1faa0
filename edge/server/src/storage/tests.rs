//! Storage: what is written is read back once, and only one process writes.

use std::sync::Arc;

use longshore_control::{
    CallId, Change, Cluster, ClusterStatus, Control, Input, Key, Output, SettingName, Tags, TaskRow,
};
use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::Request;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::host::{Generation, Order};
use tokio::sync::{mpsc, oneshot};

use super::{Commit, Durability, Place, Release, Storage, StorageError, Writer};
use crate::data_dir::DataDir;
use crate::metrics::Metrics;

fn cluster(name: &str, status: ClusterStatus) -> Arc<Cluster> {
    let realm = Realm::new("us-east-1", "000000000000");
    Arc::new(Cluster {
        arn: realm.arn(format_args!("cluster/{name}")),
        realm,
        name: name.into(),
        status,
        inactive_at: None,
        settings: Vec::new(),
        configuration: None,
        namespace: None,
        capacity_providers: Vec::new(),
        capacity_strategy: Vec::new(),
        tags: Tags::new(),
    })
}

fn place(directory: &tempfile::TempDir) -> Place {
    // Tests have no state directory for notes.
    let opened = DataDir::open(directory.path(), None, true);
    Place::Directory(opened.expect("it is ours"))
}

fn file(directory: &tempfile::TempDir) -> std::path::PathBuf {
    directory.path().join("longshore.db")
}

fn open(directory: &tempfile::TempDir) -> Result<Storage, StorageError> {
    Storage::open(&place(directory), Durability::Full)
}

/// Writes commits as in production, and waits for the last.
async fn write(storage: Storage, commits: Vec<Vec<Change>>) {
    let (failed, _) = mpsc::channel(1);
    let writer = Writer::start(storage, Metrics::default(), |_| {}, failed)
        .expect("a thread can be started");
    for changes in commits {
        let (to, answer) = oneshot::channel();
        let reply = Ok(longshore_control::Reply::Body(Vec::new()));
        let releases = vec![Release::Reply(to, reply)];
        writer.commit(Commit { changes, releases }).await;
        answer.await.expect("it is released").expect("it is written");
    }
    tokio::task::spawn_blocking(move || writer.finish()).await.expect("the thread ends");
}

fn names(storage: &Storage) -> Vec<(String, ClusterStatus)> {
    let records = storage.load().expect("what was written can be read");
    records.clusters.iter().map(|one| (one.name.to_string(), one.status)).collect()
}

#[tokio::test]
async fn the_last_state_of_each_record_comes_back_and_what_was_forgotten_does_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let gone = cluster("gone", ClusterStatus::Active);
    let key = Key::Cluster(gone.realm.clone(), gone.name.clone());
    let commits = vec![
        vec![Change::Cluster(cluster("kept", ClusterStatus::Active)), Change::Cluster(gone)],
        vec![Change::Cluster(cluster("kept", ClusterStatus::Inactive)), Change::Forget(key)],
    ];
    write(open(&directory).expect("it opens"), commits).await;
    let storage = open(&directory).expect("it opens again");
    assert_eq!(names(&storage), [("kept".to_owned(), ClusterStatus::Inactive)]);
}

#[test]
fn a_database_that_is_open_is_not_opened_twice() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = open(&directory).expect("it opens");
    assert!(matches!(open(&directory), Err(StorageError::InUse { .. })));
    drop(first);
    assert!(open(&directory).is_ok());
}

#[tokio::test]
async fn a_database_that_is_open_can_be_read_by_others() {
    let directory = tempfile::tempdir().expect("a directory");
    let commits = vec![vec![Change::Cluster(cluster("kept", ClusterStatus::Active))]];
    write(open(&directory).expect("it opens"), commits).await;
    let _open = open(&directory).expect("it opens again");
    let shell = rusqlite::Connection::open(directory.path().join("longshore.db")).expect("a shell");
    let count: u32 = shell
        .query_row("SELECT count(*) FROM cluster", [], |row| row.get(0))
        .expect("it can be read");
    assert_eq!(count, 1);
}

#[tokio::test]
async fn a_disk_that_is_full_refuses_those_who_wait_and_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut storage = open(&directory).expect("it opens");
    storage.limit_pages(1).expect("a bound can be set");
    let (failed, mut told) = mpsc::channel(1);
    let writer = Writer::start(storage, Metrics::default(), |_| {}, failed)
        .expect("a thread can be started");
    let (to, answer) = oneshot::channel();
    let changes = (0..500)
        .map(|number| Change::Cluster(cluster(&format!("c{number}"), ClusterStatus::Active)));
    let reply = Ok(longshore_control::Reply::Body(Vec::new()));
    let commit = Commit { changes: changes.collect(), releases: vec![Release::Reply(to, reply)] };
    writer.commit(commit).await;
    let refused = answer.await.expect("it is answered").expect_err("nothing was written");
    assert_eq!(refused.code, longshore_wire_ecs::ErrorCode::Server);
    assert!(
        told.recv()
            .await
            .expect("the failure is told")
            .to_string()
            .contains("cannot write to the database")
    );
}

#[tokio::test]
async fn a_service_comes_back_as_it_was() {
    use longshore_control::{CallId, Control, Input, Output, Records};
    use longshore_machine::{Machine, Timestamp};

    let realm = Realm::new("us-east-1", "000000000000");
    let mut control = Control::new(1);
    let mut changes = Vec::new();
    for (operation, body) in [
        ("CreateCluster", "{}"),
        (
            "RegisterTaskDefinition",
            r#"{"family": "web", "containerDefinitions": [{"name": "app", "image": "x", "memory": 64}]}"#,
        ),
        ("CreateService", r#"{"serviceName": "s", "taskDefinition": "web", "desiredCount": 2}"#),
    ] {
        let request = longshore_wire_ecs::Request::parse(operation, body.as_bytes()).expect("good");
        let input = Input::Call { call: CallId(1), realm: realm.clone(), request };
        let mut out = Vec::new();
        control.step(Timestamp::from_millis(1), input, &mut out);
        changes.extend(out.into_iter().filter_map(|output| match output {
            Output::Change(change) => Some(change),
            _ => None,
        }));
    }
    let json = |records: &Records| {
        serde_json::to_string(&records.services).expect("a record is text and numbers")
    };
    let made = changes.iter().find_map(|change| match change {
        Change::Service(service) => Some((**service).clone()),
        _ => None,
    });
    let made = Records { services: made.into_iter().collect(), ..Records::default() };
    let directory = tempfile::tempdir().expect("a directory");
    write(open(&directory).expect("it opens"), vec![changes]).await;
    let records = open(&directory).expect("it opens again").load().expect("it can be read");
    assert_eq!((records.services.len(), json(&records)), (1, json(&made)));
    let key = Key::Service(realm, "default".into(), "s".into());
    write(open(&directory).expect("it opens"), vec![vec![Change::Forget(key)]]).await;
    let records = open(&directory).expect("it opens again").load().expect("it can be read");
    assert!(records.services.is_empty());
}

#[test]
fn tasks_and_versions_of_an_older_database_are_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let older = rusqlite::Connection::open(file(&directory)).expect("it opens");
    for migration in &super::MIGRATIONS[..3] {
        older.execute_batch(migration).expect("it is SQL");
    }
    let task = r#"{"id": "0a", "realm": {"region": "us-east-1", "account": "0"}, "cluster": "default", "instance": "0b",
        "family": "web", "revision": 1, "network_mode": "bridge", "version": 3, "last_status": "RUNNING",
        "desired_running": false, "containers": [{"arn": "x/y", "last_status": "RUNNING", "health": "UNKNOWN"}],
        "overrides": {"containerOverrides": [{"name": "app"}]}, "group": "family:web", "created_at": 1,
        "needs": {"cpu": 1, "memory_mib": 1, "ports": [], "gpus": 0, "attributes": []}}"#
        .replace("\"0a\"", &format!("\"{:032x}\"", 10))
        .replace("\"0b\"", &format!("\"{:032x}\"", 11));
    let rows = format!(
        "INSERT INTO container_instance VALUES ('0b', 'default', 'ACTIVE', 7, '{{}}');
        INSERT INTO task VALUES ('{:032x}', 'default', 'RUNNING', 'STOPPED', 3, '{task}');
        PRAGMA user_version = 3;",
        10
    );
    older.execute_batch(&rows).expect("they fit");
    drop(older);
    let storage = open(&directory).expect("it opens");
    let read = |sql: &str| -> (String, i64) {
        let row = storage.connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
        row.expect("there is one row")
    };
    assert_eq!(read("SELECT id, version FROM task_list"), (format!("{:032x}", 10), 3));
    let status = "SELECT cluster || ' ' || last_status || ' ' || desired_status, 1 FROM task_list";
    assert_eq!(read(status), ("default RUNNING STOPPED".to_owned(), 1));
    let tasks = super::rows::records::<TaskRow<'_>>(&storage.connection, "task", "record ->> 'id'");
    assert_eq!(tasks.expect("it can be read").len(), 1);
    assert!(storage.known.tasks.get(ResourceId(10)).is_some());
    let version = "SELECT id, json_extract(record, '$.version') FROM container_instance";
    assert_eq!(read(version), ("0b".to_owned(), 7));
}

/// Sends a request to a control plane; returns the answer and the changes to store.
fn ask(control: &mut Control, operation: &str, body: &str) -> (String, Vec<Change>) {
    let request = Request::parse(operation, body.as_bytes()).expect("it can be read");
    let realm = Realm::new("us-east-1", "000000000000");
    let mut out = Vec::new();
    let input = Input::Call { call: CallId(1), realm, request };
    control.step(Timestamp::from_millis(1_700_000_000_000), input, &mut out);
    let (mut answer, mut changes) = (String::new(), Vec::new());
    for output in out {
        match output {
            Output::Change(change) => changes.push(change),
            Output::Reply(_, reply) => {
                let json = reply.expect("it is granted").into_json();
                answer = String::from_utf8(json).expect("JSON is text");
            }
            other => panic!("{other:?}"),
        }
    }
    (answer, changes)
}

#[test]
fn definitions_and_clusters_of_an_older_database_are_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let older = rusqlite::Connection::open(file(&directory)).expect("it opens");
    for migration in &super::MIGRATIONS[..5] {
        older.execute_batch(migration).expect("it is SQL");
    }
    // As written by version 5.
    let cluster = r#"{"realm": {"region": "us-east-1", "account": "000000000000"}, "name": "default",
        "arn": "arn:aws:ecs:us-east-1:000000000000:cluster/default", "status": "ACTIVE", "settings": [], "configuration": null,
        "capacity_providers": [], "capacity_strategy": [], "tags": {}}"#;
    let container = r#"{"name": "app", "image": "busybox", "memory": 64, "healthCheck": {"command": ["CMD", "true"]}}"#;
    let definition = r#"{"realm": {"region": "us-east-1", "account": "000000000000"}, "family": "web", "revision": 3,
        "arn": "arn:aws:ecs:us-east-1:000000000000:task-definition/web:3", "status": "INACTIVE", "registered_at": 1700000000000,
        "deregistered_at": 1700000000001, "content": {"family": "web", "revision": 3, "containerDefinitions": [CONTAINER]},
        "network_mode": "bridge", "cpu": null, "memory_mib": null,
        "containers": [{"definition": CONTAINER, "command": null, "environment": [], "cpu": 0, "memory_mib": 64, "memory_reservation_mib": 0}],
        "needs": {"cpu": 0, "memory_mib": 64, "ports": [], "gpus": 0, "attributes": []}, "volumes": [], "tags": {}}"#
        .replace("CONTAINER", container);
    let rows = format!(
        "INSERT INTO cluster VALUES ('000000000000', 'us-east-1', 'default', 'ACTIVE', '{cluster}');
        INSERT INTO task_definition VALUES ('000000000000', 'us-east-1', 'web', 3, 'INACTIVE', '{definition}');
        PRAGMA user_version = 5;"
    );
    older.execute_batch(&rows).expect("they fit");
    drop(older);
    let records = open(&directory).expect("it opens").load().expect("it can be read");
    let mut control = Control::load(1, records).expect("the records fit together");
    let (answer, _) = ask(&mut control, "DescribeClusters", r#"{"include": ["SETTINGS"]}"#);
    assert!(answer.contains(r#"{"name":"containerInsights","value":"disabled"}"#), "{answer}");
    let (answer, _) = ask(&mut control, "DescribeTaskDefinition", r#"{"taskDefinition": "web:3"}"#);
    assert!(answer.contains(r#""status":"INACTIVE""#), "{answer}");
    let (answer, _) =
        ask(&mut control, "DeleteTaskDefinitions", r#"{"taskDefinitions": ["web:3"]}"#);
    assert!(answer.contains(r#""status":"DELETE_IN_PROGRESS""#), "{answer}");
}

#[tokio::test]
async fn account_settings_and_the_last_revisions_of_families_come_back_until_they_are_forgotten() {
    let directory = tempfile::tempdir().expect("a directory");
    let realm = Realm::new("us-east-1", "000000000000");
    let family =
        |name: &str, last| Change::Family { realm: realm.clone(), family: name.into(), last };
    let setting = |principal: &str, value: &str| Change::Setting {
        realm: realm.clone(),
        principal: principal.into(),
        name: SettingName::ContainerInsights,
        value: value.into(),
    };
    let commits = vec![
        vec![
            family("web", 3),
            family("old", 1),
            setting("root", "enabled"),
            setting("ann", "disabled"),
        ],
        vec![
            family("web", 4),
            setting("root", "enhanced"),
            Change::Forget(Key::Family(realm.clone(), "old".into())),
            Change::Forget(Key::Setting(
                realm.clone(),
                "ann".into(),
                SettingName::ContainerInsights,
            )),
        ],
    ];
    write(open(&directory).expect("it opens"), commits).await;
    let records = open(&directory).expect("it opens again").load().expect("it can be read");
    assert_eq!(records.families, [(realm.clone(), "web".into(), 4)]);
    let insights = SettingName::ContainerInsights;
    assert_eq!(records.settings, [(realm, "root".into(), insights, "enhanced".into())]);
}

#[tokio::test]
async fn an_order_that_changes_nothing_is_given_as_well_by_the_thread_that_may_wait() {
    let directory = tempfile::tempdir().expect("a directory");
    let (failed, _) = mpsc::channel(1);
    let (host, mut orders) = mpsc::channel(1);
    // As in production: a host's mailbox may be full, and the control plane must not wait for it.
    let deliver = move |orders: Vec<Order>| {
        for order in orders {
            host.blocking_send(order).expect("the host is there");
        }
    };
    let storage = open(&directory).expect("it opens");
    let writer = Writer::start(storage, Metrics::default(), deliver, failed)
        .expect("a thread can be started");
    for number in 1..=3 {
        let order = Order {
            instance: ResourceId(1),
            generation: Generation { epoch: 1, number },
            full: true,
            tasks: Vec::new(),
            forget: Vec::new(),
        };
        let releases = vec![Release::Order(order)];
        writer.commit(Commit { changes: Vec::new(), releases }).await;
    }
    for number in 1..=3 {
        assert_eq!(orders.recv().await.expect("it is given").generation.number, number);
    }
    tokio::task::spawn_blocking(move || writer.finish()).await.expect("the thread ends");
}

#[tokio::test]
async fn a_change_that_nothing_waits_for_is_written_soon_all_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let (failed, _) = mpsc::channel(1);
    let storage = open(&directory).expect("it opens");
    let writer = Writer::start(storage, Metrics::default(), |_| {}, failed)
        .expect("a thread can be started");
    let changes = vec![Change::Cluster(cluster("kept", ClusterStatus::Active))];
    writer.commit(Commit { changes, releases: Vec::new() }).await;
    let reader = rusqlite::Connection::open(file(&directory)).expect("it can be read");
    let count = || reader.query_row("SELECT count(*) FROM cluster", [], |row| row.get::<_, i64>(0));
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while count() != Ok(1) {
        assert!(std::time::Instant::now() < end, "it is not written");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    tokio::task::spawn_blocking(move || writer.finish()).await.expect("the thread ends");
}

/// Commits one cluster after another; returns the error that ended it.
async fn until_it_fails(storage: Storage, meanwhile: impl FnOnce()) -> (String, super::WriteError) {
    let (failed, mut told) = mpsc::channel(1);
    let writer = Writer::start(storage, Metrics::default(), |_| {}, failed)
        .expect("a thread can be started");
    meanwhile();
    let (to, answer) = oneshot::channel();
    let reply = Ok(longshore_control::Reply::Body(Vec::new()));
    let changes = vec![Change::Cluster(cluster("late", ClusterStatus::Active))];
    writer.commit(Commit { changes, releases: vec![Release::Reply(to, reply)] }).await;
    let refused = answer.await.expect("it is answered").expect_err("nobody would find it again");
    (refused.message, told.recv().await.expect("the failure is told"))
}

#[tokio::test]
async fn nothing_is_acknowledged_once_the_data_directory_is_gone() {
    let above = tempfile::tempdir().expect("a directory");
    let path = above.path().join("data");
    let opened = DataDir::open(&path, None, true).expect("it can be made");
    let storage = Storage::open(&Place::Directory(opened), Durability::Full).expect("it opens");
    let removed = path.clone();
    let remove = move || std::fs::remove_dir_all(removed).expect("it is ours");
    let (_, error) = until_it_fails(storage, remove).await;
    assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
    assert!(error.to_string().contains("was removed"), "{error}");
}

#[tokio::test]
async fn nothing_is_acknowledged_once_the_database_is_replaced() {
    let directory = tempfile::tempdir().expect("a directory");
    let storage = open(&directory).expect("it opens");
    let path = file(&directory);
    let replace = move || {
        std::fs::rename(&path, path.with_extension("aside")).expect("it is ours");
        std::fs::write(&path, "").expect("it can be written");
    };
    let (_, error) = until_it_fails(storage, replace).await;
    assert!(error.to_string().contains("longshore.db was removed, moved or replaced"), "{error}");
}

#[tokio::test]
async fn files_of_a_database_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    let storage = open(&directory).expect("it opens");
    for name in ["longshore.db", "longshore.db-wal", "longshore.db-shm", "longshore.lock"] {
        let meta = std::fs::metadata(directory.path().join(name)).expect(name);
        assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{name}");
    }
    drop(storage);
}

#[test]
fn a_lock_file_is_not_cut_short() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("longshore.lock"), "somebody's").expect("it can");
    drop(open(&directory).expect("it opens"));
    let kept = std::fs::read(directory.path().join("longshore.lock")).expect("it is there");
    assert_eq!(kept, b"somebody's");
}
