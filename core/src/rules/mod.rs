//! Pure functions over the words. Time and chance are arguments.

pub mod chance;
pub mod deaf;
pub mod fingerprint;
pub mod handler;
pub mod ids;
pub mod limits;
pub mod retry;
