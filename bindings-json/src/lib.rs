//! Every verb of a client, a worker and a stream as JSON text in and out.
//!
//! What a binding adds is how its language calls: promises, classes, exceptions. Records cross as text
//! in the words of the wire, many in one string where there are many; durations are seconds.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `arguments` | numbers as a language gives them |
//! | `block` | blocks of steps, in the numbers of JavaScript |
//! | `dynamic` | tasks with dependencies on a pool, in the numbers of JavaScript |
//! | `mermaid` | graphs of stages, drawn |
//! | `fields` | objects of options, each field read by name |
//! | `options` | what a connection is told |
//! | `calls` | how a client calls a server |
//! | `client` | the verbs of a client |
//! | `compose` | its verbs of batches, pipelines, blocks and states |
//! | `submit` | many tasks in one text, and their submissions in one |
//! | `query` | which tasks a listing asks for |
//! | `hands` | leases taken by hand: lease, renew, settle, sweep |
//! | `seldom` | verbs that few ask for, in one call |
//! | `stream` | histories, stages and events, followed |
//! | `worker` | a running worker |
//! | `config` | what a worker is told |
//! | `jobs` | jobs on their way to handlers |
//! | `outcomes` | outcomes on their way back |
//! | `cancel` | calls that are given up |
//! | `text` | records and errors as text |

// In the browser streams hold values of JavaScript and stay on their thread.
#![cfg_attr(target_family = "wasm", allow(clippy::arc_with_non_send_sync))]

pub mod arguments;
pub mod block;
mod calls;
mod cancel;
mod client;
pub mod compose;
mod config;
pub mod dynamic;
mod fields;
mod hands;
mod jobs;
pub mod mermaid;
mod options;
mod outcomes;
mod query;
mod seldom;
mod stream;
pub mod submit;
mod text;
mod worker;

pub use cancel::Cancel;
pub use client::Client;
pub use fields::Fields;
pub use options::Options;
pub use stream::Stream;
pub use text::failure;
pub use worker::Worker;
