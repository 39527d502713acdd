//! Entries of a composite's history that came together, kept as one row: where many members end at a time,
//! a row for each of their changes would cost more than the changes.
//!
//! A pack has the number of its last entry, how many it holds in `attempt`, and the entries in `result`, as a
//! JSON array: for each member its id, its stage, and then statuses and attempts.

use rusqlite::Result;
use rusqlite::types::FromSqlError;
use windlass_core::{TaskId, TaskStatus, Timestamp, Update, UpdateKind};

use crate::row::Cells;

/// Entries that a pack holds at most: a reader who wants one takes it whole.
const MOST: usize = 64;

/// What one member did: its id, its stage, and statuses with attempts.
type Line<S> = (TaskId, Option<S>, Vec<(u8, u32)>);

/// How many entries from the first on make a row: more than one, and they are a pack.
pub(crate) fn run(entries: &[Update]) -> usize {
    let is_next = |pair: &[Update]| {
        let [one, next] = pair else { return false };
        is_plain(next) && (next.at, next.seq) == (one.at, one.seq + 1)
    };
    match entries.first() {
        Some(first) if is_plain(first) => {
            1 + entries.windows(2).take(MOST - 1).take_while(|pair| is_next(pair)).count()
        }
        _ => 1,
    }
}

/// Whether an entry tells of a member and nothing but its status: an error has a row of its own.
fn is_plain(entry: &Update) -> bool {
    matches!(entry.kind, UpdateKind::Member { error: None, .. })
}

/// The text of a pack.
pub(crate) fn text(entries: &[Update]) -> String {
    let mut lines: Vec<Line<&str>> = Vec::with_capacity(entries.len());
    for entry in entries {
        let UpdateKind::Member { member_id, stage, status, attempt, .. } = &entry.kind else {
            continue;
        };
        let did = (*status as u8, *attempt);
        match lines.last_mut() {
            Some((id, _, all)) if id == member_id => all.push(did),
            _ => lines.push((*member_id, stage.as_deref(), vec![did])),
        }
    }
    serde_json::to_string(&lines).expect("lines are plain data")
}

/// Takes the entries above `after` out of a pack whose last entry is `last`.
pub(crate) fn read(
    cells: &Cells<'_, '_>,
    text: &str,
    (task_id, last, at): (TaskId, u64, Timestamp),
    after: u64,
    entries: &mut Vec<Update>,
) -> Result<()> {
    let lines: Vec<Line<String>> = serde_json::from_str(text).map_err(|e| cells.damaged(e))?;
    let count = lines.iter().map(|(_, _, all)| all.len() as u64).sum();
    let mut seq = last.saturating_sub(count);
    for (member_id, stage, all) in lines {
        for (status, attempt) in all {
            seq += 1;
            if seq <= after {
                continue;
            }
            let out = || cells.damaged(FromSqlError::OutOfRange(status.into()));
            let status = TaskStatus::from_number(status).ok_or_else(out)?;
            let stage = stage.clone();
            let kind = UpdateKind::Member { member_id, stage, status, attempt, error: None };
            entries.push(Update { task_id, seq, at, kind });
        }
    }
    Ok(())
}
