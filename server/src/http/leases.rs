//! Leases for remote workers: taking, keeping and settling them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::time::Instant;
use utoipa_axum::routes;
use windlass_core::rules::limits;
use windlass_core::words::{RenewAnswer, RenewBody, SettleAnswer, SettleBody, SettledRecord};
use windlass_core::{Error, LeaseRequest, Leased, Result, SettleReply, TaskId};

use super::answer::{self, Answer};
use super::ask::Ask;
use super::compress::AsItIs;
use super::granted::Granted;
use super::query;
use super::router::Routes;
use super::serving::Serving;

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(lease)).routes(routes!(renew)).routes(routes!(settle))
}

/// Take tasks, or wait for some.
#[utoipa::path(
    post, path = "/leases", tag = "leases",
    request_body = LeaseRequest,
    responses((status = 200, body = Leased, description = "What was leased; perhaps nothing.")),
)]
pub(crate) async fn lease(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    ask.query(&[])?;
    let request: LeaseRequest = ask.json(&serving).await?;
    limits::check_lease(&request)?;
    let wait = query::wait("wait_seconds", request.wait.as_secs_f64())?;
    let _held = (!wait.is_zero()).then(|| serving.hold()).transpose()?;
    let tenant = ask.caller.tenant();
    let _asking = serving.metrics.asked_for_work(tenant, &request.worker);
    let (leased, granted) = held(&serving, tenant, request, wait).await?;
    Ok(carry(answer::text(&leased)?, granted, &ask))
}

/// Leases until there is something, `wait` has passed, the worker leaves or the server goes down.
async fn held(
    serving: &Arc<Serving>,
    tenant: &str,
    request: LeaseRequest,
    wait: Duration,
) -> Result<(Leased, Granted)> {
    let end = Instant::now() + wait;
    loop {
        // Heard before the look: what comes in between rings, too.
        let hint = serving.service.work_hint();
        // Before a task is taken; what is granted while the worker says so goes with the answer.
        if serving.leaving.has(tenant, &request.worker) {
            let none = Leased::default();
            let granted = Granted::new(serving.clone(), tenant, &none);
            return Ok((none, granted));
        }
        let left = end.saturating_duration_since(Instant::now());
        let asked = if hint.is_some() { Duration::ZERO } else { left };
        let (leased, granted) =
            take(serving, tenant, LeaseRequest { wait: asked, ..request.clone() }).await?;
        let Some(hint) = hint else { return Ok((leased, granted)) };
        let left = end.saturating_duration_since(Instant::now());
        if !leased.tasks.is_empty() || leased.suspect_waiting || left.is_zero() {
            return Ok((leased, granted));
        }
        tokio::select! {
            _ = tokio::time::timeout(left, hint) => {}
            () = serving.leaving.left(tenant, &request.worker) => return Ok((leased, granted)),
            () = serving.draining() => return Ok((leased, granted)),
        }
    }
}

/// One look. It runs by itself: a client that goes away in the middle ends the wait, but not what the
/// store has begun, and what is granted then goes back.
async fn take(
    serving: &Arc<Serving>,
    tenant: &str,
    request: LeaseRequest,
) -> Result<(Leased, Granted)> {
    let (serving, tenant) = (serving.clone(), tenant.to_owned());
    let look = tokio::spawn(async move {
        let leased = serving.service.lease(&tenant, request).await?;
        let granted = Granted::new(serving, &tenant, &leased);
        Ok((leased, granted))
    });
    look.await.map_err(|_| Error::internal("a lease broke off"))?
}

/// Keep leases, and report starts, progress and logs.
#[utoipa::path(
    post, path = "/leases/renew", tag = "leases",
    request_body = RenewBody,
    responses((status = 200, body = RenewAnswer, description = "One entry for each renewal.")),
)]
pub(crate) async fn renew(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    ask.query(&[])?;
    let RenewBody { renewals } = ask.json(&serving).await?;
    let renewed = serving.service.renew(ask.caller.tenant(), renewals).await?;
    answer::ok(&RenewAnswer { renewed })
}

/// Record outcomes, each for itself, and take the next tasks.
#[utoipa::path(
    post, path = "/leases/settle", tag = "leases",
    request_body = SettleBody,
    responses((status = 200, body = SettleAnswer, description = "One entry for each outcome, and what was leased with them.")),
)]
pub(crate) async fn settle(State(serving): State<Arc<Serving>>, mut ask: Ask) -> Answer {
    ask.query(&[])?;
    let SettleBody { settles, mut then } = ask.json(&serving).await?;
    if let Some(request) = &mut then {
        limits::check_lease(request)?;
        query::wait("then.wait_seconds", request.wait.as_secs_f64())?;
        // Outcomes wait for nothing.
        request.wait = Duration::ZERO;
    }
    // A server that goes down gives no more work away, but takes what was done.
    let then = then.filter(|_| !serving.is_draining());
    let ids: Vec<TaskId> = settles.iter().map(|settle| settle.task_id).collect();
    let tenant = ask.caller.tenant().to_owned();
    let _asking = then.as_ref().map(|to| serving.metrics.asked_for_work(&tenant, &to.worker));
    let at = serving.clone();
    let done = tokio::spawn(async move {
        let reply = serving.service.settle(&tenant, settles, then).await?;
        let granted = Granted::new(serving, &tenant, &reply.leased);
        Ok::<_, Error>((reply, granted))
    });
    let broke = |_| Error::internal("a settle broke off");
    let (SettleReply { settled, leased }, granted) = done.await.map_err(broke)??;
    let now = at.now();
    let settled = ids.iter().zip(&settled).map(|(id, one)| SettledRecord::of(*id, one, now));
    let answer = SettleAnswer { settled: settled.collect(), leased };
    Ok(carry(answer::text(&answer)?, granted, &ask))
}

/// The answer that carries what was granted.
fn carry(text: Vec<u8>, granted: Granted, ask: &Ask) -> Response {
    let body: Body = granted.body(text, ask.caller.peer.clone());
    let mut response = answer::of(StatusCode::OK, body);
    response.extensions_mut().insert(AsItIs);
    response
}
