//! Limits the length of files and functions.
//!
//! Functions are measured on the syntax tree, from `fn` to the closing brace, including tests: a
//! test longer than a screen is not read when it fails.

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use crate::tidy::Violation;
use crate::tidy::tree::Tree;

/// Maximum lines of a Rust file. Chosen by us.
const FILE_LINES_MAX: usize = 500;

/// Maximum lines of a function. Chosen by us: one screen.
const FUNCTION_LINES_MAX: usize = 60;

/// No file and no function exceeds its limit.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, file) in tree.rust() {
        let lines = tree.text(path).lines().count();
        if lines > FILE_LINES_MAX {
            let wanted = format!("{lines} lines; {FILE_LINES_MAX} at most: split it by topic");
            found.push(Violation::new(path, FILE_LINES_MAX + 1, "file-size", wanted));
        }
        match file {
            Ok(file) => {
                let mut functions = Functions { path, found: &mut found };
                functions.visit_file(file);
            }
            Err(error) => {
                let wanted = format!("cannot be measured, since it does not parse: {error}");
                found.push(Violation::new(path, error.span().start().line, "syntax", wanted));
            }
        }
    }
    found
}

/// Measures every function with a body.
struct Functions<'a> {
    path: &'a str,
    found: &'a mut Vec<Violation>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let first = signature.fn_token.span().start().line;
        let last = body.brace_token.span.close().end().line;
        let lines = (last + 1).saturating_sub(first);
        if lines > FUNCTION_LINES_MAX {
            let name = &signature.ident;
            let wanted = format!("`{name}` has {lines} lines; {FUNCTION_LINES_MAX} at most");
            self.found.push(Violation::new(self.path, first, "function-size", wanted));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.measure(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::{FILE_LINES_MAX, FUNCTION_LINES_MAX, check};
    use crate::tidy::tree::Tree;

    /// A function of exactly `lines` lines.
    fn function(name: &str, lines: usize) -> String {
        format!("fn {name}() {{\n{}}}\n", "    ();\n".repeat(lines - 2))
    }

    fn rules(text: &str) -> Vec<(&'static str, usize)> {
        let found = check(&Tree::of(&[("core/a.rs", text)]));
        found.into_iter().map(|violation| (violation.rule, violation.line)).collect()
    }

    #[test]
    fn a_function_of_a_screen_is_right_and_a_line_more_is_not() {
        let right = function("right", FUNCTION_LINES_MAX);
        let long = function("long", FUNCTION_LINES_MAX + 1);
        assert!(rules(&right).is_empty());
        assert_eq!(rules(&format!("{right}\n{long}")), [("function-size", FUNCTION_LINES_MAX + 2)]);
    }

    #[test]
    fn methods_defaults_of_traits_and_tests_are_measured_too() {
        let long = function("long", FUNCTION_LINES_MAX + 1);
        assert_eq!(rules(&format!("impl A {{\n{long}}}\n")).len(), 1);
        assert_eq!(rules(&format!("trait A {{\n{long}fn short();\n}}\n")).len(), 1);
        assert_eq!(rules(&format!("#[cfg(test)]\nmod tests {{\n#[test]\n{long}}}\n")).len(), 1);
    }

    #[test]
    fn the_comment_above_a_function_does_not_count() {
        let comment = "/// Why.\n".repeat(FUNCTION_LINES_MAX);
        assert!(rules(&format!("{comment}{}", function("short", 3))).is_empty());
    }

    #[test]
    fn a_long_file_is_refused_at_the_first_line_too_many() {
        assert!(rules(&"//\n".repeat(FILE_LINES_MAX)).is_empty());
        let long = "//\n".repeat(FILE_LINES_MAX + 1);
        assert_eq!(rules(&long), [("file-size", FILE_LINES_MAX + 1)]);
    }

    #[test]
    fn a_file_that_does_not_parse_is_said_to_be_so() {
        assert_eq!(rules("fn fn broken() {}\n"), [("syntax", 1)]);
    }
}
