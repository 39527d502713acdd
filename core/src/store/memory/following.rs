//! What follows from a change of a task that others care about: few pages have such tasks.

use super::transaction::Transaction;
use crate::apart::Apart;
use crate::engine::follow::{Changed, Follow, Followed};
use crate::error::Result;
use crate::words::TaskId;

/// The two steps of it.
pub(super) struct Following {
    /// See [`Follow::note`].
    pub(super) note: fn(&mut Follow<TaskId>, &mut Transaction<'_>, TaskId, Changed) -> Result<()>,
    finish: fn(Follow<TaskId>, &mut Transaction<'_>) -> Result<Vec<Followed>>,
}

static TABLE: Following = Following {
    note: |follow, rows, key, changed| follow.note(rows, key, changed),
    finish: |follow, rows| follow.finish(rows),
};

pub(super) static FOLLOWING: Apart<Following> = Apart::new(&TABLE);

/// Makes it known.
#[cfg(all(feature = "apart", target_family = "wasm"))]
pub(super) fn install() {
    FOLLOWING.fill(&TABLE);
}

impl Transaction<'_> {
    /// See [`Follow::finish`].
    pub(super) fn finish(&mut self, follow: Follow<TaskId>) -> Result<Vec<Followed>> {
        if follow.is_empty() { Ok(Vec::new()) } else { (FOLLOWING.finish)(follow, self) }
    }
}
