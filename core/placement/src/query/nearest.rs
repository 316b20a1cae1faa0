//! Suggests corrections for misspelled words.

/// The candidate closest to `word`, if the difference is small.
pub(super) fn nearest(
    word: &str,
    candidates: impl IntoIterator<Item = &'static str>,
) -> Option<&'static str> {
    let word = word.to_lowercase();
    let distances = candidates.into_iter().map(|candidate| {
        let distance = distance(&word, &candidate.to_lowercase());
        (distance, candidate)
    });
    // One edit per four letters is a typo; more is another word.
    let close = distances.filter(|(distance, candidate)| distance * 4 <= candidate.len());
    close.min().map(|(_, candidate)| candidate)
}

/// Levenshtein distance.
fn distance(left: &str, right: &str) -> usize {
    // One row of the table: entry `n` is the distance to the first `n` characters of `right`.
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for character in left.chars() {
        let mut diagonal = row[0];
        row[0] += 1;
        for (index, other) in right.chars().enumerate() {
            let changed = diagonal + usize::from(character != other);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(row[index] + 1).min(diagonal + 1);
        }
    }
    row[right.chars().count()]
}
