//! Suites that every Windlass store and language passes.
//!
//! | folder | what it proves |
//! | --- | --- |
//! | [`store`] | the contract of `trait Store`, with real threads and connections |
//!

pub mod store;
