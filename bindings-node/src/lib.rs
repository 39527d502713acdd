//! The native module of the npm package `windlass`, private to it.
//!
//! Promises, classes and exceptions for the verbs of `windlass-json`; what is allowed and what happens is
//! decided in core. Records cross the border as JSON text, many in one string where there are many.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `promise` | the tokio runtime, and answers on their way to JavaScript |
//! | `failure` | a core error as JavaScript reads it |
//! | `options` | what a connection is told |
//! | `client` | the verbs of a client |
//! | `stream` | histories, stages and events, followed |
//! | `worker` | jobs on their way to handlers, outcomes on their way back |
//! | `block` | blocks of steps: which may start, and when the block is decided |
//! | `dynamic` | tasks with dependencies on a pool: which start, on how many workers |
//! | `clock` | a clock that tests move |
//! | `mermaid` | graphs of stages, drawn |
//! | `concurrency` | advice on concurrency, and the machine that it is for |
//! | `server` | a server in this process, for tests |
//! | `cli` | the command line |

// Methods that JavaScript calls are `pub` for the macro, in modules that are not.
#![allow(unreachable_pub)]
// In a test build the macro registers nothing, so that nothing seems to be called.
#![cfg_attr(test, allow(dead_code))]

mod block;
mod cli;
mod client;
mod clock;
mod concurrency;
mod dynamic;
mod failure;
mod mermaid;
mod options;
mod promise;
mod server;
mod stream;
mod worker;
