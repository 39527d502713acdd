//! Depth limits of queues.

use std::time::Duration;

use windlass_core::store::EnqueueGroup;
use windlass_core::{Error, TaskSpec};

use super::bench::{Bench, TENANT};

super::cases![
    the_limit_itself_is_stored_and_one_more_is_refused,
    scheduled_tasks_count_and_running_and_finished_do_not,
    tasks_that_deduplicate_do_not_add,
    a_limit_is_for_each_queue,
    one_full_queue_refuses_the_whole_group,
    another_tenant_has_room_of_its_own,
];

fn limited(bench: &Bench, limit: u64, specs: Vec<TaskSpec>) -> windlass_core::Result<usize> {
    let group = EnqueueGroup { depth_limit: Some(limit), ..bench.group(specs) };
    bench.enqueue(vec![group]).remove(0).map(|stored| stored.len())
}

fn the_limit_itself_is_stored_and_one_more_is_refused(bench: &Bench) {
    let specs = |n: usize| (0..n).map(|_| bench.spec()).collect::<Vec<_>>();
    assert!(limited(bench, 3, specs(4)).is_err(), "four into an empty queue of three");
    assert_eq!(bench.total(TENANT), 0);
    assert_eq!(limited(bench, 3, specs(3)).unwrap(), 3);
    match limited(bench, 3, specs(1)) {
        Err(Error::QueueFull { queue, limit, retry_after }) => {
            assert_eq!((queue.as_str(), limit), ("default", 3));
            assert!(retry_after > Duration::ZERO);
        }
        other => panic!("queue_full, not {other:?}"),
    }
    assert_eq!(bench.total(TENANT), 3);
}

fn scheduled_tasks_count_and_running_and_finished_do_not(bench: &Bench) {
    bench.add(bench.spec().delay(Duration::from_secs(9)));
    let done = bench.leased(bench.spec());
    bench.complete(&done);
    bench.leased(bench.spec());
    assert!(limited(bench, 1, vec![bench.spec()]).is_err(), "one is scheduled");
    assert_eq!(limited(bench, 2, vec![bench.spec()]).unwrap(), 1);
}

fn tasks_that_deduplicate_do_not_add(bench: &Bench) {
    let keyed = || bench.spec().idempotency_key("k");
    bench.add(keyed());
    assert_eq!(
        limited(bench, 1, vec![keyed()]).unwrap(),
        1,
        "a full queue still answers for its own"
    );
    let twice = || bench.spec().idempotency_key("k2");
    assert_eq!(limited(bench, 2, vec![twice(), twice(), keyed()]).unwrap(), 3);
    assert_eq!(bench.total(TENANT), 2);
}

fn a_limit_is_for_each_queue(bench: &Bench) {
    assert_eq!(limited(bench, 1, vec![bench.spec(), bench.spec().queue("b")]).unwrap(), 2);
    assert!(limited(bench, 1, vec![bench.spec().queue("b")]).is_err());
    assert_eq!(limited(bench, 1, vec![bench.spec().queue("c")]).unwrap(), 1);
}

fn one_full_queue_refuses_the_whole_group(bench: &Bench) {
    bench.add(bench.spec().queue("b"));
    let specs = vec![bench.spec(), bench.spec().queue("b"), bench.spec().queue("c")];
    match limited(bench, 1, specs) {
        Err(Error::QueueFull { queue, .. }) => assert_eq!(queue, "b"),
        other => panic!("queue_full, not {other:?}"),
    }
    assert_eq!(bench.total(TENANT), 1);
}

fn another_tenant_has_room_of_its_own(bench: &Bench) {
    bench.add(bench.spec());
    let tasks = vec![bench.new_task_of("other", bench.spec())];
    let group = EnqueueGroup { tenant: "other".to_owned(), tasks, depth_limit: Some(1) };
    assert!(bench.enqueue(vec![group]).remove(0).is_ok());
}
