//! A worker's part, in the server's own process.

use std::time::Duration;

use serde_json::Value;
use windlass::{
    Client, LeaseRequest, LeasedTask, Outcome, Payload, RetryOptions, Settle, TaskError,
};

/// Leases the next task of a type.
pub(crate) async fn lease(client: &Client, task_type: &str) -> Option<LeasedTask> {
    let request = LeaseRequest {
        worker: "tester".to_owned(),
        queues: vec!["default".to_owned()],
        handlers: vec![task_type.to_owned()],
        limit: 1,
        ttl: Duration::from_secs(60),
        wait: Duration::ZERO,
        suspects: true,
    };
    client.lease(request).await.expect("a lease").tasks.pop()
}

/// Leases the next task of a type and records an outcome; the id of the task.
pub(crate) async fn perform(client: &Client, task_type: &str, outcome: Outcome) -> String {
    let leased = lease(client, task_type).await.unwrap_or_else(|| panic!("no {task_type} waits"));
    let task_id = leased.task.task_id;
    let settle = Settle {
        task_id,
        token: leased.token,
        outcome,
        started: Some(Duration::from_millis(5)),
        updates: Vec::new(),
        declared: RetryOptions::default(),
    };
    let reply = client.settle(vec![settle], None).await.expect("settled");
    assert!(reply.settled.iter().all(Result::is_ok), "{:?}", reply.settled);
    task_id.to_string()
}

pub(crate) fn complete(result: Value) -> Outcome {
    Outcome::complete(Payload::from(result))
}

pub(crate) fn fail(message: &str) -> Outcome {
    Outcome::Fail { error: TaskError::new("handler_error", message).fatal() }
}
