//! Tables without lines: as wide as the terminal, as plain as `ls -l`.

use comfy_table::{Attribute, CellAlignment, Color, ColumnConstraint, ContentArrangement, presets};
use windlass::TaskStatus;

use crate::cli::output::text::{Paint, clean};

/// A width below this is none.
const LEAST: u16 = 20;
/// What a terminal has that does not say.
const USUAL: u16 = 80;

/// One cell.
pub(crate) struct Cell {
    text: String,
    paint: Paint,
    right: bool,
}

impl Cell {
    /// Text of whatever origin.
    pub(crate) fn text(text: &str) -> Self {
        Self::painted(Paint::Plain, text)
    }

    /// Text of less weight.
    pub(crate) fn dim(text: &str) -> Self {
        Self::painted(Paint::Dim, text)
    }

    /// Text that says what a colour says.
    pub(crate) fn painted(paint: Paint, text: &str) -> Self {
        Self { text: clean(text), paint, right: false }
    }

    /// Text in the colour of a status.
    pub(crate) fn of_status(status: TaskStatus, text: impl AsRef<str>) -> Self {
        Self::painted(Paint::of(status), text.as_ref())
    }

    /// Numbers stand to the right.
    pub(crate) fn right(mut self) -> Self {
        self.right = true;
        self
    }

    fn draw(self) -> comfy_table::Cell {
        let cell = comfy_table::Cell::new(self.text);
        let cell = if self.right { cell.set_alignment(CellAlignment::Right) } else { cell };
        match self.paint {
            Paint::Good => cell.fg(Color::DarkGreen),
            Paint::Bad => cell.fg(Color::DarkRed),
            Paint::Warn => cell.fg(Color::DarkYellow),
            Paint::Live => cell.fg(Color::DarkCyan),
            Paint::Dim => cell.add_attribute(Attribute::Dim),
            Paint::Plain => cell,
        }
    }
}

/// Rows under a head. The first column is never wrapped: it holds what one copies.
pub(crate) struct Table {
    inner: comfy_table::Table,
}

impl Table {
    /// A table with these column heads.
    pub(crate) fn new(head: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut inner = comfy_table::Table::new();
        inner.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        inner.set_header(head.into_iter().map(|name| Cell::dim(&name.into()).draw()));
        for column in inner.column_iter_mut() {
            column.set_padding((0, 2));
        }
        if let Some(first) = inner.column_mut(0) {
            first.set_constraint(ColumnConstraint::ContentWidth);
        }
        // Otherwise the terminal's own width holds; without a terminal nothing is wrapped.
        if let Some(width) = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()) {
            inner.set_width(width);
        }
        Self { inner }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.inner.add_row(cells.into_iter().map(Cell::draw));
    }

    /// The table as text.
    pub(crate) fn draw(&self, colours: bool) -> String {
        let mut table = self.inner.clone();
        if colours {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        if let Some(width) = self.inner.width() {
            // A terminal that was never told its size says 0.
            table.set_width(if width < LEAST { USUAL } else { width });
        }
        table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}
