//! The nouns: plain data, without I/O, clocks or chance.

mod batch;
mod block;
pub mod calendar;
mod composite;
mod composite_wire;
mod event;
mod exchange;
mod flow;
mod health;
mod id;
pub mod json;
mod key;
mod lease;
pub mod members;
pub mod number;
mod outcome;
mod payload;
mod pipeline;
mod priority;
mod problem;
mod query;
mod queue;
#[cfg(feature = "openapi")]
pub mod schema;
mod spec;
mod spec_wire;
mod status;
mod task;
mod time;
mod update;
mod worker;

pub use batch::{Batch, BatchSpec, BatchSubmission, Hooks};
pub use block::{BlockResult, BlockSpec, StepResult};
pub use composite::{Members, Need, Parent, TaskKind};
pub use event::{TaskEvent, TaskEventKind};
pub use exchange::{
    BoundBody, FoundTasks, RenewAnswer, RenewBody, SettleAnswer, SettleBody, SettledRecord,
    SubmitBody, Submitted, SubmittedTask, TaskIds, Tasks, Updates, WaitBody, Workers,
};
pub use flow::{Flow, Flows};
pub use health::{ClusterHealth, NodeHealth, QueueHealth, WorkerHealth};
pub use id::{BatchId, LeaseToken, TaskId};
pub use key::{AUTOMATIC_KEY, is_automatic_key};
pub use lease::{Lease, LeaseRequest, Leased, LeasedTask, Renewal, Renewed};
pub use outcome::{Outcome, Settle, Settled};
pub use payload::{Labels, Payload};
pub use pipeline::{Pipeline, PipelineSpec, PipelineSubmission, Stage, StageSpec};
pub use priority::Priority;
pub use problem::{ErrorBody, Problem, known_code};
pub use query::{Changed, Count, Cursor, Filter, Page, Stretch, Tally, Waiting, Why};
pub use queue::{Counts, QueueInfo};
pub use spec::{RetryOptions, Submission, SubmitOptions, TaskSpec};
pub use status::TaskStatus;
pub use task::{Task, TaskError};
pub use time::{Seconds, Timestamp, When, duration_from_seconds, opt_seconds, seconds};
pub use update::{LogLevel, NewUpdate, Update, UpdateKind};
pub use worker::{WorkerInfo, takes};
