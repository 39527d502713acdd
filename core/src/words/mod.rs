//! The nouns: plain data, without I/O, clocks or chance.

mod id;
pub mod json;
mod lease;
mod outcome;
mod payload;
mod priority;
mod query;
mod spec;
mod spec_wire;
mod status;
mod task;
mod time;
mod update;
mod worker;

pub use id::{BatchId, LeaseToken, TaskId};
pub use lease::{Lease, LeaseRequest, Leased, LeasedTask, Renewal, Renewed};
pub use outcome::{Outcome, Settle, Settled};
pub use payload::{Labels, Payload};
pub use priority::Priority;
pub use query::{Count, Cursor, Filter, Page, Waiting, Why};
pub use spec::{RetryOptions, Submission, SubmitOptions, TaskSpec};
pub use status::TaskStatus;
pub use task::{Task, TaskError};
pub use time::{Timestamp, When, duration_from_seconds, opt_seconds, seconds};
pub use update::{LogLevel, NewUpdate, Update, UpdateKind};
pub use worker::WorkerInfo;
