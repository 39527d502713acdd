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
pub mod service;
mod settling;
mod states;
mod submitting;
mod sweep;
