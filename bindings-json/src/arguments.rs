//! Numbers as a language gives them.

use std::time::Duration;

use windlass_core::words::{duration_from_seconds, number};
use windlass_core::{Error, Result};

/// A duration that may be left out. Errors as `place`.
pub fn seconds(name: &str, number: Option<f64>) -> Result<Option<Duration>> {
    number.map(|number| duration_from_seconds(name, number)).transpose()
}

/// A place in a task's history.
///
/// # Errors
///
/// `invalid_argument`.
pub fn place(after: i64) -> Result<u64> {
    let refused = |_| Error::invalid("after", format!("must be 0 or more, not {after}"));
    u64::try_from(after).map_err(refused)
}

/// A whole number; `Infinity` is the largest there is.
///
/// # Errors
///
/// `invalid_argument` with `field` when the number has a fraction or is none.
pub fn whole(field: &str, number: f64) -> Result<i64> {
    if number.is_nan() || (number.is_finite() && number.fract() != 0.0) {
        return Err(Error::invalid(
            field,
            format!("must be a whole number, not {}", number::text(number)),
        ));
    }
    // The cast saturates.
    Ok(number as i64)
}
