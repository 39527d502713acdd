//! Blocks of steps: by core's machine, and by the Rust face.

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};
use windlass::parallel::{BlockResult, Parallel, StepResult};
use windlass::rules::concurrency::{
    Hardware, base_batch_size, optimal_batch_size, optimal_concurrency,
};
use windlass::rules::strategy::{Answer, Asked, Block, Ended, StepTally, Strategy, Terms, judge};
use windlass::{Error, Result};

/// What a case gives.
struct Script {
    terms: Terms,
    steps: u32,
    ends: Vec<(u32, bool)>,
    answers: Vec<Answer>,
}

impl Script {
    fn read(input: &Value) -> Result<Self> {
        let block = &input["block"];
        let asked = Asked {
            strategy: block["strategy"].as_str().unwrap_or_default(),
            quorum: block["quorum"].as_i64(),
            rate_per_second: block["rate_per_second"].as_f64(),
            max_concurrency: block["max_concurrency"].as_i64().unwrap_or(10),
            timeout_seconds: block["timeout_seconds"].as_f64(),
            has_custom: input["answers"].is_array(),
        };
        let steps = input["steps"].as_u64().unwrap_or_default() as u32;
        let ends = input["ends"].as_array().into_iter().flatten();
        let answers = input["answers"].as_array().into_iter().flatten();
        Ok(Self {
            terms: Terms::parse(&asked, steps)?,
            steps,
            ends: ends
                .map(|end| Some((end[0].as_u64()? as u32, end[1].as_bool()?)))
                .collect::<Option<_>>()
                .ok_or_else(|| Error::internal("an end is a place and whether it succeeded"))?,
            answers: answers
                .map(|word| Answer::parse(word.as_str().unwrap_or_default()))
                .collect::<Result<_>>()?,
        })
    }
}

/// A case by the machine alone: its time stands still but where only time goes on.
pub(super) fn machine(input: &Value) -> Result<Value> {
    let script = Script::read(input)?;
    let mut block = Block::new(script.terms, script.steps)?;
    let mut results = vec!["cancelled"; script.steps as usize];
    let (mut granted, mut started, mut running, mut most) = (0, 0, 0, 0);
    let mut now = Duration::ZERO;
    let mut answers = script.answers.into_iter();
    let mut ends = script.ends.into_iter().peekable();
    let mut ended = Ended::default();
    let slots = script.terms.max_concurrency;
    loop {
        let plan = block.step(now, std::mem::take(&mut ended))?;
        // A quiet block grants more than may run at once.
        granted = granted.max(plan.start.end);
        let starts = (granted - started).min(slots - running);
        (started, running) = (started + starts, running + starts);
        most = most.max(running);
        if plan.verdict.is_some() {
            break;
        }
        match ends.peek().copied() {
            Some((place, succeeded)) if place < started => {
                ends.next();
                running -= 1;
                results[place as usize] = if succeeded { "completed" } else { "failed" };
                ended.first = Some(succeeded);
                if succeeded {
                    ended.completed = 1
                } else {
                    ended.failed = 1
                }
                if let Some(answer) = answers.next() {
                    block.answer(answer);
                }
            }
            _ => now = plan.wake.ok_or_else(|| Error::internal("the case never ends"))?,
        }
    }
    let lost = Ended { cancelled: block.running(), ..Ended::default() };
    block.step(now, lost)?;
    let tally = block.tally();
    let overall = block.verdict().map(|word| word.as_str());
    Ok(json!({
        "overall_status": overall,
        "counts": [tally.completed, tally.failed, tally.cancelled],
        "results": results,
        "most": most,
    }))
}

/// How many steps run, and the most that did.
#[derive(Default)]
struct Present {
    running: u32,
    most: u32,
}

struct Leaves(Rc<RefCell<Present>>);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.borrow_mut().running -= 1;
    }
}

/// A case by the Rust face, with real futures.
pub(super) async fn face(input: &Value) -> Result<Value> {
    let Script { terms, steps: count, ends, answers } = Script::read(input)?;
    let present = Rc::new(RefCell::new(Present::default()));
    let began: Vec<Rc<Notify>> = (0..count).map(|_| Rc::default()).collect();
    let (tell, told): (Vec<_>, Vec<_>) = (0..count).map(|_| oneshot::channel()).unzip();
    let steps: Vec<_> = began
        .iter()
        .cloned()
        .zip(told)
        .map(|(began, told)| step(present.clone(), began, told))
        .collect();
    let mut block = Parallel::new(terms.strategy).max_concurrency(terms.max_concurrency);
    if let Some(timeout) = terms.timeout {
        block = block.timeout(timeout);
    }
    let director = async {
        let mut tell: Vec<_> = tell.into_iter().map(Some).collect();
        for (place, succeeded) in ends {
            began[place as usize].notified().await;
            let tell = tell[place as usize].take().expect("a step ends once");
            let _ = tell.send(succeeded);
        }
        // What is not told waits for ever, not for a sender that is gone.
        pending::<()>().await;
        drop(tell);
    };
    let mut answers = answers.into_iter();
    let result = tokio::select! {
        biased;
        () = director => Err(Error::internal("the script ends with the block")),
        result = async {
            if terms.strategy == Strategy::Custom {
                let decide = |_: usize, _: &Outcome| answers.next().unwrap_or(Answer::KeepGoing);
                block.run_custom(steps, decide).await
            } else {
                block.run(steps).await
            }
        } => result,
    }?;
    let most = present.borrow().most;
    Ok(told_of(&result, most))
}

/// What a step comes to.
type Outcome = std::result::Result<(), &'static str>;

async fn step(
    present: Rc<RefCell<Present>>,
    began: Rc<Notify>,
    told: oneshot::Receiver<bool>,
) -> Outcome {
    {
        let mut now = present.borrow_mut();
        now.running += 1;
        now.most = now.most.max(now.running);
    }
    let _leaves = Leaves(present);
    began.notify_one();
    match told.await {
        Ok(true) => Ok(()),
        _ => Err("told to fail"),
    }
}

fn told_of(block: &BlockResult<(), &'static str>, most: u32) -> Value {
    let results: Vec<&str> = block.results.iter().map(StepResult::status).collect();
    json!({
        "overall_status": block.overall.as_str(),
        "counts": [block.completed, block.failed, block.cancelled],
        "results": results,
        "most": most,
    })
}

/// The verdict on a tally.
pub(super) fn verdict(input: &Value) -> Result<Value> {
    let word = input["strategy"].as_str().unwrap_or_default();
    let strategy = Strategy::parse(word, None, None, 10)?;
    let count = |at: usize| input["tally"][at].as_u64().unwrap_or_default() as u32;
    let tally = StepTally {
        total: input["total"].as_u64().unwrap_or_default() as u32,
        completed: count(0),
        failed: count(1),
        cancelled: count(2),
        first: input["first"].as_bool(),
    };
    Ok(json!(judge(&strategy, &tally).map(|word| word.as_str())))
}

/// The concurrency for a kind of work on a machine.
pub(super) fn concurrency(input: &Value) -> Value {
    let number = |name: &str| input[name].as_u64().and_then(|n| u32::try_from(n).ok());
    let hardware = Hardware {
        cores_physical: number("cores_physical"),
        cores_logical: number("cores_logical").unwrap_or_default(),
        memory_gb: input["memory_gb"].as_f64().unwrap_or_default(),
    };
    json!(optimal_concurrency(input["kind"].as_str().unwrap_or_default(), &hardware))
}

/// The size of batches for a kind of work and so many items.
pub(super) fn batch_size(input: &Value) -> Value {
    let base = base_batch_size(input["kind"].as_str().unwrap_or_default());
    json!(optimal_batch_size(base, input["items"].as_u64().unwrap_or_default()))
}
