//! Storing tasks.

use std::time::Duration;

use windlass_core::store::EnqueueGroup;
use windlass_core::{BatchId, Payload, Priority, RetryOptions, TaskStatus};

use super::bench::{Bench, TENANT};

super::cases![
    a_task_reads_back_as_it_was_given,
    payload_bytes_are_kept,
    a_group_is_stored_whole_or_not_at_all,
    a_refused_group_harms_no_neighbour,
    a_task_is_scheduled_only_for_the_future,
    a_large_group_keeps_its_order,
    get_answers_in_order_with_gaps,
];

fn a_task_reads_back_as_it_was_given(bench: &Bench) {
    let text = |field, text: &str| Payload::new(field, text).unwrap();
    let mut spec = bench
        .spec()
        .queue("fotos/größe")
        .priority(Priority::Background)
        .delay(Duration::from_millis(1_500))
        .timeout(Duration::from_millis(2_250))
        .idempotency_key("key \u{1F511}")
        .label("env", "test")
        .label("empty", "");
    spec.payload = text("payload", r#"{"path":"a.jpg","n":[1,2.50]}"#);
    spec.metadata = Some(text("metadata", r#"{ "who": "me" }"#));
    spec.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    spec.state_key = Some("account-7".to_owned());
    spec.initial_state = Some(text("initial_state", r#"{"n": 0}"#));
    spec.retry = RetryOptions {
        max_retries: Some(7),
        initial_delay: Some(Duration::from_millis(250)),
        exponential_base: Some(1.5),
        max_delay: Some(Duration::from_secs(9)),
        jitter: Some(0.25),
        retry_on_timeout: Some(false),
    };
    let mut new = bench.new_task(spec);
    new.batch_id = Some(bench.ids.batch(bench.now()));
    let (want, batch_id): (_, Option<BatchId>) = (new.clone().into_task(bench.now()), new.batch_id);
    let group = EnqueueGroup { tenant: TENANT.to_owned(), tasks: vec![new], depth_limit: None };
    let stored = bench.enqueue(vec![group]).remove(0).unwrap().remove(0);
    assert_eq!((stored.task_id, stored.batch_id), (want.task_id, batch_id));
    assert_eq!((stored.status, stored.deduplicated), (TaskStatus::Scheduled, false));
    assert_eq!(bench.task(want.task_id), want);
}

fn payload_bytes_are_kept(bench: &Bench) {
    let text = " {\"b\" : 1.0,\n\t\"a\":\"\\u00e9é\u{1F600}\", \"c\":1e2, \"d\":12345678901234567890123 } ";
    let mut spec = bench.spec();
    spec.payload = Payload::new("payload", text).unwrap();
    let id = bench.add(spec);
    assert_eq!(bench.task(id).payload.as_str(), text);
    assert_eq!(bench.lease_one().task.payload.as_str(), text, "the worker gets the same bytes");
}

fn a_group_is_stored_whole_or_not_at_all(bench: &Bench) {
    bench.add(bench.spec().idempotency_key("taken"));
    let mut specs: Vec<_> = (0..5).map(|_| bench.spec()).collect();
    specs[3] = bench.spec().queue("another").idempotency_key("taken");
    let group = bench.group(specs);
    let ids: Vec<_> = group.tasks.iter().map(|task| task.task_id).collect();
    let refused = bench.enqueue(vec![group]).remove(0).unwrap_err();
    assert_eq!(refused.code(), "idempotency_conflict");
    assert_eq!(bench.total(TENANT), 1);
    let found = bench.run(bench.store.get(TENANT, ids)).unwrap();
    assert!(found.iter().all(Option::is_none), "nothing of the group is stored");
}

fn a_refused_group_harms_no_neighbour(bench: &Bench) {
    bench.add(bench.spec().idempotency_key("taken"));
    let good = |n: usize| bench.group((0..n).map(|_| bench.spec()).collect());
    let bad =
        bench.group(vec![bench.spec(), bench.spec().queue("another").idempotency_key("taken")]);
    let mut full = good(3);
    full.depth_limit = Some(2);
    let groups = vec![good(2), bad, good(1), full, good(4)];
    let wanted: Vec<Vec<_>> =
        groups.iter().map(|group| group.tasks.iter().map(|task| task.task_id).collect()).collect();
    let answers = bench.enqueue(groups);
    for i in [0, 2, 4] {
        let ids: Vec<_> = answers[i].as_ref().unwrap().iter().map(|s| s.task_id).collect();
        assert_eq!(ids, wanted[i], "group {i} answers its tasks in order");
    }
    assert_eq!(answers[1].as_ref().unwrap_err().code(), "idempotency_conflict");
    assert_eq!(answers[3].as_ref().unwrap_err().code(), "queue_full");
    assert_eq!(bench.total(TENANT), 1 + 2 + 1 + 4);
}

fn a_task_is_scheduled_only_for_the_future(bench: &Bench) {
    let now = bench.now();
    for (seconds, status) in
        [(-60, TaskStatus::Pending), (0, TaskStatus::Pending), (1, TaskStatus::Scheduled)]
    {
        let at = windlass_core::Timestamp::from_millis(now.as_millis() + seconds * 1000);
        let task = bench.task(bench.add(bench.spec().run_at(at)));
        assert_eq!((task.status, task.run_at, task.submitted_as), (status, at, status));
    }
    let task = bench.task(bench.add(bench.spec().delay(Duration::ZERO)));
    assert_eq!(task.status, TaskStatus::Pending);
}

fn a_large_group_keeps_its_order(bench: &Bench) {
    let ids = bench.store_all((0..2_500).map(|_| bench.spec()).collect());
    assert!(ids.is_sorted());
    assert_eq!(bench.total(TENANT), 2_500);
    let leased: Vec<_> = bench.lease(1000).iter().map(|leased| leased.task.task_id).collect();
    assert_eq!(leased, ids[..1000]);
}

fn get_answers_in_order_with_gaps(bench: &Bench) {
    let ids = bench.store_all((0..3).map(|_| bench.spec()).collect());
    let unknown = bench.ids.task(bench.now());
    let asked = vec![ids[2], unknown, ids[0], ids[2]];
    let found = bench.run(bench.store.get(TENANT, asked)).unwrap();
    let found: Vec<_> = found.iter().map(|task| task.as_ref().map(|t| t.task_id)).collect();
    assert_eq!(found, [Some(ids[2]), None, Some(ids[0]), Some(ids[2])]);
    assert!(bench.run(bench.store.get(TENANT, Vec::new())).unwrap().is_empty());
}
