//! Identifiers: time-ordered for tasks and batches, random for leases. `rules::ids` makes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::{Builder, Uuid};

use crate::error::Error;
use crate::words::Timestamp;

macro_rules! uuid_word {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
        pub struct $name(Uuid);

        impl $name {
            /// From its 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// From a UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
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

/// The task that stands for the batch.
impl From<BatchId> for TaskId {
    fn from(id: BatchId) -> Self {
        Self(id.0)
    }
}

/// The batch that the task stands for.
impl From<TaskId> for BatchId {
    fn from(id: TaskId) -> Self {
        Self(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_is_not_found() {
        assert_eq!(TaskId::parse("nope").unwrap_err().code(), "task_not_found");
    }
}
