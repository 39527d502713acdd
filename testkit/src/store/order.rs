//! What is leased, and in which order.

use std::time::Duration;

use windlass_core::{LeaseRequest, Payload, Priority, TaskSpec, TaskStatus, Timestamp};

use super::bench::{Bench, HANDLER, TENANT};

super::cases![
    priority_then_time_then_id_over_all_queues_and_handlers,
    only_named_queues_and_handlers_are_taken,
    a_default_handler_has_the_empty_name,
    the_limit_holds,
    a_name_given_twice_leases_nothing_twice,
    a_lease_shows_in_the_row,
    what_is_leased_or_finished_or_scheduled_is_passed_over,
    ahead_counts_the_tasks_before_this_one,
];

fn ids(bench: &Bench, request: LeaseRequest) -> Vec<windlass_core::TaskId> {
    bench.lease_by(request).tasks.iter().map(|leased| leased.task.task_id).collect()
}

fn named(bench: &Bench, queues: &[&str], handlers: &[&str], limit: u32) -> LeaseRequest {
    LeaseRequest {
        queues: queues.iter().map(|queue| (*queue).to_owned()).collect(),
        handlers: handlers.iter().map(|handler| (*handler).to_owned()).collect(),
        ..bench.request(limit)
    }
}

fn priority_then_time_then_id_over_all_queues_and_handlers(bench: &Bench) {
    let (queues, handlers) = (["a", "b", "c"], ["x", "y"]);
    let now = bench.now().as_millis();
    let mut wanted = Vec::new();
    let specs: Vec<TaskSpec> = (0..90usize)
        .map(|i| {
            // Scattered, and each priority with several times and equal times.
            let priority = Priority::ALL[(i * 7) % 5];
            let run_at = Timestamp::from_millis(now - 1000 * ((i as i64 * 13) % 4));
            wanted.push((priority, run_at));
            TaskSpec::new(handlers[(i / 2) % 2], Payload::null())
                .queue(queues[(i * 5) % 3])
                .priority(priority)
                .run_at(run_at)
        })
        .collect();
    let stored = bench.store_all(specs);
    let mut wanted: Vec<_> = wanted
        .into_iter()
        .zip(stored)
        .map(|((priority, run_at), id)| (priority, run_at, id))
        .collect();
    wanted.sort_unstable();
    let wanted: Vec<_> = wanted.into_iter().map(|(_, _, id)| id).collect();
    let mut leased = Vec::new();
    loop {
        let some = ids(bench, named(bench, &queues, &handlers, 7));
        if some.is_empty() {
            break;
        }
        leased.extend(some);
    }
    assert_eq!(leased, wanted);
}

fn only_named_queues_and_handlers_are_taken(bench: &Bench) {
    let spec = |queue: &str, handler: &str| TaskSpec::new(handler, Payload::null()).queue(queue);
    let stored =
        bench.store_all(vec![spec("a", "x"), spec("a", "y"), spec("b", "x"), spec("b", "y")]);
    assert!(ids(bench, named(bench, &["c"], &["x", "y"], 9)).is_empty());
    assert!(ids(bench, named(bench, &["a", "b"], &["z", ""], 9)).is_empty());
    assert!(ids(bench, named(bench, &["a", "b"], &[], 9)).is_empty());
    assert_eq!(ids(bench, named(bench, &["b"], &["x"], 9)), [stored[2]]);
    assert_eq!(ids(bench, named(bench, &["b", "a"], &["y"], 9)), [stored[1], stored[3]]);
}

fn a_default_handler_has_the_empty_name(bench: &Bench) {
    let payload = Payload::new("payload", r#"{"function":"resize"}"#).unwrap();
    let stored = bench.store_all(vec![
        TaskSpec::new("stateless", Payload::null()),
        TaskSpec::new("stateless", payload),
    ]);
    assert_eq!(ids(bench, named(bench, &["default"], &[""], 9)), [stored[0]]);
    assert_eq!(ids(bench, named(bench, &["default"], &["resize"], 9)), [stored[1]]);
}

fn the_limit_holds(bench: &Bench) {
    let stored = bench.store_all((0..5).map(|_| bench.spec()).collect());
    assert_eq!(ids(bench, bench.request(2)), stored[..2]);
    assert_eq!(ids(bench, bench.request(1)), stored[2..3]);
    assert_eq!(ids(bench, bench.request(1000)), stored[3..]);
    assert!(ids(bench, bench.request(1000)).is_empty());
}

fn a_name_given_twice_leases_nothing_twice(bench: &Bench) {
    let stored = bench.store_all(vec![bench.spec(), bench.spec()]);
    let request = named(bench, &["default", "default"], &[HANDLER, HANDLER], 10);
    assert_eq!(ids(bench, request), stored);
    assert_eq!(bench.task(stored[0]).version, 2, "granted once");
}

fn a_lease_shows_in_the_row(bench: &Bench) {
    let id = bench.add(bench.spec());
    let request = LeaseRequest {
        worker: "worker-7".to_owned(),
        ttl: Duration::from_millis(1_500),
        ..bench.request(1)
    };
    let order = bench.order(request);
    let leased = bench.run(bench.store.lease(order.clone())).unwrap().tasks.remove(0);
    assert_eq!(leased.token, order.token);
    let task = bench.task(id);
    assert_eq!(task, leased.task, "the worker gets the row as stored");
    let lease = task.lease.expect("a lease");
    assert_eq!((lease.worker.as_str(), lease.counted), ("worker-7", false));
    assert_eq!(lease.expires_at, bench.now().after(Duration::from_millis(1_500)));
    assert_eq!(
        (task.status, task.attempt, task.token),
        (TaskStatus::Running, 0, Some(order.token))
    );
    assert_eq!((task.started_at, task.last_seq, task.version), (None, 1, 2));
}

fn what_is_leased_or_finished_or_scheduled_is_passed_over(bench: &Bench) {
    let done = bench.leased(bench.spec());
    bench.complete(&done);
    bench.leased(bench.spec());
    bench.add(bench.spec().delay(Duration::from_secs(1)));
    bench.advance(5.0);
    assert!(bench.lease(10).is_empty(), "a due task is leased only once promoted");
    bench.promote();
    assert_eq!(bench.lease(10).len(), 1);
}

fn ahead_counts_the_tasks_before_this_one(bench: &Bench) {
    let urgent = || bench.spec().priority(Priority::Critical);
    let stored = bench.store_all(vec![
        bench.spec(),
        urgent(),
        bench.spec().queue("another"),
        TaskSpec::new("another", Payload::null()),
        bench.spec(),
        urgent(),
    ]);
    let ahead =
        |i: usize, most| bench.run(bench.store.ahead(&bench.task(stored[i]), most)).unwrap();
    assert_eq!((ahead(1, 100), ahead(5, 100), ahead(0, 100), ahead(4, 100)), (0, 1, 2, 3));
    assert_eq!((ahead(4, 2), ahead(2, 100), ahead(3, 100)), (2, 0, 0));
    bench.lease(1);
    assert_eq!(ahead(4, 100), 2, "what runs is not ahead");
    assert_eq!(bench.total(TENANT), 6);
}
