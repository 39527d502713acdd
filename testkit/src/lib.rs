//! Suites that every Windlass store and language passes.
//!
//! | folder | what it proves |
//! | --- | --- |
//! | `crash` | real processes on one SQLite file, killed at random moments |
//! | [`simulation`] | the laws under crashes, pauses, clock jumps and lost answers, by seed |
//! | [`store`] | the contract of `trait Store`, with real threads and connections |
//! | [`vectors`] | the laws, as data that a runner in any language reads |

#[cfg(unix)]
pub mod crash;
pub mod simulation;
pub mod store;
pub mod vectors;
