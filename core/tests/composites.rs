//! Batches, blocks, pipelines and states through the engine and its client.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use windlass_core::rules::mermaid;
use windlass_core::runtime::host::TokioHost;
use windlass_core::{
    BatchSpec, BatchSubmission, BlockSpec, Client, Engine, EngineOptions, Error, Filter,
    LeaseRequest, LeasedTask, MemoryStore, Outcome, Payload, PipelineSpec, Renewal, Renewed,
    RetryOptions, Settle, Stretch, SubmitOptions, TaskError, TaskKind, TaskSpec, TaskStatus,
    UpdateKind, Waiting,
};

fn client_with(options: EngineOptions) -> Client {
    let host = Arc::new(TokioHost::new(tokio::runtime::Handle::current()));
    let engine = Engine::new(Arc::new(MemoryStore::default()), host.clone(), options);
    Client::new(engine, host, "default")
}

fn client() -> Client {
    client_with(EngineOptions::default())
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("it should not take so long")
}

fn spec() -> TaskSpec {
    TaskSpec::new("t", Payload::null()).max_retries(0)
}

async fn lease(client: &Client, limit: u32) -> Vec<LeasedTask> {
    let request = LeaseRequest {
        worker: "w".to_owned(),
        queues: vec!["default".to_owned()],
        handlers: vec!["t".to_owned()],
        limit,
        ttl: Duration::from_secs(60),
        wait: Duration::ZERO,
        suspects: true,
    };
    client.lease(request).await.unwrap().tasks
}

async fn settle(client: &Client, leased: &LeasedTask, outcome: Outcome) {
    let settle = Settle {
        task_id: leased.task.task_id,
        token: leased.token,
        outcome,
        started: None,
        updates: Vec::new(),
        declared: RetryOptions::default(),
    };
    client.settle(vec![settle], None).await.unwrap().settled.remove(0).unwrap();
}

async fn complete(client: &Client, leased: &LeasedTask, result: &str) {
    settle(client, leased, Outcome::complete(Payload::trusted(result))).await;
}

async fn fail(client: &Client, leased: &LeasedTask) {
    settle(client, leased, Outcome::Fail { error: TaskError::new("handler_error", "no").fatal() })
        .await;
}

fn chain() -> PipelineSpec {
    PipelineSpec::new("nightly")
        .stage("extract", &[], spec())
        .stage("load", &["extract"], spec())
        .label("env", "test")
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> (String, String) {
    let error = answer.expect_err("it is wrong");
    (error.code().to_owned(), error.fields()["field"].as_str().unwrap_or_default().to_owned())
}

// PIP-01 PIP-02 PIP-04 PIP-05
#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_is_monitored_to_its_end() {
    let client = client();
    let stored = client.submit_pipeline(chain()).await.unwrap();
    assert_eq!((stored.task_ids.len(), stored.deduplicated), (2, false));
    let id = stored.pipeline_id.to_string();
    let mut monitor = client.monitor(&id).unwrap();
    let follow = tokio::spawn(async move {
        let mut told = Vec::new();
        while let Some(change) = monitor.next().await {
            let change = change.unwrap();
            told.push((change.stage, change.status, change.is_terminal, change.progress));
        }
        told
    });
    let first = lease(&client, 10).await.remove(0);
    let why = client.why(&stored.task_ids[1].to_string()).await.unwrap();
    assert_eq!(why.reason, Waiting::Blocked);
    assert!(why.text.contains("1 stage of pipeline"), "{}", why.text);
    complete(&client, &first, "{\"rows\":7}").await;
    let second = lease(&client, 10).await.remove(0);
    let task_id = second.task.task_id.to_string();
    assert_eq!(client.upstream_names(&task_id).await.unwrap(), ["extract"]);
    let rows = client.upstream(&task_id, "extract").await.unwrap().unwrap();
    assert_eq!(rows.as_str(), "{\"rows\":7}");
    assert_eq!(client.upstream(&task_id, "load").await.unwrap(), None);
    let why = client.why(&id).await.unwrap();
    assert_eq!(
        (why.reason, why.text.as_str()),
        (Waiting::Running, "1 of its 2 stages have not ended")
    );
    complete(&client, &second, "null").await;
    let ended = soon(client.wait(&id, None)).await.unwrap();
    assert_eq!((ended.kind, ended.status), (TaskKind::Pipeline, TaskStatus::Completed));
    let told = soon(follow).await.unwrap();
    let terminal: Vec<_> = told.iter().filter(|change| change.2).collect();
    assert_eq!(terminal, [&(None, TaskStatus::Completed, true, 100.0)]);
    assert_eq!(told.last(), Some(terminal[0]));
    assert!(told.contains(&(Some("extract".to_owned()), TaskStatus::Completed, false, 50.0)));
    let view = client.pipeline(&id).await.unwrap();
    assert_eq!((view.name.as_str(), view.labels["env"].as_str()), ("nightly", "test"));
    assert_eq!(view.stages[1].depends_on, ["extract"]);
    let drawn = mermaid::of_pipeline(&view);
    assert!(
        drawn.contains("s0[\"extract\"]:::completed") && drawn.contains("s0 --> s1"),
        "{drawn}"
    );
    let kind = Some(TaskKind::Pipeline);
    let page = client.list(Filter { kind, ..Filter::default() }, None, 10).await.unwrap();
    assert_eq!(page.tasks.len(), 1);
    assert!(matches!(client.pipeline(&task_id).await, Err(Error::PipelineNotFound { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_fills_a_question_is_told() {
    // A stream asks for 256 entries at once, and cannot know that nothing follows the last of a full answer.
    let client = client();
    let mut full = 0;
    for stages in 250..256 {
        let mut pipeline = PipelineSpec::new("wide");
        for number in 0..stages {
            pipeline = pipeline.stage(format!("s{number}"), &[], spec());
        }
        let id = client.submit_pipeline(pipeline).await.unwrap().pipeline_id.to_string();
        client.cancel_pipeline(&id).await.unwrap();
        let mut monitor = client.monitor(&id).unwrap();
        let mut told = Vec::new();
        while let Some(change) = soon(monitor.next()).await {
            told.push(change.unwrap());
        }
        let ends: Vec<_> = told.iter().filter(|change| change.is_terminal).collect();
        assert_eq!((ends.len(), told.len()), (1, stages + 1), "{stages} stages");
        full += usize::from(ends[0].seq == 256);
        let seen = told[stages - 2].seq;
        let mut rest = client.monitor(&id).unwrap().after(seen);
        assert_eq!(soon(rest.next()).await.unwrap().unwrap(), told[stages - 1]);
    }
    assert_eq!(full, 1);
}

// PIP-03
#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_whose_time_is_over_is_ended_by_the_sweep() {
    let client = client();
    let stored = client.submit_pipeline(chain().timeout(Duration::from_millis(50))).await.unwrap();
    let id = stored.pipeline_id.to_string();
    // Whoever leases, sweeps.
    assert_eq!(lease(&client, 1).await.len(), 1);
    let ended = soon(client.wait(&id, None)).await.unwrap();
    assert_eq!(
        (ended.status, ended.error.unwrap().code.as_str()),
        (TaskStatus::Failed, "task_timeout")
    );
    let view = client.pipeline(&id).await.unwrap();
    assert_eq!(view.stages[1].status, TaskStatus::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_reaches_the_stage_that_runs() {
    let client = client();
    let stored = client.submit_pipeline(chain()).await.unwrap();
    let leased = lease(&client, 1).await.remove(0);
    let hint = client.service().cancel_hint();
    let view = client.cancel_pipeline(&stored.pipeline_id.to_string()).await.unwrap();
    assert_eq!((view.status, view.stages[0].status), (TaskStatus::Cancelled, TaskStatus::Running));
    soon(hint).await;
    let question = Renewal {
        task_id: leased.task.task_id,
        token: leased.token,
        extend: None,
        started: None,
        updates: Vec::new(),
    };
    assert_eq!(client.renew(vec![question]).await.unwrap(), [Renewed::CancelRequested]);
    let again = client.cancel(&stored.pipeline_id.to_string()).await.unwrap();
    assert_eq!(again.status, TaskStatus::Cancelled, "again is no error");
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_are_run_again_by_any_verb() {
    let client = client();
    for how in 0..4 {
        let stored = client.submit_pipeline(chain()).await.unwrap();
        let id = stored.pipeline_id.to_string();
        let leased = lease(&client, 1).await.remove(0);
        fail(&client, &leased).await;
        let before = client.pipeline(&id).await.unwrap();
        assert_eq!(before.status, TaskStatus::Failed);
        match how {
            0 => drop(client.retry_pipeline(&id, Some("extract")).await.unwrap()),
            1 => drop(client.retry(&id).await.unwrap()),
            2 => drop(client.retry(&stored.task_ids[0].to_string()).await.unwrap()),
            _ => {
                let filter = Filter { task_type: Some("t".to_owned()), ..Filter::default() };
                let stretch = Stretch { cursor: None, most: 100 };
                let changed = client.retry_matching(filter, stretch).await.unwrap();
                assert!(changed.changed >= 1);
            }
        }
        let statuses: Vec<_> =
            client.pipeline(&id).await.unwrap().stages.iter().map(|stage| stage.status).collect();
        assert_eq!(statuses, [TaskStatus::Pending, TaskStatus::Blocked], "{how}");
        for _ in 0..2 {
            let leased = lease(&client, 1).await.remove(0);
            complete(&client, &leased, "1").await;
        }
        assert_eq!(client.pipeline(&id).await.unwrap().status, TaskStatus::Completed);
        assert_eq!(client.retry(&id).await.unwrap_err().code(), "invalid_transition");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_pipelines_name_what_is_wrong_and_store_nothing() {
    let client = client();
    let two =
        |a: &[&str], b: &[&str]| PipelineSpec::new("p").stage("a", a, spec()).stage("b", b, spec());
    let task =
        |task: TaskSpec| PipelineSpec::new("p").stage("a", &[], spec()).stage("b", &[], task);
    for (bad, field, culprit) in [
        (PipelineSpec::new("p"), "stages", "1 to"),
        (PipelineSpec { name: String::new(), ..two(&[], &[]) }, "name", "1 to 128"),
        (two(&["b"], &["a"]), "depends_on", "a"),
        (two(&[], &["b"]), "depends_on", "\"b\" depends on itself"),
        (two(&[], &["x"]), "depends_on", "\"x\""),
        (two(&[], &["a", "a"]), "depends_on", "twice"),
        (two(&[], &[]).stage("b", &[], spec()), "name", "\"b\" is given twice"),
        (two(&[], &[]).stage("", &[], spec()), "stages[2].name", "1 to 128"),
        (task(spec().queue("")), "stages[1].queue", "1 to 128"),
        (task(spec().idempotency_key("k")), "stages[1].idempotency_key", "whole"),
        (two(&[], &[]).timeout(Duration::ZERO), "timeout_seconds", "more than 0"),
    ] {
        let answer = client.submit_pipeline(bad).await;
        let text = answer.as_ref().unwrap_err().to_string();
        assert_eq!(refused(answer), ("invalid_argument".into(), field.into()));
        assert!(text.contains(culprit), "{text}");
    }
    let mut large = spec();
    large.payload = Payload::trusted(format!("\"{}\"", "x".repeat(1 << 20)));
    let answer = client.submit_pipeline(task(large)).await;
    assert_eq!(refused(answer), ("payload_too_large".into(), "stages[1].payload".into()));
    assert!(client.counts().await.unwrap().is_empty());
}

// PAR-26
#[tokio::test(flavor = "multi_thread")]
async fn a_block_answers_with_its_result() {
    let client = client();
    let steps: Vec<Payload> = (1..=3).map(|n| Payload::trusted(n.to_string())).collect();
    let block = BlockSpec {
        name: "squares".to_owned(),
        strategy: "quorum(2)".to_owned(),
        steps,
        task_type: Some("t".to_owned()),
        ..BlockSpec::default()
    };
    let stored = client.submit_block(block).await.unwrap();
    let id = stored.task_id.to_string();
    let leased = lease(&client, 3).await;
    assert_eq!(leased.len(), 3);
    complete(&client, &leased[2], "9").await;
    let half = client.block(&id).await.unwrap();
    assert_eq!((half.overall_status.as_str(), half.completed_tasks), ("running", 1));
    assert_eq!(half.results[0].status, "running");
    fail(&client, &leased[0]).await;
    complete(&client, &leased[1], "4").await;
    let task = soon(client.wait(&id, None)).await.unwrap();
    let result: windlass_core::BlockResult = task.result.unwrap().read("result").unwrap();
    assert_eq!((task.status, result.overall_status.as_str()), (TaskStatus::Completed, "completed"));
    assert_eq!((result.block_name.as_str(), result.strategy.as_str()), ("squares", "quorum"));
    assert_eq!((result.completed_tasks, result.failed_tasks, result.total_tasks), (2, 1, 3));
    let answers: Vec<_> = result.results.iter().map(|step| step.result.clone()).collect();
    let json = |text: &str| Some(Payload::trusted(text));
    assert_eq!(answers, [None, json("4"), json("9")], "in the order of the steps");
    assert_eq!(result.results[0].error_message.as_deref(), Some("no"));
    assert_eq!(
        client.get(&id).await.unwrap().result.unwrap(),
        client.wait(&id, None).await.unwrap().result.unwrap()
    );
    assert_eq!(client.retry(&id).await.unwrap_err().code(), "invalid_transition");
    let mut updates = client.updates(&id, 0).unwrap();
    let mut last = None;
    while let Some(update) = updates.next().await {
        last = Some(update.unwrap());
    }
    match last.unwrap().kind {
        UpdateKind::Status { status: TaskStatus::Completed, result, .. } => {
            assert_eq!(result, client.get(&id).await.unwrap().result);
        }
        other => panic!("the end, not {other:?}"),
    }
    let step = leased[0].task.task_id.to_string();
    assert!(matches!(client.block(&step).await, Err(Error::TaskNotFound { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_too_large_is_left_to_its_steps() {
    let client = client();
    let block = |steps: usize| BlockSpec {
        strategy: "all".to_owned(),
        steps: vec![Payload::null(); steps],
        task_type: Some("t".to_owned()),
        ..BlockSpec::default()
    };
    let mebibyte = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    for (steps, fits) in [(32, true), (33, false)] {
        let stored = client.submit_block(block(steps)).await.unwrap();
        let id = stored.task_id.to_string();
        let leased = lease(&client, 100).await;
        for leased in &leased {
            complete(&client, leased, &mebibyte).await;
        }
        let rows = client.service().look("default", vec![stored.task_id]).await.unwrap();
        let row = rows.into_iter().next().flatten().unwrap();
        assert_eq!((row.status, row.result), (TaskStatus::Completed, None));
        let mut updates = client.updates(&id, 0).unwrap();
        let mut last = None;
        while let Some(update) = updates.next().await {
            last = Some(update.unwrap());
        }
        let UpdateKind::Status { status, result, .. } = last.unwrap().kind else {
            panic!("the end")
        };
        assert_eq!((status, result.is_some()), (TaskStatus::Completed, fits));
        if fits {
            assert!(client.get(&id).await.unwrap().result.unwrap().as_str().len() > 32 << 20);
            continue;
        }
        for answer in [
            client.get(&id).await.map(drop),
            client.block(&id).await.map(drop),
            client.wait(&id, None).await.map(drop),
        ] {
            let text = answer.as_ref().unwrap_err().to_string();
            assert!(text.contains("of the steps one by one"), "{text}");
            assert_eq!(refused(answer), ("payload_too_large".into(), "result".into()));
        }
        let step = client.get(&leased[32].task.task_id.to_string()).await.unwrap();
        assert_eq!(step.result.unwrap().as_str(), mebibyte);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_blocks_name_what_is_wrong_and_store_nothing() {
    let client = client();
    let steps = |count: usize| vec![Payload::null(); count];
    let block = |strategy: &str| BlockSpec {
        strategy: strategy.to_owned(),
        steps: steps(3),
        ..BlockSpec::default()
    };
    for (bad, field) in [
        (block("collect"), "strategy"),
        (block("custom"), "strategy"),
        (BlockSpec { quorum: Some(5), ..block("quorum") }, "quorum"),
        (block("quorum"), "quorum"),
        (BlockSpec { max_concurrency: Some(0), ..block("all") }, "max_concurrency"),
        (BlockSpec { rate_per_second: Some(0.0), ..block("throttled") }, "rate_per_second"),
        (BlockSpec { rate_per_second: Some(1e-300), ..block("throttled") }, "rate_per_second"),
        (BlockSpec { timeout_seconds: Some(Duration::ZERO), ..block("all") }, "timeout_seconds"),
        (BlockSpec { steps: steps(10_001), ..block("all") }, "steps"),
        (BlockSpec { queue: Some(String::new()), ..block("all") }, "queue"),
    ] {
        let named = refused(client.submit_block(bad).await);
        assert_eq!(named, ("invalid_argument".into(), field.into()));
    }
    assert!(client.counts().await.unwrap().is_empty());
    let empty = client.submit_block(BlockSpec::default()).await.unwrap();
    assert_eq!(empty.status, TaskStatus::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_sends_chunks_and_tells_its_hooks() {
    let client = client();
    let hook = |name: &str| Some(TaskSpec::new(name, Payload::null()));
    let batch = BatchSpec {
        name: Some("resize".to_owned()),
        on_success: hook("t"),
        on_failure: hook("never"),
        ..BatchSpec::default()
    };
    let mut builder = client.new_batch(batch).chunk_size(3);
    builder.extend((0..10).map(|_| spec())).await.unwrap();
    assert!(client.counts().await.unwrap().is_empty(), "nobody sees it before its seal");
    let stored = builder.seal().await.unwrap();
    assert_eq!(stored.submissions.len(), 10);
    let id = stored.batch_id.to_string();
    let begun = client.batch(&id).await.unwrap();
    assert_eq!((begun.total, begun.status, begun.progress), (10, TaskStatus::Pending, 0.0));
    assert_eq!((begun.name.as_deref(), begun.finished_at), (Some("resize"), None));
    for leased in lease(&client, 10).await {
        complete(&client, &leased, "1").await;
    }
    let ended = client.batch(&id).await.unwrap();
    assert_eq!((ended.status, ended.progress), (TaskStatus::Completed, 100.0));
    assert!(ended.created_at.is_some() && ended.finished_at.is_some());
    let leased = lease(&client, 10).await.remove(0);
    assert_eq!(Some(leased.task.task_id), ended.hooks.on_success);
    let told = client.upstream(&leased.task.task_id.to_string(), "batch").await.unwrap().unwrap();
    assert_eq!(told.read::<windlass_core::Batch>("result").unwrap(), ended);
    let never = client.get(&ended.hooks.on_failure.unwrap().to_string()).await.unwrap();
    assert_eq!(never.status, TaskStatus::Cancelled);
    // One that fits a chunk is sent at once, and its key stands for its tasks.
    let keyed = || BatchSpec { idempotency_key: Some("k".to_owned()), ..BatchSpec::default() };
    let mut small = client.new_batch(keyed());
    small.add(spec()).await.unwrap();
    let first = small.seal().await.unwrap();
    assert!(small.seal().await.unwrap().deduplicated);
    let other = client.submit_batch(keyed(), vec![spec(), spec()]).await;
    assert!(
        matches!(other, Err(Error::IdempotencyConflict { task_id, .. }) if task_id == first.batch_id.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_cancelled_and_run_again_by_its_id() {
    let client = client();
    let options = SubmitOptions { batch: true, ..SubmitOptions::default() };
    let stored = client.submit_many(vec![spec(); 5], options).await.unwrap();
    let id = stored[0].batch_id.unwrap().to_string();
    let leased = lease(&client, 1).await.remove(0);
    let task = client.cancel(&id).await.unwrap();
    assert_eq!((task.kind, task.status), (TaskKind::Batch, TaskStatus::Running), "one still runs");
    complete(&client, &leased, "1").await;
    assert_eq!(soon(client.wait(&id, None)).await.unwrap().status, TaskStatus::Cancelled);
    let again = client.retry(&id).await.unwrap();
    assert_eq!((again.status, again.members.unwrap().open()), (TaskStatus::Running, 4));
    for leased in lease(&client, 10).await {
        complete(&client, &leased, "1").await;
    }
    assert_eq!(client.batch(&id).await.unwrap().status, TaskStatus::Completed);
    assert_eq!(client.retry(&id).await.unwrap_err().code(), "invalid_transition");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_too_many_is_refused() {
    let client = client();
    let id = client.open_batch(BatchSpec::default()).await.unwrap();
    for chunk in 0..10 {
        client.extend_batch(&id, chunk, vec![spec(); 10_000]).await.unwrap();
    }
    let refusal = refused(client.extend_batch(&id, 10, vec![spec()]).await);
    assert_eq!(refusal, ("invalid_argument".into(), "tasks".into()));
    let sealed = client.seal_batch(&id).await.unwrap();
    let again = client.seal_batch(&id).await.unwrap();
    assert_eq!(
        (sealed.submissions.len(), sealed.deduplicated, again.deduplicated),
        (100_000, false, true)
    );
    let ids =
        |batch: &BatchSubmission| batch.submissions.iter().map(|s| s.task_id).collect::<Vec<_>>();
    assert!(ids(&sealed) == ids(&again), "who asks again is told the same");
    assert_eq!(client.seal_batch("nope").await.unwrap_err().code(), "batch_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_waits_for_room_as_long_as_it_is_told() {
    let options = EngineOptions { queue_depth_limit: Some(2), ..EngineOptions::default() };
    let client = client_with(options);
    let first = client.submit(spec()).await.unwrap();
    let batch = |patience| {
        let options = SubmitOptions { batch: false, patience };
        client.service().submit_batch("default", BatchSpec::default(), vec![spec(); 2], options)
    };
    assert_eq!(batch(Duration::ZERO).await.unwrap_err().code(), "queue_full");
    let waiting = batch(Duration::from_secs(20));
    let (stored, _) = tokio::join!(soon(waiting), async {
        client.cancel(&first.task_id.to_string()).await.unwrap()
    });
    assert_eq!(stored.unwrap().submissions.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_read_by_its_key_and_a_turn_is_explained() {
    let client = client();
    let spec = || spec().state_key("account").initial_state(serde_json::json!({ "n": 0 }));
    let first = client.submit(spec()).await.unwrap();
    let second = client.submit(spec()).await.unwrap();
    assert_eq!((first.status, second.status), (TaskStatus::Pending, TaskStatus::Blocked));
    let why = client.why(&second.task_id.to_string()).await.unwrap();
    assert!(why.text.contains("state key \"account\""), "{}", why.text);
    assert_eq!(client.state("account").await.unwrap(), None);
    let leased = lease(&client, 2).await;
    assert_eq!((leased.len(), leased[0].state.as_ref().unwrap().as_str()), (1, "{\"n\":0}"));
    let state = Some(Payload::trusted("{\"n\":1}"));
    settle(&client, &leased[0], Outcome::Complete { result: Payload::null(), state }).await;
    assert_eq!(client.state("account").await.unwrap().unwrap().as_str(), "{\"n\":1}");
    assert_eq!(lease(&client, 2).await[0].state.as_ref().unwrap().as_str(), "{\"n\":1}");
    // A state that is too large fails nothing but its report.
    let large = Payload::trusted(format!("\"{}\"", "x".repeat(1 << 20)));
    let settle = Settle {
        task_id: leased[0].task.task_id,
        token: leased[0].token,
        outcome: Outcome::Complete { result: Payload::null(), state: Some(large) },
        started: None,
        updates: Vec::new(),
        declared: RetryOptions::default(),
    };
    let answer = client.settle(vec![settle], None).await.unwrap().settled.remove(0);
    assert_eq!(refused(answer), ("payload_too_large".into(), "state".into()));
}
