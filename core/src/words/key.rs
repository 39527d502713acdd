//! Idempotency keys that a transport makes for itself.

use serde::{Serialize, Serializer};

/// How a key begins that no user chose: a client that speaks over a network gives one to each task that
/// has none, so that a submit whose answer was lost can be repeated.
pub const AUTOMATIC_KEY: &str = "auto:";

/// Whether a key is the transport's, by how it begins. One that a user gives and that begins so is
/// taken for the transport's too.
pub fn is_automatic_key(key: &str) -> bool {
    key.starts_with(AUTOMATIC_KEY)
}

/// Writes a key for others to see: the transport's own are left out.
pub(super) fn shown<S: Serializer>(key: &Option<String>, to: S) -> Result<S::Ok, S::Error> {
    key.as_deref().filter(|key| !is_automatic_key(key)).serialize(to)
}
