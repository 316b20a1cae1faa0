//! Every limit states its source.
//!
//! A number without a source can be neither trusted nor changed, since nobody knows what would
//! break. Each constant of a `limits.rs` therefore cites a document, or says "chosen by us" where
//! the documents are silent.

use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprLit, Lit, Meta, Visibility};

use crate::tidy::Violation;
use crate::tidy::tree::Tree;

/// Each visible constant of a `limits.rs` has a doc comment with `Source:` or `chosen by us`.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let named = |path: &str| path == "limits.rs" || path.ends_with("/limits.rs");
    for (path, file) in tree.parsed().filter(|(path, _)| named(path)) {
        Constants { path, found: &mut found }.visit_file(file);
    }
    found
}

struct Constants<'a> {
    path: &'a str,
    found: &'a mut Vec<Violation>,
}

impl<'ast> Visit<'ast> for Constants<'_> {
    fn visit_item_const(&mut self, constant: &'ast syn::ItemConst) {
        if !matches!(constant.vis, Visibility::Inherited) && !has_source(&constant.attrs) {
            let name = &constant.ident;
            let wanted = format!("`{name}` wants `Source:` or \"chosen by us\" in its doc comment");
            let line = name.span().start().line;
            self.found.push(Violation::new(self.path, line, "limit-source", wanted));
        }
        visit::visit_item_const(self, constant);
    }
}

fn has_source(attributes: &[Attribute]) -> bool {
    let text: Vec<String> = attributes.iter().filter_map(doc).collect();
    // Joined by single spaces, because a comment may break lines anywhere.
    let text = text.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    text.contains("Source:") || text.to_lowercase().contains("chosen by us")
}

/// The text of one line of a doc comment.
fn doc(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else {
        return None;
    };
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if pair.path.is_ident("doc") => {
            Some(text.value())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::Tree;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_bound_without_a_source_is_refused() {
        let text = "/// Tasks of one call.\npub const TASKS_MAX: usize = 10;\npub(crate) const B: u8 = 1;\n";
        assert_eq!(lines("core/control/src/limits.rs", text), [2, 3]);
    }

    #[test]
    fn a_source_or_an_owned_choice_is_right() {
        let text = "/// Tasks. Source: API reference.\npub const A: usize = 10;\n\
                    /// Bytes. Chosen\n/// by us: enough.\npub const B: usize = 10;\nconst PRIVATE: u8 = 1;\n";
        assert!(lines("core/control/src/limits.rs", text).is_empty());
    }

    #[test]
    fn constants_elsewhere_are_not_bounds() {
        assert!(lines("core/control/src/state.rs", "pub const A: usize = 1;\n").is_empty());
    }
}
