//! A store with a million tasks of every kind, and how soon its lists and counts answer.
//!
//! `cargo run --release -p windlass-sqlite --example million FILE [TASKS]` makes FILE when it is not
//! there, with TASKS tasks (default 1,000,000) that came in over three days, and prints the median time
//! of each question. `windlass serve --store sqlite:FILE` shows the same tasks.
//!
//! Of 1000 tasks, in each block of 1000: 940 completed, 25 failed, 5 cancelled, 25 pending, 5 scheduled.
//! Rare ones, ten thousand times rarer, are spread evenly; and there is one `legacy` task for each 1000,
//! all of them before everything else.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use windlass_core::engine::submit::{self, NewTask};
use windlass_core::engine::transition::Transition;
use windlass_core::engine::{cancel, settle};
use windlass_core::rules::ids::IdSource;
use windlass_core::store::{EnqueueGroup, LeaseOrder};
use windlass_core::{
    Clock, Cursor, Filter, LeaseRequest, LeasedTask, ManualClock, Outcome, Payload, RetryOptions,
    Settle, Store, SystemClock, TaskError, TaskSpec, TaskStatus,
};
use windlass_sqlite::{Durability, Options, SqliteStore};

const TENANT: &str = "default";
const BLOCK: usize = 1_000;
const SPAN: Duration = Duration::from_secs(3 * 24 * 3600);
const TYPES: [&str; 8] =
    ["email", "thumbnail", "import", "export", "invoice", "sync", "index", "notify"];
const QUEUES: [&str; 3] = ["default", "media", "mail"];
/// A page of the console.
const PAGE: u32 = 50;
/// Times that each question is asked.
const ROUNDS: usize = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = PathBuf::from(arguments.next().expect("FILE"));
    let tasks = arguments.next().map_or(1_000_000, |text| text.parse().expect("TASKS"));
    if !file.exists() {
        make(&file, tasks).await;
    }
    measure(&file).await;
}

async fn make(file: &Path, tasks: usize) {
    let clock = Arc::new(ManualClock::new(SystemClock.now().before(SPAN)));
    let options = Options { durability: Durability::Normal, clock: clock.clone() };
    let store = SqliteStore::open(file, options).unwrap();
    let ids = IdSource::default();
    let started = Instant::now();
    let mut submitting = Duration::ZERO;
    let legacy: Vec<TaskSpec> = (0..tasks / 1_000)
        .map(|i| TaskSpec::new("legacy", payload(i)).queue("legacy").label("legacy", "yes"))
        .collect();
    for specs in legacy.chunks(BLOCK) {
        enqueue(&store, &ids, clock.now(), specs.to_vec()).await;
    }
    let blocks = tasks / BLOCK;
    for block in 0..blocks {
        clock.advance(SPAN / u32::try_from(blocks).unwrap());
        let specs: Vec<TaskSpec> = (0..BLOCK).map(|i| spec(block * BLOCK + i)).collect();
        let before = Instant::now();
        let stored = enqueue(&store, &ids, clock.now(), specs).await;
        submitting += before.elapsed();
        let rows = store.get(TENANT, stored[940..945].to_vec()).await.unwrap();
        let cancelled = rows.iter().flatten().filter_map(cancel::decide).collect();
        store.settle(cancelled, None).await.unwrap();
        let mut leased = store.lease(order(&ids)).await.unwrap().tasks;
        // The newest stay where they are.
        leased.truncate(965);
        let (done, left): (Vec<_>, Vec<_>) = leased.iter().enumerate().partition(|(i, _)| *i < 940);
        let mut transitions: Vec<Transition> =
            done.iter().map(|(i, one)| complete(*i, one)).collect();
        transitions.extend(left.iter().map(|(i, one)| fail(block, *i, one)));
        store.settle(transitions, None).await.unwrap();
    }
    println!(
        "{tasks} tasks in {:.1} s, of which {:.1} s submitting",
        started.elapsed().as_secs_f64(),
        submitting.as_secs_f64()
    );
    store.close().await.unwrap();
}

fn payload(i: usize) -> Payload {
    Payload::trusted(format!("{{\"i\":{i},\"x\":\"{}\"}}", "y".repeat(92)))
}

fn spec(i: usize) -> TaskSpec {
    let place = i % BLOCK;
    let rare = i % 10_000 == 5_000;
    let task_type = if rare { "audit" } else { TYPES[i % TYPES.len()] };
    let queue = match place {
        _ if i % 10_000 == 7_500 => "legal",
        970.. => "later",
        _ => QUEUES[i % QUEUES.len()],
    };
    let mut spec = TaskSpec::new(task_type, payload(i))
        .queue(queue)
        .label("env", if i.is_multiple_of(2) { "prod" } else { "test" })
        .label("customer", format!("c{}", i % 997));
    if rare {
        spec = spec.label("vip", "yes");
    }
    if place >= 995 { spec.delay(Duration::from_secs(30 * 24 * 3600)) } else { spec }
}

async fn enqueue(
    store: &SqliteStore,
    ids: &IdSource,
    now: windlass_core::Timestamp,
    specs: Vec<TaskSpec>,
) -> Vec<windlass_core::TaskId> {
    let new = |spec| submit::decide(spec, TENANT, ids.task(now), None).unwrap();
    let tasks: Vec<NewTask> = specs.into_iter().map(new).collect();
    let group = EnqueueGroup { tenant: TENANT.to_owned(), tasks, depth_limit: None };
    let stored = store.enqueue(vec![group]).await.unwrap().remove(0).unwrap();
    stored.into_iter().map(|submission| submission.task_id).collect()
}

fn order(ids: &IdSource) -> LeaseOrder {
    let names = |few: &[&str], more: &[&str]| -> Vec<String> {
        few.iter().chain(more).map(|name| (*name).to_owned()).collect()
    };
    LeaseOrder {
        tenant: TENANT.to_owned(),
        request: LeaseRequest {
            worker: "worker-1".to_owned(),
            queues: names(&QUEUES, &["legal"]),
            handlers: names(&TYPES, &["audit"]),
            limit: 1_000,
            ttl: Duration::from_secs(3600),
            wait: Duration::ZERO,
            suspects: true,
        },
        token: ids.token(),
    }
}

fn complete(i: usize, one: &LeasedTask) -> Transition {
    let result = Payload::trusted(format!("{{\"ok\":{i}}}"));
    settle::complete(&settled(one, Outcome::complete(result)), TENANT).unwrap()
}

fn fail(block: usize, i: usize, one: &LeasedTask) -> Transition {
    let message = match (block % 100, i) {
        (50, 950) => "disk on fire".to_owned(),
        _ => format!("connection refused by host {}", i % 7),
    };
    let error = TaskError::new("handler_error", message).fatal();
    settle::decide(&one.task, &settled(one, Outcome::Fail { error }), 0.5)
}

fn settled(one: &LeasedTask, outcome: Outcome) -> Settle {
    Settle {
        task_id: one.task.task_id,
        token: one.token,
        outcome,
        started: Some(Duration::ZERO),
        updates: Vec::new(),
        declared: RetryOptions::default(),
    }
}

fn questions() -> Vec<(&'static str, Filter)> {
    use TaskStatus::{Cancelled, Completed, Failed, Pending, Running, Scheduled};
    let f = Filter::default;
    let some = |text: &str| Some(text.to_owned());
    let labels = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    let days = |days: u64| Some(SystemClock.now().before(Duration::from_secs(days * 24 * 3600)));
    vec![
        ("all", f()),
        ("label, half", Filter { labels: labels(&[("env", "prod")]), ..f() }),
        ("label, 1 of 1000", Filter { labels: labels(&[("customer", "c7")]), ..f() }),
        ("label, 1 of 10,000", Filter { labels: labels(&[("vip", "yes")]), ..f() }),
        ("label, the oldest", Filter { labels: labels(&[("legacy", "yes")]), ..f() }),
        (
            "labels, half and 1 of 10,000",
            Filter { labels: labels(&[("env", "prod"), ("vip", "yes")]), ..f() },
        ),
        (
            "labels, that never meet",
            Filter { labels: labels(&[("env", "test"), ("vip", "yes")]), ..f() },
        ),
        ("completed", Filter { status: vec![Completed], ..f() }),
        ("pending", Filter { status: vec![Pending], ..f() }),
        ("scheduled", Filter { status: vec![Scheduled], ..f() }),
        ("running, none", Filter { status: vec![Running], ..f() }),
        ("failed or cancelled", Filter { status: vec![Failed, Cancelled], ..f() }),
        ("type", Filter { task_type: some("email"), ..f() }),
        ("type, 1 of 10,000", Filter { task_type: some("audit"), ..f() }),
        ("type, the oldest", Filter { task_type: some("legacy"), ..f() }),
        ("type, none", Filter { task_type: some("nothing"), ..f() }),
        ("queue", Filter { queue: some("media"), ..f() }),
        ("queue, 1 of 10,000", Filter { queue: some("legal"), ..f() }),
        ("queue, the oldest", Filter { queue: some("legacy"), ..f() }),
        ("queue, none", Filter { queue: some("nothing"), ..f() }),
        ("queue and type", Filter { queue: some("media"), task_type: some("audit"), ..f() }),
        (
            "failed, type 1 of 10,000",
            Filter { status: vec![Failed], task_type: some("audit"), ..f() },
        ),
        ("failed, error of most", Filter { status: vec![Failed], error: some("refused"), ..f() }),
        ("error of most", Filter { error: some("refused"), ..f() }),
        ("error, 1 of 100,000", Filter { error: some("on fire"), ..f() }),
        ("error, none", Filter { error: some("nothing like it"), ..f() }),
        (
            "failed, error, none",
            Filter { status: vec![Failed], error: some("nothing like it"), ..f() },
        ),
        (
            "failed, error, type, queue",
            Filter {
                status: vec![Failed],
                error: some("refused"),
                task_type: some("email"),
                queue: some("default"),
                ..f()
            },
        ),
        (
            "label, failed",
            Filter { labels: labels(&[("env", "prod")]), status: vec![Failed], ..f() },
        ),
        (
            "label, type, failed, error",
            Filter {
                labels: labels(&[("env", "prod")]),
                status: vec![Failed],
                task_type: some("email"),
                error: some("refused"),
                ..f()
            },
        ),
        (
            "label, queue of the oldest",
            Filter { labels: labels(&[("env", "prod")]), queue: some("legacy"), ..f() },
        ),
        ("until two days ago", Filter { until: days(2), ..f() }),
        ("a day, failed", Filter { since: days(2), until: days(1), status: vec![Failed], ..f() }),
        (
            "completed, queue of the oldest",
            Filter { status: vec![Completed], queue: some("legacy"), ..f() },
        ),
        (
            "pending, queue of the oldest",
            Filter { status: vec![Pending], queue: some("legacy"), ..f() },
        ),
    ]
}

/// Median times of a first page, and of going on until a page has something or the list ends.
async fn measure(file: &Path) {
    let store = SqliteStore::open(file, Options::default()).unwrap();
    println!(
        "{:<32} {:>10} {:>6} {:>10} {:>6} {:>10} {:>8}",
        "first 50 of", "page ms", "rows", "filled ms", "pages", "ids ms", "count"
    );
    for (name, filter) in questions() {
        let (mut first, mut filled, mut counted) = (Vec::new(), Vec::new(), Vec::new());
        let (mut rows, mut pages, mut count) = (0, 0, 0);
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let page = store.list(TENANT, filter.clone(), None, PAGE).await.unwrap();
            first.push(start.elapsed());
            (rows, pages) = (page.tasks.len(), 1);
            let (mut all, mut next) = (rows, page.next);
            while let Some(cursor) = next.filter(|_| all < PAGE as usize) {
                let left = PAGE - all as u32;
                let page = store.list(TENANT, filter.clone(), Some(cursor), left).await.unwrap();
                (all, next, pages) = (all + page.tasks.len(), page.next, pages + 1);
            }
            filled.push(start.elapsed());
            let start = Instant::now();
            let mut next: Option<Option<Cursor>> = Some(None);
            count = 0;
            while let Some(cursor) = next.filter(|_| count < 100_000) {
                let found = store.find(TENANT, filter.clone(), cursor, 10_000).await.unwrap();
                count += found.ids.len();
                next = found.next.map(Some);
            }
            counted.push(start.elapsed());
        }
        println!(
            "{name:<32} {:>10.1} {rows:>6} {:>10.1} {pages:>6} {:>10.1} {count:>8}",
            median(&mut first),
            median(&mut filled),
            median(&mut counted)
        );
    }
    store.close().await.unwrap();
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}
