//! Interleaved rounds, and what is made of them.

use std::time::{Duration, Instant};

use crate::Result;
use crate::place::Place;
use crate::report;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// More is better.
    TasksPerSecond,
    /// Less is better.
    Milliseconds,
}

/// One measurement, which may give several figures.
type Measure = Box<dyn Fn(&Place) -> Result<Vec<f64>>>;

/// Something to measure, ours and raw.
pub(crate) struct Workload {
    /// What is done, in a few words.
    pub(crate) name: &'static str,
    /// One for each figure that a measurement gives; empty for a single one.
    pub(crate) parts: &'static [&'static str],
    /// Of every figure.
    pub(crate) unit: Unit,
    /// Windlass.
    pub(crate) ours: Measure,
    /// SQLite alone, where it can do the like.
    pub(crate) raw: Option<Measure>,
}

/// Everything that was measured of one thing.
pub(crate) struct Figure {
    /// Workload and part.
    pub(crate) name: String,
    /// What is counted.
    pub(crate) unit: Unit,
    /// One value for each round.
    pub(crate) ours: Vec<f64>,
    /// The same, or nothing.
    pub(crate) raw: Vec<f64>,
}

impl Figure {
    /// How many times faster Windlass is than raw: the median of the rounds' own ratios.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let ratios = self.ours.iter().zip(&self.raw).map(|(ours, raw)| match self.unit {
            Unit::TasksPerSecond => ours / raw,
            Unit::Milliseconds => raw / ours,
        });
        median(&ratios.collect::<Vec<_>>())
    }
}

/// Runs every workload once in each round. Ends after `rounds`, or before a round that would begin
/// later than `within`; the first is always run.
pub(crate) fn run(
    workloads: &[Workload],
    rounds: u32,
    within: Duration,
    place: &Place,
) -> Result<Vec<Figure>> {
    let start = Instant::now();
    let mut figures: Vec<Figure> = Vec::new();
    for round in 0..rounds {
        if round > 0 && start.elapsed() > within {
            break;
        }
        let mut next = 0;
        for workload in workloads {
            report::progress(round + 1, rounds, workload.name);
            let ours = (workload.ours)(place)?;
            let raw = workload.raw.as_ref().map(|raw| raw(place)).transpose()?;
            for (i, value) in ours.iter().enumerate() {
                if round == 0 {
                    let part = workload.parts.get(i).map_or_else(String::new, |p| format!(", {p}"));
                    let name = format!("{}{part}", workload.name);
                    let (ours, raw) = (Vec::new(), Vec::new());
                    figures.push(Figure { name, unit: workload.unit, ours, raw });
                }
                let figure = &mut figures[next];
                figure.ours.push(*value);
                figure.raw.extend(raw.as_ref().and_then(|raw| raw.get(i)));
                next += 1;
            }
        }
    }
    report::progress_done();
    Ok(figures)
}

/// The middle value; of an even number the mean of the two in the middle.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The value below which `share` of the values lie: nearest rank.
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_ranks() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!((percentile(&hundred, 0.5), percentile(&hundred, 0.99)), (50.0, 99.0));
    }

    #[test]
    fn a_ratio_above_one_is_faster_whatever_the_unit() {
        let figure = |unit, ours, raw| Figure { name: String::new(), unit, ours, raw };
        let rate = figure(Unit::TasksPerSecond, vec![10.0, 40.0, 30.0], vec![20.0, 20.0, 20.0]);
        assert_eq!(rate.ratio(), Some(1.5));
        let latency = figure(Unit::Milliseconds, vec![2.0], vec![1.0]);
        assert_eq!(latency.ratio(), Some(0.5));
        assert_eq!(figure(Unit::Milliseconds, vec![2.0], vec![]).ratio(), None);
    }
}
