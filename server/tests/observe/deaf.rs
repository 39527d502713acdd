//! Workers that are heard of, but do not ask for the work that waits for them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;
use windlass::Client;
use windlass_core::future::BoxFuture;
use windlass_core::runtime::host::Host;

use crate::logs;
use crate::stage::{BOTH, Kind, Stage};

async fn is_deaf(stage: &Stage, worker: &str) -> bool {
    let one = stage.get(&format!("/api/v1/workers/{worker}")).await;
    let all = stage.get("/api/v1/workers").await;
    let listed = all["workers"].as_array().unwrap().iter().find(|w| w["worker_id"] == worker);
    assert_eq!(listed.unwrap()["deaf"], one["deaf"]);
    one["deaf"].as_bool().unwrap_or(false)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_neglects_work_is_reported_until_it_asks() {
    for kind in BOTH {
        let stage = Stage::new(kind).await;
        let worker = format!("deaf-{kind:?}");
        stage.announce(&worker, "send", 0).await;
        // Nothing waits: silence is no fault.
        stage.pass(40.0);
        stage.announce(&worker, "send", 0).await;
        assert!(!is_deaf(&stage, &worker).await, "{kind:?}");

        let task = json!({"task_type": "send", "queue": "mail"});
        stage.post("/api/v1/tasks", task).await;
        assert!(is_deaf(&stage, &worker).await, "{kind:?}");
        assert!(is_deaf(&stage, &worker).await, "{kind:?}");
        let scrape = stage.scrape().await;
        let workers = |state| scrape.value("windlass_workers", &[("state", state)]);
        assert_eq!((workers("live"), workers("deaf")), (0.0, 1.0), "{kind:?}");
        let health = stage.get("/api/v1/cluster/health").await;
        assert_eq!(health["status"], "degraded");
        assert_eq!(health["workers"], json!({"live": 0, "deaf": 1}));
        assert_eq!(health["nodes"], json!({"active": 0, "total": 1}));

        assert_eq!(stage.lease(&worker, "send").await.len(), 1, "{kind:?}");
        stage.post("/api/v1/tasks", json!({"task_type": "send", "queue": "mail"})).await;
        stage.pass(10.0);
        assert!(!is_deaf(&stage, &worker).await, "{kind:?}: it asked 10 s ago");
        let told = logs::lines_with("worker_id", &worker);
        let levels: Vec<&str> = told.iter().map(|line| line["level"].as_str().unwrap()).collect();
        assert_eq!(levels, ["WARN", "INFO"], "once when it began and once when it ended: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_could_not_take_the_work_is_not_deaf() {
    let stage = Stage::new(Kind::Memory).await;
    stage.announce("full", "send", 2).await;
    stage.announce("elsewhere", "read", 0).await;
    stage.announce("hearing", "send", 0).await;
    stage.pass(20.0);
    stage.post("/api/v1/tasks", json!({"task_type": "send", "queue": "mail"})).await;
    stage.lease("hearing", "read").await;
    stage.pass(20.0);
    for (worker, handler, holds) in
        [("full", "send", 2), ("elsewhere", "read", 0), ("hearing", "send", 0)]
    {
        stage.announce(worker, handler, holds).await;
    }
    for worker in ["full", "elsewhere", "hearing"] {
        assert!(!is_deaf(&stage, worker).await, "{worker}");
    }
    // Ten seconds on, the one that could is; unless its queue is paused.
    stage.pass(10.0);
    stage.post("/api/v1/queues/mail/pause", json!({})).await;
    assert!(!is_deaf(&stage, "hearing").await, "the queue is paused");
    stage.post("/api/v1/queues/mail/resume", json!({})).await;
    assert!(is_deaf(&stage, "hearing").await);
    assert!(!is_deaf(&stage, "full").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_behind_much_that_others_handle_is_found() {
    let stage = Stage::new(Kind::Memory).await;
    stage.announce("patient", "rare", 0).await;
    let task = |kind: &str| json!({"task_type": kind, "queue": "mail"});
    let mut tasks = vec![task("rare")];
    tasks.extend((0..300).map(|_| task("common")));
    stage.post("/api/v1/tasks/bulk", json!({"tasks": tasks})).await;
    stage.pass(31.0);
    stage.announce("patient", "rare", 0).await;
    assert!(is_deaf(&stage, "patient").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_began_something_lately_asks_elsewhere() {
    let stage = Stage::new(Kind::Memory).await;
    stage.announce("busy", "send", 0).await;
    stage.pass(40.0);
    stage.announce("busy", "send", 1).await;
    let task = json!({"task_type": "send", "queue": "mail"});
    stage.post("/api/v1/tasks", task.clone()).await;
    // Through another server on the same store.
    let request = serde_json::from_value(json!({
        "worker": "busy", "queues": ["mail"], "handlers": ["send"], "limit": 1, "lease_seconds": 60,
    }));
    let leased = stage.client.lease(request.unwrap()).await.unwrap();
    let renewal = windlass::Renewal {
        task_id: leased.tasks[0].task.task_id,
        token: leased.tasks[0].token,
        extend: None,
        started: Some(std::time::Duration::ZERO),
        updates: Vec::new(),
    };
    stage.client.renew(vec![renewal]).await.unwrap();
    stage.post("/api/v1/tasks", task).await;
    assert!(!is_deaf(&stage, "busy").await);
    stage.pass(31.0);
    stage.announce("busy", "send", 1).await;
    assert!(is_deaf(&stage, "busy").await);
}

/// A host whose sleeps end one by one, when they are told to.
#[derive(Clone)]
struct Steps {
    asleep: Arc<Semaphore>,
    go: Arc<Semaphore>,
}

impl Host for Steps {
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        let steps = self.clone();
        Box::pin(async move {
            steps.asleep.add_permits(1);
            steps.go.acquire().await.expect("open").forget();
        })
    }

    fn spawn(&self, future: BoxFuture<'static, ()>) {
        tokio::spawn(future);
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl Steps {
    /// Lets what sleeps go on until it sleeps again.
    async fn step(&self) {
        self.go.add_permits(1);
        self.asleep.acquire().await.expect("open").forget();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_tells_of_a_deaf_worker_although_nobody_asks() {
    let stage = Stage::new(Kind::Memory).await;
    let host = Steps { asleep: Arc::new(Semaphore::new(0)), go: Arc::new(Semaphore::new(0)) };
    let client = Client::new(stage.client.service().clone(), Arc::new(host.clone()), "default");
    stage.metrics.watch(&client);
    host.asleep.acquire().await.unwrap().forget();
    stage.announce("unasked", "send", 0).await;
    stage.post("/api/v1/tasks", json!({"task_type": "send", "queue": "mail"})).await;
    stage.pass(31.0);
    stage.announce("unasked", "send", 0).await;
    host.step().await;
    host.step().await;
    let told = logs::lines_with("worker_id", "unasked");
    let [line] = &told[..] else { panic!("once for one episode: {told:?}") };
    assert_eq!((line["level"].as_str(), line["quiet_seconds"].as_u64()), (Some("WARN"), Some(31)));
    assert_eq!((line["holds"].as_u64(), line["concurrency"].as_u64()), (Some(0), Some(2)));
}
