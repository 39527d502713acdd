//! Pure functions over the words. Time and chance are arguments.

pub mod breaker;
pub mod call;
pub mod chance;
pub mod circuit;
pub mod concurrency;
pub mod deaf;
pub mod dynamic;
pub mod fingerprint;
pub mod graph;
pub mod handler;
pub mod ids;
pub mod keys;
pub mod limits;
pub mod mermaid;
pub mod order;
pub mod retry;
pub mod strategy;
pub mod urls;
