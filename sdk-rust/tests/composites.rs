//! Pipelines, batches, blocks and states, as their users write them.

use std::time::Duration;

use serde_json::json;
use windlass::{
    Batch, BatchSpec, BlockResult, BlockSpec, Client, Context, Failure, Handlers, Payload,
    PipelineSpec, TaskSpec, TaskStatus, WorkerConfig,
};

fn quick(concurrency: u32) -> WorkerConfig {
    WorkerConfig { concurrency, ..WorkerConfig::default() }
}

fn seconds(count: u64) -> Option<Duration> {
    Some(Duration::from_secs(count))
}

fn plain(task_type: &str) -> TaskSpec {
    TaskSpec::new(task_type, json!(null)).max_retries(0)
}

// PIP-05
#[tokio::test]
async fn stages_read_the_results_of_those_before_them() {
    let client = windlass::connect("memory:").await.unwrap();
    let handlers = Handlers::new()
        .on("number", async |_: Context, n: u64| Ok(n))
        .on("sum", async |ctx: Context, (): ()| {
            let mut sum = 0;
            for name in ctx.upstream_names().await? {
                sum += ctx.upstream::<u64>(&name).await?;
            }
            Ok(sum)
        })
        .on("lost", async |ctx: Context, (): ()| {
            ctx.upstream::<u64>("elsewhere").await.map_err(|e| Failure::fatal(e.to_string()))
        });
    let running = handlers.start(&client, quick(4)).unwrap();
    let number = |n: u64| TaskSpec::new("number", json!(n));
    let spec = PipelineSpec::new("sums")
        .stage("one", &[], number(1))
        .stage("two", &[], number(2))
        .stage("sum", &["one", "two"], plain("sum"))
        .stage("lost", &["one"], plain("lost"));
    let stored = client.submit_pipeline(spec).await.unwrap();
    let ended = client.wait(&stored.pipeline_id.to_string(), seconds(20)).await.unwrap();
    assert_eq!(ended.status, TaskStatus::Failed, "one stage asked for what it does not depend on");
    let ids: Vec<String> = stored.task_ids.iter().map(ToString::to_string).collect();
    assert_eq!(client.get(&ids[2]).await.unwrap().result.unwrap().as_str(), "3");
    let error = client.get(&ids[3]).await.unwrap().error.unwrap();
    assert!(error.message.contains("\"elsewhere\"") && error.message.contains("one"), "{error:?}");
    running.drain().await;
}

#[tokio::test]
async fn a_batch_of_a_builder_runs_its_hook() {
    let client = windlass::connect("memory:").await.unwrap();
    let handlers = Handlers::new().on("square", async |_: Context, n: u64| Ok(n * n)).on(
        "report",
        async |ctx: Context, (): ()| {
            let batch: Batch = ctx.upstream("batch").await?;
            Ok(format!("{} of {}", batch.counts[&TaskStatus::Completed], batch.total))
        },
    );
    let running = handlers.start(&client, quick(8)).unwrap();
    let spec = BatchSpec { on_success: Some(plain("report")), ..BatchSpec::default() };
    let mut batch = client.new_batch(spec).chunk_size(10);
    batch.extend((0..25).map(|n: u64| TaskSpec::new("square", json!(n)))).await.unwrap();
    let stored = batch.seal().await.unwrap();
    let id = stored.batch_id.to_string();
    client.wait(&id, seconds(20)).await.unwrap();
    let batch = client.batch(&id).await.unwrap();
    assert_eq!((batch.status, batch.total, batch.progress), (TaskStatus::Completed, 25, 100.0));
    let report = batch.hooks.on_success.unwrap().to_string();
    assert_eq!(client.result(&report, seconds(20)).await.unwrap().as_str(), "\"25 of 25\"");
    let last = stored.submissions[24].task_id.to_string();
    assert_eq!(client.result(&last, seconds(20)).await.unwrap().as_str(), "576");
    running.drain().await;
}

#[tokio::test]
async fn losers_of_a_durable_race_are_told_to_stop() {
    let client = windlass::connect("memory:").await.unwrap();
    let handlers = Handlers::new().on("step", async |ctx: Context, name: String| {
        if name == "fast" {
            return Ok(name);
        }
        let reason = ctx.cancelled().await;
        Err(Failure::cancel(reason.as_str()))
    });
    let running = handlers.start(&client, quick(8)).unwrap();
    let steps = ["slow", "fast", "slower"].map(|name| Payload::from(json!(name)));
    let block = BlockSpec {
        strategy: "any_success".to_owned(),
        steps: steps.to_vec(),
        task_type: Some("step".to_owned()),
        ..BlockSpec::default()
    };
    let id = client.submit_block(block).await.unwrap().task_id.to_string();
    let result: BlockResult =
        client.result(&id, seconds(20)).await.unwrap().read("result").unwrap();
    assert_eq!((result.overall_status.as_str(), result.completed_tasks), ("completed", 1));
    assert_eq!(result.results[1].result.as_ref().unwrap().as_str(), "\"fast\"");
    for step in [&result.results[0], &result.results[2]] {
        let ended = client.wait(&step.task_id.to_string(), seconds(20)).await.unwrap();
        assert_eq!(ended.status, TaskStatus::Cancelled);
    }
    running.drain().await;
}

async fn visits(url: &str, workers: usize, each: usize) -> (Client, u64) {
    let handlers = Handlers::new().on("visit", async |ctx: Context, fails: bool| {
        let count = ctx.state::<u64>()?.expect("an initial state") + 1;
        ctx.set_state(&count)?;
        if fails && ctx.attempt() == 1 {
            // What was set goes with the attempt.
            return Err(Failure::retry_after(Duration::ZERO, "once more"));
        }
        Ok(count)
    });
    let mut clients = Vec::new();
    for _ in 0..workers {
        let client = windlass::connect(url).await.unwrap();
        clients.push((handlers.start(&client, quick(2)).unwrap(), client));
    }
    let submitting = clients.iter().map(|(_, client)| async move {
        let visit = |n: usize| {
            TaskSpec::new("visit", json!(n.is_multiple_of(10)))
                .state_key("page")
                .initial_state(json!(0))
        };
        let mut last = String::new();
        for n in 0..each {
            last = client.submit(visit(n)).await.unwrap().task_id.to_string();
        }
        client.wait(&last, seconds(60)).await.unwrap()
    });
    futures_util::future::join_all(submitting).await;
    for (running, _) in &clients {
        running.drain().await;
    }
    let client = clients.remove(0).1;
    let count = client.state("page").await.unwrap().unwrap().read("state").unwrap();
    (client, count)
}

// STA-01 STA-02 STA-03
#[tokio::test(flavor = "multi_thread")]
async fn ten_clients_count_to_a_thousand_in_memory() {
    assert_eq!(visits("memory:a-thousand", 10, 100).await.1, 1000);
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn ten_clients_count_to_a_thousand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("counts.db").display());
    let (client, count) = visits(&url, 10, 100).await;
    assert_eq!(count, 1000);
    client.close().await.unwrap();
}

#[tokio::test]
async fn a_state_without_a_key_is_refused() {
    let client = windlass::connect("memory:").await.unwrap();
    let handlers = Handlers::new().on("keep", async |ctx: Context, (): ()| {
        assert_eq!(ctx.state::<u64>()?, None);
        ctx.set_state(&7).map_err(|error| Failure::fatal(error.to_string()))
    });
    let running = handlers.start(&client, quick(1)).unwrap();
    let id = client.submit(plain("keep")).await.unwrap().task_id.to_string();
    let ended = client.wait(&id, seconds(20)).await.unwrap();
    assert!(ended.error.unwrap().message.contains("state_key"));
    running.drain().await;
}
