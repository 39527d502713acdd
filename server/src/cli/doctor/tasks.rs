//! What the store holds: its clock, counts, workers, and what waits too long.

use std::time::Duration;

use windlass::{Client, Cursor, Error, Filter, SystemClock, Task, TaskId, TaskStatus, Timestamp};
use windlass::{Clock, Waiting};

use super::check::Check;
use crate::cli::output::time::{ago, span};

/// A pending task older than this is worth a word.
const LONG: Duration = Duration::from_secs(300);
/// Clocks further apart than this run tasks visibly early or late.
const SKEW: Duration = Duration::from_secs(2);
/// List calls that the search for the oldest task may spend; each looks at a bounded number of rows.
const PROBES: u32 = 64;

/// Looks at everything that the client can ask; stops at the first thing it cannot.
pub(super) async fn look(client: &Client, checks: &mut Vec<Check>) {
    checks.push(clock(client));
    let looks = async {
        let waiting = counts(client, checks).await?;
        workers(client, waiting, checks).await?;
        pending(client, waiting, checks).await
    };
    if let Err(error) = looks.await {
        checks.push(Check::error("tasks", &error));
    }
}

fn clock(client: &Client) -> Check {
    let (store, own) = (client.now(), SystemClock.now());
    let apart = store.since(own).max(own.since(store));
    if store < Timestamp::from_millis(1_700_000_000_000) {
        let hint = "set the clock of this machine; tasks would be due at the wrong time";
        return Check::fail("clock", format!("the store's clock says {store}"), hint);
    }
    if apart > SKEW {
        let hint = "synchronise the clocks; a task's times are judged by the store's";
        return Check::warn("clock", format!("the store's differs by {}", span(apart)), hint);
    }
    Check::ok("clock", format!("{store}"))
}

/// Answers how many tasks are pending.
async fn counts(client: &Client, checks: &mut Vec<Check>) -> Result<u64, Error> {
    let counts = client.counts().await?;
    let of = |status| counts.iter().filter(|c| c.status == status).map(|c| c.count).sum::<u64>();
    let words = TaskStatus::ALL.map(|status| (status, of(status)));
    let words = words.iter().filter(|(_, n)| *n > 0).map(|(status, n)| format!("{n} {status}"));
    let words = words.collect::<Vec<_>>().join(", ");
    let failed = of(TaskStatus::Failed);
    checks.push(match (words.is_empty(), failed) {
        (true, _) => Check::ok("tasks", "none yet".to_owned()),
        (false, 0) => Check::ok("tasks", words),
        (false, _) => {
            Check::warn("tasks", words, "look at them with: windlass tasks ls --status failed")
        }
    });
    Ok(of(TaskStatus::Pending))
}

async fn workers(client: &Client, waiting: u64, checks: &mut Vec<Check>) -> Result<(), Error> {
    let workers = client.workers().await?;
    let slots: u64 = workers.iter().map(|worker| u64::from(worker.concurrency)).sum();
    checks.push(match (workers.len(), waiting) {
        (0, 0) => Check::ok("workers", "none live, and nothing waits".to_owned()),
        (0, n) => {
            let hint = "start one: windlass worker MODULE:APP";
            Check::warn("workers", format!("none live; pending tasks: {n}"), hint)
        }
        (n, _) => Check::ok("workers", format!("{n} live, {slots} tasks at once")),
    });
    Ok(())
}

async fn pending(client: &Client, waiting: u64, checks: &mut Vec<Check>) -> Result<(), Error> {
    if waiting == 0 {
        checks.push(Check::ok("pending", "nothing waits".to_owned()));
        return Ok(());
    }
    let now = client.now();
    let Some(oldest) = oldest_pending(client, now).await? else {
        checks.push(Check::ok("pending", format!("nothing waits for longer than {}", span(LONG))));
        return Ok(());
    };
    let id = oldest.task_id.to_string();
    let why = client.why(&id).await?;
    let detail = format!("{id} was submitted {}: {}", ago(oldest.created_at, now), why.text);
    let hint = match why.reason {
        Waiting::NoWorker => {
            format!("start a worker for it, or cancel it: windlass tasks cancel {id}")
        }
        _ => format!("more workers or a higher --concurrency; see windlass tasks why {id}"),
    };
    checks.push(Check::warn("pending", detail, hint));
    Ok(())
}

/// A pending task from the oldest end, among those submitted longer than [`LONG`] ago.
///
/// A list goes from new to old, and ids sort by the time they were made: the time between 1970 and
/// now is halved until what is left has few tasks, instead of walking over all of them.
async fn oldest_pending(client: &Client, now: Timestamp) -> Result<Option<Task>, Error> {
    let (mut none_before, mut before) = (0, now.before(LONG).as_millis());
    let mut probes = PROBES;
    let mut oldest = None;
    while before - none_before > 1 {
        match newest_before(client, Timestamp::from_millis(before), &mut probes).await? {
            Some(task) => {
                // Nothing lies between this task and `before`; go on among the older ones.
                let made = task.task_id.created().as_millis();
                oldest = Some(task);
                before = none_before + (made.min(before) - none_before) / 2;
            }
            // The task that was found last is the newest of those left: look between.
            None => {
                let Some(found) = &oldest else { return Ok(None) };
                none_before = before;
                let made = found.task_id.created().as_millis();
                if made - none_before <= 1 {
                    break;
                }
                before = none_before + (made - none_before) / 2;
            }
        }
        if probes == 0 {
            break;
        }
    }
    Ok(oldest)
}

/// The newest pending task made before `at`; each page of the list costs a probe.
async fn newest_before(
    client: &Client,
    at: Timestamp,
    probes: &mut u32,
) -> Result<Option<Task>, Error> {
    let filter = Filter { status: vec![TaskStatus::Pending], ..Filter::default() };
    let mut cursor = Some(Cursor { after: TaskId::least_at(at) });
    while cursor.is_some() && *probes > 0 {
        *probes -= 1;
        let mut page = client.list(filter.clone(), cursor, 1).await?;
        if let Some(task) = page.tasks.pop() {
            return Ok(Some(task));
        }
        cursor = page.next;
    }
    Ok(None)
}
