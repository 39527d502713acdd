//! Durable tasks from Rust: submit, follow and run them, on an embedded SQLite file or in memory.
//!
//! [`connect`] makes a [`Client`] from a URL; [`Handlers`] runs typed functions as a worker. Delivery is
//! at least once: a handler may run again after a crash, so make its effects repeatable or guard them
//! with an idempotency key.

mod connect;
mod context;
mod failure;
mod handlers;
mod running;

pub use connect::{ConnectOptions, Durability, connect, connect_on, connect_with, sqlite_file};
pub use context::Context;
pub use failure::Failure;
pub use handlers::Handlers;
pub use running::Running;
pub use windlass_core::*;
#[cfg(feature = "sqlite")]
pub use windlass_sqlite as sqlite;
