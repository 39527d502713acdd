//! The real binary, on real files.

mod args;
mod batches;
mod config;
#[cfg(unix)]
mod console;
mod doctor;
mod events;
mod finding;
mod following;
mod pipelines;
mod remote;
#[cfg(unix)]
mod serving;
mod stage;
mod submitting;
#[cfg(target_os = "linux")]
mod terminal;
mod verbs;
