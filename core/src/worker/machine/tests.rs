//! The machine, step by step, at made-up instants.

use std::time::Duration;

use crate::engine::{lease, submit};
use crate::error::Error;
use crate::rules::ids::IdSource;
use crate::words::{
    LeasedTask, NewUpdate, Outcome, Payload, Renewed, Settled, TaskSpec, TaskStatus, Timestamp,
};
use crate::worker::config::{DeclaredHandler, Lane, WorkerConfig};
use crate::worker::job::{CancelReason, Signal};
use crate::worker::machine::Machine;

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

struct Bench {
    machine: Machine,
    ids: IdSource,
}

impl Bench {
    fn new(concurrency: u32) -> Self {
        let handlers = vec![DeclaredHandler { name: "t".to_owned(), ..Default::default() }];
        let config = WorkerConfig { handlers, concurrency, ..WorkerConfig::default() };
        Self { machine: Machine::new("w".to_owned(), config), ids: IdSource::default() }
    }

    fn task(&self, suspect: bool) -> LeasedTask {
        let now = Timestamp::from_millis(1_000_000);
        let spec = TaskSpec::new("t", Payload::null()).timeout(Duration::from_secs(30));
        let new = submit::decide(spec, "default", self.ids.task(now), None).unwrap();
        let mut task = new.into_task(now);
        task.suspect = suspect;
        lease::grant(&mut task, "w", self.ids.token(), Duration::from_secs(60), now).0
    }

    /// Plans, and leases what the plan asks for, up to `most`.
    fn feed(&mut self, now: Duration, most: usize) -> usize {
        let plan = self.machine.plan(now);
        self.settle(plan.settle, now);
        let count = plan.lease.map_or(0, |request| request.limit as usize).min(most);
        if self.machine.leasing {
            let tasks = (0..count).map(|_| self.task(false)).collect();
            self.machine.leased(tasks, false, now, now);
        }
        count
    }

    fn settle(&mut self, sent: Vec<crate::words::Settle>, now: Duration) {
        if !sent.is_empty() {
            let status = TaskStatus::Completed;
            let answers = sent.iter().map(|s| Ok(Settled { task_id: s.task_id, status })).collect();
            self.machine.settled(sent, answers, now);
        }
    }

    fn claim(&mut self, now: Duration) -> Vec<u64> {
        self.machine.claim(Lane::Loop, 1000, now).into_iter().map(|job| job.id).collect()
    }

    fn finish(&mut self, id: u64, now: Duration) {
        self.machine.finish(id, Outcome::complete(Payload::null()), now);
    }
}

#[test]
fn it_leases_its_slots_first_and_a_tenth_of_a_second_ahead_once_it_knows_its_pace() {
    let mut bench = Bench::new(4);
    assert_eq!(bench.feed(at(0), 1000), 4);
    for id in bench.claim(at(0)) {
        bench.finish(id, at(10));
    }
    // 10 ms a task: 4 slots do 40 tasks in 100 ms.
    assert_eq!(bench.feed(at(10), 1000), 44);
    assert_eq!(bench.claim(at(10)).len(), 4);
}

#[test]
fn what_lies_unstarted_for_a_second_goes_back_and_the_pace_with_it() {
    let mut bench = Bench::new(1);
    bench.feed(at(0), 1);
    let id = bench.claim(at(0))[0];
    bench.finish(id, at(1));
    bench.feed(at(1), 50);
    assert_eq!(bench.claim(at(1)).len(), 1);
    assert!(bench.machine.plan(at(500)).settle.is_empty());
    let plan = bench.machine.plan(at(1002));
    assert_eq!(plan.settle.len(), 49);
    assert!(plan.settle.iter().all(|s| s.outcome == Outcome::HandBack && s.started.is_none()));
    // One runs and there is one slot: nothing is held ahead any more.
    assert_eq!(plan.lease, None);
}

#[test]
fn a_start_is_told_within_a_second_and_a_lease_renewed_every_third_of_it() {
    let mut bench = Bench::new(1);
    bench.feed(at(0), 1);
    bench.claim(at(100));
    assert!(bench.machine.plan(at(300)).renew.iter().all(|r| r.started.is_none()));
    let sent = bench.machine.plan(at(1300)).renew;
    assert_eq!(sent[0].started, Some(at(1200)));
    bench.machine.renewed(sent, Some(vec![Renewed::Held]), at(1300), at(1300));
    let sent = bench.machine.plan(at(20_000)).renew;
    assert_eq!((sent[0].extend, sent[0].started), (Some(Duration::from_secs(60)), None));
    // No answer: it is said again.
    bench.machine.renewed(sent, None, at(20_000), at(20_001));
    assert_eq!(bench.machine.plan(at(20_600)).renew[0].extend, Some(Duration::from_secs(60)));
}

#[test]
fn a_lease_that_cannot_be_renewed_ends_by_the_workers_own_clock() {
    let mut bench = Bench::new(1);
    bench.feed(at(0), 1);
    let id = bench.claim(at(0))[0];
    bench.machine.held.get_mut(&id).unwrap().timeout = None;
    for now in [20_000, 40_000, 59_000] {
        let sent = bench.machine.plan(at(now)).renew;
        assert!(!sent.is_empty());
        bench.machine.renewed(sent, None, at(now), at(now));
    }
    bench.machine.plan(at(60_001));
    assert_eq!(bench.machine.take_signals(), [Signal::Cancel(id, CancelReason::Lost)]);
    bench.finish(id, at(60_002));
    assert!(bench.machine.plan(at(60_003)).settle.is_empty());
}

#[test]
fn code_past_its_timeout_is_told_then_settled_without_it() {
    let mut bench = Bench::new(1);
    bench.feed(at(0), 1);
    let id = bench.claim(at(0))[0];
    let sent = bench.machine.plan(at(30_000)).renew;
    assert_eq!(bench.machine.take_signals(), [Signal::Cancel(id, CancelReason::Timeout)]);
    let held = sent.iter().map(|_| Renewed::Held).collect();
    bench.machine.renewed(sent, Some(held), at(30_000), at(30_000));
    let plan = bench.machine.plan(at(40_000));
    assert_eq!(bench.machine.take_signals(), [Signal::Abandon(id)]);
    assert!(
        matches!(&plan.settle[0].outcome, Outcome::Fail { error } if error.code == "task_timeout")
    );
    assert_eq!((bench.machine.running(), bench.machine.abandoned()), (0, 1));
    bench.finish(id, at(50_000));
    assert_eq!(bench.machine.abandoned(), 0);
}

#[test]
fn a_suspect_waits_for_empty_hands_and_keeps_them_to_itself_for_a_while() {
    let mut bench = Bench::new(2);
    bench.feed(at(0), 1);
    let neighbour = bench.claim(at(0))[0];
    // The next lease says that a suspect is the first in order.
    assert!(!bench.machine.plan(at(1)).lease.unwrap().suspects);
    bench.machine.leased(Vec::new(), true, at(1), at(1));
    bench.machine.look_again();
    assert_eq!(bench.machine.plan(at(2)).lease, None);
    bench.finish(neighbour, at(100));
    let plan = bench.machine.plan(at(100));
    bench.settle(plan.settle, at(100));
    let request = plan.lease.unwrap();
    assert_eq!((request.limit, request.suspects), (1, true));
    let suspect = bench.task(true);
    bench.machine.leased(vec![suspect], false, at(100), at(100));
    let jobs = bench.machine.claim(Lane::Loop, 2, at(101));
    assert_eq!((jobs.len(), jobs[0].attempt), (1, 1));
    assert_eq!(bench.machine.plan(at(4_000)).lease, None);
    assert!(bench.machine.plan(at(5_200)).lease.is_some());
}

#[test]
fn a_drain_hands_back_what_waits_and_after_its_grace_what_runs() {
    let mut bench = Bench::new(1);
    bench.feed(at(0), 1);
    let id = bench.claim(at(0))[0];
    bench.finish(id, at(1));
    bench.feed(at(1), 3);
    let id = bench.claim(at(1))[0];
    bench.machine.held.get_mut(&id).unwrap().timeout = None;
    bench.machine.drain(at(10));
    let plan = bench.machine.plan(at(10));
    assert_eq!((plan.settle.len(), plan.lease, plan.stopped), (2, None, false));
    bench.settle(plan.settle, at(10));
    assert!(bench.machine.claim(Lane::Loop, 1, at(11)).is_empty());
    let sent = bench.machine.plan(at(30_010)).renew;
    let held = sent.iter().map(|_| Renewed::Held).collect();
    bench.machine.renewed(sent, Some(held), at(30_010), at(30_011));
    assert_eq!(bench.machine.take_signals(), [Signal::Cancel(id, CancelReason::Shutdown)]);
    bench.machine.finish(id, Outcome::Cancel { reason: None }, at(30_020));
    let plan = bench.machine.plan(at(30_020));
    assert_eq!(plan.settle[0].outcome, Outcome::HandBack);
    bench.settle(plan.settle, at(30_020));
    assert!(bench.machine.plan(at(30_021)).stopped);
}

#[test]
fn an_outcome_that_the_store_could_not_take_is_sent_again() {
    let mut bench = Bench::new(1);
    bench.feed(at(0), 1);
    let id = bench.claim(at(0))[0];
    bench.finish(id, at(1));
    let sent = bench.machine.plan(at(1)).settle;
    bench.machine.settle_failed(sent.clone(), at(2));
    assert!(bench.machine.plan(at(3)).settle.is_empty());
    assert_eq!(bench.machine.plan(at(503)).settle, sent);
}

#[test]
fn an_outcome_outlives_a_store_in_trouble() {
    let mut bench = Bench::new(1);
    bench.feed(at(0), 1);
    let id = bench.claim(at(0))[0];
    bench.finish(id, at(10));
    let sent = bench.machine.plan(at(10)).settle;
    let answer = Error::StoreReadOnly { location: "tasks.db".to_owned() };
    bench.machine.settled(sent.clone(), vec![Err(answer)], at(20));
    assert_eq!(bench.machine.plan(at(1_000)).settle, sent, "not a failure of the task");
    // What the store refuses because of what it is, is.
    let answer =
        Error::PayloadTooLarge { field: "result".to_owned(), size_bytes: 2, limit_bytes: 1 };
    bench.machine.settled(sent, vec![Err(answer)], at(1_010));
    let sent = bench.machine.plan(at(1_010)).settle;
    assert!(
        matches!(&sent[0].outcome, Outcome::Fail { error } if error.code == "payload_too_large")
    );
}

#[test]
fn a_worker_that_stops_does_not_wait_forever_for_its_store() {
    let mut bench = Bench::new(1);
    bench.feed(at(0), 1);
    let id = bench.claim(at(0))[0];
    bench.finish(id, at(10));
    bench.machine.stop(at(20));
    let mut now = 20;
    loop {
        let plan = bench.machine.plan(at(now));
        if plan.stopped {
            break;
        }
        if !plan.settle.is_empty() {
            bench.machine.settle_failed(plan.settle, at(now));
        }
        now += 600;
        assert!(now < 60_000, "it never stops");
    }
    assert!(now > 5_000, "and tries for a while");
}

#[test]
fn a_worker_that_stops_tells_all_it_has_at_once() {
    let mut bench = Bench::new(4);
    bench.feed(at(0), 4);
    let ids = bench.claim(at(0));
    bench.finish(ids[0], at(10));
    let first = bench.machine.plan(at(10));
    assert_eq!((first.settle.len(), first.lease.is_some()), (1, true));
    assert_eq!(bench.machine.plan(at(600)).renew.len(), 3);
    bench.finish(ids[1], at(610));
    bench.machine.lease_failed(at(620));
    bench.machine.stop(at(621));
    // An outcome and a heartbeat are on their way, and the store did not answer a moment ago.
    let outcomes = bench.machine.plan(at(621)).settle;
    let kinds: Vec<_> = outcomes.iter().map(|settle| settle.outcome.clone()).collect();
    let done = Outcome::complete(Payload::null());
    assert_eq!(kinds, [done, Outcome::HandBack, Outcome::HandBack]);
    assert!(!bench.machine.plan(at(622)).stopped);
    bench.settle(outcomes, at(630));
    bench.settle(first.settle, at(640));
    assert!(bench.machine.plan(at(641)).stopped);
}

#[test]
fn a_lease_that_failed_once_the_worker_leaves_holds_up_no_outcome() {
    let mut bench = Bench::new(2);
    bench.feed(at(0), 1);
    bench.claim(at(0));
    assert!(bench.machine.plan(at(1)).lease.is_some());
    bench.machine.stop(at(10));
    bench.machine.lease_failed(at(10));
    assert_eq!(bench.machine.plan(at(10)).settle.len(), 1);
}

#[test]
fn what_a_lost_heartbeat_carried_goes_with_the_outcome() {
    for answered in [true, false] {
        let mut bench = Bench::new(1);
        bench.feed(at(0), 1);
        let id = bench.claim(at(0))[0];
        let progress = NewUpdate::Progress { progress: 50.0, message: None };
        bench.machine.report(id, progress.clone(), at(600));
        let sent = bench.machine.plan(at(700)).renew;
        assert_eq!((sent[0].updates.len(), sent[0].started), (1, Some(at(700))));
        bench.finish(id, at(710));
        assert!(bench.machine.plan(at(710)).settle.is_empty(), "the heartbeat goes first");
        let answers = answered.then(|| vec![Renewed::Held]);
        bench.machine.renewed(sent, answers, at(700), at(720));
        let settle = bench.machine.plan(at(720)).settle;
        let told = (settle[0].updates.len(), settle[0].started.is_some());
        assert_eq!(told, if answered { (0, false) } else { (1, true) });
    }
}

#[test]
fn a_completion_that_names_no_state_leaves_the_one_that_its_task_brought() {
    let mut bench = Bench::new(2);
    bench.machine.plan(at(0));
    let payload = |text: &str| Payload::new("state", text).unwrap();
    let mut leased = [bench.task(false), bench.task(false)];
    for one in &mut leased {
        one.task.state_key = Some("k".to_owned());
        one.state = Some(payload("1"));
    }
    leased[0].task.initial_state = Some(payload("0"));
    let ids: Vec<_> = leased.iter().map(|one| one.task.task_id).collect();
    bench.machine.leased(leased.into(), false, at(0), at(0));
    for id in bench.claim(at(0)) {
        bench.finish(id, at(1));
    }
    let settled = bench.machine.plan(at(1)).settle;
    let left: Vec<_> = settled
        .into_iter()
        .map(|settle| match settle.outcome {
            Outcome::Complete { state, .. } => (settle.task_id, state),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(left, [(ids[0], Some(payload("1"))), (ids[1], None)]);
}
