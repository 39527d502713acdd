//! Writes that come too late change nothing.

use windlass_core::engine;
use windlass_core::engine::transition::{Guard, Transition};
use windlass_core::store::Applied;
use windlass_core::{Outcome, Payload, RetryOptions, TaskError, TaskStatus};

use super::bench::{Bench, TENANT, completion, line, outcome_of};

super::cases![
    a_stale_token_changes_nothing,
    a_second_settle_changes_nothing,
    a_stale_version_answers_the_row,
    an_unknown_or_foreign_task_is_missing,
    a_refused_transition_harms_no_neighbour,
    transitions_apply_in_order,
    settle_and_lease_go_together,
    settle_against_expiry_has_one_winner,
    a_rescue_after_a_renewal_is_stale,
    nothing_to_settle_still_leases,
];

fn stale(applied: &Applied) -> &windlass_core::Task {
    match applied {
        Applied::Stale(task) => task,
        other => panic!("stale, not {other:?}"),
    }
}

fn a_stale_token_changes_nothing(bench: &Bench) {
    let old = bench.leased(bench.spec());
    bench.advance(61.0);
    bench.rescue();
    let new = bench.lease_one();
    assert_eq!(new.task.task_id, old.task.task_id);
    assert_ne!(new.token, old.token);
    let before = bench.task(old.task.task_id);
    let mut late = completion(&old);
    late.updates = vec![line("late")];
    assert_eq!(*stale(&bench.apply(vec![late]).remove(0)), before);
    assert_eq!(bench.task(old.task.task_id), before);
    assert!(bench.history(old.task.task_id, before.last_seq, 10).is_empty());
    assert!(matches!(bench.complete(&new), Applied::Done(_)), "the holder still can");
}

fn a_second_settle_changes_nothing(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    assert!(matches!(bench.complete(&leased), Applied::Done(_)));
    let before = bench.task(leased.task.task_id);
    assert_eq!(stale(&bench.complete(&leased)).status, TaskStatus::Completed);
    let both = bench.apply(vec![completion(&leased), completion(&leased)]);
    assert!(both.iter().all(|applied| matches!(applied, Applied::Stale(_))));
    assert_eq!(bench.task(leased.task.task_id), before);
}

fn a_stale_version_answers_the_row(bench: &Bench) {
    let id = bench.add(bench.spec());
    let seen = bench.task(id);
    bench.lease_one();
    let decided = engine::cancel::decide(&seen).expect("a waiting task is cancelled");
    let row = bench.task(id);
    assert_eq!(*stale(&bench.apply(vec![decided]).remove(0)), row);
    assert_eq!(bench.task(id), row);
}

fn an_unknown_or_foreign_task_is_missing(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    let mut unknown = completion(&leased);
    unknown.task_id = bench.ids.task(bench.now());
    let mut foreign = completion(&leased);
    foreign.tenant = "other".to_owned();
    assert_eq!(bench.apply(vec![unknown, foreign]), [Applied::Missing, Applied::Missing]);
    assert_eq!(bench.task(leased.task.task_id).status, TaskStatus::Running);
}

fn a_refused_transition_harms_no_neighbour(bench: &Bench) {
    bench.store_all((0..5).map(|_| bench.spec()).collect());
    let leased = bench.lease(5);
    bench.complete(&leased[1]);
    let mut all: Vec<Transition> = leased.iter().map(completion).collect();
    all[3].task_id = bench.ids.task(bench.now());
    let applied = bench.apply(all);
    for (i, applied) in applied.iter().enumerate() {
        match (i, applied) {
            (1, Applied::Stale(_)) | (3, Applied::Missing) => {}
            (0 | 2 | 4, Applied::Done(done)) => {
                assert_eq!(
                    (done.task_id, done.status),
                    (leased[i].task.task_id, TaskStatus::Completed)
                );
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(bench.task(leased[3].task.task_id).status, TaskStatus::Running);
}

fn transitions_apply_in_order(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    let row = bench.task(leased.task.task_id);
    let fail = engine::settle::decide(
        &row,
        &outcome_of(
            &leased,
            Outcome::Fail { error: TaskError::new("handler_error", "no").fatal() },
        ),
        0.5,
    );
    let applied = bench.apply(vec![fail, completion(&leased)]);
    assert!(matches!(applied[0], Applied::Done(_)));
    assert_eq!(stale(&applied[1]).status, TaskStatus::Failed);
}

fn settle_and_lease_go_together(bench: &Bench) {
    let stored = bench.store_all((0..4).map(|_| bench.spec()).collect());
    let leased = bench.lease(2);
    let row = bench.task(stored[1]);
    let back = engine::settle::decide(&row, &outcome_of(&leased[1], Outcome::HandBack), 0.5);
    let order = bench.order(bench.request(2));
    let (applied, next) = bench
        .run(bench.store.settle(vec![completion(&leased[0]), back], Some(order.clone())))
        .unwrap();
    assert!(applied.iter().all(|applied| matches!(applied, Ok(Applied::Done(_)))));
    // What was handed back is first in order again.
    let next: Vec<_> = next.tasks.iter().map(|l| (l.task.task_id, l.token)).collect();
    assert_eq!(next, [(stored[1], order.token), (stored[2], order.token)]);
    assert_eq!(bench.task(stored[0]).status, TaskStatus::Completed);
    assert_eq!(bench.task(stored[3]).status, TaskStatus::Pending);
}

fn settle_against_expiry_has_one_winner(bench: &Bench) {
    // Nobody took the lease away yet, so the token still proves it, though its time has passed.
    let leased = bench.leased(bench.spec());
    bench.advance(3600.0);
    let expired = bench.run(bench.store.due(10)).unwrap().expired;
    assert_eq!(expired.len(), 1);
    let rescue = engine::rescue::decide(&expired[0], RetryOptions::default(), 0.5);
    let applied = bench.apply(vec![completion(&leased), rescue]);
    assert!(matches!(applied[0], Applied::Done(_)));
    assert_eq!(stale(&applied[1]).status, TaskStatus::Completed);
    assert!(bench.run(bench.store.due(10)).unwrap().expired.is_empty());
}

fn a_rescue_after_a_renewal_is_stale(bench: &Bench) {
    let leased = bench.leased(bench.spec());
    bench.advance(61.0);
    let expired = bench.run(bench.store.due(10)).unwrap().expired;
    let beat = windlass_core::Renewal {
        extend: Some(std::time::Duration::from_secs(60)),
        ..super::bench::heartbeat(&leased)
    };
    assert_eq!(bench.renew(beat), windlass_core::Renewed::Held);
    let rescue = engine::rescue::decide(&expired[0], RetryOptions::default(), 0.5);
    assert_eq!(stale(&bench.apply(vec![rescue]).remove(0)).status, TaskStatus::Running);
    assert!(bench.rescue().is_empty(), "the lease runs on");
}

fn nothing_to_settle_still_leases(bench: &Bench) {
    let id = bench.add(bench.spec());
    let order = bench.order(bench.request(5));
    let (applied, leased) = bench.run(bench.store.settle(Vec::new(), Some(order))).unwrap();
    assert!(applied.is_empty());
    assert_eq!(leased.tasks[0].task.task_id, id);
    let guard = Guard::Lease(leased.tasks[0].token);
    let mut done = Transition::to(id, TENANT.to_owned(), guard, TaskStatus::Completed);
    done.result = Some(Payload::trusted(" [1,\n2] "));
    assert!(matches!(bench.apply(vec![done])[0], Applied::Done(_)));
    assert_eq!(bench.task(id).result.unwrap().as_str(), " [1,\n2] ", "bytes are kept");
}
