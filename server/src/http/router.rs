//! Which handler a path has.

use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use super::ask::Ask;
use super::problem::Fault;
use super::serving::Serving;
use super::{batches, events, health, later, leases, metrics, openapi, queues, tasks, workers};

/// Routes of one noun, with their description.
pub(crate) type Routes = OpenApiRouter<Arc<Serving>>;

/// Every path.
pub(crate) fn router(serving: Arc<Serving>) -> Router {
    let (router, description) = described();
    let guarded = serving.key.is_some();
    router.merge(openapi::routes(&description, guarded)).with_state(serving)
}

/// Every path, and the description of those that have one.
pub(crate) fn described() -> (Router<Arc<Serving>>, utoipa::openapi::OpenApi) {
    let v1 = Routes::new()
        .merge(tasks::routes())
        .merge(batches::routes())
        .merge(events::routes())
        .merge(leases::routes())
        .merge(workers::routes())
        .merge(queues::routes())
        .merge(health::routes())
        .merge(later::routes());
    let (router, description) =
        Routes::with_openapi(openapi::Described::openapi()).nest("/api/v1", v1).split_for_parts();
    let router = router
        .merge(health::at_root())
        .merge(metrics::routes())
        .route("/api/v0", any(old))
        .route("/api/v0/{*rest}", any(old))
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed);
    (router, description)
}

async fn unknown(_: Ask) -> Fault {
    Fault::api(404, "there is nothing at this path")
}

async fn not_allowed(_: Ask) -> Fault {
    Fault::api(405, "this path has other methods; see the header Allow")
}

async fn old(_: Ask) -> Fault {
    Fault::api(404, "this version of the interface is not served; use /api/v1")
}
