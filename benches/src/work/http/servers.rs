//! The server under test, and a bare route that reads the same body, each as a process of its own.

use std::io::Read;

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use windlass::{ConnectOptions, Durability};
use windlass_server::http::{ServeOptions, Server};

use super::super::other::{Other, READY};
use super::super::runtime;
use crate::{Result, report};

/// A server in a process of its own; ended when this is dropped.
pub(super) struct Serving {
    process: Other,
    /// `http://127.0.0.1:PORT`.
    pub(super) url: String,
}

impl Serving {
    /// Windlass on a store.
    pub(super) fn windlass(store: &str, durability: Durability) -> Result<Self> {
        match durability {
            Durability::Full => Self::of(&["serve", store]),
            Durability::Normal => Self::of(&["serve", store, "--normal"]),
        }
    }

    /// The bare route.
    pub(super) fn bare() -> Result<Self> {
        Self::of(&["bare-serve"])
    }

    fn of(args: &[&str]) -> Result<Self> {
        let mut process = Other::start(args)?;
        let url = process.line()?;
        Ok(Self { process, url })
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }
}

/// The process of a Windlass server: says where it is, and ends with its input.
pub(crate) fn serve(url: &str, normal: bool) -> Result<()> {
    let durability = if normal { Durability::Normal } else { Durability::Full };
    runtime()?.block_on(async {
        let connect = ConnectOptions { durability, ..ConnectOptions::default() };
        let client = windlass::connect_with(url, connect).await?;
        let options = ServeOptions { listen: "127.0.0.1:0".to_owned(), ..ServeOptions::default() };
        let server = Server::start(client, options).await?;
        report::tell(READY);
        report::tell(&server.url());
        until_alone().await
    })
}

/// What a submit carries, as far as it is sent here; read with the same readers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    task_type: String,
    #[serde(default)]
    queue: Option<String>,
    payload: Box<RawValue>,
}

#[derive(Serialize)]
struct Answer<'a> {
    task_id: &'a str,
    status: &'a str,
    deduplicated: bool,
}

async fn take(body: Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Body>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let read = body.task_type.len() + body.queue.map_or(0, |q| q.len()) + body.payload.get().len();
    // Nothing that was read may be optimised away.
    std::hint::black_box(read);
    let answer = Answer {
        task_id: "019aa0b0-0000-7000-8000-000000000000",
        status: "pending",
        deduplicated: false,
    };
    match serde_json::to_vec(&answer) {
        Ok(json) => {
            let kind = [(header::CONTENT_TYPE, "application/json")];
            (StatusCode::CREATED, kind, json).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The process of the bare route.
pub(crate) fn serve_bare() -> Result<()> {
    runtime()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let listener = listener.tap_io(|socket| {
            let _ = socket.set_nodelay(true);
        });
        let router = Router::new().route("/api/v1/tasks", post(take));
        tokio::spawn(async move { axum::serve(listener, router).await });
        report::tell(READY);
        report::tell(&format!("http://{address}"));
        until_alone().await
    })
}

/// Resolves when the process that started this one is gone.
async fn until_alone() -> Result<()> {
    let wait = || std::io::stdin().lock().read_to_end(&mut Vec::new()).map(drop);
    Ok(tokio::task::spawn_blocking(wait).await??)
}
