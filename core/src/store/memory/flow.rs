//! What came and what went within some time.

use std::ops::Bound::{Excluded, Included};

use super::table::Table;
use crate::rules::order::{Place, instant};
use crate::words::{Flows, Timestamp};

/// Rows that one call may look at, twice.
const BUDGET: usize = 500_000;

impl Table {
    /// What was stored and what ended from `from` until before `until`; `None` when that is too much.
    pub(super) fn flow(&self, from: Timestamp, until: Timestamp) -> Option<Flows> {
        let mut flows = Flows::new();
        let stored = self.stored.iter().rev().take_while(|(at, _)| *at >= from);
        for (looked, (at, id)) in stored.enumerate() {
            if looked == BUDGET {
                return None;
            }
            if let Some(task) = self.rows.get(*id).filter(|task| *at < until && task.kind.is_task())
            {
                flows.entry(task.tenant.clone()).or_default().submitted += 1;
            }
        }
        if from >= until {
            return Some(flows);
        }
        let bound = |at| Place::first(instant(at));
        let ended = self.indexes.finished.range(Included(bound(from)), Excluded(bound(until)));
        for (looked, (place, slot)) in ended.enumerate() {
            if looked == BUDGET {
                return None;
            }
            let task = &self.rows[slot].task;
            if !task.kind.is_task() {
                continue;
            }
            let flow = flows.entry(task.tenant.clone()).or_default();
            flow.ended(task.status, place.time().since(task.created_at));
        }
        Some(flows)
    }
}
