//! Windlass from Rust.

mod connect;

pub use connect::{ConnectOptions, Durability, connect, connect_on, connect_with};
pub use windlass_core::*;
