//! What came and what went within some time.

use std::time::Duration;

use windlass_core::store::{EnqueueGroup, Prune};
use windlass_core::words::Flow;
use windlass_core::{Timestamp, engine};

use super::bench::{Bench, TENANT};

super::cases![
    what_came_and_went_is_counted_by_tenant,
    the_borders_belong_to_one_step_each,
    what_waits_or_runs_has_not_ended,
    durations_are_from_submission_to_end,
    what_was_pruned_is_not_told,
    a_task_that_was_stored_late_counts_when_it_was_stored,
    another_process_sees_the_same,
];

/// What the usual tenant did from `from` until before now.
fn since(bench: &Bench, from: Timestamp) -> Flow {
    until(bench, from, bench.now())
}

fn until(bench: &Bench, from: Timestamp, until: Timestamp) -> Flow {
    let flows = bench.run(bench.store.flow(from, until)).unwrap().expect("few rows");
    flows.get(TENANT).cloned().unwrap_or_default()
}

fn counts(flow: &Flow) -> [u64; 4] {
    [flow.submitted, flow.completed, flow.failed, flow.cancelled]
}

fn what_came_and_went_is_counted_by_tenant(bench: &Bench) {
    let from = bench.now();
    let stored = bench.store_all((0..5).map(|_| bench.spec()).collect());
    let tasks = vec![bench.new_task_of("other", bench.spec())];
    let group = EnqueueGroup { tenant: "other".to_owned(), tasks, depth_limit: None };
    bench.enqueue(vec![group]).remove(0).unwrap();
    bench.advance(1.0);
    let leased = bench.lease(3);
    bench.complete(&leased[0]);
    bench.complete(&leased[1]);
    bench.fail(&leased[2], "no");
    bench.apply(engine::cancel::decide(&bench.task(stored[4])).into_iter().collect());
    bench.advance(1.0);
    let flows = bench.run(bench.store.flow(from, bench.now())).unwrap().expect("few rows");
    let told: Vec<_> = flows.iter().map(|(tenant, flow)| (tenant.as_str(), counts(flow))).collect();
    assert_eq!(told, [(TENANT, [5, 2, 1, 1]), ("other", [1, 0, 0, 0])]);
    bench.advance(1.0);
    let later = bench.now();
    bench.advance(10.0);
    let idle = bench.run(bench.store.flow(later, bench.now())).unwrap().expect("few rows");
    assert!(idle.is_empty(), "who did nothing is left out");
}

fn the_borders_belong_to_one_step_each(bench: &Bench) {
    let mut steps = vec![bench.now()];
    for _ in 0..4 {
        let task = bench.leased(bench.spec());
        bench.complete(&task);
        bench.advance(10.0);
        steps.push(bench.now());
    }
    for step in steps.windows(2) {
        assert_eq!(counts(&until(bench, step[0], step[1])), [1, 1, 0, 0]);
    }
    assert_eq!(counts(&until(bench, steps[1], steps[3])), [2, 2, 0, 0]);
    assert_eq!(counts(&until(bench, steps[2], steps[2])), [0; 4], "no time, no tasks");
    assert_eq!(counts(&until(bench, steps[3], steps[1])), [0; 4], "nothing runs backwards");
}

fn what_waits_or_runs_has_not_ended(bench: &Bench) {
    let from = bench.now();
    bench.store_all(vec![bench.spec(), bench.spec().delay(Duration::from_secs(60))]);
    bench.start(&bench.lease_one());
    bench.advance(1.0);
    let flow = since(bench, from);
    assert_eq!((counts(&flow), flow.took(50)), ([2, 0, 0, 0], None));
}

fn durations_are_from_submission_to_end(bench: &Bench) {
    let from = bench.now();
    bench.store_all((0..10).map(|_| bench.spec()).collect());
    // They end after 1 to 10 seconds.
    for _ in 0..10 {
        bench.advance(1.0);
        let leased = bench.lease_one();
        bench.complete(&leased);
    }
    bench.advance(1.0);
    let flow = since(bench, from);
    let took = |percent| flow.took(percent).map(|took| took.as_secs());
    assert_eq!((took(50), took(95), took(100)), (Some(5), Some(10), Some(10)));
    let last = bench.now().before(Duration::from_secs(1));
    assert_eq!(since(bench, last).took(50).map(|took| took.as_secs()), Some(10));
}

fn what_was_pruned_is_not_told(bench: &Bench) {
    let from = bench.now();
    bench.complete(&bench.leased(bench.spec()));
    bench.advance(100.0);
    assert_eq!(counts(&since(bench, from)), [1, 1, 0, 0]);
    let prune = Prune {
        older_than: Duration::from_secs(60),
        keep_keys: Duration::ZERO,
        keep: None,
        updates_per_task: 100,
        limit: 100,
    };
    assert_eq!(bench.run(bench.store.prune(prune)).unwrap(), 1);
    assert_eq!(counts(&since(bench, from)), [0; 4]);
}

fn a_task_that_was_stored_late_counts_when_it_was_stored(bench: &Bench) {
    let from = bench.now();
    // A submit that waited for room in its queue: its id tells an earlier time.
    let group = bench.group(vec![bench.spec()]);
    bench.advance(400.0);
    let later = bench.now();
    bench.enqueue(vec![group]).remove(0).unwrap();
    bench.advance(1.0);
    assert_eq!(counts(&until(bench, from, later)), [0; 4]);
    assert_eq!(counts(&since(bench, later)), [1, 0, 0, 0]);
}

fn another_process_sees_the_same(bench: &Bench) {
    let from = bench.now();
    bench.complete(&bench.leased(bench.spec()));
    bench.add(bench.spec());
    bench.advance(1.0);
    let flows = bench.run(bench.connect().flow(from, bench.now())).unwrap().expect("few rows");
    assert_eq!(counts(&flows[TENANT]), [2, 1, 0, 0]);
    assert_eq!(flows[TENANT], since(bench, from));
}
