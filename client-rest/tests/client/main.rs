//! The client by HTTP, beside a real server and beside servers that are none.

mod breaking;
mod closing;
mod proxy;
mod refusing;
mod repeating;
mod stage;
mod strange;
mod streaming;
mod verbs;
mod working;
