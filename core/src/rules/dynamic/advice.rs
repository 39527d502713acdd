//! What a measured run says about its settings.

use super::entry::Bounds;
use super::metrics::Metrics;

/// Recommendations, most important first; none where nothing ran or nothing is to be said. Every
/// number in them was measured.
pub(super) fn recommendations(
    run: &Metrics,
    bounds: &Bounds,
    took: f64,
    thought: f64,
) -> Vec<String> {
    let ended = run.completed + run.failed;
    if ended == 0 || run.wall_seconds <= 0.0 {
        return Vec::new();
    }
    let mut said = Vec::new();
    let processors = percent(run.processors);
    if run.failed * 10 >= ended {
        said.push(format!("{} of {ended} tasks failed: look at their errors first", run.failed));
    }
    if run.timed_out > 0 {
        said.push(format!(
            "{} tasks ran into their timeout: raise timeout_seconds or split them; 95 of 100 ran no longer than {}",
            run.timed_out,
            seconds(run.p95_seconds),
        ));
    }
    if run.memory_wait_seconds * 10.0 >= run.wall_seconds {
        said.push(format!(
            "for {} of {} workers were free and memory was not: raise the memory limit, or lower memory_requirement_mb",
            seconds(run.memory_wait_seconds),
            seconds(run.wall_seconds),
        ));
    }
    let waited = run.average_wait_seconds > run.average_seconds;
    let chain = run.longest_chain_seconds / run.wall_seconds;
    if run.processors >= 0.9 {
        said.push(format!(
            "processors were {processors} busy: more workers will not make this faster; use processes or more machines"
        ));
    } else if waited && run.peak_workers >= bounds.max_workers {
        let room = if run.processors > 0.0 {
            format!(", and processors were {processors} busy")
        } else {
            String::new()
        };
        said.push(format!(
            "tasks waited {} for a worker and ran {} on average{room}: raise max_workers above {}",
            seconds(run.average_wait_seconds),
            seconds(run.average_seconds),
            bounds.max_workers,
        ));
    } else if chain >= 0.8 && run.utilisation < 0.5 && run.peak_workers > 1 {
        said.push(format!(
            "one chain of dependencies took {} of {}: with fewer dependencies more tasks could run at once",
            seconds(run.longest_chain_seconds),
            seconds(run.wall_seconds),
        ));
    } else if run.utilisation < 0.3 && bounds.min_workers > 1 {
        said.push(format!(
            "workers were {} busy: lower min_workers below {}",
            percent(run.utilisation),
            bounds.min_workers,
        ));
    }
    if thought > 0.0 && !(0.5..=2.0).contains(&(took / thought)) {
        said.push(format!(
            "tasks took {:.2} times what estimated_duration says: {} instead of {} in all",
            took / thought,
            seconds(took),
            seconds(thought),
        ));
    }
    said
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn seconds(number: f64) -> String {
    if number >= 1.0 { format!("{number:.1} s") } else { format!("{:.1} ms", number * 1e3) }
}
