//! A running worker: jobs out, outcomes in, one string each way for many tasks.

use std::time::Duration;

use windlass_core::worker::{Lane, Signal};
use windlass_core::{LogLevel, NewUpdate, Result};

use crate::client::Client;
use crate::text::text;
use crate::{config, jobs, outcomes};

/// A running worker. Clones share it; it ends when it has drained or is stopped, not when it is dropped.
#[derive(Clone)]
pub struct Worker(windlass_core::Worker);

impl Worker {
    /// Starts a worker; `config` is JSON text of an object. Its `handlers` is an object, by name, of
    /// what each declares, as a task's record says it.
    ///
    /// # Errors
    ///
    /// `invalid_argument`.
    pub fn start(client: &Client, config: &str) -> Result<Self> {
        client.client.worker(config::read(config)?).map(Self)
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.0.id()
    }

    /// Jobs as a list; waits for one. An empty list once no more will come.
    ///
    /// # Errors
    ///
    /// `internal_error`.
    pub async fn claim(&self, max: u32) -> Result<String> {
        jobs::list(&self.0.claim(Lane::Loop, max as usize).await)
    }

    /// Hands in outcomes: `{"completed": [[id, result], …], "ended": [[id, outcome], …]}`. One that makes
    /// no sense fails its own task, and no other.
    ///
    /// # Errors
    ///
    /// `invalid_argument` when the whole makes no sense; nothing is handed in then.
    pub fn complete(&self, outcomes: &str) -> Result<()> {
        self.0.complete(outcomes::read(outcomes)?);
        Ok(())
    }

    /// The same, and takes what lies ready: no wait, and no way round by another thread.
    ///
    /// # Errors
    ///
    /// As `complete`.
    pub fn turn(&self, outcomes: &str, max: u32) -> Result<String> {
        self.complete(outcomes)?;
        let claimed = self.0.claim_blocking(Lane::Loop, max as usize, Duration::ZERO);
        jobs::list(&claimed.unwrap_or_default())
    }

    /// News as `[[id, reason], …]`; the reason is `null` when the job is given up. Empty at the end.
    ///
    /// # Errors
    ///
    /// `internal_error`.
    pub async fn signals(&self) -> Result<String> {
        let told = |signal| match signal {
            Signal::Cancel(id, reason) => (id, Some(reason.as_str())),
            Signal::Abandon(id) => (id, None),
        };
        text(&self.0.signals().await.into_iter().map(told).collect::<Vec<_>>())
    }

    /// Reports progress, 0 to 100.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, `payload_too_large`.
    pub fn progress(&self, job: i64, progress: f64, message: Option<String>) -> Result<()> {
        self.0.report(job.cast_unsigned(), NewUpdate::Progress { progress, message })
    }

    /// Reports a log line. Errors as `progress`.
    pub fn log(&self, job: i64, level: &str, message: String) -> Result<()> {
        let level: LogLevel = level.parse()?;
        self.0.report(job.cast_unsigned(), NewUpdate::Log { level, message })
    }

    /// Begins to drain.
    pub fn drain(&self) {
        self.0.drain();
    }

    /// Ends now.
    pub fn stop(&self) {
        self.0.stop();
    }

    /// Resolves when the worker has stopped and everything is settled.
    pub async fn stopped(&self) {
        self.0.stopped().await;
    }

    /// Jobs that the language has.
    pub fn running(&self) -> u32 {
        u32::try_from(self.0.running()).unwrap_or(u32::MAX)
    }

    /// Jobs given up whose code has still not returned.
    pub fn abandoned(&self) -> u32 {
        u32::try_from(self.0.abandoned()).unwrap_or(u32::MAX)
    }
}
