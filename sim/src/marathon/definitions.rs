//! Apps and pods that clients put.

use longshore_wire_marathon::{
    Amounts, App, ContainerCheck, Endpoint, Exec, PathId, Pod, PodContainer,
};

use crate::chance::Chance;

/// Constraints that can always be kept to: there are more agents than instances of an app.
const CONSTRAINTS: [&str; 4] = [
    "[]",
    r#"[{"field":"hostname","operator":"Unique","value":null}]"#,
    r#"[{"field":"hostname","operator":"MaxPer","value":"2"}]"#,
    r#"[{"field":"hostname","operator":"GroupBy","value":"3"}]"#,
];

const READY: &str = r#"[{"name":"ready","is_https":false,"path":"/","port_name":"http","interval_ms":5000,
    "timeout_ms":1000,"http_status_codes_for_ready":[200],"preserve_last_response":false}]"#;

/// An app; which one, the number says in part.
pub(super) fn an_app(chance: &mut Chance, id: PathId, number: u64) -> App {
    let capacities = [(1_000, 1_000), (500, 0), (1_000, 0), (0, 500)];
    let (healthy, over) = *chance.pick(&capacities);
    let checks = r#"[{"protocol":"Tcp","path":null,"command":null,"port_index":0,"port":null,
            "grace_period_ms":60000,"interval_ms":10000,"timeout_ms":5000,"max_consecutive_failures":3,
            "ignore_http_1xx":false,"delay_ms":0}]"#;
    let checks = if number.is_multiple_of(2) { checks } else { "[]" };
    let away = [
        r#""Disabled""#,
        r#"{"After":{"inactive_s":0,"expunge_s":0}}"#,
        r#"{"After":{"inactive_s":30,"expunge_s":90}}"#,
    ];
    let away = chance.pick(&away);
    let needs = if number == 0 { String::new() } else { format!("\"/app-{}\"", number - 1) };
    // Each of these is of one app alone, so that a violation names its cause.
    let constraints = match number {
        1 => *chance.pick(&CONSTRAINTS),
        _ => "[]",
    };
    let ready = if number == 2 { READY } else { "[]" };
    let (cmd, many) = (chance.below(3), chance.below(6));
    let text = format!(
        r#"{{"id":"{id}","cmd":"run {cmd}","args":null,"cpus_milli":500,"mem_milli":1000,"disk_milli":0,
            "gpus":0,"instances":{many},"resource_limits":null,"user":null,"container":null,"networks":["Host"],
            "port_mappings":[],"port_definitions":[{{"port":0,"protocol":"tcp","name":"http","labels":{{}}}}],
            "require_ports":false,"env":{{}},"secrets":{{}},"labels":{{}},"fetch":[],"constraints":{constraints},
            "health_checks":{checks},"readiness_checks":{ready},"upgrade_strategy":
        {{"minimum_health_capacity_milli":{healthy},"maximum_over_capacity_milli":{over}}},
            "unreachable_strategy":{away},"kill_selection":"YoungestFirst","kill_grace_s":null,
            "backoff":{{"first_ms":1000,"factor_milli":1150,"most_ms":60000}},"dependencies":[{needs}],
            "accepted_resource_roles":null,"role":null,"tty":false,"version_ms":0,"config_version_ms":0,
            "scaling_version_ms":0}}"#
    );
    serde_json::from_str(&text).expect("an app as it is kept")
}

/// The container of a pod that has a port, and is asked at it if the pod has checks.
pub(super) const ASKED: &str = "web";

/// A pod of two containers; otherwise as the app with this number.
pub(super) fn a_pod(chance: &mut Chance, id: PathId, number: u64) -> App {
    let app = an_app(chance, id, number);
    let each = Amounts { cpus_milli: 200, mem_milli: 500, disk_milli: 0, gpus: 0 };
    let container = |name: &str| PodContainer {
        name: name.to_owned(),
        exec: Some(Exec::Shell(app.cmd.clone().unwrap_or_default())),
        are_arguments: false,
        amounts: each,
        limits: None,
        endpoints: Vec::new(),
        image: None,
        env: [].into(),
        user: None,
        check: None,
        mounts: Vec::new(),
        fetch: Vec::new(),
        labels: [].into(),
        kill_grace_ms: None,
        tty: false,
    };
    let name = "http".to_owned();
    let asked = PodContainer {
        endpoints: vec![Endpoint { name, host_port: 0, protocols: Vec::new(), labels: [].into() }],
        check: (!app.health_checks.is_empty()).then_some(ContainerCheck { at: 0, exec: None }),
        ..container(ASKED)
    };
    let pod =
        Pod { containers: vec![asked, container("side")], volumes: Vec::new(), executor: each };
    let Amounts { cpus_milli, mem_milli, .. } = pod.amounts();
    App {
        cmd: None,
        cpus_milli,
        mem_milli,
        port_definitions: Vec::new(),
        readiness_checks: Vec::new(),
        pod: Some(pod),
        ..app
    }
}
