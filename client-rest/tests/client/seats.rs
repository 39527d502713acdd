//! Few connections for those who wait: everybody is served, and everything else gets through.

use std::sync::Arc;
use std::time::Duration;

use windlass::client::DEFAULT_TENANT;
use windlass::rest::{RestOptions, RestService};
use windlass::runtime::host::TokioHost;
use windlass::{Client, SubmitOptions};

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
