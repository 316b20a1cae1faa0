//! Pagination of lists. A token names the last entry of the previous page, so entries that are
//! added or removed in between cause neither repeats nor gaps. Tokens are opaque: the operation's
//! letter followed by the key in hexadecimal.

use longshore_wire_ecs::{ApiError, Str, limits};

use crate::limits::LIST_SCAN_MAX;

/// The requested page.
#[derive(Debug)]
pub(crate) struct Page {
    list: char,
    after: Option<String>,
    size: usize,
}

impl Page {
    /// Reads `nextToken` and `maxResults`. `list` distinguishes the tokens of different lists.
    pub(crate) fn read(
        list: char,
        token: Option<&Str>,
        max_results: Option<i32>,
    ) -> Result<Self, ApiError> {
        Self::read_up_to(list, token, max_results, limits::PAGE_ENTRIES_MAX)
    }

    pub(crate) fn read_up_to(
        list: char,
        token: Option<&Str>,
        max_results: Option<i32>,
        most: i32,
    ) -> Result<Self, ApiError> {
        let size = max_results.unwrap_or(most);
        if !(1..=most).contains(&size) {
            return Err(ApiError::invalid(format!("maxResults should be between 1 and {most}")));
        }
        let after = match token.map(|token| &**token).filter(|token| !token.is_empty()) {
            None => None,
            Some(token) => {
                let key = token.strip_prefix(list).and_then(from_hex);
                Some(key.ok_or_else(|| {
                    ApiError::invalid("Invalid token: it is not a nextToken of this list.")
                })?)
            }
        };
        Ok(Self { list, after, size: usize::try_from(size).unwrap_or(1) })
    }

    /// The key after which the page starts.
    pub(crate) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Takes one page of the ordered entries for which `show` returns a value. Scans at most
    /// [`LIST_SCAN_MAX`] entries, so a page may be short and still have a next one.
    pub(crate) fn select<E, T>(
        &self,
        entries: impl Iterator<Item = E>,
        key: impl Fn(&E) -> String,
        show: impl Fn(&E) -> Option<T>,
    ) -> (Vec<T>, Option<Str>) {
        let mut taken = Vec::new();
        let mut last: Option<E> = None;
        for (looked_at, entry) in entries.enumerate() {
            // There is another page only once an entry for it has been found.
            let shown = show(&entry);
            let is_next = shown.is_some() && taken.len() == self.size;
            if let Some(last) = last.as_ref().filter(|_| is_next || looked_at == LIST_SCAN_MAX) {
                return (taken, Some(self.token(&key(last))));
            }
            if taken.len() < self.size || shown.is_none() {
                taken.extend(shown);
                last = Some(entry);
            }
        }
        (taken, None)
    }

    fn token(&self, key: &str) -> Str {
        format!("{}{}", self.list, to_hex(key)).into()
    }

    /// Takes one page of ordered entries, each with its key, and returns it with the token of the
    /// next.
    pub(crate) fn take<T>(
        &self,
        entries: impl Iterator<Item = (String, T)>,
    ) -> (Vec<T>, Option<Str>) {
        let mut entries = entries.peekable();
        let mut taken = Vec::new();
        let mut last = String::new();
        while taken.len() < self.size
            && let Some((key, entry)) = entries.next()
        {
            taken.push(entry);
            last = key;
        }
        let token = entries.peek().map(|_| self.token(&last));
        (taken, token)
    }
}

fn to_hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(digits: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16)
                .ok()
        })
        .collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_meet_without_gap_or_overlap() {
        let all = ["a", "b", "c", "d", "e"];
        let (mut token, mut seen) = (None, Vec::new());
        loop {
            let page = Page::read('t', token.as_ref(), Some(2)).expect("the token is ours");
            let after = page.after().unwrap_or("").to_owned();
            let rest =
                all.iter().filter(|name| **name > &*after).map(|name| ((*name).to_owned(), *name));
            let (entries, next) = page.take(rest);
            seen.extend(entries);
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_page_looks_at_so_many_entries_and_no_more() {
        let most = LIST_SCAN_MAX;
        let (mut token, mut seen, mut pages) = (None, Vec::new(), 0);
        loop {
            let page = Page::read('t', token.as_ref(), Some(2)).expect("the token is ours");
            let from =
                page.after().and_then(|after| after.parse().ok()).map_or(0, |at: usize| at + 1);
            let looked_at = std::cell::Cell::new(0);
            // Two at the start and two far beyond.
            let is_listed = |number: &usize| [1, 2, most + 5, 2 * most + 9].contains(number);
            let (entries, next) = page.select(from..2 * most + 20, usize::to_string, |number| {
                looked_at.set(looked_at.get() + 1);
                is_listed(number).then_some(*number)
            });
            assert!(looked_at.get() <= most + 1, "{} are looked at", looked_at.get());
            seen.extend(entries);
            pages += 1;
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!((seen, pages), (vec![1, 2, most + 5, 2 * most + 9], 3));
    }

    #[test]
    fn a_foreign_token_and_a_size_out_of_range_are_refused() {
        for token in ["x6161", "t6", "tzz", "rubbish"] {
            assert!(Page::read('t', Some(&token.into()), None).is_err(), "{token}");
        }
        for size in [0, -1, 101] {
            assert!(Page::read('t', None, Some(size)).is_err(), "{size}");
        }
    }
}
