use super::{PAGE, check, python_tests};
use crate::tidy::tree::Tree;

const ROWS: &str = "| id | rule | source | tested |\n|---|---|---|---|\n\
                    | C1 | One. | `src/a.cpp` | yes |\n\
                    | C2 | Two. | `docs/b.md` | yes |\n\
                    | C3 | Three. | `src/c.cpp` | no, agent |\n";

/// The violations found for this page, Rust file and Python file.
fn wrong(page: &str, rust: &str, python: &str) -> Vec<String> {
    let tree = Tree::of(&[(PAGE, page), ("core/a.rs", rust), ("conformance/test_a.py", python)]);
    check(&tree).iter().map(ToString::to_string).collect()
}

fn with_list(list: &str) -> String {
    format!("{ROWS}\n## Not covered yet\n\n{list}")
}

const RUST: &str = "/// As in \\[C1\\].\n#[test]\nfn it_holds() {}\n";
const PYTHON: &str = "@pytest.mark.slow\ndef test_it():\n    assert True  # [C2]\n";

#[test]
fn rules_that_tests_cite_are_right() {
    assert_eq!(wrong(ROWS, RUST, PYTHON), [""; 0]);
}

#[test]
fn an_id_that_the_page_lacks_is_refused_where_it_stands() {
    let found = wrong(ROWS, &format!("{RUST}// Source: [C9].\n"), PYTHON);
    assert_eq!(found, [format!("core/a.rs:4: mesos-rule: [C9] is not on {PAGE}")]);
}

#[test]
fn a_rule_without_a_test_must_be_listed() {
    let found = wrong(ROWS, RUST, "");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with(&format!("{PAGE}:4: ")) && found[0].contains("[C2]"), "{found:?}");
    assert_eq!(wrong(&with_list("- C2: no bench for it yet\n"), RUST, ""), [""; 0]);
}

#[test]
fn a_citation_outside_a_test_holds_nothing() {
    let rust = "/// Source: \\[C1\\].\nfn code() {}\n";
    let python = "\"\"\"About [C2].\"\"\"\n\n# [C2]\ndef helper():\n    pass  # [C2]\n";
    assert_eq!(wrong(ROWS, rust, python).len(), 2);
}

#[test]
fn a_rule_that_a_test_cites_leaves_the_list() {
    let found = wrong(&with_list("- C2: later\n"), RUST, PYTHON);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("conformance/test_a.py:3 cites [C2]"), "{found:?}");
}

#[test]
fn entries_of_the_list_name_testable_rules_and_reasons() {
    let found = wrong(&with_list("- C3: later\n- C8: later\n- C2\n"), RUST, PYTHON);
    assert_eq!(found.len(), 3, "{found:?}");
}

#[test]
fn a_rule_that_cannot_be_tested_is_cited_by_no_test() {
    let found = wrong(ROWS, &format!("{RUST}// [C3]\n#[test]\nfn no() {{}} // [C3]\n"), PYTHON);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("core/a.rs:6"), "{found:?}");
}

#[test]
fn malformed_rows_are_refused() {
    let row = |row: &str| wrong(&format!("{ROWS}{row}\n"), RUST, PYTHON).len();
    assert_eq!(row("| C4 | Four. | `src/d.cpp` | no, agent |"), 0);
    assert_eq!(row("| C4 | Four. | `src/d.cpp` | perhaps |"), 1);
    assert_eq!(row("| C4 | Four. | the sources | no, agent |"), 1);
    assert_eq!(row("| C4 | Either | or. | `src/d.cpp` | no, agent |"), 1);
    assert_eq!(row("| C3 | Three. | `src/d.cpp` | no, agent |"), 1);
}

#[test]
fn an_index_is_no_citation() {
    assert_eq!(wrong(ROWS, &format!("{RUST}const X: u8 = TABLE[C9];\n"), PYTHON), [""; 0]);
}

#[test]
fn a_python_test_goes_from_its_decorators_to_the_next_thing_at_the_margin() {
    let text = "import x\n\n@a\n@b(\n    1,\n)\ndef test_a():\n    pass\n\n\ndef helper():\n    pass\n\ndef test_b():\n    pass\n";
    assert_eq!(python_tests(text), [3..=8, 14..=15]);
}
