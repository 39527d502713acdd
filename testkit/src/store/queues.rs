//! What waits longest in each queue.

use std::time::Duration;

use windlass_core::store::EnqueueGroup;
use windlass_core::{Payload, Priority, TaskSpec, Timestamp};

use super::bench::{Bench, TENANT};

super::cases![
    nothing_waits_in_an_empty_store,
    the_earliest_of_every_line_counts,
    only_pending_tasks_wait,
    a_suspect_waits_like_others,
    queues_come_by_name_and_by_tenant,
];

fn oldest(bench: &Bench, tenant: &str) -> Vec<(String, Timestamp)> {
    bench.run(bench.store.oldest(tenant)).unwrap()
}

fn at(queue: &str, at: Timestamp) -> (String, Timestamp) {
    (queue.to_owned(), at)
}

fn nothing_waits_in_an_empty_store(bench: &Bench) {
    assert!(oldest(bench, TENANT).is_empty());
}

fn the_earliest_of_every_line_counts(bench: &Bench) {
    let start = bench.now();
    let ago = |seconds: u64| start.before(Duration::from_secs(seconds));
    // The least urgent has waited longest, the first by name the shortest.
    for (handler, priority, seconds) in [
        ("a", Priority::Critical, 1),
        ("b", Priority::Background, 50),
        ("b", Priority::Normal, 20),
        ("c", Priority::Critical, 30),
    ] {
        let spec = TaskSpec::new(handler, Payload::null()).priority(priority);
        bench.store_all(vec![spec.clone().run_at(ago(seconds - 1)), spec.run_at(ago(seconds))]);
    }
    assert_eq!(oldest(bench, TENANT), [at("default", ago(50))]);
    bench.store_all((0..50).map(|_| bench.spec().queue("another")).collect());
    assert_eq!(oldest(bench, TENANT), [at("another", start), at("default", ago(50))]);
}

fn only_pending_tasks_wait(bench: &Bench) {
    let start = bench.now();
    let running = bench.leased(bench.spec());
    let done = bench.leased(bench.spec());
    bench.complete(&done);
    bench.add(bench.spec().queue("later").delay(Duration::from_secs(5)));
    assert!(oldest(bench, TENANT).is_empty());
    bench.advance(5.0);
    assert!(oldest(bench, TENANT).is_empty(), "what is due waits once it is promoted");
    bench.promote();
    assert_eq!(oldest(bench, TENANT), [at("later", start.after(Duration::from_secs(5)))]);
    bench.settle(&running, windlass_core::Outcome::HandBack);
    assert_eq!(oldest(bench, TENANT)[0], at("default", start), "it keeps its place");
}

fn a_suspect_waits_like_others(bench: &Bench) {
    let start = bench.now();
    bench.leased(bench.spec());
    bench.advance(61.0);
    bench.rescue();
    bench.add(bench.spec());
    assert_eq!(oldest(bench, TENANT), [at("default", start)]);
}

fn queues_come_by_name_and_by_tenant(bench: &Bench) {
    for queue in ["b", "a", "c"] {
        bench.add(bench.spec().queue(queue));
        bench.advance(1.0);
    }
    let tasks = vec![bench.new_task_of("other", bench.spec().queue("z"))];
    let group = EnqueueGroup { tenant: "other".to_owned(), tasks, depth_limit: None };
    bench.enqueue(vec![group]).remove(0).unwrap();
    let names = |tenant| oldest(bench, tenant).into_iter().map(|(queue, _)| queue);
    assert_eq!(names(TENANT).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(names("other").collect::<Vec<_>>(), ["z"]);
    assert!(oldest(bench, "nobody").is_empty());
}
