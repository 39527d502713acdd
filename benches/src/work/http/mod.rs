//! What goes through a server: loads on loopback, the server in a process of its own.
//!
//! | file | what is measured |
//! | --- | --- |
//! | `servers` | the server, and the bare route beside it, as processes |
//! | `post` | submits by `wrk` |
//! | `drain` | a worker that leases and settles over HTTP |
//! | `wake` | from a submit to the handler in a remote worker |
//! | `streams` | thousands of readers of events |
//! | `dev` | how soon `windlass dev` takes a submit, and what it holds when idle |
//! | `rest` | what is left of many exchanges that failed, after a minute: only in a long run |

mod dev;
mod drain;
mod post;
mod rest;
mod servers;
mod streams;
mod wake;

pub(crate) use servers::{serve, serve_bare};

use crate::options::Options;
use crate::rounds::Workload;

/// Every workload over HTTP.
pub(super) fn workloads(options: &Options) -> Vec<Workload> {
    let mut workloads = post::workloads();
    workloads.push(drain::workload(options.tasks));
    workloads.push(wake::workload(options.wakes));
    workloads.extend(dev::workloads());
    workloads.extend(streams::workloads());
    if options.long {
        workloads.push(rest::workload());
    }
    workloads
}
