//! The idempotency key that every submit carries, from its first request.

use windlass_core::rules::ids::IdSource;
use windlass_core::rules::keys::AUTOMATIC;
use windlass_core::{Submission, TaskSpec, Timestamp};

/// Makes keys of the transport's own.
#[derive(Default)]
pub(crate) struct Keys {
    ids: IdSource,
}

impl Keys {
    /// Gives a key to every task that has none, so that a submit whose answer is lost can be repeated
    /// and stores nothing twice. Answers which tasks were given one.
    pub(crate) fn fill(&self, specs: &mut [TaskSpec], now: Timestamp) -> Vec<bool> {
        let mut fill = |spec: &mut TaskSpec| {
            let keyless = spec.idempotency_key.is_none();
            if keyless {
                spec.idempotency_key = Some(self.next(now));
            }
            keyless
        };
        specs.iter_mut().map(&mut fill).collect()
    }

    /// A new key.
    pub(crate) fn next(&self, now: Timestamp) -> String {
        format!("{AUTOMATIC}{}", self.ids.task(now))
    }
}

/// What is told of tasks of which `filled` got a key here: that such a key was known means only that an
/// answer was lost on its way, and the task is as new as its caller thinks.
pub(crate) fn told(mut stored: Vec<Submission>, filled: &[bool]) -> Vec<Submission> {
    for (submission, filled) in stored.iter_mut().zip(filled) {
        submission.deduplicated &= !filled;
    }
    stored
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_a_key_of_its_own_and_a_users_is_kept() {
        let spec = TaskSpec::new("t", windlass_core::Payload::null());
        let mut specs = vec![spec.clone(), spec.clone().idempotency_key("mine"), spec];
        let filled = Keys::default().fill(&mut specs, Timestamp::from_millis(1));
        assert_eq!(filled, [true, false, true]);
        let keys: Vec<_> = specs.iter().map(|s| s.idempotency_key.as_deref().unwrap()).collect();
        assert!(keys[0].starts_with("auto:") && keys[2].starts_with("auto:"));
        assert_ne!(keys[0], keys[2]);
        assert_eq!(keys[1], "mine");
    }
}
