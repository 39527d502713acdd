//! Futures with dependencies, on a pool that grows and shrinks.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::task::yield_now;
use windlass::Error;
use windlass::dynamic::{DynamicExecutor, ExecutionError, ExecutionTask, Priority};

/// Longer than any test.
const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(20);

type Answer = Result<u32, &'static str>;
type Task<'a> = ExecutionTask<Pin<Box<dyn Future<Output = Answer> + 'a>>>;

/// A task of any code, on this thread only.
fn local<'a>(task_id: &str, future: impl Future<Output = Answer> + 'a) -> Task<'a> {
    ExecutionTask::new(task_id, Box::pin(future))
}

/// Counts down when its task ends or is dropped.
struct Present<'a>(&'a Cell<u32>);

impl<'a> Present<'a> {
    fn new(count: &'a Cell<u32>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

// DYN-05, DYN-06, DYN-08, DYN-09
#[tokio::test]
async fn the_most_urgent_task_starts_next_once_its_dependencies_completed() {
    let order = RefCell::new(Vec::new());
    let order = &order;
    let task = |name: &'static str| {
        ExecutionTask::new(name, async move {
            yield_now().await;
            order.borrow_mut().push(name);
            Answer::Ok(name.len() as u32)
        })
    };
    let tasks = [
        task("low").priority(Priority::Low),
        task("last").priority(Priority::Critical).dependencies(["normal", "background"]),
        task("background").priority(Priority::Background),
        task("normal"),
        task("second"),
        task("high").priority(Priority::High),
        task("critical").priority(Priority::Critical).dependencies(["high"]),
    ];
    let done = DynamicExecutor::new().max_workers(1).run(tasks).await.unwrap();
    let expected = ["high", "critical", "normal", "second", "low", "background", "last"];
    assert_eq!(*order.borrow(), expected);
    assert!(done.is_success() && !done.timed_out);
    assert_eq!((done.results.len(), done.results["critical"]), (7, 8));
    assert_eq!(done.metrics.peak_workers, 1);
}

// DYN-01, DYN-02, DYN-03
#[tokio::test]
async fn no_more_run_at_once_than_the_pool_has_workers() {
    let (running, most) = (Cell::new(0), Cell::new(0));
    // Three pass together, or none.
    let gate = Barrier::new(3);
    let tasks = (0..9).map(|n: u32| {
        let (running, most, gate) = (&running, &most, &gate);
        ExecutionTask::new(n.to_string(), async move {
            let _present = Present::new(running);
            most.set(most.get().max(running.get()));
            gate.wait().await;
            Answer::Ok(n)
        })
    });
    let executor = DynamicExecutor::new().min_workers(3).max_workers(3);
    let done = executor.run(tasks).await.unwrap();
    assert_eq!((done.results.len(), most.get(), running.get()), (9, 3, 0));
    let metrics = done.metrics;
    assert_eq!((metrics.total, metrics.completed, metrics.failed), (9, 9, 0));
    assert_eq!((metrics.running, metrics.waiting, metrics.peak_workers), (0, 0, 3));
    assert!(metrics.wall_seconds > 0.0 && metrics.throughput_per_second > 0.0);
}

// DYN-10
#[tokio::test]
async fn the_pool_grows_with_its_tasks_and_shrinks_without() {
    let gate = Barrier::new(4);
    let tasks = (0..4).map(|n: u32| {
        let gate = &gate;
        ExecutionTask::new(n.to_string(), async move {
            gate.wait().await;
            if n == 0 {
                // Workers without a task are kept for a second.
                tokio::time::sleep(Duration::from_millis(1100)).await;
            }
            Answer::Ok(n)
        })
    });
    let done = DynamicExecutor::new().timeout(LONG).run(tasks).await.unwrap();
    assert_eq!((done.metrics.peak_workers, done.metrics.workers), (4, 1));
    assert!(done.metrics.utilisation > 0.0 && done.metrics.utilisation < 1.0);
}

// DYN-05
#[tokio::test]
async fn tasks_that_run_never_need_more_memory_together_than_there_is() {
    let (used, most) = (Cell::new(0), Cell::new(0));
    let tasks = [(60, "a"), (60, "b"), (40, "c"), (100, "d"), (1, "e")].map(|(needs, name)| {
        let (used, most) = (&used, &most);
        let task = ExecutionTask::new(name, async move {
            used.set(used.get() + needs);
            most.set(most.get().max(used.get()));
            yield_now().await;
            used.set(used.get() - needs);
            Answer::Ok(needs)
        });
        task.memory_requirement_mb(f64::from(needs))
    });
    let executor = DynamicExecutor::new().memory_limit_mb(100.0);
    let done = executor.run(tasks).await.unwrap();
    assert_eq!((done.results.len(), most.get()), (5, 100));
    assert!((done.metrics.peak_reserved_mb - 100.0).abs() < 1e-6, "{:?}", done.metrics);
}

// DYN-02, DYN-09
#[tokio::test]
async fn what_depends_on_a_failure_is_cancelled_and_the_rest_goes_on() {
    let done = DynamicExecutor::new()
        .run([
            ExecutionTask::boxed("report", async { Answer::Ok(1) }).dependencies(["check"]),
            ExecutionTask::boxed("mail", async { Ok(2) }).dependencies(["other", "report"]),
            ExecutionTask::boxed("check", async { Err("no amount") }),
            ExecutionTask::boxed("other", async { Ok(4) }),
        ])
        .await
        .unwrap();
    assert_eq!(done.results.into_iter().collect::<Vec<_>>(), [("other".to_owned(), 4)]);
    assert_eq!(done.errors["check"], ExecutionError::Failed("no amount"));
    assert_eq!(done.errors["report"], ExecutionError::Unmet("check".to_owned()));
    assert_eq!(done.errors["mail"], ExecutionError::Unmet("report".to_owned()));
    let told = done.errors["mail"].to_string();
    assert_eq!(told, "it depends on task report, which did not complete");
    let codes: Vec<_> = done.errors.values().map(ExecutionError::code).collect();
    assert_eq!(codes, ["handler_error", "task_cancelled", "task_cancelled"]);
    let metrics = done.metrics;
    assert_eq!((metrics.completed, metrics.failed, metrics.cancelled), (1, 1, 2));
}

// DYN-05
#[tokio::test]
async fn a_task_that_runs_too_long_is_dropped_and_its_place_and_memory_are_free() {
    let running = Cell::new(0);
    let endless = async {
        let _present = Present::new(&running);
        pending::<()>().await;
        Answer::Ok(0)
    };
    let next = async { Answer::Ok(running.get()) };
    let tasks = [
        local("endless", endless).timeout(SHORT).memory_requirement_mb(10.0),
        local("next", next).memory_requirement_mb(10.0),
        local("never", async { Ok(1) }).dependencies(["endless"]),
    ];
    let executor = DynamicExecutor::new().max_workers(1).memory_limit_mb(10.0);
    let done = executor.run(tasks).await.unwrap();
    assert_eq!((running.get(), done.results["next"]), (0, 0));
    assert_eq!(done.errors["endless"], ExecutionError::TimedOut(SHORT));
    assert_eq!(done.errors["endless"].code(), "task_timeout");
    assert_eq!(done.errors["never"], ExecutionError::Unmet("endless".to_owned()));
    assert!(!done.timed_out);
    assert_eq!((done.metrics.timed_out, done.metrics.failed), (1, 1));
}

// DYN-02
#[tokio::test]
async fn when_the_time_of_a_run_is_over_it_keeps_what_completed() {
    let running = Cell::new(0);
    let tasks = ["quick", "endless", "after", "behind"].map(|name| {
        let running = &running;
        let task = ExecutionTask::new(name, async move {
            let _present = Present::new(running);
            if name != "quick" {
                pending::<()>().await;
            }
            Answer::Ok(1)
        });
        if name == "after" { task.dependencies(["endless"]) } else { task }
    });
    let executor = DynamicExecutor::new().max_workers(1).timeout(SHORT);
    let done = executor.run(tasks).await.unwrap();
    assert!(done.timed_out && !done.is_success());
    assert_eq!((running.get(), done.results.len(), done.results["quick"]), (0, 1, 1));
    assert_eq!(done.errors.len(), 3);
    assert!(done.errors.values().all(|error| *error == ExecutionError::Stopped));
    assert_eq!((done.metrics.completed, done.metrics.cancelled), (1, 3));
}

/// The field and the reason for which tasks are refused; none of them runs.
async fn refused(
    executor: DynamicExecutor,
    change: impl Fn(usize, Task<'static>) -> Task<'static>,
) -> (String, String) {
    let ran = Rc::new(Cell::new(false));
    let tasks = ["a", "b", "c"].into_iter().enumerate().map(|(at, name)| {
        let ran = ran.clone();
        let runs = async move {
            ran.set(true);
            Answer::Ok(0)
        };
        change(at, local(name, runs))
    });
    let error = executor.run(tasks).await.unwrap_err();
    assert!(!ran.get(), "{error}");
    match error {
        Error::InvalidArgument { field, reason } => (field, reason),
        other => panic!("{other}"),
    }
}

// DYN-05, DYN-09
#[tokio::test]
async fn what_cannot_run_is_refused_by_name_before_anything_runs() {
    let plain = DynamicExecutor::new();
    let depend = |ids: [&'static str; 3]| {
        refused(plain, move |at, task| task.dependencies(Some(ids[at]).filter(|id| !id.is_empty())))
    };
    let (field, reason) = depend(["c", "a", "b"]).await;
    assert_eq!(field, "dependencies");
    assert!(["a", "b", "c"].iter().all(|id| reason.contains(id)), "{reason}");
    let (field, reason) = depend(["", "nobody", ""]).await;
    assert_eq!(field, "dependencies");
    assert!(reason.contains("nobody") && reason.contains('b'), "{reason}");
    let (field, reason) = depend(["", "b", ""]).await;
    assert_eq!(field, "dependencies");
    assert!(reason.contains('b'), "{reason}");
    let again = |_, _| local("twice", async { Ok(0) });
    let (field, reason) = refused(plain, again).await;
    assert_eq!(field, "task_id");
    assert!(reason.contains("twice"), "{reason}");

    let change = |_, task: Task<'static>| task.memory_requirement_mb(11.0);
    let (field, reason) = refused(plain.memory_limit_mb(10.0), change).await;
    assert_eq!(field, "memory_requirement_mb");
    assert!(reason.contains("11") && reason.contains("10"), "{reason}");
    let (field, _) = refused(plain, |_, task| task.memory_requirement_mb(f64::NAN)).await;
    assert_eq!(field, "memory_requirement_mb");
    let (field, _) = refused(plain, |_, task| task.timeout(Duration::ZERO)).await;
    assert_eq!(field, "timeout_seconds");
    for (executor, name) in [
        (plain.min_workers(0), "min_workers"),
        (plain.min_workers(4).max_workers(3), "max_workers"),
        (plain.memory_limit_mb(0.0), "memory_limit_mb"),
        (plain.timeout(Duration::ZERO), "timeout"),
    ] {
        assert_eq!(refused(executor, |_, task| task).await.0, name);
    }
}

// DYN-04
#[tokio::test]
async fn a_run_tells_what_to_change() {
    let tasks = (0..4).map(|n: u32| {
        let task =
            ExecutionTask::new(n.to_string(), async move { if n < 2 { Err("no") } else { Ok(n) } });
        task.estimated_duration(LONG)
    });
    let said = DynamicExecutor::new().run(tasks).await.unwrap().recommendations;
    assert_eq!(said.first().unwrap(), "2 of 4 tasks failed: look at their errors first");
    assert!(said.last().unwrap().contains("estimated_duration"), "{said:?}");

    let none = DynamicExecutor::new().run(Vec::<Task<'_>>::new()).await.unwrap();
    assert!(none.is_success() && none.recommendations.is_empty());
}

#[test]
fn a_run_without_a_timeout_needs_no_runtime_and_gives_others_their_turn() {
    let tasks = (0..1000).map(|n: u32| {
        let task = ExecutionTask::new(n.to_string(), async move { Answer::Ok(n) });
        if n == 0 { task } else { task.dependencies([(n - 1).to_string()]) }
    });
    let executor = DynamicExecutor::new();
    let mut run = pin!(executor.run(tasks));
    let mut context = Context::from_waker(Waker::noop());
    for turn in 0..1000 {
        if let Poll::Ready(done) = run.as_mut().poll(&mut context) {
            assert!(turn > 1, "one turn has all polls");
            assert_eq!(done.unwrap().results.len(), 1000);
            return;
        }
    }
    panic!("it waits for something");
}

#[tokio::test]
async fn a_run_that_is_dropped_drops_its_tasks() {
    let running = Cell::new(0);
    let tasks = (0..3).map(|n: u32| {
        let running = &running;
        ExecutionTask::new(n.to_string(), async move {
            let _present = Present::new(running);
            pending::<()>().await;
            Answer::Ok(n)
        })
    });
    {
        let executor = DynamicExecutor::new();
        let mut run = pin!(executor.run(tasks));
        let polled = poll_fn(|context| Poll::Ready(run.as_mut().poll(context))).await;
        assert!(polled.is_pending());
        assert_eq!(running.get(), 3);
    }
    assert_eq!(running.get(), 0);
}

#[tokio::test]
async fn a_run_may_be_spawned_and_have_no_end_in_sight() {
    let run = tokio::spawn(async {
        let tasks = [
            ExecutionTask::boxed("a", async { Answer::Ok(1) }).timeout(Duration::MAX),
            ExecutionTask::boxed("b", async { Ok(2) }).dependencies(["a"]),
        ];
        DynamicExecutor::new().timeout(Duration::MAX).run(tasks).await
    });
    let done = run.await.unwrap().unwrap();
    assert_eq!(done.results.values().sum::<u32>(), 3);
}
