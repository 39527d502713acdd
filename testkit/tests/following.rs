//! A follower of all tasks, in process and through a server, beside workers that retry.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::timeout;
use windlass::{
    Client, ConnectOptions, FollowOptions, Follower, Payload, TaskEvent, TaskSpec, UpdateKind,
};
use windlass_core::{DeclaredHandler, Lane, Outcome, TaskError, Worker, WorkerConfig};
use windlass_server::http::{ServeOptions, Server};

const TASKS: usize = 60;

/// Every third task fails at its first attempt, every fifth for good.
async fn work(worker: Worker) {
    loop {
        let jobs = worker.claim(Lane::Loop, 8).await;
        if jobs.is_empty() {
            return;
        }
        let outcomes = jobs.into_iter().map(|job| {
            let number: usize = job.task.payload.as_str().parse().expect("a number");
            let boom = TaskError::new("handler_error", "boom");
            let outcome = match number {
                n if n % 5 == 0 => Outcome::Fail { error: boom.fatal() },
                n if n % 3 == 0 && job.attempt == 1 => Outcome::Fail { error: boom },
                _ => Outcome::complete(Payload::null()),
            };
            (job.id, outcome)
        });
        worker.complete(outcomes.collect());
    }
}

fn spec(number: usize) -> TaskSpec {
    let mut spec = TaskSpec::new("work", Payload::trusted(number.to_string()));
    spec.retry.initial_delay = Some(Duration::from_millis(50));
    spec
}

/// What is told until that many tasks have ended, by task.
async fn told(mut follower: Follower, tasks: usize) -> BTreeMap<String, Vec<TaskEvent>> {
    let (mut told, mut ended): (BTreeMap<String, Vec<TaskEvent>>, usize) = Default::default();
    while ended < tasks {
        let event = follower.next().await.expect("it does not end").expect("the store answers");
        ended += usize::from(event.status.is_final());
        told.entry(event.task_id.to_string()).or_default().push(event);
    }
    told
}

async fn history(client: &Client, id: &str) -> Vec<(u64, String)> {
    let mut stream = client.updates(id, 0).expect("an id");
    let mut seen = Vec::new();
    while let Some(update) = stream.next().await {
        let update = update.expect("the store answers");
        if let UpdateKind::Status { status, .. } = update.kind {
            seen.push((update.seq, status.to_string()));
        }
    }
    seen
}

async fn each_change_is_told_once(url: &str) {
    let inside = windlass::connect(url).await.unwrap();
    let options = ServeOptions { listen: "127.0.0.1:0".to_owned(), ..ServeOptions::default() };
    let server = Server::start(inside.clone(), options).await.unwrap();
    let remote = windlass::connect_with(&server.url(), ConnectOptions::default()).await.unwrap();
    let early = inside.submit(spec(1)).await.unwrap().task_id.to_string();
    // The clock tells milliseconds: what follows is later than this.
    let then = inside.now();
    while inside.now() <= then {
        tokio::task::yield_now().await;
    }
    let follow =
        |client: &Client| tokio::spawn(told(client.follow(FollowOptions::default()), TASKS + 1));
    let readers = [follow(&inside), follow(&remote)];
    let mut ids = Vec::new();
    for number in 0..TASKS {
        ids.push(remote.submit(spec(number)).await.unwrap().task_id.to_string());
    }
    let config = WorkerConfig {
        handlers: vec![DeclaredHandler { name: "work".to_owned(), ..Default::default() }],
        concurrency: 8,
        ..WorkerConfig::default()
    };
    let workers = [inside.worker(config.clone()).unwrap(), remote.worker(config).unwrap()];
    let running = workers.clone().map(|worker| tokio::spawn(work(worker)));
    for reader in readers {
        let mut told = reader.await.unwrap();
        // One that was stored before is told of from its start on.
        let events: Vec<&str> = told[&early].iter().map(|event| event.event.as_str()).collect();
        assert_eq!(events, ["task.started", "task.completed"]);
        for id in &ids {
            let events = told.remove(id).expect("each task is told of");
            let seen: Vec<_> = events.iter().map(|e| (e.seq, e.status.to_string())).collect();
            assert_eq!(seen, history(&inside, id).await);
            assert!(events.iter().all(|event| event.task_type == "work"));
        }
        assert_eq!(told.len(), 1);
    }
    workers.iter().for_each(Worker::drain);
    for worker in running {
        worker.await.unwrap();
    }
    server.stop();
    server.stopped().await;
    inside.close().await.unwrap();
}

fn run(url: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the machine can start threads");
    runtime.block_on(async {
        let soon = timeout(Duration::from_secs(60), each_change_is_told_once(url));
        soon.await.expect("it should not take so long");
    });
}

#[test]
fn each_change_is_told_once_in_process_and_remotely_on_memory() {
    run("memory:following");
}

#[test]
fn each_change_is_told_once_in_process_and_remotely_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    run(&format!("sqlite:{}", folder.path().join("tasks.db").display()));
}
