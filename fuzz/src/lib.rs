//! Made and mutated input against everything of Windlass that reads text from outside.
//!
//! | file | what lives there |
//! | --- | --- |
//! | [`budget`] | how much is tried, from the environment |
//! | [`target`] | tries inputs, shrinks one that fails, tells how to run it again |
//! | [`corpus`] | texts that broke a reader somewhere before |
//! | [`json`] | JSON text, spelled in every way, and text that is almost JSON |
//! | [`text`] | odd text, and mutations of any text |
//! | [`oracle`] | a reader of JSON written apart from the one under test |
//!
//! The targets are the tests in `tests/fuzz`. `cargo test -p windlass-fuzz` tries a fixed number of
//! inputs, the same each time; `make fuzz SECONDS=60` tries others, that many seconds for each target.

pub mod budget;
pub mod corpus;
pub mod json;
pub mod oracle;
pub mod target;
pub mod text;
