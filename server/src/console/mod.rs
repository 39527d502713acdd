//! The web console as the server offers it: a page at `/` that speaks the interface under `/api` like any
//! other client. `docs/console.md` shows it to users.
//!
//! The files come from `console/dist` and are compiled in; `server/build.rs` says how. Nothing here reads
//! the disk.

mod accept;
mod answer;
mod assets;

use std::fmt;
use std::str::FromStr;

pub(crate) use answer::{About, Asked, about, file, is_page, page};
pub(crate) use assets::{Assets, built};

/// How the console is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Console {
    /// With everything that it can do.
    #[default]
    On,
    /// Without what changes anything. It keeps people from mistakes; it is no lock: whoever may call the
    /// interface may change things by other means.
    ReadOnly,
    /// Not at all.
    Off,
}

impl Console {
    /// Every way, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::On, Self::ReadOnly, Self::Off];

    /// The word for it: `on`, `read-only`, `off`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::ReadOnly => "read-only",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Console {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|console| console.as_str() == text);
        known.ok_or_else(|| format!("must be on, read-only or off, not {text:?}"))
    }
}

/// Whether this build has the console in it.
pub fn is_built() -> bool {
    !built().is_empty()
}
