//! Tables for people: on a terminal as wide as the terminal, elsewhere as wide as their cells.
//!
//! On a terminal a row is one line. What does not fit is dropped in an order that each table
//! defines: empty columns, the ends of ids (a unique prefix is enough for every command), then
//! whole columns, the least important first.

use super::plain;
use crate::terminal::{self, clip};

/// Number of characters to which ids are shortened if space is scarce, provided that they stay
/// distinct. Source: chosen by us: what Docker shows.
const SHORT_ID: usize = 12;
/// Minimum width of a shortened text. Chosen by us.
const TEXT_WIDTH_MIN: usize = 16;
/// Spaces between columns.
const GAP: usize = 2;

/// The kind of a column's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Words and numbers, shown whole or not at all.
    Whole,
    /// Ids, of which a prefix may suffice.
    Id,
    /// Sentences, which may be truncated.
    Text,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    heading: &'static str,
    kind: Kind,
    /// Order of removal: the largest rank first, 0 never.
    rank: u8,
}

impl Column {
    /// Words and numbers. Columns are removed in descending order of rank; rank 0 is never removed.
    pub(crate) const fn whole(heading: &'static str, rank: u8) -> Self {
        Self { heading, kind: Kind::Whole, rank }
    }

    /// Ids.
    pub(crate) const fn id(heading: &'static str, rank: u8) -> Self {
        Self { heading, kind: Kind::Id, rank }
    }

    /// Sentences.
    pub(crate) const fn text(heading: &'static str, rank: u8) -> Self {
        Self { heading, kind: Kind::Text, rank }
    }
}

/// Prints rows under headings.
pub(crate) fn print(columns: &[Column], rows: &[Vec<String>]) {
    let width = terminal::size().map(|size| size.columns);
    for line in lines(columns, rows, width) {
        super::say!("{line}");
    }
}

/// The lines of a table, none wider than `width`, if given.
fn lines(columns: &[Column], rows: &[Vec<String>], width: Option<usize>) -> Vec<String> {
    let mut shown: Vec<Shown> =
        (0..columns.len()).map(|at| Shown::of(columns[at], at, rows)).collect();
    if let Some(width) = width {
        fit(&mut shown, width);
    }
    let line = |cell: &dyn Fn(&Shown) -> String| {
        let cells = shown.iter().map(|column| {
            let width = column.width;
            format!("{:<width$}", clip(&cell(column), width))
        });
        let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
        let line = line.trim_end();
        width.map_or_else(|| line.to_owned(), |width| clip(line, width))
    };
    let heading = line(&|column| column.column.heading.to_owned());
    let rows = (0..rows.len()).map(|row| line(&|column| column.cells[row].clone()));
    std::iter::once(heading).chain(rows).collect()
}

/// A displayed column, with its width.
struct Shown {
    column: Column,
    cells: Vec<String>,
    width: usize,
}

impl Shown {
    fn of(column: Column, at: usize, rows: &[Vec<String>]) -> Self {
        let cell = |row: &Vec<String>| row.get(at).map(|cell| plain(cell)).unwrap_or_default();
        let cells: Vec<String> = rows.iter().map(cell).collect();
        let mut shown = Self { column, cells, width: 0 };
        shown.widen();
        shown
    }

    fn widen(&mut self) {
        let widest = self.cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
        self.width = widest.max(self.column.heading.len());
    }

    /// Shortens ids to the length at which they are distinct.
    fn shorten(&mut self) {
        let longest = self.cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
        let cut = |length: usize| {
            let cut = |cell: &String| cell.chars().take(length).collect::<String>();
            self.cells.iter().map(cut).collect::<Vec<_>>()
        };
        let distinct =
            |cells: &[String]| cells.iter().collect::<std::collections::BTreeSet<_>>().len();
        let all = distinct(&self.cells);
        let enough = (SHORT_ID..longest).find(|length| distinct(&cut(*length)) == all);
        if let Some(length) = enough {
            self.cells = cut(length);
            self.widen();
        }
    }

    /// The minimum width of the column.
    fn least(&self) -> usize {
        if self.column.kind == Kind::Text { self.width.min(TEXT_WIDTH_MIN) } else { self.width }
    }
}

fn fit(shown: &mut Vec<Shown>, width: usize) {
    let total = |shown: &[Shown], of: fn(&Shown) -> usize| {
        shown.iter().map(of).sum::<usize>() + GAP * shown.len().saturating_sub(1)
    };
    let whole: fn(&Shown) -> usize = |column| column.width;
    shown.retain(|one| one.column.rank == 0 || one.cells.iter().any(|cell| !cell.is_empty()));
    if total(shown, whole) <= width {
        return;
    }
    shown.iter_mut().filter(|one| one.column.kind == Kind::Id).for_each(Shown::shorten);
    while total(shown, Shown::least) > width {
        let least = (0..shown.len()).max_by_key(|at| shown[*at].column.rank);
        let Some(least) = least.filter(|at| shown[*at].column.rank > 0) else { break };
        shown.remove(least);
    }
    let mut over = total(shown, whole).saturating_sub(width);
    for column in shown.iter_mut().filter(|one| one.column.kind == Kind::Text) {
        let cut = over.min(column.width - column.least());
        column.width -= cut;
        over -= cut;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 5] = [
        Column::id("TASK", 0),
        Column::whole("STATUS", 0),
        Column::whole("PORTS", 2),
        Column::id("INSTANCE", 3),
        Column::text("WHY", 1),
    ];

    fn rows() -> Vec<Vec<String>> {
        let row = |id: &str, ports: &str, why: &str| {
            [id, "STOPPED", ports, "a13bf938c20a624f4f7c81b54298423a", why]
                .map(str::to_owned)
                .to_vec()
        };
        vec![
            row("cddfdc0c256576303a1f105c435440a5", "", "Essential container in task exited"),
            row("ce21329e325e79667b64ad071282864c", "", "\x1b[31mred\x1b[0m\nalert"),
        ]
    }

    #[test]
    fn into_a_file_everything_goes_whole() {
        let lines = lines(&COLUMNS, &rows(), None);
        assert!(lines[0].contains("PORTS"), "columns keep their places: {}", lines[0]);
        assert!(lines[1].contains("cddfdc0c256576303a1f105c435440a5"));
        assert!(lines[1].ends_with("Essential container in task exited"));
    }

    #[test]
    fn what_is_given_up_first_are_empty_columns_then_ends_of_ids_then_columns() {
        let of = |width| lines(&COLUMNS, &rows(), Some(width));
        let heading =
            |width| of(width)[0].split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(heading(200), ["TASK", "STATUS", "INSTANCE", "WHY"]);
        assert!(of(200)[1].contains("cddfdc0c256576303a1f105c435440a5"));
        assert_eq!(heading(80), ["TASK", "STATUS", "INSTANCE", "WHY"]);
        assert!(of(80)[1].starts_with("cddfdc0c2565  STOPPED  a13bf938c20a  Essential"));
        assert_eq!(heading(45), ["TASK", "STATUS", "WHY"]);
        assert_eq!(heading(24), ["TASK", "STATUS"]);
        for width in 1..200 {
            assert!(of(width).iter().all(|line| line.chars().count() <= width), "{width}");
        }
    }

    #[test]
    fn ids_that_begin_alike_are_cut_where_they_differ() {
        let rows: Vec<Vec<String>> =
            ["0123456789abcdef00", "0123456789abcdef01"].map(|id| vec![id.to_owned()]).to_vec();
        let columns = [Column::id("TASK", 0)];
        assert_eq!(lines(&columns, &rows, Some(16))[1], "0123456789abcde…");
        let rows: Vec<Vec<String>> =
            ["0123456789abcd0000", "0123456789abcd1000"].map(|id| vec![id.to_owned()]).to_vec();
        assert_eq!(lines(&columns, &rows, Some(16))[1], "0123456789abcd0");
    }

    #[test]
    fn nothing_in_a_cell_reaches_the_terminal_as_a_command_or_another_line() {
        for width in [None, Some(300)] {
            let lines = lines(&COLUMNS, &rows(), width);
            assert_eq!(lines.len(), 3);
            assert!(lines[2].contains(r"\u{1b}[31mred\u{1b}[0m\nalert"), "{}", lines[2]);
        }
    }
}
