//! Text for a terminal: colours, and other people's text made harmless.

use windlass::TaskStatus;

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Done.
    Good,
    /// Failed.
    Bad,
    /// To be looked at.
    Warn,
    /// Going on.
    Live,
    /// Of less weight.
    Dim,
    /// As it is.
    Plain,
}

impl Paint {
    /// The colour of a status.
    pub(crate) const fn of(status: TaskStatus) -> Self {
        match status {
            TaskStatus::Completed => Self::Good,
            TaskStatus::Failed => Self::Bad,
            TaskStatus::Running => Self::Live,
            TaskStatus::Pending => Self::Warn,
            TaskStatus::Cancelled => Self::Dim,
            TaskStatus::Blocked | TaskStatus::Scheduled => Self::Plain,
        }
    }

    const fn code(self) -> Option<&'static str> {
        match self {
            Self::Good => Some("32"),
            Self::Bad => Some("31"),
            Self::Warn => Some("33"),
            Self::Live => Some("36"),
            Self::Dim => Some("2"),
            Self::Plain => None,
        }
    }
}

/// `text` between the codes that colour it.
pub(crate) fn paint(as_: Paint, text: &str) -> String {
    match as_.code() {
        Some(code) => format!("\x1b[{code}m{text}\x1b[0m"),
        None => text.to_owned(),
    }
}

/// `text` on one line, without characters that steer a terminal: a task's author must not be able
/// to move the cursor of whoever looks at it.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c == '\n' || c == '\t' { ' ' } else { harmless(c) }).collect()
}

/// The same, with its lines kept.
pub(crate) fn clean_lines(text: &str) -> String {
    text.chars().map(|c| if c == '\n' || c == '\t' { c } else { harmless(c) }).collect()
}

fn harmless(c: char) -> char {
    // Marks that turn the direction of writing can disguise one text as another.
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || turns { '\u{fffd}' } else { c }
}

/// `text` cut to `most` characters, with an ellipsis where something is missing.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// Cells of a progress bar.
const BAR: usize = 24;

/// A bar for a share of 0 to 100: `[############------------]  50%`.
pub(crate) fn bar(percent: f64) -> String {
    let full = ((percent / 100.0 * BAR as f64).round() as usize).min(BAR);
    format!("[{}{}] {percent:3.0}%", "#".repeat(full), "-".repeat(BAR - full))
}

/// A size for people.
pub(crate) fn size(bytes: usize) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        0..10_240 => format!("{bytes} bytes"),
        _ => format!("{:.1} KiB", bytes as f64 / 1024.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_cannot_steer_the_terminal() {
        assert_eq!(clean("a\x1b[2J\nb\u{202e}c"), "a\u{fffd}[2J b\u{fffd}c");
        assert_eq!(clean_lines("a\r\n\tb\u{9b}"), "a\u{fffd}\n\tb\u{fffd}");
    }

    #[test]
    fn a_cut_counts_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
    }
}
