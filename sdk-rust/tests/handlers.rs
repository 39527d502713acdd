//! Typed handlers, as their users write them.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use windlass::{
    Client, Context, DeclaredHandler, Failure, Handlers, LogLevel, RetryOptions, Task, TaskSpec,
    TaskStatus, UpdateKind, WorkerConfig,
};

#[derive(Deserialize)]
struct Sum {
    a: i64,
    b: i64,
}

fn quick() -> WorkerConfig {
    WorkerConfig { cancel_grace: Duration::from_millis(200), ..WorkerConfig::default() }
}

async fn end_of(client: &Client, spec: TaskSpec) -> Task {
    let id = client.submit(spec).await.unwrap().task_id.to_string();
    client.wait(&id, Some(Duration::from_secs(20))).await.unwrap()
}

#[tokio::test]
async fn a_typed_handler_gets_its_payload_and_its_answer_is_the_result() {
    let client = windlass::connect("memory:").await.unwrap();
    let handlers = Handlers::new().on("sum", async |ctx: Context, sum: Sum| {
        ctx.log(LogLevel::Info, "adding")?;
        Ok(sum.a + sum.b)
    });
    let running = handlers.start(&client, quick()).unwrap();
    let task = end_of(&client, TaskSpec::new("sum", json!({ "a": 1, "b": 2 }))).await;
    assert_eq!(task.result.unwrap().as_str(), "3");
    let mut updates = client.updates(&task.task_id.to_string(), 0).unwrap();
    let mut lines = Vec::new();
    while let Some(update) = updates.next().await {
        if let UpdateKind::Log { message, .. } = update.unwrap().kind {
            lines.push(message);
        }
    }
    assert_eq!(lines, ["adding"]);
    running.drain().await;
}

#[tokio::test]
async fn a_payload_that_does_not_fit_fails_without_a_retry() {
    let client = windlass::connect("memory:").await.unwrap();
    let handlers = Handlers::new().on("sum", async |_: Context, sum: Sum| Ok(sum.a + sum.b));
    handlers.start(&client, quick()).unwrap();
    let task = end_of(&client, TaskSpec::new("sum", json!({ "a": "one" }))).await;
    assert_eq!((task.status, task.attempt), (TaskStatus::Failed, 1));
    assert_eq!(task.error.unwrap().code, "invalid_payload");
}

#[tokio::test]
async fn failures_panics_snoozes_and_cancels_do_what_they_say() {
    let client = windlass::connect("memory:").await.unwrap();
    let retry = RetryOptions {
        max_retries: Some(1),
        initial_delay: Some(Duration::ZERO),
        ..RetryOptions::default()
    };
    let declared =
        |name: &str| DeclaredHandler { name: name.to_owned(), retry, ..DeclaredHandler::default() };
    let handlers = Handlers::new()
        .declare(declared("fails"), async |_: Context, (): ()| {
            Err::<(), _>(Failure::from("x".parse::<i64>().unwrap_err()))
        })
        .declare(declared("panics"), async |_: Context, (): ()| -> Result<(), Failure> {
            panic!("oh no")
        })
        .declare(declared("fatal"), async |_: Context, (): ()| {
            Err::<(), _>(Failure::fatal("never"))
        })
        .declare(declared("later"), async |ctx: Context, (): ()| match ctx.task().last_seq {
            1 => Err(Failure::snooze(Duration::from_millis(5))),
            _ => Ok(ctx.attempt()),
        })
        .declare(declared("cancels"), async |_: Context, (): ()| {
            Err::<(), _>(Failure::cancel("not needed"))
        });
    handlers.start(&client, quick()).unwrap();
    for (name, status, attempts) in [
        ("fails", TaskStatus::Failed, 2),
        ("panics", TaskStatus::Failed, 2),
        ("fatal", TaskStatus::Failed, 1),
        ("later", TaskStatus::Completed, 1),
        ("cancels", TaskStatus::Cancelled, 1),
    ] {
        let task = end_of(&client, TaskSpec::new(name, json!(null))).await;
        assert_eq!((task.status, task.attempt), (status, attempts), "{name}");
    }
}

#[tokio::test]
async fn a_handler_hears_that_it_is_cancelled_and_one_that_does_not_is_dropped() {
    let client = windlass::connect("memory:").await.unwrap();
    let handlers = Handlers::new()
        .on("polite", async |ctx: Context, (): ()| {
            let reason = ctx.cancelled().await;
            Err::<(), _>(Failure::cancel(reason.as_str()))
        })
        .on("deaf", async |_: Context, (): ()| {
            std::future::pending::<()>().await;
            Ok(())
        });
    let running = handlers.start(&client, quick()).unwrap();
    for name in ["polite", "deaf"] {
        let id = client.submit(TaskSpec::new(name, json!(null))).await.unwrap().task_id.to_string();
        let mut updates = client.updates(&id, 0).unwrap();
        while client.get(&id).await.unwrap().status != TaskStatus::Running {
            updates.next_within(Duration::from_millis(20)).await;
        }
        client.cancel(&id).await.unwrap();
        let task = client.wait(&id, Some(Duration::from_secs(10))).await.unwrap();
        assert_eq!(task.status, TaskStatus::Cancelled, "{name}");
    }
    assert_eq!(running.worker().abandoned(), 0);
    running.drain().await;
}
