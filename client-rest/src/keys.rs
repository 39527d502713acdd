//! The idempotency key that every submit carries, from its first request.

use windlass_core::rules::ids::IdSource;
use windlass_core::{TaskSpec, Timestamp};

/// What a key of the transport begins with.
const AUTOMATIC: &str = "auto:";

/// Makes keys of the transport's own.
#[derive(Default)]
pub(crate) struct Keys {
    ids: IdSource,
}

impl Keys {
    /// Gives a key to every task that has none, so that a submit whose answer is lost can be repeated
    /// and stores nothing twice.
    pub(crate) fn fill(&self, specs: &mut [TaskSpec], now: Timestamp) {
        for spec in specs.iter_mut().filter(|spec| spec.idempotency_key.is_none()) {
            spec.idempotency_key = Some(format!("{AUTOMATIC}{}", self.ids.task(now)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_a_key_of_its_own_and_a_users_is_kept() {
        let spec = TaskSpec::new("t", windlass_core::Payload::null());
        let mut specs = vec![spec.clone(), spec.clone().idempotency_key("mine"), spec];
        Keys::default().fill(&mut specs, Timestamp::from_millis(1));
        let keys: Vec<_> = specs.iter().map(|s| s.idempotency_key.as_deref().unwrap()).collect();
        assert!(keys[0].starts_with("auto:") && keys[2].starts_with("auto:"));
        assert_ne!(keys[0], keys[2]);
        assert_eq!(keys[1], "mine");
    }
}
