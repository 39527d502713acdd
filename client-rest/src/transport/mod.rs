//! The way to a server and back: by reqwest natively, by `fetch` in a browser.
//!
//! Both have the same items. A [`Transport`] sends a [`Request`] and gives the head of its answer, a
//! [`Response`], whose body comes in [`Chunks`]. Dropping either gives the request up. Neither follows a
//! redirect: a server that moved is to be told to the user, and a key must not follow it elsewhere.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;

use crate::verb::Verb;

#[cfg(target_family = "wasm")]
#[path = "fetch.rs"]
mod platform;
#[cfg(not(target_family = "wasm"))]
#[path = "native.rs"]
mod platform;

pub(crate) use platform::{Response, Transport, parts, reason};

/// One request.
pub(crate) struct Request<'a> {
    pub(crate) verb: &'static Verb,
    pub(crate) url: String,
    pub(crate) accept: &'static str,
    pub(crate) tenant: Option<&'a str>,
    /// JSON text.
    pub(crate) body: Option<Bytes>,
}

/// What JSON text is called.
pub(crate) const JSON: &str = "application/json";

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// A header cannot hold the tenant; nothing was sent.
    Unsendable,
    /// Nobody answered, or not to the end.
    Silent(Silence),
}

/// How an answer failed to come.
#[derive(Debug)]
pub(crate) struct Silence {
    /// In words.
    pub(crate) reason: String,
    /// What is beneath, if it is more than the words.
    pub(crate) source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// A body, piece by piece.
#[cfg(not(target_family = "wasm"))]
pub(crate) type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, Silence>> + Send>>;
/// A body, piece by piece.
#[cfg(target_family = "wasm")]
pub(crate) type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, Silence>>>>;

/// A URL, taken apart.
pub(crate) struct Parts {
    /// Lower case, without the colon.
    pub(crate) scheme: String,
    /// Whether it holds a user or a password.
    pub(crate) has_login: bool,
    /// Whether it goes on after its path.
    pub(crate) has_more: bool,
    /// Empty when it names none.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: String,
    /// Scheme, host, and the port unless it is the scheme's own.
    pub(crate) origin: String,
    pub(crate) is_loopback: bool,
}
