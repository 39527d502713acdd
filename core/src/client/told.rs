//! What a follower has told of each task, and what a row alone proves beyond that.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::engine::history;
use crate::rules::order::{Place, sort};
use crate::words::{Task, TaskId, TaskStatus, Timestamp, Update, UpdateKind};

/// Open tasks that are remembered.
pub(super) const OPEN: usize = 10_000;
/// Finished tasks that are remembered.
pub(super) const ENDED: usize = 50_000;

/// What is known of one task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Number of the last entry of its history that was told, or that was there before.
    pub(super) seq: u64,
    status: TaskStatus,
    /// The attempt whose start is among what was told.
    attempt: Option<(u32, Timestamp)>,
    /// The latest instant among what was told.
    at: Timestamp,
    /// Rises with each change of any task.
    turn: u64,
}

/// All tasks that are known. Those that changed last stay; of the others it is only remembered that
/// they were told up to some instant.
#[derive(Default)]
pub(super) struct Told {
    tasks: HashMap<TaskId, Known>,
    turn: u64,
    /// Entries up to this instant may have been told of tasks that are not known any more.
    forgotten: Option<Timestamp>,
    waiting: VecDeque<TaskId>,
    ended_badly: VecDeque<TaskId>,
}

impl Told {
    /// What is known of a task.
    pub(super) fn get(&self, id: TaskId) -> Option<Known> {
        self.tasks.get(&id).copied()
    }

    /// Entries of a task that is not known are told only if they are later than this.
    pub(super) fn forgotten(&self) -> Option<Timestamp> {
        self.forgotten
    }

    /// Remembers that `task` was told up to entry number `seq`, the latest of them at `at`.
    pub(super) fn remember(&mut self, task: &Task, seq: u64, at: Timestamp) {
        let before = self.get(task.task_id);
        self.turn += 1;
        let is_new = before.is_none_or(|known| known.seq < seq);
        let known = Known {
            seq,
            status: task.status,
            attempt: is_under_way_or_ended(task)
                .then(|| task.attempt_started_at.map(|at| (task.attempt, at)))
                .flatten(),
            at: before.map_or(at, |known| known.at.max(at)),
            turn: before.filter(|_| !is_new).map_or(self.turn, |known| known.turn),
        };
        self.tasks.insert(task.task_id, known);
    }

    /// Forgets a task that is not there any more.
    pub(super) fn gone(&mut self, id: TaskId) {
        self.tasks.remove(&id);
    }

    /// Drops the tasks that changed longest ago, where there are too many.
    pub(super) fn shrink(&mut self) {
        self.shrink_some(OPEN, |status| !status.is_final());
        self.shrink_some(ENDED, TaskStatus::is_final);
    }

    fn shrink_some(&mut self, most: usize, of: impl Fn(TaskStatus) -> bool) {
        let some = self.tasks.iter().filter(|(_, known)| of(known.status));
        let mut turns: Vec<(Place, u32)> =
            some.map(|(id, known)| (Place::new(known.turn.into(), *id), 0)).collect();
        let Some(excess) = turns.len().checked_sub(most + 1) else { return };
        sort(&mut turns);
        for (place, _) in &turns[..=excess] {
            if let Some(known) = self.tasks.remove(&place.id()) {
                self.forgotten = self.forgotten.max(Some(known.at));
            }
        }
    }

    /// Tasks outside of `seen` that may have changed unseen: all that ran, and some of those that wait
    /// or may be retried, each of them in its turn.
    pub(super) fn unseen(
        &mut self,
        seen: &HashSet<TaskId>,
        waiting: usize,
        bad: usize,
    ) -> Vec<TaskId> {
        let ran = self.tasks.iter().filter(|(_, known)| known.status == TaskStatus::Running);
        let mut ids: Vec<TaskId> = ran.map(|(id, _)| *id).filter(|id| !seen.contains(id)).collect();
        let waits = |status: TaskStatus| status.is_waiting();
        take_turns(&mut self.waiting, &self.tasks, seen, waiting, waits, &mut ids);
        let may_retry =
            |status: TaskStatus| matches!(status, TaskStatus::Failed | TaskStatus::Cancelled);
        take_turns(&mut self.ended_badly, &self.tasks, seen, bad, may_retry, &mut ids);
        ids
    }
}

/// Moves up to `most` tasks from the front of a line to `ids`; one that is empty is filled anew.
fn take_turns(
    line: &mut VecDeque<TaskId>,
    tasks: &HashMap<TaskId, Known>,
    seen: &HashSet<TaskId>,
    most: usize,
    of: impl Fn(TaskStatus) -> bool,
    ids: &mut Vec<TaskId>,
) {
    if line.is_empty() {
        line.extend(tasks.iter().filter(|(_, known)| of(known.status)).map(|(id, _)| *id));
    }
    let mut left = most;
    while left > 0
        && let Some(id) = line.pop_front()
    {
        if !seen.contains(&id) && tasks.get(&id).is_some_and(|known| of(known.status)) {
            ids.push(id);
            left -= 1;
        }
    }
}

/// Whether the row's attempt has begun, and is the last thing that happened or ended the task.
fn is_under_way_or_ended(task: &Task) -> bool {
    match task.status {
        TaskStatus::Running => task.lease.as_ref().is_some_and(|lease| lease.counted),
        TaskStatus::Completed | TaskStatus::Failed => true,
        _ => false,
    }
}

/// The changes of status after what is known, in order, if the row alone proves them; `None` when the
/// history must be read.
///
/// The row tells submission, first start and finish. Whatever else is in the history is progress or a log
/// line, or a change that the row does not tell: it has none of the latter when the numbers leave no room,
/// or when nothing but one attempt, whose start is told or on the row, can have happened.
pub(super) fn by_row(task: &Task, known: Option<Known>) -> Option<Vec<Update>> {
    let after = known.map_or(0, |known| known.seq);
    let mut entries = history::assemble(task, Vec::new(), after, usize::MAX);
    if entries.iter().any(|entry| matches!(entry.kind, UpdateKind::Resync { .. })) {
        return None;
    }
    let has_no_room = task.last_seq.saturating_sub(after) == entries.len() as u64;
    let has_one_attempt = is_under_way_or_ended(task) && is_one_attempt(task, known);
    if !has_no_room && !has_one_attempt {
        return None;
    }
    // A row that came over a network does not say as what it was submitted.
    if let Some(first) = entries.first_mut().filter(|entry| entry.seq == 1)
        && let UpdateKind::Status { status, .. } = &mut first.kind
    {
        let later = task.start_seq != Some(2) && task.run_at > task.created_at;
        *status = if later { TaskStatus::Scheduled } else { TaskStatus::Pending };
    }
    Some(entries)
}

fn is_one_attempt(task: &Task, known: Option<Known>) -> bool {
    // Whatever follows an end begins with an entry of its own.
    let told = known.filter(|known| !known.status.is_final()).and_then(|known| known.attempt);
    let is_first = task.attempt == 1
        && task.start_seq == Some(2)
        && task.attempt_started_at == task.started_at
        && known.is_none_or(|known| known.seq < 2);
    is_first || (told.is_some() && told == task.attempt_started_at.map(|at| (task.attempt, at)))
}
