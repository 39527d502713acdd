//! Graphs of stages.

use std::time::Duration;

use windlass_core::engine::composite::{self, UPSTREAM_FAILED};
use windlass_core::engine::rerun::{self, Which};
use windlass_core::engine::transition::{Guard, Transition};
use windlass_core::store::{Applied, Prune};
use windlass_core::{Error, Filter, Payload, Task, TaskKind, TaskSpec, TaskStatus};

use super::bench::{Bench, HANDLER, TENANT, completion, heartbeat, outcome_of, progress};
use super::composing::{DIAMOND, code, ids, shaped};
use TaskStatus::{Blocked, Cancelled, Completed, Failed, Pending, Running, Scheduled};

super::cases![
    a_pipeline_is_stored_whole,
    a_stage_starts_when_all_before_it_completed,
    what_depends_on_a_failed_stage_is_cancelled_and_the_rest_goes_on,
    the_history_of_a_pipeline_is_that_of_its_stages,
    stages_read_what_they_waited_for,
    a_stage_with_a_delay_waits_for_it_after_its_turn,
    a_cancelled_pipeline_stops_its_stages,
    a_pipeline_whose_time_is_over_fails,
    a_failed_stage_runs_again_with_what_depends_on_it,
    a_retry_waits_for_what_has_not_completed,
    a_retry_goes_on_beside_stages_that_report,
    what_would_wait_in_vain_is_not_run_again,
    transitions_together_are_written_all_or_none,
    one_key_stores_one_pipeline,
    a_full_queue_refuses_the_whole,
    another_tenant_sees_nothing_of_a_pipeline,
    stages_stay_while_their_pipeline_does,
    whoever_listens_hears_what_followed,
];

fn a_pipeline_is_stored_whole(bench: &Bench) {
    let (id, stages) = bench.pipeline(DIAMOND);
    assert!(stages.iter().all(|stage| id < *stage), "its id is the lowest");
    let graph = bench.graph(id);
    assert_eq!((graph.task.kind, graph.task.status), (TaskKind::Pipeline, Running));
    assert_eq!(graph.task, bench.task(id));
    let members = graph.task.members.unwrap();
    assert_eq!((members.total, members.ended(), members.first), (4, 0, None));
    assert_eq!(graph.members.iter().map(|stage| stage.task_id).collect::<Vec<_>>(), stages);
    let names: Vec<_> = graph.members.iter().map(|s| s.stage.clone().unwrap()).collect();
    assert_eq!(names, ["in", "left", "right", "out"]);
    assert_eq!(graph.members.iter().map(|s| s.waits).collect::<Vec<_>>(), [0, 1, 1, 2]);
    let parents: Vec<_> = graph.members.iter().map(|stage| stage.pipeline_id).collect();
    assert_eq!(parents, [Some(id); 4]);
    let mut edges = graph.edges;
    edges.sort_unstable();
    let at = |n: usize| stages[n];
    let mut want = [(at(0), at(1)), (at(0), at(2)), (at(1), at(3)), (at(2), at(3))];
    want.sort_unstable();
    assert_eq!(edges, want);
    assert_eq!(bench.statuses(&stages), [Pending, Blocked, Blocked, Blocked]);
    // It stands for its stages, and is none of the tasks that are counted and listed.
    assert_eq!(bench.total(TENANT), 4);
    let list = |filter| bench.run(bench.store.list(TENANT, filter, None, 100)).unwrap().tasks;
    assert_eq!(list(Filter::default()).len(), 4);
    let kind = Some(TaskKind::Pipeline);
    let found: Vec<_> = list(Filter { kind, ..Filter::default() });
    assert_eq!(found.iter().map(|task| task.task_id).collect::<Vec<_>>(), [id]);
    let recent = bench.run(bench.store.recent(TENANT, bench.now(), 100)).unwrap();
    assert!(recent.iter().all(|task| task.kind == TaskKind::Task));
    bench.lease_these(&stages[..1]);
    let mut request = bench.request(10);
    request.handlers = vec![String::new(), "p".to_owned()];
    assert!(bench.lease_by(request).tasks.is_empty(), "no worker is given a pipeline");
    let unknown = bench.run(bench.store.graph(TENANT, stages[0])).unwrap();
    assert_eq!(unknown, None, "a plain task is no graph");
}

fn a_stage_starts_when_all_before_it_completed(bench: &Bench) {
    let (id, stages) = bench.pipeline(DIAMOND);
    let first = bench.lease_these(&stages[..1]).remove(0);
    // What is released is there for the lease of the same call.
    let then = Some(bench.order(bench.request(10)));
    let settled = bench.run(bench.store.settle(vec![completion(&first)], then)).unwrap();
    let next: Vec<_> = settled.1.tasks;
    assert_eq!(next.iter().map(|l| l.task.task_id).collect::<Vec<_>>(), stages[1..3]);
    bench.complete(&next[1]);
    assert_eq!((bench.status(stages[3]), bench.task(stages[3]).waits), (Blocked, 1));
    assert!(bench.lease(10).is_empty());
    bench.complete(&next[0]);
    assert_eq!(bench.task(id).members.unwrap().completed, 3);
    assert_eq!(bench.task(id).progress, Some(75.0));
    let last = bench.lease_these(&stages[3..]);
    assert_eq!((bench.status(id), bench.task(id).finished_at), (Running, None));
    bench.complete(&last[0]);
    let pipeline = bench.task(id);
    assert_eq!((pipeline.status, pipeline.progress), (Completed, Some(100.0)));
    assert_eq!((pipeline.finished_at, pipeline.error), (Some(bench.now()), None));
    assert_eq!(pipeline.members.unwrap().completed, 4);
}

fn what_depends_on_a_failed_stage_is_cancelled_and_the_rest_goes_on(bench: &Bench) {
    let (id, stages) = bench.pipeline(&[
        ("a", &[]),
        ("b", &["a"]),
        ("c", &["b"]),
        ("alone", &[]),
        ("after", &["alone"]),
        ("both", &["c", "after"]),
    ]);
    let leased = bench.lease(10);
    bench.fail(&leased[0], "no");
    let [a, b, c, alone, after, both] = stages[..] else { panic!("six stages") };
    assert_eq!(
        bench.statuses(&[a, b, c, alone, after, both]),
        [Failed, Cancelled, Cancelled, Running, Blocked, Cancelled]
    );
    assert_eq!([b, c, both].map(|id| code(&bench.task(id)).to_owned()), [UPSTREAM_FAILED; 3]);
    let told = bench.task(b).error.unwrap().message;
    assert!(told.contains("\"a\""), "{told}");
    assert_eq!(bench.status(id), Running, "the other branch goes on");
    bench.complete(&leased[1]);
    assert_eq!(bench.work_off(), 1);
    let (pipeline, members) = (bench.task(id), bench.task(id).members.unwrap());
    assert_eq!((pipeline.status, code(&pipeline)), (Failed, composite::EXECUTION_FAILED));
    assert_eq!((members.completed, members.failed, members.cancelled), (2, 1, 3));
}

fn the_history_of_a_pipeline_is_that_of_its_stages(bench: &Bench) {
    let (id, stages) = bench.pipeline(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    let a = bench.lease_these(&stages[..1]).remove(0);
    bench.start(&a);
    assert_eq!(bench.told(id), ["a running"]);
    bench.complete(&a);
    let b = bench.lease_these(&stages[1..2]).remove(0);
    bench.fail(&b, "no");
    let want =
        ["a running", "a completed", "b pending", "b running", "b failed", "c cancelled", "failed"];
    assert_eq!(bench.told(id), want);
    let finals = bench.history(id, 0, 100).into_iter().filter(|entry| entry.is_final()).count();
    assert_eq!(finals, 1);
}

fn stages_read_what_they_waited_for(bench: &Bench) {
    let (_, stages) = bench.pipeline(DIAMOND);
    let names = |n: usize| bench.run(bench.store.upstream_names(TENANT, stages[n])).unwrap();
    let read = |n: usize, name| bench.run(bench.store.upstream(TENANT, stages[n], name)).unwrap();
    assert_eq!(
        (names(0), names(1), names(3)),
        (vec![], vec!["in".into()], vec!["left".into(), "right".into()])
    );
    let first = bench.lease_one();
    let result = Payload::new("result", r#"{"n" : 1.0}"#).unwrap();
    let outcome = windlass_core::Outcome::complete(result.clone());
    let settle = outcome_of(&first, outcome);
    bench.apply(vec![windlass_core::engine::settle::complete(&settle, TENANT).unwrap()]);
    assert_eq!(read(1, "in").unwrap().result, Some(result));
    assert_eq!(read(3, "left").unwrap().task_id, stages[1]);
    assert_eq!((read(3, "in"), read(1, "right"), read(0, "in")), (None, None, None));
    let foreign = bench.run(bench.store.upstream("other", stages[1], "in")).unwrap();
    assert_eq!(foreign, None);
    assert!(bench.run(bench.store.upstream_names("other", stages[1])).unwrap().is_empty());
}

fn a_stage_with_a_delay_waits_for_it_after_its_turn(bench: &Bench) {
    let mut spec = shaped(&[("a", &[]), ("b", &["a"])]);
    spec.stages[1].task.delay = Some(Duration::from_secs(60));
    let (id, stages) = bench.pipeline_of(spec);
    assert_eq!(bench.work_off(), 1);
    assert_eq!(bench.status(stages[1]), Scheduled);
    bench.advance(60.0);
    bench.promote();
    assert_eq!(bench.work_off(), 1);
    assert_eq!(bench.status(id), Completed);
}

fn a_cancelled_pipeline_stops_its_stages(bench: &Bench) {
    let (id, stages) = bench.pipeline(&[("a", &[]), ("b", &["a"]), ("c", &[])]);
    let a = bench.lease(1).remove(0);
    bench.cancel_whole(id);
    let pipeline = bench.task(id);
    assert_eq!((pipeline.status, code(&pipeline)), (Cancelled, "task_cancelled"));
    assert_eq!(pipeline.members.unwrap().cancelled, 3);
    assert_eq!(bench.statuses(&stages), [Running, Cancelled, Cancelled]);
    assert!(bench.task(stages[0]).cancel_requested, "its code is asked to stop");
    let told = ["b cancelled", "c cancelled", "cancelled"];
    assert_eq!(bench.told(id), told, "the end is told last");
    // What it makes of it changes nothing any more.
    bench.complete(&a);
    assert_eq!(bench.status(stages[0]), Completed);
    assert_eq!(bench.task(id), pipeline);
    assert_eq!(bench.told(id), told, "and nothing after it");
    assert_eq!(composite::cancel(&bench.task(id)), None);
    // When it goes on, it tells first what it did not tell yet.
    bench.rerun(id, None).unwrap();
    let went_on = ["running", "a completed", "b pending", "c pending"];
    assert_eq!(bench.told(id), [&told[..], &went_on].concat());
    assert_eq!(bench.task(id).progress, Some(100.0 / 3.0));
    assert_eq!(bench.work_off(), 2);
    assert_eq!(bench.status(id), Completed);
}

fn a_pipeline_whose_time_is_over_fails(bench: &Bench) {
    let mut spec = shaped(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    spec.timeout = Some(Duration::from_secs(30));
    let (id, stages) = bench.pipeline_of(spec);
    let a = bench.lease_one();
    bench.complete(&a);
    bench.advance(29.0);
    let due = bench.run(bench.store.due(10)).unwrap();
    assert!(due.expired.is_empty());
    assert_eq!(due.next, Some(bench.now().after(Duration::from_secs(1))));
    bench.advance(1.0);
    let due = bench.run(bench.store.due(10)).unwrap().expired;
    assert_eq!(due.iter().map(|task| task.task_id).collect::<Vec<_>>(), [id]);
    bench.apply(vec![composite::time_out(&due[0])]);
    let pipeline = bench.task(id);
    assert_eq!((pipeline.status, code(&pipeline)), (Failed, "task_timeout"));
    assert_eq!(bench.statuses(&stages), [Completed, Cancelled, Cancelled]);
    let told = ["a running", "a completed", "b pending", "b cancelled", "c cancelled", "failed"];
    assert_eq!(bench.told(id), told);
    assert!(bench.run(bench.store.due(10)).unwrap().expired.is_empty());
    // Run again, it has as much time as it had.
    bench.rerun(id, None).unwrap();
    assert_eq!(bench.status(id), Running);
    let next = bench.run(bench.store.due(10)).unwrap().next;
    assert_eq!(next, Some(bench.now().after(Duration::from_secs(30))));
    assert_eq!(bench.work_off(), 2);
    assert_eq!(bench.status(id), Completed);
}

fn a_failed_stage_runs_again_with_what_depends_on_it(bench: &Bench) {
    let (id, stages) = bench.pipeline(DIAMOND);
    let first = bench.lease_one();
    bench.complete(&first);
    let two = bench.lease(10);
    bench.complete(&two[0]);
    bench.fail(&two[1], "no");
    assert_eq!((bench.status(id), bench.status(stages[3])), (Failed, Cancelled));
    bench.advance(1.0);
    assert!(matches!(bench.rerun(id, Some("right")).unwrap(), Applied::Done(_)));
    assert_eq!(bench.statuses(&stages), [Completed, Completed, Pending, Blocked]);
    let (pipeline, members) = (bench.task(id), bench.task(id).members.unwrap());
    assert_eq!((pipeline.status, pipeline.finished_at, pipeline.error), (Running, None, None));
    assert_eq!((members.completed, members.failed, members.cancelled), (2, 0, 0));
    assert_eq!((bench.task(stages[3]).waits, bench.task(stages[2]).attempt), (1, 0));
    assert_eq!(bench.work_off(), 2);
    assert_eq!(bench.status(id), Completed);
    let told = bench.told(id);
    assert_eq!(told.iter().filter(|word| *word == "failed").count(), 1, "{told:?}");
    assert_eq!(told.last().unwrap(), "completed");
    let error = bench.rerun(id, None).unwrap_err();
    assert_eq!(error.code(), "invalid_transition", "everything completed");
}

fn a_retry_waits_for_what_has_not_completed(bench: &Bench) {
    let (id, stages) = bench.pipeline(&[("slow", &[]), ("bad", &[]), ("both", &["slow", "bad"])]);
    let leased = bench.lease_these(&stages[..2]);
    bench.fail(&leased[1], "no");
    assert_eq!(bench.statuses(&stages), [Running, Failed, Cancelled]);
    // `slow` completes between the look and the write: nobody may lose that.
    let graph = bench.graph(id);
    let old = rerun::decide(&graph.task, &graph.members, &graph.edges, Which::All);
    bench.complete(&leased[0]);
    let applied = bench.run(bench.store.settle_together(old.unwrap())).unwrap();
    assert!(matches!(applied, Applied::Stale(_)), "{applied:?}");
    assert_eq!(bench.statuses(&stages), [Completed, Failed, Cancelled]);
    bench.rerun(id, None).unwrap();
    assert_eq!(bench.task(stages[2]).waits, 1);
    assert_eq!(bench.work_off(), 2);
    assert_eq!(bench.status(id), Completed);
}

fn a_retry_goes_on_beside_stages_that_report(bench: &Bench) {
    let (id, stages) = bench.pipeline(&[("slow", &[]), ("bad", &[]), ("both", &["slow", "bad"])]);
    let leased = bench.lease_these(&stages[..2]);
    bench.fail(&leased[1], "no");
    let graph = bench.graph(id);
    let transitions = rerun::decide(&graph.task, &graph.members, &graph.edges, Which::All);
    // However often `slow` reports between the look and the write, it has not ended.
    let mut report = heartbeat(&leased[0]);
    report.started = Some(Duration::ZERO);
    report.updates.push(progress(40.0));
    bench.renew(report);
    let before = bench.task(stages[0]);
    let applied = bench.run(bench.store.settle_together(transitions.unwrap())).unwrap();
    assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
    assert_eq!(bench.task(stages[0]), before, "the one that runs is as it was");
    assert_eq!(bench.statuses(&stages), [Running, Pending, Blocked]);
    bench.complete(&leased[0]);
    assert_eq!(bench.work_off(), 2);
    assert_eq!(bench.status(id), Completed);
}

fn what_would_wait_in_vain_is_not_run_again(bench: &Bench) {
    let (id, stages) =
        bench.pipeline(&[("a", &[]), ("b", &[]), ("of a", &["a"]), ("both", &["of a", "b"])]);
    for leased in bench.lease(2) {
        bench.fail(&leased, "no");
    }
    let error = bench.rerun(id, Some("of a")).unwrap_err();
    assert_eq!(error.code(), "invalid_transition", "what it depends on failed");
    let unknown = bench.rerun(id, Some("x")).unwrap_err();
    assert_eq!((unknown.code(), &unknown.fields()["field"]), ("invalid_argument", &"stage".into()));
    bench.rerun(id, Some("a")).unwrap();
    assert_eq!(bench.statuses(&stages), [Pending, Failed, Blocked, Cancelled]);
    assert_eq!(bench.work_off(), 2);
    assert_eq!(bench.status(id), Failed, "b failed, and so both were not run");
    bench.rerun(id, None).unwrap();
    assert_eq!(bench.work_off(), 2);
    assert_eq!(bench.status(id), Completed);
}

fn transitions_together_are_written_all_or_none(bench: &Bench) {
    let ids = bench.store_all(vec![bench.spec(), bench.spec(), bench.spec()]);
    let tasks: Vec<_> = ids.iter().map(|id| bench.task(*id)).collect();
    fn to(task: &Task) -> Transition {
        Transition::new(task, Guard::Version(task.version), Cancelled)
    }
    bench.apply(vec![to(&tasks[1])]);
    let together = |tasks: &[Task]| {
        bench.run(bench.store.settle_together(tasks.iter().map(to).collect())).unwrap()
    };
    match together(&tasks) {
        Applied::Stale(task) => assert_eq!(task.task_id, ids[1]),
        other => panic!("stale, not {other:?}"),
    }
    assert_eq!(bench.statuses(&ids), [Pending, Cancelled, Pending]);
    let mut missing = tasks[2].clone();
    missing.task_id = bench.ids.task(bench.now());
    assert_eq!(together(&[tasks[0].clone(), missing]), Applied::Missing);
    assert_eq!(bench.statuses(&ids), [Pending, Cancelled, Pending]);
    let done = together(&[tasks[2].clone(), tasks[0].clone()]);
    assert!(matches!(done, Applied::Done(done) if done.task_id == ids[2]));
    assert_eq!(bench.statuses(&ids), [Cancelled; 3]);
}

fn one_key_stores_one_pipeline(bench: &Bench) {
    let compose = |spec| bench.try_compose(bench.composer().pipeline(spec).unwrap());
    let mut spec = shaped(DIAMOND);
    spec.idempotency_key = Some("k".to_owned());
    let first = compose(spec.clone()).unwrap();
    assert!(!first.task.deduplicated);
    bench.work_off();
    let again = compose(spec.clone()).unwrap();
    assert_eq!(ids(&again), ids(&first));
    assert_eq!((again.task.deduplicated, again.task.status), (true, Completed));
    assert!(again.members.iter().all(|stage| stage.deduplicated && stage.status == Completed));
    let mut other = spec.clone();
    other.stages[0].task.payload = Payload::trusted("1");
    let mut tied = spec;
    tied.stages[2].depends_on = vec![];
    for other in [other, tied] {
        match compose(other) {
            Err(Error::IdempotencyConflict { task_id, .. }) => {
                assert_eq!(task_id, first.task.task_id)
            }
            other => panic!("a conflict, not {other:?}"),
        }
    }
    let plain = TaskSpec::new(HANDLER, Payload::null()).idempotency_key("k");
    let group = bench.group(vec![plain]);
    assert!(bench.enqueue(vec![group]).remove(0).is_err(), "one key stands for one thing");
    assert_eq!(bench.total(TENANT), 4);
}

fn a_full_queue_refuses_the_whole(bench: &Bench) {
    let mut composition = bench.composer().pipeline(shaped(DIAMOND)).unwrap();
    composition.depth_limit = Some(3);
    let id = composition.task.task_id;
    match bench.try_compose(composition.clone()) {
        Err(Error::QueueFull { queue, limit, .. }) => assert_eq!((&*queue, limit), ("default", 3)),
        other => panic!("queue_full, not {other:?}"),
    }
    assert_eq!((bench.total(TENANT), bench.find(TENANT, id)), (0, None));
    composition.depth_limit = Some(4);
    bench.compose(composition);
    assert_eq!(bench.total(TENANT), 4);
}

fn another_tenant_sees_nothing_of_a_pipeline(bench: &Bench) {
    let (id, _) = bench.pipeline(DIAMOND);
    assert_eq!(bench.run(bench.store.graph("other", id)).unwrap(), None);
    assert_eq!(bench.find("other", id), None);
}

fn stages_stay_while_their_pipeline_does(bench: &Bench) {
    let prune = |older_than| {
        let keep_keys = Duration::ZERO;
        let prune = Prune { older_than, keep_keys, keep: None, updates_per_task: 1000, limit: 2 };
        bench.run(bench.store.prune(prune)).unwrap()
    };
    let (id, stages) = bench.pipeline(&[("a", &[]), ("b", &["a"])]);
    let a = bench.lease_one();
    bench.complete(&a);
    bench.advance(100.0);
    assert_eq!(prune(Duration::from_secs(50)), 0, "its pipeline still runs");
    assert_eq!(bench.work_off(), 1);
    bench.advance(40.0);
    assert_eq!(prune(Duration::from_secs(50)), 0, "its pipeline is still kept");
    bench.advance(40.0);
    assert_eq!(prune(Duration::from_secs(50)), 2, "first its stages, as many as one call may take");
    assert!(bench.find(TENANT, id).is_some());
    assert_eq!(prune(Duration::from_secs(50)), 1);
    assert!(stages.iter().chain([&id]).all(|id| bench.find(TENANT, *id).is_none()));
    assert_eq!(bench.run(bench.store.graph(TENANT, id)).unwrap(), None);
}

fn whoever_listens_hears_what_followed(bench: &Bench) {
    let (sender, heard) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    bench.store.on_follow(std::sync::Arc::new(move |followed| {
        sender.lock().unwrap().send(followed.to_vec()).unwrap();
    }));
    let (id, stages) = bench.pipeline(&[("a", &[]), ("b", &["a"])]);
    let a = bench.lease_one();
    bench.complete(&a);
    let told: Vec<_> = heard.try_iter().flatten().collect();
    let of = |wanted| told.iter().rfind(|f| f.task_id == wanted).map(|f| (f.status, f.asked));
    assert_eq!((of(stages[1]), of(id)), (Some((Pending, false)), Some((Running, false))));
    bench.lease_one();
    bench.cancel_whole(id);
    let told: Vec<_> = heard.try_iter().flatten().collect();
    let of = |wanted| told.iter().rfind(|f| f.task_id == wanted).map(|f| (f.status, f.asked));
    assert_eq!(of(stages[1]), Some((Running, true)), "its worker must be asked to stop it");
}
