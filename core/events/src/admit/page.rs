//! Pages of names in sorted order. A page token is the last name of the previous page.

use std::collections::BTreeMap;
use std::ops::Bound;

use longshore_wire_ecs::Str;

/// The names on one page, and the token of the next page: names that start with `prefix`, come
/// after `after` and are wanted. Visits only names in that range.
pub(crate) fn page<T>(
    all: &BTreeMap<Str, T>,
    prefix: &str,
    after: Option<&Str>,
    entries: usize,
    wanted: impl Fn(&T) -> bool,
) -> (Vec<Str>, Option<Str>) {
    let from = match after {
        Some(after) if **after >= *prefix => Bound::Excluded(&**after),
        _ => Bound::Included(prefix),
    };
    let mut rest = all
        .range::<str, _>((from, Bound::Unbounded))
        .take_while(|(name, _)| name.starts_with(prefix))
        .filter(|(_, one)| wanted(one))
        .map(|(name, _)| name);
    let page: Vec<Str> = rest.by_ref().take(entries).cloned().collect();
    let token = rest.next().and(page.last().cloned());
    (page, token)
}

/// The page size: `limit`, from 1 to `max`. `None` when out of bounds.
pub(crate) fn entries(limit: Option<i32>, max: i32) -> Option<usize> {
    let limit = limit.unwrap_or(max);
    usize::try_from(limit).ok().filter(|_| (1..=max).contains(&limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_on_behind_its_token_within_its_prefix() {
        let names = ["a", "ba", "bb", "bc", "c"];
        let all: BTreeMap<Str, bool> = names.map(|name| (name.into(), name != "bb")).into();
        let pages = |prefix, after: Option<&str>, entries| {
            let after = after.map(Str::from);
            let (names, token) = page(&all, prefix, after.as_ref(), entries, |wanted| *wanted);
            (names.join(","), token.map(|token| token.to_string()))
        };
        assert_eq!(pages("b", None, 1), ("ba".into(), Some("ba".into())));
        assert_eq!(pages("b", Some("ba"), 1), ("bc".into(), None));
        assert_eq!(pages("", Some("bc"), 9), ("c".into(), None));
        assert_eq!(pages("b", Some("a"), 9), ("ba,bc".into(), None));
    }
}
