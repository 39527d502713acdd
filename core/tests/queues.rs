//! Queues and batches through the engine: pauses that wake, reasons that help, cancels that reach all.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use windlass_core::runtime::host::TokioHost;
use windlass_core::{
    Client, Engine, EngineOptions, LeaseRequest, LeasedTask, MemoryStore, Outcome, Payload,
    Renewal, Renewed, RetryOptions, Settle, SubmitOptions, TaskSpec, TaskStatus, Waiting,
};

/// Two processes on one store.
fn clients() -> [Client; 2] {
    let host = Arc::new(TokioHost::new(tokio::runtime::Handle::current()));
    let store = MemoryStore::default();
    [store.connect(), store].map(|store| {
        let engine = Engine::new(Arc::new(store), host.clone(), EngineOptions::default());
        Client::new(engine, host.clone(), "default")
    })
}

fn spec() -> TaskSpec {
    TaskSpec::new("t", Payload::null())
}

fn request(limit: u32, wait: Duration) -> LeaseRequest {
    LeaseRequest {
        worker: "w1".to_owned(),
        queues: vec!["default".to_owned()],
        handlers: vec!["t".to_owned()],
        limit,
        ttl: Duration::from_secs(60),
        wait,
        suspects: true,
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("it should not take so long")
}

async fn batch(client: &Client, size: usize) -> String {
    let options = SubmitOptions { batch: true, ..SubmitOptions::default() };
    let stored = client.submit_many(vec![spec(); size], options).await.unwrap();
    stored[0].batch_id.expect("a batch").to_string()
}

fn done(leased: &LeasedTask) -> Settle {
    Settle {
        task_id: leased.task.task_id,
        token: leased.token,
        outcome: Outcome::complete(Payload::null()),
        started: None,
        updates: Vec::new(),
        declared: RetryOptions::default(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_work_is_woken_when_a_queue_is_resumed() {
    for resumed_by in [0, 1] {
        let clients = clients();
        clients[0].pause("default", true).await.unwrap();
        let id = clients[0].submit(spec()).await.unwrap().task_id;
        // Longer than the test may take: only the resume can end it.
        let mut lease = Box::pin(clients[0].lease(request(1, Duration::from_secs(3600))));
        assert!(futures_util::FutureExt::now_or_never(&mut lease).is_none(), "it is paused");
        clients[resumed_by].pause("default", false).await.unwrap();
        assert_eq!(soon(lease).await.unwrap().tasks[0].task.task_id, id);
    }
}

#[tokio::test]
async fn a_paused_task_says_how_to_go_on() {
    let [client, _] = clients();
    for (queue, command) in [
        ("mail", "windlass queues resume mail"),
        ("to do; rm -r /", "windlass queues resume 'to do; rm -r /'"),
        ("it's", "windlass queues resume 'it'\\''s'"),
    ] {
        let id = client.submit(spec().queue(queue)).await.unwrap().task_id.to_string();
        assert_eq!(client.why(&id).await.unwrap().reason, Waiting::NoWorker);
        let info = client.pause(queue, true).await.unwrap();
        assert_eq!((info.queue.as_str(), info.paused, info.depth), (queue, true, 1));
        let why = client.why(&id).await.unwrap();
        assert_eq!(why.reason, Waiting::Paused);
        assert!(why.text.ends_with(command), "{}", why.text);
        client.pause(queue, false).await.unwrap();
        assert_eq!(client.why(&id).await.unwrap().reason, Waiting::NoWorker);
    }
}

#[tokio::test]
async fn a_cancel_reaches_every_task_of_a_large_batch() {
    let [client, _] = clients();
    let id = batch(&client, 1_700).await;
    let leased = client.lease(request(300, Duration::ZERO)).await.unwrap().tasks;
    client.settle(leased[..100].iter().map(done).collect(), None).await.unwrap();
    let hint = client.service().cancel_hint();
    let told = client.cancel_batch(&id).await.unwrap();
    let count = |status| told.counts.get(&status).copied();
    assert_eq!(told.total, 1_700);
    assert_eq!(count(TaskStatus::Completed), Some(100));
    assert_eq!(count(TaskStatus::Running), Some(200));
    assert_eq!(count(TaskStatus::Cancelled), Some(1_400));
    assert_eq!(told, client.batch(&id).await.unwrap());
    soon(hint).await;
    let ask = leased[100..].iter().map(|one| Renewal {
        task_id: one.task.task_id,
        token: one.token,
        extend: None,
        started: None,
        updates: Vec::new(),
    });
    let answers = client.renew(ask.collect()).await.unwrap();
    assert!(answers.iter().all(|answer| *answer == Renewed::CancelRequested));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_cancelled_while_it_is_worked_on_ends_whole() {
    let [client, worker] = clients();
    let id = batch(&client, 3_000).await;
    let working = tokio::spawn(async move {
        loop {
            let leased = worker.lease(request(7, Duration::ZERO)).await.unwrap().tasks;
            if leased.is_empty() {
                return;
            }
            let reply = worker.settle(leased.iter().map(done).collect(), None).await.unwrap();
            assert!(
                reply.settled.iter().all(Result::is_ok),
                "a handler that finishes is completed"
            );
            tokio::task::yield_now().await;
        }
    });
    client.cancel_batch(&id).await.unwrap();
    soon(working).await.unwrap();
    let told = client.batch(&id).await.unwrap();
    let ended = [TaskStatus::Completed, TaskStatus::Cancelled];
    assert_eq!(ended.iter().filter_map(|status| told.counts.get(status)).sum::<u64>(), 3_000);
    assert!(told.is_final());
}
