//! Decisions: pure functions from a task, a command, the time and a draw to what is to be written.
//!
//! One file per command. A store applies what was decided; it decides nothing itself.

pub mod block_result;
pub mod cancel;
pub mod composite;
pub mod explain;
pub mod follow;
pub mod history;
pub mod lease;
pub mod promote;
mod report;
pub mod rerun;
pub mod rescue;
pub mod retry;
pub mod settle;
pub mod submit;
pub mod transition;
