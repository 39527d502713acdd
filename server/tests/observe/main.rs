//! What operators see of a real server on a real socket: metrics, readiness, deaf workers, log lines.

mod cardinality;
mod counting;
mod deaf;
mod document;
mod health;
mod history;
mod logs;
mod stage;
mod text;
