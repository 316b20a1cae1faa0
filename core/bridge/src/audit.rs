//! What must hold in every state of the bridge, recomputed from its records.

use crate::machine::Bridge;

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

/// Every invariant that does not hold; empty when all is well.
pub fn audit(bridge: &Bridge) -> Vec<Violation> {
    bridge.parts().audit().into_iter().map(Violation).collect()
}
