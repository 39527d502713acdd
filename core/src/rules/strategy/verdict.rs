//! What came of a set of steps.
//!
//! | strategy | decided | verdict |
//! | --- | --- | --- |
//! | `all`, `throttled`, `custom` | when every step ended | `completed` with nothing but successes, `partial` with some, `failed` with failures only or failures and cancellations |
//! | `any_success` | at the first success, or when every step ended | `completed`, else `failed` |
//! | `quorum(n)` | at the n-th success, or when n can no longer be reached | `completed`, else `failed` |
//! | `race` | at the first finish, success or failure | what the winner was |
//!
//! Where every step was cancelled the verdict is `cancelled`; without steps it is `completed`. A
//! block's end by time or by its caller is not judged here: whoever ends it says
//! [`Overall::Timeout`] or [`Overall::Cancelled`].

use super::word::Strategy;

/// The verdict on a set of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Overall {
    /// The strategy is satisfied.
    Completed,
    /// Some steps succeeded, some did not, and all were wanted.
    Partial,
    /// The strategy is not satisfied.
    Failed,
    /// The time was over first.
    Timeout,
    /// It was cancelled first.
    Cancelled,
}

impl Overall {
    /// `completed`, `partial`, `failed`, `timeout` or `cancelled`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads what [`Overall::as_str`] wrote.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Completed, Self::Partial, Self::Failed, Self::Timeout, Self::Cancelled]
            .into_iter()
            .find(|overall| overall.as_str() == word)
    }
}

/// How many steps ended, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepTally {
    /// All steps, ended or not.
    pub total: u32,
    /// Those that succeeded.
    pub completed: u32,
    /// Those that failed.
    pub failed: u32,
    /// Those that were cancelled.
    pub cancelled: u32,
    /// Whether the first step that finished succeeded; only `race` asks. A cancelled step has not
    /// finished. When it is absent and one of `completed` and `failed` is 0, the other tells.
    pub first: Option<bool>,
}

impl StepTally {
    /// Steps that have not ended.
    pub const fn open(&self) -> u32 {
        self.total.saturating_sub(self.completed).saturating_sub(self.failed + self.cancelled)
    }

    /// Counts one step that finished.
    pub fn finish(&mut self, succeeded: bool) {
        self.first.get_or_insert(succeeded);
        if succeeded { self.completed += 1 } else { self.failed += 1 }
    }
}

/// The verdict as soon as it is certain; `None` before.
///
/// Never [`Overall::Timeout`]; [`Overall::Cancelled`] only where every step was. A certain verdict
/// does not change with later finishes for `race` (given `first`), `any_success` and `quorum`.
///
/// ```
/// use windlass_core::rules::strategy::{Overall, StepTally, Strategy, judge};
/// let mut tally = StepTally { total: 3, ..StepTally::default() };
/// tally.finish(false);
/// assert_eq!(judge(&Strategy::AnySuccess, &tally), None);
/// tally.finish(true);
/// assert_eq!(judge(&Strategy::AnySuccess, &tally), Some(Overall::Completed));
/// assert_eq!(judge(&Strategy::Race, &tally), Some(Overall::Failed));
/// assert_eq!(judge(&Strategy::All, &tally), None);
/// ```
pub fn judge(strategy: &Strategy, tally: &StepTally) -> Option<Overall> {
    if tally.total == 0 {
        return Some(Overall::Completed);
    }
    match *strategy {
        Strategy::All | Strategy::Throttled { .. } | Strategy::Custom => judge_all(tally),
        Strategy::AnySuccess => judge_some(tally, 1),
        Strategy::Quorum(needed) => judge_some(tally, needed),
        Strategy::Race => judge_race(tally),
    }
}

fn judge_all(tally: &StepTally) -> Option<Overall> {
    if tally.open() > 0 {
        return None;
    }
    Some(match (tally.completed, tally.failed) {
        (completed, _) if completed == tally.total => Overall::Completed,
        (0, 0) => Overall::Cancelled,
        (0, _) => Overall::Failed,
        _ => Overall::Partial,
    })
}

fn judge_some(tally: &StepTally, needed: u32) -> Option<Overall> {
    if tally.completed >= needed {
        return Some(Overall::Completed);
    }
    if tally.completed + tally.open() >= needed {
        return None;
    }
    let all_cancelled = tally.cancelled == tally.total;
    Some(if all_cancelled { Overall::Cancelled } else { Overall::Failed })
}

fn judge_race(tally: &StepTally) -> Option<Overall> {
    // Without `first`, failures beside successes count as a lost race: it is never called won
    // on a guess.
    let finished = tally.completed + tally.failed > 0;
    let winner = tally.first.or(finished.then_some(tally.failed == 0));
    match winner {
        Some(true) => Some(Overall::Completed),
        Some(false) => Some(Overall::Failed),
        None => (tally.open() == 0).then_some(Overall::Cancelled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(total: u32, completed: u32, failed: u32, cancelled: u32) -> StepTally {
        StepTally { total, completed, failed, cancelled, first: None }
    }

    #[test]
    fn an_empty_block_is_completed() {
        for strategy in [Strategy::All, Strategy::AnySuccess, Strategy::Race, Strategy::Custom] {
            assert_eq!(judge(&strategy, &StepTally::default()), Some(Overall::Completed));
        }
    }

    #[test]
    fn all_waits_for_every_step() {
        use Overall::{Cancelled, Completed, Failed, Partial};
        let table = [
            (tally(3, 2, 0, 0), None),
            (tally(3, 0, 2, 0), None),
            (tally(3, 3, 0, 0), Some(Completed)),
            (tally(3, 2, 1, 0), Some(Partial)),
            (tally(3, 2, 0, 1), Some(Partial)),
            (tally(3, 0, 3, 0), Some(Failed)),
            (tally(3, 0, 2, 1), Some(Failed)),
            (tally(3, 0, 0, 3), Some(Cancelled)),
        ];
        for (tally, verdict) in table {
            assert_eq!(judge(&Strategy::All, &tally), verdict, "{tally:?}");
            assert_eq!(judge(&Strategy::Throttled { per_second: 1.0 }, &tally), verdict);
            assert_eq!(judge(&Strategy::Custom, &tally), verdict);
        }
    }

    #[test]
    fn any_success_and_quorum_end_as_soon_as_they_are_certain() {
        use Overall::{Cancelled, Completed, Failed};
        assert_eq!(judge(&Strategy::AnySuccess, &tally(3, 0, 2, 0)), None);
        assert_eq!(judge(&Strategy::AnySuccess, &tally(3, 1, 2, 0)), Some(Completed));
        assert_eq!(judge(&Strategy::AnySuccess, &tally(3, 0, 3, 0)), Some(Failed));
        assert_eq!(judge(&Strategy::AnySuccess, &tally(3, 0, 2, 1)), Some(Failed));
        assert_eq!(judge(&Strategy::AnySuccess, &tally(3, 0, 0, 3)), Some(Cancelled));
        assert_eq!(judge(&Strategy::Quorum(2), &tally(5, 1, 3, 0)), None);
        assert_eq!(judge(&Strategy::Quorum(2), &tally(5, 2, 3, 0)), Some(Completed));
        assert_eq!(judge(&Strategy::Quorum(2), &tally(5, 0, 4, 0)), Some(Failed));
        assert_eq!(judge(&Strategy::Quorum(2), &tally(5, 0, 3, 1)), Some(Failed));
    }

    #[test]
    fn a_race_is_what_its_winner_was() {
        let mut raced = tally(3, 0, 0, 0);
        assert_eq!(judge(&Strategy::Race, &raced), None);
        raced.cancelled = 1;
        assert_eq!(judge(&Strategy::Race, &raced), None);
        raced.finish(false);
        raced.finish(true);
        assert_eq!(judge(&Strategy::Race, &raced), Some(Overall::Failed));
        assert_eq!(judge(&Strategy::Race, &tally(2, 1, 0, 0)), Some(Overall::Completed));
        assert_eq!(judge(&Strategy::Race, &tally(2, 0, 1, 0)), Some(Overall::Failed));
        assert_eq!(judge(&Strategy::Race, &tally(2, 0, 0, 2)), Some(Overall::Cancelled));
    }

    #[test]
    fn a_verdict_reads_back_from_its_word() {
        for word in ["completed", "partial", "failed", "timeout", "cancelled"] {
            assert_eq!(Overall::parse(word).unwrap().as_str(), word);
        }
        assert_eq!(Overall::parse("running"), None);
    }
}
