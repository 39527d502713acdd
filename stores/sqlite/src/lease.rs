//! How pending tasks are chosen and leased.

use rusqlite::{Result, params};
use windlass_core::engine::lease::grant;
use windlass_core::store::LeaseOrder;
use windlass_core::{Leased, TaskId, TaskStatus, Timestamp};

use crate::follow::Following;
use crate::hot::HotRows;
use crate::row::{self, Cells, Num};
use crate::tx::Tx;
use crate::{line, queues, updates};

/// Place of a task in lease order: priority, due time, id; and the number of its row.
type Place = (u8, Timestamp, TaskId, Num);

/// Leases what the order asks for.
pub(crate) fn lease(tx: &mut Tx<'_>, order: &LeaseOrder) -> Result<Leased> {
    let (places, suspect_waiting) = choose(tx, order)?;
    let mut leased = Leased { tasks: Vec::with_capacity(places.len()), suspect_waiting };
    if places.is_empty() {
        return Ok(leased);
    }
    let request = &order.request;
    let now = tx.now();
    let mut select = row::select_by_num(tx.connection)?;
    // What a grant changes on a task that is no suspect.
    let mut update = tx.connection.prepare_cached(
        "UPDATE tasks SET status = 3, token = ?2, lease_worker = ?3, lease_expires_at = ?4, \
         lease_counted = 0, version = ?5 WHERE num = ?1",
    )?;
    let mut following = Following::new();
    for (_, _, _, num) in places {
        let mut task = row::by_num(&mut select, num)?;
        let attempt = task.attempt;
        let (mut granted, entries) =
            grant(&mut task, &request.worker, order.token, request.ttl, now);
        if task.suspect {
            HotRows::new(tx.connection)?.write(num, &task)?;
            updates::insert(tx.connection, num, &entries)?;
            following.note(tx, num, &task, TaskStatus::Pending, attempt)?;
        } else {
            let expires_at = task.lease.as_ref().map(|lease| lease.expires_at.as_millis());
            update.execute(params![
                num,
                order.token.as_bytes(),
                request.worker,
                expires_at,
                task.version.cast_signed()
            ])?;
        }
        tx.counts.moved(&task.tenant, &task.queue, TaskStatus::Pending, TaskStatus::Running);
        if let Some(state_key) = &task.state_key {
            let stored = line::state(tx.connection, &task.tenant, state_key)?;
            granted.state = stored.or_else(|| task.initial_state.clone());
        }
        leased.tasks.push(granted);
    }
    following.finish(tx)?;
    Ok(leased)
}

/// Places to lease, in order, and whether a suspect waits that the request did not allow.
fn choose(tx: &Tx<'_>, order: &LeaseOrder) -> Result<(Vec<Place>, bool)> {
    let request = &order.request;
    let limit = request.limit as usize;
    let mut ready: Vec<Place> = Vec::with_capacity(limit);
    let mut suspect: Option<Place> = None;
    let mut select = tx.connection.prepare_cached(
        "SELECT priority, run_at, id, num FROM tasks INDEXED BY tasks_pending WHERE status = 2 \
         AND tenant = ?1 AND queue = ?2 AND handler = ?3 AND suspect = ?4 \
         ORDER BY priority, run_at, id LIMIT ?5",
    )?;
    let paused = queues::paused(tx.connection, &order.tenant)?;
    for (i, queue) in request.queues.iter().enumerate() {
        if request.queues[..i].contains(queue) || paused.contains(queue) {
            continue;
        }
        for (j, handler) in request.handlers.iter().enumerate() {
            if request.handlers[..j].contains(handler) {
                continue;
            }
            let mut line = |suspects: bool, most: u32, take: &mut dyn FnMut(Place) -> bool| {
                let mut rows =
                    select.query(params![order.tenant, queue, handler, suspects, most])?;
                while let Some(row) = rows.next()? {
                    let mut cells = Cells::new(row);
                    let priority = cells.take()?;
                    let run_at = cells.instant()?;
                    let id = TaskId::from_bytes(cells.take()?);
                    if !take((priority, run_at, id, cells.take()?)) {
                        break;
                    }
                }
                Ok::<(), rusqlite::Error>(())
            };
            // Lines are in order, so the rest of one is not looked at once it is past the worst of
            // those that are good enough.
            let worst = (ready.len() >= limit).then(|| ready.last().copied()).flatten();
            line(false, request.limit, &mut |place| {
                let better = worst.is_none_or(|worst| place < worst);
                if better {
                    ready.push(place);
                }
                better
            })?;
            ready.sort_unstable();
            ready.truncate(limit);
            line(true, 1, &mut |place| {
                suspect = Some(suspect.map_or(place, |first| first.min(place)));
                true
            })?;
        }
    }
    match suspect {
        Some(place) if ready.first().is_none_or(|first| place < *first) => {
            return Ok(if request.suspects { (vec![place], false) } else { (ready, true) });
        }
        Some(_) if !request.suspects => {}
        // The next call finds it first in order.
        Some(place) => ready.retain(|other| *other < place),
        None => {}
    }
    Ok((ready, false))
}
