//! Standard output and error of one command: the one file that prints.
//!
//! It writes instead of using the macros that print, which panic when the other end has gone.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::rc::Rc;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::cli::failure::{Failure, Report};
use crate::cli::output::table::Table;
use crate::cli::output::text::{Paint, paint};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// One of the two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

impl Stream {
    fn is_terminal(self) -> bool {
        match self {
            Self::Out => io::stdout().is_terminal(),
            Self::Err => io::stderr().is_terminal(),
        }
    }

    /// Writes and flushes: a host such as Python ends the process without flushing what Rust holds.
    fn write(self, text: &str) -> io::Result<()> {
        let put = |stream: &mut dyn Write| {
            stream.write_all(text.as_bytes())?;
            stream.flush()
        };
        match self {
            Self::Out => put(&mut io::stdout().lock()),
            Self::Err => put(&mut io::stderr().lock()),
        }
    }
}

/// Where a command prints. Results go to standard output, everything else to standard error.
pub(crate) struct Output {
    format: Format,
    /// Where results go.
    stream: Stream,
    /// Whether that is a terminal, so that a line may be drawn over.
    live: bool,
    colours: bool,
    /// Whether standard error takes colours.
    error_colours: bool,
    /// Where the cursor stands behind a line that will be drawn over.
    drawn: Rc<Cell<Option<Stream>>>,
    /// Lines that were drawn and will be drawn over.
    lines: Rc<Cell<usize>>,
}

impl Output {
    /// An output to this process's streams.
    pub(crate) fn new(format: Format) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let live = Stream::Out.is_terminal();
        Self {
            format,
            stream: Stream::Out,
            live,
            colours: live && wanted,
            error_colours: Stream::Err.is_terminal() && wanted,
            drawn: Rc::default(),
            lines: Rc::default(),
        }
    }

    /// The same without colours.
    #[cfg(test)]
    pub(crate) fn plain(mut self) -> Self {
        self.colours = false;
        self
    }

    /// The same with everything on standard error: for what is seen on the way to a result.
    pub(crate) fn aside(&self) -> Self {
        Self {
            format: self.format,
            stream: Stream::Err,
            live: Stream::Err.is_terminal(),
            colours: self.error_colours,
            error_colours: self.error_colours,
            drawn: self.drawn.clone(),
            lines: self.lines.clone(),
        }
    }

    /// Whether programs read it.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether a line may be drawn over: somebody watches a terminal.
    pub(crate) fn is_live(&self) -> bool {
        self.live && !self.is_json()
    }

    /// Prints the one document of this command.
    pub(crate) fn json(&self, document: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string_pretty(document)?;
        self.write(&text)
    }

    /// Prints one of many documents, on a line of its own.
    pub(crate) fn json_line(&self, document: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(document)?;
        self.write(&text)
    }

    /// Prints a table.
    pub(crate) fn table(&self, table: &Table) -> io::Result<()> {
        self.write(&table.draw(self.colours))
    }

    /// Prints a line. The text is ours or was cleaned.
    pub(crate) fn line(&self, text: &str) -> io::Result<()> {
        self.write(text)
    }

    /// `text` in a colour, where colours are wanted.
    pub(crate) fn painted(&self, as_: Paint, text: &str) -> String {
        if self.colours && !text.is_empty() { paint(as_, text) } else { text.to_owned() }
    }

    /// Shows a line that the next print replaces; nothing when nobody watches.
    pub(crate) fn draw_over(&self, text: &str) -> io::Result<()> {
        if self.is_live() {
            self.stream.write(&format!("\r\x1b[2K{text}"))?;
            self.drawn.set(Some(self.stream));
        }
        Ok(())
    }

    /// Replaces what was drawn so before by these lines. For somebody who watches a terminal.
    pub(crate) fn redraw(&self, lines: &str) -> io::Result<()> {
        let up = self.lines.replace(lines.lines().count());
        let back = if up > 0 { format!("\x1b[{up}A\r\x1b[J") } else { String::new() };
        self.stream.write(&(back + lines))
    }

    /// Columns and lines of the terminal; 100 columns where there is none.
    pub(crate) fn size(&self) -> (usize, usize) {
        let told = |name: &str| std::env::var(name).ok()?.parse().ok().filter(|n| *n > 0);
        let (columns, lines) = if self.live { terminal() } else { None }.unwrap_or((100, 40));
        (told("COLUMNS").unwrap_or(columns), told("LINES").unwrap_or(lines))
    }

    /// Says something beside the result: to standard error, and to people only.
    pub(crate) fn note(&self, text: &str) {
        if !self.is_json() {
            self.clear();
            let text = if self.error_colours { paint(Paint::Dim, text) } else { text.to_owned() };
            say(&text);
        }
    }

    /// Prints a failure to standard error, in the form of this output.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.clear();
        let text = match failure {
            Failure::Report(report) if self.is_json() => {
                serde_json::json!({ "error": record(report) }).to_string()
            }
            Failure::Report(report) => self.sentence(report),
            Failure::Output(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                format!("error: cannot print: {error}")
            }
            Failure::Output(_) | Failure::Printed(_) => return,
        };
        say(&text);
    }

    /// Ends a line that would have been drawn over, so that nothing is written behind it.
    pub(crate) fn clear(&self) {
        if let Some(stream) = self.drawn.take() {
            // The terminal is gone when this fails, and then nobody sees the rest either.
            let _ = stream.write("\r\x1b[2K");
        }
    }

    fn sentence(&self, report: &Report) -> String {
        let text = crate::cli::output::text::clean_lines(&report.text);
        let word =
            if self.error_colours { paint(Paint::Bad, "error:") } else { "error:".to_owned() };
        let mut sentence = format!("{word} {text} ({})", report.code);
        if let Some(hint) = &report.hint {
            sentence.push_str("\n  hint: ");
            sentence.push_str(hint);
        }
        sentence
    }

    fn write(&self, text: &str) -> io::Result<()> {
        self.clear();
        self.stream.write(&if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") })
    }
}

/// Columns and lines, where the system tells them.
fn terminal() -> Option<(usize, usize)> {
    #[cfg(unix)]
    {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
        let known = size.ws_col > 0 && size.ws_row > 0;
        known.then(|| (usize::from(size.ws_col), usize::from(size.ws_row)))
    }
    #[cfg(not(unix))]
    {
        let width = comfy_table::Table::new().width()?;
        Some((usize::from(width), 25))
    }
}

/// Writes a line to standard error, where nobody may listen any more.
fn say(text: &str) {
    let _ = Stream::Err.write(&format!("{text}\n"));
}

/// The wire form of an error: its code, text and values in one object.
pub(crate) fn record(report: &Report) -> Map<String, Value> {
    let mut record = Map::new();
    record.insert("code".to_owned(), report.code.into());
    record.insert("message".to_owned(), report.text.as_str().into());
    if let Some(hint) = &report.hint {
        record.insert("hint".to_owned(), hint.as_str().into());
    }
    record.extend(report.fields.clone());
    record
}
