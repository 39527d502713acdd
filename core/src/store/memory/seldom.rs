//! What few pages ask of the store.

use super::MemoryStore;
use super::transaction::Transaction;
use super::walk;
use crate::apart::{Apart, seldom};
use crate::engine::follow::Follow;
use crate::engine::submit::NewTask;
use crate::engine::transition::Transition;
use crate::error::Result;
use crate::future::BoxFuture;
use crate::store::{Applied, Composed, Composition, Found, Graph};
use crate::words::{
    BatchId, Count, Counts, Cursor, Filter, Flows, Page, Payload, Task, TaskId, Timestamp,
};

seldom! { store: MemoryStore;
    compose(composition: Composition) -> Composed {
        let mut table = store.open()?;
        let (composed, followed) = table.compose(composition, store.clock.now())?;
        drop(table);
        store.followed(&followed);
        Ok(composed)
    }
    open_batch(composition: Composition) -> () {
        store.open()?.open_batch(composition, store.clock.now())
    }
    extend_batch(tenant: String, batch_id: BatchId, chunk: u32, tasks: Vec<NewTask>) -> u64 {
        store.open()?.extend_batch(&tenant, batch_id, chunk, tasks)
    }
    seal_batch(tenant: String, batch_id: BatchId, depth_limit: Option<u64>) -> Composed {
        let mut table = store.open()?;
        let now = store.clock.now();
        let (composed, followed) = table.seal_batch(&tenant, batch_id, depth_limit, now)?;
        drop(table);
        store.followed(&followed);
        Ok(composed)
    }
    graph(tenant: String, id: TaskId) -> Option<Graph> {
        Ok(store.open()?.graph(&tenant, id))
    }
    upstream(tenant: String, task_id: TaskId, name: String) -> Option<Task> {
        let table = store.open()?;
        let mut named = table.upstream(&tenant, task_id).into_iter();
        Ok(named.find(|(known, _)| *known == name).map(|(_, task)| task.clone()))
    }
    upstream_names(tenant: String, task_id: TaskId) -> Vec<String> {
        let table = store.open()?;
        let named = table.upstream(&tenant, task_id).into_iter();
        Ok(named.map(|(name, _)| name.to_owned()).collect())
    }
    settle_together(transitions: Vec<Transition>) -> Applied {
        let mut table = store.open()?;
        for transition in &transitions {
            match table.get(&transition.tenant, transition.task_id) {
                None => return Ok(Applied::Missing),
                Some(task) if !transition.guard.holds(task) => {
                    return Ok(Applied::Stale(Box::new(task.clone())));
                }
                Some(_) => {}
            }
        }
        let mut follow = Follow::default();
        let mut written = Transaction { table: &mut table, now: store.clock.now() };
        let mut first = None;
        for transition in &transitions {
            let applied = written.apply(transition, &mut follow)?;
            first.get_or_insert(applied);
        }
        let followed = store.finish(&mut table, follow)?;
        drop(table);
        store.followed(&followed);
        Ok(first.unwrap_or(Applied::Missing))
    }
    state(tenant: String, state_key: String) -> Option<Payload> {
        Ok(store.open()?.states.state(&tenant, &state_key))
    }
    list(tenant: String, filter: Filter, cursor: Option<Cursor>, limit: u32) -> Page {
        let table = store.open()?;
        let mut tasks = Vec::new();
        let next = walk::matching(&table, &tenant, &filter, cursor, limit as usize, |task| {
            tasks.push(task.clone());
        });
        Ok(Page { tasks, next })
    }
    find(tenant: String, filter: Filter, cursor: Option<Cursor>, limit: u32) -> Found {
        let table = store.open()?;
        let mut ids = Vec::new();
        let next = walk::matching(&table, &tenant, &filter, cursor, limit as usize, |task| {
            ids.push(task.task_id);
        });
        Ok(Found { ids, next })
    }
    counts(tenant: String) -> Vec<Count> {
        Ok(store.open()?.indexes.queues.counts(&tenant))
    }
    pause(tenant: String, queue: String, paused: bool) -> () {
        store.open()?.indexes.queues.pause(&tenant, &queue, paused);
        store.link.changed();
        Ok(())
    }
    paused(tenant: String) -> Vec<String> {
        Ok(store.open()?.indexes.queues.paused(&tenant))
    }
    oldest(tenant: String) -> Vec<(String, Timestamp)> {
        Ok(store.open()?.indexes.lines.oldest(&tenant))
    }
    batch(tenant: String, batch_id: BatchId) -> Counts {
        Ok(store.open()?.batch(&tenant, batch_id))
    }
    recent(tenant: String, since: Timestamp, limit: u32) -> Vec<Task> {
        Ok(store.open()?.recent(&tenant, since, limit as usize))
    }
    flow(from: Timestamp, until: Timestamp) -> Option<Flows> {
        Ok(store.open()?.flow(from, until))
    }
    ahead(task: Task, most: u64) -> u64 {
        Ok(walk::ahead(&*store.open()?, &task, most))
    }
}
