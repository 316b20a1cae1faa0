//! A seeded source of ids with a separate stream for each kind.
//!
//! With a stream per kind, one more id of one kind does not shift those of another, so recorded
//! runs stay comparable. The seed is drawn once at startup by whoever hosts the machine; its 128
//! bits keep the ids of different runs apart. Not for secrets: given a few ids, the next can be
//! computed.

use std::collections::BTreeMap;

/// A seeded source of ids.
#[derive(Clone, Debug)]
pub struct Ids {
    seed: u128,
    drawn: BTreeMap<&'static str, u64>,
}

impl Ids {
    /// Creates a source; equal seeds give equal ids.
    pub fn new(seed: u128) -> Self {
        Self { seed, drawn: BTreeMap::new() }
    }

    /// The next 128 bits of a kind.
    pub fn bits(&mut self, kind: &'static str) -> u128 {
        let drawn = self.drawn.entry(kind).or_insert(0);
        *drawn += 1;
        let stream = kind.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let [low, high] = [self.seed, self.seed >> 64].map(lower_half);
        let upper = mix(high ^ mix(stream.wrapping_add(*drawn)));
        let lower = mix(low.wrapping_add(upper) ^ mix(stream.rotate_left(32) ^ *drawn));
        (u128::from(upper) << 64) | u128::from(lower)
    }

    /// A number below `bound`, or 0 if `bound` is 0.
    pub fn below(&mut self, kind: &'static str, bound: u64) -> u64 {
        let wide = self.bits(kind) & u128::from(u64::MAX);
        // The upper half of the product is evenly distributed over any bound, without division.
        lower_half((wide * u128::from(bound)) >> 64)
    }

    /// A UUID of version 4, as 16 bytes.
    pub fn uuid_bytes(&mut self, kind: &'static str) -> [u8; 16] {
        let mut bytes = self.bits(kind).to_be_bytes();
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        bytes
    }

    /// A UUID of version 4, as text of 36 characters.
    pub fn uuid(&mut self, kind: &'static str) -> String {
        let digits = format!("{:032x}", u128::from_be_bytes(self.uuid_bytes(kind)));
        [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only the lower half is wanted")]
fn lower_half(bits: u128) -> u64 {
    bits as u64
}

/// The finaliser of `SplitMix64`: every input bit affects every output bit.
fn mix(mut value: u64) -> u64 {
    value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn equal_seeds_give_equal_ids_and_kinds_do_not_disturb_each_other() {
        let (mut one, mut two) = (Ids::new(7), Ids::new(7));
        let first = one.bits("task");
        two.bits("cluster");
        assert_eq!(first, two.bits("task"));
    }

    #[test]
    fn ids_do_not_repeat() {
        let mut ids = Ids::new(1);
        let drawn: BTreeSet<u128> = (0..10_000).map(|_| ids.bits("task")).collect();
        assert_eq!(drawn.len(), 10_000);
    }

    #[test]
    fn a_uuid_says_its_version() {
        let uuid = Ids::new(1).uuid("stream");
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
    }

    #[test]
    fn a_number_stays_below_its_bound_and_reaches_all() {
        let mut ids = Ids::new(3);
        let drawn: BTreeSet<u64> = (0..200).map(|_| ids.below("choice", 5)).collect();
        assert_eq!(drawn, (0..5).collect());
        assert_eq!(ids.below("choice", 0), 0);
    }
}
