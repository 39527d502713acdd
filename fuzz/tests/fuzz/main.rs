//! One target for each reader of text from outside; a test is a target.

mod events;
mod fingerprints;
mod ids;
mod limits;
mod lists;
mod payloads;
mod problems;
mod records;
mod requests;
mod specs;
mod times;
mod urls;

/// Fails with a text when the condition does not hold.
macro_rules! hold {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(format!($($text)+));
        }
    };
}
pub(crate) use hold;
