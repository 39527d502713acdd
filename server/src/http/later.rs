//! Paths that are named already and answer later: 501 says what comes.

use axum::routing::{any, get, post};
use windlass_core::Error;

use super::ask::Ask;
use super::problem::Fault;
use super::router::Routes;

const SENDING: &str = "sending events over HTTP (it comes with events)";
const SOCKETS: &str = "a WebSocket (it comes with events)";
const RECORDS: &str = "a record over HTTP (records come with flows)";
const LIMITS: &str = "a limit per key (limits come with tenants and keys)";

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/events", post(|_: Ask| later(SENDING)))
        .route("/ws", get(|_: Ask| later(SOCKETS)))
        .route("/records", any(|_: Ask| later(RECORDS)))
        .route("/records/{*rest}", any(|_: Ask| later(RECORDS)))
        .route("/rate-limit", get(|_: Ask| later(LIMITS)))
        .route("/quota", get(|_: Ask| later(LIMITS)))
}

async fn later(feature: &str) -> Fault {
    Fault(Error::NotImplemented { feature: feature.to_owned() })
}
