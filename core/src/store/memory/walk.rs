//! Bounded walks: choosing tasks to lease, and listing.

use std::ops::Bound;

use super::index::{Entry, Index};
use super::lines::{Line, place};
use super::table::Table;
use crate::rules::order::sort;
use crate::store::LeaseOrder;
use crate::words::{Cursor, Filter, Task};

/// Rows that one page of a list may look at.
const LIST_BUDGET: usize = 10_000;

/// What to lease, in order, and whether a suspect waits that the request did not allow.
pub(super) fn choose(table: &Table, order: &LeaseOrder) -> (Vec<Entry>, bool) {
    let request = &order.request;
    let limit = request.limit as usize;
    let mut lines: Vec<&Line> = Vec::new();
    let is_open = |queue: &&String| !table.indexes.queues.is_paused(&order.tenant, queue);
    for queue in request.queues.iter().filter(is_open) {
        for handler in &request.handlers {
            // A name that is given twice names the same line.
            if let Some(line) = table.indexes.lines.get(&order.tenant, queue, handler)
                && !lines.iter().any(|known| std::ptr::eq(*known, line))
            {
                lines.push(line);
            }
        }
    }
    let suspect = lines.iter().filter_map(|line| line.suspects.iter().next()).min();
    let mut ready: Vec<Entry> = Vec::new();
    for line in &lines {
        ready.extend(line.ready.iter().take(limit));
    }
    if lines.len() > 1 {
        sort(&mut ready);
    }
    ready.truncate(limit);
    match suspect {
        Some(first) if ready.first().is_none_or(|ready| first < *ready) => {
            return match request.suspects {
                true => (vec![first], false),
                false => (ready, true),
            };
        }
        Some(_) if !request.suspects => {}
        // The next call finds it first in order.
        Some(suspect) => ready.retain(|other| *other < suspect),
        None => {}
    }
    (ready, false)
}

/// Pending tasks of the same line before `task`, up to `most`.
pub(super) fn ahead(table: &Table, task: &Task, most: u64) -> u64 {
    let Some(line) = table.indexes.lines.get(&task.tenant, &task.queue, &task.handler) else {
        return 0;
    };
    let before = |set: &Index| {
        let before = set.range(Bound::Unbounded, Bound::Excluded(place(task)));
        before.take(most as usize).count() as u64
    };
    (before(&line.ready) + before(&line.suspects)).min(most)
}

/// Hands over the tenant's tasks that match, newest first, at most `limit`; answers where to go on.
pub(super) fn matching(
    table: &Table,
    tenant: &str,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: usize,
    mut found: impl FnMut(&Task),
) -> Option<Cursor> {
    let below = [cursor.map(|cursor| cursor.after), filter.above_ids()].into_iter().flatten().min();
    let below = below.map_or(Bound::Unbounded, Bound::Excluded);
    let least = filter.least_id().map_or(Bound::Unbounded, Bound::Included);
    if let (Bound::Excluded(top), Bound::Included(bottom)) = (below, least)
        && top <= bottom
    {
        return None;
    }
    let (mut count, mut next) = (0, None);
    // Rows of others are not counted: their number must not show.
    let rows = table.rows.range(least, below).rev().map(|(_, slot)| &table.rows[slot].task);
    for (looked, task) in rows.filter(|task| task.tenant == tenant).enumerate() {
        if count == limit || looked == LIST_BUDGET {
            return next;
        }
        next = Some(Cursor { after: task.task_id });
        if filter.matches(task) {
            count += 1;
            found(task);
        }
    }
    None
}
