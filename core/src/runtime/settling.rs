//! Settling, renewing, cancelling, retrying: decide from the row, write under a guard, decide again
//! when the row has moved on.

use std::collections::HashMap;

use crate::engine::rerun::Which;
use crate::engine::transition::Transition;
use crate::engine::{cancel, retry, settle};
use crate::error::{Error, Result};
use crate::rules::limits;
use crate::runtime::engine::Engine;
use crate::runtime::seldom::SELDOM;
use crate::runtime::service::SettleReply;
use crate::store::{Applied, LeaseOrder};
use crate::words::{
    LeaseRequest, Leased, Renewal, Renewed, Settle, Settled, Task, TaskId, TaskKind, TaskStatus,
};

impl Engine {
    pub(super) fn order(&self, tenant: &str, request: LeaseRequest) -> LeaseOrder {
        LeaseOrder { tenant: tenant.to_owned(), request, token: self.ids.token() }
    }

    pub(super) async fn renew_leases(
        &self,
        tenant: &str,
        renewals: Vec<Renewal>,
    ) -> Result<Vec<Renewed>> {
        for renewal in &renewals {
            renewal.updates.iter().try_for_each(limits::check_update)?;
            renewal.extend.map_or(Ok(()), limits::check_ttl)?;
        }
        let told = |r: &&Renewal| r.started.is_some() || !r.updates.is_empty();
        let news: Vec<TaskId> = renewals.iter().filter(told).map(|r| r.task_id).collect();
        let answers = self.store.renew(tenant, renewals).await?;
        news.into_iter().for_each(|id| self.bells.task(id).ring());
        Ok(answers)
    }

    pub(super) async fn settle_outcomes(
        &self,
        tenant: &str,
        settles: Vec<Settle>,
        then: Option<LeaseRequest>,
    ) -> Result<SettleReply> {
        if let Some(request) = &then {
            limits::check_lease(request)?;
        }
        let settles: Vec<Result<Settle>> = settles.into_iter().map(settle::check).collect();
        let rows = self.rows_to_decide(tenant, &settles).await?;
        let mut settled: Vec<Option<Result<Settled>>> = Vec::with_capacity(settles.len());
        let mut transitions = Vec::with_capacity(settles.len());
        let mut places = Vec::with_capacity(settles.len());
        for (place, settle) in settles.iter().enumerate() {
            let decided = settle.as_ref().map_err(Clone::clone).and_then(|settle| {
                match settle::complete(settle, tenant) {
                    Some(transition) => Ok(transition),
                    None => self.decide_from(rows.get(&settle.task_id), settle),
                }
            });
            settled.push(match decided {
                Ok(transition) => {
                    transitions.push(transition);
                    places.push(place);
                    None
                }
                Err(error) => Some(Err(error)),
            });
        }
        let then = then.map(|request| self.order(tenant, request));
        let (applied, leased) = self.write(transitions, then).await?;
        for (place, applied) in places.into_iter().zip(applied) {
            let settle = settles[place].as_ref().map_err(Clone::clone)?;
            settled[place] = Some(match applied {
                Ok(Applied::Done(done)) => Ok(done),
                Ok(Applied::Stale(task)) => self.settle_again(*task, settle).await,
                Ok(Applied::Missing) => Err(Error::LeaseLost { task_id: settle.task_id }),
                Err(error) => Err(error),
            });
        }
        let settled: Vec<Result<Settled>> = settled.into_iter().flatten().collect();
        settled.iter().flatten().for_each(|done| self.ring_for(done));
        Ok(SettleReply { settled, leased })
    }

    /// Rows of the tasks whose outcome cannot be decided without looking.
    async fn rows_to_decide(
        &self,
        tenant: &str,
        settles: &[Result<Settle>],
    ) -> Result<HashMap<TaskId, Task>> {
        let looks = |settle: &&Settle| settle::complete(settle, tenant).is_none();
        let ids: Vec<TaskId> = settles.iter().flatten().filter(looks).map(|s| s.task_id).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = self.store.get(tenant, ids).await?;
        Ok(rows.into_iter().flatten().map(|task| (task.task_id, task)).collect())
    }

    fn decide_from(&self, row: Option<&Task>, settle: &Settle) -> Result<Transition> {
        match row {
            Some(task) if holds_lease(task, settle) => {
                Ok(settle::decide(task, settle, (self.options.chance)()))
            }
            _ => Err(Error::LeaseLost { task_id: settle.task_id }),
        }
    }

    /// The row moved on between look and write: a heartbeat or a cancel came in between. Decides anew
    /// for as long as the lease holds.
    async fn settle_again(&self, mut task: Task, settle: &Settle) -> Result<Settled> {
        loop {
            let transition = self.decide_from(Some(&task), settle)?;
            match self.settles.call(transition).await? {
                Applied::Done(done) => return Ok(done),
                Applied::Stale(row) => task = *row,
                Applied::Missing => return Err(Error::LeaseLost { task_id: settle.task_id }),
            }
        }
    }

    /// Writes transitions; a lone one without a lease goes with what others settle meanwhile.
    async fn write(
        &self,
        mut transitions: Vec<Transition>,
        then: Option<LeaseOrder>,
    ) -> Result<(Vec<Result<Applied>>, Leased)> {
        if then.is_none() && transitions.len() == 1 {
            let applied = match transitions.pop() {
                Some(transition) => self.settles.call(transition).await,
                None => return Ok((Vec::new(), Leased::default())),
            };
            return Ok((vec![applied], Leased::default()));
        }
        self.store.settle(transitions, then).await
    }

    pub(super) async fn cancel_task(&self, tenant: &str, task_id: TaskId) -> Result<Task> {
        let task = self.find(tenant, task_id).await?;
        if task.kind == TaskKind::Batch {
            (SELDOM.cancel_batch)(self, tenant.to_owned(), task_id.into()).await?;
            return self.find(tenant, task_id).await;
        }
        self.cancel_one(tenant, task_id).await
    }

    /// Cancels what is no batch.
    pub(super) async fn cancel_one(&self, tenant: &str, task_id: TaskId) -> Result<Task> {
        self.command(tenant, task_id, |task| Ok(cancel::decide(task))).await
    }

    pub(super) async fn retry_task(&self, tenant: &str, task_id: TaskId) -> Result<Task> {
        let task = self.find(tenant, task_id).await?;
        match (task.kind, task.pipeline_id) {
            (TaskKind::Pipeline, _) => {
                self.rerun(tenant, task_id, Which::All).await?;
            }
            (TaskKind::Batch, _) => self.retry_tasks_of(tenant, &task).await?,
            (_, Some(pipeline)) => {
                let name = task.stage.as_deref().unwrap_or_default();
                self.rerun(tenant, pipeline, Which::Named(name)).await?;
            }
            _ => {
                let decide = |task: &Task| retry::decide(task).map(Some);
                return self.command(tenant, task_id, decide).await;
            }
        }
        self.find(tenant, task_id).await
    }

    /// Decides and writes until the decision was made from the row as it is. Answers the task as it
    /// stands then.
    pub(super) async fn command(
        &self,
        tenant: &str,
        task_id: TaskId,
        decide: impl Fn(&Task) -> Result<Option<Transition>>,
    ) -> Result<Task> {
        let mut task = self.find(tenant, task_id).await?;
        loop {
            let Some(transition) = decide(&task)? else { return Ok(task) };
            match self.settles.call(transition).await? {
                Applied::Done(done) => {
                    self.ring_for(&done);
                    if done.status == TaskStatus::Running {
                        self.bells.cancel.ring();
                    }
                    return self.find(tenant, task_id).await;
                }
                Applied::Stale(row) => task = *row,
                Applied::Missing => {
                    return Err(Error::TaskNotFound { task_id: task_id.to_string() });
                }
            }
        }
    }

    pub(super) fn ring_for(&self, done: &Settled) {
        self.bells.task(done.task_id).ring();
        if done.status == TaskStatus::Pending {
            self.bells.work.ring();
        }
    }
}

fn holds_lease(task: &Task, settle: &Settle) -> bool {
    task.status == TaskStatus::Running && task.token == Some(settle.token)
}
