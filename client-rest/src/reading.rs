//! Tasks by id, now or once they have ended. What is too large for one answer is asked for in parts.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use windlass_core::client::{Waited, has_failed, is_over};
use windlass_core::future::BoxFuture;
use windlass_core::words::{TaskIds, WaitBody};
use windlass_core::{Result, TaskId};

use crate::call::{Call, json};
use crate::service::{HOLD, RestService, counted};
use crate::working::TOO_LARGE;

/// How long one part of a wait for the first failure is looked at before the next one is, and how often
/// who must not wait on a connection asks.
pub(crate) const TURN: Duration = Duration::from_secs(1);

/// Tasks as a server answers them, each in whatever form it is handed on.
#[derive(Deserialize)]
pub(crate) struct Tasks<T> {
    pub(crate) tasks: Vec<T>,
}

impl RestService {
    pub(crate) async fn find<T: DeserializeOwned + Send>(
        &self,
        tenant: &str,
        ids: &[TaskId],
    ) -> Result<Vec<Option<T>>> {
        let mut found = Vec::with_capacity(ids.len());
        let mut part = ids.len();
        while found.len() < ids.len() {
            let end = ids.len().min(found.len() + part);
            let asked = &ids[found.len()..end];
            let call = Call::post("get", "/tasks/find".to_owned(), Some(json(&named(asked))?));
            let call = call.tenant(tenant);
            if asked.len() == 1 {
                found.extend(counted(self.calls.ask::<Tasks<Option<T>>>(&call).await?.tasks, 1)?);
                continue;
            }
            match unless_large(self.calls.ask_unless_large::<Tasks<Option<T>>>(&call).await)? {
                Some(answer) => found.extend(counted(answer.tasks, asked.len())?),
                None => part = asked.len().div_ceil(2),
            }
        }
        Ok(found)
    }

    pub(crate) async fn wait_for<T: Waited + DeserializeOwned + Send>(
        &self,
        tenant: &str,
        ids: &[TaskId],
        fail_fast: bool,
        wait: Duration,
    ) -> Result<Vec<T>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let task_ids = Arc::new(named(ids).task_ids);
        let host = self.calls.host();
        let start = host.monotonic();
        loop {
            let left = || wait.saturating_sub(host.monotonic().saturating_sub(start));
            let asked = task_ids.clone();
            let body = move |left: Duration| {
                let task_ids = asked.to_vec();
                json(&WaitBody { task_ids, fail_fast, wait_seconds: left.as_secs_f64() })
            };
            let path = "/tasks/wait".to_owned();
            let seat = self.calls.seat();
            let hold = if seat.is_some() { left().min(HOLD) } else { Duration::ZERO };
            let call = Call::held("wait", path, hold, body).tenant(tenant);
            let tasks = match ids.len() {
                1 => self.calls.ask::<Tasks<T>>(&call).await?.tasks,
                _ => match unless_large(self.calls.ask_unless_large::<Tasks<T>>(&call).await)? {
                    Some(answer) => answer.tasks,
                    None => return self.wait_in_parts(tenant, ids, fail_fast, left()).await,
                },
            };
            let tasks = counted(tasks, ids.len())?;
            if left().is_zero() || is_over(&tasks, fail_fast) {
                return Ok(tasks);
            }
            if seat.is_none() {
                host.sleep(left().min(TURN)).await;
            }
        }
    }

    /// Waits for one half after the other; for the first failure, for both in turns.
    fn wait_in_parts<'a, T: Waited + DeserializeOwned + Send + 'a>(
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
}

/// `None` also when the answer, or the question, is larger than the server takes.
fn unless_large<T>(answer: Result<Option<T>>) -> Result<Option<T>> {
    match answer {
        Err(error) if error.http_status() == TOO_LARGE => Ok(None),
        answer => answer,
    }
}

fn named(ids: &[TaskId]) -> TaskIds {
    TaskIds { task_ids: ids.iter().map(TaskId::to_string).collect() }
}
