//! Bounded walks: choosing tasks to lease, and listing.

use std::ops::Bound;

use super::lines::{Line, Place, place};
use super::table::Table;
use crate::store::LeaseOrder;
use crate::words::{Cursor, Filter, Page, Task, TaskId};

/// Rows that one page of a list may look at.
const LIST_BUDGET: usize = 10_000;

/// Ids to lease, in order, and whether a suspect waits that the request did not allow.
pub(super) fn choose(table: &Table, order: &LeaseOrder) -> (Vec<TaskId>, bool) {
    let request = &order.request;
    let limit = request.limit as usize;
    let lines: Vec<&Line> = request
        .queues
        .iter()
        .flat_map(|queue| request.handlers.iter().map(move |handler| (queue, handler)))
        .filter_map(|(queue, handler)| table.lines.get(&order.tenant, queue, handler))
        .collect();
    let suspect = lines.iter().filter_map(|line| line.suspects.first()).min().copied();
    let mut ready: Vec<Place> = Vec::new();
    for line in &lines {
        ready.extend(line.ready.iter().take(limit));
    }
    if lines.len() > 1 {
        ready.sort_unstable();
    }
    ready.truncate(limit);
    match suspect {
        Some(place) if ready.first().is_none_or(|first| place < *first) => {
            return match request.suspects {
                true => (vec![place.2], false),
                false => (ids(&ready), true),
            };
        }
        Some(_) if !request.suspects => {}
        // The next call finds it first in order.
        Some(place) => ready.retain(|other| *other < place),
        None => {}
    }
    (ids(&ready), false)
}

fn ids(places: &[Place]) -> Vec<TaskId> {
    places.iter().map(|place| place.2).collect()
}

/// Pending tasks of the same line before `task`, up to `most`.
pub(super) fn ahead(table: &Table, task: &Task, most: u64) -> u64 {
    let Some(line) = table.lines.get(&task.tenant, &task.queue, &task.handler) else { return 0 };
    let before = |set: &std::collections::BTreeSet<Place>| {
        set.range(..place(task)).take(most as usize).count() as u64
    };
    (before(&line.ready) + before(&line.suspects)).min(most)
}

/// A page of the tenant's tasks that match, newest first.
pub(super) fn list(
    table: &Table,
    tenant: &str,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: usize,
) -> Page {
    let below = cursor.map_or(Bound::Unbounded, |cursor| Bound::Excluded(cursor.after));
    let least = filter.since.map_or(Bound::Unbounded, |at| Bound::Included(TaskId::least_at(at)));
    if let (Bound::Excluded(top), Bound::Included(bottom)) = (below, least)
        && top <= bottom
    {
        return Page::default();
    }
    let mut page = Page::default();
    for (looked, task) in table.rows.range((least, below)).rev().map(|(_, task)| task).enumerate() {
        if page.tasks.len() == limit || looked == LIST_BUDGET {
            return page;
        }
        page.next = Some(Cursor { after: task.task_id });
        if task.tenant == tenant && filter.matches(task) {
            page.tasks.push(task.clone());
        }
    }
    page.next = None;
    page
}
