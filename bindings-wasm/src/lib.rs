//! The WebAssembly modules of the npm package `windlass-web`, private to it.
//!
//! Promises and classes for the verbs of `windlass-json`; what is allowed and what happens is decided in
//! core. The classes are those of the Node addon, so that both packages share their TypeScript.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `host` | timers and tasks of JavaScript |
//! | `block` | blocks of steps: which may start, and when the block is decided |
//! | `dynamic` | tasks with dependencies on a pool: which start, on how many workers |
//! | `mermaid` | graphs of stages, drawn |
//! | `concurrency` | advice on concurrency |
//! | `connect` | from a URL to a client |
//! | `client` | the verbs of a client |
//! | `thin` | those of a server's client, whose records are handed on as they came |
//! | `seldom` | what few pages ask for, apart from the rest |
//! | `stream` | histories, stages and events, followed |
//! | `worker` | jobs on their way to handlers, outcomes on their way back |
//! | `cancel` | calls that are given up |
//! | `clock` | a clock that tests move |
//! | `failure` | errors and panics as JavaScript reads them |
//! | `promise` | answers on their way to JavaScript |
//!
//! It is built five times, each time with one feature; see `build/wasm.mjs`. Natively it is empty.

#![cfg_attr(target_family = "wasm", allow(unreachable_pub))]
// What holds values of JavaScript stays on its thread; the traits of core ask for an `Arc` all the same.
#![cfg_attr(target_family = "wasm", allow(clippy::arc_with_non_send_sync))]

#[cfg(all(target_family = "wasm", feature = "rules"))]
mod block;
#[cfg(all(target_family = "wasm", any(feature = "whole", feature = "rest")))]
mod cancel;
#[cfg(all(target_family = "wasm", feature = "whole"))]
mod client;
#[cfg(all(target_family = "wasm", feature = "engine"))]
mod clock;
#[cfg(all(target_family = "wasm", feature = "rules"))]
mod concurrency;
#[cfg(all(target_family = "wasm", any(feature = "whole", feature = "rest")))]
mod connect;
#[cfg(all(target_family = "wasm", feature = "dynamic"))]
mod dynamic;
#[cfg(target_family = "wasm")]
mod failure;
#[cfg(all(target_family = "wasm", any(feature = "whole", feature = "rest")))]
mod host;
#[cfg(all(target_family = "wasm", feature = "rules"))]
mod mermaid;
#[cfg(all(target_family = "wasm", any(feature = "whole", feature = "rest")))]
mod promise;
#[cfg(all(target_family = "wasm", feature = "whole"))]
mod seldom;
#[cfg(all(target_family = "wasm", any(feature = "whole", feature = "rest")))]
mod stream;
#[cfg(all(target_family = "wasm", feature = "rest", not(feature = "whole")))]
mod thin;
#[cfg(all(target_family = "wasm", feature = "whole"))]
mod worker;
