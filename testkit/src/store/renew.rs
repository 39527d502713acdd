//! Heartbeats.

use std::time::Duration;

use windlass_core::engine;
use windlass_core::{Renewal, Renewed, TaskStatus};

use super::bench::{Bench, TENANT, heartbeat, line, progress};

super::cases![
    a_heartbeat_extends_and_never_shortens,
    a_start_counts_once_and_lies_in_the_past,
    news_are_kept_in_order,
    a_stale_token_is_lost_and_changes_nothing,
    unknown_foreign_and_finished_tasks_are_lost,
    nothing_to_record_writes_nothing,
    a_cancel_request_is_told,
    answers_come_in_order,
    a_lease_that_nobody_took_away_is_kept,
];

fn extend(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

fn a_heartbeat_extends_and_never_shortens(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    let expires = || bench.task(leased.task.task_id).lease.unwrap().expires_at;
    let first = expires();
    bench.advance(30.0);
    assert_eq!(bench.renew(Renewal { extend: extend(10), ..heartbeat(&leased) }), Renewed::Held);
    assert_eq!(expires(), first, "10 s from now is before the deadline");
    assert_eq!(bench.renew(Renewal { extend: extend(60), ..heartbeat(&leased) }), Renewed::Held);
    assert_eq!(expires(), bench.now().after(Duration::from_secs(60)));
    bench.advance(59.9);
    assert!(bench.rescue().is_empty());
    bench.advance(0.2);
    assert_eq!(bench.rescue().len(), 1);
}

fn a_start_counts_once_and_lies_in_the_past(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    bench.advance(2.0);
    let began = bench.now().before(Duration::from_millis(750));
    let news = Renewal { started: Some(Duration::from_millis(750)), ..heartbeat(&leased) };
    bench.renew(news.clone());
    bench.advance(1.0);
    bench.renew(news);
    let task = bench.task(leased.task.task_id);
    assert_eq!(
        (task.attempt, task.started_at, task.attempt_started_at),
        (1, Some(began), Some(began))
    );
    assert_eq!(
        (task.last_seq, task.start_seq, task.executed_on.as_deref()),
        (2, Some(2), Some("w1"))
    );
}

fn news_are_kept_in_order(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    let updates = vec![line("one"), progress(10.0), line("two"), progress(20.5)];
    bench.renew(Renewal { started: Some(Duration::ZERO), updates, ..heartbeat(&leased) });
    let task = bench.task(leased.task.task_id);
    assert_eq!((task.progress, task.last_seq), (Some(20.5), 6));
    let kinds: Vec<_> = bench
        .history(task.task_id, 2, 10)
        .iter()
        .map(|update| serde_json::to_value(update).unwrap())
        .map(|update| (update["seq"].clone(), update["kind"].clone()))
        .collect();
    assert_eq!(
        kinds,
        [
            (3.into(), "log".into()),
            (4.into(), "progress".into()),
            (5.into(), "log".into()),
            (6.into(), "progress".into())
        ]
    );
}

fn a_stale_token_is_lost_and_changes_nothing(bench: &Bench) {
    let old = bench.leased(bench.spec());
    bench.advance(61.0);
    bench.rescue();
    let late = Renewal {
        extend: extend(60),
        started: Some(Duration::ZERO),
        updates: vec![line("late")],
        ..heartbeat(&old)
    };
    let before = bench.task(old.task.task_id);
    assert_eq!(bench.renew(late.clone()), Renewed::Lost);
    assert_eq!(bench.task(old.task.task_id), before);
    bench.lease_one();
    let before = bench.task(old.task.task_id);
    assert_eq!(bench.renew(late), Renewed::Lost, "nor does another's lease answer to it");
    assert_eq!(bench.task(old.task.task_id), before);
}

fn unknown_foreign_and_finished_tasks_are_lost(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    let beat = Renewal { extend: extend(60), ..heartbeat(&leased) };
    let unknown = Renewal { task_id: bench.ids.task(bench.now()), ..beat.clone() };
    assert_eq!(bench.renew(unknown), Renewed::Lost);
    let foreign = bench.run(bench.store.renew("other", vec![beat.clone()])).unwrap();
    assert_eq!(foreign, [Renewed::Lost]);
    bench.complete(&leased);
    assert_eq!(bench.renew(beat), Renewed::Lost);
}

fn nothing_to_record_writes_nothing(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    let before = bench.task(leased.task.task_id);
    assert_eq!(bench.renew(heartbeat(&leased)), Renewed::Held);
    assert_eq!(bench.task(leased.task.task_id), before);
}

fn a_cancel_request_is_told(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    let asked = engine::cancel::decide(&bench.task(leased.task.task_id)).unwrap();
    bench.apply(vec![asked]);
    assert_eq!(bench.renew(heartbeat(&leased)), Renewed::CancelRequested);
    let beat = Renewal { extend: extend(120), ..heartbeat(&leased) };
    assert_eq!(bench.renew(beat), Renewed::CancelRequested);
    let lease = bench.task(leased.task.task_id).lease.unwrap();
    assert_eq!(lease.expires_at, bench.now().after(Duration::from_secs(120)), "and still extended");
}

fn answers_come_in_order(bench: &Bench) {
    bench.store_all((0..4).map(|_| bench.spec()).collect());
    let leased = bench.lease(4);
    bench.complete(&leased[0]);
    let asked = engine::cancel::decide(&bench.task(leased[2].task.task_id)).unwrap();
    bench.apply(vec![asked]);
    let beats = leased.iter().map(|l| Renewal { extend: extend(90), ..heartbeat(l) }).collect();
    let answers = bench.run(bench.store.renew(TENANT, beats)).unwrap();
    assert_eq!(answers, [Renewed::Lost, Renewed::Held, Renewed::CancelRequested, Renewed::Held]);
    assert!(bench.run(bench.store.renew(TENANT, Vec::new())).unwrap().is_empty());
}

fn a_lease_that_nobody_took_away_is_kept(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    bench.advance(500.0);
    assert_eq!(bench.renew(Renewal { extend: extend(60), ..heartbeat(&leased) }), Renewed::Held);
    assert!(bench.rescue().is_empty());
    assert_eq!(bench.task(leased.task.task_id).status, TaskStatus::Running);
}
