//! Tasks: submitting, reading, following and changing them.

mod change;
mod filter;
mod find;
mod follow;
mod list;
mod matching;
mod status;
mod submit;

use axum::extract::FromRequestParts;
use axum::extract::Path;
use axum::http::request::Parts;
use axum::routing::get;
use utoipa_axum::routes;
use windlass_core::{Error, TaskId};

use super::ask::refused_at;
use super::problem::Fault;
use super::router::Routes;

pub(crate) use filter::read as filter;
pub(crate) use follow::stream;
pub(crate) use submit::{at_once, header_key, records, within};

/// Paths of their own, for another method than `GET`. No id is such a word, and whoever asks for a task of that
/// name is told so, as with any other word that is none.
const WORDS: [&str; 5] = ["bulk", "cancel", "find", "retry", "wait"];

/// The routes.
pub(crate) fn routes() -> Routes {
    let routes = described();
    WORDS
        .iter()
        .fold(routes, |routes, word| routes.route(&format!("/tasks/{word}"), get(find::no_task)))
}

fn described() -> Routes {
    Routes::new()
        .routes(routes!(submit::submit, list::list))
        .routes(routes!(submit::submit_many))
        .routes(routes!(find::find))
        .routes(routes!(find::wait))
        .routes(routes!(list::recent))
        .routes(routes!(find::get))
        .routes(routes!(status::status))
        .routes(routes!(find::why))
        .routes(routes!(follow::logs))
        .routes(routes!(follow::updates))
        .routes(routes!(follow::events))
        .routes(routes!(change::cancel))
        .routes(routes!(change::retry))
        .routes(routes!(matching::count))
        .routes(routes!(matching::cancel))
        .routes(routes!(matching::retry))
}

/// The id of a task in a path. What is no id is `task_not_found`.
pub(crate) struct OfTask(pub(crate) TaskId);

impl<S: Send + Sync> FromRequestParts<S> for OfTask {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let text = match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => text,
            // Bytes that are no text are no id, either.
            Err(_) => String::new(),
        };
        Ok(Self(TaskId::parse(&text).inspect_err(|_| refused_at(parts))?))
    }
}

pub(crate) fn not_found(id: TaskId) -> Error {
    Error::TaskNotFound { task_id: id.to_string() }
}
