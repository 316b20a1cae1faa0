//! Secrets in the environment.

use longshore_wire_mesos::v1::environment::variable::Type as VariableType;
use longshore_wire_mesos::v1::secret::{Reference, Type as SecretType, Value as SecretValue};
use longshore_wire_mesos::v1::{Label, Labels, Secret};

use super::*;
use crate::config::Secrets;

const DB: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf";

fn variable(name: &str, secret: Secret) -> Variable {
    Variable {
        name: name.to_owned(),
        r#type: Some(VariableType::Secret.into()),
        secret: Some(secret),
        ..Default::default()
    }
}

fn referring(name: &str, key: Option<&str>) -> Secret {
    Secret {
        r#type: Some(SecretType::Reference.into()),
        reference: Some(Reference { name: name.to_owned(), key: key.map(str::to_owned) }),
        value: None,
    }
}

fn brought(data: &[u8]) -> Secret {
    Secret {
        r#type: Some(SecretType::Value.into()),
        reference: None,
        value: Some(SecretValue { data: data.to_vec() }),
    }
}

fn with(secrets: &[(&str, Secret)]) -> TaskInfo {
    let variables = secrets.iter().map(|(name, secret)| variable(name, secret.clone())).collect();
    task(CommandInfo { environment: Some(Environment { variables }), ..shell("true; env") })
}

fn planned_by(secrets: Secrets, task: &TaskInfo) -> Result<Plan, String> {
    let config = Config { secrets, ..config(DefaultImage::Image("alpine".into())) };
    plan(&config, &nowhere(), "framework-1", "batch", task, &claim())
}

#[test]
fn a_secret_that_is_referred_to_is_in_the_definition_and_nowhere_else() {
    let role: Str = "arn:aws:iam::123456789012:role/ecsTaskExecutionRole".into();
    let secrets = Secrets { execution_role: Some(role.clone()), in_plain: false };
    let task = with(&[
        ("WHOLE", referring(DB, None)),
        ("MEMBER", referring(DB, Some("password"))),
        ("PARAMETER", referring("/prod/parameter", Some(""))),
    ]);
    let plan = planned_by(secrets, &task).expect("it can be mapped");
    let content = plan.content.expect("unnamed");
    let expected = [
        ("WHOLE", DB.to_owned()),
        ("MEMBER", format!("{DB}:password::")),
        ("PARAMETER", "/prod/parameter".to_owned()),
    ];
    let expected = expected.map(|(name, from)| (name.into(), from.into()));
    assert_eq!(content.secrets, expected.into());
    assert_eq!(content.execution_role, Some(role));
    for name in ["WHOLE", "MEMBER", "PARAMETER"] {
        assert!(!plan.environment.contains_key(name), "{name} is overridden");
    }
}

#[test]
fn without_secrets_a_definition_is_what_it_was_before_there_were_any() {
    let secrets = Secrets { execution_role: Some("arn:role".into()), in_plain: true };
    let plain = planned(&task(shell("true"))).content.expect("unnamed");
    let content = planned_by(secrets, &task(shell("true"))).expect("it can be mapped").content;
    assert_eq!(content, Some(plain));
}

#[test]
fn a_secret_that_is_brought_along_is_passed_only_if_that_is_allowed() {
    let task = with(&[("TOKEN", brought(b"open sesame")), ("MESOS_TASK_ID", brought(b"mine"))]);
    let why = planned_by(Secrets::default(), &task).expect_err("it would be shown");
    assert!(why.contains("'TOKEN'") && why.contains("--plain-secrets"), "{why}");
    let allowed = Secrets { execution_role: None, in_plain: true };
    let plan = planned_by(allowed.clone(), &task).expect("it is allowed");
    assert_eq!(plan.environment.get("TOKEN").map(|value| &**value), Some("open sesame"));
    assert_eq!(plan.environment.get("MESOS_TASK_ID").map(|value| &**value), Some("t1"));
    let why = planned_by(allowed, &with(&[("KEY", brought(&[0xff]))])).expect_err("it is no text");
    assert!(why.contains("'KEY'") && why.contains("UTF-8"), "{why}");
}

#[test]
fn what_is_no_reference_is_named() {
    for (name, key, expected) in [
        ("/prod/parameter", "a", "which only one in Secrets Manager can have"),
        (DB, "a:b", "a key with a colon"),
    ] {
        let task = with(&[("DB", referring(name, Some(key)))]);
        let why = planned_by(Secrets::default(), &task).expect_err(expected);
        assert!(why.contains("'DB'") && why.contains(expected), "{why}");
    }
}

#[test]
fn a_named_definition_has_its_own_secrets() {
    let mut task = with(&[("DB", referring(DB, None))]);
    let label = Label { key: "ecs.task-definition".to_owned(), value: Some("web:3".to_owned()) };
    task.labels = Some(Labels { labels: vec![label] });
    let why = planned_by(Secrets::default(), &task).expect_err("it is not ours");
    assert!(why.contains("'DB'") && why.contains("web:3"), "{why}");
}
