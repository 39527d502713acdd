//! The Windlass service by HTTP: natively and in the browser.
//!
//! [`RestService`] answers every verb of `windlass_core::Service` by asking a Windlass server. The crate
//! `windlass` makes one from a URL: `windlass::connect("https://…")`.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `address` | which URLs are taken, and where a verb is |
//! | `verb` | the table of verbs: where each is, and whether it may be repeated |
//! | `seats` | the connections of a page that may be kept waiting |
//! | `call` | what one call asks |
//! | `calls` | making one: its deadline, retries and breaker |
//! | `asking` | what comes of a call: its answer read, as text, or open |
//! | `answer` | reading what a server answers, and what it means when it answers something else |
//! | `answered` | what is read of answers by their members |
//! | `keys` | the idempotency key that every submit carries |
//! | `clock` | the server's time |
//! | `sse`, `stream` | event streams: their text, and following one through cuts |
//! | `health` | what a server says about itself |
//! | `transport` | the way to a server: reqwest natively, `fetch` in a browser |
//! | `service` | the verbs of core, asked |
//! | `matching` | calls about tasks that match |
//! | `reading` | tasks by id, in as many calls as their size takes |
//! | `working` | a worker's verbs, in as many calls as their size takes |
//! | `submitting`, `batching`, `composing` | a submit on its way: of tasks, of a batch, of a graph |
//! | `text` | a client whose records are handed on as they came |
//! | `raw` | calls that are no verbs |

// What holds values of JavaScript stays on its thread; the traits of core ask for an `Arc` all the same.
#![cfg_attr(target_family = "wasm", allow(clippy::arc_with_non_send_sync))]

mod address;
mod answer;
mod answered;
mod asking;
mod batching;
mod call;
mod calls;
mod clock;
mod composing;
mod health;
mod keys;
mod matching;
mod options;
mod raw;
mod reading;
mod seats;
mod service;
pub mod sse;
mod stream;
mod submitting;
pub mod text;
mod transport;
mod verb;
mod working;

pub use health::ServerHealth;
pub use options::RestOptions;
pub use service::RestService;
pub use text::TextClient;
