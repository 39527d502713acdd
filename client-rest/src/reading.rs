//! Tasks by id, now or once they have ended. What is too large for one answer is asked for in parts.

use std::sync::Arc;
use std::time::Duration;

use windlass_core::client::{Waited, has_failed, is_over};
use windlass_core::future::BoxFuture;
use windlass_core::words::members::quoted_list;
use windlass_core::words::{FoundTasks, Seconds};
use windlass_core::{Result, Task, TaskId};

use crate::answered::counted;
use crate::call::Call;
use crate::service::{HOLD, RestService};
use crate::verb;
use crate::working::TOO_LARGE;

/// How long one part of a wait for the first failure is looked at before the next one is, and how often
/// who must not wait on a connection asks.
pub(crate) const TURN: Duration = Duration::from_secs(1);

/// A record of a server's answer, in whatever form it is handed on.
pub(crate) trait Record: Sized + Send {
    /// One, from its text.
    fn one(text: &str) -> serde_json::Result<Self>;

    /// Those of an answer that lists them; `None` where it has `null`.
    fn list(text: &str) -> serde_json::Result<Vec<Option<Self>>>;
}

impl Record for Task {
    fn one(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    fn list(text: &str) -> serde_json::Result<Vec<Option<Self>>> {
        serde_json::from_str(text).map(|found: FoundTasks| found.tasks)
    }
}

impl RestService {
    pub(crate) async fn find<T: Record>(
        &self,
        tenant: &str,
        ids: &[TaskId],
    ) -> Result<Vec<Option<T>>> {
        let mut found = Vec::with_capacity(ids.len());
        let mut part = ids.len();
        while found.len() < ids.len() {
            let end = ids.len().min(found.len() + part);
            let asked = &ids[found.len()..end];
            let call = verb::FIND.call().json(named(asked).into()).tenant(tenant);
            match self.records(&call, asked.len()).await? {
                Some(tasks) => found.extend(tasks),
                None => part = asked.len().div_ceil(2),
            }
        }
        Ok(found)
    }

    pub(crate) async fn wait_for<T: Waited + Record>(
        &self,
        tenant: &str,
        ids: &[TaskId],
        fail_fast: bool,
        wait: Duration,
    ) -> Result<Vec<T>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        // Without its last sign, which ends it.
        let named = named(ids);
        let task_ids: Arc<str> = named[..named.len() - 1].into();
        let host = self.calls.host();
        let start = host.monotonic();
        loop {
            let left = || wait.saturating_sub(host.monotonic().saturating_sub(start));
            let asked = task_ids.clone();
            let body = move |left: Duration| {
                let fail_fast = if fail_fast { "true" } else { "false" };
                let wait = Seconds(left).json();
                let rest = [",\"fail_fast\":", fail_fast, ",\"wait_seconds\":", &wait, "}"];
                Ok([&*asked, &rest.concat()].concat().into())
            };
            let seat = self.calls.seat();
            let hold = if seat.is_some() { left().min(HOLD) } else { Duration::ZERO };
            let call = verb::WAIT.call().held(hold, body).tenant(tenant);
            let Some(tasks) = self.records(&call, ids.len()).await? else {
                return self.wait_in_parts(tenant, ids, fail_fast, left()).await;
            };
            let tasks = counted(tasks.into_iter().flatten().collect(), ids.len())?;
            if left().is_zero() || is_over(&tasks, fail_fast) {
                return Ok(tasks);
            }
            if seat.is_none() {
                host.sleep(left().min(TURN)).await;
            }
        }
    }

    /// Waits for one half after the other; for the first failure, for both in turns.
    fn wait_in_parts<'a, T: Waited + Record + 'a>(
        &'a self,
        tenant: &'a str,
        ids: &'a [TaskId],
        fail_fast: bool,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Vec<T>>> {
        Box::pin(async move {
            let host = self.calls.host();
            let start = host.monotonic();
            let left = || wait.saturating_sub(host.monotonic().saturating_sub(start));
            let turn = || if fail_fast { left().min(TURN) } else { left() };
            let (one, other) = ids.split_at(ids.len() / 2);
            loop {
                let mut tasks: Vec<T> = self.wait_for(tenant, one, fail_fast, turn()).await?;
                let failed = fail_fast && has_failed(&tasks);
                let rest = if failed { Duration::ZERO } else { turn() };
                tasks.extend(self.wait_for(tenant, other, fail_fast, rest).await?);
                if left().is_zero() || is_over(&tasks, fail_fast) {
                    return Ok(tasks);
                }
            }
        })
    }

    /// The `count` records that answer `call`; `None` when the answer, or the question, is larger than one
    /// takes, unless it was about one.
    async fn records<T: Record>(
        &self,
        call: &Call,
        count: usize,
    ) -> Result<Option<Vec<Option<T>>>> {
        let several = count > 1;
        match self.calls.read(call, several, &T::list).await {
            Ok(Some(found)) => counted(found, count).map(Some),
            Ok(None) => Ok(None),
            Err(error) if several && error.http_status() == TOO_LARGE => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// JSON text that names tasks: `{"task_ids": […]}`.
fn named(ids: &[TaskId]) -> String {
    let ids = quoted_list(ids.iter().map(TaskId::to_string));
    ["{\"task_ids\":", &ids, "}"].concat()
}
