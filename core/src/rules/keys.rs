//! Idempotency keys: whose they are, and what they keep.
//!
//! A key that begins with `auto:` is the transport's. It deduplicates like any key, but it is not shown
//! (a task's record has `null` in its place), and it does not keep a finished task longer than others:
//! it only has to outlive the repeats of one call. A user's own key that begins so is treated the same.

pub use crate::words::{AUTOMATIC_KEY as AUTOMATIC, is_automatic_key as is_automatic};

/// Whether a task's key keeps it, once finished, until the key is old enough: see
/// [`Prune::keep_keys`](crate::store::Prune::keep_keys).
pub fn keeps_task(key: Option<&str>) -> bool {
    key.is_some_and(|key| !is_automatic(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_begins_with_auto_and_a_colon_is_the_transports() {
        for key in ["auto:", "auto:01981e2c-1d5c-7c11-b0e9-c2b7a9a3a001", "auto:mine"] {
            assert!(is_automatic(key) && !keeps_task(Some(key)), "{key}");
        }
        for key in ["auto", "Auto:1", " auto:1", "automatic", "my-auto:1", ""] {
            assert!(!is_automatic(key) && keeps_task(Some(key)), "{key}");
        }
        assert!(!keeps_task(None));
    }
}
