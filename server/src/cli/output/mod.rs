//! Everything that is printed goes through here.

mod console;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod time;

pub(crate) use console::{Format, Output, record};
