//! What operators see: metrics, deaf workers, logs.
//!
//! | file | what lives there |
//! | --- | --- |
//! | [`Metrics`] | everything that one process measures, and its text |
//! | `store` | the store that tells what is done with it |
//! | `tasks`, `running` | what becomes of tasks |
//! | `calls` | how long the store takes |
//! | `http` | requests, streams and connections |
//! | `gauges` | how queues and workers stand |
//! | [`History`] | how tasks came and went lately, step by step |
//! | `workers`, `judge` | who asks for work, and who is deaf |
//! | `histogram`, `interned` | counting without locks |
//! | `log` | what is logged, where and how |

mod calls;
mod gauges;
mod histogram;
mod history;
mod http;
mod interned;
mod judge;
mod log;
mod metrics;
mod running;
mod store;
mod tasks;
mod workers;

pub use history::{History, Point, Stands, Told, Went};
pub use http::{Http, Open};
pub use log::{LogFilter, LogFormat, init_logs, subscriber};
pub use metrics::{CONTENT_TYPE, Metrics};
pub use workers::Asking;
