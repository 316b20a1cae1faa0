//! `longshore explain`: where tasks would be placed and why not elsewhere, decided by the placement
//! engine of the local ECS from a description of the cluster. It only reads and starts nothing, so
//! it is safe to run against a production cluster.

mod picture;
mod read;
mod rules;
mod scene;
mod standing;
mod text;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use longshore_placement::{Explanation, Request, explain};

use crate::args::ExplainArgs;
use crate::explain::read::Described;
use crate::explain::scene::Scene;

pub(crate) use rules::{ConstraintArg, StrategyArg};

/// A placement question, with all defaults filled in.
#[derive(Debug)]
pub(crate) struct Question {
    /// The definition or service, for people.
    title: String,
    group: longshore_wire_ecs::Str,
    count: u32,
    rules: rules::Rules,
    standing: standing::Standing,
}

/// Runs the command. The exit code is 1 if a task could not be placed.
pub(crate) async fn run(args: ExplainArgs, json: bool) -> anyhow::Result<ExitCode> {
    let described = match &args.cluster_file {
        Some(path) => from_file(path)?,
        None => read::cluster(&args).await?,
    };
    let (question, mut scene) = question(&args, described)?;
    let explanation = answer(&args, &question, &mut scene);
    if let Some(path) = &args.picture {
        let picture = picture::draw(&scene, &question, &explanation);
        std::fs::write(path, picture)
            .with_context(|| format!("cannot write the picture {}", path.display()))?;
    }
    if json {
        crate::output::say!("{}", text::json(&scene, &question, &explanation));
    } else {
        text::print(&scene, &question, &explanation);
    }
    let all = u32::try_from(explanation.placed.len()).is_ok_and(|placed| placed == question.count);
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A summary for a running cluster: how many instances passed each check, and what the closest
/// match lacks.
pub(crate) async fn in_short(
    args: &ExplainArgs,
) -> anyhow::Result<(Vec<(usize, String)>, Option<String>)> {
    let (question, mut scene) = question(args, read::cluster(args).await?)?;
    let explanation = answer(args, &question, &mut scene);
    Ok(text::in_short(&scene, &question, &explanation))
}

fn answer(args: &ExplainArgs, question: &Question, scene: &mut Scene) -> Explanation {
    let request = Request {
        needs: &scene.needs.clone(),
        group: &question.group,
        constraints: &question.rules.constraints,
        strategies: &question.rules.strategies,
        count: question.count,
        seed: args.seed,
    };
    let mut explanation = explain(&mut scene.view, &request);
    if question.standing.blocked.is_some() {
        explanation.placed.clear();
    }
    explanation
}

fn from_file(path: &Path) -> anyhow::Result<Described> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| {
        format!(
            "{} does not describe a cluster: expected containerInstances, tasks and taskDefinition as the ECS API returns them",
            path.display()
        )
    })
}

/// Combines the flags with the description of the cluster.
fn question(args: &ExplainArgs, described: Described) -> anyhow::Result<(Question, Scene)> {
    let service = described.service.clone();
    let standing = standing::Standing::of(args, &described);
    let scene = Scene::of(described)?;
    let mut rules = rules::of(&scene, service.as_ref())?;
    rules.constraints.extend(args.constraint.iter().map(|ConstraintArg(one)| one.clone()));
    rules.strategies.extend(args.strategy.iter().map(|StrategyArg(one)| one.clone()));
    let missing = service.as_ref().map_or(1, |service| {
        let running = service.running_count + service.pending_count;
        u32::try_from(service.desired_count - running).unwrap_or(0).max(1)
    });
    let group = match (&args.group, &service) {
        (Some(group), _) => group.as_str().into(),
        (None, Some(service)) => format!("service:{}", service.name).into(),
        (None, None) => format!("family:{}", scene.family).into(),
    };
    let title = match &service {
        Some(service) => format!("service {} ({})", service.name, scene.definition),
        None => scene.definition.clone(),
    };
    let count = args.count.unwrap_or(missing);
    Ok((Question { title, group, count, rules, standing }, scene))
}
