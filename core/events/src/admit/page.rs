//! Pages of names in their order. A token is the last name of the page before.

use longshore_wire_ecs::Str;

/// The names on one page, and the token of the next.
pub(crate) fn page<'a>(
    names: impl Iterator<Item = &'a Str>,
    after: Option<&Str>,
    entries: usize,
) -> (Vec<Str>, Option<Str>) {
    let mut rest = names.filter(|name| after.is_none_or(|after| *name > after));
    let page: Vec<Str> = rest.by_ref().take(entries).cloned().collect();
    let token = rest.next().and(page.last().cloned());
    (page, token)
}

/// Entries that a page may have: `limit`, from 1 to `max`. `None` when it is out of bounds.
pub(crate) fn entries(limit: Option<i32>, max: i32) -> Option<usize> {
    let limit = limit.unwrap_or(max);
    usize::try_from(limit).ok().filter(|_| (1..=max).contains(&limit))
}
