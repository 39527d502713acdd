//! Event streams: however the bytes are cut, the reader finds the events that a reader of the whole text
//! finds.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use windlass_client::sse::{Event, Parser};
use windlass_fuzz::text::{any_text, mutated};
use windlass_fuzz::{corpus, target};

use super::hold;

/// A reader of whole streams, written apart from the one under test (WHATWG HTML, section 9.2.6).
fn oracle(text: &str) -> Vec<Event> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    // What stands behind the last end of a line is no line yet.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut events = Vec::new();
    let (mut event, mut data, mut id) = (String::new(), Vec::<&str>::new(), String::new());
    for line in whole.split('\n').take(if text.contains('\n') { usize::MAX } else { 0 }) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "" if line.is_empty() => {
                let kind = std::mem::take(&mut event);
                if !data.is_empty() {
                    let event = if kind.is_empty() { "message".to_owned() } else { kind };
                    events.push(Event { event, data: data.join("\n"), id: id.clone() });
                }
                data.clear();
            }
            "data" => data.push(value),
            "event" => value.clone_into(&mut event),
            "id" if !value.contains('\0') => value.clone_into(&mut id),
            _ => {}
        }
    }
    events
}

fn reads_alike(text: &str, cuts: &[Index]) -> Result<(), String> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    places.extend([0, text.len()]);
    places.sort_unstable();
    let mut parser = Parser::new(16 << 20);
    let mut events = Vec::new();
    for part in places.windows(2) {
        let piece = &text.as_bytes()[part[0]..part[1]];
        events.extend(parser.feed(piece).map_err(|_| "too large".to_owned())?);
    }
    let expected = oracle(text);
    hold!(events == expected, "read {events:?}, and there are {expected:?}");
    Ok(())
}

#[test]
fn events_corpus() {
    for entry in corpus::entries() {
        for text in [entry.text.clone(), format!("id:{0}\ndata: {0}\r\n\r\n", entry.text)] {
            if let Err(reason) = reads_alike(&text, &[]) {
                panic!("{}: {reason}", entry.name);
            }
        }
    }
}

#[test]
fn events_are_the_same_however_they_are_cut() {
    let name = proptest::sample::select(&["data", "id", "event", "retry", "", "dat", "Data"][..]);
    let colon = proptest::sample::select(&[":", ": ", ":  ", "", " :"][..]);
    let end = proptest::sample::select(&["\n", "\r\n", "\r", "\n\n", "\r\r", "\r\n\r\n", ""][..]);
    let line = (name, colon, any_text(4), end)
        .prop_map(|(name, colon, value, end)| format!("{name}{colon}{value}{end}"));
    let stream = (any::<bool>(), vec(line, 0..12))
        .prop_map(|(mark, lines)| if mark { "\u{feff}" } else { "" }.to_owned() + &lines.concat());
    let inputs = (mutated(stream), vec(any::<Index>(), 0..6));
    target::fuzz("events_are_the_same_however_they_are_cut", 300, inputs, |(text, cuts)| {
        reads_alike(&text, &cuts)
    });
}

#[test]
fn events_never_grow_beyond_their_limit() {
    let inputs = (vec(any_text(6), 1..20), 1usize..64);
    target::fuzz("events_never_grow_beyond_their_limit", 60, inputs, |(pieces, limit)| {
        let mut parser = Parser::new(limit);
        for piece in pieces {
            let Ok(events) = parser.feed(format!("data:{piece}").as_bytes()) else { return Ok(()) };
            for event in events {
                // A character that is none becomes one of three bytes.
                hold!(event.data.len() <= 3 * limit, "{} bytes of {limit}", event.data.len());
            }
        }
        Ok(())
    });
}
