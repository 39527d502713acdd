//! What a run prints and writes.

// A benchmark is there to print; this is the file that does.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::IsTerminal;
use std::path::Path;

use serde_json::json;

use crate::Result;
use crate::machine::Machine;
use crate::options::Options;
use crate::rounds::{Figure, Unit, median};

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
    let rounds = rounds_of(figures);
    println!(
        "medians of {rounds} interleaved rounds; raw is SQLite alone, same tables and durability\n"
    );
    println!("{:width$}  {:>10}  {:>10}  {:>7}  unit", "", "windlass", "raw", "ratio");
    for figure in figures {
        let shown = |values: &[f64]| match (median(values), figure.unit) {
            (None, _) => "-".to_owned(),
            (Some(value), Unit::TasksPerSecond) => grouped(value),
            (Some(value), Unit::Milliseconds) => format!("{value:.2}"),
        };
        let ratio = figure.ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        println!(
            "{:width$}  {:>10}  {:>10}  {ratio:>7}  {}",
            figure.name,
            shown(&figure.ours),
            shown(&figure.raw),
            unit(figure.unit)
        );
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
                "raw": median(&figure.raw),
                "ratio": figure.ratio(),
                "windlass_rounds": figure.ours,
                "raw_rounds": figure.raw,
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
