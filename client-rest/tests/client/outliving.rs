//! A server that goes and comes back on the same address.

use std::time::Duration;

use windlass::{
    ConnectOptions, DeclaredHandler, Lane, Outcome, RetryConfig, SubmitOptions, TaskStatus,
    WorkerConfig,
};
use windlass_server::http::{ServeOptions, Server};

use crate::stage::{Stage, connect, soon, spec};

/// Options that try for long enough.
fn patient() -> ConnectOptions {
    let retry = RetryConfig {
        max_retries: 1000,
        initial_delay: Duration::from_millis(5),
        max_delay: Duration::from_millis(50),
        ..RetryConfig::default()
    };
    ConnectOptions { retry, ..ConnectOptions::default() }
}

/// Stops the server and starts another one in its place, on the same store.
async fn restart(stage: &mut Stage) {
    let listen = stage.server.address().to_string();
    stage.stop().await;
    let options = ServeOptions { listen, ..ServeOptions::default() };
    let started = async {
        loop {
            // A client that knocks at a port of its own range may hold that port for a moment itself.
            match Server::start(stage.inside.clone(), options.clone()).await {
                Ok(server) => return server,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    stage.server = soon(started).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_streams_and_workers_go_on() {
    let mut stage = Stage::new().await;
    let client = connect(&stage.server.url(), patient()).await;
    let id = client.submit(spec().queue("later")).await.unwrap().task_id.to_string();
    let mut updates = client.updates(&id, 0).unwrap();
    assert_eq!(soon(updates.next()).await.unwrap().unwrap().seq, 1);
    let waiting = tokio::spawn({
        let (client, id) = (client.clone(), id.clone());
        async move { client.wait(&id, None).await }
    });
    let following = tokio::spawn(async move {
        let mut seqs = vec![1];
        while let Some(update) = updates.next().await {
            seqs.push(update.unwrap().seq);
        }
        seqs
    });
    let handler = DeclaredHandler { name: "work".to_owned(), ..DeclaredHandler::default() };
    let config = WorkerConfig { handlers: vec![handler], ..WorkerConfig::default() };
    let worker = client.worker(config).unwrap();
    for round in 0..3 {
        let stored = client.submit_many(vec![spec(); 20], SubmitOptions::default()).await.unwrap();
        let mut left = stored.len();
        while left > 0 {
            let jobs = soon(worker.claim(Lane::Loop, 4)).await;
            if left == stored.len() && round < 2 {
                restart(&mut stage).await;
            }
            left -= jobs.len();
            let done = Outcome::complete(Default::default());
            worker.complete(jobs.into_iter().map(|job| (job.id, done.clone())).collect());
        }
        let ids: Vec<String> = stored.iter().map(|s| s.task_id.to_string()).collect();
        let tasks = soon(client.wait_many(&ids, None, false)).await.unwrap();
        assert!(tasks.iter().all(|t| t.status == TaskStatus::Completed && t.attempt == 1));
    }
    stage.inside.cancel(&id).await.unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap().status, TaskStatus::Cancelled);
    assert_eq!(soon(following).await.unwrap(), [1, 2]);
    worker.drain();
    soon(worker.stopped()).await;
    stage.stop().await;
}
