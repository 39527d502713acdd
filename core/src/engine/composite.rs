//! A task that stands for others: what it keeps of its request, and when it ends.

use serde::{Deserialize, Serialize};

use crate::engine::settle::TASK_TIMEOUT;
use crate::engine::transition::{Guard, Transition};
use crate::error::Result;
use crate::rules::strategy::{Overall, StepTally, Strategy, judge as judge_steps};
use crate::words::{
    Hooks, Members, Payload, Task, TaskError, TaskId, TaskKind, TaskStatus, Timestamp, When,
};

/// Code of a task that was cancelled because one that it waited for did not complete.
pub const UPSTREAM_FAILED: &str = "upstream_failed";
/// Code of a task that was to run at another end of what it waited for.
pub const CONDITION_NOT_MET: &str = "condition_not_met";
/// Code of a block or pipeline that ended badly.
pub const EXECUTION_FAILED: &str = "parallel_execution_error";

/// What a composite keeps of its request: its row's payload.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// The strategy's word, of a block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// With `quorum`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    /// With `throttled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_second: Option<f64>,
    /// Steps that run at once, of a block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrency: Option<u32>,
    /// What runs when a batch has ended.
    #[serde(skip_serializing_if = "is_without")]
    pub hooks: Hooks,
}

fn is_without(hooks: &Hooks) -> bool {
    *hooks == Hooks::default()
}

impl Plan {
    /// The plan of a composite.
    ///
    /// # Errors
    ///
    /// `invalid_payload`: the row was not written by `compose`.
    pub fn of(task: &Task) -> Result<Self> {
        task.payload.read("payload")
    }

    /// Its JSON text.
    pub fn to_payload(&self) -> Payload {
        Payload::trusted(serde_json::to_string(self).expect("a plan is plain data"))
    }

    /// The strategy of a block; `all` for everything else.
    ///
    /// # Errors
    ///
    /// `invalid_argument`.
    pub fn strategy(&self) -> Result<Strategy> {
        match &self.strategy {
            Some(word) => {
                let rate = self.rate_per_second;
                Strategy::parse(
                    word,
                    self.quorum.map(i64::from),
                    rate,
                    self.max_concurrency.unwrap_or(1),
                )
            }
            None => Ok(Strategy::All),
        }
    }
}

/// How the steps of a block stand, as the strategies count them.
pub fn steps(tally: &Members) -> StepTally {
    StepTally {
        total: tally.total,
        completed: tally.completed,
        failed: tally.failed,
        cancelled: tally.cancelled,
        first: tally.first,
    }
}

/// What a composite comes to, once its members decide it; `None` before.
///
/// A block ends as its strategy says. A batch and a pipeline end with their last member: `failed` when
/// one failed, else `cancelled` when one was cancelled, else `completed`.
pub fn judge(task: &Task) -> Option<Transition> {
    let tally = task.members.unwrap_or_default();
    let guard = Guard::Version(task.version);
    if task.kind == TaskKind::Block {
        // A plan that cannot be read was refused before it was stored.
        let strategy = Plan::of(task).and_then(|plan| plan.strategy()).unwrap_or(Strategy::All);
        let overall = judge_steps(&strategy, &steps(&tally))?;
        let mut to = Transition::new(task, guard, status_of(overall));
        if overall == Overall::Failed {
            let text = format!("{} of {} steps failed", tally.failed, tally.total);
            to.error = Some(TaskError::new(EXECUTION_FAILED, text).fatal());
        }
        return Some(to);
    }
    if tally.open() > 0 {
        return None;
    }
    let noun = if task.kind == TaskKind::Pipeline { "stages" } else { "tasks" };
    let status = match tally {
        Members { failed: 1.., .. } => TaskStatus::Failed,
        Members { cancelled: 1.., .. } => TaskStatus::Cancelled,
        _ => TaskStatus::Completed,
    };
    let mut to = Transition::new(task, guard, status);
    to.error = match status {
        TaskStatus::Failed => {
            let text = format!("{} of {} {noun} failed", tally.failed, tally.total);
            Some(TaskError::new(EXECUTION_FAILED, text).fatal())
        }
        TaskStatus::Cancelled => {
            let text = format!("{} of {} {noun} were cancelled", tally.cancelled, tally.total);
            Some(TaskError::new("task_cancelled", text).fatal())
        }
        _ => None,
    };
    Some(to)
}

/// The status of a block with this verdict. One that ran to its end with some failures has done what it
/// was asked to.
pub const fn status_of(overall: Overall) -> TaskStatus {
    match overall {
        Overall::Completed | Overall::Partial => TaskStatus::Completed,
        Overall::Failed | Overall::Timeout => TaskStatus::Failed,
        Overall::Cancelled => TaskStatus::Cancelled,
    }
}

/// The verdict on a block as its row tells it; `None` while it runs.
pub fn overall(task: &Task) -> Option<Overall> {
    match task.status {
        TaskStatus::Cancelled => Some(Overall::Cancelled),
        TaskStatus::Failed if task.error.as_ref().is_some_and(|e| e.code == TASK_TIMEOUT) => {
            Some(Overall::Timeout)
        }
        // Its steps were counted as cancelled since: they may come to another verdict now.
        TaskStatus::Failed => Some(Overall::Failed),
        TaskStatus::Completed => {
            let strategy = Plan::of(task).and_then(|plan| plan.strategy()).unwrap_or(Strategy::All);
            judge_steps(&strategy, &steps(&task.members.unwrap_or_default()))
        }
        _ => None,
    }
}

/// Ends a composite whose time is over. What is unfinished is cancelled with it.
pub fn time_out(task: &Task) -> Transition {
    let mut to = Transition::new(task, Guard::Version(task.version), TaskStatus::Failed);
    let text = format!("the {} did not end within its timeout", task.kind.as_str());
    to.error = Some(TaskError::new(TASK_TIMEOUT, text).fatal());
    to
}

/// Cancels a composite at once, and with it what is unfinished; `None` when it has ended.
pub fn cancel(task: &Task) -> Option<Transition> {
    if task.status.is_final() {
        return None;
    }
    let mut to = Transition::new(task, Guard::Version(task.version), TaskStatus::Cancelled);
    to.cancel_requested = Some(true);
    to.error = Some(TaskError::new("task_cancelled", "cancelled on request").fatal());
    Some(to)
}

/// Whether a composite that has ended was ended from outside, before its members decided it.
pub fn was_stopped(task: &Task) -> bool {
    task.cancel_requested || task.error.as_ref().is_some_and(|error| error.code == TASK_TIMEOUT)
}

/// Lets a composite that had ended go on, because a member runs again.
pub fn reopen(task: &Task) -> Transition {
    let mut to = Transition::new(task, Guard::Version(task.version), TaskStatus::Running);
    to.start_over = true;
    // Its timeout counts from here.
    to.run_at = Some(When::Now);
    to.cancel_requested = Some(false);
    to.message = Some("a member runs again".to_owned());
    to
}

/// When the time of a running composite is over: its timeout after it was stored, or after it went on.
pub fn deadline(task: &Task) -> Option<Timestamp> {
    let runs = task.status == TaskStatus::Running && task.kind != TaskKind::Task;
    task.timeout.filter(|_| runs).map(|timeout| task.run_at.after(timeout))
}

/// A task that waited for others may run: now, or at its time.
pub fn release(task: &Task, now: Timestamp) -> Transition {
    let status = if task.run_at > now { TaskStatus::Scheduled } else { TaskStatus::Pending };
    let mut to = Transition::new(task, Guard::Version(task.version), status);
    to.waits = Some(0);
    if status == TaskStatus::Pending {
        // Its turn among the others counts from now on.
        to.run_at = Some(When::Now);
    }
    to
}

/// A task will not run: what it waited for ended otherwise. `stage` is the name of that, where it has
/// one.
pub fn doom(task: &Task, upstream: TaskId, stage: Option<&str>, completed: bool) -> Transition {
    let mut to = Transition::new(task, Guard::Version(task.version), TaskStatus::Cancelled);
    let name = stage.map_or_else(|| upstream.to_string(), |stage| format!("{stage:?}"));
    to.error = Some(if completed {
        let text = format!("was to run if {name} failed, and it completed");
        TaskError::new(CONDITION_NOT_MET, text).fatal()
    } else {
        TaskError::new(UPSTREAM_FAILED, format!("{name} did not complete")).fatal()
    });
    to
}

/// A task that was not needed at the first end of a composite may be at the next: it waits again. `None`
/// for one that ran.
pub fn restore(task: &Task) -> Option<Transition> {
    let code = task.error.as_ref().map(|error| error.code.as_str());
    if task.status != TaskStatus::Cancelled
        || !matches!(code, Some(UPSTREAM_FAILED | CONDITION_NOT_MET))
    {
        return None;
    }
    let mut to = Transition::new(task, Guard::Version(task.version), TaskStatus::Blocked);
    to.waits = Some(1);
    to.start_over = true;
    to.cancel_requested = Some(false);
    to.message = Some("what it waits for goes on".to_owned());
    Some(to)
}

/// Stops a member of a composite that has ended: at once when it waits, by request when it runs.
pub fn stop(task: &Task, why: &str) -> Option<Transition> {
    let mut to = super::cancel::decide(task)?;
    if let Some(error) = &mut to.error {
        error.message = format!("cancelled: {why}");
        // Nobody asked for this one, and what ends on request ends later than its composite.
        to.cancel_requested = None;
    }
    Some(to)
}
