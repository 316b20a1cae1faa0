//! What must hold of a driver after every step.

use std::fmt;

use crate::machine::Driver;

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What does not hold of a driver.
pub fn audit(driver: &Driver) -> Vec<Violation> {
    driver.wrong().into_iter().map(Violation).collect()
}
