//! Queues that are paused.

use windlass_core::store::{EnqueueGroup, LeaseOrder};
use windlass_core::{LeaseRequest, Priority, TaskId, TaskSpec, TaskStatus};

use super::bench::{Bench, TENANT, completion};

super::cases![
    a_paused_queue_gives_nothing_until_it_is_resumed,
    the_other_queues_go_on_in_order,
    a_lease_that_goes_with_outcomes_passes_it_over,
    suspects_of_a_paused_queue_are_not_seen,
    what_runs_goes_on_and_may_end,
    tasks_are_still_accepted_and_promoted,
    again_is_no_error,
    a_queue_that_nobody_used_can_be_paused,
    another_tenants_queue_of_that_name_goes_on,
    every_connection_knows_of_it,
    names_are_told_apart_byte_for_byte,
];

fn pause(bench: &Bench, queue: &str, paused: bool) {
    bench.run(bench.store.pause(TENANT, queue, paused)).unwrap();
}

fn paused(bench: &Bench, tenant: &str) -> Vec<String> {
    bench.run(bench.store.paused(tenant)).unwrap()
}

fn of(bench: &Bench, queues: &[&str]) -> LeaseRequest {
    let queues = queues.iter().map(|queue| (*queue).to_owned()).collect();
    LeaseRequest { queues, ..bench.request(10) }
}

fn ids(bench: &Bench, request: LeaseRequest) -> Vec<TaskId> {
    bench.lease_by(request).tasks.iter().map(|leased| leased.task.task_id).collect()
}

fn a_paused_queue_gives_nothing_until_it_is_resumed(bench: &Bench) {
    let stored = bench.store_all(vec![bench.spec(), bench.spec()]);
    let before = bench.task(stored[0]);
    pause(bench, "default", true);
    assert_eq!(paused(bench, TENANT), ["default"]);
    assert!(bench.lease(10).is_empty());
    assert_eq!(bench.task(stored[0]), before, "a pause leaves the tasks as they are");
    pause(bench, "default", false);
    assert!(paused(bench, TENANT).is_empty());
    assert_eq!(ids(bench, bench.request(10)), stored);
}

fn the_other_queues_go_on_in_order(bench: &Bench) {
    let spec = |queue: &str, priority| bench.spec().queue(queue).priority(priority);
    let stored = bench.store_all(vec![
        spec("a", Priority::Low),
        spec("b", Priority::Critical),
        spec("c", Priority::High),
    ]);
    pause(bench, "b", true);
    assert_eq!(ids(bench, of(bench, &["a", "b", "c"])), [stored[2], stored[0]]);
    pause(bench, "a", true);
    assert!(ids(bench, of(bench, &["a", "b"])).is_empty());
    assert_eq!(paused(bench, TENANT), ["a", "b"]);
    pause(bench, "b", false);
    assert_eq!(ids(bench, of(bench, &["a", "b"])), [stored[1]]);
}

fn a_lease_that_goes_with_outcomes_passes_it_over(bench: &Bench) {
    let first = bench.leased(bench.spec());
    let waiting = bench.add(bench.spec());
    let other = bench.add(bench.spec().queue("other"));
    pause(bench, "default", true);
    let then = bench.order(of(bench, &["default", "other"]));
    let (applied, leased) =
        bench.run(bench.store.settle(vec![completion(&first)], Some(then))).unwrap();
    assert!(applied[0].is_ok());
    assert_eq!(leased.tasks.iter().map(|l| l.task.task_id).collect::<Vec<_>>(), [other]);
    assert_eq!(bench.task(first.task.task_id).status, TaskStatus::Completed);
    assert_eq!(bench.task(waiting).status, TaskStatus::Pending);
}

fn suspects_of_a_paused_queue_are_not_seen(bench: &Bench) {
    let suspect = bench.leased(bench.spec().priority(Priority::Critical)).task.task_id;
    bench.advance(61.0);
    bench.rescue();
    assert!(bench.task(suspect).suspect);
    let mine = bench.add(bench.spec().queue("other"));
    pause(bench, "default", true);
    let request = LeaseRequest { suspects: false, ..of(bench, &["default", "other"]) };
    let leased = bench.lease_by(request.clone());
    assert!(!leased.suspect_waiting, "nobody has to make room for it");
    assert_eq!(leased.tasks.len(), 1);
    assert_eq!(leased.tasks[0].task.task_id, mine);
    assert!(ids(bench, of(bench, &["default", "other"])).is_empty());
    pause(bench, "default", false);
    assert!(bench.lease_by(request).suspect_waiting);
    assert_eq!(ids(bench, of(bench, &["default", "other"])), [suspect]);
}

fn what_runs_goes_on_and_may_end(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    pause(bench, "default", true);
    bench.start(&leased);
    bench.complete(&leased);
    assert_eq!(bench.task(leased.task.task_id).status, TaskStatus::Completed);
}

fn tasks_are_still_accepted_and_promoted(bench: &Bench) {
    pause(bench, "default", true);
    let now = bench.add(bench.spec());
    let later = bench.add(bench.spec().delay(std::time::Duration::from_secs(1)));
    bench.advance(1.0);
    bench.promote();
    assert_eq!(bench.task(later).status, TaskStatus::Pending);
    assert!(bench.lease(10).is_empty());
    pause(bench, "default", false);
    assert_eq!(ids(bench, bench.request(10)), [now, later]);
}

fn again_is_no_error(bench: &Bench) {
    pause(bench, "default", false);
    pause(bench, "default", true);
    pause(bench, "default", true);
    assert_eq!(paused(bench, TENANT), ["default"]);
    pause(bench, "default", false);
    pause(bench, "default", false);
    assert!(paused(bench, TENANT).is_empty());
}

fn a_queue_that_nobody_used_can_be_paused(bench: &Bench) {
    pause(bench, "größe", true);
    pause(bench, "a", true);
    assert_eq!(paused(bench, TENANT), ["a", "größe"]);
    assert!(bench.run(bench.store.counts(TENANT)).unwrap().is_empty());
    bench.add(bench.spec().queue("größe"));
    assert!(ids(bench, of(bench, &["größe"])).is_empty());
}

fn another_tenants_queue_of_that_name_goes_on(bench: &Bench) {
    let task = bench.new_task_of("other", bench.spec());
    let theirs = task.task_id;
    let group = EnqueueGroup { tenant: "other".to_owned(), tasks: vec![task], depth_limit: None };
    bench.enqueue(vec![group]).remove(0).unwrap();
    bench.add(bench.spec());
    pause(bench, "default", true);
    assert!(paused(bench, "other").is_empty());
    let order = LeaseOrder { tenant: "other".to_owned(), ..bench.order(bench.request(10)) };
    let leased = bench.run(bench.store.lease(order)).unwrap();
    assert_eq!(leased.tasks[0].task.task_id, theirs);
    assert!(bench.lease(10).is_empty());
    bench.run(bench.store.pause("other", "default", false)).unwrap();
    assert!(bench.lease(10).is_empty(), "another tenant cannot resume it");
}

fn every_connection_knows_of_it(bench: &Bench) {
    let id = bench.add(bench.spec());
    let another = bench.connect();
    bench.run(another.pause(TENANT, "default", true)).unwrap();
    assert!(bench.lease(10).is_empty());
    assert!(bench.run(another.lease(bench.order(bench.request(10)))).unwrap().tasks.is_empty());
    assert_eq!(paused(bench, TENANT), ["default"]);
    assert_eq!(bench.run(bench.connect().paused(TENANT)).unwrap(), ["default"], "a newcomer, too");
    pause(bench, "default", false);
    let leased = bench.run(another.lease(bench.order(bench.request(10)))).unwrap();
    assert_eq!(leased.tasks[0].task.task_id, id);
}

fn names_are_told_apart_byte_for_byte(bench: &Bench) {
    let names = ["q", "Q", "q ", " q", "%", "'"];
    let specs: Vec<TaskSpec> = names.iter().map(|name| bench.spec().queue(*name)).collect();
    let stored = bench.store_all(specs);
    pause(bench, "q", true);
    assert_eq!(ids(bench, of(bench, &names)), stored[1..]);
}
