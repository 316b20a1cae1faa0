//! How long a refusal of an offer, or of an inverse offer, holds.

use crate::limits;

/// Source: \[O13\]: 5 s if it is not a time, a year at most, none for zero, and otherwise long enough to outlive the next
/// allocation.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "cut to the longest filter first"
)]
pub(crate) fn milliseconds(seconds: f64) -> u64 {
    let ms = if seconds >= 0.0 {
        (seconds * 1000.0).ceil().min(limits::REFUSE_MS_MAX as f64) as u64
    } else {
        limits::REFUSE_MS
    };
    if ms == 0 { 0 } else { ms.max(limits::REFUSE_MS_MIN) }
}
