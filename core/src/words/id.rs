//! Identifiers: time-ordered for tasks and batches, random for leases.

use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::{Builder, Uuid};

use crate::error::Error;
use crate::words::Timestamp;

macro_rules! uuid_word {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// From its 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Its 16 bytes, which sort as the ids do.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Uuid::try_parse(text).map(Self).map_err(|_| {
                    Error::invalid("id", format!("must be a UUID, not {text:?}"))
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut buffer = Uuid::encode_buffer();
                serializer.serialize_str(self.0.as_hyphenated().encode_lower(&mut buffer))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

uuid_word! {
    /// Id of a task: UUIDv7, so that ids sort by creation; lower-case text on the wire.
    TaskId
}
uuid_word! {
    /// Id of a batch: UUIDv7.
    BatchId
}
uuid_word! {
    /// Random proof that a worker holds a lease. One token serves all tasks of one lease call.
    LeaseToken
}

impl TaskId {
    /// The task that a caller means.
    ///
    /// # Errors
    ///
    /// `task_not_found` when the text is no id at all: nobody learns more than for a foreign id.
    pub fn parse(text: &str) -> Result<Self, Error> {
        text.parse().map_err(|_| Error::TaskNotFound { task_id: text.chars().take(64).collect() })
    }

    /// The millisecond in which the id was made.
    pub fn created(&self) -> Timestamp {
        let b = self.as_bytes();
        let millis = b[..6].iter().fold(0i64, |acc, byte| (acc << 8) | i64::from(*byte));
        Timestamp::from_millis(millis)
    }

    /// The least id that can be made at `at`: a bound for walks by time.
    pub fn least_at(at: Timestamp) -> Self {
        let millis = u64::try_from(at.as_millis()).unwrap_or(0);
        Self(Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
    }
}

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
        Self::new(crate::rules::chance::fill)
    }
}

impl IdSource {
    /// A source that draws from `entropy`.
    pub fn new(entropy: fn(&mut [u8])) -> Self {
        Self { last: Mutex::new((0, 0)), entropy }
    }

    /// The next id at `now`. A clock that steps back goes on from the last millisecond used.
    pub fn task(&self, now: Timestamp) -> TaskId {
        TaskId(self.next(now))
    }

    /// `count` ids at `now`, rising.
    pub fn tasks(&self, now: Timestamp, count: usize) -> Vec<TaskId> {
        (0..count).map(|_| self.task(now)).collect()
    }

    /// The next batch id at `now`.
    pub fn batch(&self, now: Timestamp) -> BatchId {
        BatchId(self.next(now))
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

    #[test]
    fn what_is_no_id_is_not_found() {
        assert_eq!(TaskId::parse("nope").unwrap_err().code(), "task_not_found");
    }
}
