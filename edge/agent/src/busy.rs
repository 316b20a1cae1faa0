//! Counts work in progress.

use tokio::sync::watch::Sender;

/// Work in progress that shutdown should wait for. Counted until dropped, even if the work is
/// aborted.
#[derive(Debug)]
pub(crate) struct Busy {
    count: Sender<usize>,
}

impl Busy {
    pub(crate) fn new(count: &Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self { count: count.clone() }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.count.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_counts_for_as_long_as_it_lasts() {
        let count = Sender::new(0);
        let (one, two) = (Busy::new(&count), Busy::new(&count));
        drop(one);
        assert_eq!(*count.borrow(), 1);
        drop(two);
        assert_eq!(*count.borrow(), 0);
    }
}
