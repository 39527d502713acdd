//! What a composite is told of its members: it counts them, keeps a history of them, and ends when they
//! decide it. What then follows from its end is for [`Follow`] again.

use crate::engine::composite;
use crate::engine::follow::{Changed, Follow, Followed, Rows};
use crate::words::{
    Members, Task, TaskError, TaskId, TaskKind, TaskStatus, Timestamp, Update, UpdateKind,
};

/// A member's change, for its composite.
#[derive(Debug)]
pub(super) struct Report {
    member_id: TaskId,
    stage: Option<String>,
    before: TaskStatus,
    after: TaskStatus,
    /// What it waits for.
    waits: u32,
    attempt: u32,
    began: bool,
    error: Option<TaskError>,
}

impl Report {
    /// What a composite hears of a member's change.
    pub(super) fn of(changed: Changed) -> Self {
        Self {
            member_id: changed.task_id,
            stage: changed.stage,
            before: changed.before,
            after: changed.after,
            waits: changed.waits,
            attempt: changed.attempt,
            began: changed.began,
            error: changed.error.filter(|_| changed.after != TaskStatus::Completed),
        }
    }

    /// Whether the member made room for another: it ended, and did not only wait for its turn.
    fn makes_room(&self) -> bool {
        let waited = self.before == TaskStatus::Blocked && self.waits > 0;
        self.after.is_final() && !self.before.is_final() && !waited
    }
}

impl<K: Copy + Ord> Follow<K> {
    /// Tells a composite of its members' changes, and ends it when they decide it.
    pub(super) fn report<R: Rows<Key = K>>(
        &mut self,
        rows: &mut R,
        tenant: &str,
        id: TaskId,
        reports: Vec<Report>,
    ) -> Result<(), R::Error> {
        let Some((key, mut task)) = rows.find(tenant, id)? else { return Ok(()) };
        let is_again = |report: &Report| report.before.is_final() && !report.after.is_final();
        let mut late = Vec::new();
        if task.status.is_final() {
            // What ends after the verdict changes nothing any more. A block's verdict holds for good.
            if task.kind == TaskKind::Block || !reports.iter().any(is_again) {
                return self.count_last(rows, key, &mut task, &reports);
            }
            late = untold(rows, &task)?;
            task.members = Some(rows.recount(&task)?);
            let transition = composite::reopen(&task);
            self.apply(rows, key, &mut task, &transition)?;
        } else {
            let mut tally = task.members.unwrap_or_default();
            reports.iter().for_each(|report| count(&mut tally, report));
            task.members = Some(tally);
        }
        let mut updates = Vec::with_capacity(late.len() + reports.len());
        // One instant for all: a store may keep what came together together.
        let now = rows.now();
        for report in late.iter().chain(&reports) {
            tell(&mut task, report, now, &mut updates);
        }
        task.progress = Some(task.members.unwrap_or_default().progress());
        task.version += 1;
        let status = task.status;
        rows.save(key, status, &task, updates)?;
        self.followed.push(Followed { task_id: task.task_id, status, asked: false });
        if let Some(transition) = composite::judge(&task) {
            let mut tally = task.members.unwrap_or_default();
            tally.cancelled += tally.open();
            task.members = Some(tally);
            return self.apply(rows, key, &mut task, &transition);
        }
        if task.kind == TaskKind::Block {
            let room = reports.iter().filter(|report| report.makes_room()).count();
            self.let_go(rows, &task, room)?;
        }
        Ok(())
    }

    /// Counts and tells the members that ended in the transaction that also ended their composite; of one
    /// that had ended before, nothing is told any more.
    fn count_last<R: Rows<Key = K>>(
        &mut self,
        rows: &mut R,
        key: K,
        task: &mut Task,
        reports: &[Report],
    ) -> Result<(), R::Error> {
        let mut tally = task.members.unwrap_or_default();
        let is_open = tally.open() > 0;
        let mut updates = Vec::new();
        if is_open {
            reports.iter().for_each(|report| count(&mut tally, report));
        }
        if self.ended.contains(&(task.tenant.clone(), task.task_id)) {
            // Nobody has seen the end yet: it keeps the last number, and these come before it.
            task.last_seq -= 1;
            reports.iter().for_each(|report| tell(task, report, rows.now(), &mut updates));
            task.last_seq += 1;
        }
        if !is_open && updates.is_empty() {
            return Ok(());
        }
        task.members = Some(tally);
        rows.save(key, task.status, task, updates)
    }

    /// Lets as many further steps of a block go as there is room for.
    fn let_go<R: Rows<Key = K>>(
        &mut self,
        rows: &mut R,
        block: &Task,
        steps: usize,
    ) -> Result<(), R::Error> {
        for _ in 0..steps {
            let Some(key) = rows.next_step(block)? else { return Ok(()) };
            // Its turn here is all that it waits for, but for its turn in a line.
            self.meet(rows, key, 1)?;
        }
        Ok(())
    }

    /// Stops the members of a composite that has ended.
    pub(super) fn stop<R: Rows<Key = K>>(
        &mut self,
        rows: &mut R,
        tenant: &str,
        id: TaskId,
    ) -> Result<(), R::Error> {
        let Some((key, mut task)) = rows.find(tenant, id)? else { return Ok(()) };
        let open = rows.open_members(&task)?;
        if open.is_empty() {
            return Ok(());
        }
        let mut tally = task.members.unwrap_or_default();
        if tally.open() > 0 {
            // It was ended from outside, by its timeout or on request.
            tally.cancelled += tally.open();
            task.members = Some(tally);
            rows.save(key, task.status, &task, Vec::new())?;
        }
        let why = match task.status {
            TaskStatus::Cancelled => format!("its {} was cancelled", task.kind.as_str()),
            _ => format!("its {} has ended", task.kind.as_str()),
        };
        for member in open {
            self.change(rows, member, |task, _| composite::stop(task, &why))?;
        }
        Ok(())
    }
}

/// The ends that came after that of their composite, and so were not told.
fn untold<R: Rows>(rows: &mut R, composite: &Task) -> Result<Vec<Report>, R::Error> {
    let Some(verdict) = composite.finished_at.filter(|_| composite::was_stopped(composite)) else {
        return Ok(Vec::new());
    };
    let mut late = Vec::new();
    for key in rows.ended_members(composite, verdict)? {
        let Some(task) = rows.load(key)? else { continue };
        // Of two ends in one millisecond the request to stop tells which came first.
        if task.finished_at > Some(verdict) || task.cancel_requested {
            late.push(Report {
                member_id: task.task_id,
                before: TaskStatus::Running,
                after: task.status,
                waits: task.waits,
                attempt: task.attempt,
                began: false,
                stage: task.stage,
                error: task.error,
            });
        }
    }
    Ok(late)
}

fn count(tally: &mut Members, report: &Report) {
    let mut by = |status: TaskStatus, up: bool| {
        let count = match status {
            TaskStatus::Completed => &mut tally.completed,
            TaskStatus::Failed => &mut tally.failed,
            TaskStatus::Cancelled => &mut tally.cancelled,
            _ => return,
        };
        *count = if up { *count + 1 } else { count.saturating_sub(1) };
    };
    by(report.before, false);
    by(report.after, true);
    if matches!(report.after, TaskStatus::Completed | TaskStatus::Failed) {
        tally.first.get_or_insert(report.after == TaskStatus::Completed);
    }
}

/// Appends what a member did to the history of its composite.
fn tell(task: &mut Task, report: &Report, now: Timestamp, updates: &mut Vec<Update>) {
    let mut entry = |status: TaskStatus, error: Option<TaskError>| {
        task.last_seq += 1;
        let kind = UpdateKind::Member {
            member_id: report.member_id,
            stage: report.stage.clone(),
            status,
            attempt: report.attempt,
            error,
        };
        updates.push(Update { task_id: task.task_id, seq: task.last_seq, at: now, kind });
    };
    let is_batch = task.kind == TaskKind::Batch;
    if report.began && !is_batch {
        entry(TaskStatus::Running, None);
    }
    let moved = report.before != report.after && report.after != TaskStatus::Running;
    if moved && (!is_batch || report.after.is_final()) {
        entry(report.after, report.error.clone());
    }
}
