//! What a run prints and writes.

// A benchmark is there to print; this is the file that does.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::IsTerminal;
use std::path::Path;

use serde_json::json;

use crate::Result;
use crate::machine::Machine;
use crate::options::Options;
use crate::rounds::{Figure, Goal, Unit, median};

/// What is measured, and on what.
pub(crate) fn head(machine: &Machine) {
    println!("{}\n", machine.line());
}

/// Where the run is, for somebody who waits.
pub(crate) fn progress(round: u32, rounds: u32, name: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[2Kround {round} of {rounds}: {name}");
    }
}

/// Wipes the last progress line.
pub(crate) fn progress_done() {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[2K");
    }
}

/// The figures, one on each line.
pub(crate) fn table(figures: &[Figure]) {
    let width = figures.iter().map(|figure| figure.name.chars().count()).max().unwrap_or(0);
    println!("{} interleaved rounds: median (least to most)\n", rounds_of(figures));
    println!(
        "{:width$}  {:>27}  {:>27}  {:<11}  {:>18}  {:<8}  target",
        "", "windlass", "beside it", "which is", "ratio", "unit"
    );
    for figure in figures {
        let show = |value: f64| shown(value, figure.unit);
        let ratio = |value: f64| format!("{value:.2}");
        let target = match (figure.target, figure.is_met()) {
            (Some(goal), Some(met)) => {
                let met = if met { "met" } else { "missed" };
                let sign = match goal {
                    Goal::Value(_) if !figure.unit.more_is_better() => '≤',
                    _ => '≥',
                };
                match goal {
                    Goal::Times(least) => format!("{sign} {least:.2} times: {met}"),
                    Goal::Value(value) => format!("{sign} {}: {met}", show(value)),
                }
            }
            _ => String::new(),
        };
        println!(
            "{:width$}  {:>27}  {:>27}  {:<11}  {:>18}  {:<8}  {target}",
            figure.name,
            spread(&figure.ours, show),
            spread(&figure.theirs, show),
            figure.beside,
            spread(&figure.ratios(), ratio),
            unit(figure.unit),
        );
    }
}

/// The median, and the range around it.
fn spread(values: &[f64], show: impl Fn(f64) -> String) -> String {
    let Some(middle) = median(values) else { return "-".to_owned() };
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{} ({} to {})", show(middle), show(least), show(most))
}

fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::TasksPerSecond => grouped(value),
        Unit::Milliseconds | Unit::Percent => format!("{value:.2}"),
        Unit::Mebibytes | Unit::Kibibytes => format!("{value:.1}"),
    }
}

fn rounds_of(figures: &[Figure]) -> usize {
    figures.first().map_or(0, |figure| figure.ours.len())
}

/// Every value of every round, to a file.
pub(crate) fn json(
    file: &Path,
    machine: &Machine,
    options: &Options,
    figures: &[Figure],
) -> Result<()> {
    let rounds = rounds_of(figures);
    let figures: Vec<_> = figures
        .iter()
        .map(|figure| {
            json!({
                "name": figure.name,
                "unit": unit(figure.unit),
                "windlass": median(&figure.ours),
                "beside": figure.beside,
                "theirs": median(&figure.theirs),
                "ratio": figure.ratio(),
                "target_met": figure.is_met(),
                "windlass_rounds": figure.ours,
                "their_rounds": figure.theirs,
            })
        })
        .collect();
    let document = json!({
        "machine": machine.record(),
        "rounds": rounds,
        "time_milliseconds": options.time,
        "tasks": options.tasks,
        "wakes": options.wakes,
        "figures": figures,
    });
    Ok(std::fs::write(file, serde_json::to_string_pretty(&document)? + "\n")?)
}

/// Why a run ended early.
pub(crate) fn failure(error: &dyn std::error::Error) {
    eprintln!("error: {error}");
}

/// What a second process tells the first: a line, at once.
pub(crate) fn tell(line: &str) {
    println!("{line}");
}

const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::TasksPerSecond => "tasks/s",
        Unit::Milliseconds => "ms",
        Unit::Percent => "%",
        Unit::Mebibytes => "MiB",
        Unit::Kibibytes => "KiB",
    }
}

/// `12345.6` as `12,346`.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(grouped(12_345.6), "12,346");
        assert_eq!(grouped(999.4), "999");
        assert_eq!(grouped(1_000_000.0), "1,000,000");
    }
}
