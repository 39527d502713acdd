//! Whether the server lives, is ready, and how everything stands.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Serialize;
use utoipa_axum::routes;
use windlass_core::rules::chance;
use windlass_core::{Error, LeaseRequest, Result, Service, Timestamp};

use super::answer::{self, Answer};
use super::ask::Ask;
use super::router::Routes;
use super::serving::{Serving, unavailable};

/// How long a store may take to lease before the server is not ready.
const PATIENCE: Duration = Duration::from_secs(1);

/// The routes under `/api/v1`.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(health))
        .routes(routes!(live))
        .routes(routes!(ready))
        .routes(routes!(cluster))
}

/// The same at the root, where probes look.
pub(crate) fn at_root() -> Router<Arc<Serving>> {
    Router::new()
        .route("/health", get(health))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
}

/// What answers here.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
    /// True: the server answers.
    healthy: bool,
    /// The server's version.
    version: &'static str,
    /// The version of the interface.
    api: &'static str,
    /// The time by the store's clock.
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// What and where the store is; its kind alone when the server has a key, which this call does not
    /// ask for.
    location: String,
}

/// That something lives, or is ready.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Alive {
    /// `ok`.
    status: &'static str,
}

/// What answers here, and its time.
#[utoipa::path(get, path = "/health", tag = "health", responses((status = 200, body = Health)))]
pub(crate) async fn health(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    ask.query(&[])?;
    let mut location = serving.service.location();
    if serving.key.is_some() {
        location.truncate(location.find(':').unwrap_or(location.len()));
    }
    answer::ok(&Health {
        status: "ok",
        healthy: true,
        version: env!("CARGO_PKG_VERSION"),
        api: "v1",
        time: serving.now(),
        location,
    })
}

/// The process answers. Nothing else is looked at.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, body = Alive)))]
pub(crate) async fn live(_: State<Arc<Serving>>, ask: Ask) -> Answer {
    ask.query(&[])?;
    answer::ok(&Alive { status: "ok" })
}

/// Workers can be given tasks: the store was asked for one, and answered. 503 when it did not within a
/// second, or when the server goes down.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses((status = 200, body = Alive)))]
pub(crate) async fn ready(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    ask.query(&[])?;
    if serving.is_draining() {
        return Err(unavailable("the server is going down").into());
    }
    can_lease(&*serving.service).await?;
    answer::ok(&Alive { status: "ok" })
}

/// Leases a task that cannot be there.
async fn can_lease(service: &dyn Service) -> Result<()> {
    // Drawn anew by each process: nobody can know it, and submit a task for it.
    static NOBODY: LazyLock<String> = LazyLock::new(|| {
        let mut bytes = [0; 16];
        chance::fill(&mut bytes);
        format!("ready-{:032x}", u128::from_le_bytes(bytes))
    });
    let request = LeaseRequest {
        worker: NOBODY.clone(),
        queues: vec!["default".to_owned()],
        handlers: vec![NOBODY.clone()],
        limit: 1,
        ttl: Duration::from_secs(1),
        wait: Duration::ZERO,
        suspects: false,
    };
    let lease = service.lease(windlass_core::client::DEFAULT_TENANT, request);
    match tokio::time::timeout(PATIENCE, lease).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if error.http_status() == 503 => Err(error),
        Ok(Err(error)) => Err(not_ready(&error.to_string())),
        Err(_) => Err(not_ready("it did not answer within a second")),
    }
}

fn not_ready(reason: &str) -> Error {
    unavailable(&format!("the store gives no leases: {reason}"))
}

/// Store, queues and workers at a glance.
#[utoipa::path(
    get, path = "/cluster/health", tag = "health",
    responses((status = 200, body = windlass_core::ClusterHealth)),
)]
pub(crate) async fn cluster(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    ask.query(&[])?;
    let (metrics, service) = (&serving.metrics, &*serving.service);
    answer::ok(&metrics.cluster_health(service, ask.caller.tenant()).await?)
}
