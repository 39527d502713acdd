//! Blocks of futures.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::oneshot;
use windlass::Error;
use windlass::parallel::{Answer, BlockResult, Overall, Parallel, StepResult, Strategy};

type Step<'a> = Pin<Box<dyn Future<Output = Result<u32, &'static str>> + 'a>>;

/// Steps that end when they are told to, and tell that they started and were dropped.
struct Stage {
    ends: Vec<Option<oneshot::Sender<Result<u32, &'static str>>>>,
    waits: Vec<Option<oneshot::Receiver<Result<u32, &'static str>>>>,
    running: Rc<Cell<usize>>,
    most: Rc<Cell<usize>>,
}

/// Counts a step down when it ends or is dropped.
struct Present(Rc<Cell<usize>>);

impl Drop for Present {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Stage {
    fn new(steps: usize) -> Self {
        let (ends, waits) =
            (0..steps).map(|_| oneshot::channel()).map(|(e, w)| (Some(e), Some(w))).unzip();
        Self { ends, waits, running: Rc::default(), most: Rc::default() }
    }

    fn steps(&mut self) -> Vec<Step<'static>> {
        self.waits
            .iter_mut()
            .map(|wait| {
                let wait = wait.take().unwrap();
                let (running, most) = (self.running.clone(), self.most.clone());
                Box::pin(async move {
                    running.set(running.get() + 1);
                    most.set(most.get().max(running.get()));
                    let _present = Present(running);
                    wait.await.unwrap_or(Err("never told"))
                }) as Step<'static>
            })
            .collect()
    }

    fn end(&mut self, step: usize, outcome: Result<u32, &'static str>) {
        let told = self.ends[step].take().unwrap().send(outcome);
        assert!(told.is_ok(), "step {step} was gone");
    }
}

/// Runs a block, ending steps in a given order, each after the block has looked at the one before.
async fn play(
    block: Parallel,
    steps: usize,
    script: &[(usize, Result<u32, &'static str>)],
) -> (BlockResult<u32, &'static str>, usize, usize) {
    let mut stage = Stage::new(steps);
    let run = block.run(stage.steps());
    let script = script.to_vec();
    let mut stage_of = stage;
    let (running, most) = (stage_of.running.clone(), stage_of.most.clone());
    let director = async {
        for (step, outcome) in script {
            tokio::task::yield_now().await;
            stage_of.end(step, outcome);
        }
        // What is not told to end waits for ever, not for a sender that is gone.
        pending::<()>().await;
    };
    let result = tokio::select! {
        result = run => result.unwrap(),
        () = director => unreachable!(),
    };
    (result, running.get(), most.get())
}

fn statuses<T, E>(block: &BlockResult<T, E>) -> Vec<&'static str> {
    block.results.iter().map(StepResult::status).collect()
}

// PAR-20, PAR-21
#[tokio::test]
async fn all_runs_everything_in_the_order_of_its_steps() {
    let block = Parallel::new(Strategy::All).max_concurrency(2);
    let script = [(1, Ok(1)), (0, Err("no")), (3, Ok(3)), (2, Ok(2))];
    let (result, running, most) = play(block, 4, &script).await;
    assert_eq!(result.overall, Overall::Partial);
    assert_eq!((result.completed, result.failed, result.cancelled), (3, 1, 0));
    assert_eq!(statuses(&result), ["failed", "completed", "completed", "completed"]);
    assert_eq!(result.results[0].failed(), Some(&"no"));
    assert_eq!((running, most), (0, 2));
    assert_eq!(result.values().collect::<Vec<_>>(), [1, 2, 3]);
}

// PAR-22
#[tokio::test]
async fn any_success_drops_the_losers_and_starts_nothing_more() {
    let block = Parallel::new(Strategy::AnySuccess).max_concurrency(2);
    let (result, running, most) = play(block, 5, &[(0, Err("no")), (2, Ok(7))]).await;
    assert_eq!(result.overall, Overall::Completed);
    assert_eq!(statuses(&result), ["failed", "cancelled", "completed", "cancelled", "cancelled"]);
    assert_eq!((running, most), (0, 2));
}

// PAR-23
#[tokio::test]
async fn a_race_may_be_won_by_a_failure() {
    let block = Parallel::new(Strategy::Race);
    let (result, running, _) = play(block, 3, &[(1, Err("first"))]).await;
    assert_eq!(result.overall, Overall::Failed);
    assert_eq!(statuses(&result), ["cancelled", "failed", "cancelled"]);
    assert_eq!((running, result.cancelled), (0, 2));
}

#[tokio::test]
async fn a_quorum_ends_when_enough_succeeded_or_no_longer_can() {
    let block = Parallel::new(Strategy::Quorum(2));
    let (result, _, _) = play(block, 4, &[(3, Ok(3)), (0, Err("no")), (1, Ok(1))]).await;
    assert_eq!(result.overall, Overall::Completed);
    assert_eq!(statuses(&result), ["failed", "completed", "cancelled", "completed"]);
    let (result, _, _) = play(block, 3, &[(0, Err("no")), (1, Err("no"))]).await;
    assert_eq!((result.overall, result.cancelled), (Overall::Failed, 1));
}

// PAR-24
#[tokio::test]
async fn a_throttled_block_starts_at_its_rate_and_in_order() {
    let starts = RefCell::new(Vec::new());
    let started = &starts;
    let steps = (0..5u32).map(|n| async move {
        started.borrow_mut().push(n);
        Ok::<u32, ()>(n)
    });
    let throttled = Strategy::Throttled { per_second: 100.0 };
    let result = Parallel::new(throttled).run(steps).await.unwrap();
    assert_eq!((result.overall, result.completed), (Overall::Completed, 5));
    // The fifth start is due four hundredths of a second after the first.
    assert!(result.elapsed >= Duration::from_millis(40));
    assert_eq!(starts.into_inner(), [0, 1, 2, 3, 4]);
}

// PAR-25
#[tokio::test]
async fn a_custom_block_asks_after_each_finish() {
    let mut told = Vec::new();
    let steps = vec![ready(Ok(1)), ready(Err("no")), ready(Ok(3)), ready(Ok(4))];
    let decide = |place: usize, outcome: &Result<u32, &'static str>| {
        told.push((place, *outcome));
        if place == 2 { Answer::Satisfied } else { Answer::KeepGoing }
    };
    let block = Parallel::new(Strategy::Custom).max_concurrency(1);
    let result = block.run_custom(steps, decide).await.unwrap();
    assert_eq!(result.overall, Overall::Completed);
    assert_eq!(statuses(&result), ["completed", "failed", "completed", "cancelled"]);
    assert_eq!(told, [(0, Ok(1)), (1, Err("no")), (2, Ok(3))]);
}

// PAR-13
#[tokio::test]
async fn a_timeout_keeps_what_finished() {
    let steps: Vec<Step<'_>> = vec![Box::pin(ready(Ok(1))), Box::pin(pending())];
    let block = Parallel::new(Strategy::All).timeout(Duration::from_millis(20));
    let result = block.run(steps).await.unwrap();
    assert_eq!(result.overall, Overall::Timeout);
    assert_eq!(statuses(&result), ["completed", "cancelled"]);
    assert!(result.elapsed >= Duration::from_millis(20));
}

#[tokio::test]
async fn a_timeout_also_ends_steps_that_are_always_awake() {
    let steps = (0..3).map(|_| async {
        loop {
            tokio::task::yield_now().await;
        }
        #[allow(unreachable_code)]
        Ok::<u32, ()>(0)
    });
    let block = Parallel::new(Strategy::Race).timeout(Duration::from_millis(20));
    let result = block.run(steps).await.unwrap();
    assert_eq!((result.overall, result.cancelled), (Overall::Timeout, 3));
}

#[tokio::test]
async fn steps_that_are_ready_at_once_leave_their_turn_to_others() {
    let seen = Cell::new(0u32);
    let steps = (0..100_000u32).map(|n| {
        seen.set(seen.get() + 1);
        ready(Ok::<u32, ()>(n))
    });
    let block = Parallel::new(Strategy::All).max_concurrency(100);
    let watch = async {
        tokio::task::yield_now().await;
        seen.get()
    };
    let (result, then) = tokio::join!(block.run(steps), watch);
    assert_eq!(result.unwrap().completed, 100_000);
    assert!(then < 100_000, "the other future ran before all steps had");
}

#[tokio::test]
async fn a_step_that_woke_is_not_kept_waiting_by_those_that_start() {
    let order = RefCell::new(Vec::new());
    let order_of = &order;
    let steps = (0..10_000u32).map(move |n| async move {
        if n == 0 {
            tokio::task::yield_now().await;
        }
        order_of.borrow_mut().push(n);
        Ok::<u32, ()>(n)
    });
    Parallel::new(Strategy::All).max_concurrency(2).run(steps).await.unwrap();
    let place = order.borrow().iter().position(|n| *n == 0).unwrap();
    assert!(place < 1_000, "the first step ended as number {place}");
}

#[tokio::test]
async fn futures_are_made_when_their_turn_comes() {
    let made = Cell::new(0u32);
    let steps = (0..50u32).map(|n| {
        made.set(made.get() + 1);
        ready(if n == 4 { Ok(n) } else { Err("no") })
    });
    let block = Parallel::new(Strategy::AnySuccess).max_concurrency(2);
    let result = block.run(steps).await.unwrap();
    assert_eq!((result.overall, made.get()), (Overall::Completed, 5));
}

#[tokio::test]
async fn an_empty_block_is_completed() {
    let none: Vec<Step<'_>> = Vec::new();
    let result = Parallel::new(Strategy::Race).run(none).await.unwrap();
    assert_eq!((result.overall, result.results.len()), (Overall::Completed, 0));
}

#[test]
fn no_runtime_is_needed_without_a_timeout() {
    let steps = (0..10u32).map(|n| ready(Ok::<u32, ()>(n)));
    let block = Parallel::new(Strategy::All);
    let run = std::pin::pin!(block.run(steps));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(run.poll(&mut context).is_ready());
}

#[tokio::test]
async fn bad_input_names_its_field_and_runs_nothing() {
    let steps = || (0..3u32).map(|_| async { panic!("a step ran") as Result<u32, ()> });
    let zero = Duration::ZERO;
    let rate = f64::NAN;
    let table = [
        (Parallel::new(Strategy::All).max_concurrency(0), "max_concurrency"),
        (Parallel::new(Strategy::All).timeout(zero), "timeout_seconds"),
        (Parallel::new(Strategy::Quorum(5)), "quorum"),
        (Parallel::new(Strategy::Quorum(0)), "quorum"),
        (Parallel::new(Strategy::Throttled { per_second: rate }), "rate_per_second"),
        (Parallel::new(Strategy::Custom), "custom"),
    ];
    for (block, wrong) in table {
        match block.run(steps()).await {
            Err(Error::InvalidArgument { field, .. }) => assert_eq!(field, wrong),
            other => panic!("expected invalid_argument, got {other:?}"),
        }
    }
    let custom = Parallel::new(Strategy::All).run_custom(steps(), |_, _| Answer::Failed).await;
    assert!(matches!(custom, Err(Error::InvalidArgument { field, .. }) if field == "custom"));
}
