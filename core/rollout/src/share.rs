//! A part of a number, or a multiple of it, as people write it: in percent, or in thousandths.

/// A part of a number of copies, or a multiple of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    milli: u64,
}

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self { milli: 1_000 };

    /// So many hundredths.
    #[must_use]
    pub fn percent(percent: u32) -> Self {
        Self { milli: u64::from(percent) * 10 }
    }

    /// So many thousandths.
    #[must_use]
    pub fn milli(milli: u32) -> Self {
        Self { milli: u64::from(milli) }
    }

    /// Of that many, rounded up; at most `u32::MAX`.
    #[must_use]
    pub fn rounded_up(self, of: u32) -> u32 {
        narrow((u64::from(of) * self.milli).div_ceil(1_000))
    }

    /// Of that many, rounded down; at most `u32::MAX`.
    #[must_use]
    pub fn rounded_down(self, of: u32) -> u32 {
        narrow(u64::from(of) * self.milli / 1_000)
    }
}

impl std::ops::Add for Share {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self { milli: self.milli + more.milli }
    }
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
