//! The server's time, as well as a client can tell.

use std::sync::atomic::{AtomicI64, Ordering};

use windlass_core::{Clock, SystemClock, Timestamp};

/// Reads every answer's `Windlass-Time`, and goes on by the clock of this machine in between.
#[derive(Default)]
pub(crate) struct ServerClock {
    /// How far the server is ahead of this machine, in milliseconds.
    ahead: AtomicI64,
}

impl ServerClock {
    /// The time by the server's clock; by this machine's before the first answer.
    pub(crate) fn now(&self) -> Timestamp {
        let here = SystemClock.now().as_millis();
        Timestamp::from_millis(here.saturating_add(self.ahead.load(Ordering::Relaxed)))
    }

    /// Takes in what an answer says; what is no time is left alone.
    pub(crate) fn hear(&self, time: &str) {
        if let Ok(there) = time.parse::<Timestamp>() {
            let ahead = there.as_millis().saturating_sub(SystemClock.now().as_millis());
            self.ahead.store(ahead, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_from_what_the_server_said() {
        let clock = ServerClock::default();
        clock.hear("2030-01-01T00:00:00.000Z");
        clock.hear("soon");
        let told: Timestamp = "2030-01-01T00:00:00.000Z".parse().unwrap();
        assert!(
            clock.now() >= told && clock.now() < told.after(std::time::Duration::from_secs(60))
        );
    }
}
