//! Docker parameters.

use serde_json::{Value, json};

use super::*;

fn with(parameters: &[(&str, &str)]) -> TaskInfo {
    dockered(|docker| {
        docker.network = Some(Network::Bridge.into());
        docker.parameters = parameters.iter().map(|(key, value)| parameter(key, value)).collect();
    })
}

/// What the structures of ECS say then.
fn linux(parameters: &[(&str, &str)]) -> Value {
    json!(content_of(&with(parameters)).linux)
}

/// \[A4\]
#[test]
fn options_about_the_kernel_become_linux_parameters() {
    for (given, expected) in [
        (
            vec![("cap-add", "CAP_NET_ADMIN"), ("cap-add", "sys_ptrace"), ("cap-drop", "ALL")],
            json!({"capabilities": {"add": ["NET_ADMIN", "SYS_PTRACE"], "drop": ["ALL"]}}),
        ),
        (
            vec![("device", "/dev/fuse"), ("device", "/dev/a:/dev/b:rm")],
            json!({"devices": [
                {"hostPath": "/dev/fuse", "containerPath": "/dev/fuse"},
                {"hostPath": "/dev/a", "containerPath": "/dev/b", "permissions": ["read", "mknod"]},
            ]}),
        ),
        (vec![("init", "true")], json!({"initProcessEnabled": true})),
        (vec![("shm-size", "64m")], json!({"sharedMemorySize": 64})),
        (vec![("shm-size", "1048577")], json!({"sharedMemorySize": 2})),
        (
            vec![("tmpfs", "/run:rw,noexec,size=65536k")],
            json!({"tmpfs": [{"containerPath": "/run", "size": 64, "mountOptions": ["rw", "noexec"]}]}),
        ),
        // Docker counts memory and swap together; the task has 64 MiB.
        (
            vec![("memory-swap", "100m"), ("memory-swappiness", "10")],
            json!({"maxSwap": 36, "swappiness": 10}),
        ),
        (vec![("memory-swap", "64m")], json!({"maxSwap": 0})),
        (vec![("memory-swap", "0")], json!({})),
    ] {
        assert_eq!(linux(&given), expected, "{given:?}");
    }
}

/// \[A4\]
#[test]
fn options_that_ecs_has_structures_for_become_those() {
    let content = content_of(&with(&[
        ("ulimit", "nofile=1024:2048"),
        ("ulimit", "core=-1"),
        ("add-host", "db:10.0.0.7"),
        ("add-host", "six:::1"),
        ("dns", "10.0.0.2"),
        ("dns-search", "example.com"),
        ("sysctl", "net.core.somaxconn=1024"),
        ("security-opt", "no-new-privileges"),
        ("security-opt", "apparmor=docker-default"),
        ("log-opt", "max-size=10m"),
        ("read-only", "true"),
        ("privileged", "true"),
        ("interactive", ""),
        ("tty", "1"),
    ]));
    assert_eq!(
        json!(content.ulimits),
        json!([
            {"name": "nofile", "softLimit": 1024, "hardLimit": 2048},
            {"name": "core", "softLimit": -1, "hardLimit": -1},
        ])
    );
    assert_eq!(
        json!(content.extra_hosts),
        json!([{"hostname": "db", "ipAddress": "10.0.0.7"}, {"hostname": "six", "ipAddress": "::1"}])
    );
    assert_eq!(
        (&*content.dns_servers[0], &*content.dns_search_domains[0]),
        ("10.0.0.2", "example.com")
    );
    assert_eq!(
        json!(content.system_controls),
        json!([{"namespace": "net.core.somaxconn", "value": "1024"}])
    );
    assert_eq!(
        json!(content.security_options),
        json!(["no-new-privileges", "apparmor:docker-default"])
    );
    assert_eq!(
        json!(content.log),
        json!({"logDriver": "json-file", "options": {"max-size": "10m"}})
    );
    assert!(
        content.read_only_root && content.privileged && content.interactive && content.terminal
    );
    let log = content_of(&with(&[("log-opt", "tag=web"), ("log-driver", "syslog")])).log;
    assert_eq!(json!(log), json!({"logDriver": "syslog", "options": {"tag": "web"}}));
}

/// \[A1\] \[A4\]: agents give the parameter after their own entry point, and the last one counts.
#[test]
fn an_entry_point_takes_the_place_of_the_shell_and_of_the_images_own() {
    let shelled = content_of(&with(&[("entrypoint", "/bin/bash")]));
    assert_eq!(shelled.entry_point, words(&["/bin/bash", "-c"]));
    let mut bare = with(&[("entrypoint", "/bin/echo")]);
    bare.command = Some(program(None, &["a"]));
    assert_eq!(content_of(&bare).entry_point, words(&["/bin/echo"]));
}

/// \[A4\] \[A8\]
#[test]
fn the_option_volume_mounts_directories_named_volumes_and_fresh_ones() {
    let mounts = content_of(&with(&[
        ("volume", "/srv:/data:ro"),
        ("volume", "db:/db"),
        ("volume", "/scratch"),
        ("volume-driver", "rexray"),
    ]))
    .mounts;
    let sources: Vec<MountSource> = mounts.iter().map(|mount| mount.source.clone()).collect();
    let named = MountSource::Volume {
        name: "db".into(),
        driver: "rexray".into(),
        options: BTreeMap::new(),
    };
    assert_eq!(sources[..3], [MountSource::Host("/srv".into()), named, MountSource::Fresh]);
    let read_only: Vec<bool> = mounts.iter().map(|mount| mount.read_only).collect();
    assert_eq!(read_only[..3], [true, false, false]);
}

/// \[A5\]
#[test]
fn the_option_net_overrides_the_network() {
    let task = dockered(|docker| {
        docker.network = Some(Network::User.into());
        docker.parameters.push(parameter("net", "bridge"));
    });
    assert_eq!(content_of(&task).network_mode, Some(NetworkMode::Bridge));
}

/// \[A4\]
#[test]
fn options_that_ecs_does_not_have_are_refused_by_name_and_values_with_a_reason() {
    for key in ["pid", "ipc", "link", "publish", "cpu-shares", "memory", "restart", "runtime", "rm"]
    {
        let refused = try_plan(&with(&[(key, "x")])).expect_err(key);
        assert_eq!(refused, format!("the Docker parameter '{key}' cannot be mapped to Amazon ECS"));
    }
    for (key, value, why) in [
        ("ulimit", "files=1", "it has core, cpu"),
        ("ulimit", "nofile", "NAME=SOFT:HARD"),
        ("ulimit", "nofile=x", "'x' is no such limit"),
        ("add-host", "db", "NAME:ADDRESS"),
        ("log-driver", "none", "it has json-file"),
        ("log-opt", "tag", "NAME=VALUE"),
        ("sysctl", "a", "NAME=VALUE"),
        ("shm-size", "64q", "no size"),
        ("shm-size", "", "no size"),
        ("init", "maybe", "neither true nor false"),
        ("tmpfs", "/run", "needs a size"),
        ("device", "/a:/b:rx", "no permission 'x'"),
        ("device", "/a:/b:r:w", "too many colons"),
        ("security-opt", "seccomp=unconfined", "no-new-privileges"),
        ("volume", "/a:/b:z", "no option 'z'"),
        ("volume", "a:b", "not absolute"),
        ("memory-swap", "-1", "without a bound"),
        ("memory-swap", "10m", "less than the 64 MiB"),
        ("memory-swappiness", "101", "0 to 100"),
        ("stop-timeout", "soon", "no number of seconds"),
        ("net", "dcos", "bridge, host and none"),
        ("entrypoint", "", "empty"),
    ] {
        let refused = try_plan(&with(&[(key, value)])).expect_err(why);
        assert!(refused.starts_with(&format!("the Docker parameter '{key}'")), "{refused}");
        assert!(refused.contains(why), "{refused}");
    }
}
