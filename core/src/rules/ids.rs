//! Making identifiers.

use std::sync::Mutex;

use uuid::{Builder, Uuid};

use crate::rules::chance;
use crate::words::{BatchId, LeaseToken, TaskId, Timestamp};

/// Makes UUIDv7 ids that rise strictly within a process.
///
/// Source: RFC 9562, section 6.2, method 2 (monotonic random): 74 random bits at the start of a
/// millisecond, then increments by a random step below 2^32.
pub struct IdSource {
    last: Mutex<(u64, u128)>,
    entropy: fn(&mut [u8]),
}

const RANDOM_BITS: u32 = 74;

impl Default for IdSource {
    fn default() -> Self {
        Self::new(chance::fill)
    }
}

impl IdSource {
    /// A source that draws from `entropy`.
    pub fn new(entropy: fn(&mut [u8])) -> Self {
        Self { last: Mutex::new((0, 0)), entropy }
    }

    /// The next id at `now`. A clock that steps back goes on from the last millisecond used.
    pub fn task(&self, now: Timestamp) -> TaskId {
        TaskId::from_uuid(self.next(now))
    }

    /// `count` ids at `now`, rising.
    pub fn tasks(&self, now: Timestamp, count: usize) -> Vec<TaskId> {
        (0..count).map(|_| self.task(now)).collect()
    }

    /// The next batch id at `now`.
    pub fn batch(&self, now: Timestamp) -> BatchId {
        BatchId::from_uuid(self.next(now))
    }

    /// A lease token: 128 random bits.
    pub fn token(&self) -> LeaseToken {
        let mut bytes = [0; 16];
        (self.entropy)(&mut bytes);
        LeaseToken::from_bytes(bytes)
    }

    fn next(&self, now: Timestamp) -> Uuid {
        let now = u64::try_from(now.as_millis()).unwrap_or(0);
        let mut last = self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (millis, tail) = if now > last.0 {
            let mut bytes = [0; 16];
            (self.entropy)(&mut bytes);
            // The top bit is left clear, so that increments have room within the millisecond.
            (now, u128::from_be_bytes(bytes) >> (128 - RANDOM_BITS + 1))
        } else {
            let step = (last.1 as u32).wrapping_mul(0x9E37_79B9) | 1;
            match (last.1 + u128::from(step)) >> RANDOM_BITS {
                0 => (last.0, last.1 + u128::from(step)),
                _ => (last.0 + 1, u128::from(step)),
            }
        };
        *last = (millis, tail);
        // rand_a takes the upper 12 bits, rand_b the lower 62; the builder sets version and variant.
        let mut random = [0u8; 10];
        let (rand_a, rand_b) = ((tail >> 62) as u16, (tail as u64) & ((1 << 62) - 1));
        random[..2].copy_from_slice(&rand_a.to_be_bytes());
        random[2..].copy_from_slice(&rand_b.to_be_bytes());
        Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_within_and_across_milliseconds_and_keep_their_time() {
        let source = IdSource::default();
        let mut last = source.task(Timestamp::from_millis(1_000));
        for i in 0..10_000 {
            // The clock steps back once; ids still rise.
            let next =
                source.task(Timestamp::from_millis(if i == 500 { 900 } else { 1_000 + i / 100 }));
            assert!(next > last, "{next} after {last}");
            last = next;
        }
        assert_eq!(last.created(), Timestamp::from_millis(1_099));
        assert_eq!(Uuid::parse_str(&last.to_string()).unwrap().get_version_num(), 7);
    }
}
