//! Workers on the store in memory, driven as a host drives them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use windlass_core::runtime::host::TokioHost;
use windlass_core::{
    Client, DeclaredHandler, Engine, EngineOptions, Lane, MemoryStore, NewUpdate, Outcome, Payload,
    Signal, SubmitOptions, TaskError, TaskSpec, TaskStatus, UpdateKind, Worker, WorkerConfig,
};

fn client() -> Client {
    let host = Arc::new(TokioHost::new(tokio::runtime::Handle::current()));
    let store = Arc::new(MemoryStore::default());
    let engine = Engine::new(store, host.clone(), EngineOptions::default());
    Client::new(engine, host, "default")
}

fn worker(client: &Client, concurrency: u32) -> Worker {
    let handler = DeclaredHandler { name: "t".to_owned(), ..DeclaredHandler::default() };
    let config = WorkerConfig {
        handlers: vec![handler],
        concurrency,
        cancel_grace: Duration::from_millis(300),
        ..WorkerConfig::default()
    };
    client.worker(config).unwrap()
}

fn spec() -> TaskSpec {
    TaskSpec::new("t", Payload::null())
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("it should not take so long")
}

fn done() -> Outcome {
    Outcome::complete(Payload::trusted("42"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_runs_once_and_a_drained_worker_stops() {
    let client = client();
    let specs = vec![spec(); 2000];
    let options = SubmitOptions { batch: true, ..SubmitOptions::default() };
    let stored = client.submit_many(specs, options).await.unwrap();
    let worker = worker(&client, 16);
    let mut seen = std::collections::HashSet::new();
    while seen.len() < 2000 {
        let jobs = soon(worker.claim(Lane::Loop, 16)).await;
        assert!(jobs.len() <= 16);
        let outcomes = jobs.into_iter().map(|job| {
            assert!(seen.insert(job.task.task_id), "{} ran twice", job.task.task_id);
            (job.id, done())
        });
        worker.complete(outcomes.collect());
    }
    let ids: Vec<String> = stored.iter().map(|s| s.task_id.to_string()).collect();
    let tasks = soon(client.wait_many(&ids, None, false)).await.unwrap();
    assert!(tasks.iter().all(|task| task.status == TaskStatus::Completed && task.attempt == 1));
    worker.drain();
    soon(worker.stopped()).await;
    assert!(worker.claim(Lane::Loop, 1).await.is_empty());
    assert!(client.workers().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_worker_wakes_and_its_reports_reach_the_stream() {
    let client = client();
    let worker = worker(&client, 4);
    let claim = tokio::spawn({
        let worker = worker.clone();
        async move { worker.claim(Lane::Loop, 1).await }
    });
    let stored = client.submit(spec()).await.unwrap();
    let job = soon(claim).await.unwrap().pop().unwrap();
    assert_eq!(job.attempt, 1);
    worker.report(job.id, NewUpdate::Progress { progress: 50.0, message: None }).unwrap();
    let mut stream = client.updates(&stored.task_id.to_string(), 0).unwrap();
    let mut kinds = Vec::new();
    while let Some(update) = soon(stream.next()).await {
        let update = update.unwrap();
        assert_eq!(update.seq, kinds.len() as u64 + 1);
        if matches!(update.kind, UpdateKind::Progress { .. }) {
            worker.complete(vec![(job.id, done())]);
        }
        kinds.push(update.kind);
    }
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    assert_eq!(client.result(&stored.task_id.to_string(), None).await.unwrap().as_str(), "42");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_task_is_signalled_at_once_and_given_up_after_the_grace() {
    let client = client();
    let worker = worker(&client, 1);
    let stored = client.submit(spec()).await.unwrap();
    let id = stored.task_id.to_string();
    let job = soon(worker.claim(Lane::Loop, 1)).await.pop().unwrap();
    assert_eq!(client.cancel(&id).await.unwrap().status, TaskStatus::Running);
    let signals = timeout(Duration::from_millis(200), worker.signals()).await.unwrap();
    assert!(matches!(signals[..], [Signal::Cancel(j, _)] if j == job.id), "{signals:?}");
    assert!(job.cancel.reason().is_some());
    // The code ignores it.
    assert_eq!(soon(worker.signals()).await, vec![Signal::Abandon(job.id)]);
    assert_eq!(soon(client.wait(&id, None)).await.unwrap().status, TaskStatus::Cancelled);
    assert_eq!((worker.running(), worker.abandoned()), (0, 1));
    worker.complete(vec![(job.id, done())]);
    assert_eq!((worker.running(), worker.abandoned()), (0, 0));
    assert_eq!(client.get(&id).await.unwrap().status, TaskStatus::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_past_its_timeout_is_a_failed_attempt_and_is_retried() {
    let client = client();
    let worker = worker(&client, 1);
    let mut spec = spec().timeout(Duration::from_millis(50)).max_retries(1);
    spec.retry.initial_delay = Some(Duration::from_millis(10));
    let id = client.submit(spec).await.unwrap().task_id.to_string();
    let job = soon(worker.claim(Lane::Loop, 1)).await.pop().unwrap();
    assert!(matches!(soon(worker.signals()).await[..], [Signal::Cancel(..)]));
    // Finishing anyway does not help: the attempt is over.
    worker.complete(vec![(job.id, done())]);
    let job = soon(worker.claim(Lane::Loop, 1)).await.pop().unwrap();
    assert_eq!(job.attempt, 2);
    assert_eq!(client.get(&id).await.unwrap().error.unwrap().code, "task_timeout");
    worker.complete(vec![(job.id, done())]);
    assert_eq!(soon(client.wait(&id, None)).await.unwrap().status, TaskStatus::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_back_off_and_end_as_dead_letters_that_can_be_retried() {
    let client = client();
    let worker = worker(&client, 1);
    let mut spec = spec().max_retries(1);
    spec.retry.initial_delay = Some(Duration::from_millis(10));
    let id = client.submit(spec).await.unwrap().task_id.to_string();
    for attempt in 1..=2 {
        let job = soon(worker.claim(Lane::Loop, 1)).await.pop().unwrap();
        assert_eq!(job.attempt, attempt);
        worker.complete(vec![(
            job.id,
            Outcome::Fail { error: TaskError::new("handler_error", "no") },
        )]);
    }
    let task = soon(client.wait(&id, None)).await.unwrap();
    assert_eq!((task.status, task.attempt), (TaskStatus::Failed, 2));
    client.retry(&id).await.unwrap();
    let job = soon(worker.claim(Lane::Loop, 1)).await.pop().unwrap();
    assert_eq!(job.attempt, 1);
    worker.complete(vec![(job.id, done())]);
    assert_eq!(soon(client.wait(&id, None)).await.unwrap().status, TaskStatus::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_worker_hands_everything_back_uncounted() {
    let client = client();
    let first = worker(&client, 2);
    let specs = vec![spec(); 10];
    let stored = client.submit_many(specs, SubmitOptions::default()).await.unwrap();
    let mut jobs = Vec::new();
    while jobs.len() < 2 {
        jobs.extend(soon(first.claim(Lane::Loop, 2)).await);
    }
    first.stop();
    soon(first.stopped()).await;
    for submission in &stored {
        let task = client.get(&submission.task_id.to_string()).await.unwrap();
        assert_eq!((task.status, task.attempt, task.suspect), (TaskStatus::Pending, 0, false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_client_ends_its_workers() {
    let client = client();
    let worker = worker(&client, 2);
    client.submit(spec()).await.unwrap();
    soon(worker.claim(Lane::Loop, 1)).await;
    client.close().await.unwrap();
    soon(worker.stopped()).await;
    assert_eq!(client.submit(spec()).await.unwrap_err().code(), "client_closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_claim_from_their_own_lane() {
    let client = client();
    let handler =
        DeclaredHandler { name: "t".to_owned(), lane: Lane::Thread, ..DeclaredHandler::default() };
    let config = WorkerConfig { handlers: vec![handler], ..WorkerConfig::default() };
    let worker = client.worker(config).unwrap();
    assert!(worker.claim_blocking(Lane::Thread, 1, Duration::from_millis(20)).is_none());
    let thread = std::thread::spawn({
        let worker = worker.clone();
        move || worker.claim_blocking(Lane::Thread, 8, Duration::from_secs(10))
    });
    let id = client.submit(spec()).await.unwrap().task_id.to_string();
    let jobs = tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap().unwrap();
    worker.complete(jobs.into_iter().map(|job| (job.id, done())).collect());
    assert_eq!(soon(client.wait(&id, None)).await.unwrap().status, TaskStatus::Completed);
    worker.drain();
    assert_eq!(
        worker.claim_blocking(Lane::Thread, 1, Duration::from_secs(5)).map(|j| j.len()),
        Some(0)
    );
}
