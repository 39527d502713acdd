//! Tasks whose worker was lost once.

use windlass_core::{LeaseRequest, LeasedTask, Priority, TaskId, TaskStatus};

use super::bench::{Bench, heartbeat};

super::cases![
    a_suspect_is_leased_alone_and_counts_at_once,
    a_suspect_further_back_ends_the_walk,
    a_suspect_is_passed_over_when_not_allowed,
    suspects_go_one_by_one_in_order,
    a_suspect_never_waits_behind_a_name_that_is_not_asked_for,
    a_suspect_stays_suspect_after_its_backoff,
    the_start_of_a_suspect_is_told_by_its_pipeline,
];

/// Stores a task and loses its worker before it starts.
fn suspect(bench: &Bench, priority: Priority) -> TaskId {
    let id = bench.leased(bench.spec().priority(priority)).task.task_id;
    bench.advance(61.0);
    bench.rescue();
    let task = bench.task(id);
    assert_eq!((task.status, task.suspect, task.attempt), (TaskStatus::Pending, true, 0));
    id
}

fn ids(leased: &[LeasedTask]) -> Vec<TaskId> {
    leased.iter().map(|leased| leased.task.task_id).collect()
}

fn unsuspecting(bench: &Bench, limit: u32) -> LeaseRequest {
    LeaseRequest { suspects: false, ..bench.request(limit) }
}

fn a_suspect_is_leased_alone_and_counts_at_once(bench: &Bench) {
    let first = suspect(bench, Priority::Critical);
    let others = bench.store_all(vec![bench.spec(), bench.spec()]);
    let leased = bench.lease(10);
    assert_eq!(ids(&leased), [first]);
    let task = bench.task(first);
    assert_eq!((task.attempt, task.started_at), (1, Some(bench.now())));
    assert!(task.lease.as_ref().is_some_and(|lease| lease.counted));
    assert_eq!(task, leased[0].task);
    assert_eq!(ids(&bench.lease(10)), others, "the others go together");
}

fn a_suspect_further_back_ends_the_walk(bench: &Bench) {
    let middle = suspect(bench, Priority::Normal);
    let before = bench.store_all(vec![
        bench.spec().priority(Priority::High),
        bench.spec().priority(Priority::High),
    ]);
    let after = bench.add(bench.spec().priority(Priority::Low));
    let leased = bench.lease_by(bench.request(10));
    assert_eq!(ids(&leased.tasks), before);
    assert_eq!(ids(&bench.lease(10)), [middle]);
    assert_eq!(ids(&bench.lease(10)), [after]);
}

fn a_suspect_is_passed_over_when_not_allowed(bench: &Bench) {
    suspect(bench, Priority::Critical);
    let others = bench.store_all(vec![bench.spec(), bench.spec()]);
    let leased = bench.lease_by(unsuspecting(bench, 10));
    assert_eq!(ids(&leased.tasks), others);
    assert!(leased.suspect_waiting);
    let leased = bench.lease_by(unsuspecting(bench, 10));
    assert!(leased.tasks.is_empty() && leased.suspect_waiting);
    bench.lease(1);
    assert!(!bench.lease_by(unsuspecting(bench, 10)).suspect_waiting, "it is leased now");
}

fn suspects_go_one_by_one_in_order(bench: &Bench) {
    let specs = [Priority::Low, Priority::Critical, Priority::Low];
    let stored = bench.store_all(specs.map(|p| bench.spec().priority(p)).to_vec());
    bench.lease(10);
    bench.advance(61.0);
    bench.rescue();
    for id in [stored[1], stored[0], stored[2]] {
        assert_eq!(ids(&bench.lease(10)), [id]);
    }
    assert!(bench.lease(10).is_empty());
}

fn a_suspect_never_waits_behind_a_name_that_is_not_asked_for(bench: &Bench) {
    let other = bench.add(bench.spec().queue("another"));
    bench.lease_by(LeaseRequest { queues: vec!["another".to_owned()], ..bench.request(1) });
    bench.advance(61.0);
    bench.rescue();
    assert!(bench.task(other).suspect);
    let mine = bench.store_all(vec![bench.spec(), bench.spec()]);
    let leased = bench.lease_by(unsuspecting(bench, 10));
    assert_eq!(ids(&leased.tasks), mine);
    assert!(!leased.suspect_waiting, "that one is not for this worker");
}

fn a_suspect_stays_suspect_after_its_backoff(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    bench.start(&leased);
    bench.advance(61.0);
    bench.rescue();
    let task = bench.task(leased.task.task_id);
    assert_eq!((task.status, task.attempt, task.suspect), (TaskStatus::Scheduled, 1, true));
    assert_eq!(bench.renew(heartbeat(&leased)), windlass_core::Renewed::Lost);
    bench.advance(10.0);
    bench.promote();
    bench.add(bench.spec().priority(Priority::Low));
    assert_eq!(ids(&bench.lease(10)), [leased.task.task_id]);
    assert_eq!(bench.task(leased.task.task_id).attempt, 2);
}

fn the_start_of_a_suspect_is_told_by_its_pipeline(bench: &Bench) {
    let (id, stages) = bench.pipeline(&[("a", &[]), ("b", &["a"])]);
    bench.lease_these(&stages[..1]);
    bench.advance(61.0);
    bench.rescue();
    assert!(bench.task(stages[0]).suspect);
    let again = bench.lease_these(&stages[..1]).remove(0);
    assert_eq!(bench.told(id), ["a pending", "a running"]);
    bench.start(&again);
    bench.complete(&again);
    assert_eq!(bench.told(id), ["a pending", "a running", "a completed", "b pending"]);
}
