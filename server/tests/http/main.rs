//! The server over HTTP, spoken to with raw sockets where a client library would not say it.

mod access;
mod act;
mod batches;
mod blocks;
mod console;
mod described;
mod input;
mod leases;
mod pipelines;
mod raw;
mod streams;
mod tasks;
