//! After the end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use windlass_core::Filter;
use windlass_core::store::Prune;

use super::bench::{Bench, TENANT};

super::cases![a_closed_store_answers_client_closed, a_future_that_is_never_polled_does_nothing,];

fn a_closed_store_answers_client_closed(bench: &Bench) {
    let task = bench.task(bench.add(bench.spec()));
    bench.run(bench.store.close()).unwrap();
    bench.closed.store(true, Ordering::SeqCst);
    let (store, id) = (&bench.store, task.task_id);
    let prune = Prune {
        older_than: Duration::ZERO,
        keep_keys: Duration::ZERO,
        keep: None,
        updates_per_task: 1,
        limit: 1,
    };
    let order = || bench.order(bench.request(1));
    let worker = windlass_core::WorkerInfo {
        worker_id: "w".to_owned(),
        queues: Vec::new(),
        handlers: Vec::new(),
        concurrency: 1,
        host: String::new(),
        seen_at: bench.now(),
        holds: 0,
        deaf: false,
        declared: Default::default(),
        metadata: None,
    };
    let within = Duration::from_secs(15);
    let answers = [
        ("enqueue", bench.run(store.enqueue(vec![bench.group(vec![bench.spec()])])).map(drop)),
        ("lease", bench.run(store.lease(order())).map(drop)),
        ("settle", bench.run(store.settle(Vec::new(), Some(order()))).map(drop)),
        ("renew", bench.run(store.renew(TENANT, Vec::new())).map(drop)),
        ("get", bench.run(store.get(TENANT, vec![id])).map(drop)),
        ("find", bench.run(store.find(TENANT, Filter::default(), None, 1)).map(drop)),
        ("list", bench.run(store.list(TENANT, Filter::default(), None, 1)).map(drop)),
        ("updates", bench.run(store.updates(TENANT, id, 0, 1)).map(drop)),
        ("counts", bench.run(store.counts(TENANT)).map(drop)),
        ("pause", bench.run(store.pause(TENANT, "default", true))),
        ("paused", bench.run(store.paused(TENANT)).map(drop)),
        ("oldest", bench.run(store.oldest(TENANT)).map(drop)),
        ("batch", bench.run(store.batch(TENANT, bench.ids.batch(bench.now()))).map(drop)),
        ("recent", bench.run(store.recent(TENANT, bench.now(), 1)).map(drop)),
        ("flow", bench.run(store.flow(bench.now(), bench.now())).map(drop)),
        ("ahead", bench.run(store.ahead(&task, 1)).map(drop)),
        ("due", bench.run(store.due(1)).map(drop)),
        ("prune", bench.run(store.prune(prune)).map(drop)),
        ("announce", bench.run(store.announce(TENANT, worker)).map(drop)),
        ("forget", bench.run(store.forget(TENANT, "w")).map(drop)),
        ("workers", bench.run(store.workers(TENANT, within)).map(drop)),
    ];
    for (method, answer) in answers {
        let code = answer.as_ref().err().map(|error| error.code());
        assert_eq!(code, Some("client_closed"), "{method}");
    }
}

fn a_future_that_is_never_polled_does_nothing(bench: &Bench) {
    drop(bench.store.enqueue(vec![bench.group(vec![bench.spec()])]));
    let id = bench.add(bench.spec());
    drop(bench.store.lease(bench.order(bench.request(1))));
    assert_eq!(bench.total(TENANT), 1);
    assert_eq!(bench.task(id).version, 1);
}
