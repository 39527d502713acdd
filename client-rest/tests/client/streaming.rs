//! Followers: every entry once and in order, however often the stream is cut.

use std::time::Duration;

use windlass::{
    Client, LeaseRequest, LeasedTask, NewUpdate, Outcome, Renewal, Settle, TaskStatus, Update,
};

use crate::proxy::{Act, Link, Proxy, Told, answer};
use crate::stage::{Stage, connect, once, quick, soon, spec};

const EVENTS: &str = "/events?after=";

/// A task that runs, leased by hand.
async fn running(inside: &Client) -> LeasedTask {
    inside.submit(spec()).await.unwrap();
    let request = LeaseRequest {
        worker: "w1".to_owned(),
        queues: vec!["default".to_owned()],
        handlers: vec!["work".to_owned()],
        limit: 1,
        ttl: Duration::from_secs(600),
        wait: Duration::ZERO,
        suspects: true,
    };
    inside.lease(request).await.unwrap().tasks.remove(0)
}

async fn log(inside: &Client, leased: &LeasedTask, lines: std::ops::Range<usize>) {
    let line = |i| NewUpdate::Log { level: Default::default(), message: format!("line {i}") };
    let renewal = Renewal {
        task_id: leased.task.task_id,
        token: leased.token,
        extend: None,
        started: Some(Duration::ZERO),
        updates: lines.map(line).collect(),
    };
    inside.renew(vec![renewal]).await.unwrap();
}

async fn settle(inside: &Client, leased: &LeasedTask, outcome: Outcome) {
    let settle = Settle {
        task_id: leased.task.task_id,
        token: leased.token,
        outcome,
        started: None,
        updates: Vec::new(),
        declared: Default::default(),
    };
    let reply = inside.settle(vec![settle], None).await.unwrap();
    assert!(reply.settled.iter().all(Result::is_ok));
}

async fn complete(inside: &Client, leased: &LeasedTask) {
    settle(inside, leased, Outcome::complete(Default::default())).await;
}

/// The whole history by HTTP, from the first entry.
async fn follow(client: &Client, leased: &LeasedTask) -> Vec<Update> {
    let mut stream = client.updates(&leased.task.task_id.to_string(), 0).unwrap();
    let mut updates = Vec::new();
    while let Some(update) = soon(stream.next()).await {
        updates.push(update.unwrap());
    }
    updates
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_costs_one_connection_and_gets_entries_as_they_come() {
    let stage = Stage::new().await;
    let proxy = Proxy::start(stage.server.address(), vec![Link::Whole]).await;
    let client = connect(&proxy.url, quick()).await;
    let leased = running(&stage.inside).await;
    let mut stream = client.updates(&leased.task.task_id.to_string(), 0).unwrap();
    let mut seqs = Vec::new();
    for round in 0..5 {
        log(&stage.inside, &leased, round * 10..round * 10 + 10).await;
        let last = 2 + (round as u64 + 1) * 10;
        while seqs.last() != Some(&last) {
            seqs.push(soon(stream.next()).await.unwrap().unwrap().seq);
        }
    }
    complete(&stage.inside, &leased).await;
    let last = soon(stream.next()).await.unwrap().unwrap();
    assert!(last.is_final());
    seqs.push(last.seq);
    assert!(soon(stream.next()).await.is_none());
    assert_eq!(seqs, (1..=53).collect::<Vec<u64>>());
    assert_eq!(proxy.requests(EVENTS), 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_cut_anywhere_goes_on_without_gap_or_repeat() {
    let stage = Stage::new().await;
    let leased = running(&stage.inside).await;
    log(&stage.inside, &leased, 0..100).await;
    complete(&stage.inside, &leased).await;
    let whole = stage.client().await;
    let expected = follow(&whole, &leased).await;
    assert_eq!(expected.len(), 103);
    // A cut at each hundredth byte more, within heads, numbers and characters.
    for step in [97, 331, 1000] {
        let links = (1..60).map(|i| Link::CutAfter(i * step)).chain([Link::Whole]).collect();
        let proxy = Proxy::start(stage.server.address(), links).await;
        let client = connect(&proxy.url, quick()).await;
        assert_eq!(follow(&client, &leased).await, expected);
        assert!(proxy.requests(EVENTS) > 1);
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_gives_up_its_wait_loses_nothing() {
    let stage = Stage::new().await;
    let proxy = Proxy::start(stage.server.address(), vec![Link::Whole]).await;
    let client = connect(&proxy.url, quick()).await;
    let leased = running(&stage.inside).await;
    let mut stream = client.updates(&leased.task.task_id.to_string(), 0).unwrap();
    let mut seqs = Vec::new();
    for round in 0..20 {
        // Each look is dropped after a moment, in whatever state it is.
        let moment = Duration::from_micros(150 * round);
        if let Ok(Some(update)) = tokio::time::timeout(moment, stream.next()).await {
            seqs.push(update.unwrap().seq);
        }
        log(&stage.inside, &leased, 0..1).await;
    }
    complete(&stage.inside, &leased).await;
    while let Some(update) = soon(stream.next()).await {
        seqs.push(update.unwrap().seq);
    }
    assert_eq!(seqs, (1..=23).collect::<Vec<u64>>());
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_was_retried_is_told_to_its_last_end() {
    let stage = Stage::new().await;
    let client = stage.client().await;
    let leased = running(&stage.inside).await;
    settle(&stage.inside, &leased, Outcome::Cancel { reason: None }).await;
    let id = leased.task.task_id.to_string();
    client.retry(&id).await.unwrap();
    client.cancel(&id).await.unwrap();
    let updates = follow(&client, &leased).await;
    let finals = updates.iter().filter(|update| update.is_final()).count();
    assert_eq!(finals, 2, "{updates:?}");
    assert!(updates.last().unwrap().is_final());
    assert_eq!(client.get(&id).await.unwrap().status, TaskStatus::Cancelled);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_one_task_do_not_take_from_each_other() {
    let stage = Stage::new().await;
    let client = stage.client().await;
    let leased = running(&stage.inside).await;
    let readers: Vec<_> = (0..20)
        .map(|_| {
            let (client, leased) = (client.clone(), leased.clone());
            tokio::spawn(async move { follow(&client, &leased).await.len() })
        })
        .collect();
    for i in 0..30 {
        log(&stage.inside, &leased, i..i + 1).await;
    }
    complete(&stage.inside, &leased).await;
    for reader in readers {
        assert_eq!(soon(reader).await.unwrap(), 33);
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_without_a_wait_opens_no_stream() {
    let stage = Stage::new().await;
    let proxy = Proxy::start(stage.server.address(), vec![Link::Whole]).await;
    let client = connect(&proxy.url, quick()).await;
    let leased = running(&stage.inside).await;
    log(&stage.inside, &leased, 0..3).await;
    let updates = |after, limit, wait| {
        client.service().updates("default", leased.task.task_id, after, limit, wait)
    };
    assert_eq!(updates(0, 2, Duration::ZERO).await.unwrap().len(), 2);
    assert_eq!(updates(2, 100, Duration::from_millis(1)).await.unwrap().len(), 3);
    assert!(updates(5, 100, Duration::from_millis(1)).await.unwrap().is_empty());
    assert_eq!(proxy.requests(EVENTS), 0);
    // A limit is kept with a stream, too, and nothing beyond it is lost.
    let wait = Duration::from_secs(20);
    assert_eq!(soon(updates(0, 2, wait)).await.unwrap().len(), 2);
    assert_eq!(soon(updates(2, 2, wait)).await.unwrap()[0].seq, 3);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_garbage_is_a_typed_error() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    for stream in ["id: 1\ndata: {\n\n", "data: [1]\n\n", "", ": beat\n\n"] {
        let server = Told::start(vec![Act::SayAndClose(format!("{head}{stream}"))]).await;
        let client = connect(&server.url, quick()).await;
        let id = "01981e2c-1d5c-7c11-b0e9-c2b7a9a3a001";
        let error = soon(client.updates(id, 0).unwrap().next()).await.unwrap().unwrap_err();
        assert_eq!(error.code(), "store_unavailable", "{stream:?}");
    }
    let not_found =
        r#"{"error":{"code":"task_not_found","message":"x","details":{"task_id":"x"}}}"#;
    let server = Told::start(vec![answer("404 Not Found", "", not_found)]).await;
    let client = connect(&server.url, once()).await;
    let id = "01981e2c-1d5c-7c11-b0e9-c2b7a9a3a001";
    let error = soon(client.updates(id, 0).unwrap().next()).await.unwrap().unwrap_err();
    assert_eq!(error.code(), "task_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_after_a_final_entry_may_hide_more() {
    let id = "01981e2c-1d5c-7c11-b0e9-c2b7a9a3a001";
    let event = |seq: u64, status: &str| {
        let at = "2026-11-20T14:00:00.000Z";
        let update = format!(
            r#"{{"task_id":"{id}","seq":{seq},"at":"{at}","kind":"status","status":"{status}"}}"#
        );
        format!("id: {seq}\nevent: status\ndata: {update}\n\n")
    };
    let chunk = |text: String| format!("{:x}\r\n{text}\r\n", text.len());
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let cut = chunk(event(1, "pending") + &event(2, "cancelled"));
    let rest = chunk(event(2, "cancelled") + &event(3, "pending") + &event(4, "cancelled"));
    let acts = vec![
        Act::SayAndClose(format!("{head}{cut}")),
        Act::SayAndClose(format!("{head}{rest}0\r\n\r\n")),
    ];
    let server = Told::start(acts).await;
    let client = connect(&server.url, once()).await;
    let mut stream = client.updates(id, 0).unwrap();
    let mut seqs = Vec::new();
    while let Some(update) = soon(stream.next()).await {
        seqs.push(update.unwrap().seq);
    }
    assert_eq!(seqs, [1, 2, 3, 4]);
    assert!(server.seen()[1].starts_with(&format!("GET /api/v1/tasks/{id}/events?after=2 ")));
    assert_eq!(server.seen().len(), 2);
}
