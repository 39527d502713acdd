//! Removing what is old.

use std::time::Duration;

use windlass_core::store::Prune;
use windlass_core::{Renewal, TaskId, TaskStatus, UpdateKind};

use super::bench::{Bench, TENANT, heartbeat, line};

super::cases![
    only_finished_tasks_that_are_old_go,
    a_key_keeps_its_task_and_then_frees_itself,
    a_key_of_the_transport_keeps_nothing,
    only_the_newest_are_kept,
    one_call_removes_at_most_its_limit,
    a_pruned_task_is_gone_everywhere,
    long_histories_lose_their_oldest_entries,
    a_short_history_is_left_alone,
    every_tenant_is_pruned,
];

const DAY: f64 = 86_400.0;

fn prune() -> Prune {
    Prune {
        older_than: Duration::from_secs(7 * 86_400),
        keep_keys: Duration::from_secs(86_400),
        keep: None,
        updates_per_task: 1000,
        limit: 1000,
    }
}

fn go(bench: &Bench, prune: Prune) -> u64 {
    bench.run(bench.store.prune(prune)).unwrap()
}

fn completed(bench: &Bench) -> TaskId {
    let leased = bench.leased(bench.spec());
    bench.complete(&leased);
    leased.task.task_id
}

fn there(bench: &Bench, id: TaskId) -> bool {
    bench.find(TENANT, id).is_some()
}

fn only_finished_tasks_that_are_old_go(bench: &Bench) {
    let old = completed(bench);
    let failed = bench.leased(bench.spec()).clone();
    bench.fail(&failed, "no");
    let running = bench.leased(bench.spec()).task.task_id;
    let scheduled = bench.add(bench.spec().delay(Duration::from_secs(99 * 86_400)));
    let pending = bench.add(bench.spec());
    bench.advance(6.0 * DAY);
    let young = bench.leased(bench.spec().priority(windlass_core::Priority::Critical));
    bench.complete(&young);
    assert_eq!(go(bench, prune()), 0, "nothing is older than a week");
    bench.advance(1.0 * DAY + 1.0);
    assert_eq!(go(bench, prune()), 2);
    assert!(!there(bench, old) && !there(bench, failed.task.task_id));
    for id in [running, scheduled, pending, young.task.task_id] {
        assert!(there(bench, id));
    }
    assert_eq!(go(bench, prune()), 0);
}

fn a_key_keeps_its_task_and_then_frees_itself(bench: &Bench) {
    let keyed = || bench.spec().idempotency_key("k");
    let leased = bench.leased(keyed());
    bench.complete(&leased);
    let at_once = Prune { older_than: Duration::from_secs(60), ..prune() };
    bench.advance(DAY - 1.0);
    assert_eq!(go(bench, at_once), 0, "the key lives at least a day");
    let group = bench.group(vec![keyed()]);
    assert!(bench.enqueue(vec![group]).remove(0).unwrap()[0].deduplicated);
    bench.advance(2.0);
    assert_eq!(go(bench, at_once), 1);
    let group = bench.group(vec![keyed()]);
    assert!(
        !bench.enqueue(vec![group]).remove(0).unwrap()[0].deduplicated,
        "the key is free again"
    );
}

fn a_key_of_the_transport_keeps_nothing(bench: &Bench) {
    let keyed = |key: &str| bench.spec().idempotency_key(key);
    for key in ["auto:01981e2c", "auto", "autos:1"] {
        let leased = bench.leased(keyed(key));
        bench.complete(&leased);
    }
    let group = bench.group(vec![keyed("auto:01981e2c")]);
    assert!(bench.enqueue(vec![group]).remove(0).unwrap()[0].deduplicated, "it is a key");
    bench.advance(61.0);
    let at_once = Prune { older_than: Duration::from_secs(60), ..prune() };
    assert_eq!(go(bench, at_once), 1, "the others are users' keys, and kept for a day");
    let group = bench.group(vec![keyed("auto:01981e2c")]);
    assert!(!bench.enqueue(vec![group]).remove(0).unwrap()[0].deduplicated, "and free again");
    for key in ["auto", "autos:1"] {
        let group = bench.group(vec![keyed(key)]);
        assert!(bench.enqueue(vec![group]).remove(0).unwrap()[0].deduplicated, "{key}");
    }
}

fn only_the_newest_are_kept(bench: &Bench) {
    let ids: Vec<_> = (0..6)
        .map(|_| {
            bench.advance(1.0);
            completed(bench)
        })
        .collect();
    assert_eq!(go(bench, Prune { keep: Some(6), ..prune() }), 0);
    assert_eq!(go(bench, Prune { keep: Some(2), ..prune() }), 4);
    let left: Vec<_> = ids.iter().map(|id| there(bench, *id)).collect();
    assert_eq!(left, [false, false, false, false, true, true]);
    assert_eq!(go(bench, Prune { keep: Some(0), ..prune() }), 2);
}

fn one_call_removes_at_most_its_limit(bench: &Bench) {
    let ids: Vec<_> = (0..5)
        .map(|_| {
            bench.advance(1.0);
            completed(bench)
        })
        .collect();
    bench.advance(8.0 * DAY);
    let some = Prune { limit: 2, ..prune() };
    assert_eq!(go(bench, some), 2);
    assert!(
        !there(bench, ids[0]) && !there(bench, ids[1]) && there(bench, ids[2]),
        "the oldest first"
    );
    assert_eq!((go(bench, some), go(bench, some), go(bench, some)), (2, 1, 0));
}

fn a_pruned_task_is_gone_everywhere(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    bench.renew(Renewal { updates: vec![line("a")], ..heartbeat(&leased) });
    bench.complete(&leased);
    bench.advance(8.0 * DAY);
    assert_eq!(go(bench, prune()), 1);
    assert_eq!(bench.total(TENANT), 0);
    let answer = bench.run(bench.store.updates(TENANT, leased.task.task_id, 0, 10)).unwrap();
    assert!(answer.is_none());
}

fn long_histories_lose_their_oldest_entries(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    let id = leased.task.task_id;
    let updates = (0..10).map(|i| line(&i.to_string())).collect();
    bench.renew(Renewal { started: Some(Duration::ZERO), updates, ..heartbeat(&leased) });
    let before = bench.history(id, 0, 100);
    assert_eq!(before.len(), 12);
    go(bench, Prune { updates_per_task: 4, ..prune() });
    // Entries 3 to 12 are rows; 9 to 12 are left.
    assert_eq!(bench.task(id).first_seq, 9);
    let told = bench.history(id, 0, 100);
    assert_eq!(told[0].seq, 8);
    assert!(matches!(told[0].kind, UpdateKind::Resync { status: TaskStatus::Running, .. }));
    assert_eq!(told[1..], before[8..]);
    assert_eq!(
        bench.history(id, 8, 100),
        before[8..],
        "a reader that has the rest needs no resync"
    );
    assert_eq!(bench.history(id, 5, 100), told);
    bench.complete(&leased);
    assert_eq!(bench.history(id, 0, 100).last().map(|u| (u.seq, u.is_final())), Some((13, true)));
    go(bench, Prune { updates_per_task: 0, ..prune() });
    let told = bench.history(id, 0, 100);
    assert_eq!(told.iter().map(|u| u.seq).collect::<Vec<_>>(), [12, 13]);
}

fn a_short_history_is_left_alone(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    let updates = (0..4).map(|i| line(&i.to_string())).collect();
    bench.renew(Renewal { updates, ..heartbeat(&leased) });
    let before = bench.task(leased.task.task_id);
    go(bench, Prune { updates_per_task: 4, ..prune() });
    assert_eq!(bench.task(leased.task.task_id), before);
    assert_eq!(bench.history(leased.task.task_id, 0, 10).len(), 5);
}

fn every_tenant_is_pruned(bench: &Bench) {
    let tasks = vec![bench.new_task_of("other", bench.spec())];
    let cancel = windlass_core::engine::cancel::decide(&tasks[0].clone().into_task(bench.now()));
    let group =
        windlass_core::store::EnqueueGroup { tenant: "other".to_owned(), tasks, depth_limit: None };
    bench.enqueue(vec![group]).remove(0).unwrap();
    bench.apply(cancel.into_iter().collect());
    completed(bench);
    bench.advance(8.0 * DAY);
    assert_eq!(go(bench, prune()), 2);
    assert_eq!(bench.total("other"), 0);
}
