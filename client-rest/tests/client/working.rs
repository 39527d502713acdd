//! Workers behind a server.

use std::time::{Duration, Instant};

use windlass::{
    CancelReason, Client, DeclaredHandler, Job, Lane, Outcome, Signal, SubmitOptions, TaskStatus,
    Worker, WorkerConfig,
};

use crate::proxy::{Link, Proxy, Told, answer};
use crate::stage::{Stage, connect, quick, soon, spec};

fn config(concurrency: u32) -> WorkerConfig {
    let handler = DeclaredHandler { name: "work".to_owned(), ..DeclaredHandler::default() };
    WorkerConfig { handlers: vec![handler], concurrency, ..WorkerConfig::default() }
}

fn done() -> Outcome {
    Outcome::complete(Default::default())
}

async fn claim(worker: &Worker) -> Job {
    soon(worker.claim(Lane::Loop, 1)).await.pop().expect("a job comes")
}

async fn works_until_drained(worker: Worker) {
    loop {
        let jobs = worker.claim(Lane::Loop, 8).await;
        if jobs.is_empty() {
            return;
        }
        worker.complete(jobs.into_iter().map(|job| (job.id, done())).collect());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_runs_once_and_a_drain_does_not_wait_for_the_long_poll() {
    let stage = Stage::new().await;
    let client = stage.client().await;
    let worker = client.worker(config(8)).unwrap();
    let working = tokio::spawn(works_until_drained(worker.clone()));
    let stored = client.submit_many(vec![spec(); 500], SubmitOptions::default()).await.unwrap();
    let ids: Vec<String> = stored.iter().map(|s| s.task_id.to_string()).collect();
    let tasks = soon(client.wait_many(&ids, None, false)).await.unwrap();
    assert!(tasks.iter().all(|t| t.status == TaskStatus::Completed && t.attempt == 1));
    // It is idle, so that a question for more is held open by the server, for up to 20 s.
    worker.drain();
    tokio::time::timeout(Duration::from_secs(10), worker.stopped()).await.unwrap();
    soon(working).await.unwrap();
    assert!(client.workers().await.unwrap().is_empty());
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_reaches_the_handler() {
    let stage = Stage::new().await;
    let client = stage.client().await;
    let worker = client.worker(config(1)).unwrap();
    let id = client.submit(spec()).await.unwrap().task_id.to_string();
    let job = claim(&worker).await;
    assert_eq!(client.cancel(&id).await.unwrap().status, TaskStatus::Running);
    let signals = soon(worker.signals()).await;
    assert!(matches!(signals[..], [Signal::Cancel(j, CancelReason::Requested)] if j == job.id));
    worker.complete(vec![(job.id, Outcome::Cancel { reason: None })]);
    assert_eq!(soon(client.wait(&id, None)).await.unwrap().status, TaskStatus::Cancelled);
    worker.drain();
    soon(worker.stopped()).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_tells_what_it_holds() {
    let stage = Stage::new().await;
    let client = stage.client().await;
    let worker = client.worker(config(4)).unwrap();
    client.submit(spec()).await.unwrap();
    let job = claim(&worker).await;
    let holds = |client: Client| async move {
        loop {
            // The next announcement comes within 5 s.
            match client.workers().await.unwrap().first() {
                Some(worker) if worker.holds == 1 => return,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    soon(holds(client.clone())).await;
    worker.complete(vec![(job.id, done())]);
    worker.drain();
    soon(worker.stopped()).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_lease_loses_no_task() {
    let stage = Stage::new().await;
    // The first answer with tasks never arrives; the server hands them back, or their leases pass.
    let links = vec![Link::CutAfter(0), Link::CutAfter(0), Link::CutAfter(150), Link::Whole];
    let proxy = Proxy::start(stage.server.address(), links).await;
    let remote = connect(&proxy.url, quick()).await;
    let specs = vec![spec(); 20];
    let stored = stage.inside.submit_many(specs, SubmitOptions::default()).await.unwrap();
    let lease = Duration::from_secs(1);
    let worker = remote.worker(WorkerConfig { lease, ..config(4) }).unwrap();
    let working = tokio::spawn(works_until_drained(worker.clone()));
    let ids: Vec<String> = stored.iter().map(|s| s.task_id.to_string()).collect();
    let tasks = soon(stage.inside.wait_many(&ids, None, false)).await.unwrap();
    assert!(tasks.iter().all(|task| task.status == TaskStatus::Completed));
    worker.drain();
    soon(worker.stopped()).await;
    soon(working).await.unwrap();
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_server_is_gone_stops_its_handlers_by_its_own_clock() {
    let stage = Stage::new().await;
    let client = stage.client().await;
    let lease = Duration::from_secs(2);
    let worker = client.worker(WorkerConfig { lease, ..config(1) }).unwrap();
    client.submit(spec()).await.unwrap();
    let job = claim(&worker).await;
    stage.stop().await;
    let signals = soon(worker.signals()).await;
    assert!(matches!(signals[..], [Signal::Cancel(j, CancelReason::Lost)] if j == job.id));
    worker.complete(vec![(job.id, done())]);
    // And it can be stopped, although nobody hears that it goes.
    worker.stop();
    soon(worker.stopped()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_are_kept_for_as_long_as_a_handler_runs() {
    let stage = Stage::new().await;
    let client = stage.client().await;
    let lease = Duration::from_secs(1);
    let worker = client.worker(WorkerConfig { lease, ..config(1) }).unwrap();
    let id = client.submit(spec()).await.unwrap().task_id.to_string();
    let job = claim(&worker).await;
    let first = stage.inside.get(&id).await.unwrap().lease.unwrap().expires_at;
    let renewed = async {
        // Three times as long as the lease lasts without a heartbeat.
        while stage.inside.now() < first.after(lease * 2) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stage.inside.sweep().await.unwrap();
        stage.inside.get(&id).await.unwrap()
    };
    let task = soon(renewed).await;
    assert_eq!(task.status, TaskStatus::Running);
    assert!(task.lease.unwrap().expires_at > first);
    worker.complete(vec![(job.id, done())]);
    assert_eq!(soon(client.wait(&id, None)).await.unwrap().attempt, 1);
    worker.drain();
    soon(worker.stopped()).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_hold_its_answers_is_not_asked_in_a_rush() {
    let nothing = answer("200 OK", "", r#"{"tasks":[]}"#);
    let server = Told::start(vec![nothing]).await;
    let client = connect(&server.url, quick()).await;
    let start = Instant::now();
    let worker = client.worker(config(1)).unwrap();
    let leases = || server.seen().iter().filter(|r| r.starts_with("POST /api/v1/leases ")).count();
    let mut seen = 0;
    while leases() < 4 {
        seen += 1;
        server.sees(seen).await;
    }
    assert!(start.elapsed() >= Duration::from_millis(300), "a tenth of a second between each two");
    worker.drain();
    soon(worker.stopped()).await;
}
