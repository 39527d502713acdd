//! Which handler a path has.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use super::ask::Ask;
use super::problem::Fault;
use super::serving::Serving;
use super::{
    batches, blocks, console, events, health, history, later, leases, metrics, openapi, pipelines,
    queues, states, tasks, workers,
};

/// Routes of one noun, with their description.
pub(crate) type Routes = OpenApiRouter<Arc<Serving>>;

/// Every path.
pub(crate) fn router(serving: Arc<Serving>) -> Router {
    let (router, description) = described();
    let guarded = serving.key.is_some();
    let router = console::add(router, serving.options.console);
    let router = router.merge(openapi::routes(&description, guarded));
    router.method_not_allowed_fallback(not_allowed).with_state(serving)
}

/// Every path, and the description of those that have one.
pub(crate) fn described() -> (Router<Arc<Serving>>, utoipa::openapi::OpenApi) {
    let v1 = Routes::new()
        .merge(tasks::routes())
        .merge(batches::routes())
        .merge(pipelines::routes())
        .merge(blocks::routes())
        .merge(states::routes())
        .merge(events::routes())
        .merge(leases::routes())
        .merge(workers::routes())
        .merge(queues::routes())
        .merge(health::routes())
        .merge(history::routes())
        .merge(later::routes());
    let (router, description) =
        Routes::with_openapi(openapi::Described::openapi()).nest("/api/v1", v1).split_for_parts();
    let router = router
        .merge(health::at_root())
        .merge(metrics::routes())
        .route("/api/v0", any(old))
        .route("/api/v0/{*rest}", any(old))
        .fallback(unknown);
    (router, description)
}

async fn unknown(State(serving): State<Arc<Serving>>, ask: Ask) -> Response {
    let page = console::elsewhere(serving.options.console, &ask);
    page.unwrap_or_else(|| Fault::api(404, "there is nothing at this path").into_response())
}

async fn not_allowed(_: Ask) -> Fault {
    Fault::api(405, "this path has other methods; see the header Allow")
}

async fn old(_: Ask) -> Fault {
    Fault::api(404, "this version of the interface is not served; use /api/v1")
}
