//! The Windlass store on an embedded SQLite file.
//!
//! One file, shared by the processes of one machine. Beside it lie SQLite's own `-wal` and `-shm`,
//! and three small files of ours: `-gate` and `-turn`, by which processes take turns to write, and
//! `-wake`, by which they wake each other.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `store` | the trait, handed to the verbs |
//! | `open`, `location`, `schema`, `migrate` | how a file becomes a store |
//! | `writer`, `pen`, `tx`, `turn` | one writing connection, many callers in one commit |
//! | `keeper`, `wake`, `readers`, `fork` | checkpoints, wake-ups, reading connections, child processes |
//! | `row`, `hot`, `insert`, `counts`, `updates`, `packs` | what is kept, and how it is read and written |
//! | `follow`, `line` | what follows from a change: who waits, composites, lines of state keys |
//! | `compose`, `answer`, `chunks`, `aside`, `graph` | batches, blocks and pipelines: stored, in chunks, read |
//! | `enqueue`, `lease`, `settle`, `complete`, `renew`, `list`, `due`, `prune`, `workers` | one verb each |
//!
//! A write is on disk when it is acknowledged (`synchronous=FULL`), unless [`Durability::Normal`] asks
//! for less. Leases and heartbeats never wait for the disk: losing them loses nothing.

mod answer;
mod aside;
mod chunks;
mod complete;
mod compose;
mod counts;
mod due;
mod enqueue;
mod error;
mod flow;
mod follow;
mod fork;
mod graph;
mod hot;
mod insert;
mod keeper;
mod lease;
mod line;
mod list;
mod location;
mod migrate;
mod open;
mod packs;
mod pen;
mod prune;
mod queues;
mod readers;
mod recent;
mod renew;
mod row;
mod schema;
mod settle;
mod store;
mod turn;
mod tx;
mod updates;
mod wake;
mod walk;
mod workers;
mod writer;

pub use migrate::{Plan, migrate, migrate_plan};
pub use pen::Durability;
pub use schema::Migration;
pub use store::{Options, SqliteStore};
