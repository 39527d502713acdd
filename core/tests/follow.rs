//! A follower of all tasks: each change of status once, in order, from when it began.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use windlass_core::future::BoxFuture;
use windlass_core::runtime::host::Host;
use windlass_core::{
    Client, Clock, Engine, EngineOptions, FollowOptions, Follower, LeaseRequest, LeasedTask,
    ManualClock, MemoryStore, NewUpdate, Outcome, Payload, Renewal, RetryOptions, Settle, Task,
    TaskError, TaskEvent, TaskEventKind, TaskSpec, TaskStatus, UpdateKind,
};

/// A host whose time passes as fast as it is asked for.
#[derive(Default)]
struct Hasty(Arc<AtomicU64>);

impl Host for Hasty {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let passed = self.0.clone();
        Box::pin(async move {
            tokio::task::yield_now().await;
            passed.fetch_add(duration.as_millis() as u64, Ordering::SeqCst);
        })
    }

    fn spawn(&self, future: BoxFuture<'static, ()>) {
        tokio::spawn(future);
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

struct Site {
    client: Client,
    clock: Arc<ManualClock>,
}

fn site() -> Site {
    let clock = Arc::new(ManualClock::default());
    let host = Arc::new(Hasty::default());
    let options = EngineOptions { manual: true, chance: || 0.5, ..EngineOptions::default() };
    let engine = Engine::new(Arc::new(MemoryStore::new(clock.clone())), host.clone(), options);
    Site { client: Client::new(engine, host, "default"), clock }
}

impl Site {
    fn pass(&self, seconds: f64) {
        self.clock.advance(Duration::from_secs_f64(seconds));
    }

    async fn submit(&self, spec: TaskSpec) -> String {
        self.client.submit(spec).await.unwrap().task_id.to_string()
    }

    async fn lease(&self, limit: u32) -> Vec<LeasedTask> {
        let request = LeaseRequest {
            worker: "w1".to_owned(),
            queues: vec!["default".to_owned(), "mail".to_owned()],
            handlers: vec!["work".to_owned(), "other".to_owned()],
            limit,
            ttl: Duration::from_secs(60),
            wait: Duration::ZERO,
            suspects: true,
        };
        self.client.lease(request).await.unwrap().tasks
    }

    async fn settle(&self, leased: &LeasedTask, outcome: Outcome) {
        let settle = Settle {
            task_id: leased.task.task_id,
            token: leased.token,
            outcome,
            started: None,
            updates: Vec::new(),
            declared: RetryOptions::default(),
        };
        // A lease that was lost meanwhile settles nothing.
        let _ = self.client.settle(vec![settle], None).await.unwrap();
    }

    async fn report(&self, leased: &LeasedTask, lines: usize) {
        let line = |i| NewUpdate::Log { level: Default::default(), message: format!("line {i}") };
        let renewal = Renewal {
            task_id: leased.task.task_id,
            token: leased.token,
            extend: None,
            started: Some(Duration::ZERO),
            updates: (0..lines).map(line).collect(),
        };
        self.client.renew(vec![renewal]).await.unwrap();
    }
}

fn spec() -> TaskSpec {
    TaskSpec::new("work", Payload::null())
}

fn done() -> Outcome {
    Outcome::complete(Payload::trusted("1"))
}

fn failure(fatal: bool) -> Outcome {
    let error = TaskError::new("handler_error", "boom");
    Outcome::Fail { error: if fatal { error.fatal() } else { error } }
}

/// What is told until nothing more comes.
async fn told(follower: &mut Follower) -> Vec<TaskEvent> {
    let mut events = Vec::new();
    loop {
        // Several looks fit into a second.
        match follower.next_within(Duration::from_secs(1)).await {
            Some(Some(event)) => events.push(event.unwrap()),
            Some(None) => return events,
            None => panic!("a follower never ends by itself"),
        }
    }
}

fn names(events: &[TaskEvent]) -> Vec<&'static str> {
    events.iter().map(|event| event.event.as_str().trim_start_matches("task.")).collect()
}

#[tokio::test]
async fn a_plain_life_is_told_from_the_row() {
    let site = site();
    let mut follower = site.client.follow(FollowOptions::default());
    let id = site.submit(spec()).await;
    let events = told(&mut follower).await;
    assert_eq!(names(&events), ["submitted"]);
    assert_eq!((events[0].seq, events[0].status), (1, TaskStatus::Pending));
    assert_eq!(events[0].task_id.to_string(), id);
    site.pass(1.0);
    let leased = site.lease(1).await.remove(0);
    assert!(told(&mut follower).await.is_empty(), "a lease is no start");
    site.report(&leased, 3).await;
    let events = told(&mut follower).await;
    assert_eq!(names(&events), ["started"]);
    assert_eq!((events[0].seq, events[0].attempt, events[0].worker.as_deref()), (2, 1, Some("w1")));
    assert_eq!(events[0].at, site.clock.now());
    site.report(&leased, 2).await;
    assert!(told(&mut follower).await.is_empty(), "log lines are no events");
    site.pass(1.0);
    site.settle(&leased, done()).await;
    let events = told(&mut follower).await;
    assert_eq!(names(&events), ["completed"]);
    let last = &events[0];
    assert_eq!((last.seq, last.at, last.worker.as_deref()), (8, site.clock.now(), Some("w1")));
    assert!(told(&mut follower).await.is_empty());
}

#[tokio::test]
async fn retries_snoozes_and_hand_backs_are_told_with_their_reasons() {
    let site = site();
    let mut follower = site.client.follow(FollowOptions::default());
    let id = site.submit(spec().max_retries(1)).await;
    let leased = site.lease(1).await.remove(0);
    site.settle(&leased, failure(false)).await;
    site.pass(1.0);
    site.client.sweep().await.unwrap();
    let leased = site.lease(1).await.remove(0);
    site.pass(1.0);
    site.settle(&leased, Outcome::Snooze { after: Duration::from_secs(5) }).await;
    site.pass(5.0);
    site.client.sweep().await.unwrap();
    let leased = site.lease(1).await.remove(0);
    site.settle(&leased, Outcome::HandBack).await;
    site.pass(1.0);
    let leased = site.lease(1).await.remove(0);
    site.settle(&leased, failure(false)).await;
    let events = told(&mut follower).await;
    let want = [
        "submitted",
        "started",
        "scheduled",
        "pending",
        "started",
        "scheduled",
        "pending",
        "pending",
        "started",
        "failed",
    ];
    assert_eq!(names(&events), want);
    assert_eq!(events[2].error.as_ref().map(|error| error.message.as_str()), Some("boom"));
    assert_eq!(events[5].message.as_deref(), Some("snoozed"));
    assert_eq!(events[7].message.as_deref(), Some("handed back"));
    assert!(events.iter().map(|event| event.seq).eq(1..=10));
    assert_eq!(events[9].error.as_ref().map(|error| error.code.as_str()), Some("handler_error"));
    site.pass(30.0);
    site.client.retry(&id).await.unwrap();
    let events = told(&mut follower).await;
    assert_eq!((names(&events), events[0].seq), (vec!["pending"], 11));
    site.client.cancel(&id).await.unwrap();
    assert_eq!(names(&told(&mut follower).await), ["cancelled"]);
}

#[tokio::test]
async fn what_was_before_it_began_is_not_told() {
    let site = site();
    let waiting = site.submit(spec().max_retries(3)).await;
    let early = site.lease(1).await.remove(0);
    site.report(&early, 200).await;
    site.submit(spec().delay(Duration::from_secs(600))).await;
    let ended = site.submit(spec()).await;
    site.client.cancel(&ended).await.unwrap();
    site.pass(0.001);
    let mut follower = site.client.follow(FollowOptions::default());
    assert!(told(&mut follower).await.is_empty());
    site.pass(1.0);
    site.settle(&early, failure(false)).await;
    let events = told(&mut follower).await;
    assert_eq!((names(&events), events[0].seq), (vec!["scheduled"], 203));
    assert_eq!(events[0].task_id.to_string(), waiting);
    // One that it did not know is told of from where it moves.
    site.pass(600.0);
    site.client.sweep().await.unwrap();
    for leased in site.lease(10).await {
        site.settle(&leased, done()).await;
    }
    let events = told(&mut follower).await;
    assert_eq!(events.iter().filter(|e| e.event == TaskEventKind::Pending).count(), 2);
    assert_eq!(events.iter().filter(|e| e.event == TaskEventKind::Completed).count(), 2);
    assert_eq!(events.len(), 6, "{:?}", names(&events));
}

#[tokio::test]
async fn only_the_queue_and_the_type_that_are_asked_for_are_told() {
    let site = site();
    let follow = |queue: Option<&str>, task_type: Option<&str>| {
        let own = |text: Option<&str>| text.map(str::to_owned);
        site.client.follow(FollowOptions {
            queue: own(queue),
            task_type: own(task_type),
            since: None,
        })
    };
    let mut mail = follow(Some("mail"), None);
    let mut other = follow(None, Some("other"));
    let mut both = follow(Some("mail"), Some("other"));
    let mut none = follow(Some("Mail"), None);
    for queue in ["default", "mail"] {
        for task_type in ["work", "other"] {
            site.submit(TaskSpec::new(task_type, Payload::null()).queue(queue)).await;
        }
    }
    for leased in site.lease(10).await {
        site.settle(&leased, done()).await;
    }
    let of = |events: &[TaskEvent]| {
        let mut seen: Vec<_> =
            events.iter().map(|e| (e.queue.clone(), e.task_type.clone())).collect();
        seen.dedup();
        seen.len() * 10 + events.len()
    };
    assert_eq!(told(&mut mail).await.iter().filter(|e| e.queue != "mail").count(), 0);
    assert_eq!(told(&mut other).await.len(), 6);
    assert_eq!(of(&told(&mut both).await), 13);
    assert!(told(&mut none).await.is_empty());
}

#[tokio::test]
async fn another_tenants_tasks_are_not_told() {
    let site = site();
    let host = site.client.host().clone();
    let other = Client::new(site.client.service().clone(), host, "other");
    let mut follower = other.follow(FollowOptions::default());
    site.submit(spec()).await;
    other.submit(spec()).await.unwrap();
    assert_eq!(names(&told(&mut follower).await), ["submitted"]);
}

#[tokio::test]
async fn thousands_that_wait_are_told_of_each_in_its_turn() {
    let site = site();
    let mut follower = site.client.follow(FollowOptions::default());
    let mut ids = Vec::new();
    for i in 0..1000 {
        ids.push(site.submit(spec().delay(Duration::from_secs(10 + i % 3))).await);
    }
    assert_eq!(told(&mut follower).await.len(), 1000);
    site.pass(20.0);
    for _ in 0..3 {
        site.client.sweep().await.unwrap();
    }
    let mut events = Vec::new();
    for _ in 0..5 {
        events.extend(told(&mut follower).await);
    }
    assert_eq!(events.len(), 1000);
    assert!(events.iter().all(|e| e.event == TaskEventKind::Pending && e.seq == 2));
}

#[tokio::test]
async fn beyond_what_it_remembers_nothing_is_told_twice() {
    let site = site();
    let mut follower = site.client.follow(FollowOptions::default());
    let mut seen = BTreeMap::new();
    let mut count = |events: Vec<TaskEvent>| {
        for event in events {
            *seen.entry((event.task_id, event.seq)).or_insert(0) += 1;
        }
    };
    for _ in 0..16 {
        let specs = (0..1000).map(|_| spec()).collect();
        site.client.submit_many(specs, Default::default()).await.unwrap();
        site.pass(0.5);
        count(told(&mut follower).await);
    }
    site.pass(60.0);
    for _ in 0..16 {
        for leased in site.lease(1000).await {
            site.settle(&leased, done()).await;
        }
        site.pass(0.5);
        count(told(&mut follower).await);
    }
    assert!(seen.values().all(|times| *times == 1));
    // 6,000 were forgotten, but what happened to them later is later than what was forgotten.
    assert_eq!(seen.len(), 3 * 16_000);
}

#[tokio::test]
async fn a_closed_client_ends_it() {
    let site = site();
    let mut follower = site.client.follow(FollowOptions::default());
    site.submit(spec()).await;
    assert_eq!(told(&mut follower).await.len(), 1);
    site.client.close().await.unwrap();
    assert_eq!(follower.next().await.unwrap().unwrap_err().code(), "client_closed");
    assert!(follower.next().await.is_none());
}

#[tokio::test]
async fn a_next_that_is_dropped_loses_nothing() {
    let site = site();
    let mut follower = site.client.follow(FollowOptions::default());
    for _ in 0..50 {
        site.submit(spec()).await;
    }
    let mut events = 0;
    while events < 50 {
        // Dropped at its first pause, wherever that is.
        if let Some(event) = futures_util::FutureExt::now_or_never(follower.next()) {
            event.unwrap().unwrap();
            events += 1;
        } else {
            tokio::task::yield_now().await;
            site.client.host().sleep(Duration::from_millis(100)).await;
        }
    }
    assert!(told(&mut follower).await.is_empty());
}

/// A small generator: the test must be repeatable, not unpredictable.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        // Source: Vigna, splitmix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

/// Does something to the tasks.
async fn act(site: &Site, dice: &mut Dice, held: &mut Vec<LeasedTask>, ids: &mut Vec<String>) {
    // Real instants differ: what happens to one task within a millisecond is not told apart.
    site.pass(0.002 + dice.below(2000) as f64 / 1000.0);
    match dice.below(12) {
        0..3 => {
            let mut spec = spec().max_retries(dice.below(3) as u32);
            if dice.below(4) == 0 {
                spec = spec.delay(Duration::from_millis(dice.below(9_000)));
            }
            ids.push(site.submit(spec).await);
        }
        3..5 => held.extend(site.lease(1 + dice.below(3) as u32).await),
        5 if !held.is_empty() => {
            let i = dice.below(held.len() as u64) as usize;
            site.report(&held[i], dice.below(90) as usize).await;
        }
        6..9 if !held.is_empty() => {
            let leased = held.swap_remove(dice.below(held.len() as u64) as usize);
            let outcome = match dice.below(8) {
                0..3 => done(),
                3 => failure(true),
                4 => failure(false),
                5 => Outcome::Snooze { after: Duration::from_millis(dice.below(3_000)) },
                6 => Outcome::HandBack,
                _ => Outcome::Cancel { reason: None },
            };
            site.settle(&leased, outcome).await;
        }
        9 if !ids.is_empty() => {
            let id = &ids[dice.below(ids.len() as u64) as usize];
            match dice.below(2) {
                0 => drop(site.client.cancel(id).await.unwrap()),
                _ => drop(site.client.retry(id).await),
            }
        }
        10 => site.pass(dice.below(40) as f64),
        _ => drop(site.client.sweep().await.unwrap()),
    }
}

/// Every change of status in a task's history.
async fn history(site: &Site, task: &Task) -> Vec<(u64, TaskStatus, u32)> {
    let service = site.client.service();
    let all = service.updates("default", task.task_id, 0, 1000, Duration::ZERO).await.unwrap();
    let status = |update: &windlass_core::Update| match &update.kind {
        UpdateKind::Status { status, attempt, .. } => Some((update.seq, *status, *attempt)),
        _ => None,
    };
    all.iter().filter_map(status).collect()
}

#[tokio::test]
async fn whatever_happens_each_change_is_told_once_and_in_order() {
    for seed in 0..40 {
        let (site, mut dice) = (site(), Dice(seed));
        let (mut held, mut ids) = (Vec::new(), Vec::new());
        let mut follower = site.client.follow(FollowOptions::default());
        let mut events = Vec::new();
        for _ in 0..300 {
            act(&site, &mut dice, &mut held, &mut ids).await;
            if dice.below(4) == 0 {
                events.extend(told(&mut follower).await);
            }
        }
        events.extend(told(&mut follower).await);
        let mut by_task: BTreeMap<String, Vec<(u64, TaskStatus, u32)>> = BTreeMap::new();
        for event in events {
            let line = by_task.entry(event.task_id.to_string()).or_default();
            line.push((event.seq, event.status, event.attempt));
        }
        for id in &ids {
            let task = site.client.get(id).await.unwrap();
            let told = by_task.remove(id).unwrap_or_default();
            assert_eq!(told, history(&site, &task).await, "seed {seed}, {task:#?}");
        }
        assert!(by_task.is_empty());
        assert!(ids.len() > 40, "a run that did nothing would prove nothing");
    }
}
