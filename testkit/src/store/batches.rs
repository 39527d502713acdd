//! Batches as objects: counts, hooks, chunks.

use std::time::Duration;

use futures_util::future::join_all;
use windlass_core::engine::composite::{CONDITION_NOT_MET, Plan, UPSTREAM_FAILED};
use windlass_core::rules::limits;
use windlass_core::store::{Composed, Prune};
use windlass_core::{
    BatchId, BatchSpec, Error, Payload, Result, TaskId, TaskKind, TaskSpec, TaskStatus,
};

use super::bench::{Bench, TENANT};
use super::composing::{code, ids};
use TaskStatus::{Blocked, Cancelled, Completed, Failed, Pending, Running};

super::cases![
    a_batch_ends_with_its_last_task,
    the_hooks_that_fit_the_end_run,
    a_failed_batch_runs_its_other_hooks,
    an_empty_batch_has_ended_and_runs_its_hooks,
    a_task_that_runs_again_opens_its_batch_again,
    a_hook_that_did_not_run_waits_for_the_next_end,
    what_was_stored_before_is_no_member,
    a_repeat_names_what_the_first_answer_named,
    chunks_are_one_batch_at_their_seal,
    a_seal_that_is_refused_can_be_tried_again,
    an_unknown_batch_takes_no_chunks,
    only_so_many_batches_are_open,
    what_is_never_sealed_goes,
    one_key_stores_one_batch,
    a_key_twice_among_batch_and_task_is_a_conflict,
];

/// Hooks of a handler of their own, which `work_off` does not run.
fn hooked() -> BatchSpec {
    let hook = |name: &str| Some(TaskSpec::new(name, Payload::null()));
    BatchSpec {
        name: Some("nightly".to_owned()),
        on_complete: hook("complete"),
        on_success: hook("success"),
        on_failure: hook("failure"),
        ..BatchSpec::default()
    }
}

/// The tasks that run at complete, success and failure.
fn hooks(bench: &Bench, batch: TaskId) -> [TaskId; 3] {
    let hooks = Plan::of(&bench.task(batch)).unwrap().hooks;
    [hooks.on_complete, hooks.on_success, hooks.on_failure].map(|id| id.expect("a hook"))
}

fn a_batch_ends_with_its_last_task(bench: &Bench) {
    let (id, tasks) = bench.batch(BatchSpec::default(), vec![bench.spec(); 3]);
    let row = bench.task(id);
    assert_eq!((row.kind, row.status, row.task_type.as_str()), (TaskKind::Batch, Running, "batch"));
    assert!(tasks.iter().all(|task| bench.task(*task).batch_id == Some(id.into())));
    let leased = bench.lease_these(&tasks);
    bench.complete(&leased[0]);
    bench.fail(&leased[1], "no");
    let members = bench.task(id).members.unwrap();
    assert_eq!((members.total, members.completed, members.failed), (3, 1, 1));
    assert_eq!(bench.status(id), Running);
    bench.complete(&leased[2]);
    assert_eq!((bench.status(id), bench.task(id).finished_at), (Failed, Some(bench.now())));
    // Its history tells of ends only.
    assert_eq!(bench.told(id), [" completed", " failed", " completed", "failed"]);
    assert_eq!(bench.total(TENANT), 3);
}

fn the_hooks_that_fit_the_end_run(bench: &Bench) {
    let (id, _) = bench.batch(hooked(), vec![bench.spec(); 2]);
    assert_eq!(bench.statuses(&hooks(bench, id)), [Blocked; 3]);
    assert_eq!(bench.total(TENANT), 5, "hooks are tasks");
    assert_eq!(bench.work_off(), 2);
    assert_eq!((bench.status(id), bench.task(id).members.unwrap().total), (Completed, 2));
    let [complete, success, failure] = hooks(bench, id);
    assert_eq!(bench.statuses(&[complete, success, failure]), [Pending, Pending, Cancelled]);
    assert_eq!(code(&bench.task(failure)), CONDITION_NOT_MET);
    let names = bench.run(bench.store.upstream_names(TENANT, success)).unwrap();
    assert_eq!(names, ["batch"]);
    let read = bench.run(bench.store.upstream(TENANT, success, "batch")).unwrap();
    assert_eq!(read.unwrap().task_id, id);
}

fn a_failed_batch_runs_its_other_hooks(bench: &Bench) {
    let (id, _) = bench.batch(hooked(), vec![bench.spec()]);
    let leased = bench.lease_one();
    bench.fail(&leased, "no");
    let [complete, success, failure] = hooks(bench, id);
    assert_eq!(bench.statuses(&[complete, success, failure]), [Pending, Cancelled, Pending]);
    assert_eq!(code(&bench.task(success)), UPSTREAM_FAILED);
}

fn an_empty_batch_has_ended_and_runs_its_hooks(bench: &Bench) {
    let composed = bench.compose(bench.composer().batch(hooked(), Vec::new()).unwrap());
    assert_eq!(composed.task.status, Completed);
    let hooks = hooks(bench, composed.task.task_id);
    assert_eq!(bench.statuses(&hooks), [Pending, Pending, Cancelled]);
}

fn a_task_that_runs_again_opens_its_batch_again(bench: &Bench) {
    let (id, tasks) = bench.batch(BatchSpec::default(), vec![bench.spec(); 2]);
    let leased = bench.lease(2);
    bench.complete(&leased[0]);
    bench.fail(&leased[1], "no");
    assert_eq!(bench.status(id), Failed);
    let retry = windlass_core::engine::retry::decide(&bench.task(tasks[1])).unwrap();
    bench.apply(vec![retry]);
    let batch = bench.task(id);
    assert_eq!((batch.status, batch.finished_at, batch.error), (Running, None, None));
    assert_eq!(batch.members.unwrap().ended(), 1);
    assert_eq!(bench.work_off(), 1);
    assert_eq!((bench.status(id), bench.task(id).members.unwrap().completed), (Completed, 2));
}

fn a_hook_that_did_not_run_waits_for_the_next_end(bench: &Bench) {
    let (id, tasks) = bench.batch(hooked(), vec![bench.spec()]);
    let leased = bench.lease_one();
    bench.fail(&leased, "no");
    let [complete, success, failure] = hooks(bench, id);
    let mut request = bench.request(10);
    request.handlers = vec!["complete".to_owned(), "failure".to_owned()];
    for leased in bench.lease_by(request).tasks {
        bench.complete(&leased);
    }
    let retry = windlass_core::engine::retry::decide(&bench.task(tasks[0])).unwrap();
    bench.apply(vec![retry]);
    assert_eq!(bench.statuses(&[complete, success, failure]), [Completed, Blocked, Completed]);
    assert_eq!(bench.work_off(), 1);
    assert_eq!(bench.statuses(&[complete, success, failure]), [Completed, Pending, Completed]);
}

fn what_was_stored_before_is_no_member(bench: &Bench) {
    let known = bench.add(bench.spec().idempotency_key("k"));
    let tasks = vec![bench.spec(), bench.spec().idempotency_key("k")];
    let composed = bench.compose(bench.composer().batch(BatchSpec::default(), tasks).unwrap());
    assert_eq!(composed.members[1].task_id, known);
    assert!(composed.members[1].deduplicated && !composed.members[0].deduplicated);
    assert_eq!(bench.task(composed.task.task_id).members.unwrap().total, 1);
    assert_eq!(bench.task(known).batch_id, None);
    // Nothing but what was there: nothing is open.
    let tasks = vec![bench.spec().idempotency_key("k")];
    let none = bench.compose(bench.composer().batch(BatchSpec::default(), tasks).unwrap());
    assert_eq!(none.task.status, Completed);
}

fn a_repeat_names_what_the_first_answer_named(bench: &Bench) {
    let spec = || bench.spec().idempotency_key("known");
    let known = bench.add(spec());
    bench.work_off();
    bench.advance(60.0);
    let tasks = || vec![bench.spec(), spec(), bench.spec()];
    let ask = || bench.compose(bench.composer().batch(keyed(), tasks()).unwrap());
    let first = ask();
    assert_eq!(first.members[1].task_id, known);
    assert_eq!(ids(&ask()), ids(&first));
    assert_eq!(bench.run(bench.store.prune(older_than(50))).unwrap(), 1);
    assert_eq!(bench.find(TENANT, known), None);
    let again = ask();
    assert_eq!(ids(&again), ids(&first), "also what is gone since");
    assert_eq!(again.members[1].status, Completed);
}

fn older_than(seconds: u64) -> Prune {
    Prune {
        older_than: Duration::from_secs(seconds),
        keep_keys: Duration::ZERO,
        keep: None,
        updates_per_task: 100,
        limit: 100,
    }
}

fn open(bench: &Bench, spec: BatchSpec) -> BatchId {
    let composition = bench.composer().open_batch(spec).unwrap();
    let id = composition.task.task_id;
    bench.run(bench.store.open_batch(composition)).unwrap();
    id.into()
}

fn extend(bench: &Bench, batch: BatchId, chunk: u32, numbers: &[u32]) -> Result<u64> {
    let spec = |n: &u32| {
        let mut spec = bench.spec();
        spec.payload = Payload::trusted(n.to_string());
        spec
    };
    let tasks = numbers.iter().map(spec).collect();
    let tasks = bench.composer().members(batch, tasks).unwrap();
    bench.run(bench.store.extend_batch(TENANT, batch, chunk, tasks))
}

fn seal(bench: &Bench, batch: BatchId, limit: Option<u64>) -> Result<Composed> {
    bench.run(bench.store.seal_batch(TENANT, batch, limit))
}

fn chunks_are_one_batch_at_their_seal(bench: &Bench) {
    let batch = open(bench, hooked());
    assert_eq!(extend(bench, batch, 1, &[10, 11]).unwrap(), 2);
    assert_eq!(extend(bench, batch, 0, &[7, 8, 9]).unwrap(), 5);
    assert_eq!(extend(bench, batch, 0, &[1, 2]).unwrap(), 4, "sent again, a chunk is replaced");
    assert_eq!(bench.total(TENANT), 0, "nobody sees any of it");
    assert_eq!(bench.find(TENANT, batch.into()), None);
    assert!(bench.lease(10).is_empty());
    assert!(bench.run(bench.store.batch(TENANT, batch)).unwrap().is_empty());
    let composed = seal(bench, batch, None).unwrap();
    assert_eq!(composed.task.task_id, TaskId::from(batch));
    let payloads: Vec<_> =
        ids(&composed).1.iter().map(|id| bench.task(*id).payload.as_str().to_owned()).collect();
    assert_eq!(payloads, ["1", "2", "10", "11"], "in the order of their numbers");
    assert!(composed.members.iter().all(|task| task.batch_id == Some(batch)));
    assert_eq!(bench.task(batch.into()).members.unwrap().total, 4);
    assert_eq!(bench.work_off(), 4);
    assert_eq!(bench.status(batch.into()), Completed);
    assert_eq!(bench.statuses(&hooks(bench, batch.into())), [Pending, Pending, Cancelled]);
    assert_eq!(extend(bench, batch, 2, &[1]).unwrap_err().code(), "batch_not_found");
    let again = seal(bench, batch, None).unwrap();
    assert_eq!(ids(&again), ids(&composed), "in the order of the first answer");
    assert!(again.task.deduplicated && again.members.iter().all(|member| member.deduplicated));
}

fn a_seal_that_is_refused_can_be_tried_again(bench: &Bench) {
    let batch = open(bench, BatchSpec::default());
    extend(bench, batch, 0, &[1, 2]).unwrap();
    extend(bench, batch, 1, &[3]).unwrap();
    let refused = seal(bench, batch, Some(2)).unwrap_err();
    assert_eq!((refused.code(), bench.total(TENANT)), ("queue_full", 0));
    assert_eq!(bench.find(TENANT, batch.into()), None);
    // Its chunks are still there, under their numbers.
    assert_eq!(extend(bench, batch, 0, &[1]).unwrap(), 2);
    assert_eq!(seal(bench, batch, Some(2)).unwrap().members.len(), 2);
}

fn an_unknown_batch_takes_no_chunks(bench: &Bench) {
    let batch = bench.ids.batch(bench.now());
    assert_eq!(extend(bench, batch, 0, &[1]).unwrap_err().code(), "batch_not_found");
    assert_eq!(seal(bench, batch, None).unwrap_err().code(), "batch_not_found");
    let mine = open(bench, BatchSpec::default());
    let foreign = bench.run(bench.store.extend_batch("other", mine, 0, Vec::new()));
    assert_eq!(foreign.unwrap_err().code(), "batch_not_found");
    let foreign = bench.run(bench.store.seal_batch("other", mine, None));
    assert_eq!(foreign.unwrap_err().code(), "batch_not_found");
    assert!(seal(bench, mine, None).unwrap().members.is_empty());
}

fn only_so_many_batches_are_open(bench: &Bench) {
    let most = limits::OPEN_BATCHES;
    let begin = (0..most).map(|_| async {
        let composition = bench.composer().open_batch(BatchSpec::default()).unwrap();
        let id = composition.task.task_id;
        bench.store.open_batch(composition).await.map(|()| BatchId::from(id))
    });
    let opened: Vec<BatchId> =
        bench.run(join_all(begin)).into_iter().collect::<Result<_>>().unwrap();
    let another = || {
        let composition = bench.composer().open_batch(BatchSpec::default()).unwrap();
        bench.run(bench.store.open_batch(composition))
    };
    match another() {
        Err(Error::QuotaExceeded { current, limit, .. }) => {
            assert_eq!((current, limit), (most, most))
        }
        other => panic!("{other:?}"),
    }
    seal(bench, opened[0], None).unwrap();
    another().unwrap();
    assert_eq!(another().unwrap_err().code(), "quota_exceeded");
    let mut foreign = bench.composer().open_batch(BatchSpec::default()).unwrap();
    foreign.task.tenant = "other".to_owned();
    bench.run(bench.store.open_batch(foreign)).unwrap();
    // A day later they are forgotten, however long finished tasks are kept.
    bench.advance(24.0 * 3600.0 + 1.0);
    bench.run(bench.store.prune(older_than(7 * 24 * 3600))).unwrap();
    assert_eq!(seal(bench, opened[1], None).unwrap_err().code(), "batch_not_found");
    another().unwrap();
}

fn what_is_never_sealed_goes(bench: &Bench) {
    let old = open(bench, BatchSpec::default());
    extend(bench, old, 0, &[1, 2]).unwrap();
    bench.advance(60.0);
    let young = open(bench, BatchSpec::default());
    bench.advance(50.0);
    bench.run(bench.store.prune(older_than(100))).unwrap();
    assert_eq!(seal(bench, old, None).unwrap_err().code(), "batch_not_found");
    assert!(seal(bench, young, None).is_ok());
    assert_eq!(bench.total(TENANT), 0);
}

fn keyed() -> BatchSpec {
    BatchSpec { idempotency_key: Some("k".to_owned()), ..BatchSpec::default() }
}

fn one_key_stores_one_batch(bench: &Bench) {
    let compose = |tasks| bench.try_compose(bench.composer().batch(keyed(), tasks).unwrap());
    let first = compose(vec![bench.spec(); 2]).unwrap();
    let again = compose(vec![bench.spec(); 2]).unwrap();
    assert_eq!(ids(&again), ids(&first));
    assert!(again.task.deduplicated);
    assert!(matches!(compose(vec![bench.spec(); 3]), Err(Error::IdempotencyConflict { .. })));
    assert_eq!(bench.total(TENANT), 2);
    // The key of one that comes in chunks stands for their tasks.
    let chunked = || BatchSpec { idempotency_key: Some("c".to_owned()), ..BatchSpec::default() };
    let (one, two) = (open(bench, chunked()), open(bench, chunked()));
    extend(bench, one, 0, &[1]).unwrap();
    extend(bench, two, 0, &[1]).unwrap();
    let other = open(bench, chunked());
    extend(bench, other, 0, &[2]).unwrap();
    let stored = seal(bench, one, None).unwrap();
    assert_eq!(seal(bench, other, None).unwrap_err().code(), "idempotency_conflict");
    let same = seal(bench, two, None).unwrap();
    assert_eq!(ids(&same), ids(&stored));
    assert!(same.task.deduplicated);
    assert_eq!(bench.total(TENANT), 3);
}

fn a_key_twice_among_batch_and_task_is_a_conflict(bench: &Bench) {
    let tasks = vec![bench.spec().idempotency_key("k")];
    let refused = bench.try_compose(bench.composer().batch(keyed(), tasks).unwrap());
    assert!(matches!(refused, Err(Error::IdempotencyConflict { .. })), "{refused:?}");
    assert_eq!(bench.total(TENANT), 0);
}
