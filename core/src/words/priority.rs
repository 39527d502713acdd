//! How urgent a task is: 1 to 5, lower first.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::Error;

/// Priority 1 to 5, lower first. A number on the wire; name or number is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Priority {
    /// 1
    Critical = 1,
    /// 2
    High = 2,
    /// 3, the default.
    #[default]
    Normal = 3,
    /// 4
    Low = 4,
    /// 5
    Background = 5,
}

impl Priority {
    /// Every priority, most urgent first.
    pub const ALL: [Self; 5] =
        [Self::Critical, Self::High, Self::Normal, Self::Low, Self::Background];

    /// The number, 1 to 5.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
            Self::Background => "background",
        }
    }

    /// The priority with this number.
    ///
    /// # Errors
    ///
    /// `invalid_argument` outside 1 to 5.
    pub fn from_number(number: i64) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|p| i64::from(p.number()) == number)
            .ok_or_else(|| refused(number))
    }
}

fn refused(given: impl fmt::Debug) -> Error {
    Error::invalid(
        "priority",
        format!("must be 1 to 5 or one of critical, high, normal, low, background, not {given:?}"),
    )
}

impl FromStr for Priority {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(priority) = Self::ALL.into_iter().find(|p| p.name() == text) {
            return Ok(priority);
        }
        text.parse::<i64>().map_err(|_| refused(text)).and_then(Self::from_number)
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Priority {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for Priority {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Priority;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a priority: 1 to 5 or its name")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Priority, E> {
                Priority::from_number(number).map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Priority, E> {
                Priority::from_number(i64::try_from(number).unwrap_or(i64::MAX)).map_err(E::custom)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Priority, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Priority {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::words::schema::AnyPriority::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Priority {}
