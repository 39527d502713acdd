//! What happens to tasks, as a stream.

use std::sync::Arc;

use axum::extract::State;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use utoipa_axum::routes;
use windlass_core::client::{FollowOptions, Follower};
use windlass_core::rules::limits;
use windlass_core::{Client, Error};

use super::answer::Answer;
use super::ask::Ask;
use super::router::Routes;
use super::serving::Serving;
use super::sse::{self, HEARTBEAT, StreamEvent};

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(follow))
}

/// What happens to the tenant's tasks from now on: every change of a status, without an end. A reader
/// that comes back has missed what happened meanwhile.
#[utoipa::path(
    get, path = "/events", tag = "tasks",
    params(
        ("queue" = Option<windlass_core::words::schema::Name>, Query,
            description = "Of tasks in this queue."),
        ("task_type" = Option<windlass_core::words::schema::Name>, Query,
            description = "Of tasks of this type."),
    ),
    responses((
        status = 200, body = StreamEvent, content_type = "text/event-stream",
        description = "Events named task.submitted, task.started and so on, each with a `TaskEvent` \
            as its data.",
    )),
)]
pub(crate) async fn follow(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    let query = ask.query(&["queue", "task_type"])?;
    let named = |name| match query.text(name) {
        None => Ok(None),
        Some(text) => limits::name(name, text).map(|()| Some(text.to_owned())),
    };
    let options =
        FollowOptions { queue: named("queue")?, task_type: named("task_type")?, since: None };
    let held = serving.hold()?;
    let client = Client::new(serving.service.clone(), serving.host.clone(), ask.caller.tenant());
    let reader = Reader { serving, follower: client.follow(options), begun: false, _held: held };
    Ok(sse::stream(&ask.caller.peer, futures_util::stream::unfold(reader, Reader::next)))
}

/// A reader of events.
struct Reader {
    serving: Arc<Serving>,
    follower: Follower,
    begun: bool,
    /// Its place among the streams.
    _held: OwnedSemaphorePermit,
}

impl Reader {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if !self.begun {
            self.begun = true;
            return Some((sse::heartbeat(), self));
        }
        let event = tokio::select! {
            event = self.follower.next_within(HEARTBEAT) => event?,
            () = self.serving.draining() => return None,
        };
        let text = match event {
            Some(Ok(event)) => {
                let mut text = Vec::with_capacity(256);
                sse::event(&mut text, None, event.event.as_str(), &event);
                text.into()
            }
            Some(Err(Error::ClientClosed)) => return None,
            // It goes on from the same place.
            Some(Err(_)) | None => sse::heartbeat(),
        };
        Some((text, self))
    }
}
