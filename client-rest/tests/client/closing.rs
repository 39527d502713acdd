//! A closed client leaves nothing behind.

use std::time::Duration;

use crate::proxy::{Act, Told, answer};
use crate::stage::{Stage, connect, quick, soon, spec};

#[tokio::test(flavor = "multi_thread")]
async fn its_connections_are_gone_and_its_verbs_say_so() {
    let server = Told::start(vec![answer("200 OK", "", r#"{"queues":[]}"#)]).await;
    let client = connect(&server.url, quick()).await;
    client.queues().await.unwrap();
    server.has_open(1).await;
    client.close().await.unwrap();
    server.has_open(0).await;
    assert_eq!(client.queues().await.unwrap_err().code(), "client_closed");
    assert_eq!(client.clone().submit(spec()).await.unwrap_err().code(), "client_closed");
    client.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_told() {
    let stage = Stage::new().await;
    let client = stage.client().await;
    let id = client.submit(spec()).await.unwrap().task_id.to_string();
    let waiting = tokio::spawn({
        let (client, id) = (client.clone(), id.clone());
        async move { client.wait(&id, None).await }
    });
    let mut updates = client.updates(&id, 0).unwrap();
    assert_eq!(updates.next().await.unwrap().unwrap().seq, 1);
    let following = tokio::spawn(async move { updates.next().await });
    // Both are on their way, or come after: they end either way.
    tokio::task::yield_now().await;
    client.close().await.unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap_err().code(), "client_closed");
    assert_eq!(soon(following).await.unwrap().unwrap().unwrap_err().code(), "client_closed");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_dropped_leaves_no_connection() {
    let server = Told::start(vec![Act::SayAndHang(String::new())]).await;
    let client = connect(&server.url, quick()).await;
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.queues().await })
        })
        .collect();
    server.has_open(5).await;
    calls.iter().for_each(tokio::task::JoinHandle::abort);
    server.has_open(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_only_dropped_leaves_none_either() {
    let server = Told::start(vec![answer("200 OK", "", r#"{"queues":[]}"#)]).await;
    let client = connect(&server.url, quick()).await;
    client.queues().await.unwrap();
    drop(client);
    server.has_open(0).await;
    let stage = Stage::new().await;
    let client = stage.client().await;
    let lease = Duration::from_secs(60);
    let handler = windlass::DeclaredHandler { name: "work".to_owned(), ..Default::default() };
    let config = windlass::WorkerConfig { handlers: vec![handler], lease, ..Default::default() };
    let worker = client.worker(config).unwrap();
    worker.drain();
    soon(worker.stopped()).await;
    client.close().await.unwrap();
    // A server waits for connections that are in use; none is.
    stage.stop().await;
}
