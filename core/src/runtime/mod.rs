//! The engine at work: what drives decisions against a store.

mod batches;
pub mod bell;
mod blocks;
mod coalesce;
pub mod composing;
pub mod engine;
pub mod host;
mod matching;
mod pipelines;
mod queues;
mod reading;
mod seldom;
pub mod service;
mod settling;
mod states;
mod submitting;
mod sweep;

/// Makes known what few pages ask of the engine and of its store in memory; see [`apart`](crate::apart).
#[cfg(all(feature = "apart", target_family = "wasm"))]
pub fn install() {
    seldom::install();
    crate::store::memory::install();
}
