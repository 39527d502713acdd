//! Verbs over all tasks that match: counting, cancelling, running again.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::rerun::Which;
use crate::engine::transition::Transition;
use crate::engine::{cancel, retry};
use crate::error::{Error, Result};
use crate::future::breath;
use crate::rules::limits;
use crate::runtime::engine::Engine;
use crate::store::Applied;
use crate::words::{Changed, Filter, Stretch, Tally, Task, TaskId, TaskKind, TaskStatus};

/// Tasks that one look finds, and one transaction changes.
const LOOK: usize = 1_000;
/// Ids that one look finds when they are only counted.
const COUNT: u64 = 10_000;
/// Rows of one read: each may have megabytes.
const ROWS: usize = 100;

/// What is done to each task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// See `engine::cancel`.
    Cancel,
    /// See `engine::retry`.
    Retry,
}

impl Verb {
    /// The statuses that it changes.
    const fn takes(self) -> &'static [TaskStatus] {
        match self {
            Self::Cancel => cancel::TAKES,
            Self::Retry => retry::TAKES,
        }
    }

    /// Whether more than the row of the task must be looked at.
    const fn goes_alone(self, task: &Task) -> bool {
        match self {
            Self::Cancel => matches!(task.kind, TaskKind::Batch),
            Self::Retry => !matches!(task.kind, TaskKind::Task),
        }
    }

    /// `None` where the task stays as it is.
    fn decide(self, task: &Task) -> Option<Transition> {
        match self {
            Self::Cancel => cancel::decide(task),
            Self::Retry => retry::decide(task).ok(),
        }
    }
}

impl Engine {
    pub(super) async fn count_matching(
        &self,
        tenant: &str,
        filter: Filter,
        most: u32,
    ) -> Result<Tally> {
        limits::check_most(most, limits::COUNT_MOST)?;
        if filter.is_counted() {
            let asked = |status| filter.status.is_empty() || filter.status.contains(&status);
            let counts = self.store.counts(tenant).await?.into_iter().filter(|count| {
                asked(count.status) && filter.queue.as_ref().is_none_or(|q| *q == count.queue)
            });
            return Ok(Tally { count: counts.map(|count| count.count).sum(), exact: true });
        }
        let most = u64::from(most);
        let (mut count, mut cursor) = (0, None);
        // One more tells whether `most` were all.
        while count <= most {
            let left = (most + 1 - count).min(COUNT);
            let found = self.store.find(tenant, filter.clone(), cursor, left as u32).await?;
            count += found.ids.len() as u64;
            cursor = found.next;
            if cursor.is_none() {
                break;
            }
            breath().await;
        }
        Ok(Tally { count: count.min(most), exact: count <= most })
    }

    pub(super) async fn change_matching(
        &self,
        tenant: &str,
        verb: Verb,
        filter: Filter,
        stretch: Stretch,
    ) -> Result<Changed> {
        let Stretch { mut cursor, most } = stretch;
        limits::check_most(most, limits::CHANGE_MOST)?;
        if filter.is_empty() {
            let reason = "must say which tasks: all of them are never meant";
            return Err(Error::invalid("filter", reason));
        }
        let Some(filter) = filter.among(verb.takes()) else { return Ok(Changed::default()) };
        let (mut changed, mut found_all) = (0, Vec::new());
        let (more, next) = loop {
            let done = if verb == Verb::Retry { found_all.len() as u64 } else { changed };
            let left = u64::from(most).saturating_sub(done).min(LOOK as u64);
            // At the bound it only looks whether one more matches.
            let look = left.max(1) as u32;
            let found = self.store.find(tenant, filter.clone(), cursor, look).await?;
            if left == 0 && !found.ids.is_empty() {
                break (true, cursor);
            }
            match verb {
                Verb::Cancel => {
                    changed += self.change_some(tenant, verb, &filter, found.ids).await?
                }
                Verb::Retry => found_all.extend(found.ids),
            }
            cursor = found.next;
            if cursor.is_none() {
                break (false, None);
            }
            breath().await;
        };
        // What takes turns runs again in the order in which it was submitted.
        found_all.sort_unstable();
        for ids in found_all.chunks(LOOK) {
            changed += self.change_some(tenant, verb, &filter, ids.to_vec()).await?;
            breath().await;
        }
        Ok(Changed { changed, more, next })
    }

    /// Changes these tasks, as far as they still match, in their order by one transaction; stages that run
    /// again, by one for each pipeline. Answers how many.
    async fn change_some(
        &self,
        tenant: &str,
        verb: Verb,
        filter: &Filter,
        ids: Vec<TaskId>,
    ) -> Result<u64> {
        let mut transitions = Vec::with_capacity(ids.len());
        let (mut changed, mut alone) = (0, Vec::new());
        let mut stages: BTreeMap<TaskId, BTreeSet<TaskId>> = BTreeMap::new();
        for ids in ids.chunks(ROWS) {
            let rows = self.store.get(tenant, ids.to_vec()).await?;
            for task in rows.iter().flatten().filter(|task| filter.matches(task)) {
                if verb.goes_alone(task) {
                    alone.push(task.task_id);
                } else if let (Verb::Retry, Some(pipeline)) = (verb, task.pipeline_id) {
                    stages.entry(pipeline).or_default().insert(task.task_id);
                } else {
                    transitions.extend(verb.decide(task));
                }
            }
        }
        for id in alone {
            let done = match verb {
                Verb::Cancel => self.cancel_task(tenant, id).await,
                Verb::Retry => self.retry_task(tenant, id).await,
            };
            changed += u64::from(is_done(done)?.is_some());
            breath().await;
        }
        for (pipeline, ids) in stages {
            let again = is_done(self.rerun(tenant, pipeline, Which::These(&ids)).await)?;
            changed += again.map_or(0, |again| again.intersection(&ids).count() as u64);
            breath().await;
        }
        // What moves on between look and write is decided anew.
        while !transitions.is_empty() {
            let mut again = Vec::new();
            for applied in self.store.settle(transitions, None).await?.0 {
                match applied? {
                    Applied::Done(done) => {
                        changed += 1;
                        self.ring_for(&done);
                        if done.status == TaskStatus::Running {
                            self.bells.cancel.ring();
                        }
                    }
                    Applied::Stale(task) if filter.matches(&task) => {
                        again.extend(verb.decide(&task));
                    }
                    Applied::Stale(_) | Applied::Missing => {}
                }
            }
            transitions = again;
        }
        Ok(changed)
    }
}

/// `None` where there is nothing to do: run again with another task already, or pruned meanwhile.
fn is_done<T>(done: Result<T>) -> Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(
            Error::InvalidTransition { .. }
            | Error::TaskNotFound { .. }
            | Error::PipelineNotFound { .. },
        ) => Ok(None),
        Err(error) => Err(error),
    }
}
