//! What a dynamic executor is told: the bounds of its pool, and its tasks.

use std::collections::HashMap;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::rules::graph::{self, Edge, Vertex};
use crate::rules::limits;
use crate::words::Priority;

/// The bounds of a pool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The fewest workers; at least 1.
    pub min_workers: u32,
    /// The most workers; at least `min_workers`.
    pub max_workers: u32,
    /// Cores of the machine: so many workers are never too many for its processors.
    pub cores: u32,
    /// What the tasks that run may need together, in MiB; `None` is no limit.
    pub memory_limit_mb: Option<f64>,
}

impl Bounds {
    /// Checks every bound.
    ///
    /// # Errors
    ///
    /// `invalid_argument` naming `min_workers`, `max_workers` or `memory_limit_mb`.
    pub fn check(&self) -> Result<()> {
        if self.min_workers == 0 {
            return Err(Error::invalid("min_workers", "must be at least 1"));
        }
        if self.max_workers < self.min_workers {
            let reason = format!("must be at least min_workers, which is {}", self.min_workers);
            return Err(Error::invalid("max_workers", reason));
        }
        match self.memory_limit_mb {
            Some(limit) if !(limit.is_finite() && limit > 0.0) => {
                Err(Error::invalid("memory_limit_mb", "must be a number above 0"))
            }
            _ => Ok(()),
        }
    }
}

/// A task to run; what it calls stays with the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Unique in its executor.
    pub task_id: String,
    /// More urgent ones start first.
    pub priority: Priority,
    /// What must complete first: tasks given together with this one, or before it.
    pub dependencies: Vec<String>,
    /// What it needs while it runs, in MiB; at least 0.
    pub memory_mb: f64,
    /// How long it may run; above 0.
    pub timeout: Option<Duration>,
    /// How long it is thought to run; only compared with how long it did.
    pub estimate: Option<Duration>,
}

impl Entry {
    fn check(&self, bounds: &Bounds) -> Result<()> {
        limits::name("task_id", &self.task_id)?;
        let refused = |field: &str, reason: String| {
            Err(Error::invalid(field, format!("{:?} {reason}", self.task_id)))
        };
        if !(self.memory_mb.is_finite() && self.memory_mb >= 0.0) {
            return refused("memory_requirement_mb", "needs a number from 0".to_owned());
        }
        if let Some(limit) = bounds.memory_limit_mb.filter(|limit| self.memory_mb > *limit) {
            let reason = format!("needs {} MiB and the limit is {limit}", self.memory_mb);
            return refused("memory_requirement_mb", reason);
        }
        if self.timeout == Some(Duration::ZERO) {
            return refused("timeout_seconds", "must be given a time above 0".to_owned());
        }
        Ok(())
    }
}

/// Checks tasks before any is taken, against each other and those that are `known` by their places.
/// Answers the edges by the places that they will have.
pub(super) fn check(
    entries: &[Entry],
    bounds: &Bounds,
    known: &HashMap<String, u32>,
) -> Result<Vec<Edge>> {
    for entry in entries {
        entry.check(bounds)?;
        if known.contains_key(&entry.task_id) {
            return Err(Error::invalid("task_id", format!("{:?} is given twice", entry.task_id)));
        }
    }
    // Known tasks that are waited for stand behind the new ones, without their own dependencies:
    // what was there before cannot wait for what comes now, so no circle goes through it.
    let mut upstream: Vec<(&str, u32)> = entries
        .iter()
        .flat_map(|entry| &entry.dependencies)
        .filter_map(|name| known.get_key_value(name))
        .map(|(name, place)| (name.as_str(), *place))
        .collect();
    upstream.sort_unstable_by_key(|(_, place)| *place);
    upstream.dedup();
    let own = entries
        .iter()
        .map(|entry| Vertex { name: &entry.task_id, depends_on: &entry.dependencies });
    let others = upstream.iter().map(|(name, _)| Vertex { name, depends_on: &[] });
    let vertices: Vec<Vertex<'_>> = own.chain(others).collect();
    let edges = graph::check(&vertices).map_err(renamed)?;
    let first = known.len() as u32;
    let place = |at: u32| match (at as usize).checked_sub(entries.len()) {
        Some(other) => upstream[other].1,
        None => first + at,
    };
    Ok(edges.into_iter().map(|edge| Edge { from: place(edge.from), to: place(edge.to) }).collect())
}

/// A task calls its name and its dependencies otherwise than a stage does.
fn renamed(error: Error) -> Error {
    match error {
        Error::InvalidArgument { field, reason } => {
            let field = match field.as_str() {
                "name" => "task_id".to_owned(),
                "depends_on" => "dependencies".to_owned(),
                _ => field,
            };
            Error::InvalidArgument { field, reason }
        }
        other => other,
    }
}
