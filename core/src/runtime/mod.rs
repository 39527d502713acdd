//! The engine at work: what drives decisions against a store.

pub mod bell;
mod coalesce;
pub mod engine;
pub mod host;
mod matching;
mod queues;
mod reading;
pub mod service;
mod settling;
mod submitting;
mod sweep;
