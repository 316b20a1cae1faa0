//! Commands that users of kubectl, docker, nomad and the AWS CLI may type out of habit, and their
//! counterparts here.
//!
//! Only words that are not commands of ours end up here: where a word means the same, ours has that
//! name (`ps`, `run`, `logs`).

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// A command elsewhere, the program it belongs to, and the equivalent here. The first entry whose
/// words are a prefix of the command line applies.
const WORDS: [(&str, &str, &str); 36] = [
    ("get nodes", "kubectl", "longshore instances"),
    ("get events", "kubectl", "longshore events"),
    ("get services", "kubectl", "aws ecs list-services"),
    ("get deployments", "kubectl", "aws ecs list-services"),
    ("get", "kubectl", "longshore ps"),
    ("describe node", "kubectl", "longshore instances --json"),
    ("describe", "kubectl", "longshore ps --json"),
    ("delete", "kubectl", "longshore stop TASK"),
    ("cordon", "kubectl", "longshore instances drain INSTANCE"),
    ("drain", "kubectl", "longshore instances drain INSTANCE"),
    ("uncordon", "kubectl", "longshore instances activate INSTANCE"),
    ("rollout", "kubectl", "longshore events --follow"),
    ("apply", "kubectl", "aws ecs register-task-definition"),
    ("kill", "docker", "longshore stop TASK"),
    ("rm", "docker", "longshore stop TASK"),
    ("container ls", "docker", "longshore ps"),
    ("images", "docker", "longshore task-definitions"),
    ("inspect", "docker", "longshore ps --json"),
    ("node ls", "docker", "longshore instances"),
    ("service ls", "docker", "aws ecs list-services"),
    ("compose", "docker", "longshore dev"),
    ("agent", "nomad", "longshore dev"),
    ("alloc logs", "nomad", "longshore logs TASK"),
    ("alloc stop", "nomad", "longshore stop TASK"),
    ("alloc", "nomad", "longshore ps"),
    ("job run", "nomad", "longshore run TASK-DEFINITION"),
    ("job plan", "nomad", "longshore explain --task-definition TASK-DEFINITION"),
    ("job stop", "nomad", "longshore stop TASK"),
    ("job", "nomad", "longshore ps"),
    ("node drain", "nomad", "longshore instances drain INSTANCE"),
    ("node", "nomad", "longshore instances"),
    ("monitor", "nomad", "longshore events --follow"),
    ("status", "nomad", "longshore ps"),
    ("run-task", "aws ecs", "longshore run TASK-DEFINITION"),
    ("list-tasks", "aws ecs", "longshore ps"),
    ("list-container-instances", "aws ecs", "longshore instances"),
];

/// Adds a tip to the error if the words belong to another program. `typed` is the command line
/// without the program name.
pub(crate) fn with_tip(mut error: clap::Error, typed: &[String]) -> clap::Error {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return error;
    }
    let words: Vec<&str> =
        typed.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    if let Some((theirs, program, ours)) = find(&words) {
        let tip = format!("`{program} {theirs}` is `{ours}` here");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        error.remove(ContextKind::SuggestedSubcommand);
    }
    error
}

fn find(words: &[&str]) -> Option<(&'static str, &'static str, &'static str)> {
    let begins = |theirs: &str| {
        let mut typed = words.iter();
        theirs.split(' ').all(|word| {
            // kubectl accepts singular and plural.
            let is = |typed: &&str| typed.trim_end_matches('s') == word.trim_end_matches('s');
            typed.next().is_some_and(is)
        })
    };
    WORDS.into_iter().find(|(theirs, ..)| begins(theirs))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Args;

    fn said(line: &str) -> String {
        let typed: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let all = std::iter::once("longshore".to_owned()).chain(typed.clone());
        let error = Args::try_parse_from(all).expect_err("that is no command");
        with_tip(error, &typed).to_string()
    }

    #[test]
    fn words_of_other_programs_are_known() {
        for (typed, wanted) in [
            ("get pods", "`kubectl get` is `longshore ps` here"),
            ("get node", "`kubectl get nodes` is `longshore instances` here"),
            ("rm -f abc", "`docker rm` is `longshore stop TASK` here"),
            ("node drain x", "`nomad node drain` is `longshore instances drain INSTANCE` here"),
            ("list-tasks", "`aws ecs list-tasks` is `longshore ps` here"),
        ] {
            let said = said(typed);
            assert!(said.contains(wanted), "{typed}: {said}");
        }
    }

    #[test]
    fn every_longer_line_stands_before_the_shorter_one_that_hides_it() {
        for (place, (theirs, ..)) in WORDS.iter().enumerate() {
            let words: Vec<&str> = theirs.split(' ').collect();
            let found = find(&words).map(|(found, ..)| found);
            assert_eq!(found, Some(*theirs), "line {place}");
        }
    }

    #[test]
    fn no_word_of_another_program_is_a_command_of_ours() {
        use clap::CommandFactory;
        let command = Args::command();
        let ours: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        for (theirs, ..) in WORDS {
            let first = theirs.split(' ').next().expect("a split has a first part");
            assert!(!ours.contains(&first), "{first} is a command");
        }
    }

    #[test]
    fn what_nobody_knows_gets_no_tip() {
        assert!(!said("frobnicate").contains("here"));
    }
}
