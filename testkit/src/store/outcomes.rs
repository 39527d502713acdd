//! What each outcome leaves in the row.

use std::time::Duration;

use windlass_core::engine;
use windlass_core::store::Applied;
use windlass_core::{NewUpdate, Outcome, Payload, RetryOptions, TaskError, TaskId, TaskStatus};

use super::bench::{Bench, outcome_of, progress};

super::cases![
    the_store_writes_what_the_engine_decided,
    a_completion_keeps_its_result,
    a_failure_backs_off_and_then_ends,
    a_snooze_and_a_hand_back_do_not_count,
    a_cancel_request_survives_a_failure,
    a_waiting_task_is_cancelled_at_once,
    a_retry_on_request_starts_over,
];

/// Applies each outcome both to a copy in memory and through the store: the rows must be equal.
fn the_store_writes_what_the_engine_decided(bench: &Bench) {
    let error = TaskError {
        error_type: Some("OSError".to_owned()),
        traceback: Some("line 1\nline \u{00e9}".to_owned()),
        ..TaskError::new("handler_error", "disk \u{1F4BE}")
    };
    let outcomes = [
        Outcome::complete(Payload::trusted(r#"{"a": [1]}"#)),
        Outcome::Fail { error: error.clone() },
        Outcome::Fail { error: error.clone().fatal() },
        Outcome::Retry { after: Some(Duration::from_millis(1_250)), error: error.clone() },
        Outcome::Retry { after: Some(Duration::ZERO), error },
        Outcome::Snooze { after: Duration::from_secs(90) },
        Outcome::Cancel { reason: Some("not wanted".to_owned()) },
        Outcome::HandBack,
    ];
    for outcome in outcomes {
        for started in [None, Some(Duration::from_millis(300))] {
            let leased = bench.leased(bench.spec());
            bench.advance(2.0);
            let mut settle = outcome_of(&leased, outcome.clone());
            settle.started = started;
            settle.updates = vec![
                NewUpdate::Progress { progress: 12.5, message: Some("half".to_owned()) },
                progress(99.9),
            ];
            let mut want = bench.task(leased.task.task_id);
            let decided = engine::settle::decide(&want, &settle, 0.5);
            let rows = decided.apply(&mut want, bench.now());
            match bench.apply(vec![decided]).remove(0) {
                Applied::Done(done) => assert_eq!(done.status, want.status),
                other => panic!("{outcome:?}: {other:?}"),
            }
            assert_eq!(bench.task(want.task_id), want, "{outcome:?}");
            let stored = bench.run(bench.store.updates("default", want.task_id, 0, 100)).unwrap();
            assert_eq!(stored.unwrap().1, rows, "{outcome:?}");
            clear(bench, want.task_id);
        }
    }
}

/// Ends a task that is not over, so that the next lease finds only its own.
fn clear(bench: &Bench, id: TaskId) {
    if let Some(cancel) = engine::cancel::decide(&bench.task(id)) {
        bench.apply(vec![cancel]);
    }
}

fn a_completion_keeps_its_result(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    bench.advance(1.5);
    bench.settle(&leased, Outcome::complete(Payload::trusted("[1, 2]")));
    let task = bench.task(leased.task.task_id);
    assert_eq!(task.result.as_ref().map(Payload::as_str), Some("[1, 2]"));
    assert_eq!((task.status, task.progress), (TaskStatus::Completed, Some(100.0)));
    assert_eq!((task.attempt, task.finished_at), (1, Some(bench.now())));
    assert_eq!(task.executed_on.as_deref(), Some("w1"));
}

fn a_failure_backs_off_and_then_ends(bench: &Bench) {
    let retry = RetryOptions {
        max_retries: Some(2),
        initial_delay: Some(Duration::from_secs(4)),
        exponential_base: Some(3.0),
        jitter: Some(0.0),
        ..RetryOptions::default()
    };
    let id = bench.add(bench.spec().retry(retry));
    let error = || TaskError::new("handler_error", "no");
    // 4 s, then 4 · 3 = 12 s, then the end.
    for (attempt, wait) in [(1, Some(4)), (2, Some(12)), (3, None)] {
        let leased = bench.lease_one();
        bench.settle(&leased, Outcome::Fail { error: error() });
        let task = bench.task(id);
        assert_eq!((task.attempt, task.error.as_ref().unwrap().at), (attempt, Some(bench.now())));
        match wait {
            Some(seconds) => {
                assert_eq!(task.status, TaskStatus::Scheduled);
                assert_eq!(task.run_at, bench.now().after(Duration::from_secs(seconds)));
                bench.advance(seconds as f64);
                bench.promote();
            }
            None => assert_eq!(task.status, TaskStatus::Failed),
        }
    }
}

fn a_snooze_and_a_hand_back_do_not_count(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    bench.start(&leased);
    assert_eq!(bench.task(leased.task.task_id).attempt, 1);
    bench.settle(&leased, Outcome::Snooze { after: Duration::from_secs(5) });
    let task = bench.task(leased.task.task_id);
    assert_eq!((task.status, task.attempt), (TaskStatus::Scheduled, 0));
    bench.advance(5.0);
    bench.promote();
    let leased = bench.lease_one();
    bench.start(&leased);
    bench.settle(&leased, Outcome::HandBack);
    let task = bench.task(leased.task.task_id);
    assert_eq!((task.status, task.attempt, task.suspect), (TaskStatus::Pending, 0, false));
}

fn a_cancel_request_survives_a_failure(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    let asked = engine::cancel::decide(&bench.task(leased.task.task_id)).unwrap();
    bench.apply(vec![asked]);
    let task = bench.task(leased.task.task_id);
    assert_eq!((task.status, task.cancel_requested), (TaskStatus::Running, true));
    assert!(engine::cancel::decide(&task).is_none(), "asked once");
    bench.settle(&leased, Outcome::Fail { error: TaskError::new("handler_error", "no") });
    assert_eq!(bench.task(leased.task.task_id).status, TaskStatus::Cancelled);
}

fn a_waiting_task_is_cancelled_at_once(bench: &Bench) {
    let ids = bench.store_all(vec![bench.spec(), bench.spec().delay(Duration::from_secs(9))]);
    for id in ids {
        let cancel = engine::cancel::decide(&bench.task(id)).unwrap();
        bench.apply(vec![cancel]);
        let task = bench.task(id);
        assert_eq!((task.status, task.finished_at), (TaskStatus::Cancelled, Some(bench.now())));
    }
    assert!(bench.lease(10).is_empty());
    bench.advance(10.0);
    assert_eq!(bench.run(bench.store.due(10)).unwrap(), Default::default());
}

fn a_retry_on_request_starts_over(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    bench.fail(&leased, "no");
    bench.advance(3.0);
    let failed = bench.task(leased.task.task_id);
    let retry = engine::retry::decide(&failed).unwrap();
    bench.apply(vec![retry]);
    let task = bench.task(failed.task_id);
    assert_eq!((task.status, task.attempt, task.run_at), (TaskStatus::Pending, 0, bench.now()));
    assert_eq!((task.error, task.finished_at), (None, None));
    let again = bench.lease_one();
    bench.complete(&again);
    assert_eq!(bench.task(failed.task_id).status, TaskStatus::Completed);
}
