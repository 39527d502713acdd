//! The command line of Windlass; the server that speaks HTTP lives here later.
//!
//! The binary `windlass` and the console scripts of the language packages all call [`cli::run`].

pub mod cli;
pub mod observe;
