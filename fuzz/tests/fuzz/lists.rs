//! Lists: memory, SQLite and a plain filter of all tasks agree, for any labels and filters, page by page.

use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use tokio::runtime::Runtime;
use windlass::{
    Client, ConnectOptions, Cursor, Filter, ManualClock, Payload, SubmitOptions, TaskSpec,
    TaskStatus, Timestamp, connect_on,
};
use windlass_fuzz::target;

use super::hold;

/// Few words, so that filters meet tasks; odd ones, so that no SQL takes them for something else.
const WORDS: [&str; 9] = ["a", "A", "é", "e\u{301}", "%", "_", "'; --", "😀", "\"}\\u0000"];
const START: i64 = 1_790_000_000_000;

/// What tells one task from another: number, type, queue, labels, whether cancelled.
type Made = (String, String, windlass::Labels, bool);

fn word() -> impl Strategy<Value = String> + Clone {
    proptest::sample::select(&WORDS[..]).prop_map(str::to_owned)
}

fn labels(most: usize) -> impl Strategy<Value = windlass::Labels> {
    btree_map(word(), prop_oneof![word(), Just(String::new())], 0..most)
}

fn filter() -> impl Strategy<Value = Filter> {
    let statuses = vec(proptest::sample::select(&TaskStatus::ALL[..]), 0..3);
    let since = of((START - 3..START + 40).prop_map(Timestamp::from_millis));
    let until = of((START - 3..START + 40).prop_map(Timestamp::from_millis));
    (statuses, of(word()), of(word()), labels(3), since, until, of(word())).prop_map(
        |(status, task_type, queue, labels, since, until, error)| Filter {
            kind: None,
            status,
            task_type,
            queue,
            labels,
            batch_id: None,
            since,
            until,
            // Only failed tasks have an error, and nothing fails here.
            error: error.filter(|word| word == "é"),
        },
    )
}

async fn fill(client: &Client, clock: &ManualClock, made: &[Made]) -> Result<(), windlass::Error> {
    for (i, (task_type, queue, labels, cancelled)) in made.iter().enumerate() {
        let payload = Payload::new("payload", i.to_string())?;
        let mut spec = TaskSpec::new(task_type.clone(), payload).queue(queue.clone());
        spec.labels.clone_from(labels);
        let stored = client.submit_many(vec![spec], SubmitOptions::default()).await?;
        if *cancelled {
            client.cancel(&stored[0].task_id.to_string()).await?;
        }
        clock.advance(std::time::Duration::from_millis(2));
    }
    Ok(())
}

/// Payloads of all that match, page by page.
async fn walk(client: &Client, filter: &Filter, limit: u32) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut cursor: Option<Cursor> = None;
    for _ in 0..200 {
        let page = client.list(filter.clone(), cursor, limit).await.map_err(|e| e.to_string())?;
        hold!(page.tasks.len() <= limit as usize, "a page of {} tasks", page.tasks.len());
        for task in &page.tasks {
            hold!(filter.matches(task), "{:?} does not match", task.labels);
        }
        found.extend(page.tasks.iter().map(|task| task.payload.as_str().to_owned()));
        // A cursor travels as text.
        cursor = match page.next {
            Some(next) => Some(next.to_string().parse().map_err(|e| format!("{e}"))?),
            None => return Ok(found),
        };
    }
    Err("the walk has no end".to_owned())
}

#[test]
fn lists_agree() {
    let runtime = Runtime::new().expect("a runtime");
    let made = vec((word(), word(), labels(4), any::<bool>()), 0..12);
    let inputs = (made, vec((filter(), 1u32..6), 1..8));
    // Each input fills two stores, so there are few.
    target::fuzz("lists_agree", 3, inputs, |(made, asked)| {
        let folder = tempfile::TempDir::new().map_err(|e| e.to_string())?;
        let file = format!("sqlite:{}", folder.path().join("t.db").display());
        let mut answers = Vec::new();
        for url in ["memory:", &file] {
            let clock = Arc::new(ManualClock::new(Timestamp::from_millis(START)));
            let options =
                ConnectOptions { clock: Some(clock.clone()), ..ConnectOptions::default() };
            let client =
                connect_on(runtime.handle().clone(), url, options).map_err(|e| e.to_string())?;
            answers.push(runtime.block_on(async {
                fill(&client, &clock, &made).await.map_err(|e| e.to_string())?;
                let mut found = Vec::new();
                for (filter, limit) in &asked {
                    found.push(
                        walk(&client, filter, *limit).await.map_err(|e| format!("{url} {e}"))?,
                    );
                }
                client.close().await.map_err(|e| e.to_string())?;
                Ok::<_, String>(found)
            })?);
        }
        for (n, (filter, _)) in asked.iter().enumerate() {
            let wanted: Vec<_> = (0..made.len())
                .rev()
                .filter(|i| matches(filter, &made[*i], *i))
                .map(|i| i.to_string())
                .collect();
            for (store, found) in ["memory", "sqlite"].iter().zip(&answers) {
                hold!(
                    found[n] == wanted,
                    "{store} lists {:?}, not {wanted:?}, for {filter:?}",
                    found[n]
                );
            }
        }
        Ok(())
    });
}

/// The filter once more, on what was submitted.
fn matches(filter: &Filter, made: &Made, i: usize) -> bool {
    let (task_type, queue, labels, cancelled) = made;
    let status = if *cancelled { TaskStatus::Cancelled } else { TaskStatus::Pending };
    let at = START + 2 * i64::try_from(i).unwrap_or(0);
    (filter.status.is_empty() || filter.status.contains(&status))
        && filter.task_type.iter().all(|wanted| wanted == task_type)
        && filter.queue.iter().all(|wanted| wanted == queue)
        && filter.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
        && filter.since.is_none_or(|since| at >= since.as_millis())
        && filter.until.is_none_or(|until| at < until.as_millis())
        && filter.error.is_none()
}
