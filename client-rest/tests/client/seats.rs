//! Few connections for those who wait: everybody is served, and everything else gets through.

use std::sync::Arc;
use std::time::{Duration, Instant};

use windlass::client::DEFAULT_TENANT;
use windlass::rest::{RestOptions, RestService};
use windlass::runtime::host::TokioHost;
use windlass::{
    Client, DeclaredHandler, Lane, Outcome, SubmitOptions, TaskSpec, TaskStatus, WorkerConfig,
};

use crate::stage::{Stage, soon, spec};

/// A client whose server may be kept waiting by one connection only.
fn narrow(stage: &Stage) -> Client {
    let options = RestOptions { max_waits: Some(1), ..RestOptions::default() };
    let host = Arc::new(TokioHost::new(tokio::runtime::Handle::current()));
    let service = RestService::new(&stage.server.url(), options, host.clone()).unwrap();
    Client::new(Arc::new(service), host, DEFAULT_TENANT)
}

#[tokio::test]
async fn with_one_connection_to_wait_on_every_follower_and_every_waiter_is_told() {
    let stage = Stage::new().await;
    let client = narrow(&stage);
    let options = SubmitOptions { batch: false, patience: Duration::ZERO };
    let tasks = client.submit_many(vec![spec(); 4], options).await.unwrap();
    let ids: Vec<String> = tasks.iter().map(|task| task.task_id.to_string()).collect();
    let mut streams: Vec<_> = ids.iter().map(|id| client.updates(id, 0).unwrap()).collect();
    for stream in &mut streams {
        assert_eq!(soon(stream.next()).await.unwrap().unwrap().seq, 1);
    }
    // The first one's connection waits on; the others and who waits for the end ask again and again.
    let follow = |mut stream: windlass::UpdateStream| {
        tokio::spawn(async move {
            let mut last = None;
            while let Some(update) = stream.next().await {
                last = Some(update.unwrap());
            }
            last
        })
    };
    let followers: Vec<_> = streams.into_iter().map(follow).collect();
    let waiter = client.clone();
    let all = ids.clone();
    let waits = tokio::spawn(async move { waiter.wait_many(&all, None, false).await });
    for id in &ids {
        client.cancel(id).await.unwrap();
    }
    for follower in followers {
        assert!(soon(follower).await.unwrap().is_some_and(|update| update.is_final()));
    }
    let ended = soon(waits).await.unwrap().unwrap();
    assert!(ended.iter().all(|task| task.status.is_final()));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_of_many_clients_share_one_connection_to_wait_on_and_none_starves() {
    let stage = Stage::new().await;
    // Each with a queue of its own, so that nobody works for another.
    let workers: Vec<_> = (0..5)
        .map(|number| {
            let handler = DeclaredHandler { name: "work".to_owned(), ..DeclaredHandler::default() };
            let queues = vec![format!("q{number}")];
            let handlers = vec![handler];
            let config = WorkerConfig { handlers, queues, ..WorkerConfig::default() };
            narrow(&stage).worker(config).unwrap()
        })
        .collect();
    let working = workers.iter().cloned().map(|worker| {
        tokio::spawn(async move {
            loop {
                let jobs = worker.claim(Lane::Loop, 8).await;
                if jobs.is_empty() {
                    return;
                }
                let done = |job: windlass::Job| (job.id, Outcome::complete(Default::default()));
                worker.complete(jobs.into_iter().map(done).collect());
            }
        })
    });
    let working: Vec<_> = working.collect();
    for _ in 0..2 {
        let start = Instant::now();
        let mut ids = Vec::new();
        for number in 0..5 {
            let spec = TaskSpec { queue: format!("q{number}"), ..spec() };
            ids.push(stage.inside.submit(spec).await.unwrap().task_id.to_string());
        }
        let ended = soon(stage.inside.wait_many(&ids, None, false)).await.unwrap();
        assert!(ended.iter().all(|task| task.status == TaskStatus::Completed));
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
    // One has the connection, and the others rest: all leave at once.
    let start = Instant::now();
    workers.iter().for_each(|worker| worker.drain());
    for (worker, working) in workers.iter().zip(working) {
        soon(worker.stopped()).await;
        soon(working).await.unwrap();
    }
    assert!(start.elapsed() < Duration::from_millis(1_800), "{:?}", start.elapsed());
    stage.stop().await;
}
