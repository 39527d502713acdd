//! Where a value of this command came from.

use std::fmt;

/// Where a value was found. The first that has one wins, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The command line, by this option.
    Option(&'static str),
    /// This variable of the environment.
    Variable(&'static str),
    /// Nobody named one.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Option(name) | Self::Variable(name) => name,
            Self::Default => "the default",
        })
    }
}

/// A variable of the environment. An empty one counts as not set, so that a wrapper can unset it.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The first variable that is set.
pub(crate) fn first_variable(names: &[&'static str]) -> Option<(String, Origin)> {
    names.iter().find_map(|name| Some((variable(name)?, Origin::Variable(name))))
}
