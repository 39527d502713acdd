//! What was promised, compared with what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::Path;

use windlass::{Client, Filter, Task, TaskStatus, UpdateKind};

use super::{composites, log};

/// The numbers of a run, and every promise that was broken.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Processes killed.
    pub kills: u32,
    /// How many of them were the server.
    pub servers_killed: u32,
    /// Tasks whose history was followed to its end while it grew.
    pub followed: usize,
    /// Copies opened as after a power cut.
    pub power_cuts: u32,
    /// Tasks whose submit was acknowledged.
    pub acknowledged: usize,
    /// Tasks in the store: some were stored and their submitter died before it could tell.
    pub stored: usize,
    /// Batches, blocks and pipelines in the store.
    pub composites: usize,
    /// Tasks of theirs.
    pub members: usize,
    /// Attempts that began.
    pub attempts: usize,
    /// Broken promises; empty in a clean run.
    pub broken: Vec<String>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} kills, {} power cuts: {} tasks acknowledged, {} stored, {} of them in {} composites, \
             {} attempts, {} broken promises",
            self.kills,
            self.power_cuts,
            self.acknowledged,
            self.stored,
            self.members,
            self.composites,
            self.attempts,
            self.broken.len(),
        )?;
        if self.servers_killed > 0 {
            let (killed, followed) = (self.servers_killed, self.followed);
            writeln!(
                f,
                "  {killed} times the server; {followed} tasks followed across its deaths"
            )?;
        }
        self.broken.iter().take(20).try_for_each(|line| writeln!(f, "  {line}"))
    }
}

fn blocking<T>(future: impl Future<Output = windlass::Result<T>>) -> io::Result<T> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(future).map_err(io::Error::other)
}

/// Tasks that have not ended.
pub(super) fn open_tasks(url: &str) -> io::Result<u64> {
    let counts = blocking(async { windlass::connect(url).await?.counts().await })?;
    Ok(counts.iter().filter(|count| !count.status.is_final()).map(|count| count.count).sum())
}

async fn all_tasks(client: &Client) -> windlass::Result<BTreeMap<String, Task>> {
    let (mut tasks, mut cursor) = (BTreeMap::new(), None);
    loop {
        let page = client.list(Filter::default(), cursor, 1000).await?;
        tasks.extend(page.tasks.into_iter().map(|task| (task.task_id.to_string(), task)));
        cursor = page.next;
        if cursor.is_none() {
            return Ok(tasks);
        }
    }
}

async fn counts_are_true(
    client: &Client,
    tasks: &BTreeMap<String, Task>,
) -> windlass::Result<Option<String>> {
    let mut rows: BTreeMap<TaskStatus, u64> = BTreeMap::new();
    tasks.values().for_each(|task| *rows.entry(task.status).or_default() += 1);
    let mut counts: BTreeMap<TaskStatus, u64> = BTreeMap::new();
    for count in client.counts().await? {
        *counts.entry(count.status).or_default() += count.count;
    }
    Ok((rows != counts).then(|| format!("counts say {counts:?}, rows say {rows:?}")))
}

/// Requests that more than one task came of.
fn stored_twice(tasks: &BTreeMap<String, Task>) -> windlass::Result<Vec<String>> {
    let mut requests: BTreeMap<String, u32> = BTreeMap::new();
    for task in tasks.values() {
        let payload: serde_json::Value = task.payload.read("payload")?;
        *requests.entry(payload["request"].to_string()).or_default() += 1;
    }
    let twice = requests.into_iter().filter(|(_, count)| *count > 1);
    Ok(twice.map(|(request, count)| format!("{request} was stored {count} times")).collect())
}

/// Judges the file after everything has ended.
pub(super) fn judge(url: &str, folder: &Path, verdict: &mut Verdict) -> io::Result<()> {
    let mut acknowledged = log::ids(folder, "acknowledged")?;
    let composed = composed(folder)?;
    acknowledged.extend(composed.1);
    let completed = log::earliest(folder, "completed")?;
    let began = log::stamps(folder, "began")?;
    let followed = log::stamps(folder, "followed")?;
    (verdict.acknowledged, verdict.attempts) = (acknowledged.len(), began.len());
    verdict.followed = followed.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len();
    verdict.broken.extend(log::lines(folder, "broken")?);
    for (id, time) in &began {
        if completed.get(id).is_some_and(|seen| seen < time) {
            verdict.broken.push(format!("{id} was run again after it had been seen completed"));
        }
    }
    blocking(async {
        let client = windlass::connect(url).await?;
        let tasks = all_tasks(&client).await?;
        verdict.stored = tasks.len();
        verdict.broken.extend(counts_are_true(&client, &tasks).await?);
        let (found, broken) = composites::judge(&client, &tasks, &composed.0).await?;
        verdict.composites = found;
        verdict.members = tasks.values().filter(|task| task.parent().is_some()).count();
        verdict.broken.extend(broken);
        verdict.broken.extend(composites::miscounted(&client, &tasks).await?);
        for id in acknowledged.iter().chain(completed.keys()) {
            if !tasks.contains_key(id) {
                verdict.broken.push(format!("{id} is gone"));
            }
        }
        for (id, last) in &followed {
            let task = tasks.get(id);
            if task.is_none_or(|task| u128::from(task.last_seq) != *last) {
                verdict.broken.push(format!("{id} was followed to {last}, which is not its end"));
            }
        }
        verdict.broken.extend(stored_twice(&tasks)?);
        for (id, task) in &tasks {
            if task.status != TaskStatus::Completed {
                verdict.broken.push(format!("{id} is {} and not completed", task.status));
            }
            let mut stream = client.updates(id, 0)?;
            let (mut last, mut ends) = (0, 0);
            while task.status.is_final()
                && let Some(update) = stream.next().await
            {
                let update = update?;
                if update.seq != last + 1 || ends > 0 {
                    let text = format!("{id}: entry {} after {last}, {ends} ends", update.seq);
                    verdict.broken.push(text);
                }
                last = update.seq;
                ends += u32::from(
                    matches!(update.kind, UpdateKind::Status { status, .. } if status.is_final()),
                );
            }
        }
        Ok(())
    })
}

/// The composites that were acknowledged, and the tasks that were with them.
pub(super) fn composed(folder: &Path) -> io::Result<(Vec<String>, Vec<String>)> {
    let lines = log::lines(folder, "composed")?.into_iter();
    let (members, composites): (Vec<String>, Vec<String>) =
        lines.partition(|line| line.contains(' '));
    let ids = members.iter().filter_map(|line| line.split(' ').next().map(str::to_owned));
    Ok((composites, ids.collect()))
}

/// Judges a copy as a power cut would leave it.
pub(super) fn judge_copy(
    folder: &Path,
    acknowledged: &[String],
    composed: &[String],
    verdict: &mut Verdict,
) -> io::Result<()> {
    let url = format!("sqlite:{}", folder.join("crash.db").display());
    blocking(async {
        let client = windlass::connect(&url).await?;
        let tasks = all_tasks(&client).await?;
        for id in acknowledged.iter().filter(|id| !tasks.contains_key(*id)) {
            verdict.broken.push(format!("{id} was acknowledged before a power cut and is gone"));
        }
        verdict.broken.extend(composites::missing_in(&client, composed).await?);
        if let Some(text) = counts_are_true(&client, &tasks).await? {
            verdict.broken.push(format!("after a power cut {text}"));
        }
        client.close().await
    })
}
