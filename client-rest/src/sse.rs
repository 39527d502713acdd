//! The text of event streams (WHATWG HTML, section 9.2.6), read as it comes.

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What kind; `message` when the stream does not say.
    pub event: String,
    /// Its lines, joined by line feeds.
    pub data: String,
    /// The last id that the stream gave, with this event or before it; empty before the first.
    pub id: String,
}

/// An event is larger than the parser was told to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// Reads a stream in pieces of any size: a piece may end anywhere, even within a character.
///
/// ```
/// let mut parser = windlass_client::sse::Parser::new(1 << 20);
/// let mut events = parser.feed(b"id: 7\nevent: log\nda")?;
/// events.extend(parser.feed(b"ta: {}\n\n")?);
/// assert_eq!((events[0].id.as_str(), events[0].data.as_str()), ("7", "{}"));
/// # Ok::<(), windlass_client::sse::TooLarge>(())
/// ```
#[derive(Debug)]
pub struct Parser {
    limit: usize,
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// The last piece ended with a carriage return: a line feed right after it is no line of its own.
    after_return: bool,
    /// Nothing was read yet: a byte order mark may come.
    at_start: bool,
    event: String,
    data: Vec<u8>,
    id: String,
}

impl Parser {
    /// A parser of events of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            after_return: false,
            at_start: true,
            event: String::new(),
            data: Vec::new(),
            id: String::new(),
        }
    }

    /// Reads on; returns the events that this piece completed. An event that the stream never ends is
    /// never returned.
    ///
    /// # Errors
    ///
    /// [`TooLarge`]: the stream cannot be read on.
    pub fn feed(&mut self, mut piece: &[u8]) -> Result<Vec<Event>, TooLarge> {
        let mut events = Vec::new();
        if self.after_return && !piece.is_empty() {
            self.after_return = false;
            piece = piece.strip_prefix(b"\n").unwrap_or(piece);
        }
        while let Some(end) = piece.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.grow(&piece[..end])?;
            let rest = &piece[end + 1..];
            piece = match (piece[end], rest) {
                (b'\r', []) => {
                    self.after_return = true;
                    rest
                }
                (b'\r', [b'\n', rest @ ..]) => rest,
                _ => rest,
            };
            let line = std::mem::take(&mut self.line);
            events.extend(self.end_line(&line)?);
            self.line = line;
            self.line.clear();
        }
        self.grow(piece)?;
        Ok(events)
    }

    fn grow(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        if self.line.len() + self.data.len() + bytes.len() > self.limit {
            return Err(TooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, line: &[u8]) -> Result<Option<Event>, TooLarge> {
        let mut line = line;
        if std::mem::take(&mut self.at_start) {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        if line.is_empty() {
            return Ok(self.end_event());
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            // Many empty lines of data hold no byte of a line: their ends are counted here.
            b"data" if self.data.len() + value.len() >= self.limit => return Err(TooLarge),
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => self.event = text(value),
            b"id" if !value.contains(&0) => self.id = text(value),
            // A comment has no name; `retry` is not heeded: a reader has a backoff of its own.
            _ => {}
        }
        Ok(None)
    }

    fn end_event(&mut self) -> Option<Event> {
        let event = std::mem::take(&mut self.event);
        let mut data = std::mem::take(&mut self.data);
        // Without a line of data there is no event.
        data.pop()?;
        let event = if event.is_empty() { "message".to_owned() } else { event };
        Some(Event { event, data: text(&data), id: self.id.clone() })
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String, String)> {
        let events = Parser::new(1000).feed(text.as_bytes()).unwrap();
        events.into_iter().map(|e| (e.event, e.data, e.id)).collect()
    }

    fn event(event: &str, data: &str, id: &str) -> (String, String, String) {
        (event.to_owned(), data.to_owned(), id.to_owned())
    }

    #[test]
    fn events_are_read_as_the_standard_says() {
        for (text, events) in [
            ("data: a\n\n", vec![event("message", "a", "")]),
            (
                "data:a\r\rdata: b\r\n\r\n",
                vec![event("message", "a", ""), event("message", "b", "")],
            ),
            ("\u{feff}data: a\n\n", vec![event("message", "a", "")]),
            (": hello\n\ndata: a\n:again\ndata:  b\n\n", vec![event("message", "a\n b", "")]),
            ("data\n\n", vec![event("message", "", "")]),
            ("data\ndata\n\n", vec![event("message", "\n", "")]),
            (
                "event: log\nid: 4\ndata: x\n\ndata: y\n\n",
                vec![event("log", "x", "4"), event("message", "y", "4")],
            ),
            ("id: 4\n\nid\ndata: y\n\n", vec![event("message", "y", "")]),
            ("id: a\0b\ndata: y\n\n", vec![event("message", "y", "")]),
            ("event: log\n\ndata: x\n\n", vec![event("message", "x", "")]),
            ("retry: 5\nfoo: bar\nfoo\ndata: x\n\n", vec![event("message", "x", "")]),
            ("data: never ended\n", vec![]),
            ("data: never ended", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(read(text), events, "{text:?}");
        }
    }

    #[test]
    fn a_piece_may_end_anywhere() {
        let text = "\u{feff}: hi\r\n\r\nid: 1\r\nevent: sta\u{fc}tus\rdata: {\"a\":\"\u{20ac}\"}\r\ndata: b\n\r\ndata: c\r\r";
        let whole = read(text);
        assert_eq!(whole.len(), 2);
        for size in 1..text.len() {
            let mut parser = Parser::new(1000);
            let mut events = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                events.extend(parser.feed(piece).unwrap());
                events.extend(parser.feed(b"").unwrap());
            }
            let events: Vec<_> = events.into_iter().map(|e| (e.event, e.data, e.id)).collect();
            assert_eq!(events, whole, "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_no_text_does_no_harm() {
        let events = Parser::new(100).feed(b"data: \xff\xfe\n\n").unwrap();
        assert_eq!(events[0].data, "\u{fffd}\u{fffd}");
        // A stream of noise, from a small generator with a fixed seed.
        let mut state = 7u64;
        let mut parser = Parser::new(64);
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let bytes = state.to_be_bytes();
            let piece = bytes.map(|b| b"data:id event\r\n\n\0"[usize::from(b) % 17]);
            if parser.feed(&piece[..usize::from(bytes[0] % 9).min(8)]).is_err() {
                parser = Parser::new(64);
            }
        }
    }

    #[test]
    fn an_event_is_bounded_however_it_is_cut() {
        let mut parser = Parser::new(100);
        assert_eq!(parser.feed(&[b'x'; 101]), Err(TooLarge));
        let mut parser = Parser::new(100);
        let lines = (0..60).try_for_each(|_| parser.feed(b"data: x\n").map(drop));
        assert_eq!(lines, Err(TooLarge));
        let mut parser = Parser::new(100);
        let empty = (0..200).try_for_each(|_| parser.feed(b"data\n").map(drop));
        assert_eq!(empty, Err(TooLarge));
        let mut parser = Parser::new(100);
        assert!((0..200).all(|_| parser.feed(b"data: x\n\n").is_ok()));
        assert!((0..200).all(|_| parser.feed(b": beat\n").is_ok()));
    }
}
