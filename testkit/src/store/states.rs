//! Tasks that share a state key: one at a time, in the order in which they were stored.

use std::time::Duration;

use windlass_core::engine::{cancel, retry, settle};
use windlass_core::store::Applied;
use windlass_core::{LeasedTask, Outcome, Payload, TaskError, TaskSpec, TaskStatus};

use super::bench::{Bench, TENANT, outcome_of};
use super::composing::shaped;
use TaskStatus::{Blocked, Cancelled, Completed, Failed, Pending, Running, Scheduled};

super::cases![
    one_runs_at_a_time_in_the_order_of_storing,
    the_state_goes_from_one_to_the_next,
    an_attempt_that_fails_leaves_no_state_and_keeps_its_turn,
    a_stale_token_leaves_no_state,
    a_task_that_is_cancelled_leaves_the_line,
    a_retry_goes_to_the_end_of_the_line,
    a_delayed_head_holds_up_the_line,
    a_key_twice_keeps_its_place,
    another_key_or_tenant_has_a_line_of_its_own,
    a_stage_joins_when_its_dependencies_are_done,
    a_stage_that_runs_again_waits_for_its_turn,
    a_thousand_increments_are_a_thousand,
    state_keys_and_dependencies_never_lock_each_other,
];

fn keyed(bench: &Bench, key: &str) -> TaskSpec {
    TaskSpec { state_key: Some(key.to_owned()), ..bench.spec() }
}

fn json(text: &str) -> Payload {
    Payload::new("state", text).unwrap()
}

/// Completes with this state.
fn leave(bench: &Bench, leased: &LeasedTask, state: Option<Payload>) -> Applied {
    let outcome = Outcome::Complete { result: Payload::null(), state };
    let settle = settle::complete(&outcome_of(leased, outcome), &leased.task.tenant).unwrap();
    bench.apply(vec![settle]).remove(0)
}

fn state(bench: &Bench, key: &str) -> Option<String> {
    let state = bench.run(bench.store.state(TENANT, key)).unwrap();
    state.map(|state| state.as_str().to_owned())
}

fn one_runs_at_a_time_in_the_order_of_storing(bench: &Bench) {
    let urgent = TaskSpec { priority: windlass_core::Priority::Critical, ..keyed(bench, "k") };
    let group = bench.group(vec![keyed(bench, "k"), urgent, keyed(bench, "k"), bench.spec()]);
    let stored = bench.enqueue(vec![group]).remove(0).unwrap();
    let told: Vec<_> = stored.iter().map(|submission| submission.status).collect();
    assert_eq!(told, [Pending, Blocked, Blocked, Pending]);
    let ids: Vec<_> = stored.iter().map(|submission| submission.task_id).collect();
    assert_eq!(bench.statuses(&ids), told);
    assert_eq!(bench.task(ids[1]).submitted_as, Blocked);
    let leased = bench.lease_these(&[ids[0], ids[3]]);
    let later = bench.add(keyed(bench, "k"));
    bench.complete(&leased[0]);
    assert_eq!(bench.statuses(&ids[1..3]), [Pending, Blocked]);
    for id in [ids[1], ids[2], later] {
        let leased = bench.lease_these(&[id]);
        bench.complete(&leased[0]);
    }
    assert_eq!(bench.add(keyed(bench, "k")), bench.lease_one().task.task_id, "the line is empty");
}

fn the_state_goes_from_one_to_the_next(bench: &Bench) {
    let first = TaskSpec { initial_state: Some(json("{\"n\" : 0}")), ..keyed(bench, "k") };
    let late = TaskSpec { initial_state: Some(json("9")), ..keyed(bench, "k") };
    bench.store_all(vec![first, late.clone(), late, bench.spec()]);
    assert_eq!(state(bench, "k"), None);
    let leased = bench.lease(10);
    assert_eq!(leased[0].state.as_ref().unwrap().as_str(), "{\"n\" : 0}");
    assert_eq!(leased[1].state, None, "no key, no state");
    leave(bench, &leased[0], Some(json("{\"n\": 1.0}")));
    assert_eq!(state(bench, "k").as_deref(), Some("{\"n\": 1.0}"), "kept byte for byte");
    let leased = bench.lease_one();
    assert_eq!(leased.state.as_ref().unwrap().as_str(), "{\"n\": 1.0}", "not the initial one");
    leave(bench, &leased, None);
    let leased = bench.lease_one();
    assert_eq!(leased.state.as_ref().unwrap().as_str(), "{\"n\": 1.0}", "left as it was");
    leave(bench, &leased, Some(json("null")));
    assert_eq!(state(bench, "k").as_deref(), Some("null"));
    // What runs without a key leaves none.
    assert_eq!(state(bench, ""), None);
}

fn an_attempt_that_fails_leaves_no_state_and_keeps_its_turn(bench: &Bench) {
    let ids = bench.store_all(vec![keyed(bench, "k").max_retries(1), keyed(bench, "k")]);
    let leased = bench.lease_one();
    bench.settle(&leased, Outcome::Fail { error: TaskError::new("handler_error", "no") });
    assert_eq!(bench.statuses(&ids), [Scheduled, Blocked], "its backoff holds up the line");
    bench.advance(60.0);
    bench.promote();
    let leased = bench.lease_one();
    assert_eq!((leased.task.task_id, leased.state.clone()), (ids[0], None));
    bench.fail(&leased, "no");
    assert_eq!((bench.statuses(&ids), state(bench, "k")), (vec![Failed, Pending], None));
}

fn a_stale_token_leaves_no_state(bench: &Bench) {
    bench.add(keyed(bench, "k"));
    let old = bench.lease_one();
    bench.advance(61.0);
    bench.rescue();
    let new = bench.lease_one();
    assert!(matches!(leave(bench, &old, Some(json("1"))), Applied::Stale(_)));
    assert_eq!(state(bench, "k"), None);
    leave(bench, &new, Some(json("2")));
    assert_eq!(state(bench, "k").as_deref(), Some("2"));
}

fn a_task_that_is_cancelled_leaves_the_line(bench: &Bench) {
    let ids = bench.store_all(vec![keyed(bench, "k"); 4]);
    let cancel = |n: usize| {
        bench.apply(vec![cancel::decide(&bench.task(ids[n])).unwrap()]);
    };
    cancel(2);
    assert_eq!(bench.statuses(&ids), [Pending, Blocked, Cancelled, Blocked]);
    cancel(0);
    assert_eq!(bench.statuses(&ids[1..]), [Pending, Cancelled, Blocked]);
    assert_eq!(bench.work_off(), 2);
}

fn a_retry_goes_to_the_end_of_the_line(bench: &Bench) {
    let ids = bench.store_all(vec![keyed(bench, "k"); 3]);
    let leased = bench.lease_one();
    bench.fail(&leased, "no");
    bench.apply(vec![retry::decide(&bench.task(ids[0])).unwrap()]);
    assert_eq!(bench.statuses(&ids), [Blocked, Pending, Blocked]);
    for id in [ids[1], ids[2], ids[0]] {
        let leased = bench.lease_these(&[id]);
        bench.complete(&leased[0]);
    }
    let leased = bench.leased(keyed(bench, "k"));
    bench.fail(&leased, "no");
    bench.apply(vec![retry::decide(&bench.task(leased.task.task_id)).unwrap()]);
    assert_eq!(bench.lease_one().task.task_id, leased.task.task_id, "nobody is before it");
}

fn a_delayed_head_holds_up_the_line(bench: &Bench) {
    let ids = bench.store_all(vec![
        keyed(bench, "k").delay(Duration::from_secs(10)),
        keyed(bench, "k"),
        keyed(bench, "k").delay(Duration::from_secs(30)),
    ]);
    assert_eq!(bench.statuses(&ids), [Scheduled, Blocked, Blocked]);
    bench.advance(10.0);
    bench.promote();
    assert_eq!(bench.work_off(), 2);
    assert_eq!(bench.status(ids[2]), Scheduled, "its turn has come, its time has not");
}

fn a_key_twice_keeps_its_place(bench: &Bench) {
    let spec = || keyed(bench, "k").idempotency_key("i");
    let group = bench.group(vec![bench.spec(), spec(), spec(), keyed(bench, "k")]);
    let stored = bench.enqueue(vec![group]).remove(0).unwrap();
    let told: Vec<_> = stored.iter().map(|s| (s.status, s.deduplicated)).collect();
    assert_eq!(told, [(Pending, false), (Pending, false), (Pending, true), (Blocked, false)]);
    assert_eq!(bench.work_off(), 3);
}

fn another_key_or_tenant_has_a_line_of_its_own(bench: &Bench) {
    bench.store_all(vec![keyed(bench, "a"), keyed(bench, "b")]);
    let foreign = bench.new_task_of("other", keyed(bench, "a"));
    let tasks = vec![foreign];
    let group =
        windlass_core::store::EnqueueGroup { tenant: "other".to_owned(), tasks, depth_limit: None };
    let stored = bench.enqueue(vec![group]).remove(0).unwrap();
    assert_eq!(stored[0].status, Pending);
    let leased = bench.lease(10);
    assert_eq!(leased.len(), 2);
    leave(bench, &leased[0], Some(json("1")));
    assert_eq!(state(bench, "b"), None);
    assert_eq!(bench.run(bench.store.state("other", "a")).unwrap(), None);
}

fn a_stage_joins_when_its_dependencies_are_done(bench: &Bench) {
    let mut spec = shaped(&[("a", &[]), ("b", &["a"])]);
    spec.stages[1].task.state_key = Some("k".to_owned());
    let (id, stages) = bench.pipeline_of(spec);
    let plain = bench.add(keyed(bench, "k"));
    assert_eq!(bench.status(plain), Pending, "a stage that waits for others is not in line");
    let leased = bench.lease_these(&[stages[0], plain]);
    bench.complete(&leased[0]);
    let b = bench.task(stages[1]);
    assert_eq!((b.status, b.waits), (Blocked, 0), "its turn has not come");
    let later = bench.add(keyed(bench, "k"));
    bench.complete(&leased[1]);
    assert_eq!(bench.statuses(&[stages[1], later]), [Pending, Blocked]);
    assert_eq!(bench.work_off(), 2);
    assert_eq!(bench.status(id), Completed);
}

fn a_stage_that_runs_again_waits_for_its_turn(bench: &Bench) {
    let mut spec = shaped(&[("a", &[]), ("b", &["a"])]);
    spec.stages[0].task.state_key = Some("k".to_owned());
    let (id, stages) = bench.pipeline_of(spec);
    let other = bench.add(keyed(bench, "k"));
    let leased = bench.lease_one();
    bench.fail(&leased, "no");
    bench.rerun(id, None).unwrap();
    assert_eq!(bench.statuses(&[stages[0], stages[1], other]), [Blocked, Blocked, Pending]);
    assert_eq!(bench.work_off(), 3);
    assert_eq!(bench.status(id), Completed);
}

fn a_thousand_increments_are_a_thousand(bench: &Bench) {
    let each = 100;
    let initial = || TaskSpec { initial_state: Some(json("0")), ..keyed(bench, "counter") };
    super::races::threads(bench, 10, |i, store| {
        for _ in 0..each {
            let group = bench.group(vec![initial()]);
            bench.runtime.block_on(store.enqueue(vec![group])).unwrap().remove(0).unwrap();
            let order = bench.order(bench.request(1 + i as u32 % 3));
            let leased = bench.runtime.block_on(store.lease(order)).unwrap().tasks;
            assert!(leased.len() <= 1, "one at a time");
            count_on(bench, &*store, &leased);
        }
    });
    while !bench.lease(0).is_empty() {}
    loop {
        let leased = bench.lease(10);
        if leased.is_empty() {
            break;
        }
        count_on(bench, &*bench.store, &leased);
    }
    assert_eq!(state(bench, "counter"), Some((10 * each).to_string()));
}

/// Completes each with its state and one more.
fn count_on(bench: &Bench, store: &dyn windlass_core::Store, leased: &[LeasedTask]) {
    let transitions = leased.iter().map(|leased| {
        let count: u64 = leased.state.as_ref().expect("a state").read("state").unwrap();
        let state = Some(json(&(count + 1).to_string()));
        let outcome = Outcome::Complete { result: Payload::null(), state };
        settle::complete(&outcome_of(leased, outcome), TENANT).unwrap()
    });
    let applied = bench.runtime.block_on(store.settle(transitions.collect(), None)).unwrap().0;
    assert!(applied.iter().all(|applied| matches!(applied, Ok(Applied::Done(_)))));
}

/// Random graphs over a few keys, with failures and retries: everything must end.
fn state_keys_and_dependencies_never_lock_each_other(bench: &Bench) {
    for seed in 0..12u64 {
        let mut chance = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut below = |end: u64| {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            chance % end
        };
        let mut pipelines = Vec::new();
        for _ in 0..4 {
            let names: Vec<String> = (0..12).map(|n| format!("s{n}")).collect();
            let mut spec = shaped(&[]);
            for (n, name) in names.iter().enumerate() {
                let depends_on = names[..n].iter().filter(|_| below(3) == 0).cloned().collect();
                let mut task = bench.spec().max_retries(0);
                task.state_key = (below(3) > 0).then(|| format!("key {}", below(3)));
                let stage = windlass_core::StageSpec { name: name.clone(), depends_on, task };
                spec.stages.push(stage);
            }
            let last = spec.stages.len() as u64;
            spec.stages.swap(0, below(last) as usize);
            pipelines.push(bench.pipeline_of(spec).0);
            bench.store_all((0..3).map(|n| keyed(bench, &format!("key {n}"))).collect());
        }
        let mut tries = 0;
        loop {
            let leased = bench.lease(1 + below(4) as u32);
            if leased.is_empty() {
                break;
            }
            for leased in &leased {
                match below(8) {
                    0 => bench.fail(leased, "no"),
                    1 => bench.settle(leased, Outcome::HandBack),
                    _ => bench.complete(leased),
                };
            }
            let again = pipelines[below(4) as usize];
            if below(4) == 0 && tries < 40 {
                tries += 1;
                // Nothing may have failed so far.
                let _ = bench.rerun(again, None);
            }
        }
        for id in &pipelines {
            let graph = bench.graph(*id);
            let open: Vec<_> = graph.members.iter().filter(|s| !s.status.is_final()).collect();
            assert!(open.is_empty() && graph.task.status.is_final(), "seed {seed}: {open:?}");
            assert_ne!(graph.task.status, Running);
        }
    }
}
