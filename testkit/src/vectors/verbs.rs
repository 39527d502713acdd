//! What a step can call: each verb takes and answers wire records.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use windlass::rules::limits;
use windlass::{
    BatchSpec, BlockSpec, Client, Cursor, Error, Filter, LeaseRequest, PipelineSpec, Renewal,
    Settle, Stretch, SubmitOptions, TaskSpec, TaskStatus, Timestamp, Update,
};

/// A verb's refusal, or a fault of the vector itself.
pub(super) enum Trouble {
    /// The client answered this error.
    Refused(Error),
    /// The step makes no sense.
    Vector(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

type Answer = Result<Value, Trouble>;

/// Longest that an answer may take which must come.
const SOON: Duration = Duration::from_secs(20);

/// Tasks of one page.
const PAGE: u64 = 2;

/// Calls a verb.
pub(super) async fn call(client: &Client, verb: &str, args: &Value) -> Answer {
    match verb {
        "submit" => Ok(submit(client, std::slice::from_ref(args), false).await?[0].take()),
        "submit_batch" => {
            let tasks = args["tasks"].as_array().ok_or_else(|| fault("tasks is no array"))?;
            submit(client, tasks, true).await
        }
        "get" => record(&client.get(&id(args)?).await?),
        "get_many" => record(&client.get_many(&ids(args)?).await?),
        "list" => list(client, args).await,
        "count" => {
            let most = bound(args, limits::COUNT_DEFAULT);
            record(&client.count(filter(args)?, most).await?)
        }
        "cancel_matching" => record(&client.cancel_matching(filter(args)?, stretch(args)?).await?),
        "retry_matching" => record(&client.retry_matching(filter(args)?, stretch(args)?).await?),
        "counts" => record(&client.counts().await?),
        "queues" => record(&client.queues().await?),
        "pause" => record(&client.pause(text(args, "queue")?, true).await?),
        "resume" => record(&client.pause(text(args, "queue")?, false).await?),
        "create_batch" => {
            let (spec, tasks) = batch(args)?;
            record(&client.submit_batch(spec, tasks).await?)
        }
        "open_batch" => Ok(json!({ "batch_id": client.open_batch(batch(args)?.0).await? })),
        "extend_batch" => {
            let chunk = args["chunk"].as_u64().ok_or_else(|| fault("chunk is no number"))?;
            let tasks = specs(args["tasks"].as_array().map_or(&[][..], |tasks| tasks))?;
            let total = client.extend_batch(text(args, "batch_id")?, chunk as u32, tasks).await?;
            Ok(json!({ "total": total }))
        }
        "seal_batch" => record(&client.seal_batch(text(args, "batch_id")?).await?),
        "submit_pipeline" => {
            record(&client.submit_pipeline(PipelineSpec::from_wire(&args.to_string())?).await?)
        }
        "pipeline" => record(&client.pipeline(text(args, "pipeline_id")?).await?),
        "cancel_pipeline" => record(&client.cancel_pipeline(text(args, "pipeline_id")?).await?),
        "retry_pipeline" => {
            let stage = args["stage"].as_str();
            record(&client.retry_pipeline(text(args, "pipeline_id")?, stage).await?)
        }
        "submit_block" => {
            record(&client.submit_block(BlockSpec::from_wire(&args.to_string())?).await?)
        }
        "block" => record(&client.block(&id(args)?).await?),
        "upstream" => record(&client.upstream(&id(args)?, text(args, "name")?).await?),
        "upstream_names" => record(&client.upstream_names(&id(args)?).await?),
        "state" => record(&client.state(text(args, "state_key")?).await?),
        "batch" => record(&client.batch(text(args, "batch_id")?).await?),
        "cancel_batch" => record(&client.cancel_batch(text(args, "batch_id")?).await?),
        "updates" => updates(client, args).await,
        "cancel" => record(&client.cancel(&id(args)?).await?),
        "retry" => record(&client.retry(&id(args)?).await?),
        "why" => record(&client.why(&id(args)?).await?),
        "lease" => record(&client.lease(lease_request(args)?).await?),
        "renew" => {
            let renewals: Vec<Renewal> = read(&args["renewals"])?;
            record(&client.renew(renewals).await?)
        }
        "settle" => settle(client, args).await,
        "sweep" => {
            let swept = client.sweep().await?;
            Ok(json!({
                "promoted": swept.promoted, "rescued": swept.rescued, "pruned": swept.pruned,
            }))
        }
        "wait" => {
            let fail_fast = args["fail_fast"].as_bool().unwrap_or(false);
            record(&client.wait_many(&ids(args)?, timeout(args), fail_fast).await?)
        }
        "result" => record(&client.result(&id(args)?, timeout(args)).await?),
        "close" => {
            client.close().await?;
            Ok(Value::Null)
        }
        other => Err(fault(format!("there is no verb {other:?}"))),
    }
}

fn fault(text: impl Into<String>) -> Trouble {
    Trouble::Vector(text.into())
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Trouble> {
    // Through text: payloads are kept as text and cannot be read from a tree.
    serde_json::from_str(&value.to_string()).map_err(|e| fault(format!("{value}: {e}")))
}

fn record(value: &impl Serialize) -> Answer {
    let text = serde_json::to_string(value).map_err(|e| fault(e.to_string()))?;
    serde_json::from_str(&text).map_err(|e| fault(e.to_string()))
}

fn text<'a>(args: &'a Value, name: &str) -> Result<&'a str, Trouble> {
    args[name].as_str().ok_or_else(|| fault(format!("{name} is no text")))
}

fn id(args: &Value) -> Result<String, Trouble> {
    text(args, "task_id").map(str::to_owned)
}

fn ids(args: &Value) -> Result<Vec<String>, Trouble> {
    read(&args["task_ids"])
}

fn timeout(args: &Value) -> Option<Duration> {
    Some(args["timeout_seconds"].as_f64().map_or(SOON, Duration::from_secs_f64))
}

fn specs(tasks: &[Value]) -> Result<Vec<TaskSpec>, Trouble> {
    let read = tasks.iter().map(|task| TaskSpec::from_wire(&task.to_string()));
    Ok(read.collect::<Result<_, _>>()?)
}

async fn submit(client: &Client, tasks: &[Value], batch: bool) -> Answer {
    let options = SubmitOptions { batch, patience: Duration::ZERO };
    record(&client.submit_many(specs(tasks)?, options).await?)
}

/// What a batch is told, and its tasks.
fn batch(args: &Value) -> Result<(BatchSpec, Vec<TaskSpec>), Trouble> {
    let mut told = args.as_object().cloned().unwrap_or_default();
    let tasks = told.remove("tasks").unwrap_or_else(|| json!([]));
    let tasks = tasks.as_array().ok_or_else(|| fault("tasks is no array"))?;
    Ok((BatchSpec::from_wire(&Value::Object(told).to_string())?, specs(tasks)?))
}

fn bound(args: &Value, default: u32) -> u32 {
    args["most"].as_u64().map_or(default, |most| most as u32)
}

fn stretch(args: &Value) -> Result<Stretch, Trouble> {
    let cursor = args["cursor"].as_str().map(str::parse).transpose()?;
    Ok(Stretch { cursor, most: bound(args, limits::CHANGE_MOST) })
}

fn filter(args: &Value) -> Result<Filter, Trouble> {
    let text = |name: &str| args[name].as_str().map(str::to_owned);
    let words = args["status"].as_array().cloned().unwrap_or_default();
    let status = words.iter().map(|word| word.as_str().unwrap_or_default().parse::<TaskStatus>());
    let since = text("since").map(|at| at.parse::<Timestamp>()).transpose()?;
    let until = text("until").map(|at| at.parse::<Timestamp>()).transpose()?;
    Ok(Filter {
        status: status.collect::<Result<_, _>>()?,
        task_type: text("task_type"),
        queue: text("queue"),
        labels: read(args.get("labels").unwrap_or(&json!({})))?,
        kind: args.get("kind").map(read).transpose()?,
        batch_id: args.get("batch_id").map(read).transpose()?,
        since,
        until,
        error: text("error"),
    })
}

/// Every task that matches, or the first `limit`.
async fn list(client: &Client, args: &Value) -> Answer {
    let filter = filter(args)?;
    // Small pages, so that every list also walks.
    let mut left = args["limit"].as_u64().unwrap_or(u64::MAX);
    let (mut tasks, mut cursor) = (Vec::new(), None::<Cursor>);
    loop {
        let page = client.list(filter.clone(), cursor, left.min(PAGE) as u32).await?;
        left = left.saturating_sub(page.tasks.len() as u64);
        tasks.extend(page.tasks);
        cursor = page.next;
        if cursor.is_none() || left == 0 {
            return record(&tasks);
        }
    }
}

/// To the end of the stream, or `take` entries of it.
async fn updates(client: &Client, args: &Value) -> Answer {
    let mut stream = client.updates(&id(args)?, args["after"].as_u64().unwrap_or(0))?;
    let take = args["take"].as_u64().unwrap_or(u64::MAX) as usize;
    let mut seen: Vec<Update> = Vec::new();
    while seen.len() < take {
        match stream.next_within(SOON).await {
            Some(Some(update)) => seen.push(update?),
            Some(None) => return Err(fault("the stream neither ends nor goes on")),
            None => break,
        }
    }
    record(&seen)
}

fn lease_request(args: &Value) -> Result<LeaseRequest, Trouble> {
    let mut request = json!({
        "worker": "w1", "queues": ["default"], "handlers": ["work"], "limit": 10, "lease_seconds": 60,
    });
    for (name, value) in args.as_object().into_iter().flatten() {
        request[name] = value.clone();
    }
    read(&request)
}

async fn settle(client: &Client, args: &Value) -> Answer {
    let settles: Vec<Settle> = read(&args["outcomes"])?;
    let reply = client.settle(settles, None).await?;
    let settled = reply.settled.iter().map(|settled| match settled {
        Ok(done) => record(done),
        Err(error) => Ok(json!({ "error": { "code": error.code(), "fields": error.fields() } })),
    });
    Ok(Value::Array(settled.collect::<Result<_, _>>()?))
}
