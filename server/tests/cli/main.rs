//! The real binary, on real files.

mod args;
mod doctor;
mod finding;
mod following;
mod stage;
mod submitting;
mod verbs;
