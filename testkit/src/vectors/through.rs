//! Functions of core, as a client shows them.

use std::time::Duration;

use serde_json::{Value, json};
use windlass::{
    Client, Clock, Error, LeaseRequest, Outcome, RetryOptions, Settle, SubmitOptions, Task,
    TaskError, TaskSpec,
};

use super::place::{Place, Site};
use super::steps;

/// Calls a function by way of a client on a fresh store.
pub(super) fn call(function: &str, input: &Value, place: &Place) -> Result<Value, Error> {
    let runtime = tokio::runtime::Runtime::new().expect("the machine can start threads");
    runtime.block_on(async {
        let mut site = Site::new(place, &Value::Null).map_err(Error::internal)?;
        let client = site.client("default").await?;
        match function {
            "block" => steps::face(input).await,
            "backoff" => backoff(&site, &client, input).await,
            "same_request" => same_request(&client, input).await,
            "priority" => {
                let task = submit(&client, &json!({ "priority": input })).await?;
                Ok(json!(task.priority.number()))
            }
            "handler" => Ok(json!(submit(&client, input).await?.handler)),
            other => Err(Error::internal(format!("no client shows the function {other:?}"))),
        }
    })
}

async fn submit(client: &Client, record: &Value) -> Result<Task, Error> {
    let spec = TaskSpec::from_wire(&record.to_string())?;
    let stored = client.submit(spec).await?;
    client.get(&stored.task_id.to_string()).await
}

/// Fails a task `n` times; the delay is what the last failure led to.
async fn backoff(site: &Site, client: &Client, input: &Value) -> Result<Value, Error> {
    let record = json!({ "task_type": "work", "retry": input["retry"], "max_retries": 1000 });
    let id = submit(client, &record).await?.task_id.to_string();
    let request = LeaseRequest {
        worker: "w1".to_owned(),
        queues: vec!["default".to_owned()],
        handlers: vec!["work".to_owned()],
        limit: 1,
        ttl: Duration::from_secs(60),
        wait: Duration::ZERO,
        suspects: true,
    };
    for _ in 1..input["n"].as_u64().unwrap_or(0) {
        fail(client, &request).await?;
        let due = client.get(&id).await?.run_at.since(site.clock.now());
        site.clock.advance(due);
        client.sweep().await?;
    }
    fail(client, &request).await?;
    Ok(json!(client.get(&id).await?.run_at.since(site.clock.now()).as_secs_f64()))
}

async fn fail(client: &Client, request: &LeaseRequest) -> Result<(), Error> {
    let leased = client.lease(request.clone()).await?.tasks;
    let leased = leased.first().ok_or_else(|| Error::internal("nothing to lease"))?;
    let settle = Settle {
        task_id: leased.task.task_id,
        token: leased.token,
        outcome: Outcome::Fail { error: TaskError::new("handler_error", "no") },
        started: None,
        updates: Vec::new(),
        declared: RetryOptions::default(),
    };
    client.settle(vec![settle], None).await?.settled.remove(0).map(drop)
}

/// Two submits with one key are the same request, or a conflict.
async fn same_request(client: &Client, input: &Value) -> Result<Value, Error> {
    let keyed = |side: &Value| {
        let mut record = side.clone();
        record["idempotency_key"] = json!("k");
        TaskSpec::from_wire(&record.to_string())
    };
    client.submit(keyed(&input["a"])?).await?;
    let options = SubmitOptions::default();
    match client.submit_many(vec![keyed(&input["b"])?], options).await {
        Ok(stored) => Ok(json!(stored[0].deduplicated)),
        Err(Error::IdempotencyConflict { .. }) => Ok(json!(false)),
        Err(error) => Err(error),
    }
}
