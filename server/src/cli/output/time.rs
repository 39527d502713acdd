//! Spans of time for people.

use std::time::Duration;

use windlass::Timestamp;

/// How far `at` lies from `now`: `12s ago`, `in 3m`, `now` within a second.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let (past, ahead) = (now.since(at), at.since(now));
    if past < Duration::from_secs(1) && ahead < Duration::from_secs(1) {
        return "now".to_owned();
    }
    if ahead.is_zero() { format!("{} ago", span(past)) } else { format!("in {}", span(ahead)) }
}

/// A duration by its largest unit: `350ms`, `12s`, `3m`, `5h`, `9d`.
pub(crate) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{}ms", duration.as_millis()),
        1..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A duration as exactly as it was measured: `0.35s`, `75.2s`.
pub(crate) fn exact(duration: Duration) -> String {
    format!("{}s", (duration.as_secs_f64() * 1_000.0).round() / 1_000.0)
}

/// The time of day of an instant, UTC: `11:02:33.120`.
pub(crate) fn of_day(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('T') {
        Some((_, time)) => time.trim_end_matches('Z').to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_name_their_largest_unit() {
        let now = Timestamp::from_millis(1_000_000_000);
        for (millis, text) in [
            (0, "now"),
            (999, "now"),
            (5_000, "5s ago"),
            (119_000, "119s ago"),
            (600_000, "10m ago"),
            (-600_000, "in 10m"),
            (7_200_000, "2h ago"),
            (864_000_000, "10d ago"),
        ] {
            assert_eq!(ago(Timestamp::from_millis(1_000_000_000 - millis), now), text);
        }
        assert_eq!(of_day(Timestamp::from_millis(3_723_004)), "01:02:03.004");
        assert_eq!(exact(Duration::from_micros(350_400)), "0.35s");
    }
}
