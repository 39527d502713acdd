//! Looks for the work that a silent worker neglects.

use std::time::Duration;

use windlass_core::rules::deaf;
use windlass_core::{Error, Filter, QueueInfo, Result, Service, Task, TaskStatus, WorkerInfo};

/// Waiting tasks of one queue, or of one handler in it, that are looked at.
const LOOK: u32 = 100;
/// Handlers of a worker that are looked for one by one.
const HANDLERS: usize = 32;
/// Tasks that ran lately that are looked at.
const RECENT: u32 = 1000;

/// What a judgement over some workers of a tenant is made from; read when it is first needed.
pub(super) struct Judge<'a> {
    service: &'a dyn Service,
    tenant: &'a str,
    read: Option<(Vec<QueueInfo>, Vec<Task>)>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(service: &'a dyn Service, tenant: &'a str) -> Self {
        Self { service, tenant, read: None }
    }

    /// Whether a live worker that did not ask for `quiet` is deaf.
    pub(super) async fn is_deaf(&mut self, worker: &WorkerInfo, quiet: Duration) -> Result<bool> {
        if !deaf::may_be(worker, quiet) {
            return Ok(false);
        }
        let (service, tenant) = (self.service, self.tenant);
        if self.read.is_none() {
            let since = service.now().before(deaf::SILENCE);
            let recent = match service.recent(tenant, since, RECENT).await {
                Err(Error::NotImplemented { .. }) => Vec::new(),
                recent => recent?,
            };
            self.read = Some((service.queues(tenant).await?, recent));
        }
        let Some((queues, recent)) = &self.read else { return Ok(false) };
        let is_deaf =
            |waiting: &[Task]| deaf::decide(worker, quiet, service.now(), waiting, recent);
        let has_work = |queue: &&QueueInfo| {
            !queue.paused
                && worker.queues.contains(&queue.queue)
                && queue.counts.get(&TaskStatus::Pending).is_some_and(|count| *count > 0)
        };
        for queue in queues.iter().filter(has_work) {
            if is_deaf(&self.waiting(&queue.queue, None).await?) {
                return Ok(true);
            }
            // Its own tasks may stand behind many that others handle.
            for handler in worker.handlers.iter().filter(|h| !h.is_empty()).take(HANDLERS) {
                if is_deaf(&self.waiting(&queue.queue, Some(handler)).await?) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn waiting(&self, queue: &str, task_type: Option<&String>) -> Result<Vec<Task>> {
        let filter = Filter {
            status: vec![TaskStatus::Pending],
            queue: Some(queue.to_owned()),
            task_type: task_type.cloned(),
            ..Filter::default()
        };
        Ok(self.service.list(self.tenant, filter, None, LOOK).await?.tasks)
    }
}
