//! What the store holds: its clock, counts, workers, and what waits too long.

use std::time::Duration;

use windlass::{Client, Cursor, Error, Filter, SystemClock, Task, TaskId, TaskStatus, Timestamp};
use windlass::{Clock, QueueInfo, Waiting};

use super::check::Check;
use crate::cli::output::time::{ago, span};

/// A pending task older than this is worth a word.
const LONG: Duration = Duration::from_secs(300);
/// Clocks further apart than this run tasks visibly early or late.
const SKEW: Duration = Duration::from_secs(2);

/// Looks at everything that the client can ask; stops at the first thing it cannot. `time` is what the
/// store's clock says.
pub(super) async fn look(client: &Client, time: Timestamp, checks: &mut Vec<Check>) {
    checks.push(clock(time));
    let looks = async {
        let queues = client.queues().await?;
        let waiting = counts(&queues, checks);
        workers(client, waiting, checks).await?;
        untaken(client, checks).await?;
        paused(&queues, checks);
        pending(client, &queues, checks).await
    };
    if let Err(error) = looks.await {
        checks.push(Check::error("tasks", &error));
    }
}

fn clock(store: Timestamp) -> Check {
    let own = SystemClock.now();
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
fn counts(queues: &[QueueInfo], checks: &mut Vec<Check>) -> u64 {
    let of = |status| queues.iter().filter_map(|q| q.counts.get(&status)).sum::<u64>();
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
    of(TaskStatus::Pending)
}

async fn workers(client: &Client, waiting: u64, checks: &mut Vec<Check>) -> Result<(), Error> {
    let workers = client.workers().await?;
    let slots: u64 = workers.iter().map(|worker| u64::from(worker.concurrency)).sum();
    let deaf = workers.iter().find(|worker| worker.deaf);
    checks.push(match (workers.len(), waiting, deaf) {
        (0, 0, _) => Check::ok("workers", "none live, and nothing waits".to_owned()),
        (0, n, _) => {
            let hint = "start one: windlass worker MODULE:APP";
            Check::warn("workers", format!("none live; pending tasks: {n}"), hint)
        }
        (n, _, Some(deaf)) => {
            let detail = format!("{n} live; {} is deaf", deaf.worker_id);
            let hint = "it is heard of, but takes nothing although work waits: restart it";
            Check::warn("workers", detail, hint)
        }
        (n, _, None) => Check::ok("workers", format!("{n} live, {slots} tasks at once")),
    });
    Ok(())
}

/// Queues in which a task waits for long that no live worker takes.
async fn untaken(client: &Client, checks: &mut Vec<Check>) -> Result<(), Error> {
    let untaken = client.cluster_health().await?.queue.untaken;
    checks.push(match untaken.is_empty() {
        true => Check::ok("untaken", "nothing waits for long that no live worker takes".to_owned()),
        false => {
            let detail = format!("no live worker takes all that waits in: {}", untaken.join(", "));
            let hint = "windlass tasks why ID says what a waiting task needs";
            Check::warn("untaken", detail, hint)
        }
    });
    Ok(())
}

fn paused(queues: &[QueueInfo], checks: &mut Vec<Check>) {
    let paused: Vec<&str> = queues.iter().filter(|q| q.paused).map(|q| q.queue.as_str()).collect();
    checks.push(match paused.first() {
        None => Check::ok("queues", format!("{}, none paused", queues.len())),
        Some(first) => {
            let detail = format!("{}, paused: {}", queues.len(), paused.join(", "));
            Check::warn(
                "queues",
                detail,
                format!("when it shall go on: windlass queues resume {first}"),
            )
        }
    });
}

/// What has waited longest, where nobody keeps it waiting on purpose.
async fn pending(
    client: &Client,
    queues: &[QueueInfo],
    checks: &mut Vec<Check>,
) -> Result<(), Error> {
    let now = client.now();
    let waits = queues.iter().filter(|q| !q.paused);
    let oldest = waits.filter_map(|q| Some((q.oldest_pending_at?, q))).min_by_key(|(at, _)| *at);
    let Some((due, queue)) = oldest else {
        let held = queues.iter().any(|q| q.paused && q.oldest_pending_at.is_some());
        let detail = if held { "nothing waits but in paused queues" } else { "nothing waits" };
        checks.push(Check::ok("pending", detail.to_owned()));
        return Ok(());
    };
    if now.since(due) < LONG {
        let detail = format!("nothing waits for longer than {}", span(LONG));
        checks.push(Check::ok("pending", detail));
        return Ok(());
    }
    let place = format!("queue {:?}: the first was due {}", queue.queue, ago(due, now));
    let more = "more workers or a higher --concurrency";
    let Some(task) = due_at(client, due, &queue.queue).await? else {
        checks.push(Check::warn("pending", place, more));
        return Ok(());
    };
    let id = task.task_id.to_string();
    let why = client.why(&id).await?;
    let hint = match why.reason {
        Waiting::NoWorker => {
            format!("start a worker for it, or cancel it: windlass tasks cancel {id}")
        }
        _ => format!("{more}; see windlass tasks why {id}"),
    };
    checks.push(Check::warn("pending", format!("{place}, {id}: {}", why.text), hint));
    Ok(())
}

/// The task that is due since then, where it was also submitted then. One submitted long before, to be
/// run later, is not searched for.
async fn due_at(client: &Client, due: Timestamp, queue: &str) -> Result<Option<Task>, Error> {
    let filter = Filter {
        status: vec![TaskStatus::Pending],
        queue: Some(queue.to_owned()),
        ..Filter::default()
    };
    let after = TaskId::least_at(Timestamp::from_millis(due.as_millis() + 1));
    let page = client.list(filter, Some(Cursor { after }), 1).await?;
    Ok(page.tasks.into_iter().next())
}
