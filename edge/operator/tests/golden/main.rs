//! Answers of ours beside those of a genuine master: statuses, headers, texts, and the form of what is JSON.
//!
//! `tests/forms` has a form file for each golden file, and `deviations.txt` with what differs and why. What differs without standing
//! there fails, and so does what stands there and does not differ.

mod apply;
mod case;
mod fixture;
mod form;
mod serve;
mod tree;
mod values;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use case::Case;
use form::Form;
use longshore_bridge::operator::ReadModel;
use serve::Served;

/// Makes the state that a golden file begins with.
type State = fn() -> ReadModel;

/// Golden files that are compared, and the state that each begins with.
const FILES: [(&str, State); 46] = [
    ("operator/empty/01-GET_FLAGS", fixture::empty),
    ("operator/empty/05-GET_STATE", fixture::empty),
    ("operator/empty/06-GET_AGENTS", fixture::empty),
    ("operator/empty/90-short-ones", fixture::empty),
    ("operator/tasks/00-GET_STATE", fixture::tasks),
    ("operator/tasks/01-GET_AGENTS", fixture::tasks),
    ("operator/tasks/02-GET_FRAMEWORKS", fixture::tasks),
    ("operator/tasks/05-GET_TASKS", fixture::tasks),
    ("operator/tasks/09-GET_METRICS", fixture::tasks),
    ("operator/tasks/90-short-ones", fixture::tasks),
    ("operator/40-weights-quota", fixture::empty),
    ("operator/41-maintenance", fixture::empty),
    ("operator/42-drain-deactivate", fixture::tasks),
    ("operator/43-drained", serve::drained),
    ("operator/44-mark-gone", serve::idle),
    ("operator/45-teardown", serve::second_torn_down),
    ("operator/47-drain-grace", serve::idle),
    ("operator/48-drain-mark-gone", serve::marked_gone),
    ("operator/50-errors", fixture::tasks),
    ("operator/60-SUBSCRIBE-events", fixture::empty),
    ("operator/61-SUBSCRIBE-agents", ReadModel::default),
    ("endpoints/00-state", fixture::tasks),
    ("endpoints/01-state-aliases", fixture::tasks),
    ("endpoints/02-jsonp", fixture::empty),
    ("endpoints/03-state-summary", fixture::tasks),
    ("endpoints/04-slaves", fixture::tasks),
    ("endpoints/05-slaves-one", fixture::tasks),
    ("endpoints/10-tasks-00", fixture::tasks),
    ("endpoints/10-tasks-01", fixture::tasks),
    ("endpoints/11-tasks-queries", fixture::tasks),
    ("endpoints/12-frameworks", fixture::tasks),
    ("endpoints/13-frameworks-one", fixture::tasks),
    ("endpoints/15-roles", fixture::tasks),
    ("endpoints/20-flags", fixture::tasks),
    ("endpoints/23-methods", fixture::tasks),
    ("endpoints/28-metrics-snapshot", fixture::tasks),
    ("endpoints/30-weights-quota", fixture::tasks),
    ("endpoints/31-maintenance", fixture::empty),
    ("endpoints/40-slaves-after-reactivation", serve::idle),
    ("endpoints/50-teardown", serve::two_frameworks),
    ("endpoints/51-state-after", fixture::torn_down),
    ("endpoints/52-tasks-after", fixture::torn_down),
    ("endpoints/90-short-ones", fixture::tasks),
    ("endpoints/empty/00-state-summary", fixture::empty),
    ("endpoints/empty/08-state", fixture::empty),
    ("endpoints/empty/90-short-ones", serve::nothing_set),
];

fn forms() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forms")
}

fn form_file(golden: &str) -> PathBuf {
    forms().join(format!("{}.form", golden.replace('/', "-")))
}

/// One line of `deviations.txt`: file, case, difference, reason. Stars stand for anything.
struct Deviation {
    line: String,
    parts: [String; 3],
}

fn deviations() -> Vec<Deviation> {
    let text = std::fs::read_to_string(forms().join("deviations.txt")).expect("it is there");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let parts: Vec<&str> = line.split(" ; ").collect();
            let [file, case, difference, reason] = parts[..] else {
                panic!("four parts are wanted: {line}")
            };
            assert!(!reason.trim().is_empty(), "{line} wants a reason");
            Deviation { line: line.to_owned(), parts: [file, case, difference].map(str::to_owned) }
        })
        .collect()
}

fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    rest.is_empty() || last.is_some_and(|part| part.is_empty() || text.ends_with(part))
}

/// In what our answer differs from a golden one.
fn differences(case: &Case, served: &Served) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, ours: &str, golden: &str| {
        if ours != golden {
            let ours: String = ours.chars().take(200).collect();
            found.push(format!("{what} {ours} not {golden}"));
        }
    };
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    compare("status", &served.status.to_string(), &case.status.to_string());
    compare("type", &or_none(&served.content_type), &or_none(&case.answer_type));
    compare("allow", &or_none(&served.allow), &or_none(&case.allow));
    if let Some(says) = &case.says {
        compare("says", &String::from_utf8_lossy(&served.body), says);
    }
    if let Some(golden) = &case.form {
        match served.tree(case.is_jsonp) {
            Ok(tree) => {
                found.extend(golden.differences(&Form::of(&tree)));
                golden.disorder(&tree, "", &mut found);
            }
            Err(why) => found.push(format!("says {why}")),
        }
    }
    for (of, golden) in &case.records {
        let ours: Vec<_> = served.records.iter().filter(|(known, _)| known == of).collect();
        match Form::together(ours.iter().map(|(_, tree)| Form::of(tree))) {
            Some(form) => found.extend(golden.differences(&form)),
            None => found.push(format!("missing record {of}")),
        }
        for (_, tree) in ours {
            golden.disorder(tree, "", &mut found);
        }
    }
    found
}

/// \[P1\] \[P2\] \[P3\] \[P4\] \[P5\] \[P6\] \[P7\]
#[test]
fn answers_have_the_form_of_a_genuine_masters() {
    let deviations = deviations();
    let mut used = BTreeSet::new();
    let mut unexplained = Vec::new();
    for (file, state) in FILES {
        let text = std::fs::read_to_string(form_file(file)).expect("its form is there");
        let mut model = state();
        for case in Case::read_all(&text) {
            let served = serve::serve(&mut model, &case);
            for difference in differences(&case, &served) {
                let is_known = |one: &&Deviation| {
                    fits(&one.parts[0], file)
                        && fits(&one.parts[1], &case.name)
                        && fits(&one.parts[2], &difference)
                };
                match deviations.iter().find(is_known) {
                    Some(known) => drop(used.insert(known.line.clone())),
                    None => unexplained.push(format!("{file} ; {} ; {difference}", case.name)),
                }
            }
        }
        assert_eq!(model.audit(), Vec::<String>::new(), "{file}");
    }
    assert!(
        unexplained.is_empty(),
        "{} differences:\n{}",
        unexplained.len(),
        unexplained.join("\n")
    );
    let idle: Vec<&str> = deviations
        .iter()
        .map(|one| one.line.as_str())
        .filter(|line| !used.contains(*line))
        .collect();
    assert!(idle.is_empty(), "these deviate no more:\n{}", idle.join("\n"));
}

#[test]
fn a_form_file_reads_back_as_it_was_written() {
    for (file, _) in FILES {
        let text = std::fs::read_to_string(form_file(file)).expect("its form is there");
        assert_eq!(written(file, &Case::read_all(&text)), text, "{file}");
    }
}

fn written(file: &str, cases: &[Case]) -> String {
    let mut text =
        format!("# The form of mesos-golden/{file}.json; written by tests/golden, see there.\n");
    for case in cases {
        case.write(&mut text);
    }
    text
}

#[test]
#[ignore = "writes tests/forms from the golden answers in the folder that MESOS_GOLDEN names"]
fn forms_are_written_from_golden_answers() {
    let folder = PathBuf::from(std::env::var_os("MESOS_GOLDEN").expect("the folder"));
    for (file, _) in FILES {
        let golden = std::fs::read_to_string(folder.join(format!("{file}.json")));
        let cases = case::of_golden(&golden.expect("the golden file is there"));
        std::fs::write(form_file(file), written(file, &cases)).expect("it is written");
    }
}
