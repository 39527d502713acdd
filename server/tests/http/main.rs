//! The server over HTTP, spoken to with raw sockets where a client library would not say it.

mod leases;
mod raw;
mod tasks;
