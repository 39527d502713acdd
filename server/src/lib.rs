//! The server of Windlass, which speaks HTTP, and its command line.
//!
//! The binary `windlass` and the console scripts of the language packages all call [`cli::run`].

pub mod cli;
pub mod console;
pub mod http;
pub mod observe;
