//! The verbs that few callers ask for: one call that names its verb, so that each costs a binding no more than its
//! name, and a page can fetch them apart from the others.

use windlass_core::{Error, Result};

use crate::client::Client;

impl Client {
    /// Does `verb` of `subject`, with what it is `told`; both are empty where there is nothing to say. Answers
    /// JSON text; `None` where there is nothing of that name, or nothing to answer.
    ///
    /// | verb | subject | told |
    /// | --- | --- | --- |
    /// | `list`, `count`, `cancelMatching`, `retryMatching` | a query | |
    /// | `check` | a list of task records | |
    /// | `history` | a task's id | the entry after which, and how many: `7 100` |
    /// | `retry`, `why` | a task's id | |
    /// | `counts`, `queues`, `workers`, `clusterHealth`, `sweep` | | |
    /// | `pause` | a queue | `true` or `false` |
    /// | `batch`, `cancelBatch` | a batch's id | |
    /// | `lease`, `renew`, `settle` | what `/leases` takes | |
    ///
    /// and those of [`compose`](Self::compose).
    ///
    /// # Errors
    ///
    /// Those of the method of that name; `not_implemented` for any other.
    pub async fn seldom(&self, verb: &str, subject: &str, told: &str) -> Result<Option<String>> {
        let answer = match verb {
            "list" => self.list(subject).await,
            "count" => self.count(subject).await,
            "cancelMatching" => self.cancel_matching(subject).await,
            "retryMatching" => self.retry_matching(subject).await,
            "check" => return self.check(subject).map(|()| None),
            "history" => {
                let (after, limit) = place(told)?;
                self.history(subject, after, limit).await
            }
            "retry" => self.retry(subject).await,
            "why" => self.why(subject).await,
            "counts" => self.counts().await,
            "queues" => self.queues().await,
            "pause" => self.pause(subject, told == "true").await,
            "batch" => self.batch(subject).await,
            "cancelBatch" => self.cancel_batch(subject).await,
            "workers" => self.workers().await,
            "clusterHealth" => self.cluster_health().await,
            "lease" => self.lease(subject).await,
            "renew" => self.renew(subject).await,
            "settle" => self.settle(subject).await,
            "sweep" => self.sweep().await,
            verb => return self.compose(verb, subject, told).await,
        };
        answer.map(Some)
    }
}

/// Two whole numbers.
fn place(told: &str) -> Result<(i64, u32)> {
    let numbers = told
        .split_once(' ')
        .and_then(|(after, limit)| Some((after.parse().ok()?, limit.parse().ok()?)));
    numbers.ok_or_else(|| Error::invalid("after", "must be a whole number of 0 or more"))
}
