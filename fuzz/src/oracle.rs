//! A reader of JSON written apart from the one under test: RFC 8259, with no key twice.
//!
//! It decodes into a plain list of what it has to compare; it shares no code with serde_json.

use std::iter::Peekable;
use std::str::Chars;

/// Levels of nesting that a payload may have.
pub const LEVELS: u32 = 127;

/// Whether the text is one JSON value with no key twice in an object, at most so many levels deep, and
/// every number within a double.
pub fn is_strict_json(text: &str, levels: u32) -> bool {
    let mut reader = Reader { chars: text.chars().peekable(), levels };
    reader.value(0).is_some() && {
        reader.space();
        reader.chars.next().is_none()
    }
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    levels: u32,
}

impl Reader<'_> {
    fn space(&mut self) {
        while self.chars.next_if(|c| matches!(c, ' ' | '\t' | '\n' | '\r')).is_some() {}
    }

    fn take(&mut self, wanted: char) -> Option<()> {
        self.chars.next_if_eq(&wanted).map(drop)
    }

    fn value(&mut self, level: u32) -> Option<()> {
        self.space();
        match *self.chars.peek()? {
            '{' => self.object(level + 1),
            '[' => self.list(level + 1),
            '"' => self.text().map(drop),
            '-' | '0'..='9' => self.number(),
            't' => "true".chars().try_for_each(|c| self.take(c)),
            'f' => "false".chars().try_for_each(|c| self.take(c)),
            'n' => "null".chars().try_for_each(|c| self.take(c)),
            _ => None,
        }
    }

    fn list(&mut self, level: u32) -> Option<()> {
        self.take('[')?;
        if level > self.levels {
            return None;
        }
        self.space();
        if self.take(']').is_some() {
            return Some(());
        }
        loop {
            self.value(level)?;
            self.space();
            if self.take(']').is_some() {
                return Some(());
            }
            self.take(',')?;
        }
    }

    fn object(&mut self, level: u32) -> Option<()> {
        self.take('{')?;
        if level > self.levels {
            return None;
        }
        self.space();
        if self.take('}').is_some() {
            return Some(());
        }
        let mut keys = Vec::new();
        loop {
            self.space();
            keys.push(self.text()?);
            self.space();
            self.take(':')?;
            self.value(level)?;
            self.space();
            if self.take('}').is_some() {
                break;
            }
            self.take(',')?;
        }
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        (keys.len() == all).then_some(())
    }

    /// A string as UTF-16, in which a lone surrogate shows.
    fn text(&mut self) -> Option<Vec<u16>> {
        self.take('"')?;
        let mut units = Vec::new();
        loop {
            match self.chars.next()? {
                '"' => break,
                '\\' => units.push(match self.chars.next()? {
                    'u' => {
                        let digits: Option<String> = (0..4).map(|_| self.chars.next()).collect();
                        let digits = digits.filter(|d| d.chars().all(|c| c.is_ascii_hexdigit()))?;
                        u16::from_str_radix(&digits, 16).ok()?
                    }
                    c @ ('"' | '\\' | '/') => c as u16,
                    'b' => 8,
                    't' => 9,
                    'n' => 10,
                    'f' => 12,
                    'r' => 13,
                    _ => return None,
                }),
                c if c < ' ' => return None,
                c => units.extend_from_slice(c.encode_utf16(&mut [0; 2])),
            }
        }
        String::from_utf16(&units).is_ok().then_some(units)
    }

    fn number(&mut self) -> Option<()> {
        let mut text = String::new();
        text.extend(self.chars.next_if_eq(&'-'));
        match self.chars.next()? {
            '0' => text.push('0'),
            c @ '1'..='9' => {
                text.push(c);
                self.digits(&mut text);
            }
            _ => return None,
        }
        if let Some(point) = self.chars.next_if_eq(&'.') {
            text.push(point);
            (self.digits(&mut text) > 0).then_some(())?;
        }
        if let Some(e) = self.chars.next_if(|c| matches!(c, 'e' | 'E')) {
            text.push(e);
            text.extend(self.chars.next_if(|c| matches!(c, '+' | '-')));
            (self.digits(&mut text) > 0).then_some(())?;
        }
        text.parse::<f64>().ok().filter(|number| number.is_finite()).map(drop)
    }

    fn digits(&mut self, text: &mut String) -> usize {
        let before = text.len();
        while let Some(digit) = self.chars.next_if(char::is_ascii_digit) {
            text.push(digit);
        }
        text.len() - before
    }
}

#[cfg(test)]
mod tests {
    use super::{LEVELS, is_strict_json};

    #[test]
    fn the_reader_knows_right_from_wrong() {
        for text in
            ["null", " [1, -0.5e+3 ]\n", r#"{"a":{"a":"\ud83d\ude00"},"b":[]}"#, "\"\u{7f}\""]
        {
            assert!(is_strict_json(text, LEVELS), "{text}");
        }
        let deep = "[".repeat(128) + &"]".repeat(128);
        for text in [
            "",
            "01",
            "1.",
            "[1,]",
            r#"{"a":1,"\u0061":1}"#,
            r#""\ud800""#,
            "\"\t\"",
            "1 2",
            "1e999",
            &deep,
        ] {
            assert!(!is_strict_json(text, LEVELS), "{text}");
        }
    }
}
