//! Idempotency keys.

use std::sync::Barrier;

use windlass_core::store::EnqueueGroup;
use windlass_core::{Error, Payload, TaskSpec, TaskStatus};

use super::bench::{Bench, HANDLER, TENANT};

super::cases![
    the_same_request_answers_the_stored_task,
    the_answer_tells_the_present_status,
    another_request_is_a_conflict_that_names_the_holder,
    a_key_twice_in_one_group_stores_one_task,
    a_key_twice_in_one_call_stores_one_task,
    two_requests_under_one_key_refuse_their_group,
    another_tenant_has_keys_of_its_own,
    keys_that_look_alike_are_different_keys,
    twenty_concurrent_submits_store_one_task,
    of_twenty_different_requests_one_stores,
];

fn keyed(key: &str, payload: &str) -> TaskSpec {
    TaskSpec::new(HANDLER, Payload::new("payload", payload).unwrap()).idempotency_key(key)
}

fn the_same_request_answers_the_stored_task(bench: &Bench) {
    let first = bench.add(keyed("k", r#"{"a":1,"b":2}"#));
    let group = bench.group(vec![bench.spec(), keyed("k", r#"{ "b": 2.0, "a": 1 }"#)]);
    let answer = bench.enqueue(vec![group]).remove(0).unwrap();
    assert!(!answer[0].deduplicated);
    assert!(answer[1].deduplicated);
    assert_eq!(answer[1].task_id, first);
    assert_eq!(bench.total(TENANT), 2);
    assert_eq!(bench.task(first).version, 1, "the row is not written");
}

fn the_answer_tells_the_present_status(bench: &Bench) {
    let leased = bench.leased(keyed("k", "1"));
    bench.complete(&leased);
    let group = bench.group(vec![keyed("k", "1")]);
    let answer = bench.enqueue(vec![group]).remove(0).unwrap().remove(0);
    assert_eq!((answer.status, answer.deduplicated), (TaskStatus::Completed, true));
}

fn another_request_is_a_conflict_that_names_the_holder(bench: &Bench) {
    let holder = bench.add(keyed("k", "1"));
    let others = [keyed("k", "2"), keyed("k", "1").queue("another")];
    let other_type = TaskSpec { task_type: "another".to_owned(), ..keyed("k", "1") };
    for spec in others.into_iter().chain([other_type]) {
        let group = bench.group(vec![spec]);
        match bench.enqueue(vec![group]).remove(0) {
            Err(Error::IdempotencyConflict { key, task_id }) => {
                assert_eq!((key.as_str(), task_id), ("k", holder));
            }
            other => panic!("a conflict, not {other:?}"),
        }
    }
    assert_eq!(bench.total(TENANT), 1);
}

fn a_key_twice_in_one_group_stores_one_task(bench: &Bench) {
    let group = bench.group(vec![keyed("k", "1"), bench.spec(), keyed("k", "1.0")]);
    let answer = bench.enqueue(vec![group]).remove(0).unwrap();
    assert_eq!(answer[0].task_id, answer[2].task_id);
    assert_eq!(answer.iter().map(|s| s.deduplicated).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(bench.total(TENANT), 2);
}

fn a_key_twice_in_one_call_stores_one_task(bench: &Bench) {
    let groups = vec![bench.group(vec![keyed("k", "1")]), bench.group(vec![keyed("k", "1")])];
    let mut answers = bench.enqueue(groups);
    let (second, first) =
        (answers.remove(1).unwrap().remove(0), answers.remove(0).unwrap().remove(0));
    assert_eq!(first.task_id, second.task_id);
    assert_eq!((first.deduplicated, second.deduplicated), (false, true));
    assert_eq!(bench.total(TENANT), 1);
}

fn two_requests_under_one_key_refuse_their_group(bench: &Bench) {
    let group = bench.group(vec![keyed("k", "1"), keyed("k", "2")]);
    let refused = bench.enqueue(vec![group]).remove(0).unwrap_err();
    assert_eq!(refused.code(), "idempotency_conflict");
    assert_eq!(bench.total(TENANT), 0);
    let group = bench.group(vec![keyed("k", "2")]);
    assert!(
        !bench.enqueue(vec![group]).remove(0).unwrap()[0].deduplicated,
        "the key is still free"
    );
}

fn another_tenant_has_keys_of_its_own(bench: &Bench) {
    bench.add(keyed("k", "1"));
    let tasks = vec![bench.new_task_of("other", keyed("k", "2"))];
    let group = EnqueueGroup { tenant: "other".to_owned(), tasks, depth_limit: None };
    assert!(!bench.enqueue(vec![group]).remove(0).unwrap()[0].deduplicated);
}

fn keys_that_look_alike_are_different_keys(bench: &Bench) {
    let keys = ["k", "K", "k ", " k", "k\0", "k\0x", "\u{e9}", "e\u{301}", "%", "_", "'", "\""];
    let group = bench.group(keys.map(|key| keyed(key, "1")).to_vec());
    let answer = bench.enqueue(vec![group]).remove(0).unwrap();
    assert!(answer.iter().all(|submission| !submission.deduplicated));
    for (key, first) in keys.iter().zip(answer) {
        let group = bench.group(vec![keyed(key, "1")]);
        let again = bench.enqueue(vec![group]).remove(0).unwrap().remove(0);
        assert_eq!((again.task_id, again.deduplicated), (first.task_id, true), "{key:?}");
        assert_eq!(bench.task(first.task_id).idempotency_key.as_deref(), Some(*key));
    }
}

fn twenty_concurrent_submits_store_one_task(bench: &Bench) {
    let answers = race(bench, |_| keyed("k", "1"));
    let stored: Vec<_> = answers.into_iter().map(|answer| answer.expect("no conflict")).collect();
    assert_eq!(stored.iter().filter(|s| !s.deduplicated).count(), 1);
    assert!(stored.iter().all(|s| s.task_id == stored[0].task_id));
    assert_eq!(bench.total(TENANT), 1);
}

fn of_twenty_different_requests_one_stores(bench: &Bench) {
    let answers = race(bench, |i| keyed("k", &i.to_string()));
    let stored: Vec<_> = answers.iter().flatten().collect();
    assert_eq!(stored.len(), 1);
    for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert!(
            matches!(refused, Error::IdempotencyConflict { task_id, .. } if *task_id == stored[0].task_id),
            "{refused}"
        );
    }
    assert_eq!(bench.total(TENANT), 1);
}

/// Twenty threads on two connections submit at one moment.
fn race(
    bench: &Bench,
    spec: impl Fn(usize) -> TaskSpec,
) -> Vec<windlass_core::Result<windlass_core::Submission>> {
    let (barrier, stores) = (Barrier::new(20), [bench.store.clone(), bench.connect()]);
    let groups: Vec<_> = (0..20).map(|i| bench.group(vec![spec(i)])).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = groups
            .into_iter()
            .enumerate()
            .map(|(i, group)| {
                let (store, barrier, runtime) = (&stores[i % 2], &barrier, &bench.runtime);
                scope.spawn(move || {
                    barrier.wait();
                    let mut answers = runtime.block_on(store.enqueue(vec![group]))?;
                    answers.remove(0).map(|mut submissions| submissions.remove(0))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}
