//! Durable tasks from Rust: submit, follow and run them, on an embedded SQLite file, in memory, or behind
//! a server.
//!
//! [`connect`] makes a [`Client`] from a URL; [`Handlers`] runs typed functions as a worker. [`parallel`] runs futures side by
//! side without any store. Delivery is
//! at least once: a handler may run again after a crash, so make its effects repeatable or guard them
//! with an idempotency key.

mod circuit_breaker;
mod connect;
mod context;
mod failure;
mod handlers;
mod machine;
pub mod parallel;
mod running;

pub use circuit_breaker::CircuitBreaker;
pub use connect::{
    ConnectOptions, Durability, Instrument, connect, connect_on, connect_with, is_server,
    sqlite_file,
};
pub use context::Context;
pub use failure::Failure;
pub use handlers::Handlers;
pub use machine::{Busy, Machine};
pub use running::Running;
#[cfg(feature = "rest")]
pub use windlass_client as rest;
pub use windlass_core::*;
#[cfg(feature = "sqlite")]
pub use windlass_sqlite as sqlite;
