//! Announcements of workers.

use std::collections::BTreeMap;
use std::time::Duration;

use windlass_core::{Payload, RetryOptions, Timestamp, WorkerInfo};

use super::bench::{Bench, TENANT};

super::cases![
    an_announcement_reads_back_with_the_stores_time,
    the_same_id_is_replaced,
    silence_and_forgetting_end_it,
    workers_come_by_id_and_by_tenant,
];

const WITHIN: Duration = Duration::from_secs(15);

fn worker(id: &str) -> WorkerInfo {
    WorkerInfo {
        worker_id: id.to_owned(),
        queues: vec!["default".to_owned(), "größe".to_owned()],
        handlers: vec!["work".to_owned(), String::new()],
        concurrency: 8,
        host: "host:42".to_owned(),
        seen_at: Timestamp::from_millis(0),
        holds: 0,
        deaf: false,
        declared: BTreeMap::from([(
            "work".to_owned(),
            RetryOptions { max_retries: Some(9), jitter: Some(0.5), ..RetryOptions::default() },
        )]),
        metadata: Some(Payload::trusted(r#"{"zone": "a"}"#)),
    }
}

fn live(bench: &Bench) -> Vec<WorkerInfo> {
    bench.run(bench.store.workers(TENANT, WITHIN)).unwrap()
}

fn announce(bench: &Bench, worker: WorkerInfo) {
    bench.run(bench.store.announce(TENANT, worker)).unwrap();
}

fn an_announcement_reads_back_with_the_stores_time(bench: &Bench) {
    announce(bench, worker("w"));
    let want = WorkerInfo { seen_at: bench.now(), ..worker("w") };
    assert_eq!(live(bench), [want]);
}

fn the_same_id_is_replaced(bench: &Bench) {
    announce(bench, worker("w"));
    bench.advance(10.0);
    announce(bench, WorkerInfo { concurrency: 2, metadata: None, ..worker("w") });
    let found = live(bench);
    assert_eq!((found.len(), found[0].concurrency, found[0].seen_at), (1, 2, bench.now()));
    assert_eq!(found[0].metadata, None);
}

fn silence_and_forgetting_end_it(bench: &Bench) {
    announce(bench, worker("a"));
    bench.advance(14.0);
    announce(bench, worker("b"));
    assert_eq!(live(bench).len(), 2);
    bench.advance(2.0);
    assert_eq!(live(bench)[0].worker_id, "b");
    bench.run(bench.store.forget(TENANT, "b")).unwrap();
    bench.run(bench.store.forget(TENANT, "unknown")).unwrap();
    assert!(live(bench).is_empty());
}

fn workers_come_by_id_and_by_tenant(bench: &Bench) {
    for id in ["c", "a", "b"] {
        announce(bench, worker(id));
    }
    bench.run(bench.store.announce("other", worker("a"))).unwrap();
    bench.run(bench.store.forget("other", "b")).unwrap();
    let ids: Vec<_> = live(bench).into_iter().map(|worker| worker.worker_id).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(bench.run(bench.store.workers("other", WITHIN)).unwrap().len(), 1);
}
