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
    /// Of one processor; less is better.
    Percent,
    /// Less is better.
    Mebibytes,
    /// Less is better.
    Kibibytes,
}

impl Unit {
    /// Whether a larger value is a better one.
    pub(crate) const fn more_is_better(self) -> bool {
        matches!(self, Self::TasksPerSecond)
    }
}

/// What is to be reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    /// So many times as fast as what it is beside.
    Times(f64),
    /// A value at least as good for each part, in the unit.
    Values(&'static [f64]),
}

/// What a workload is compared with: its name, and the same work by it.
pub(crate) type Beside = (&'static str, Measure);

/// One measurement, which may give several figures.
pub(crate) type Measure = Box<dyn Fn(&Place) -> Result<Vec<f64>>>;

/// Something to measure, ours and beside it.
pub(crate) struct Workload {
    /// What is done, in a few words.
    pub(crate) name: String,
    /// One for each figure that a measurement gives; empty for a single one.
    pub(crate) parts: &'static [&'static str],
    /// Of every figure.
    pub(crate) unit: Unit,
    /// Windlass.
    pub(crate) ours: Measure,
    /// SQLite alone or a peer, where it can do the like.
    pub(crate) beside: Option<Beside>,
    /// What is to be reached, where something was said.
    pub(crate) target: Option<Target>,
}

/// Everything that was measured of one thing.
pub(crate) struct Figure {
    /// Workload and part.
    pub(crate) name: String,
    /// What is counted.
    pub(crate) unit: Unit,
    /// One value for each round.
    pub(crate) ours: Vec<f64>,
    /// What it is compared with.
    pub(crate) beside: &'static str,
    /// The same by that, or nothing.
    pub(crate) theirs: Vec<f64>,
    /// What is to be reached: a ratio, or a value.
    pub(crate) target: Option<Goal>,
}

/// A target of one figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// A ratio of at least this.
    Times(f64),
    /// A value that is no worse.
    Value(f64),
}

impl Figure {
    /// How many times better Windlass is, round by round.
    pub(crate) fn ratios(&self) -> Vec<f64> {
        let ratios = self.ours.iter().zip(&self.theirs);
        ratios.map(|(o, t)| if self.unit.more_is_better() { o / t } else { t / o }).collect()
    }

    /// How many times better Windlass is: the median of the rounds' own ratios.
    pub(crate) fn ratio(&self) -> Option<f64> {
        median(&self.ratios())
    }

    /// Whether the median reaches the target, where there is one.
    pub(crate) fn is_met(&self) -> Option<bool> {
        match self.target? {
            Goal::Times(least) => Some(self.ratio()? >= least),
            Goal::Value(value) => {
                let ours = median(&self.ours)?;
                Some(if self.unit.more_is_better() { ours >= value } else { ours <= value })
            }
        }
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
            report::progress(round + 1, rounds, &workload.name);
            let ours = (workload.ours)(place)?;
            let beside = workload.beside.as_ref();
            let theirs = beside.map(|(_, measure)| measure(place)).transpose()?;
            for (i, value) in ours.iter().enumerate() {
                if round == 0 {
                    let part = workload.parts.get(i).map_or_else(String::new, |p| format!(", {p}"));
                    let name = format!("{}{part}", workload.name);
                    let target = workload.target.map(|target| match target {
                        Target::Times(least) => Goal::Times(least),
                        Target::Values(values) => Goal::Value(values[i]),
                    });
                    let (ours, theirs) = (Vec::new(), Vec::new());
                    let (unit, beside) = (workload.unit, beside.map_or("", |(name, _)| *name));
                    figures.push(Figure { name, unit, ours, beside, theirs, target });
                }
                let figure = &mut figures[next];
                figure.ours.push(*value);
                figure.theirs.extend(theirs.as_ref().and_then(|theirs| theirs.get(i)));
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
        let figure = |unit, ours, theirs| Figure {
            name: String::new(),
            unit,
            ours,
            beside: "raw",
            theirs,
            target: Some(Goal::Times(1.0)),
        };
        let rate = figure(Unit::TasksPerSecond, vec![10.0, 40.0, 30.0], vec![20.0, 20.0, 20.0]);
        assert_eq!((rate.ratio(), rate.is_met()), (Some(1.5), Some(true)));
        let latency = figure(Unit::Milliseconds, vec![2.0], vec![1.0]);
        assert_eq!((latency.ratio(), latency.is_met()), (Some(0.5), Some(false)));
        let idle =
            Figure { target: Some(Goal::Value(1.0)), ..figure(Unit::Percent, vec![0.5], vec![]) };
        assert_eq!(idle.is_met(), Some(true));
        assert_eq!(figure(Unit::Milliseconds, vec![2.0], vec![]).ratio(), None);
    }
}
