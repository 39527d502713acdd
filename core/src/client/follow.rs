//! The lives of all tasks, followed as they go on.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use crate::client::Client;
use crate::client::told::{Told, by_row};
use crate::error::{Error, Result};
use crate::rules::order::{Place, sort};
use crate::runtime::host::timeout;
use crate::words::{Task, TaskEvent, TaskEventKind, TaskId, Timestamp, Update, UpdateKind};

/// Time between two looks.
const EVERY: Duration = Duration::from_millis(250);
/// Time before the next look after one that did not succeed.
const RECOVER: Duration = Duration::from_secs(1);
/// How far each look reaches back behind the one before: what commits late is found then.
const OVERLAP: Duration = Duration::from_secs(5);
/// Tasks that one look finds at most; the latest changes.
const LOOK: u32 = 5_000;
/// Open tasks outside of a look that are asked for with it.
const WAITING: usize = 256;
/// Dead letters that are asked for with each look: they may be retried.
const BAD: usize = 64;
/// Entries of a history that are asked for at once.
const CHUNK: u32 = 1000;
/// Entries at the end of a history that are read first of a task that was not known.
const TAIL: u64 = 64;

/// Which tasks to follow. What is left out does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FollowOptions {
    /// This queue.
    pub queue: Option<String>,
    /// This type.
    pub task_type: Option<String>,
    /// Changes from this instant on, by the store's clock. Default: from when the follower begins.
    pub since: Option<Timestamp>,
}

impl FollowOptions {
    fn matches(&self, task: &Task) -> bool {
        let given = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|w| w == is);
        given(&self.queue, &task.queue) && given(&self.task_type, &task.task_type)
    }
}

/// Every change of status of the tenant's tasks from when the follower began, by the store's clock; an
/// endless stream.
///
/// Each event is told once per task and number, and those of one task in order. It looks at the store
/// four times a second while [`Follower::next`] is awaited, so an event is told about a quarter of a
/// second late. Some are told later: that a task which waits became due, was handed back or retried, when
/// more than 256 wait (within a few seconds for thousands), or, when the task had not changed since the
/// follower began, when it next starts or ends.
///
/// What it remembers is bounded: the 10,000 open tasks and 50,000 ended ones that changed last. Beyond
/// that, and when more than 5,000 tasks change between two looks or within the time that nobody calls
/// `next`, events may be missing; none is ever told twice. Dropping it ends it.
pub struct Follower {
    client: Client,
    options: FollowOptions,
    told: Told,
    began: Timestamp,
    /// The same on the host's clock, until the store's is known for sure.
    made_at: Option<Duration>,
    /// The store's time at the last look that succeeded.
    looked: Option<Timestamp>,
    /// When to look next, on the host's clock.
    next_look: Duration,
    /// Found by a look that has not ended.
    gathered: Vec<TaskEvent>,
    buffer: VecDeque<TaskEvent>,
    failed: Option<Error>,
    closed: bool,
}

impl Client {
    /// What happens to the tenant's tasks from now on.
    pub fn follow(&self, options: FollowOptions) -> Follower {
        Follower {
            told: Told::default(),
            began: options.since.unwrap_or_else(|| self.now()),
            made_at: options.since.is_none().then(|| self.host.monotonic()),
            options,
            looked: None,
            next_look: Duration::ZERO,
            gathered: Vec::new(),
            buffer: VecDeque::new(),
            failed: None,
            closed: false,
            client: self.clone(),
        }
    }
}

impl Follower {
    /// The next event, as soon as there is one; `None` only after the client was closed. Safe to drop
    /// and call again: nothing is lost.
    ///
    /// # Errors
    ///
    /// `store_unavailable` and what else a look at the store can come to; the next call goes on from the
    /// same place. `client_closed` is the last item.
    pub async fn next(&mut self) -> Option<Result<TaskEvent>> {
        loop {
            if let Some(event) = self.buffer.pop_front() {
                return Some(Ok(event));
            }
            if let Some(error) = self.failed.take() {
                self.closed = matches!(error, Error::ClientClosed);
                return Some(Err(error));
            }
            if self.closed {
                return None;
            }
            let rest = self.next_look.saturating_sub(self.client.host.monotonic());
            if !rest.is_zero() {
                self.client.host.sleep(rest).await;
            }
            self.next_look = self.client.host.monotonic() + EVERY;
            if let Err(error) = self.look().await {
                self.next_look += RECOVER;
                self.failed = Some(error);
            }
            self.put_in_order();
        }
    }

    /// The next event if it comes within `limit`; `None` at the end, and `Some(None)` when time ran out.
    /// For callers that must look up from time to time.
    pub async fn next_within(&mut self, limit: Duration) -> Option<Option<Result<TaskEvent>>> {
        let host = self.client.host.clone();
        match timeout(&*host, limit, self.next()).await {
            Some(Some(item)) => Some(Some(item)),
            Some(None) => None,
            None => Some(None),
        }
    }

    async fn look(&mut self) -> Result<()> {
        let service = self.client.service.clone();
        let now = service.now();
        let since = self.looked.unwrap_or(self.began).min(now).before(OVERLAP);
        let found = service.recent(&self.client.tenant, since, LOOK).await?;
        if self.began_earlier() {
            return Ok(());
        }
        let seen: HashSet<TaskId> = found.iter().map(|task| task.task_id).collect();
        for task in found {
            if self.options.matches(&task) {
                self.tell(&task).await?;
            }
        }
        let others = self.told.unseen(&seen, WAITING, BAD);
        for ids in others.chunks(WAITING) {
            let rows = service.look(&self.client.tenant, ids.to_vec()).await?;
            for (row, id) in rows.into_iter().zip(ids) {
                match row {
                    Some(task) => self.tell(&task).await?,
                    None => self.told.gone(*id),
                }
            }
        }
        self.told.shrink();
        self.looked = Some(now);
        Ok(())
    }

    /// Corrects the beginning once the store has answered: before that, a remote one's clock is only
    /// guessed. Whether it was too late.
    fn began_earlier(&mut self) -> bool {
        let Some(made_at) = self.made_at.take() else { return false };
        let age = self.client.host.monotonic().saturating_sub(made_at);
        let began = self.client.now().before(age);
        // What the host's clock and the store's may differ by on one machine.
        let is_earlier = began.after(Duration::from_millis(100)) < self.began;
        if is_earlier {
            self.began = began;
        }
        is_earlier
    }

    /// Gathers what happened to a task since it was told of last.
    async fn tell(&mut self, task: &Task) -> Result<()> {
        let known = self.told.get(task.task_id);
        let after = known.map_or(0, |known| known.seq);
        if task.last_seq < after {
            return Ok(());
        }
        let entries = match by_row(task, known) {
            Some(entries) => entries,
            None => match self.read(task, known.map(|known| known.seq)).await {
                Ok(entries) => entries,
                Err(Error::TaskNotFound { .. }) => {
                    self.told.gone(task.task_id);
                    return Ok(());
                }
                Err(error) => return Err(error),
            },
        };
        // From here on nothing is awaited: what is remembered is gathered, too.
        let forgotten = self.told.forgotten().filter(|_| known.is_none());
        let (mut seq, mut at) = (task.last_seq.max(after), task.created_at);
        for entry in entries {
            seq = seq.max(entry.seq);
            at = at.max(entry.at);
            let is_late = entry.at < self.began || forgotten.is_some_and(|at| entry.at <= at);
            if entry.seq > after && !is_late {
                self.gathered.extend(event(task, entry));
            }
        }
        self.told.remember(task, seq, at);
        Ok(())
    }

    /// The history of a task after what was told; of one that was not known, as far back as anything
    /// may have to be told.
    async fn read(&self, task: &Task, after: Option<u64>) -> Result<Vec<Update>> {
        let mut tail = TAIL;
        loop {
            let start = after.unwrap_or(task.last_seq.saturating_sub(tail));
            let (entries, first) = self.read_after(task.task_id, start).await?;
            if after.is_some() || start == 0 || first.is_none_or(|at| at < self.began) {
                return Ok(entries);
            }
            tail *= 8;
        }
    }

    /// Changes of status after an entry, and when the first entry of any kind was.
    async fn read_after(
        &self,
        id: TaskId,
        mut after: u64,
    ) -> Result<(Vec<Update>, Option<Timestamp>)> {
        let (mut entries, mut first) = (Vec::new(), None);
        loop {
            let service = &self.client.service;
            let wait = Duration::ZERO;
            let some = service.updates(&self.client.tenant, id, after, CHUNK, wait).await?;
            let is_full = some.len() == CHUNK as usize;
            after = some.last().map_or(after, |entry| entry.seq);
            first = first.or(some.first().map(|entry| entry.at));
            let is_status = |entry: &Update| matches!(entry.kind, UpdateKind::Status { .. });
            entries.extend(some.into_iter().filter(is_status));
            if !is_full {
                return Ok((entries, first));
            }
        }
    }

    /// Moves what was gathered to the buffer, in the order of time; entries of one task by their number.
    fn put_in_order(&mut self) {
        let mut latest: HashMap<TaskId, Timestamp> = HashMap::new();
        let mut places: Vec<(Place, u32)> = Vec::with_capacity(self.gathered.len());
        for (event, index) in self.gathered.iter().zip(0..) {
            // A start that is told late may be dated before the entry that it follows.
            let at = latest.entry(event.task_id).or_insert(event.at);
            *at = event.at.max(*at);
            places.push((Place::at(*at, event.task_id), index));
        }
        // Those of one task were gathered in the order of their numbers.
        sort(&mut places);
        let mut events: Vec<Option<TaskEvent>> = self.gathered.drain(..).map(Some).collect();
        self.buffer.extend(places.into_iter().filter_map(|(_, at)| events[at as usize].take()));
    }
}

fn event(task: &Task, entry: Update) -> Option<TaskEvent> {
    let UpdateKind::Status { status, attempt, message, error, .. } = entry.kind else {
        return None;
    };
    let event = TaskEventKind::of(entry.seq, status)?;
    let has_worker = attempt > 0
        && attempt == task.attempt
        && !matches!(event, TaskEventKind::Submitted | TaskEventKind::Pending);
    Some(TaskEvent {
        event,
        task_id: task.task_id,
        seq: entry.seq,
        at: entry.at,
        queue: task.queue.clone(),
        task_type: task.task_type.clone(),
        status,
        attempt,
        message,
        error,
        worker: task.executed_on.clone().filter(|_| has_worker),
    })
}
