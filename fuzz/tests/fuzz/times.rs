//! Instants and durations: written as they are read, and no arithmetic on them panics.

use std::time::Duration;

use proptest::prelude::*;
use windlass::words::duration_from_seconds;
use windlass::{TaskId, Timestamp};
use windlass_fuzz::text::mutated;
use windlass_fuzz::{corpus, target};

use super::hold;

/// The last millisecond that RFC 3339 can write, and the first one.
const LAST: i64 = 253_402_207_200_999;

fn instant(text: &str) -> Result<(), String> {
    match text.parse::<Timestamp>() {
        Ok(at) => {
            let written = at.to_string();
            hold!(written.ends_with('Z'), "written {written}");
            hold!(written.parse::<Timestamp>().ok() == Some(at), "{written} is another instant");
        }
        Err(error) => hold!(error.code() == "invalid_argument", "code {}", error.code()),
    }
    Ok(())
}

#[test]
fn times_corpus() {
    for entry in corpus::entries() {
        if let Err(reason) = instant(&entry.text) {
            panic!("{}: {reason}", entry.name);
        }
    }
}

#[test]
fn times_are_written_as_read() {
    let text = prop_oneof![
        4 => (-LAST..LAST).prop_map(|ms| Timestamp::from_millis(ms).to_string()),
        1 => corpus::pick(64),
    ];
    target::fuzz("times_are_written_as_read", 100, mutated(text), |text| instant(&text));
}

#[test]
fn times_of_any_size() {
    let inputs = (any::<i64>(), any::<i64>(), any::<u64>(), any::<u32>());
    target::fuzz("times_of_any_size", 100, inputs, |(a, b, seconds, nanos)| {
        let (a, b) = (Timestamp::from_millis(a), Timestamp::from_millis(b));
        let long = Duration::new(seconds / 2, nanos % 1_000_000_000);
        hold!(a.after(long) >= a && a.before(long) <= a, "time runs backwards");
        hold!(b >= a || b.since(a).is_zero(), "time since the future");
        // Past the range of the milliseconds a difference saturates.
        let whole = b.as_millis().checked_sub(a.as_millis()).is_some_and(|ms| ms >= 0);
        hold!(!whole || a.after(b.since(a)) == b, "a difference that does not add up");
        hold!(!a.to_string().is_empty(), "no text");
        TaskId::least_at(a);
        Ok(())
    });
}

#[test]
fn durations_are_numbers_of_seconds() {
    let number = prop_oneof![any::<f64>(), 0.0..1e10, (0u64..1 << 50).prop_map(|n| n as f64 / 1e6)];
    target::fuzz("durations_are_numbers_of_seconds", 100, number, |number| {
        match duration_from_seconds("delay_seconds", number) {
            Ok(duration) => {
                hold!((0.0..=316_224_000.0).contains(&number), "takes {number}");
                let off = (duration.as_secs_f64() - number).abs();
                let near = off <= 1e-9 + number * 1e-15;
                hold!(near, "off by {off} s");
            }
            Err(error) => {
                hold!(!(0.0..=316_224_000.0).contains(&number), "refuses {number}: {error}");
                hold!(error.fields()["field"] == "delay_seconds", "field {:?}", error.fields());
            }
        }
        Ok(())
    });
}
