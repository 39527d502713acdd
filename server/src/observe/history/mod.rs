//! How tasks came and went over the last hour, in steps of ten seconds, for each tenant.
//!
//! The store is asked, not this process: what others do on the same file is in it, too. Each step costs
//! one walk over the rows that came or ended within it and a look at the queues of each tenant that is
//! watched; an idle one costs next to nothing.

mod ring;

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Mutex;
use windlass_core::client::DEFAULT_TENANT;
use windlass_core::words::Flows;
use windlass_core::{Client, Error, Result, Service, Timestamp};

use ring::{KEPT, Ring};
pub use ring::{Point, Stands, Went};

/// How long one step is.
const STEP: Duration = Duration::from_secs(10);
/// How long after its end a step is counted: a write takes its time before its turn to be stored comes.
const SETTLED: Duration = Duration::from_secs(1);
/// Steps that are counted at once, after a start, or after the machine slept: those before have no point.
const CATCH_UP: i64 = 6;
/// Tenants that are watched: the default one, and those that last did something or asked.
const TENANTS: usize = 64;

/// What is known of a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Since when, within what was asked for.
    pub since: Timestamp,
    /// One for each step, oldest first.
    pub points: Vec<Point>,
}

/// How tasks came and went lately.
#[derive(Debug, Default)]
pub struct History {
    /// Locked while a step is counted, so that many who ask count it once.
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    /// The end of the last step that was counted.
    until: Option<Timestamp>,
    rings: HashMap<String, Ring>,
}

impl History {
    /// How long one step is.
    pub const STEP: Duration = STEP;
    /// How far back it goes.
    pub const LONGEST: Duration = Duration::from_secs(STEP.as_secs() * KEPT as u64);

    /// The tenant's steps of the last `within`, up to an hour; counts those that are due.
    ///
    /// A store that does not answer leaves gaps and is no error.
    ///
    /// # Errors
    ///
    /// `client_closed`.
    pub async fn read(
        &self,
        service: &Arc<dyn Service>,
        tenant: &str,
        within: Duration,
    ) -> Result<Told> {
        let mut book = self.book.lock().await;
        book.catch_up(service).await?;
        let now = service.now();
        let until = book.until.unwrap_or(now);
        let from = now.before(within);
        if !book.rings.contains_key(tenant) {
            book.make_room(now);
        }
        let ring = book.ring(tenant, until);
        ring.used = now;
        Ok(Told { since: ring.since.max(from), points: ring.from(from) })
    }

    /// Counts every step when it is due, for as long as the client's service is there.
    pub fn watch(self: &Arc<Self>, client: &Client) {
        let (history, service) = (Arc::downgrade(self), Arc::downgrade(client.service()));
        let host = client.host().clone();
        client.host().spawn(Box::pin(async move {
            while let Some(pause) = count(&history, &service).await {
                host.sleep(pause).await;
            }
        }));
    }
}

/// Counts what is due; how long until the next is, or `None` when there is nobody to count for.
async fn count(history: &Weak<History>, service: &Weak<dyn Service>) -> Option<Duration> {
    let (history, service) = (history.upgrade()?, service.upgrade()?);
    let mut book = history.book.lock().await;
    book.catch_up(&service).await.ok()?;
    let next = book.until?.after(STEP + SETTLED);
    // A clock of one's own may stand still, or be far away.
    Some(next.since(service.now()).clamp(SETTLED, STEP))
}

impl Book {
    /// Counts the steps that are due.
    async fn catch_up(&mut self, service: &Arc<dyn Service>) -> Result<()> {
        let now = service.now();
        if self.until.is_some_and(|until| until > now) {
            // The clock stepped back: what was told before is of another time.
            *self = Self::default();
        }
        let step = STEP.as_millis() as i64;
        let settled = now.before(SETTLED).as_millis();
        let end = settled - settled.rem_euclid(step);
        let first = end - CATCH_UP * step;
        let begin = self.until.map_or(first, |until| until.as_millis().max(first));
        let ends: Vec<Timestamp> =
            (1..=(end - begin) / step).map(|n| Timestamp::from_millis(begin + n * step)).collect();
        if !ends.is_empty() {
            for (at, flows) in counted(service, ends).await? {
                self.note(at, flows);
            }
            self.look(service).await?;
        }
        self.until = Some(Timestamp::from_millis(begin.max(end)));
        Ok(())
    }

    /// Adds a step that ended at `at`.
    fn note(&mut self, at: Timestamp, flows: Option<Flows>) {
        let began = at.before(STEP);
        self.ring(DEFAULT_TENANT, began);
        for tenant in flows.iter().flat_map(Flows::keys) {
            // Whoever comes new takes the place of one that did nothing for an hour, or none.
            let hour = at.before(STEP * KEPT as u32);
            if self.rings.contains_key(tenant) || self.make_room(hour) {
                self.ring(tenant, began).used = at;
            }
        }
        for (tenant, ring) in &mut self.rings {
            let went = flows.as_ref().map(|flows| Went::of(flows.get(tenant)));
            ring.push(Point { at, went, stands: None });
        }
    }

    /// Notes how the tasks of each tenant stand with its last step.
    async fn look(&mut self, service: &Arc<dyn Service>) -> Result<()> {
        let (asked, tenants) = (service.clone(), self.rings.keys().cloned().collect::<Vec<_>>());
        let stands = apart(async move {
            let mut stands = Vec::with_capacity(tenants.len());
            for tenant in tenants {
                let told = told(asked.queues(&tenant).await)?;
                stands.push((tenant, told.map(|queues| Stands::of(&queues, asked.now()))));
            }
            Ok(stands)
        });
        for (tenant, stands) in stands.await? {
            if let Some(ring) = self.rings.get_mut(&tenant) {
                ring.ended_with(stands);
            }
        }
        Ok(())
    }

    /// The tenant's ring, begun at `since` when there is none.
    fn ring(&mut self, tenant: &str, since: Timestamp) -> &mut Ring {
        self.rings.entry(tenant.to_owned()).or_insert_with(|| Ring::new(since))
    }

    /// Makes room for one more tenant: the one that was used longest ago goes, if that was before `before`.
    fn make_room(&mut self, before: Timestamp) -> bool {
        if self.rings.len() < TENANTS {
            return true;
        }
        let others = self.rings.iter().filter(|(tenant, _)| *tenant != DEFAULT_TENANT);
        let oldest = others.min_by_key(|(_, ring)| ring.used);
        let Some((tenant, _)) = oldest.filter(|(_, ring)| ring.used < before) else { return false };
        let tenant = tenant.clone();
        self.rings.remove(&tenant);
        true
    }
}

/// What came and went within each of the steps that ended then.
async fn counted(
    service: &Arc<dyn Service>,
    ends: Vec<Timestamp>,
) -> Result<Vec<(Timestamp, Option<Flows>)>> {
    let service = service.clone();
    apart(async move {
        let mut steps = Vec::with_capacity(ends.len());
        for at in ends {
            steps.push((at, told(service.flow(at.before(STEP), at).await)?.flatten()));
        }
        Ok(steps)
    })
    .await
}

/// What a store told; `None` when it could not.
fn told<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(told) => Ok(Some(told)),
        Err(Error::ClientClosed) => Err(Error::ClientClosed),
        Err(error) => {
            tracing::debug!(%error, "a step of the history has a gap");
            Ok(None)
        }
    }
}

/// Runs what may read many rows on a thread where nobody else waits.
async fn apart<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let runtime = tokio::runtime::Handle::current();
    // It fails when the runtime ends.
    let done = tokio::task::spawn_blocking(move || runtime.block_on(work)).await;
    done.unwrap_or(Err(Error::ClientClosed))
}

#[cfg(test)]
mod tests;
