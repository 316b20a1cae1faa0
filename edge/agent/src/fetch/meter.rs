//! Bounds what is read of an archive, whether or not it is written anywhere.
//!
//! What an archive skips must be unpacked all the same, and what its headers say is held in memory: both go on for as long as a hostile
//! one likes. So each read looks at the clock, and what comes out of an archive is counted.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::limits::TIME_MAX;

/// What reading may still use. Copies share it.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    until: Instant,
    left: Arc<AtomicU64>,
    /// The same for what is held in memory, while that is read.
    held: Arc<AtomicU64>,
}

impl Meter {
    pub(super) fn new(until: Instant, left: u64) -> Self {
        Self { until, left: Arc::new(left.into()), held: Arc::new(u64::MAX.into()) }
    }

    /// Reads something that is held in memory, of at most this many bytes.
    pub(super) fn holding<T>(&self, bytes_max: u64, read: impl FnOnce() -> T) -> T {
        self.held.store(bytes_max, Ordering::Relaxed);
        let done = read();
        self.held.store(u64::MAX, Ordering::Relaxed);
        done
    }

    /// That there is time left.
    ///
    /// # Errors
    /// That there is none.
    pub(super) fn check_time(&self) -> io::Result<()> {
        if Instant::now() < self.until {
            return Ok(());
        }
        let minutes = TIME_MAX.as_secs() / 60;
        Err(io::Error::other(format!("it takes longer than {minutes} minutes")))
    }

    fn take(&self, count: usize) -> io::Result<()> {
        let count = count as u64;
        let less = |from: &AtomicU64| {
            let left = from.load(Ordering::Relaxed).checked_sub(count)?;
            from.store(left, Ordering::Relaxed);
            Some(())
        };
        less(&self.held).ok_or_else(|| io::Error::other("its headers are too large"))?;
        less(&self.left).ok_or_else(|| {
            io::Error::other("it unpacks to more bytes than a task can have fetched")
        })
    }
}

/// A reader whose reads are bounded.
#[derive(Debug)]
pub(super) struct Metered<R> {
    inner: R,
    meter: Meter,
}

impl<R> Metered<R> {
    pub(super) fn new(inner: R, meter: &Meter) -> Self {
        Self { inner, meter: meter.clone() }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.meter.check_time()?;
        let count = self.inner.read(buffer)?;
        self.meter.take(count)?;
        Ok(count)
    }
}

impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(meter: &Meter, bytes: u64) -> io::Result<u64> {
        io::copy(&mut Metered::new(io::repeat(0).take(bytes), meter), &mut io::sink())
    }

    #[test]
    fn reading_ends_with_the_time_and_with_the_bytes_that_are_left() {
        let late = Meter::new(Instant::now(), u64::MAX);
        assert!(read(&late, 1).expect_err("it is late").to_string().contains("minutes"));
        let soon = Instant::now() + Duration::from_mins(1);
        let meter = Meter::new(soon, 1_000);
        assert_eq!(read(&meter, 600).expect("there is room"), 600);
        assert_eq!(read(&meter, 400).expect("there is just room"), 400);
        assert!(read(&meter, 1).expect_err("it is full").to_string().contains("more bytes"));
    }

    #[test]
    fn what_is_held_in_memory_has_a_bound_of_its_own_only_while_it_is_read() {
        let meter = Meter::new(Instant::now() + Duration::from_mins(1), u64::MAX);
        assert_eq!(meter.holding(10, || read(&meter, 10)).expect("there is room"), 10);
        let refused = meter.holding(10, || read(&meter, 11)).expect_err("it is too large");
        assert!(refused.to_string().contains("headers"));
        assert_eq!(read(&meter, 100_000).expect("it is not held"), 100_000);
    }
}
