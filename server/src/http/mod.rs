//! The server: every verb of a [`Service`](windlass_core::Service) over HTTP/1.1.
//!
//! [`Server::start`] binds and serves. `front` is what every request passes, `router` says which
//! handler a path has, and each further file holds the handlers of one noun. `docs/rest.md` tells it
//! to a person, `/api/v1/openapi.json` to a program.

mod answer;
mod ask;
mod auth;
mod batches;
mod blocks;
mod body;
mod caller;
mod composites;
mod compress;
mod console;
mod cors;
mod events;
mod front;
mod granted;
mod health;
mod history;
mod json;
mod later;
mod leases;
mod leaving;
mod list;
mod listen;
mod log;
mod metrics;
mod nofile;
mod openapi;
mod options;
mod peer;
mod pipelines;
mod problem;
mod query;
mod queues;
mod refusal;
mod router;
mod server;
mod serving;
mod sse;
mod states;
mod tasks;
mod tls;
mod unread;
mod wire;
mod workers;

pub use options::{ServeOptions, TlsFiles};
pub use server::Server;
