//! Durable tasks from Rust: submit, follow and run them, on an embedded SQLite file, in memory, or behind
//! a server.
//!
//! [`connect`] makes a [`Client`] from a URL; [`Handlers`] runs typed functions as a worker. [`parallel`]
//! runs futures side by side without any store, [`dynamic`] those that depend on each other. Delivery is at
//! least once: a handler may run again after a crash, so make its effects repeatable or guard them with an
//! idempotency key.
//!
//! Tasks are put together as a pipeline ([`PipelineSpec`], [`Client::submit_pipeline`],
//! [`Client::monitor`]), a batch ([`Client::submit_batch`], [`Client::new_batch`]) or a durable block of
//! steps ([`BlockSpec`], [`Client::submit_block`]):
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use serde_json::json;
//! use windlass::{Context, Handlers, PipelineSpec, TaskSpec, WorkerConfig};
//!
//! let client = windlass::connect("memory:").await?;
//! let handlers = Handlers::new()
//!     .on("extract", async |_: Context, (): ()| Ok(vec![1, 2, 3]))
//!     .on("load", async |ctx: Context, (): ()| {
//!         let rows: Vec<u32> = ctx.upstream("extract").await?;
//!         Ok(rows.len())
//!     });
//! let running = handlers.start(&client, WorkerConfig::default())?;
//! let nightly = PipelineSpec::new("nightly")
//!     .stage("extract", &[], TaskSpec::new("extract", json!(null)))
//!     .stage("load", &["extract"], TaskSpec::new("load", json!(null)));
//! let pipeline = client.submit_pipeline(nightly).await?;
//! let mut monitor = client.monitor(&pipeline.pipeline_id.to_string())?;
//! while let Some(change) = monitor.next().await {
//!     let change = change?;
//!     println!("{} {}", change.stage.as_deref().unwrap_or("pipeline"), change.status);
//! }
//! let rows = client.result(&pipeline.task_ids[1].to_string(), None).await?;
//! assert_eq!(rows.as_str(), "3");
//! running.drain().await;
//! # Ok::<(), windlass::Error>(()) }).unwrap();
//! ```

mod circuit_breaker;
mod connect;
mod context;
pub mod dynamic;
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
