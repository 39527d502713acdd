//! The Windlass engine, without SQL and without HTTP.
//!
//! Read the folders in this order; a file uses only its own row and the rows above it:
//!
//! | folder | what lives there |
//! | --- | --- |
//! | [`words`] | plain data: task, status, lease, outcome, update |
//! | [`rules`] | pure functions over words: retry, fingerprint, limits |
//! | [`engine`] | pure decisions, one file per command |
//! | [`store`] | `trait Store`, clocks, the store in memory |
//! | [`runtime`] | `trait Service`, the engine in process: coalescing, sweep, streams |
//! | [`worker`] | the worker machine and its driver |
//! | [`client`] | what callers hold |
//!
//! [`apart`] is how code that few ask for can be fetched apart; tables of verbs are in files named `seldom`.

// Without threads nothing is `Send`; one `Arc` serves everywhere all the same.
#![cfg_attr(target_family = "wasm", allow(clippy::arc_with_non_send_sync))]

pub mod apart;
pub mod client;
pub mod engine;
pub mod error;
pub mod future;
pub mod rules;
pub mod runtime;
pub mod store;
pub mod words;
pub mod worker;

pub use client::{
    BatchBuilder, Client, FollowOptions, Follower, Monitor, StageChange, UpdateStream, result_of,
};
pub use error::{Error, Result};
pub use rules::breaker::{Breaker, BreakerConfig, BreakerState};
pub use rules::call::RetryConfig;
pub use rules::circuit::{Circuit, Pass};
pub use rules::retry::Policy as RetryPolicy;
pub use runtime::engine::{Engine, EngineOptions};
pub use runtime::service::{Service, SettleReply, Swept};
pub use store::Store;
pub use store::clock::{Clock, ManualClock, SystemClock};
pub use store::memory::MemoryStore;
pub use words::{
    Batch, BatchId, BatchSpec, BatchSubmission, BlockResult, BlockSpec, Changed, ClusterHealth,
    Count, Counts, Cursor, ErrorBody, Filter, Hooks, Labels, Lease, LeaseRequest, LeaseToken,
    Leased, LeasedTask, LogLevel, Members, Need, NewUpdate, Outcome, Page, Parent, Payload,
    Pipeline, PipelineSpec, PipelineSubmission, Priority, Problem, QueueInfo, Renewal, Renewed,
    RetryOptions, Settle, Settled, Stage, StageSpec, StepResult, Stretch, Submission,
    SubmitOptions, Tally, Task, TaskError, TaskEvent, TaskEventKind, TaskId, TaskKind, TaskSpec,
    TaskStatus, Timestamp, Update, UpdateKind, Waiting, Why, WorkerInfo,
};
pub use worker::{
    CancelFlag, CancelReason, DeclaredHandler, Job, JobId, Lane, Signal, Worker, WorkerConfig,
};
